//! What came of an import, counted.

use crate::domain::words::Light;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What came of the rows. A row with several warnings counts them all.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Rows read.
    pub rows: u64,
    /// Rows that said something new about a merchant.
    pub accepted: u64,
    /// Tickets without a credit code that wait for a person (待认领).
    pub queued: u64,
    /// Rows that said what stands, or that a later row says otherwise.
    pub unchanged: u64,
    /// Rows refused.
    pub refused: u64,
    /// Things to look at that kept no row out.
    pub warnings: u64,
    /// Rows passed over because they are no records: totals, signatures, further headers.
    pub remarks: u64,
}

/// What came of the rows of one kind of sheet.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KindTally {
    /// Rows that said something new.
    pub accepted: u64,
    /// Tickets without a credit code that wait for a person.
    pub queued: u64,
    /// Rows that said what stands.
    pub unchanged: u64,
    /// Rows refused.
    pub refused: u64,
}

/// The same by kind of sheet, under its English name; `commands` are those of files without sheets.
pub type KindTallies = BTreeMap<String, KindTally>;

/// What followed from the rows.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Followed {
    /// Lights that changed, by the colour they changed to.
    pub lights: BTreeMap<Light, u64>,
    /// Mails that were asked for.
    pub mails: u64,
}

/// How far an import has come.
#[derive(Debug, Clone, Copy)]
pub struct Step<'a> {
    /// The file under way.
    pub file: &'a str,
    /// Rows that were read.
    pub read: u64,
    /// What came of those that were decided.
    pub tally: Tally,
}
