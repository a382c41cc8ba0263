//! Appends that are submitted together, and what became of them.

use super::nodes::is_contest;
use crate::domain::envelope::NewEvent;
use crate::log::contract::{Append, Appended, EventLog, LogError};

/// What became of appends, each with what belongs to it.
pub(super) struct Together<T> {
    /// Those that are recorded.
    pub(super) recorded: Vec<(Appended, T)>,
    /// One that another node recorded first, or that rests on what has changed meanwhile.
    contest: Option<LogError>,
    /// The first that failed.
    failure: Option<LogError>,
}

impl Together<Vec<NewEvent>> {
    /// Submits conclusions, each with its own events.
    pub(super) fn submit_conclusions(log: &dyn EventLog, appends: Vec<Append>) -> Self {
        Self::submit(log, appends.into_iter().map(|append| (append.events.clone(), append)))
    }
}

impl<T> Together<T> {
    /// Submits all and waits for all.
    pub(super) fn submit(log: &dyn EventLog, appends: impl IntoIterator<Item = (T, Append)>) -> Self {
        let pending: Vec<_> = appends.into_iter().map(|(with, append)| (with, log.submit(append))).collect();
        let mut together = Self { recorded: Vec::with_capacity(pending.len()), contest: None, failure: None };
        for (with, pending) in pending {
            match pending.wait() {
                Ok(appended) => together.recorded.push((appended, with)),
                Err(error) if is_contest(&error) => together.contest = Some(error),
                Err(error) => together.fail(error),
            }
        }
        together.recorded.sort_by_key(|(appended, _)| appended.first);
        together
    }

    /// Says whether one was contested.
    pub(super) const fn is_contested(&self) -> bool {
        self.contest.is_some()
    }

    /// Notes a failure that came after.
    pub(super) fn fail(&mut self, error: LogError) {
        self.failure.get_or_insert(error);
    }

    /// Returns what is to be told. A contest is nothing if what others wrote came in meanwhile (`moved`): one that they did not cause
    /// would be fought for ever.
    pub(super) fn outcome(self, moved: bool) -> Result<(), LogError> {
        self.failure.or(self.contest.filter(|_| !moved)).map_or(Ok(()), Err)
    }
}
