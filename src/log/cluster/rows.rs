//! Appends that a node sent in a row, without waiting for each: which of them may still count.
//!
//! The server takes appends to different streams each by itself, so it may take one and refuse the one that was sent before it. An append
//! says where it stands in its row, and counts only if all before it do: each the next in the order of the log, and new. So a
//! node's appends count in the order in which they were submitted, and each goes on from exactly what its node took it to go on from. All
//! nodes decide this alike, from the order alone; what they know of rows is kept with their place in it.

use crate::log::embedded;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use uuid::Uuid;

/// Processes whose last row is remembered, as they came in the log. What goes on from a forgotten row does not count.
const MOST: usize = 64;

/// Where an append stands among what its process sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sent {
    /// The process.
    pub(super) by: Uuid,
    /// Number of the row: a new one begins whenever nothing is under way.
    pub(super) row: u64,
    /// Place in the row, from 0.
    pub(super) place: u64,
}

/// What may come next of a process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    by: Uuid,
    row: u64,
    next: u64,
    is_broken: bool,
}

#[derive(Debug)]
struct Known {
    by: Uuid,
    row: u64,
    next: u64,
    /// Something is missing in it.
    has_gap: bool,
    /// One that is on its way into the replica, or was, is not new.
    is_broken: Arc<AtomicBool>,
}

/// The last row of each process.
#[derive(Debug, Default)]
pub(super) struct Rows(VecDeque<Known>);

impl Rows {
    /// Returns the row that an append goes on, or begins; `None` if it does not count.
    pub(super) fn admit(&mut self, sent: &Sent, is_known: bool) -> Option<embedded::Row> {
        let at = self.0.iter().position(|known| known.by == sent.by);
        let last = at.and_then(|at| self.0.remove(at));
        let mut known = match last {
            Some(last) if sent.row < last.row || sent.row == last.row && sent.place == 0 => {
                self.0.push_back(last);
                return None;
            }
            Some(last) if sent.row == last.row => last,
            _ => Known { by: sent.by, row: sent.row, next: 0, has_gap: false, is_broken: Arc::default() },
        };
        known.has_gap |= known.next != sent.place;
        known.next = sent.place.saturating_add(1);
        let is_broken = known.is_broken.clone();
        let counts = !known.has_gap;
        self.0.push_back(known);
        if self.0.len() > MOST {
            self.0.pop_front();
        }
        counts.then_some(embedded::Row { is_broken, is_known })
    }

    /// Returns what is to be remembered, when nothing is on its way.
    pub(super) fn kept(&self) -> Vec<Kept> {
        let kept = |known: &Known| Kept {
            by: known.by,
            row: known.row,
            next: known.next,
            is_broken: known.has_gap || known.is_broken.load(Ordering::Relaxed),
        };
        self.0.iter().map(kept).collect()
    }

    /// Goes on from what was remembered.
    pub(super) fn from_kept(kept: &[Kept]) -> Self {
        let known = |kept: &Kept| Known {
            by: kept.by,
            row: kept.row,
            next: kept.next,
            has_gap: kept.is_broken,
            is_broken: Arc::default(),
        };
        Self(kept.iter().map(known).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(by: u128, row: u64, place: u64) -> Sent {
        Sent { by: Uuid::from_u128(by), row, place }
    }

    #[test]
    fn a_row_counts_as_far_as_it_has_no_gap_also_after_a_restart() {
        for restarts in [false, true] {
            let mut rows = Rows::default();
            let mut admit = |sent| {
                if restarts {
                    rows = Rows::from_kept(&rows.kept());
                }
                rows.admit(&sent, false).is_some()
            };
            assert!(admit(sent(1, 0, 0)) && admit(sent(2, 7, 0)) && admit(sent(1, 0, 1)));
            assert!(!admit(sent(1, 0, 3)), "one is missing");
            assert!(!admit(sent(1, 0, 4)), "and so are those behind it");
            assert!(admit(sent(2, 7, 1)), "another's row goes on");
            assert!(admit(sent(1, 1, 0)), "the next row begins");
            assert!(!admit(sent(1, 0, 2)), "the last one is over");
            assert!(admit(sent(1, 1, 1)));
            assert!(!admit(sent(1, 2, 1)), "its beginning is missing");
            assert!(!admit(sent(3, 0, 1)), "its beginning is missing");
        }
    }

    #[test]
    fn a_row_in_which_one_was_not_new_is_over_and_processes_are_forgotten_in_their_order() {
        let mut rows = Rows::default();
        let row = rows.admit(&sent(1, 0, 0), false).unwrap();
        row.is_broken.store(true, Ordering::Relaxed);
        assert!(rows.admit(&sent(1, 0, 1), false).unwrap().is_broken.load(Ordering::Relaxed));
        let mut rows = Rows::from_kept(&rows.kept());
        assert!(rows.admit(&sent(1, 0, 2), false).is_none());
        for by in 2..2 + MOST as u128 {
            assert!(rows.admit(&sent(by, 0, 0), false).is_some());
        }
        assert!(rows.admit(&sent(2, 0, 1), false).is_some());
        assert!(rows.admit(&sent(1, 0, 0), false).is_some(), "as if it were new");
    }
}
