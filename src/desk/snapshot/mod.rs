//! Snapshots: the state on disk, so that a start need not fold the whole log. `snapshot.bin` beside the log can be
//! deleted, damaged or belong to another log: then it is not used, and the log is folded from its beginning (law 3).
//!
//! It is written while the desk works on. The lights and the merchants are copied a few thousand at a time, each slice under
//! its own short look at the state, so slices may know more than the position the snapshot is of. Nothing is lost and nothing
//! counts twice: everything in a slice says which event it heard of last, and the replay that follows leaves out what
//! each has heard of already.

mod code;
mod file;
mod keeper;
mod shape;

pub(super) use file::load;
pub(super) use keeper::Keeper;

/// Name of the file beside the log.
pub(super) const FILE: &str = "snapshot.bin";

/// Version of what the folds make of events and of how it is written here; raised with every change of either.
const FOLD: u32 = 3;

#[cfg(test)]
mod tests;
