//! The JSON API, one file per resource.

pub mod cases;
mod cloud_events;
pub mod commands;
pub mod complaints;
pub mod events;
pub mod exits;
pub mod feedback;
pub mod figures;
pub mod hand_over;
pub mod health;
pub mod imports;
pub mod keys;
pub mod leads;
pub mod lights;
pub mod live;
pub mod mails;
pub mod merchants;
pub mod openapi;
pub mod problems;
pub mod records;
pub mod sources;
pub mod unattributed;
pub mod withdrawal;

pub use super::language::BothLanguages;
use super::problem::{Code, FieldProblem, Problem};
use crate::domain::code::CreditCode;
use crate::domain::time::{self, Day, Instant, TimeFault, day_of, plus_days, start_of};
use jiff::SignedDuration;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::Deserialize;

/// Items on a page unless asked otherwise.
const PER_PAGE: usize = 50;
/// Items on a page at most.
const MOST_PER_PAGE: usize = 500;

/// Which page.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub struct Paging {
    /// Page, from 1.
    pub page: Option<usize>,
    /// Items on it, 1 to 500; 50 if not given.
    pub per_page: Option<usize>,
}

impl Paging {
    /// Returns how many items to skip and how many to take.
    ///
    /// # Errors
    /// When the page or its size makes no sense.
    pub fn window(self) -> Result<(usize, usize), Problem> {
        let take = self.per_page.unwrap_or(PER_PAGE);
        let page = self.page.unwrap_or(1);
        if page == 0 || take == 0 || take > MOST_PER_PAGE {
            let detail = format!("`page` begins at 1 and `per_page` lies between 1 and {MOST_PER_PAGE}");
            let wrong = if page == 0 { ("page", page) } else { ("per_page", take) };
            let zh = format!("应为 1 以上的整数，每页最多 {MOST_PER_PAGE} 条");
            return Err(wrong_parameter(wrong.0, &wrong.1.to_string(), &zh, &detail));
        }
        Ok(((page - 1).saturating_mul(take), take))
    }
}

/// Rounds an amount to the fen, halves up: a share of a balance may be finer.
pub(super) fn to_fen(amount: Decimal) -> Decimal {
    amount.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
}

/// An amount of yuan as JSON shows it: a text with two digits after the point.
pub(super) fn yuan(amount: Decimal) -> String {
    format!("{:.2}", to_fen(amount))
}

/// Reads a credit code from a path.
pub(super) fn credit_code(text: &str) -> Result<CreditCode, Problem> {
    text.parse().map_err(|error| {
        wrong_parameter("credit_code", text, "不是有效的统一社会信用代码", &format!("`credit_code`: {error}"))
    })
}

/// Reads a query parameter that may be absent or empty.
pub(super) fn optional<T: std::str::FromStr>(name: &str, text: Option<&str>) -> Result<Option<T>, Problem>
where
    T::Err: std::fmt::Display,
{
    text.map(str::trim)
        .filter(|text| !text.is_empty())
        .map(|text| {
            text.parse()
                .map_err(|error: T::Err| wrong_parameter(name, text, "不是可以识别的值", &format!("`{name}`: {error}")))
        })
        .transpose()
}

/// Reads a query parameter that names an instant, and may be absent or empty. A plus sign that was not encoded arrives as a
/// blank; it is taken for what it was.
pub(super) fn instant(name: &str, text: Option<&str>) -> Result<Option<Instant>, Problem> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    let mended = match text.rsplit_once(' ') {
        Some((clock, offset)) if clock.contains(['T', 't']) => Some(format!("{clock}+{offset}")),
        _ => None,
    };
    let at = time::instant(mended.as_deref().unwrap_or(text)).map_err(|fault| wrong_time(name, text, &fault))?;
    Ok(Some(at))
}

/// Returns the problem that a parameter's instant is.
fn wrong_time(name: &str, text: &str, fault: &TimeFault) -> Problem {
    let field = FieldProblem::new(name, "instant", &shortened(text), fault.zh(), fault.to_string());
    let zh = format_args!("`{name}`：{}", fault.zh());
    Problem { fields: vec![field], ..Problem::new(Code::InvalidParameter, zh, format_args!("`{name}`: {fault}")) }
}

/// Returns what is wrong with a parameter, told in both languages.
pub(super) fn wrong_parameter(name: &str, value: &str, zh: &str, en: &str) -> Problem {
    let field = FieldProblem::new(name, "unreadable", &shortened(value), zh, en);
    Problem { fields: vec![field], ..Problem::new(Code::InvalidParameter, format_args!("`{name}`：{zh}"), en) }
}

/// Returns the last instant of a day that is asked for, the present one of today; `None` if none is.
pub(super) fn end_of(name: &str, text: &str, now: Instant) -> Result<Option<Instant>, Problem> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let day: Day = time::day(text).map_err(|fault| wrong_parameter(name, text, &fault.zh(), &fault.to_string()))?;
    if day > day_of(now) {
        return Err(wrong_parameter(name, text, "日期不能晚于今天", "the day lies after today"));
    }
    let end = start_of(plus_days(day, 1)).checked_sub(SignedDuration::from_millis(1)).unwrap_or(now);
    Ok(Some(end.min(now)))
}

fn shortened(value: &str) -> String {
    value.chars().take(60).collect()
}

/// Returns a filled-in text; blank ones count as absent.
pub(super) fn filled(text: Option<&String>) -> Option<String> {
    text.map(|text| text.trim()).filter(|text| !text.is_empty()).map(str::to_owned)
}
