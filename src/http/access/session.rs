//! Browser sessions: a signed cookie that names a key, not the key itself.
//!
//! Nothing is stored as long as it holds, so any node of a cluster with the same secret takes any node's cookie. Whether the
//! key still opens doors is asked on every request: a revoked key ends its sessions at once. That a session was logged out
//! is recorded (`session.ended`), so it is over at every node and after a restart.

use crate::domain::envelope::hex;
use crate::domain::time::Instant;
use jiff::SignedDuration;
use ring::hmac;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

/// Signs and checks sessions.
pub struct Sessions {
    secret: hmac::Key,
    lifetime: SignedDuration,
    /// Sessions that were logged out here, until they would have ended anyway: they are over even while the log takes nothing.
    ended: Mutex<HashMap<Uuid, Instant>>,
}

/// A session that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Which session.
    pub id: Uuid,
    /// The key it was begun with.
    pub key: Uuid,
    /// When it ends.
    pub ends_at: Instant,
    signed: String,
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").field("lifetime", &self.lifetime).finish_non_exhaustive()
    }
}

impl Sessions {
    /// Returns sessions signed with `secret`.
    #[must_use]
    pub fn new(secret: &[u8], lifetime: Duration) -> Self {
        let lifetime = SignedDuration::try_from(lifetime).unwrap_or(SignedDuration::from_hours(8));
        Self { secret: hmac::Key::new(hmac::HMAC_SHA256, secret), lifetime, ended: Mutex::default() }
    }

    /// Returns the cookie value of a new session; `id` is random.
    #[must_use]
    pub fn begin(&self, key: Uuid, now: Instant, id: Uuid) -> (String, Session) {
        let ends_at = now.checked_add(self.lifetime).unwrap_or(now);
        // A cookie holds whole seconds.
        let ends_at = Instant::from_second(ends_at.as_second()).unwrap_or(ends_at);
        let signed = format!("{}.{}.{}", key.simple(), ends_at.as_second(), id.simple());
        let value = format!("{signed}.{}", self.sign("session", &signed));
        (value, Session { id, key, ends_at, signed })
    }

    /// Returns the session of a cookie value, if the signature is ours, its time is not over and it was not logged out.
    #[must_use]
    pub fn check(&self, value: &str, now: Instant) -> Option<Session> {
        let (signed, signature) = value.rsplit_once('.')?;
        if !bool::from(self.sign("session", signed).as_bytes().ct_eq(signature.as_bytes())) {
            return None;
        }
        let mut parts = signed.split('.');
        let key = Uuid::try_parse(parts.next()?).ok()?;
        let ends_at = Instant::from_second(parts.next()?.parse().ok()?).ok()?;
        let id = Uuid::try_parse(parts.next()?).ok()?;
        let session = Session { id, key, ends_at, signed: signed.to_owned() };
        self.holds(&session, now).then_some(session)
    }

    /// Says whether a session still holds, as far as this node knows by itself.
    #[must_use]
    pub fn holds(&self, session: &Session, now: Instant) -> bool {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        now < session.ends_at && !ended.contains_key(&session.id)
    }

    /// Ends a session before its time.
    pub fn end(&self, session: &Session, now: Instant) {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.retain(|_, ends_at| now < *ends_at);
        ended.insert(session.id, session.ends_at);
    }

    /// Returns the token that forms of this session carry, so that no other site can send them.
    #[must_use]
    pub fn form_token(&self, session: &Session) -> String {
        self.sign("form", &session.signed)
    }

    /// Says whether a token belongs to a session.
    #[must_use]
    pub fn is_form_token(&self, session: &Session, token: &str) -> bool {
        self.form_token(session).as_bytes().ct_eq(token.as_bytes()).into()
    }

    fn sign(&self, purpose: &str, signed: &str) -> String {
        hex(hmac::sign(&self.secret, format!("{purpose}:{signed}").as_bytes()).as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Uuid = Uuid::from_u128(5);

    fn sessions(secret: &[u8]) -> Sessions {
        Sessions::new(secret, Duration::from_secs(60))
    }

    fn at(second: i64) -> Instant {
        Instant::from_second(second).unwrap()
    }

    #[test]
    fn a_session_holds_until_its_time_is_over() {
        let sessions = sessions(b"s");
        let (value, session) = sessions.begin(KEY, at(0), Uuid::from_u128(1));
        assert_eq!(sessions.check(&value, at(59)), Some(session));
        assert_eq!(sessions.check(&value, at(60)), None);
    }

    #[test]
    fn a_changed_or_foreign_cookie_is_no_session() {
        let sessions = sessions(b"s");
        let (value, _) = sessions.begin(KEY, at(0), Uuid::from_u128(1));
        let longer_life = value.replacen(".60.", ".99.", 1);
        assert_ne!(longer_life, value);
        for forged in [longer_life.as_str(), value.trim_end_matches(char::is_alphanumeric), "", ".", "a.b.c.d"] {
            assert_eq!(sessions.check(forged, at(1)), None, "{forged}");
        }
        assert_eq!(Sessions::new(b"other", Duration::from_secs(60)).check(&value, at(1)), None);
    }

    #[test]
    fn a_session_that_was_logged_out_is_over() {
        let sessions = sessions(b"s");
        let (value, session) = sessions.begin(KEY, at(0), Uuid::from_u128(1));
        sessions.end(&session, at(1));
        assert_eq!(sessions.check(&value, at(2)), None);
    }

    #[test]
    fn a_form_token_belongs_to_one_session() {
        let sessions = sessions(b"s");
        let (_, mine) = sessions.begin(KEY, at(0), Uuid::from_u128(1));
        let (value, other) = sessions.begin(KEY, at(0), Uuid::from_u128(2));
        let token = sessions.form_token(&mine);
        assert!(sessions.is_form_token(&mine, &token));
        assert!(!sessions.is_form_token(&other, &token));
        assert!(!value.contains(&sessions.form_token(&other)));
    }
}
