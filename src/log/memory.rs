//! The engine that keeps everything in memory: for tests and for dry runs, whose log nobody keeps.

use crate::domain::envelope::{Digest, Position, Recorded, Revision};
use crate::domain::time::Instant;
use crate::log::admission::{self, Entry, Holdings, Verdict};
use crate::log::chain::{GENESIS, Link};
use crate::log::contract::{Append, Appended, EventLog, EventRef, Expected, LogError, Pending, Subscription, Verified};
use crate::log::embedded::{EmbeddedLog, Options};
use std::collections::HashMap;
use std::convert::Infallible;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use uuid::Uuid;

/// Most events a subscription hands out at once.
const BATCH: usize = 512;

/// An event log in memory.
#[derive(Debug, Default)]
pub struct MemoryLog(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<Contents>,
    appended: Condvar,
}

#[derive(Debug, Default)]
struct Contents {
    entries: Vec<Entry>,
    ids: HashMap<Uuid, Position>,
    streams: HashMap<Arc<str>, Vec<Position>>,
    keys: HashMap<Arc<str>, (Position, Position)>,
}

impl MemoryLog {
    /// Returns an empty log.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Contents> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Contents {
    fn head(&self) -> Position {
        self.entries.len() as Position
    }

    fn at(&self, position: Position) -> Option<&Entry> {
        self.entries.get(index(position)?)
    }

    fn after(&self, position: Position) -> &[Entry] {
        usize::try_from(position).ok().and_then(|skip| self.entries.get(skip..)).unwrap_or_default()
    }

    fn append(&mut self, append: &Append) -> Result<Appended, LogError> {
        let revision = match admission::judge(append, self)? {
            Verdict::New(revision) => revision,
            Verdict::Repeated { answer, bind_key } => {
                if let (true, Some(key)) = (bind_key, &append.idempotency_key) {
                    self.keys.insert(key.clone(), (answer.first, answer.last));
                }
                return Ok(answer);
            }
        };
        let recorded_at = admission::recording_time(append, self.entries.last().map(|last| last.recorded.recorded_at));
        let first = self.head() + 1;
        let previous = self.entries.last().map_or(GENESIS, |last| last.recorded.digest);
        let stream = self.streams.entry(append.stream.clone()).or_default();
        let put = admission::put(append, (first, revision), recorded_at, previous, |place, event, digest| {
            self.ids.insert(event.id, place.position);
            stream.push(place.position);
            self.entries.push(admission::kept(append, place, event, digest));
            Ok::<_, Infallible>(())
        });
        let Ok(answer) = put;
        if let Some(key) = &append.idempotency_key {
            self.keys.insert(key.clone(), (answer.first, answer.last));
        }
        Ok(answer)
    }
}

fn index(position: Position) -> Option<usize> {
    usize::try_from(position.checked_sub(1)?).ok()
}

impl Holdings for Contents {
    fn find_id(&mut self, id: &Uuid) -> Result<Option<Position>, LogError> {
        Ok(self.ids.get(id).copied())
    }

    fn find_key(&mut self, key: &str) -> Result<Option<(Position, Position)>, LogError> {
        Ok(self.keys.get(key).copied())
    }

    fn entries(&mut self, first: Position, last: Position) -> Result<Vec<Entry>, LogError> {
        let entries = self.after(first.saturating_sub(1)).iter();
        Ok(entries.take_while(|entry| entry.recorded.position <= last).cloned().collect())
    }

    fn last_revision(&mut self, stream: &Arc<str>) -> Result<Option<Revision>, LogError> {
        Ok(self.streams.get(stream).and_then(|positions| (positions.len() as Revision).checked_sub(1)))
    }
}

impl EventLog for MemoryLog {
    fn submit(&self, append: Append) -> Pending {
        let answer = self.0.lock().append(&append);
        self.0.appended.notify_all();
        Pending::known(answer)
    }

    fn head(&self) -> Position {
        self.0.lock().head()
    }

    fn read_stream(&self, stream: &str, from: Revision, limit: usize) -> Result<Vec<Recorded>, LogError> {
        let state = self.0.lock();
        let positions = state.streams.get(stream).map(Vec::as_slice).unwrap_or_default();
        let positions = usize::try_from(from).ok().and_then(|skip| positions.get(skip..)).unwrap_or_default();
        Ok(positions
            .iter()
            .take(limit)
            .filter_map(|position| state.at(*position))
            .map(|entry| entry.recorded.clone())
            .collect())
    }

    fn read_all(&self, after: Position, limit: usize) -> Result<Vec<Recorded>, LogError> {
        Ok(self.0.lock().after(after).iter().take(limit).map(|entry| entry.recorded.clone()).collect())
    }

    fn scan_unchecked(
        &self,
        after: Position,
        visit: &mut dyn FnMut(EventRef<'_>) -> ControlFlow<()>,
    ) -> Result<(), LogError> {
        // Copied out in batches: `visit` may append, and would wait for ever on a lock held here.
        let head = self.head();
        let mut after = after;
        while after < head {
            let (batch, mut previous) = {
                let state = self.0.lock();
                let batch: Vec<Entry> = state.after(after).iter().take(BATCH).cloned().collect();
                (batch, state.at(after).map_or(GENESIS, |entry| entry.recorded.digest))
            };
            for Entry { part, recorded } in &batch {
                if recorded.position > head || visit(EventRef::of(recorded, *part, previous)).is_break() {
                    return Ok(());
                }
                (after, previous) = (recorded.position, recorded.digest);
            }
        }
        Ok(())
    }

    fn ids_at(&self, positions: &[Position]) -> Result<Vec<Uuid>, LogError> {
        let state = self.0.lock();
        Ok(positions.iter().filter_map(|position| state.at(*position)).map(|entry| entry.recorded.event.id).collect())
    }

    fn position_at(&self, at: Instant) -> Result<Position, LogError> {
        Ok(self.0.lock().entries.partition_point(|entry| entry.recorded.recorded_at <= at) as Position)
    }

    fn find_key(&self, key: &str) -> Result<Option<Appended>, LogError> {
        let mut state = self.0.lock();
        let Some((first, last)) = Holdings::find_key(&mut *state, key)? else { return Ok(None) };
        Ok(admission::answer_of(&state.entries(first, last)?))
    }

    fn subscribe(&self, after: Position) -> Result<Box<dyn Subscription>, LogError> {
        Ok(Box::new(Feed { shared: self.0.clone(), after }))
    }

    fn verify(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<Verified, LogError> {
        let head = self.head();
        let mut found = Verified { events: 0, bytes: 0, digest: GENESIS };
        while found.events < head {
            let batch =
                Holdings::entries(&mut *self.0.lock(), found.events + 1, head.min(found.events + BATCH as u64))?;
            for Entry { part, recorded } in &batch {
                let digest: Digest = Link::of(recorded, *part).digest(&found.digest);
                if digest != recorded.digest || recorded.position != found.events + 1 {
                    let what = "the event does not match its digest".to_owned();
                    return Err(LogError::Corrupt { position: found.events + 1, what });
                }
                found.digest = digest;
                found.events += 1;
                found.bytes += recorded.event.data.len() as u64;
            }
            progress(found.events, head);
        }
        Ok(found)
    }

    /// Writes the log as a file of the embedded engine.
    fn backup(&self, target: &Path) -> Result<Verified, LogError> {
        // Appending the same appends at the same times gives the same digests, so the copy proves itself.
        let unavailable = |error: std::io::Error| LogError::Unavailable(format!("cannot write a backup: {error}"));
        let folder = tempfile::tempdir().map_err(unavailable)?;
        let copy = EmbeddedLog::open(folder.path(), &Options::default())?;
        let (entries, keys) = {
            let state = self.0.lock();
            (state.entries.clone(), state.keys.clone())
        };
        let mut pending = Vec::new();
        for append in entries.chunk_by(|_, next| next.part != 0) {
            pending.extend(again(append, None).map(|append| copy.submit(append)));
        }
        for (key, (first, last)) in &keys {
            let range = index(*first).zip(usize::try_from(*last).ok());
            let append = range.and_then(|(from, to)| entries.get(from..to)).unwrap_or_default();
            pending.extend(again(append, Some(key)).map(|append| copy.submit(append)));
        }
        for answer in pending {
            answer.wait()?;
        }
        copy.backup(target)
    }
}

/// Returns the append that these entries came from, under another key if one is given.
fn again(entries: &[Entry], key: Option<&Arc<str>>) -> Option<Append> {
    let first = &entries.first()?.recorded;
    Some(Append {
        stream: first.stream.clone(),
        expected: Expected::Any,
        recorded_at: first.recorded_at,
        idempotency_key: key.or(first.idempotency_key.as_ref()).cloned(),
        events: entries.iter().map(|entry| entry.recorded.event.clone()).collect(),
    })
}

struct Feed {
    shared: Arc<Shared>,
    after: Position,
}

impl Subscription for Feed {
    fn next(&mut self, patience: Duration) -> Result<Vec<Recorded>, LogError> {
        let state = self.shared.lock();
        let (state, _) = self
            .shared
            .appended
            .wait_timeout_while(state, patience, |state| state.head() <= self.after)
            .unwrap_or_else(PoisonError::into_inner);
        let events: Vec<Recorded> =
            state.after(self.after).iter().take(BATCH).map(|entry| entry.recorded.clone()).collect();
        self.after = events.last().map_or(self.after, |last| last.position);
        Ok(events)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::conformance::conformance;

    #[test]
    fn the_memory_engine_keeps_every_promise() {
        conformance(&mut || Ok(Arc::new(MemoryLog::new()))).unwrap();
    }
}
