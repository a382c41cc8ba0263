//! Keys, as a part of the picture: so that a revocation counts from the batch it is folded in, at every node.

use super::part::{FoldError, Part, Seen};
use super::snapshot::{Keep, Stored as _};
use crate::domain::access::{Key, Keys};

impl Part for Keys {
    type Kept = Key;

    fn fold(&mut self, seen: &Seen<'_>) -> Result<(), FoldError> {
        Ok(self.apply(seen.stamp.recorded_at, seen.event)?)
    }

    fn keep(&self, keep: &mut Keep<'_>) {
        self.all().for_each(|key| keep.one(|out| key.put(out)));
    }

    fn restore(&mut self, kept: Key) {
        self.take_over(kept);
    }
}
