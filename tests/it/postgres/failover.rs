//! A primary and its synchronous standby: the primary is killed under load again and again and the standby takes over. What
//! was acknowledged is there once; nodes go on by themselves. And what COMMIT waits for is waited for.

use super::server::Server;
use super::{append, options};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use warnlight::log::contract::{EventLog, LogError};
use warnlight::log::postgres::{Options, PostgresLog};

/// Kills of the primary, as the owner asked for.
const KILLS: u64 = 20;
/// Callers at each of the two nodes.
const CALLERS: u128 = 4;
/// Everything that is waited for comes sooner.
const LONGEST: Duration = Duration::from_secs(90);

fn until(mut holds: impl FnMut() -> bool, what: &str) {
    let end = Instant::now() + LONGEST;
    while !holds() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Returns a connection string that names both servers.
fn both(one: &Server, other: &Server) -> String {
    format!("postgres://postgres@127.0.0.1:{},127.0.0.1:{}/warnlight", one.port, other.port)
}

/// Asks for what a standby has before anything counts as committed.
fn wait_for_standby(primary: &Server) {
    primary.sql("postgres", "ALTER SYSTEM SET synchronous_standby_names = '*'");
    primary.sql("postgres", "SELECT pg_reload_conf()");
    let asked = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync' AND state = 'streaming'";
    until(|| primary.try_sql("postgres", asked).as_deref() == Ok("1"), "the standby does not follow");
}

#[test]
fn a_primary_killed_twenty_times_under_load_loses_and_doubles_nothing_and_nodes_go_on() {
    let primary = Server::alone();
    let standby = Server::standby_of(&primary);
    wait_for_standby(&primary);
    let url = both(&primary, &standby);
    // The first one takes writes, the other follows.
    let mut servers = [primary, standby];
    let dirs = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let options = options();
    let nodes = [0, 1].map(|node| PostgresLog::open(&url, dirs[node].path(), &options).unwrap());
    let (stop, acknowledged) = (AtomicBool::new(false), AtomicU64::new(0));
    let places: Mutex<BTreeMap<u128, u64>> = Mutex::default();
    let mut pauses = Vec::new();
    std::thread::scope(|scope| {
        for caller in 0..2 * CALLERS {
            let (log, stop, acknowledged, places) = (&nodes[caller as usize % 2], &stop, &acknowledged, &places);
            scope.spawn(move || {
                for number in caller * 10_000_000.. {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    let stream = format!("s{caller}");
                    // What got no answer is asked again, as whoever uses the log does.
                    let answer = loop {
                        match log.append(append(&stream, number..number + 1)) {
                            Ok(answer) => break answer,
                            Err(LogError::Unavailable(_)) => {}
                            Err(other) => panic!("{other}"),
                        }
                    };
                    places.lock().unwrap().insert(number, answer.first);
                    acknowledged.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        let more = |wanted: u64| {
            let before = acknowledged.load(Ordering::SeqCst);
            until(|| acknowledged.load(Ordering::SeqCst) >= before + wanted, "nobody is answered any more");
        };
        for kill in 0..KILLS {
            // Each kill comes after another number of answers, so that it falls on every step of the way.
            more(20 + (kill * 7) % 17);
            let killed = Instant::now();
            servers[0].kill();
            servers[1].sql("postgres", "SELECT pg_promote(true, 60)");
            more(1);
            pauses.push(killed.elapsed());
            // The dead one's place is taken by a new standby, under its address.
            servers.swap(0, 1);
            servers[1] = Server::standby_at(&servers[0], servers[1].port);
            wait_for_standby(&servers[0]);
        }
        more(50);
        stop.store(true, Ordering::Relaxed);
    });
    let places = places.into_inner().unwrap();
    until(|| nodes.iter().all(|log| log.head() == places.len() as u64), "both nodes do not see every event");
    let found: BTreeMap<u128, u64> = nodes[0]
        .read_all(0, usize::MAX)
        .unwrap()
        .iter()
        .map(|recorded| (recorded.event.id.as_u128(), recorded.position))
        .collect();
    let lost = places.iter().filter(|(number, place)| found.get(number) != Some(place)).count();
    let verified = nodes[1].verify(&mut |_, _| {}).unwrap();
    pauses.sort_unstable();
    eprintln!(
        "{KILLS} failovers: {} appends acknowledged, {lost} lost, {} doubled; pause {:?} to {:?}, half of them up to {:?}",
        places.len(),
        verified.events - found.len() as u64,
        pauses[0],
        pauses[pauses.len() - 1],
        pauses[pauses.len() / 2],
    );
    assert_eq!((lost, verified.events), (0, places.len() as u64));
    assert!(found == places);
}

#[test]
fn what_only_the_primary_has_is_not_acknowledged_and_readiness_says_why() {
    let primary = Server::alone();
    let mut standby = Server::standby_of(&primary);
    wait_for_standby(&primary);
    let dir = tempfile::tempdir().unwrap();
    let url = both(&primary, &standby);
    let log = PostgresLog::open(&url, dir.path(), &Options { deadline: LONGEST, ..options() }).unwrap();
    log.append(append("a", 1..2)).unwrap();
    log.takes_appends().unwrap();
    standby.stop();
    let pending = log.submit(append("a", 2..3));
    until(
        || matches!(log.takes_appends(), Err(LogError::Unavailable(why)) if why.contains("standby")),
        "nothing is said",
    );
    // Somebody ends the wait: PostgreSQL then says that it committed, and warns.
    let waits = "FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
    until(|| primary.sql("postgres", &format!("SELECT count(*) {waits}")) == "1", "nobody waits for the standby");
    primary.sql("postgres", &format!("SELECT pg_cancel_backend(pid) {waits}"));
    let commits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND state = 'active'";
    until(|| primary.sql("postgres", commits) == "1", "the node does not wait again");
    let (answer, answered) = std::sync::mpsc::channel();
    std::thread::spawn(move || answer.send(pending.wait()));
    assert!(answered.recv_timeout(Duration::from_millis(300)).is_err(), "answered although no standby has it");
    standby.start();
    let answer = answered.recv_timeout(LONGEST).unwrap().unwrap();
    assert_eq!((answer.first, answer.repeated), (2, false));
    until(|| log.takes_appends().is_ok(), "it does not say that all is well");
    assert_eq!(log.verify(&mut |_, _| {}).unwrap().events, 2);
}

#[test]
fn a_full_disk_refuses_appends_and_they_go_on_when_there_is_room() {
    let server = Server::alone();
    let room = tempfile::Builder::new().prefix("warnlight-pg-full-").tempdir_in("/tmp").unwrap();
    let mounted = super::server::Mounted::small(room.path());
    let Some(_mounted) = mounted else {
        eprintln!("a small file system cannot be mounted here: no full disk was tried");
        return;
    };
    let place = room.path().join("tables");
    std::fs::create_dir(&place).unwrap();
    super::server::give(&place);
    let ballast = room.path().join("ballast");
    std::fs::write(&ballast, vec![0; 8 << 20]).unwrap();
    server.sql("postgres", &format!("CREATE TABLESPACE small LOCATION '{}'", place.display()));
    server.sql("postgres", "ALTER DATABASE warnlight SET default_tablespace = 'small'");
    let dir = tempfile::tempdir().unwrap();
    let log = super::open(&server, dir.path(), &options());
    let mut taken = 0;
    let refused = loop {
        let mut asked = append("a", taken * 100 + 1..taken * 100 + 101);
        for event in &mut asked.events {
            event.data = "\"预付卡\"".repeat(100).into();
        }
        match log.append(asked) {
            Ok(_) => taken += 1,
            Err(refused) => break refused,
        }
        assert!(taken < 1000, "the disk does not become full");
    };
    assert!(matches!(refused, LogError::Full), "{refused}");
    assert!(matches!(log.takes_appends(), Err(LogError::Full)));
    assert_eq!(log.verify(&mut |_, _| {}).unwrap().events as u128, taken * 100);
    std::fs::remove_file(&ballast).unwrap();
    log.append(append("b", 1_000_000..1_000_001)).unwrap();
    log.takes_appends().unwrap();
    assert_eq!(log.verify(&mut |_, _| {}).unwrap().events as u128, taken * 100 + 1);
    drop(log);
    drop(server);
}
