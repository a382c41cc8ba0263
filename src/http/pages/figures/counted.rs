//! What a figure counts, row by row, each with the merchant and the event that tells of it.

use super::PLACE;
use super::drawing::Drawing;
use crate::http::access::{Allowed, ReadFigures};
use crate::http::api::figures::{CountedGiven, Query, Wanted, counted_by};
use crate::http::language::Language;
use crate::http::pages::{Pages, answer};
use crate::http::problem::Problem;
use crate::http::site::Site;
use actix_web::{HttpRequest, HttpResponse, web};
use minijinja::{Value, context};

/// Items on a page.
const TAKE: usize = 50;

/// Shows what a figure counts.
///
/// # Errors
/// When there is no such figure, a parameter is wrong, or too much is asked at once.
pub async fn show(
    allowed: Allowed<ReadFigures>,
    site: web::Data<Site>,
    pages: web::Data<Pages>,
    request: HttpRequest,
    figure: web::Path<String>,
    query: web::Query<Query>,
) -> Result<HttpResponse, Problem> {
    let query = Query { per_page: Some(TAKE), ..query.into_inner() };
    let (figure, found) = counted_by(&allowed, &site, &figure, &query).await?;
    let (wanted, group) = (query.wanted(site.desk.now())?, query.group()?);
    let number = query.page.unwrap_or(1);
    let asked = [
        ("from", query.from.clone()),
        ("to", query.to.clone()),
        ("known_on", query.known_on.clone()),
        ("month", query.month.clone()),
        ("by", query.by.clone()),
        ("division", query.division.clone()),
        ("name", query.name.clone()),
    ];
    let policies = site.policies();
    let drawing = Drawing { pages: &pages, policies: &policies, language: Language::of(&request), asked: &asked };
    let period = match wanted {
        Wanted::Days(period, _) => period,
        Wanted::Month(month) => month.period(),
    };
    let last = found.total.div_ceil(TAKE).max(1);
    let path = |page: usize| drawing.path(&format!("/figures/{}", figure.key), &[("page", &page.to_string())]);
    let back = match wanted {
        Wanted::Days(..) => drawing.path(PLACE, &[]),
        Wanted::Month(month) => format!("/months/{month}"),
    };
    let page_text = [("page", number.to_string()), ("pages", last.to_string())];
    let page_text = page_text.each_ref().map(|(key, value)| (*key, value.as_str()));
    let row = |item: &CountedGiven| -> Value {
        context! {
            credit_code => &*item.credit_code, name => item.name.as_deref(), part => drawing.text(item.part),
            amount => item.yuan.as_deref().or(item.hours.as_deref()), position => item.position.map(|it| it.to_string()),
            event => item.event.map(|it| it.to_string()),
        }
    };
    let content = context! {
        title => drawing.text(figure.key), formula => drawing.text(&format!("formula_{}", figure.key)),
        group => drawing.group(&group), days => drawing.days(period.from, period.to), back,
        is_rate => found.items.iter().any(|item| item.part == "among"),
        rows => found.items.iter().map(row).collect::<Vec<_>>(),
        found => drawing.filled("counted", &[("count", &found.total.to_string())]),
        page_text => pages.filled(drawing.language, "site", "page", &page_text),
        previous => (number > 1).then(|| path(number - 1)), next => (number < last).then(|| path(number + 1)),
    };
    answer(&request, Some(allowed.caller()), "counted.html", PLACE, content)
}
