//! Withdrawing an import: what would change, and the form that has it done.

use super::filters::minute;
use super::{Pages, answer};
use crate::http::access::{Allowed, Import, TrustedForm};
use crate::http::api::withdrawal::{ImportWithdrawal, LightChange, WithdrawnGiven, foreseen, withdrawn};
use crate::http::language::Language;
use crate::http::problem::Problem;
use crate::http::site::Site;
use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse, web};
use minijinja::{Value, context};
use serde::Deserialize;
use uuid::Uuid;

/// Lights on the page.
const LISTED: usize = 50;

/// Shows what withdrawing an import would change, or that it was withdrawn.
///
/// # Errors
/// When there is none of that id that the caller may withdraw, or part of it is out of scope.
pub async fn show(
    allowed: Allowed<Import>,
    site: web::Data<Site>,
    pages: web::Data<Pages>,
    request: HttpRequest,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    let withdrawal = foreseen(&site, &allowed.caller().key, *id).await?;
    let file = site.tray.record(*id).map(|record| record.file.clone());
    let content = drawn(&pages, Language::of(&request), &withdrawal, file);
    answer(&request, Some(allowed.caller()), "withdrawal.html", "/imports", content)
}

/// Why.
#[derive(Debug, Deserialize)]
pub struct Why {
    reason: String,
}

/// Withdraws an import.
///
/// # Errors
/// When the form is not ours, as for [`show`], or when the reason is missing.
pub async fn post(
    allowed: Allowed<Import>,
    site: web::Data<Site>,
    request: HttpRequest,
    id: web::Path<Uuid>,
    form: TrustedForm<Why>,
) -> Result<HttpResponse, Problem> {
    let TrustedForm(Why { reason }) = form;
    withdrawn(&site, &request, &allowed.caller().key, allowed.origin(), *id, reason).await?;
    // One from the command line has no page of its own.
    let place =
        if site.tray.record(*id).is_some() { format!("/imports/{id}") } else { format!("/imports/{id}/withdraw") };
    Ok(HttpResponse::SeeOther().insert_header((LOCATION, place)).finish())
}

/// Returns how it is told that an import was withdrawn.
pub(super) fn line(pages: &Pages, language: Language, withdrawn: &WithdrawnGiven) -> String {
    let WithdrawnGiven { at, by, reason } = withdrawn;
    pages.filled(language, "imports", "withdrawn_line", &[("at", &minute(*at)), ("by", by), ("reason", reason)])
}

fn drawn(pages: &Pages, language: Language, withdrawal: &ImportWithdrawal, file: Option<String>) -> Value {
    let filled = |key: &str, places: &[(&str, &str)]| pages.filled(language, "imports", key, places);
    let light = |LightChange { credit_code, name, from, to }: &LightChange| {
        context! { credit_code => credit_code.clone(), name => name.clone(), from => from.clone(), to => to.clone() }
    };
    let unlisted = withdrawal.lights.len().saturating_sub(LISTED);
    let more = withdrawal.more_lights.saturating_add(u64::try_from(unlisted).unwrap_or(u64::MAX));
    let leaning = withdrawal.leaning.iter();
    let leaning =
        leaning.map(|file| filled("withdraw_file", &[("file", &file.file), ("count", &file.rows.to_string())]));
    let counts = [
        ("withdraw_events", withdrawal.events),
        ("withdraw_merchants", withdrawal.merchants),
        ("withdraw_tickets", withdrawal.tickets),
    ];
    context! {
        path => format!("/imports/{}", withdrawal.id), has_page => file.is_some(),
        file => file.unwrap_or_else(|| withdrawal.files.first().cloned().unwrap_or_else(|| withdrawal.id.to_string())),
        counts => counts.map(|(key, count)| context! { key, count }).to_vec(),
        lights => withdrawal.lights.iter().take(LISTED).map(light).collect::<Vec<_>>(),
        more => (more > 0).then(|| filled("withdraw_more", &[("count", &more.to_string())])),
        leaning => (withdrawal.leaning_rows > 0).then(|| filled("withdraw_leaning", &[("count", &withdrawal.leaning_rows.to_string())])),
        leaning_files => leaning.collect::<Vec<_>>(),
        withdrawn => withdrawal.withdrawn.as_ref().map(|withdrawn| line(pages, language, withdrawn)),
    }
}
