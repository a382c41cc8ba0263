//! The whole service, killed at any moment: what it acknowledged is there once and in order, the log is sound, and no light
//! change or mail is doubled or missing.
//!
//! Clients post commands over HTTP to the real binary, one by one, as lists, and as an import, which is killed (SIGKILL) again
//! and again while they do; beside them keys are made and revoked, people read, and a balancer asks who is ready ([`beside`]). A
//! request whose answer was lost is posted again under its key, and so is one that was answered: it has the answer it had. At
//! the end the log is read from outside.

mod beside;
mod files;
mod taking_back;

use beside::{Balancer, Keys, Line, read_on};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;
use uuid::Uuid;
use warnlight::domain::code::CreditCode;
use warnlight::domain::envelope::{Position, Recorded};
use warnlight::domain::event::{Event, LightChanged, MailRequested};
use warnlight::domain::words::Light;
use warnlight::log::contract::EventLog;
use warnlight::log::embedded::EmbeddedLog;
use warnlight::picture::Picture;
use warnlight::policy::Policies;

/// Kills, as the owner asked for.
const KILLS: usize = 100;
/// Commands in a request of each client: one alone, a list under one key, an import.
const CLIENTS: [usize; 3] = [1, 5, 60];
/// Requests of one life that lists and imports are of, at most: what grows the log makes every start longer.
const LISTS: usize = 1;

pub(crate) fn warnlight(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_warnlight"));
    command
        .env_clear()
        .env("WARNLIGHT__HTTP__LISTEN", "127.0.0.1:0")
        .env("WARNLIGHT__TRACE__FILTER", "error")
        .arg("--data")
        .arg(data)
        .args(["--format", "json"]);
    command
}

fn make_key(data: &Path) -> String {
    key_from(warnlight(data))
}

/// Makes a key with a command that has its settings.
pub(crate) fn key_from(mut warnlight: Command) -> String {
    let output = warnlight.args(["key", "create", "--role", "admin", "--name", "trial"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let made: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    made["secret"].as_str().unwrap().to_owned()
}

/// Starts the service and waits until it says where it listens.
fn serve(data: &Path) -> (Child, String) {
    serve_from(warnlight(data))
}

/// Starts the service with a command that has its settings.
pub(crate) fn serve_from(mut warnlight: Command) -> (Child, String) {
    let mut child = warnlight.arg("serve").stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let said: serde_json::Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("no address in `{line}`"));
    (child, said["listening"].as_str().unwrap().to_owned())
}

/// A client of a service that may go away; what the service answers with a failure is one, too.
pub(crate) fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(120))).build().into()
}

/// The same, for whom only a broken connection is a failure.
fn strict_agent() -> ureq::Agent {
    let patience = Some(Duration::from_secs(120));
    ureq::Agent::config_builder().timeout_global(patience).http_status_as_error(false).build().into()
}

/// What one client does next, and what was acknowledged to it.
pub(crate) struct Client {
    number: usize,
    /// Commands in one request: one goes alone, several go as a list.
    at_once: usize,
    next: usize,
    acknowledged: Vec<Vec<Uuid>>,
}

impl Client {
    /// One whose commands go alone.
    pub(crate) fn new(number: usize) -> Self {
        Self::of_lists(number, 1)
    }

    fn of_lists(number: usize, at_once: usize) -> Self {
        Self { number, at_once, next: 0, acknowledged: Vec::new() }
    }

    fn code(&self, merchant: usize) -> CreditCode {
        CreditCode::with_check_character(&format!("91110108MA{:02}{merchant:05}", self.number)).unwrap()
    }

    /// The command of that number: a merchant is registered, then its light is made to rise and fall.
    fn command(&self, number: usize) -> serde_json::Value {
        let (merchant, step) = (number / 5, number % 5);
        let code = self.code(merchant);
        let day = format!("2025-03-{:02}", 1 + merchant % 28);
        match step {
            0 => {
                serde_json::json!({"command": "register_merchant", "credit_code": code, "name": format!("商户{number}号"),
                "industry_code": "8040", "division_code": "110108"})
            }
            1 => serde_json::json!({"command": "report_balance", "credit_code": code, "date": day,
                "outstanding": format!("{}.00", 600_000 + number)}),
            2 => serde_json::json!({"command": "report_custody", "credit_code": code, "date": day,
                "held": format!("{number}.00"), "abnormal": false}),
            3 => {
                serde_json::json!({"command": "record_listing", "credit_code": code, "list": "serious", "entered_on": day})
            }
            _ => {
                serde_json::json!({"command": "record_listing", "credit_code": code, "list": "serious", "entered_on": day,
                "removed_on": "2025-06-01"})
            }
        }
    }

    /// The request that begins with the command of that number.
    fn body(&self, first: usize) -> serde_json::Value {
        match self.at_once {
            1 => self.command(first),
            count => (first..first + count).map(|number| self.command(number)).collect(),
        }
    }

    /// Sends the request that begins with that command. Returns the ids of each command's events, and whether this was the first
    /// answer again; nothing if the service is gone.
    fn send(&self, agent: &ureq::Agent, address: &str, key: &str, first: usize) -> Option<Vec<(Vec<Uuid>, bool)>> {
        let answer = agent
            .post(format!("{address}/api/v1/commands"))
            .header("authorization", format!("Bearer {key}"))
            .header("idempotency-key", format!("client-{}-{first}", self.number))
            .send_json(self.body(first));
        let body = answer.ok()?.body_mut().read_json::<serde_json::Value>().ok()?;
        let receipts =
            if self.at_once == 1 { std::slice::from_ref(&body) } else { body.as_array().unwrap().as_slice() };
        assert_eq!(receipts.len(), self.at_once, "{body}");
        let read = |receipt: &serde_json::Value| {
            let events = receipt["events"].as_array().unwrap_or_else(|| panic!("not accepted: {receipt}"));
            (events.iter().map(|id| id.as_str().unwrap().parse().unwrap()).collect(), receipt["repeated"] == true)
        };
        Some(receipts.iter().map(read).collect())
    }

    /// Posts until the service is gone.
    pub(crate) fn post(
        &mut self,
        agent: &ureq::Agent,
        address: &str,
        key: &str,
        posted: &Sender<()>,
        stop: &AtomicBool,
    ) {
        let until = if self.at_once == 1 { usize::MAX } else { self.next + LISTS * self.at_once };
        while !stop.load(Ordering::Relaxed) && self.next < until {
            // The connection broke: the service was killed.
            let Some(receipts) = self.send(agent, address, key, self.next) else { return };
            self.acknowledged.extend(receipts.into_iter().map(|(events, _)| events));
            self.next += self.at_once;
            let _ = posted.send(());
        }
    }

    /// Sends again what was answered last: the same comes back, whatever happened to the service meanwhile.
    fn ask_again(&self, agent: &ureq::Agent, address: &str, key: &str) {
        let Some(first) = self.next.checked_sub(self.at_once) else { return };
        let Some(receipts) = self.send(agent, address, key, first) else { return };
        for ((events, repeated), before) in receipts.iter().zip(&self.acknowledged[first..]) {
            assert!(repeated, "said again, it was taken for new: {events:?}");
            assert_eq!(events, before, "one key, two answers");
        }
    }
}

#[test]
fn a_service_killed_a_hundred_times_under_mixed_load_loses_and_doubles_nothing() {
    let room = tempfile::tempdir().unwrap();
    let data = room.path();
    let key = make_key(data);
    let mut clients: Vec<Client> =
        CLIENTS.iter().enumerate().map(|(number, at_once)| Client::of_lists(number, *at_once)).collect();
    let (mut keys, mut balancer) = (Keys::default(), Balancer::default());
    for kill in 0..KILLS {
        let (mut child, address) = serve(data);
        let stop = AtomicBool::new(false);
        // Each life lasts for another number of answers, so that the kill falls on every step of the way.
        let wanted = 1 + (kill * 7) % 23;
        let line = Line::to(&address, &key);
        std::thread::scope(|scope| {
            let (posted, answers) = channel();
            let (line, stop) = (&line, &stop);
            for client in &mut clients {
                let posted = posted.clone();
                scope.spawn(move || {
                    client.ask_again(&line.agent, &line.address, &line.key);
                    client.post(&line.agent, &line.address, &line.key, &posted, stop);
                });
            }
            drop(posted);
            scope.spawn(|| keys.go_on(line, stop));
            scope.spawn(|| balancer.go_on(line, stop));
            scope.spawn(|| read_on(line, stop));
            assert_eq!(answers.iter().take(wanted).count(), wanted, "the service died by itself");
            child.kill().unwrap();
            stop.store(true, Ordering::Relaxed);
        });
        child.wait().unwrap();
    }
    // A last life, in which what was under way is finished, ended politely.
    let (mut child, address) = serve(data);
    let line = Line::to(&address, &key);
    for client in &mut clients {
        client.ask_again(&line.agent, &address, &key);
        let (stop, until) = (AtomicBool::new(false), client.next + 1);
        std::thread::scope(|scope| {
            let (posted, answers) = channel();
            scope.spawn(|| client.post(&line.agent, &address, &key, &{ posted }, &stop));
            assert_eq!(answers.iter().take(1).count(), 1, "the last life does not answer");
            stop.store(true, Ordering::Relaxed);
        });
        assert!(client.next >= until, "the last life does not answer");
    }
    keys.judge(&line);
    balancer.judge(&line);
    terminate(&child);
    assert!(child.wait().unwrap().success());
    judge(data, &clients);
}

pub(crate) fn terminate(child: &Child) {
    let status = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

fn judge(data: &Path, clients: &[Client]) {
    let log = EmbeddedLog::open_read_only(data).unwrap();
    judge_log(&log, clients, KILLS);
}

/// Nothing acknowledged is lost or out of order, nothing is said twice, and the lights and mails are those of the evidence.
pub(crate) fn judge_log(log: &dyn EventLog, clients: &[Client], kills: usize) {
    log.verify(&mut |_, _| {}).unwrap();
    let events = log.read_all(0, usize::MAX).unwrap();
    assert!(events.iter().map(|event| event.position).eq(1..=events.len() as Position), "positions have gaps");
    let places: HashMap<Uuid, Position> = events.iter().map(|event| (event.event.id, event.position)).collect();
    assert_eq!(places.len(), events.len(), "an event is there twice");

    let acknowledged: usize = clients.iter().map(|client| client.acknowledged.len()).sum();
    assert!(acknowledged > kills, "only {acknowledged} commands were acknowledged: no load");
    for client in clients {
        let mut last = 0;
        for id in client.acknowledged.iter().flatten() {
            let place = *places.get(id).unwrap_or_else(|| panic!("acknowledged event {id} is lost"));
            assert!(place > last, "acknowledged event {id} is out of order");
            last = place;
        }
    }
    let mut said = BTreeSet::new();
    for event in events.iter().filter(|event| event.stream.starts_with("merchant-")) {
        assert!(said.insert((event.event.event_type.clone(), event.event.data.clone())), "said twice: {event:?}");
    }
    judge_lights(log, &events);
}

pub(crate) fn judge_lights(log: &dyn EventLog, events: &[Recorded]) {
    let mut lights: BTreeMap<CreditCode, LightChanged> = BTreeMap::new();
    let mut rises: BTreeSet<Uuid> = BTreeSet::new();
    let mut requests: BTreeMap<Uuid, MailRequested> = BTreeMap::new();
    let mut fates: BTreeMap<Uuid, usize> = BTreeMap::new();
    for recorded in events {
        match recorded.event.decode().unwrap() {
            Event::LightChanged(change) => {
                let before = lights.get(&change.credit_code);
                let rules = |change: &LightChanged| change.reasons.iter().map(|r| r.rule.clone()).collect::<Vec<_>>();
                assert_eq!(
                    change.from,
                    before.map_or(Light::Green, |before| before.to),
                    "the chain of lights is broken"
                );
                let same = change.to == change.from && rules(&change) == before.map(rules).unwrap_or_default();
                assert!(!same, "a change that changes nothing: {change:?}");
                if change.to > change.from && change.notify {
                    rises.insert(recorded.event.id);
                }
                lights.insert(change.credit_code, change);
            }
            Event::MailRequested(request) => {
                let change = request.light().unwrap().change;
                assert!(requests.insert(change, request).is_none(), "a mail was asked for twice");
            }
            Event::MailAccepted(fate) => *fates.entry(fate.mail).or_default() += 1,
            _ => {}
        }
    }
    assert!(!rises.is_empty());
    assert_eq!(rises, requests.keys().copied().collect(), "mails asked for are not the rises");
    for request in requests.values() {
        let expected = usize::from(!request.recipients.is_empty());
        let found = fates.get(&request.mail).copied().unwrap_or_default();
        // What the last life had no time to send waits for the next; nothing is sent twice.
        assert!(found <= expected, "a mail was accepted twice");
    }
    // Grading everything again from the log gives the lights that were recorded.
    let state = Picture::replay(log, Arc::new(Policies::built_in().unwrap())).unwrap();
    for merchant in state.world.merchants().iter() {
        let recorded = lights.get(&merchant.code);
        let at = recorded
            .map_or(merchant.last.unwrap().recorded_at, |change| change.at.max(merchant.last.unwrap().recorded_at));
        let moment = warnlight::lights::moment::Moment::new(&state.policies, at, Position::MAX);
        let grade = warnlight::lights::grade::grade(&moment.subject(&state.world, merchant));
        assert_eq!(grade.light, recorded.map_or(Light::Green, |change| change.to), "light of {}", merchant.code);
    }
}
