//! Cases (亮灯处置), as a part of the picture.

use super::part::{FoldError, Part, SeenEvent};
use super::snapshot::{Keep, Stored as _};
use crate::domain::case::{Call, Case, Cases, Pending};
use crate::domain::envelope::Position;

/// One thing of the cases as a snapshot keeps it.
#[derive(Debug)]
pub(super) enum Kept {
    /// A case.
    Case(Case),
    /// A light change that waits to be taken up, with its position.
    Pending(Position, Pending),
    /// A step up or a reminder that nobody was told of yet, with its position.
    Call(Position, Call),
    /// Lights are followed up now.
    Follows(bool),
}

impl Part for Cases {
    type Kept = Kept;

    fn fold(&mut self, seen: &SeenEvent<'_>) -> Result<(), FoldError> {
        self.apply(seen.event, seen.id, seen.stamp.position, seen.stamp.recorded_at);
        Ok(())
    }

    fn keep(&self, keep: &mut Keep<'_>) {
        keep.one(|out| Kept::Follows(self.follows()).put(out));
        for case in self.all() {
            keep.one(|out| Kept::Case(case.clone()).put(out));
        }
        for (position, pending) in self.all_pending() {
            keep.one(|out| Kept::Pending(position, pending.clone()).put(out));
        }
        for (position, _, call) in self.calls() {
            keep.one(|out| Kept::Call(position, call.clone()).put(out));
        }
    }

    fn restore(&mut self, kept: Kept) {
        match kept {
            Kept::Case(case) => self.put(case),
            Kept::Pending(position, pending) => self.put_pending(position, pending),
            Kept::Call(position, call) => self.put_call(position, call),
            Kept::Follows(follows) => self.set_follows(follows),
        }
    }
}
