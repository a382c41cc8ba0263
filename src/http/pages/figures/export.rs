//! Figures as files. That of a frozen month is the same bytes whenever it is asked for.

use super::drawing::Drawing;
use super::month::of_month;
use super::{Found, of_days};
use crate::http::access::{Allowed, ReadFigures};
use crate::http::api::figures::{Query, Wanted};
use crate::http::language::Language;
use crate::http::pages::Pages;
use crate::http::problem::Problem;
use crate::http::site::Site;
use crate::http::table::{self, Form, Table};
use crate::policy::Policies;
use actix_web::{HttpRequest, HttpResponse, web};

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
    days(&allowed, &site, &pages, &request, &query, Form::Workbook).await
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
    days(&allowed, &site, &pages, &request, &query, Form::Csv).await
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
    of_one_month(&allowed, &site, &pages, &request, &month, Form::Workbook).await
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
    of_one_month(&allowed, &site, &pages, &request, &month, Form::Csv).await
}

async fn days(
    allowed: &Allowed<ReadFigures>,
    site: &Site,
    pages: &Pages,
    request: &HttpRequest,
    query: &Query,
    form: Form,
) -> Result<HttpResponse, Problem> {
    let (wanted, found) = of_days(allowed, site, query).await?;
    let name = match wanted {
        Wanted::Days(period, _) => format!("warnlight-figures-{}-{}", period.from, period.to),
        Wanted::Month(month) => format!("warnlight-{month}"),
    };
    let table = table(pages, &site.policies(), request, &found);
    table::file(&name, form, move || table).await
}

/// Whoever has the file of a month that is not frozen sees so by its name.
async fn of_one_month(
    allowed: &Allowed<ReadFigures>,
    site: &Site,
    pages: &Pages,
    request: &HttpRequest,
    month: &str,
    form: Form,
) -> Result<HttpResponse, Problem> {
    let (month, known, found) = of_month(allowed, site, month, false).await?;
    let ending = if known.is_provisional { "-provisional" } else { "" };
    let in_force = site.policies();
    let table = table(pages, known.policies_or(&in_force), request, &found);
    table::file(&format!("warnlight-{month}{ending}"), form, move || table).await
}

fn table(pages: &Pages, policies: &Policies, request: &HttpRequest, found: &Found) -> Table {
    Drawing { pages, policies, language: Language::of(request), asked: &[] }.table(found)
}
