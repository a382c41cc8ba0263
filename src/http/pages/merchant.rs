//! A merchant's page: its light, why, and what happened.

use super::dossier::{Clock, Dossier, Drawing};
use super::filters::minute;
use super::letters::letters_of;
use super::sentence::Teller;
use super::tickets::TicketGiven;
use super::{Pages, answer};
use crate::domain::access::Scope;
use crate::domain::code::CreditCode;
use crate::domain::envelope::CloudEvent;
use crate::domain::words::Light;
use crate::http::access::{
    Allowed, DecideTickets, HandleComplaints, IssueLetters, Permission as _, PostExits, ReadCases, ReadComplaints,
    ReadLetters, ReadLights, ReadMails, Record,
};
use crate::http::api::merchants::{MerchantFile, ReasonGiven, events_about};
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
}

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
    let dossier = site.block(&key, move |site, scope| read(site, scope, code)).await?;
    let policies = site.policies();
    let clock = if shown.by == "recorded" { Clock::Recorded } else { Clock::Happened };
    let steps = if shown.steps == "all" { EVENTS } else { STEPS };
    let teller = Teller { pages: &pages, policies: &policies, language: Language::of(&request) };
    let now = site.desk.now();
    let drawing = Drawing { teller, dossier: &dossier, now };
    let timeline = drawing.timeline(clock, steps);
    let file = &dossier.file;
    let may_follow = ReadCases::is_of(key.scope.role);
    let about = |view: &View<'_>| view.case_about(code).map(|row| (row.case.id.to_string(), row.case.is_open()));
    let case = may_follow.then(|| site.view(&key.scope, about)).flatten();
    let content = context! {
        at => context! { iso => now.to_string(), text => minute(now) },
        merchant => context! {
            light => file.row.light.name(), since => file.row.since.map(minute), name => file.row.name.clone(), credit_code => file.row.credit_code.clone(),
            check_character_fails => !file.check_character_holds, silent => drawing.silent(&file.silent_sources), details => drawing.details(),
        },
        reasons => drawing.reasons(&timeline),
        shops => drawing.shops(),
        letters => drawing.letters(),
        kinds_of_letters => IssueLetters::is_of(key.scope.role).then(|| drawing.kinds_of_letters()),
        leads => drawing.leads(), locked => drawing.locked(), records => drawing.records(),
        may_record => Record::is_of(key.scope.role),
        aliases => drawing.aliases(),
        may_name => file.registered && DecideTickets::is_of(key.scope.role),
        case => case.as_ref().map(|(id, _)| id.clone()),
        // Where a case is open, it knows by when: its clocks stop with what was done.
        in_case => case.as_ref().is_some_and(|(_, open)| *open),
        without_case => may_follow && file.row.light > Light::Green && case.as_ref().is_none_or(|(_, open)| !open),
        may_post => PostExits::is_of(key.scope.role),
        complaints => drawing.complaints(),
        may_answer => HandleComplaints::is_of(key.scope.role),
        mails => drawing.mails(),
        by => clock.name(),
        more => timeline.more.then(|| format!("?by={}&steps=all", clock.name())),
        timeline => timeline.steps,
    };
    answer(&request, Some(allowed.caller()), "merchant.html", "/", content)
}

fn read(site: &Site, scope: &Scope, code: CreditCode) -> Result<Dossier, Problem> {
    let log = site.desk.log().clone();
    let (file, reasons, complaints) = site.view(scope, |view| {
        let merchant = view.merchant(code).ok_or(Code::NotFound)?;
        let file = MerchantFile::new(view, merchant).ok_or(Code::NotFound)?;
        let explained = view.explain(&*log, merchant, view.now, view.world.head())?;
        let lit = view.lights.get(code);
        let silent = view.silent_for(merchant);
        let reasons = explained.reasons.into_iter();
        let given = reasons.map(|reason| ReasonGiven::new(view, merchant, reason, view.now, lit).resting_on(&silent));
        let complaints = ReadComplaints::is_of(scope.role).then(|| {
            let filter = ComplaintFilter { credit_code: Some(code), ..ComplaintFilter::default() };
            let (found, newest) = view.complaints(&filter, 0, NEWEST);
            let clock = |complaint| view.clock_of(code, complaint).map(|row| TicketGiven::new(&row, view.now));
            (found, newest.into_iter().map(|(_, complaint)| (complaint.clone(), clock(complaint))).collect())
        });
        Ok::<_, Problem>((file, given.collect(), complaints))
    })?;
    let mails =
        ReadMails::is_of(scope.role).then(|| site.picture().outbox.about(code, None).take(NEWEST).cloned().collect());
    let letters =
        ReadLetters::is_of(scope.role).then(|| letters_of(site, scope, code)).transpose()?.unwrap_or_default();
    let events = events_about(site, scope, code, EVENTS)?;
    let picture = site.picture();
    let counts_no_longer = |event: &CloudEvent| {
        let position = event.position?;
        event.causation.filter(|import| picture.imports.is_withdrawn(*import, position)).map(|_| position)
    };
    let withdrawn = events.iter().filter_map(counts_no_longer).collect();
    Ok(Dossier { file, reasons, complaints, mails, letters, events, withdrawn })
}
