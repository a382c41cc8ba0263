//! Taking what the offices' files say (docs/ARCHITECTURE.md, *A file is taken*): whichever way a file comes in, by the command line,
//! the API, the inbox or a browser, this is what happens to it.
//!
//! 1. `intake` reads it and hands over rows;
//! 2. `hearing`: the rows of a file are heard as one statement before any is decided;
//! 3. `speaker`: who hands it in may not say everything about everybody;
//! 4. `decider`: the desk decides in batches, or in a preview a rehearsal;
//! 5. `papers`: every row gets its receipt, refused ones a sheet that can be mended and sent in again;
//! 6. `file`: at the end the log notes that the file was taken in, so that the same file again changes nothing.
//!
//! [`Import`] goes through this. In the running service, [`tray::Tray`] does so with one file after the other.

mod decider;
pub(crate) mod digest;
mod file;
mod hatch;
mod hearing;
mod import;
pub mod inbox;
mod papers;
mod receipts;
mod shown;
mod speaker;
mod tally;
pub mod tray;

pub use decider::Decider;
pub use hatch::{AtService, Hatch};
pub use import::{Ended, Import, OnStep};
pub use shown::{Alike, Shown};
pub use speaker::Speaker;
pub use tally::{Followed, KindTallies, KindTally, Step, Tally};

use crate::desk::DeskError;
use crate::domain::access::KeyRefused;
use crate::intake::refusals::RefusalSheetError;
use crate::log::contract::LogError;
use std::io;
use std::path::PathBuf;

/// Why an import ended before its time. What was accepted before is recorded and stays.
#[derive(Debug, thiserror::Error)]
pub enum TakingError {
    /// The desk takes nothing, or the log did not.
    #[error(transparent)]
    Desk(#[from] DeskError),
    /// A sheet of refused rows cannot be written.
    #[error(transparent)]
    Refusals(#[from] RefusalSheetError),
    /// The receipts cannot be written.
    #[error("`{}` cannot be written: {reason}", path.display())]
    Receipts {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: io::Error,
    },
    /// A file that was handed in cannot be read again.
    #[error("the file cannot be read: {0}")]
    Handed(io::Error),
    /// The key that it was handed in with opens nothing any more.
    #[error("nothing of it was taken: {0}")]
    ShutOut(KeyRefused),
    /// Whoever asked for it wants it no longer.
    #[error("it was broken off; what was decided until then is recorded, and the same file again does the rest")]
    BrokenOff,
    /// The program has a fault that this file shows.
    #[error(
        "the program has a fault that this file shows; what was decided until then is recorded; tell those who maintain it, with the \
         log of the service and the form of the file"
    )]
    Fault,
}

impl From<LogError> for TakingError {
    fn from(error: LogError) -> Self {
        Self::Desk(error.into())
    }
}
