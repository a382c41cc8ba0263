//! A server whose disk is full: appends are refused, nothing is lost, and they go on when there is room.

use super::server::{Mounted, Server, give};
use super::{append, open, options, until};
use tempfile::TempDir;
use warnlight::log::contract::{Append, EventLog, LogError};
use warnlight::log::postgres::Options;

/// A folder for a small file system.
fn room() -> TempDir {
    tempfile::Builder::new().prefix("warnlight-pg-full-").tempdir_in("/tmp").unwrap()
}

/// An append of a hundred large events.
fn much(turn: u128) -> Append {
    let mut asked = append("a", turn * 100 + 1..turn * 100 + 101);
    for event in &mut asked.events {
        event.data = "\"预付卡\"".repeat(100).into();
    }
    asked
}

#[test]
fn a_full_disk_refuses_appends_and_they_go_on_when_there_is_room() {
    let room = room();
    let server = Server::alone();
    let Some(_mounted) = Mounted::small(room.path(), 24) else { return };
    let place = room.path().join("tables");
    std::fs::create_dir(&place).unwrap();
    give(&place);
    let ballast = room.path().join("ballast");
    std::fs::write(&ballast, vec![0; 8 << 20]).unwrap();
    server.sql("postgres", &format!("CREATE TABLESPACE small LOCATION '{}'", place.display()));
    server.sql("postgres", "ALTER DATABASE warnlight SET default_tablespace = 'small'");
    let dir = tempfile::tempdir().unwrap();
    let log = super::open(&server, dir.path(), &options());
    let mut taken = 0;
    let refused = loop {
        match log.append(much(taken)) {
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

#[test]
fn a_server_that_cannot_write_its_journal_stops_and_what_it_acknowledged_is_there_when_it_has_room() {
    let room = room();
    let Some(_mounted) = Mounted::small(room.path(), 24) else { return };
    let mut server = Server::with_journal_in(&room.path().join("journal"));
    let dir = tempfile::tempdir().unwrap();
    let impatient = Options { deadline: std::time::Duration::from_secs(3), ..options() };
    let log = open(&server, dir.path(), &impatient);
    log.append(much(0)).unwrap();
    let ballast = room.path().join("ballast");
    let mut file = std::fs::File::create(&ballast).unwrap();
    while std::io::Write::write_all(&mut file, &[0; 64 * 1024]).is_ok() {}
    drop(file);
    let mut taken = 1;
    let refused = loop {
        match log.append(much(taken)) {
            Ok(_) => taken += 1,
            Err(refused) => break refused,
        }
        assert!(taken < 1000, "the disk does not become full");
    };
    assert!(matches!(refused, LogError::Full | LogError::Unavailable(_)), "{refused}");
    assert!(log.takes_appends().is_err());
    // It has tried to come up again, and has given up.
    until(|| server.has_ended(), "the server goes on without a journal");
    std::fs::remove_file(&ballast).unwrap();
    server.start();
    // What was refused may be there: asked again, it is there once.
    until(|| log.append(much(taken)).is_ok(), "appends do not go on");
    log.takes_appends().unwrap();
    assert_eq!(log.verify(&mut |_, _| {}).unwrap().events as u128, (taken + 1) * 100);
    drop(log);
    drop(server);
}
