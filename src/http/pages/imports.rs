//! Handing in files: choose them, see what would change, confirm, fetch the papers. Everything but the moving bar works without a
//! script: a file that is under way has a page that refreshes itself.

use super::filters::minute;
use super::{Pages, answer};
use crate::domain::access::Key;
use crate::http::access::{Allowed, Gate, Import, TrustedForm};
use crate::http::api::imports::{
    Handing, ImportFinding, ImportState, KindCounts, Options, PutIn, confirm_own, hand_in, may_see, seen, tells_history,
};
use crate::http::fresh;
use crate::http::language::Language;
use crate::http::problem::{Code, Problem};
use crate::http::site::Site;
use crate::http::upload::{self, Upload};
use crate::intake::sheet::SheetKind;
use crate::settings::Intake;
use crate::taking::tray::{Record, State};
use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse, web};
use minijinja::{Value, context};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// Files on the page.
const LISTED: usize = 30;
/// Files of one form.
const MOST_FILES: usize = 10;
/// A small file is done with before its page is drawn.
const A_MOMENT: Duration = Duration::from_millis(800);

/// Shows the form and the files that were handed in.
///
/// # Errors
/// When the page cannot be drawn.
pub async fn list(
    allowed: Allowed<Import>,
    site: web::Data<Site>,
    pages: web::Data<Pages>,
    limits: web::Data<Intake>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let key = allowed.caller().key.clone();
    let records = site.tray.records(LISTED, |record| may_see(record, &key));
    let drawing = Drawing { pages: &pages, language: Language::of(&request) };
    let content = context! {
        busy => records.iter().any(|record| !record.state.is_at_rest()),
        imports => records.iter().map(|record| drawing.row(record)).collect::<Vec<_>>(),
        tells_history => tells_history(&key.scope),
        limit => drawing.filled("limit", &[("size", &size(limits.upload_limit)), ("files", &MOST_FILES.to_string())]),
    };
    answer(&request, Some(allowed.caller()), "imports.html", "/imports", content)
}

/// Takes the files of the form, to be tried on.
///
/// # Errors
/// When the form is not ours, holds no file or too many, one is too large, or too many wait already.
pub async fn post(
    allowed: Allowed<Import>,
    site: web::Data<Site>,
    limits: web::Data<Intake>,
    gate: web::Data<Gate>,
    arrived: (HttpRequest, web::Payload),
) -> Result<HttpResponse, Problem> {
    let (request, payload) = arrived;
    // A caller who shows the key itself needs no token: no browser does that by itself.
    let session = allowed.caller().session.clone();
    let trust = move |fields: &BTreeMap<String, String>| {
        let token = fields.get("form_token").map(String::as_str).unwrap_or_default();
        let trusted = session.as_ref().is_none_or(|session| gate.sessions.is_form_token(session, token));
        if trusted { Ok(()) } else { Err(Code::FormStale.into()) }
    };
    let (files, fields) =
        upload::receive_several(&request, payload, &site.tray, limits.upload_limit, MOST_FILES, &trust).await?;
    let options = Options { preview: true, history: fields.contains_key("history") };
    let mut ids = Vec::new();
    for upload in files {
        let by = Handing { key: allowed.caller().key.clone(), origin: allowed.origin() };
        ids.push(put(&site, &request, by, upload, options).await?);
    }
    let place = match ids.as_slice() {
        [one] => {
            rest(&site, *one).await;
            format!("/imports/{one}")
        }
        _ => "/imports".to_owned(),
    };
    Ok(HttpResponse::SeeOther().insert_header((LOCATION, place)).finish())
}

async fn put(
    site: &Site,
    request: &HttpRequest,
    by: Handing,
    upload: Upload,
    options: Options,
) -> Result<Uuid, Problem> {
    let name = upload::name(upload.name.as_deref().unwrap_or_default())?;
    match hand_in(site, request, by, upload, name, options, None).await? {
        PutIn::Import(id) => Ok(id),
        PutIn::Answered(first) => Ok(first.id),
    }
}

/// Waits a moment for a file to be done with.
async fn rest(site: &Site, id: Uuid) {
    if let Some(mut feed) = site.tray.follow(id) {
        // Whether it came to rest in time shows in the record.
        let waited = tokio::time::timeout(A_MOMENT, feed.wait_for(|record| record.state.is_at_rest())).await;
        drop(waited);
    }
}

/// Shows how far a file has come, what it would change, or what became of it.
///
/// # Errors
/// When there is none of that id that the caller may see.
pub async fn show(
    allowed: Allowed<Import>,
    site: web::Data<Site>,
    pages: web::Data<Pages>,
    request: HttpRequest,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    let key = allowed.caller().key.clone();
    let record = seen(&site, &key, *id)?;
    if record.state == State::Taken {
        // Whoever goes on from here sees what was recorded.
        fresh::note(&request, site.desk.published().position());
    }
    let drawing = Drawing { pages: &pages, language: Language::of(&request) };
    let content = drawing.file(&record, site.tray.papers(*id), &key);
    answer(&request, Some(allowed.caller()), "import.html", "/imports", content)
}

/// The form of a confirmation has no field of its own.
#[derive(Debug, Deserialize)]
pub struct Nothing {}

/// Has a file taken that was tried on.
///
/// # Errors
/// When the form is not ours, the caller handed in no such file, or its time is over.
pub async fn confirm(
    allowed: Allowed<Import>,
    site: web::Data<Site>,
    id: web::Path<Uuid>,
    form: TrustedForm<Nothing>,
) -> Result<HttpResponse, Problem> {
    let TrustedForm(Nothing {}) = form;
    confirm_own(&site, &allowed.caller().key, *id).await?;
    rest(&site, *id).await;
    Ok(HttpResponse::SeeOther().insert_header((LOCATION, format!("/imports/{id}"))).finish())
}

struct Drawing<'a> {
    pages: &'a Pages,
    language: Language,
}

impl Drawing<'_> {
    fn filled(&self, key: &str, places: &[(&str, &str)]) -> String {
        self.pages.filled(self.language, "imports", key, places)
    }

    fn row(&self, record: &Record) -> Value {
        let tally = record.tally;
        context! {
            path => format!("/imports/{}", record.id), file => record.file.clone(), by => record.by.clone(),
            at => minute(record.handed_in_at), state => name(record.state), accepted => tally.accepted + tally.queued,
            unchanged => tally.unchanged, refused => tally.refused,
        }
    }

    fn file(&self, record: &Arc<Record>, papers: Vec<String>, key: &Key) -> Value {
        let state = ImportState::of(record, papers);
        let total = state.progress.total.unwrap_or_default().max(state.progress.decided);
        let counts = state.counts;
        let told = |found: &[ImportFinding]| found.iter().map(|finding| self.finding(finding)).collect::<Vec<_>>();
        let more = |more: u64| (more > 0).then(|| self.filled("more", &[("count", &more.to_string())]));
        let shown = [
            ("rows", counts.rows),
            ("accepted", counts.accepted),
            ("queued", counts.queued),
            ("unchanged", counts.unchanged),
            ("refused", counts.refused),
            ("remarks", counts.remarks),
            ("warnings", counts.warnings),
        ];
        let lights: Vec<Value> = state
            .lights_changed
            .iter()
            .map(|(light, count)| context! { light => light.clone(), count => *count })
            .collect();
        // A file of which no row can be read is not recorded by confirming it.
        let tally = &record.tally;
        let says_something = tally.accepted + tally.queued + tally.unchanged > 0;
        // What goes back to the sender comes first.
        let mut papers = state.papers.clone();
        papers.sort_by_key(|name| (!name.starts_with("returned-"), name != "refused.xlsx", name.clone()));
        let paper = |name: &String| {
            let encoded = utf8_percent_encode(name, NON_ALPHANUMERIC);
            context! { name => name.clone(), path => format!("/api/v1/imports/{}/papers/{encoded}", state.id) }
        };
        context! {
            path => format!("/imports/{}", state.id), file => state.file.clone(), size => size(state.bytes), by => state.by.clone(),
            at => minute(state.handed_in_at), history => state.history, state => name(state.state),
            busy => !state.state.is_at_rest(), may_confirm => state.state == State::Previewed && record.key == Some(key.id) && says_something,
            progress => context! {
                read => state.progress.read, decided => state.progress.decided, total,
                text => self.filled("so_far", &[("read", &state.progress.read.to_string()), ("decided", &state.progress.decided.to_string())]),
            },
            counts => shown.iter().map(|(key, count)| context! { key => *key, count => *count }).collect::<Vec<_>>(),
            kinds => state.counts_by_kind.iter().map(|(kind, counts)| self.kind(kind, *counts)).collect::<Vec<_>>(),
            known => (state.known > 0).then(|| self.filled("known", &[("count", &state.known.to_string())])),
            lights, mails => state.mails_requested,
            refusals => told(&state.refusals), more_refusals => more(state.more_refusals),
            warnings => told(&state.warnings), more_warnings => more(state.more_warnings),
            failure => self.language.pick(state.failure_zh.as_deref().unwrap_or_default(), state.failure_en.as_deref().unwrap_or_default()),
            papers => papers.iter().map(paper).collect::<Vec<_>>(),
        }
    }

    fn kind(&self, name: &str, counts: KindCounts) -> Value {
        let sheet = SheetKind::ALL.into_iter().find(|kind| kind.name() == name);
        let text =
            sheet.map_or(self.language.pick("命令", "commands"), |kind| self.language.pick(kind.zh(), kind.name()));
        let KindCounts { accepted, queued, unchanged, refused } = counts;
        context! { kind => name, text, counts => [accepted, queued, unchanged, refused].to_vec() }
    }

    fn finding(&self, finding: &ImportFinding) -> Value {
        let row = finding.row.map(|row| self.filled("row", &[("row", &row.to_string())]));
        let place = [Some(finding.file.clone()), Some(finding.sheet.clone()), row, finding.column.clone()];
        let place: Vec<String> = place.into_iter().flatten().filter(|part| !part.is_empty()).collect();
        let further = finding.further;
        context! {
            place => place.join(self.language.pick("，", ", ")), value => finding.value.clone(),
            reason => self.language.pick(&finding.zh, &finding.en),
            further => (further > 0).then(|| self.filled("alike", &[("count", &further.to_string())])),
        }
    }
}

/// Returns the key of the text for a state.
const fn name(state: State) -> &'static str {
    match state {
        State::Waiting => "waiting",
        State::Previewing => "previewing",
        State::Previewed => "previewed",
        State::Taking => "taking",
        State::Taken => "taken",
        State::Failed => "failed",
        State::BrokenOff => "broken_off",
    }
}

/// Returns a size as people say it.
fn size(bytes: u64) -> String {
    match bytes {
        0..1_024 => format!("{bytes} B"),
        1_024..1_048_576 => format!("{} KB", bytes.div_ceil(1_024)),
        _ => format!("{} MB", bytes.div_ceil(1_048_576)),
    }
}
