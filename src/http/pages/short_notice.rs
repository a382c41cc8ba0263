//! What follows if an exit is announced at short notice: the rules of the pack that light for the shortness alone.

use crate::domain::time::{Day, days_between};
use crate::policy::Policies;
use crate::policy::fact::{FactId, FactTable, Value};
use crate::policy::rule::{Comparison, Condition, Rule};
use rust_decimal::Decimal;

/// A notice that is shorter than a rule asks for.
#[derive(Debug)]
pub(super) struct ShortNotice<'p> {
    /// Day the first notice of this exit was posted.
    pub(super) first_posted: Day,
    /// Days from then to the planned day.
    pub(super) days: i64,
    /// Days asked for.
    pub(super) limit: Decimal,
    /// The worst rule that will light.
    pub(super) rule: &'p Rule,
}

/// Returns how many days ahead the pack asks for: the longest notice that any of its rules finds too short ends there.
pub(super) fn limit(policies: &Policies) -> Option<Decimal> {
    marks(policies).into_iter().next()
}

/// Returns the days ahead that rules ask for, most first: the marks that a planned day is held against.
pub(super) fn marks(policies: &Policies) -> Vec<Decimal> {
    let mut marks: Vec<Decimal> = policies.pack.rules.iter().filter_map(|rule| least(&rule.when)).collect();
    marks.sort_unstable_by(|a, b| b.cmp(a));
    marks.dedup();
    marks
}

/// Returns what is short about a notice first posted on one day for another; `None` if it is in time.
pub(super) fn short_notice(
    policies: &Policies,
    first_posted: Day,
    planned_on: Day,
    today: Day,
) -> Option<ShortNotice<'_>> {
    let limit = limit(policies)?;
    let days = days_between(first_posted, planned_on);
    if Decimal::from(days) >= limit {
        return None;
    }
    let mut facts = FactTable::default();
    facts.set(FactId::ExitNoticeDays, Some(Value::Number(days.into())));
    facts.set(FactId::ExitDaysLeft, Some(Value::Number(days_between(today, planned_on).into())));
    // Rules come worst first.
    let rule = policies.pack.rules.iter().find(|rule| least(&rule.when).is_some() && rule.when.holds(&facts))?;
    Some(ShortNotice { first_posted, days, limit, rule })
}

/// Returns the days of notice below which a condition can hold for shortness; `None` if it does not ask for that.
fn least(condition: &Condition) -> Option<Decimal> {
    match condition {
        Condition::All(parts) | Condition::Any(parts) => parts.iter().filter_map(least).max(),
        Condition::Compare(FactId::ExitNoticeDays, Comparison::Less, Value::Number(days)) => Some(*days),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pack_says_what_is_short_and_what_follows() {
        let policies = Policies::built_in().unwrap();
        let day = |text: &str| text.parse::<Day>().unwrap();
        let short = |planned: &str| {
            let short = short_notice(&policies, day("2025-06-30"), day(planned), day("2025-06-30"));
            short.map(|short| (short.days, short.rule.light.name()))
        };
        assert_eq!(limit(&policies), Some(Decimal::from(90)));
        assert_eq!(short("2025-07-15"), Some((15, "orange")));
        assert_eq!(short("2025-08-15"), Some((46, "yellow")));
        assert_eq!(short("2025-09-27"), Some((89, "yellow")));
        assert_eq!(short("2025-09-28"), None);
    }
}
