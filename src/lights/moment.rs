//! The instant lights are looked at, with what depends on the day alone.

use crate::domain::access::MerchantFacts;
use crate::domain::envelope::Position;
use crate::domain::evidence::Shop;
use crate::domain::merchant::{Horizon, Merchant};
use crate::domain::time::{Day, Instant, plus_days};
use crate::domain::world::World;
use crate::policy::Policies;
use crate::policy::scheme::Scheme;
use jiff::civil::date;

/// The instant of evaluation, under some policies.
#[derive(Debug, Clone, Copy)]
pub struct Moment<'a> {
    /// Up to when things are looked at.
    pub horizon: Horizon,
    /// Policies in force.
    pub policies: &'a Policies,
    /// Last day of the quarter before today's.
    pub previous_quarter_end: Day,
    /// The latest quarter whose report was due before today; `None` at the calendar's first days.
    pub reported_quarter: Option<Quarter>,
}

/// A quarter with the day its report is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quarter {
    /// Last day.
    pub end: Day,
    /// Last day to report.
    pub due: Day,
}

impl<'a> Moment<'a> {
    /// Returns the moment `now`, knowing what was recorded up to `known`.
    #[must_use]
    pub fn new(policies: &'a Policies, now: Instant, known: Position) -> Self {
        let horizon = Horizon::new(now, known);
        let previous_quarter_end = quarter_end_before(horizon.today);
        // At the calendar's first day there is no quarter before: the row of them ends, whatever day it is asked for.
        let earlier = |end: &Day| Some(quarter_end_before(*end)).filter(|before| before < end);
        let reported_quarter = std::iter::successors(Some(previous_quarter_end), earlier)
            .map(|end| Quarter { end, due: report_due(end, policies) })
            .find(|quarter| quarter.due < horizon.today);
        Self { horizon, policies, previous_quarter_end, reported_quarter }
    }

    /// Returns the quarter that ended last, with the day its report is due.
    #[must_use]
    pub fn ended_quarter(&self) -> Quarter {
        let end = self.previous_quarter_end;
        Quarter { end, due: report_due(end, self.policies) }
    }

    /// Returns a merchant as seen at this moment.
    #[must_use]
    pub fn subject(&'a self, world: &'a World, merchant: &'a Merchant) -> Subject<'a> {
        let merchant = merchant.known_at(self.horizon.known);
        let sector = sector_of(merchant, &self.horizon, self.policies);
        let scheme = self.policies.schemes.find(merchant.division(self.horizon.known), sector);
        Subject { moment: self, world, merchant, scheme }
    }
}

/// A merchant at a moment: what facts are computed from.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The moment.
    pub moment: &'a Moment<'a>,
    /// Everybody, for links.
    pub world: &'a World,
    /// The merchant.
    pub merchant: &'a Merchant,
    /// Its filing and custody duties; `None` if nothing is prescribed.
    pub scheme: Option<&'a Scheme>,
}

/// Returns the sector in force for a merchant: assigned by hand, else by its industry code; `None` is undetermined.
#[must_use]
pub fn sector_of<'a>(merchant: &'a Merchant, horizon: &Horizon, policies: &'a Policies) -> Option<&'a str> {
    match merchant.assigned_sector(horizon) {
        Some(assigned) => Some(&*assigned.sector),
        None => policies.sectors.of_code(merchant.industry_code(horizon.known)?).map(|sector| sector.id.as_str()),
    }
}

/// Says whether a shop was only claimed: a mall spoke of it while nobody knew the merchant, and when the merchant came into the
/// register, it was with another shop. A row of the register is followed by the shop it brings, if that was not known.
#[must_use]
pub(crate) fn is_claim(merchant: &Merchant, shop: &Shop) -> bool {
    let Some(first) = merchant.rows.first().map(|row| row.position) else { return false };
    shop.position < first && merchant.shops.iter().any(|other| other.position == first + 1)
}

/// Calls `ask` with what decides whether a merchant is in a scope.
pub fn with_facts<T>(
    merchant: &Merchant,
    horizon: &Horizon,
    policies: &Policies,
    ask: impl FnOnce(&MerchantFacts<'_>) -> T,
) -> T {
    let malls: Vec<&str> =
        merchant.shops.iter().filter(|shop| !is_claim(merchant, shop)).map(|shop| shop.name.mall.as_str()).collect();
    ask(&MerchantFacts {
        code: Some(merchant.code),
        registered: merchant.is_registered(horizon.known),
        division: merchant.division(horizon.known),
        sector: sector_of(merchant, horizon, policies),
        malls: &malls,
        bank: merchant.bank(),
    })
}

fn report_due(quarter_end: Day, policies: &Policies) -> Day {
    policies.calendar.plus_working_days(quarter_end, policies.pack.parameters.report_working_days)
}

/// Returns the last day of the calendar quarter before the one `day` lies in.
fn quarter_end_before(day: Day) -> Day {
    let first_month = (day.month() - 1) / 3 * 3 + 1;
    plus_days(date(day.year(), first_month, 1), -1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::start_of;

    #[test]
    fn the_quarter_to_be_reported_is_the_latest_whose_due_day_has_passed() {
        let policies = Policies::built_in().unwrap();
        let quarter = |day: &str| Moment::new(&policies, start_of(day.parse().unwrap()), 0).reported_quarter.unwrap();
        // Twenty working days after 2025-03-31, Tomb-sweeping Day off and 27 April worked: 2025-04-28.
        assert_eq!(quarter("2025-04-28").end.to_string(), "2024-12-31");
        assert_eq!(quarter("2025-04-29").end.to_string(), "2025-03-31");
        assert_eq!(quarter("2025-04-29").due.to_string(), "2025-04-28");
    }

    #[test]
    fn a_moment_at_either_end_of_the_calendar_is_found_in_no_time() {
        let policies = Policies::built_in().unwrap();
        for now in [Instant::MIN, "-009999-01-03T12:00:00Z".parse().unwrap(), Instant::MAX] {
            let moment = Moment::new(&policies, now, 0);
            assert!(moment.reported_quarter.is_none_or(|quarter| quarter.due < moment.horizon.today), "{now}");
        }
    }
}
