//! Ready means: a command would be taken, and lights are up to date. Whatever is asked of `/readyz`, the reason is named, and
//! it is ready again by itself.

use super::app::{App, HERE, PATIENCE, Reply};
use serde_json::json;
use std::io::Read as _;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant as Timer;
use warnlight::clock::ManualClock;
use warnlight::desk::Request;
use warnlight::domain::envelope::Origin;
use warnlight::domain::time::Instant;
use warnlight::domain::words::Role;
use warnlight::log::contract::{Append, EventLog, LogError, Pending};
use warnlight::log::embedded::{EmbeddedLog, Options};
use warnlight::log::memory::MemoryLog;
use warnlight::service::start_desk;
use warnlight::settings::Settings;

/// A log that falls ill on command.
#[derive(Default)]
struct Sick {
    inner: MemoryLog,
    /// What it says about its writer.
    writer: Mutex<Option<LogError>>,
    /// Light changes are not recorded.
    no_lights: AtomicBool,
    /// Appends about merchants hang.
    hangs: Mutex<bool>,
    goes_on: Condvar,
}

impl Sick {
    fn hang(&self, hangs: bool) {
        *self.hangs.lock().unwrap() = hangs;
        self.goes_on.notify_all();
    }
}

impl EventLog for Sick {
    fn submit(&self, append: Append) -> Pending {
        if append.stream.starts_with("merchant-") {
            drop(self.goes_on.wait_while(self.hangs.lock().unwrap(), |hangs| *hangs).unwrap());
        }
        if append.stream.starts_with("light-") && self.no_lights.load(Ordering::SeqCst) {
            return Pending::known(Err(LogError::Full));
        }
        self.inner.submit(append)
    }

    fn takes_appends(&self) -> Result<(), LogError> {
        self.writer.lock().unwrap().clone().map_or(Ok(()), Err)
    }

    crate::shared::forward!(inner, but takes_appends);
}

fn sick() -> (Arc<Sick>, App) {
    let log = Arc::new(Sick::default());
    let app = App::on(log.clone(), &[]);
    (log, app)
}

/// A closing nobody announced: the light of [`HERE`] turns red.
fn closing() -> Request {
    let closing = json!({ "command": "record_exit", "credit_code": HERE, "mall": "东方广场", "unit": "B1-01",
        "action": "close", "date": "2025-06-20" });
    Request::new(vec![super::app::command(&closing)], Origin::of("test"))
}

/// Asks `/readyz` once.
fn asked(app: &App) -> Reply {
    app.get("/readyz").header("accept-language", "en").send()
}

/// Waits until `/readyz` is ready, asked again and again as balancers do, and holds the metric to it.
fn ready(app: &App) -> Reply {
    until(app, 200, "ready")
}

/// Waits until `/readyz` is not ready for a reason. Before it there may be others: a desk at work is not up to date.
fn not_ready(app: &App, said: &str) -> Reply {
    until(app, 503, said)
}

fn until(app: &App, status: u16, said: &str) -> Reply {
    let begun = Timer::now();
    loop {
        let reply = asked(app);
        // Between the two questions the desk may have begun another piece of work: then both are asked again.
        let measured = || app.get("/metrics").role(Role::Admin).ok().text;
        let line = format!("\nwarnlight_ready {}\n", u8::from(status == 200));
        if reply.status == status && reply.text.contains(said) && measured().contains(&line) {
            return reply;
        }
        assert!(begun.elapsed() < PATIENCE, "{reply:?}");
        std::thread::yield_now();
    }
}

#[test]
fn a_log_that_takes_no_appends_is_not_ready_until_it_does() {
    let (log, app) = sick();
    ready(&app);
    for (trouble, said) in [
        (LogError::Full, "the disk is full"),
        (LogError::Unavailable("the writer has stopped".to_owned()), "the writer has stopped"),
    ] {
        *log.writer.lock().unwrap() = Some(trouble);
        not_ready(&app, said);
        *log.writer.lock().unwrap() = None;
        ready(&app);
    }
}

#[test]
fn lights_that_cannot_be_recorded_are_not_up_to_date() {
    let (log, app) = sick();
    ready(&app);
    log.no_lights.store(true, Ordering::SeqCst);
    app.desk.execute(closing()).unwrap();
    not_ready(&app, "lights cannot be recorded: the disk is full");
    log.no_lights.store(false, Ordering::SeqCst);
    ready(&app);
    assert!(app.get(&format!("/api/v1/merchants/{HERE}")).role(Role::Lead).ok().text.contains("red"));
}

#[test]
fn a_desk_that_hangs_is_not_ready_and_is_asked_all_the_same() {
    let (log, app) = sick();
    ready(&app);
    log.hang(true);
    let answers = app.desk.submit(closing());
    not_ready(&app, "at one piece of work");
    app.get(&format!("/api/v1/merchants/{HERE}")).role(Role::Lead).ok();
    log.hang(false);
    answers.wait().unwrap();
    ready(&app);
}

fn behind(app: &App) -> f64 {
    let metrics = app.get("/metrics").role(Role::Admin).ok().text;
    let line = metrics.lines().find_map(|line| line.strip_prefix("warnlight_clock_behind_seconds "));
    line.unwrap_or_else(|| panic!("{metrics}")).parse().unwrap()
}

#[test]
fn a_clock_behind_the_log_is_said_and_the_service_is_ready_all_the_same() {
    let app = App::start();
    let right = "2025-06-30T10:00:00Z".parse::<Instant>().unwrap();
    assert_eq!((ready(&app).text.as_str(), behind(&app)), ("ready\n", 0.0));
    // A minute and a half is what nodes may differ by, forty days are a wrong clock.
    for (ahead, said) in [(90, false), (40 * 86_400, true)] {
        app.clock.set(right + jiff::SignedDuration::from_secs(ahead));
        app.tell(&[json!({ "command": "report_balance", "credit_code": HERE, "date": "2025-06-01",
            "outstanding": format!("{ahead}.00") })]);
        app.clock.set(right);
        app.desk.settle().unwrap();
        for (language, words) in
            [("en", "warning: this machine's clock is"), ("zh-CN", "warning: 本机时钟比日志中最新的时间慢")]
        {
            let reply = app.get("/readyz").header("accept-language", language).ok();
            assert_eq!(reply.text.contains(words), said, "{reply:?}");
        }
        assert_eq!(behind(&app) > 86_400.0 * 39.0, said);
    }
    // When the time on record has come, it is over.
    app.clock.set(right + jiff::SignedDuration::from_hours(24 * 41));
    app.desk.settle().unwrap();
    assert_eq!(ready(&app).text, "ready\n");
    assert_eq!(behind(&app), 0.0);
}

#[test]
fn a_clock_behind_the_log_is_said_at_start() {
    let room = tempfile::tempdir().unwrap();
    let log: Arc<dyn EventLog> = Arc::new(EmbeddedLog::open(room.path(), &Options::default()).unwrap());
    let ahead = Arc::new(ManualClock::new(Instant::now() + jiff::SignedDuration::from_hours(24 * 40)));
    let settings = Settings::from_layers(None, std::collections::HashMap::new()).unwrap();
    let desk = start_desk(&settings, log, ahead).unwrap();
    desk.settle().unwrap();
    desk.stop();
    drop(desk);
    let mut command = crate::kill::warnlight(room.path());
    command.env("WARNLIGHT__TRACE__FILTER", "warn").stderr(Stdio::piped());
    let (mut child, address) = crate::kill::serve_from(command);
    let asked = crate::kill::agent().get(format!("{address}/readyz")).header("accept-language", "en");
    let said = asked.call().unwrap().body_mut().read_to_string().unwrap();
    crate::kill::terminate(&child);
    assert!(child.wait().unwrap().success());
    let mut told = String::new();
    child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
    for text in [said, told] {
        assert!(
            text.contains("this machine's clock is") && text.contains("behind the newest time on record"),
            "{text}"
        );
    }
}
