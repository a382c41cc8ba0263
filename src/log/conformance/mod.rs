//! The judge of every engine: each promise of the [contract](super::contract) as a trial.
//!
//! ```
//! use std::sync::Arc;
//! use warnlight::log::{conformance::conformance, memory::MemoryLog};
//! conformance(&mut || Ok(Arc::new(MemoryLog::new()))).unwrap();
//! ```

mod appending;
mod crowding;
mod reading;
mod repeating;

use super::contract::{Append, EventLog, Expected, LogError};
use crate::domain::envelope::{NewEvent, Recorded};
use crate::domain::time::Instant;
use std::fmt::Debug;
use std::sync::Arc;
use uuid::Uuid;

/// A promise that an engine does not keep.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the engine breaks a promise: {promise}: {what}")]
pub struct Breach {
    /// The promise, as a sentence.
    pub promise: &'static str,
    /// What was seen instead.
    pub what: String,
}

/// A promise and the trial of it, on an empty log.
type Promise = (&'static str, fn(&Arc<dyn EventLog>) -> Outcome);

/// What a trial ends with.
type Outcome = Result<(), Unexpected>;

/// What was seen that should not have been.
#[derive(Debug)]
struct Unexpected(String);

impl From<LogError> for Unexpected {
    fn from(error: LogError) -> Self {
        Self(format!("an unexpected error: {error}"))
    }
}

/// Tries every promise, each on an empty log of its own from `make`.
///
/// # Errors
/// The first promise that is broken; also when `make` fails.
pub fn conformance(make: &mut dyn FnMut() -> Result<Arc<dyn EventLog>, LogError>) -> Result<(), Breach> {
    let promises = [appending::PROMISES, repeating::PROMISES, reading::PROMISES, crowding::PROMISES];
    for (promise, trial) in promises.into_iter().flatten() {
        let broken = |seen: Unexpected| Breach { promise, what: seen.0 };
        let log = make().map_err(|error| broken(error.into()))?;
        trial(&log).map_err(broken)?;
        let verified = log.verify(&mut |_, _| {}).map_err(|error| broken(error.into()))?;
        same(&verified.events, &log.head(), "the events that verification counted afterwards").map_err(broken)?;
    }
    Ok(())
}

/// Returns an event that differs from those of other numbers.
fn event(number: u128) -> NewEvent {
    NewEvent {
        id: Uuid::from_u128(number),
        event_type: Arc::from("trial.held"),
        schema_version: 1,
        occurred_at: second(0),
        actor: Arc::from("judge"),
        causation: None,
        correlation: None,
        history: false,
        data: format!(r#"{{"number":{number}}}"#).into(),
    }
}

/// Returns an append of the events with these numbers, whatever the stream holds.
fn append(stream: &str, numbers: impl IntoIterator<Item = u128>) -> Append {
    Append {
        stream: Arc::from(stream),
        expected: Expected::Any,
        recorded_at: second(1),
        idempotency_key: None,
        events: numbers.into_iter().map(event).collect(),
    }
}

/// Returns the same append under a key.
fn keyed(key: &str, append: Append) -> Append {
    Append { idempotency_key: Some(Arc::from(key)), ..append }
}

/// Returns the instant `count` seconds into the trial's time.
fn second(count: i64) -> Instant {
    Instant::from_second(1_750_000_000_i64.saturating_add(count)).unwrap_or(Instant::UNIX_EPOCH)
}

/// Fails unless `holds`.
fn must(holds: bool, what: impl Into<String>) -> Outcome {
    if holds { Ok(()) } else { Err(Unexpected(what.into())) }
}

/// Fails unless both are equal.
fn same<T: PartialEq + Debug + ?Sized>(found: &T, wanted: &T, what: &str) -> Outcome {
    if found == wanted { Ok(()) } else { Err(Unexpected(format!("{what}: found {found:?}, wanted {wanted:?}"))) }
}

/// Fails unless `answer` is a refusal that `fits`.
fn refused<T: Debug>(answer: Result<T, LogError>, fits: impl FnOnce(&LogError) -> bool, what: &str) -> Outcome {
    match answer {
        Err(error) if fits(&error) => Ok(()),
        other => Err(Unexpected(format!("{what}: answered {other:?}"))),
    }
}

/// Fails unless these events stand side by side from `first` on.
fn in_order(events: &[Recorded], first: u64) -> Outcome {
    for (recorded, position) in events.iter().zip(first..) {
        same(&recorded.position, &position, "the next position")?;
    }
    Ok(())
}

/// Returns the number that [`event`] was made from.
fn number(recorded: &Recorded) -> u128 {
    recorded.event.id.as_u128()
}
