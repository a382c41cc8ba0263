//! A case: why, what is to be done by when, what was done, and the forms to do it.

use super::board::sector_name;
use super::filters::minute;
use super::sentence::{Teller, kind};
use super::tickets::{self, TicketGiven};
use super::{Pages, answer, line};
use crate::domain::case::{before_case, stranger, stream_of};
use crate::domain::code::CreditCode;
use crate::domain::command::{Command, HandleCase, RecordEnforcement};
use crate::domain::envelope::CloudEvent;
use crate::domain::event::SectorAssigned;
use crate::domain::time::{Day, Instant, day_of, deadline, start_of};
use crate::domain::words::{ActKind, CaseAction, CaseOutcome, Light, Role, TicketStep};
use crate::http::access::{Allowed, Caller, HandleCases, Permission as _, ReadCases, TrustedForm};
use crate::http::api::cases::{CaseGiven, DutyGiven};
use crate::http::api::commands::{execute_one, field};
use crate::http::api::merchants::events_about;
use crate::http::api::{filled, optional};
use crate::http::language::Language;
use crate::http::problem::{Code, FieldProblem, Problem};
use crate::http::site::{Site, rule};
use crate::picture::outbox::{DeliveryState, Summary};
use crate::policy::Policies;
use crate::policy::clause;
use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse, web};
use minijinja::value::Serde;
use minijinja::{Value, context};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Events looked through for what happened since the case opened.
const EVENTS: usize = 500;
/// Tickets shown.
const TICKETS: usize = 20;
/// Mails shown.
const MAILS: usize = 20;
/// Code of a name that nobody is known by.
const STRANGER: &str = "unknown_person";

/// A form of the page; blank fields count as absent.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct CaseForm {
    action: String,
    to: String,
    kind: String,
    date: String,
    due_on: String,
    number: String,
    duty: String,
    until: String,
    outcome: String,
    note: String,
    /// The name to give the case to is meant as written, though nobody here is known by it.
    unlisted: String,
    sector: String,
}

/// A form that was refused, with why.
#[derive(Debug)]
struct Refused {
    form: CaseForm,
    problem: Problem,
}

/// Returns the input of the page that a field of a refused form is filled in at.
fn input(form: &CaseForm, field: &str) -> String {
    match (form.action.as_str(), field) {
        ("act", "note" | "result") => "act-note".to_owned(),
        ("note", "note") => "note-text".to_owned(),
        ("waive" | "pause", "note") => format!("{}-{}", form.action, form.duty),
        ("pause", "until") => format!("until-{}", form.duty),
        ("assign" | "close", "note") => format!("{}-note", form.action),
        (_, "kind" | "date" | "due_on" | "number" | "to" | "outcome" | "sector") => field.to_owned(),
        _ => "duties".to_owned(),
    }
}

/// A case with what the page shows beside it.
struct Shown {
    case: CaseGiven,
    tickets: (usize, Vec<TicketGiven>),
    events: Vec<CloudEvent>,
    mails: Vec<Summary>,
    /// When the merchant objected to the light that stands, and what it says.
    disputed: Option<(Instant, String)>,
}

/// Shows a case.
///
/// # Errors
/// When there is no such case in scope.
pub async fn show(
    allowed: Allowed<ReadCases>,
    site: web::Data<Site>,
    pages: web::Data<Pages>,
    request: HttpRequest,
    alert: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let alert: Uuid = alert.parse().map_err(|_| Code::NotFound)?;
    draw(&site, &pages, &request, allowed.caller(), alert, None).await
}

/// Takes a form.
///
/// # Errors
/// When the form is not ours, there is no such case in scope, or the log did not take it. A refusal is shown on the page.
pub async fn post(
    allowed: Allowed<HandleCases>,
    site: web::Data<Site>,
    pages: web::Data<Pages>,
    request: HttpRequest,
    alert: web::Path<String>,
    form: TrustedForm<CaseForm>,
) -> Result<HttpResponse, Problem> {
    let alert: Uuid = alert.parse().map_err(|_| Code::NotFound)?;
    let about =
        site.view(allowed.scope(), |view| view.case(alert).map(|row| (row.case.credit_code, row.case.opened_at)));
    let (about, opened_at) =
        about.ok_or_else(|| Problem::new(Code::NotFound, "没有这项处置", "there is no such case"))?;
    let today = day_of(site.desk.now()).to_string();
    let recorded = async {
        may_be_meant(&site, &form.0, day_of(opened_at))?;
        for command in commands(&form.0, alert, about, &today)? {
            execute_one(&site, &request, allowed.caller(), allowed.origin(), command, None).await?;
        }
        Ok::<_, Problem>(())
    };
    match recorded.await {
        // Reloading the page after this sends nothing again.
        Ok(()) => Ok(HttpResponse::SeeOther().insert_header((LOCATION, format!("/cases/{alert}"))).finish()),
        Err(problem) if matches!(problem.code, Code::Refused | Code::OutOfScope | Code::InvalidParameter) => {
            let refused = Some(Refused { form: form.0, problem });
            Ok(super::refused(draw(&site, &pages, &request, allowed.caller(), alert, refused).await?))
        }
        Err(problem) => Err(problem),
    }
}

/// Holds back what is hardly meant: a case given to a name that nobody here is known by, until the box beside it is ticked; and an act
/// of a day before the case began, which would be recorded of the merchant and count for nothing here.
fn may_be_meant(site: &Site, form: &CaseForm, opened_on: Day) -> Result<(), Problem> {
    let to = form.to.trim();
    let assigns = form.action == CaseAction::Assign.name() && !to.is_empty() && form.unlisted.is_empty();
    let found = if assigns && !site.picture().keys.know(to) {
        stranger(to)
    } else if form.action == CaseAction::Act.name()
        && let Some(day) = optional::<Day>("date", Some(&form.date))?.filter(|day| *day < opened_on)
    {
        before_case(day)
    } else {
        return Ok(());
    };
    Err(Problem { code: Code::Refused, detail: None, fields: vec![field(found, None)] })
}

/// Returns what a form says. An act with an event of its own is recorded as that, so that it is evidence, too; what was found is
/// written down beside it.
fn commands(form: &CaseForm, alert: Uuid, about: CreditCode, today: &str) -> Result<Vec<Command>, Problem> {
    if let Some(sector) = filled(Some(&form.sector)) {
        let effective_on = optional("effective_on", Some(today))?.ok_or(Code::BadRequest)?;
        return Ok(vec![Command::AssignSector(SectorAssigned { credit_code: about, sector, effective_on })]);
    }
    let action: CaseAction = optional("action", Some(&form.action))?.ok_or(Code::BadRequest)?;
    let kind: Option<ActKind> = optional("kind", Some(&form.kind))?;
    let date = optional("date", Some(&form.date))?;
    let enforcement = kind.and_then(ActKind::enforcement).filter(|_| action == CaseAction::Act);
    if let Some(kind) = enforcement {
        let act = Command::RecordEnforcement(RecordEnforcement {
            credit_code: about,
            kind,
            date: date.map_or_else(|| optional("date", Some(today)), |day| Ok(Some(day)))?.ok_or(Code::BadRequest)?,
            due_on: optional("due_on", Some(&form.due_on))?,
            result: None,
            number: filled(Some(&form.number)),
        });
        let note = filled(Some(&form.note)).is_some().then(|| said(form, alert, about, CaseAction::Note));
        return [Some(Ok(act)), note].into_iter().flatten().collect();
    }
    Ok(vec![said(form, alert, about, action)?])
}

fn said(form: &CaseForm, alert: Uuid, credit_code: CreditCode, action: CaseAction) -> Result<Command, Problem> {
    Ok(Command::HandleCase(HandleCase {
        alert,
        credit_code,
        action,
        to: filled(Some(&form.to)),
        kind: optional("kind", Some(&form.kind))?,
        date: optional("date", Some(&form.date))?,
        duty: optional("duty", Some(&form.duty))?,
        until: optional("until", Some(&form.until))?,
        outcome: optional("outcome", Some(&form.outcome))?,
        note: filled(Some(&form.note)),
    }))
}

async fn draw(
    site: &web::Data<Site>,
    pages: &Pages,
    request: &HttpRequest,
    caller: &Caller,
    alert: Uuid,
    refused: Option<Refused>,
) -> Result<HttpResponse, Problem> {
    let shown = site
        .block(&caller.key, move |site, scope| {
            let found = site.view(scope, |view| {
                let row = view.case(alert)?;
                let waiting = TicketGiven::first(&view.tickets_of(row.case.credit_code), TICKETS, view.now);
                Some((row.case.credit_code, CaseGiven::new(row, view.now), waiting))
            });
            let (code, case, tickets) =
                found.ok_or_else(|| Problem::new(Code::NotFound, "没有这项处置", "there is no such case"))?;
            // An act is told by its day.
            let first = start_of(day_of(case.opened_at));
            let since = |event: &CloudEvent| event.time >= Some(first) && is_of_case(kind(event));
            let mut events: Vec<CloudEvent> = site
                .desk
                .log()
                .read_stream(&stream_of(alert), 0, EVENTS)?
                .iter()
                .map(|event| event.to_cloud_event())
                .collect();
            events.extend(events_about(site, scope, code, EVENTS)?.into_iter().filter(since));
            events.sort_by_key(|event| std::cmp::Reverse(event.position));
            events.dedup_by_key(|event| event.position);
            let disputed = site.view(scope, |view| {
                let said = view.objection(view.merchant(code)?)?;
                Some((said.at, said.text.to_string()))
            });
            let mails = site.picture().outbox.about(code, None).take(MAILS).cloned().collect();
            Ok(Shown { case, tickets, events, mails, disputed })
        })
        .await?;
    let (language, policies) = (Language::of(request), site.policies());
    let drawing = Drawing { pages, language, policies: &policies };
    let content = drawing.content(&shown, refused, caller, &day_of(site.desk.now()).to_string());
    answer(request, Some(caller), "case.html", "/cases", content)
}

/// Says whether an event of the merchant belongs to what happened in a case: its light, and what was done.
fn is_of_case(kind: &str) -> bool {
    let begins = ["enforcement.", "alert.", "light.objection_"].iter().any(|subject| kind.starts_with(subject));
    let is_handling = |step: &str| TicketStep::ALL.iter().any(|known| known.name() == step);
    begins
        || matches!(kind, "light.changed" | "merchant.replied")
        || kind.strip_prefix("complaint.").is_some_and(is_handling)
}

struct Drawing<'a> {
    pages: &'a Pages,
    language: Language,
    policies: &'a Policies,
}

impl Drawing<'_> {
    fn text(&self, section: &str, key: &str) -> String {
        self.pages.text(self.language, section, key).to_owned()
    }

    fn content(&self, shown: &Shown, refused: Option<Refused>, caller: &Caller, today: &str) -> Value {
        let case = &shown.case;
        let teller = Teller { pages: self.pages, policies: self.policies, language: self.language };
        let step = |event: &CloudEvent| {
            context! {
                at => event.recordedat.map(minute), text => teller.sentence(event),
                actor => event.actor.as_deref().map(|actor| teller.actor(actor)),
            }
        };
        let words = |names: Vec<&'static str>, prefix: &str| -> Vec<Value> {
            names
                .into_iter()
                .map(|name| context! { name, text => self.text("word", &format!("{prefix}{name}")) })
                .collect()
        };
        let (waiting, more_tickets) = tickets::shown(self.pages, self.language, &shown.tickets);
        let by_person = |outcome: &&CaseOutcome| **outcome != CaseOutcome::LightOut;
        context! {
            case => context! {
                alert => case.alert.to_string(), credit_code => case.credit_code.clone(), name => case.name.clone(),
                light => case.light.name(), worst => case.worst.name(), opened => minute(case.opened_at), reopened => case.reopened,
                sector => case.sector.as_deref().map(|id| sector_name(self.policies, id, self.language)),
                acknowledged => case.acknowledged_at.map(minute), holder => case.holder.clone(), late => case.late,
                closed => case.closed_at.map(minute),
                outcome => case.outcome.map(|outcome| self.text("word", &format!("outcome_{outcome}"))),
            },
            disputed => shown.disputed.as_ref().map(|(at, text)| context! { at => minute(*at), text => &**text }),
            duties => case.duties.iter().map(|duty| self.duty(duty)).collect::<Vec<_>>(),
            tickets => waiting, more_tickets,
            steps => shown.events.iter().map(step).collect::<Vec<_>>(),
            mails => shown.mails.iter().map(|mail| self.mail(mail)).collect::<Vec<_>>(),
            kinds => words(self.kinds(case), ""),
            outcomes => words(CaseOutcome::ALL.iter().filter(by_person).map(|outcome| outcome.name()).collect(), "outcome_"),
            asks_about => refused.as_ref().is_some_and(|refused| refused.problem.fields.iter().any(|field| field.code == STRANGER)),
            refused => refused.as_ref().map(|refused| self.refusal(refused)),
            sent => Value::from(Serde(refused.as_ref().map(|refused| refused.form.clone()).unwrap_or_default())),
            acts => super::acts::menu(self.pages, self.language, caller.key.scope.role, &case.credit_code, Some(case.alert), None),
            sectors => self.to_decide(case, caller),
            may_handle => HandleCases::is_of(caller.key.scope.role),
            me => &*caller.key.name, today,
        }
    }

    /// Returns the sectors among which the lead office decides, if that is to be decided.
    fn to_decide(&self, case: &CaseGiven, caller: &Caller) -> Vec<Value> {
        let is_open = case.sector.is_none() && case.closed_at.is_none();
        if !is_open || !matches!(caller.key.scope.role, Role::Lead | Role::Admin) {
            return Vec::new();
        }
        let sectors = self.policies.sectors.all().iter();
        sectors
            .map(|sector| context! { id => sector.id.clone(), text => self.language.pick(&sector.zh, &sector.en).to_owned() })
            .collect()
    }

    /// Returns the kinds of acts, those first that a standing duty waits for.
    fn kinds(&self, case: &CaseGiven) -> Vec<&'static str> {
        let wanted =
            |kind: &ActKind| case.duties.iter().any(|duty| duty.ended_at.is_none() && duty.acts.contains(kind));
        let mut kinds: Vec<&ActKind> = ActKind::ALL.iter().collect();
        kinds.sort_by_key(|kind| !wanted(kind));
        kinds.into_iter().map(|kind| kind.name()).collect()
    }

    fn duty(&self, duty: &DutyGiven) -> Value {
        let title = rule(self.policies, &duty.rule).map(|rule| self.language.pick(&rule.title.zh, &rule.title.en));
        let act = duty.act.map(|kind| self.text("word", kind.name()));
        let acts: Vec<String> = duty.acts.iter().map(|kind| self.text("word", kind.name())).collect();
        let source = clause::read(&duty.clause);
        context! {
            duty => duty.duty.to_string(), state => duty.state, state_text => self.text("duty", duty.state),
            what => self.language.pick(&duty.zh, &duty.en).to_owned(), who => self.text("duty", &format!("who_{}", duty.who)),
            rule => title.unwrap_or(&duty.rule).to_owned(), light => duty.light.name(),
            clause => self.language.pick(&source.zh, &source.en).to_owned(),
            arose => minute(duty.arose_at), due => duty.due_at.map(deadline), paused => duty.paused_until.map(deadline),
            reason => duty.reason.clone(), ended => duty.ended_at.map(minute), act, act_on => duty.act_on.map(|day| day.to_string()),
            acts => acts.join(self.language.pick("、", ", ")), is_red => duty.light.name() == "red",
        }
    }

    fn mail(&self, mail: &Summary) -> Value {
        let fates =
            DeliveryState::ALL.iter().map(|state| (state, mail.tally.of(*state))).filter(|(_, count)| *count > 0);
        let fates: Vec<String> =
            fates.map(|(state, count)| format!("{} {count}", self.text("fate", state.name()))).collect();
        let (from, to) = mail.lights().unzip();
        context! {
            at => minute(mail.requested_at), from => from.map(Light::name), to => to.map(Light::name), calls => mail.is_call(),
            fates => fates.join(self.language.pick("，", ", ")),
        }
    }

    fn refusal(&self, Refused { form, problem }: &Refused) -> Value {
        let line = |field: &FieldProblem| line(self.pages, self.language, field, Some(&input(form, &field.field)));
        context! {
            title => problem.code.title(self.language).to_owned(),
            lines => problem.fields.iter().map(line).collect::<Vec<_>>(),
        }
    }
}
