//! Figures as files. That of a frozen month is the same bytes whenever it is asked for.

use super::drawing::Drawing;
use super::month::of_month;
use super::{Found, of_days};
use crate::http::access::{Allowed, ReadFigures};
use crate::http::api::figures::{Query, Wanted};
use crate::http::download;
use crate::http::language::Language;
use crate::http::pages::Pages;
use crate::http::problem::{Code, Problem};
use crate::http::site::Site;
use crate::http::table::{Table, comma_separated, workbook};
use crate::policy::Policies;
use actix_web::{HttpRequest, HttpResponse, web};
use std::fmt::Display;

/// Writes the figures of a period as a workbook.
///
/// # Errors
/// When a parameter is wrong, or too much is asked at once.
pub async fn xlsx(
    allowed: Allowed<ReadFigures>,
    site: web::Data<Site>,
    pages: web::Data<Pages>,
    request: HttpRequest,
    query: web::Query<Query>,
) -> Result<HttpResponse, Problem> {
    let (name, table) = days(&allowed, &site, &pages, &request, &query).await?;
    file(&format!("{name}.xlsx"), download::XLSX, &table, workbook)
}

/// Writes the same as CSV.
///
/// # Errors
/// As for [`xlsx`].
pub async fn csv(
    allowed: Allowed<ReadFigures>,
    site: web::Data<Site>,
    pages: web::Data<Pages>,
    request: HttpRequest,
    query: web::Query<Query>,
) -> Result<HttpResponse, Problem> {
    let (name, table) = days(&allowed, &site, &pages, &request, &query).await?;
    file(&format!("{name}.csv"), download::CSV, &table, comma_separated)
}

/// Writes the table of a month as a workbook.
///
/// # Errors
/// When there is no such month, or too much is asked at once.
pub async fn month_xlsx(
    allowed: Allowed<ReadFigures>,
    site: web::Data<Site>,
    pages: web::Data<Pages>,
    request: HttpRequest,
    month: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let (name, table) = month_table(&allowed, &site, &pages, &request, &month).await?;
    file(&format!("{name}.xlsx"), download::XLSX, &table, workbook)
}

/// Writes the same as CSV.
///
/// # Errors
/// As for [`month_xlsx`].
pub async fn month_csv(
    allowed: Allowed<ReadFigures>,
    site: web::Data<Site>,
    pages: web::Data<Pages>,
    request: HttpRequest,
    month: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let (name, table) = month_table(&allowed, &site, &pages, &request, &month).await?;
    file(&format!("{name}.csv"), download::CSV, &table, comma_separated)
}

async fn days(
    allowed: &Allowed<ReadFigures>,
    site: &Site,
    pages: &Pages,
    request: &HttpRequest,
    query: &Query,
) -> Result<(String, Table), Problem> {
    let (wanted, found) = of_days(allowed, site, query).await?;
    let name = match wanted {
        Wanted::Days(period, _) => format!("warnlight-figures-{}-{}", period.from, period.to),
        Wanted::Month(month) => format!("warnlight-{month}"),
    };
    Ok((name, table(pages, &site.policies(), request, &found)))
}

/// Whoever has the file of a month that is not frozen sees so by its name.
async fn month_table(
    allowed: &Allowed<ReadFigures>,
    site: &Site,
    pages: &Pages,
    request: &HttpRequest,
    month: &str,
) -> Result<(String, Table), Problem> {
    let (month, known, found) = of_month(allowed, site, month, false).await?;
    let ending = if known.is_provisional { "-provisional" } else { "" };
    let in_force = site.policies();
    Ok((format!("warnlight-{month}{ending}"), table(pages, known.policies_or(&in_force), request, &found)))
}

fn table(pages: &Pages, policies: &Policies, request: &HttpRequest, found: &Found) -> Table {
    Drawing { pages, policies, language: Language::of(request), asked: &[] }.table(found)
}

fn file<E: Display>(
    name: &str,
    media_type: &str,
    table: &Table,
    write: fn(&Table) -> Result<Vec<u8>, E>,
) -> Result<HttpResponse, Problem> {
    let body = write(table).map_err(|error| Problem::inside(Code::Internal, error))?;
    Ok(download::file(name, media_type, body))
}
