//! Exit notices: what stands, and the forms to post, amend and withdraw.

use super::{Pages, answer};
use crate::domain::command::{Command, RecordExit};
use crate::domain::time::{self, Day, day_of};
use crate::domain::words::{ExitAction, Role};
use crate::http::access::{Allowed, Caller, Permission as _, PostExits, ReadExits, TrustedForm};
use crate::http::api::commands::{Status, execute_one};
use crate::http::api::exits::ExitState;
use crate::http::api::filled;
use crate::http::api::merchants::events_about;
use crate::http::front::encode;
use crate::http::language::Language;
use crate::http::problem::{Code, FieldProblem, Problem};
use crate::http::site::Site;
use actix_web::http::StatusCode;
use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse, web};
use minijinja::{Value, context};
use serde::Deserialize;

/// Events looked through for what a notice says about refunds.
const EVENTS: usize = 500;

/// What the page has to say after a form.
#[derive(Debug, Default, Deserialize)]
pub struct Said {
    #[serde(default)]
    said: String,
}

/// A form of the page; blank fields count as absent.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ExitForm {
    action: String,
    credit_code: String,
    mall: String,
    unit: String,
    date: String,
    planned_on: String,
    refund_plan: String,
    reason: String,
    new_unit: bool,
}

/// Shows the page.
///
/// # Errors
/// When it cannot be drawn.
pub async fn show(
    allowed: Allowed<ReadExits>,
    site: web::Data<Site>,
    pages: web::Data<Pages>,
    request: HttpRequest,
    query: web::Query<Said>,
) -> Result<HttpResponse, Problem> {
    let language = Language::of(&request);
    let said = match query.said.as_str() {
        key @ ("done" | "unchanged") => Some(context! { good => true, text => pages.text(language, "mall", key) }),
        _ => None,
    };
    draw(&site, &pages, &request, allowed.caller(), said, &ExitForm::default()).await
}

/// Takes a form: posts, amends or withdraws a notice.
///
/// # Errors
/// When the form is not ours or the log did not take it. A refusal is shown on the page, the form filled in as it was.
pub async fn post(
    allowed: Allowed<PostExits>,
    site: web::Data<Site>,
    pages: web::Data<Pages>,
    request: HttpRequest,
    form: TrustedForm<ExitForm>,
) -> Result<HttpResponse, Problem> {
    let TrustedForm(form) = form;
    let recorded = match command(&form, day_of(site.desk.now())) {
        Ok(command) => execute_one(&site, &request, allowed.caller(), allowed.origin(), command, None).await,
        Err(fields) => Err(Problem { code: Code::Refused, detail: None, fields }),
    };
    match recorded {
        Ok(receipt) => {
            let said = if receipt.status == Status::Unchanged { "unchanged" } else { "done" };
            // Reloading the page after this sends nothing again.
            Ok(HttpResponse::SeeOther().insert_header((LOCATION, format!("/mall?said={said}"))).finish())
        }
        Err(problem) if matches!(problem.code, Code::Refused | Code::OutOfScope) => {
            let language = Language::of(&request);
            let list: Vec<String> = problem.fields.iter().map(|field| field.message(language).to_owned()).collect();
            let said = context! { good => false, text => problem.code.title(language), list };
            let kept = if form.action == "post" { form } else { ExitForm::default() };
            let mut page = draw(&site, &pages, &request, allowed.caller(), Some(said), &kept).await?;
            *page.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
            Ok(page)
        }
        Err(problem) => Err(problem),
    }
}

fn command(form: &ExitForm, today: Day) -> Result<Command, Vec<FieldProblem>> {
    let mut problems = Vec::new();
    let action = match form.action.as_str() {
        "post" => ExitAction::Post,
        "amend" => ExitAction::Amend,
        "withdraw" => ExitAction::Withdraw,
        other => return Err(vec![wrong("action", other, "没有此操作", "there is no such action")]),
    };
    let code = form.credit_code.parse().map_err(|error: crate::domain::code::CreditCodeError| {
        problems.push(wrong(
            "credit_code",
            &form.credit_code,
            "统一社会信用代码应为18位数字和大写字母（不含I、O、S、V、Z）",
            &error.to_string(),
        ));
    });
    let mut day = |field: &str, text: &str| -> Option<Day> {
        let text = text.trim();
        if text.is_empty() {
            return None;
        }
        time::day(text).map_err(|fault| problems.push(wrong(field, text, &fault.zh(), &fault.to_string()))).ok()
    };
    let (date, planned_on) = (day("date", &form.date), day("planned_on", &form.planned_on));
    match code {
        Ok(credit_code) if problems.is_empty() => Ok(Command::RecordExit(RecordExit {
            credit_code,
            mall: filled(Some(&form.mall)),
            unit: filled(Some(&form.unit)),
            action,
            date: date.unwrap_or(today),
            planned_on,
            refund_plan: filled(Some(&form.refund_plan)),
            reason: filled(Some(&form.reason)),
            new_unit: form.new_unit,
        })),
        _ => Err(problems),
    }
}

fn wrong(field: &str, value: &str, zh: &str, en: &str) -> FieldProblem {
    FieldProblem {
        index: None,
        field: field.to_owned(),
        code: "unreadable".to_owned(),
        value: value.to_owned(),
        zh: zh.to_owned(),
        en: en.to_owned(),
    }
}

async fn draw(
    site: &Site,
    pages: &Pages,
    request: &HttpRequest,
    caller: &Caller,
    said: Option<Value>,
    form: &ExitForm,
) -> Result<HttpResponse, Problem> {
    let language = Language::of(request);
    let notices = site
        .block(&caller.key, move |site, scope| {
            site.view(scope, |view| {
                let today = day_of(view.now);
                let exits = view.exits(None).into_iter().map(|row| ExitState::new(row, today));
                Ok(exits.filter(|exit| exit.state == "announced").collect::<Vec<_>>())
            })
        })
        .await?;
    let scope = &caller.key.scope;
    let own_malls = (scope.role == Role::Operator).then(|| scope.malls.clone());
    let content = context! {
        said,
        notices => notices.iter().map(|notice| shown(notice, pages, language)).collect::<Vec<_>>(),
        may_post => PostExits::ROLES.contains(&scope.role),
        own_malls,
        today => day_of(site.desk.now()).to_string(),
        form => context! {
            credit_code => form.credit_code.clone(), mall => form.mall.clone(), unit => form.unit.clone(), date => form.date.clone(),
            planned_on => form.planned_on.clone(), refund_plan => form.refund_plan.clone(), reason => form.reason.clone(), new_unit => form.new_unit,
        },
    };
    answer(request, Some(caller), "mall.html", "/mall", content)
}

fn shown(notice: &ExitState, pages: &Pages, language: Language) -> Value {
    let late = notice.days_left.unwrap_or_default().saturating_neg().to_string();
    context! {
        credit_code => notice.credit_code.clone(), name => notice.name.clone(), mall => notice.mall.clone(), unit => notice.unit.clone(),
        first_posted => notice.first_posted.clone(), planned_on => notice.planned_on.clone(), days_left => notice.days_left,
        notice_days => notice.notice_days, overdue => pages.filled(language, "mall", "overdue", &[("count", &late)]),
        query => format!(
            "credit_code={}&mall={}&unit={}", notice.credit_code, encode(&notice.mall), encode(&notice.unit)
        ),
    }
}

/// Which shop's notice.
#[derive(Debug, Deserialize)]
pub struct Which {
    credit_code: String,
    #[serde(default)]
    mall: String,
    #[serde(default)]
    unit: String,
}

/// Shows a standing notice as a sheet to print and hang up.
///
/// # Errors
/// When no such notice stands in the caller's scope.
pub async fn sheet(
    allowed: Allowed<ReadExits>,
    site: web::Data<Site>,
    pages: web::Data<Pages>,
    request: HttpRequest,
    query: web::Query<Which>,
) -> Result<HttpResponse, Problem> {
    let language = Language::of(&request);
    let which = query.into_inner();
    let today = day_of(site.desk.now());
    let (notice, refund_plan) = site
        .block(&allowed.caller().key, move |site, scope| {
            let fits = |exit: &ExitState| {
                exit.credit_code == which.credit_code && exit.mall == which.mall && exit.unit == which.unit
            };
            let exits = site.view(scope, |view| view.exits(None));
            let mut states = exits.into_iter().map(|row| ExitState::new(row, today));
            let notice = states.find(|exit| fits(exit) && exit.state == "announced").ok_or(Code::NotFound)?;
            let code = notice.credit_code.parse().map_err(|_| Code::NotFound)?;
            let events = events_about(site, scope, code, EVENTS)?;
            let plan = events.iter().filter(|event| event.event_type.contains("mall.exit_notice_")).find_map(|event| {
                let part = |name: &str| event.data.get(name).and_then(|part| part.as_str()).unwrap_or_default();
                (part("mall") == which.mall && part("unit") == which.unit)
                    .then(|| filled(Some(&part("refund_plan").to_owned())))
                    .flatten()
            });
            Ok((notice, plan))
        })
        .await?;
    let planned = notice.planned_on.clone().unwrap_or_default();
    let merchant = notice.name.as_deref().unwrap_or(&notice.credit_code);
    let content = context! {
        line => pages.filled(language, "sheet", "line", &[("merchant", merchant), ("planned", &planned)]),
        notice => context! {
            credit_code => notice.credit_code.clone(), mall => notice.mall.clone(), unit => notice.unit.clone(),
            first_posted => notice.first_posted.clone(), planned_on => planned, refund_plan,
        },
        today => today.to_string(),
    };
    answer(&request, Some(allowed.caller()), "sheet.html", "/mall", content)
}
