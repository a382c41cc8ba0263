//! The monthly table (月报表): every figure of a calendar month, frozen. It knows what was recorded up to the day of freezing, and goes by
//! the policies in force then, so it is derived from the log again to the last byte, whatever was recorded since.

use super::{Figures, Period, Terms};
use crate::domain::envelope::Position;
use crate::domain::event::Event;
use crate::domain::time::{Day, Instant, plus_days, start_of};
use crate::log::contract::{EventLog, LogError};
use crate::policy::figures::FigureRules;
use crate::policy::load::STREAM;
use crate::policy::{Policies, PolicyError};
use crate::views::View;
use jiff::civil::date;
use std::fmt;
use std::str::FromStr;

/// A calendar month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month {
    first: Day,
}

/// A text that names no month.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no month; write it as 2025-10")]
pub struct NoMonth(String);

impl FromStr for Month {
    type Err = NoMonth;

    fn from_str(text: &str) -> Result<Self, NoMonth> {
        let wrong = || NoMonth(text.chars().take(20).collect());
        let (year, month) =
            text.split_once('-').filter(|(year, month)| (year.len(), month.len()) == (4, 2)).ok_or_else(wrong)?;
        let (year, month) = (year.parse::<i16>().map_err(|_| wrong())?, month.parse::<i8>().map_err(|_| wrong())?);
        let is_digits = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        let first = Day::new(year, month, 1).map_err(|_| wrong())?;
        if is_digits { Ok(Self { first }) } else { Err(wrong()) }
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.first.year(), self.first.month())
    }
}

impl Month {
    /// Returns the month that a day lies in.
    #[must_use]
    pub fn of(day: Day) -> Self {
        Self { first: date(day.year(), day.month(), 1) }
    }

    /// Returns the month before.
    #[must_use]
    pub fn before(self) -> Self {
        Self::of(plus_days(self.first, -1))
    }

    /// Returns its days.
    #[must_use]
    pub fn period(self) -> Period {
        Period { from: self.first, to: plus_days(self.first.last_of_month(), 1) }
    }

    /// Returns when the table of this month is frozen.
    #[must_use]
    pub fn frozen_at(self, rules: &FigureRules) -> Instant {
        start_of(plus_days(self.period().to, i64::from(rules.on(self.first).freeze_days)))
    }
}

/// What is known of a month's table: from when on, and by which policies.
#[derive(Debug)]
pub struct Known {
    /// When it is, or will be, frozen.
    pub frozen_at: Instant,
    /// It is not frozen yet: what is known now.
    pub is_provisional: bool,
    /// Up to where the log is known.
    pub position: Position,
    /// When that was so.
    pub seen: Instant,
    /// The policies in force then; `None` if those of the view are, or none were.
    policies: Option<Policies>,
}

/// Why the table of a month cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum MonthError {
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The policies that were in force then cannot be read any more.
    #[error("the policies that were in force when the month was frozen cannot be read: {0}")]
    Policies(#[from] PolicyError),
}

impl Known {
    /// Finds what is known of a month at `now`.
    ///
    /// # Errors
    /// See [`MonthError`].
    pub fn of(month: Month, rules: &FigureRules, log: &dyn EventLog, now: Instant) -> Result<Self, MonthError> {
        let frozen_at = month.frozen_at(rules);
        if frozen_at > now {
            let position = Position::MAX;
            return Ok(Self { frozen_at, is_provisional: true, position, seen: now, policies: None });
        }
        let position = log.position_at(frozen_at)?;
        let policies = policies_at(log, position)?;
        Ok(Self { frozen_at, is_provisional: false, position, seen: frozen_at, policies })
    }

    /// Returns the policies by which the table is made: those in force then, else those in force now.
    #[must_use]
    pub fn policies_or<'p>(&'p self, now: &'p Policies) -> &'p Policies {
        self.policies.as_ref().unwrap_or(now)
    }

    /// Returns what the table of the month is made by.
    #[must_use]
    pub fn terms<'p>(&'p self, month: Month, view: &View<'p>) -> Terms<'p> {
        Terms {
            period: month.period(),
            known: self.position,
            seen: self.seen,
            policies: self.policies_or(view.policies),
            original: view.policies.figures.on(month.period().from).original_resolution,
            with_standing: true,
        }
    }
}

/// Returns the policies that were in force at a position; `None` if none were.
fn policies_at(log: &dyn EventLog, position: Position) -> Result<Option<Policies>, MonthError> {
    let recorded = log.read_stream(STREAM, 0, usize::MAX)?;
    let mut known = recorded.iter().rev().filter(|recorded| recorded.position <= position);
    let files = known.find_map(|recorded| match recorded.event.decode() {
        Ok(Event::PolicyActivated(activated)) => Some(activated.files),
        _ => None,
    });
    Ok(files.map(Policies::from_files).transpose()?)
}

impl View<'_> {
    /// Returns the figures of a month as they were known.
    #[must_use]
    pub fn month(&self, month: Month, known: &Known) -> Figures {
        self.figures(&known.terms(month, self))
    }

    /// Returns the same month by what is known now, and by the same policies: what is another number came later.
    #[must_use]
    pub fn month_now(&self, month: Month, known: &Known) -> Figures {
        self.figures(&Terms { known: Position::MAX, seen: self.now, ..known.terms(month, self) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_is_written_in_one_way_and_has_its_days() {
        for text in ["2025-1", "2025-13", "2025-00", "25-01", "2025-01-01", "+025-01", "２０２５-01", ""] {
            assert!(text.parse::<Month>().is_err(), "{text}");
        }
        let month: Month = "2024-02".parse().unwrap();
        let Period { from, to } = month.period();
        assert_eq!(
            (month.to_string(), from.to_string(), to.to_string()),
            ("2024-02".into(), "2024-02-01".into(), "2024-03-01".into())
        );
        assert_eq!(month.before().before().to_string(), "2023-12");
    }
}
