//! Administration (系统管理): people and their roles, keys of machines, what is in force, and who did what.

use super::account::{blocking, nothing};
use super::filters::minute;
use super::{Pages, answer, told};
use crate::domain::access::{Key, Scope};
use crate::domain::envelope::Position;
use crate::domain::time::Instant;
use crate::domain::words::Role;
use crate::http::access::{Administer, Allowed, Caller, Gate, NewKey, TrustedForm};
use crate::http::api::keys::are_sectors;
use crate::http::language::Language;
use crate::http::problem::{Code, Problem};
use crate::http::publishing::Publishing;
use crate::http::site::Site;
use actix_web::{HttpRequest, HttpResponse, web};
use minijinja::{Value, context};
use serde::Deserialize;
use std::sync::Arc;
use uuid::Uuid;

/// Where it is found.
pub(super) const PLACE: &str = "/admin";
/// Where people are.
const USERS: &str = "/admin/users";
/// Where keys are.
const KEYS: &str = "/admin/keys";
/// Events of the record that are shown at once.
const STEPS: Position = 100;

/// What of the record is shown.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Record {
    /// Events before this position.
    before: Option<Position>,
}

/// A form about a person or a key.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct AdminForm {
    /// `add`, `change`, `link`, `remove` (people); `create`, `revoke` (keys).
    action: String,
    id: String,
    name: String,
    role: String,
    malls: String,
    sectors: String,
    divisions: String,
    bank: String,
    merchant: String,
    reason: String,
}

/// Shows what is in force, and what was done.
///
/// # Errors
/// When the log cannot be read, or the page cannot be drawn.
pub async fn show(
    allowed: Allowed<Administer>,
    site: web::Data<Site>,
    gate: web::Data<Gate>,
    request: HttpRequest,
    query: web::Query<Record>,
) -> Result<HttpResponse, Problem> {
    let picture = site.picture();
    let policies = &picture.policies;
    let (newest, now) = (picture.position, gate.clock.now());
    let last = query.before.map_or(newest, |before| before.saturating_sub(1).min(newest));
    let first = last.saturating_sub(STEPS);
    let read = site.block(&allowed.caller().key, move |site, _| {
        let count = usize::try_from(last - first).unwrap_or_default();
        Ok(site.desk.log().read_all(first, count)?)
    });
    let steps: Vec<Value> = read
        .await?
        .iter()
        .rev()
        .map(|step| {
            context! {
                position => step.position, at => minute(step.recorded_at), actor => &*step.event.actor,
                what => &*step.event.event_type, stream => &*step.stream,
            }
        })
        .collect();
    let valid = gate.keyring.all().iter().filter(|key| key.is_valid(now)).count();
    let content = context! {
        pack => &*policies.pack.id, rules => policies.pack.rules.len(),
        sectors => policies.sectors.all().iter().map(|sector| sector.id.clone()).collect::<Vec<_>>(),
        people => gate.keyring.accounts().states(now).len(), keys => valid, position => newest,
        steps, older => (first > 0).then_some(first + 1),
    };
    answer(&request, Some(allowed.caller()), "admin.html", PLACE, content)
}

/// Shows the people who have accounts.
///
/// # Errors
/// When the page cannot be drawn.
pub async fn users(
    allowed: Allowed<Administer>,
    gate: web::Data<Gate>,
    pages: web::Data<Pages>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    draw_users(allowed.caller(), &gate, &pages, &request, nothing(), None, &AdminForm::default())
}

/// Adds a person, gives another role, makes a new link, or takes an account away.
///
/// # Errors
/// When the form is not ours, or log or file do not take it. What is refused is told on the page.
pub async fn change_user(
    allowed: Allowed<Administer>,
    site: web::Data<Site>,
    gate: web::Data<Gate>,
    pages: web::Data<Pages>,
    request: HttpRequest,
    form: TrustedForm<AdminForm>,
) -> Result<HttpResponse, Problem> {
    let TrustedForm(form) = form;
    let origin = allowed.origin();
    let sent = form.clone();
    let changed = match &*form.action {
        "add" => match scope(&form, &site) {
            Ok(scope) => {
                blocking(&gate, move |keyring| keyring.add_person(form.name.trim(), scope, &origin).map(Some)).await
            }
            Err(problem) => Err(problem),
        },
        "change" => match scope(&form, &site).and_then(|scope| Ok((scope, id(&form)?))) {
            Ok((scope, id)) => {
                blocking(&gate, move |keyring| keyring.change_person(id, scope, "another role", &origin).map(|_| None))
                    .await
            }
            Err(problem) => Err(problem),
        },
        "link" => {
            let id = id(&form)?;
            blocking(&gate, move |keyring| keyring.invite_person_again(id, &origin).map(Some)).await
        }
        "remove" => {
            let id = id(&form)?;
            blocking(&gate, move |keyring| keyring.remove_person(id, &form.reason, &origin).map(|()| None)).await
        }
        _ => Err(Code::BadRequest.into()),
    };
    let caller = allowed.caller();
    match changed {
        Ok(token) => {
            let link = token.map(|token| {
                let path = format!("/welcome?token={token}");
                let publishing = request.app_data::<web::Data<Publishing>>();
                publishing.map_or_else(|| path.clone(), |publishing| publishing.address(&path))
            });
            let once = context! { link, name => &*sent.name };
            draw_users(caller, &gate, &pages, &request, once, None, &AdminForm::default())
        }
        Err(problem) => {
            told(problem, &request, |wrong| draw_users(caller, &gate, &pages, &request, nothing(), wrong, &sent))
        }
    }
}

/// Shows the keys of machines, and those of people.
///
/// # Errors
/// When the page cannot be drawn.
pub async fn keys(
    allowed: Allowed<Administer>,
    gate: web::Data<Gate>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    draw_keys(allowed.caller(), &gate, &request, nothing(), None, &AdminForm::default())
}

/// Makes a key, which is shown this once, or revokes one.
///
/// # Errors
/// When the form is not ours, or the log does not take it. What is refused is told on the page.
pub async fn change_key(
    allowed: Allowed<Administer>,
    site: web::Data<Site>,
    gate: web::Data<Gate>,
    request: HttpRequest,
    form: TrustedForm<AdminForm>,
) -> Result<HttpResponse, Problem> {
    let TrustedForm(form) = form;
    let (origin, sent, language) = (allowed.origin(), form.clone(), Language::of(&request));
    let changed = match &*form.action {
        "create" => match scope(&form, &site) {
            Ok(scope) => {
                let new = NewKey { name: form.name.clone(), scope, expires_at: None };
                let made = blocking(&gate, move |keyring| keyring.create(new, &origin)).await;
                made.map(|(text, key)| {
                    let (zh, en) = key.scope.told();
                    context! { secret => text.expose(), name => &*key.name, sees => language.pick(&zh, &en) }
                })
            }
            Err(problem) => Err(problem),
        },
        "revoke" => {
            let id = id(&form)?;
            // What opens an account is taken away with it.
            if gate.keyring.accounts().of_key(id, gate.clock.now()).is_some() {
                return Err(Problem::new(
                    Code::Refused,
                    "这是个人账号的密钥；请在用户页停用该账号",
                    "this is a person's; take the account away on the page of people",
                ));
            }
            blocking(&gate, move |keyring| keyring.revoke(id, &form.reason, &origin)).await.map(|()| nothing())
        }
        _ => Err(Code::BadRequest.into()),
    };
    let caller = allowed.caller();
    match changed {
        Ok(once) => draw_keys(caller, &gate, &request, once, None, &AdminForm::default()),
        Err(problem) => told(problem, &request, |wrong| draw_keys(caller, &gate, &request, nothing(), wrong, &sent)),
    }
}

fn id(form: &AdminForm) -> Result<Uuid, Problem> {
    form.id.parse().map_err(|_| Code::BadRequest.into())
}

/// Returns the scope of a form: lists are written with commas between.
fn scope(form: &AdminForm, site: &Site) -> Result<Scope, Problem> {
    let list = |text: &str| -> Vec<String> {
        text.split([',', '，', '、', ';', '；', '\n'])
            .map(str::trim)
            .filter(|item| !item.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let role: Role = form.role.parse().map_err(|_| Problem::new(Code::Refused, "请选择角色", "choose a role"))?;
    let sectors = list(&form.sectors);
    are_sectors(&site.policies(), &sectors)?;
    let bank = Some(form.bank.trim().to_owned()).filter(|bank| !bank.is_empty());
    let merchant = match form.merchant.trim() {
        "" => None,
        text => Some(text.parse().map_err(|_| {
            let shown: String = text.chars().take(40).collect();
            let zh = format!("`{shown}` 不是统一社会信用代码：应为 18 位数字和大写字母");
            Problem::new(
                Code::Refused,
                zh,
                format_args!("`{shown}` is not a credit code of 18 digits and capital letters"),
            )
        })?),
    };
    Ok(Scope { role, malls: list(&form.malls), sectors, divisions: list(&form.divisions), bank, merchant })
}

/// Returns a key as a row: who, since when, what it sees.
fn row(key: &Key, language: Language, now: Instant) -> Value {
    let (zh, en) = key.scope.told();
    let list = |items: &[String]| items.join(", ");
    context! {
        id => key.id.to_string(), name => &*key.name, role => key.scope.role.name(), sees => language.pick(&zh, &en),
        created => minute(key.created_at), valid => key.is_valid(now), revoked => key.revoked_at.map(minute),
        malls => list(&key.scope.malls), sectors => list(&key.scope.sectors), divisions => list(&key.scope.divisions),
        bank => key.scope.bank.clone(), merchant => key.scope.merchant.map(|code| code.to_string()),
    }
}

fn typed(form: &AdminForm) -> Value {
    context! {
        name => &*form.name, role => &*form.role, malls => &*form.malls, sectors => &*form.sectors, divisions => &*form.divisions,
        bank => &*form.bank, merchant => &*form.merchant,
    }
}

fn roles() -> Vec<&'static str> {
    Role::ALL.iter().map(|role| role.name()).collect()
}

fn draw_users(
    caller: &Caller,
    gate: &Gate,
    pages: &Pages,
    request: &HttpRequest,
    once: Value,
    wrong: Option<String>,
    sent: &AdminForm,
) -> Result<HttpResponse, Problem> {
    let (language, now) = (Language::of(request), gate.clock.now());
    let all: Vec<Arc<Key>> = gate.keyring.all();
    let people: Vec<Value> = gate
        .keyring
        .accounts()
        .states(now)
        .iter()
        .filter_map(|person| {
            let key = all.iter().find(|key| key.id == person.key)?;
            let state = match (person.locked_until, person.invited_until, person.has_password) {
                (Some(until), ..) => pages.filled(language, "admin", "locked", &[("until", &minute(until))]),
                (_, Some(until), _) => pages.filled(language, "admin", "invited", &[("until", &minute(until))]),
                (_, _, true) => pages.text(language, "admin", "active").to_owned(),
                (_, _, false) => pages.text(language, "admin", "link_over").to_owned(),
            };
            Some(context! { key => row(key, language, now), state, authenticator => person.has_authenticator })
        })
        .collect();
    let content = context! { people, roles => roles(), once, wrong, sent => typed(sent) };
    answer(request, Some(caller), "admin-users.html", USERS, content)
}

fn draw_keys(
    caller: &Caller,
    gate: &Gate,
    request: &HttpRequest,
    once: Value,
    wrong: Option<String>,
    sent: &AdminForm,
) -> Result<HttpResponse, Problem> {
    let (language, now) = (Language::of(request), gate.clock.now());
    let people: Vec<Uuid> = gate.keyring.accounts().states(now).iter().map(|person| person.key).collect();
    // What is over stands behind what opens doors.
    let mut all: Vec<Arc<Key>> = gate.keyring.all();
    all.retain(|key| !people.contains(&key.id));
    all.sort_by_key(|key| !key.is_valid(now));
    let keys: Vec<Value> = all.iter().map(|key| row(key, language, now)).collect();
    let content = context! { keys, roles => roles(), once, wrong, sent => typed(sent) };
    answer(request, Some(caller), "admin-keys.html", KEYS, content)
}
