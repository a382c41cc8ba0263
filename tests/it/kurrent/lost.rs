//! A cluster that lost something: its end, or a stream's beginning.

use super::faults::{Misplaced, ReadFault};
use super::server::Server;
use super::{append, everything, impatient, on_server, open, options, wait_for};
use serde_json::Value;
use std::path::Path;
use std::time::{Duration, Instant};
use uuid::Uuid;
use warnlight::log::cluster::{ClusterLog, Options};
use warnlight::log::contract::{EventLog, LogError};

/// A node that looks only when it appends.
fn open_blind(server: &Server, dir: &Path) -> ClusterLog {
    let options = Options { look: Duration::from_secs(3600), ..options() };
    ClusterLog::open(&server.url(), dir, &options).unwrap()
}

fn write(log: &dyn EventLog, numbers: impl IntoIterator<Item = u128>) {
    for number in numbers {
        log.append(append(&format!("s{}", number % 3), [number])).unwrap();
    }
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn until(mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(120), "it never came");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Does something during which no look at the cluster may reach its end.
fn unseen_while(log: &dyn EventLog, work: impl FnOnce()) {
    let (before, began) = (log.behind(), Instant::now());
    work();
    let passed = began.elapsed();
    assert!(log.behind() >= before + passed, "it looked meanwhile");
}

/// Waits until a look that began later has reached the end.
fn seen_again(log: &dyn EventLog) {
    let before = Instant::now();
    until(|| log.behind() < before.elapsed());
}

#[test]
fn for_how_long_the_cluster_was_not_seen_is_told() {
    let mut server = Server::alone();
    let dir = tempfile::tempdir().unwrap();
    let log = ClusterLog::open(&server.url(), dir.path(), &impatient()).unwrap();
    seen_again(&log);
    let asked = |server: &Server, times: usize| {
        let before = server.cluster().looks;
        until(|| server.cluster().looks >= before + times);
    };
    // No answer, then half an answer, then none that is of use, and always again.
    server.cluster().read_faults.extend([ReadFault::Silent, ReadFault::Silent, ReadFault::CutAfter(0)]);
    server.cluster().read_faults.extend([ReadFault::Unavailable; 10_000]);
    asked(&server, 1);
    unseen_while(&log, || asked(&server, 4));
    server.cluster().read_faults.clear();
    seen_again(&log);
    server.restart(|| unseen_while(&log, || assert_eq!(everything(&log).len(), 0)));
    seen_again(&log);
    assert_eq!(log.append(append("a", [1])).unwrap().first, 1);
}

#[test]
fn a_cluster_that_lost_its_end_is_not_read_on_and_nothing_more_is_written_there() {
    // Over a line that holds, the append is taken, at a position that was read before; over one that was cut it is sent again only
    // after the cluster was read.
    for (restarts, taken) in [(false, 1), (true, 0)] {
        lost_end(restarts, taken);
    }
}

fn lost_end(restarts: bool, taken: u64) {
    let mut server = Server::alone();
    let dirs = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let log = open_blind(&server, dirs[0].path());
    write(&log, 1..=10);
    let read = everything(&log);
    let cluster = server.cluster().back_up();
    server.cluster().lose_after(id(6));
    if restarts {
        server.restart(|| {});
    }
    let refused = log.append(append("t", [11]));
    let refused = match refused {
        Err(LogError::InDoubt(cause)) => *cause,
        // That was found out before it was sent.
        other => other.unwrap_err(),
    };
    let LogError::Corrupt { position: 10, what } = refused else { panic!("{refused:?}") };
    assert!(what.contains("lost its end") && what.contains("another data directory"), "{what}");
    let appends = server.cluster().appends;
    unseen_while(&log, || {
        for number in 12..15 {
            let refused = log.append(append("t", [number]));
            assert!(matches!(refused, Err(LogError::Corrupt { position: 10, .. })), "{refused:?}");
        }
    });
    assert_eq!(server.cluster().appends, appends, "nothing was sent any more");
    assert_eq!(everything(&log), read, "what was read can still be read");
    drop(log);
    let refused = ClusterLog::open(&server.url(), dirs[0].path(), &options());
    assert!(matches!(refused, Err(LogError::Corrupt { position: 10, .. })), "{refused:?}");
    // Another node, which never saw more, is well; so is this one when the cluster has everything again.
    let other = open(&server, dirs[1].path());
    write(&other, [20, 21]);
    assert_eq!(other.head(), 8 + taken);
    server.cluster().restore(cluster);
    let again = open(&server, dirs[0].path());
    assert_eq!(everything(&again), read);
    write(&again, [30]);
}

#[test]
fn a_node_that_only_reads_notices_too() {
    let server = Server::alone();
    let dir = tempfile::tempdir().unwrap();
    let log = open(&server, dir.path());
    write(&log, 1..=10);
    server.cluster().lose_after(id(6));
    // When it misses the event at its place it asks whether the whole log still has it.
    let asked = server.cluster().questions;
    until(|| server.cluster().questions > asked);
    // The thread that asks is the one that appends: it hears the answer first.
    let refused = log.append(append("t", [11]));
    assert!(matches!(refused, Err(LogError::Corrupt { position: 10, .. })), "{refused:?}");
    assert!(
        server.cluster().log.iter().all(|event| event.id != id(11)),
        "it was proposed to a cluster that lost something"
    );
}

#[test]
fn a_restored_cluster_is_noticed_however_far_it_has_grown_again() {
    // What is written after the restore begins where something began before, or anywhere; servers say the latter differently.
    for (noise, misplaced) in [
        (r#"{"number":7}"#, Misplaced::InvalidPosition),
        (r#"{"number":7,"longer":"than before"}"#, Misplaced::InvalidArgument),
        (r#"{"number":7,"longer":"than before"}"#, Misplaced::InvalidPosition),
        (r#"{"number":7,"longer":"than before"}"#, Misplaced::Error),
    ] {
        for grown in [0, 3, 40] {
            let mut server = Server::alone();
            server.cluster().misplaced = misplaced;
            let dirs = [(); 2].map(|()| tempfile::tempdir().unwrap());
            let log = open_blind(&server, dirs[0].path());
            write(&log, 1..=5);
            let backup = server.cluster().back_up();
            write(&log, 6..=10);
            server.cluster().restore(backup);
            server.restart(|| {});
            let other = open(&server, dirs[1].path());
            for number in 0..grown {
                let mut asked = append(&format!("u{}", number % 2), [100 + number]);
                asked.events[0].data = noise.into();
                other.append(asked).unwrap();
            }
            let refused = match log.append(append("t", [11])) {
                Err(LogError::InDoubt(cause)) => *cause,
                // That was found out before it was sent.
                other => other.unwrap_err(),
            };
            assert!(
                matches!(refused, LogError::Corrupt { position: 10, .. }),
                "{grown} {noise} {misplaced:?}: {refused:?}"
            );
            assert_eq!(log.head(), 10, "{grown}: nothing was read on");
            assert_eq!(other.append(append("u0", [1000])).unwrap().revision, (grown as u64).div_ceil(2));
        }
    }
}

#[test]
fn what_the_cluster_lost_of_others_is_no_loss_and_nothing_new_is_passed_over() {
    for hidden in [false, true] {
        let mut server = Server::alone();
        let dirs = [(); 2].map(|()| tempfile::tempdir().unwrap());
        write(&open_blind(&server, dirs[0].path()), 1..=5);
        for _ in 0..20 {
            server.cluster().add_noise();
        }
        // The place is now an event of somebody else's, far behind our last one.
        drop(open_blind(&server, dirs[0].path()));
        if hidden {
            // As it is when the node moved past the events that its filter leaves out.
            let file = dirs[0].path().join("replica/place.json");
            let mut place: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
            server.cluster().add_statistics();
            let end = server.cluster().log.last().unwrap().clone();
            (place["commit"], place["prepare"]) = (end.position.into(), end.position.into());
            (place["id"], place["hidden"]) = (end.id.to_string().into(), true.into());
            std::fs::write(&file, place.to_string()).unwrap();
        }
        let log = open_blind(&server, dirs[0].path());
        server.cluster().lose_after(id(5));
        server.restart(|| {});
        let other = open(&server, dirs[1].path());
        write(&other, 6..=8);
        assert_eq!(log.append(append("s0", [9])).unwrap().first, 9, "hidden {hidden}");
        wait_for(&other, 9);
        assert_eq!(everything(&log), everything(&other), "hidden {hidden}");
        log.verify(&mut |_, _| {}).unwrap();
    }
}

#[test]
fn a_truncated_stream_is_named_and_no_node_counts_less_than_another() {
    let server = Server::alone();
    let dirs = [(); 4].map(|()| tempfile::tempdir().unwrap());
    let log = open(&server, dirs[0].path());
    write(&log, 0..=20);
    log.verify(&mut |_, _| {}).unwrap();
    server.cluster().truncate_stream("s1", 3);

    // The whole log still shows everything: nodes read on, a new one reads it all, and `verify` warns before it is too late.
    write(&log, 21..=23);
    let anew = open(&server, dirs[1].path());
    assert_eq!(everything(&anew), everything(&log));
    let found = log.verify(&mut |_, _| {});
    let Err(LogError::Corrupt { position: 2, what }) = found else { panic!("{found:?}") };
    assert!(what.contains("`s1`") && what.contains("`$tb` 3"), "{what}");
    server.cluster().untruncate_stream("s1");
    log.verify(&mut |_, _| {}).unwrap();
    drop(anew);

    // Scavenged: who has read it has it, who has not refuses.
    server.cluster().truncate_stream("s1", 3);
    server.cluster().scavenge();
    write(&log, 24..=26);
    let found = log.verify(&mut |_, _| {});
    let Err(LogError::Corrupt { position: 2, what }) = found else { panic!("{found:?}") };
    assert!(what.contains("`s1`") && what.contains("revision 3") && what.contains("scavenged"), "{what}");
    let refused = ClusterLog::open(&server.url(), dirs[2].path(), &options());
    let Err(LogError::Corrupt { what, .. }) = refused else { panic!("{refused:?}") };
    assert!(what.contains("events 0 to 2 of stream `s1`") && what.contains("`replica`"), "{what}");

    // The way out that the message names: another node's replica.
    let whole = everything(&log);
    drop(log);
    let copy = dirs[3].path().join("replica");
    std::fs::create_dir(&copy).unwrap();
    for file in std::fs::read_dir(dirs[0].path().join("replica")).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), copy.join(file.file_name())).unwrap();
    }
    let copied = open(&server, dirs[3].path());
    assert_eq!(everything(&copied), whole);
    write(&copied, 27..=29);
    assert_eq!(copied.head(), 30);
}

#[test]
fn a_node_whose_first_or_last_event_is_in_a_truncated_stream_opens_as_long_as_it_has_everything() {
    let server = Server::alone();
    let dir = tempfile::tempdir().unwrap();
    write(&open(&server, dir.path()), 0..=11);
    // The first event is in `s0`, the last in `s2`.
    server.cluster().truncate_stream("s0", 2);
    server.cluster().truncate_stream("s2", 4);
    let log = open(&server, dir.path());
    write(&log, [12, 13]);
    assert_eq!(log.head(), 14);
    assert_eq!(on_server(&server), 14);
}
