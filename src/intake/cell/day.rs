//! Dates and date-times, as text in the spellings people and databases use or as a spreadsheet serial. Local time, UTC+8.

mod clock;
mod scan;

use super::{Cell, CellFault, Number};
use crate::domain::name_key::is_dash;
use crate::domain::text::half_width;
use crate::domain::time::{Day, Instant, NO_END, instant_of, local, plus_days};
use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::Offset;
use scan::Scan;

/// Serials of the years 1980 to 2100; a number outside is far more likely a month, a year or a count in the wrong column.
const SERIALS: std::ops::Range<f64> = 29_221.0..73_416.0;

/// First serial (1927-05-18) that a cell may hold which the spreadsheet shows as a date: shops are older than 1980.
const FIRST_SHOWN: f64 = 10_000.0;

/// Days between the two ways spreadsheets count.
const DAYS_1900_TO_1904: f64 = 1_462.0;

const SECONDS_PER_DAY: f64 = 86_400.0;

/// Reads a day. A time in the cell is not looked at, but for its offset: `2026-09-30T16:00:00Z` is the first of October in Beijing.
///
/// # Errors
/// [`CellFault::NotADay`], [`CellFault::ShortDay`], [`CellFault::NoSuchDay`], [`CellFault::Weekday`] and what no cell may hold.
pub fn day(cell: Cell<'_>) -> Result<Option<Day>, CellFault> {
    Ok(moment(cell, CellFault::NotADay)?.map(|at| at.date()))
}

/// Reads a date with a time, to the second; without one it is 00:00. An offset (`2025-06-01T09:00:00+08:00`) is heeded.
///
/// # Errors
/// [`CellFault::NotATime`] and what [`day`] says.
pub fn instant(cell: Cell<'_>) -> Result<Option<Instant>, CellFault> {
    Ok(moment(cell, CellFault::NotATime)?.map(instant_of))
}

fn moment(cell: Cell<'_>, otherwise: CellFault) -> Result<Option<DateTime>, CellFault> {
    match cell {
        Cell::Number(number) => of_number(number, otherwise).map(Some),
        Cell::Bool(_) => Err(otherwise),
        _ => cell.marked()?.map(|text| of_text(&text, otherwise)).transpose(),
    }
}

/// A number is a serial, or the digits of a date that were typed without anything between them.
fn of_number(number: Number, otherwise: CellFault) -> Result<DateTime, CellFault> {
    match of_serial(number) {
        Some(at) => Ok(at),
        None if number.value.fract() == 0.0 && !number.dated => of_text(&number.digits(), otherwise),
        None if number.value >= SERIALS.end && number.value < 1e6 => Err(CellFault::ShortDay),
        None => Err(otherwise),
    }
}

/// Returns the moment of a spreadsheet serial, to the nearest second, if it can be one.
pub(super) fn of_serial(number: Number) -> Option<DateTime> {
    let serial = if number.from_1904 { number.value + DAYS_1900_TO_1904 } else { number.value };
    let first = if number.dated { FIRST_SHOWN } else { SERIALS.start };
    // Counted from 1899-12-30, which absorbs the 29 February 1900 that spreadsheets believe in.
    let zero = jiff::civil::date(1899, 12, 30);
    // A cell that is shown as a date may say that something has no end.
    let endless = || number.dated && serial.fract() == 0.0 && serial < 3e6 && plus_days(zero, serial as i64) == NO_END;
    if !((first..SERIALS.end).contains(&serial) || endless()) {
        return None;
    }
    // In range, so both casts are exact.
    let seconds = (serial.fract() * SECONDS_PER_DAY).round() as i64;
    let day = plus_days(zero, serial.trunc() as i64 + seconds / 86_400);
    let seconds = seconds % 86_400;
    let part = |value: i64| i8::try_from(value).ok();
    let clock = Time::new(part(seconds / 3600)?, part(seconds / 60 % 60)?, part(seconds % 60)?, 0).ok()?;
    Some(day.to_datetime(clock))
}

fn of_text(text: &str, otherwise: CellFault) -> Result<DateTime, CellFault> {
    let narrow = half_width(text);
    if let Some(at) = of_digits(&narrow) {
        return at;
    }
    let mut rest = Scan::new(&narrow);
    let day = date(&mut rest, &otherwise)?;
    rest.blanks();
    if let Some(weekday) = rest.weekday()
        && weekday != day.weekday()
    {
        return Err(CellFault::Weekday);
    }
    let (clock, offset) = if rest.is_empty() {
        (Time::midnight(), None)
    } else {
        clock::of(&mut rest).filter(|_| rest.is_empty()).ok_or(otherwise)?
    };
    let stated = day.to_datetime(clock);
    Ok(offset.map_or(stated, |offset: Offset| offset.to_timestamp(stated).map_or(stated, local)))
}

/// Reads digits with nothing between them: `20250301`, `20250301093000`, a serial in a file without numbers. `None`: it is
/// something else.
fn of_digits(text: &str) -> Option<Result<DateTime, CellFault>> {
    if !text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return None;
    }
    let whole = text.bytes().all(|byte| byte.is_ascii_digit());
    match (text.len(), whole) {
        (6, true) => Some(Err(CellFault::ShortDay)),
        (8 | 12 | 14, true) => {
            let part = |from: usize, to: usize| text.get(from..to).and_then(|digits| digits.parse::<u32>().ok());
            let day =
                part(0, 4).zip(part(4, 6)).zip(part(6, 8)).and_then(|((year, month), day)| a_day(year, month, day));
            let Some(day) = day else { return Some(Err(CellFault::NoSuchDay)) };
            let clock = clock::exact(part(8, 10).unwrap_or(0), part(10, 12).unwrap_or(0), part(12, 14).unwrap_or(0));
            Some(clock.map(|clock| day.to_datetime(clock)).ok_or(CellFault::NotATime))
        }
        _ => {
            let (days, _) = text.split_once('.').unwrap_or((text, ""));
            let value = text.parse().ok().filter(|_| days.len() == 5)?;
            of_serial(Number { value, dated: false, from_1904: false }).map(Ok)
        }
    }
}

/// Takes the date: year, month and day with one sign between them, or with 年, 月 and 日. Blanks beside the signs say nothing.
fn date(rest: &mut Scan<'_>, otherwise: &CellFault) -> Result<Date, CellFault> {
    let no = || otherwise.clone();
    let (year, 4) = rest.number(4).ok_or_else(no)? else { return Err(no()) };
    rest.blanks();
    let sign = match rest.first() {
        Some('年') => None,
        Some(sign @ ('/' | '.')) => Some(sign),
        Some(sign) if is_dash(sign) => Some(sign),
        _ => return Err(no()),
    };
    rest.blanks();
    let (month, 1..=2) = rest.number(2).ok_or_else(no)? else { return Err(no()) };
    rest.blanks();
    if rest.is_empty() || rest.is("月") {
        return Err(CellFault::ShortDay);
    }
    if !rest.eat(sign.unwrap_or('月')) {
        return Err(no());
    }
    rest.blanks();
    let (day, 1..=2) = rest.number(2).ok_or_else(no)? else { return Err(no()) };
    let ended = match sign {
        // The time may follow the last sign of a Chinese date at once, not a digit.
        None => {
            rest.blanks();
            rest.eat('日') || rest.eat('号')
        }
        Some(_) => rest.may_end_here(),
    };
    if !ended {
        return Err(no());
    }
    a_day(year, month, day).ok_or(CellFault::NoSuchDay)
}

fn a_day(year: u32, month: u32, day: u32) -> Option<Date> {
    // Before 1900 nothing was registered: a slip of the finger such as 0205 for 2025.
    (year >= 1900).then_some(())?;
    Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// Days of the week as they are written beside a date.
const WEEKDAYS: [(&str, Weekday); 8] = [
    ("一", Weekday::Monday),
    ("二", Weekday::Tuesday),
    ("三", Weekday::Wednesday),
    ("四", Weekday::Thursday),
    ("五", Weekday::Friday),
    ("六", Weekday::Saturday),
    ("日", Weekday::Sunday),
    ("天", Weekday::Sunday),
];
