//! Folding the log: one thread reads rows, others check and decode them, the caller folds them in order.

use super::Picture;
use super::in_order::{in_order, processors};
use super::part::{FoldError, SeenEvent};
use super::snapshot::{self, FILE};
use crate::domain::envelope::Position;
use crate::domain::event::Event;
use crate::domain::fold::Stamp;
use crate::log::contract::{EventLog, EventRef, LogError};
use crate::log::shown::Batch;
use crate::policy::Policies;
use std::ops::ControlFlow;
use std::sync::Arc;
use uuid::Uuid;

/// Rows decoded in one go: far more than handing them over costs, few enough to stay in the processor's cache.
const ROWS: usize = 1_024;
/// Events read at a time where a little is to be caught up with.
const PAGE: usize = 500;

/// Why a log cannot be folded.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// It cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// An event of it cannot be understood.
    #[error("event at position {position}: {reason}")]
    Event {
        /// Where.
        position: Position,
        /// Why.
        reason: FoldError,
    },
    /// No thread could be started.
    #[error("a thread cannot be started: {0}")]
    Thread(#[from] std::io::Error),
}

/// Checks rows against their digests and decodes them: this is where what is folded is compared with what was written.
fn decode(rows: Batch) -> Result<Vec<Decoded>, ReplayError> {
    let decode = |row: EventRef<'_>| {
        row.check()?;
        let event = Event::decode(row.event_type, row.schema_version, row.data)
            .map_err(|reason| ReplayError::Event { position: row.position, reason: reason.into() })?;
        let stamp = Stamp { position: row.position, recorded_at: row.recorded_at, history: row.history };
        Ok(Decoded { stamp, id: row.id, event })
    };
    rows.iter().map(decode).collect()
}

struct Decoded {
    stamp: Stamp,
    id: Uuid,
    event: Event,
}

impl Picture {
    /// Folds the whole log: the picture that every index, list and light can be made from again (law 3).
    ///
    /// # Errors
    /// See [`ReplayError`].
    pub fn replay(log: &dyn EventLog, policies: Arc<Policies>) -> Result<Self, ReplayError> {
        let mut picture = Self::new(policies);
        picture.catch_up(log)?;
        Ok(picture)
    }

    /// Returns the picture of a log: of its snapshot and of what came after it, or of the whole log if there is none of
    /// use. Says also which position the snapshot was of, 0 for none.
    ///
    /// # Errors
    /// See [`ReplayError`].
    pub fn resume(log: &dyn EventLog, policies: Arc<Policies>) -> Result<(Self, Position), ReplayError> {
        let path = log.folder().map(|folder| folder.join(FILE)).filter(|path| path.exists());
        let kept = path.and_then(|path| match snapshot::load(&path, log, policies.clone()) {
            Ok(picture) => Some(picture),
            Err(reason) => {
                tracing::warn!(path = %path.display(), %reason, "Snapshot not used; folding the whole log instead");
                None
            }
        });
        let position = kept.as_ref().map_or(0, |picture| picture.position);
        let mut picture = kept.unwrap_or_else(|| Self::new(policies));
        picture.catch_up(log)?;
        Ok((picture, position))
    }

    /// Folds everything that the log holds after the picture's position.
    ///
    /// # Errors
    /// See [`ReplayError`].
    pub fn catch_up(&mut self, log: &dyn EventLog) -> Result<(), ReplayError> {
        if log.head().saturating_sub(self.position) <= PAGE as u64 {
            return self.catch_up_a_little(log);
        }
        let after = self.position;
        let read = |bring: &mut dyn FnMut(Batch) -> ControlFlow<()>| {
            let mut rows = Batch::default();
            log.scan_unchecked(after, &mut |seen| {
                rows.push(seen);
                if rows.len() < ROWS {
                    return ControlFlow::Continue(());
                }
                let empty = rows.of_same_size();
                bring(std::mem::replace(&mut rows, empty))
            })?;
            let _ = bring(rows);
            Ok(())
        };
        // Reading and folding together keep about one processor busy.
        let workers = processors().saturating_sub(1).max(1);
        in_order("replay", workers, read, decode, |events: Vec<Decoded>| {
            for Decoded { stamp, id, event } in events {
                self.fold(&SeenEvent { stamp, id, event: &event })
                    .map_err(|reason| ReplayError::Event { position: stamp.position, reason })?;
            }
            Ok(())
        })
    }

    /// The same without threads, which would cost more than a few events do.
    fn catch_up_a_little(&mut self, log: &dyn EventLog) -> Result<(), ReplayError> {
        loop {
            let page = log.read_all(self.position, PAGE)?;
            for recorded in &page {
                self.fold_recorded(recorded)
                    .map_err(|reason| ReplayError::Event { position: recorded.position, reason })?;
            }
            if page.is_empty() {
                return Ok(());
            }
        }
    }
}
