//! Dates and date-times, as text in three spellings or as a spreadsheet serial. Local time, UTC+8.

use super::{Cell, CellFault};
use crate::domain::text::{half_width, trim};
use crate::domain::time::{Day, Instant, instant_of, plus_days};
use jiff::civil::{Date, DateTime, Time};

/// Serials below this (1927-05-18) are far more likely a year or a count typed into the wrong column.
const FIRST_SERIAL: f64 = 10_000.0;

/// First serial after 9999-12-31.
const SERIAL_END: f64 = 2_958_466.0;

/// Days between the two ways spreadsheets count.
const DAYS_1900_TO_1904: f64 = 1_462.0;

const SECONDS_PER_DAY: f64 = 86_400.0;

/// Reads a day; a time in the cell is not looked at.
///
/// # Errors
/// [`CellFault::NotADay`], [`CellFault::NoSuchDay`] and what no cell may hold.
pub fn day(cell: Cell<'_>) -> Result<Option<Day>, CellFault> {
    Ok(moment(cell, CellFault::NotADay)?.map(|at| at.date()))
}

/// Reads a date with a time; without one it is 00:00. An offset (`2025-06-01T09:00:00+08:00`) is heeded.
///
/// # Errors
/// [`CellFault::NotATime`], [`CellFault::NoSuchDay`] and what no cell may hold.
pub fn instant(cell: Cell<'_>) -> Result<Option<Instant>, CellFault> {
    if let Cell::Text(text) = cell
        && text.contains('T')
        && let Ok(at) = trim(text).parse::<Instant>()
    {
        return Ok(Some(at));
    }
    Ok(moment(cell, CellFault::NotATime)?.map(instant_of))
}

fn moment(cell: Cell<'_>, otherwise: CellFault) -> Result<Option<DateTime>, CellFault> {
    match cell {
        Cell::Blank => Ok(None),
        Cell::Text(text) => {
            let text = trim(text);
            if text.is_empty() { Ok(None) } else { of_text(text, otherwise).map(Some) }
        }
        Cell::Number(number) => of_serial(number.value, number.from_1904).map(Some).map_err(|()| otherwise),
        Cell::Bool(_) => Err(otherwise),
        Cell::Error(_) => Err(CellFault::SheetError),
    }
}

/// Returns the moment of a spreadsheet serial, to the nearest second.
pub(super) fn of_serial(serial: f64, from_1904: bool) -> Result<DateTime, ()> {
    let serial = if from_1904 { serial + DAYS_1900_TO_1904 } else { serial };
    if !(FIRST_SERIAL..SERIAL_END).contains(&serial) {
        return Err(());
    }
    // In range, so both casts are exact.
    let seconds = (serial.fract() * SECONDS_PER_DAY).round() as i64;
    // Counted from 1899-12-30, which absorbs the 29 February 1900 that spreadsheets believe in.
    let day = plus_days(jiff::civil::date(1899, 12, 30), serial.trunc() as i64 + seconds / 86_400);
    let seconds = seconds % 86_400;
    let time = |value: i64| i8::try_from(value).map_err(|_| ());
    let clock = Time::new(time(seconds / 3600)?, time(seconds / 60 % 60)?, time(seconds % 60)?, 0).map_err(|_| ())?;
    Ok(day.to_datetime(clock))
}

fn of_text(text: &str, otherwise: CellFault) -> Result<DateTime, CellFault> {
    let narrow = half_width(text);
    let mut rest = Scan(&narrow);
    let Some((year, digits)) = rest.number(7) else { return Err(otherwise) };
    if rest.0.is_empty() || rest.0.starts_with('.') {
        return narrow.parse().ok().and_then(|serial| of_serial(serial, false).ok()).ok_or(otherwise);
    }
    let spelled = match rest.first() {
        Some('-') => Some(('-', None)),
        Some('/') => Some(('/', None)),
        Some('年') => Some(('月', Some(['日', '号']))),
        _ => None,
    };
    let (Some((between, end)), 4) = (spelled, digits) else { return Err(otherwise) };
    let (Some((month, 1..=2)), true) = (rest.number(2), rest.eat(between)) else { return Err(otherwise) };
    let Some((day, 1..=2)) = rest.number(2) else { return Err(otherwise) };
    if end.is_some_and(|words| !words.iter().any(|word| rest.eat(*word))) {
        return Err(otherwise);
    }
    let day = date(year, month, day).ok_or(CellFault::NoSuchDay)?;
    let clock = if rest.0.is_empty() { Some(Time::midnight()) } else { rest.clock(end.is_some()) };
    Ok(day.to_datetime(clock.ok_or(otherwise)?))
}

fn date(year: u32, month: u32, day: u32) -> Option<Date> {
    // Before 1900 nothing was registered: a slip of the finger such as 0205 for 2025.
    (year >= 1900).then_some(())?;
    Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// What of a text is still to be read.
struct Scan<'a>(&'a str);

impl Scan<'_> {
    /// Takes the digits at the front, at most `longest` of them.
    fn number(&mut self, longest: usize) -> Option<(u32, usize)> {
        let count = self.0.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.0.split_at_checked(count)?;
        let value = if count <= longest { digits.parse().ok()? } else { return None };
        self.0 = rest;
        Some((value, count))
    }

    /// Takes one character.
    fn first(&mut self) -> Option<char> {
        let mut letters = self.0.chars();
        let first = letters.next();
        self.0 = letters.as_str();
        first
    }

    fn eat(&mut self, wanted: char) -> bool {
        self.0.strip_prefix(wanted).map(|rest| self.0 = rest).is_some()
    }

    /// Takes the time that ends the text: `09:00`, `09:00:30`, `9时`, `9时5分`, `9时5分30秒`. After a date in digits a
    /// space or `T` must come first.
    fn clock(&mut self, after_chinese_date: bool) -> Option<Time> {
        let trimmed = self.0.trim_start();
        let parted = trimmed.len() < self.0.len();
        self.0 = trimmed;
        if !(parted || self.eat('T') || after_chinese_date) {
            return None;
        }
        let (hour, 1..=2) = self.number(2)? else { return None };
        let (mut minute, mut second) = (0, 0);
        if self.eat(':') {
            minute = self.number(2).filter(|(_, digits)| *digits == 2)?.0;
            if self.eat(':') {
                second = self.number(2).filter(|(_, digits)| *digits == 2)?.0;
            }
        } else if self.eat('时') || self.eat('点') {
            if !self.0.is_empty() {
                minute = self.number(2)?.0;
                if !self.eat('分') {
                    return None;
                }
                if !self.0.is_empty() {
                    second = self.number(2)?.0;
                    if !self.eat('秒') {
                        return None;
                    }
                }
            }
        } else {
            return None;
        }
        let part = |value: u32| i8::try_from(value).ok();
        self.0.is_empty().then_some(())?;
        // A leap second is none here: spreadsheets have no second 60.
        (second < 60).then_some(())?;
        Time::new(part(hour)?, part(minute)?, part(second)?, 0).ok()
    }
}
