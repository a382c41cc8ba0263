//! Two nodes on one log: whichever is asked, the answer fits.

use super::app::{App, HERE, NOBODY, Reply, THERE};
use super::line::Line;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader};
use std::sync::Arc;
use std::time::Duration;
use warnlight::clock::SystemClock;
use warnlight::domain::envelope::Origin;
use warnlight::domain::words::Role;
use warnlight::http::access::Keyring;
use warnlight::http::{Open, ServeError};
use warnlight::log::contract::EventLog;
use warnlight::log::memory::MemoryLog;
use warnlight::service::{start_desk, start_mail, start_tray};
use warnlight::settings::{Settings, SettingsError};

const SECRET: (&str, &str) = ("WARNLIGHT__SESSION__SECRET", "0123456789abcdef0123456789abcdef");
/// Longer than any test.
const PATIENCE: (&str, &str) = ("WARNLIGHT__HTTP__POSITION_PATIENCE_SECONDS", "60");
const NO_PATIENCE: (&str, &str) = ("WARNLIGHT__HTTP__POSITION_PATIENCE_SECONDS", "0");

/// Two nodes, and the line of the second.
struct Two {
    a: App,
    b: App,
    line: Line,
}

fn two(settings_of_b: &[(&str, &str)]) -> Two {
    let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
    let a = App::on(Arc::new(Line::to(log.clone())), &[SECRET, PATIENCE]);
    let line = Line::to(log);
    let settings: Vec<_> = [SECRET].iter().chain(settings_of_b).copied().collect();
    let b = a.beside(Arc::new(line.clone()), &settings);
    Two { a, b, line }
}

fn token(reply: &Reply) -> &str {
    let token = reply.header("warnlight-position");
    assert!(!token.is_empty(), "{reply:?}");
    token
}

/// Asks until the answer has this status.
fn until(status: u16, ask: impl Fn() -> Reply) -> Reply {
    loop {
        let reply = ask();
        if reply.status == status {
            return reply;
        }
        assert_eq!(reply.status, if status == 200 { 503 } else { 200 }, "{reply:?}");
    }
}

fn newcomer() -> Value {
    json!({ "command": "register_merchant", "credit_code": NOBODY, "name": "后来者", "division_code": "110108",
        "industry_code": "8930", "mall": "东方广场", "unit": "3-03" })
}

#[test]
fn who_writes_at_one_node_reads_it_at_the_other() {
    let two = two(&[PATIENCE]);
    two.line.hold();
    let written = two.a.post("/api/v1/commands").role(Role::Lead).json(&newcomer()).ok();
    let path = format!("/api/v1/merchants/{NOBODY}");
    let read = |token: &str| two.b.get(&path).role(Role::Lead).header("warnlight-position", token).send();
    std::thread::scope(|scope| {
        let reading = scope.spawn(|| read(token(&written)));
        // Whoever does not ask for it gets what is there.
        for _ in 0..20 {
            assert_eq!(two.b.get(&path).role(Role::Lead).send().status, 404);
        }
        assert!(!reading.is_finished(), "it was answered without what it asked for");
        two.line.release();
        let reply = reading.join().unwrap();
        assert_eq!((reply.status, &reply.json()["name"]), (200, &json!("后来者")));
    });
}

#[test]
fn a_node_that_does_not_get_there_says_so() {
    let two = two(&[NO_PATIENCE]);
    two.line.hold();
    let written = two.a.post("/api/v1/commands").role(Role::Lead).json(&newcomer()).ok();
    let reply = two.b.get("/api/v1/lights").role(Role::Lead).header("warnlight-position", token(&written)).send();
    assert_eq!((reply.status, reply.code().as_str(), reply.header("retry-after")), (503, "behind", "1"));
    two.a.get("/api/v1/lights").role(Role::Lead).header("warnlight-position", token(&written)).ok();
}

#[test]
fn a_browser_sees_its_own_form_at_whichever_node_the_next_page_comes_from() {
    let two = two(&[NO_PATIENCE]);
    let session = two.a.log_in(Role::Operator);
    // The form is of one node, the post goes to the other.
    let form_token = two.b.token(&session);
    two.line.hold();
    let form = [
        ("form_token", form_token.as_str()),
        ("action", "post"),
        ("credit_code", HERE),
        ("mall", "东方广场"),
        ("unit", "B1-01"),
        ("planned_on", "2025-12-31"),
    ];
    let posted = two.a.post("/mall").header("cookie", &session).html().form(&form).send();
    assert_eq!((posted.status, posted.header("location")), (303, "/mall?said=done"), "{posted:?}");
    let cookie = posted.cookie_named("warnlight_position").unwrap();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=60"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let cookies = format!("{session}; {}", cookie.split(';').next().unwrap());
    let next = |cookies: &str| two.b.get("/mall?said=done").header("cookie", cookies).html().send();
    assert_eq!(next(&session).status, 200, "without the cookie there is nothing to wait for");
    let page = next(&cookies);
    assert_eq!((page.status, page.header("retry-after")), (503, "1"));
    let feed = two.b.get("/api/v1/live").header("cookie", &cookies).ok();
    assert_eq!(feed.header("content-type"), "text/event-stream", "a feed that was refused would not come back");
    two.line.release();
    let page = until(200, || next(&cookies));
    assert!(page.text.contains("2025-12-31"), "{}", page.text);
}

#[test]
fn whatever_is_asked_for_waits_for_the_one_fold() {
    let two = two(&[NO_PATIENCE]);
    for path in ["/api/v1/mails", "/api/v1/keys", "/api/v1/lights"] {
        let ask =
            |path: &str, token: &str| two.b.get(path).role(Role::Admin).header("warnlight-position", token).send();
        two.line.hold();
        let made = two.a.post("/api/v1/keys").role(Role::Admin).json(&json!({ "name": "x", "role": "admin" })).send();
        let token = token(&made);
        assert_eq!(ask(path, token).code(), "behind", "{path}");
        two.line.release();
        until(200, || ask(path, token));
    }
}

#[test]
fn a_session_holds_at_every_node_with_the_same_secret_and_at_no_other() {
    let two = two(&[]);
    let session = two.a.log_in(Role::Lead);
    two.b.get("/api/v1/lights").header("cookie", &session).ok();
    let body = json!({ "command": "report_balance", "credit_code": HERE, "date": "2025-06-01", "outstanding": "1.00" });
    let form_token = two.a.token(&session);
    let ask = two.b.post("/api/v1/commands").header("cookie", &session).header("x-form-token", &form_token);
    assert_eq!(ask.json(&body).ok().json()["status"], "accepted");
    let stranger = two
        .a
        .beside(Arc::new(two.line.clone()), &[("WARNLIGHT__SESSION__SECRET", "another secret of thirty-two letters")]);
    assert_eq!(stranger.get("/api/v1/lights").header("cookie", &session).send().code(), "key_expired");
}

#[test]
fn a_node_of_several_does_not_start_without_the_common_secret() {
    let log: Arc<dyn EventLog> = Arc::new(Line::to(Arc::new(MemoryLog::new())));
    let listen = [("WARNLIGHT__HTTP__LISTEN".to_owned(), "127.0.0.1:0".to_owned())];
    let settings = Settings::from_layers(None, listen.into()).unwrap();
    let (folder, clock) = (tempfile::tempdir().unwrap(), Arc::new(SystemClock));
    let desk = start_desk(&settings, log.clone(), clock.clone()).unwrap();
    let mail = Arc::new(start_mail(&settings, folder.path(), &desk).unwrap());
    let tray = Arc::new(start_tray(&settings, folder.path(), &desk).unwrap());
    let keyring = Arc::new(Keyring::open(log, clock.clone()).unwrap());
    let open = Open { settings: &settings, desk: desk.clone(), mail, tray, inbox: None, keyring, session_clock: clock };
    let refused = actix_web::rt::System::new().block_on(async { open.serve().map(|_| ()) }).unwrap_err();
    assert!(matches!(refused, ServeError::Settings(SettingsError::NoCommonSecret)), "{refused}");
    assert!(refused.to_string().contains("session.secret"), "{refused}");
    desk.stop();
}

#[test]
fn a_key_made_at_one_node_opens_the_other_until_it_is_revoked() {
    let two = two(&[PATIENCE]);
    let wanted = json!({ "name": "海淀体育", "role": "regulator", "divisions": ["110108"] });
    let made = two.a.post("/api/v1/keys").role(Role::Admin).json(&wanted).send();
    assert_eq!(made.status, 201, "{made:?}");
    let (key, id) =
        (made.json()["secret"].as_str().unwrap().to_owned(), made.json()["id"].as_str().unwrap().to_owned());
    let listed = two.b.get("/api/v1/keys").role(Role::Admin).header("warnlight-position", token(&made)).ok();
    assert!(listed.text.contains(&id), "{listed:?}");
    two.b.get("/api/v1/lights").key(&key).ok();
    let log_in = two.b.post("/login").form(&[("key", key.as_str())]).send();
    let session = log_in.cookie();
    two.b.get("/api/v1/lights").header("cookie", &session).ok();

    // What it is asked to wait for is its own end.
    two.line.hold();
    let revoked = two.a.ask("DELETE", &format!("/api/v1/keys/{id}")).role(Role::Admin).send();
    assert_eq!(revoked.status, 204, "{revoked:?}");
    std::thread::scope(|scope| {
        let asking =
            scope.spawn(|| two.b.get("/api/v1/lights").key(&key).header("warnlight-position", token(&revoked)).send());
        two.b.get("/api/v1/lights").key(&key).ok();
        two.line.release();
        assert_eq!(asking.join().unwrap().code(), "key_revoked");
    });
    assert_eq!(two.b.get("/api/v1/lights").key(&key).send().code(), "key_revoked");
    assert_eq!(two.b.get("/api/v1/lights").header("cookie", &session).send().code(), "key_revoked");
}

#[test]
fn a_key_revoked_by_a_command_beside_the_service_ends_a_feed_and_opens_no_other() {
    let two = two(&[PATIENCE]);
    let (key, id) = {
        let keyring = two.a.keyring.all();
        let lead = keyring.into_iter().find(|key| key.scope.role == Role::Lead).unwrap();
        (two.a.key_of(Role::Lead).to_owned(), lead.id)
    };
    let mut feed = BufReader::new(two.b.get("/api/v1/live").key(&key).open().into_body().into_reader());
    let mut line = String::new();
    feed.read_line(&mut line).unwrap();
    assert!(line.starts_with("retry"), "{line}");
    // As `warnlight key revoke` does with the same `log.url`: a keyring of its own over the same log.
    let beside = Keyring::open(Arc::new(two.line.clone()), Arc::new(SystemClock)).unwrap();
    beside.revoke(id, "lost", &Origin::of("test")).unwrap();
    let position = two.line.head().to_string();
    for node in [&two.a, &two.b] {
        node.get("/api/v1/lights").role(Role::Admin).header("warnlight-position", &position).ok();
        assert_eq!(node.get("/api/v1/lights").key(&key).send().code(), "key_revoked");
    }
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut feed, &mut rest).unwrap();
    assert!(!rest.contains("event: light"), "{rest}");
}

#[test]
fn light_changes_of_one_node_are_told_at_the_other_which_goes_on_where_the_first_was_left() {
    let two = two(&[PATIENCE]);
    let leaving = |date: &str, action: &str| {
        json!({ "command": "record_exit", "credit_code": HERE, "mall": "东方广场", "unit": "B1-01", "action": action,
            "date": date, "planned_on": "2025-07-10" })
    };
    let open = |app: &App, last: Option<u64>| {
        let ask = app.get("/api/v1/live").role(Role::Admin);
        let ask = last.into_iter().fold(ask, |ask, last| ask.header("last-event-id", &last.to_string()));
        BufReader::new(ask.open().into_body().into_reader())
    };
    let next = |feed: &mut dyn std::io::BufRead| -> u64 {
        let mut lines = feed.lines().map(Result::unwrap);
        lines.find_map(|line| line.strip_prefix("id: ").map(|id| id.parse().unwrap())).unwrap()
    };
    let mut feed = open(&two.b, None);
    two.a.tell(&[leaving("2025-06-20", "post")]);
    let first = next(&mut feed);
    // Left at a position that this node has not seen yet.
    two.line.hold();
    let mut at_a = open(&two.a, Some(first));
    two.a.tell(&[leaving("2025-06-29", "close")]);
    let second = next(&mut at_a);
    assert!(second > first);
    let mut going_on = std::thread::scope(|scope| {
        let opening = scope.spawn(|| open(&two.b, Some(second)));
        for _ in 0..20 {
            two.b.get("/api/v1/lights").role(Role::Admin).ok();
        }
        assert!(!opening.is_finished(), "it was begun before what it goes on from was there");
        two.line.release();
        opening.join().unwrap()
    });
    two.a.tell(&[json!({ "command": "record_listing", "credit_code": THERE, "list": "serious",
        "entered_on": "2025-06-01" })]);
    assert!(next(&mut going_on) > second, "it was told twice");
}

#[test]
fn what_a_node_has_yet_to_take_in_ends_its_page_of_the_log_and_is_not_left_out() {
    let two = two(&[NO_PATIENCE]);
    two.line.deafen("desk");
    let written = two.a.post("/api/v1/commands").role(Role::Lead).json(&newcomer()).ok();
    let written_at: u64 = token(&written).parse().unwrap();
    // Something that this node could show already.
    two.a.tell(&[
        json!({ "command": "report_balance", "credit_code": HERE, "date": "2025-06-01", "outstanding": "1.00" }),
    ]);
    let page = |role| two.b.get("/api/v1/events?limit=500").role(role);
    for role in [Role::Lead, Role::Admin] {
        let short = page(role).ok().json();
        let last = short.as_array().unwrap().last().unwrap()["position"].as_u64().unwrap();
        assert!(last < written_at, "{role} went past what was left out: {short}");
    }
    two.line.mend();
    let whole = until(200, || page(Role::Lead).header("warnlight-position", token(&written)).send());
    assert!(whole.text.contains(NOBODY), "{whole:?}");
}

#[test]
fn a_node_that_falls_behind_is_not_ready_and_says_by_how_much() {
    let two = two(&[("WARNLIGHT__LOG__MAX_BEHIND_SECONDS", "1"), NO_PATIENCE]);
    let until = |status: u16| until(status, || two.b.get("/readyz").header("accept-language", "en").send());
    let figure = |name: &str| {
        let metrics = two.b.get("/metrics").ok().text;
        let line = metrics.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name}: {metrics}"));
        line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap()
    };
    until(200);
    // The engine has not heard from the log.
    two.line.set_behind(Duration::from_millis(2500));
    let reply = two.b.get("/readyz").header("accept-language", "en").send();
    assert_eq!((reply.status, reply.code().as_str(), reply.header("retry-after")), (503, "behind", "1"));
    assert!(reply.json()["detail"].as_str().unwrap().contains("2 s"), "{reply:?}");
    assert!((figure("warnlight_log_behind_seconds ") - 2.5).abs() < 1e-9);
    two.line.set_behind(Duration::from_secs(1));
    until(200);
    two.line.set_behind(Duration::ZERO);
    // The engine has heard, the desk has not taken it in.
    two.line.deafen("desk");
    two.a.post("/api/v1/commands").role(Role::Lead).json(&newcomer()).ok();
    assert!(figure("warnlight_desk_behind_events ") >= 1.0);
    let reply = until(503);
    assert!(reply.json()["detail"].as_str().unwrap().contains("events behind the log"), "{reply:?}");
    two.line.mend();
    until(200);
    assert!(two.a.get("/metrics").ok().text.contains("warnlight_log_behind_seconds 0\n"));
}

#[test]
fn a_node_with_the_log_to_itself_is_behind_nothing() {
    let app = App::start();
    app.key("made beside the desk", super::app::scope_of(Role::Admin));
    assert_eq!(app.desk.log().head(), app.desk.picture().position, "there is one fold, and keys are part of it");
    app.get("/readyz").ok();
    assert!(app.get("/metrics").ok().text.contains("warnlight_desk_behind_events 0\n"));
    let head = app.desk.log().head().to_string();
    app.get("/api/v1/keys").role(Role::Admin).header("warnlight-position", &head).ok();
}
