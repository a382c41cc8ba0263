//! Events of a stream that are not counted where its revision is: those of withdrawn imports. Whoever appends to such a stream
//! expects so many more.

use super::part::{FoldError, Part, SeenEvent};
use super::snapshot::{Keep, Stored as _};
use imbl::OrdMap;
use std::sync::Arc;

/// How many events of which stream are not counted; only where some are not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Uncounted(OrdMap<Arc<str>, u32>);

impl Uncounted {
    /// Returns how many events a stream has of which so many are counted.
    #[must_use]
    pub fn whole(&self, stream: &str, counted: u32) -> u32 {
        counted.saturating_add(self.of(stream))
    }

    pub(super) fn of(&self, stream: &str) -> u32 {
        self.0.get(stream).copied().unwrap_or_default()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn set(&mut self, stream: &str, count: u32) {
        self.0.insert(stream.into(), count);
    }
}

impl Part for Uncounted {
    type Kept = (Arc<str>, u32);

    /// What is counted is for the picture to say, which has folded merchants and queue.
    fn fold(&mut self, _: &SeenEvent<'_>) -> Result<(), FoldError> {
        Ok(())
    }

    fn keep(&self, keep: &mut Keep<'_>) {
        for (stream, count) in &self.0 {
            keep.one(|out| (stream.clone(), *count).put(out));
        }
    }

    fn restore(&mut self, (stream, count): Self::Kept) {
        self.0.insert(stream, count);
    }
}
