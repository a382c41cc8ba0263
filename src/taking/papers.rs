//! The papers of an import: a receipt for every row, and the refused rows as csv, as xlsx, and file by file in the form they came in, to be
//! mended and sent in again.

use super::TakingError;
use super::receipts::Receipts;
use crate::desk::{NOT_KNOWN, NOT_RECORDED};
use crate::intake::item::{Refused, Table};
use crate::intake::place::{Finding, Refusal};
use crate::intake::refusals::{CsvRefusals, XlsxRefusals};
use crate::intake::returned::Returned;
use csv::StringRecord;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use uuid::Uuid;

/// The papers, open for writing.
pub(super) struct Papers {
    folder: PathBuf,
    csv: CsvRefusals,
    xlsx: XlsxRefusals,
    returned: Returned,
    receipts: Receipts,
}

impl Papers {
    /// Begins papers in `folder`, which is made if it is not there.
    pub(super) fn create(folder: &Path) -> Result<Self, TakingError> {
        let csv = CsvRefusals::create(folder)?;
        let receipts = Receipts::create(folder)?;
        Ok(Self { folder: folder.to_owned(), csv, xlsx: XlsxRefusals::new(), returned: Returned::to(folder), receipts })
    }

    /// Writes that a row was taken; `said` is the word for how.
    pub(super) fn answered(
        &mut self,
        table: &Table,
        row: u64,
        said: &str,
        events: &[Uuid],
        remarks: &[Finding],
    ) -> Result<(), TakingError> {
        let events: Vec<String> = events.iter().map(ToString::to_string).collect();
        self.receipts.write(table, row, said, &events.join(" "), remarks)
    }

    /// Writes that a row was refused.
    pub(super) fn refused(
        &mut self,
        table: &Arc<Table>,
        row: u64,
        cells: &StringRecord,
        refusals: &[Refusal],
    ) -> Result<(), TakingError> {
        self.csv.row(table, row, cells, refusals)?;
        self.xlsx.row(table, row, cells, refusals)?;
        self.returned.row(table, row, cells, refusals)?;
        // What the log did not take is no refusal, nor what nobody knows it took.
        let is_open = |refusal: &&Refusal| matches!(refusal.code, NOT_RECORDED | NOT_KNOWN);
        let said = refusals.iter().find(is_open).map_or("refused", |refusal| refusal.code);
        self.receipts.write(table, row, said, "", refusals)
    }

    /// Writes that a sheet or file was refused as a whole.
    pub(super) fn whole(&mut self, refused: Refused) {
        self.csv.whole(refused.clone());
        self.xlsx.whole(refused);
    }

    /// Puts the receipts so far into their file.
    pub(super) fn flush(&mut self) -> Result<(), TakingError> {
        self.receipts.flush()
    }

    /// Ends them. Each is written even if another cannot be.
    pub(super) fn finish(mut self) -> Result<(), TakingError> {
        let written: [Result<(), TakingError>; 4] = [
            self.receipts.flush(),
            self.csv.finish().map(|_| ()).map_err(TakingError::from),
            self.returned.finish().map(|_| ()).map_err(TakingError::from),
            self.xlsx.finish(&self.folder.join("refused.xlsx")).map(|_| ()).map_err(TakingError::from),
        ];
        written.into_iter().collect()
    }
}
