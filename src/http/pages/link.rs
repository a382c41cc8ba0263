//! The page behind the link in a mail: how the case stands that the mail is about, and one button to acknowledge it (签收). Without
//! log-in, on a telephone, and without anything about people: the light, why, what is to be done by when. Scanners open links, so
//! nothing but the button acknowledges; and what is acknowledged is what the page showed.

use super::answer;
use super::filters::minute;
use crate::desk::Request;
use crate::domain::case::Case;
use crate::domain::command::{Command, HandleCase};
use crate::domain::envelope::{Origin, Position};
use crate::domain::personal::masked;
use crate::domain::time::deadline;
use crate::domain::words::CaseAction;
use crate::http::language::Language;
use crate::http::problem::{Code, Problem};
use crate::http::publishing::Publishing;
use crate::http::site::{Site, rule};
use crate::mail::worker::Linked;
use crate::picture::Picture;
use actix_web::http::header::LOCATION;
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, web};
use minijinja::{Value, context};
use serde::Deserialize;

/// Where these pages are.
pub(in crate::http) const PLACE: &str = "/m/";

/// The button.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Button {
    /// What the page showed: the newest light change of the case. Empty where there was none.
    seen: String,
}

/// What came of pressing the button.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pressed {
    /// It is acknowledged, now or before.
    Acknowledged,
    /// The time of the link is over.
    Over,
    /// The light is another than the page showed.
    Changed,
}

/// Shows how the case of a mail stands.
///
/// # Errors
/// When we made no such link, too much is asked from one address, or the log cannot be read.
pub async fn show(
    site: web::Data<Site>,
    request: HttpRequest,
    token: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    Publishing::count(&request)?;
    let is_opened = request.method() == Method::GET && !is_fetched_ahead(&request);
    let note = move |site: &Site, linked: &Linked| {
        if is_opened && !is_over(site, linked) { site.mail.note_opened(linked).map_err(Problem::from) } else { Ok(()) }
    };
    let (linked, ()) = find(&site, token.clone(), note).await?;
    draw(&site, &request, &token, &linked, false)
}

/// Acknowledges the mail, and the case that it is about.
///
/// # Errors
/// When we made no such link, too much is asked from one address, or the log did not take it.
pub async fn acknowledge(
    site: web::Data<Site>,
    request: HttpRequest,
    token: web::Path<String>,
    form: web::Form<Button>,
) -> Result<HttpResponse, Problem> {
    Publishing::count(&request)?;
    let seen = form.into_inner().seen;
    let (linked, pressed) = find(&site, token.clone(), move |site, linked| press(site, linked, &seen)).await?;
    match pressed {
        // Reloading the page after this sends nothing again.
        Pressed::Acknowledged => {
            Ok(HttpResponse::SeeOther().insert_header((LOCATION, format!("{PLACE}{token}"))).finish())
        }
        Pressed::Over | Pressed::Changed => {
            let mut page = draw(&site, &request, &token, &linked, pressed == Pressed::Changed)?;
            *page.status_mut() = if pressed == Pressed::Over { StatusCode::GONE } else { StatusCode::CONFLICT };
            Ok(page)
        }
    }
}

/// Finds the mail of a link and does something about it, on a thread that may wait for the log.
async fn find<T: Send + 'static>(
    site: &web::Data<Site>,
    token: String,
    act: impl FnOnce(&Site, &Linked) -> Result<T, Problem> + Send + 'static,
) -> Result<(Linked, T), Problem> {
    let site = site.clone();
    let work = move || {
        let linked = site.mail.linked(&token).map_err(|error| Problem::inside(Code::Internal, error))?;
        let linked = linked.ok_or_else(|| Problem::new(Code::NotFound, "没有这个链接", "there is no such link"))?;
        let done = act(&site, &linked)?;
        Ok((linked, done))
    };
    web::block(work).await.map_err(|error| Problem::inside(Code::Unavailable, error))?
}

/// The case first: whoever presses again after a crash between the two finds the link as it was.
fn press(site: &Site, linked: &Linked, seen: &str) -> Result<Pressed, Problem> {
    if linked.is_acknowledged {
        return Ok(Pressed::Acknowledged);
    }
    if is_over(site, linked) {
        return Ok(Pressed::Over);
    }
    let picture = site.picture();
    let case = case_of(&picture, linked);
    if case.map(|case| case.change.to_string()).unwrap_or_default() != seen {
        return Ok(Pressed::Changed);
    }
    if let Some(case) = case {
        let command = Command::HandleCase(HandleCase {
            alert: case.id,
            credit_code: case.credit_code,
            action: CaseAction::Acknowledge,
            to: None,
            kind: None,
            date: None,
            duty: None,
            until: None,
            outcome: None,
            note: None,
        });
        // Whatever the desk finds (somebody was faster, the case has ended), the mail is acknowledged.
        site.desk.execute(Request::new(vec![command], Origin::of(&linked.person())))?;
    }
    site.mail.note_acknowledged(linked)?;
    Ok(Pressed::Acknowledged)
}

fn is_over(site: &Site, linked: &Linked) -> bool {
    linked.until < site.desk.now()
}

/// Says whether a program fetched the page in case somebody will look at it.
fn is_fetched_ahead(request: &HttpRequest) -> bool {
    ["sec-purpose", "purpose", "x-moz"].iter().any(|name| {
        let value = request.headers().get(*name).and_then(|value| value.to_str().ok());
        value.is_some_and(|value| value.contains("prefetch") || value.contains("prerender"))
    })
}

/// Returns the open case that a mail is about: not one that opened after it.
fn case_of<'p>(picture: &'p Picture, linked: &Linked) -> Option<&'p Case> {
    let case = picture.cases.latest(linked.news.credit_code)?;
    (case.is_open() && case.opened_at <= linked.at).then_some(case)
}

fn draw(
    site: &Site,
    request: &HttpRequest,
    token: &str,
    linked: &Linked,
    changed: bool,
) -> Result<HttpResponse, Problem> {
    let language = Language::of(request);
    let over = is_over(site, linked);
    // Whoever comes late learns nothing any more.
    let about = if over { Value::from(()) } else { about(site, linked, language) };
    let content = context! {
        office => &*linked.recipient.office, about, over, changed, acknowledged => linked.is_acknowledged,
        until => minute(linked.until), action => format!("{PLACE}{token}"),
    };
    answer(request, None, "link.html", "", content)
}

/// Returns how the case stands now; where it has ended, or there never was one, what the mail told.
fn about(site: &Site, linked: &Linked, language: Language) -> Value {
    let (picture, policies, now) = (site.picture(), site.policies(), site.desk.now());
    let (news, case) = (&linked.news, case_of(&picture, linked));
    let name = picture.world.get(news.credit_code).and_then(|merchant| merchant.name(Position::MAX));
    let told = || linked.change.iter().flat_map(|change| &change.reasons).map(|reason| reason.rule.clone()).collect();
    let rules: Vec<String> = case.map_or_else(told, |case| case.rules.clone());
    let title = |id: &String| {
        rule(&policies, id).map_or_else(|| id.clone(), |rule| language.pick(&rule.title.zh, &rule.title.en).to_owned())
    };
    let duties = case.into_iter().flat_map(Case::standing).map(|duty| {
        let text = language.pick(&duty.arisen.zh, &duty.arisen.en).to_owned();
        context! { text, due => duty.due_at().map(deadline), late => duty.is_late(now) }
    });
    let told_at = linked.change.as_ref().map_or(linked.at, |change| change.at);
    context! {
        name => name.map(|name| masked(name).into_owned()), credit_code => news.credit_code.as_str(),
        light => case.map_or(news.to, |case| case.light).name(),
        at => minute(case.map_or(told_at, |case| case.changed_at)),
        seen => case.map(|case| case.change.to_string()), ended => case.is_none(),
        reasons => rules.iter().map(title).collect::<Vec<_>>(), duties => duties.collect::<Vec<_>>(),
    }
}
