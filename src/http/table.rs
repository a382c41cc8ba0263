//! A table as a file that spreadsheet programs open: the same table is the same bytes, whenever it is written.

use super::download;
use super::problem::{Code, Problem};
use crate::intake::export::{BYTE_ORDER_MARK, Medium, safe_cell};
use actix_web::{HttpResponse, web};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, XlsxError};
use std::collections::BTreeMap;

/// How spreadsheets show numbers: counts, amounts, ratios, tenths.
const FORMATS: [&str; 4] = ["0", "#,##0.00", "0.00%", "0.0"];

/// A head, and rows under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    /// Names of the columns.
    pub(super) head: Vec<String>,
    /// Rows, each as wide as the head.
    pub(super) rows: Vec<Vec<Cell>>,
}

/// What stands in a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cell {
    /// A text; never a formula.
    Text(String),
    /// Yuan; empty where it is not known or not the reader's to see.
    Money(Option<Decimal>),
    /// So many.
    Count(u64),
    /// A ratio, shown in per cent; empty where there is none.
    Ratio(Option<Decimal>),
    /// A number with a digit after the point; empty where there is none.
    Tenths(Option<Decimal>),
}

impl Cell {
    /// Returns the number in it.
    fn number(&self) -> Option<f64> {
        match self {
            Self::Text(_) => None,
            Self::Count(count) => Some(count.to_f64().unwrap_or_default()),
            Self::Money(number) | Self::Ratio(number) | Self::Tenths(number) => {
                number.map(|number| number.to_f64().unwrap_or_default())
            }
        }
    }

    /// Returns how a spreadsheet shows the number.
    const fn format(&self) -> &'static str {
        let [count, money, ratio, tenths] = FORMATS;
        match self {
            Self::Text(_) | Self::Count(_) => count,
            Self::Money(_) => money,
            Self::Ratio(_) => ratio,
            Self::Tenths(_) => tenths,
        }
    }
}

/// What a table is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A workbook.
    Workbook,
    /// Comma-separated values.
    Csv,
}

/// Answers with a table as a file; `name` has no ending. It is made on no thread that others wait for: a district has a million rows.
///
/// # Errors
/// When it cannot be written, or no thread could be had.
pub(super) async fn file(
    name: &str,
    form: Form,
    table: impl FnOnce() -> Table + Send + 'static,
) -> Result<HttpResponse, Problem> {
    let write = move || match form {
        Form::Workbook => workbook(&table()).map_err(|error| Problem::inside(Code::Internal, error)),
        Form::Csv => comma_separated(&table()).map_err(|error| Problem::inside(Code::Internal, error)),
    };
    let body = web::block(write).await.map_err(|error| Problem::inside(Code::Unavailable, error))??;
    let (ending, media_type) = match form {
        Form::Workbook => ("xlsx", download::XLSX),
        Form::Csv => ("csv", download::CSV),
    };
    Ok(download::file(&format!("{name}.{ending}"), media_type, body))
}

/// Writes a workbook. It says nothing of when it was written.
fn workbook(table: &Table) -> Result<Vec<u8>, XlsxError> {
    let head = Format::new().set_bold();
    let formats: BTreeMap<&str, Format> = FORMATS.map(|it| (it, Format::new().set_num_format(it))).into();
    let mut book = Workbook::new();
    book.set_properties(&DocProperties::new().set_creation_datetime(&ExcelDateTime::from_ymd(2000, 1, 1)?));
    let sheet = book.add_worksheet();
    sheet.set_freeze_panes(1, 0)?;
    for (column, name) in (0_u16..).zip(&table.head) {
        sheet.write_string_with_format(0, column, &*safe_cell(name, Medium::Xlsx), &head)?;
        sheet.set_column_width(column, 18)?;
    }
    for (row, cells) in (1_u32..).zip(&table.rows) {
        for (column, cell) in (0_u16..).zip(cells) {
            match (cell, cell.number()) {
                // A text is written as one, whatever it begins with.
                (Cell::Text(text), _) => sheet.write_string(row, column, &*safe_cell(text, Medium::Xlsx))?,
                (_, Some(number)) => match formats.get(cell.format()) {
                    Some(format) => sheet.write_number_with_format(row, column, number, format)?,
                    None => sheet.write_number(row, column, number)?,
                },
                (_, None) => sheet,
            };
        }
    }
    book.save_to_buffer()
}

/// Writes comma-separated values, in UTF-8 with the mark that spreadsheet programs know it by.
fn comma_separated(table: &Table) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(BYTE_ORDER_MARK.as_bytes().to_vec());
    writer.write_record(table.head.iter().map(|name| safe_cell(name, Medium::Csv).into_owned()))?;
    let number = |number: Option<Decimal>, digits: usize| number.map(|it| format!("{it:.digits$}")).unwrap_or_default();
    for cells in &table.rows {
        writer.write_record(cells.iter().map(|cell| match cell {
            Cell::Text(text) => safe_cell(text, Medium::Csv).into_owned(),
            Cell::Money(yuan) => number(*yuan, 2),
            Cell::Count(count) => count.to_string(),
            Cell::Ratio(ratio) => number(*ratio, 4),
            Cell::Tenths(tenths) => number(*tenths, 1),
        }))?;
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_of_a_file_is_a_formula() {
        let evil = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "＝1", "\u{3000}=1"];
        let rows =
            evil.iter().map(|text| vec![Cell::Text((*text).to_owned()), Cell::Money(Some("-1.5".parse().unwrap()))]);
        let table = Table { head: vec!["a".to_owned(), "b".to_owned()], rows: rows.collect() };
        let text = String::from_utf8(comma_separated(&table).unwrap()).unwrap();
        let mut reader = csv::Reader::from_reader(text.trim_start_matches('\u{FEFF}').as_bytes());
        for (row, evil) in reader.records().zip(evil) {
            let row = row.unwrap();
            assert_eq!((&row[0], &row[1]), (format!("'{evil}").as_str(), "-1.50"));
        }
        let book = workbook(&table).unwrap();
        let mut book = calamine::open_workbook_from_rs::<calamine::Xlsx<_>, _>(std::io::Cursor::new(book)).unwrap();
        let (cells, formulas) = {
            use calamine::Reader as _;
            (book.worksheet_range("Sheet1").unwrap(), book.worksheet_formula("Sheet1").unwrap())
        };
        assert!(formulas.is_empty() || formulas.used_cells().next().is_none());
        assert_eq!(cells.get_value((1, 0)), Some(&calamine::Data::String("=1+1".to_owned())));
    }

    #[test]
    fn a_workbook_says_nothing_of_when_it_was_written() {
        let table = Table { head: vec!["a".to_owned()], rows: vec![vec![Cell::Ratio(Some("0.5".parse().unwrap()))]] };
        let book = workbook(&table).unwrap();
        let mut files = zip::ZipArchive::new(std::io::Cursor::new(&book)).unwrap();
        let mut core = String::new();
        std::io::Read::read_to_string(&mut files.by_name("docProps/core.xml").unwrap(), &mut core).unwrap();
        assert!(core.contains("2000-01-01T00:00:00Z"), "{core}");
        assert_eq!(core.matches("<dcterms:").count(), 2, "created and modified, and no other time: {core}");
        for place in 0..files.len() {
            let file = files.by_index(place).unwrap();
            assert_eq!(file.last_modified().map(|at| at.year()), Some(1980));
        }
    }
}
