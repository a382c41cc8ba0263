//! Keys: made, listed and revoked by administrators while the service runs.

use crate::domain::access::{Key, KeyText, Scope};
use crate::domain::code::CreditCode;
use crate::domain::time::{self, Instant, TimeFault, field};
use crate::domain::words::Role;
use crate::http::access::{Allowed, Gate, KeyringError, ManageKeys, NewKey};
use crate::http::body::Json;
use crate::http::fresh;
use crate::http::problem::{Code, Problem};
use crate::http::site::Site;
use crate::policy::Policies;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A key, without what would open a door.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct KeyInfo {
    /// Id.
    #[schema(value_type = String)]
    pub id: Uuid,
    /// Name shown in records.
    pub name: String,
    /// Role.
    #[schema(value_type = String)]
    pub role: Role,
    /// Malls it is for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub malls: Vec<String>,
    /// Sectors it is for; empty means all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sectors: Vec<String>,
    /// Division prefixes it is for; empty means all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub divisions: Vec<String>,
    /// Bank it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bank: Option<String>,
    /// Merchant whose log-in it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub merchant: Option<CreditCode>,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Instant,
    /// Not valid after this.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Instant>,
    /// When it was revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub revoked_at: Option<Instant>,
}

impl From<&Key> for KeyInfo {
    fn from(key: &Key) -> Self {
        let Scope { role, malls, sectors, divisions, bank, merchant } = key.scope.clone();
        Self {
            id: key.id,
            name: key.name.to_string(),
            role,
            malls,
            sectors,
            divisions,
            bank,
            merchant,
            created_at: key.created_at,
            expires_at: key.expires_at,
            revoked_at: key.revoked_at,
        }
    }
}

/// A key just made.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct KeyMade {
    /// The key itself. It is shown this once and stored nowhere.
    pub secret: String,
    /// What it is.
    #[serde(flatten)]
    pub key: KeyInfo,
    /// What its bearer sees, in Chinese: a limit that was left out limits nothing.
    pub sees_zh: String,
    /// The same in English.
    pub sees_en: String,
}

impl KeyMade {
    /// Returns what is told of a key that was just made.
    #[must_use]
    pub fn new(secret: &KeyText, key: &Key) -> Self {
        let (sees_zh, sees_en) = key.scope.told();
        Self { secret: secret.expose().to_owned(), key: KeyInfo::from(key), sees_zh, sees_en }
    }
}

/// A key to be made.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyWanted {
    /// Name shown in records, such as the office that gets it.
    pub name: String,
    /// Role.
    #[schema(value_type = String)]
    pub role: Role,
    /// Malls, for operators.
    #[serde(default)]
    pub malls: Vec<String>,
    /// Sectors, for regulators; empty means all.
    #[serde(default)]
    pub sectors: Vec<String>,
    /// Division prefixes, for regulators and the lead office; empty means all.
    #[serde(default)]
    pub divisions: Vec<String>,
    /// Bank, for custody banks.
    pub bank: Option<String>,
    /// Credit code, for a merchant's own log-in.
    #[schema(value_type = Option<String>)]
    pub merchant: Option<CreditCode>,
    /// Not valid after this.
    #[serde(default, deserialize_with = "field::expires_at")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Instant>,
}

/// Lists all keys, revoked ones too.
pub async fn list(_allowed: Allowed<ManageKeys>, gate: web::Data<Gate>) -> web::Json<Vec<KeyInfo>> {
    web::Json(gate.keyring.all().iter().map(|key| KeyInfo::from(&**key)).collect())
}

/// Makes a key.
///
/// # Errors
/// When it does not make sense, or the log did not take it.
pub async fn create(
    allowed: Allowed<ManageKeys>,
    gate: web::Data<Gate>,
    site: web::Data<Site>,
    request: HttpRequest,
    body: Json<KeyWanted>,
) -> Result<HttpResponse, Problem> {
    let KeyWanted { name, role, malls, sectors, divisions, bank, merchant, expires_at } = body.0;
    are_sectors(&site.policies(), &sectors)?;
    if let Some(at) = expires_at.filter(|at| !time::may_be_stated(*at)) {
        let text = at.to_string();
        return Err(super::wrong_time("expires_at", &text, &TimeFault::Outside(text.clone())));
    }
    let new = NewKey { name, scope: Scope { role, malls, sectors, divisions, bank, merchant }, expires_at };
    let (keyring, origin) = (gate.keyring.clone(), allowed.origin());
    let (text, key) = blocking(move || keyring.create(new, &origin)).await?;
    fresh::note(&request, *gate.keyring.seen().borrow());
    Ok(HttpResponse::Created().json(KeyMade::new(&text, &key)))
}

/// Checks that the sectors of a scope are some of the policies.
///
/// # Errors
/// One is not.
pub(crate) fn are_sectors(policies: &Policies, sectors: &[String]) -> Result<(), Problem> {
    let Some(unknown) = sectors.iter().find(|sector| policies.sectors.get(sector.trim()).is_none()) else {
        return Ok(());
    };
    let shown: String = unknown.chars().filter(|letter| !letter.is_control()).take(40).collect();
    let known: Vec<&str> = policies.sectors.all().iter().map(|sector| sector.id.as_str()).collect();
    let zh = format!("没有行业 `{shown}`；可用：`{}`", known.join("`、`"));
    let en = format!("there is no sector `{shown}`; use one of {}", known.join(", "));
    Err(Problem::new(Code::Refused, zh, en))
}

/// Why a key is revoked.
#[derive(Debug, Default, Deserialize)]
pub struct Reason {
    /// Shown in the record.
    pub reason: Option<String>,
}

/// Revokes a key; sessions begun with it end at once. Revoking it again changes nothing.
///
/// # Errors
/// When there is no such key, or the log did not take it.
pub async fn revoke(
    allowed: Allowed<ManageKeys>,
    gate: web::Data<Gate>,
    request: HttpRequest,
    id: web::Path<Uuid>,
    query: web::Query<Reason>,
) -> Result<HttpResponse, Problem> {
    let (keyring, origin) = (gate.keyring.clone(), allowed.origin());
    let reason = query.into_inner().reason.unwrap_or_else(|| "revoked over the API".to_owned());
    blocking(move || keyring.revoke(*id, &reason, &origin)).await?;
    fresh::note(&request, *gate.keyring.seen().borrow());
    Ok(HttpResponse::NoContent().finish())
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, KeyringError> + Send + 'static,
) -> Result<T, Problem> {
    web::block(work).await.map_err(|error| Problem::inside(Code::Unavailable, error))?.map_err(Problem::from)
}
