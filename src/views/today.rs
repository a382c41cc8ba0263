//! What somebody who acts looks at first: lights that changed since they last looked, notices past their day.

use super::View;
use crate::domain::code::CreditCode;
use crate::domain::envelope::Position;
use crate::domain::time::{Instant, day_of};
use crate::domain::words::Light;

/// A light that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// Whose.
    pub credit_code: CreditCode,
    /// Its name, if it is in the register.
    pub name: Option<String>,
    /// The light now.
    pub light: Light,
    /// When it last changed, in colour or in reasons.
    pub at: Instant,
    /// Where that change stands.
    pub position: Position,
}

/// From where on changes are new to somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// After a change that was seen.
    Position(Position),
    /// From an instant on, for whoever looks for the first time.
    Instant(Instant),
}

impl View<'_> {
    /// Returns the lights that changed, newest first.
    #[must_use]
    pub fn changed(&self, since: Since) -> Vec<Changed> {
        let lit = self.merchants().filter_map(|merchant| Some((merchant, self.lights.get(merchant.code)?)));
        let new = lit.filter(|(_, lit)| match since {
            Since::Position(seen) => lit.position > seen,
            Since::Instant(from) => lit.at >= from,
        });
        let mut changed: Vec<Changed> = new
            .map(|(merchant, lit)| Changed {
                credit_code: merchant.code,
                name: merchant.name(Position::MAX).map(str::to_owned),
                light: lit.light,
                at: lit.at,
                position: lit.position,
            })
            .collect();
        changed.sort_unstable_by_key(|row| std::cmp::Reverse(row.position));
        changed
    }

    /// Returns how many notices stand whose planned day has passed.
    #[must_use]
    pub fn overdue_exits(&self) -> usize {
        let today = day_of(self.now);
        let exits = self.exits(None).into_iter();
        exits.filter(|row| row.countdown(today).is_some_and(|days| days.days_left < 0)).count()
    }
}
