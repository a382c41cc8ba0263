//! Several cases at once: the same is done with each, or all that somebody has go to somebody else.

use super::commands::{CommandReceipt, execute_all, idempotency_key};
use crate::domain::command::{Command, HandleCase};
use crate::domain::words::CaseAction;
use crate::http::access::{Allowed, HandleCases};
use crate::http::body::Json;
use crate::http::problem::Problem;
use crate::http::site::Site;
use crate::views::View;
use crate::views::cases::CaseFilter;
use actix_web::{HttpRequest, web};
use serde::Deserialize;
use uuid::Uuid;

/// Cases that are handled in one go at most.
pub(crate) const MOST: usize = 500;

/// A hand-over of all that somebody has.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HandOver {
    /// Who has the cases; the caller if left out.
    #[serde(default)]
    pub from: Option<String>,
    /// Who gets them.
    pub to: String,
    /// Why.
    #[serde(default)]
    pub note: Option<String>,
}

/// Hands over every open case in scope that somebody has, 500 at most at a time.
///
/// # Errors
/// When the log did not take it. Each case has its receipt.
pub async fn post(
    allowed: Allowed<HandleCases>,
    site: web::Data<Site>,
    request: HttpRequest,
    body: Json<HandOver>,
) -> Result<web::Json<Vec<CommandReceipt>>, Problem> {
    let key = idempotency_key(&request)?;
    let HandOver { from, to, note } = body.0;
    let from = from.unwrap_or_else(|| allowed.caller().key.name.to_string());
    let commands = site.view(allowed.scope(), |view| held_by(view, &from, &Done::assign(to, note)));
    execute_all(&site, &request, allowed.caller(), allowed.origin(), commands, key).await.map(web::Json)
}

/// What is done with each of several cases.
#[derive(Debug, Clone)]
pub(crate) struct Done {
    /// What.
    pub action: CaseAction,
    /// Who gets them.
    pub to: Option<String>,
    /// Why.
    pub note: Option<String>,
}

impl Done {
    /// Returns the giving of cases to somebody.
    pub(crate) const fn assign(to: String, note: Option<String>) -> Self {
        Self { action: CaseAction::Assign, to: Some(to), note }
    }

    fn with(&self, alert: Uuid, credit_code: crate::domain::code::CreditCode) -> Command {
        Command::HandleCase(HandleCase {
            alert,
            credit_code,
            action: self.action,
            to: self.to.clone(),
            kind: None,
            date: None,
            duty: None,
            until: None,
            outcome: None,
            note: self.note.clone(),
        })
    }
}

/// Returns what is said of every open case that somebody has.
pub(crate) fn held_by(view: &View<'_>, holder: &str, done: &Done) -> Vec<Command> {
    let filter = CaseFilter { holder: Some(holder.to_owned()), ..CaseFilter::default() };
    let (_, held) = view.cases(&filter, 0, MOST);
    held.into_iter().map(|row| done.with(row.case.id, row.case.credit_code)).collect()
}

/// Returns what is said of cases that were chosen; those out of scope are passed over.
pub(crate) fn chosen(view: &View<'_>, alerts: &[Uuid], done: &Done) -> Vec<Command> {
    let seen = alerts.iter().take(MOST).filter_map(|alert| view.case(*alert));
    seen.map(|row| done.with(row.case.id, row.case.credit_code)).collect()
}
