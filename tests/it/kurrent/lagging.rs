//! A leader compares with what is under way, before anybody can read it.

use super::faults::AppendFault;
use super::server::Server;
use super::{append, everything, open, options, wait_for};
use std::sync::Barrier;
use std::time::{Duration, Instant};
use warnlight::log::cluster::{ClusterLog, Options};
use warnlight::log::contract::{Append, Appended, EventLog, Expected, LogError};

/// Both nodes append at the same moment; returns their answers.
fn race(nodes: &[ClusterLog; 2], asked: [Append; 2]) -> [Result<Appended, LogError>; 2] {
    let barrier = Barrier::new(2);
    std::thread::scope(|scope| {
        let hands = [0, 1].map(|node| {
            let (log, asked, barrier) = (&nodes[node], asked[node].clone(), &barrier);
            scope.spawn(move || {
                barrier.wait();
                log.append(asked)
            })
        });
        hands.map(|hand| hand.join().unwrap())
    })
}

/// Both nodes have the same so many events, in the same order with the same digests, and the cluster too.
fn alike(nodes: &[ClusterLog; 2], head: u64) {
    for node in nodes {
        wait_for(node, head);
    }
    assert_eq!(everything(&nodes[0]), everything(&nodes[1]));
    for node in nodes {
        assert_eq!(node.verify(&mut |_, _| {}).unwrap().events, head);
    }
}

#[test]
fn of_two_nodes_that_expect_one_revision_one_wins_however_long_a_write_is_under_way() {
    for (lag, races) in [(0_u64, 40), (2, 40), (5, 40), (20, 200)] {
        let server = Server::alone();
        let dirs = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let nodes = [open(&server, dirs[0].path()), open(&server, dirs[1].path())];
        server.cluster().lag = Duration::from_millis(lag);
        let mut expected = Expected::NoStream;
        for race_number in 0..races {
            let number = u128::from(race_number) * 2;
            let won = race(&nodes, [1, 2].map(|node| Append { expected, ..append("a", [number + node]) }));
            let winner = match &won {
                [Ok(winner), Err(LogError::Conflict { .. })] | [Err(LogError::Conflict { .. }), Ok(winner)] => winner,
                other => panic!("lag {lag} ms, race {race_number}: {other:?}"),
            };
            assert_eq!((winner.revision, winner.repeated), (race_number, false), "lag {lag} ms");
            expected = Expected::Revision(winner.revision);
            nodes.iter().for_each(|node| wait_for(node, winner.last));
        }
        alike(&nodes, races);
    }
}

#[test]
fn what_two_nodes_append_anyhow_is_all_taken_once_though_writes_are_under_way() {
    for lag in [0, 5, 20] {
        let server = Server::alone();
        let dirs = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let nodes = [open(&server, dirs[0].path()), open(&server, dirs[1].path())];
        server.cluster().lag = Duration::from_millis(lag);
        for number in (0..40).step_by(2) {
            for won in race(&nodes, [1, 2].map(|node| append("a", [number + node, number + node + 1000]))) {
                assert!(!won.unwrap().repeated, "lag {lag} ms");
            }
            // And the same at both: one of them was first.
            let same = append("b", [number + 10_000]);
            let won = race(&nodes, [same.clone(), same]).map(Result::unwrap);
            assert_eq!(won.iter().filter(|answer| !answer.repeated).count(), 1, "lag {lag} ms: {won:?}");
        }
        alike(&nodes, 100);
    }
}

#[test]
fn a_retry_that_the_server_drops_while_the_first_is_under_way_is_answered_in_the_end() {
    let server = Server::alone();
    let dir = tempfile::tempdir().unwrap();
    let options = Options { patience: Duration::from_millis(300), ..options() };
    let log = ClusterLog::open(&server.url(), dir.path(), &options).unwrap();
    log.append(append("a", [1])).unwrap();
    // The answer does not come within the node's patience, and what it sends again is dropped.
    server.cluster().lag = Duration::from_millis(1500);
    let answer = log.append(Append { expected: Expected::Revision(0), ..append("a", [2]) }).unwrap();
    assert_eq!((answer.first, answer.revision, answer.repeated), (2, 1, false));
    server.cluster().lag = Duration::ZERO;
    assert_eq!(log.append(append("a", [3])).unwrap().first, 3);
    assert!(server.cluster().dropped > 0, "nothing was dropped");
    assert_eq!(super::on_server(&server), 3);
    log.verify(&mut |_, _| {}).unwrap();
}

#[test]
fn nobody_waits_for_an_answer_to_what_can_be_read() {
    let server = Server::alone();
    let dir = tempfile::tempdir().unwrap();
    let options = Options { patience: Duration::from_secs(60), deadline: Duration::from_secs(120), ..options() };
    let log = ClusterLog::open(&server.url(), dir.path(), &options).unwrap();
    server.cluster().append_faults.push_back(AppendFault::SilentAfter);
    let began = Instant::now();
    let answer = log.append(append("a", [1])).unwrap();
    assert_eq!((answer.first, answer.repeated), (1, false));
    assert!(began.elapsed() < options.patience, "it waited for an answer that never comes");
}
