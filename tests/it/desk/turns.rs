//! A request of many commands is decided turn by turn: the log is followed in between, and its answer is whole.

use super::gate::Gate;
use crate::shared::forward;
use crate::watch::register;
use crate::watch::stage::{start, time};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use uuid::Uuid;
use warnlight::clock::ManualClock;
use warnlight::desk::{Answer, Request, RequestKey};
use warnlight::domain::access::Scope;
use warnlight::domain::code::CreditCode;
use warnlight::domain::command::Command;
use warnlight::domain::envelope::Origin;
use warnlight::http::access::{Keyring, NewKey};
use warnlight::log::contract::{Append, EventLog, LogError, Pending};
use warnlight::log::memory::MemoryLog;
use warnlight::picture::Published;
use warnlight::policy::Policies;

/// Commands in a request: as many as one over HTTP may hold.
const MANY: usize = 10_000;
const NOW: &str = "2025-03-05T10:30:00";

fn shops(count: usize) -> Vec<Command> {
    let code = |number| CreditCode::with_check_character(&format!("91110108MA{number:07}")).unwrap();
    (0..count).map(|number| register(&code(number).to_string(), "8040", "")).collect()
}

/// A log in which a key is revoked while the first commands of a request are on their way.
struct Revoking {
    inner: Arc<dyn EventLog>,
    keyring: Keyring,
    key: Uuid,
    published: OnceLock<Arc<Published>>,
    submitted: AtomicUsize,
    /// With how many commands on their way the desk did not know of it yet.
    unknown: Mutex<usize>,
}

impl EventLog for Revoking {
    fn submit(&self, append: Append) -> Pending {
        if append.stream.starts_with("merchant-") {
            let submitted = self.submitted.fetch_add(1, Ordering::SeqCst);
            if submitted == 0 {
                self.keyring.revoke(self.key, "they left", &Origin::of("test")).unwrap();
            }
            let picture = self.published.get().unwrap().picture();
            if picture.keys.by_id(self.key, append.recorded_at).is_ok() {
                *self.unknown.lock().unwrap() = submitted + 1;
            }
        }
        self.inner.submit(append)
    }

    forward!(inner);
}

#[test]
fn a_key_revoked_while_a_large_request_is_decided_opens_nothing_before_its_end() {
    let inner: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
    let clock = Arc::new(ManualClock::new(time(NOW)));
    let keyring = Keyring::open(inner.clone(), clock.clone()).unwrap();
    let make = |name: &str| {
        let new = NewKey { name: name.to_owned(), scope: Scope::everything(), expires_at: None };
        keyring.create(new, &Origin::of("test")).unwrap().1.id
    };
    let (_stays, key) = (make("stays"), make("leaves"));
    let log = Arc::new(Revoking {
        inner,
        keyring,
        key,
        published: OnceLock::new(),
        submitted: AtomicUsize::new(0),
        unknown: Mutex::default(),
    });
    let face: Arc<dyn EventLog> = log.clone();
    let desk = start(&face, &clock, Policies::built_in().unwrap()).unwrap();
    log.published.set(desk.published().clone()).unwrap();
    for hold_lights in [true, false] {
        let request = Request { hold_lights, ..Request::new(shops(MANY), Origin::of("import")) };
        assert_eq!(desk.execute(request).unwrap().len(), MANY);
        desk.settle().unwrap();
    }
    desk.stop();
    let unknown = *log.unknown.lock().unwrap();
    assert!((1..=MANY / 4).contains(&unknown), "the key opened doors for {unknown} commands of {MANY}");
}

#[test]
fn the_answer_to_a_large_request_is_whole_in_order_and_the_same_again() {
    let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
    let clock = Arc::new(ManualClock::new(time(NOW)));
    let desk = start(&log, &clock, Policies::built_in().unwrap()).unwrap();
    let mut commands = shops(MANY - 1);
    // Rests on what an earlier turn wrote.
    commands.push(commands[0].clone());
    let names = (0..MANY).map(|place| format!("{place}/k").into()).collect();
    let request = Request {
        key: Some(RequestKey { names, content: [7; 32] }),
        ..Request::new(commands.clone(), Origin::of("test"))
    };
    // What is handed over later is decided later, and finds everything known.
    let waiting = [desk.submit(request.clone()), desk.submit(Request::new(commands, Origin::of("test")))];
    let [first, other] = waiting.map(|answers| answers.wait().unwrap());
    desk.settle().unwrap();
    let head = log.head();
    let again = desk.execute(request).unwrap();
    assert_eq!((first.len(), other.len(), again.len()), (MANY, MANY, MANY));
    let mut last = 0;
    for (answer, repeated) in first.iter().zip(&again).take(MANY - 1) {
        let (Answer::Accepted(receipt), Answer::Accepted(repeated)) = (answer, repeated) else { panic!("{answer:?}") };
        assert!(receipt.first > last && repeated.repeated, "{receipt:?}");
        assert_eq!(receipt.events, repeated.events);
        last = receipt.last;
    }
    let is_unchanged = |answer: &Answer| matches!(answer, Answer::Unchanged { .. });
    assert!(first.last().is_some_and(is_unchanged) && other.iter().all(is_unchanged));
    assert_eq!(log.head(), head);
    desk.stop();
}

#[test]
fn what_comes_after_a_failed_turn_is_not_tried_and_says_so() {
    let inner: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
    // The disk is full for one command in the middle.
    let (gate, keeper) = Gate::before(inner.clone(), |number| number == MANY / 2);
    let log: Arc<dyn EventLog> = gate;
    let clock = Arc::new(ManualClock::new(time(NOW)));
    let desk = start(&log, &clock, Policies::built_in().unwrap()).unwrap();
    let answers = desk.submit(Request::new(shops(MANY), Origin::of("test")));
    keeper.wait();
    keeper.open();
    let answers = answers.wait().unwrap();
    desk.stop();
    assert_eq!(answers.len(), MANY);
    let (mut accepted, mut not_recorded) = (0, 0);
    for answer in &answers {
        match answer {
            Answer::Accepted(_) => accepted += 1,
            Answer::Refused(problems) => {
                assert!(problems.iter().all(|problem| problem.code == "not_recorded"), "{problems:?}");
                assert!(problems.iter().all(|problem| problem.en.contains(&LogError::Full.to_string())));
                not_recorded += 1;
            }
            Answer::Unchanged { .. } => panic!("{answer:?}"),
        }
    }
    let events = inner.read_all(0, usize::MAX).unwrap();
    let written = events.iter().filter(|one| &*one.event.event_type == "merchant.registered").count();
    assert_eq!(accepted, written, "what is said to be recorded is");
    assert!(accepted > MANY / 2 && not_recorded > MANY / 4, "{accepted} {not_recorded}");
}
