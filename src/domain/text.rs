//! Text as people type it: what is cut off its ends and made one blank inside, what is brought to one width, what is refused.

use super::empty_words::is_spoilt;
use super::name_key::is_zero_width;
use serde::de::{Deserializer, Error, Visitor};
use std::borrow::Cow;
use std::fmt::{self, Display};
use std::marker::PhantomData;
use std::str::FromStr;

/// The longest text taken, in characters: a refund plan fits, a pasted document does not.
pub const LONGEST: usize = 500;

/// Why a text is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextFault {
    /// A character that cannot be seen but steers what shows it: controls and changes of writing direction.
    #[error("the text holds an invisible control character (U+{:04X}); remove it", u32::from(*.0))]
    Control(char),
    /// Bytes that are no character in the file's encoding.
    #[error("the text holds bytes that could not be read; save the file as UTF-8 and type the text anew")]
    Undecodable,
    /// Question marks and nothing else.
    #[error("the text is question marks only: it was lost when the file was written; export it anew as UTF-8 or xlsx")]
    Spoilt,
    /// Too long.
    #[error("the text has {0} characters; at most {LONGEST} are taken")]
    TooLong(usize),
}

impl TextFault {
    /// Returns the stable code of the fault.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Control(_) => "control_character",
            Self::Undecodable => "undecodable",
            Self::Spoilt => "question_marks",
            Self::TooLong(_) => "too_long",
        }
    }

    /// Returns the fault in Chinese.
    #[must_use]
    pub fn zh(self) -> String {
        match self {
            Self::Control(letter) => format!("含有不可见的控制字符（U+{:04X}），请删除", u32::from(letter)),
            Self::Undecodable => "含有无法识别的字节，请将文件另存为 UTF-8 后重新填写".to_owned(),
            Self::Spoilt => "只有问号：文字在导出时已丢失，请以 UTF-8 或 xlsx 重新导出".to_owned(),
            Self::TooLong(length) => format!("共 {length} 个字，最多 {LONGEST} 个字"),
        }
    }
}

/// Returns `text` without what cannot be seen at its ends: spaces of every width, byte order marks, zero-width marks.
#[must_use]
pub fn trim(text: &str) -> &str {
    text.trim_matches(|letter: char| letter.is_whitespace() || is_zero_width(letter))
}

/// Returns `text` with full-width letters, digits, signs and spaces (`Ａ`, `１`, `，`) replaced by their ASCII forms.
#[must_use]
pub fn half_width(text: &str) -> Cow<'_, str> {
    let narrow = |letter: char| match letter {
        '\u{3000}' => ' ',
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(letter) - 0xFEE0).unwrap_or(letter),
        other => other,
    };
    if text.is_ascii() || text.chars().all(|letter| narrow(letter) == letter) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.chars().map(narrow).collect())
    }
}

/// Returns `text` as one line is kept: without zero-width characters, trimmed, every run of blanks (wide and no-break ones too)
/// one space. Controls stay, for [`fault`] to find.
#[must_use]
pub fn clean(text: &str) -> Cow<'_, str> {
    let text = trim(text);
    let is_blank = |letter: char| letter.is_whitespace() && !letter.is_control();
    let mut blank = false;
    let plain = text.chars().all(|letter| {
        let second = std::mem::replace(&mut blank, letter == ' ') && blank;
        !second && (letter == ' ' || !is_blank(letter)) && !is_zero_width(letter)
    });
    if plain {
        return Cow::Borrowed(text);
    }
    let mut kept = String::with_capacity(text.len());
    for letter in text.chars().filter(|letter| !is_zero_width(*letter)) {
        if !is_blank(letter) {
            kept.push(letter);
        } else if !kept.ends_with(' ') {
            kept.push(' ');
        }
    }
    Cow::Owned(kept)
}

/// Returns free text as it is kept: its line breaks are written in one way, each line is [`clean`].
#[must_use]
pub fn clean_lines(text: &str) -> Cow<'_, str> {
    if !text.contains(['\r', '\n']) {
        return clean(text);
    }
    let plain = plain_breaks(trim(text));
    let lines: Vec<Cow<'_, str>> = plain.split('\n').map(clean).collect();
    Cow::Owned(lines.join("\n"))
}

/// Fields of commands that hold free text: it may have several lines, everything else is one line.
const FREE_TEXT: [&str; 6] = ["refund_plan", "reason", "result", "note", "ground", "text"];

/// Returns `text` with its line breaks (CR LF as forms send them, CR, LF) all written as LF.
#[must_use]
pub fn plain_breaks(text: &str) -> Cow<'_, str> {
    if text.contains('\r') { Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n")) } else { Cow::Borrowed(text) }
}

/// Returns what is wrong with the text of a field of a command, if anything. Free text may have several lines.
#[must_use]
pub fn fault_in(field: &str, text: &str) -> Option<TextFault> {
    find_fault(text, FREE_TEXT.contains(&field))
}

/// Returns what is wrong with `text`, which may have several lines, if anything.
#[must_use]
pub fn prose_fault(text: &str) -> Option<TextFault> {
    find_fault(text, true)
}

/// Returns what is wrong with `text`, which is one line, if anything.
#[must_use]
pub fn fault(text: &str) -> Option<TextFault> {
    find_fault(text, false)
}

fn find_fault(text: &str, lines: bool) -> Option<TextFault> {
    // A text has at least as many bytes as characters, so most are settled by their length in bytes.
    if text.len() <= LONGEST && text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return is_spoilt(text).then_some(TextFault::Spoilt);
    }
    let mut length = 0;
    for letter in text.chars() {
        length += 1;
        if letter == char::REPLACEMENT_CHARACTER {
            return Some(TextFault::Undecodable);
        }
        if letter == '\n' && lines {
            continue;
        }
        if letter.is_control()
            || matches!(letter, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FFFE}' | '\u{FFFF}')
        {
            return Some(TextFault::Control(letter));
        }
    }
    if is_spoilt(text) {
        return Some(TextFault::Spoilt);
    }
    (length > LONGEST).then_some(TextFault::TooLong(length))
}

/// Reads a value that is written as text, without a copy of the text.
///
/// # Errors
/// When there is no text, or it is not such a value.
pub fn parsed<'de, D: Deserializer<'de>, T: FromStr<Err: Display>>(deserializer: D) -> Result<T, D::Error> {
    struct Parsed<T>(PhantomData<T>);

    impl<T: FromStr<Err: Display>> Visitor<'_> for Parsed<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a text")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
            text.parse().map_err(E::custom)
        }
    }

    deserializer.deserialize_str(Parsed(PhantomData))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_blank_is_cut_off_the_ends_and_kept_inside() {
        assert_eq!(trim("\u{FEFF}\u{3000}\u{A0} 大悦城\u{3000}东区\u{200B}\t\r\n"), "大悦城\u{3000}东区");
        assert_eq!(trim(" \u{3000}"), "");
    }

    #[test]
    fn a_clean_text_has_single_spaces_and_nothing_without_width() {
        assert_eq!(clean("\u{FEFF} 大悦城\u{3000}\u{A0}东\u{200B}区 \t"), "大悦城 东区");
        assert!(matches!(clean(" 大悦城 东区 "), Cow::Borrowed("大悦城 东区")));
        assert_eq!(clean("a\tb"), "a\tb", "a control is for the check to refuse");
        assert_eq!(clean_lines(" a\u{3000} b \r\n\r\n c\rd "), "a b\n\nc\nd");
        assert_eq!(fault("？？ ?"), Some(TextFault::Spoilt));
    }

    #[test]
    fn full_width_becomes_half_width() {
        assert_eq!(half_width("Ｏ８０４０　（万元），．％"), "O8040 (万元),.%");
        assert!(matches!(half_width("万元"), Cow::Borrowed(_)));
    }

    #[test]
    fn only_free_text_has_lines_and_only_line_feeds_make_them() {
        assert_eq!(plain_breaks("a\r\nb\rc\nd"), "a\nb\nc\nd");
        assert_eq!(fault_in("refund_plan", "a\nb"), None);
        assert_eq!(fault_in("reason", "a\nb"), None);
        assert_eq!(fault_in("unit", "a\nb"), Some(TextFault::Control('\n')));
        for other in ['\r', '\t', '\u{7}', '\u{85}'] {
            assert_eq!(fault_in("refund_plan", &format!("a{other}b")), Some(TextFault::Control(other)));
        }
    }

    #[test]
    fn controls_broken_bytes_and_endless_text_are_faults() {
        assert_eq!(fault("北京\"锐动\", 教育 é"), None);
        assert_eq!(fault("a\u{0}b"), Some(TextFault::Control('\u{0}')));
        assert_eq!(fault("a\nb"), Some(TextFault::Control('\n')));
        assert_eq!(fault("a\u{202E}b"), Some(TextFault::Control('\u{202E}')));
        // No file of an office program may hold these.
        assert_eq!(fault("a\u{FFFF}b"), Some(TextFault::Control('\u{FFFF}')));
        assert_eq!(fault("大\u{FFFD}城"), Some(TextFault::Undecodable));
        assert_eq!(fault(&"字".repeat(500)), None);
        assert_eq!(fault(&"字".repeat(501)), Some(TextFault::TooLong(501)));
        assert_eq!(fault(&"x".repeat(501)), Some(TextFault::TooLong(501)));
    }
}
