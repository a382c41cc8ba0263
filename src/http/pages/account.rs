//! A person's own account: the first password by a link, another password, an authenticator.

use super::login::begin;
use super::{Pages, answer, qr, told};
use crate::http::access::accounts::{AccountsError, otpauth};
use crate::http::access::{Allowed, Gate, Keyring, KeyringError, ReadLights, TrustedForm};
use crate::http::language::Language;
use crate::http::problem::{Code, Problem};
use crate::http::site::Cookies;
use actix_web::{HttpRequest, HttpResponse, web};
use minijinja::{Value, context};
use serde::Deserialize;
use std::sync::Arc;

/// Where a person finds the own account.
pub(super) const PLACE: &str = "/account";

/// A link to the first password.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Link {
    token: String,
}

/// The form of the first password.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct WelcomeForm {
    token: String,
    password: String,
    again: String,
}

/// A form of the own account.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct AccountForm {
    /// `password`, `offer`, `confirm` or `drop`.
    action: String,
    present: String,
    password: String,
    again: String,
    code: String,
}

/// Shows the form of the first password.
///
/// # Errors
/// The link does not count, or the page cannot be drawn.
pub async fn welcome(
    request: HttpRequest,
    gate: web::Data<Gate>,
    link: web::Query<Link>,
) -> Result<HttpResponse, Problem> {
    let (name, _) = invited(&gate, &link.token)?;
    answer(&request, None, "welcome.html", "", context! { name, link => &*link.token, wrong => () })
}

fn invited(gate: &Gate, token: &str) -> Result<(String, uuid::Uuid), Problem> {
    let found = gate.keyring.accounts().invited(token, gate.clock.now());
    found.ok_or_else(|| KeyringError::from(AccountsError::NoInvitation).into())
}

/// Takes the first password, and begins a session.
///
/// # Errors
/// The link does not count, or the page cannot be drawn. A password that will not do is told on the page.
pub async fn set_first(
    request: HttpRequest,
    gate: web::Data<Gate>,
    cookies: web::Data<Cookies>,
    form: web::Form<WelcomeForm>,
) -> Result<HttpResponse, Problem> {
    let (name, _) = invited(&gate, &form.token)?;
    let set = if form.password == form.again {
        let (token, password) = (form.token.clone(), form.password.clone());
        let now = gate.clock.now();
        blocking(&gate, move |keyring| Ok(keyring.accounts().welcome(&token, &password, now)?)).await
    } else {
        Err(differ())
    };
    match set {
        Ok(key) => begin(
            &request,
            &gate,
            &cookies,
            &*gate.keyring.by_id(key).map_err(super::super::access::refused)?,
            super::today::PLACE,
            None,
        ),
        Err(problem) => told(problem, &request, |wrong| {
            answer(&request, None, "welcome.html", "", context! { name, link => &*form.token, wrong })
        }),
    }
}

fn differ() -> Problem {
    Problem::new(Code::Refused, "两次填写的密码不同", "the two passwords differ")
}

/// What is shown this once.
#[derive(Default)]
struct Once {
    /// Secret of an authenticator, to be confirmed.
    secret: Option<String>,
    codes: Vec<String>,
    done: &'static str,
}

/// Shows the own account.
///
/// # Errors
/// When the page cannot be drawn.
pub async fn show(
    allowed: Allowed<ReadLights>,
    gate: web::Data<Gate>,
    pages: web::Data<Pages>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    draw(&allowed, &gate, &pages, &request, Once::default(), None)
}

/// Changes it.
///
/// # Errors
/// When the form is not ours, or log or file do not take it. What is refused is told on the page.
pub async fn post(
    allowed: Allowed<ReadLights>,
    gate: web::Data<Gate>,
    pages: web::Data<Pages>,
    cookies: web::Data<Cookies>,
    request: HttpRequest,
    form: TrustedForm<AccountForm>,
) -> Result<HttpResponse, Problem> {
    let TrustedForm(form) = form;
    let (key, origin, now) = (allowed.caller().key.id, allowed.origin(), gate.clock.now());
    if gate.keyring.accounts().of_key(key, now).is_none() {
        return Err(KeyringError::from(AccountsError::NotFound).into());
    }
    let (lock, confirms) = (gate.throttle.lock(), form.action == "confirm");
    let changed = match &*form.action {
        "password" if form.password != form.again => Err(differ()),
        "password" => {
            let changed = blocking(&gate, move |keyring| {
                let accounts = keyring.accounts();
                accounts.confirm(key, &form.present, lock, now)?;
                accounts.set_password(key, &form.password, now)?;
                keyring.renew_person(key, "the password was changed", &origin)
            });
            match changed.await {
                // Every session is over; this one begins anew.
                Ok(key) => return begin(&request, &gate, &cookies, &key, PLACE, None),
                Err(problem) => Err(problem),
            }
        }
        "offer" => {
            let offered = blocking(&gate, move |keyring| {
                keyring.accounts().confirm(key, &form.present, lock, now)?;
                Ok(keyring.accounts().offer_authenticator(key)?)
            });
            offered.await.map(|secret| Once { secret: Some(secret), ..Once::default() })
        }
        "confirm" => {
            let confirmed =
                blocking(&gate, move |keyring| Ok(keyring.accounts().confirm_authenticator(key, &form.code, now)?));
            confirmed.await.map(|codes| Once { codes, done: "authenticator_on", ..Once::default() })
        }
        "drop" => {
            let dropped = blocking(&gate, move |keyring| {
                keyring.accounts().confirm(key, &form.present, lock, now)?;
                Ok(keyring.accounts().drop_authenticator(key)?)
            });
            dropped.await.map(|()| Once { done: "authenticator_off", ..Once::default() })
        }
        _ => Err(Code::BadRequest.into()),
    };
    match changed {
        Ok(once) => draw(&allowed, &gate, &pages, &request, once, None),
        Err(problem) => told(problem, &request, |wrong| {
            // A code may be mistyped: what it confirms is shown again.
            let secret = confirms.then(|| gate.keyring.accounts().offered(key)).flatten();
            draw(&allowed, &gate, &pages, &request, Once { secret, ..Once::default() }, wrong)
        }),
    }
}

fn draw(
    allowed: &Allowed<ReadLights>,
    gate: &Gate,
    pages: &Pages,
    request: &HttpRequest,
    once: Once,
    wrong: Option<String>,
) -> Result<HttpResponse, Problem> {
    let (language, now, caller) = (Language::of(request), gate.clock.now(), allowed.caller());
    let account = gate.keyring.accounts().of_key(caller.key.id, now);
    let (zh, en) = caller.key.scope.told();
    let drawn = |secret: &String| {
        let name = account.as_ref().map_or("", |account| &account.name);
        qr::svg(&otpauth(name, secret), pages.text(language, "account", "qr"))
    };
    let content = context! {
        account => account.as_ref().map(|account| context! {
            name => &*account.name, authenticator => account.has_authenticator, recovery_left => account.recovery_left,
        }),
        sees => language.pick(&zh, &en),
        done => Some(once.done).filter(|done| !done.is_empty()).map(|done| pages.text(language, "account", done)),
        qr => once.secret.as_ref().and_then(drawn), secret => once.secret, codes => once.codes, wrong,
    };
    answer(request, Some(caller), "account.html", PLACE, content)
}

/// Works on accounts where hashing and the disk hold up nobody.
pub(super) async fn blocking<T: Send + 'static>(
    gate: &Gate,
    work: impl FnOnce(&Keyring) -> Result<T, KeyringError> + Send + 'static,
) -> Result<T, Problem> {
    let keyring: Arc<Keyring> = gate.keyring.clone();
    let done = web::block(move || work(&keyring)).await.map_err(|error| Problem::inside(Code::Unavailable, error))?;
    done.map_err(Problem::from)
}

/// Returns a context value that is nothing.
pub(super) fn nothing() -> Value {
    Value::from(())
}
