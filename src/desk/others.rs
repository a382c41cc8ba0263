//! What other nodes append to a shared log: taken in, in order, before anything is decided on it.

use super::engine::Engine;
use crate::domain::envelope::{Position, Recorded};
use crate::domain::event::Event;
use crate::domain::fold::Stamp;
use crate::domain::time::Instant;
use crate::log::contract::{EventLog, LogError};
use crossbeam_channel::{Receiver, TrySendError, bounded, never};
use std::sync::{Arc, PoisonError, Weak};
use std::thread::Builder;
use std::time::Duration;

/// Events taken in under one lock of the state.
const PAGE: usize = 500;
/// How often the listener looks whether its desk is still there.
const PATIENCE: Duration = Duration::from_secs(1);

impl Engine {
    /// Takes in everything that the log holds by now.
    ///
    /// # Errors
    /// See [`LogError`]; what was taken in stays so, and the next call goes on from there.
    pub(super) fn follow(&mut self) -> Result<(), LogError> {
        if self.shared { self.follow_to(self.log.head()) } else { Ok(()) }
    }

    /// Takes in what others wrote before a position at which this node wrote.
    ///
    /// On a log of one node, what stands between was written beside the desk (mail records, keys) and changes nothing here.
    pub(super) fn follow_before(&mut self, first: Position) -> Result<(), LogError> {
        if self.shared { self.follow_to(first.saturating_sub(1)) } else { Ok(()) }
    }

    /// Takes in everything up to a position.
    fn follow_to(&mut self, until: Position) -> Result<(), LogError> {
        let before = self.position();
        let mut position = before;
        while position < until {
            let wanted = usize::try_from(until - position).unwrap_or(PAGE).min(PAGE);
            let page = self.log.read_all(position, wanted)?;
            let Some(last) = page.last() else { break };
            position = last.position;
            self.take_in(&page)?;
        }
        if position > before {
            let _ = self.changes.send(position);
        }
        Ok(())
    }

    fn take_in(&mut self, page: &[Recorded]) -> Result<(), LogError> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        for Recorded { position, recorded_at, event: envelope, .. } in page {
            let event = envelope.decode().map_err(|reason| {
                LogError::Unavailable(format!("the event at position {position} cannot be understood here: {reason}"))
            })?;
            let stamp = Stamp { position: *position, recorded_at: *recorded_at, history: envelope.history };
            let about = state.apply(stamp, envelope.id, &event, &envelope.data);
            self.requester.apply(&event, envelope.id, *position);
            if let Some(index) = about {
                let hold = envelope.correlation.is_some_and(|correlation| self.holds.contains(correlation));
                self.watch.touched(&state, index, &event, hold);
            }
            match &event {
                Event::LightChanged(change) => {
                    if let Some(index) = state.world.index_of(change.credit_code) {
                        self.watch.lit_elsewhere(index, change.known, *recorded_at);
                    }
                }
                Event::DayClosed(closed) => self.watch.closed_elsewhere(closed.at),
                Event::WatchHeld(held) => self.holds.begin(held),
                Event::WatchReleased(released) if self.holds.end(released.hold) => self.watch.release(*recorded_at),
                _ => {}
            }
        }
        Ok(())
    }

    /// Makes the past final before a deadline is looked at: once something is recorded at or after the deadline, nothing
    /// can be recorded before it any more, at any node. Without that, what another node wrote just in time could come to be
    /// known here after the deadline was found missed.
    pub(super) fn seal(&mut self, now: Instant) -> Result<(), LogError> {
        while self.shared
            && let Some(due) = self.watch.next_due().filter(|due| *due <= now)
        {
            let position = {
                let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
                if state.marks.last_recorded >= Some(due) {
                    return Ok(());
                }
                state.position
            };
            match self.log.append(super::watch::time_reached(due, now)) {
                Ok(_) | Err(LogError::Duplicate { .. }) => self.follow()?,
                Err(error) => return Err(error),
            }
            if self.position() == position {
                // Reached before, by the log's account, and not by its times: the log says two things.
                return Err(LogError::Unavailable(format!(
                    "the log holds that {due} was reached, and nothing after it"
                )));
            }
        }
        Ok(())
    }

    /// Lets go of holds whose holder has not been heard of in time.
    pub(super) fn forget_holds(&mut self, now: Instant) {
        if self.holds.expire(now) {
            self.watch.release(now);
        }
    }
}

/// Returns a channel that tells when the log has grown; on a log of one node, one that never tells.
pub(super) fn listen(
    log: &Arc<dyn EventLog>,
    alive: &Arc<()>,
    after: Position,
) -> Result<Receiver<()>, std::io::Error> {
    if !log.is_shared() {
        return Ok(never());
    }
    let (bell, heard) = bounded(1);
    let (log, alive): (Weak<dyn EventLog>, Weak<()>) = (Arc::downgrade(log), Arc::downgrade(alive));
    Builder::new().name("desk-listener".to_owned()).spawn(move || {
        let mut after = after;
        while alive.strong_count() > 0 {
            let Some(log) = log.upgrade() else { return };
            // One page at most: what there is will be read by the desk.
            match log.subscribe(after).and_then(|mut feed| feed.next(PATIENCE)) {
                Ok(events) if events.is_empty() => {}
                Ok(_) => {
                    after = log.head();
                    if let Err(TrySendError::Disconnected(())) = bell.try_send(()) {
                        return;
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "the log cannot be listened to; it is looked at from time to time");
                    std::thread::sleep(PATIENCE);
                }
            }
        }
    })?;
    Ok(heard)
}
