//! Days and instants of the one zone this service works in, `Asia/Shanghai`.
//!
//! Mainland China has kept UTC+8 without daylight saving since 1991-09-15; all evidence is younger, so the zone is a
//! constant offset and needs no time-zone database.

use jiff::civil::{Date, DateTime};
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp, ToSpan};

/// A local calendar day (日历日).
pub type Day = Date;

/// A point on the time line.
pub type Instant = Timestamp;

/// UTC+8, the offset of `Asia/Shanghai`.
pub const ZONE: Offset = Offset::constant(8);

/// Returns the local day that `at` falls on.
#[must_use]
pub fn day_of(at: Instant) -> Day {
    ZONE.to_datetime(at).date()
}

/// Returns the local wall-clock reading at `at`.
#[must_use]
pub fn local(at: Instant) -> DateTime {
    ZONE.to_datetime(at)
}

/// Returns 00:00 of `day`: a date without a time counts from here (docs/FACTS.md).
#[must_use]
pub fn start_of(day: Day) -> Instant {
    instant_of(day.to_datetime(jiff::civil::Time::midnight()))
}

/// Returns the instant of a local wall-clock reading. The offset is constant, so every reading has exactly one; readings
/// outside the range of representable instants are clamped to it.
#[must_use]
pub fn instant_of(local: DateTime) -> Instant {
    ZONE.to_timestamp(local).unwrap_or(if local.year() < 0 { Instant::MIN } else { Instant::MAX })
}

/// Returns the day count `later − earlier`, a difference of local dates.
#[must_use]
pub fn days_between(earlier: Day, later: Day) -> i64 {
    // Counted through midnights: both conversions are exact because the offset is constant.
    start_of(later).duration_since(start_of(earlier)).as_hours() / 24
}

/// Returns `day + count` days, clamped to the calendar's range.
#[must_use]
pub fn plus_days(day: Day, count: i64) -> Day {
    day.saturating_add(count.days())
}

/// Returns `at + hours`, clamped to the range of instants.
#[must_use]
pub fn plus_hours(at: Instant, hours: i64) -> Instant {
    at.checked_add(SignedDuration::from_hours(hours)).unwrap_or(Instant::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_at_midnight_in_shanghai() {
        let day: Day = "2025-03-01".parse().unwrap();
        assert_eq!(start_of(day).to_string(), "2025-02-28T16:00:00Z");
        assert_eq!(day_of(start_of(day)), day);
    }

    #[test]
    fn ninety_days_before_new_years_eve_is_the_second_of_october() {
        let leaving: Day = "2025-12-31".parse().unwrap();
        assert_eq!(plus_days(leaving, -90).to_string(), "2025-10-02");
        assert_eq!(days_between(plus_days(leaving, -90), leaving), 90);
    }
}
