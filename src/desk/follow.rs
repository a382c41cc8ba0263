//! Following the log: whatever was appended beside the desk (mail's record, keys, what other nodes wrote) is taken into the
//! picture, in order, before anything is decided on it.

use super::engine::Engine;
use crate::domain::envelope::{Position, Recorded};
use crate::domain::event::Event;
use crate::log::contract::{EventLog, LogError};
use crate::picture::Published;
use crossbeam_channel::{Receiver, TrySendError, bounded};
use std::sync::{Arc, Weak};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

/// Events read at a time.
const PAGE: usize = 500;
/// How often the listener looks whether its desk is still there: a desk that stops waits for it, so that nobody holds the
/// log any more.
const PATIENCE: Duration = Duration::from_millis(50);
/// How long the listener lets gather what it heard of. What the desk wrote itself it has taken in by then, and is not woken for.
const GATHER: Duration = Duration::from_millis(1);
/// Pause after a log could not be listened to.
const PAUSE: Duration = Duration::from_secs(1);

impl Engine {
    /// Takes in everything that the log holds by now, and publishes it.
    ///
    /// # Errors
    /// See [`LogError`]; what was taken in stays so, and the next call goes on from there.
    pub(super) fn follow(&mut self) -> Result<(), LogError> {
        self.follow_to(self.log.head())?;
        self.publish();
        Ok(())
    }

    /// Takes in what others wrote before a position at which this desk wrote.
    pub(super) fn follow_before(&mut self, first: Position) -> Result<(), LogError> {
        self.follow_to(first.saturating_sub(1))
    }

    /// Takes in everything up to a position that is the end of an append. Nothing is published before that is reached:
    /// events that were appended together show together.
    fn follow_to(&mut self, until: Position) -> Result<(), LogError> {
        while self.picture.position < until {
            let wanted = usize::try_from(until - self.picture.position).unwrap_or(PAGE).min(PAGE);
            let page = self.log.read_all(self.picture.position, wanted)?;
            if page.is_empty() {
                break;
            }
            for recorded in &page {
                self.take_in(recorded)?;
            }
        }
        Ok(())
    }

    fn take_in(&mut self, recorded: &Recorded) -> Result<(), LogError> {
        let Recorded { position, recorded_at, event: envelope, .. } = recorded;
        let (event, about) = self.picture.fold_recorded(recorded).map_err(|reason| {
            LogError::Unavailable(format!("the event at position {position} cannot be understood here: {reason}"))
        })?;
        let now = self.now();
        if let Some(index) = about {
            self.retries.note(index, &event, *position);
            self.moved.note(index, &event);
            let hold = envelope.correlation.is_some_and(|correlation| self.holds.contains(correlation));
            self.watch.touched(&self.picture, index, &event, hold, now);
        }
        match &event {
            Event::LightChanged(change) => {
                if let Some(index) = self.picture.world.index_of(change.credit_code) {
                    self.watch.lit_elsewhere(index, change.known, now.min(*recorded_at));
                }
            }
            Event::DayClosed(closed) => self.watch.closed_elsewhere(closed.at),
            Event::WatchHeld(held) => self.holds.begin(held),
            Event::WatchReleased(released) if self.holds.end(released.hold) => {
                self.watch.release(now.min(*recorded_at));
            }
            _ => {}
        }
        Ok(())
    }
}

/// Hears of it when the log has grown, by whomever.
pub(super) struct Listener {
    /// Tells it.
    pub(super) grown: Receiver<()>,
    alive: Option<Arc<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Listener {
    fn drop(&mut self) {
        drop(self.alive.take());
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("The thread that listens to the log had ended by a panic");
        }
    }
}

/// Listens to a log for a desk that publishes there, from what is published on.
pub(super) fn listen(log: &Arc<dyn EventLog>, published: &Arc<Published>) -> Result<Listener, std::io::Error> {
    let (bell, grown) = bounded(1);
    let alive = Arc::new(());
    let (log, published, held): (_, _, Weak<()>) = (log.clone(), published.clone(), Arc::downgrade(&alive));
    let thread = Builder::new().name("desk-listener".to_owned()).spawn(move || {
        let mut after = published.position();
        while held.strong_count() > 0 {
            match log.wait_beyond(after, PATIENCE) {
                Ok(head) if head <= after => {}
                Ok(head) => {
                    after = head;
                    std::thread::sleep(GATHER);
                    if published.position() < head
                        && let Err(TrySendError::Disconnected(())) = bell.try_send(())
                    {
                        return;
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "the log cannot be listened to; it is looked at from time to time");
                    std::thread::sleep(PAUSE);
                }
            }
        }
    })?;
    Ok(Listener { grown, alive: Some(alive), thread: Some(thread) })
}
