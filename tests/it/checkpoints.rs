//! Signed checkpoints under the days that a desk closes, on a log of its own and on a shared one.

use crate::cli::{text, warnlight};
use crate::nodes::engines::{Engine, on_every_engine};
use crate::watch::stage::{start, time};
use crate::watch::{HAIR, custody, hairdresser};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use warnlight::clock::ManualClock;
use warnlight::desk::{Desk, Request};
use warnlight::domain::envelope::{Origin, Position};
use warnlight::domain::event::Event;
use warnlight::log::contract::EventLog;
use warnlight::log::embedded::{EmbeddedLog, Options};
use warnlight::policy::Policies;
use warnlight::proof::{CheckpointKeeper, PublicKey, STREAM, SigningKey, check};

/// How often a keeper looks here: nobody waits long for it.
const LOOK: Duration = Duration::from_millis(5);

/// Makes a key as an operator does; returns its file.
pub(crate) fn make_key(folder: &Path, name: &str, algorithm: &str) -> std::path::PathBuf {
    let path = folder.join(name);
    let made = Command::new("openssl").args(["genpkey", "-algorithm", algorithm, "-out"]).arg(&path).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    path
}

/// A node with a desk and a key.
struct Node {
    log: Arc<dyn EventLog>,
    clock: Arc<ManualClock>,
    desk: Desk,
    keeper: CheckpointKeeper,
}

impl Node {
    fn start(log: Arc<dyn EventLog>, key: &Path, at: &str) -> Self {
        Self::with_clock(log, key, Arc::new(ManualClock::new(time(at))))
    }

    fn with_clock(log: Arc<dyn EventLog>, key: &Path, clock: Arc<ManualClock>) -> Self {
        let desk = start(&log, &clock, Policies::built_in().unwrap()).unwrap();
        let keeper = CheckpointKeeper::start(log.clone(), SigningKey::open(key).unwrap(), clock.clone(), LOOK).unwrap();
        Self { log, clock, desk, keeper }
    }

    fn settle_at(&self, at: &str) {
        self.clock.set(time(at));
        self.desk.settle().unwrap();
    }

    fn stop(self) {
        self.keeper.stop();
        self.desk.stop();
    }
}

/// Waits until so many checkpoints are there; the feed wakes for each.
fn wait_for(log: &dyn EventLog, count: usize) {
    let mut feed = log.subscribe(0).unwrap();
    let mut seen = 0;
    while seen < count {
        let events = feed.next(Duration::from_secs(60)).unwrap();
        assert!(!events.is_empty(), "only {seen} of {count} checkpoints came");
        seen += events.iter().filter(|recorded| &*recorded.stream == STREAM).count();
    }
}

/// Positions of the closed days, and of what each key signed.
fn days_and_signed(log: &dyn EventLog) -> (Vec<Position>, Vec<(PublicKey, Position)>) {
    let (mut days, mut signed) = (Vec::new(), Vec::new());
    for recorded in log.read_all(0, usize::MAX).unwrap() {
        match recorded.event.decode().unwrap() {
            Event::DayClosed(_) => days.push(recorded.position),
            Event::CheckpointSigned(checkpoint) => signed.push((checkpoint.key, checkpoint.position)),
            _ => {}
        }
    }
    (days, signed)
}

#[test]
fn each_day_a_desk_closes_is_signed_once_across_restarts_and_with_a_change_of_keys() {
    let folder = tempfile::tempdir().unwrap();
    let keys = ["one.pem", "two.pem"].map(|name| make_key(folder.path(), name, "ed25519"));
    let [one, two] = [0, 1].map(|key| SigningKey::open(&keys[key]).unwrap().public());
    let data = folder.path().join("data");
    let open = || -> Arc<dyn EventLog> { Arc::new(EmbeddedLog::open(&data, &Options::default()).unwrap()) };

    let node = Node::start(open(), &keys[0], "2025-03-05T10:00:00");
    node.desk.execute(Request::new(hairdresser(), Origin::of("test"))).unwrap();
    for (turn, midnight) in ["2025-03-06T00:00:00", "2025-03-07T00:00:01"].into_iter().enumerate() {
        node.settle_at(midnight);
        wait_for(&*node.log, turn + 1);
    }
    node.stop();
    // Nothing happens in this life but that it begins and ends.
    Node::start(open(), &keys[0], "2025-03-07T09:00:00").stop();
    // Days pass while nothing runs; they are closed, and signed, at the start.
    let node = Node::start(open(), &keys[0], "2025-03-10T09:00:00");
    node.desk.execute(Request::new(vec![custody(HAIR, "2025-03-09", "1000")], Origin::of("test"))).unwrap();
    wait_for(&*node.log, 5);
    node.stop();
    // Another key begins with the last closed day.
    let node = Node::start(open(), &keys[1], "2025-03-10T10:00:00");
    wait_for(&*node.log, 6);
    node.settle_at("2025-03-11T00:00:00");
    wait_for(&*node.log, 7);
    node.stop();

    let log = open();
    let (days, signed) = days_and_signed(&*log);
    assert_eq!(days.len(), 6);
    let expected = days.iter().take(5).map(|day| (one, *day)).chain(days.iter().skip(4).map(|day| (two, *day)));
    assert_eq!(signed, expected.collect::<Vec<_>>());
    let verified = log.verify(&mut |_, _| {}).unwrap();
    let found = check(&*log, verified.events, &[one]).unwrap();
    assert_eq!(
        found.keys.iter().map(|of| (of.key, of.trusted, of.count)).collect::<Vec<_>>(),
        [(one, true, 5), (two, false, 2)]
    );
    assert_eq!(found.newest_trusted().map(|signed| signed.position), Some(days[4]));
}

on_every_engine!(each_node_signs_and_every_node_can_check_all_of_it);

fn each_node_signs_and_every_node_can_check_all_of_it(engine: &Engine) {
    both_sign(&engine().logs);
}

/// Lets two nodes sign two days, and each check what both signed; returns whose keys they have.
fn both_sign(logs: &[Arc<dyn EventLog>; 2]) -> [PublicKey; 2] {
    let dir = tempfile::tempdir().unwrap();
    let keys = [0, 1].map(|node| make_key(dir.path(), &format!("{node}.pem"), "ed25519"));
    // One clock: a node that hears of a midnight hours before its own clock has it would close the day again.
    let clock = Arc::new(ManualClock::new(time("2025-03-05T10:00:00")));
    let nodes = [0, 1].map(|node: usize| Node::with_clock(logs[node].clone(), &keys[node], clock.clone()));
    nodes[0].desk.execute(Request::new(hairdresser(), Origin::of("test"))).unwrap();
    for (turn, midnight) in ["2025-03-06T00:00:00", "2025-03-07T00:00:00"].into_iter().enumerate() {
        for node in &nodes {
            node.settle_at(midnight);
        }
        for node in &nodes {
            wait_for(&*node.log, 2 * (turn + 1));
        }
    }
    let publics = [0, 1].map(|node| SigningKey::open(&keys[node]).unwrap().public());
    for node in &nodes {
        let verified = node.log.verify(&mut |_, _| {}).unwrap();
        let found = check(&*node.log, verified.events, &publics).unwrap();
        assert_eq!(found.keys.iter().map(|of| of.count).collect::<Vec<_>>(), [2, 2]);
        let (days, mut signed) = days_and_signed(&*node.log);
        signed.sort_unstable();
        let mut expected = publics.iter().flat_map(|key| days.iter().map(|day| (*key, *day))).collect::<Vec<_>>();
        expected.sort_unstable();
        assert_eq!(signed, expected);
    }
    for node in nodes {
        node.stop();
    }
    publics
}

#[cfg(feature = "cluster-double")]
#[test]
fn the_command_checks_what_the_nodes_of_a_cluster_signed() {
    use crate::kurrent::{open, server::Server};
    let server = Server::alone();
    let dirs = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let publics = both_sign(&[0, 1].map(|node: usize| Arc::new(open(&server, dirs[node].path())) as Arc<dyn EventLog>));
    judge_by_command(dirs[0].path(), &server.url(), publics);
}

#[test]
fn the_command_checks_what_nodes_on_postgresql_signed() {
    use crate::postgres::{open, server::Server};
    let server = Server::alone();
    let dirs = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let publics = both_sign(&[0, 1].map(|node: usize| {
        Arc::new(open(&server, dirs[node].path(), &warnlight::log::postgres::Options::default())) as Arc<dyn EventLog>
    }));
    judge_by_command(dirs[0].path(), &server.url(), publics);
}

/// The command finds both signers in the log, and says whom it trusts.
fn judge_by_command(data: &Path, url: &str, publics: [PublicKey; 2]) {
    let (data, trusted) = (data.to_str().unwrap(), publics[1].to_string());
    let arguments = ["verify", "--data", data, "--trust", &trusted, "--format", "json"];
    let verified = warnlight(&arguments, &[("WARNLIGHT__LOG__URL", url)]);
    assert_eq!(verified.status.code(), Some(0), "{}", text(&verified.stderr));
    let printed: serde_json::Value = serde_json::from_str(&text(&verified.stdout)).unwrap();
    assert_eq!(printed["signers"].as_array().unwrap().len(), 2);
    assert_eq!(printed["trusted_until"]["key"], trusted);
}
