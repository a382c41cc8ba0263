//! A log written as a file of the embedded engine: the one form that every engine can be copied to and from.

use crate::domain::envelope::{Digest, Position};
use crate::log::contract::{Append, EventLog, EventRef, Expected, LogError, Pending, Verified};
use crate::log::embedded::{EmbeddedLog, Options};
use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

/// Appends on their way to the copy at once.
const WINDOW: usize = 2048;

/// A key that was given to an append already there, with the append's first and last position.
pub(super) type LaterKey = (Arc<str>, Position, Position);

/// Writes a copy of `log`, as far as it goes now, to `target`, which must not exist. `later_keys` are the keys that were given
/// to appends already there, each with the append's first and last position; asked for after the events were read.
///
/// Appending the same appends at the same times gives the same digests, so the copy proves itself.
///
/// # Errors
/// [`LogError::Exists`] if the target is there, and whatever the log says. Nothing half-written stays at `target`.
pub(super) fn as_file(
    log: &dyn EventLog,
    later_keys: &mut dyn FnMut() -> Result<Vec<LaterKey>, LogError>,
    target: &Path,
) -> Result<Verified, LogError> {
    if target.exists() {
        return Err(LogError::Exists { path: target.to_owned() });
    }
    let unavailable = |error: std::io::Error| LogError::Unavailable(format!("cannot write a backup: {error}"));
    // Beside the target, where there is room for it.
    let beside = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let folder = tempfile::Builder::new().prefix(".log-copy-").tempdir_in(beside).map_err(unavailable)?;
    let copy = EmbeddedLog::open(folder.path(), &Options::default())?;
    let mut writing = Writing { copy: &copy, pending: VecDeque::new(), append: None, digest: None, failed: None };
    log.scan(0, &mut |seen| match writing.take(seen) {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => {
            writing.failed = Some(error);
            ControlFlow::Break(())
        }
    })?;
    if let Some(error) = writing.failed.take() {
        return Err(error);
    }
    let end = writing.digest;
    writing.finish()?;
    for (key, first, last) in later_keys()?.into_iter().filter(|(.., last)| *last <= copy.head()) {
        let events = copy.read_all(first.saturating_sub(1), usize::try_from(last + 1 - first).unwrap_or_default())?;
        let Some(recorded) = events.first() else { continue };
        copy.append(Append {
            stream: recorded.stream.clone(),
            expected: Expected::Any,
            recorded_at: recorded.recorded_at,
            idempotency_key: Some(key),
            events: events.iter().map(|recorded| recorded.event.clone()).collect(),
        })?;
    }
    let found = copy.backup(target)?;
    if end.is_none_or(|digest| digest == found.digest) {
        return Ok(found);
    }
    let _ = std::fs::remove_file(target);
    Err(LogError::Corrupt {
        position: found.events,
        what: "a copy of the log has another digest at its end".to_owned(),
    })
}

struct Writing<'a> {
    copy: &'a EmbeddedLog,
    pending: VecDeque<Pending>,
    /// The append whose events are being shown.
    append: Option<Append>,
    digest: Option<Digest>,
    failed: Option<LogError>,
}

impl Writing<'_> {
    fn take(&mut self, seen: EventRef<'_>) -> Result<(), LogError> {
        if seen.part == 0 {
            self.hand_over()?;
        }
        let append = self.append.get_or_insert_with(|| Append {
            stream: Arc::from(seen.stream),
            expected: Expected::Any,
            recorded_at: seen.recorded_at,
            idempotency_key: seen.idempotency_key.map(Arc::from),
            events: Vec::new(),
        });
        append.events.push(seen.event());
        self.digest = Some(seen.digest);
        Ok(())
    }

    fn hand_over(&mut self) -> Result<(), LogError> {
        if let Some(append) = self.append.take() {
            self.pending.push_back(self.copy.submit(append));
        }
        while self.pending.len() > WINDOW {
            self.pending.pop_front().map_or(Ok(()), |pending| pending.wait().map(drop))?;
        }
        Ok(())
    }

    fn finish(mut self) -> Result<(), LogError> {
        self.hand_over()?;
        self.pending.into_iter().try_for_each(|pending| pending.wait().map(drop))
    }
}
