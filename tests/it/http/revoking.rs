//! A key that is revoked opens nothing any more, also while the desk has much to do.

use super::app::App;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant as Timer};
use warnlight::desk::Request;
use warnlight::domain::access::Scope;
use warnlight::domain::code::CreditCode;
use warnlight::domain::envelope::Origin;
use warnlight::domain::words::Role;
use warnlight::log::embedded::{EmbeddedLog, Options};

/// Longest time from asking for a revocation until it counts.
const LONGEST: Duration = Duration::from_secs(1);
/// Commands in one request: the most there may be.
const MANY: usize = 10_000;
/// Large requests, one after the other.
const REQUESTS: usize = 4;

/// Registers that many shops that nobody has heard of.
fn shops(request: usize) -> Vec<Value> {
    let shop = |number: usize| {
        let code = CreditCode::with_check_character(&format!("91110108MA{request:02}{number:05}")).unwrap();
        json!({ "command": "register_merchant", "credit_code": code, "name": format!("商户{number}号"),
            "industry_code": "8930", "division_code": "110108" })
    };
    (0..MANY).map(shop).collect()
}

/// An import runs beside: `send` sends its requests one by one. Keys are revoked meanwhile, each counts in time, and what was
/// revoked last was revoked before the import's last request was answered.
fn revoked_in_time(app: &App, send: impl FnOnce(&dyn Fn()) + Send) {
    let keys: Vec<_> = (0..2 * REQUESTS)
        .map(|number| {
            let scope = Scope { role: Role::Lead, ..Scope::everything() };
            let text = app.key(&format!("leaves-{number}"), scope);
            let id = app.keyring.check(&text).unwrap().id;
            (text, id)
        })
        .collect();
    let answered = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let begun = app.desk.log().head();
        let answered = &answered;
        scope.spawn(move || {
            send(&|| {
                answered.fetch_add(1, Ordering::SeqCst);
            });
        });
        let mut growth = app.desk.log().subscribe(begun).unwrap();
        assert!(!growth.next(Duration::from_secs(60)).unwrap().is_empty(), "the import does not begin");
        let mut meanwhile = 0;
        for (text, id) in keys {
            app.get("/api/v1/merchants?limit=1").key(&text).ok();
            let asked = Timer::now();
            let reply = app.ask("DELETE", &format!("/api/v1/keys/{id}")).role(Role::Admin).send();
            assert_eq!(reply.status, 204, "{reply:?}");
            assert_eq!(app.get("/api/v1/merchants?limit=1").key(&text).send().status, 401);
            let took = asked.elapsed();
            assert!(took < LONGEST, "a revocation counted after {took:?}");
            meanwhile += usize::from(answered.load(Ordering::SeqCst) < REQUESTS);
        }
        assert!(meanwhile > 0, "the import was over before a key was revoked");
    });
}

fn app() -> (tempfile::TempDir, App) {
    let room = tempfile::tempdir().unwrap();
    let log = EmbeddedLog::open(room.path(), &Options::default()).unwrap();
    (room, App::on(Arc::new(log), &[("WARNLIGHT__HTTP__BODY_LIMIT_BYTES", "16777216")]))
}

#[test]
fn a_key_revoked_while_large_requests_come_in_opens_nothing_within_a_second() {
    let (_room, app) = app();
    let bodies: Vec<Value> = (0..REQUESTS).map(|request| Value::Array(shops(request))).collect();
    revoked_in_time(&app, |done| {
        for body in &bodies {
            app.post("/api/v1/commands").role(Role::Lead).json(body).ok();
            done();
        }
    });
}

#[test]
fn a_key_revoked_while_an_import_holds_lights_and_settles_opens_nothing_within_a_second() {
    let (_room, app) = app();
    let requests = (0..REQUESTS).map(|request| shops(request).iter().map(super::app::command).collect());
    let requests: Vec<Request> = requests
        .map(|commands| Request { hold_lights: true, ..Request::new(commands, Origin::of("import")) })
        .collect();
    revoked_in_time(&app, |done| {
        for request in requests {
            app.desk.execute(request).unwrap();
            done();
        }
        app.desk.settle().unwrap();
    });
}
