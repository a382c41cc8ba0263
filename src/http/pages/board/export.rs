//! The board as a file: exactly the merchants and columns that the page shows, all pages of it.

use super::columns::{Cell, Column};
use super::{Asked, Shown};
use crate::domain::time::day_of;
use crate::http::access::{Allowed, ReadLights};
use crate::http::language::Language;
use crate::http::pages::Pages;
use crate::http::problem::{Code, Problem};
use crate::http::site::Site;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::{HttpRequest, HttpResponse, web};
use rust_decimal::prelude::ToPrimitive as _;
use rust_xlsxwriter::{Format, Workbook, XlsxError};

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
    let table = table(&allowed, &site, &pages, &request, &query).await?;
    let book = workbook(&table).map_err(|error| Problem::inside(Code::Internal, error))?;
    let media_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    Ok(file(&site, "xlsx", media_type, book))
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
    let table = table(&allowed, &site, &pages, &request, &query).await?;
    let text = comma_separated(&table).map_err(|error| Problem::inside(Code::Internal, error))?;
    Ok(file(&site, "csv", "text/csv; charset=utf-8", text))
}

/// A head, and rows under it.
struct Table {
    head: Vec<String>,
    rows: Vec<Vec<Cell>>,
}

async fn table(
    allowed: &Allowed<ReadLights>,
    site: &Site,
    pages: &Pages,
    request: &HttpRequest,
    asked: &Asked,
) -> Result<Table, Problem> {
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
    let cells = |row| columns.iter().map(|column| column.cell(row, &policies, pages, language)).collect();
    let head = columns.iter().map(|column| pages.text(language, "board", column.key()).to_owned());
    Ok(Table { head: head.collect(), rows: rows.iter().map(cells).collect() })
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
                Cell::Text(text) => sheet.write_string(row, column, text)?,
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
    let mut writer = csv::Writer::from_writer(Vec::from("\u{FEFF}"));
    writer.write_record(table.head.iter().map(|name| harmless(name)))?;
    for cells in &table.rows {
        writer.write_record(cells.iter().map(|cell| match cell {
            Cell::Text(text) => harmless(text),
            Cell::Money(yuan) => yuan.map(|yuan| format!("{yuan:.2}")).unwrap_or_default(),
        }))?;
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}

/// Returns a text that no spreadsheet program takes for a formula: one that would begin like one gets a quote before it.
fn harmless(text: &str) -> String {
    let begins =
        text.trim_start_matches(' ').starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    if begins { format!("'{text}") } else { text.to_owned() }
}

fn file(site: &Site, ending: &str, media_type: &str, body: Vec<u8>) -> HttpResponse {
    let name = format!("attachment; filename=\"warnlight-{}.{ending}\"", day_of(site.desk.now()));
    HttpResponse::Ok().insert_header((CONTENT_TYPE, media_type)).insert_header((CONTENT_DISPOSITION, name)).body(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_of_a_file_is_a_formula() {
        let evil = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "＝1"];
        let rows =
            evil.iter().map(|text| vec![Cell::Text((*text).to_owned()), Cell::Money(Some("-1.5".parse().unwrap()))]);
        let table = Table { head: vec!["a".to_owned(), "b".to_owned()], rows: rows.collect() };
        let text = String::from_utf8(comma_separated(&table).unwrap()).unwrap();
        let mut reader = csv::Reader::from_reader(text.trim_start_matches('\u{FEFF}').as_bytes());
        for (row, evil) in reader.records().zip(evil) {
            let row = row.unwrap();
            assert_eq!((&row[0], &row[1]), (format!("'{evil}").as_str(), "-1.50"));
        }
        assert_eq!(harmless("朝阳=餐饮"), "朝阳=餐饮");
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
