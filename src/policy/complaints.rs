//! Clocks of complaints (投诉办理时限): part of the pack, each number with its clause and the days on which it is in force (law 10). A
//! pack without the table has none. Which step a ticket is at, its own events say ([`crate::domain::ticket_clock`]).

use super::calendar::Calendar;
use crate::domain::ticket_clock::Clock;
use crate::domain::time::{Day, Instant, day_of, plus_days, plus_hours, start_of};
use crate::domain::words::{Channel, ClockStep};
use serde::Deserialize;

/// The clocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComplaintClocks {
    own: ClockRule,
    rules: Vec<ClockRule>,
}

/// One clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClockRule {
    /// Tickets that came in here; `None` for the due time that is written on a ticket, wherever it came in.
    pub channel: Option<Channel>,
    /// What it runs for.
    pub step: ClockStep,
    /// First day on which such a clock may begin; `None`: any.
    pub from: Option<Day>,
    /// Last one; `None`: any.
    pub until: Option<Day>,
    /// Who has to: `sector` (its regulator), `mall`, or `market` (the market regulator).
    pub who: String,
    /// What to do, Chinese.
    pub zh: String,
    /// What to do, English.
    pub en: String,
    /// How long.
    term: Term,
    /// The rule whose light tells that it ran out; nobody is told of it by itself then.
    pub told_by: Option<String>,
    /// Clause or source.
    pub source: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Term {
    /// The ticket says when.
    Written,
    Hours(u32),
    Days(u32),
    WorkingDays(u32),
}

impl ClockRule {
    /// Says whether it is the one that runs for tickets of a channel.
    #[must_use]
    pub fn is_for(&self, channel: Channel, clock: Clock) -> bool {
        let day = day_of(clock.since);
        self.step == clock.step
            && self.channel.is_none_or(|own| own == channel)
            && self.from.is_none_or(|from| from <= day)
            && self.until.is_none_or(|until| day <= until)
    }

    /// Returns when a clock that began at an instant runs out: what is counted in days ends with the last of them. Never
    /// earlier for one that began later.
    #[must_use]
    pub fn due_at(&self, since: Instant, calendar: &Calendar) -> Instant {
        let end_of = |day| start_of(plus_days(day, 1));
        match self.term {
            Term::Written => since,
            Term::Hours(hours) => plus_hours(since, i64::from(hours)),
            Term::Days(days) => end_of(plus_days(day_of(since), i64::from(days))),
            Term::WorkingDays(days) => end_of(calendar.plus_working_days(day_of(since), days)),
        }
    }

    /// Returns the instants at which such a clock may begin: the first, and the first that is too late.
    #[must_use]
    pub fn in_force(&self) -> (Instant, Instant) {
        let first = self.from.map_or(Instant::MIN, start_of);
        (first, self.until.map_or(Instant::MAX, |until| start_of(plus_days(until, 1))))
    }
}

impl ComplaintClocks {
    /// Returns every clock, that of the ticket's own due time first.
    pub fn all(&self) -> impl Iterator<Item = &ClockRule> {
        std::iter::once(&self.own).chain(&self.rules)
    }

    /// Returns the clock that runs for a ticket; `None` if the law gives none.
    #[must_use]
    pub fn rule(&self, channel: Channel, clock: Clock) -> Option<&ClockRule> {
        self.all().find(|rule| rule.is_for(channel, clock))
    }
}

/// The table `[complaints]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ComplaintsTable {
    due_time: OwnTable,
    #[serde(default)]
    clock: Vec<ClockTable>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OwnTable {
    zh: String,
    en: String,
    who: String,
    source: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockTable {
    channel: Channel,
    step: ClockStep,
    from: Option<Day>,
    until: Option<Day>,
    who: String,
    zh: String,
    en: String,
    hours: Option<u32>,
    days: Option<u32>,
    working_days: Option<u32>,
    told_by: Option<String>,
    source: String,
}

impl ComplaintsTable {
    /// Checks the table; each problem is one sentence. `is_rule` says whether there is a rule of a name.
    pub(super) fn check(self, is_rule: impl Fn(&str) -> bool, problems: &mut Vec<String>) -> ComplaintClocks {
        let OwnTable { zh, en, who, source } = self.due_time;
        let own = ClockRule {
            channel: None,
            step: ClockStep::DueTime,
            from: None,
            until: None,
            who,
            zh,
            en,
            term: Term::Written,
            told_by: None,
            source,
        };
        let mut rules: Vec<ClockRule> = Vec::new();
        for (number, table) in (1..).zip(self.clock) {
            let place = format!("complaints.clock {number} ({}, {})", table.channel, table.step);
            let rule = table.read(&place, problems);
            let meets = |other: &&ClockRule| {
                let ((first, end), (other_first, other_end)) = (rule.in_force(), other.in_force());
                (other.channel, other.step) == (rule.channel, rule.step) && first < other_end && other_first < end
            };
            if rules.iter().any(|other| meets(&other)) {
                problems.push(format!("{place}: another clock of the same is in force on the same days"));
            }
            if let Some(name) = rule.told_by.as_deref().filter(|name| !is_rule(name)) {
                problems.push(format!("{place}: there is no rule `{name}`"));
            }
            rules.push(rule);
        }
        for (place, rule) in
            std::iter::once(("complaints.due_time", &own)).chain(rules.iter().map(|rule| ("complaints.clock", rule)))
        {
            if [&rule.zh, &rule.en, &rule.source].iter().any(|text| text.trim().is_empty()) {
                problems.push(format!("`{place}`: what to do is said in both languages, with its source"));
            }
            if !["sector", "mall", "market"].contains(&rule.who.as_str()) {
                problems.push(format!("`{place}`: `who` is `sector`, `mall` or `market`, not `{}`", rule.who));
            }
        }
        ComplaintClocks { own, rules }
    }
}

impl ClockTable {
    fn read(self, place: &str, problems: &mut Vec<String>) -> ClockRule {
        let terms = [self.hours.map(Term::Hours), self.days.map(Term::Days), self.working_days.map(Term::WorkingDays)];
        let mut given = terms.into_iter().flatten();
        let (first, second) = (given.next(), given.next());
        if first.is_none() || second.is_some() {
            problems.push(format!("{place}: give one of `hours`, `days`, `working_days`"));
        }
        if self.step == ClockStep::DueTime {
            problems.push(format!("{place}: a due time is what the ticket says; the others run for another step"));
        }
        if self.from.zip(self.until).is_some_and(|(from, until)| until < from) {
            problems.push(format!("{place}: it ends before it begins"));
        }
        ClockRule {
            channel: Some(self.channel),
            step: self.step,
            from: self.from,
            until: self.until,
            who: self.who,
            zh: self.zh,
            en: self.en,
            term: first.unwrap_or(Term::Written),
            told_by: self.told_by,
            source: self.source,
        }
    }
}

#[cfg(test)]
mod tests;
