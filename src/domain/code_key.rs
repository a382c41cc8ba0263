//! Codes in one spelling (docs/FACTS.md): credit codes, ticket and document numbers, digests, industry and division codes, ends of
//! account numbers. `ｇｄ－１ 2` and `GD12` are one code.

use super::name_key::{is_dash, is_zero_width, narrow};
use std::borrow::Cow;

/// Returns a code as it is compared and kept: full width narrowed, letters raised, without blanks, hyphens and zero-width
/// characters.
#[must_use]
pub fn code(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase()) {
        return Cow::Borrowed(text);
    }
    let kept = |letter: &char| !letter.is_whitespace() && !is_dash(*letter) && !is_zero_width(*letter);
    Cow::Owned(narrow(text).chars().filter(kept).flat_map(char::to_uppercase).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_one_spelling() {
        for text in ["GD12", "gd 12", "ＧＤ１２", "GD-1-2", "G\u{200B}D\u{3000}1—2", "\u{FEFF}GD12\t"] {
            assert_eq!(code(text), "GD12", "{text}");
        }
        assert_eq!(code("京海市监罚字〔2025〕1号"), "京海市监罚字〔2025〕1号");
        assert_eq!(code(" - "), "");
    }
}
