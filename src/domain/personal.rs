//! Numbers that belong to a person and are never kept: identity numbers (公民身份号码, GB 11643) and telephone numbers. Sole
//! traders write their owner's number where their credit code belongs, and hotlines write both into their texts.

use super::code::CreditCode;
use super::time::Day;
use std::borrow::Cow;

/// What stands where such a number stood; public exports write the same.
pub const MASK: &str = "*****";

/// First two digits of the regions that issue identity numbers.
const REGIONS: [&str; 35] = [
    "11", "12", "13", "14", "15", "21", "22", "23", "31", "32", "33", "34", "35", "36", "37", "41", "42", "43", "44",
    "45", "46", "50", "51", "52", "53", "54", "61", "62", "63", "64", "65", "71", "81", "82", "83",
];
/// Weights and check characters of GB 11643.
const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
const CHECKS: &[u8; 11] = b"10X98765432";

/// How sure it is that a number is a person's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Likeness {
    /// It is none.
    None,
    /// Region and day of birth are there; the check digit does not fit, or there is none (15 digits, before 1999).
    Shape,
    /// The check digit fits as well.
    Sure,
}

/// Says how far a text of 18 or 15 characters, without blanks and in half width, is an identity number.
#[must_use]
pub fn identity_number(text: &str) -> Likeness {
    let born = |digits: Option<&str>| {
        digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit())).is_some_and(|digits| {
            let (year, rest) = digits.split_at_checked(4).unwrap_or_default();
            let (month, day) = rest.split_at_checked(2).unwrap_or_default();
            matches!(year.get(..2), Some("19" | "20")) && format!("{year}-{month}-{day}").parse::<Day>().is_ok()
        })
    };
    let issued = text.get(..2).is_some_and(|region| REGIONS.contains(&region));
    let is_digit = |byte: u8| byte.is_ascii_digit();
    let (body, last) = text.split_at_checked(text.len().saturating_sub(1)).unwrap_or_default();
    match text.len() {
        18 if issued && body.bytes().all(is_digit) && born(text.get(6..14)) => {
            let sum: u32 = body.bytes().zip(WEIGHTS).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
            let check = usize::try_from(sum % 11).ok().and_then(|rest| CHECKS.get(rest));
            match last.to_ascii_uppercase().as_bytes() {
                [found] if Some(found) == check => Likeness::Sure,
                [found] if is_digit(*found) || *found == b'X' => Likeness::Shape,
                _ => Likeness::None,
            }
        }
        15 if issued && text.bytes().all(is_digit) => {
            let born_then = text.get(6..12).map(|digits| format!("19{digits}"));
            if born(born_then.as_deref()) { Likeness::Shape } else { Likeness::None }
        }
        _ => Likeness::None,
    }
}

/// Says whether a code of 18 characters is the number of a person: also one with a slip in it, unless the check character of
/// credit codes fits. Where both checks fit, it may be a person's.
#[must_use]
pub fn is_persons(code: &str) -> bool {
    match identity_number(code) {
        Likeness::None => false,
        Likeness::Sure => true,
        Likeness::Shape => !code.parse::<CreditCode>().is_ok_and(|code| code.check_character_holds()),
    }
}

/// Returns a text with the identity and telephone numbers in it masked, also where blanks or hyphens part their digits.
#[must_use]
pub fn masked(text: &str) -> Cow<'_, str> {
    // The shortest such number has ten digits.
    if text.chars().filter(|letter| digit(*letter).is_some()).nth(9).is_none() {
        return Cow::Borrowed(text);
    }
    let runs = runs(text);
    let mut kept = String::with_capacity(text.len());
    let (mut from, mut index) = (0, 0);
    while let Some(first) = runs.get(index) {
        let group = runs.get(index..).unwrap_or_default();
        let joined = 1 + group.windows(2).take(MOST_PARTS - 1).take_while(|pair| touch(text, pair)).count();
        // As many parts as make a number: a day behind it is none of it.
        let found = (1..=joined).rev().find(|count| is_personal(group.get(..*count).unwrap_or_default()));
        if let Some(last) = found.and_then(|count| group.get(count - 1)) {
            kept.push_str(text.get(from..first.start).unwrap_or_default());
            kept.push_str(MASK);
            from = last.end;
        }
        index += found.unwrap_or(1);
    }
    if from == 0 {
        return Cow::Borrowed(text);
    }
    kept.push_str(text.get(from..).unwrap_or_default());
    Cow::Owned(kept)
}

/// Says whether a text that names something, such as the number of a ticket, holds a mobile number or a whole identity number of a
/// person. It cannot be masked: two tickets would become one.
#[must_use]
pub fn names_a_person(text: &str) -> bool {
    let runs = runs(text);
    (0..runs.len()).any(|first| {
        let group = runs.get(first..).unwrap_or_default();
        let joined = 1 + group.windows(2).take(MOST_PARTS - 1).take_while(|pair| touch(text, pair)).count();
        (1..=joined).filter_map(|count| group.get(..count)).any(|parts| {
            let digits: String = parts.iter().map(|run| run.digits.as_str()).collect();
            identity_number(&digits) == Likeness::Sure || is_mobile(&digits)
        })
    })
}

/// Parts that a number is written in: `+86 138 0013 8000`.
const MOST_PARTS: usize = 4;

/// Digits next to each other, in half width; an X may end them.
struct Run {
    start: usize,
    end: usize,
    digits: String,
}

fn digit(letter: char) -> Option<char> {
    match letter {
        '0'..='9' => Some(letter),
        '０'..='９' => char::from_u32(u32::from(letter) - 0xFEE0),
        _ => None,
    }
}

fn runs(text: &str) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for (at, letter) in text.char_indices() {
        let end = at + letter.len_utf8();
        let open = runs.last_mut().filter(|run| run.end == at);
        match (digit(letter), open) {
            (Some(digit), Some(run)) if !run.digits.ends_with('X') => {
                run.digits.push(digit);
                run.end = end;
            }
            (Some(digit), _) => runs.push(Run { start: at, end, digits: digit.into() }),
            (None, Some(run)) if matches!(letter, 'X' | 'x' | 'Ｘ' | 'ｘ') => {
                run.digits.push('X');
                run.end = end;
            }
            _ => {}
        }
    }
    runs
}

/// Says whether no more than a blank, a hyphen or a bracket parts two runs.
fn touch(text: &str, pair: &[Run]) -> bool {
    let [one, other] = pair else { return false };
    let between = text.get(one.end..other.start).unwrap_or_default();
    let mut letters = between.chars();
    let parts =
        |letter: char| letter.is_whitespace() || matches!(letter, '-' | '－' | '—' | '–' | '(' | ')' | '（' | '）');
    matches!((letters.next(), letters.next()), (Some(letter), None) if parts(letter))
}

fn is_personal(runs: &[Run]) -> bool {
    let digits: String = runs.iter().map(|run| run.digits.as_str()).collect();
    let phone = digits.trim_end_matches('X');
    identity_number(&digits) != Likeness::None || is_mobile(phone) || is_landline(phone, runs)
}

/// `13800138000`, with or without the country before it.
fn is_mobile(digits: &str) -> bool {
    let local = match digits.len() {
        13 => digits.strip_prefix("86"),
        15 => digits.strip_prefix("0086"),
        11 => Some(digits),
        _ => None,
    };
    local.is_some_and(|local| local.starts_with('1') && local.get(1..2).is_some_and(|second| second >= "3"))
}

/// `01062345678`, `0755-26001234`: an area of three or four digits and a number of seven or eight.
fn is_landline(digits: &str, runs: &[Run]) -> bool {
    let area_first = match runs {
        [_] => true,
        [area, ..] => matches!(area.digits.len(), 3 | 4),
        [] => false,
    };
    area_first && matches!(digits.len(), 10..=12) && digits.starts_with('0') && !digits.starts_with("00")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_number_is_known_by_region_birth_and_check_digit() {
        assert_eq!(identity_number("11010519491231002X"), Likeness::Sure);
        assert_eq!(identity_number("11010519491231002x"), Likeness::Sure);
        assert_eq!(identity_number("110105194912310021"), Likeness::Shape);
        assert_eq!(identity_number("110105491231002"), Likeness::Shape);
        for other in [
            "91110108MA0000001D",
            "911101066976941872",
            "110105194913310021",
            "110105184912310021",
            "990105194912310021",
            "110108012345678",
            "1101051949123100",
            "",
            "身份证号码身份",
        ] {
            assert_eq!(identity_number(other), Likeness::None, "{other}");
        }
    }

    #[test]
    fn numbers_of_persons_are_masked_in_a_text_and_others_are_not() {
        for (text, kept) in [
            ("退款联系13800138000，七日内", "退款联系*****，七日内"),
            ("张女士 138 0013 8000 来电", "张女士 ***** 来电"),
            ("电话：+86 138-0013-8000", "电话：+*****"),
            ("１３８００１３８０００", "*****"),
            ("010-62345678转8", "*****转8"),
            ("（0755）26001234", "（*****"),
            ("身份证11010519491231002X。", "身份证*****。"),
            ("110105 19491231 002x", "*****"),
            ("110105491231002", "*****"),
            ("13800138000/13900139000", "*****/*****"),
            ("13800138000 2025-03-01", "***** 2025-03-01"),
            ("2025-03-01 09:00 至 2025-06-30 18:00", "2025-03-01 09:00 至 2025-06-30 18:00"),
            ("工单20250301123456，金额1,234,567.89元", "工单20250301123456，金额1,234,567.89元"),
            ("4008001234", "4008001234"),
            ("91110108MA0000001D", "91110108MA0000001D"),
            ("", ""),
        ] {
            assert_eq!(masked(text), kept, "{text}");
        }
    }
}
