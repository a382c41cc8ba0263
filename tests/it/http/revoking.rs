//! A key that is revoked opens nothing any more, also while the desk has much to do.
//!
//! "Within a second" is held by the order of events, so that the test does not depend on how busy the machine is: at most so
//! many commands are decided between a revocation on record and the picture that shows it, as the desk decides in a fraction
//! of a second (a turn of it, `desk/batch.rs`).

use super::app::App;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use uuid::Uuid;
use warnlight::desk::Request;
use warnlight::domain::access::Scope;
use warnlight::domain::code::CreditCode;
use warnlight::domain::envelope::Origin;
use warnlight::domain::words::Role;
use warnlight::log::contract::{Append, EventLog, Pending};
use warnlight::log::embedded::{EmbeddedLog, Options};
use warnlight::picture::Published;

/// Commands in one request: the most there may be.
const MANY: usize = 10_000;
/// Commands decided with a revoked key at most: the turn under way, of 2,000, and as many again for what was taken before.
const AT_MOST: usize = 4_000;
/// Large requests, one after the other.
const REQUESTS: usize = 4;

/// A log that counts what the desk decides while it does not know of a revocation on record.
struct Counting {
    inner: EmbeddedLog,
    published: OnceLock<Arc<Published>>,
    /// Keys whose revocation is on record, with the number of commands decided as if it was not.
    revoked: Mutex<Vec<(Uuid, usize)>>,
}

impl EventLog for Counting {
    fn submit(&self, append: Append) -> Pending {
        if let Some(revoked) = append.events.iter().find(|event| &*event.event_type == "key.revoked") {
            let data: Value = serde_json::from_str(&revoked.data).unwrap();
            let key = data["key"].as_str().unwrap().parse().unwrap();
            let answer = self.inner.append(append);
            if answer.is_ok() {
                self.revoked.lock().unwrap().push((key, 0));
            }
            return Pending::known(answer);
        }
        if let Some(published) = self.published.get().filter(|_| append.stream.starts_with("merchant-")) {
            let picture = published.picture();
            for (key, decided) in &mut *self.revoked.lock().unwrap() {
                *decided += usize::from(picture.keys.by_id(*key, append.recorded_at).is_ok());
            }
        }
        self.inner.submit(append)
    }

    crate::shared::forward!(inner);
}

/// Registers that many shops that nobody has heard of.
fn shops(request: usize) -> Vec<Value> {
    let shop = |number: usize| {
        let code = CreditCode::with_check_character(&format!("91110108MA{request:02}{number:05}")).unwrap();
        json!({ "command": "register_merchant", "credit_code": code, "name": format!("商户{number}号"),
            "industry_code": "8930", "division_code": "110108" })
    };
    (0..MANY).map(shop).collect()
}

/// An import runs beside: `send` sends its requests one by one. Keys are revoked meanwhile, each counts in time, and some were
/// revoked before the import's last request was answered.
fn revoked_in_time(log: &Counting, app: &App, send: impl FnOnce(&dyn Fn()) + Send) {
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
        assert!(!growth.next(super::app::PATIENCE).unwrap().is_empty(), "the import does not begin");
        let mut meanwhile = 0;
        for (text, id) in keys {
            app.get("/api/v1/merchants?limit=1").key(&text).ok();
            let reply = app.ask("DELETE", &format!("/api/v1/keys/{id}")).role(Role::Admin).send();
            // On a machine that is very busy the answer may say that the desk is not there yet.
            assert!(matches!(reply.status, 204 | 503), "{reply:?}");
            if reply.status == 503 {
                let _ = app.desk.published().wait_for(app.desk.log().head(), super::app::PATIENCE);
            }
            assert_eq!(app.get("/api/v1/merchants?limit=1").key(&text).send().status, 401);
            meanwhile += usize::from(answered.load(Ordering::SeqCst) < REQUESTS);
        }
        assert!(meanwhile > 0, "the import was over before a key was revoked");
    });
    for (key, decided) in &*log.revoked.lock().unwrap() {
        assert!(*decided <= AT_MOST, "{decided} commands were decided while key {key} was revoked and opened doors");
    }
}

fn app() -> (tempfile::TempDir, Arc<Counting>, App) {
    let room = tempfile::tempdir().unwrap();
    let inner = EmbeddedLog::open(room.path(), &Options::default()).unwrap();
    let log = Arc::new(Counting { inner, published: OnceLock::new(), revoked: Mutex::default() });
    let app = App::on(log.clone(), &[("WARNLIGHT__HTTP__BODY_LIMIT_BYTES", "16777216")]);
    assert!(log.published.set(app.desk.published().clone()).is_ok());
    (room, log, app)
}

#[test]
fn a_key_revoked_while_large_requests_come_in_opens_nothing_soon() {
    let (_room, log, app) = app();
    let bodies: Vec<Value> = (0..REQUESTS).map(|request| Value::Array(shops(request))).collect();
    revoked_in_time(&log, &app, |done| {
        for body in &bodies {
            app.post("/api/v1/commands").role(Role::Lead).json(body).ok();
            done();
        }
    });
}

#[test]
fn a_key_revoked_while_an_import_holds_lights_and_settles_opens_nothing_soon() {
    let (_room, log, app) = app();
    let requests = (0..REQUESTS).map(|request| shops(request).iter().map(super::app::command).collect());
    let requests: Vec<Request> = requests
        .map(|commands| Request { hold_lights: true, ..Request::new(commands, Origin::of("import")) })
        .collect();
    revoked_in_time(&log, &app, |done| {
        for request in requests {
            app.desk.execute(request).unwrap();
            done();
        }
        app.desk.settle().unwrap();
    });
}
