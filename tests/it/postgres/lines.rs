//! Lines that break, and servers that go and come back: nothing is lost, nothing is there twice, nodes go on by themselves.

use super::proxy::Proxy;
use super::server::Server;
use super::{LONGEST, append, open, options, until};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use warnlight::log::contract::{EventLog, LogError};
use warnlight::log::postgres::{Options, PostgresLog};

#[test]
fn an_append_whose_line_breaks_at_any_piece_of_any_answer_is_written_once_and_answered_as_new() {
    let server = Server::alone();
    let proxy = Proxy::to(server.port);
    let dir = tempfile::tempdir().unwrap();
    let url = format!("postgres://postgres@127.0.0.1:{}/warnlight", proxy.port);
    let log = PostgresLog::open(&url, dir.path(), &options()).unwrap();
    // Most take one answer, so most cuts come some appends later.
    for number in 0..150_u64 {
        proxy.cut_after(i64::try_from(number % 12).unwrap());
        let first = u128::from(number) * 2 + 1;
        let answer = log.append(append("a", first..first + 2)).unwrap();
        assert!(!answer.repeated, "{number}: {answer:?}");
        assert_eq!(answer.first, number * 2 + 1, "{number}: {answer:?}");
    }
    assert!(proxy.cuts() > 20, "only {} lines were cut", proxy.cuts());
    proxy.cut_after(-1);
    assert_eq!(log.verify(&mut |_, _| {}).unwrap().events, 300);
}

#[test]
fn appends_under_load_over_lines_that_break_are_all_there_once_and_in_order() {
    let server = Server::alone();
    let proxy = Proxy::to(server.port);
    let dirs = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let options = options();
    let url = format!("postgres://postgres@127.0.0.1:{}/warnlight", proxy.port);
    let broken = PostgresLog::open(&url, dirs[0].path(), &options).unwrap();
    let whole = open(&server, dirs[1].path(), &options);
    let stop = AtomicBool::new(false);
    let written: Vec<u128> = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..8_u128)
            .map(|thread| {
                let (log, stop) = (if thread % 2 == 0 { &broken } else { &whole }, &stop);
                scope.spawn(move || {
                    let mut written = Vec::new();
                    for number in (thread * 1_000_000..).step_by(2) {
                        if stop.load(Ordering::Relaxed) {
                            break;
                        }
                        let stream = format!("s{}", number % 5);
                        let answer = log.append(append(&stream, number..number + 2)).unwrap();
                        assert!(!answer.repeated, "{answer:?}");
                        written.extend([number, number + 1]);
                    }
                    written
                })
            })
            .collect();
        for cut in 0..40 {
            let before = proxy.cuts();
            proxy.cut_after(cut % 9);
            until(|| proxy.cuts() > before, "no line was cut");
        }
        stop.store(true, Ordering::Relaxed);
        writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect()
    });
    until(
        || whole.head() == written.len() as u64 && broken.head() == whole.head(),
        "both nodes do not see every event",
    );
    let all = whole.read_all(0, usize::MAX).unwrap();
    let found: BTreeSet<u128> = all.iter().map(|recorded| recorded.event.id.as_u128()).collect();
    let wanted: BTreeSet<u128> = written.iter().copied().collect();
    assert!(found == wanted, "{:?}", found.symmetric_difference(&wanted).take(10).collect::<Vec<_>>());
    assert_eq!(whole.verify(&mut |_, _| {}).unwrap().events, written.len() as u64);
    assert!(broken.read_all(0, usize::MAX).unwrap() == all);
}

#[test]
fn a_line_that_falls_silent_holds_up_nobody_else_and_comes_back() {
    let server = Server::alone();
    let proxy = Proxy::to(server.port);
    let dirs = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let impatient = Options { patience: Duration::from_secs(1), deadline: Duration::from_secs(3), ..options() };
    let url = format!("postgres://postgres@127.0.0.1:{}/warnlight", proxy.port);
    let near = open(&server, dirs[0].path(), &Options { ..impatient.clone() });
    let far = PostgresLog::open(&url, dirs[1].path(), &impatient).unwrap();
    far.append(append("a", 1..2)).unwrap();
    proxy.fall_silent(true);
    let pending = far.submit(append("a", 2..3));
    let began = Instant::now();
    // The silent node may hold the log's end until the server gives its session up.
    until(|| near.append(append("b", 10..11)).is_ok(), "the other node cannot append");
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert!(matches!(pending.wait(), Err(LogError::Unavailable(_))));
    assert!(far.behind() > Duration::from_millis(500));
    assert!(matches!(far.takes_appends(), Err(LogError::Unavailable(_))));
    proxy.fall_silent(false);
    // Whether it was written is not known; asked again, it is there once.
    until(|| far.append(append("a", 2..3)).is_ok(), "the silent node does not come back");
    until(|| far.takes_appends().is_ok() && far.behind() < Duration::from_secs(2), "it does not say that it is well");
    assert_eq!(near.verify(&mut |_, _| {}).unwrap().events, 3);
}

#[test]
fn an_append_whose_commit_has_no_answer_in_time_is_in_doubt_and_no_other_is() {
    let server = Server::alone();
    let proxy = Proxy::to(server.port);
    let dirs = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let options = options();
    let hasty = Options { patience: Duration::from_millis(500), deadline: Duration::from_secs(1), ..options.clone() };
    let url = format!("postgres://postgres@127.0.0.1:{}/warnlight", proxy.port);
    let log = PostgresLog::open(&url, dirs[0].path(), &hasty).unwrap();
    let near = open(&server, dirs[1].path(), &options);
    for number in 1..=6_u128 {
        until(|| log.append(append("b", number..number + 1)).is_ok(), "it is not well again");
        // What is written is in one piece with the COMMIT; without an answer to what is looked up before there is none.
        let is_sent = number % 2 == 1;
        let asked = append("a", 100 + number..101 + number);
        if is_sent {
            proxy.mute_at(&asked.events[0].data);
        } else {
            proxy.mute(true);
        }
        let answer = log.append(asked.clone());
        proxy.mute(false);
        let again = near.append(asked).unwrap();
        assert_eq!(again.repeated, is_sent, "{answer:?}");
        match answer {
            Err(error @ LogError::InDoubt(_)) if is_sent => assert!(error.to_string().contains("it may be"), "{error}"),
            Err(LogError::Unavailable(_)) if !is_sent => {}
            other => panic!("sent {is_sent}: {other:?}"),
        }
    }
    assert_eq!(near.verify(&mut |_, _| {}).unwrap().events, 12);
}

#[test]
fn a_server_that_restarts_is_found_again_by_everybody() {
    let mut server = Server::alone();
    let dir = tempfile::tempdir().unwrap();
    let log = Arc::new(open(&server, dir.path(), &options()));
    log.append(append("a", 1..100)).unwrap();
    for (round, stops) in [(1, true), (2, false)] {
        if stops {
            server.stop()
        } else {
            server.kill()
        }
        let feed = std::thread::spawn({
            let log = log.clone();
            move || log.subscribe(99 + round - 1).unwrap().next(LONGEST)
        });
        let pending = log.submit(append("b", u128::from(round) * 1000..u128::from(round) * 1000 + 1));
        server.start();
        assert_eq!(pending.wait().unwrap().first, 99 + round);
        assert_eq!(feed.join().unwrap().unwrap().len(), 1);
        assert_eq!(log.read_stream("a", 0, usize::MAX).unwrap().len(), 99);
        assert_eq!(log.read_all(0, usize::MAX).unwrap().len() as u64, 99 + round);
    }
    log.verify(&mut |_, _| {}).unwrap();
}
