//! The refusal sheet: the refused rows as they came, under their own headers, with file, row and reasons behind. Mended,
//! it can be sent in again as it is; the columns behind are then passed over.
//!
//! As csv it is one file per input table (`投诉-refused.csv`), written while reading goes on; as xlsx one workbook with a
//! sheet per input table.

use super::export::{BYTE_ORDER_MARK, Medium, calculates, keep, safe_cell, temporary_beside, write_whole};
use super::item::{Refused, Table};
use super::place::Refusal;
use crate::domain::personal::{masked, names_a_person};
use csv::StringRecord;
use rust_xlsxwriter::{Format, Workbook, Worksheet, XlsxError};
use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Headers of the columns behind a refused row.
const BEHIND: [&str; 4] = ["来源文件", "行号", "拒绝原因", "reason"];

/// Headers of the list of sheets and files that were refused as a whole.
const WHOLE: [&str; 5] = ["来源文件", "工作表", "行数", "拒绝原因", "reason"];

/// Rows a sheet of a workbook can have.
pub(super) const MOST_XLSX_ROWS: u32 = 1_048_576;

/// Columns a sheet of a workbook can have.
const MOST_XLSX_COLUMNS: u16 = 16_384;

/// Characters a file name may have here; of three bytes each they fit every file system.
pub(super) const LONGEST_NAME: usize = 70;

/// Sheets and files that are listed as refused whole; the number of all is in the tally.
const MOST_WHOLE: usize = 10_000;

/// Why a refusal sheet could not be written.
#[derive(Debug, thiserror::Error)]
pub enum RefusalSheetError {
    /// The disk said so.
    #[error("the refusal sheet could not be written: {0}")]
    Io(#[from] io::Error),
    /// The csv writer said so.
    #[error("the refusal sheet could not be written: {0}")]
    Csv(#[from] csv::Error),
    /// The xlsx writer said so.
    #[error("the refusal sheet could not be written: {0}")]
    Xlsx(#[from] XlsxError),
}

/// Writes refused rows to csv files in one folder, one per input table. Rows come table by table, as reading gives them.
pub struct CsvRefusals {
    folder: PathBuf,
    open: Option<(Arc<Table>, csv::Writer<tempfile::NamedTempFile>)>,
    whole: Vec<Refused>,
    names: BTreeSet<String>,
    written: Vec<PathBuf>,
}

impl CsvRefusals {
    /// Begins writing to `folder`, which is made if it is not there.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn create(folder: &Path) -> Result<Self, RefusalSheetError> {
        std::fs::create_dir_all(folder)?;
        let folder = folder.to_owned();
        Ok(Self { folder, open: None, whole: Vec::new(), names: BTreeSet::new(), written: Vec::new() })
    }

    /// Adds a refused row.
    ///
    /// # Errors
    /// The disk said no.
    pub fn row(
        &mut self,
        table: &Arc<Table>,
        row: u64,
        cells: &StringRecord,
        refusals: &[Refusal],
    ) -> Result<(), RefusalSheetError> {
        if !self.open.as_ref().is_some_and(|(open, _)| Arc::ptr_eq(open, table)) {
            self.close()?;
            let mut writer = begin(&self.folder)?;
            write_csv(&mut writer, headers(table))?;
            self.open = Some((Arc::clone(table), writer));
        }
        if let Some((_, writer)) = &mut self.open {
            write_csv(writer, line(table, row, cells, refusals))?;
        }
        Ok(())
    }

    /// Adds a sheet or file that was refused as a whole.
    pub fn whole(&mut self, refused: Refused) {
        if self.whole.len() < MOST_WHOLE {
            self.whole.push(refused);
        }
    }

    /// Ends writing and returns the files, none if nothing was refused.
    ///
    /// # Errors
    /// The disk said no.
    pub fn finish(mut self) -> Result<Vec<PathBuf>, RefusalSheetError> {
        self.close()?;
        if !self.whole.is_empty() {
            let mut writer = begin(&self.folder)?;
            write_csv(&mut writer, WHOLE.map(str::to_owned).to_vec())?;
            for refused in &self.whole {
                write_csv(&mut writer, whole_line(refused))?;
            }
            self.keep(writer, "not-read".to_owned())?;
        }
        Ok(self.written)
    }

    fn close(&mut self) -> Result<(), RefusalSheetError> {
        match self.open.take() {
            Some((table, writer)) => self.keep(writer, format!("{}-refused", title(&table))),
            None => Ok(()),
        }
    }

    fn keep(&mut self, writer: csv::Writer<tempfile::NamedTempFile>, name: String) -> Result<(), RefusalSheetError> {
        let file = writer.into_inner().map_err(|error| io::Error::other(error.to_string()))?;
        let path = self.folder.join(format!("{}.csv", unique(&mut self.names, &name, LONGEST_NAME)));
        keep(file, &path)?;
        self.written.push(path);
        Ok(())
    }
}

fn begin(folder: &Path) -> Result<csv::Writer<tempfile::NamedTempFile>, RefusalSheetError> {
    let mut file = temporary_beside(&folder.join("refused.csv"))?;
    file.write_all(BYTE_ORDER_MARK.as_bytes())?;
    // Rows may be longer than the header: a row with too many cells is shown with all of them.
    Ok(csv::WriterBuilder::new().flexible(true).from_writer(file))
}

fn write_csv(writer: &mut csv::Writer<tempfile::NamedTempFile>, cells: Vec<String>) -> Result<(), csv::Error> {
    writer.write_record(cells.iter().map(|cell| safe_cell(cell, Medium::Csv).into_owned()))
}

/// Collects refused rows for one workbook with a sheet per input table.
pub struct XlsxRefusals {
    workbook: Workbook,
    open: Option<(Arc<Table>, Sheet)>,
    whole: Vec<Refused>,
    names: BTreeSet<String>,
    sheets: usize,
}

/// A sheet of a workbook that is being written.
pub(super) struct Sheet {
    worksheet: Worksheet,
    pub(super) rows: u32,
}

impl Default for XlsxRefusals {
    fn default() -> Self {
        Self::new()
    }
}

impl XlsxRefusals {
    /// Begins a workbook.
    #[must_use]
    pub fn new() -> Self {
        Self { workbook: Workbook::new(), open: None, whole: Vec::new(), names: BTreeSet::new(), sheets: 0 }
    }

    /// Adds a refused row.
    ///
    /// # Errors
    /// The workbook cannot hold it.
    pub fn row(
        &mut self,
        table: &Arc<Table>,
        row: u64,
        cells: &StringRecord,
        refusals: &[Refusal],
    ) -> Result<(), RefusalSheetError> {
        let fits = |(open, sheet): &(Arc<Table>, Sheet)| Arc::ptr_eq(open, table) && sheet.rows < MOST_XLSX_ROWS;
        if !self.open.as_ref().is_some_and(fits) {
            self.close();
            let mut sheet = self.begin(&title(table))?;
            sheet.write(&headers(table))?;
            self.open = Some((Arc::clone(table), sheet));
        }
        if let Some((_, sheet)) = &mut self.open {
            sheet.write(&line(table, row, cells, refusals))?;
        }
        Ok(())
    }

    /// Adds a sheet or file that was refused as a whole.
    pub fn whole(&mut self, refused: Refused) {
        if self.whole.len() < MOST_WHOLE {
            self.whole.push(refused);
        }
    }

    /// Writes the workbook; false, and no file, if nothing was refused.
    ///
    /// # Errors
    /// The workbook cannot be made or the disk said no.
    pub fn finish(mut self, path: &Path) -> Result<bool, RefusalSheetError> {
        self.close();
        if !self.whole.is_empty() {
            let mut sheet = self.begin("未读取的表")?;
            sheet.write(&WHOLE.map(str::to_owned))?;
            for refused in std::mem::take(&mut self.whole) {
                sheet.write(&whole_line(&refused))?;
            }
            self.push(sheet);
        }
        if self.sheets == 0 {
            return Ok(false);
        }
        write_whole(path, |file| Ok::<_, RefusalSheetError>(self.workbook.save_to_writer(file)?))?;
        Ok(true)
    }

    fn begin(&mut self, title: &str) -> Result<Sheet, RefusalSheetError> {
        let name = unique(&mut self.names, title, Sheet::LONGEST_NAME);
        Ok(Sheet::begin(&mut self.workbook, name)?)
    }

    fn close(&mut self) {
        if let Some((_, sheet)) = self.open.take() {
            self.push(sheet);
        }
    }

    fn push(&mut self, sheet: Sheet) {
        sheet.push_to(&mut self.workbook);
        self.sheets += 1;
    }
}

impl Sheet {
    /// Characters that the name of a sheet may have.
    pub(super) const LONGEST_NAME: usize = 31;

    /// Begins a sheet. Its rows go to a file as they come: a million refused rows take no more memory than ten.
    pub(super) fn begin(workbook: &mut Workbook, name: String) -> Result<Self, XlsxError> {
        let mut worksheet = workbook.new_worksheet_with_constant_memory()?;
        worksheet.set_name(name)?;
        Ok(Self { worksheet, rows: 0 })
    }

    /// Puts it behind the others of its workbook.
    pub(super) fn push_to(self, workbook: &mut Workbook) {
        workbook.push_worksheet(self.worksheet);
    }

    /// Writes a row of texts.
    pub(super) fn write(&mut self, cells: &[String]) -> Result<(), XlsxError> {
        // A row of a text file may have more cells than a sheet has columns: those behind are in the csv.
        for (column, cell) in (0..MOST_XLSX_COLUMNS).zip(cells) {
            let text = safe_cell(cell, Medium::Xlsx);
            if calculates(&text) {
                // Text as text, also when somebody edits the cell.
                let format = Format::new().set_num_format("@").set_quote_prefix();
                self.worksheet.write_string_with_format(self.rows, column, &*text, &format)?;
            } else {
                self.worksheet.write_string(self.rows, column, &*text)?;
            }
        }
        self.rows += 1;
        Ok(())
    }
}

/// The table's own headers, then those behind. What was said of a column elsewhere than in its header is written there: without it,
/// the rows would mean something else when they come in again.
pub(super) fn headers(table: &Table) -> Vec<String> {
    let own = (0..).zip(&table.header).map(|(index, header)| table.header_alone(index, header));
    own.chain(BEHIND.map(str::to_owned)).collect()
}

/// The cells under their headers, the columns behind, then any cells the header had no room for.
pub(super) fn line(table: &Table, row: u64, cells: &StringRecord, refusals: &[Refusal]) -> Vec<String> {
    let width = table.header.len();
    let mut line: Vec<String> = (0..width).map(|index| kept(cells.get(index).unwrap_or_default())).collect();
    line.push(table.file.to_string());
    line.push(row.to_string());
    let reasons = |one: fn(&Refusal) -> String| refusals.iter().map(one).collect::<Vec<_>>();
    line.push(reasons(|refusal| short(refusal, "「", "」", "：", &refusal.zh)).join("；"));
    line.push(reasons(|refusal| short(refusal, "`", "`", ": ", &refusal.en)).join("; "));
    line.extend(cells.iter().skip(width).map(kept));
    line
}

/// Returns a cell as it came, but for numbers of people: they stand also where the number of a ticket belongs.
fn kept(cell: &str) -> String {
    if names_a_person(cell) { masked(cell).into_owned() } else { cell.to_owned() }
}

/// Column, value and reason: file and row have their own columns.
fn short(refusal: &Refusal, open: &str, close: &str, colon: &str, reason: &str) -> String {
    let mut text = String::new();
    if let Some(column) = &refusal.place.column {
        text.push_str(column);
        text.push_str(colon);
    }
    if !refusal.value.is_empty() && refusal.place.column.is_some() {
        text.extend([open, &refusal.value, close]);
        text.push_str(colon);
    }
    text.push_str(reason);
    text
}

fn whole_line(refused: &Refused) -> Vec<String> {
    let Refusal { place, zh, en, .. } = &refused.refusal;
    vec![place.file.to_string(), place.sheet.to_string(), refused.rows.to_string(), zh.clone(), en.clone()]
}

/// A name for what is written about a table: its file and sheet, the sheet left out where the file says it.
fn title(table: &Table) -> String {
    let stem = Path::new(&*table.file).file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    if table.sheet.is_empty() || stem.contains(&*table.sheet) { stem } else { format!("{stem}-{}", table.sheet) }
}

/// Returns `name` without what file and sheet names cannot hold, cut to `longest` characters, and unlike any before.
pub(super) fn unique(names: &mut BTreeSet<String>, name: &str, longest: usize) -> String {
    let clean: String = name
        .chars()
        .map(|letter| if letter.is_control() || "/\\:*?\"<>|[]'".contains(letter) { '_' } else { letter })
        .collect();
    let mut count = 1;
    loop {
        let suffix = if count == 1 { String::new() } else { format!("-{count}") };
        let room = longest.saturating_sub(suffix.len());
        // The end of a name tells more than its beginning: it holds the sheet.
        let skipped = clean.chars().count().saturating_sub(room);
        let candidate: String = clean.chars().skip(skipped).chain(suffix.chars()).collect();
        // Spreadsheet programs and some file systems do not tell large letters from small.
        if names.insert(candidate.to_lowercase()) {
            return candidate;
        }
        count += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_clean_short_and_unlike_each_other() {
        let mut names = BTreeSet::new();
        assert_eq!(unique(&mut names, "a/b:投诉", 31), "a_b_投诉");
        assert_eq!(unique(&mut names, "A/B:投诉", 31), "A_B_投诉-2");
        let long = format!("{}-投诉", "长".repeat(40));
        assert_eq!(unique(&mut names, &long, 31).chars().count(), 31);
        let second = unique(&mut names, &long, 31);
        assert!(second.ends_with("投诉-2") && second.chars().count() == 31, "{second}");
    }
}
