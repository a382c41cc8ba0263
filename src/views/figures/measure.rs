//! What is counted: the numbers that figures are made of.

use crate::domain::envelope::Position;
use crate::domain::time::Instant;
use crate::domain::words::{CaseOutcome, EnforcementKind, Light};
use rust_decimal::Decimal;

/// A kind of thing that is counted. docs/FIGURES.md says of each what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Measure {
    /// Tickets received in the period (诉求量).
    Tickets,
    /// Of those, neither withdrawn nor merged.
    Dispatched,
    /// Of those, first answered within their time.
    Answered,
    /// Of all tickets, those whose complainant was asked about the handling.
    CalledBack,
    /// Of those, resolved as the complainant says.
    SaidResolved,
    /// Of those called back, satisfied.
    SaidSatisfied,
    /// Of all tickets, those that were resolved at the first go.
    OriginallyResolved,
    /// Refunds promised in the period, yuan.
    Promised,
    /// Refunds paid in the period (挽回损失), yuan.
    Recovered,
    /// Cases opened in the period.
    CasesOpened,
    /// Of those, acknowledged; hours from the opening.
    Acknowledged,
    /// Of those opened, acted on; hours from the opening.
    ActedOn,
    /// Cases that ended in the period so.
    CasesEnded(CaseOutcome),
    /// Cases open at the end of the period.
    CasesOpen,
    /// Duties whose last instant lies in the period.
    DutiesDue,
    /// Of those, done by then.
    DutiesInTime,
    /// Of those, not done by then.
    DutiesLate,
    /// Duties that stand at the end of the period, past their last instant.
    DutiesOverdue,
    /// Acts of enforcement dated in the period.
    Enforced(EnforcementKind),
    /// Letters issued in the period.
    Letters,
    /// Leads that went to another authority in the period.
    Leads,
    /// Merchants at the end of the period.
    Merchants,
    /// Of those, with this light.
    Lit(Light),
    /// Of those, with a filing that was accepted.
    Filed,
    /// Owed to card holders at the end of the period, yuan.
    Outstanding,
    /// To be in custody then, yuan.
    Required,
    /// In custody or guaranteed then, yuan.
    Held,
    /// Missing in custody then, yuan.
    Shortfall,
    /// What card holders would lose then, yuan.
    AtRisk,
}

impl Measure {
    /// Returns what is told beside a row that counts so.
    #[must_use]
    pub const fn unit(self) -> Unit {
        match self {
            Self::Acknowledged | Self::ActedOn => Unit::Hours,
            Self::Promised
            | Self::Recovered
            | Self::Outstanding
            | Self::Required
            | Self::Held
            | Self::Shortfall
            | Self::AtRisk => Unit::Yuan,
            _ => Unit::One,
        }
    }
}

/// Unit of an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// It is one of them.
    One,
    /// Yuan.
    Yuan,
    /// Hours.
    Hours,
}

/// Something that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// As what.
    pub measure: Measure,
    /// One, yuan, or hours.
    pub amount: Decimal,
    /// Where its event stands; `None` where a merchant counts for what is known of it as a whole.
    pub position: Option<Position>,
}

impl Counted {
    /// Returns one thing that an event tells of.
    #[must_use]
    pub const fn one(measure: Measure, position: Position) -> Self {
        Self { measure, amount: Decimal::ONE, position: Some(position) }
    }

    /// Returns an amount that an event tells of.
    #[must_use]
    pub const fn amount(measure: Measure, amount: Decimal, position: Position) -> Self {
        Self { measure, amount, position: Some(position) }
    }

    /// Returns the hours from one instant to another.
    #[must_use]
    pub fn hours(measure: Measure, (from, to): (Instant, Instant), position: Position) -> Self {
        /// Seconds of an hour.
        const HOUR: i64 = 3600;
        let amount = Decimal::from(to.duration_since(from).as_secs()) / Decimal::from(HOUR);
        Self { measure, amount, position: Some(position) }
    }
}

/// What was added up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cell {
    /// How many.
    pub count: u64,
    /// Of their amounts.
    pub sum: Decimal,
    /// Hours one by one, for the middle of them.
    pub hours: Vec<Decimal>,
}

impl Cell {
    /// Adds something.
    pub fn add(&mut self, counted: Counted) {
        self.count += 1;
        match counted.measure.unit() {
            Unit::One => {}
            Unit::Yuan => self.sum += counted.amount,
            Unit::Hours => self.hours.push(counted.amount),
        }
    }

    /// Returns the middle of the hours, of two the mean, to the tenth; `None` if there are none.
    #[must_use]
    pub fn median(&self) -> Option<Decimal> {
        let mut sorted = self.hours.clone();
        sorted.sort_unstable();
        let (upper, lower) = (sorted.len() / 2, sorted.len().checked_sub(1)? / 2);
        Some(((*sorted.get(lower)? + *sorted.get(upper)?) / Decimal::TWO).round_dp(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_hours_is_the_middle() {
        let median = |hours: &[&str]| {
            Cell { hours: hours.iter().map(|it| it.parse().unwrap()).collect(), ..Cell::default() }.median()
        };
        let number = |text: &str| Some(text.parse::<Decimal>().unwrap());
        assert_eq!((median(&[]), median(&["3"])), (None, number("3")));
        assert_eq!((median(&["9", "1"]), median(&["9", "1", "2"])), (number("5"), number("2")));
    }
}
