//! Cases: lights that are followed up, with their duties. What is done with one is a command (`handle_case`).

use super::{Paging, optional};
use crate::domain::case::{Case, Duty, End};
use crate::domain::time::{Day, Instant};
use crate::domain::words::{ActKind, CaseOutcome, Light};
use crate::http::access::{Allowed, ReadCases};
use crate::http::problem::{Code, Problem};
use crate::http::site::Site;
use crate::views::cases::{CaseFilter, CaseRow};
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Which cases.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Query {
    /// `true`: also those that ended.
    pub ended: Option<String>,
    /// `true`: with a late duty only.
    pub late: Option<String>,
    /// `true`: of merchants whose sector is to be decided only (`assign_sector`).
    pub undetermined: Option<String>,
    /// `true`: those that the caller has.
    pub mine: Option<String>,
    /// About one merchant only.
    pub credit_code: Option<String>,
    /// Of a form of the page: how many cases it changed.
    pub changed: Option<usize>,
    /// Of how many.
    pub of: Option<usize>,
    /// Page.
    pub page: Option<usize>,
    /// Items on a page.
    pub per_page: Option<usize>,
}

impl Query {
    /// Returns what is asked for; `me` is the caller's name.
    ///
    /// # Errors
    /// When a parameter is wrong.
    pub fn filter(&self, me: &str) -> Result<CaseFilter, Problem> {
        let flag = |name: &str, text: &Option<String>| optional(name, text.as_deref()).map(Option::unwrap_or_default);
        let mine: bool = flag("mine", &self.mine)?;
        Ok(CaseFilter {
            ended: flag("ended", &self.ended)?,
            late: flag("late", &self.late)?,
            undetermined: flag("undetermined", &self.undetermined)?,
            holder: mine.then(|| me.to_owned()),
            credit_code: optional("credit_code", self.credit_code.as_deref())?,
        })
    }

    /// Returns which page is asked for.
    #[must_use]
    pub const fn paging(&self) -> Paging {
        Paging { page: self.page, per_page: self.per_page }
    }
}

/// A duty of a case.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct DutyGiven {
    /// Which.
    #[schema(value_type = String)]
    pub duty: Uuid,
    /// `open`, `taken`, `waiting`, `late`, `escalated`, `done`, `waived` or `fallen_away`.
    pub state: &'static str,
    /// What to do, Chinese.
    pub zh: String,
    /// What to do, English.
    pub en: String,
    /// Who: `sector` or `mall`.
    pub who: String,
    /// Rule it comes from.
    pub rule: String,
    /// Light the rule asks for.
    #[schema(value_type = String)]
    pub light: Light,
    /// Clause or source.
    pub clause: String,
    /// Acts that fulfil it.
    #[schema(value_type = Vec<String>)]
    pub acts: Vec<ActKind>,
    /// When it arose.
    #[schema(value_type = String, format = DateTime)]
    pub arose_at: Instant,
    /// Last instant for it, a pause counted in; absent if it has no clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub due_at: Option<Instant>,
    /// End of a pause.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub paused_until: Option<Instant>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Instant>,
    /// The act that fulfilled it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub act: Option<ActKind>,
    /// Day of that act.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    pub act_on: Option<Day>,
    /// Event that ended it: the act, or the light change its rule fell away with.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub ended_by: Option<Uuid>,
    /// Why it was let be, or is put off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl DutyGiven {
    fn new(case: &Case, duty: &Duty, now: Instant) -> Self {
        let paused = || duty.pause.as_ref().map(|pause| pause.reason.clone());
        let (ended_at, act, ended_by, reason) = match &duty.end {
            Some(End::Done { act, kind, day, at }) => (Some(*at), Some((*kind, *day)), Some(*act), None),
            Some(End::Waived { reason, at }) => (Some(*at), None, None, Some(reason.clone())),
            Some(End::FallenAway { change, at }) => (Some(*at), None, Some(*change), None),
            None => (None, None, None, paused()),
        };
        let said = duty.arisen.clone();
        Self {
            duty: said.duty,
            state: case.state_of(duty, now).name(),
            zh: said.zh,
            en: said.en,
            who: said.who,
            rule: said.rule,
            light: said.light,
            clause: said.clause,
            acts: said.acts,
            arose_at: duty.at,
            due_at: duty.due_at(),
            paused_until: duty.pause.as_ref().map(|pause| pause.until),
            ended_at,
            act: act.map(|(kind, _)| kind),
            act_on: act.map(|(_, day)| day),
            ended_by,
            reason,
        }
    }
}

/// A case.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct CaseGiven {
    /// Which.
    #[schema(value_type = String)]
    pub alert: Uuid,
    /// About whom.
    pub credit_code: String,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Sector it is routed to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sector: Option<String>,
    /// The merchant's light now.
    #[schema(value_type = String)]
    pub light: Light,
    /// The worst light since it opened.
    #[schema(value_type = String)]
    pub worst: Light,
    /// When it opened.
    #[schema(value_type = String, format = DateTime)]
    pub opened_at: Instant,
    /// How often it opened again.
    pub reopened: u32,
    /// When it was acknowledged.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub acknowledged_at: Option<Instant>,
    /// Who has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holder: Option<String>,
    /// Soonest last instant of the duties that stand.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub due_at: Option<Instant>,
    /// One of them is late.
    pub late: bool,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub closed_at: Option<Instant>,
    /// How it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub outcome: Option<CaseOutcome>,
    /// What somebody has to do, and had to, oldest first.
    pub duties: Vec<DutyGiven>,
}

impl CaseGiven {
    /// Returns a case as it stands at `now`.
    #[must_use]
    pub fn new(CaseRow { case, name }: CaseRow<'_>, now: Instant) -> Self {
        Self {
            alert: case.id,
            credit_code: case.credit_code.to_string(),
            name: name.map(str::to_owned),
            sector: case.sector.clone(),
            light: case.light,
            worst: case.worst,
            opened_at: case.opened_at,
            reopened: case.reopened,
            acknowledged_at: case.acknowledged_at,
            holder: case.holder.clone(),
            due_at: case.due_at(),
            late: case.is_late(now),
            closed_at: case.closed.map(|closed| closed.at),
            outcome: case.closed.map(|closed| closed.outcome),
            duties: case.duties.iter().map(|duty| DutyGiven::new(case, duty, now)).collect(),
        }
    }
}

/// A page of cases.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct CasePage {
    /// Cases found in all.
    pub total: usize,
    /// Those on this page.
    pub items: Vec<CaseGiven>,
}

/// Lists cases in scope.
///
/// # Errors
/// When a parameter is wrong.
pub async fn list(
    allowed: Allowed<ReadCases>,
    site: web::Data<Site>,
    query: web::Query<Query>,
) -> Result<HttpResponse, Problem> {
    let (filter, (skip, take)) = (query.filter(&allowed.caller().key.name)?, query.paging().window()?);
    site.ask_for_json(&allowed.caller().key, move |view| {
        let (total, found) = view.cases(&filter, skip, take);
        Ok(CasePage { total, items: found.into_iter().map(|row| CaseGiven::new(row, view.now)).collect() })
    })
    .await
}

/// Shows one case.
///
/// # Errors
/// When there is no such case in scope.
pub async fn get(
    allowed: Allowed<ReadCases>,
    site: web::Data<Site>,
    alert: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let alert: Uuid = alert.parse().map_err(|_| Code::NotFound)?;
    let given = site.view(allowed.scope(), |view| view.case(alert).map(|row| CaseGiven::new(row, view.now)));
    Ok(HttpResponse::Ok()
        .json(given.ok_or_else(|| Problem::new(Code::NotFound, "没有这项处置", "there is no such case"))?))
}
