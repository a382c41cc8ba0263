//! A synthetic district (模拟辖区): merchants that file, report, are complained of, leave and close, for trying the
//! service out at any size. Places are real, merchants and people are invented.
//!
//! The same seed gives the same district on every machine, and a merchant is the same whatever the number of merchants
//! around it: each is drawn from its own generator, so a million of them can pass by without being held in memory.

mod authority;
mod chance;
mod code;
mod complaints;
mod events;
#[cfg(test)]
pub(crate) mod lived;
mod mall;
mod merchant;
mod money;
mod names;
mod save;
pub mod sheets;
mod story;

pub use save::{SaveError, Saved, Shape, save};

use crate::domain::command::Command;
use crate::domain::time::{Day, Instant, plus_hours, start_of};
use chance::Chance;
use merchant::Merchant;
use story::Story;

/// The most merchants a district can have; ticket numbers are made for that many.
pub const MOST_MERCHANTS: u64 = 1_000_000;

/// A command and the day the office would have known it. What the command says happened is never later than that day;
/// it may be months earlier, where a report came late.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dated {
    /// The day it would have been entered.
    pub known_on: Day,
    /// What would have been entered.
    pub command: Command,
}

/// Hour of the day at which the offices enter what they know.
const OFFICE_HOUR: i64 = 17;

/// Returns when the offices enter what they know on a day: at five in the afternoon.
#[must_use]
pub fn office_hour(day: Day) -> Instant {
    plus_hours(start_of(day), OFFICE_HOUR)
}

/// A district to be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Other seeds give other districts.
    pub seed: u64,
    /// Registered merchants; some unregistered codes come on top.
    pub merchants: u64,
    /// First day anything is known.
    pub from: Day,
    /// Last day anything is known.
    pub until: Day,
}

impl Plan {
    /// Returns everything that was known about merchant `index` (from 0), and about the unregistered shop next door if
    /// there is one, in the order it was known. Empty if the plan ends before it begins.
    #[must_use]
    pub fn merchant(&self, index: u64) -> Vec<Dated> {
        if self.until < self.from {
            return Vec::new();
        }
        let mut chance = Chance::new(self.seed, chance::MERCHANT, index);
        let mut story = Story::new(self.from, self.until);
        // INVARIANT: every number has a code, so every merchant is drawn.
        let Some(merchant) = Merchant::draw(self.seed, index, &mut chance, &mut story) else { return Vec::new() };
        let declared = money::declare(&merchant, &mut chance, &mut story);
        let filed_on = money::file(&merchant, &declared, &mut chance, &mut story);
        money::keep(&merchant, &declared, filed_on, &mut chance, &mut story);
        let closed = mall::leave(&merchant, &mut chance, &mut story);
        mall::signal(&merchant, &mut chance, &mut story);
        authority::list(&merchant, &mut chance, &mut story);
        authority::enforce(&merchant, &mut chance, &mut story);
        complaints::complain(&merchant, &closed, &mut chance, &mut story);
        complaints::complain_of_unregistered(self.seed, index, &mut chance, &mut story);
        story.told()
    }
}

/// Draws a district: merchant after merchant, each in the order its evidence was known. Sorted by [`Dated::known_on`]
/// (a stable sort), it is what the office would have entered day by day. An assignment of sectors by hand is a decision
/// of the office and not part of it.
pub fn district(seed: u64, merchants: u64, from: Day, until: Day) -> impl Iterator<Item = Dated> {
    let plan = Plan { seed, merchants, from, until };
    (0..merchants).flat_map(move |index| plan.merchant(index))
}

#[cfg(test)]
mod tests;
