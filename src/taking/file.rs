//! A file under way, and what the log remembers of it (docs/SHEETS.md, *Sent again*).

use super::Tally;
use crate::domain::envelope::Position;
use crate::domain::event::{ImportTaken, RefusedPlace};
use crate::domain::hex::Hex;
use crate::picture::imports::Taken;
use std::collections::BTreeSet;

/// Refused rows of a file that are remembered one by one; beyond that, their sheets are.
const MOST: usize = 1_000;

/// A file under way.
pub(super) struct Begun {
    digest: Hex<32>,
    name: String,
    /// It was taken in before.
    known: Option<Taken>,
    /// Where the log stood.
    after: Position,
    /// What had come of rows before it.
    before: Tally,
    refused: BTreeSet<RefusedPlace>,
}

impl Begun {
    /// Begins a file of which this was taken before.
    pub(super) fn new(digest: Hex<32>, name: &str, known: Option<Taken>, after: Position, before: Tally) -> Self {
        Self { digest, name: name.to_owned(), known, after, before, refused: BTreeSet::new() }
    }

    /// Notes that a row was refused, or a whole sheet.
    pub(super) fn refuse(&mut self, sheet: &str, row: Option<u64>) {
        let whole = RefusedPlace { sheet: sheet.to_owned(), row: None };
        if self.refused.contains(&whole) {
            return;
        }
        if row.is_none() || self.refused.len() >= MOST {
            self.refused.retain(|place| place.sheet != sheet);
            self.refused.insert(whole);
        } else {
            self.refused.insert(RefusedPlace { row, ..whole });
        }
    }

    /// Returns what is to be remembered of the file; `None` if that is nothing, or nothing new.
    pub(super) fn end(self, after: Tally) -> Option<ImportTaken> {
        let Self { before, .. } = self;
        let taken = ImportTaken {
            file: self.name,
            digest: self.digest,
            after: self.after,
            rows: after.rows - before.rows,
            accepted: after.accepted + after.queued - before.accepted - before.queued,
            unchanged: after.unchanged - before.unchanged,
            refused: after.refused - before.refused,
            remarks: after.warnings - before.warnings,
            refused_places: self.refused.into_iter().collect(),
        };
        let is_new = self.known.is_none_or(|known| !known.refused(&taken.refused_places));
        (is_new && taken.accepted + taken.unchanged > 0).then_some(taken)
    }
}
