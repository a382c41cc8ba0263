//! The page behind the link in a mail: how the cases stand that the mail is about, and one button to acknowledge it (签收). Without
//! log-in, on a telephone, and without anything about people: the light, why, what is to be done by when. Scanners open links, so
//! nothing but the button acknowledges; and what is acknowledged is what the page showed.

use super::answer;
use super::filters::minute;
use crate::desk::Request;
use crate::domain::case::Case;
use crate::domain::code::CreditCode;
use crate::domain::command::{Command, HandleCase};
use crate::domain::envelope::{Origin, Position};
use crate::domain::event::{DigestLine, MailNews};
use crate::domain::personal::masked;
use crate::domain::time::{Instant, deadline};
use crate::domain::words::{CaseAction, Light};
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
use uuid::Uuid;

/// Where these pages are.
pub(in crate::http) const PLACE: &str = "/m/";

/// The button.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Button {
    /// What the page showed, in short.
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
    let cases = cases_of(&picture, linked);
    if in_short(&cases) != seen {
        return Ok(Pressed::Changed);
    }
    // Whatever the desk finds (somebody was faster, the case has ended), the mail is acknowledged.
    let commands = cases.iter().filter_map(|(_, case)| case.map(acknowledgement)).collect();
    site.desk.execute(Request::new(commands, Origin::of(&linked.person())))?;
    site.mail.note_acknowledged(linked)?;
    Ok(Pressed::Acknowledged)
}

fn acknowledgement(case: &Case) -> Command {
    Command::HandleCase(HandleCase {
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
    })
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

/// What a mail told of a merchant.
struct Told {
    credit_code: CreditCode,
    light: Light,
    at: Instant,
}

/// Returns what a mail told, each with the open case that it is about: not one that opened after it.
fn cases_of<'p>(picture: &'p Picture, linked: &Linked) -> Vec<(Told, Option<&'p Case>)> {
    let told = match &linked.news {
        MailNews::Light(news) => vec![Told { credit_code: news.credit_code, light: news.to, at: linked.at }],
        MailNews::Digest(digest) => {
            let told = |line: &DigestLine| Told { credit_code: line.credit_code, light: line.to, at: line.at };
            digest.lines.iter().map(told).collect()
        }
        MailNews::Silence(_) => Vec::new(),
    };
    let with_case = |told: Told| {
        let case = picture.cases.latest(told.credit_code);
        let case = case.filter(|case| case.is_open() && case.opened_at <= told.at);
        (told, case)
    };
    told.into_iter().map(with_case).collect()
}

/// Returns what a page shows, in short: the newest light changes of the open cases.
fn in_short(cases: &[(Told, Option<&Case>)]) -> String {
    let open = cases.iter().filter_map(|(_, case)| *case);
    let changes: Vec<u8> = open.flat_map(|case| *case.change.as_bytes()).collect();
    Uuid::new_v5(&Uuid::nil(), &changes).simple().to_string()
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
    let picture = site.picture();
    let cases = cases_of(&picture, linked);
    let several = cases.len() > 1;
    let drawn = |(told, case): &(Told, Option<&Case>)| about(site, linked, told, *case, several, language);
    // Whoever comes late learns nothing any more.
    let items: Vec<Value> = if over { Vec::new() } else { cases.iter().map(drawn).collect() };
    let content = context! {
        office => &*linked.recipient.office, items, several, over, changed, acknowledged => linked.is_acknowledged,
        seen => in_short(&cases), until => minute(linked.until), action => format!("{PLACE}{token}"),
    };
    answer(request, None, "link.html", "", content)
}

/// Returns how the case of a merchant stands now; where it has ended, or there never was one, what the mail told. Of several, each in
/// short.
fn about(site: &Site, linked: &Linked, told: &Told, case: Option<&Case>, several: bool, language: Language) -> Value {
    let (picture, policies, now) = (site.picture(), site.policies(), site.desk.now());
    let name = picture.world.get(told.credit_code).and_then(|merchant| merchant.name(Position::MAX));
    let change = linked.change.as_ref().filter(|_| !several);
    let of_mail = || change.iter().flat_map(|change| &change.reasons).map(|reason| reason.rule.clone()).collect();
    let rules: Vec<String> = match case {
        _ if several => Vec::new(),
        Some(case) => case.rules.clone(),
        None => of_mail(),
    };
    let title = |id: &String| {
        rule(&policies, id).map_or_else(|| id.clone(), |rule| language.pick(&rule.title.zh, &rule.title.en).to_owned())
    };
    let duties = case.into_iter().flat_map(Case::standing).map(|duty| {
        let text = language.pick(&duty.arisen.zh, &duty.arisen.en).to_owned();
        context! { text, due => duty.due_at().map(deadline), late => duty.is_late(now) }
    });
    let since = case.map_or_else(|| change.map_or(told.at, |change| change.at), |case| case.changed_at);
    context! {
        name => name.map(|name| masked(name).into_owned()), credit_code => told.credit_code.as_str(),
        light => case.map_or(told.light, |case| case.light).name(), at => minute(since), ended => case.is_none(),
        reasons => rules.iter().map(title).collect::<Vec<_>>(), duties => duties.collect::<Vec<_>>(),
    }
}
