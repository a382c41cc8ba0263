//! The accounts in a bank's custody (存管账户): what was last reported of each, and by when the next report is due.

use super::View;
use crate::domain::code::CreditCode;
use crate::domain::envelope::Position;
use crate::domain::evidence::{Evidence as _, latest};
use crate::domain::merchant::Merchant;
use crate::domain::name_key;
use crate::domain::time::{Day, day_of, plus_days};
use crate::domain::words::{AccountAction, Light};
use crate::lights::facts::{Trace, compute};
use crate::lights::moment::Moment;
use crate::policy::Policies;
use crate::policy::fact::{FactId, Value};
use crate::policy::rule::{Comparison, Condition};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

/// A merchant whose money a bank keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountRow {
    /// Whose.
    pub credit_code: CreditCode,
    /// Its name; absent if it is not in the register.
    pub name: Option<String>,
    /// Its light.
    pub light: Light,
    /// Last digits of the account, as last said.
    pub tail: Option<String>,
    /// What was last reported.
    pub report: Option<Report>,
    /// What the bank has to hold after guarantees, yuan; absent where it cannot be told.
    pub required: Option<Decimal>,
    /// By when a report is due.
    pub due: Due,
}

/// What a bank reported of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// Day of the balance.
    pub date: Day,
    /// Yuan.
    pub held: Decimal,
    /// Abnormal flows were seen.
    pub abnormal: bool,
}

/// By when a report is due. The order is that of urgency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Due {
    /// Nothing was ever reported, and something has to be held.
    Missing,
    /// On this day at the latest; from the next one on a light tells of silence.
    By(Day),
    /// None is asked for: nothing has to be held, or it is not known what.
    No,
    /// The account was closed on this day.
    Closed(Day),
}

impl Due {
    /// Says whether a report is late on a day.
    #[must_use]
    pub fn is_late(self, today: Day) -> bool {
        match self {
            Self::Missing => true,
            Self::By(day) => day < today,
            Self::No | Self::Closed(_) => false,
        }
    }
}

impl View<'_> {
    /// Lists the merchants whose money the reader's bank keeps, the most urgent report first. Who is no bank has none.
    #[must_use]
    pub fn accounts(&self) -> Vec<AccountRow> {
        let Some(bank) = self.scope.bank.as_deref() else { return Vec::new() };
        let moment = Moment::new(self.policies, self.now, Position::MAX);
        let allowed = most_days(self.policies);
        let mut rows: Vec<AccountRow> =
            self.merchants().map(|merchant| self.account(merchant, bank, &moment, allowed)).collect();
        rows.sort_by(|a, b| a.due.cmp(&b.due).then(a.credit_code.cmp(&b.credit_code)));
        rows
    }

    fn account(&self, merchant: &Merchant, bank: &str, moment: &Moment<'_>, allowed: Option<i64>) -> AccountRow {
        let (reader, today) = (self.reader(merchant), day_of(self.now));
        let sees = |day| reader.sees_custody(day);
        let subject = moment.subject(self.world, merchant);
        let required = match compute(FactId::CustodyBankRequired, &subject, None, &mut Trace::off()) {
            Some(Value::Number(number)) => Some(number).filter(|_| sees(today)),
            _ => None,
        };
        // What another bank reported before is not for this one to see.
        let report = latest(&merchant.custody, today, Position::MAX).filter(|report| sees(report.date()));
        let report = report.map(|report| Report {
            date: report.date(),
            held: { report.amount }.decimal(),
            abnormal: report.abnormal,
        });
        let here = |other: &str| name_key::same(other, bank);
        let accounts = merchant.records().accounts.iter().filter(|item| item.stands(Position::MAX) && here(&item.bank));
        let newest = accounts.max_by_key(|item| (item.date, item.position));
        let tail = newest.and_then(|item| item.tail.as_deref()).map(str::to_owned);
        let due = match (newest, report) {
            (Some(item), _) if item.action == AccountAction::Close && item.date <= today => Due::Closed(item.date),
            _ if required.is_none_or(|required| required <= Decimal::ZERO) => Due::No,
            (_, None) => Due::Missing,
            (_, Some(report)) => allowed.map_or(Due::No, |days| Due::By(plus_days(report.date, days))),
        };
        AccountRow {
            credit_code: merchant.code,
            name: merchant.name(Position::MAX).map(str::to_owned),
            light: self.lights.light(merchant.code),
            tail,
            report,
            required,
            due,
        }
    }
}

/// Returns how many days old a bank's report may be before any rule of the pack lights for that.
pub(super) fn most_days(policies: &Policies) -> Option<i64> {
    let days = policies.pack.rules.iter().filter_map(|rule| oldest(&rule.when)).min();
    days.and_then(|days| days.to_i64())
}

/// Returns the age of a report above which a condition can hold; `None` if it does not ask for that.
fn oldest(condition: &Condition) -> Option<Decimal> {
    match condition {
        Condition::All(parts) | Condition::Any(parts) => parts.iter().filter_map(oldest).min(),
        Condition::Compare(FactId::CustodyReportAgeDays, Comparison::More, Value::Number(days)) => Some(*days),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pack_says_how_old_a_report_may_be() {
        assert_eq!(most_days(&Policies::built_in().unwrap()), Some(45));
    }

    #[test]
    fn what_is_urgent_comes_first() {
        let day = |text: &str| text.parse::<Day>().unwrap();
        let mut all = [
            Due::Closed(day("2025-01-01")),
            Due::No,
            Due::By(day("2025-06-02")),
            Due::By(day("2025-06-01")),
            Due::Missing,
        ];
        all.sort();
        assert_eq!(
            all,
            [
                Due::Missing,
                Due::By(day("2025-06-01")),
                Due::By(day("2025-06-02")),
                Due::No,
                Due::Closed(day("2025-01-01"))
            ]
        );
        let late = all.map(|due| due.is_late(day("2025-06-02")));
        assert_eq!(late, [true, true, false, false, false], "the last day is in time");
    }
}
