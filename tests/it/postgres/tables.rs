//! The tables: made once, not read when newer, and what becomes of them is seen.

use super::server::Server;
use super::{append, open, options};
use std::sync::Arc;
use std::time::{Duration, Instant};
use warnlight::log::contract::{Append, EventLog, LogError};
use warnlight::log::embedded::{self, EmbeddedLog};
use warnlight::log::migrate::{Steps, into_file, out_of_file};
use warnlight::log::postgres::{Options, PostgresLog};

#[test]
fn nodes_that_start_at_once_make_the_tables_once() {
    let server = Server::alone();
    let dir = tempfile::tempdir().unwrap();
    for _ in 0..3 {
        let options = options();
        let logs: Vec<PostgresLog> = std::thread::scope(|scope| {
            let nodes: Vec<_> = (0..6).map(|_| scope.spawn(|| open(&server, dir.path(), &options))).collect();
            nodes.into_iter().map(|node| node.join().unwrap()).collect()
        });
        logs[0].append(append("a", 1..2)).unwrap();
        assert!(logs.iter().all(|log| log.wait_beyond(0, Duration::from_secs(30)).unwrap() == 1));
    }
}

#[test]
fn tables_of_newer_software_are_refused_and_missing_ones_are_not_made_by_a_reader() {
    let server = Server::alone();
    let dir = tempfile::tempdir().unwrap();
    let options = Options { deadline: Duration::from_secs(5), ..Options::default() };
    let missing = PostgresLog::open_read_only(&server.url(), &options).unwrap_err().to_string();
    assert!(missing.contains("there is no log"), "{missing}");
    drop(open(&server, dir.path(), &options));
    server.sql("warnlight", "UPDATE warnlight.head SET format = 99");
    for refused in [
        PostgresLog::open(&server.url(), dir.path(), &options).unwrap_err(),
        PostgresLog::open_read_only(&server.url(), &options).unwrap_err(),
    ] {
        assert!(matches!(refused, LogError::Newer { found: 99, .. }), "{refused}");
    }
}

#[test]
fn a_server_that_forgets_what_it_acknowledged_is_refused() {
    for setting in ["fsync", "full_page_writes"] {
        let server = Server::with(&format!("{setting} = off"));
        let dir = tempfile::tempdir().unwrap();
        let refused = PostgresLog::open(&server.url(), dir.path(), &options()).unwrap_err().to_string();
        assert!(refused.contains(&format!("`{setting} = off`")), "{refused}");
    }
    // One that acknowledges early is told not to.
    let server = Server::with("synchronous_commit = off");
    let dir = tempfile::tempdir().unwrap();
    open(&server, dir.path(), &options()).append(append("a", 1..2)).unwrap();
}

#[test]
fn whatever_is_changed_in_the_tables_is_named_by_verification_and_not_read() {
    let server = Server::alone();
    let dir = tempfile::tempdir().unwrap();
    for (change, position) in [
        ("UPDATE event SET data = 'x' WHERE position = 5", 5),
        ("UPDATE event SET actor = 'x' WHERE position = 1", 1),
        ("UPDATE event SET revision = 77 WHERE position = 9", 9),
        ("UPDATE event SET key = 'k2' WHERE position = 10", 10),
        ("DELETE FROM event WHERE position = 4", 4),
        ("DELETE FROM event WHERE position = 10", 10),
        ("DELETE FROM idempotency", 10),
        ("UPDATE idempotency SET first = 2, last = 3 WHERE key = 'late'", 2),
        ("UPDATE head SET position = 9", 10),
        ("UPDATE head SET digest = decode(repeat('00', 32), 'hex')", 10),
    ] {
        let options = options();
        let log = open(&server, dir.path(), &options);
        log.append(append("a", 1..10)).unwrap();
        log.append(Append { idempotency_key: Some("k".into()), ..append("b", 10..11) }).unwrap();
        log.append(Append { idempotency_key: Some("late".into()), ..append("a", 1..10) }).unwrap();
        log.verify(&mut |_, _| {}).unwrap();
        let schema = options.schema.replace('"', "\"\"");
        server.sql("warnlight", &format!("SET search_path = \"{schema}\"; {change}"));
        match log.verify(&mut |_, _| {}) {
            Err(LogError::Corrupt { position: named, .. }) => assert_eq!(named, position, "{change}"),
            other => panic!("{change}: {other:?}"),
        }
        if change.contains(" event ") {
            let read = log.read_all(0, usize::MAX);
            assert!(matches!(read, Err(LogError::Corrupt { .. })), "{change}: {read:?}");
        }
    }
}

#[test]
fn a_log_moves_to_postgresql_and_back_with_the_same_digest_and_a_move_broken_off_goes_on() {
    let server = Server::alone();
    let dirs = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let from = EmbeddedLog::open(dirs[0].path(), &embedded::Options::default()).unwrap();
    let mut number = 1;
    for turn in 0..700_u128 {
        let size = 1 + turn % 4;
        let key = (turn % 3 == 0).then(|| format!("k{turn}").into());
        from.append(Append { idempotency_key: key, ..append(&format!("m-{}", turn % 20), number..number + size) })
            .unwrap();
        number += size;
    }
    from.append(append("batch", number..number + 4500)).unwrap();
    from.append(Append { idempotency_key: Some("later".into()), ..append("m-0", 1..2) }).unwrap();
    let options = options();
    let there = open(&server, dirs[1].path(), &options);
    // The beginning was moved before.
    for recorded in from.read_all(0, 1).unwrap() {
        let key = recorded.idempotency_key.clone();
        there.append(Append { idempotency_key: key, ..append("m-0", 1..2) }).unwrap();
    }
    let moved = out_of_file(&from, &there, Steps::Together, &mut |_, _| {}).unwrap();
    assert_eq!(moved, from.verify(&mut |_, _| {}).unwrap());
    assert_eq!(there.read_all(0, usize::MAX).unwrap(), from.read_all(0, usize::MAX).unwrap());
    assert_eq!(there.find_key("later").unwrap(), from.find_key("later").unwrap());
    let back = into_file(&there, dirs[2].path(), &mut |_, _| {}).unwrap();
    assert_eq!(back, moved);
    let log = EmbeddedLog::open(dirs[2].path(), &embedded::Options::default()).unwrap();
    assert_eq!(log.find_key("later").unwrap(), from.find_key("later").unwrap());
    there.append(append("other", 90_000..90_001)).unwrap();
    let refused = out_of_file(&from, &there, Steps::Together, &mut |_, _| {});
    assert!(matches!(refused, Err(LogError::Invalid(_))), "{refused:?}");
}

#[test]
fn a_log_that_lost_its_end_is_not_written_on_by_a_node_that_has_read_more() {
    let server = Server::alone();
    let dir = tempfile::tempdir().unwrap();
    let options = Options {
        lost: Duration::from_secs(1),
        patience: Duration::from_secs(1),
        deadline: Duration::from_secs(2),
        ..options()
    };
    let log = Arc::new(open(&server, dir.path(), &options));
    log.append(append("a", 1..4)).unwrap();
    let digest = log.event_at(2).unwrap().unwrap().digest;
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let schema = options.schema.replace('"', "\"\"");
    server.sql(
        "warnlight",
        &format!(
            "SET search_path = \"{schema}\"; DELETE FROM event WHERE position = 3; \
             UPDATE head SET position = 2, digest = decode('{hex}', 'hex')"
        ),
    );
    assert!(log.append(append("a", 5..6)).is_err());
    let until = Instant::now() + Duration::from_secs(30);
    while !matches!(log.takes_appends(), Err(LogError::Corrupt { position: 3, .. })) {
        assert!(Instant::now() < until, "{:?}", log.takes_appends());
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(matches!(log.append(append("a", 6..7)), Err(LogError::Corrupt { position: 3, .. })));
    // Whoever never read more goes on.
    let other = open(&server, dir.path(), &options);
    assert_eq!(other.append(append("b", 7..8)).unwrap().first, 3);
    // And the first one still knows that this is another history.
    assert!(matches!(log.append(append("a", 8..9)), Err(LogError::Corrupt { .. })));
}
