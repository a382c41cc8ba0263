//! Values of the command line, each refused with a sentence that says how to write it.

use super::said::Said;
use super::texts;
use crate::domain::code::CreditCode;
use crate::domain::time::{Day, Instant, instant_of, local};
use crate::domain::words::{Light, Role};
use crate::proof::PublicKey;
use jiff::civil::DateTime;
use std::ops::RangeInclusive;
use std::str::FromStr;
use uuid::Uuid;

/// Years that anything here can be about; beyond them calendars and counts of days make no sense.
const YEARS: RangeInclusive<i16> = 1990..=2100;

pub(super) fn instant(text: &str) -> Result<Instant, Said> {
    let in_beijing = || text.parse::<DateTime>().map(instant_of);
    let at = text.parse::<Instant>().or_else(|_| in_beijing()).map_err(|_| texts::NO_INSTANT.with(&[&text]))?;
    if YEARS.contains(&local(at).year()) { Ok(at) } else { Err(texts::INSTANT_TOO_FAR.with(&[&text])) }
}

pub(super) fn day(text: &str) -> Result<Day, Said> {
    text.parse::<Day>().ok().filter(|day| YEARS.contains(&day.year())).ok_or_else(|| texts::NO_DAY.with(&[&text]))
}

pub(super) fn key_id(text: &str) -> Result<Uuid, Said> {
    text.parse().map_err(|_| texts::NO_KEY_ID.with(&[&text]))
}

pub(super) fn credit_code(text: &str) -> Result<CreditCode, Said> {
    text.trim().parse().map_err(|_| texts::NO_CREDIT_CODE.with(&[&text]))
}

pub(super) fn role(text: &str) -> Result<Role, Said> {
    Role::from_str(text).map_err(|_| texts::NO_ROLE.with(&[&text]))
}

pub(super) fn light(text: &str) -> Result<Light, Said> {
    Light::from_str(text).map_err(|_| texts::NO_LIGHT.with(&[&text]))
}

pub(super) fn public_key(text: &str) -> Result<PublicKey, Said> {
    text.parse().map_err(|_| texts::NO_PUBLIC_KEY.with(&[&text]))
}

/// A whole number from `LEAST` to `MOST`.
pub(super) fn number<const LEAST: u64, const MOST: u64>(text: &str) -> Result<u64, Said> {
    text.parse::<u64>()
        .ok()
        .filter(|number| (LEAST..=MOST).contains(number))
        .ok_or_else(|| texts::NO_NUMBER.with(&[&text, &LEAST, &MOST]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_may_be_a_day_and_lies_where_calendars_do() {
        assert_eq!(instant("2025-06-30").unwrap(), instant("2025-06-30T00:00:00+08:00").unwrap());
        for far in ["-009999-01-03T12:00:00Z", "9999-12-31", "1989-12-31"] {
            assert_eq!(instant(far).unwrap_err(), texts::INSTANT_TOO_FAR.with(&[&far]));
        }
        assert!(instant("yesterday").unwrap_err().en.contains("write it like"));
    }
}
