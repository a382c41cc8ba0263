//! Bytes of a known number that stand in events as lower-case hex: digests, public keys, signatures.

use super::envelope::hex;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// `N` bytes, written as `2 × N` lower-case hex letters; everything else is refused, so one value has one text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hex<const N: usize>(pub [u8; N]);

/// A text that is not that many bytes of hex.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {letters} letters of lower-case hex")]
pub struct HexError {
    text: String,
    letters: usize,
}

impl<const N: usize> FromStr for Hex<N> {
    type Err = HexError;

    fn from_str(text: &str) -> Result<Self, HexError> {
        let wrong = || HexError { text: text.to_owned(), letters: N * 2 };
        let mut bytes = [0; N];
        let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return Err(wrong()) };
        if pairs.len() != N {
            return Err(wrong());
        }
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            let (Some(high), Some(low)) = (nibble(*high), nibble(*low)) else { return Err(wrong()) };
            *byte = high << 4 | low;
        }
        Ok(Self(bytes))
    }
}

const fn nibble(letter: u8) -> Option<u8> {
    match letter {
        b'0'..=b'9' => Some(letter - b'0'),
        b'a'..=b'f' => Some(letter - b'a' + 10),
        _ => None,
    }
}

impl<const N: usize> TryFrom<String> for Hex<N> {
    type Error = HexError;

    fn try_from(text: String) -> Result<Self, HexError> {
        text.parse()
    }
}

impl<const N: usize> From<Hex<N>> for String {
    fn from(bytes: Hex<N>) -> Self {
        hex(&bytes.0)
    }
}

impl<const N: usize> fmt::Display for Hex<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&hex(&self.0))
    }
}

impl<const N: usize> fmt::Debug for Hex<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_one_text_and_come_back_from_it() {
        let bytes = Hex([0x00, 0x1f, 0xa9]);
        assert_eq!(bytes.to_string(), "001fa9");
        assert_eq!("001fa9".parse(), Ok(bytes));
        assert_eq!(serde_json::to_string(&bytes).unwrap(), "\"001fa9\"");
        for wrong in ["001FA9", "001fa", "001fa90", "001fa9ff", "001fg9", "", " 01fa9", "0x1fa9", "钱a9"] {
            let refused = wrong.parse::<Hex<3>>().unwrap_err().to_string();
            assert_eq!(refused, format!("`{wrong}` is not 6 letters of lower-case hex"));
        }
    }
}
