//! Figures of facts as people read them, in either language. A figure that is shown never contradicts the comparison beside
//! it: where rounding would (99.99 % shown as 100 %, which is said to be below 100 %), as many digits are shown as tell the
//! difference.

use super::fact::{FactId, Unit};
use super::rule::Text;
use crate::domain::words::FilingStatus;
use rust_decimal::{Decimal, RoundingStrategy};

/// Most digits after the point before a value is shown as exact as it is.
const MOST_DIGITS: u32 = 8;

/// Returns the value of a fact, told beside the threshold it was compared with.
#[must_use]
pub fn value(fact: &str, value: &str, threshold: Option<&str>) -> Text {
    let unit = FactId::find(fact).map(FactId::unit);
    let threshold = threshold.and_then(|threshold| threshold.parse().ok());
    match (unit, value.parse::<Decimal>().ok()) {
        (Some(Unit::Flag), _) if value == "true" => both("是", "yes"),
        (Some(Unit::Flag), _) => both("否", "no"),
        (Some(Unit::FilingStatus), _) => {
            value.parse::<FilingStatus>().map_or_else(|_| both(value, value), |status| both(status.zh(), status.name()))
        }
        (Some(unit), Some(number)) => measured(unit, &digits(unit, number, threshold)),
        _ => both(value, value),
    }
}

/// Returns how a value stood to the threshold: `低于`, `below`. Empty where the value says it all: `yes`, compared with yes.
#[must_use]
pub fn comparison(fact: &str, comparison: &str) -> Text {
    let is_flag = FactId::find(fact).map(FactId::unit) == Some(Unit::Flag);
    match comparison {
        "=" if is_flag => both("", ""),
        "<" | "not >=" => both("低于", "below"),
        "<=" | "not >" => both("不高于", "at most"),
        "=" => both("为", "is"),
        ">=" | "not <" => both("不低于", "at least"),
        ">" | "not <=" => both("高于", "above"),
        "not =" => both("不为", "is not"),
        "is missing" => both("缺失", "is missing"),
        "is not missing" => both("不缺", "is not missing"),
        other => both(other, other),
    }
}

/// Returns an amount of yuan as it is written beside its unit.
#[must_use]
pub fn yuan(amount: Decimal) -> Text {
    measured(Unit::Yuan, &digits(Unit::Yuan, amount, None))
}

/// Returns a ratio in per cent, with all its digits.
#[must_use]
pub fn per_cent(ratio: Decimal) -> Text {
    let shown = (ratio * Decimal::ONE_HUNDRED).normalize();
    measured(Unit::Ratio, &shown.to_string())
}

/// Returns a number with its thousands apart: `1,234,567.89`; an amount has two digits after the point or none.
#[must_use]
pub fn grouped(number: Decimal) -> String {
    let text = number.normalize().to_string();
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let mut apart = String::with_capacity(text.len() + digits.len() / 3 + 1);
    apart.push_str(sign);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            apart.push(',');
        }
        apart.push(digit);
    }
    if !part.is_empty() {
        apart.push('.');
        apart.push_str(part);
        if part.len() == 1 {
            apart.push('0');
        }
    }
    apart
}

fn digits(unit: Unit, number: Decimal, threshold: Option<Decimal>) -> String {
    let (scale, least) = if unit == Unit::Ratio { (Decimal::ONE_HUNDRED, 1) } else { (Decimal::ONE, 2) };
    let number = number * scale;
    let threshold = threshold.map(|threshold| threshold * scale);
    let honest = |shown: &Decimal| threshold.is_none_or(|threshold| shown.cmp(&threshold) == number.cmp(&threshold));
    let shown = (least..=MOST_DIGITS)
        .map(|places| number.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero))
        .find(honest)
        .unwrap_or(number);
    if unit == Unit::Ratio { shown.normalize().to_string() } else { grouped(shown) }
}

fn measured(unit: Unit, digits: &str) -> Text {
    match unit {
        Unit::Yuan => both(&format!("{digits} 元"), &format!("{digits} yuan")),
        Unit::Days => {
            both(&format!("{digits} 天"), &format!("{digits} {}", if digits == "1" { "day" } else { "days" }))
        }
        Unit::Months => {
            both(&format!("{digits} 个月"), &format!("{digits} {}", if digits == "1" { "month" } else { "months" }))
        }
        Unit::Ratio => both(&format!("{digits} %"), &format!("{digits} %")),
        Unit::Count => both(&format!("{digits} 次"), digits),
        Unit::Flag | Unit::FilingStatus => both(digits, digits),
    }
}

fn both(zh: &str, en: &str) -> Text {
    Text { zh: zh.to_owned(), en: en.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_figure_is_short_where_that_is_true() {
        assert_eq!(value("custody.coverage", "0.3812", Some("1")).zh, "38.1 %");
        assert_eq!(value("custody.coverage", "1", Some("1")).zh, "100 %");
        assert_eq!(value("custody.coverage", "0.9999999469", Some("1")).zh, "99.99999 %");
        assert_eq!(value("custody.shortfall", "0.004", Some("0")).en, "0.004 yuan");
        assert_eq!(value("custody.shortfall", "1234567.5", Some("0")).zh, "1,234,567.50 元");
        assert_eq!(value("exit.days_left", "1", None).en, "1 day");
        assert_eq!(value("listed.serious", "true", Some("true")).zh, "是");
        assert_eq!(value("filing.status", "returned", None).zh, "已退回");
        assert_eq!(value("of.tomorrow", "x", None).zh, "x");
        assert_eq!(comparison("custody.coverage", "not <").en, "at least");
    }

    #[test]
    fn thousands_stand_apart() {
        for (number, text) in
            [("0", "0"), ("999", "999"), ("1000", "1,000"), ("1234567.8", "1,234,567.80"), ("-12345.67", "-12,345.67")]
        {
            assert_eq!(grouped(number.parse().unwrap()), text);
        }
    }

    proptest! {
        #[test]
        fn no_figure_contradicts_its_comparison(number in 0_i64..2_000_000_000_000, threshold in 0_i64..200, ratio: bool) {
            let (number, threshold) = (Decimal::new(number, 12), Decimal::new(threshold, 2));
            let fact = if ratio { "custody.coverage" } else { "custody.shortfall" };
            let read = |text: Text, scale: Decimal| {
                text.zh.split(' ').next().unwrap().replace(',', "").parse::<Decimal>().unwrap() / scale
            };
            let scale = if ratio { Decimal::ONE_HUNDRED } else { Decimal::ONE };
            let beside = threshold.to_string();
            let shown = read(value(fact, &number.to_string(), Some(&beside)), scale);
            let against = read(value(fact, &beside, Some(&beside)), scale);
            prop_assert_eq!(against, threshold, "a threshold is shown as it is");
            prop_assert_eq!(shown.cmp(&threshold), number.cmp(&threshold), "{} shown as {}", number, shown);
        }
    }
}
