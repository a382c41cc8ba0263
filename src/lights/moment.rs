//! The instant lights are looked at, with what depends on the day alone.

use crate::domain::envelope::Position;
use crate::domain::merchant::{Horizon, Merchant};
use crate::domain::time::{Day, Instant, plus_days};
use crate::domain::world::World;
use crate::policy::Policies;
use crate::policy::calendar::Calendar;
use crate::policy::scheme::Scheme;
use jiff::civil::date;

/// Working days after the end of a quarter within which it must be reported (Order 9, group and brand issuers).
const REPORT_WORKING_DAYS: u32 = 20;

/// The instant of evaluation, under some policies.
#[derive(Debug, Clone, Copy)]
pub struct Moment<'a> {
    /// Up to when things are looked at.
    pub horizon: Horizon,
    /// Policies in force.
    pub policies: &'a Policies,
    /// Last day of the quarter before today's.
    pub previous_quarter_end: Day,
    /// The latest quarter whose report was due before today.
    pub reported_quarter: Quarter,
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
        let mut end = previous_quarter_end;
        let mut due = report_due(end, &policies.calendar);
        while due >= horizon.today {
            end = quarter_end_before(end);
            due = report_due(end, &policies.calendar);
        }
        Self { horizon, policies, previous_quarter_end, reported_quarter: Quarter { end, due } }
    }

    /// Returns a merchant as seen at this moment.
    #[must_use]
    pub fn subject(&'a self, world: &'a World, merchant: &'a Merchant) -> Subject<'a> {
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

fn report_due(quarter_end: Day, calendar: &Calendar) -> Day {
    calendar.plus_working_days(quarter_end, REPORT_WORKING_DAYS)
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
        let quarter = |day: &str| Moment::new(&policies, start_of(day.parse().unwrap()), 0).reported_quarter;
        // Twenty working days after 2025-03-31, Tomb-sweeping Day off and 27 April worked: 2025-04-28.
        assert_eq!(quarter("2025-04-28").end.to_string(), "2024-12-31");
        assert_eq!(quarter("2025-04-29").end.to_string(), "2025-03-31");
        assert_eq!(quarter("2025-04-29").due.to_string(), "2025-04-28");
    }
}
