//! What the desk does only because several nodes may share a log: standing by while another node's policies are in force,
//! making the past final before a deadline is looked at, holds whose holder fell silent, and who was faster.

use super::engine::Engine;
use crate::domain::time::Instant;
use crate::log::contract::LogError;
use crate::picture::Picture;
use std::sync::atomic::Ordering;

/// How often a command is decided again because other nodes wrote about the same merchant meanwhile.
pub(super) const CONTESTS: u32 = 50;

/// Why lights are left to others.
pub(super) const STANDS_BY: &str = "another node put other policies or recipients in force, so this one leaves lights and mail to \
                         it; restart this one with the same files";

impl Engine {
    /// Says whether other policies or recipients are in force than this node was started with: then another node was
    /// started with newer ones, and judging by the old would turn its lights back.
    pub(super) fn stands_by(&mut self) -> bool {
        let Picture { marks, policies, .. } = &self.picture;
        let other = marks.policy.as_ref() != Some(&policies.digest)
            || marks.recipients.as_ref() != Some(&self.recipients_digest);
        if other != self.counters.stands_by.swap(other, Ordering::Relaxed) {
            if other {
                tracing::warn!("{STANDS_BY}");
            } else {
                tracing::info!("The policies and recipients of this node are in force again");
            }
        }
        other
    }

    /// Makes the past final before a deadline is looked at: once something is recorded at or after the deadline, nothing
    /// can be recorded before it any more, at any node. Without that, what another node wrote just in time could come to be
    /// known here after the deadline was found missed.
    pub(super) fn seal(&mut self, now: Instant) -> Result<(), LogError> {
        while self.shared
            && let Some(due) = self.watch.next_due().filter(|due| *due <= now)
        {
            let position = self.picture.position;
            if self.picture.marks.last_recorded >= Some(due) {
                return Ok(());
            }
            match self.log.append(crate::watch::time_reached(due, now)) {
                Ok(_) | Err(LogError::Duplicate { .. }) => self.follow()?,
                Err(error) => return Err(error),
            }
            if self.picture.position == position {
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

/// Says whether an error means that another node was faster.
pub(super) const fn is_contest(error: &LogError) -> bool {
    matches!(error, LogError::Conflict { .. } | LogError::Duplicate { .. } | LogError::KeyReused { .. })
}
