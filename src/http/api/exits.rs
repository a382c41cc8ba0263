//! Exit notices (撤店公示).

use super::commands::{CommandReceipt, execute_one, idempotency_key};
use super::{credit_code, filled};
use crate::domain::code::CreditCode;
use crate::domain::command::{Command, RecordExit};
use crate::domain::exit::Exit;
use crate::domain::time::{Day, day_of, field};
use crate::domain::words::ExitAction;
use crate::http::access::{Allowed, PostExits, ReadExits};
use crate::http::body::Json;
use crate::http::problem::Problem;
use crate::http::site::Site;
use crate::views::exits::ExitRow;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};

/// Which notices.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Query {
    /// One mall only.
    pub mall: Option<String>,
}

/// A shop that leaves or has closed.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct ExitState {
    /// Tenant.
    pub credit_code: String,
    /// Its name; absent if it is not in the register.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Mall; empty for a street shop.
    pub mall: String,
    /// Unit; may be empty.
    pub unit: String,
    /// `announced` or `closed`.
    pub state: &'static str,
    /// Day the first notice of this exit was posted, if announced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_posted: Option<String>,
    /// Planned last day, if announced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub planned_on: Option<String>,
    /// Days until then; negative once it has passed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days_left: Option<i64>,
    /// Days from the first notice to the planned day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notice_days: Option<i64>,
    /// Day of closing, if closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed_on: Option<String>,
    /// If closed: a notice stood on the day before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub was_announced: Option<bool>,
}

impl ExitState {
    pub(crate) fn new(row: ExitRow, today: Day) -> Self {
        let countdown = row.countdown(today);
        let closed = match row.exit {
            Exit::Closed { on, announced } => Some((on, announced)),
            _ => None,
        };
        Self {
            credit_code: row.credit_code.to_string(),
            name: row.name,
            mall: row.shop.mall,
            unit: row.shop.unit,
            state: if closed.is_some() { "closed" } else { "announced" },
            first_posted: countdown.map(|countdown| countdown.first_posted.to_string()),
            planned_on: countdown.map(|countdown| countdown.planned_on.to_string()),
            days_left: countdown.map(|countdown| countdown.days_left),
            notice_days: countdown.map(|countdown| countdown.notice_days),
            closed_on: closed.map(|(on, _)| on.to_string()),
            was_announced: closed.map(|(_, announced)| announced.is_some()),
        }
    }
}

/// Exits.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Exits {
    /// Standing notices by planned day, then closed shops, latest first.
    pub items: Vec<ExitState>,
}

/// Lists exits.
///
/// # Errors
/// When too much is asked at once, or it takes too long.
pub async fn list(
    allowed: Allowed<ReadExits>,
    site: web::Data<Site>,
    query: web::Query<Query>,
) -> Result<HttpResponse, Problem> {
    let mall = filled(query.mall.as_ref());
    site.ask_for_json(&allowed.caller().key, move |view| {
        let today = day_of(view.now);
        Ok(Exits { items: view.exits(mall.as_deref()).into_iter().map(|row| ExitState::new(row, today)).collect() })
    })
    .await
}

/// A notice to be posted.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewNotice {
    /// Tenant.
    #[schema(value_type = String)]
    pub credit_code: CreditCode,
    /// Mall; absent for a street shop.
    pub mall: Option<String>,
    /// Unit.
    pub unit: Option<String>,
    /// Day of the step; today if absent.
    #[serde(default, deserialize_with = "field::date")]
    #[schema(value_type = Option<String>, format = Date)]
    pub date: Option<Day>,
    /// Planned last day.
    #[serde(deserialize_with = "field::planned_on")]
    #[schema(value_type = String, format = Date)]
    pub planned_on: Day,
    /// How customers get their money back.
    pub refund_plan: Option<String>,
    /// Why the step is dated before today; needed then.
    pub reason: Option<String>,
    /// The merchant has known shops in this mall, and this is another one.
    #[serde(default)]
    pub new_unit: bool,
}

/// A step of the standing notice of a shop: what is amended, or which shop's notice is withdrawn.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// Mall; absent for a street shop.
    pub mall: Option<String>,
    /// Unit.
    pub unit: Option<String>,
    /// Day of the step; today if absent.
    #[serde(default, deserialize_with = "field::date")]
    #[schema(value_type = Option<String>, format = Date)]
    pub date: Option<Day>,
    /// Planned last day; not for a withdrawal.
    #[serde(default, deserialize_with = "field::planned_on")]
    #[schema(value_type = Option<String>, format = Date)]
    pub planned_on: Option<Day>,
    /// How customers get their money back.
    pub refund_plan: Option<String>,
    /// Why the step is dated before today; needed then.
    pub reason: Option<String>,
}

/// Posts a notice.
///
/// # Errors
/// When it is refused, or the log did not take it.
pub async fn post(
    allowed: Allowed<PostExits>,
    site: web::Data<Site>,
    request: HttpRequest,
    body: Json<NewNotice>,
) -> Result<web::Json<CommandReceipt>, Problem> {
    let NewNotice { credit_code, mall, unit, date, planned_on, refund_plan, reason, new_unit } = body.0;
    let notice = Notice { mall, unit, date, planned_on: Some(planned_on), refund_plan, reason };
    step(&allowed, &site, &request, credit_code, ExitAction::Post, (notice, new_unit)).await
}

/// Amends the standing notice.
///
/// # Errors
/// As for [`post`].
pub async fn amend(
    allowed: Allowed<PostExits>,
    site: web::Data<Site>,
    request: HttpRequest,
    code: web::Path<String>,
    body: Json<Notice>,
) -> Result<web::Json<CommandReceipt>, Problem> {
    step(&allowed, &site, &request, credit_code(&code)?, ExitAction::Amend, (body.0, false)).await
}

/// Withdraws the standing notice.
///
/// # Errors
/// As for [`post`].
pub async fn withdraw(
    allowed: Allowed<PostExits>,
    site: web::Data<Site>,
    request: HttpRequest,
    code: web::Path<String>,
    body: Json<Notice>,
) -> Result<web::Json<CommandReceipt>, Problem> {
    step(&allowed, &site, &request, credit_code(&code)?, ExitAction::Withdraw, (body.0, false)).await
}

async fn step(
    allowed: &Allowed<PostExits>,
    site: &Site,
    request: &HttpRequest,
    credit_code: CreditCode,
    action: ExitAction,
    (notice, new_unit): (Notice, bool),
) -> Result<web::Json<CommandReceipt>, Problem> {
    let key = idempotency_key(request)?;
    let command = Command::RecordExit(RecordExit {
        credit_code,
        mall: filled(notice.mall.as_ref()),
        unit: filled(notice.unit.as_ref()),
        action,
        date: notice.date.unwrap_or_else(|| day_of(site.desk.now())),
        planned_on: notice.planned_on,
        refund_plan: filled(notice.refund_plan.as_ref()),
        reason: filled(notice.reason.as_ref()),
        new_unit,
    });
    execute_one(site, request, allowed.caller(), allowed.origin(), command, key).await.map(web::Json)
}
