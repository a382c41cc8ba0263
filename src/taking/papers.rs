//! The papers of an import: a receipt for every row, and the refused rows as csv, as xlsx, and file by file in the form they came in, to be
//! mended and sent in again.

use super::TakingError;
use super::receipts::Receipts;
use crate::desk::{NOT_KNOWN, NOT_RECORDED};
use crate::intake::item::{Refused, Table};
use crate::intake::place::{Finding, Place, Refusal};
use crate::intake::refusals::{CsvRefusals, XlsxRefusals};
use crate::intake::returned::Returned;
use csv::StringRecord;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use uuid::Uuid;

/// Bytes of a line besides its cells and what is said of it, about: places, marks, and the like.
const LINE: usize = 120;

/// The papers, open for writing.
pub(super) struct Papers {
    folder: PathBuf,
    csv: CsvRefusals,
    xlsx: XlsxRefusals,
    returned: Returned,
    receipts: Receipts,
    /// Bytes that may be written yet, about; `None`: as many as it takes.
    left: Option<u64>,
    /// Rows that there was no more room for, and those of them that were refused.
    left_out: (u64, u64),
}

impl Papers {
    /// Begins papers in `folder`, which is made if it is not there.
    pub(super) fn create(folder: &Path, most: Option<u64>) -> Result<Self, TakingError> {
        let csv = CsvRefusals::create(folder)?;
        let receipts = Receipts::create(folder)?;
        let (folder, returned) = (folder.to_owned(), Returned::to(folder));
        Ok(Self { folder, csv, xlsx: XlsxRefusals::new(), returned, receipts, left: most, left_out: (0, 0) })
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
        if !self.has_room(LINE + 37 * events.len() + spoken(remarks)) {
            return Ok(());
        }
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
        // Three times with its cells, and its receipt.
        let line = cells.as_slice().len() + cells.len() + spoken(refusals) + LINE;
        if !self.has_room(3 * line + LINE + spoken(refusals)) {
            self.left_out.1 += 1;
            return Ok(());
        }
        self.csv.row(table, row, cells, refusals)?;
        self.xlsx.row(table, row, cells, refusals)?;
        self.returned.row(table, row, cells, refusals)?;
        // What the log did not take is no refusal, nor what nobody knows it took.
        let is_open = |refusal: &&Refusal| matches!(refusal.code, NOT_RECORDED | NOT_KNOWN);
        let said = refusals.iter().find(is_open).map_or("refused", |refusal| refusal.code);
        self.receipts.write(table, row, said, "", refusals)
    }

    /// Says whether a row of so many bytes is written; where one was left out, those after it are, too.
    fn has_room(&mut self, bytes: usize) -> bool {
        let Some(left) = self.left else { return true };
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let fits = bytes <= left && self.left_out.0 == 0;
        self.left = Some(left.saturating_sub(bytes));
        self.left_out.0 += u64::from(!fits);
        fits
    }

    /// Writes where the papers were cut that they were.
    fn tell_of_cut(&mut self) -> Result<(), TakingError> {
        let (rows, refused) = self.left_out;
        if rows == 0 {
            return Ok(());
        }
        let zh = format!(
            "文书已达上限，到此为止，其后 {rows} 行（其中拒绝 {refused} 行）未列出；导入记录中的计数完整。改正后可再次提交同一文件，或分成几份；上限由 `intake.papers_limit_bytes` 设定"
        );
        let en = format!(
            "the papers end here, at their limit: {rows} more rows, {refused} of them refused, are not listed; the counts of the import are \
             whole. Mend what is listed and send the rest again, or send the file in parts; `intake.papers_limit_bytes` sets the limit"
        );
        self.receipts.cut(&zh, &en)?;
        if refused > 0 {
            let place = Place { file: "…".into(), sheet: "".into(), row: None, column: None };
            self.whole(Refused { refusal: Finding::new(place, "papers_cut", "", zh, en), rows: refused });
        }
        Ok(())
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
        let written: [Result<(), TakingError>; 5] = [
            self.tell_of_cut(),
            self.receipts.flush(),
            self.csv.finish().map(|_| ()).map_err(TakingError::from),
            self.returned.finish().map(|_| ()).map_err(TakingError::from),
            self.xlsx.finish(&self.folder.join("refused.xlsx")).map(|_| ()).map_err(TakingError::from),
        ];
        written.into_iter().collect()
    }
}

/// Bytes of what is said about a row.
fn spoken(findings: &[Finding]) -> usize {
    findings.iter().map(|finding| finding.zh.len() + finding.en.len()).sum()
}
