//! Exact money and ratios: no floating point ever touches an amount.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// An amount of yuan (元), exact to the fen, never negative. Kept as fen, so a merchant's history stays small in memory.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Yuan(i64);

/// The largest amount taken: ten trillion yuan. Chosen because no one merchant can owe it (all prepaid cards of the country
/// are put at 15 trillion a year), so a larger figure is a wrong unit or a slip.
const LARGEST_FEN: i64 = 1_000_000_000_000_000;

/// Why a text is not an amount of yuan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum YuanError {
    /// Nothing there.
    #[error("an amount is needed")]
    Empty,
    /// Not a number.
    #[error("`{0}` is not an amount of yuan; write it like 1234567.89")]
    NotANumber(String),
    /// Below zero.
    #[error("an amount cannot be negative: {0}")]
    Negative(Decimal),
    /// Finer than a fen.
    #[error("an amount has at most two decimals: {0}")]
    TooFine(Decimal),
    /// Beyond what any merchant can owe.
    #[error("{0} is more than 10 trillion yuan; check the unit")]
    TooLarge(Decimal),
}

impl Yuan {
    /// No money.
    pub const ZERO: Self = Self(0);

    /// Returns an amount from whole fen; negative fen become zero.
    #[must_use]
    pub const fn from_fen(fen: i64) -> Self {
        Self(if fen < 0 { 0 } else { fen })
    }

    /// Returns the amount in fen (分).
    #[must_use]
    pub const fn fen(self) -> i64 {
        self.0
    }

    /// Returns the amount as a decimal number of yuan.
    #[must_use]
    pub fn decimal(self) -> Decimal {
        Decimal::new(self.0, 2)
    }

    /// Returns the sum, held at the largest number that fits.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl TryFrom<Decimal> for Yuan {
    type Error = YuanError;

    fn try_from(value: Decimal) -> Result<Self, YuanError> {
        if value.is_sign_negative() && !value.is_zero() {
            return Err(YuanError::Negative(value));
        }
        let exact = value.normalize();
        if exact.scale() > 2 {
            return Err(YuanError::TooFine(value));
        }
        exact
            .checked_mul(Decimal::ONE_HUNDRED)
            .and_then(|fen| fen.to_i64())
            .filter(|fen| *fen <= LARGEST_FEN)
            .map(Self)
            .ok_or(YuanError::TooLarge(value))
    }
}

impl FromStr for Yuan {
    type Err = YuanError;

    fn from_str(text: &str) -> Result<Self, YuanError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(YuanError::Empty);
        }
        match as_written(text) {
            Some(amount) => Ok(amount),
            None => Decimal::from_str_exact(text).map_err(|_| YuanError::NotANumber(text.to_owned()))?.try_into(),
        }
    }
}

/// Reads an amount as this service writes it, such as `1234567.89`: nearly all of them, and quickly; `None` for any other
/// spelling.
fn as_written(text: &str) -> Option<Yuan> {
    let (yuan, fen) = text.split_once('.')?;
    let is_plain = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    if yuan.is_empty() || yuan.len() > 12 || fen.len() != 2 || !is_plain(yuan) || !is_plain(fen) {
        return None;
    }
    let (yuan, fen): (i64, i64) = (yuan.parse().ok()?, fen.parse().ok()?);
    Some(Yuan(yuan * 100 + fen))
}

impl fmt::Display for Yuan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.0 / 100, self.0 % 100)
    }
}

impl fmt::Debug for Yuan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Yuan {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Yuan {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        super::text::parsed(deserializer)
    }
}

/// A share between 0 and 1 (比率), exact: a complaint rate, a prepaid share of revenue.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Ratio(Decimal);

/// Why a text is not a ratio.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RatioError {
    /// Not a number.
    #[error("`{0}` is not a ratio; write it like 0.06 or 6%")]
    NotANumber(String),
    /// Outside 0 to 1.
    #[error("a ratio lies between 0 and 1 (0 % and 100 %): `{0}`; write it like 0.06 or 6%")]
    OutOfRange(String),
}

impl Ratio {
    /// Returns the ratio as a decimal number.
    #[must_use]
    pub const fn decimal(self) -> Decimal {
        self.0
    }
}

impl FromStr for Ratio {
    type Err = RatioError;

    fn from_str(text: &str) -> Result<Self, RatioError> {
        let text = text.trim();
        let (number, per_cent) = match text.strip_suffix(['%', '％']) {
            Some(number) => (number.trim_end(), true),
            None => (text, false),
        };
        let mut value = Decimal::from_str_exact(number).map_err(|_| RatioError::NotANumber(text.to_owned()))?;
        if per_cent {
            value = value.checked_div(Decimal::ONE_HUNDRED).ok_or_else(|| RatioError::NotANumber(text.to_owned()))?;
        }
        value.try_into().map_err(|_| RatioError::OutOfRange(text.to_owned()))
    }
}

impl TryFrom<Decimal> for Ratio {
    type Error = RatioError;

    fn try_from(value: Decimal) -> Result<Self, RatioError> {
        if value < Decimal::ZERO || value > Decimal::ONE {
            return Err(RatioError::OutOfRange(value.to_string()));
        }
        Ok(Self(value.normalize()))
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Serialize for Ratio {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Ratio {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        super::text::parsed(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exact_to_the_fen() {
        assert_eq!("1234567.89".parse::<Yuan>().unwrap().fen(), 123_456_789);
        assert_eq!("500000.00".parse::<Yuan>().unwrap().to_string(), "500000.00");
        assert_eq!("0".parse::<Yuan>().unwrap(), Yuan::ZERO);
        assert!(matches!("-5".parse::<Yuan>(), Err(YuanError::Negative(_))));
        assert!(matches!("500000.001".parse::<Yuan>(), Err(YuanError::TooFine(_))));
        assert!(matches!("五十万".parse::<Yuan>(), Err(YuanError::NotANumber(_))));
        assert!(matches!("99999999999999999".parse::<Yuan>(), Err(YuanError::TooLarge(_))));
    }

    #[test]
    fn six_per_cent_has_two_spellings() {
        assert_eq!("6%".parse::<Ratio>().unwrap(), "0.06".parse::<Ratio>().unwrap());
        assert!("51".parse::<Ratio>().is_err());
    }
}
