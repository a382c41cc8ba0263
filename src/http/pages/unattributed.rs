//! Tickets without a credit code (待认领): what waits, whom it may mean and why, and the forms by which a person decides. Worked off
//! with the keyboard where there is a script, with forms where there is none.

use super::filters::{amount_of, minute};
use super::{Pages, answer, lines, shop_name};
use crate::domain::code::CreditCode;
use crate::domain::command::{Command, DecideUnattributed};
use crate::domain::merchant::Merchant;
use crate::domain::whose::{Candidate, Offer, State, name_of};
use crate::domain::words::{Agreement, Channel, QueueDecision};
use crate::http::access::{Allowed, Caller, DecideTickets, ReadUnattributed, TrustedForm};
use crate::http::api::commands::execute_one;
use crate::http::api::{Paging, filled};
use crate::http::front::encode;
use crate::http::language::Language;
use crate::http::problem::{Code, FieldProblem, Problem};
use crate::http::site::Site;
use crate::views::unattributed::{QueueFilter, QueueRow};
use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse, web};
use minijinja::value::Serde;
use minijinja::{Value, context};
use serde::{Deserialize, Serialize};
use std::sync::PoisonError;

/// Tickets on a page: each with up to nine merchants.
const PER_PAGE: usize = 20;
/// Other names offered at once.
const OFFERED: usize = 10;

/// What the page shows.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Asked {
    /// Part of what a ticket says.
    q: String,
    /// `true`: also those that were decided.
    decided: String,
    /// Page, from 1.
    page: Option<usize>,
    /// Which ticket of the page is worked at, from 0.
    row: usize,
    /// The ticket that was decided last, to be told and taken back.
    last: String,
}

/// A form of the page.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct DecisionForm {
    ticket: String,
    channel: String,
    decision: String,
    credit_code: String,
    reason: String,
    /// Credit codes of the candidates that were shown, best first, blanks between.
    candidates: String,
    q: String,
    decided: String,
    // Texts: beside the token of the form a number is not told from one.
    page: String,
    row: String,
}

/// Shows the page.
///
/// # Errors
/// When a parameter is wrong, or it cannot be drawn.
pub async fn show(
    allowed: Allowed<ReadUnattributed>,
    site: web::Data<Site>,
    pages: web::Data<Pages>,
    request: HttpRequest,
    query: web::Query<Asked>,
) -> Result<HttpResponse, Problem> {
    draw(&site, &pages, &request, allowed.caller(), query.into_inner(), &[], &DecisionForm::default()).await
}

/// Takes a decision.
///
/// # Errors
/// When the form is not ours or the log did not take it. A refusal is shown on the page.
pub async fn post(
    allowed: Allowed<DecideTickets>,
    site: web::Data<Site>,
    pages: web::Data<Pages>,
    request: HttpRequest,
    form: TrustedForm<DecisionForm>,
) -> Result<HttpResponse, Problem> {
    let TrustedForm(form) = form;
    let mut asked = Asked {
        q: form.q.clone(),
        decided: form.decided.clone(),
        page: form.page.parse().ok(),
        row: form.row.parse().unwrap_or_default(),
        last: String::new(),
    };
    let recorded = match command(&form) {
        Ok((command, name)) => {
            asked.last = name;
            execute_one(&site, &request, allowed.caller(), allowed.origin(), command, None).await.map(|_| ())
        }
        Err(fields) => Err(Problem { code: Code::Refused, detail: None, fields }),
    };
    match recorded {
        // Reloading the page after this sends nothing again.
        Ok(()) => Ok(HttpResponse::SeeOther().insert_header((LOCATION, path(&asked, asked.page))).finish()),
        Err(problem) if matches!(problem.code, Code::Refused | Code::OutOfScope) => {
            asked.last.clear();
            Ok(super::refused(draw(&site, &pages, &request, allowed.caller(), asked, &problem.fields, &form).await?))
        }
        Err(problem) => Err(problem),
    }
}

/// Returns the command of a form, and the name of its ticket in the queue.
fn command(form: &DecisionForm) -> Result<(Command, String), Vec<FieldProblem>> {
    let decision: QueueDecision = form.decision.parse().map_err(|error| wrong("decision", &form.decision, error))?;
    let channel: Channel = form.channel.parse().map_err(|error| wrong("channel", &form.channel, error))?;
    let credit_code = match filled(Some(&form.credit_code)) {
        Some(code) => Some(code.parse::<CreditCode>().map_err(|error| wrong("credit_code", &code, error))?),
        None => None,
    };
    let candidates = form.candidates.split_whitespace().filter_map(|code| code.parse().ok()).collect();
    let (ticket, reason) = (form.ticket.clone(), filled(Some(&form.reason)));
    let name = name_of(&ticket, channel);
    let row = DecideUnattributed { ticket, channel, decision, credit_code, reason, candidates };
    Ok((Command::DecideUnattributed(row), name))
}

pub(super) fn wrong(field: &str, value: &str, error: impl std::fmt::Display) -> Vec<FieldProblem> {
    vec![FieldProblem::new(field, "unreadable", value, format!("无法读取：{error}"), error.to_string())]
}

/// What was found for the page.
struct Found {
    waiting: usize,
    decided: usize,
    total: usize,
    tickets: Vec<Value>,
    last: Option<Value>,
    aliases: Vec<Value>,
}

pub(super) async fn draw(
    site: &Site,
    pages: &web::Data<Pages>,
    request: &HttpRequest,
    caller: &Caller,
    asked: Asked,
    wrong: &[FieldProblem],
    sent: &DecisionForm,
) -> Result<HttpResponse, Problem> {
    let language = Language::of(request);
    let (skip, take) = Paging { page: asked.page, per_page: Some(PER_PAGE) }.window()?;
    let filter = QueueFilter { decided: asked.decided == "true", text: asked.q.trim().to_owned() };
    let (near, teller, last) = (site.near.clone(), Teller { pages: pages.clone(), language }, asked.last.clone());
    let found = site
        .ask(&caller.key, move |view| {
            let mut near = near.lock().unwrap_or_else(PoisonError::into_inner);
            let (total, rows) = view.unattributed(&mut near, &filter, skip, take);
            drop(near);
            let name = |code| view.merchant(code).and_then(|merchant| merchant.name(u64::MAX)).map(str::to_owned);
            let place = |code| view.merchant(code).map(|merchant| teller.place(merchant)).unwrap_or_default();
            let last = view.queued(&last).filter(|entry| entry.state != State::Waiting);
            Ok(Found {
                waiting: view.queue.waiting(),
                decided: view.decided_in_queue(),
                total,
                tickets: rows.iter().map(|row| teller.ticket(row, &name, &place)).collect(),
                aliases: view.alias_offers().iter().take(OFFERED).map(|offer| teller.offer(offer, &name)).collect(),
                last: last.map(|entry| {
                    teller.ticket(&QueueRow { entry, candidates: Vec::new(), is_elsewhere: false }, &name, &place)
                }),
            })
        })
        .await?;
    let number = skip / take + 1;
    let pages_in_all = found.total.div_ceil(take).max(1);
    let counts = [("waiting", &*found.waiting.to_string()), ("decided", &*found.decided.to_string())];
    let content = context! {
        asked => context! { q => asked.q.clone(), decided => asked.decided == "true", page => asked.page },
        at => asked.row.min(found.tickets.len().saturating_sub(1)),
        counts => pages.filled(language, "unattributed", "counts", &counts),
        tickets => found.tickets,
        last => found.last,
        aliases => found.aliases,
        wrong => lines(pages, language, wrong),
        // What was typed stands in its form again.
        sent => Value::from(Serde(sent)),
        page_text => pages.filled(
            language, "site", "page", &[("page", &number.to_string()), ("pages", &pages_in_all.to_string())],
        ),
        previous => (number > 1).then(|| path(&fresh(&asked), Some(number - 1))),
        next => (number < pages_in_all).then(|| path(&fresh(&asked), Some(number + 1))),
    };
    answer(request, Some(caller), "unattributed.html", "/unattributed", content)
}

/// Returns what another page begins with.
fn fresh(asked: &Asked) -> Asked {
    Asked { row: 0, last: String::new(), ..asked.clone() }
}

/// Returns the address of a page.
fn path(asked: &Asked, page: Option<usize>) -> String {
    let number = |number: usize| if number > 0 { number.to_string() } else { String::new() };
    let pairs = [
        ("q", asked.q.clone()),
        ("decided", asked.decided.clone()),
        ("page", page.filter(|page| *page > 1).map(|page| page.to_string()).unwrap_or_default()),
        ("row", number(asked.row)),
        ("last", asked.last.clone()),
    ];
    let pairs: Vec<String> = pairs
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}={}", encode(value)))
        .collect();
    if pairs.is_empty() { "/unattributed".to_owned() } else { format!("/unattributed?{}", pairs.join("&")) }
}

/// Shops that are named of a candidate.
const SHOPS_NAMED: usize = 3;

/// Says what tickets and candidates are in the reader's language.
struct Teller {
    pages: web::Data<Pages>,
    language: Language,
}

impl Teller {
    fn text(&self, key: &str) -> &str {
        self.pages.text(self.language, "unattributed", key)
    }

    fn ticket(
        &self,
        row: &QueueRow<'_>,
        name: &dyn Fn(CreditCode) -> Option<String>,
        place: &dyn Fn(CreditCode) -> String,
    ) -> Value {
        let said = &row.entry.said;
        let (state, owner) = match row.entry.state {
            State::Waiting => ("waiting", None),
            State::SetAside => ("set_aside", None),
            State::Attributed(code, _) => ("attributed", Some(code)),
        };
        let codes: Vec<String> = row.candidates.iter().map(|(one, _)| one.code.to_string()).collect();
        // The channel stands behind the number in the name.
        let number = said.ticket.rsplit_once('@').map_or(&*said.ticket, |(number, _)| number);
        context! {
            number, channel => said.channel.name(), channel_text => self.language.pick(said.channel.zh(), said.channel.name()),
            kind => self.language.pick(said.kind.zh(), said.kind.name()),
            received => minute(said.received_at),
            amount => amount_of(said.amount.map(|amount| amount.decimal())),
            said => [("name", &said.name), ("brand", &said.brand), ("mall", &said.mall), ("street", &said.street), ("address", &said.address)]
                .into_iter()
                .filter_map(|(field, text)| Some(context! { label => self.text(field), text => text.clone()? }))
                .collect::<Vec<_>>(),
            state, state_text => self.text(state),
            elsewhere => row.is_elsewhere,
            owner => owner.map(|code| context! { code => code.to_string(), name => name(code) }),
            codes => codes.join(" "),
            candidates => row.candidates.iter().zip(1..).map(|((one, name), key)| self.candidate(one, *name, place(one.code), key)).collect::<Vec<_>>(),
        }
    }

    /// Says what tells a merchant from one of the same name: brand, street, and where its shops are.
    fn place(&self, merchant: &Merchant) -> String {
        let known = u64::MAX;
        let brand = merchant.brand(known).map(str::to_owned);
        let street = merchant.detail(known, |row| row.street.as_deref()).map(str::to_owned);
        let shops = merchant.shops.iter().filter(|shop| !shop.name.mall.is_empty()).take(SHOPS_NAMED);
        let shops = shops.map(|shop| shop_name(&self.pages, self.language, &shop.name.mall, &shop.name.unit));
        brand.into_iter().chain(street).chain(shops).collect::<Vec<_>>().join(" · ")
    }

    fn offer(&self, offer: &Offer, name: &dyn Fn(CreditCode) -> Option<String>) -> Value {
        let alias = &offer.alias;
        let code = alias.credit_code.to_string();
        let owner = name(alias.credit_code).unwrap_or_else(|| code.clone());
        let by: Vec<String> = offer.by.iter().map(|(who, times)| format!("{who} {times}×")).collect();
        let place = alias.mall.as_deref().or(alias.street.as_deref());
        let key = if place.is_some() { "offered_there" } else { "offered" };
        let places = [
            ("alias", &*alias.alias),
            ("merchant", &*owner),
            ("place", place.unwrap_or_default()),
            ("times", &*offer.times.to_string()),
            ("by", &*by.join(self.language.pick("、", ", "))),
        ];
        let text = self.pages.filled(self.language, "unattributed", key, &places);
        context! { code, alias => alias.alias.clone(), mall => alias.mall.clone(), street => alias.street.clone(), text }
    }

    fn candidate(&self, one: &Candidate, name: Option<&str>, place: String, key: u32) -> Value {
        let likeness = format!("{:.0}", one.likeness * 100.0);
        let why: Vec<String> = one
            .agreed
            .iter()
            .map(|agreed| {
                let places = [("likeness", likeness.as_str())];
                self.pages.filled(self.language, "unattributed", sentence(*agreed), &places)
            })
            .collect();
        context! { key, code => one.code.to_string(), name, place, why }
    }
}

/// Returns the key of the sentence that says what agrees.
const fn sentence(agreed: Agreement) -> &'static str {
    match agreed {
        Agreement::Name => "agrees_name",
        Agreement::FormerName => "agrees_former_name",
        Agreement::Alias => "agrees_alias",
        Agreement::Brand => "agrees_brand",
        Agreement::Mall => "agrees_mall",
        Agreement::Street => "agrees_street",
        Agreement::Address => "agrees_address",
        Agreement::NearName => "agrees_near_name",
    }
}
