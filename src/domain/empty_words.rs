//! Words that people write into a cell or field which may stay empty, and texts that were lost on the way (docs/FACTS.md): one
//! reading for sheets, forms and the API.

use super::name_key::{is_zero_width, narrow};

/// The words, in NFKC and capitals.
const WORDS: [&str; 16] =
    ["无", "暂无", "没有", "不详", "未知", "未填", "/", "\\", "-", "--", "—", "——", "NULL", "NONE", "N/A", "#N/A"];
/// The longest of them, in bytes; a character in full width has three where its narrow form has one.
const LONGEST: usize = 12;

/// Says whether a text says that there is nothing to say: it is empty, or one of the words for it, in any case and width.
#[must_use]
pub fn is_empty_word(text: &str) -> bool {
    let text = super::text::trim(text);
    if text.is_empty() {
        return true;
    }
    let mut seen = text.chars().filter(|letter| !is_zero_width(*letter));
    let text: String = seen.by_ref().take(LONGEST + 1).collect();
    if seen.next().is_some() {
        return false;
    }
    let plain = narrow(&text).to_uppercase();
    let plain = plain.trim();
    plain.is_empty() || WORDS.contains(&plain)
}

/// Says whether a text is question marks only: what is left of Chinese that went through a program which could not write it.
#[must_use]
pub fn is_spoilt(text: &str) -> bool {
    let mut marks = text.chars().filter(|letter| !letter.is_whitespace() && !is_zero_width(*letter)).peekable();
    // `？` is the same in full width; the other two are its small and its vertical form.
    marks.peek().is_some() && marks.all(|letter| matches!(letter, '?' | '？' | '﹖' | '︖'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_word_is_known_in_any_case_and_width() {
        for word in [
            "",
            " ",
            "无",
            " 暂无　",
            "没有",
            "不详",
            "未知",
            "未填",
            "/",
            "／",
            "\\",
            "＼",
            "-",
            "－",
            "--",
            "—",
            "——",
            "null",
            "None",
            "n/a",
            "Ｎ／Ａ",
            "#N/A",
            "＃ｎ／ａ",
            "\u{200B}无\u{FEFF}",
            "N\u{200B}/A",
        ] {
            assert!(is_empty_word(word), "{word}");
        }
        for word in ["无印良品", "极光", "A/B", "0", "---", "Nona", "无无", "N/AN/AN/AN/AN/A", "???"] {
            assert!(!is_empty_word(word), "{word}");
        }
    }

    #[test]
    fn a_text_of_question_marks_only_is_spoilt() {
        for text in ["?", "???", "？？", " ? ？\u{3000}?", "?\u{200B}?"] {
            assert!(is_spoilt(text), "{text}");
        }
        for text in ["", " ", "什么?", "?A", "¿"] {
            assert!(!is_spoilt(text), "{text}");
        }
    }
}
