//! The table of a month (月报表), frozen, with what came later marked beside it.

use super::drawing::Drawing;
use super::{Found, PLACE};
use crate::domain::time::day_of;
use crate::http::access::{Allowed, ReadFigures};
use crate::http::api::figures::{known, named_month, shown};
use crate::http::download;
use crate::http::language::Language;
use crate::http::pages::filters::minute;
use crate::http::pages::{Pages, answer};
use crate::http::problem::Problem;
use crate::http::site::Site;
use crate::views::View;
use crate::views::figures::{Known, Month};
use actix_web::{HttpRequest, HttpResponse, web};
use minijinja::context;

/// Leads to the table of the month before this one.
///
/// # Errors
/// None; the right is asked for.
pub async fn newest(_allowed: Allowed<ReadFigures>, site: web::Data<Site>) -> Result<HttpResponse, Problem> {
    Ok(download::to(&format!("/months/{}", Month::of(day_of(site.desk.now())).before())))
}

/// Shows the table of a month.
///
/// # Errors
/// When there is no such month, or too much is asked at once.
pub async fn show(
    allowed: Allowed<ReadFigures>,
    site: web::Data<Site>,
    pages: web::Data<Pages>,
    request: HttpRequest,
    month: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let (month, known, found) = of_month(&allowed, &site, &month, true).await?;
    let asked = [("month", month.to_string())];
    let in_force = site.policies();
    let drawing = Drawing {
        pages: &pages,
        policies: known.policies_or(&in_force),
        language: Language::of(&request),
        asked: &asked,
    };
    let frozen = minute(known.frozen_at);
    let note = drawing.filled(if known.is_provisional { "provisional" } else { "frozen" }, &[("at", &frozen)]);
    let has_later = found.now.as_ref().is_some_and(|now| now.groups != found.figures.groups);
    let notes: Vec<String> = std::iter::once(note).chain(has_later.then(|| drawing.text("later").to_owned())).collect();
    let period = month.period();
    let is_over = period.to <= day_of(site.desk.now());
    let content = context! {
        title => drawing.filled("month_title", &[("month", &month.to_string())]), is_month => true, notes, later => has_later,
        month => context! {
            previous => format!("/months/{}", month.before()),
            next => is_over.then(|| format!("/months/{}", Month::of(period.to))), days => drawing.days(period.from, period.to),
        },
        xlsx => format!("/months/{month}/xlsx"), csv => format!("/months/{month}/csv"),
        sections => drawing.sections(&found), subjects => drawing.subjects(&found.figures),
    };
    answer(&request, Some(allowed.caller()), "figures.html", PLACE, content)
}

/// Finds the table of a month, and the same by what is known now if that is wanted and may differ.
pub(super) async fn of_month(
    allowed: &Allowed<ReadFigures>,
    site: &Site,
    month: &str,
    compares: bool,
) -> Result<(Month, Known, Found), Problem> {
    let month = named_month(month, site.desk.now())?;
    let log = site.desk.log().clone();
    let find = move |view: &View<'_>| {
        let known = known(month, view, &*log)?;
        let shown = shown(&known.terms(month, view)).collect();
        let now = (compares && !known.is_provisional).then(|| view.month_now(month, &known));
        let found = Found { figures: view.month(month, &known), shown, now };
        Ok((month, known, found))
    };
    site.ask(&allowed.caller().key, find).await
}
