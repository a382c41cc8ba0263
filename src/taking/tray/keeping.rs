//! How much of a file that was handed in is kept, and for how long: papers and records, never the file. Nothing of the log depends on it.

use super::{Inner, State, held};
use jiff::SignedDuration;
use std::time::Duration;
use uuid::Uuid;

/// How often is looked, besides whenever a file comes.
pub(super) const EVERY: Duration = Duration::from_secs(3600);

/// How much is kept, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keeping {
    /// Bytes of papers of one file, about.
    pub papers_bytes: u64,
    /// For how many days papers and records are kept; `None`: for ever.
    pub papers_days: Option<u32>,
}

impl Default for Keeping {
    fn default() -> Self {
        Self { papers_bytes: 64 << 20, papers_days: None }
    }
}

impl Inner {
    /// Forgets the papers and records of files that were done with so long ago.
    pub(super) fn forget_old(&self) {
        let Some(days) = self.keeping.papers_days else { return };
        let (now, most) = (self.desk.now(), SignedDuration::from_hours(24 * i64::from(days)));
        let gone: Vec<Uuid> = {
            let mut entries = held(&self.entries);
            let is_old = |record: &super::Record| {
                let ended = record.ended_at.unwrap_or(record.handed_in_at);
                record.state.is_at_rest() && record.state != State::Previewed && now.duration_since(ended) > most
            };
            let old: Vec<Uuid> = entries
                .values()
                .map(|entry| entry.now())
                .filter(|record| is_old(record))
                .map(|record| record.id)
                .collect();
            for id in &old {
                entries.remove(id);
            }
            old
        };
        for id in gone {
            if let Err(error) = self.shelf.forget(id) {
                tracing::warn!(%id, %error, "the papers of an old import cannot be removed, and stay");
            }
        }
    }
}
