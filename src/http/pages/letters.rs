//! Letters of offices (文书): one is drawn up from the office's wording and the merchant's light, changed by hand, issued, printed.

use super::sentence::Teller;
use super::{Pages, answer, line};
use crate::documents::{docx, written};
use crate::domain::access::Scope;
use crate::domain::code::CreditCode;
use crate::domain::command::Command;
use crate::domain::event::{DocumentIssued, Event, FactSeen, Reason};
use crate::domain::time::{Day, day_of};
use crate::domain::words::{DocumentKind, Light};
use crate::http::access::{Allowed, Caller, IssueLetters, ReadLetters, TrustedForm};
use crate::http::api::commands::execute_one;
use crate::http::api::{filled, optional};
use crate::http::download;
use crate::http::language::Language;
use crate::http::problem::{Code, Problem};
use crate::http::site::Site;
use crate::policy::letters::{Filled, Places};
use crate::policy::{Policies, clause};
use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse, web};
use minijinja::context;
use serde::Deserialize;
use uuid::Uuid;

/// The form of a letter.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct LetterForm {
    /// `issue`, or `fill` to write the text anew from the wording.
    action: String,
    number: String,
    date: String,
    due_on: String,
    office: String,
    lead: String,
    authority: String,
    title: String,
    to: String,
    paragraphs: String,
}

/// What a letter says of its merchant.
struct Facts {
    name: Option<String>,
    sector: Option<String>,
    shops: Vec<String>,
    light: Light,
    reasons: Vec<Reason>,
}

/// Shows a letter that is drawn up.
///
/// # Errors
/// When there is no such merchant in scope, or no such letter.
pub async fn draft(
    allowed: Allowed<IssueLetters>,
    site: web::Data<Site>,
    pages: web::Data<Pages>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (code, kind) = asked(&path)?;
    let form = LetterForm { date: day_of(site.desk.now()).to_string(), ..LetterForm::default() };
    draw(&site, &pages, &request, allowed.caller(), (code, kind), form, true, None).await
}

/// Takes the form: issues the letter, or writes its text anew.
///
/// # Errors
/// When the form is not ours, there is no such merchant in scope, or the log did not take it. A refusal is shown on the page, with what was
/// typed.
pub async fn post(
    allowed: Allowed<IssueLetters>,
    site: web::Data<Site>,
    pages: web::Data<Pages>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    form: TrustedForm<LetterForm>,
) -> Result<HttpResponse, Problem> {
    let (code, kind) = asked(&path)?;
    let form = form.0;
    if form.action == "fill" {
        return draw(&site, &pages, &request, allowed.caller(), (code, kind), form, true, None).await;
    }
    let issued = async {
        let command = command(&form, code, kind)?;
        execute_one(&site, &request, allowed.caller(), allowed.origin(), command, None).await
    };
    let number = form.number.clone();
    match issued.await {
        Ok(_) => {
            let letter =
                site.block(&allowed.caller().key, move |site, scope| id_of(site, scope, code, kind, &number)).await?;
            let place = format!("/merchants/{code}/letters/{letter}");
            Ok(HttpResponse::SeeOther().insert_header((LOCATION, place)).finish())
        }
        Err(problem) if matches!(problem.code, Code::Refused | Code::OutOfScope | Code::InvalidParameter) => {
            Ok(super::refused(
                draw(&site, &pages, &request, allowed.caller(), (code, kind), form, false, Some(problem)).await?,
            ))
        }
        Err(problem) => Err(problem),
    }
}

/// Shows a letter that was issued, to be printed.
///
/// # Errors
/// When there is no such letter in scope.
pub async fn show(
    allowed: Allowed<ReadLetters>,
    site: web::Data<Site>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let letter = issued(&site, allowed.caller(), &path).await?;
    let content = context! {
        letter => context! {
            number => letter.number, office => letter.office, title => letter.title, to => letter.to,
            paragraphs => letter.paragraphs, date => written(letter.date),
        },
        credit_code => path.0.clone(), docx => format!("/merchants/{}/letters/{}/docx", path.0, path.1),
    };
    answer(&request, Some(allowed.caller()), "paper.html", "/", content)
}

/// Returns a letter that was issued as .docx.
///
/// # Errors
/// When there is no such letter in scope.
pub async fn file(
    allowed: Allowed<ReadLetters>,
    site: web::Data<Site>,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let letter = issued(&site, allowed.caller(), &path).await?;
    let bytes = docx(&letter).map_err(|error| Problem::inside(Code::Internal, error))?;
    Ok(download::file(&format!("{}-{}.docx", letter.kind, letter.date), download::DOCX, bytes))
}

fn unknown() -> Problem {
    Problem::new(Code::NotFound, "没有这份文书", "there is no such letter")
}

fn asked(path: &(String, String)) -> Result<(CreditCode, DocumentKind), Problem> {
    let code = path.0.parse().map_err(|_| Code::NotFound)?;
    Ok((code, path.1.parse().map_err(|_| unknown())?))
}

/// Returns the letters of a merchant, newest first: id, kind, number, day.
pub(super) fn letters_of(
    site: &Site,
    scope: &Scope,
    code: CreditCode,
) -> Result<Vec<(Uuid, DocumentKind, String, Day)>, Problem> {
    let items = site.view(scope, |view| {
        let merchant = view.merchant(code).ok_or(Code::NotFound)?;
        Ok::<_, Problem>(merchant.dealings().documents.clone())
    })?;
    let positions: Vec<_> = items.iter().map(|item| item.position).collect();
    let ids = site.desk.log().ids_at(&positions)?;
    let of = |(item, id): (crate::domain::dealings::DocumentItem, Uuid)| (id, item.kind, item.number.into(), item.date);
    Ok(items.into_iter().zip(ids).map(of).rev().collect())
}

fn id_of(site: &Site, scope: &Scope, code: CreditCode, kind: DocumentKind, number: &str) -> Result<Uuid, Problem> {
    let position = site.view(scope, |view| {
        let found = view.merchant(code).and_then(|merchant| merchant.dealings().document(kind, number));
        found.map(|item| item.position)
    });
    let ids = site.desk.log().ids_at(&position.into_iter().collect::<Vec<_>>())?;
    ids.first().copied().ok_or_else(unknown)
}

async fn issued(site: &Site, caller: &Caller, path: &(String, String)) -> Result<DocumentIssued, Problem> {
    let code: CreditCode = path.0.parse().map_err(|_| Code::NotFound)?;
    let letter: Uuid = path.1.parse().map_err(|_| unknown())?;
    site.block(&caller.key, move |site, scope| {
        let positions: Vec<_> = site.view(scope, |view| {
            let merchant = view.merchant(code).ok_or(Code::NotFound)?;
            Ok::<_, Problem>(merchant.dealings().documents.iter().map(|item| item.position).collect())
        })?;
        let ids = site.desk.log().ids_at(&positions)?;
        let found = positions.iter().zip(ids).find(|(_, id)| *id == letter).map(|(position, _)| *position);
        let recorded = site.desk.log().event_at(found.ok_or_else(unknown)?)?.ok_or_else(unknown)?;
        match recorded.event.decode() {
            Ok(Event::DocumentIssued(letter)) => Ok(letter),
            Ok(_) => Err(unknown()),
            Err(error) => Err(Problem::inside(Code::Internal, error)),
        }
    })
    .await
}

fn command(form: &LetterForm, credit_code: CreditCode, kind: DocumentKind) -> Result<Command, Problem> {
    Ok(Command::IssueDocument(DocumentIssued {
        credit_code,
        kind,
        number: form.number.clone(),
        date: optional("date", Some(&form.date))?
            .ok_or_else(|| Problem::new(Code::InvalidParameter, "请填写日期", "give the day"))?,
        due_on: optional("due_on", Some(&form.due_on))?,
        title: form.title.clone(),
        to: form.to.clone(),
        paragraphs: form.paragraphs.lines().map(str::to_owned).collect(),
        office: form.office.clone(),
    }))
}

fn facts(site: &Site, scope: &Scope, code: CreditCode) -> Result<Facts, Problem> {
    let log = site.desk.log().clone();
    site.view(scope, |view| {
        let merchant = view.merchant(code).ok_or(Code::NotFound)?;
        let explained = view.explain(&*log, merchant, view.now, view.world.head())?;
        let file = crate::http::api::merchants::MerchantFile::new(view, merchant).ok_or(Code::NotFound)?;
        let place = |mall: &str, unit: &str| format!("{mall} {unit}").trim().to_owned();
        let shops = file.shops.iter().map(|shop| place(&shop.mall, &shop.unit)).filter(|shop| !shop.is_empty());
        let shops = shops.collect();
        Ok(Facts {
            name: file.row.name.clone(),
            sector: file.row.sector.clone(),
            shops,
            light: explained.light,
            reasons: explained.reasons,
        })
    })
}

/// Draws the form. Where nothing was changed by hand the text is that of the wording.
#[expect(
    clippy::too_many_arguments,
    reason = "what the form shows: who asks, about whom, what was typed, and what was wrong with it"
)]
async fn draw(
    site: &web::Data<Site>,
    pages: &Pages,
    request: &HttpRequest,
    caller: &Caller,
    (code, kind): (CreditCode, DocumentKind),
    mut form: LetterForm,
    fill: bool,
    refused: Option<Problem>,
) -> Result<HttpResponse, Problem> {
    let facts = site.block(&caller.key, move |site, scope| facts(site, scope, code)).await?;
    let (language, policies) = (Language::of(request), site.policies());
    if fill && let Some(wording) = policies.letters.of(kind) {
        let Filled { title, to, paragraphs } = wording.filled(&places(pages, &policies, code, &facts, &form));
        (form.title, form.to, form.paragraphs) = (title, to, paragraphs.join("\n"));
    }
    let refused = refused.map(|problem| {
        context! { title => problem.code.title(language), lines => problem.fields.iter().map(|field| line(pages, language, field, Some(&field.field))).collect::<Vec<_>>() }
    });
    let content = context! {
        kind => kind.name(), name => facts.name, credit_code => code.to_string(), light => facts.light.name(),
        is_lead => kind == DocumentKind::LeadLetter, refused,
        needs_due => kind == DocumentKind::RectificationOrder,
        form => context! {
            number => form.number, date => form.date, due_on => form.due_on, office => form.office, lead => form.lead,
            authority => form.authority, title => form.title, to => form.to, paragraphs => form.paragraphs,
        },
    };
    answer(request, Some(caller), "draft.html", "/", content)
}

/// Returns what stands in the places of the wording. A letter of a Chinese office is Chinese, whatever language its page is read in.
fn places(pages: &Pages, policies: &Policies, code: CreditCode, facts: &Facts, form: &LetterForm) -> Places {
    let teller = Teller { pages, policies, language: Language::Zh };
    let day = |text: &str| text.trim().parse::<Day>().ok().map(written);
    let one = |said: Option<String>| said.into_iter().collect::<Vec<_>>();
    let sector = facts.sector.as_deref().map(|id| super::board::sector_name(policies, id, Language::Zh));
    let reasons = facts.reasons.iter().enumerate();
    [
        ("merchant", one(facts.name.clone())),
        ("credit_code", vec![code.to_string()]),
        ("sector", one(sector)),
        ("shops", facts.shops.clone()),
        ("office", one(filled(Some(&form.office)))),
        ("number", one(filled(Some(&form.number)))),
        ("date", one(day(&form.date))),
        ("due_on", one(day(&form.due_on))),
        ("light", vec![pages.text(Language::Zh, "light", facts.light.name()).to_owned()]),
        ("reasons", reasons.map(|(index, reason)| sentence(&teller, index + 1, reason)).collect()),
        ("lead", one(filled(Some(&form.lead)))),
        ("authority", one(filled(Some(&form.authority)))),
    ]
    .into_iter()
    .collect()
}

/// Returns a reason in a sentence: `1. 资金存管不足：存管比例 25%（低于 40%）。依据：…`.
fn sentence(teller: &Teller<'_>, number: usize, reason: &Reason) -> String {
    let fact = |seen: &FactSeen| {
        let (name, value, compared) = teller.fact(seen);
        let compared = if compared.is_empty() { compared } else { format!("（{compared}）") };
        format!("{name} {}{compared}", value.unwrap_or_default())
    };
    let facts: Vec<String> = reason.facts.iter().map(fact).collect();
    let title = teller.title(&reason.rule);
    format!("{number}. {title}：{}。依据：{}。", facts.join("，"), clause::read(&reason.clause).zh)
}
