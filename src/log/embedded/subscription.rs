//! Live feeds: a look at the file, and a wait for the bell when there is nothing new.

use super::Shared;
use super::bell::Heard;
use crate::domain::envelope::{Position, Recorded};
use crate::log::contract::{LogError, Subscription};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Most events handed out at once.
const BATCH: usize = 512;
/// How often a log written by another process is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// A feed that remembers where it is.
#[derive(Debug)]
pub(super) struct Feed {
    shared: Arc<Shared>,
    after: Position,
}

impl Feed {
    pub(super) fn new(shared: Arc<Shared>, after: Position) -> Self {
        Self { shared, after }
    }

    /// Waits until there is something new; false if nothing came.
    pub(super) fn wait(&self, patience: Duration) -> Result<bool, LogError> {
        if let Some(bell) = &self.shared.bell {
            return match bell.wait(self.after, patience) {
                Heard::More => Ok(true),
                Heard::Silence => Ok(false),
                Heard::Closed => Err(LogError::Unavailable("it was closed".to_owned())),
            };
        }
        let until = Instant::now() + patience;
        loop {
            if self.shared.head()? > self.after {
                return Ok(true);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(false);
            }
            // Another process writes: it has no way to wake us.
            std::thread::sleep(left.min(LOOK));
        }
    }
}

impl Subscription for Feed {
    fn next(&mut self, patience: Duration) -> Result<Vec<Recorded>, LogError> {
        if !self.wait(patience)? {
            return Ok(Vec::new());
        }
        let events = self.shared.read_all(self.after, BATCH)?;
        self.after = events.last().map_or(self.after, |last| last.position);
        Ok(events)
    }
}
