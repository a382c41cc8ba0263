//! Keys, as a part of the picture: so that a revocation counts from the batch it is folded in, at every node.

use super::part::{FoldError, Part, SeenEvent};
use super::snapshot::{Keep, Stored as _};
use crate::domain::access::{Key, Keys};
use crate::domain::time::Instant;
use uuid::Uuid;

/// A key, or a session that was logged out.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) key: Option<Key>,
    pub(super) ended: Option<(Instant, Uuid)>,
}

impl Part for Keys {
    type Kept = Kept;

    fn fold(&mut self, seen: &SeenEvent<'_>) -> Result<(), FoldError> {
        Ok(self.apply(seen.stamp.recorded_at, seen.event)?)
    }

    fn keep(&self, keep: &mut Keep<'_>) {
        for key in self.all() {
            keep.one(|out| Kept { key: Some(Key::clone(key)), ended: None }.put(out));
        }
        for ended in self.ended() {
            keep.one(|out| Kept { key: None, ended: Some(ended) }.put(out));
        }
    }

    fn restore(&mut self, Kept { key, ended }: Kept) {
        if let Some(key) = key {
            self.take_over(key);
        }
        if let Some((ends_at, session)) = ended {
            self.take_over_ended(ends_at, session);
        }
    }
}
