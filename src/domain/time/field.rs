//! Dates of JSON bodies, read so that a message names the field: `#[serde(deserialize_with = "field::planned_on")]`.
//!
//! Only whether there is such a day is said here. Whether it may be stated is for [`crate::domain::check`] to say, because
//! commands share their parts with events, and what a log holds must stay readable.

use super::{Day, Instant, TimeFault, on_the_line, shown};
use serde::de::{Deserialize, Deserializer, Error};

/// What a field holds: a day or an instant, needed or not.
pub trait Stated: Sized {
    /// Reads what was stated; `None` if it was `null` or is not there.
    ///
    /// # Errors
    /// When it cannot be read, or is needed and not there.
    fn read(text: Option<&str>) -> Result<Self, TimeFault>;
}

impl Stated for Day {
    fn read(text: Option<&str>) -> Result<Self, TimeFault> {
        let text = text.unwrap_or_default();
        text.parse().map_err(|_| TimeFault::NotADay(shown(text)))
    }
}

impl Stated for Instant {
    fn read(text: Option<&str>) -> Result<Self, TimeFault> {
        let text = text.unwrap_or_default();
        on_the_line(text).ok_or_else(|| TimeFault::NotAnInstant(shown(text)))
    }
}

impl<T: Stated> Stated for Option<T> {
    fn read(text: Option<&str>) -> Result<Self, TimeFault> {
        text.map(|text| T::read(Some(text))).transpose()
    }
}

fn read<'de, D: Deserializer<'de>, T: Stated>(name: &str, deserializer: D) -> Result<T, D::Error> {
    let named = |reason: &dyn std::fmt::Display| D::Error::custom(format_args!("`{name}`: {reason}"));
    let text = Option::<String>::deserialize(deserializer).map_err(|error| named(&error))?;
    T::read(text.as_deref()).map_err(|fault| named(&fault))
}

macro_rules! fields {
    ($($name:ident),+ $(,)?) => {
        /// The names, for tests that try every one.
        pub const ALL: &[&str] = &[$(stringify!($name)),+];

        $(
            #[doc = concat!("Reads the field `", stringify!($name), "`.")]
            ///
            /// # Errors
            /// When it holds no such value; the message names the field.
            pub fn $name<'de, D: Deserializer<'de>, T: Stated>(deserializer: D) -> Result<T, D::Error> {
                read(stringify!($name), deserializer)
            }
        )+
    };
}

fields!(
    date,
    planned_on,
    received_at,
    due_at,
    answered_at,
    closed_at,
    cleared_on,
    entered_on,
    removed_on,
    due_on,
    founded_on,
    effective_on,
    from,
    until,
    expires_at,
    reported_on,
    approved_at,
    handed_over_at,
    checked_on,
    review_on,
    locked_on,
    lifted_on,
    at,
);
