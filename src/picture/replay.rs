//! Folding the log: several threads read, check and decode stretches of it, the caller folds them in order.

use super::Picture;
use super::in_order::{in_order, processors};
use super::part::{FoldError, SeenEvent};
use super::snapshot::{self, FILE};
use crate::domain::envelope::Position;
use crate::domain::event::Event;
use crate::domain::fold::Stamp;
use crate::log::contract::{EventLog, LogError, Scanner};
use crate::policy::Policies;
use crossbeam_channel::{Receiver, Sender, unbounded};
use std::ops::ControlFlow;
use std::sync::Arc;
use uuid::Uuid;

/// Events decoded in one go: far more than handing them over costs, few enough to stay in the processor's cache.
const STRETCH: u64 = 512;
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

/// A thread that reads and decodes. What was folded comes back to it: memory is given back where it was taken, which is
/// cheaper than on the one thread that folds.
struct Decoder<'l> {
    scanner: Box<dyn Scanner + 'l>,
    folded: Receiver<Vec<Decoded>>,
    give_back: Sender<Vec<Decoded>>,
}

/// Events of a stretch, in order, and where they go when they are folded.
struct Stretch {
    events: Vec<Decoded>,
    give_back: Sender<Vec<Decoded>>,
}

impl<'l> Decoder<'l> {
    fn new(log: &'l dyn EventLog) -> Self {
        let (give_back, folded) = unbounded();
        Self { scanner: log.scanner(), folded, give_back }
    }

    fn stretch(&mut self, (after, until): (Position, Position)) -> Result<Stretch, ReplayError> {
        let mut events = self.folded.try_recv().unwrap_or_default();
        events.clear();
        events.reserve_exact(usize::try_from(until - after).unwrap_or_default());
        decode(&mut *self.scanner, (after, until), &mut events)?;
        Ok(Stretch { events, give_back: self.give_back.clone() })
    }
}

/// Reads and decodes the events after a position up to another; the scanner compares each with its digest.
fn decode(
    scanner: &mut dyn Scanner,
    (after, until): (Position, Position),
    events: &mut Vec<Decoded>,
) -> Result<(), ReplayError> {
    let mut fault = None;
    // One after the other mostly says so in the same name, which is kept once.
    let mut actor: Arc<str> = "".into();
    scanner.scan(after, until, &mut |seen| match Event::decode(seen.event_type, seen.schema_version, seen.data) {
        Ok(event) => {
            let stamp = Stamp { position: seen.position, recorded_at: seen.recorded_at, history: seen.history };
            if *actor != *seen.actor {
                actor = seen.actor.into();
            }
            events.push(Decoded { stamp, id: seen.id, actor: actor.clone(), event });
            ControlFlow::Continue(())
        }
        Err(reason) => {
            fault = Some(ReplayError::Event { position: seen.position, reason: reason.into() });
            ControlFlow::Break(())
        }
    })?;
    fault.map_or(Ok(()), Err)
}

struct Decoded {
    stamp: Stamp,
    id: Uuid,
    actor: Arc<str>,
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
        let (mut after, head) = (self.position, log.head());
        let stretches = move |bring: &mut dyn FnMut((Position, Position)) -> ControlFlow<()>| {
            while after < head {
                let until = head.min(after + STRETCH);
                if bring((after, until)).is_break() {
                    break;
                }
                after = until;
            }
            Ok(())
        };
        let decoder = || {
            let mut decoder = Decoder::new(log);
            move |stretch| decoder.stretch(stretch)
        };
        in_order("replay", processors(), stretches, decoder, |Stretch { events, give_back }| {
            for Decoded { stamp, id, actor, event } in &events {
                self.take(&SeenEvent { stamp: *stamp, id: *id, actor, event })
                    .map_err(|reason| ReplayError::Event { position: stamp.position, reason })?;
            }
            // The last stretches come back to nobody.
            let _ = give_back.send(events);
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
