//! Reading one's own writes, at whichever node.
//!
//! An answer to a change carries the position of the log that shows it (`Warnlight-Position`). A request that carries it
//! on is answered by a node only when what the node shows includes that position: positions are the same at all nodes of a log.
//! A browser carries it in a cookie, which pages honour and the API does not: a live feed that was refused would not come
//! back. The cookie is not cleared once a node has reached its position, for the next request may go to another node; it
//! ends by itself.
//!
//! Waiting holds no thread, is bounded in time and, for each key, in number: a position far beyond the log costs nobody
//! else anything.

use super::access::SESSION_COOKIE;
use super::problem::{Code, Problem};
use crate::domain::envelope::Position;
use crate::picture::Published;
use actix_web::cookie::time::Duration as CookieDuration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use uuid::Uuid;

/// Header with a position, in answers and in requests.
pub(super) const POSITION_HEADER: &str = "warnlight-position";
/// Cookie with a position, for pages.
pub(super) const POSITION_COOKIE: &str = "warnlight_position";

/// How long a browser carries a position; a node that is further behind has long said so at `/readyz`.
const COOKIE_LIFE: CookieDuration = CookieDuration::seconds(60);
/// Requests with one key that may wait at the same time.
const WAITING: usize = 64;

/// What a request has to wait for, and how long.
pub struct Freshness {
    published: Arc<Published>,
    patience: Duration,
    waiting: Mutex<HashMap<Uuid, usize>>,
}

impl fmt::Debug for Freshness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Freshness").field("patience", &self.patience).finish_non_exhaustive()
    }
}

impl Freshness {
    pub(super) fn new(published: Arc<Published>, patience: Duration) -> Self {
        Self { published, patience, waiting: Mutex::default() }
    }

    /// Waits until this node shows `position`. Returns whether there was anything to wait for.
    ///
    /// # Errors
    /// [`Code::Behind`] when it does not within the patience, or too many requests with this key wait already.
    pub(super) async fn reach(&self, key: Uuid, position: Position) -> Result<bool, Problem> {
        if self.published.position() >= position {
            return Ok(false);
        }
        let _place = WaitingPlace::take(&self.waiting, key).ok_or_else(|| {
            Problem::new(
                Code::Behind,
                format_args!("此密钥已有 {WAITING} 个请求在等待本节点跟上"),
                format_args!("{WAITING} requests with this key wait for a position already"),
            )
        })?;
        let mut positions = self.published.changes();
        match tokio::time::timeout(self.patience, positions.wait_for(|at| *at >= position)).await {
            Ok(Ok(_)) => Ok(true),
            _ => {
                let shown = self.published.position();
                Err(Problem::new(
                    Code::Behind,
                    format_args!(
                        "请求要求到位置 {position}，本节点目前到 {shown}；只读已有内容时，请去掉 `Warnlight-Position`"
                    ),
                    format_args!(
                        "position {position} is asked for, this node shows {shown}; to read what is there, leave \
                         `Warnlight-Position` out"
                    ),
                ))
            }
        }
    }
}

/// A place among the requests that wait; given back when dropped, answered or not.
struct WaitingPlace<'a> {
    waiting: &'a Mutex<HashMap<Uuid, usize>>,
    key: Uuid,
}

impl<'a> WaitingPlace<'a> {
    fn take(waiting: &'a Mutex<HashMap<Uuid, usize>>, key: Uuid) -> Option<Self> {
        let mut taken = waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(key).or_default();
        if *count >= WAITING {
            return None;
        }
        *count += 1;
        Some(Self { waiting, key })
    }
}

impl Drop for WaitingPlace<'_> {
    fn drop(&mut self) {
        let mut taken = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.key);
            }
        }
    }
}

/// Returns the position a request asks for, 0 if none.
///
/// # Errors
/// When the header holds something else. A cookie that does is ignored: nobody wrote it by hand.
pub(super) fn asked(request: &HttpRequest) -> Result<Position, Problem> {
    let mut most = 0;
    for value in request.headers().get_all(POSITION_HEADER) {
        let position = value.to_str().ok().and_then(read).ok_or_else(|| {
            Problem::new(
                Code::InvalidParameter,
                "`Warnlight-Position` 应为先前应答给出的整数，请原样送回",
                "`Warnlight-Position` is a whole number, as an earlier answer gave it; send it back unchanged",
            )
        })?;
        most = most.max(position);
    }
    let is_page = !request.path().starts_with("/api/");
    if is_page && in_session(request) {
        let carried = request.cookie(POSITION_COOKIE).and_then(|cookie| read(cookie.value()));
        most = most.max(carried.unwrap_or(0));
    }
    Ok(most)
}

fn read(text: &str) -> Option<Position> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// Says whether a browser's session speaks, not a key.
fn in_session(request: &HttpRequest) -> bool {
    !request.headers().contains_key(AUTHORIZATION) && request.cookie(SESSION_COOKIE).is_some()
}

/// The position that shows what a request did.
#[derive(Debug, Clone, Copy)]
struct Shows(Position);

/// Notes the position that shows what a request did, for its answer. A position that the request itself carried is kept
/// if it is later.
pub(super) fn note(request: &HttpRequest, position: Position) {
    let position = position.max(asked(request).unwrap_or(0));
    request.extensions_mut().insert(Shows(position));
}

/// Puts what was noted on the answer.
pub(super) fn tell(request: &HttpRequest, response: &mut HttpResponse<impl Sized>, secure: bool) {
    let Some(Shows(position)) = request.extensions().get().copied() else { return };
    response.headers_mut().insert(HeaderName::from_static(POSITION_HEADER), HeaderValue::from(position));
    if in_session(request) {
        let cookie = Cookie::build(POSITION_COOKIE, position.to_string())
            .path("/")
            .http_only(true)
            .same_site(SameSite::Strict)
            .secure(secure)
            .max_age(COOKIE_LIFE)
            .finish();
        let _ = response.add_cookie(&cookie);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn only_whole_numbers_are_positions_and_the_latest_counts() {
        let asking = |values: &[&str]| {
            let request = TestRequest::get().uri("/api/v1/lights");
            let request = values.iter().fold(request, |it, value| it.append_header((POSITION_HEADER, *value)));
            asked(&request.to_http_request()).map_err(|problem| problem.code)
        };
        assert_eq!(asking(&[]), Ok(0));
        assert_eq!(asking(&["7", "12", "9"]), Ok(12));
        assert_eq!(asking(&["18446744073709551615"]), Ok(Position::MAX));
        for wrong in ["", "+7", "-7", "7.0", "7, 9", "x", "18446744073709551616", "七"] {
            assert_eq!(asking(&[wrong]), Err(Code::InvalidParameter), "{wrong:?}");
        }
    }

    #[test]
    fn a_cookie_counts_on_pages_of_a_session_only_and_a_broken_one_nowhere() {
        let asking = |path: &str, cookies: &[(&'static str, &'static str)], key: Option<&str>| {
            let request = TestRequest::get().uri(path);
            let request = cookies.iter().fold(request, |it, (name, value)| it.cookie(Cookie::new(*name, *value)));
            let request = key.into_iter().fold(request, |it, key| it.append_header((AUTHORIZATION, key)));
            asked(&request.to_http_request()).unwrap()
        };
        let both = [(SESSION_COOKIE, "s"), (POSITION_COOKIE, "7")];
        assert_eq!(asking("/mall", &both, None), 7);
        assert_eq!(asking("/api/v1/live", &both, None), 0);
        assert_eq!(asking("/mall", &both, Some("Bearer k")), 0);
        assert_eq!(asking("/mall", &both[1..], None), 0);
        assert_eq!(asking("/mall", &[(SESSION_COOKIE, "s"), (POSITION_COOKIE, "x")], None), 0);
    }

    #[test]
    fn so_many_requests_with_one_key_wait_and_no_more_until_one_is_answered() {
        let waiting = Mutex::default();
        let key = Uuid::from_u128(1);
        let mut places: Vec<_> = (0..WAITING).map(|_| WaitingPlace::take(&waiting, key).unwrap()).collect();
        assert!(WaitingPlace::take(&waiting, key).is_none());
        assert!(WaitingPlace::take(&waiting, Uuid::from_u128(2)).is_some(), "another key waits for itself");
        places.pop();
        assert!(WaitingPlace::take(&waiting, key).is_some());
        places.clear();
        assert!(waiting.lock().unwrap().is_empty(), "nothing is kept of keys that no longer wait");
    }

    #[test]
    fn an_answer_carries_on_the_later_of_what_it_did_and_what_was_asked_for() {
        for (carried, noted, told) in [("7", 3, "7"), ("3", 7, "7"), ("7", 7, "7"), ("x", 3, "3")] {
            let request = TestRequest::get().uri("/api/v1/lights").append_header((POSITION_HEADER, carried));
            let request = request.to_http_request();
            note(&request, noted);
            let mut response = HttpResponse::Ok().finish();
            tell(&request, &mut response, false);
            assert_eq!(response.headers().get(POSITION_HEADER).unwrap(), told, "{carried} {noted}");
        }
    }
}
