//! Days and instants of the one zone this service works in, `Asia/Shanghai`.
//!
//! Mainland China has kept UTC+8 without daylight saving since 1991-09-15; all evidence is younger, so the zone is a
//! constant offset and needs no time-zone database.

//! What people and other systems state comes in through here: [`day`], [`instant`] and, for JSON, [`field`]. Whatever cannot be
//! read or lies outside [`YEARS`] is refused with the value and what was expected. What a log holds already is not held against
//! the bounds: old events stay readable, whatever days they name.

pub mod field;

use jiff::civil::{Date, DateTime, date};
use jiff::fmt::temporal::Pieces;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp, ToSpan};
use std::ops::RangeInclusive;

/// A local calendar day (日历日).
pub type Day = Date;

/// A point on the time line.
pub type Instant = Timestamp;

/// UTC+8, the offset of `Asia/Shanghai`.
pub const ZONE: Offset = Offset::constant(8);

/// The furthest that a clock on earth is from UTC, seconds: Kiritimati, UTC+14.
const FURTHEST_OFFSET: i32 = 14 * 3600;

/// Years that an instant may lie in which somebody asks about or states: all evidence is younger, and no duty, plan or guarantee
/// reaches further.
pub const YEARS: RangeInclusive<i16> = 1990..=2100;
/// First day that may be stated.
pub const FIRST_DAY: Day = date(1990, 1, 1);
/// First day that a merchant may have been founded on.
pub const FIRST_FOUNDED: Day = date(1900, 1, 1);
/// Years ahead of the day of recording that a date may lie.
const YEARS_AHEAD: i64 = 30;
/// What registers write for "no end" in columns that say when something ends.
pub const NO_END: Day = date(9999, 12, 31);

/// Why what somebody states is no day or instant here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimeFault {
    /// It cannot be read as a day.
    #[error("`{0}` is not a day; write it like 2025-03-01")]
    NotADay(String),
    /// It cannot be read as an instant.
    #[error("`{0}` is not an instant; write it like 2025-06-30T18:00:00+08:00, or 2025-06-30 for 00:00 in Beijing")]
    NotAnInstant(String),
    /// It lies where no evidence can be.
    #[error("`{0}` lies outside the years {first} to {last}; check the year", first = YEARS.start(), last = YEARS.end())]
    Outside(String),
}

impl TimeFault {
    /// Returns what is wrong and what to do, in Chinese.
    #[must_use]
    pub fn zh(&self) -> String {
        match self {
            Self::NotADay(text) => format!("`{text}` 不是日期；请写作 2025-03-01"),
            Self::NotAnInstant(text) => {
                format!("`{text}` 不是时间；请写作 2025-06-30T18:00:00+08:00，只写 2025-06-30 即北京时间当日零时")
            }
            Self::Outside(text) => {
                format!("`{text}` 不在 {} 年至 {} 年之间；请核对年份", YEARS.start(), YEARS.end())
            }
        }
    }
}

/// Longest part of what was written that a message repeats.
const SHOWN: usize = 60;

fn shown(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}

/// Reads an instant that somebody states; without an offset it is Beijing time.
///
/// # Errors
/// When it cannot be read, or lies outside [`YEARS`].
pub fn instant(text: &str) -> Result<Instant, TimeFault> {
    // What reads a local time passes over an offset behind it.
    let is_local = || Pieces::parse(text).is_ok_and(|pieces| pieces.offset().is_none());
    let at = on_the_line(text).or_else(|| text.parse::<DateTime>().ok().filter(|_| is_local()).map(instant_of));
    let at = at.ok_or_else(|| TimeFault::NotAnInstant(shown(text)))?;
    if may_be_stated(at) { Ok(at) } else { Err(TimeFault::Outside(shown(text))) }
}

/// Reads an instant with its offset. An offset that no place on earth has is a slip, and would move the day in silence.
fn on_the_line(text: &str) -> Option<Instant> {
    let at = text.parse().ok()?;
    let offset = Pieces::parse(text).ok().and_then(|pieces| pieces.to_numeric_offset());
    offset.is_none_or(|offset| offset.seconds().abs() <= FURTHEST_OFFSET).then_some(at)
}

/// Reads a day that somebody states.
///
/// # Errors
/// When it cannot be read, or lies outside [`YEARS`].
pub fn day(text: &str) -> Result<Day, TimeFault> {
    let day: Day = text.parse().map_err(|_| TimeFault::NotADay(shown(text)))?;
    if YEARS.contains(&day.year()) { Ok(day) } else { Err(TimeFault::Outside(shown(text))) }
}

/// Says whether an instant that was read elsewhere may be stated.
#[must_use]
pub fn may_be_stated(at: Instant) -> bool {
    YEARS.contains(&local(at).year())
}

/// Returns the last day that may be stated in something recorded on `today`.
#[must_use]
pub fn last_day(today: Day) -> Day {
    today.saturating_add(YEARS_AHEAD.years()).min(date(*YEARS.end(), 12, 31))
}

/// Returns an end as it is meant: what registers write for "no end" is none.
#[must_use]
pub fn end(stated: Option<Day>) -> Option<Day> {
    stated.filter(|day| *day != NO_END)
}

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

/// Returns the last day on which something may be done that is due at an instant: what is due at midnight has the day before.
#[must_use]
pub fn due_day(due: Instant) -> Day {
    let day = day_of(due);
    if start_of(day) == due { plus_days(day, -1) } else { day }
}

/// Returns a last instant as people read it, in Beijing's time: the end of a day is that day, another its minute.
#[must_use]
pub fn deadline(at: Instant) -> String {
    if start_of(day_of(at)) == at { due_day(at).to_string() } else { local(at).strftime("%Y-%m-%d %H:%M").to_string() }
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

    #[test]
    fn what_is_stated_lies_between_1990_and_2100_by_the_local_day() {
        for fine in [
            "2025-06-30T18:00:00+14:00",
            "2025-06-30T18:00:00-12:00",
            "1990-01-01T00:00:00+08:00",
            "2100-12-31T15:59:59Z",
            "2016-12-31T23:59:60Z",
            "2025-06-30",
        ] {
            assert!(instant(fine).is_ok(), "{fine}");
        }
        assert_eq!(instant("2025-06-30").unwrap(), start_of("2025-06-30".parse().unwrap()));
        for outside in ["-009999-01-03T12:00:00Z", "1989-12-31T15:59:59Z", "2100-12-31T16:00:00Z", "9999-12-31"] {
            assert_eq!(instant(outside), Err(TimeFault::Outside(outside.to_owned())));
        }
        for nonsense in
            ["", "205-06-01", "2025-06-01T24:00:00Z", "2025-06-30T18:00:00+99:00", "now", "2025-02-29T00:00Z"]
                .into_iter()
                .chain(["2025-06-30T18:00:00+24:00", "2025-06-30T18:00:00-14:01", "2025-06-30T18:00+15:00[+15:00]"])
        {
            assert_eq!(instant(nonsense), Err(TimeFault::NotAnInstant(nonsense.to_owned())));
        }
        assert_eq!(day("1989-12-31"), Err(TimeFault::Outside("1989-12-31".to_owned())));
        assert_eq!(day("2025-02-29"), Err(TimeFault::NotADay("2025-02-29".to_owned())));
    }

    #[test]
    fn thirty_years_ahead_are_counted_from_the_day_of_recording_and_end_with_the_century() {
        let last = |today: &str| last_day(today.parse().unwrap()).to_string();
        assert_eq!(last("2024-02-29"), "2054-02-28");
        assert_eq!(last("2090-01-01"), "2100-12-31");
    }
}
