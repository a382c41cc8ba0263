//! Logging in and out.

use super::{Pages, answer, today};
use crate::domain::envelope::Origin;
use crate::http::access::{Gate, SESSION_COOKIE, TrustedForm, address, caller, refused};
use crate::http::demo;
use crate::http::kept::{self, Kept};
use crate::http::language::Language;
use crate::http::problem::{Code, Problem};
use crate::http::publishing::Publishing;
use crate::http::site::Cookies;
use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::StatusCode;
use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse, web};
use minijinja::{Value, context};
use serde::Deserialize;
use uuid::Uuid;

/// Where to go after logging in.
#[derive(Debug, Deserialize)]
pub struct Destination {
    #[serde(default)]
    next: String,
}

/// The log-in form.
#[derive(Debug, Deserialize)]
pub struct LogIn {
    key: String,
    #[serde(default)]
    next: String,
    /// A form that was sent when the session had ended, and where.
    #[serde(default)]
    kept: String,
    #[serde(default)]
    kept_path: String,
}

/// The log-out form has only its token.
#[derive(Debug, Deserialize)]
pub struct LogOut {}

/// Shows the form.
///
/// # Errors
/// When the page cannot be drawn.
pub async fn form(request: HttpRequest, query: web::Query<Destination>) -> Result<HttpResponse, Problem> {
    let content = content(&request, destination(&query.next), "", None);
    answer(&request, None, "login.html", "", content)
}

fn content(request: &HttpRequest, next: &str, refused: &str, kept: Option<&Kept>) -> Value {
    let kept = kept.map(|kept| context! { path => &*kept.path, fields => &*kept.fields });
    context! { next, refused, kept, guests => demo::guests(request), tour_start => demo::tour_start(request), publishes => Publishing::of(request).is_some() }
}

/// Takes a key and begins a session.
///
/// # Errors
/// When the machine has no randomness, or the page cannot be drawn. A refused key is shown on the page.
pub async fn log_in(
    request: HttpRequest,
    gate: web::Data<Gate>,
    cookies: web::Data<Cookies>,
    form: web::Form<LogIn>,
) -> Result<HttpResponse, Problem> {
    let next = destination(&form.next);
    let kept =
        (!form.kept.is_empty()).then(|| Kept { path: local(&form.kept_path).to_owned(), fields: form.kept.clone() });
    let (from, now) = (address(&request), gate.clock.now());
    let tried = form.key.trim();
    if !gate.throttle.lets_try(from, tried, now) {
        tracing::warn!(%from, "Too many log-ins failed; none is tried for a while");
        return Err(Code::TooManyRequests.into());
    }
    let key = match gate.keyring.check(tried) {
        Ok(key) => key,
        Err(reason) => {
            gate.throttle.note(from, tried, now);
            tracing::warn!(%reason, %from, "A log-in was refused");
            let language = Language::of(&request);
            let code = refused(reason).code;
            let said = format!("{}{}{}", code.title(language), language.pick("。", ". "), code.advice(language));
            let mut page = answer(&request, None, "login.html", "", content(&request, next, &said, kept.as_ref()))?;
            *page.status_mut() = StatusCode::UNAUTHORIZED;
            return Ok(page);
        }
    };
    let mut id = [0_u8; 16];
    getrandom::fill(&mut id).map_err(|error| Problem::inside(Code::Unavailable, error))?;
    let (value, session) = gate.sessions.begin(key.id, gate.clock.now(), Uuid::from_bytes(id));
    let lifetime = session.ends_at.duration_since(gate.clock.now()).as_secs();
    tracing::info!(key = %key.id, name = ?key.name, "Logged in");
    let cookie = cookie(&cookies, value, Duration::seconds(lifetime));
    if let Some(kept) = kept {
        let mut page = resend(&request, &kept, &gate.sessions.form_token(&session))?;
        page.add_cookie(&cookie).map_err(|error| Problem::inside(Code::Internal, error))?;
        return Ok(page);
    }
    Ok(HttpResponse::SeeOther().insert_header((LOCATION, next)).cookie(cookie).finish())
}

/// Shows the log-in page for a form that was sent when the session had ended: what was typed goes on with it.
pub(in crate::http) fn again(request: &HttpRequest, kept: &Kept) -> Result<HttpResponse, Problem> {
    let language = Language::of(request);
    let said = language.pick(
        "会话已结束。登录后可接着提交刚才填写的内容。",
        "Your session has ended. Log in, and what you typed can be sent.",
    );
    let mut page = answer(request, None, "login.html", "", content(request, today::PLACE, said, Some(kept)))?;
    *page.status_mut() = StatusCode::UNAUTHORIZED;
    Ok(page)
}

/// Shows what was typed before the log-in, to be sent with the new session's token, or left.
fn resend(request: &HttpRequest, kept: &Kept, form_token: &str) -> Result<HttpResponse, Problem> {
    let pages = request.app_data::<web::Data<Pages>>().ok_or(Code::Internal)?;
    let language = Language::of(request);
    let fields = kept::fields(&kept.fields);
    let named =
        |name: &str| Some(pages.text(language, "field", name)).filter(|text| !text.is_empty()).map(str::to_owned);
    let shown = fields
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .filter_map(|(name, value)| Some(context! { name => named(name)?, value => &**value }));
    let content = context! {
        path => &*kept.path, form_token, shown => shown.collect::<Vec<_>>(),
        fields => fields.iter().map(|(name, value)| context! { name => &**name, value => &**value }).collect::<Vec<_>>(),
    };
    answer(request, None, "resend.html", "", content)
}

/// Ends the session.
///
/// # Errors
/// When the form does not come from a page of this session, or the log did not take it; here the session is over all the same.
pub async fn log_out(
    request: HttpRequest,
    gate: web::Data<Gate>,
    cookies: web::Data<Cookies>,
    _form: TrustedForm<LogOut>,
) -> Result<HttpResponse, Problem> {
    let caller = caller(&request)?;
    if let Some(session) = caller.session {
        gate.sessions.end(&session, gate.clock.now());
        // On record, so that a copy of the cookie opens nothing at other nodes or after a restart.
        let (keyring, origin) = (gate.keyring.clone(), Origin::of(&caller.key.name));
        let recorded = web::block(move || keyring.end_session(&session, &origin)).await;
        recorded.map_err(|error| Problem::inside(Code::Unavailable, error))??;
    }
    Ok(HttpResponse::SeeOther()
        .insert_header((LOCATION, "/login"))
        .cookie(cookie(&cookies, String::new(), Duration::ZERO))
        .finish())
}

fn cookie(cookies: &Cookies, value: String, lifetime: Duration) -> Cookie<'static> {
    Cookie::build(SESSION_COOKIE, value)
        .path("/")
        .http_only(true)
        .same_site(SameSite::Strict)
        .secure(cookies.secure)
        .max_age(lifetime)
        .finish()
}

/// Returns where somebody goes who logs in: where they were on their way to, else to the first page of everybody who acts.
fn destination(next: &str) -> &str {
    if next.is_empty() { today::PLACE } else { local(next) }
}

/// Returns a path on this site; anything else leads to the start.
pub(in crate::http) fn local(path: &str) -> &str {
    let fine = path.starts_with('/')
        && !path.starts_with("//")
        && !path.contains(|letter: char| letter == '\\' || letter.is_control());
    if fine { path } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_log_in_nobody_is_led_to_another_site() {
        for path in ["//evil.example", "https://evil.example", "/\\evil.example", "", "evil", "/a\r\nb"] {
            assert_eq!(local(path), "/", "{path:?}");
        }
        assert_eq!(local("/merchants/9111?x=1"), "/merchants/9111?x=1");
    }
}
