//! The cluster engine against a double of the server, and against a real one when `WARNLIGHT_TEST_ESDB` names it.
//!
//! What the double does not prove: that a real server keeps what it acknowledged when a disk or a leader dies, and what it
//! does lose; elections and replication (the double's nodes share one store, the next leader is named and has everything; what is
//! under way, and servers that show less for a while, are played as the server's source says); how it authenticates, what a user
//! may do, client certificates; that its certificates are good; what scavenging really removes and when; DNS discovery; its limits of size and rate; how long
//! anything takes; and that the double reads the protocol as the server does. For all of these the same tests must be run
//! against a cluster: the variable holds its connection string (`esdb://…`), its servers allow appends of 16 MiB, and what
//! the run writes there stays there.

mod answering;
mod authority;
mod batched;
mod batching;
mod faults;
mod framing;
mod lagging;
mod leaders;
mod lost;
mod messages;
mod moving;
pub(crate) mod server;
mod stale;
mod store;
mod tls;

use faults::{AppendFault, ReadFault};
use server::Server;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use store::Kept;
use tempfile::TempDir;
use uuid::Uuid;
use warnlight::domain::envelope::{NewEvent, Recorded};
use warnlight::domain::time::Instant;
use warnlight::log::cluster::{ClusterLog, Options};
use warnlight::log::conformance::conformance;
use warnlight::log::contract::{Append, EventLog, Expected, LogError};
use warnlight::log::embedded::EmbeddedLog;

fn options() -> Options {
    Options {
        patience: Duration::from_secs(2),
        deadline: Duration::from_secs(20),
        look: Duration::from_millis(20),
        doubt: Duration::from_millis(200),
        ..Options::default()
    }
}

/// Options that find out quickly that an answer is missing.
fn impatient() -> Options {
    Options { patience: Duration::from_millis(300), ..options() }
}

fn append(stream: &str, numbers: impl IntoIterator<Item = u128>) -> Append {
    let event = |number| NewEvent {
        id: Uuid::from_u128(number),
        event_type: "trial.held".into(),
        schema_version: 1,
        occurred_at: Instant::UNIX_EPOCH,
        actor: "朝阳区商务局".into(),
        causation: None,
        correlation: None,
        history: false,
        data: format!(r#"{{"number":{number}}}"#).into(),
    };
    Append {
        stream: stream.into(),
        expected: Expected::Any,
        recorded_at: Instant::from_second(1_750_000_000).unwrap(),
        idempotency_key: None,
        events: numbers.into_iter().map(event).collect(),
    }
}

fn keyed(key: &str, append: Append) -> Append {
    Append { idempotency_key: Some(key.into()), ..append }
}

pub(crate) fn open(server: &Server, dir: &Path) -> ClusterLog {
    ClusterLog::open(&server.url(), dir, &options()).unwrap()
}

fn everything(log: &dyn EventLog) -> Vec<Recorded> {
    log.read_all(0, usize::MAX).unwrap()
}

/// Waits until a log has as many events; a feed wakes for each.
fn wait_for(log: &dyn EventLog, head: u64) {
    let mut feed = log.subscribe(0).unwrap();
    let mut heard = 0;
    while heard < head {
        let events = feed.next(Duration::from_secs(60)).unwrap();
        assert!(!events.is_empty(), "nothing came after {heard}");
        for event in events {
            heard += 1;
            assert_eq!(event.position, heard);
        }
    }
}

/// Counts the events of this log on the server, those that no node counts included.
fn on_server(server: &Server) -> usize {
    server.cluster().log.iter().filter(|event| !event.stream.starts_with('$') && event.stream != "elsewhere-1").count()
}

#[test]
fn the_cluster_engine_keeps_every_promise() {
    let mut held: Vec<(Server, TempDir)> = Vec::new();
    let mut prefixes = ["", "trial:"].into_iter().cycle();
    conformance(&mut || {
        let (server, dir) = (Server::alone(), tempfile::tempdir().unwrap());
        server.cluster().add_noise();
        let options = Options { prefix: prefixes.next().unwrap_or_default().into(), ..options() };
        let log = ClusterLog::open(&server.url(), dir.path(), &options)?;
        held.push((server, dir));
        Ok(Arc::new(log))
    })
    .unwrap();
}

#[test]
fn the_cluster_engine_keeps_every_promise_on_a_real_server() {
    let Ok(url) = std::env::var("WARNLIGHT_TEST_ESDB") else {
        eprintln!("WARNLIGHT_TEST_ESDB is not set: no real server was tried");
        return;
    };
    let mut dirs = Vec::new();
    conformance(&mut || {
        let dir = tempfile::tempdir().unwrap();
        // A log of its own for each promise: a cluster cannot be emptied.
        let options = Options { prefix: format!("trial-{}:", Uuid::now_v7().simple()).into(), ..Options::default() };
        let log = ClusterLog::open(&url, dir.path(), &options)?;
        dirs.push(dir);
        Ok(Arc::new(log))
    })
    .unwrap();
}

#[test]
fn an_append_is_written_once_whatever_happens_to_its_answer() {
    let server = Server::alone();
    let dir = tempfile::tempdir().unwrap();
    // It does not read while it waits, so it meets every fault.
    let options = Options { look: Duration::from_secs(3600), ..impatient() };
    let log = ClusterLog::open(&server.url(), dir.path(), &options).unwrap();
    let faults = [
        vec![AppendFault::Unavailable],
        vec![AppendFault::CutBefore],
        vec![AppendFault::CutAfter],
        vec![AppendFault::SilentAfter],
        vec![AppendFault::TimesOut],
        vec![AppendFault::EndsWellAfter],
        // What was written is read before anything is sent again.
        vec![AppendFault::Unavailable, AppendFault::CutBefore, AppendFault::CutBefore, AppendFault::SilentAfter],
    ];
    let mut number = 0;
    for fault in faults {
        for expected in [Expected::Any, Expected::NoStream, Expected::Revision(0)] {
            let stream = if expected == Expected::NoStream { format!("s{number}") } else { "a".to_owned() };
            let expected = match (expected, log.read_stream(&stream, 0, usize::MAX).unwrap().len() as u64) {
                (Expected::Revision(_), 0) => Expected::NoStream,
                (Expected::Revision(_), events) => Expected::Revision(events - 1),
                (other, _) => other,
            };
            server.cluster().append_faults.extend(fault.clone());
            let asked = Append { expected, ..append(&stream, [number + 1, number + 2]) };
            let answer = log.append(asked.clone()).unwrap();
            assert!(!answer.repeated, "{fault:?}");
            assert_eq!((answer.first, answer.last), (number as u64 + 1, number as u64 + 2), "{fault:?}");
            assert!(server.cluster().append_faults.is_empty(), "{fault:?} was not met");
            assert!(log.append(asked).unwrap().repeated, "{fault:?}");
            number += 2;
        }
    }
    assert_eq!(on_server(&server), number as usize);
    assert_eq!(log.verify(&mut |_, _| {}).unwrap().events, number as u64);
}

#[test]
fn an_append_whose_outcome_stays_unknown_says_so_and_can_be_repeated() {
    let mut server = Server::alone();
    let dir = tempfile::tempdir().unwrap();
    let options = Options { deadline: Duration::from_millis(400), ..impatient() };
    let log = ClusterLog::open(&server.url(), dir.path(), &options).unwrap();
    server.restart(|| {
        let refused = log.append(append("a", [1]));
        assert!(matches!(refused, Err(LogError::InDoubt(_))), "{refused:?}");
    });
    // The client tries again to connect at its own pace.
    let answer = std::iter::repeat_with(|| log.append(append("a", [1]))).find_map(Result::ok).unwrap();
    assert_eq!((answer.first, log.head(), on_server(&server)), (1, 1, 1));
}

#[test]
fn appends_on_their_way_survive_a_restart_of_the_server() {
    let mut server = Server::alone();
    let dir = tempfile::tempdir().unwrap();
    let log = open(&server, dir.path());
    log.append(append("a", [1])).unwrap();
    let mut pending = Vec::new();
    server.restart(|| pending.extend((2..=40).map(|number| log.submit(append("a", [number])))));
    for (pending, position) in pending.into_iter().zip(2..) {
        assert_eq!(pending.wait().unwrap().first, position);
    }
    assert_eq!(on_server(&server), 40);
    log.verify(&mut |_, _| {}).unwrap();
}

#[test]
fn an_append_that_the_server_finds_too_large_is_refused_and_the_next_is_taken() {
    let server = Server::alone();
    let dir = tempfile::tempdir().unwrap();
    let log = open(&server, dir.path());
    server.cluster().append_faults.push_back(AppendFault::TooLarge);
    let refused = log.append(append("a", [1]));
    assert!(matches!(&refused, Err(LogError::Invalid(why)) if why.contains("MaxAppendSize")), "{refused:?}");
    assert_eq!(log.append(append("a", [1])).unwrap().first, 1);
}

#[test]
fn a_message_that_the_server_does_not_read_is_refused_at_once_and_the_next_is_taken() {
    let server = Server::alone();
    let dir = tempfile::tempdir().unwrap();
    let log = open(&server, dir.path());
    server.cluster().append_faults.push_back(AppendFault::MessageTooLarge);
    let refused = log.append(append("a", [1]));
    assert!(matches!(&refused, Err(LogError::Invalid(why)) if why.contains("too large")), "{refused:?}");
    assert_eq!(log.append(append("a", [1])).unwrap().first, 1);
}

#[test]
fn a_read_with_a_filter_lets_the_server_consider_a_page_at_a_time() {
    let server = Server::alone();
    let dir = tempfile::tempdir().unwrap();
    let log = open(&server, dir.path());
    log.append(append("a", [1])).unwrap();
    log.verify(&mut |_, _| {}).unwrap();
    let windows = server.cluster().windows.clone();
    assert_eq!(windows, [Some(500)].into());
}

#[test]
fn a_follower_sends_to_the_leader_and_a_new_leader_is_found() {
    let (leader, follower) = Server::pair();
    let dir = tempfile::tempdir().unwrap();
    let log = open(&follower, dir.path());
    assert_eq!(log.append(append("a", [1])).unwrap().first, 1);
    assert!(leader.cluster().redirects > 0);
    // The other one leads now; the first one sends there.
    let before = leader.cluster().redirects;
    leader.cluster().leader = follower.port();
    assert_eq!(log.append(append("a", [2])).unwrap().first, 2);
    assert!(leader.cluster().redirects > before);
    assert_eq!(on_server(&leader), 2);
}

#[test]
fn a_cluster_is_found_by_gossip_when_several_servers_are_named() {
    let (leader, follower) = Server::pair();
    let dir = tempfile::tempdir().unwrap();
    let url = format!("esdb://127.0.0.1:{},127.0.0.1:{}?tls=false", follower.port(), leader.port());
    let log = ClusterLog::open(&url, dir.path(), &options()).unwrap();
    assert_eq!(log.append(append("a", [1])).unwrap().first, 1);
    assert_eq!(leader.cluster().redirects, 0);
}

#[test]
fn two_nodes_take_the_same_order_and_of_those_who_expect_a_revision_one_wins() {
    let server = Server::alone();
    let dirs = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let nodes = [open(&server, dirs[0].path()), open(&server, dirs[1].path())];
    std::thread::scope(|scope| {
        for (node, log) in nodes.iter().enumerate() {
            scope.spawn(move || {
                let mut expected = Expected::NoStream;
                let mut won = 0;
                while won < 60 {
                    let number = node as u128 * 1000 + won;
                    match log.append(Append { expected, ..append("a", [number, number + 500]) }) {
                        Ok(answer) => {
                            assert!(!answer.repeated);
                            won += 1;
                            expected = Expected::Revision(answer.revision);
                        }
                        Err(LogError::Conflict { actual: Some(actual), .. }) => expected = Expected::Revision(actual),
                        Err(other) => panic!("{other}"),
                    }
                    log.append(append(&format!("b{node}"), [number + 10_000])).unwrap();
                }
            });
        }
    });
    for node in &nodes {
        wait_for(node, 360);
    }
    assert_eq!(everything(&nodes[0]), everything(&nodes[1]));
    assert_eq!(nodes[0].verify(&mut |_, _| {}).unwrap(), nodes[1].verify(&mut |_, _| {}).unwrap());
    assert_eq!(on_server(&server), 360);
}

#[test]
fn the_same_append_at_two_nodes_is_written_once() {
    let server = Server::alone();
    let dirs = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let nodes = [open(&server, dirs[0].path()), open(&server, dirs[1].path())];
    let written = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for (node, log) in nodes.iter().enumerate() {
            let written = &written;
            scope.spawn(move || {
                for number in 1..=60_u128 {
                    // Ids are derived in one half, and made anew under a key in the other.
                    let asked = if number % 2 == 0 {
                        append("a", [number])
                    } else {
                        let mut asked = keyed(&format!("k{number}"), append("a", [number]));
                        asked.events[0].id = Uuid::from_u128(number + 1000 * (node as u128 + 1));
                        asked
                    };
                    let answer = log.append(asked).unwrap();
                    written.fetch_add(u64::from(!answer.repeated), Ordering::Relaxed);
                }
            });
        }
    });
    for node in &nodes {
        wait_for(node, 60);
    }
    assert_eq!(written.into_inner(), 60);
    assert_eq!(everything(&nodes[0]), everything(&nodes[1]));
    assert_eq!(on_server(&server), 60);
}

#[test]
fn a_log_is_read_whole_over_lines_that_are_cut_slow_or_silent() {
    let server = Server::alone();
    let dirs = [(); 2].map(|()| tempfile::tempdir().unwrap());
    // It may meet all the cuts, one after the other.
    let patient = Options { deadline: Duration::from_secs(300), ..options() };
    let writer = ClusterLog::open(&server.url(), dirs[0].path(), &patient).unwrap();
    for first in (0..900_u128).step_by(3) {
        writer.append(append(&format!("s{}", first % 7), first..first + 3)).unwrap();
    }
    let slow = ReadFault::Slow(Duration::from_millis(2));
    let mut faults = vec![slow, ReadFault::Silent, ReadFault::Unavailable, ReadFault::CutAfter(0)];
    faults.extend([1, 2, 3, 100, 499, 0, 7].map(ReadFault::CutAfter));
    server.cluster().read_faults.extend(faults);
    let reader = ClusterLog::open(&server.url(), dirs[1].path(), &impatient()).unwrap();
    assert_eq!(reader.head(), 900, "an open log has read everything");
    assert_eq!(everything(&reader), everything(&writer));

    // The same while it follows: cut in the middle of appends that another node writes.
    server.cluster().read_faults.extend((0..40).map(|turn| ReadFault::CutAfter(turn % 4)));
    for number in 1000..1100_u128 {
        writer.append(append("live", [number, number + 1000])).unwrap();
        server.cut();
    }
    wait_for(&reader, 1100);
    assert_eq!(everything(&reader), everything(&writer));
    reader.verify(&mut |_, _| {}).unwrap();
}

#[test]
fn a_replica_that_was_lost_or_forgot_its_place_is_read_again_with_the_same_digests() {
    let server = Server::alone();
    let dirs = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let log = open(&server, dirs[0].path());
    for number in 1..50 {
        log.append(append(&format!("s{}", number % 3), [number, number + 1000])).unwrap();
    }
    log.append(keyed("k", append("t", [5000]))).unwrap();
    log.append(keyed("l", append("t", [5000]))).unwrap();
    let before = everything(&log);
    drop(log);

    std::fs::remove_file(dirs[0].path().join("replica/place.json")).unwrap();
    let again = open(&server, dirs[0].path());
    assert_eq!(everything(&again), before);
    assert_eq!(again.append(append("s1", [6000])).unwrap().first, 100);
    let anew = open(&server, dirs[1].path());
    assert_eq!(everything(&anew), everything(&again));
    assert_eq!(anew.find_key("l").unwrap(), again.find_key("l").unwrap());
    assert!(anew.find_key("l").unwrap().is_some());
    anew.verify(&mut |_, _| {}).unwrap();
}

#[test]
fn a_replica_whose_newest_a_power_cut_took_is_read_again_with_the_same_digests() {
    let server = Server::alone();
    let dirs = [(); 2].map(|()| tempfile::tempdir().unwrap());
    for first in [1, 50] {
        let log = open(&server, dirs[0].path());
        for number in first..first + 40 {
            log.append(append(&format!("s{}", number % 3), [number, number + 1000])).unwrap();
        }
        if first == 1 {
            continue;
        }
        // Everything is there but what was in memory: the newest half, that is not in the file.
        std::fs::create_dir(dirs[1].path().join("replica")).unwrap();
        for file in ["log.db", "log.mark", "place.json"] {
            std::fs::copy(dirs[0].path().join("replica").join(file), dirs[1].path().join("replica").join(file))
                .unwrap();
        }
        let again = open(&server, dirs[1].path());
        assert_eq!(everything(&again), everything(&log));
        assert_eq!(again.append(append("s1", [6000])).unwrap().first, 161);
        again.verify(&mut |_, _| {}).unwrap();
    }
}

#[test]
fn a_proposal_that_repeats_an_id_in_another_stream_is_counted_by_nobody() {
    let server = Server::alone();
    let dirs = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let log = open(&server, dirs[0].path());
    log.append(keyed("k", append("a", [1]))).unwrap();
    // What a second node leaves on the server that proposed the same event at the same moment.
    {
        let mut cluster = server.cluster();
        let raced = cluster.log.iter().find(|event| event.stream == "a").unwrap().clone();
        cluster.add("b", raced);
    }
    let answer = log.append(append("b", [2])).unwrap();
    assert_eq!((answer.first, answer.revision), (2, 0));
    assert_eq!(log.append(Append { expected: Expected::Revision(0), ..append("b", [3]) }).unwrap().revision, 1);
    let refused = log.append(Append { expected: Expected::Revision(2), ..append("b", [4]) });
    assert!(matches!(refused, Err(LogError::Conflict { actual: Some(1), .. })), "{refused:?}");
    assert_eq!(on_server(&server), 4);
    log.verify(&mut |_, _| {}).unwrap();
    let other = open(&server, dirs[1].path());
    assert_eq!(everything(&other), everything(&log));
    other.verify(&mut |_, _| {}).unwrap();
}

#[test]
fn a_changed_or_missing_event_on_the_server_is_found_and_named() {
    type Change = fn(&mut Vec<Kept>, usize);
    let changes: [Change; 4] = [
        |log, at| log[at].data = br#"{"number":9}"#.to_vec(),
        |log, at| log[at].id = Uuid::from_u128(77),
        |log, at| drop(log.remove(at)),
        |log, at| {
            let text = String::from_utf8(log[at].custom.clone()).unwrap();
            let (before, after) = text.split_once(r#""chain":""#).unwrap();
            let other = if after.starts_with('0') { '1' } else { '0' };
            let rest: String = after.chars().skip(1).collect();
            log[at].custom = format!(r#"{before}"chain":"{other}{rest}"#).into_bytes();
        },
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let server = Server::alone();
        let dir = tempfile::tempdir().unwrap();
        let log = open(&server, dir.path());
        for number in 1..=20 {
            log.append(append(&format!("s{}", number % 3), [number])).unwrap();
        }
        log.verify(&mut |_, _| {}).unwrap();
        {
            let kept = &mut server.cluster().log;
            let at = kept.iter().position(|event| event.id == Uuid::from_u128(12)).unwrap();
            change(kept, at);
        }
        let found = log.verify(&mut |_, _| {});
        assert!(matches!(found, Err(LogError::Corrupt { position: 12, .. })), "change {number}: {found:?}");
    }
}

#[test]
fn a_replica_of_another_cluster_is_refused() {
    let (one, other) = (Server::alone(), Server::alone());
    let dirs = [(); 2].map(|()| tempfile::tempdir().unwrap());
    open(&one, dirs[0].path()).append(append("a", [1])).unwrap();
    open(&other, dirs[1].path()).append(append("a", [2])).unwrap();
    let refused = ClusterLog::open(&other.url(), dirs[0].path(), &options());
    assert!(matches!(refused, Err(LogError::Corrupt { position: 1, .. })), "{refused:?}");
}

#[test]
fn a_second_process_on_one_replica_a_wrong_address_and_a_wrong_name_are_refused() {
    let server = Server::alone();
    let dir = tempfile::tempdir().unwrap();
    let log = open(&server, dir.path());
    let locked = ClusterLog::open(&server.url(), dir.path(), &options());
    assert!(matches!(locked, Err(LogError::Locked { .. })), "{locked:?}");
    let wrong = ClusterLog::open("postgres://127.0.0.1", dir.path(), &options());
    assert!(matches!(wrong, Err(LogError::Invalid(_))), "{wrong:?}");
    for stream in ["$settings", "warnlight.key-1"] {
        let refused = log.append(append(stream, [1]));
        assert!(matches!(refused, Err(LogError::Invalid(_))), "{refused:?}");
    }
}

#[test]
fn what_the_servers_own_tools_see_is_json_under_our_names() {
    let server = Server::alone();
    let dir = tempfile::tempdir().unwrap();
    let log = open(&server, dir.path());
    let mut asked = keyed("k", append("merchant-91110000101623741K", [7]));
    asked.events[0].correlation = Some(Uuid::from_u128(8));
    log.append(asked).unwrap();
    let cluster = server.cluster();
    let kept = cluster.log.iter().find(|event| event.id == Uuid::from_u128(7)).unwrap();
    assert_eq!(kept.stream, "merchant-91110000101623741K");
    assert_eq!(kept.metadata["type"], "trial.held");
    assert_eq!(kept.metadata["content-type"], "application/json");
    assert_eq!(kept.data, br#"{"number":7}"#);
    let beside: serde_json::Value = serde_json::from_slice(&kept.custom).unwrap();
    assert_eq!(beside["actor"], "朝阳区商务局");
    assert_eq!(beside["key"], "k");
    assert_eq!(beside["$correlationId"], Uuid::from_u128(8).to_string());
    assert_eq!(beside["recorded_at"], "2025-06-15T15:06:40Z");
}

#[test]
fn a_backup_of_the_cluster_is_a_log_of_one_machine() {
    let server = Server::alone();
    let dirs = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let log = open(&server, dirs[0].path());
    for number in 1..=20 {
        log.append(keyed(&format!("k{number}"), append("a", [number]))).unwrap();
    }
    let target = dirs[1].path().join("copy.db");
    let copied = log.backup(&target).unwrap();
    let copy = EmbeddedLog::open_file_read_only(target).unwrap();
    assert_eq!(copy.verify(&mut |_, _| {}).unwrap(), copied);
    assert_eq!(everything(&copy), everything(&log));
}

#[test]
fn what_was_written_before_appends_named_their_revision_is_read_as_it_was() {
    let server = Server::alone();
    let dirs = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let log = open(&server, dirs[0].path());
    for number in 1..=20 {
        log.append(append(&format!("s{}", number % 3), [number, number + 1000])).unwrap();
    }
    for event in &mut server.cluster().log {
        let Ok(mut beside) = serde_json::from_slice::<serde_json::Value>(&event.custom) else { continue };
        assert!(beside.as_object_mut().unwrap().remove("revision").is_some());
        event.custom = beside.to_string().into_bytes();
    }
    let anew = open(&server, dirs[1].path());
    assert_eq!(everything(&anew), everything(&log));
    assert_eq!(anew.append(append("s1", [3000])).unwrap().first, 41);
    wait_for(&log, 41);
    for node in [&log, &anew] {
        node.verify(&mut |_, _| {}).unwrap();
    }
}
