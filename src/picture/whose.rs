//! Tickets without a credit code (待认领), as a part of the picture.

use super::part::{FoldError, Part, SeenEvent};
use super::snapshot::{Keep, Stored as _};
use crate::domain::whose::{Entry, Queue};

impl Part for Queue {
    type Kept = Entry;

    fn fold(&mut self, seen: &SeenEvent<'_>) -> Result<(), FoldError> {
        self.apply(seen.event, seen.actor);
        Ok(())
    }

    fn keep(&self, keep: &mut Keep<'_>) {
        for entry in self.all() {
            keep.one(|out| entry.put(out));
        }
    }

    fn restore(&mut self, kept: Entry) {
        self.put(kept);
    }
}
