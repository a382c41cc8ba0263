//! The proof, in a handler's signature, that its caller has a right.

use super::permission::Permission;
use super::session::Session;
use super::{Sessions, Throttle, keyring::Keyring};
use crate::clock::Clock;
use crate::domain::access::{Key, KeyRefused, Scope};
use crate::domain::envelope::Origin;
use crate::http::fresh::{self, Freshness};
use crate::http::problem::{Code, Problem};
use crate::http::traced::Traced;
use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, web};
use futures_util::future::{Either, LocalBoxFuture, Ready, ready};
use std::marker::PhantomData;
use std::sync::Arc;

/// Name of the session cookie.
pub const SESSION_COOKIE: &str = "warnlight_session";

/// Header that a script of ours sends with a form token.
pub const TOKEN_HEADER: &str = "x-form-token";

/// What requests are judged by.
#[derive(Debug, Clone)]
pub struct Gate {
    /// Keys in force.
    pub keyring: Arc<Keyring>,
    /// Browser sessions.
    pub sessions: Arc<Sessions>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// How often a log-in may fail.
    pub throttle: Arc<Throttle>,
}

impl Gate {
    /// Says whether a caller that was let in may go on: the session holds, wherever it may have been logged out, and the
    /// key opens doors.
    #[must_use]
    pub fn lets_on(&self, caller: &Caller) -> bool {
        let holds =
            |session: &Session| self.sessions.holds(session, self.clock.now()) && !self.keyring.has_ended(session);
        caller.session.as_ref().is_none_or(holds) && self.keyring.by_id(caller.key.id).is_ok()
    }
}

/// Who is asking.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The key shown, now or at log-in.
    pub key: Arc<Key>,
    /// The browser session; `None` if the key itself was shown.
    pub session: Option<Session>,
    /// The trail of the request.
    pub traced: Option<Traced>,
}

/// The caller has the permission `P`.
#[derive(Debug, Clone)]
pub struct Allowed<P> {
    caller: Caller,
    permission: PhantomData<P>,
}

impl<P> Allowed<P> {
    /// Returns who is asking.
    pub const fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Returns what the caller may see and say; every read and every command is held against it.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.caller.key.scope
    }

    /// Returns the origin of what the caller says, for the log.
    #[must_use]
    pub fn origin(&self) -> Origin {
        let correlation = self.caller.traced.as_ref().map(Traced::trace);
        Origin { correlation, ..Origin::of(&self.caller.key.name) }
    }
}

impl<P: Permission> FromRequest for Allowed<P> {
    type Error = Problem;
    type Future = Either<Ready<Result<Self, Problem>>, LocalBoxFuture<'static, Result<Self, Problem>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let judged = Self::judge(request).and_then(|allowed| Ok((allowed, fresh::asked(request)?)));
        let (allowed, position) = match judged {
            Ok((allowed, 0)) => return Either::Left(ready(Ok(allowed))),
            Ok(judged) => judged,
            Err(problem) => return Either::Left(ready(Err(problem))),
        };
        let request = request.clone();
        Either::Right(Box::pin(async move {
            let freshness = request.app_data::<web::Data<Freshness>>().ok_or(Code::Internal)?;
            let waited = freshness.reach(allowed.caller.key.id, position).await?;
            // What was waited for may be that the key was revoked.
            if waited { Self::judge(&request) } else { Ok(allowed) }
        }))
    }
}

impl<P: Permission> Allowed<P> {
    fn judge(request: &HttpRequest) -> Result<Self, Problem> {
        let caller = caller(request)?;
        let role = caller.key.scope.role;
        if P::ROLES.contains(&role) {
            Ok(Self { caller, permission: PhantomData })
        } else {
            let right = P::NAME;
            Err(Problem::new(
                Code::Forbidden,
                format_args!("{}的密钥没有 `{right}` 权限", role.zh()),
                format_args!("`{right}` is not a right of the role `{role}`"),
            ))
        }
    }
}

/// Returns who is asking.
///
/// # Errors
/// When nobody valid is, or a session would change something without its form token.
pub fn caller(request: &HttpRequest) -> Result<Caller, Problem> {
    let gate = request.app_data::<web::Data<Gate>>().ok_or(Code::Internal)?;
    let traced = request.extensions().get::<Traced>().cloned();
    if let Some(value) = request.headers().get(AUTHORIZATION) {
        let text = value.to_str().ok().and_then(|text| text.split_once(' '));
        let key = match text {
            Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer") => key.trim(),
            _ => return Err(Code::KeyMissing.into()),
        };
        return Ok(Caller { key: gate.keyring.check(key).map_err(refused)?, session: None, traced });
    }
    let cookie = request.cookie(SESSION_COOKIE).ok_or(Code::KeyMissing)?;
    let session = gate.sessions.check(cookie.value(), gate.clock.now());
    let session = session.filter(|session| !gate.keyring.has_ended(session)).ok_or(Code::KeyExpired)?;
    let key = gate.keyring.by_id(session.key).map_err(refused)?;
    // A browser sends the cookie by itself, so a change needs the token too. Forms of pages carry it in their body,
    // where their own extractor looks; everything else must send it as a header.
    // The route says which it is, not the path as it was spelt.
    let is_form = request.match_pattern().is_some_and(|route| !route.starts_with("/api/"));
    if !is_read(request.method()) && !is_form {
        let token = request.headers().get(TOKEN_HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if !gate.sessions.is_form_token(&session, token) {
            return Err(Code::FormStale.into());
        }
    }
    Ok(Caller { key, session: Some(session), traced })
}

fn is_read(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Returns the problem that a refused key is.
pub(crate) fn refused(reason: KeyRefused) -> Problem {
    match reason {
        KeyRefused::Unknown => Code::KeyUnknown,
        KeyRefused::Revoked => Code::KeyRevoked,
        KeyRefused::Expired => Code::KeyExpired,
    }
    .into()
}
