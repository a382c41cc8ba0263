//! Two alike nodes on one log: whoever takes a command, and whoever dies, the history of lights is that of one node that
//! never died, and each part of it is recorded once.

pub(crate) mod engines;
mod faces;
mod killed;
mod trail;

use crate::shared::Shared;
use crate::watch::stage::{Told, start, time};
use crate::watch::{HAIR, balance, complaint, custody, filing, hairdresser, histories, policies_with, register, story};
use engines::{Engine, Pair, on_every_engine};
use faces::{Balky, Beaten, Dying, Late};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use warnlight::clock::ManualClock;
use warnlight::desk::{Answer, Desk, DeskError, Request, RequestKey};
use warnlight::domain::code::CreditCode;
use warnlight::domain::command::Command;
use warnlight::domain::envelope::Origin;
use warnlight::domain::event::Event;
use warnlight::domain::time::Instant;
use warnlight::log::contract::EventLog;
use warnlight::log::memory::MemoryLog;
use warnlight::picture::Picture;
use warnlight::policy::Policies;
use warnlight::taking::withdrawal::withdraw;

/// Waits until each face shows what the other does.
fn meet(logs: &[Arc<dyn EventLog>; 2]) {
    let until = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while logs[0].head() != logs[1].head() {
        assert!(std::time::Instant::now() < until, "{} and {}", logs[0].head(), logs[1].head());
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

/// Deaths that are tried on each engine, as the owner asked for, and how many at a time.
const DEATHS: i64 = 50;
const AT_ONCE: usize = 4;

/// A node: alive while it has a desk.
struct Node {
    desk: Option<Desk>,
    /// What it dies of.
    face: Option<Arc<Dying>>,
}

impl Node {
    fn start(log: &Arc<dyn EventLog>, clock: &Arc<ManualClock>) -> Self {
        Self { desk: Some(start(log, clock, Policies::built_in().unwrap()).unwrap()), face: None }
    }

    /// Starts a node that may die while it starts.
    fn mortal(face: &Arc<Dying>, clock: &Arc<ManualClock>) -> Self {
        let log: Arc<dyn EventLog> = face.clone();
        Self { desk: start(&log, clock, Policies::built_in().unwrap()).ok(), face: Some(face.clone()) }
    }

    fn is_alive(&self) -> bool {
        self.desk.is_some()
    }

    /// Tells a command; a node that has died does not take it.
    fn tell(&mut self, command: &Command) -> bool {
        let request = || Request::new(vec![command.clone()], Origin::of("test"));
        let Some(answers) = self.insist(|desk| desk.execute(request())) else { return false };
        assert!(answers.iter().all(|answer| !matches!(answer, Answer::Refused(_))), "{answers:?}");
        true
    }

    fn settle(&mut self) -> bool {
        self.insist(Desk::settle).is_some()
    }

    /// Does something, again if it fails for now, as under much load it may on a cluster; nothing if the node is dead, or dies
    /// of it.
    fn insist<T>(&mut self, work: impl Fn(&Desk) -> Result<T, DeskError>) -> Option<T> {
        for _ in 0..5 {
            match work(self.desk.as_ref()?) {
                Ok(done) => return Some(done),
                Err(_) if self.face.as_ref().is_some_and(|face| face.is_dead()) => {
                    self.bury();
                    return None;
                }
                Err(error) => eprintln!("again: {error}"),
            }
        }
        panic!("a node that is alive does not do it");
    }

    fn bury(&mut self) {
        if let Some(desk) = self.desk.take() {
            desk.stop();
        }
    }
}

/// The story command by command: at each instant, first time passes, then something may be said.
fn steps() -> Vec<(Instant, Option<Command>)> {
    let steps = story().into_iter().flat_map(|(at, commands)| {
        let after = |seconds| time(at) + jiff::SignedDuration::from_secs(seconds);
        let commands = (1..).map(after).zip(commands).map(|(at, command)| (at, Some(command)));
        std::iter::once((time(at), None)).chain(commands).collect::<Vec<_>>()
    });
    steps.collect()
}

/// What one node alone makes of the story.
fn alone() -> Vec<Told> {
    let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
    let clock = Arc::new(ManualClock::new(time("2025-03-25T09:00:00")));
    let mut node = Node::start(&log, &clock);
    for (at, command) in steps() {
        clock.set(at);
        assert!(node.settle());
        assert!(command.is_none_or(|command| node.tell(&command)));
        assert!(node.settle());
    }
    node.bury();
    histories(&*log)
}

/// Both nodes look at the same time.
fn settle_both(nodes: &mut [Node; 2]) {
    std::thread::scope(|scope| {
        for node in nodes {
            scope.spawn(move || node.settle());
        }
    });
}

/// Both take in what either wrote last, until nothing more follows from it: a node of a cluster hears of it a little later.
fn come_together(logs: &[Arc<dyn EventLog>; 2], nodes: &mut [Node; 2]) {
    loop {
        settle_both(nodes);
        let head = logs[0].head().max(logs[1].head());
        let is_even = logs.iter().all(|log| log.head() == head);
        if is_even && nodes.iter().filter_map(|node| node.desk.as_ref()).all(|desk| desk.picture().position == head) {
            return;
        }
        for log in logs {
            while log.head() < head {
                let before = log.head();
                let heard = log.wait_beyond(before, std::time::Duration::from_secs(60)).unwrap();
                assert!(heard > before, "nothing came after {before} of {head}");
            }
        }
    }
}

/// No light, deadline, day or request twice; every node's fold is the log's.
fn check(log: &dyn EventLog, nodes: &[Node]) {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for recorded in log.read_all(0, usize::MAX).unwrap() {
        let what = match recorded.event.decode().unwrap() {
            Event::LightChanged(change) => {
                assert!(change.from != change.to || !change.reasons.is_empty(), "{change:?}");
                format!("light {} {} {:?}", change.credit_code, change.at, change.reasons)
            }
            Event::DeadlineMissed(missed) => format!("missed {} {} {}", missed.credit_code, missed.at, missed.rule),
            Event::DayClosed(closed) => format!("day {}", closed.day),
            // A rise asks once; what is late or was left calls on somebody once for each step.
            Event::MailRequested(requested) => {
                let news = requested.light().map(|news| (news.change, news.call.as_ref().map(|call| call.cause)));
                format!("mail {:?} {news:?}", (news.is_none()).then_some(requested.mail))
            }
            Event::TimeReached(reached) => format!("time {}", reached.at),
            Event::PolicyActivated(_) | Event::RecipientsChanged(_) => recorded.event.event_type.to_string(),
            _ => continue,
        };
        *seen.entry(what).or_default() += 1;
    }
    let twice: Vec<_> = seen.iter().filter(|(_, count)| **count > 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
    for desk in nodes.iter().filter_map(|node| node.desk.as_ref()) {
        let whole = Picture::replay(log, Arc::new(Policies::built_in().unwrap())).unwrap();
        let state = desk.picture();
        assert_eq!(state.position, log.head());
        assert_eq!(state.lights.entries(), whole.lights.entries());
        assert!(state.world.merchants() == whole.world.merchants(), "merchants differ");
    }
}

on_every_engine!(
    two_nodes_make_the_history_of_one,
    whichever_step_a_node_dies_in_the_other_makes_the_history_of_one,
    commands_about_one_merchant_at_two_nodes_at_once_are_all_taken_each_once,
    an_import_at_one_node_changes_each_light_once_although_another_watches,
    what_was_filed_just_in_time_at_one_node_is_not_found_missing_by_another,
    a_node_with_older_policies_leaves_the_lights_to_the_one_with_newer,
    a_case_that_somebody_spoke_of_at_that_moment_is_routed_all_the_same,
    an_import_withdrawn_at_one_node_counts_at_neither_and_commands_go_on,
);

/// Lives through the story with two nodes, each told in turn.
fn two_nodes_make_the_history_of_one(engine: &Engine) {
    let Pair { logs, .. } = &engine();
    let clock = Arc::new(ManualClock::new(time("2025-03-25T09:00:00")));
    let mut nodes = [Node::start(&logs[0], &clock), Node::start(&logs[1], &clock)];
    for (turn, (at, command)) in steps().into_iter().enumerate() {
        clock.set(at);
        settle_both(&mut nodes);
        assert!(command.is_none_or(|command| nodes[turn % 2].tell(&command)));
        settle_both(&mut nodes);
    }
    come_together(logs, &mut nodes);
    for log in logs {
        let mut feed = log.subscribe(0).unwrap();
        let mut heard = Vec::new();
        while (heard.len() as u64) < logs[0].head() {
            let events = feed.next(std::time::Duration::from_secs(60)).unwrap();
            assert!(!events.is_empty(), "nothing came after {}", heard.len());
            heard.extend(events);
        }
        assert_eq!(heard, logs[1].read_all(0, usize::MAX).unwrap(), "a node did not see every event once");
    }
    assert!(nodes.iter().all(Node::is_alive), "a node died");
    check(&*logs[0], &nodes);
    assert_eq!(histories(&*logs[0]), alone());
    for node in &mut nodes {
        node.bury();
    }
}

#[cfg(feature = "cluster-double")]
#[test]
fn two_nodes_on_a_cluster_whose_writes_are_under_way_for_a_while_make_the_history_of_one() {
    two_nodes_make_the_history_of_one(&engines::kurrentdb_with(std::time::Duration::from_millis(20)));
}

#[cfg(feature = "cluster-double")]
#[test]
fn two_nodes_on_a_real_cluster_make_the_history_of_one() {
    if let Some(engine) = engines::real_kurrentdb() {
        two_nodes_make_the_history_of_one(&engine);
    }
}

/// Lives through the story while the first node dies in its append of this number, and is started again if `again`.
/// Says whether it died.
fn live_with_a_death(engine: &Engine, appends: i64, lands: bool, again: bool, expected: &[Told]) -> bool {
    let Pair { logs, .. } = &engine();
    let what = format!("dead after {appends} appends, lands {lands}, again {again}");
    let clock = Arc::new(ManualClock::new(time("2025-03-25T09:00:00")));
    let face = Dying::after(logs[0].clone(), appends, lands);
    let mut nodes = [Node::mortal(&face, &clock), Node::start(&logs[1], &clock)];
    for (at, command) in steps() {
        clock.set(at);
        settle_both(&mut nodes);
        if let Some(command) = command {
            let told = nodes[0].tell(&command);
            // What got no answer is told to the other.
            assert!(told || nodes[1].tell(&command), "{what}");
        }
        settle_both(&mut nodes);
        if !nodes[0].is_alive() && again {
            nodes[0] = Node::start(&logs[0], &clock);
        }
    }
    come_together(logs, &mut nodes);
    assert!(nodes[1].is_alive(), "{what}: the other died too");
    check(&*logs[1], &nodes);
    assert_eq!(histories(&*logs[1]), expected, "{what}");
    for node in &mut nodes {
        node.bury();
    }
    face.is_dead()
}

fn whichever_step_a_node_dies_in_the_other_makes_the_history_of_one(engine: &Engine) {
    let expected = alone();
    let steps: Vec<(i64, bool)> = (0..DEATHS / 2).flat_map(|step| [(step, false), (step, true)]).collect();
    let (next, deaths) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((appends, again)) = steps.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let died = live_with_a_death(engine, *appends, *again, *again, &expected);
                    deaths.fetch_add(usize::from(died), Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(deaths.into_inner(), steps.len(), "a node lived through more appends than it makes");
}

fn commands_about_one_merchant_at_two_nodes_at_once_are_all_taken_each_once(engine: &Engine) {
    let Pair { logs, .. } = &engine();
    let clock = Arc::new(ManualClock::new(time("2025-03-25T09:00:00")));
    let nodes = [0, 1].map(|node| start(&logs[node], &clock, Policies::built_in().unwrap()).unwrap());
    std::thread::scope(|scope| {
        for (number, desk) in nodes.iter().enumerate() {
            scope.spawn(move || {
                let say = |key: String, command| {
                    let request =
                        Request { key: Some(request_key(&key)), ..Request::new(vec![command], Origin::of("test")) };
                    desk.execute(request).unwrap().remove(0)
                };
                // The same, under the same keys, at both.
                for (place, command) in
                    [register(HAIR, "8040", "Aurora"), balance(HAIR, "2025-03-01", "600000")].into_iter().enumerate()
                {
                    let answer = say(format!("same-{place}"), command);
                    assert!(!matches!(answer, Answer::Refused(_)), "{answer:?}");
                }
                // And each its own.
                for day in 1..=28 {
                    let date = format!("2025-02-{day:02}");
                    let custody = custody(HAIR, &date, &format!("{}", 100_000 + number * 1000 + day));
                    assert!(matches!(say(format!("custody-{number}-{day}"), custody), Answer::Accepted(_)));
                    let ticket = format!("T-{number}-{day}");
                    let complaint = complaint(HAIR, &ticket, "2025-03-20T09:00:00", "");
                    assert!(matches!(say(format!("complaint-{ticket}"), complaint), Answer::Accepted(_)));
                }
            });
        }
    });
    meet(logs);
    for desk in &nodes {
        desk.settle().unwrap();
    }
    let count = |kind: &str| {
        logs[0].read_all(0, usize::MAX).unwrap().iter().filter(|one| &*one.event.event_type == kind).count()
    };
    assert_eq!((count("merchant.registered"), count("complaint.received")), (1, 56));
    assert_eq!(count("custody.balance_reported"), 56);
    meet(logs);
    for desk in &nodes {
        desk.settle().unwrap();
    }
    let nodes = nodes.map(|desk| Node { desk: Some(desk), face: None });
    check(&*logs[0], &nodes);
}

fn an_import_at_one_node_changes_each_light_once_although_another_watches(engine: &Engine) {
    let Pair { logs, .. } = &engine();
    let clock = Arc::new(ManualClock::new(time("2025-03-25T09:00:00")));
    let nodes = [0, 1].map(|node| start(&logs[node], &clock, Policies::built_in().unwrap()).unwrap());
    let import = |commands| Request { hold_lights: true, ..Request::new(commands, Origin::of("import")) };
    nodes[0].execute(import(vec![register(HAIR, "8040", "Aurora"), balance(HAIR, "2025-03-01", "600000")])).unwrap();
    // The other node has heard of it, and would find a silent bank.
    meet(logs);
    nodes[1].settle().unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(nodes[1].picture().position, logs[1].head());
    let lights = |log: &dyn EventLog| {
        histories(log).into_iter().filter(|told| matches!(told, Told::Light { .. })).collect::<Vec<_>>()
    };
    assert_eq!(lights(&*logs[0]), []);
    nodes[0].execute(import(vec![custody(HAIR, "2025-03-05", "1000")])).unwrap();
    meet(logs);
    nodes[0].settle().unwrap();
    meet(logs);
    nodes[1].settle().unwrap();
    meet(logs);
    assert_eq!(lights(&*logs[0]).len(), 1, "{:?}", lights(&*logs[0]));
    // Nothing is held where nothing was new, and nothing is written.
    let head = logs[0].head();
    nodes[0].execute(import(vec![custody(HAIR, "2025-03-05", "1000")])).unwrap();
    meet(logs);
    nodes[0].settle().unwrap();
    assert_eq!(logs[0].head(), head);
    for desk in nodes {
        desk.stop();
    }
}

fn what_was_filed_just_in_time_at_one_node_is_not_found_missing_by_another(engine: &Engine) {
    let Pair { logs: [log, _], .. } = &engine();
    let clocks = [0, 1].map(|_| Arc::new(ManualClock::new(time("2025-03-25T09:00:00"))));
    let filed_at = start(log, &clocks[0], Policies::built_in().unwrap()).unwrap();
    filed_at.execute(Request::new(hairdresser(), Origin::of("test"))).unwrap();
    filed_at.settle().unwrap();
    let late: Arc<dyn EventLog> = Arc::new(Late::of(log.clone()));
    let watching = start(&late, &clocks[1], Policies::built_in().unwrap()).unwrap();
    // The other days are over, and both have slept until the last second before the deadline.
    for clock in &clocks {
        clock.set(time("2025-03-31T23:59:59"));
    }
    watching.settle().unwrap();
    filed_at.settle().unwrap();
    let filed = filing(HAIR, "accepted", "2025-03-31");
    filed_at.execute(Request::new(vec![filed], Origin::of("test"))).unwrap();
    // One that has not heard of it comes to midnight first.
    clocks[1].set(time("2025-04-01T00:00:01"));
    watching.settle().unwrap();
    clocks[0].set(time("2025-04-01T00:00:02"));
    filed_at.settle().unwrap();
    assert_eq!(histories(&**log), []);
    filed_at.stop();
    watching.stop();
}

fn a_node_with_older_policies_leaves_the_lights_to_the_one_with_newer(engine: &Engine) {
    let Pair { logs, .. } = &engine();
    let clock = Arc::new(ManualClock::new(time("2025-03-25T09:00:00")));
    let old = start(&logs[0], &clock, Policies::built_in().unwrap()).unwrap();
    old.settle().unwrap();
    assert!(old.is_ready());
    meet(logs);
    let stricter =
        || policies_with("{ fact = \"penalties.365d\", ge = \"2\" }", "{ fact = \"penalties.365d\", ge = \"1\" }");
    let new = start(&logs[1], &clock, stricter()).unwrap();
    new.settle().unwrap();
    meet(logs);
    assert!(old.settle().is_err_and(|error| error.to_string().contains("restart")));
    assert!(old.stands_by() && !old.is_ready() && new.is_ready());
    // It still takes commands; the light that follows is the other's, and it stays so.
    let penalty = serde_json::from_str(&format!(
        r#"{{"command":"record_enforcement","credit_code":"{HAIR}","kind":"penalty","date":"2025-03-01","number":"1"}}"#
    ));
    old.execute(Request::new(vec![penalty.unwrap()], Origin::of("test"))).unwrap();
    meet(logs);
    new.settle().unwrap();
    meet(logs);
    let _ = old.settle();
    meet(logs);
    let told = histories(&*logs[1]);
    assert!(matches!(&told[..], [Told::Light { change, .. }] if change == "green to orange"), "{told:?}");
    // With the same files it is alike again.
    old.stop();
    let restarted = start(&logs[0], &clock, stricter()).unwrap();
    restarted.settle().unwrap();
    assert!(restarted.is_ready() && !new.stands_by());
    meet(logs);
    assert_eq!(histories(&*logs[0]), told);
    new.stop();
    restarted.stop();
}

/// The sector of a case becomes known while the other node records a step of the case.
fn a_case_that_somebody_spoke_of_at_that_moment_is_routed_all_the_same(engine: &Engine) {
    let Pair { logs, .. } = &engine();
    let clock = Arc::new(ManualClock::new(time("2025-03-25T09:00:00")));
    let other = Arc::new(start(&logs[1], &clock, Policies::built_in().unwrap()).unwrap());
    let beaten = Arc::new(Beaten::by(logs[0].clone(), "alert.routed"));
    let face: Arc<dyn EventLog> = beaten.clone();
    let desk = start(&face, &clock, Policies::built_in().unwrap()).unwrap();
    let say = |desk: &Desk, json: String| {
        let answer =
            desk.execute(Request::new(vec![serde_json::from_str(&json).unwrap()], Origin::of("test"))).unwrap();
        assert!(matches!(answer[0], Answer::Accepted(_)), "{answer:?}");
    };
    say(
        &desk,
        format!(r#"{{"command":"register_merchant","credit_code":"{HAIR}","name":"甲","division_code":"110108"}}"#),
    );
    say(
        &desk,
        format!(
            r#"{{"command":"record_exit","credit_code":"{HAIR}","mall":"某商场","unit":"9","action":"post","date":"2025-03-20","planned_on":"2025-04-10"}}"#
        ),
    );
    desk.settle().unwrap();
    let code = HAIR.parse().unwrap();
    let case = desk.picture().cases.latest(code).unwrap().clone();
    assert_eq!(case.sector, None, "nobody can tell whose it is");
    meet(logs);
    other.settle().unwrap();
    let note = format!(
        r#"{{"command":"handle_case","alert":"{}","credit_code":"{HAIR}","action":"note","note":"x"}}"#,
        case.id
    );
    let speaker = other.clone();
    beaten.when(move || {
        let note = serde_json::from_str(&note).unwrap();
        let answer = speaker.execute(Request::new(vec![note], Origin::of("test"))).unwrap();
        assert!(matches!(answer[0], Answer::Accepted(_)), "{answer:?}");
    });
    // The first node alone hears of the sector before it is routed.
    say(&desk, format!(r#"{{"command":"register_merchant","credit_code":"{HAIR}","industry_code":"8040"}}"#));
    desk.settle().unwrap();
    assert!(beaten.was_beaten(), "nobody spoke of the case at that moment");
    let routed = || {
        let events = logs[0].read_all(0, usize::MAX).unwrap();
        events.iter().filter(|recorded| &*recorded.event.event_type == "alert.routed").count()
    };
    let sector = |desk: &Desk| desk.picture().cases.latest(code).unwrap().sector.clone();
    assert!(sector(&desk).is_some(), "the case stays with the old office");
    assert_eq!(routed(), 1);
    meet(logs);
    other.settle().unwrap();
    assert_eq!((sector(&other), routed()), (sector(&desk), 1));
    desk.stop();
    other.stop();
}

/// A node withdraws an import while the other goes on taking commands about the same merchants.
fn an_import_withdrawn_at_one_node_counts_at_neither_and_commands_go_on(engine: &Engine) {
    const ROWS: usize = 40;
    let Pair { logs, .. } = &engine();
    let clock = Arc::new(ManualClock::new(time("2025-03-25T09:00:00")));
    let nodes = [0, 1].map(|node| start(&logs[node], &clock, Policies::built_in().unwrap()).unwrap());
    let import = uuid::Uuid::from_u128(7);
    let codes: Vec<CreditCode> =
        (0..ROWS).map(|number| CreditCode::with_check_character(&format!("91110108MA{number:07}")).unwrap()).collect();
    let rows = |of: &dyn Fn(&str) -> Command| codes.iter().map(|code| of(code.as_str())).collect::<Vec<_>>();
    let taken = Request::new(
        rows(&|code| balance(code, "2025-03-01", "600000")),
        Origin { causation: Some(import), ..Origin::of("import") },
    );
    nodes[0].execute(taken).unwrap();
    meet(logs);
    let said = std::thread::scope(|scope| {
        let speaking = scope.spawn(|| {
            let answers: Vec<Answer> = rows(&|code| custody(code, "2025-03-05", "1000"))
                .into_iter()
                .flat_map(|row| nodes[1].execute(Request::new(vec![row], Origin::of("test"))).unwrap())
                .collect();
            answers.iter().filter(|answer| matches!(answer, Answer::Accepted(_))).count()
        });
        let scope = warnlight::domain::access::Scope::everything();
        let done = withdraw(&nodes[0], &scope, &Origin::of("lead"), import, "by mistake").unwrap();
        assert_eq!((done.events, done.merchants), (ROWS as u64, ROWS as u64));
        speaking.join().unwrap()
    });
    assert_eq!(said, ROWS, "every command was taken");
    let again =
        withdraw(&nodes[1], &warnlight::domain::access::Scope::everything(), &Origin::of("lead"), import, "by mistake");
    assert!(again.unwrap().withdrawn.is_some());
    meet(logs);
    for desk in &nodes {
        desk.settle().unwrap();
    }
    meet(logs);
    for desk in &nodes {
        desk.settle().unwrap();
        let picture = desk.picture();
        for code in &codes {
            let merchant = picture.world.get(*code).unwrap();
            assert!(merchant.balances.is_empty(), "{code}: what was withdrawn counts");
            assert_eq!(merchant.custody.len(), 1, "{code}: what was said meanwhile counts");
        }
    }
    let events = logs[1].read_all(0, usize::MAX).unwrap();
    assert_eq!(events.iter().filter(|one| &*one.event.event_type == "import.withdrawn").count(), 1);
    let nodes = nodes.map(|desk| Node { desk: Some(desk), face: None });
    check(&*logs[0], &nodes);
}

#[test]
fn an_import_whose_end_could_not_be_told_is_looked_at_when_it_is_told_again() {
    let log: Arc<dyn EventLog> = Arc::new(Shared(Arc::new(MemoryLog::new())));
    let balky: Arc<dyn EventLog> = Arc::new(Balky::at(log.clone(), "watch.released"));
    let clock = Arc::new(ManualClock::new(time("2025-03-25T09:00:00")));
    let desk = start(&balky, &clock, Policies::built_in().unwrap()).unwrap();
    let evidence = vec![register(HAIR, "8040", "Aurora"), balance(HAIR, "2025-03-01", "600000")];
    desk.execute(Request { hold_lights: true, ..Request::new(evidence, Origin::of("import")) }).unwrap();
    assert!(desk.settle().is_err());
    assert_eq!(histories(&*log), []);
    desk.settle().unwrap();
    assert_eq!(histories(&*log).len(), 1);
    desk.stop();
}

/// A client's key, and the request it stands for.
fn request_key(key: &str) -> RequestKey {
    RequestKey { names: (0..4).map(|place| format!("{place}/{key}").into()).collect(), content: [7; 32] }
}
