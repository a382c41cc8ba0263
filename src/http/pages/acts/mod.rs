//! Acts about a merchant: one page for every form ([`forms`]), without a script.

mod forms;
mod reading;
#[cfg(test)]
mod tests;

use super::board::sector_name;
use super::{Pages, answer, field_name, line, spoken};
use crate::domain::access::Scope;
use crate::domain::code::CreditCode;
use crate::domain::envelope::Position;
use crate::domain::ticket;
use crate::domain::time::{day_of, local};
use crate::domain::words::{Channel, Role};
use crate::http::access::{Allowed, Caller, Record, TrustedForm};
use crate::http::api::commands::{Status, execute_one};
use crate::http::language::Language;
use crate::http::problem::{Code, FieldProblem, Problem};
use crate::http::site::Site;
use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse, web};
use forms::{ActForm, Field, GROUPS, Kind, exists, offered};
use minijinja::{Value, context};
use reading::{Filled, SECTORS, input};
use uuid::Uuid;

/// Tickets offered for choosing, newest first; any other can be typed.
const TICKETS: usize = 50;

/// What a page shows beside the form.
#[derive(Debug, Default)]
struct After {
    filled: Filled,
    said: Option<&'static str>,
    wrong: Vec<FieldProblem>,
    refused: Option<Code>,
}

/// Shows what can be recorded about a merchant, and the form that was chosen.
///
/// # Errors
/// When there is no such merchant in the caller's scope, or nothing for this role to record.
pub async fn show(
    allowed: Allowed<Record>,
    site: web::Data<Site>,
    pages: web::Data<Pages>,
    request: HttpRequest,
    code: web::Path<String>,
    query: web::Query<Filled>,
) -> Result<HttpResponse, Problem> {
    let code: CreditCode = code.parse().map_err(|_| Code::NotFound)?;
    let filled = query.into_inner();
    let said = match filled.get("said").map(String::as_str) {
        Some("done") => Some("done"),
        Some("unchanged") => Some("unchanged"),
        _ => None,
    };
    draw(&site, &pages, &request, allowed.caller(), code, &After { filled, said, ..After::default() })
}

/// Takes a form.
///
/// # Errors
/// When the form is not ours, not this role's, or the log did not take it. A refusal is shown on the page, the form filled in as it was.
pub async fn post(
    allowed: Allowed<Record>,
    site: web::Data<Site>,
    pages: web::Data<Pages>,
    request: HttpRequest,
    code: web::Path<String>,
    form: TrustedForm<Filled>,
) -> Result<HttpResponse, Problem> {
    let code: CreditCode = code.parse().map_err(|_| Code::NotFound)?;
    let filled = form.0;
    let role = allowed.scope().role;
    let act = chosen(role, &filled).ok_or_else(|| match filled.get("act").is_some_and(|id| exists(id)) {
        true => Problem::new(Code::Forbidden, "此事项不由您的单位办理", "this act is not for your office to record"),
        false => Problem::new(Code::BadRequest, "没有此事项", "there is no such act"),
    })?;
    site.view(allowed.scope(), |view| view.merchant(code).map(|_| ())).ok_or(Code::NotFound)?;
    let recorded = match reading::command(act, code, &filled) {
        Ok(command) => execute_one(&site, &request, allowed.caller(), allowed.origin(), command, None).await,
        Err(fields) => Err(Problem { code: Code::Refused, detail: None, fields }),
    };
    match recorded {
        Ok(receipt) => {
            let said = if receipt.status == Status::Unchanged { "unchanged" } else { "done" };
            let case = case_of(&filled).map(|case| format!("&case={case}")).unwrap_or_default();
            // Reloading the page after this sends nothing again.
            let next = format!("/merchants/{code}/acts?said={said}{case}");
            Ok(HttpResponse::SeeOther().insert_header((LOCATION, next)).finish())
        }
        Err(problem) if matches!(problem.code, Code::Refused | Code::OutOfScope) => {
            let after = After { filled, said: None, wrong: problem.fields, refused: Some(problem.code) };
            Ok(super::refused(draw(&site, &pages, &request, allowed.caller(), code, &after)?))
        }
        Err(problem) => Err(problem),
    }
}

/// Returns the form that is named, if the role is offered it.
fn chosen(role: Role, filled: &Filled) -> Option<&'static ActForm> {
    let id = filled.get("act")?;
    offered(role).find(|form| form.id == id)
}

/// Returns the case that the page was opened from.
fn case_of(filled: &Filled) -> Option<Uuid> {
    filled.get("case")?.parse().ok()
}

/// Returns the acts that a role is offered about a merchant, in groups, each with the way to its form.
pub(super) fn menu(
    pages: &Pages,
    language: Language,
    role: Role,
    code: &str,
    case: Option<Uuid>,
    current: Option<&str>,
) -> Vec<Value> {
    let text = |key: &str| pages.text(language, "acts", key).to_owned();
    let case = case.map(|case| format!("&case={case}")).unwrap_or_default();
    let link = |form: &ActForm| {
        context! {
            path => format!("/merchants/{code}/acts?act={}{case}#form", form.id), text => text(&format!("act_{}", form.id)),
            chosen => current == Some(form.id),
        }
    };
    let group = |group: &&str| {
        let acts: Vec<Value> = offered(role).filter(|form| form.group == *group).map(link).collect();
        (!acts.is_empty()).then(|| context! { title => text(&format!("group_{group}")), acts })
    };
    GROUPS.iter().filter_map(group).collect()
}

/// What is known beforehand about a merchant, for its forms.
struct Known {
    name: Option<String>,
    person: Option<(String, String)>,
    tickets: Vec<String>,
    malls: Vec<String>,
}

fn known(site: &Site, scope: &Scope, code: CreditCode) -> Option<Known> {
    site.view(scope, |view| {
        let merchant = view.merchant(code)?;
        let reader = view.reader(merchant);
        let seen = |complaint: &&crate::domain::evidence::Complaint| {
            complaint.undone.is_none() && reader.sees_complaint(complaint)
        };
        let tickets = merchant.complaints.iter().rev().filter(seen).take(TICKETS);
        let mut malls: Vec<String> = merchant.shops.iter().map(|shop| shop.name.mall.clone()).collect();
        malls.retain(|mall| !mall.is_empty() && scope.sees_shop_in(mall));
        malls.sort();
        malls.dedup();
        Some(Known {
            name: merchant.name(Position::MAX).map(str::to_owned),
            person: merchant.representative(Position::MAX).map(|(name, digest)| (name.to_owned(), digest.to_owned())),
            tickets: tickets.map(|complaint| ticket::number(complaint).to_owned()).collect(),
            malls,
        })
    })
}

fn draw(
    site: &Site,
    pages: &Pages,
    request: &HttpRequest,
    caller: &Caller,
    code: CreditCode,
    after: &After,
) -> Result<HttpResponse, Problem> {
    let (language, scope) = (Language::of(request), &caller.key.scope);
    let known = known(site, scope, code).ok_or(Code::NotFound)?;
    let form = chosen(scope.role, &after.filled);
    let case = case_of(&after.filled);
    let drawing = Drawing { site, pages, language, scope, known: &known, after };
    let text = |key: &str| pages.text(language, "acts", key).to_owned();
    let content = context! {
        credit_code => code.as_str(), name => known.name.clone(), case => case.map(|case| case.to_string()),
        groups => menu(pages, language, scope.role, code.as_str(), case, form.map(|form| form.id)),
        said => after.said.map(text), refused => after.refused.map(|code| code.title(language)),
        wrong => after.wrong.iter().map(|field| drawing.line(field)).collect::<Vec<_>>(),
        form => form.map(|form| context! {
            id => form.id, title => text(&format!("act_{}", form.id)), help => text(&format!("help_{}", form.id)),
            fields => form.fields.iter().flat_map(|field| drawing.inputs(field)).collect::<Vec<_>>(),
        }),
        tickets => known.tickets.clone(),
    };
    answer(request, Some(caller), "acts.html", "/", content)
}

/// Returns a name as a label begins.
fn capital(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

struct Drawing<'a> {
    site: &'a Site,
    pages: &'a Pages,
    language: Language,
    scope: &'a Scope,
    known: &'a Known,
    after: &'a After,
}

impl Drawing<'_> {
    fn line(&self, field: &FieldProblem) -> Value {
        line(self.pages, self.language, field, Some(input(&field.field)))
    }

    /// Returns the inputs of a field: one, or of several sectors so many.
    fn inputs(&self, field: &Field) -> Vec<Value> {
        let label = capital(field_name(self.pages, self.language, field.name));
        if !matches!(field.kind, Kind::Sectors) {
            return vec![self.input(field, field.name, label, field.needed)];
        }
        // A joint check is of two sectors at least.
        let several = SECTORS.iter().zip(1..);
        several.map(|(name, place)| self.input(field, name, format!("{label} {place}"), place <= 2)).collect()
    }

    fn input(&self, field: &Field, name: &str, label: String, needed: bool) -> Value {
        let sent = self.after.refused.is_some();
        let typed = self.after.filled.get(name).cloned();
        let value = typed.filter(|typed| sent || !typed.is_empty());
        let value = value.or_else(|| (!sent).then(|| self.beforehand(field)).flatten()).unwrap_or_default();
        let wrong = self.after.wrong.iter().find(|problem| input(&problem.field) == name);
        let options = self.options(field).map(|options| {
            options.into_iter().map(|(word, text)| context! { chosen => word == value, word, text }).collect::<Vec<_>>()
        });
        let control = match field.kind {
            Kind::Day | Kind::DayAhead => "date",
            Kind::Time => "datetime-local",
            Kind::Prose => "prose",
            Kind::Ticket => "ticket",
            Kind::Money => "money",
            _ if options.is_some() => "choice",
            _ => "text",
        };
        context! {
            name, label, value, needed, control, options,
            hint => self.pages.text(self.language, "acts", &format!("hint_{}", field.name)),
            wrong => wrong.map(|problem| spoken(self.pages, self.language, problem.message(self.language))),
        }
    }

    /// Returns what can be chosen, as word and text; `None` for what is typed.
    fn options(&self, field: &Field) -> Option<Vec<(String, String)>> {
        let word = |section: &str, key: &str| self.pages.text(self.language, section, key).to_owned();
        Some(match field.kind {
            Kind::Choice(prefix, words) => words
                .iter()
                // A mall speaks of what came in there.
                .filter(|name| {
                    self.scope.role != Role::Operator || field.name != "channel" || **name == Channel::Mall.name()
                })
                .map(|name| ((*name).to_owned(), word("word", &format!("{prefix}{name}"))))
                .collect(),
            Kind::Flag => ["yes", "no"].map(|answer| (answer.to_owned(), word("acts", answer))).to_vec(),
            Kind::Sectors => {
                let policies = self.site.policies();
                let named = |id: &String| (id.clone(), sector_name(&policies, id, self.language));
                policies.sectors.all().iter().map(|sector| named(&sector.id)).collect()
            }
            _ => return None,
        })
    }

    /// Returns what a field begins with.
    fn beforehand(&self, field: &Field) -> Option<String> {
        let now = self.site.desk.now();
        let only = |all: &[String]| if let [one] = all { Some(one.clone()) } else { None };
        match (field.kind, field.name) {
            (Kind::Day, _) if field.needed => Some(day_of(now).to_string()),
            (Kind::Time, _) if field.needed => Some(local(now).strftime("%Y-%m-%dT%H:%M").to_string()),
            (_, "person") => self.known.person.as_ref().map(|(name, _)| name.clone()),
            (_, "person_digest") => self.known.person.as_ref().map(|(_, digest)| digest.clone()),
            (_, "mall") => only(&self.known.malls),
            (_, "bank") => self.scope.bank.clone(),
            (_, "ticket") if field.needed => only(&self.known.tickets),
            _ => None,
        }
    }
}
