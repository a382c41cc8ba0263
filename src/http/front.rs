//! What happens to every request: an id, a look at where it comes from, and on the way back the drawing of problems,
//! the security headers, the count and the log line.

use super::access::SESSION_COOKIE;
use super::bodies::{Bodies, Held};
use super::fresh;
use super::kept::Kept;
use super::language::{self, Language};
use super::metrics::Metrics;
use super::pages::{self, filters::escaped};
use super::path;
use super::problem::{Code, Problem};
use super::site::Cookies;
use super::traced::{self, Traced};
use actix_web::body::{BoxBody, MessageBody};
use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, LOCATION, ORIGIN,
    RETRY_AFTER, VARY, WWW_AUTHENTICATE,
};
use actix_web::http::{ConnectionType, Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, HttpRequest, HttpResponse, web};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::sync::Arc;
use std::time::Instant;
use uuid::Uuid;

const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Headers on every answer.
const HEADERS: [(&str, &str); 6] = [
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
];

/// Id of a request, in its answer and in the log.
#[derive(Debug, Clone, Copy)]
pub(super) struct RequestId(pub(super) Uuid);

/// Stands in front of every handler.
///
/// # Errors
/// Passes on what the framework itself could not answer.
pub(super) async fn stand(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let started = Instant::now();
    let id = RequestId(Uuid::now_v7());
    let traced = Traced::of(request.headers());
    request.extensions_mut().insert(id);
    request.extensions_mut().insert(traced.clone());
    let path = path::normalise(&mut request);
    let asked = Asked::of(&request);
    let mut response = match path {
        Err(problem) => request.error_response(problem),
        Ok(()) if asked.is_change && asked.is_foreign => request.error_response(Problem::from(Code::ForeignSite)),
        Ok(()) => answer(request, next, &asked).await?,
    };
    let status = response.status();
    if status.is_client_error() || status.is_server_error() {
        response = draw(response, &asked, id);
    }
    let secure = response.request().app_data::<web::Data<Cookies>>().is_some_and(|cookies| cookies.secure);
    if let Some(language) = asked.chosen {
        let cookie = Cookie::build(language::COOKIE, language.tag())
            .path("/")
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(secure)
            .max_age(Duration::days(365))
            .finish();
        let _ = response.response_mut().add_cookie(&cookie);
    }
    let request = response.request().clone();
    fresh::tell(&request, response.response_mut(), secure);
    dress(response.headers_mut(), id, &traced, secure);
    record(&response, started, id, &traced, asked.is_change);
    Ok(response)
}

/// Has a request answered, its body under the limits.
async fn answer(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
    asked: &Asked,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let bodies = request.app_data::<web::Data<Bodies>>().cloned();
    let held = match bodies.map(|bodies| Held::take(&bodies, &mut request)).transpose() {
        Ok(held) => held.flatten(),
        Err(problem) => return Ok(cut_off(request.error_response(problem))),
    };
    if asked.is_page && asked.is_change {
        Kept::note(&mut request).await;
    }
    // What reads a body says that it cannot be read; why is known here.
    let broken_off = || held.as_ref().and_then(|held| held.problem());
    if let Some(problem) = broken_off() {
        return Ok(cut_off(request.error_response(problem)));
    }
    let response = next.call(request).await?.map_into_boxed_body();
    // It was read: whoever takes long to read the answer holds no room for it.
    response.request().extensions_mut().remove::<Arc<Held>>();
    Ok(match broken_off() {
        Some(problem) => cut_off(response.error_response(problem)),
        None => response,
    })
}

/// Ends the connection behind an answer: the rest of the body is not waited for.
fn cut_off(mut response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    response
}

/// What must be known after the request is gone.
struct Asked {
    is_page: bool,
    is_change: bool,
    is_foreign: bool,
    chosen: Option<Language>,
}

impl Asked {
    fn of(request: &ServiceRequest) -> Self {
        let headers = request.headers();
        let html = text(headers, ACCEPT).is_some_and(|accepted| accepted.contains("text/html"));
        Self {
            is_page: html && !request.path().starts_with("/api/"),
            is_change: !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS),
            is_foreign: is_foreign(headers),
            chosen: Language::in_query(request.query_string()),
        }
    }
}

/// Says whether a browser tells that the request was made by a page of another site.
fn is_foreign(headers: &HeaderMap) -> bool {
    if let Some(site) = text(headers, HeaderName::from_static("sec-fetch-site")) {
        return !matches!(site, "same-origin" | "none");
    }
    let host = text(headers, HOST);
    text(headers, ORIGIN).is_some_and(|origin| origin.split_once("://").map(|(_, host)| host) != host)
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Draws a problem the way the caller reads: as JSON, or as a page.
fn draw(response: ServiceResponse, asked: &Asked, id: RequestId) -> ServiceResponse {
    let problem = response.response().error().and_then(|error| error.as_error::<Problem>()).cloned();
    // An answer with a body of its own, such as the log-in page that says no, is complete.
    let is_complete = problem.is_none() && response.headers().contains_key(CONTENT_TYPE);
    let is_framework = response.response().error().is_some();
    if is_complete && !is_framework {
        return response;
    }
    let problem = problem.unwrap_or_else(|| Code::for_status(response.status()).into());
    // A node that is behind says so at `/readyz`; a client may ask for too much as often as it likes.
    if problem.code.status().is_server_error() && !problem.code.is_by_asking() {
        let trace = response.request().extensions().get::<Traced>().map(Traced::trace);
        let trace_id = trace.map(|trace| tracing::field::display(trace.simple()));
        tracing::error!(trace_id, request = %id.0, %problem, "A request could not be answered");
    }
    let request = response.request().clone();
    let allow = response.headers().get(ALLOW).cloned();
    let mut drawn = if asked.is_page { page(&request, &problem, id) } else { json(&request, &problem, id) };
    if matches!(response.response().head().connection_type(), ConnectionType::Close) {
        drawn.head_mut().set_connection_type(ConnectionType::Close);
    }
    if let Some(allow) = allow {
        drawn.headers_mut().insert(ALLOW, allow);
    }
    if let Some(seconds) = problem.code.retry_after() {
        drawn.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if problem.code.status() == StatusCode::UNAUTHORIZED {
        drawn.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"warnlight\""));
    }
    response.into_response(drawn)
}

fn json(request: &HttpRequest, problem: &Problem, id: RequestId) -> HttpResponse {
    let document = problem.document(Language::of(request), &id.0.to_string());
    HttpResponse::build(problem.code.status()).insert_header((CONTENT_TYPE, "application/problem+json")).json(document)
}

fn page(request: &HttpRequest, problem: &Problem, id: RequestId) -> HttpResponse {
    if problem.code.status() == StatusCode::UNAUTHORIZED {
        return to_log_in(request);
    }
    match pages::problem(request, problem, &id.0.to_string()) {
        Ok(page) => HttpResponse::build(problem.code.status()).content_type("text/html; charset=utf-8").body(page),
        Err(_) => json(request, problem, id),
    }
}

/// Leads to the log-in page, and from there back.
fn to_log_in(request: &HttpRequest) -> HttpResponse {
    let here = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let foreign = text(request.headers(), HeaderName::from_static("sec-fetch-site")) == Some("cross-site");
    // A link in a web mail leads here from another site, and then the browser keeps a Strict cookie back. Asked once
    // more from our own page, it sends it.
    if foreign && *request.method() == Method::GET && request.cookie(SESSION_COOKIE).is_none() {
        let target = escaped(here);
        return HttpResponse::Ok()
            .content_type("text/html; charset=utf-8")
            .body(format!("<!doctype html><meta http-equiv=\"refresh\" content=\"0;url={target}\"><title>…</title>"));
    }
    let kept = request.extensions().get::<Kept>().cloned();
    if let Some(kept) = kept
        && let Ok(page) = pages::login::again(request, &kept)
    {
        return page;
    }
    // Whoever comes by the address of the service alone goes on to their first page.
    let next = match *request.method() == Method::GET && here != "/" {
        true => format!("?next={}", encode(here)),
        false => String::new(),
    };
    HttpResponse::SeeOther().insert_header((LOCATION, format!("/login{next}"))).finish()
}

/// What stays as it is in a query: RFC 3986, `unreserved`.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Encodes a text for a query.
pub(super) fn encode(text: &str) -> String {
    utf8_percent_encode(text, UNRESERVED).to_string()
}

fn dress(headers: &mut HeaderMap, id: RequestId, traced: &Traced, secure: bool) {
    for (name, value) in HEADERS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    if secure {
        let value = HeaderValue::from_static("max-age=31536000");
        headers.insert(HeaderName::from_static("strict-transport-security"), value);
    }
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.append(VARY, HeaderValue::from_static("accept-language, cookie, authorization"));
    }
    if let Ok(value) = HeaderValue::from_str(&id.0.to_string()) {
        headers.insert(HeaderName::from_static("x-request-id"), value);
    }
    if let Ok(value) = HeaderValue::from_str(&traced.trace().simple().to_string()) {
        headers.insert(HeaderName::from_static(traced::HEADER), value);
    }
}

fn record(response: &ServiceResponse, started: Instant, id: RequestId, traced: &Traced, is_change: bool) {
    let request = response.request();
    let route = request.match_pattern().unwrap_or_else(|| "-".to_owned());
    let status = response.status().as_u16();
    let took = started.elapsed();
    if let Some(metrics) = request.app_data::<web::Data<Metrics>>() {
        metrics.count(request.method(), &route, status, took);
    }
    // The path may hold a credit code, which is public; the query may hold what somebody searched for, which is not.
    tracing::debug!(
        trace_id = %traced.trace().simple(), request = %id.0, method = %request.method(), route, status,
        micros = took.as_micros(), "Answered"
    );
    if is_change {
        traced.answered(request.method(), &route, status);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn a_browser_on_another_site_gives_itself_away() {
        assert!(is_foreign(&headers(&[("sec-fetch-site", "cross-site")])));
        assert!(is_foreign(&headers(&[("sec-fetch-site", "same-site")])));
        assert!(is_foreign(&headers(&[("host", "a.example"), ("origin", "https://b.example")])));
        assert!(is_foreign(&headers(&[("host", "a.example"), ("origin", "null")])));
        assert!(!is_foreign(&headers(&[("host", "a.example:1"), ("origin", "https://a.example:1")])));
        assert!(!is_foreign(&headers(&[("sec-fetch-site", "same-origin")])));
        assert!(!is_foreign(&headers(&[])), "a program is no browser");
    }

    #[test]
    fn a_path_survives_being_a_parameter() {
        assert_eq!(encode("/a?b=c&d=京"), "%2Fa%3Fb%3Dc%26d%3D%E4%BA%AC");
    }
}
