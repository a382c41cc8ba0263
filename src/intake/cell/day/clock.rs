//! The time behind a date: `09:00`, `9:00:00.000 AM`, `上午9:00`, `9时5分`, with or without an offset.

use super::scan::Scan;
use jiff::civil::Time;
use jiff::tz::Offset;

/// The half of a day that a word names.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Half {
    Morning,
    Afternoon,
}

/// Words for the halves of a day; whether 12 with it is a clear hour.
const HALVES: [(&str, Half, bool); 4] = [
    // Programs write midnight so, people noon.
    ("上午", Half::Morning, false),
    ("下午", Half::Afternoon, true),
    ("AM", Half::Morning, true),
    ("PM", Half::Afternoon, true),
];

/// Takes the time, and the offset if there is one. The fraction of a second is passed over: the same moment comes with and
/// without it.
pub(super) fn of(rest: &mut Scan<'_>) -> Option<(Time, Option<Offset>)> {
    let _ = rest.eat('T') || rest.eat('t');
    rest.blanks();
    let before = half(rest);
    rest.blanks();
    let (hour, 1..=2) = rest.number(2)? else { return None };
    let (mut minute, mut second) = (0, 0);
    if rest.eat(':') {
        minute = two_digits(rest)?;
        if rest.eat(':') {
            second = two_digits(rest)?;
            if (rest.eat('.') || rest.eat(',')) && !rest.digits() {
                return None;
            }
        }
    } else if rest.eat('时') || rest.eat('点') {
        if let Some((value, _)) = rest.number(2) {
            minute = value;
            rest.eat('分').then_some(())?;
            if let Some((value, _)) = rest.number(2) {
                second = value;
                rest.eat('秒').then_some(())?;
            }
        }
    } else {
        return None;
    }
    rest.blanks();
    let behind = half(rest);
    rest.blanks();
    let hour = match (before, behind) {
        (Some(_), Some(_)) => return None,
        (Some(half), None) | (None, Some(half)) => hour_of(hour, half)?,
        (None, None) => hour,
    };
    let offset = if rest.is_empty() { None } else { Some(offset(rest)?) };
    Some((exact(hour, minute, second)?, offset))
}

/// Returns the time of these figures. A leap second is none here: spreadsheets have no second 60.
pub(super) fn exact(hour: u32, minute: u32, second: u32) -> Option<Time> {
    let part = |value: u32| i8::try_from(value).ok();
    (second < 60).then_some(())?;
    Time::new(part(hour)?, part(minute)?, part(second)?, 0).ok()
}

fn two_digits(rest: &mut Scan<'_>) -> Option<u32> {
    rest.number(2).filter(|(_, digits)| *digits == 2).map(|(value, _)| value)
}

/// What a word for half a day says, and whether 12 is clear with it.
fn half(rest: &mut Scan<'_>) -> Option<(Half, bool)> {
    HALVES.iter().find(|(word, ..)| rest.word(word)).map(|(_, half, noon)| (*half, *noon))
}

fn hour_of(hour: u32, (half, twelve_is_clear): (Half, bool)) -> Option<u32> {
    match (half, hour) {
        (Half::Morning, 12) if twelve_is_clear => Some(0),
        (Half::Morning, 0..=11) => Some(hour),
        (Half::Afternoon, 1..=11) => Some(hour + 12),
        (Half::Afternoon, 12..=23) => Some(hour),
        _ => None,
    }
}

/// Takes an offset from UTC: `Z`, `+08:00`, `+0800`, `+08`, `(UTC+8)`.
fn offset(rest: &mut Scan<'_>) -> Option<Offset> {
    if rest.eat('Z') || rest.eat('z') {
        return Some(Offset::UTC);
    }
    let bracket = rest.eat('(');
    let named = rest.word("UTC") || rest.word("GMT");
    let sign = match rest.first()? {
        '+' => 1,
        '-' | '−' => -1,
        _ => return None,
    };
    let (digits, count) = rest.number(4)?;
    let (hours, minutes) = match count {
        2 if rest.eat(':') => (digits, two_digits(rest)?),
        1 if named && rest.eat(':') => (digits, two_digits(rest)?),
        2 => (digits, 0),
        1 if named => (digits, 0),
        4 => (digits / 100, digits % 100),
        _ => return None,
    };
    if bracket && !rest.eat(')') {
        return None;
    }
    (hours <= 14 && minutes < 60).then_some(())?;
    let seconds = i32::try_from(hours * 3600 + minutes * 60).ok()?;
    Offset::from_seconds(sign * seconds).ok()
}
