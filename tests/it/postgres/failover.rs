//! A primary and its synchronous standby: the primary is killed under load again and again and the standby takes over. What
//! was acknowledged is there once; nodes go on by themselves.

use super::server::{Server, say};
use super::standby::{both, wait_for_standby};
use super::{append, options, until};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;
use warnlight::log::contract::{EventLog, LogError};
use warnlight::log::postgres::PostgresLog;

/// Kills of the primary, as the owner asked for.
const KILLS: u64 = 20;
/// Callers at each of the two nodes.
const CALLERS: u128 = 4;
/// Ends the callers however the test ends: one that has failed must not wait for them.
struct Given<'a>(&'a AtomicBool);

impl Drop for Given<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
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
    let (stop, given_up) = (AtomicBool::new(false), AtomicBool::new(false));
    let (acknowledged, finished) = (AtomicU64::new(0), AtomicU64::new(0));
    let places: Mutex<BTreeMap<u128, u64>> = Mutex::default();
    let mut pauses = Vec::new();
    std::thread::scope(|scope| {
        for caller in 0..2 * CALLERS {
            let (log, stop, given_up) = (&nodes[caller as usize % 2], &stop, &given_up);
            let (acknowledged, finished, places) = (&acknowledged, &finished, &places);
            scope.spawn(move || {
                for number in caller * 10_000_000.. {
                    if stop.load(Ordering::SeqCst) {
                        break;
                    }
                    let stream = format!("s{caller}");
                    // What got no answer is asked again, as whoever uses the log does.
                    let answer = loop {
                        match log.append(append(&stream, number..number + 1)) {
                            Ok(answer) => break answer,
                            Err(LogError::Unavailable(_) | LogError::InDoubt(_))
                                if !given_up.load(Ordering::SeqCst) => {}
                            Err(other) => panic!("{other}"),
                        }
                    };
                    places.lock().unwrap().insert(number, answer.first);
                    acknowledged.fetch_add(1, Ordering::SeqCst);
                }
                finished.fetch_add(1, Ordering::SeqCst);
            });
        }
        let _given = Given(&given_up);
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
            servers[1] = Server::standby(servers[0].port, servers[1].port);
            wait_for_standby(&servers[0]);
        }
        more(50);
        stop.store(true, Ordering::SeqCst);
        until(|| u128::from(finished.load(Ordering::SeqCst)) == 2 * CALLERS, "somebody is not answered any more");
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
    say(&format!(
        "{KILLS} failovers of PostgreSQL: {} appends acknowledged, {lost} lost, {} doubled; pause {:?} to {:?}, half of them up to {:?}",
        places.len(),
        verified.events - found.len() as u64,
        pauses[0],
        pauses[pauses.len() - 1],
        pauses[pauses.len() / 2],
    ));
    assert_eq!((lost, verified.events), (0, places.len() as u64));
    assert!(found == places);
}
