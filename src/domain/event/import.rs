//! What was taken in (导入).

use crate::domain::envelope::Position;
use crate::domain::hex::Hex;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A file was taken in: what it says is recorded. The same file again, by name and bytes, says nothing new but in the rows refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportTaken {
    /// Its name.
    pub file: String,
    /// SHA-256 of its bytes, or of those of the archive it stands in.
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
    /// Where rows were refused: they are decided again when the file comes again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused_places: Vec<RefusedPlace>,
}

/// A row that was refused, or a sheet with rows that were.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefusedPlace {
    /// Name of the sheet; empty for the whole file.
    pub sheet: String,
    /// The row, as the spreadsheet numbers it; absent for the whole sheet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<u64>,
}

/// An import was withdrawn as a whole (撤回导入): from here on what it recorded counts no longer, and what it had replaced stands
/// again; what was known before stays. Who says so is in the envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportWithdrawn {
    /// The import: what it recorded names it as `causation`.
    pub import: Uuid,
    /// Why.
    pub reason: String,
    /// Names of the files that it took in whole.
    pub files: Vec<String>,
    /// Its evidence stands after this position.
    pub after: Position,
    /// Its last evidence stands here.
    pub upto: Position,
    /// How many events count no longer.
    pub events: u64,
    /// How many merchants they are about.
    pub merchants: u64,
    /// How many tickets they are about.
    pub tickets: u64,
}
