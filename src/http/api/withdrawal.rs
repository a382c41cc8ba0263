//! Taking an import back (撤回导入): what would change, and the withdrawal itself.

use super::imports::may_see;
use crate::domain::access::{Key, Scope};
use crate::domain::envelope::Origin;
use crate::domain::time::Instant;
use crate::domain::words::Role;
use crate::http::access::{Allowed, Import};
use crate::http::fresh;
use crate::http::problem::{Code, FieldProblem, Problem};
use crate::http::site::Site;
use crate::picture::imports::Withdrawn;
use crate::taking::withdrawal::{Change, Leaning, Told, Withdrawal, WithdrawalError, foresee, withdraw};
use actix_web::{HttpRequest, web};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use uuid::Uuid;

/// Why an import is withdrawn.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WithdrawImport {
    /// Why, in at most 500 characters; it stays on record.
    pub reason: String,
}

/// What withdrawing an import comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ImportWithdrawal {
    /// The import.
    #[schema(value_type = String)]
    pub id: Uuid,
    /// Names of the files that it took in whole.
    pub files: Vec<String>,
    /// How many events count no longer.
    pub events: u64,
    /// How many merchants they are about.
    pub merchants: u64,
    /// How many tickets they are about.
    pub tickets: u64,
    /// Lights that change by it, of merchants in the caller's scope, by credit code; none once lights have followed.
    pub lights: Vec<LightChange>,
    /// How many more change.
    pub more_lights: u64,
    /// Rows of files taken later that said what stood already: up to so many rested on this import, and are recorded nowhere. Those
    /// files are to be handed in again, under another name.
    pub leaning_rows: u64,
    /// Those files, for callers for whom nothing is out of scope.
    pub leaning: Vec<LeaningFile>,
    /// When, by whom and why it was withdrawn; absent if it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<WithdrawnGiven>,
}

/// A light that changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LightChange {
    /// Credit code of the merchant.
    pub credit_code: String,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The light as last recorded.
    pub from: String,
    /// The light as it becomes.
    pub to: String,
}

/// A file with rows that may have rested on an import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LeaningFile {
    /// Its name.
    pub file: String,
    /// So many rows.
    pub rows: u64,
}

/// How an import was withdrawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct WithdrawnGiven {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Instant,
    /// By whom.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// Tells what withdrawing an import would change.
///
/// # Errors
/// When there is none of that id that the caller may withdraw, or part of it is out of scope.
pub async fn get(
    allowed: Allowed<Import>,
    site: web::Data<Site>,
    id: web::Path<Uuid>,
) -> Result<web::Json<ImportWithdrawal>, Problem> {
    Ok(web::Json(foreseen(&site, &allowed.caller().key, *id).await?))
}

/// Withdraws an import.
///
/// # Errors
/// As for [`get`]; when the reason is missing, or the log did not take it.
pub async fn post(
    allowed: Allowed<Import>,
    site: web::Data<Site>,
    request: HttpRequest,
    id: web::Path<Uuid>,
    body: web::Json<WithdrawImport>,
) -> Result<web::Json<ImportWithdrawal>, Problem> {
    let reason = body.into_inner().reason;
    let withdrawal = withdrawn(&site, &request, &allowed.caller().key, allowed.origin(), *id, reason).await?;
    Ok(web::Json(withdrawal))
}

/// Returns what withdrawing an import would change, for the bearer of a key.
///
/// # Errors
/// As for [`get`].
pub(crate) async fn foreseen(site: &Site, key: &Arc<Key>, id: Uuid) -> Result<ImportWithdrawal, Problem> {
    may_withdraw(site, key, id)?;
    site.block(key, move |site, scope| {
        Ok(foresee(&site.picture(), &**site.desk.log(), scope, site.desk.now(), id)?.into())
    })
    .await
}

/// Withdraws an import in the name of the bearer of a key.
///
/// # Errors
/// As for [`post`].
pub(crate) async fn withdrawn(
    site: &Site,
    request: &HttpRequest,
    key: &Arc<Key>,
    origin: Origin,
    id: Uuid,
    reason: String,
) -> Result<ImportWithdrawal, Problem> {
    may_withdraw(site, key, id)?;
    let done = move |site: &Site, scope: &Scope| {
        let done = withdraw(&site.desk, scope, &origin, id, &reason)?;
        Ok((done.withdrawn.as_ref().map_or(0, |told| told.position), done.into()))
    };
    let (position, withdrawal) = site.block(key, done).await?;
    fresh::note(request, position);
    Ok(withdrawal)
}

/// Says whether the bearer of a key may withdraw what was handed in: the one who handed it in, the lead office, an administrator. That
/// all of it is in scope is looked at where it is read.
pub(crate) fn is_theirs(site: &Site, key: &Key, id: Uuid) -> bool {
    let own = site.tray.record(id).is_some_and(|record| record.key == Some(key.id));
    own || matches!(key.scope.role, Role::Lead | Role::Admin)
}

fn may_withdraw(site: &Site, key: &Key, id: Uuid) -> Result<(), Problem> {
    let record = site.tray.record(id);
    if !is_theirs(site, key, id) {
        // Whoever may read what became of it is told that it is not theirs to withdraw; for everybody else it is not there.
        return Err(match record.is_some_and(|record| may_see(&record, key)) {
            true => Problem::new(
                Code::Forbidden,
                "只有报送人、专班办公室和管理员可以撤回导入",
                "an import is withdrawn by who handed it in, by the lead office or by an administrator",
            ),
            false => WithdrawalError::NotFound(id).into(),
        });
    }
    if record.is_some_and(|record| !record.state.is_at_rest()) {
        let zh = "该文件还在登记中；请在登记结束后撤回";
        return Err(Problem::new(Code::Conflict, zh, "the file is still being taken; withdraw it when that has ended"));
    }
    Ok(())
}

impl From<WithdrawalError> for Problem {
    fn from(error: WithdrawalError) -> Self {
        let (zh, en) = (error.zh(), error.to_string());
        let code = match error {
            WithdrawalError::Desk(error) => return error.into(),
            WithdrawalError::NotFound(_) => Code::NotFound,
            WithdrawalError::OutOfScope => Code::OutOfScope,
            WithdrawalError::NoReason | WithdrawalError::Reason { .. } => {
                let code = if matches!(error, WithdrawalError::NoReason) { "missing" } else { "text" };
                let field = FieldProblem::new("reason", code, "", &*zh, &*en);
                return Self { fields: vec![field], ..Self::new(Code::Refused, zh, en) };
            }
        };
        Self::new(code, zh, en)
    }
}

impl From<Withdrawal> for ImportWithdrawal {
    fn from(withdrawal: Withdrawal) -> Self {
        let Withdrawal { import, files, events, merchants, tickets, more_lights, leaning_rows, .. } = withdrawal;
        let light = |Change { credit_code, name, from, to }| LightChange {
            credit_code: credit_code.to_string(),
            name,
            from: from.name().to_owned(),
            to: to.name().to_owned(),
        };
        let leaning = withdrawal.leaning.into_iter().map(|Leaning { file, rows }| LeaningFile { file, rows });
        Self {
            id: import,
            files,
            events,
            merchants,
            tickets,
            lights: withdrawal.lights.into_iter().map(light).collect(),
            more_lights,
            leaning_rows,
            leaning: leaning.collect(),
            withdrawn: withdrawal.withdrawn.map(|Told { at, by, reason, .. }| WithdrawnGiven { at, by, reason }),
        }
    }
}

impl From<&Withdrawn> for WithdrawnGiven {
    fn from(withdrawn: &Withdrawn) -> Self {
        let Withdrawn { at, by, reason, .. } = withdrawn;
        Self { at: *at, by: by.to_string(), reason: reason.to_string() }
    }
}
