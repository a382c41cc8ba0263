//! What was taken in (导入).

use crate::domain::envelope::Position;
use crate::domain::hex::Hex;
use serde::{Deserialize, Serialize};

/// A file was taken in: what it says is recorded. The same file again says nothing new.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportTaken {
    /// Its name.
    pub file: String,
    /// SHA-256 of its bytes (and, inside an archive, of its name there).
    pub digest: Hex<32>,
    /// Its events stand after this position and before this event.
    pub after: Position,
    /// Rows read.
    pub rows: u64,
    /// Of them, rows that said something new.
    pub accepted: u64,
    /// Rows that said what stands, or that a later row of the file says otherwise.
    pub unchanged: u64,
    /// Rows refused.
    pub refused: u64,
    /// Remarks made.
    pub remarks: u64,
}
