//! Refused rows back to the sender (退回) in the form they came in: one file per file, of the same kind where that can be written (xlsx as
//! xlsx, csv as csv with its encoding and separator, everything else as xlsx), with its sheets, columns and their order, and the
//! reasons behind. Mended, it can be sent in again as it is.
//!
//! Columns about persons come back under their headers without what they held: it was dropped while reading. A unit that was said above a header
//! is written into it, for the line above is not there.

use super::export::{BYTE_ORDER_MARK, Medium, keep, safe_cell, temporary_beside, write_whole};
use super::item::{Form, Table};
use super::place::Refusal;
use super::refusals::{LONGEST_NAME, MOST_XLSX_ROWS, RefusalSheetError, Sheet, headers, line, unique};
use csv::StringRecord;
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use rust_xlsxwriter::Workbook;
use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Sheets of one workbook that are given back: each holds a file open. What is refused beyond is in the refusal sheet.
const MOST_SHEETS: usize = 64;

/// What the name of a returned file begins with.
const BEFORE: &str = "returned-";

/// Letters of a file's ending at most.
const LONGEST_ENDING: usize = 8;

/// Gives refused rows back, file by file. Rows come file by file, and within one table by table or not.
pub struct Returned {
    folder: PathBuf,
    open: Option<(Arc<str>, Open)>,
    names: BTreeSet<String>,
    written: Vec<PathBuf>,
}

/// The file under way.
enum Open {
    Text { writer: Box<csv::Writer<Encoded<tempfile::NamedTempFile>>>, table: Arc<Table> },
    Book { workbook: Box<Workbook>, sheets: Vec<(Arc<Table>, Sheet)>, names: BTreeSet<String> },
}

impl Returned {
    /// Begins giving back into `folder`, which is there.
    #[must_use]
    pub fn to(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), open: None, names: BTreeSet::new(), written: Vec::new() }
    }

    /// Adds a refused row.
    ///
    /// # Errors
    /// The disk said no, or the workbook cannot hold it.
    pub fn row(
        &mut self,
        table: &Arc<Table>,
        row: u64,
        cells: &StringRecord,
        refusals: &[Refusal],
    ) -> Result<(), RefusalSheetError> {
        if self.open.as_ref().is_none_or(|(file, _)| *file != table.file) {
            self.close()?;
            self.open = Some((Arc::clone(&table.file), Open::begin(table, &self.folder)?));
        }
        match &mut self.open {
            Some((_, open)) => open.write(table, line(table, row, cells, refusals)),
            None => Ok(()),
        }
    }

    /// Ends writing and returns the files, none if nothing was refused.
    ///
    /// # Errors
    /// The disk said no.
    pub fn finish(mut self) -> Result<Vec<PathBuf>, RefusalSheetError> {
        self.close()?;
        Ok(self.written)
    }

    fn close(&mut self) -> Result<(), RefusalSheetError> {
        let Some((name, open)) = self.open.take() else { return Ok(()) };
        let (stem, ending) = parted(&name);
        let ending = if matches!(open, Open::Book { .. }) { "xlsx" } else { ending };
        let stem = unique(&mut self.names, &format!("{BEFORE}{stem}"), LONGEST_NAME);
        let path = self.folder.join(format!("{stem}.{ending}"));
        open.keep(&path)?;
        self.written.push(path);
        Ok(())
    }
}

/// Parts a path from the ending of its last name; text without one comes back as `csv`. What is too long for an ending, or holds
/// what a file's name cannot, is none.
fn parted(path: &str) -> (&str, &str) {
    let is_ending = |ending: &str| {
        ending.len() <= LONGEST_ENDING
            && ending.starts_with(|first: char| first.is_ascii_alphabetic())
            && ending.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    path.rsplit_once('.').filter(|(_, ending)| is_ending(ending)).unwrap_or((path, "csv"))
}

impl Open {
    fn begin(table: &Arc<Table>, folder: &Path) -> Result<Self, RefusalSheetError> {
        let Form::Text { encoding, separator } = table.form else {
            return Ok(Self::Book { workbook: Box::default(), sheets: Vec::new(), names: BTreeSet::new() });
        };
        let mut file = Encoded::new(temporary_beside(&folder.join("returned"))?, encoding);
        if [UTF_8, UTF_16LE, UTF_16BE].contains(&encoding) {
            file.write_all(BYTE_ORDER_MARK.as_bytes())?;
        }
        let separator = u8::try_from(separator).unwrap_or(b',');
        let writer = csv::WriterBuilder::new().flexible(true).delimiter(separator).from_writer(file);
        let mut begun = Self::Text { writer: Box::new(writer), table: Arc::clone(table) };
        begun.write_text(headers(table))?;
        Ok(begun)
    }

    fn write(&mut self, table: &Arc<Table>, cells: Vec<String>) -> Result<(), RefusalSheetError> {
        match self {
            Self::Text { table: open, .. } => {
                if !Arc::ptr_eq(open, table) {
                    *open = Arc::clone(table);
                    self.write_text(headers(table))?;
                }
                self.write_text(cells)
            }
            Self::Book { workbook, sheets, names } => {
                let at =
                    sheets.iter().position(|(open, sheet)| open.sheet == table.sheet && sheet.rows < MOST_XLSX_ROWS);
                let at = match at {
                    Some(at) => at,
                    None if sheets.len() >= MOST_SHEETS => return Ok(()),
                    None => {
                        let name = if table.sheet.is_empty() { "Sheet1" } else { &*table.sheet };
                        let mut sheet = Sheet::begin(workbook, unique(names, name, Sheet::LONGEST_NAME))?;
                        sheet.write(&headers(table))?;
                        sheets.push((Arc::clone(table), sheet));
                        sheets.len() - 1
                    }
                };
                let Some((open, sheet)) = sheets.get_mut(at) else { return Ok(()) };
                if !Arc::ptr_eq(open, table) {
                    *open = Arc::clone(table);
                    sheet.write(&headers(table))?;
                }
                Ok(sheet.write(&cells)?)
            }
        }
    }

    fn write_text(&mut self, cells: Vec<String>) -> Result<(), RefusalSheetError> {
        if let Self::Text { writer, .. } = self {
            writer.write_record(cells.iter().map(|cell| safe_cell(cell, Medium::Csv).into_owned()))?;
        }
        Ok(())
    }

    fn keep(self, path: &Path) -> Result<(), RefusalSheetError> {
        match self {
            Self::Text { writer, .. } => {
                let file = writer.into_inner().map_err(|error| io::Error::other(error.to_string()))?;
                Ok(keep(file.inner, path)?)
            }
            Self::Book { mut workbook, sheets, .. } => {
                for (_, sheet) in sheets {
                    sheet.push_to(&mut workbook);
                }
                write_whole(path, |file| Ok::<_, RefusalSheetError>(workbook.save_to_writer(file)?))
            }
        }
    }
}

/// Takes UTF-8 and writes it in another encoding.
struct Encoded<W> {
    inner: W,
    encoding: &'static Encoding,
    /// The beginning of a character whose end has not come.
    waiting: Vec<u8>,
}

impl<W: Write> Encoded<W> {
    const fn new(inner: W, encoding: &'static Encoding) -> Self {
        Self { inner, encoding, waiting: Vec::new() }
    }
}

impl<W: Write> Write for Encoded<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.waiting.extend_from_slice(bytes);
        let whole = match std::str::from_utf8(&self.waiting) {
            Ok(text) => text.len(),
            Err(error) => error.valid_up_to(),
        };
        let rest = self.waiting.split_off(whole);
        let whole = std::mem::replace(&mut self.waiting, rest);
        let text = String::from_utf8_lossy(&whole);
        if self.encoding == UTF_8 {
            self.inner.write_all(text.as_bytes())?;
        } else if self.encoding == UTF_16LE || self.encoding == UTF_16BE {
            let big = self.encoding == UTF_16BE;
            let units = text.encode_utf16().flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() });
            self.inner.write_all(&units.collect::<Vec<u8>>())?;
        } else {
            self.inner.write_all(&self.encoding.encode(&text).0)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ending_is_that_of_the_last_name() {
        assert_eq!(parted("x.zip/存管.txt"), ("x.zip/存管", "txt"));
        for none in ["x.zip/存管", "x.zip\\存管", "存管", "a.", "2025.06.余额", "2025.06", "a.b:c", "a.aaaaaaaaa"]
        {
            assert_eq!(parted(none), (none, "csv"));
        }
    }
}
