//! Appends sent one behind the other without waiting: what becomes of them when one fails, lines go, and another node is faster.

use super::faults::{AppendFault, ReadFault};
use super::server::Server;
use super::{append, everything, keyed, on_server, open, options, wait_for};
use proptest::prelude::*;
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::time::{Duration, Instant};
use uuid::Uuid;
use warnlight::log::cluster::{ClusterLog, Options};
use warnlight::log::contract::{Append, Appended, EventLog, Expected, LogError, Pending};

fn numbers(log: &dyn EventLog) -> Vec<u128> {
    everything(log).iter().map(|event| event.event.id.as_u128()).collect()
}

#[test]
fn appends_are_under_way_together() {
    let server = Server::far_away(Duration::from_millis(100), Duration::from_millis(10));
    let dir = tempfile::tempdir().unwrap();
    let log = open(&server, dir.path());
    // One stream twice and more: each goes on from where the one before it will be.
    let pending: Vec<Pending> =
        (1..=64).map(|number| log.submit(append(&format!("s{}", number % 40), [number]))).collect();
    for (pending, position) in pending.into_iter().zip(1..) {
        let answer = pending.wait().unwrap();
        assert_eq!((answer.first, answer.repeated), (position, false));
    }
    assert!(server.cluster().most_under_way >= 32, "{} at a time", server.cluster().most_under_way);
    assert_eq!(on_server(&server), 64, "each was sent once");
    log.verify(&mut |_, _| {}).unwrap();
}

#[test]
fn what_rests_on_an_append_under_way_is_answered_when_that_is_settled() {
    let server = Server::lagging(Duration::from_millis(50));
    let dir = tempfile::tempdir().unwrap();
    let log = open(&server, dir.path());
    let first = log.submit(keyed("k", append("a", [1])));
    let again = log.submit(append("a", [1]));
    let under_its_key = log.submit(keyed("k", append("a", [2])));
    let other_content = log.submit(keyed("k", append("b", [3])));
    let id_elsewhere = log.submit(append("b", [1]));
    let too_early = log.submit(Append { expected: Expected::NoStream, ..append("a", [4]) });
    let next = log.submit(Append { expected: Expected::Revision(0), ..append("a", [5]) });
    let in_time = log.submit(Append { expected: Expected::Revision(1), ..append("a", [6]) });
    let first = first.wait().unwrap();
    assert_eq!((first.first, first.repeated), (1, false));
    assert_eq!(again.wait().unwrap(), Appended { repeated: true, ..first });
    // Another payload under the same key, as the number is in it.
    let refused = under_its_key.wait();
    assert!(matches!(refused, Err(LogError::KeyReused { .. })), "{refused:?}");
    let refused = other_content.wait();
    assert!(matches!(refused, Err(LogError::KeyReused { .. })), "{refused:?}");
    let refused = id_elsewhere.wait();
    assert!(matches!(refused, Err(LogError::Duplicate { .. })), "{refused:?}");
    let refused = too_early.wait();
    assert!(matches!(refused, Err(LogError::Conflict { actual: Some(0), .. })), "{refused:?}");
    assert_eq!(next.wait().unwrap().revision, 1);
    assert_eq!(in_time.wait().unwrap().revision, 2);
    assert_eq!((numbers(&log), on_server(&server)), (vec![1, 5, 6], 3));
}

#[test]
fn what_another_node_wrote_under_the_same_ids_is_answered_when_it_is_read() {
    let server = Server::alone();
    let dirs = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let patience = Duration::from_secs(60);
    let options = Options { patience, deadline: 2 * patience, ..options() };
    let nodes = dirs.each_ref().map(|dir| ClusterLog::open(&server.url(), dir.path(), &options).unwrap());
    server.cluster().lag = Duration::from_millis(30);
    let began = Instant::now();
    for number in 1..=10 {
        // The server takes both, and writes one.
        let pending = nodes.each_ref().map(|node| node.submit(append("a", [number])));
        let answers = pending.map(|pending| pending.wait().unwrap());
        assert_eq!(answers.map(|answer| answer.first), [number as u64; 2]);
        assert_eq!(answers.iter().filter(|answer| answer.repeated).count(), 1, "{answers:?}");
    }
    assert!(began.elapsed() < patience, "it waited for what never comes");
}

#[test]
fn a_node_that_is_overtaken_again_and_again_does_not_use_up_the_calls_of_its_connection() {
    let server = Server::alone();
    // The server ends none of the calls that the slower node lets go of: it has answered all that came there.
    server.cluster().most_calls = Some(20);
    let dirs = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let patience = Duration::from_secs(60);
    let options = Options { patience, deadline: 2 * patience, look: Duration::from_secs(1), ..options() };
    let [faster, slower] = dirs.each_ref().map(|dir| ClusterLog::open(&server.url(), dir.path(), &options).unwrap());
    let began = Instant::now();
    for number in 1..=25 {
        let first = faster.submit(append("a", [number]));
        while server.cluster().log.iter().all(|event| event.id != Uuid::from_u128(number)) {
            std::thread::yield_now();
        }
        let again = slower.submit(append("a", [number]));
        assert!(!first.wait().unwrap().repeated);
        assert!(again.wait().unwrap().repeated);
        wait_for(&slower, number as u64);
    }
    assert!(began.elapsed() < patience, "it waited for what never comes");
}

/// Two nodes and a server where node 0 sent three appends in a row, of which the first lost its place to node 1.
fn overtaken() -> (Server, [tempfile::TempDir; 2], [ClusterLog; 2]) {
    let server = Server::alone();
    let dirs = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let nodes = [open(&server, dirs[0].path()), open(&server, dirs[1].path())];
    nodes[0].append(append("z", [9])).unwrap();
    nodes.iter().for_each(|node| wait_for(node, 1));
    // What node 1 writes is under way for long: node 0 cannot have read it.
    server.cluster().lag = Duration::from_millis(300);
    let faster = nodes[1].submit(append("a", [10]));
    while server.cluster().log.iter().all(|event| event.id != Uuid::from_u128(10)) {
        std::thread::yield_now();
    }
    let pending = [("a", 1), ("b", 2), ("c", 3)].map(|(stream, number)| nodes[0].submit(append(stream, [number])));
    let answers = pending.map(|pending| pending.wait().unwrap());
    assert_eq!(faster.wait().unwrap().first, 2);
    assert_eq!(
        answers.map(|answer| (answer.first, answer.revision, answer.repeated)),
        [(3, 1, false), (4, 0, false), (5, 0, false)]
    );
    nodes.iter().for_each(|node| wait_for(node, 5));
    server.cluster().lag = Duration::ZERO;
    (server, dirs, nodes)
}

#[test]
fn what_was_sent_behind_a_refused_append_does_not_overtake_it() {
    let (server, dirs, nodes) = overtaken();
    assert!(on_server(&server) > 5, "what was sent behind it was written, and does not count");
    for node in &nodes {
        assert_eq!(numbers(node), [9, 10, 1, 2, 3]);
        node.verify(&mut |_, _| {}).unwrap();
    }
    drop(nodes);
    // One that starts goes on from what does not count.
    let log = open(&server, dirs[0].path());
    assert_eq!(log.append(append("b", [4])).unwrap().revision, 1);
    let room = tempfile::tempdir().unwrap();
    let anew = open(&server, room.path());
    assert_eq!(everything(&anew), everything(&log));
    anew.verify(&mut |_, _| {}).unwrap();
}

#[test]
fn a_node_that_reads_again_counts_no_more_than_one_that_is_new() {
    let (server, dirs, nodes) = overtaken();
    // Node 0 died when it had sent the first one again, and not the two behind it.
    drop(nodes);
    server.cluster().lose_after(Uuid::from_u128(1));
    let rooms = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let fresh = open(&server, rooms[0].path());
    assert_eq!(numbers(&fresh), [9, 10, 1]);
    drop(fresh);
    // It knows what came later, and must not take it for what was there before.
    std::fs::remove_file(rooms[0].path().join("replica/place.json")).unwrap();
    let again = open(&server, rooms[0].path());
    assert_eq!(numbers(&again), [9, 10, 1]);
    again.verify(&mut |_, _| {}).unwrap();
    let answer = again.append(append("b", [2])).unwrap();
    assert_eq!((answer.first, answer.revision, answer.repeated), (4, 0, false));
    let third = open(&server, rooms[1].path());
    assert_eq!(everything(&third), everything(&again));
    third.verify(&mut |_, _| {}).unwrap();
    drop(dirs);
}

#[test]
fn another_leader_in_the_middle_of_the_call_is_found_and_the_order_is_kept() {
    let (leader, follower) = Server::pair();
    let dir = tempfile::tempdir().unwrap();
    let log = open(&leader, dir.path());
    log.append(append("a", [1])).unwrap();
    leader.cluster().lag = Duration::from_millis(50);
    let pending: Vec<Pending> =
        (2..=60).map(|number| log.submit(append(&format!("s{}", number % 7), [number]))).collect();
    leader.cluster().leader = follower.port();
    let more: Vec<Pending> =
        (61..=120).map(|number| log.submit(append(&format!("s{}", number % 7), [number]))).collect();
    for (pending, position) in pending.into_iter().chain(more).zip(2..) {
        let answer = pending.wait().unwrap();
        assert_eq!((answer.first, answer.repeated), (position, false));
    }
    assert!(leader.cluster().redirects > 0);
    log.verify(&mut |_, _| {}).unwrap();
}

/// What one node submits, and what goes wrong meanwhile.
#[derive(Debug, Clone)]
struct Plan {
    lag: u64,
    /// Which of some streams, how many events, what is expected, whether the ids are those of the other node too.
    appends: Vec<(u8, u8, Wish, bool)>,
    faults: Vec<(usize, AppendFault)>,
    reads: Vec<ReadFault>,
}

#[derive(Debug, Clone, Copy)]
enum Wish {
    Any,
    Keyed,
    /// What the node has counted on so far.
    Exact,
}

fn plan() -> impl Strategy<Value = Plan> {
    let fault = prop::sample::select(vec![
        AppendFault::Unavailable,
        AppendFault::CutBefore,
        AppendFault::CutAfter,
        AppendFault::SilentAfter,
        AppendFault::TimesOut,
        AppendFault::EndsWellAfter,
    ]);
    let read = prop::sample::select(vec![ReadFault::CutAfter(3), ReadFault::CutAfter(0), ReadFault::Unavailable]);
    let wish = prop::sample::select(vec![Wish::Any, Wish::Any, Wish::Keyed, Wish::Exact]);
    (
        prop::sample::select(vec![0_u64, 2, 20]),
        prop::collection::vec((0..4_u8, 1..3_u8, wish, prop::bool::weighted(0.15)), 30..60),
        prop::collection::vec((1..120_usize, fault), 0..6),
        prop::collection::vec(read, 0..3),
    )
        .prop_map(|(lag, appends, faults, reads)| Plan { lag, appends, faults, reads })
}

fn node(server: &Server, dir: &Path) -> ClusterLog {
    let patience = Duration::from_millis(400);
    let options = Options { patience, deadline: Duration::from_secs(120), ..options() };
    ClusterLog::open(&server.url(), dir, &options).unwrap()
}

/// Returns what a node is to submit, in its order.
fn wishes(of: u128, plan: &Plan) -> Vec<Append> {
    let mut counted: HashMap<String, u64> = HashMap::new();
    let each = |(place, (stream, events, wish, shared)): (usize, &(u8, u8, Wish, bool))| {
        // Streams 0 and 1 are written by both.
        let name = if *stream < 2 { format!("s{stream}") } else { format!("s{stream}-of-{of}") };
        let number = if *shared { 500_000 } else { (of + 1) * 1_000_000 } + place as u128 * 10;
        let next = counted.entry(name.clone()).or_default();
        let expected = match wish {
            Wish::Exact => next.checked_sub(1).map_or(Expected::NoStream, Expected::Revision),
            _ => Expected::Any,
        };
        *next += u64::from(*events);
        let asked = Append { expected, ..append(&name, number..number + u128::from(*events)) };
        if matches!(wish, Wish::Keyed) { keyed(&format!("k{number}"), asked) } else { asked }
    };
    plan.appends.iter().enumerate().map(each).collect()
}

/// What was answered is in the log, where and as it was said, and in the order in which it was submitted.
fn agrees(asked: &[Append], answers: &[Result<Appended, LogError>], log: &ClusterLog) {
    let all = everything(log);
    let mut last = 0;
    for (asked, answer) in asked.iter().zip(answers) {
        match answer {
            Ok(answer) => {
                for (event, position) in asked.events.iter().zip(answer.first..) {
                    let there = &all[position as usize - 1];
                    assert_eq!((there.event.id, &there.stream), (event.id, &asked.stream), "{answer:?}");
                }
                assert_eq!(all[answer.last as usize - 1].revision, answer.revision);
                if !answer.repeated {
                    assert!(answer.first > last, "{} came before {last}, which was submitted before it", answer.first);
                    last = answer.last;
                }
                let before = all[answer.first as usize - 1].revision.checked_sub(1);
                match asked.expected {
                    _ if answer.repeated => {}
                    Expected::Any => {}
                    Expected::NoStream => assert_eq!(before, None),
                    Expected::Revision(revision) => assert_eq!(before, Some(revision)),
                }
            }
            Err(LogError::Conflict { expected, actual, .. }) => {
                let wanted = if let Expected::Revision(revision) = expected { Some(*revision) } else { None };
                assert!(*expected != Expected::Any && *actual != wanted, "{answer:?}");
            }
            // The other node had the same ids in other company, or the same key.
            Err(LogError::Duplicate { id }) => assert!(all.iter().any(|event| event.event.id == *id)),
            Err(LogError::KeyReused { key }) => assert!(log.find_key(key).unwrap().is_some()),
            Err(other) => panic!("{other}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, max_shrink_iters: 0, ..ProptestConfig::default() })]

    #[test]
    fn two_nodes_keep_their_order_and_lose_and_double_nothing(plans in [plan(), plan()]) {
        let server = Server::alone();
        let dirs = [(); 4].map(|()| tempfile::tempdir().unwrap());
        let nodes = [node(&server, dirs[0].path()), node(&server, dirs[1].path())];
        {
            let mut cluster = server.cluster();
            cluster.lag = Duration::from_millis(plans[0].lag);
            cluster.faults_at.extend(plans.iter().flat_map(|plan| plan.faults.clone()));
            cluster.read_faults.extend(plans.iter().flat_map(|plan| plan.reads.clone()));
        }
        let asked = [wishes(0, &plans[0]), wishes(1, &plans[1])];
        let answers = std::thread::scope(|scope| {
            let hands = [0, 1].map(|of| {
                let (log, asked) = (&nodes[of], &asked[of]);
                scope.spawn(move || {
                    let pending: Vec<Pending> = asked.iter().map(|asked| log.submit(asked.clone())).collect();
                    pending.into_iter().map(Pending::wait).collect::<Vec<_>>()
                })
            });
            hands.map(|hand| hand.join().unwrap())
        });
        server.cluster().faults_at.clear();
        server.cluster().read_faults.clear();
        let head = nodes[0].head().max(nodes[1].head());
        for (of, log) in nodes.iter().enumerate() {
            wait_for(log, head);
            agrees(&asked[of], &answers[of], log);
            log.verify(&mut |_, _| {}).unwrap();
        }
        let all = everything(&nodes[0]);
        prop_assert_eq!(&all, &everything(&nodes[1]));
        let ids: HashSet<Uuid> = all.iter().map(|event| event.event.id).collect();
        prop_assert_eq!(ids.len(), all.len());
        // Whoever reads it anew, or again, reads the same.
        let anew = open(&server, dirs[2].path());
        prop_assert_eq!(&everything(&anew), &all);
        drop(anew);
        std::fs::remove_file(dirs[2].path().join("replica/place.json")).unwrap();
        let again = open(&server, dirs[2].path());
        prop_assert_eq!(&everything(&again), &all);
        again.verify(&mut |_, _| {}).unwrap();
    }
}
