//! Texts as cells of tables that people open in a spreadsheet program: none becomes a formula there.

use std::borrow::Cow;

/// What a text is written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Medium {
    /// csv, where a cell has no type: what looks like a formula gets an apostrophe in front.
    Csv,
    /// xlsx, where the cell is written as text (type string): it needs no mark, but has a greatest length.
    Xlsx,
}

/// Characters an xlsx cell can hold.
const LONGEST_XLSX: usize = 32_767;

/// Returns `text` as it may be written into a cell. Every text that goes into a csv or xlsx file passes here.
///
/// In csv a text that a spreadsheet program would calculate (leading `=`, `+`, `-`, `@`, their full-width forms, tab,
/// carriage return or line feed, also behind spaces) gets a leading `'`; [`plain_cell`] takes it off again. Control
/// characters other than tab and line breaks become U+FFFD.
#[must_use]
pub fn safe_cell(text: &str, medium: Medium) -> Cow<'_, str> {
    let unprintable = |letter: char| letter.is_control() && !matches!(letter, '\t' | '\r' | '\n');
    let text = if text.chars().any(unprintable) {
        Cow::Owned(text.replace(unprintable, "\u{FFFD}"))
    } else {
        Cow::Borrowed(text)
    };
    match medium {
        // A text that already begins like a marked one is marked too, so that taking the mark off gives it back.
        Medium::Csv if calculates(text.trim_start_matches('\'')) => Cow::Owned(format!("'{text}")),
        Medium::Csv => text,
        Medium::Xlsx => match text.char_indices().nth(LONGEST_XLSX) {
            Some((end, _)) => Cow::Owned(text.get(..end).unwrap_or_default().to_owned()),
            None => text,
        },
    }
}

/// Returns a cell of a csv file without the mark [`safe_cell`] puts before what looks like a formula.
#[must_use]
pub fn plain_cell(text: &str) -> &str {
    match text.strip_prefix('\'') {
        Some(marked) if calculates(marked.trim_start_matches('\'')) => marked,
        _ => text,
    }
}

/// Says whether a spreadsheet program would take this text for a formula.
#[must_use]
pub fn calculates(text: &str) -> bool {
    text.starts_with(['\t', '\r', '\n']) || text.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_looks_like_a_formula_is_marked_in_csv() {
        for text in [
            "=cmd|'/c calc'!A1",
            "+1",
            "-5",
            "@SUM(A1)",
            "\t=1",
            "\r1",
            "\n1",
            "  =1",
            "＝1",
            "\u{3000}=1",
            "'=1",
            "''+1",
        ] {
            assert_eq!(safe_cell(text, Medium::Csv), format!("'{text}"));
        }
        for text in ["GD20240722000001", "B-020", "", "'ok", "1=1", "北京"] {
            assert_eq!(safe_cell(text, Medium::Csv), text);
        }
    }

    #[test]
    fn in_xlsx_nothing_is_marked_and_everything_fits() {
        assert_eq!(safe_cell("=1", Medium::Xlsx), "=1");
        assert_eq!(safe_cell(&"长".repeat(40_000), Medium::Xlsx).chars().count(), LONGEST_XLSX);
        assert_eq!(safe_cell("a\u{0}b", Medium::Xlsx), "a\u{FFFD}b");
    }

    proptest! {
        #[test]
        fn a_marked_text_is_harmless_and_comes_back(text in "['=+\\-@\t\r a＝]{0,4}[^\\x00-\\x1f\\x7f-\\x9f]{0,8}") {
            let written = safe_cell(&text, Medium::Csv);
            prop_assert!(!calculates(&written));
            prop_assert_eq!(plain_cell(&written), &text);
        }
    }
}
