//! Questions over all merchants: so many at a time, for so long, and nobody else waits for them.

use super::app::{App, HERE, Reply, who};
use crate::shared::forward;
use serde_json::json;
use std::io::Write as _;
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use warnlight::domain::envelope::Position;
use warnlight::domain::time::Instant;
use warnlight::domain::words::Role;
use warnlight::http::routes::TABLE;
use warnlight::log::contract::{Append, EventLog, LogError, Pending};
use warnlight::log::memory::MemoryLog;

/// One at a time.
const ONE: (&str, &str) = ("WARNLIGHT__HTTP__QUESTIONS_AT_ONCE", "1");
const NOBODY_WAITS: (&str, &str) = ("WARNLIGHT__HTTP__QUESTIONS_WAITING", "0");
const LIMIT: &str = "WARNLIGHT__HTTP__QUESTION_LIMIT_SECONDS";

/// A question that is held under way, for as long as the test likes.
const HELD: &str = "/merchants/91110108MA00000000/reasons?known_at=2025-06-30T12:00:00Z";
/// Every path to read, whether it goes over all merchants, and who may ask.
fn paths() -> impl Iterator<Item = (String, bool, Role)> {
    TABLE.iter().filter(|route| route.method == "GET").map(|route| {
        let instant = if route.path.ends_with("/reasons") { "?at=2025-06-29T00:00:00Z" } else { "" };
        let path =
            route.path.replace("{credit_code}", HERE).replace("{figure}", "tickets").replace("{month}", "2025-05");
        (format!("{path}{instant}"), route.is_question(), who(route))
    })
}

/// A log that holds whoever asks for the position of an instant.
struct Holding {
    log: MemoryLog,
    held: Mutex<Sender<()>>,
    go: Mutex<Receiver<()>>,
}

impl EventLog for Holding {
    fn submit(&self, append: Append) -> Pending {
        self.log.submit(append)
    }

    fn position_at(&self, at: Instant) -> Result<Position, LogError> {
        self.held.lock().unwrap().send(()).unwrap();
        // A sender that is gone lets everybody pass.
        let _ = self.go.lock().unwrap().recv();
        self.log.position_at(at)
    }

    forward!(log, but position_at);
}

/// The service; `held` hears that a question is under way, `go` lets it go on.
struct Held {
    app: App,
    held: Receiver<()>,
    go: Sender<()>,
}

fn start(variables: &[(&str, &str)]) -> Held {
    let ((tell, held), (go, wait)) = (channel(), channel());
    let log = Holding { log: MemoryLog::new(), held: Mutex::new(tell), go: Mutex::new(wait) };
    let variables = [variables, &[("WARNLIGHT__PUBLIC__SHOWS", "filing,exits")]].concat();
    Held { app: App::on(Arc::new(log), &variables), held, go }
}

/// Asks without waiting for the answer.
fn ask(app: &App, role: Role, path: &str) -> TcpStream {
    let address = app.address("");
    let mut stream = TcpStream::connect(address.trim_start_matches("http://")).unwrap();
    let key = app.key_of(role);
    write!(stream, "GET /api/v1{path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\n\r\n").unwrap();
    stream
}

fn under_way(reply: &Reply) -> &str {
    reply.text.lines().find_map(|line| line.strip_prefix("warnlight_questions ")).unwrap_or_default()
}

#[test]
fn a_full_pool_says_so_at_once_and_everything_else_is_answered_meanwhile() {
    let Held { app, held, go } = start(&[ONE, NOBODY_WAITS, (LIMIT, "600")]);
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| app.get(&format!("/api/v1{HELD}")).role(Role::Lead).send());
        held.recv().unwrap();
        for (path, is_question, role) in paths() {
            let reply = app.get(&path).role(role).send();
            if is_question {
                assert_eq!((reply.status, reply.code().as_str()), (503, "busy"), "{path}");
                assert!(reply.header("retry-after").parse::<u32>().unwrap() > 0, "{path}");
            } else {
                assert!(reply.status < 500, "{path}: {reply:?}");
            }
        }
        let told = |language: &str| {
            app.get("/").role(Role::Admin).html().header("accept-language", language).send().text.to_lowercase()
        };
        assert!(told("zh-CN").contains("查询繁忙") && told("en").contains("too many questions over all merchants"));

        let balance =
            json!({ "command": "report_balance", "credit_code": HERE, "date": "2025-06-01", "outstanding": "5.00" });
        app.post("/api/v1/commands").role(Role::Lead).json(&balance).ok();
        let file = format!("/api/v1/merchants/{HERE}");
        for path in ["", "/reasons", "/timeline"] {
            app.get(&format!("{file}{path}")).role(Role::Lead).ok();
        }
        app.get(&format!("/merchants/{HERE}")).role(Role::Lead).html().ok();
        app.get("/healthz").ok();

        go.send(()).unwrap();
        assert_eq!(asked.join().unwrap().status, 200);
    });
    // Nothing is held any longer.
    drop(go);
    for (path, _, role) in paths().filter(|(_, is_question, _)| *is_question) {
        let reply = app.get(&path).role(role).send();
        // No notice stands in a mall without a name.
        assert!(reply.status == 200 || path == "/shop/mall", "{path}: {reply:?}");
    }
    let described = app.get("/api/openapi.json").ok().json();
    let busy = |path: &str| described["paths"][path]["get"]["responses"].get("503").is_some();
    assert!(busy("/api/v1/lights") && busy("/") && !busy("/api/v1/merchants/{credit_code}"));
}

#[test]
fn a_question_whose_time_is_over_is_told_so_whether_it_waited_or_was_worked_on() {
    let Held { app, held, go } = start(&[ONE, (LIMIT, "1")]);
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| app.get(&format!("/api/v1{HELD}")).role(Role::Lead).send());
        held.recv().unwrap();
        let waited = app.get("/api/v1/lights").role(Role::Admin).send();
        for late in [waited, asked.join().unwrap()] {
            assert_eq!((late.status, late.code().as_str()), (503, "out_of_time"));
            assert!(late.header("retry-after").parse::<u32>().unwrap() > 0);
        }
    });
    drop(go);
    app.until("/api/v1/lights", |reply| reply.status == 200);
}

#[test]
fn a_client_that_went_away_frees_its_place() {
    let Held { app, held, go } = start(&[ONE, (LIMIT, "600")]);
    let first = ask(&app, Role::Lead, HELD);
    held.recv().unwrap();
    let second = ask(&app, Role::Admin, "/lights");
    app.until("/metrics", |reply| under_way(reply) == "2");
    drop(second);
    app.until("/metrics", |reply| under_way(reply) == "1");
    // The one under way ends as soon as it looks.
    drop(first);
    drop(go);
    app.until("/metrics", |reply| under_way(reply) == "0");
}
