//! The board as a file: exactly the merchants and columns that the page shows, all pages of it.

use super::columns::Column;
use super::{Asked, Shown};
use crate::domain::time::day_of;
use crate::http::access::{Allowed, ReadLights};
use crate::http::download;
use crate::http::language::Language;
use crate::http::pages::Pages;
use crate::http::problem::{Code, Problem};
use crate::http::site::Site;
use crate::http::table::{Table, comma_separated, workbook};
use actix_web::{HttpRequest, HttpResponse, web};
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
