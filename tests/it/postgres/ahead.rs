//! Groups that are sent without asking first: one round trip while nobody else writes, and nothing wrong when somebody does, or
//! when what they take for new is there already.

use super::proxy::Proxy;
use super::server::Server;
use super::{append, open, options, until};
use std::time::{Duration, Instant};
use warnlight::log::contract::{Append, EventLog, Expected, LogError, Pending};
use warnlight::log::postgres::PostgresLog;

/// An append of one event to the stream `a` at this revision.
fn at(revision: u64, number: u128) -> Append {
    let expected = revision.checked_sub(1).map_or(Expected::NoStream, Expected::Revision);
    Append { expected, ..append("a", number..number + 1) }
}

/// Appends until groups are sent ahead; returns the number of events.
fn warmed(log: &PostgresLog) -> u64 {
    for number in 0..3 {
        log.append(at(number, 1 + u128::from(number))).unwrap();
    }
    assert!(log.spent().ahead > 0, "nothing is sent ahead");
    3
}

#[test]
fn an_append_takes_one_round_trip_while_nobody_else_writes() {
    const DELAY: Duration = Duration::from_millis(25);
    let server = Server::alone();
    let proxy = Proxy::to(server.port);
    let dir = tempfile::tempdir().unwrap();
    let url = format!("postgres://postgres@127.0.0.1:{}/warnlight", proxy.port);
    let log = PostgresLog::open(&url, dir.path(), &options()).unwrap();
    let first = warmed(&log);
    proxy.delay(DELAY);
    let fastest = (first..first + 8).map(|number| {
        let began = Instant::now();
        log.append(at(number, 1 + u128::from(number))).unwrap();
        began.elapsed()
    });
    let fastest = fastest.min().unwrap();
    assert!(fastest >= 2 * DELAY && fastest < 4 * DELAY, "{fastest:?}");
    assert_eq!(log.verify(&mut |_, _| {}).unwrap().events, first + 8);
}

#[test]
fn what_is_sent_ahead_of_an_answer_is_judged_as_if_it_had_waited_for_it() {
    let server = Server::alone();
    let dir = tempfile::tempdir().unwrap();
    let log = open(&server, dir.path(), &options());
    let mut next = warmed(&log);
    let before = log.spent();
    for round in 0..20 {
        // In the order in which they are sent, each rests on the one before; in every other round, every third on what is not so.
        let is_wrong = |n: u64| round % 2 == 1 && n % 3 == 2;
        let mut asked = Vec::new();
        let mut right = next;
        for n in 0..120_u64 {
            if is_wrong(n) {
                asked.push(at(right + 1_000, 1_000_000 + u128::from(right)));
            } else {
                asked.push(at(right, 1 + u128::from(right)));
                right += 1;
            }
        }
        let pending: Vec<Pending> = asked.into_iter().map(|append| log.submit(append)).collect();
        for (n, pending) in (0..).zip(pending) {
            match pending.wait() {
                Ok(answer) if !is_wrong(n) => assert!(!answer.repeated, "{answer:?}"),
                Err(LogError::Conflict { .. }) if is_wrong(n) => {}
                other => panic!("{n}: {other:?}"),
            }
        }
        next = right;
    }
    let spent = log.spent();
    assert!(spent.ahead > before.ahead && spent.behind > 0, "{spent:?}");
    assert_eq!(log.read_stream("a", 0, usize::MAX).unwrap().len() as u64, next);
    assert_eq!(log.verify(&mut |_, _| {}).unwrap().events, next);
}

#[test]
fn an_id_or_key_of_long_ago_is_answered_as_before_and_its_neighbours_are_written() {
    let server = Server::alone();
    let dir = tempfile::tempdir().unwrap();
    let log = open(&server, dir.path(), &options());
    let keyed = |number: u128| Append { idempotency_key: Some("k".into()), ..append("k", number..number + 1) };
    let first = log.append(keyed(5_000)).unwrap();
    let mut events = 1 + warmed(&log);
    for old in [append("k", 5_000..5_001), keyed(5_000), keyed(6_000)] {
        let other_content = old.events[0].id.as_u128() == 6_000;
        let before = log.spent().ahead;
        log.append(at(events - 1, 1 + u128::from(events))).unwrap();
        log.append(at(events, 2 + u128::from(events))).unwrap();
        log.append(at(events + 1, 3 + u128::from(events))).unwrap();
        assert!(log.spent().ahead > before, "nothing is sent ahead");
        let pending = [
            log.submit(at(events + 2, 4 + u128::from(events))),
            log.submit(old),
            log.submit(at(events + 3, 5 + u128::from(events))),
        ];
        let [one, old, two] = pending.map(Pending::wait);
        assert_eq!(one.unwrap().revision + 1, two.unwrap().revision);
        match old {
            Ok(answer) if !other_content => assert!(answer.repeated && answer.first == first.first, "{answer:?}"),
            Err(LogError::KeyReused { .. }) if other_content => {}
            other => panic!("{other:?}"),
        }
        events += 5;
    }
    assert_eq!(log.verify(&mut |_, _| {}).unwrap().events, events);
}

#[test]
fn what_another_node_wrote_meanwhile_is_seen_before_anything_is_judged() {
    let server = Server::alone();
    let dirs = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let options = options();
    let [one, other] = [0, 1].map(|node| open(&server, dirs[node].path(), &options));
    let mut events = warmed(&one);
    for turn in 0..20_u64 {
        // The other one's comes while this one takes itself for alone.
        other.append(at(events, 1_000_000 + u128::from(events))).unwrap();
        let behind = one.append(at(events, 2_000_000 + u128::from(events)));
        assert!(
            matches!(behind, Err(LogError::Conflict { actual: Some(last), .. }) if last == events),
            "{turn}: {behind:?}"
        );
        events += 1;
        for _ in 0..4 {
            one.append(at(events, 3_000_000 + u128::from(events))).unwrap();
            events += 1;
        }
    }
    assert!(one.spent().ahead > 20, "{:?}", one.spent());
    until(|| other.head() == events, "the other one does not see it");
    assert_eq!(other.verify(&mut |_, _| {}).unwrap().events, events);
}

#[test]
fn what_was_sent_ahead_and_comes_late_over_a_line_that_is_gone_is_there_once() {
    let server = Server::alone();
    let proxy = Proxy::to(server.port);
    let dir = tempfile::tempdir().unwrap();
    let options = options();
    let url = format!("postgres://postgres@127.0.0.1:{}/warnlight", proxy.port);
    let log = PostgresLog::open(&url, dir.path(), &options).unwrap();
    let mut events = warmed(&log);
    let schema = options.schema.replace('"', "\"\"");
    for turn in 0..4 {
        log.append(at(events, 1 + u128::from(events))).unwrap();
        log.append(at(events + 1, 2 + u128::from(events))).unwrap();
        log.append(at(events + 2, 3 + u128::from(events))).unwrap();
        events += 3;
        std::thread::scope(|scope| {
            // Somebody holds the end, so that what is sent waits on the server; then its line breaks.
            let hold = format!("BEGIN; SELECT 1 FROM \"{schema}\".head FOR UPDATE; SELECT pg_sleep(2); COMMIT");
            let holding = scope.spawn({
                let server = &server;
                move || server.sql("warnlight", &hold)
            });
            let held = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
            until(|| server.sql("postgres", held) == "1", "nobody holds the end");
            let pending = log.submit(at(events, 1 + u128::from(events)));
            let behind = log.submit(at(events + 1, 2 + u128::from(events)));
            let waits = "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
            until(|| server.sql("postgres", waits) == "t", "nothing waits for the end");
            proxy.break_all();
            let (answer, next) = (pending.wait().unwrap(), behind.wait().unwrap());
            assert!(!answer.repeated && !next.repeated, "{turn}: {answer:?} {next:?}");
            assert_eq!((answer.first, next.first), (events + 1, events + 2));
            holding.join().unwrap();
        });
        events += 2;
    }
    assert_eq!(log.verify(&mut |_, _| {}).unwrap().events, events);
}
