//! Days, counts and the working-day calendar, counted out one by one.

use rust_decimal::Decimal;
use warnlight::domain::time::{Day, plus_days};
use warnlight::policy::fact::Value;

/// The value with the latest day; on one day the one recorded later.
pub(super) fn latest<T>(items: impl IntoIterator<Item = (Day, T)>) -> Option<T> {
    let mut best: Option<(Day, T)> = None;
    for (day, item) in items {
        if best.as_ref().is_none_or(|(other, _)| *other <= day) {
            best = Some((day, item));
        }
    }
    best.map(|(_, item)| item)
}

pub(super) fn within(date: Day, today: Day, window: i64) -> bool {
    plus_days(today, -window) < date && date <= today
}

pub(super) fn span(from: Day, to: Day) -> i64 {
    i64::from(from.until(to).unwrap().get_days())
}

pub(super) fn days(number: i64) -> Option<Value> {
    Some(Value::Number(Decimal::from(number)))
}

pub(super) fn count(number: usize) -> Option<Value> {
    Some(Value::Number(Decimal::from(number)))
}

pub(super) fn last_quarter_end(day: Day) -> Day {
    let mut end = plus_days(day, -1);
    while !matches!((end.month(), end.day()), (3 | 12, 31) | (6 | 9, 30)) {
        end = plus_days(end, -1);
    }
    end
}

pub(super) fn working_days_after(day: Day, mut left: u32) -> Day {
    let mut day = day;
    while left > 0 {
        day = plus_days(day, 1);
        if works(day) {
            left -= 1;
        }
    }
    day
}

fn works(day: Day) -> bool {
    use jiff::civil::Weekday;
    let text = day.to_string();
    let listed = |kind: &str| EXCEPTIONS.lines().any(|line| line == format!("{text} {kind}"));
    // A year whose schedule is not published has weekends and the holidays with fixed dates.
    if !(2024..=2026).contains(&day.year()) && FIXED.contains(&text.split_at(5).1) {
        return false;
    }
    listed("work") || !(matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday) || listed("off"))
}

/// 1 January, 1 and 2 May, 1 to 3 October.
const FIXED: [&str; 6] = ["01-01", "05-01", "05-02", "10-01", "10-02", "10-03"];

/// The exceptions of 2024 to 2026.
const EXCEPTIONS: &str = include_str!("../exceptions.txt");
