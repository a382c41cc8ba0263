//! How far each stream goes on the server, as far as this node has read; and whether its events follow each other without a gap.
//!
//! Events of a stream that was truncated (`$tb`), or has a maximum count or age, are gone from reads of the stream at once,
//! and from the whole log when the servers are scavenged (EventStoreDB docs/operations.md, "Scavenging"). A node that had read
//! them keeps them. A node that had not would count fewer events than the others and give all later ones other positions;
//! so it refuses.

use super::remote::{PAGE, Page, Remote};
use crate::domain::envelope::Revision;
use crate::log::contract::{EventLog as _, LogError};
use crate::log::embedded::EmbeddedLog;
use crate::log::recent::Recent;
use std::sync::Arc;

/// The revision that each stream goes on with on the server.
#[derive(Debug)]
pub(super) struct Gaps {
    next: Recent<Arc<str>, Revision>,
}

impl Gaps {
    pub(super) fn new(streams: usize) -> Self {
        Self { next: Recent::new(streams) }
    }

    /// Returns the revision that a stream goes on with on the server as far as this node has read, if that is at hand.
    pub(super) fn next(&mut self, stream: &Arc<str>) -> Option<Revision> {
        self.next.get(stream)
    }

    /// Remembers how far a stream goes that nothing was read of since this node started.
    pub(super) fn found(&mut self, stream: Arc<str>, next: Revision) {
        self.next.insert(stream, next);
    }

    /// Forgets everything: what comes is read again.
    pub(super) fn clear(&mut self) {
        self.next.clear();
    }

    /// Takes note of an event at `revision` of `stream`; `ours` says that it could count.
    ///
    /// # Errors
    /// [`LogError::Corrupt`] if events before it are missing.
    pub(super) fn follow(
        &mut self,
        remote: &Remote,
        replica: &EmbeddedLog,
        stream: &str,
        revision: Revision,
        ours: bool,
    ) -> Result<(), LogError> {
        let stream: Arc<str> = stream.into();
        let known = self.next.get(&stream);
        let next = match known {
            // Somebody else's stream, or the tombstone of a deleted one.
            None if !ours => return Ok(()),
            Some(next) if !ours && revision > next => return Ok(()),
            Some(next) => next,
            None if revision == 0 => 0,
            None => {
                let last = replica.look(|held| held.last_revision(&stream))??;
                let counted = last.map_or(0, |last| last + 1);
                if revision > counted { there_to(remote, &stream, counted, revision)? } else { counted }
            }
        };
        if revision > next {
            let what = format!(
                "events {next} to {} of stream `{stream}` are missing on the cluster: it was truncated or given a maximum \
                 count or age, and scavenged, before this node read them; give this node a copy of the folder `replica` of \
                 a node that has stopped, or restore the cluster",
                revision - 1
            );
            return Err(LogError::Corrupt { position: replica.head() + 1, what });
        }
        self.next.insert(stream, next.max(revision.saturating_add(1)));
        Ok(())
    }
}

/// Returns the revision that a stream goes on with on the server, if it has any events from `next` on.
///
/// Only what the server shows, which every later read of the whole log shows too.
pub(super) fn shown_to(remote: &Remote, stream: &str, mut next: Revision) -> Result<Revision, LogError> {
    loop {
        let Page { events, broken } = remote.read_stream(stream, next, PAGE)?;
        match (events.last(), broken) {
            (Some(last), _) => next = last.revision + 1,
            (None, Some(fault)) => return Err(fault.into()),
            (None, None) => return Ok(next),
        }
    }
}

/// Returns up to where the cluster holds the events of a stream from `next` on without a gap, but no further than `end`.
///
/// Events that no replica counts are such: they were read, and nobody remembers.
fn there_to(remote: &Remote, stream: &str, mut next: Revision, end: Revision) -> Result<Revision, LogError> {
    while next < end {
        let Page { events, broken } = remote.read_stream(stream, next, PAGE)?;
        let before = next;
        next = events.iter().fold(next, |next, event| if event.revision == next { next + 1 } else { next });
        match broken {
            _ if next > before => {}
            Some(fault) => return Err(fault.into()),
            None => break,
        }
    }
    Ok(next.min(end))
}
