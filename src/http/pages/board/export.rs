//! The board as a file: exactly the merchants and columns that the page shows, all pages of it.

use super::columns::{Cell, Column};
use super::{Asked, Shown};
use crate::domain::time::day_of;
use crate::http::access::{Allowed, ReadLights};
use crate::http::download;
use crate::http::language::Language;
use crate::http::pages::Pages;
use crate::http::problem::{Code, Problem};
use crate::http::site::Site;
use crate::intake::export::{BYTE_ORDER_MARK, Medium, safe_cell};
use actix_web::{HttpRequest, HttpResponse, web};
use rust_decimal::prelude::ToPrimitive as _;
use rust_xlsxwriter::{Format, Workbook, XlsxError};
use std::fmt::Display;

/// Rows of a file at most: what a worksheet holds, less its head.
const MOST: usize = 1_048_575;

/// Writes the board as a workbook.
///
/// # Errors
/// When a parameter is wrong, or too much is asked at once.
pub async fn xlsx(
    allowed: Allowed<ReadLights>,
    site: web::Data<Site>,
    pages: web::Data<Pages>,
    request: HttpRequest,
    query: web::Query<Asked>,
) -> Result<HttpResponse, Problem> {
    let book = written(&allowed, &site, pages, &request, &query, workbook).await?;
    Ok(download::file(&name(&site, "xlsx"), download::XLSX, book))
}

/// Writes the board as CSV, in UTF-8 with the mark that spreadsheet programs know it by.
///
/// # Errors
/// As for [`xlsx`].
pub async fn csv(
    allowed: Allowed<ReadLights>,
    site: web::Data<Site>,
    pages: web::Data<Pages>,
    request: HttpRequest,
    query: web::Query<Asked>,
) -> Result<HttpResponse, Problem> {
    let text = written(&allowed, &site, pages, &request, &query, comma_separated).await?;
    Ok(download::file(&name(&site, "csv"), download::CSV, text))
}

/// A head, and rows under it.
struct Table {
    head: Vec<String>,
    rows: Vec<Vec<Cell>>,
}

fn name(site: &Site, ending: &str) -> String {
    format!("warnlight-{}.{ending}", day_of(site.desk.now()))
}

/// Writes what the page shows. A district has a million rows: not on a thread that others wait for.
async fn written<E: Display + Send + 'static>(
    allowed: &Allowed<ReadLights>,
    site: &Site,
    pages: web::Data<Pages>,
    request: &HttpRequest,
    asked: &Asked,
    write: fn(&Table) -> Result<Vec<u8>, E>,
) -> Result<Vec<u8>, Problem> {
    let language = Language::of(request);
    let columns = Column::chosen(request.query_string());
    let (shown, log) = (Shown::of(asked, site.desk.now())?, site.desk.log().clone());
    let rows = site
        .ask(&allowed.caller().key, move |view| {
            let view = shown.view(view, &*log)?;
            Ok(view.list_by(&shown.filter, shown.order, 0, MOST).rows)
        })
        .await?;
    let policies = site.policies();
    let work = move || {
        let cells = |row| columns.iter().map(|column| column.cell(row, &policies, &pages, language)).collect();
        let head = columns.iter().map(|column| pages.text(language, "board", column.key()).to_owned());
        write(&Table { head: head.collect(), rows: rows.iter().map(cells).collect() })
    };
    let written = web::block(work).await.map_err(|error| Problem::inside(Code::Unavailable, error))?;
    written.map_err(|error| Problem::inside(Code::Internal, error))
}

fn workbook(table: &Table) -> Result<Vec<u8>, XlsxError> {
    let (head, money) = (Format::new().set_bold(), Format::new().set_num_format("#,##0.00"));
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    sheet.set_freeze_panes(1, 0)?;
    for (column, name) in (0_u16..).zip(&table.head) {
        sheet.write_string_with_format(0, column, name, &head)?;
        sheet.set_column_width(column, 18)?;
    }
    for (row, cells) in (1_u32..).zip(&table.rows) {
        for (column, cell) in (0_u16..).zip(cells) {
            match cell {
                // A text is written as one, whatever it begins with.
                Cell::Text(text) => sheet.write_string(row, column, &*safe_cell(text, Medium::Xlsx))?,
                Cell::Money(Some(yuan)) => {
                    sheet.write_number_with_format(row, column, yuan.to_f64().unwrap_or_default(), &money)?
                }
                Cell::Money(None) => sheet,
            };
        }
    }
    book.save_to_buffer()
}

fn comma_separated(table: &Table) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(BYTE_ORDER_MARK.as_bytes().to_vec());
    writer.write_record(table.head.iter().map(|name| safe_cell(name, Medium::Csv).into_owned()))?;
    for cells in &table.rows {
        writer.write_record(cells.iter().map(|cell| match cell {
            Cell::Text(text) => safe_cell(text, Medium::Csv).into_owned(),
            Cell::Money(yuan) => yuan.map(|yuan| format!("{yuan:.2}")).unwrap_or_default(),
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
}
