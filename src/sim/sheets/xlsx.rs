//! One workbook with ten sheets, written row by row so that its size does not matter for memory.

use super::{Cell, Sheet, SheetError, SheetWriter};
use crate::domain::time::{Day, days_between, local};
use rust_xlsxwriter::{Format, Workbook as Book, Worksheet, XlsxError};
use std::path::{Path, PathBuf};

/// The most rows a sheet of an xlsx file holds, the heading included.
const MOST_ROWS: u32 = 1_048_576;

/// A workbook being written.
pub struct Workbook {
    path: PathBuf,
    book: Book,
    /// Rows written to each sheet, in the order of [`Sheet::ALL`].
    rows: [u32; 10],
    most_rows: u32,
    formats: Formats,
}

/// How cells look; the values are what counts.
struct Formats {
    day: Format,
    minute: Format,
    amount: Format,
}

impl std::fmt::Debug for Workbook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Workbook").field("path", &self.path).field("rows", &self.rows).finish_non_exhaustive()
    }
}

impl Workbook {
    /// Begins a workbook that will be saved as `path`.
    ///
    /// # Errors
    /// When the sheets cannot be begun.
    pub fn create(path: &Path) -> Result<Self, SheetError> {
        Self::with_most_rows(path, MOST_ROWS)
    }

    pub(super) fn with_most_rows(path: &Path, most_rows: u32) -> Result<Self, SheetError> {
        let mut book = Book::new();
        for sheet in Sheet::ALL {
            let page = book.add_worksheet_with_constant_memory()?;
            page.set_name(sheet.name())?;
            for (column, heading) in (0_u16..).zip(sheet.headings()) {
                page.write_string(0, column, *heading)?;
            }
        }
        let formats = Formats {
            day: Format::new().set_num_format("yyyy-mm-dd"),
            minute: Format::new().set_num_format("yyyy-mm-dd hh:mm"),
            amount: Format::new().set_num_format("0.00"),
        };
        Ok(Self { path: path.to_owned(), book, rows: [1; 10], most_rows, formats })
    }
}

impl SheetWriter for Workbook {
    fn row(&mut self, sheet: Sheet, cells: &[Cell]) -> Result<(), SheetError> {
        for (index, (of, row)) in Sheet::ALL.iter().zip(&mut self.rows).enumerate() {
            if *of == sheet {
                if *row >= self.most_rows {
                    return Err(SheetError::TooManyRows { sheet: sheet.name(), limit: self.most_rows });
                }
                let page = self.book.worksheet_from_index(index)?;
                for (column, cell) in (0_u16..).zip(cells) {
                    write(page, *row, column, cell, &self.formats)?;
                }
                *row += 1;
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<(), SheetError> {
        Ok(self.book.save(&self.path)?)
    }
}

fn write(page: &mut Worksheet, row: u32, column: u16, cell: &Cell, formats: &Formats) -> Result<(), SheetError> {
    let written = match cell {
        Cell::Empty => return Ok(()),
        Cell::Text(text) => page.write_string(row, column, text),
        Cell::Day(day) => page.write_number_with_format(row, column, serial(*day), &formats.day),
        Cell::Minute(at) => {
            let at = local(*at);
            let minutes = f64::from(at.hour()) * 60.0 + f64::from(at.minute());
            page.write_number_with_format(row, column, serial(at.date()) + minutes / 1440.0, &formats.minute)
        }
        // A spreadsheet knows no decimals: the nearest binary number shows the same two places.
        Cell::Amount(amount) => page.write_number_with_format(row, column, number(amount)?, &formats.amount),
        Cell::Share(share) => page.write_number(row, column, number(share)?),
    };
    written?;
    Ok(())
}

fn number(exact: &impl ToString) -> Result<f64, SheetError> {
    let text = exact.to_string();
    text.parse().map_err(|_| XlsxError::ParameterError(format!("`{text}` is not a number")).into())
}

/// Returns the number a spreadsheet keeps for a day: days since 1899-12-30, right from 1900-03-01 on.
fn serial(day: Day) -> f64 {
    let count = days_between(jiff::civil::date(1899, 12, 30), day);
    // Exact: a day count is far below 2⁵³.
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sheet_that_outgrows_the_format_is_refused_by_name() {
        let room = tempfile::tempdir().unwrap();
        let mut book = Workbook::with_most_rows(&room.path().join("book.xlsx"), 3).unwrap();
        let cells = [Cell::from("91110108MA7MENQFD7")];
        book.row(Sheet::Custody, &cells).unwrap();
        book.row(Sheet::Custody, &cells).unwrap();
        book.row(Sheet::Exits, &cells).unwrap();
        let error = book.row(Sheet::Custody, &cells).unwrap_err().to_string();
        assert!(error.contains("存管余额") && error.contains("csv"), "{error}");
    }

    #[test]
    fn a_day_has_the_number_that_spreadsheets_give_it() {
        assert_eq!(serial(jiff::civil::date(2024, 7, 22)), 45495.0);
        assert_eq!(serial(jiff::civil::date(2024, 2, 29)), 45351.0);
    }
}
