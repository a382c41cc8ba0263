//! Codes that name things: the unified social credit code of a merchant and the division code of a place.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

/// Unified social credit code (统一社会信用代码), GB 32100-2015: 18 characters of a 31-letter alphabet, the last a check
/// character.
///
/// A wrong check character does not make a code invalid: real registered codes fail it (91350211M0000XUF46 is one), so
/// [`CreditCode::check_character_holds`] is a data-quality question, not a gate.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CreditCode([u8; 18]);

// One step for most hashers instead of several: codes are looked up for every event. Equal codes have equal ends; which
// authority registered somebody, the first two characters, tells few apart.
impl Hash for CreditCode {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [_, _, end @ ..] = self.0;
        state.write_u128(u128::from_ne_bytes(end));
    }
}

/// The alphabet of GB 32100: digits and capital letters without I, O, S, V, Z.
const ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";

/// Why a text is not a credit code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CreditCodeError {
    /// The cell is empty.
    #[error("a credit code is needed")]
    Empty,
    /// Not 18 characters.
    #[error("a credit code has 18 characters, this one has {0}")]
    Length(usize),
    /// A character outside the alphabet.
    #[error("`{0}` at place {1} is not used in credit codes (digits and capital letters without I, O, S, V, Z)")]
    Letter(char, usize),
}

impl CreditCode {
    /// Returns the code as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // INVARIANT: every byte is one of ALPHABET, which is ASCII.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Says whether the last character is the one GB 32100 computes from the first 17.
    #[must_use]
    pub fn check_character_holds(&self) -> bool {
        let mut weight = 1_usize;
        let mut sum = 0_usize;
        let (body, check) = self.0.split_at(17);
        for byte in body {
            sum += weight * place(*byte).unwrap_or(0);
            weight = weight * 3 % 31;
        }
        let expected = (31 - sum % 31) % 31;
        check.first().and_then(|byte| place(*byte)) == Some(expected)
    }

    /// Returns the code whose first 17 characters are `body`, with its check character computed; used to make codes.
    ///
    /// # Errors
    /// As for parsing: `body` must be 17 characters of the alphabet.
    pub fn with_check_character(body: &str) -> Result<Self, CreditCodeError> {
        for letter in ALPHABET {
            let code: Self = format!("{body}{}", char::from(*letter)).parse()?;
            if code.check_character_holds() {
                return Ok(code);
            }
        }
        Err(CreditCodeError::Length(body.chars().count()))
    }
}

fn is_used(byte: u8) -> bool {
    // The alphabet as bits, from `0` on: codes are read by the million when the log is folded.
    const USED: u64 = {
        let mut bits = 0;
        let mut rest: &[u8] = ALPHABET;
        while let [letter, tail @ ..] = rest {
            bits |= 1 << (*letter - b'0');
            rest = tail;
        }
        bits
    };
    let place = byte.wrapping_sub(b'0');
    place < 64 && USED >> place & 1 == 1
}

fn place(byte: u8) -> Option<usize> {
    ALPHABET.iter().position(|letter| *letter == byte)
}

impl FromStr for CreditCode {
    type Err = CreditCodeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if text.is_empty() {
            return Err(CreditCodeError::Empty);
        }
        if let Ok(code) = <[u8; 18]>::try_from(text.as_bytes())
            && code.iter().all(|byte| is_used(*byte))
        {
            return Ok(Self(code));
        }
        let wrong = text.chars().enumerate().find(|(_, letter)| !u8::try_from(*letter).is_ok_and(is_used));
        Err(wrong
            .map_or(CreditCodeError::Length(text.len()), |(index, letter)| CreditCodeError::Letter(letter, index + 1)))
    }
}

impl fmt::Display for CreditCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for CreditCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for CreditCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for CreditCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        super::text::parsed(deserializer)
    }
}

/// Division code (区划代码), GB/T 2260: six digits, two each for province, city and county.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DivisionCode(u32);

/// Why a text is not a division code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a division code is six digits such as 110108, not `{0}`")]
pub struct DivisionCodeError(String);

impl DivisionCode {
    /// Says whether this place lies in the place named by the first digits `prefix` (`"11"`: all of Beijing).
    #[must_use]
    pub fn lies_in(&self, prefix: &str) -> bool {
        let Ok(head) = prefix.parse::<u32>() else { return prefix.is_empty() };
        let digits = u32::try_from(prefix.len()).unwrap_or(u32::MAX);
        6_u32.checked_sub(digits).and_then(|rest| 10_u32.checked_pow(rest)).is_some_and(|unit| self.0 / unit == head)
    }
}

impl FromStr for DivisionCode {
    type Err = DivisionCodeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        // A first digit of 0 names no region of GB/T 2260, and would be lost in a number.
        if text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0') {
            text.parse().map(Self).map_err(|_| DivisionCodeError(text.to_owned()))
        } else {
            Err(DivisionCodeError(text.to_owned()))
        }
    }
}

impl fmt::Display for DivisionCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:06}", self.0)
    }
}

impl fmt::Debug for DivisionCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for DivisionCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DivisionCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        super::text::parsed(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_codes_pass_and_the_one_known_exception_only_fails_its_check() {
        for code in [
            "91110000101623741K",
            "9144030071526726XG",
            "91330100799655058B",
            "911101066976941872",
            "91350100M000100Y43",
        ] {
            assert!(code.parse::<CreditCode>().unwrap().check_character_holds(), "{code}");
        }
        assert!(!"91350211M0000XUF46".parse::<CreditCode>().unwrap().check_character_holds());
    }

    #[test]
    fn a_letter_outside_the_alphabet_is_named_with_its_place() {
        assert_eq!("9111000010162374IK".parse::<CreditCode>(), Err(CreditCodeError::Letter('I', 17)));
        assert_eq!("911100001016237".parse::<CreditCode>(), Err(CreditCodeError::Length(15)));
        assert_eq!(" ".parse::<CreditCode>(), Err(CreditCodeError::Empty));
    }

    #[test]
    fn the_check_character_can_be_computed() {
        assert_eq!(CreditCode::with_check_character("91110000101623741").unwrap().as_str(), "91110000101623741K");
    }

    #[test]
    fn a_division_code_is_six_digits() {
        let haidian = "110108".parse::<DivisionCode>().unwrap();
        assert!(haidian.lies_in("11") && haidian.lies_in("110108") && haidian.lies_in(""));
        assert!(!haidian.lies_in("12") && !haidian.lies_in("110105") && !haidian.lies_in("x"));
        assert!("11010".parse::<DivisionCode>().is_err());
        assert!("１１０１０８".parse::<DivisionCode>().is_err());
    }
}
