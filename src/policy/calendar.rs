//! The State Council's working-day calendar (工作日历), `policies/calendar.toml`.

use crate::domain::time::{Day, plus_days};
use jiff::civil::Weekday;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// Which days are working days.
#[derive(Debug, Clone, Default)]
pub struct Calendar {
    /// Days that differ from their weekday: `true` is a make-up working day (调休), `false` a holiday.
    exceptions: BTreeMap<Day, bool>,
    years: Vec<i16>,
    /// Month and day of holidays that are the same every year, for years without a schedule.
    fixed: BTreeSet<(i8, i8)>,
}

/// The file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CalendarFile {
    year: Vec<YearTable>,
    /// Absent in calendars of old logs: there, such years are counted by weekdays alone.
    unpublished: Option<UnpublishedTable>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct UnpublishedTable {
    /// Written like `10-01`.
    off: Vec<String>,
    source: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct YearTable {
    year: i16,
    source: String,
    off: Vec<Day>,
    work: Vec<Day>,
}

impl CalendarFile {
    /// Checks the file and adds its years to a calendar; each problem is one sentence.
    pub(super) fn add_to(self, calendar: &mut Calendar, problems: &mut Vec<String>) {
        if let Some(table) = self.unpublished {
            if table.source.trim().is_empty() {
                problems.push("the holidays of years without a schedule have no source".to_owned());
            }
            for text in table.off {
                match fixed_day(&text) {
                    Some(day) => {
                        calendar.fixed.insert(day);
                    }
                    None => problems.push(format!("`{text}` is no day of every year; write it like 10-01")),
                }
            }
        }
        for table in self.year {
            if table.source.trim().is_empty() {
                problems.push(format!("year {} has no source", table.year));
            }
            if calendar.years.contains(&table.year) {
                problems.push(format!("year {} is there twice", table.year));
            }
            calendar.years.push(table.year);
            let days = table.off.iter().map(|day| (*day, false)).chain(table.work.iter().map(|day| (*day, true)));
            for (day, works) in days {
                if day.year() != table.year {
                    problems.push(format!("{day} is not in year {}", table.year));
                }
                if weekday_works(day) == works {
                    problems.push(format!("{day} is no exception: its weekday says the same"));
                }
                if calendar.exceptions.insert(day, works).is_some() {
                    problems.push(format!("{day} is listed twice"));
                }
            }
        }
    }
}

/// Reads a day that every year has.
fn fixed_day(text: &str) -> Option<(i8, i8)> {
    let (month, day) = text.split_once('-')?;
    let day = jiff::civil::Date::new(2025, month.parse().ok()?, day.parse().ok()?).ok()?;
    Some((day.month(), day.day()))
}

fn weekday_works(day: Day) -> bool {
    !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday)
}

/// Days ahead that a missing schedule is told of: duties of ten working days, over a long holiday.
const LOOKAHEAD_DAYS: i64 = 30;

impl Calendar {
    /// Says whether `day` is a working day (工作日).
    #[must_use]
    pub fn is_working_day(&self, day: Day) -> bool {
        let holiday = || !self.covers(day.year()) && self.fixed.contains(&(day.month(), day.day()));
        self.exceptions.get(&day).copied().unwrap_or_else(|| weekday_works(day) && !holiday())
    }

    /// Returns the `count`-th working day after `day`; the first day does not count (Civil Code Art 201).
    #[must_use]
    pub fn plus_working_days(&self, day: Day, count: u32) -> Day {
        let mut left = count;
        let mut current = day;
        while left > 0 && current < Day::MAX {
            current = plus_days(current, 1);
            if self.is_working_day(current) {
                left -= 1;
            }
        }
        current
    }

    /// Says whether the year's schedule is known; in other years weekends and holidays with fixed dates are off.
    #[must_use]
    pub fn covers(&self, year: i16) -> bool {
        self.years.contains(&year)
    }

    /// Returns the year that working days are counted in soon, without its schedule being known: that of `today`, or the next
    /// from the day on that duties of today reach into it.
    #[must_use]
    pub fn missing_year(&self, today: Day) -> Option<i16> {
        let reach = plus_days(today, LOOKAHEAD_DAYS);
        (today.year()..=reach.year()).find(|year| !self.covers(*year))
    }

    /// Returns the years among these days whose schedule is not known, each once.
    #[must_use]
    pub fn missing_between(&self, first: Day, last: Day) -> Vec<i16> {
        (first.year()..=last.year()).filter(|year| !self.covers(*year)).collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::policy::Policies;

    #[test]
    fn working_days_follow_the_state_council() {
        let policies = Policies::built_in().unwrap();
        // Start, count, end: worked examples from the published schedules of 2025 and 2026.
        for (start, count, end) in [
            ("2025-09-25", 7, "2025-10-11"),
            ("2025-09-26", 15, "2025-10-23"),
            ("2025-09-19", 45, "2025-11-27"),
            ("2025-04-28", 7, "2025-05-12"),
            ("2026-02-10", 7, "2026-02-26"),
        ] {
            let found = policies.calendar.plus_working_days(start.parse().unwrap(), count);
            assert_eq!(found.to_string(), end, "{count} working days after {start}");
        }
    }

    #[test]
    fn a_year_without_a_schedule_has_its_fixed_holidays() {
        let policies = Policies::built_in().unwrap();
        let works = |day: &str| policies.calendar.is_working_day(day.parse().unwrap());
        for day in ["2027-01-01", "2029-05-01", "2029-05-02", "2029-10-01", "2029-10-02", "2029-10-03", "2027-10-02"] {
            assert!(!works(day), "{day}");
        }
        for day in ["2027-01-04", "2027-05-03", "2027-10-04", "2029-09-28"] {
            assert!(works(day), "{day}");
        }
        assert_eq!(policies.calendar.plus_working_days("2026-12-31".parse().unwrap(), 1).to_string(), "2027-01-04");
    }

    #[test]
    fn both_years_have_248_working_days() {
        let policies = Policies::built_in().unwrap();
        for year in [2025_i16, 2026] {
            let first = jiff::civil::date(year, 1, 1);
            let days = first.series(jiff::ToSpan::days(1)).take_while(|day| day.year() == year);
            assert_eq!(days.filter(|day| policies.calendar.is_working_day(*day)).count(), 248, "{year}");
        }
    }
}
