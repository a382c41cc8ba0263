//! How lights are followed up as cases (亮灯处置): part of the pack, each number with its source (law 10). Under a pack without it
//! no case opens.

use super::calendar::Calendar;
use super::parameters::Sourced;
use crate::domain::time::{Instant, day_of, plus_days, plus_hours, start_of};
use serde::Deserialize;

/// How lights are followed up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FollowUp {
    /// A light that rises again within so many days after its case ended opens that case again.
    pub reopen_days: u32,
    /// A duty may be put off by so many days at most.
    pub pause_days: u32,
    /// So many hours after an acknowledgement without an act, it is reminded of.
    pub remind_hours: Option<u32>,
    /// Hours of a working day in which mails about what is late go out, unless an office has its own; `None`: at any time.
    pub office: Option<Hours>,
    /// Who is told when a duty's time is over, one after the other.
    pub steps: Vec<Step>,
}

/// Hours of a working day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// From this hour.
    pub from: u32,
    /// Until this one, which is over them.
    pub until: u32,
}

impl Hours {
    /// Says whether there is time between them, within a day.
    #[must_use]
    pub const fn are_some(&self) -> bool {
        self.from < self.until && self.until <= 24
    }
}

/// A step up.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Who is told.
    pub to: Upward,
    /// So many hours after the step before; the first step comes when the duty's time is over.
    hours: Option<u32>,
    /// Or at the end of so many working days.
    working_days: Option<u32>,
    source: String,
}

/// Who is told that something is late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Upward {
    /// The office in charge.
    Officer,
    /// Its head.
    Head,
    /// The lead office.
    Lead,
}

impl Upward {
    /// Returns the name, as events have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Officer => "officer",
            Self::Head => "head",
            Self::Lead => "lead",
        }
    }

    /// Returns who has this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Officer, Self::Head, Self::Lead].into_iter().find(|to| to.name() == name)
    }
}

impl FollowUp {
    /// Returns the step after so many, with who is told.
    #[must_use]
    pub fn step(&self, before: u16) -> Option<&Step> {
        self.steps.get(usize::from(before))
    }

    /// Returns when the step after so many comes, if the one before came at an instant; `None` if there is none.
    #[must_use]
    pub fn step_at(&self, before: u16, at: Instant, calendar: &Calendar) -> Option<Instant> {
        let step = self.step(before)?;
        Some(match (step.hours, step.working_days) {
            (Some(hours), _) => plus_hours(at, i64::from(hours)),
            (None, Some(days)) => start_of(plus_days(calendar.plus_working_days(day_of(at), days), 1)),
            (None, None) => at,
        })
    }

    /// Returns when an acknowledgement without an act is reminded of.
    #[must_use]
    pub fn remind_at(&self, acknowledged_at: Instant) -> Option<Instant> {
        self.remind_hours.map(|hours| plus_hours(acknowledged_at, i64::from(hours)))
    }

    /// Returns when a mail goes out that is due at an instant: then, or when offices open next. `own` are the hours of the office.
    #[must_use]
    pub fn office_time(&self, at: Instant, calendar: &Calendar, own: Option<Hours>) -> Instant {
        let Some(Hours { from, until }) = own.or(self.office) else { return at };
        let today = day_of(at);
        let hour = |day, hour: u32| plus_hours(start_of(day), i64::from(hour));
        if calendar.is_working_day(today) && at < hour(today, until) {
            return at.max(hour(today, from));
        }
        hour(calendar.plus_working_days(today, 1), from)
    }
}

/// The table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FollowUpTable {
    reopen_days: Sourced<u32>,
    pause_days: Sourced<u32>,
    remind_hours: Option<Sourced<u32>>,
    office: Option<OfficeTable>,
    #[serde(default)]
    step: Vec<Step>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OfficeTable {
    from: u32,
    until: u32,
    source: String,
}

impl FollowUpTable {
    /// Checks the table; each problem is one sentence.
    pub(super) fn check(self, problems: &mut Vec<String>) -> FollowUp {
        let named = |name: &'static str, source: &str| (name, source.trim().is_empty());
        let mut sources =
            vec![named("reopen_days", &self.reopen_days.source), named("pause_days", &self.pause_days.source)];
        sources.extend(self.remind_hours.as_ref().map(|hours| named("remind_hours", &hours.source)));
        sources.extend(self.office.as_ref().map(|office| named("office", &office.source)));
        sources.extend(self.step.iter().map(|step| named("step", &step.source)));
        for (name, _) in sources.into_iter().filter(|(_, is_missing)| *is_missing) {
            problems.push(format!("`follow_up.{name}` has no source"));
        }
        let office = self.office.map(|office| Hours { from: office.from, until: office.until });
        if let Some(office) = office.filter(|office| !office.are_some()) {
            problems.push(format!("office hours from {} until {} are none", office.from, office.until));
        }
        for step in self.step.iter().filter(|step| step.hours.is_some() && step.working_days.is_some()) {
            problems.push(format!("the step to `{}` has `hours` or `working_days`, not both", step.to.name()));
        }
        FollowUp {
            reopen_days: self.reopen_days.value,
            pause_days: self.pause_days.value,
            remind_hours: self.remind_hours.map(|hours| hours.value),
            office,
            steps: self.step,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::policy::Policies;

    #[test]
    fn mails_about_what_is_late_wait_for_office_hours() {
        let policies = Policies::built_in().unwrap();
        let follow_up = policies.pack.follow_up.as_ref().unwrap();
        for (at, goes) in [
            ("2025-09-30T00:00:00+08:00", "2025-09-30T09:00:00+08:00"),
            ("2025-09-30T10:30:00+08:00", "2025-09-30T10:30:00+08:00"),
            // Eight days off, and a Saturday that is worked.
            ("2025-09-30T18:00:00+08:00", "2025-10-09T09:00:00+08:00"),
            ("2025-10-10T19:00:00+08:00", "2025-10-11T09:00:00+08:00"),
            ("2025-10-12T12:00:00+08:00", "2025-10-13T09:00:00+08:00"),
        ] {
            let found = follow_up.office_time(at.parse().unwrap(), &policies.calendar, None);
            assert_eq!(found, goes.parse().unwrap(), "{at}");
        }
    }
}
