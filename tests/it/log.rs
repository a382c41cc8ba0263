//! The embedded log between processes: killed at any moment, locked, read from outside.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use uuid::Uuid;
use warnlight::domain::envelope::NewEvent;
use warnlight::domain::time::Instant;
use warnlight::log::contract::{Append, EventLog, Expected, LogError};
use warnlight::log::embedded::{EmbeddedLog, Options};

/// Names the data directory to the child process.
const DIRECTORY: &str = "WARNLIGHT_TRIAL_DIRECTORY";

fn append(stream: &str, ids: &[Uuid]) -> Append {
    let event = |id: &Uuid| NewEvent {
        id: *id,
        event_type: "trial.held".into(),
        schema_version: 1,
        occurred_at: Instant::UNIX_EPOCH,
        actor: "child".into(),
        causation: None,
        correlation: None,
        history: false,
        data: format!(r#"{{"id":"{id}","note":"{}"}}"#, "预付卡".repeat(50)).into(),
    };
    Append {
        stream: stream.into(),
        expected: Expected::Any,
        recorded_at: Instant::UNIX_EPOCH,
        idempotency_key: None,
        events: ids.iter().map(event).collect(),
    }
}

/// Runs [`child_appends_until_it_is_killed`] in a process of its own.
fn child(dir: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "log::child_appends_until_it_is_killed", "--ignored", "--nocapture"])
        .env(DIRECTORY, dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// What the child wrote about one append: its ids when it asked, and its first position when it was answered.
enum Line {
    Asked { stream: String, ids: Vec<Uuid> },
    Taken { position: u64, first: Uuid },
}

/// Reads a line; one that was cut off says nothing.
fn line(line: &str) -> Option<Line> {
    let words: Vec<&str> = line.strip_suffix(" .")?.split(' ').collect();
    match words.as_slice() {
        ["asked", stream, ids @ ..] => {
            let ids = ids.iter().map(|id| id.parse().unwrap()).collect();
            Some(Line::Asked { stream: (*stream).to_owned(), ids })
        }
        ["taken", position, id] => {
            Some(Line::Taken { position: position.parse().unwrap(), first: id.parse().unwrap() })
        }
        _ => None,
    }
}

#[test]
#[ignore = "the child process of other tests"]
fn child_appends_until_it_is_killed() {
    let Some(dir) = std::env::var_os(DIRECTORY) else { return };
    // Little checkpoints often, so that kills meet them too.
    let options = Options { wal_pages: 40, ..Options::default() };
    let log = EmbeddedLog::open(Path::new(&dir), &options).unwrap();
    let turn = Arc::new(AtomicU64::new(0));
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (log, turn) = (&log, turn.clone());
            scope.spawn(move || {
                loop {
                    let size = 1 + turn.fetch_add(1, Ordering::Relaxed) % 5;
                    let ids: Vec<Uuid> = (0..size).map(|_| Uuid::now_v7()).collect();
                    let stream = format!("stream-{}", (thread + size) % 6);
                    let written: Vec<String> = ids.iter().map(Uuid::to_string).collect();
                    println!("asked {stream} {} .", written.join(" "));
                    let answer = log.append(append(&stream, &ids)).unwrap();
                    println!("taken {} {} .", answer.first, ids[0]);
                }
            });
        }
    });
}

#[test]
fn what_was_acknowledged_survives_being_killed_and_what_was_not_can_be_asked_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut promised: HashMap<u64, Uuid> = HashMap::new();
    for kill_after in [1, 7, 60, 200, 333] {
        let mut child = child(dir.path());
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut asked: HashMap<Uuid, (String, Vec<Uuid>)> = HashMap::new();
        let mut taken = 0;
        let mut note = |line: Line| match line {
            Line::Asked { stream, ids } => {
                asked.insert(ids[0], (stream, ids));
            }
            Line::Taken { position, first } => {
                taken += 1;
                let (_, ids) = asked.remove(&first).unwrap();
                for (position, id) in (position..).zip(ids) {
                    assert_eq!(promised.insert(position, id), None, "position {position} was given twice");
                }
            }
        };
        let mut left = kill_after;
        for said in lines.by_ref().filter_map(|text| line(&text)) {
            left -= usize::from(matches!(said, Line::Taken { .. }));
            note(said);
            if left == 0 {
                break;
            }
        }
        child.kill().unwrap();
        lines.filter_map(|text| line(&text)).for_each(note);
        child.wait().unwrap();
        assert!(taken >= kill_after, "the child stopped by itself");

        // As it lies there, before anybody repairs anything.
        let verified = EmbeddedLog::open_read_only(dir.path()).unwrap().verify(&mut |_, _| {}).unwrap();
        let log = EmbeddedLog::open(dir.path(), &Options::default()).unwrap();
        assert_eq!(log.verify(&mut |_, _| {}).unwrap(), verified);
        let events = log.read_all(0, usize::MAX).unwrap();
        for (position, id) in &promised {
            let found = events.get(*position as usize - 1).map(|recorded| recorded.event.id);
            assert_eq!(found, Some(*id), "the event acknowledged at {position}");
        }
        // Written or not, an append without an answer gets one now, and is there once.
        let there: HashMap<Uuid, u64> = events.iter().map(|recorded| (recorded.event.id, recorded.position)).collect();
        for (first, (stream, ids)) in asked {
            let answer = log.append(append(&stream, &ids)).unwrap();
            assert_eq!(answer.repeated.then_some(answer.first), there.get(&first).copied());
            promised.extend((answer.first..).zip(ids));
        }
        assert_eq!(log.head(), promised.len() as u64, "every event was asked for");
    }
    assert!(promised.len() > 600, "{}", promised.len());
}

#[test]
fn a_log_in_use_by_another_process_can_be_read_but_not_written_and_is_free_once_that_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = child(dir.path());
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut next_answer = || {
        let mut said = lines.by_ref().filter_map(|text| line(&text));
        said.find_map(|line| if let Line::Taken { position, first } = line { Some((position, first)) } else { None })
            .expect("the child stopped by itself")
    };
    let (first, id) = next_answer();

    let refused = EmbeddedLog::open(dir.path(), &Options::default());
    assert!(matches!(refused, Err(LogError::Locked { .. })), "{refused:?}");
    let reader = EmbeddedLog::open_read_only(dir.path()).unwrap();
    assert_eq!(reader.ids_at(&[first]).unwrap(), [id]);
    let mut feed = reader.subscribe(first - 1).unwrap();
    let mut heard = first - 1;
    while heard < first + 500 {
        // Read on, or the child waits for its output to be taken.
        next_answer();
        for recorded in feed.next(std::time::Duration::from_secs(60)).unwrap() {
            heard += 1;
            assert_eq!(recorded.position, heard);
        }
    }
    assert!(reader.verify(&mut |_, _| {}).unwrap().events >= heard);
    let copies = tempfile::tempdir().unwrap();
    reader.backup(&copies.path().join("copy.db")).unwrap();

    child.kill().unwrap();
    child.wait().unwrap();
    EmbeddedLog::open(dir.path(), &Options::default()).unwrap().verify(&mut |_, _| {}).unwrap();
}
