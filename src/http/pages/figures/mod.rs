//! Figures of a period, and the table of a month: one page, by district, office and street. Each number leads to what it counts.

pub mod counted;
mod drawing;
pub mod export;
pub mod month;

use super::filters::minute;
use super::{Pages, answer};
use crate::domain::time::{day_of, plus_days};
use crate::http::access::{Allowed, ReadFigures};
use crate::http::api::figures::{Query, Wanted, shown};
use crate::http::language::Language;
use crate::http::problem::Problem;
use crate::http::site::Site;
use crate::views::View;
use crate::views::figures::{Figure, Figures, Month, days_until};
use actix_web::{HttpRequest, HttpResponse, web};
use drawing::Drawing;
use minijinja::context;

/// Where the page is.
pub(super) const PLACE: &str = "/figures";
/// Days of the short periods that one click leads to.
const SHORT: [i64; 2] = [7, 30];

/// What was found in one picture.
pub(super) struct Found {
    pub(super) figures: Figures,
    /// Figures that are told, in order.
    pub(super) shown: Vec<&'static Figure>,
    /// The same by what is known now, where something came later.
    pub(super) now: Option<Figures>,
}

/// Shows the figures of a period.
///
/// # Errors
/// When a parameter is wrong, or too much is asked at once.
pub async fn show(
    allowed: Allowed<ReadFigures>,
    site: web::Data<Site>,
    pages: web::Data<Pages>,
    request: HttpRequest,
    query: web::Query<Query>,
) -> Result<HttpResponse, Problem> {
    let now = site.desk.now();
    let (wanted, found) = of_days(&allowed, &site, &query).await?;
    let Wanted::Days(period, known_at) = wanted else {
        return Ok(super::super::download::to(&format!("/months/{}", query.month.trim())));
    };
    let mut asked = vec![("from", period.from.to_string()), ("to", period.to.to_string())];
    asked.extend(known_at.map(|at| ("known_on", day_of(at).to_string())));
    let policies = site.policies();
    let drawing = Drawing { pages: &pages, policies: &policies, language: Language::of(&request), asked: &asked };
    let today = day_of(now);
    let shortcut = |key: &str, period: crate::views::figures::Period| {
        context! {
            text => drawing.text(key), path => format!("{PLACE}?from={}&to={}", period.from, period.to),
        }
    };
    let this = Month::of(today);
    let periods = vec![
        shortcut("last_7", days_until(today, SHORT[0])),
        shortcut("last_30", days_until(today, SHORT[1])),
        shortcut("this_month", this.period()),
        shortcut("last_month", this.before().period()),
    ];
    let content = context! {
        title => drawing.text("title"), month => (), is_month => false, notes => Vec::<String>::new(), later => false,
        from => period.from.to_string(), to => period.to.to_string(), last => plus_days(today, 1).to_string(), today => today.to_string(),
        known_on => known_at.map(|at| day_of(at).to_string()), known => known_at.map(minute),
        periods, frozen_path => format!("/months/{}", this.before()),
        xlsx => drawing.path("/figures.xlsx", &[]), csv => drawing.path("/figures.csv", &[]),
        sections => drawing.sections(&found), subjects => drawing.subjects(&found.figures),
    };
    answer(&request, Some(allowed.caller()), "figures.html", PLACE, content)
}

/// Finds the figures of the days that are asked for.
async fn of_days(allowed: &Allowed<ReadFigures>, site: &Site, query: &Query) -> Result<(Wanted, Found), Problem> {
    let wanted = query.wanted(site.desk.now())?;
    let log = site.desk.log().clone();
    let find = move |view: &View<'_>| {
        wanted.with(view, &*log, |terms| Found {
            figures: view.figures(terms),
            shown: shown(terms).collect(),
            now: None,
        })
    };
    Ok((wanted, site.ask(&allowed.caller().key, find).await?))
}
