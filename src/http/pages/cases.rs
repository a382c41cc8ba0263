//! The list of cases: what somebody has to do about lights, the soonest due first.

use super::board::sector_name;
use super::filters::minute;
use super::tickets::{self, TicketGiven};
use super::{Pages, answer, line};
use crate::domain::time::deadline;
use crate::domain::words::CaseAction;
use crate::http::access::{Allowed, Caller, HandleCases, Permission as _, ReadCases, TrustedForm};
use crate::http::api::cases::{CaseGiven, Query};
use crate::http::api::commands::{Status, execute_all};
use crate::http::api::filled;
use crate::http::api::hand_over::{Done, chosen, held_by};
use crate::http::language::Language;
use crate::http::problem::{FieldProblem, Problem};
use crate::http::site::Site;
use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse, web};
use minijinja::context;
use serde::Deserialize;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Late tickets shown beside the cases.
const TICKETS: usize = 30;

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
    draw(&site, &pages, &request, allowed.caller(), query.into_inner(), After::default()).await
}

/// A form of the list; the cases that were chosen are among its other fields.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct CasesForm {
    action: String,
    from: String,
    to: String,
    note: String,
    #[serde(flatten)]
    others: BTreeMap<String, String>,
}

/// What became of a form.
#[derive(Debug, Default)]
struct After {
    /// How many cases were changed, of how many.
    done: Option<(usize, usize)>,
    /// What is wrong, a line each.
    wrong: Vec<FieldProblem>,
    to: String,
    from: String,
}

/// Does the same with the cases that were chosen, or hands over all that somebody has.
///
/// # Errors
/// When the form is not ours, or the log did not take it. What is refused is told on the page.
pub async fn post(
    allowed: Allowed<HandleCases>,
    site: web::Data<Site>,
    pages: web::Data<Pages>,
    request: HttpRequest,
    form: TrustedForm<CasesForm>,
) -> Result<HttpResponse, Problem> {
    let form = form.0;
    let me = &allowed.caller().key.name;
    let mut after = After { to: form.to.clone(), from: form.from.clone(), ..After::default() };
    let commands = match done(&form) {
        Ok((None, done)) => {
            let from = filled(Some(&form.from)).unwrap_or_else(|| me.to_string());
            site.view(allowed.scope(), |view| held_by(view, &from, &done))
        }
        Ok((Some(alerts), done)) => site.view(allowed.scope(), |view| chosen(view, &alerts, &done)),
        Err(problem) => {
            after.wrong.push(*problem);
            Vec::new()
        }
    };
    let all = commands.len();
    let receipts = execute_all(&site, &request, allowed.caller(), allowed.origin(), commands, None).await?;
    let accepted = receipts.iter().filter(|receipt| receipt.status == Status::Accepted).count();
    if after.wrong.is_empty() {
        after.done = Some((accepted, all));
        after.wrong = receipts.into_iter().flat_map(|receipt| receipt.problems).collect();
    }
    if after.wrong.is_empty() {
        // Reloading the page after this sends nothing again.
        let next = format!("/cases?changed={accepted}&of={all}");
        return Ok(HttpResponse::SeeOther().insert_header((LOCATION, next)).finish());
    }
    Ok(super::refused(draw(&site, &pages, &request, allowed.caller(), Query::default(), after).await?))
}

/// Returns what a form says: which cases (`None` for all that somebody has), and what is done with each.
fn done(form: &CasesForm) -> Result<(Option<Vec<Uuid>>, Done), Box<FieldProblem>> {
    let (to, note) = (filled(Some(&form.to)), filled(Some(&form.note)));
    let is_hand_over = form.action == HAND_OVER;
    let action = match form.action.as_str() {
        HAND_OVER => CaseAction::Assign,
        other => match other.parse() {
            Ok(
                action @ (CaseAction::Acknowledge | CaseAction::Unacknowledge | CaseAction::Take | CaseAction::Assign),
            ) => action,
            _ => return Err(Box::new(wrong("action", other, "没有此操作", "there is no such action"))),
        },
    };
    if action == CaseAction::Assign && to.is_none() {
        return Err(Box::new(wrong("to", "", "须写明转给谁", "say who gets them")));
    }
    let done = Done { action, to: to.filter(|_| action == CaseAction::Assign), note };
    let named = form.others.keys().filter_map(|name| name.strip_prefix("case_")?.parse().ok());
    let alerts: Vec<Uuid> = named.collect();
    if !is_hand_over && alerts.is_empty() {
        return Err(Box::new(wrong("cases", "", "请先勾选处置", "choose cases first")));
    }
    Ok(((!is_hand_over).then_some(alerts), done))
}

/// All that somebody has goes to somebody else.
const HAND_OVER: &str = "hand_over";

fn wrong(field: &str, value: &str, zh: &str, en: &str) -> FieldProblem {
    FieldProblem::new(field, "missing", value, zh, en)
}

async fn draw(
    site: &web::Data<Site>,
    pages: &Pages,
    request: &HttpRequest,
    caller: &Caller,
    query: Query,
    after: After,
) -> Result<HttpResponse, Problem> {
    let (filter, (skip, take)) = (query.filter(&caller.key.name)?, query.paging().window()?);
    let asked = filter.clone();
    let changed = after.done.or_else(|| Some((query.changed?, query.of?)));
    // Late tickets are somebody's, whether a light is lit about the merchant or not.
    let tells_tickets = skip == 0 && !filter.undetermined && !filter.ended && filter.holder.is_none();
    let (total, found, late) = site
        .ask(&caller.key, move |view| {
            let (total, rows) = view.cases(&asked, skip, take);
            let late = if tells_tickets { view.tickets(true) } else { Vec::new() };
            let late = TicketGiven::first(&late, TICKETS, view.now);
            Ok((total, rows.into_iter().map(|row| CaseGiven::new(row, view.now)).collect::<Vec<_>>(), late))
        })
        .await?;
    let language = Language::of(request);
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
    let (tickets, more_tickets) = tickets::shown(pages, language, &late);
    let content = context! {
        tickets, more_tickets,
        cases => found.iter().map(row).collect::<Vec<_>>(),
        views => views
            .iter()
            .map(|(key, query, chosen)| context! { key => *key, path => format!("/cases?{query}"), chosen })
            .collect::<Vec<_>>(),
        found => pages.filled(language, "cases", "found", &[("count", &total.to_string())]),
        page_text => pages.filled(language, "site", "page", &[("page", &number.to_string()), ("pages", &last.to_string())]),
        previous => (number > 1).then(|| path(number - 1)),
        next => (number < last).then(|| path(number + 1)),
        may_handle => HandleCases::is_of(caller.key.scope.role), me => &*caller.key.name,
        changed => changed.map(|(changed, of)| {
            pages.filled(language, "cases", "changed", &[("changed", &changed.to_string()), ("of", &of.to_string())])
        }),
        to => after.to, from => after.from,
        // What is not about a field is about the list.
        wrong => after.wrong.iter().map(|field| line(pages, language, field, Some(if field.field == "to" { "to" } else { "cases" }))).collect::<Vec<_>>(),
    };
    answer(request, Some(caller), "cases.html", "/cases", content)
}
