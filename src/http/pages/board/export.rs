//! The board as a file: exactly the merchants and columns that the page shows, all pages of it.

use super::columns::Column;
use super::{Asked, Shown};
use crate::domain::time::day_of;
use crate::http::access::{Allowed, ReadLights};
use crate::http::language::Language;
use crate::http::pages::Pages;
use crate::http::problem::Problem;
use crate::http::site::Site;
use crate::http::table::{self, Form, Table};
use actix_web::{HttpRequest, HttpResponse, web};

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
    file(&allowed, &site, pages, &request, &query, Form::Workbook).await
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
    file(&allowed, &site, pages, &request, &query, Form::Csv).await
}

/// Answers with what the page shows.
async fn file(
    allowed: &Allowed<ReadLights>,
    site: &Site,
    pages: web::Data<Pages>,
    request: &HttpRequest,
    asked: &Asked,
    form: Form,
) -> Result<HttpResponse, Problem> {
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
    let name = format!("warnlight-{}", day_of(site.desk.now()));
    let written = move || {
        let cells = |row| columns.iter().map(|column| column.cell(row, &policies, &pages, language)).collect();
        let head = columns.iter().map(|column| pages.text(language, "board", column.key()).to_owned());
        Table { head: head.collect(), rows: rows.iter().map(cells).collect() }
    };
    table::file(&name, form, written).await
}
