//! What an event log promises, whichever engine runs it.
//!
//! * An append is all or nothing, and durable when its answer is given.
//! * Positions are gap-free from 1; revisions are gap-free from 0 in each stream.
//! * An append repeated with the same event ids, or under the same idempotency key, returns the first answer; with other
//!   content it is an error. This is looked at before the expected revision, so a retry is never a conflict.
//! * `recorded_at` never runs backwards: a clock that did is held at the last event's time.
//! * Readers see durable events only, and none that differs from what was written: an event that does not match its digest is
//!   [`LogError::Corrupt`], whoever reads it.

use crate::domain::envelope::{Digest, NewEvent, Position, Recorded, Revision};
use crate::domain::time::Instant;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

pub use super::answer::Answer;
pub use super::chain::EventRef;

use super::answer::{Awaited, answer};

/// What must be true of a stream for an append to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// Anything.
    Any,
    /// The stream has no events.
    NoStream,
    /// The stream's last event has this revision.
    Revision(Revision),
}

impl Expected {
    /// Returns what is expected of a stream that has so many events.
    #[must_use]
    pub fn after(count: u64) -> Self {
        count.checked_sub(1).map_or(Self::NoStream, Self::Revision)
    }
}

/// Events to be appended to one stream.
#[derive(Debug, Clone)]
pub struct Append {
    /// Stream name.
    pub stream: Arc<str>,
    /// What must be true of it.
    pub expected: Expected,
    /// The time to record; held at the last event's if earlier.
    pub recorded_at: Instant,
    /// The client's key for this append.
    pub idempotency_key: Option<Arc<str>>,
    /// At least one event.
    pub events: Vec<NewEvent>,
}

/// The answer to an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Position of the first event.
    pub first: Position,
    /// Position of the last event.
    pub last: Position,
    /// Revision of the last event in its stream.
    pub revision: Revision,
    /// Time recorded.
    pub recorded_at: Instant,
    /// True if this append was already there and nothing was written now.
    pub repeated: bool,
}

/// Why the log did not do as asked.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The stream is not at the expected revision.
    #[error("stream `{stream}` is at revision {actual:?}, not at {expected:?}; read it again and decide again")]
    Conflict {
        /// The stream.
        stream: Arc<str>,
        /// What the caller took for true.
        expected: Expected,
        /// Revision of its last event; `None` if it has none.
        actual: Option<Revision>,
    },
    /// An event id is there already, with other content or in another company.
    #[error("event {id} is in the log already with other content; give a new event a new id")]
    Duplicate {
        /// The id.
        id: Uuid,
    },
    /// The idempotency key was used for other content.
    #[error("idempotency key `{key}` was used before for other content; use a new key for a new request")]
    KeyReused {
        /// The key.
        key: Arc<str>,
    },
    /// The request itself makes no sense (no events, an id twice, an empty stream name).
    #[error("append refused: {0}")]
    Invalid(String),
    /// A record does not match its digest, or cannot be read.
    #[error("the log is damaged at position {position}: {what}; restore a backup (`warnlight restore`)")]
    Corrupt {
        /// First damaged record.
        position: Position,
        /// What is wrong with it.
        what: String,
    },
    /// Written by newer software.
    #[error(
        "`{path}` was written by a newer Warnlight (format {found}, this one reads up to {known}); update Warnlight"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Format found.
        found: u32,
        /// Newest format this software reads.
        known: u32,
    },
    /// Another process has the log.
    #[error("`{path}` is in use by another Warnlight process; stop it first, or speak to it over HTTP")]
    Locked {
        /// The lock file.
        path: PathBuf,
    },
    /// Something is there that would be written over.
    #[error("`{path}` is there already; name another place, or move it away first")]
    Exists {
        /// What is there.
        path: PathBuf,
    },
    /// No room left.
    #[error("the disk is full; nothing was written")]
    Full,
    /// Not reachable, or broken for now. An append was not taken.
    #[error("the log is not available: {0}")]
    Unavailable(String),
    /// An append was on its way when this happened, and may be recorded. Under the same key or with the same ids it is recorded once,
    /// however often it is sent.
    #[error(
        "whether it was recorded is not known, and it may be: send it again under the same key, which records nothing twice ({0})"
    )]
    InDoubt(Box<LogError>),
}

impl LogError {
    /// Returns what an append is answered that was on its way when this happened. A refusal of the append itself stays one.
    #[must_use]
    pub fn in_doubt(self) -> Self {
        match self {
            trouble @ (Self::Unavailable(_) | Self::Full | Self::Corrupt { .. }) => Self::InDoubt(Box::new(trouble)),
            other => other,
        }
    }
}

/// An append on its way to disk.
#[derive(Debug)]
pub struct Pending(Box<PendingState>);

#[derive(Debug)]
enum PendingState {
    Waiting(Awaited),
    Known(Result<Appended, LogError>),
}

impl Pending {
    /// Returns a pending append and what an engine answers it with.
    #[must_use]
    pub fn with_answer() -> (Answer, Self) {
        let (answer, awaited) = answer();
        (answer, Self(Box::new(PendingState::Waiting(awaited))))
    }

    /// Returns an append whose answer is known already.
    #[must_use]
    pub fn known(answer: Result<Appended, LogError>) -> Self {
        Self(Box::new(PendingState::Known(answer)))
    }

    /// Waits until the events are durable or refused.
    ///
    /// # Errors
    /// See [`LogError`]. If the engine stopped before it answered, the outcome is [in doubt](LogError::InDoubt).
    pub fn wait(self) -> Result<Appended, LogError> {
        match *self.0 {
            PendingState::Known(answer) => answer,
            PendingState::Waiting(awaited) => awaited
                .wait()
                .unwrap_or_else(|| Err(LogError::Unavailable("it stopped before it answered".to_owned()).in_doubt())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_append_whose_engine_died_is_in_doubt_and_a_refusal_is_not() {
        let (answer, pending) = Pending::with_answer();
        drop(answer);
        let answer = pending.wait();
        assert!(matches!(&answer, Err(LogError::InDoubt(_))), "{answer:?}");
        let said = answer.unwrap_err().in_doubt().to_string();
        assert_eq!(said.matches("may be").count(), 1, "{said}");
        let refused = LogError::KeyReused { key: "k".into() }.in_doubt();
        assert!(matches!(refused, LogError::KeyReused { .. }));
    }
}

/// What a whole verification found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Events read.
    pub events: u64,
    /// Payload bytes read.
    pub bytes: u64,
    /// Digest of the chain at the end; all zeros for an empty log.
    pub digest: Digest,
}

/// A live feed: first what is there after the position asked for, then what comes, each once and in order.
pub trait Subscription: Send {
    /// Returns the next events, waiting up to `patience` for the first; empty if none came.
    ///
    /// # Errors
    /// See [`LogError`]; after an error the subscription can be asked again and goes on where it was.
    fn next(&mut self, patience: Duration) -> Result<Vec<Recorded>, LogError>;
}

/// Goes through stretches of a log for one thread, and keeps at hand what the next stretch needs again.
pub trait Scanner {
    /// Shows every event after position `after` up to `until`, which the head has reached, until `visit` breaks. Each was
    /// checked before it is shown.
    ///
    /// # Errors
    /// See [`LogError`]; an event that is missing is damage.
    fn scan(
        &mut self,
        after: Position,
        until: Position,
        visit: &mut dyn FnMut(EventRef<'_>) -> ControlFlow<()>,
    ) -> Result<(), LogError>;
}

/// The scanner of an engine that keeps nothing at hand.
struct EachAnew<'l, L: ?Sized>(&'l L);

impl<L: EventLog + ?Sized> Scanner for EachAnew<'_, L> {
    fn scan(
        &mut self,
        after: Position,
        until: Position,
        visit: &mut dyn FnMut(EventRef<'_>) -> ControlFlow<()>,
    ) -> Result<(), LogError> {
        let (mut last, mut going_on) = (after, ControlFlow::Continue(()));
        self.0.scan(after, &mut |seen| {
            if last < until {
                last = seen.position;
                going_on = visit(seen);
            }
            if last < until { going_on } else { ControlFlow::Break(()) }
        })?;
        if last < until && going_on.is_continue() {
            return Err(LogError::Corrupt { position: last + 1, what: format!("the event is missing before {until}") });
        }
        Ok(())
    }
}

/// An event log.
pub trait EventLog: Send + Sync {
    /// Hands an append over and returns at once; many appends on their way share one disk write.
    fn submit(&self, append: Append) -> Pending;

    /// Appends and waits until it is durable.
    ///
    /// # Errors
    /// See [`LogError`].
    fn append(&self, append: Append) -> Result<Appended, LogError> {
        self.submit(append).wait()
    }

    /// Returns the position of the last durable event; 0 if there is none.
    fn head(&self) -> Position;

    /// Says whether other nodes append to it as well: then the head moves by itself, and what this node wants to do may
    /// have been done by another.
    fn is_shared(&self) -> bool {
        false
    }

    /// Returns for how long the log may have grown without this node seeing it; zero for a log of its own.
    fn behind(&self) -> Duration {
        Duration::ZERO
    }

    /// Returns the folder beside the log for what is made from it and may be deleted; `None` if it has none, or was
    /// opened for reading only.
    fn folder(&self) -> Option<&std::path::Path> {
        None
    }

    /// Returns up to `limit` events of a stream from revision `from` on; empty if there are none.
    ///
    /// # Errors
    /// See [`LogError`].
    fn read_stream(&self, stream: &str, from: Revision, limit: usize) -> Result<Vec<Recorded>, LogError>;

    /// Returns up to `limit` events after position `after`.
    ///
    /// # Errors
    /// See [`LogError`].
    fn read_all(&self, after: Position, limit: usize) -> Result<Vec<Recorded>, LogError>;

    /// Returns the event at a position; `None` if there is none.
    ///
    /// # Errors
    /// See [`LogError`].
    fn event_at(&self, position: Position) -> Result<Option<Recorded>, LogError> {
        let found = self.read_all(position.saturating_sub(1), 1)?.into_iter().next();
        Ok(found.filter(|recorded| recorded.position == position))
    }

    /// Shows every event after position `after`, up to the head at the time of the call, until `visit` breaks. Each was
    /// checked before it is shown.
    ///
    /// # Errors
    /// See [`LogError`].
    fn scan(&self, after: Position, visit: &mut dyn FnMut(EventRef<'_>) -> ControlFlow<()>) -> Result<(), LogError> {
        let mut damage = None;
        let mut room = Vec::new();
        self.scan_unchecked(after, &mut |seen| match seen.check_in(&mut room) {
            Ok(()) => visit(seen),
            Err(error) => {
                damage = Some(error);
                ControlFlow::Break(())
            }
        })?;
        damage.map_or(Ok(()), Err)
    }

    /// As [`scan`](Self::scan), but **nothing was compared with its digest: the caller must call [`EventRef::check`] on
    /// every event before it believes it**. That no position is missing was looked at.
    ///
    /// # Errors
    /// See [`LogError`].
    fn scan_unchecked(
        &self,
        after: Position,
        visit: &mut dyn FnMut(EventRef<'_>) -> ControlFlow<()>,
    ) -> Result<(), LogError>;

    /// Returns a scanner for one thread: several go through stretches of the log side by side.
    fn scanner(&self) -> Box<dyn Scanner + '_> {
        Box::new(EachAnew(self))
    }

    /// Says whether an append would be taken now, as far as the engine knows without trying: that its writer works, that
    /// the disk was not full when it last looked.
    ///
    /// # Errors
    /// What an append would be answered.
    fn takes_appends(&self) -> Result<(), LogError> {
        Ok(())
    }

    /// Returns the ids of the events at these positions, in their order; positions that do not exist are left out.
    ///
    /// # Errors
    /// See [`LogError`].
    fn ids_at(&self, positions: &[Position]) -> Result<Vec<Uuid>, LogError>;

    /// Returns the last position recorded at or before `at`; 0 if there is none.
    ///
    /// # Errors
    /// See [`LogError`].
    fn position_at(&self, at: Instant) -> Result<Position, LogError>;

    /// Returns the answer first given under an idempotency key, if there was one.
    ///
    /// # Errors
    /// See [`LogError`].
    fn find_key(&self, key: &str) -> Result<Option<Appended>, LogError>;

    /// Returns a live feed of everything after position `after`.
    ///
    /// # Errors
    /// See [`LogError`].
    fn subscribe(&self, after: Position) -> Result<Box<dyn Subscription>, LogError>;

    /// Waits until the log holds something after position `after`, at most for `patience`; returns its head either way.
    ///
    /// # Errors
    /// See [`LogError`].
    fn wait_beyond(&self, after: Position, patience: Duration) -> Result<Position, LogError> {
        if self.head() <= after {
            self.subscribe(after)?.next(patience)?;
        }
        Ok(self.head())
    }

    /// Reads every byte of every event, recomputes the digest chain, and names the first record that does not fit.
    /// `progress` is told how many of how many events are done.
    ///
    /// # Errors
    /// [`LogError::Corrupt`] with the first damaged record.
    fn verify(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<Verified, LogError>;

    /// Writes a consistent copy of the log to `target`, which must not exist, while appends go on.
    ///
    /// # Errors
    /// See [`LogError`]. Nothing half-written stays at `target`.
    fn backup(&self, target: &std::path::Path) -> Result<Verified, LogError>;
}
