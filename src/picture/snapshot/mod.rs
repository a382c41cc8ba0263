//! Snapshots: a picture on disk, so that a start need not fold the whole log. `snapshot.bin` beside the log can be
//! deleted, damaged or belong to another log: then it is not used, and the log is folded from its beginning (law 3).
//!
//! It is one picture, written out while the desk goes on with the next: parts in their order, counts, and one digest over
//! everything.

mod code;
mod file;
mod keep;
mod keeper;
mod shape;
mod witness;

pub(super) use code::{Stored, read_all};
pub use file::{Unfit, load, write};
pub(super) use keep::Keep;
pub use keeper::SnapshotKeeper;
pub use witness::{hold_against, remove};

use super::Picture;

/// Name of the file beside the log.
pub const FILE: &str = "snapshot.bin";

/// Version of what the folds make of events and of how it is written here; raised with every change of either. The test
/// `a_change_of_the_fold_needs_a_new_version` fails when it was forgotten.
const FOLD: u32 = 28;

/// Puts things that were read into a picture.
pub(super) type Restore = Box<dyn FnOnce(&mut Picture) + Send>;

#[cfg(test)]
mod tests;
