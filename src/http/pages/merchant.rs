//! A merchant's page: its light, why, and what happened.

use super::dossier::{Clock, Dossier, Drawing};
use super::filters::minute;
use super::letters::letters_of;
use super::sentence::Teller;
use super::tickets::TicketGiven;
use super::{Pages, answer};
use crate::domain::access::Scope;
use crate::domain::code::CreditCode;
use crate::domain::envelope::{CloudEvent, Position};
use crate::domain::time::Instant;
use crate::domain::words::Light;
use crate::http::access::{
    Allowed, DecideTickets, HandleComplaints, IssueLetters, Permission as _, PostExits, ReadCases, ReadComplaints,
    ReadLetters, ReadLights, ReadMails, Record,
};
use crate::http::api::cases::CaseGiven;
use crate::http::api::end_of;
use crate::http::api::merchants::{MerchantFile, ReasonGiven, events_about};
use crate::http::front::encode;
use crate::http::language::Language;
use crate::http::problem::{Code, Problem};
use crate::http::site::Site;
use crate::views::View;
use crate::views::complaints::ComplaintFilter;
use actix_web::{HttpRequest, HttpResponse, web};
use minijinja::context;
use serde::Deserialize;

/// Steps of the timeline, unless all are asked for.
const STEPS: usize = 60;
/// Events looked through: for the timeline, for the evidence, for how long a reason has stood.
const EVENTS: usize = 500;
/// Complaints and mails shown; their own pages have the rest.
const NEWEST: usize = 10;

/// How the timeline is shown.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Shown {
    /// `recorded`: by when it was known; else by when it happened.
    by: String,
    /// `all`: not only the newest.
    steps: String,
    /// Day at whose end it is shown; the present if blank.
    at: String,
    /// Day at whose end that was known; everything if blank.
    known: String,
}

/// As of when, and with what was recorded until when.
type Then = (Instant, Option<Instant>);

/// Shows a merchant's page.
///
/// # Errors
/// When there is no such merchant in the caller's scope.
pub async fn show(
    allowed: Allowed<ReadLights>,
    site: web::Data<Site>,
    pages: web::Data<Pages>,
    request: HttpRequest,
    code: web::Path<String>,
    shown: web::Query<Shown>,
) -> Result<HttpResponse, Problem> {
    let code: CreditCode = code.parse().map_err(|_| Code::NotFound)?;
    let key = allowed.caller().key.clone();
    let present = site.desk.now();
    let (at, known) = (end_of("at", &shown.at, present)?, end_of("known", &shown.known, present)?);
    let then = (at.is_some() || known.is_some()).then(|| (at.unwrap_or(present), known));
    let dossier = site.block(&key, move |site, scope| read(site, scope, code, then)).await?;
    let policies = site.policies();
    let clock = if shown.by == "recorded" { Clock::Recorded } else { Clock::Happened };
    let steps = if shown.steps == "all" { EVENTS } else { STEPS };
    let teller = Teller { pages: &pages, policies: &policies, language: Language::of(&request) };
    let is_past = then.is_some();
    let now = then.map_or(present, |(at, _)| at);
    let drawing = Drawing { teller, dossier: &dossier, now, is_past };
    let timeline = drawing.timeline(clock, steps);
    let file = &dossier.file;
    let may_follow = ReadCases::is_of(key.scope.role) && !is_past;
    let about = |view: &View<'_>| view.case_about(code).map(|row| (row.case.id.to_string(), row.case.is_open()));
    let case = may_follow.then(|| site.view(&key.scope, about)).flatten();
    let content = context! {
        at => context! { iso => now.to_string(), text => minute(now), is_past },
        merchant => context! {
            light => file.row.light.name(), since => file.row.since.map(minute), name => file.row.name.clone(), credit_code => file.row.credit_code.clone(),
            disputed => drawing.disputed(), check_character_fails => !file.check_character_holds, silent => drawing.silent(&file.silent_sources), details => drawing.details(),
        },
        reasons => drawing.reasons(&timeline),
        shops => drawing.shops(),
        letters => drawing.letters(),
        kinds_of_letters => (IssueLetters::is_of(key.scope.role) && !is_past).then(|| drawing.kinds_of_letters()),
        said => drawing.said(), leads => drawing.leads(), locked => drawing.locked(), records => drawing.records(),
        may_record => Record::is_of(key.scope.role) && !is_past,
        aliases => drawing.aliases(),
        may_name => file.registered && DecideTickets::is_of(key.scope.role) && !is_past,
        case => case.as_ref().map(|(id, _)| id.clone()),
        without_case => may_follow && file.row.light > Light::Green && case.as_ref().is_none_or(|(_, open)| !open),
        may_post => PostExits::is_of(key.scope.role) && !is_past,
        complaints => drawing.complaints(),
        may_answer => HandleComplaints::is_of(key.scope.role),
        mails => drawing.mails(),
        by => clock.name(),
        then => is_past.then(|| format!("&at={}&known={}", encode(&shown.at), encode(&shown.known))),
        more => timeline.more.then(|| format!("?by={}&steps=all", clock.name())),
        timeline => timeline.steps,
    };
    answer(&request, Some(allowed.caller()), "merchant.html", "/", content)
}

/// Reads a merchant's file, as far as the reader may see it: now, or as of an instant; then nothing that is only of the present.
///
/// # Errors
/// When there is no such merchant in the scope, or the log cannot be read.
pub(super) fn read(site: &Site, scope: &Scope, code: CreditCode, then: Option<Then>) -> Result<Dossier, Problem> {
    let log = site.desk.log().clone();
    let role = scope.role;
    let (is_now, at) = (then.is_none(), then.map(|(at, _)| at));
    let known = then.and_then(|(_, known)| known).map(|known| log.position_at(known)).transpose()?;
    let (file, reasons, complaints, duties) = site.view(scope, |present| {
        let view = &at.map_or(*present, |at| present.as_of(at, known.unwrap_or(Position::MAX)));
        let merchant = view.merchant(code).filter(|merchant| is_now || merchant.exists(&view.shown_at()));
        let merchant = merchant.ok_or(Code::NotFound)?;
        let file = MerchantFile::new(view, merchant).ok_or(Code::NotFound)?;
        let (at, head) = (at.unwrap_or(view.now), view.world.head());
        let explained = view.explain(&*log, merchant, at, known.map_or(head, |known| known.min(head)))?;
        let lit = view.lights.get(code).filter(|_| is_now);
        let silent = if is_now { view.silent_for(merchant) } else { Vec::new() };
        let reasons = explained.reasons.into_iter();
        let given = reasons.map(|reason| ReasonGiven::new(view, merchant, reason, at, lit).resting_on(&silent));
        let complaints = (ReadComplaints::is_of(role) && is_now).then(|| {
            let filter = ComplaintFilter { credit_code: Some(code), ..ComplaintFilter::default() };
            let (found, newest) = view.complaints(&filter, 0, NEWEST);
            let clock = |complaint| view.clock_of(code, complaint).map(|row| TicketGiven::new(&row, view.now));
            (found, newest.into_iter().map(|(_, complaint)| (complaint.clone(), clock(complaint))).collect())
        });
        let case = view.case_about(code).filter(|row| is_now && row.case.is_open());
        let duties = case.map(|row| CaseGiven::new(row, view.now).duties).unwrap_or_default();
        Ok::<_, Problem>((file, given.collect(), complaints, duties))
    })?;
    let mails = (ReadMails::is_of(role) && is_now)
        .then(|| site.picture().outbox.about(code, None).take(NEWEST).cloned().collect());
    let letters = if ReadLetters::is_of(role) && is_now { letters_of(site, scope, code)? } else { Vec::new() };
    let mut events = events_about(site, scope, code, EVENTS)?;
    events.retain(|event| {
        at.is_none_or(|at| event.time.is_none_or(|time| time <= at))
            && known.is_none_or(|known| event.position.is_none_or(|position| position <= known))
    });
    let picture = site.picture();
    let counts_no_longer = |event: &CloudEvent| {
        let position = event.position?;
        event.causation.filter(|import| picture.imports.is_withdrawn(*import, position)).map(|_| position)
    };
    let withdrawn = events.iter().filter_map(counts_no_longer).collect();
    Ok(Dossier { file, reasons, complaints, mails, letters, events, withdrawn, duties })
}
