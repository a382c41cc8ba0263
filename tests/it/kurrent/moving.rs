//! Moving a log from one machine to a cluster and back.

use super::server::Server;
use super::{append, everything, keyed, open};
use std::path::Path;
use warnlight::domain::time::Instant;
use warnlight::log::contract::{EventLog, LogError};
use warnlight::log::embedded::{EmbeddedLog, Options};
use warnlight::log::migrate::{Steps, into_file, out_of_file};

/// Fills a log of one machine with every kind of append.
fn filled(dir: &Path) -> EmbeddedLog {
    let log = EmbeddedLog::open(dir, &Options::default()).unwrap();
    let mut number = 1;
    for turn in 0..300_u128 {
        let size = 1 + turn % 4;
        let mut asked = append(&format!("merchant-{}", turn % 20), number..number + size);
        asked.recorded_at = Instant::from_second(1_750_000_000 + turn as i64).unwrap();
        asked.idempotency_key = (turn % 3 == 0).then(|| format!("k{turn}").into());
        log.append(asked).unwrap();
        number += size;
    }
    log.append(append("batch", number..number + 4500)).unwrap();
    log.append(keyed("later", append("merchant-0", [1]))).unwrap();
    log
}

#[test]
fn a_log_moves_to_a_cluster_and_back_with_the_same_digest() {
    let server = Server::alone();
    let dirs = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let from = filled(dirs[0].path());
    let cluster = open(&server, dirs[1].path());
    let mut reports = Vec::new();
    let moved = out_of_file(&from, &cluster, Steps::OneByOne, &mut |done, all| reports.push((done, all))).unwrap();
    assert_eq!(moved, from.verify(&mut |_, _| {}).unwrap());
    assert_eq!(reports.last(), Some(&(moved.events, moved.events)));
    assert_eq!(everything(&cluster), everything(&from));
    assert_eq!(cluster.find_key("later").unwrap(), from.find_key("later").unwrap());

    let back = into_file(&cluster, dirs[2].path(), &mut |_, _| {}).unwrap();
    assert_eq!(back, moved);
    let log = EmbeddedLog::open(dirs[2].path(), &Options::default()).unwrap();
    assert_eq!(everything(&log), everything(&from));
    assert_eq!(log.find_key("later").unwrap(), from.find_key("later").unwrap());
}

#[test]
fn a_move_that_was_broken_off_goes_on_and_one_into_another_log_is_refused() {
    let server = Server::alone();
    let dirs = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let from = filled(dirs[0].path());
    let cluster = open(&server, dirs[1].path());
    server.cluster().refused = Some(150);
    let broken = out_of_file(&from, &cluster, Steps::OneByOne, &mut |_, _| {});
    assert!(matches!(broken, Err(LogError::Invalid(_))), "{broken:?}");
    let begun = cluster.head();
    assert!(0 < begun && begun < from.head(), "{begun}");
    drop(cluster);
    let cluster = open(&server, dirs[1].path());
    assert_eq!(cluster.head(), begun);
    let moved = out_of_file(&from, &cluster, Steps::OneByOne, &mut |_, _| {}).unwrap();
    assert_eq!(moved, from.verify(&mut |_, _| {}).unwrap());

    let other = Server::alone();
    let taken = open(&other, dirs[2].path());
    taken.append(append("merchant-0", [900_000])).unwrap();
    let refused = out_of_file(&from, &taken, Steps::OneByOne, &mut |_, _| {});
    assert!(matches!(refused, Err(LogError::Invalid(_))), "{refused:?}");
    assert_eq!(taken.head(), 1);
}

#[test]
fn the_command_moves_a_district_there_and_back_and_its_lights_are_the_same() {
    let server = Server::alone();
    let room = tempfile::tempdir().unwrap();
    let path = |name: &str| room.path().join(name).to_str().unwrap().to_owned();
    let run = |arguments: &[&str]| {
        let output = crate::cli::warnlight(arguments, &[]);
        let said = crate::cli::text(&output.stderr);
        // 2: the district has rows that are refused.
        assert!(matches!(output.status.code(), Some(0 | 2)), "{arguments:?}: {said}");
        (crate::cli::text(&output.stdout), said)
    };
    let (sheets, old, new) = (path("sheets"), path("old"), path("new"));
    run(&["simulate", &sheets, "--merchants", "10", "--seed", "7"]);
    run(&["import", &sheets, "--data", &old]);
    let (there, said) = run(&[
        "migrate",
        "--from",
        &format!("sqlite://{old}"),
        "--to",
        &server.url(),
        "--data",
        &path("a"),
        "--format",
        "json",
    ]);
    assert!(said.contains("lights are the same"), "{said}");
    let (back, _) = run(&[
        "migrate",
        "--from",
        &server.url(),
        "--to",
        &format!("sqlite://{new}"),
        "--data",
        &path("a"),
        "--format",
        "json",
    ]);
    assert_eq!(there, back);
    let lights =
        |data: &str| run(&["lights", "--data", data, "--at", "2025-06-30T10:00:00+08:00", "--format", "json"]).0;
    let before = lights(&old);
    assert!(before.contains("red") || before.contains("orange"), "{before}");
    assert_eq!(lights(&new), before);
}
