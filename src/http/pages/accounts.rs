//! A custody bank's accounts: whose money it keeps, what it last reported of each, and by when the next report is due.

use super::filters::amount_of;
use super::{Pages, answer};
use crate::domain::time::{Day, day_of, days_between};
use crate::http::access::{Allowed, ReadAccounts};
use crate::http::api::Paging;
use crate::http::language::Language;
use crate::http::problem::Problem;
use crate::http::site::Site;
use crate::views::accounts::{AccountRow, Due};
use actix_web::{HttpRequest, HttpResponse, web};
use minijinja::{Value, context};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

/// Where the page is.
pub(super) const PLACE: &str = "/accounts";
/// Days ahead within which a report is due soon.
const SOON_DAYS: i64 = 7;

/// Which accounts to show.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    q: String,
    late: Option<bool>,
    page: Option<usize>,
}

/// Shows the page.
///
/// # Errors
/// When the page makes no sense, or too much is asked at once.
pub async fn show(
    allowed: Allowed<ReadAccounts>,
    site: web::Data<Site>,
    pages: web::Data<Pages>,
    request: HttpRequest,
    query: web::Query<Asked>,
) -> Result<HttpResponse, Problem> {
    let asked = query.into_inner();
    let (skip, take) = Paging { page: asked.page, per_page: None }.window()?;
    let rows = site.ask(&allowed.caller().key, |view| Ok(view.accounts())).await?;
    let (language, today) = (Language::of(&request), day_of(site.desk.now()));
    let wanted = asked.q.trim().to_lowercase();
    let has = |text: &str| text.to_lowercase().contains(&wanted);
    let only_late = asked.late.unwrap_or_default();
    let fits = |row: &&AccountRow| {
        (!only_late || row.due.is_late(today))
            && (has(row.credit_code.as_str()) || row.name.as_deref().is_some_and(has))
    };
    let found: Vec<&AccountRow> = rows.iter().filter(fits).collect();
    let page = asked.page.unwrap_or(1);
    let last = found.len().div_ceil(take).max(1);
    let drawing = Drawing { pages: &pages, language, today };
    let path = |page: usize| {
        let q = utf8_percent_encode(&asked.q, NON_ALPHANUMERIC);
        format!("{PLACE}?q={q}&late={only_late}&page={page}")
    };
    let content = context! {
        accounts => found.iter().skip(skip).take(take).map(|row| drawing.row(row)).collect::<Vec<_>>(),
        found => pages.filled(language, "accounts", "found", &[("count", &found.len().to_string())]),
        page_text => pages.filled(language, "site", "page", &[("page", &page.to_string()), ("pages", &last.to_string())]),
        previous => (page > 1).then(|| path(page - 1)), next => (page < last).then(|| path(page + 1)),
        q => &*asked.q, late => only_late, filtered => only_late || !wanted.is_empty(),
    };
    answer(&request, Some(allowed.caller()), "accounts.html", PLACE, content)
}

/// Draws accounts.
pub(super) struct Drawing<'a> {
    pub(super) pages: &'a Pages,
    pub(super) language: Language,
    pub(super) today: Day,
}

impl Drawing<'_> {
    /// Returns an account as a row shows it.
    pub(super) fn row(&self, row: &AccountRow) -> Value {
        let filled = |key: &str, day: &str| self.pages.filled(self.language, "accounts", key, &[("day", day)]);
        let due = match row.due {
            Due::Missing => filled("missing", ""),
            Due::By(day) => filled("by", &day.to_string()),
            Due::No => filled("none_due", ""),
            Due::Closed(day) => filled("closed", &day.to_string()),
        };
        context! {
            credit_code => row.credit_code.as_str(), name => row.name.as_deref(), light => row.light.name(), tail => row.tail.as_deref(),
            reported => row.report.map(|report| report.date.to_string()), held => amount_of(row.report.map(|report| report.held)),
            abnormal => row.report.is_some_and(|report| report.abnormal), required => amount_of(row.required),
            due, late => row.due.is_late(self.today), soon => is_soon(row.due, self.today), closed => matches!(row.due, Due::Closed(_)),
        }
    }
}

/// Says whether a report is due within the next days.
pub(super) fn is_soon(due: Due, today: Day) -> bool {
    matches!(due, Due::By(day) if (0..=SOON_DAYS).contains(&days_between(today, day)))
}
