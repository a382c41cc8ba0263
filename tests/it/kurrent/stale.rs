//! Servers that show less than the cluster holds, for a while.

use super::faults::AppendFault;
use super::server::Server;
use super::{append, everything, open, options, wait_for};
use std::time::{Duration, Instant};
use warnlight::log::cluster::{ClusterLog, Options};
use warnlight::log::contract::{EventLog, LogError};

fn until(mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(120), "it never came");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Where the last event of ours stands.
fn last(server: &Server) -> u64 {
    let cluster = server.cluster();
    cluster.log.iter().rfind(|event| !event.stream.starts_with('$') && event.stream != "elsewhere-1").unwrap().position
}

#[test]
fn a_leader_that_shows_less_for_a_while_is_no_loss() {
    for behind_others in [false, true] {
        let server = Server::alone();
        let dir = tempfile::tempdir().unwrap();
        let options = Options { doubt: Duration::from_secs(60), deadline: Duration::from_secs(120), ..options() };
        let log = ClusterLog::open(&server.url(), dir.path(), &options).unwrap();
        log.append(append("a", [1, 2])).unwrap();
        if behind_others {
            server.cluster().add_noise();
            let looks = server.cluster().looks;
            until(|| server.cluster().looks > looks + 2);
        }
        let shown = last(&server);
        let asked = server.cluster().questions;
        server.cluster().sees_to = Some(shown);
        until(|| server.cluster().questions > asked + 2);
        // What is appended meanwhile waits, and is not sent to a cluster that may have lost something.
        let appends = server.cluster().appends;
        let pending = log.submit(append("a", [3]));
        let asked = server.cluster().questions;
        until(|| server.cluster().questions > asked + 2);
        assert_eq!(server.cluster().appends, appends, "behind others {behind_others}");
        server.cluster().sees_to = None;
        assert_eq!(pending.wait().unwrap().first, 3, "behind others {behind_others}");
        log.verify(&mut |_, _| {}).unwrap();
    }
}

#[test]
fn a_leader_that_acknowledges_nothing_is_not_believed_that_something_is_lost() {
    let server = Server::alone();
    let dir = tempfile::tempdir().unwrap();
    let options = Options { doubt: Duration::from_millis(50), ..options() };
    let log = ClusterLog::open(&server.url(), dir.path(), &options).unwrap();
    log.append(append("a", [1])).unwrap();
    let shown = last(&server);
    {
        let mut cluster = server.cluster();
        cluster.append_faults.extend([AppendFault::Unavailable; 10_000]);
        cluster.sees_to = Some(shown);
    }
    // The doubt has become old; the leader was asked to write something, and did not.
    let appends = server.cluster().appends;
    until(|| server.cluster().appends > appends + 1);
    {
        let mut cluster = server.cluster();
        cluster.sees_to = None;
        cluster.append_faults.clear();
    }
    assert_eq!(log.append(append("a", [2])).unwrap().first, 2);
    // One that does acknowledge is.
    server.cluster().sees_to = Some(shown);
    let appends = server.cluster().appends;
    until(|| server.cluster().appends > appends);
    let refused = log.append(append("a", [3]));
    assert!(matches!(refused, Err(LogError::Corrupt { position: 2, .. })), "{refused:?}");
}

#[test]
fn a_node_moves_past_the_events_of_others_only_by_what_one_read_shows() {
    let server = Server::alone();
    let dirs = [(); 2].map(|()| tempfile::tempdir().unwrap());
    open(&server, dirs[0].path()).append(append("a", [1])).unwrap();
    let first = last(&server);
    let other = open(&server, dirs[1].path());
    for number in 2..=5 {
        other.append(append("a", [number])).unwrap();
    }
    server.cluster().add_statistics();
    // Who leads is asked for the end, and somebody who has just led for what is before it.
    server.cluster().looks_see_to = Some(first + 1);
    let options = Options { tidy: Duration::from_millis(1), ..options() };
    let log = ClusterLog::open(&server.url(), dirs[0].path(), &options).unwrap();
    assert_eq!(log.head(), 1);
    let asked = server.cluster().questions;
    until(|| server.cluster().questions > asked + 4);
    server.cluster().looks_see_to = None;
    wait_for(&log, 5);
    assert_eq!(everything(&log), everything(&other));
}

#[test]
fn a_node_does_move_past_the_events_of_others() {
    let server = Server::alone();
    let dir = tempfile::tempdir().unwrap();
    let options = Options { tidy: Duration::from_millis(1), ..options() };
    let log = ClusterLog::open(&server.url(), dir.path(), &options).unwrap();
    log.append(append("a", [1])).unwrap();
    for _ in 0..1200 {
        server.cluster().add_statistics();
    }
    let end = server.cluster().log.last().unwrap().position;
    let place = || std::fs::read_to_string(dir.path().join("replica/place.json")).unwrap_or_default();
    until(|| place().contains(&format!("\"commit\":{end},")));
    assert_eq!(log.append(append("a", [2])).unwrap().first, 2);
    drop(log);
    let log = open(&server, dir.path());
    assert_eq!(log.append(append("a", [3])).unwrap().first, 3);
    log.verify(&mut |_, _| {}).unwrap();
}
