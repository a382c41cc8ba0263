//! Trials with damage: a flipped bit or a cut is told, or changes nothing. Whoever reads, nobody is shown what was not
//! recorded, and nothing that was acknowledged goes missing in silence.

use super::tests::{file, fill, open};
use super::*;
use rusqlite::Connection;
use tempfile::TempDir;

const EVENTS: u128 = 240;

/// The files of a log, to be damaged and opened again and again.
#[derive(Clone)]
struct Files {
    main: Vec<u8>,
    ahead: Vec<u8>,
    mark: Vec<u8>,
    truth: Vec<Recorded>,
}

impl Files {
    /// A log in good order, closed: all of it lies in the file.
    fn closed() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let log = open(&dir);
        fill(&log, 0, EVENTS);
        let truth = log.read_all(0, usize::MAX).unwrap();
        drop(log);
        Self::of(&dir, truth)
    }

    /// A log as a killed process leaves it: its newer half lies in the write-ahead log.
    fn killed() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let log = open(&dir);
        fill(&log, 0, EVENTS / 2);
        drop(log);
        // A reader that looks at the old state keeps the newer one out of the file.
        let reader = Connection::open(file(&dir)).unwrap();
        let log = open(&dir);
        reader.execute_batch("BEGIN; SELECT position FROM head").unwrap();
        fill(&log, EVENTS / 2, EVENTS / 2);
        let truth = log.read_all(0, usize::MAX).unwrap();
        Self::of(&dir, truth)
    }

    fn of(dir: &TempDir, truth: Vec<Recorded>) -> Self {
        assert_eq!(truth.len() as u128, EVENTS);
        let read = |name: &str| std::fs::read(dir.path().join(name)).unwrap_or_default();
        Self { main: read(schema::FILE), ahead: read("log.db-wal"), mark: read(mark::FILE), truth }
    }

    fn put(&self, dir: &TempDir) {
        for (name, bytes) in [(schema::FILE, &self.main), ("log.db-wal", &self.ahead), (mark::FILE, &self.mark)] {
            let path = dir.path().join(name);
            let _ = std::fs::remove_file(&path);
            if !bytes.is_empty() {
                std::fs::write(path, bytes).unwrap();
            }
        }
        let _ = std::fs::remove_file(dir.path().join("log.db-shm"));
    }

    /// Puts the files, reads them in every way, and says whether the damage was told.
    fn is_told(&self, what: &str) -> bool {
        let dir = tempfile::tempdir().unwrap();
        self.put(&dir);
        let log = match EmbeddedLog::open_read_only(dir.path()) {
            Ok(log) => log,
            Err(LogError::Corrupt { .. } | LogError::Newer { .. }) => {
                let log = EmbeddedLog::open(dir.path(), &Options::default());
                assert!(log.is_err(), "{what}: refused for reading, taken for writing");
                return true;
            }
            Err(other) => panic!("{what}: {other}"),
        };
        let mut told = log.verify(&mut |_, _| {}).is_err();
        // What reads in order shows everything, or says that it cannot.
        let mut shown = 0;
        match log.scan(0, &mut |seen| {
            let there = &self.truth[shown];
            assert_eq!((seen.position, seen.id, seen.data), (there.position, there.event.id, &*there.event.data));
            shown += 1;
            ControlFlow::Continue(())
        }) {
            Ok(()) => assert_eq!(shown, self.truth.len(), "{what}: a scan ends early"),
            Err(_) => told = true,
        }
        match log.read_all(0, usize::MAX) {
            Ok(all) => assert_eq!(all, self.truth, "{what}"),
            Err(_) => told = true,
        }
        for recorded in &self.truth {
            match log.event_at(recorded.position) {
                Ok(Some(found)) => assert_eq!(&found, recorded, "{what}"),
                Ok(None) => panic!("{what}: no event at {}", recorded.position),
                Err(_) => told = true,
            }
            // What an index leads to is what was recorded. What it hides, verification finds, for it has no digest.
            match log.read_stream(&recorded.stream, recorded.revision, 1) {
                Ok(found) if found.is_empty() => {
                    assert!(told, "{what}: an event is hidden, and verification is silent")
                }
                Ok(found) => assert_eq!(found.as_slice(), std::slice::from_ref(recorded), "{what}"),
                Err(_) => told = true,
            }
        }
        told
    }
}

/// Places spread over a length, the same each time.
fn places(count: usize, length: usize) -> impl Iterator<Item = usize> {
    (0..count).map(move |turn| (turn * 7_919 * 31 + 17) % length)
}

#[test]
fn a_bit_flipped_anywhere_in_the_file_is_told_or_changes_nothing() {
    let sound = Files::closed();
    assert!(!sound.is_told("as it was"));
    let mut told = 0;
    for (turn, place) in places(200, sound.main.len()).enumerate() {
        let mut main = sound.main.clone();
        main[place] ^= 1 << (turn % 8);
        told += usize::from(Files { main, ..sound.clone() }.is_told(&format!("bit {} of byte {place}", turn % 8)));
    }
    assert!(told > 100, "{told} told");
}

#[test]
fn a_bit_flipped_anywhere_in_the_write_ahead_log_drops_nothing_in_silence() {
    let sound = Files::killed();
    assert!(sound.ahead.len() > 100_000);
    assert!(!sound.is_told("as it was"));
    let mut told = 0;
    for (turn, place) in places(200, sound.ahead.len()).enumerate() {
        let mut ahead = sound.ahead.clone();
        ahead[place] ^= 1 << (turn % 8);
        told += usize::from(Files { ahead, ..sound.clone() }.is_told(&format!("bit {} of byte {place}", turn % 8)));
    }
    assert!(told > 100, "{told} told");
}

#[test]
fn a_file_and_a_write_ahead_log_cut_short_or_gone_are_told() {
    let closed = Files::closed();
    for place in places(20, closed.main.len()) {
        let main = closed.main[..place].to_vec();
        assert!(Files { main, ..closed.clone() }.is_told(&format!("cut at {place}")));
    }
    let killed = Files::killed();
    for place in places(20, killed.ahead.len()).chain([0]) {
        let ahead = killed.ahead[..place].to_vec();
        assert!(Files { ahead, ..killed.clone() }.is_told(&format!("write-ahead log cut at {place}")));
    }
}

#[test]
fn a_log_shorter_than_what_was_acknowledged_is_damage_and_left_as_it_is() {
    let killed = Files::killed();
    let without = Files { ahead: Vec::new(), ..killed.clone() };
    let dir = tempfile::tempdir().unwrap();
    without.put(&dir);
    let refused = EmbeddedLog::open(dir.path(), &Options::default());
    let Err(LogError::Corrupt { position: 121, what }) = refused else { panic!("{refused:?}") };
    assert!(what.contains("ends at 120") && what.contains("up to 240") && what.contains("log.mark"), "{what}");
    let refused = EmbeddedLog::open_read_only(dir.path());
    assert!(matches!(refused, Err(LogError::Corrupt { position: 121, .. })), "{refused:?}");

    // What could be saved is not tidied away: with the damage mended, everything is there.
    let mut torn = killed.clone();
    torn.ahead[60_000] ^= 4;
    torn.put(&dir);
    assert!(matches!(EmbeddedLog::open(dir.path(), &Options::default()), Err(LogError::Corrupt { .. })));
    assert_eq!(std::fs::read(dir.path().join("log.db-wal")).unwrap(), torn.ahead);
    killed.put(&dir);
    assert_eq!(open(&dir).read_all(0, usize::MAX).unwrap(), killed.truth);

    // The whole file gone.
    std::fs::remove_file(file(&dir)).unwrap();
    let refused = EmbeddedLog::open(dir.path(), &Options::default());
    assert!(matches!(refused, Err(LogError::Corrupt { position: 1, .. })), "{refused:?}");
    assert!(!file(&dir).exists());
}

#[test]
fn a_file_that_is_empty_or_gone_beside_its_write_ahead_log_is_damage_also_without_a_mark() {
    let killed = Files::killed();
    for mark in [killed.mark.clone(), Vec::new()] {
        for is_there in [true, false] {
            let dir = tempfile::tempdir().unwrap();
            Files { main: Vec::new(), mark: mark.clone(), ..killed.clone() }.put(&dir);
            if is_there {
                std::fs::write(file(&dir), b"").unwrap();
            }
            for refused in [EmbeddedLog::open_read_only(dir.path()), EmbeddedLog::open(dir.path(), &Options::default())]
            {
                assert!(matches!(refused, Err(LogError::Corrupt { position: 1, .. })), "{refused:?}");
            }
            // What could be saved is still there.
            assert_eq!(std::fs::read(dir.path().join("log.db-wal")).unwrap(), killed.ahead);
            killed.put(&dir);
            assert_eq!(open(&dir).read_all(0, usize::MAX).unwrap(), killed.truth);
        }
    }
}

/// The files of a log as a power cut leaves them that took the write-ahead log.
fn after_a_power_cut(options: &Options) -> Files {
    let dir = tempfile::tempdir().unwrap();
    let log = EmbeddedLog::open(dir.path(), options).unwrap();
    fill(&log, 0, EVENTS / 2);
    drop(log);
    let log = EmbeddedLog::open(dir.path(), options).unwrap();
    fill(&log, EVENTS / 2, EVENTS / 2);
    let truth = log.read_all(0, usize::MAX).unwrap();
    Files { ahead: Vec::new(), ..Files::of(&dir, truth) }
}

#[test]
fn a_log_that_is_kept_elsewhere_may_lose_its_newest_in_a_power_cut_and_is_whole_as_far_as_it_goes() {
    let lazily = Options { syncs: false, ..Options::default() };
    let cut = after_a_power_cut(&lazily);
    let dir = tempfile::tempdir().unwrap();
    cut.put(&dir);
    let log = EmbeddedLog::open(dir.path(), &lazily).unwrap();
    let there = log.read_all(0, usize::MAX).unwrap();
    assert!((EVENTS / 2..=EVENTS).contains(&(there.len() as u128)), "{}", there.len());
    assert_eq!(there, cut.truth[..there.len()]);
    log.verify(&mut |_, _| {}).unwrap();
    drop(log);
    // Of a log of its own the same is damage.
    after_a_power_cut(&Options::default()).put(&dir);
    let refused = EmbeddedLog::open(dir.path(), &Options::default());
    assert!(matches!(refused, Err(LogError::Corrupt { .. })), "{refused:?}");
}

#[test]
fn a_log_of_older_software_has_no_mark_and_gets_one() {
    let old = Files { mark: Vec::new(), ..Files::killed() };
    assert!(!old.is_told("without a mark"));
    let dir = tempfile::tempdir().unwrap();
    old.put(&dir);
    let log = open(&dir);
    assert_eq!(u128::from(log.head()), EVENTS);
    assert_eq!(mark::read(dir.path()).unwrap().unwrap().position, log.head());
}

#[test]
fn an_altered_event_is_shown_to_nobody() {
    for sql in [
        "UPDATE event SET data = replace(data, '退费难', '其他') WHERE position = 17",
        "UPDATE event SET recorded_at = recorded_at - 1 WHERE position = 17",
        "UPDATE event SET actor = actor + 1 WHERE position = 17",
        "UPDATE event SET key = 'other' WHERE position = 17",
    ] {
        let dir = tempfile::tempdir().unwrap();
        let log = open(&dir);
        fill(&log, 0, 40);
        let there = log.event_at(17).unwrap().unwrap();
        drop(log);
        Connection::open(file(&dir)).unwrap().execute_batch(sql).unwrap();
        let log = open(&dir);
        let at = |found: Result<(), LogError>| match found {
            Err(LogError::Corrupt { position, .. }) => position,
            other => panic!("{sql}: {other:?}"),
        };
        assert_eq!(at(log.scan(0, &mut |_| ControlFlow::Continue(()))), 17);
        assert_eq!(at(log.read_all(0, 100).map(drop)), 17);
        assert_eq!(at(log.event_at(17).map(drop)), 17);
        assert_eq!(at(log.read_stream(&there.stream, there.revision, 1).map(drop)), 17);
        assert_eq!(at(log.ids_at(&[17]).map(drop)), 17);
        assert_eq!(at(log.subscribe(16).unwrap().next(std::time::Duration::ZERO).map(drop)), 17);
        // Neighbours are kept.
        assert_eq!(log.read_all(20, 100).unwrap().len(), 20);
        let said = log.event_at(17).unwrap_err().to_string();
        assert!(said.contains("position 17") && !said.contains("verify"), "{said}");
    }
}

#[test]
fn a_second_writer_is_kept_out_although_the_lock_file_was_removed() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(&dir);
    std::fs::remove_file(dir.path().join(LOCK)).unwrap();
    let second = EmbeddedLog::open(dir.path(), &Options::default());
    assert!(matches!(second, Err(LogError::Locked { .. })), "{second:?}");
    drop(log);
    open(&dir);
}

#[test]
fn the_engine_says_whether_it_would_take_an_append() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(&dir);
    log.takes_appends().unwrap();
    let reader = EmbeddedLog::open_read_only(dir.path()).unwrap();
    assert!(matches!(reader.takes_appends(), Err(LogError::Unavailable(_))));
    let saboteur = Connection::open(file(&dir)).unwrap();
    let trap = "CREATE TRIGGER trap BEFORE UPDATE ON head BEGIN SELECT RAISE(ABORT, 'no'); END";
    saboteur.execute_batch(trap).unwrap();
    assert!(log.append(super::tests::append("merchant-0", 0..4)).is_err());
    assert!(matches!(log.takes_appends(), Err(LogError::Unavailable(_))));
}
