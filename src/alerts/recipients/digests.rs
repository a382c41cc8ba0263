//! When readers of mail get their digests (汇总): the table `[digest]` of the list of recipients, and who has times of their own.

use crate::domain::time::{Instant, day_of, instant_of};
use crate::policy::calendar::Calendar;
use jiff::SignedDuration;
use jiff::civil::Time;
use serde::Deserialize;
use std::collections::BTreeMap;

/// So long after a set time its digest may still be made. What was not made by then (the service was stopped, a clock was wrong) goes
/// with the next: nobody gets one in the middle of the night.
const GRACE: SignedDuration = SignedDuration::from_mins(30);

/// Longest time for which red lights are kept back to share a mail, in minutes.
const LONGEST_SHARE: i64 = 60;

/// How mails are collected into digests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digests {
    /// Set times of a working day, soonest first.
    at: Vec<Time>,
    /// Red lights that come to one reader within this time share a mail.
    pub share: SignedDuration,
    /// So many shops of one mall or brand make one line.
    pub together: usize,
    /// Addresses with times of their own; none at all means that everything is told at once.
    own: BTreeMap<String, Vec<Time>>,
}

/// A set time that has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// When it was.
    pub at: Instant,
    /// It is the first of its day.
    pub is_first: bool,
}

/// The table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    at: Vec<String>,
    share_minutes: i64,
    together: usize,
}

impl Digests {
    /// Checks the table; each problem is one sentence.
    pub(super) fn check(raw: &Table, problems: &mut Vec<String>) -> Self {
        let mut complain = |what: String| problems.push(format!("`digest`: {what}"));
        let at = times(&raw.at, &mut complain);
        if at.is_empty() {
            complain("`at` names no time; leave the table out where everything is told at once".to_owned());
        }
        if !(0..=LONGEST_SHARE).contains(&raw.share_minutes) {
            complain(format!("`share_minutes` is {}, and 0 to {LONGEST_SHARE} are taken", raw.share_minutes));
        }
        if raw.together < 2 {
            complain(format!("`together` is {}, and one shop alone is no group", raw.together));
        }
        let share = SignedDuration::from_mins(raw.share_minutes.clamp(0, LONGEST_SHARE));
        Self { at, share, together: raw.together, own: BTreeMap::new() }
    }

    /// Gives an address times of its own.
    ///
    /// # Errors
    /// When it has others already.
    pub(super) fn give(&mut self, address: &str, own: Vec<Time>) -> Result<(), String> {
        match self.own.insert(address.to_owned(), own.clone()) {
            Some(other) if other != own => Err(format!("`{address}` has other times of a digest elsewhere")),
            _ => Ok(()),
        }
    }

    fn times(&self, address: &str) -> &[Time] {
        self.own.get(address).unwrap_or(&self.at)
    }

    /// Says whether what is told to an address is collected at all.
    #[must_use]
    pub fn gather_for(&self, address: &str) -> bool {
        !self.times(address).is_empty()
    }

    /// Returns the set time of an address that has come, if its digest may be made now.
    #[must_use]
    pub fn slot(&self, address: &str, now: Instant, calendar: &Calendar) -> Option<Slot> {
        let today = day_of(now);
        if !calendar.is_working_day(today) {
            return None;
        }
        let times = self.times(address).iter().enumerate();
        let slots = times.map(|(index, time)| Slot { at: instant_of(today.to_datetime(*time)), is_first: index == 0 });
        slots.rev().find(|slot| slot.at <= now && now.duration_since(slot.at) < GRACE)
    }
}

/// Reads times of a day, as `09:00`, and puts them in order.
pub(super) fn times(raw: &[String], complain: &mut dyn FnMut(String)) -> Vec<Time> {
    let mut read = Vec::with_capacity(raw.len());
    for text in raw {
        match Time::strptime("%H:%M", text) {
            Ok(time) => read.push(time),
            Err(_) => complain(format!("`{text}` is not a time of the day; write it as 09:00")),
        }
    }
    read.sort_unstable();
    read.dedup();
    read
}
