//! The list of cases: what somebody has to do about lights, the soonest due first.

use super::board::sector_name;
use super::filters::minute;
use super::{Pages, answer};
use crate::domain::time::{Instant, day_of, plus_days, start_of};
use crate::http::access::{Allowed, ReadCases};
use crate::http::api::cases::{CaseGiven, Query};
use crate::http::language::Language;
use crate::http::problem::Problem;
use crate::http::site::Site;
use actix_web::{HttpRequest, HttpResponse, web};
use minijinja::context;

/// Shows the list.
///
/// # Errors
/// When a parameter is wrong.
pub async fn list(
    allowed: Allowed<ReadCases>,
    site: web::Data<Site>,
    pages: web::Data<Pages>,
    request: HttpRequest,
    query: web::Query<Query>,
) -> Result<HttpResponse, Problem> {
    let query = query.into_inner();
    let (filter, (skip, take)) = (query.filter(&allowed.caller().key.name)?, query.paging().window()?);
    let asked = filter.clone();
    let (total, found) = site
        .ask(&allowed.caller().key, move |view| {
            let (total, rows) = view.cases(&asked, skip, take);
            Ok((total, rows.into_iter().map(|row| CaseGiven::new(row, view.now)).collect::<Vec<_>>()))
        })
        .await?;
    let language = Language::of(&request);
    let policies = site.policies();
    let row = |case: &CaseGiven| {
        let duties = case.duties.iter().filter(|duty| duty.ended_at.is_none());
        context! {
            alert => case.alert.to_string(), credit_code => case.credit_code.clone(), name => case.name.clone(), light => case.light.name(),
            sector => case.sector.as_deref().map(|id| sector_name(&policies, id, language)),
            duties => duties.map(|duty| language.pick(&duty.zh, &duty.en).to_owned()).collect::<Vec<_>>(),
            due => case.due_at.map(deadline), late => case.late, holder => case.holder.clone(),
            acknowledged => case.acknowledged_at.is_some(), opened => minute(case.opened_at),
            outcome => case.outcome.map(|outcome| pages.text(language, "word", &format!("outcome_{outcome}")).to_owned()),
        }
    };
    let (number, last) = (skip / take + 1, total.div_ceil(take).max(1));
    let views = [
        ("all", String::new(), !filter.late && !filter.undetermined && filter.holder.is_none() && !filter.ended),
        ("late", "late=true".to_owned(), filter.late),
        ("undetermined", "undetermined=true".to_owned(), filter.undetermined),
        ("mine", "mine=true".to_owned(), filter.holder.is_some()),
        ("ended", "ended=true".to_owned(), filter.ended),
    ];
    let chosen = views.iter().find(|(.., chosen)| *chosen).map(|(_, query, _)| query.clone()).unwrap_or_default();
    let path = |page: usize| format!("/cases?{chosen}&page={page}");
    let content = context! {
        cases => found.iter().map(row).collect::<Vec<_>>(),
        views => views
            .iter()
            .map(|(key, query, chosen)| context! { key => *key, path => format!("/cases?{query}"), chosen })
            .collect::<Vec<_>>(),
        found => pages.filled(language, "cases", "found", &[("count", &total.to_string())]),
        page_text => pages.filled(language, "site", "page", &[("page", &number.to_string()), ("pages", &last.to_string())]),
        previous => (number > 1).then(|| path(number - 1)),
        next => (number < last).then(|| path(number + 1)),
    };
    answer(&request, Some(allowed.caller()), "cases.html", "/cases", content)
}

/// Returns a last instant as people read it: the end of a day is that day.
pub(super) fn deadline(at: Instant) -> String {
    if start_of(day_of(at)) == at { plus_days(day_of(at), -1).to_string() } else { minute(at) }
}
