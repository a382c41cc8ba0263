//! The whole service in this process, on a random port, its clock in the test's hand.

use serde_json::Value;
use std::collections::HashMap;
use std::io::Read as _;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use ureq::http::{HeaderMap, Request, StatusCode};
use warnlight::clock::{Clock, ManualClock};
use warnlight::desk::{Answer, Desk};
use warnlight::domain::access::Scope;
use warnlight::domain::command::Command;
use warnlight::domain::envelope::Origin;
use warnlight::domain::time::Instant;
use warnlight::domain::words::Role;
use warnlight::http::Open;
use warnlight::http::access::{Keyring, NewKey};
use warnlight::http::routes::Route;
use warnlight::log::contract::EventLog;
use warnlight::log::memory::MemoryLog;
use warnlight::mail::worker::Worker;
use warnlight::service::{start_desk, start_mail, start_tray};
use warnlight::settings::Settings;

/// Haidian, sport, in 东方广场, custody at 甲银行.
pub(super) const HERE: &str = "91110108MA00000000";
/// Chaoyang, commerce, in 西单大悦城.
pub(super) const THERE: &str = "911101051000000001";
/// Nobody said anything about it.
pub(super) const NOBODY: &str = "91110108MA99999990";

/// Patience with the service: what takes longer hangs, however busy the machine is. None of the tests waits that long.
pub(super) const PATIENCE: Duration = Duration::from_secs(240);

pub(super) const EVERY_ROLE: [Role; 6] =
    [Role::Operator, Role::Regulator, Role::Bank, Role::Lead, Role::Admin, Role::Merchant];

/// Returns who may ask for a route: an administrator wherever they may.
pub(super) fn who(route: &Route) -> Role {
    let roles = route.right.as_ref().map_or(&[][..], |right| right.roles);
    if roles.contains(&Role::Admin) { Role::Admin } else { roles.first().copied().unwrap_or(Role::Admin) }
}

/// The service.
pub(super) struct App {
    pub(super) clock: Arc<ManualClock>,
    pub(super) keyring: Arc<Keyring>,
    pub(super) desk: Desk,
    base: String,
    keys: HashMap<Role, String>,
    agent: ureq::Agent,
    stop: actix_web::dev::ServerHandle,
    thread: Option<JoinHandle<()>>,
    mail: Option<Arc<Worker>>,
    folder: tempfile::TempDir,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

impl Reply {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The code of a problem.
    pub(super) fn code(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let problem = self.json();
        assert_eq!(problem["status"], self.status);
        assert_eq!(problem["type"], format!("/problems/{}", problem["code"].as_str().unwrap()));
        problem["code"].as_str().unwrap().to_owned()
    }

    /// The session cookie that is set, as `name=value`.
    pub(super) fn cookie(&self) -> String {
        self.cookie_named("warnlight_session").unwrap().split(';').next().unwrap().to_owned()
    }

    /// A cookie that is set, with its attributes.
    pub(super) fn cookie_named(&self, name: &str) -> Option<&str> {
        let mut set = self.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap());
        set.find(|cookie| cookie.split('=').next() == Some(name))
    }
}

/// A request under construction.
pub(super) struct Ask<'a> {
    app: &'a App,
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Option<String>,
}

impl Ask<'_> {
    pub(super) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(super) fn key(self, key: &str) -> Self {
        self.header("authorization", &format!("Bearer {key}"))
    }

    pub(super) fn role(self, role: Role) -> Self {
        let key = self.app.keys[&role].clone();
        self.key(&key)
    }

    pub(super) fn html(self) -> Self {
        self.header("accept", "text/html")
    }

    pub(super) fn json(mut self, body: &Value) -> Self {
        self.body = Some(body.to_string());
        self.header("content-type", "application/json")
    }

    pub(super) fn text(mut self, media_type: &str, body: &str) -> Self {
        self.body = Some(body.to_owned());
        self.header("content-type", media_type)
    }

    pub(super) fn form(self, pairs: &[(&str, &str)]) -> Self {
        let body: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        self.text("application/x-www-form-urlencoded", &body.join("&"))
    }

    /// Sends, and returns the answer before its body is read.
    pub(super) fn open(self) -> ureq::http::Response<ureq::Body> {
        let mut request =
            Request::builder().method(self.method.as_str()).uri(format!("{}{}", self.app.base, self.path));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let takes_body = matches!(self.method.as_str(), "POST" | "PATCH" | "PUT");
        if takes_body {
            self.app.agent.run(request.body(self.body.unwrap_or_default()).unwrap()).unwrap()
        } else {
            self.app.agent.run(request.body(()).unwrap()).unwrap()
        }
    }

    pub(super) fn send(self) -> Reply {
        let response = self.open();
        let (parts, body) = response.into_parts();
        let mut bytes = Vec::new();
        // A live feed never ends: its head is answer enough.
        if parts.headers.get("content-type").is_none_or(|value| value != "text/event-stream") {
            body.into_reader().read_to_end(&mut bytes).unwrap();
        }
        // A workbook is no text; nobody reads it as one.
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Reply { status: parts.status.as_u16(), headers: parts.headers, text }
    }

    pub(super) fn ok(self) -> Reply {
        let reply = self.send();
        assert_eq!(reply.status, StatusCode::OK.as_u16(), "{reply:?}");
        reply
    }
}

pub(super) fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

pub(super) fn instant(text: &str) -> Instant {
    text.parse().unwrap()
}

pub(super) fn command(value: &Value) -> Command {
    serde_json::from_value(value.clone()).unwrap()
}

impl App {
    /// Starts the service with two merchants that no two limited scopes share.
    pub(super) fn start() -> Self {
        Self::with(&[])
    }

    /// The same with other settings.
    pub(super) fn with(variables: &[(&str, &str)]) -> Self {
        Self::on(Arc::new(MemoryLog::new()), variables)
    }

    /// The same with a mail server of the test's.
    pub(super) fn with_mail_server(port: u16) -> Self {
        Self::with(&[
            ("WARNLIGHT__MAIL__FROM", "warnlight@example.org"),
            ("WARNLIGHT__MAIL__SMTP__HOST", "127.0.0.1"),
            ("WARNLIGHT__MAIL__SMTP__PORT", &port.to_string()),
            ("WARNLIGHT__MAIL__SMTP__TLS", "none"),
        ])
    }

    /// A light of [`HERE`] rises: a mail is asked for.
    pub(super) fn alarm(&self) {
        self.tell(&[serde_json::json!({ "command": "record_exit", "credit_code": HERE, "mall": "东方广场",
            "unit": "B1-01", "action": "post", "date": "2025-06-20", "planned_on": "2025-07-10" })]);
    }

    /// Asks for something until it is as it should be.
    pub(super) fn until(&self, path: &str, is_right: impl Fn(&Reply) -> bool) -> Reply {
        let deadline = std::time::Instant::now() + PATIENCE;
        loop {
            let reply = self.get(path).role(Role::Admin).send();
            if is_right(&reply) {
                return reply;
            }
            assert!(std::time::Instant::now() < deadline, "{path}: {reply:?}");
            std::thread::yield_now();
        }
    }

    /// The same on a log of the test's.
    pub(super) fn on(log: Arc<dyn EventLog>, variables: &[(&str, &str)]) -> Self {
        let app = Self::open(log, variables, None);
        app.tell(&[
            serde_json::json!({ "command": "register_merchant", "credit_code": HERE, "name": "海淀<健身>", "brand": "动起来",
                "industry_code": "8930", "division_code": "110108", "mall": "东方广场", "unit": "B1-01" }),
            serde_json::json!({ "command": "register_merchant", "credit_code": THERE, "name": "朝阳餐饮",
                "industry_code": "6210", "division_code": "110105", "mall": "西单大悦城", "unit": "2-02" }),
            serde_json::json!({ "command": "record_filing", "credit_code": HERE, "status": "accepted",
                "date": "2025-01-10", "bank": "甲银行" }),
        ]);
        app
    }

    /// Another node on the same log as this one.
    pub(super) fn beside(&self, log: Arc<dyn EventLog>, variables: &[(&str, &str)]) -> Self {
        Self::open(log, variables, Some(self.keys.clone()))
    }

    fn open(log: Arc<dyn EventLog>, variables: &[(&str, &str)], keys: Option<HashMap<Role, String>>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut all: HashMap<String, String> =
            [("WARNLIGHT__HTTP__LISTEN", "127.0.0.1:0"), ("WARNLIGHT__HTTP__WORKERS", "2")]
                .iter()
                .chain(variables)
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect();
        all.entry("WARNLIGHT__HTTP__BODY_LIMIT_BYTES".to_owned()).or_insert_with(|| "65536".to_owned());
        let settings = Settings::from_layers(None, all).unwrap();
        let clock = Arc::new(ManualClock::new(instant("2025-06-30T10:00:00Z")));
        let keyring =
            Arc::new(Keyring::open(log.clone(), clock.clone()).unwrap().with_accounts(folder.path()).unwrap());
        let keys = keys
            .unwrap_or_else(|| EVERY_ROLE.map(|role| (role, make_key(&keyring, role.name(), scope_of(role)))).into());
        let desk = start_desk(&settings, log, clock.clone()).unwrap();
        let mail = Arc::new(start_mail(&settings, folder.path(), &desk).unwrap());
        let tray = Arc::new(start_tray(&settings, folder.path(), &desk).unwrap());
        let (tell, told) = std::sync::mpsc::channel();
        let thread = {
            let (desk, mail, keyring, clock) = (desk.clone(), mail.clone(), keyring.clone(), clock.clone());
            std::thread::spawn(move || {
                actix_web::rt::System::new().block_on(async {
                    let session_clock: Arc<dyn Clock> = clock;
                    let open = Open { settings: &settings, desk, mail, tray, inbox: None, keyring, session_clock };
                    let serving = open.serve().unwrap();
                    tell.send((serving.address, serving.handle)).unwrap();
                    serving.server.await.unwrap();
                });
            })
        };
        let (address, stop) = told.recv().unwrap();
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(PATIENCE))
            .build()
            .new_agent();
        Self {
            clock,
            keyring,
            desk,
            base: format!("http://{address}"),
            keys,
            agent,
            stop,
            thread: Some(thread),
            mail: Some(mail),
            folder,
        }
    }

    /// Returns the whole address of a path.
    pub(super) fn address(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Returns the data folder.
    pub(super) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    pub(super) fn key_of(&self, role: Role) -> &str {
        &self.keys[&role]
    }

    /// Makes another key.
    pub(super) fn key(&self, name: &str, scope: Scope) -> String {
        make_key(&self.keyring, name, scope)
    }

    /// Says something at the desk itself, and waits until lights have followed.
    pub(super) fn tell(&self, commands: &[Value]) {
        let commands = commands.iter().map(command).collect();
        let request = warnlight::desk::Request::new(commands, Origin::of("test"));
        for answer in self.desk.execute(request).unwrap() {
            assert!(!matches!(answer, Answer::Refused(_)), "{answer:?}");
        }
        self.desk.settle().unwrap();
    }

    /// Waits until what the outbox shows an administrator is as wanted.
    pub(super) fn mails_until(&self, wanted: impl Fn(&str) -> bool) {
        let mut changes = self.desk.changes();
        actix_web::rt::System::new().block_on(async {
            while !wanted(&self.get("/api/v1/mails").role(Role::Admin).ok().text) {
                tokio::time::timeout(PATIENCE, changes.changed()).await.unwrap().unwrap();
            }
        });
    }

    pub(super) fn ask(&self, method: &str, path: &str) -> Ask<'_> {
        Ask { app: self, method: method.to_owned(), path: path.to_owned(), headers: Vec::new(), body: None }
    }

    pub(super) fn get(&self, path: &str) -> Ask<'_> {
        self.ask("GET", path)
    }

    pub(super) fn post(&self, path: &str) -> Ask<'_> {
        self.ask("POST", path)
    }

    /// Logs in and returns the session cookie.
    pub(super) fn log_in(&self, role: Role) -> String {
        let reply = self.post("/login").form(&[("key", self.key_of(role))]).send();
        assert_eq!(reply.status, 303, "{reply:?}");
        reply.cookie()
    }

    /// Returns the form token of a session, read off a page.
    pub(super) fn token(&self, cookie: &str) -> String {
        let page = self.get("/").header("cookie", cookie).html().ok();
        let (_, rest) = page.text.split_once("name=\"form_token\" value=\"").unwrap();
        rest.split_once('"').unwrap().0.to_owned()
    }
}

impl Drop for App {
    fn drop(&mut self) {
        let stopping = self.stop.stop(false);
        actix_web::rt::System::new().block_on(stopping);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        drop(self.mail.take());
        self.desk.stop();
    }
}

fn make_key(keyring: &Keyring, name: &str, scope: Scope) -> String {
    let new = NewKey { name: name.to_owned(), scope, expires_at: None };
    keyring.create(new, &Origin::of("test")).unwrap().0.expose().to_owned()
}

/// The scope of the test's keys: the limited ones see `HERE` and not `THERE`.
pub(super) fn scope_of(role: Role) -> Scope {
    let bare = Scope { role, ..Scope::everything() };
    match role {
        Role::Operator => Scope { malls: vec!["东方广场".to_owned()], ..bare },
        Role::Regulator => Scope { sectors: vec!["sport".to_owned()], divisions: vec!["110108".to_owned()], ..bare },
        Role::Bank => Scope { bank: Some("甲银行".to_owned()), ..bare },
        Role::Lead => Scope { divisions: vec!["110108".to_owned()], ..bare },
        Role::Admin => bare,
        Role::Merchant => Scope { merchant: Some(HERE.parse().unwrap()), ..bare },
    }
}
