//! Files that were taken in whole: the same file again changes nothing, also when something newer was recorded meanwhile.

use super::part::{FoldError, Part, SeenEvent};
use super::snapshot::{Keep, Stored as _};
use crate::domain::event::Event;
use crate::domain::hex::Hex;
use imbl::OrdSet;

/// Digests of files of which no row was refused. A file with refused rows may come again: they may be taken by then.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Imports(OrdSet<[u8; 32]>);

impl Imports {
    /// Says whether a file was taken in whole.
    #[must_use]
    pub fn has(&self, digest: &Hex<32>) -> bool {
        self.0.contains(&digest.0)
    }
}

impl Part for Imports {
    type Kept = [u8; 32];

    fn fold(&mut self, seen: &SeenEvent<'_>) -> Result<(), FoldError> {
        if let Event::ImportTaken(taken) = seen.event
            && taken.refused == 0
        {
            self.0.insert(taken.digest.0);
        }
        Ok(())
    }

    fn keep(&self, keep: &mut Keep<'_>) {
        for digest in &self.0 {
            keep.one(|out| digest.put(out));
        }
    }

    fn restore(&mut self, kept: [u8; 32]) {
        self.0.insert(kept);
    }
}
