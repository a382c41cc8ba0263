use super::*;
use crate::domain::envelope::{NewEvent, hex};
use crate::log::conformance::conformance;
use crate::log::contract::Expected;
use rusqlite::Connection;
use std::collections::BTreeSet;
use std::time::Duration;
use tempfile::TempDir;

pub(super) fn open(dir: &TempDir) -> EmbeddedLog {
    EmbeddedLog::open(dir.path(), &Options::default()).unwrap()
}

pub(super) fn file(dir: &TempDir) -> PathBuf {
    dir.path().join(schema::FILE)
}

fn event(number: u128) -> NewEvent {
    NewEvent {
        id: Uuid::from_u128(number.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)),
        event_type: ["complaint.received", "custody.balance-reported"][number as usize % 2].into(),
        schema_version: 1,
        occurred_at: Instant::from_second(1_750_000_000 + number as i64).unwrap(),
        actor: format!("office-{}", number % 3).into(),
        causation: number.is_multiple_of(2).then(|| Uuid::from_u128(number)),
        correlation: number.is_multiple_of(3).then(|| Uuid::from_u128(number)),
        history: number.is_multiple_of(5),
        data: format!(r#"{{"number":{number},"诉求类型":"退费难","note":"{}"}}"#, "x".repeat(number as usize % 300))
            .into(),
    }
}

pub(super) fn append(stream: &str, numbers: std::ops::Range<u128>) -> Append {
    Append {
        stream: stream.into(),
        expected: Expected::Any,
        recorded_at: Instant::from_second(1_760_000_000).unwrap(),
        idempotency_key: numbers.start.is_multiple_of(2).then(|| format!("key-{}", numbers.start).into()),
        events: numbers.map(event).collect(),
    }
}

pub(super) fn fill(log: &EmbeddedLog, from: u128, count: u128) {
    for start in (from..from + count).step_by(4) {
        log.append(append(&format!("merchant-{}", start % 7), start..start + 4)).unwrap();
    }
}

#[test]
fn the_embedded_engine_keeps_every_promise() {
    let mut directories = Vec::new();
    conformance(&mut || {
        let dir = tempfile::tempdir().unwrap();
        let log = EmbeddedLog::open(dir.path(), &Options::default())?;
        directories.push(dir);
        Ok(Arc::new(log))
    })
    .unwrap();
}

#[test]
fn an_engine_with_tiny_groups_queues_and_caches_keeps_every_promise_too() {
    let options = Options {
        group_appends: 2,
        group_bytes: 1000,
        waiting: 1,
        readers: 0,
        cache_kib: 64,
        streams: 2,
        wal_pages: 3,
        reserve_bytes: 0,
        max_bytes: None,
        syncs: false,
    };
    let mut directories = Vec::new();
    conformance(&mut || {
        let dir = tempfile::tempdir().unwrap();
        let log = EmbeddedLog::open(dir.path(), &options)?;
        directories.push(dir);
        Ok(Arc::new(log))
    })
    .unwrap();
}

#[test]
fn a_log_closed_and_opened_goes_on_where_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(&dir);
    fill(&log, 0, 40);
    let before = log.read_all(0, 100).unwrap();
    drop(log);
    let log = open(&dir);
    assert_eq!(log.read_all(0, 100).unwrap(), before);
    assert!(log.append(append("merchant-0", 0..4)).unwrap().repeated);
    let early = Append { recorded_at: Instant::UNIX_EPOCH, ..append("merchant-0", 41..42) };
    let answer = log.append(early).unwrap();
    assert_eq!((answer.first, answer.recorded_at), (41, before[39].recorded_at));
    assert_eq!(log.verify(&mut |_, _| {}).unwrap().events, 41);
}

#[test]
fn a_closed_log_is_one_file_and_its_lock() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(&dir);
    fill(&log, 0, 40);
    drop(log);
    let names: BTreeSet<_> = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    let kept = BTreeSet::from([schema::FILE.into(), LOCK.into(), mark::FILE.into()]);
    assert_eq!(names.into_iter().filter(|name| name != reserve::FILE).collect::<BTreeSet<_>>(), kept);
}

#[test]
fn a_log_that_is_open_is_not_opened_again_for_writing() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(&dir);
    let second = EmbeddedLog::open(dir.path(), &Options::default());
    assert!(matches!(second, Err(LogError::Locked { path }) if path.ends_with(LOCK)));
    drop(log);
    open(&dir);
}

#[test]
fn a_log_being_written_can_be_read_beside_it_but_not_written() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(&dir);
    fill(&log, 0, 8);
    let reader = EmbeddedLog::open_read_only(dir.path()).unwrap();
    assert_eq!(reader.head(), 8);
    assert!(matches!(reader.append(append("merchant-0", 50..51)), Err(LogError::Unavailable(_))));
    let mut feed = reader.subscribe(8).unwrap();
    fill(&log, 8, 4);
    assert_eq!(reader.head(), 12);
    assert_eq!(feed.next(Duration::from_secs(60)).unwrap().len(), 4);
    assert_eq!(reader.verify(&mut |_, _| {}).unwrap(), log.verify(&mut |_, _| {}).unwrap());
    assert!(feed.next(Duration::from_millis(1)).unwrap().is_empty());
}

#[test]
fn a_feed_hears_what_is_there_and_then_that_the_log_was_closed() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(&dir);
    let mut feed = log.subscribe(0).unwrap();
    let waiting = std::thread::spawn(move || {
        let mut heard = 0;
        loop {
            match feed.next(Duration::from_secs(60)) {
                Ok(events) => heard += events.len(),
                Err(error) => return (heard, error),
            }
        }
    });
    fill(&log, 0, 8);
    drop(log);
    let (heard, error) = waiting.join().unwrap();
    assert_eq!(heard, 8);
    assert!(matches!(error, LogError::Unavailable(_)), "{error}");
}

#[test]
fn appends_on_their_way_when_the_log_is_closed_are_still_written() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(&dir);
    let pending: Vec<_> = (0..100).map(|number| log.submit(append("merchant-0", number..number + 1))).collect();
    drop(log);
    for (pending, position) in pending.into_iter().zip(1..) {
        assert_eq!(pending.wait().unwrap().first, position);
    }
    assert_eq!(open(&dir).head(), 100);
}

#[test]
fn a_log_of_newer_software_is_refused_by_name_and_number() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(&dir));
    Connection::open(file(&dir)).unwrap().execute_batch("PRAGMA user_version = 7").unwrap();
    for refused in [EmbeddedLog::open(dir.path(), &Options::default()), EmbeddedLog::open_read_only(dir.path())] {
        let Err(LogError::Newer { path, found, known }) = refused else { panic!("{refused:?}") };
        assert_eq!((path, found, known), (file(&dir), 7, schema::FORMAT));
    }
}

#[test]
fn a_file_that_is_not_a_log_is_refused_and_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    Connection::open(file(&dir)).unwrap().execute_batch("CREATE TABLE mine(x)").unwrap();
    let before = std::fs::read(file(&dir)).unwrap();
    let refused = EmbeddedLog::open(dir.path(), &Options::default()).unwrap_err();
    assert!(refused.to_string().contains("is not a Warnlight log"), "{refused}");
    assert_eq!(std::fs::read(file(&dir)).unwrap(), before);

    std::fs::write(file(&dir), "a letter to a friend ".repeat(500)).unwrap();
    assert!(matches!(EmbeddedLog::open(dir.path(), &Options::default()), Err(LogError::Corrupt { .. })));
    assert!(EmbeddedLog::open_read_only(dir.path()).is_err());
}

#[test]
fn a_directory_without_a_log_is_not_opened_for_reading() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(EmbeddedLog::open_read_only(dir.path()), Err(LogError::Unavailable(_))));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_file_left_by_a_process_killed_while_it_made_it_is_taken_as_new() {
    let dir = tempfile::tempdir().unwrap();
    Connection::open(file(&dir)).unwrap().execute_batch("PRAGMA journal_mode = WAL; VACUUM").unwrap();
    let log = open(&dir);
    fill(&log, 0, 4);
    assert_eq!(log.verify(&mut |_, _| {}).unwrap().events, 4);
}

#[test]
fn a_full_disk_refuses_whole_appends_and_the_log_goes_on_when_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let small = Options { max_bytes: Some(400_000), ..Options::default() };
    let log = EmbeddedLog::open(dir.path(), &small).unwrap();
    let mut taken = 0;
    let refused = loop {
        match log.append(append(&format!("merchant-{taken}"), taken..taken + 4)) {
            Ok(_) => taken += 4,
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, LogError::Full), "{refused}");
    assert_eq!(u128::from(log.head()), taken);
    assert!(matches!(log.append(append("merchant-x", taken..taken + 200)), Err(LogError::Full)));
    assert_eq!(u128::from(log.verify(&mut |_, _| {}).unwrap().events), taken);
    // Repeats need no room.
    assert!(log.append(append("merchant-0", 0..4)).unwrap().repeated);
    drop(log);
    let log = open(&dir);
    assert_eq!(u128::from(log.append(append("merchant-x", taken..taken + 4)).unwrap().first), taken + 1);
    log.verify(&mut |_, _| {}).unwrap();
}

#[test]
fn after_a_write_that_failed_nothing_more_is_taken_until_the_log_is_opened_again() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(&dir);
    fill(&log, 0, 4);
    let saboteur = Connection::open(file(&dir)).unwrap();
    let trap = "CREATE TRIGGER trap BEFORE UPDATE ON head BEGIN SELECT RAISE(ABORT, 'no'); END";
    saboteur.execute_batch(trap).unwrap();
    assert!(log.append(append("merchant-0", 4..8)).is_err());
    saboteur.execute_batch("DROP TRIGGER trap").unwrap();
    drop(saboteur);
    let refused = log.append(append("merchant-0", 4..8)).unwrap_err();
    assert!(matches!(refused, LogError::Unavailable(_)), "{refused}");
    assert_eq!(log.read_all(0, 100).unwrap().len(), 4, "reading goes on");
    drop(log);
    let log = open(&dir);
    assert_eq!(log.append(append("merchant-0", 4..8)).unwrap().first, 5);
    log.verify(&mut |_, _| {}).unwrap();
}

#[test]
fn the_write_ahead_log_does_not_grow_for_ever_while_appends_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let log = EmbeddedLog::open(dir.path(), &Options { wal_pages: 50, ..Options::default() }).unwrap();
    fill(&log, 0, 4_000);
    let wal = std::fs::metadata(dir.path().join("log.db-wal")).unwrap().len();
    assert!(wal < 2_000 * 4096, "{wal} bytes");
}

#[test]
fn an_altered_event_is_named_by_verification() {
    let dir = tempfile::tempdir().unwrap();
    for (sql, position, what) in [
        ("UPDATE event SET data = replace(data, '退费难', '其他') WHERE position = 17", 17, "digest"),
        ("UPDATE event SET occurred_at = occurred_at + 1 WHERE position = 3", 3, "digest"),
        ("UPDATE event SET causation = NULL WHERE position = 5", 5, "digest"),
        ("UPDATE event SET history = 1 - history WHERE position = 8", 8, "digest"),
        ("UPDATE event SET part = 4 WHERE position = 9", 9, ""),
        ("UPDATE event SET digest = zeroblob(32) WHERE position = 12", 12, "digest"),
        ("UPDATE word SET name = 'complaint.resolved' WHERE name = 'complaint.received'", 1, "digest"),
        ("UPDATE stream SET name = 'merchant-00' WHERE name = 'merchant-1'", 9, "digest"),
        ("DELETE FROM event WHERE position = 20", 20, "missing"),
        ("DELETE FROM event WHERE position > 36", 37, "ends"),
        ("DELETE FROM event WHERE position > 36; UPDATE head SET position = 36", 36, "digest at the end"),
        ("DELETE FROM event", 1, "ends"),
        ("DELETE FROM idempotency WHERE first = 21", 21, "key"),
        ("UPDATE idempotency SET last = last + 1 WHERE first = 21", 21, "key"),
        ("INSERT INTO idempotency VALUES ('forged', 6, 6)", 6, "key"),
        ("UPDATE head SET digest = zeroblob(32)", 40, "end"),
        ("DROP INDEX event_id", 0, "tables"),
    ] {
        let _ = std::fs::remove_file(file(&dir));
        let _ = std::fs::remove_file(dir.path().join(mark::FILE));
        let log = open(&dir);
        fill(&log, 0, 40);
        drop(log);
        // The chain finds it alone.
        std::fs::remove_file(dir.path().join(mark::FILE)).unwrap();
        Connection::open(file(&dir)).unwrap().execute_batch(sql).unwrap();
        let log = EmbeddedLog::open_read_only(dir.path());
        let found = log.and_then(|log| log.verify(&mut |_, _| {}));
        let Err(LogError::Corrupt { position: named, what: said }) = found else { panic!("{sql}: {found:?}") };
        assert_eq!(named, position, "{sql}: {said}");
        assert!(said.contains(what), "{sql}: {said}");
    }
}

/// Everything a reader can learn from a log.
fn everything(log: &EmbeddedLog) -> Result<String, LogError> {
    let all = log.read_all(0, usize::MAX)?;
    let mut told = format!("{all:?} {}", log.head());
    log.scan(0, &mut |shown| {
        told += &format!("{shown:?}");
        ControlFlow::Continue(())
    })?;
    for recorded in &all {
        told += &format!("{:?}", log.read_stream(&recorded.stream, recorded.revision, 2)?);
        if let Some(key) = &recorded.idempotency_key {
            told += &format!("{:?}", log.find_key(key)?);
        }
    }
    Ok(told)
}

#[test]
fn a_flipped_byte_anywhere_is_found_or_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(&dir);
    fill(&log, 0, 120);
    let truth = everything(&log).unwrap();
    drop(log);
    let sound = std::fs::read(file(&dir)).unwrap();
    let damaged = tempfile::tempdir().unwrap();
    // Every byte of the header, and then steps that share no factor with the size of a page.
    let offsets = (0..100).chain((100..sound.len()).step_by(433));
    let (mut found, mut harmless) = (0, 0);
    for (turn, offset) in offsets.enumerate() {
        let mut bytes = sound.clone();
        bytes[offset] ^= 1_u8 << (turn % 8);
        for left in ["log.db-wal", "log.db-shm"] {
            let _ = std::fs::remove_file(damaged.path().join(left));
        }
        std::fs::write(file(&damaged), &bytes).unwrap();
        match EmbeddedLog::open_read_only(damaged.path()).and_then(|log| log.verify(&mut |_, _| {}).map(|_| log)) {
            Err(_) => found += 1,
            Ok(log) => {
                harmless += 1;
                assert_eq!(everything(&log).unwrap(), truth, "a flip at {offset} went unseen");
            }
        }
    }
    assert!(found > 100, "{found} found, {harmless} harmless");
}

#[test]
fn a_file_cut_short_anywhere_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(&dir);
    fill(&log, 0, 120);
    drop(log);
    let sound = std::fs::read(file(&dir)).unwrap();
    for length in (1..sound.len()).step_by(3_001) {
        std::fs::write(file(&dir), &sound[..length]).unwrap();
        let found = EmbeddedLog::open_read_only(dir.path()).and_then(|log| log.verify(&mut |_, _| {}));
        assert!(found.is_err(), "{length} of {} bytes: {found:?}", sound.len());
    }
}

#[test]
fn a_write_ahead_log_cut_anywhere_leaves_whole_appends_from_the_beginning() {
    let dir = tempfile::tempdir().unwrap();
    let log = EmbeddedLog::open(dir.path(), &Options { wal_pages: 1_000_000, ..Options::default() }).unwrap();
    fill(&log, 0, 120);
    let truth = log.read_all(0, usize::MAX).unwrap();
    let main = std::fs::read(file(&dir)).unwrap();
    let ahead = std::fs::read(dir.path().join("log.db-wal")).unwrap();
    drop(log);
    let cut = tempfile::tempdir().unwrap();
    let mut heads = BTreeSet::new();
    for length in (0..=ahead.len()).rev().step_by(ahead.len() / 50) {
        // Without the mark, as written by older software: the log alone cannot tell that it was longer.
        for left in ["log.db-shm", mark::FILE] {
            let _ = std::fs::remove_file(cut.path().join(left));
        }
        std::fs::write(file(&cut), &main).unwrap();
        std::fs::write(cut.path().join("log.db-wal"), &ahead[..length]).unwrap();
        let log = open(&cut);
        let left = log.read_all(0, usize::MAX).unwrap();
        assert_eq!(left, truth[..left.len()]);
        assert_eq!(left.len() % 4, 0, "appends of four events each");
        assert_eq!(log.verify(&mut |_, _| {}).unwrap().events, left.len() as u64);
        heads.insert(log.head());
        let next = u128::from(log.head());
        log.append(append("merchant-0", next..next + 4)).unwrap();
    }
    assert!(heads.len() > 10 && heads.last() == Some(&120), "{heads:?}");
}

#[test]
fn a_backup_made_while_appends_go_on_is_a_whole_log_and_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let copies = tempfile::tempdir().unwrap();
    let log = open(&dir);
    fill(&log, 0, 2_000);
    let target = copies.path().join("backup.db");
    let copied = std::thread::scope(|scope| {
        let (begun, wait) = crossbeam_channel::bounded(1);
        let log = &log;
        scope.spawn(move || {
            for start in (2_000..4_000).step_by(4) {
                log.append(append("merchant-x", start..start + 4)).unwrap();
                let _ = begun.try_send(());
            }
        });
        wait.recv().unwrap();
        log.backup(&target).unwrap()
    });
    assert!(copied.events >= 2_004 && copied.events <= 4_000, "{copied:?}");
    assert_eq!(std::fs::read_dir(copies.path()).unwrap().count(), 1);

    let other = tempfile::tempdir().unwrap();
    assert_eq!(restore(&target, other.path()).unwrap(), copied);
    let restored = open(&other);
    assert_eq!(restored.head(), copied.events);
    assert_eq!(restored.read_all(0, usize::MAX).unwrap(), log.read_all(0, copied.events as usize).unwrap());
    assert!(restored.append(append("merchant-0", 0..4)).unwrap().repeated);
    restored.append(append("merchant-0", 9_000..9_004)).unwrap();
    restored.verify(&mut |_, _| {}).unwrap();
}

#[test]
fn a_restore_replaces_no_events_and_accepts_no_damage() {
    let (dir, copies) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let log = open(&dir);
    fill(&log, 0, 40);
    let target = copies.path().join("backup.db");
    log.backup(&target).unwrap();

    assert!(matches!(restore(&target, dir.path()), Err(LogError::Locked { .. })));
    drop(log);
    assert!(matches!(restore(&target, dir.path()), Err(LogError::Exists { .. })));
    assert_eq!(open(&dir).head(), 40);

    let empty = tempfile::tempdir().unwrap();
    drop(open(&empty));
    let mut bytes = std::fs::read(&target).unwrap();
    // Everywhere: pages keep remains of rows that moved, and those prove nothing.
    let places: Vec<_> = (0..bytes.len() - 10).filter(|at| bytes[*at..].starts_with(br#"{"number":"#)).collect();
    assert!(places.len() >= 40);
    for place in places {
        bytes[place + 10] ^= 1;
    }
    let bad = copies.path().join("bad.db");
    std::fs::write(&bad, bytes).unwrap();
    assert!(matches!(restore(&bad, empty.path()), Err(LogError::Corrupt { .. })));
    assert_eq!(open(&empty).head(), 0);
    let left: BTreeSet<_> = std::fs::read_dir(empty.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    let kept = BTreeSet::from([schema::FILE.into(), LOCK.into(), mark::FILE.into()]);
    assert_eq!(left.into_iter().filter(|name| name != reserve::FILE).collect::<BTreeSet<_>>(), kept);

    assert_eq!(restore(&target, empty.path()).unwrap().events, 40);
    assert_eq!(open(&empty).head(), 40);
    assert!(restore(&copies.path().join("none.db"), empty.path()).is_err());
}

#[test]
fn a_backup_that_cannot_be_written_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(&dir);
    fill(&log, 0, 4);
    let nowhere = dir.path().join("missing").join("backup.db");
    assert!(matches!(log.backup(&nowhere), Err(LogError::Unavailable(_))));
    assert!(!dir.path().join("missing").exists());
}

#[test]
fn the_digests_of_the_file_are_those_of_the_documented_encoding() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(&dir);
    log.append(append("merchant-0", 0..2)).unwrap();
    let events = log.read_all(0, 2).unwrap();
    let mut digest = crate::log::chain::GENESIS;
    for (part, recorded) in (0..).zip(&events) {
        digest = crate::log::chain::Link::of(recorded, part).digest(&digest);
        assert_eq!(hex(&recorded.digest), hex(&digest));
    }
}
