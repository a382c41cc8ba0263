//! What is turned away at the door: paths of two readings, log-ins by guessing, feeds without end, keys that make no sense.

use super::app::{App, EVERY_ROLE, HERE, PATIENCE, encoded, instant};
use serde_json::json;
use std::io::{BufRead as _, BufReader};
use std::sync::Arc;
use std::time::{Duration, Instant};
use warnlight::domain::access::Scope;
use warnlight::domain::words::Role;
use warnlight::log::contract::EventLog;
use warnlight::log::memory::MemoryLog;

const SECRET: (&str, &str) = ("WARNLIGHT__SESSION__SECRET", "0123456789abcdef0123456789abcdef");

#[test]
fn a_path_is_judged_as_it_is_routed() {
    let app = App::start();
    let cookie = app.log_in(Role::Admin);
    let key = json!({ "name": "x", "role": "admin" });
    for path in ["/api/v1/keys", "/%61pi/v1/keys", "/%61%70%69/v1/keys", "/api/v1/%6Beys"] {
        let reply = app.post(path).header("cookie", &cookie).json(&key).send();
        assert_eq!((reply.status, reply.code().as_str()), (403, "form_stale"), "{path}");
    }
    for path in [
        "/api%2Fv1/keys",
        "//api/v1/keys",
        "/x/../api/v1/keys",
        "/x/%2e%2e/api/v1/keys",
        "/%2561pi/v1/keys",
        "/api/v1/keys%00",
    ] {
        let reply = app.post(path).header("cookie", &cookie).json(&key).send();
        assert_eq!((reply.status, reply.code().as_str()), (400, "bad_request"), "{path}");
    }
    assert_eq!(app.keyring.all().len(), EVERY_ROLE.len(), "no key was made");
    let ticket = json!({ "command": "record_complaint", "ticket": "海-1 a", "channel": "mall", "credit_code": HERE, "kind": "refund",
        "received_at": "2025-06-29T01:00:00Z" });
    app.tell(&[ticket]);
    app.post(&format!("/api/v1/complaints/{}/answer", encoded("海-1 a"))).role(Role::Operator).json(&json!({})).ok();
}

#[test]
fn a_session_that_was_logged_out_is_over_after_a_restart_and_at_every_node() {
    let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
    let app = App::on(log.clone(), &[SECRET]);
    let (mine, other) = (app.log_in(Role::Lead), app.log_in(Role::Lead));
    let token = app.token(&mine);
    assert_eq!(app.post("/logout").header("cookie", &mine).form(&[("form_token", &token)]).send().status, 303);
    let restarted = app.beside(log, &[SECRET]);
    let alive = |cookie: &str| restarted.get("/api/v1/lights").header("cookie", cookie).send();
    assert_eq!(alive(&mine).code(), "key_expired");
    assert_eq!(alive(&other).status, 200, "the secret is the same");
    let recorded = app.get("/api/v1/events?limit=500").role(Role::Admin).ok().text;
    assert!(recorded.contains("session.ended"));
    assert!(!recorded.contains(mine.rsplit('.').next().unwrap()), "the record does not open what it ended");
}

/// Waits for the end of a feed and says how long that took.
fn end_of(feed: ureq::http::Response<ureq::Body>, begin: impl FnOnce()) -> Duration {
    assert_eq!(feed.headers()["content-type"], "text/event-stream");
    let mut lines = BufReader::new(feed.into_body().into_reader()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "retry: 2000");
    begin();
    let began = Instant::now();
    // How a feed ends, well or cut off, is the framework's business.
    lines.map_while(Result::ok).for_each(drop);
    began.elapsed()
}

#[test]
fn a_feed_ends_with_log_out_with_its_session_and_with_its_key() {
    let app = App::start();
    // A feed that does not end is cut off after the whole of it.
    let soon = PATIENCE / 2;
    let cookie = app.log_in(Role::Lead);
    let token = app.token(&cookie);
    let open = |cookie: &str| app.get("/api/v1/live").header("cookie", cookie).open();
    let log_out = || {
        app.post("/logout").header("cookie", &cookie).form(&[("form_token", &token)]).send();
    };
    assert!(end_of(open(&cookie), log_out) < soon);
    let second = app.log_in(Role::Lead);
    assert!(end_of(open(&second), || app.clock.set(instant("2025-06-30T18:00:00Z"))) < soon, "the session is over");
    let guest = warnlight::http::access::NewKey {
        name: "guest".to_owned(),
        scope: Scope::everything(),
        expires_at: Some(instant("2025-06-30T19:00:00Z")),
    };
    let (guest, _) = app.keyring.create(guest, &warnlight::domain::envelope::Origin::of("test")).unwrap();
    let feed = app.get("/api/v1/live").key(guest.expose()).open();
    assert!(end_of(feed, || app.clock.set(instant("2025-06-30T19:00:00Z"))) < soon, "the key has expired");
}

#[test]
fn there_are_so_many_feeds_with_a_key_and_in_all() {
    let app = App::with(&[("WARNLIGHT__HTTP__LIVE_FEEDS_PER_KEY", "2"), ("WARNLIGHT__HTTP__LIVE_FEEDS", "3")]);
    let open = |role| app.get("/api/v1/live").role(role).open();
    let first = [open(Role::Lead), open(Role::Lead), open(Role::Admin)];
    assert!(first.iter().all(|feed| feed.status() == 200));
    let third = app.get("/api/v1/live").role(Role::Lead).send();
    assert_eq!((third.status, third.code().as_str()), (429, "too_many_requests"));
    assert!(!third.header("retry-after").is_empty());
    let fourth = app.get("/api/v1/live").role(Role::Admin).send();
    assert_eq!((fourth.status, fourth.code().as_str()), (503, "unavailable"));
    app.get("/api/v1/lights").role(Role::Lead).ok();
}

#[test]
fn log_ins_that_fail_again_and_again_are_turned_away_for_a_while() {
    let app = App::start();
    let right = app.key_of(Role::Lead).to_owned();
    let mut wrong = right.clone();
    let last = wrong.pop();
    wrong.push(if last == Some('0') { '1' } else { '0' });
    let try_with =
        |key: &str, from: &str| app.post("/login").header("x-forwarded-for", from).form(&[("key", key)]).send().status;
    for _ in 0..10 {
        assert_eq!(try_with(&wrong, "192.0.2.1"), 401);
    }
    assert_eq!(try_with(&wrong, "192.0.2.2"), 429, "from wherever it is tried");
    assert_eq!(try_with(&right, "192.0.2.2"), 429);
    assert_eq!(try_with(app.key_of(Role::Admin), "192.0.2.2"), 303, "others log in");
    for number in 0..20 {
        assert_eq!(try_with(&format!("nonsense {number}"), "192.0.2.1"), 401);
    }
    assert_eq!(try_with(app.key_of(Role::Admin), "192.0.2.1"), 429, "one address tries many keys");
    let turned_away = app.post("/login").header("x-forwarded-for", "192.0.2.1").form(&[("key", "x")]).send();
    assert_eq!(
        (turned_away.code().as_str(), turned_away.header("retry-after").is_empty()),
        ("too_many_requests", false)
    );
    app.clock.set(instant("2025-06-30T10:15:00Z"));
    assert_eq!(try_with(&right, "192.0.2.1"), 303);
}

#[test]
fn figures_are_for_the_machine_itself_and_for_administrators() {
    let app = App::start();
    app.get("/metrics").ok();
    let from_outside = || app.get("/metrics").header("x-forwarded-for", "192.0.2.1");
    assert_eq!(from_outside().send().code(), "key_missing");
    assert_eq!(app.get("/metrics").header("host", "warnlight.example.org").send().code(), "key_missing");
    assert_eq!(from_outside().role(Role::Lead).send().code(), "forbidden");
    from_outside().role(Role::Admin).ok();
    let open = App::with(&[("WARNLIGHT__HTTP__METRICS", "open")]);
    open.get("/metrics").header("x-forwarded-for", "192.0.2.1").ok();
}

#[test]
fn invented_methods_do_not_add_to_the_figures() {
    let app = App::start();
    app.get("/healthz").ok();
    let lines = || app.get("/metrics").ok().text.lines().count();
    for method in ["BREW", "X0"] {
        app.ask(method, "/healthz").send();
    }
    let _ = lines();
    let before = lines();
    for number in 1..30 {
        assert_eq!(app.ask(&format!("X{number}"), "/healthz").send().status, 405);
    }
    assert_eq!(lines(), before);
}

#[test]
fn a_key_for_nothing_for_the_unknown_or_of_absurd_length_is_not_made() {
    let app = App::start();
    let long = "字".repeat(200);
    let huge = "x".repeat(50_000);
    for wanted in [
        json!({ "name": "x", "role": "operator", "malls": [""] }),
        json!({ "name": "x", "role": "operator", "malls": ["东方广场", "\u{3000}"] }),
        json!({ "name": "x", "role": "operator", "malls": [huge] }),
        json!({ "name": "x", "role": "regulator", "sectors": ["astrology"] }),
        json!({ "name": "x", "role": "regulator", "sectors": [""] }),
        json!({ "name": "x", "role": "regulator", "divisions": ["999999"] }),
        json!({ "name": "x", "role": "bank", "bank": huge }),
        json!({ "name": "x", "role": "bank", "bank": " " }),
        json!({ "name": long, "role": "lead" }),
        json!({ "name": "x\r\nINFO forged", "role": "lead" }),
        json!({ "name": "x\u{1b}[2J", "role": "lead" }),
        json!({ "name": "x", "role": "lead", "expires_at": "2025-06-30T10:00:00Z" }),
    ] {
        let reply = app.post("/api/v1/keys").role(Role::Admin).json(&wanted).send();
        assert_eq!((reply.status, reply.code().as_str()), (422, "refused"), "{}", reply.text);
        assert!(reply.text.len() < 2_000, "what is absurd is not repeated");
    }
    assert_eq!(app.keyring.all().len(), EVERY_ROLE.len());
}

#[test]
fn the_last_administrator_stays() {
    let app = App::start();
    let id = |name: &str| app.keyring.all().into_iter().find(|key| &*key.name == name).unwrap().id;
    let revoke = |id: uuid::Uuid| app.ask("DELETE", &format!("/api/v1/keys/{id}")).role(Role::Admin).send();
    let refused = revoke(id("admin"));
    assert_eq!((refused.status, refused.code().as_str()), (422, "refused"), "{refused:?}");
    app.key("second", Scope::everything());
    assert_eq!(revoke(id("second")).status, 204);
    assert_eq!(revoke(id("admin")).status, 422, "a revoked key does not count");
    app.key("third", Scope::everything());
    assert_eq!(revoke(id("admin")).status, 204);
    let path = format!("/api/v1/keys/{}?reason={}", id("third"), encoded("a\nb"));
    let third = app.key("fourth", Scope::everything());
    assert_eq!(app.ask("DELETE", &path).key(&third).send().status, 422, "a reason is one line");
}
