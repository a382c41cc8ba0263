//! What is told about one merchant while it is drawn.

use super::Dated;
use super::chance::Chance;
use crate::domain::command::Command;
use crate::domain::time::{Day, days_between, plus_days};

/// Collects what was known from a first to a last day; what would have been known later is left out.
pub(super) struct Story {
    pub(super) from: Day,
    pub(super) until: Day,
    told: Vec<Dated>,
}

impl Story {
    pub(super) fn new(from: Day, until: Day) -> Self {
        Self { from, until, told: Vec::with_capacity(32) }
    }

    /// Tells a command on the day it was known, and returns that day. Steps of one affair must be told in order, on days
    /// that do not go back: then leaving out the late ones leaves a beginning that makes sense.
    pub(super) fn tell(&mut self, known_on: Day, command: Command) -> Day {
        let known_on = known_on.max(self.from);
        if known_on <= self.until {
            self.told.push(Dated { known_on, command });
        }
        known_on
    }

    /// Returns a day of the story.
    pub(super) fn day(&self, chance: &mut Chance) -> Day {
        plus_days(self.from, chance.between(0, days_between(self.from, self.until)))
    }

    /// Returns everything in the order it was known; of one day, as it was told.
    pub(super) fn told(mut self) -> Vec<Dated> {
        self.told.sort_by_key(|dated| dated.known_on);
        self.told
    }
}
