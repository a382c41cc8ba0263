//! Clocks of a lead that goes to criminal justice (行刑衔接): part of the pack, each number with its clause (law 10). A pack without the
//! table has none.

use super::parameters::Sourced;
use crate::domain::dealings::LeadItem;
use crate::domain::time::{Day, Instant, plus_days, plus_hours, start_of};
use serde::{Deserialize, Serialize};

/// The clocks, and to whom a lead goes that they run for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// Words that name an authority of criminal justice.
    authorities: Vec<String>,
    decide_days: Sourced<u32>,
    hand_over_hours: Sourced<u32>,
    answer_days: Sourced<u32>,
}

/// Which clock of a lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LeadClock {
    /// Whoever decides about the transfer decides.
    Decide,
    /// The papers are handed over once it is approved.
    HandOver,
    /// The other authority says whether it takes the lead.
    Answer,
}

impl LeadClock {
    /// Returns its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Decide => "decide",
            Self::HandOver => "hand_over",
            Self::Answer => "answer",
        }
    }
}

/// How a clock of a lead stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    /// Which.
    pub clock: LeadClock,
    /// When it runs out: what is counted in days ends with the last of them.
    pub due_at: Instant,
    /// It ran out before the thing was done, or has run out.
    pub late: bool,
    /// It was done.
    pub done: bool,
    /// Clause.
    pub source: String,
}

impl Transfer {
    /// Returns how the clocks of a transferred lead stand at `now`; none if it goes to no authority that they run for, or if
    /// nothing says when they began. `answered` is the day of the answer.
    #[must_use]
    pub fn clocks(&self, lead: &LeadItem, answered: Option<Day>, now: Instant) -> Vec<Running> {
        if !self.authorities.iter().any(|word| lead.authority.contains(word.as_str())) {
            return Vec::new();
        }
        let by_day = |from: Day, days: u32| start_of(plus_days(from, i64::from(days) + 1));
        // Handed over some time on its day: by its beginning at the earliest.
        let handed_over = lead.handed_over_at.unwrap_or_else(|| start_of(lead.date));
        let decided = lead.approved_at.unwrap_or(handed_over);
        let decide =
            lead.reported_on.map(|day| (LeadClock::Decide, by_day(day, self.decide_days.value), Some(decided)));
        let hours = i64::from(self.hand_over_hours.value);
        let hand_over = lead.approved_at.map(|at| (LeadClock::HandOver, plus_hours(at, hours), Some(handed_over)));
        let answer = (LeadClock::Answer, by_day(lead.date, self.answer_days.value), answered.map(start_of));
        let running = |(clock, due_at, done): (LeadClock, Instant, Option<Instant>)| {
            let in_time = |at: Instant| if clock == LeadClock::HandOver { at <= due_at } else { at < due_at };
            let source = match clock {
                LeadClock::Decide => &self.decide_days.source,
                LeadClock::HandOver => &self.hand_over_hours.source,
                LeadClock::Answer => &self.answer_days.source,
            };
            Running { clock, due_at, late: !in_time(done.unwrap_or(now)), done: done.is_some(), source: source.clone() }
        };
        decide.into_iter().chain(hand_over).chain([answer]).map(running).collect()
    }
}

/// The table `[transfer]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TransferTable {
    authorities: Vec<String>,
    decide_days: Sourced<u32>,
    hand_over_hours: Sourced<u32>,
    answer_days: Sourced<u32>,
}

impl TransferTable {
    /// Checks the table; each problem is one sentence.
    pub(super) fn check(self, problems: &mut Vec<String>) -> Transfer {
        let Self { authorities, decide_days, hand_over_hours, answer_days } = self;
        if authorities.is_empty() || authorities.iter().any(|word| word.trim().is_empty()) {
            problems.push("`transfer.authorities` names no authority, or a blank one".to_owned());
        }
        for (name, clock) in
            [("decide_days", &decide_days), ("hand_over_hours", &hand_over_hours), ("answer_days", &answer_days)]
        {
            if clock.source.trim().is_empty() {
                problems.push(format!("`transfer.{name}` has no source"));
            }
        }
        Transfer { authorities, decide_days, hand_over_hours, answer_days }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::evidence::STANDING;
    use crate::domain::words::LeadStep;
    use crate::policy::Policies;

    fn lead(authority: &str, reported_on: &str, approved_at: &str, handed_over_at: &str) -> LeadItem {
        LeadItem {
            lead: "1".into(),
            step: LeadStep::Transferred,
            date: "2025-06-05".parse().unwrap(),
            position: 1,
            until: STANDING,
            authority: authority.into(),
            note: None,
            reported_on: reported_on.parse().ok(),
            approved_at: approved_at.parse().ok(),
            handed_over_at: handed_over_at.parse().ok(),
        }
    }

    fn told(lead: &LeadItem, answered: &str, now: &str) -> String {
        let policies = Policies::built_in().unwrap();
        let clocks = policies.pack.transfer.as_ref().unwrap().clocks(lead, answered.parse().ok(), now.parse().unwrap());
        let one = |running: &Running| {
            let word = if running.late { "late" } else { "in time" };
            format!("{} {word}{}", running.clock.name(), if running.done { "" } else { " so far" })
        };
        clocks.iter().map(one).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn each_clock_is_in_time_up_to_its_end_and_late_behind_it() {
        let police = "北京市公安局海淀分局";
        let in_time = lead(police, "2025-06-01", "2025-06-04T15:59:59Z", "2025-06-05T15:00:00Z");
        assert_eq!(
            told(&in_time, "2025-06-08", "2025-07-01T00:00:00Z"),
            "decide in time, hand_over in time, answer in time"
        );
        let late = lead(police, "2025-06-01", "2025-06-04T16:00:00Z", "2025-06-05T16:00:01Z");
        assert_eq!(told(&late, "2025-06-09", "2025-07-01T00:00:00Z"), "decide late, hand_over late, answer late");
        let open = lead(police, "", "", "");
        assert_eq!(told(&open, "", "2025-06-08T15:59:59Z"), "answer in time so far");
        assert_eq!(told(&open, "", "2025-06-08T16:00:00Z"), "answer late so far");
        assert_eq!(told(&lead("区城管执法局", "2025-06-01", "", ""), "", "2025-07-01T00:00:00Z"), "");
    }
}
