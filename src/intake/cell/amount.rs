//! Amounts and ratios: exact decimals from the text, no floating point in between.

use super::{Cell, CellFault};
use crate::domain::money::{Ratio, RatioError, Yuan, YuanError};
use crate::domain::text::half_width;
use rust_decimal::Decimal;

/// What the header says about the numbers below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unit {
    /// Nothing, or yuan.
    #[default]
    Plain,
    /// 万元: ten thousand yuan.
    TenThousand,
    /// Per cent.
    PerCent,
}

/// Digits a number may have before it is refused as too large; the decimal type holds 28.
const MOST_DIGITS: usize = 24;

/// Reads an amount of money.
///
/// # Errors
/// Each way of not being an amount of yuan has its own [`CellFault`].
pub fn amount(cell: Cell<'_>, unit: Unit) -> Result<Option<Yuan>, CellFault> {
    // Past 15 digits a number has lost its end, and is more than 10 trillion yuan anyway.
    let text = match cell.plain() {
        Err(CellFault::DigitsLost) => return Err(CellFault::TooLarge),
        other => other?,
    };
    text.map(|text| of_text(&half_width(&text), unit)).transpose()
}

fn of_text(text: &str, unit: Unit) -> Result<Yuan, CellFault> {
    let text = text.trim_start_matches(['¥', '￥']).trim();
    let (number, in_cell) = match text.strip_suffix('元') {
        Some(rest) => match rest.strip_suffix('万') {
            Some(rest) => (rest, Some(Unit::TenThousand)),
            None => (rest, Some(Unit::Plain)),
        },
        None => match text.strip_suffix('万') {
            Some(rest) => (rest, Some(Unit::TenThousand)),
            None => (text, None),
        },
    };
    let value = decimal(number.trim())?;
    match (in_cell, unit) {
        (Some(Unit::TenThousand), Unit::Plain | Unit::PerCent) => return Err(CellFault::UnitInCell),
        (Some(Unit::Plain), Unit::TenThousand) => return Err(CellFault::UnitContradiction),
        _ => {}
    }
    let factor = if unit == Unit::TenThousand { Decimal::from(10_000_u32) } else { Decimal::ONE };
    let yuan = value.checked_mul(factor).ok_or(CellFault::TooLarge)?;
    Yuan::try_from(yuan).map_err(|error| match error {
        YuanError::Empty | YuanError::NotANumber(_) => CellFault::NotAnAmount,
        YuanError::Negative(_) => CellFault::Negative,
        YuanError::TooFine(_) => CellFault::TooFine,
        YuanError::TooLarge(_) => CellFault::TooLarge,
    })
}

/// Reads digits, with separators between every three of the whole part or none at all.
fn decimal(text: &str) -> Result<Decimal, CellFault> {
    if let Some(rest) = text.strip_prefix(['-', '−']) {
        return Err(if unsigned(rest).is_ok() { CellFault::Negative } else { CellFault::NotAnAmount });
    }
    unsigned(text)
}

fn unsigned(text: &str) -> Result<Decimal, CellFault> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if whole.is_empty() || fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(CellFault::NotAnAmount);
    }
    if !whole.bytes().all(|byte| byte.is_ascii_digit() || byte == b',') {
        return Err(CellFault::NotAnAmount);
    }
    let mut groups = whole.split(',');
    let first = groups.next().unwrap_or_default();
    let grouped = whole.len() > first.len();
    if grouped && (!(1..=3).contains(&first.len()) || groups.any(|group| group.len() != 3)) {
        return Err(CellFault::Grouping);
    }
    let fraction = fraction.trim_end_matches('0');
    let whole = whole.trim_start_matches(['0', ',']);
    if whole.len() > MOST_DIGITS {
        return Err(CellFault::TooLarge);
    }
    if whole.len() + fraction.len() > MOST_DIGITS {
        return Err(CellFault::TooFine);
    }
    let digits = whole.bytes().chain(fraction.bytes()).filter(u8::is_ascii_digit);
    let mantissa = digits.fold(0_i128, |value, digit| value * 10 + i128::from(digit - b'0'));
    let scale = u32::try_from(fraction.len()).map_err(|_| CellFault::TooFine)?;
    Decimal::try_from_i128_with_scale(mantissa, scale).map_err(|_| CellFault::TooLarge)
}

/// Reads a ratio: `0.06`, `6%`, or `6` below a header that says per cent.
///
/// # Errors
/// [`CellFault::NotARatio`], [`CellFault::RatioOutOfRange`] and what no cell may hold.
pub fn ratio(cell: Cell<'_>, unit: Unit) -> Result<Option<Ratio>, CellFault> {
    let Some(text) = cell.plain()? else { return Ok(None) };
    let text = half_width(&text);
    let (number, per_cent) = match text.strip_suffix('%') {
        Some(number) => (number.trim_end(), true),
        None => (&*text, unit == Unit::PerCent),
    };
    if !number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b'-') {
        return Err(CellFault::NotARatio);
    }
    let parsed = if per_cent { format!("{number}%").parse::<Ratio>() } else { number.parse() };
    parsed.map(Some).map_err(|error| match error {
        RatioError::NotANumber(_) => CellFault::NotARatio,
        RatioError::OutOfRange(_) => CellFault::RatioOutOfRange,
    })
}
