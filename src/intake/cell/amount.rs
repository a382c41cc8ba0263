//! Amounts and ratios: exact decimals from the text, no floating point in between.

use super::plain::is_scientific;
use super::{Cell, CellFault};
use crate::domain::money::{Ratio, RatioError, Yuan, YuanError};
use crate::domain::text::half_width;
use rust_decimal::{Decimal, RoundingStrategy};

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

/// Decimals of a yuan that count; what lies behind them is noise that a calculation left (docs/FACTS.md).
const DECIMALS: u32 = 6;

/// Decimals of a text that are looked at: enough to round those of ten thousands at the sixth of a yuan.
const MOST_DECIMALS: usize = 12;

/// What may stand before and behind the digits and say nothing new.
const BEFORE: [&str; 5] = ["人民币", "RMB", "CNY", "¥", "￥"];
const BEHIND: [&str; 2] = ["整", "正"];

/// Reads an amount of money.
///
/// # Errors
/// Each way of not being an amount of yuan has its own [`CellFault`].
pub fn amount(cell: Cell<'_>, unit: Unit) -> Result<Option<Yuan>, CellFault> {
    // Past 15 digits a number has lost its end, and is more than 10 trillion yuan anyway.
    let text = match cell.marked() {
        Err(CellFault::DigitsLost) => return Err(CellFault::TooLarge),
        other => other?,
    };
    text.map(|text| of_text(&half_width(&text), unit)).transpose()
}

fn of_text(text: &str, unit: Unit) -> Result<Yuan, CellFault> {
    let (number, in_cell) = without_words(text);
    let value = decimal(number)?;
    match (in_cell, unit) {
        (Some(Unit::TenThousand), Unit::Plain | Unit::PerCent) => return Err(CellFault::UnitInCell),
        (Some(Unit::Plain), Unit::TenThousand) => return Err(CellFault::UnitContradiction),
        _ => {}
    }
    let factor = if unit == Unit::TenThousand { Decimal::from(10_000_u32) } else { Decimal::ONE };
    let yuan = value.checked_mul(factor).ok_or(CellFault::TooLarge)?;
    let yuan = yuan.round_dp_with_strategy(DECIMALS, RoundingStrategy::MidpointAwayFromZero);
    Yuan::try_from(yuan).map_err(|error| match error {
        YuanError::Empty | YuanError::NotANumber(_) => CellFault::NotAnAmount,
        YuanError::Negative(_) => CellFault::Negative,
        YuanError::TooFine(_) => CellFault::TooFine,
        YuanError::TooLarge(_) => CellFault::TooLarge,
    })
}

/// Returns the digits without currency and unit around them, and the unit if one was there.
fn without_words(text: &str) -> (&str, Option<Unit>) {
    let mut rest = text.trim();
    while let Some(behind) = BEFORE.iter().find_map(|word| strip_any_case(rest, word)) {
        rest = behind.trim_start_matches(':').trim_start();
    }
    let rounded = BEHIND.iter().find_map(|word| rest.strip_suffix(word)).map(str::trim_end);
    // 整 ends an amount that says 元; alone it is no word for money.
    let rest = rounded.filter(|rest| rest.ends_with(['元', '圆'])).unwrap_or(rest);
    match rest.strip_suffix(['元', '圆']).map(str::trim_end) {
        Some(rest) => match rest.strip_suffix('万') {
            Some(rest) => (rest.trim_end(), Some(Unit::TenThousand)),
            None => (rest, Some(Unit::Plain)),
        },
        None => match rest.strip_suffix('万') {
            Some(rest) => (rest.trim_end(), Some(Unit::TenThousand)),
            None => (rest, None),
        },
    }
}

fn strip_any_case<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let front = text.get(..word.len())?;
    front.eq_ignore_ascii_case(word).then(|| text.get(word.len()..)).flatten()
}

/// Reads digits, with separators between every three of the whole part or none at all.
fn decimal(text: &str) -> Result<Decimal, CellFault> {
    let below_zero = text.strip_prefix(['-', '−']).or_else(|| text.strip_prefix('(')?.strip_suffix(')'));
    let Some(rest) = below_zero else { return unsigned(text) };
    match unsigned(rest.trim()) {
        Ok(value) if value.is_zero() => Ok(value),
        Ok(_) => Err(CellFault::Negative),
        Err(_) => Err(CellFault::NotAnAmount),
    }
}

fn unsigned(text: &str) -> Result<Decimal, CellFault> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if whole.is_empty() || fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(not_an_amount(text));
    }
    // Commas or blanks, not both: `500 000` as well as `500,000`.
    let blank = |letter: char| letter.is_whitespace();
    let separator = if whole.contains(',') { ',' } else { whole.chars().find(|letter| blank(*letter)).unwrap_or(',') };
    if !whole.chars().all(|letter| letter.is_ascii_digit() || letter == separator) {
        return Err(not_an_amount(text));
    }
    let mut groups = whole.split(separator);
    let first = groups.next().unwrap_or_default();
    let grouped = whole.len() > first.len();
    if grouped && (!(1..=3).contains(&first.len()) || groups.any(|group| group.len() != 3)) {
        return Err(CellFault::Grouping);
    }
    let fraction = fraction.trim_end_matches('0');
    let fraction = fraction.get(..MOST_DECIMALS).unwrap_or(fraction);
    let digits: Vec<u8> = whole.bytes().filter(u8::is_ascii_digit).skip_while(|digit| *digit == b'0').collect();
    if digits.len() + fraction.len() > MOST_DIGITS {
        return Err(CellFault::TooLarge);
    }
    let digits = digits.into_iter().chain(fraction.bytes());
    let mantissa = digits.fold(0_i128, |value, digit| value * 10 + i128::from(digit - b'0'));
    let scale = u32::try_from(fraction.len()).map_err(|_| CellFault::TooFine)?;
    Decimal::try_from_i128_with_scale(mantissa, scale).map_err(|_| CellFault::TooLarge)
}

fn not_an_amount(text: &str) -> CellFault {
    if is_scientific(text) { CellFault::Scientific } else { CellFault::NotAnAmount }
}

/// Reads a ratio: `0.06`, `6%`, or `6` below a header that says per cent.
///
/// # Errors
/// [`CellFault::NotARatio`], [`CellFault::RatioOutOfRange`] and what no cell may hold.
pub fn ratio(cell: Cell<'_>, unit: Unit) -> Result<Option<Ratio>, CellFault> {
    let Some(text) = cell.marked()? else { return Ok(None) };
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
