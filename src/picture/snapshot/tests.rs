use super::file::{Unfit, load, start, write, write_to};
use super::*;
use crate::domain::envelope::{NewEvent, Origin, Position, hex};
use crate::domain::event::Event;
use crate::domain::fold::Stamp;
use crate::domain::time::start_of;
use crate::log::contract::{EventLog, LogError};
use crate::log::memory::MemoryLog;
use crate::policy::Policies;
use crate::sim::Plan;
use crate::sim::lived::live_through;
use sha2::{Digest as _, Sha256};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use uuid::Uuid;

/// A log of a district that was lived through day by day: evidence, lights, missed deadlines, mails asked for.
fn lived(seed: u64) -> Arc<MemoryLog> {
    let log = Arc::new(MemoryLog::new());
    let (from, until) = ("2025-01-01".parse().unwrap(), "2025-09-30".parse().unwrap());
    live_through(&log, &Plan { seed, merchants: 25, from, until }, |_, _| {});
    log
}

fn policies() -> Arc<Policies> {
    Arc::new(Policies::built_in().unwrap())
}

/// The picture of a log up to a position, folded event by event.
fn fold(log: &dyn EventLog, until: Position) -> Picture {
    let mut picture = Picture::new(policies());
    for recorded in log.read_all(0, usize::try_from(until).unwrap()).unwrap() {
        picture.fold_recorded(&recorded, log).unwrap();
    }
    picture
}

#[track_caller]
fn assert_same(picture: &Picture, other: &Picture) {
    assert_eq!(picture.position, other.position);
    assert_eq!(picture.marks, other.marks);
    assert_eq!(picture.world.head(), other.world.head());
    assert_eq!(picture.lights.entries(), other.lights.entries());
    assert!(picture.world.merchants() == other.world.merchants(), "merchants differ");
    for merchant in picture.world.merchants().iter() {
        assert_eq!(picture.world.index_of(merchant.code), other.world.index_of(merchant.code));
        assert_eq!(picture.world.linked(merchant, u64::MAX), other.world.linked(merchant, u64::MAX));
        assert_eq!(picture.world.linked_closers(merchant, u64::MAX), other.world.linked_closers(merchant, u64::MAX));
        for complaint in &merchant.complaints {
            assert_eq!(other.world.ticket_owner(&complaint.ticket), Some(merchant.code));
        }
    }
    assert_eq!(picture.rises, other.rises);
    assert_eq!(picture.outbox, other.outbox);
    assert_eq!(picture.cases, other.cases);
    assert_eq!(picture.tickets, other.tickets);
    assert_eq!(picture.sources, other.sources);
    assert!(picture.keys.all().eq(other.keys.all()));
}

fn loaded(path: &Path, log: &dyn EventLog) -> Result<Picture, Unfit> {
    let mut picture = load(path, log, policies())?;
    picture.catch_up(log).unwrap();
    Ok(picture)
}

fn room() -> (tempfile::TempDir, PathBuf) {
    let room = tempfile::tempdir().unwrap();
    let path = room.path().join(FILE);
    (room, path)
}

#[test]
fn a_snapshot_and_what_came_after_it_are_the_whole_log() {
    let log = lived(1);
    let whole = fold(&*log, log.head());
    assert!(whole.lights.entries().len() > 5, "lights are part of the trial");
    let (_room, path) = room();
    for tenth in [0, 1, 2, 5, 9, 10] {
        let part = fold(&*log, (log.head() * tenth / 10).max(1));
        write(&path, &part, &*log).unwrap();
        assert_same(&load(&path, &*log, policies()).unwrap(), &part);
        assert_same(&loaded(&path, &*log).unwrap(), &whole);
    }
}

fn bytes(picture: &Picture) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_to(&mut bytes, picture, [0; 32]).unwrap();
    bytes
}

/// Law 3: whatever way a picture was come by, it is the log's, to the last byte.
#[test]
fn pictures_of_one_log_write_the_same_bytes_however_they_were_come_by() {
    let log = lived(1);
    let whole = Picture::replay(&*log, policies()).unwrap();
    let (_room, path) = room();
    write(&path, &fold(&*log, log.head() / 2), &*log).unwrap();
    let resumed = loaded(&path, &*log).unwrap();
    // With nothing after it to make good what it left out.
    write(&path, &whole, &*log).unwrap();
    let kept = loaded(&path, &*log).unwrap();
    std::fs::remove_file(&path).unwrap();
    let again = Picture::replay(&*log, policies()).unwrap();
    for other in [&fold(&*log, log.head()), &resumed, &kept, &again] {
        assert_same(other, &whole);
        assert!(bytes(other) == bytes(&whole), "snapshots differ");
    }
}

#[test]
fn a_snapshot_of_another_log_or_of_a_longer_one_is_not_used() {
    let (log, other) = (lived(1), lived(3));
    let (_room, path) = room();
    write(&path, &fold(&*log, log.head()), &*log).unwrap();
    assert!(matches!(loaded(&path, &*other), Err(Unfit::Foreign)));
    assert!(matches!(loaded(&path, &MemoryLog::new()), Err(Unfit::Foreign)));
}

#[test]
fn a_snapshot_of_another_version_is_not_used() {
    let log = lived(1);
    let (_room, path) = room();
    write(&path, &fold(&*log, log.head()), &*log).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[8] += 1;
    std::fs::write(&path, &bytes).unwrap();
    assert!(matches!(loaded(&path, &*log), Err(Unfit::Version)));
}

#[test]
fn a_damaged_or_shortened_snapshot_is_not_used() {
    let log = lived(1);
    let (_room, path) = room();
    write(&path, &fold(&*log, log.head()), &*log).unwrap();
    let whole = std::fs::read(&path).unwrap();
    for place in (0..whole.len()).step_by(whole.len() / 200 + 1) {
        let mut damaged = whole.clone();
        damaged[place] ^= 0x10;
        std::fs::write(&path, &damaged).unwrap();
        assert!(loaded(&path, &*log).is_err(), "byte {place} was changed");
        std::fs::write(&path, &whole[..place]).unwrap();
        assert!(loaded(&path, &*log).is_err(), "cut at {place}");
    }
}

/// The sections of a snapshot, each with the length before it.
fn sections(bytes: &[u8]) -> Vec<std::ops::Range<usize>> {
    let mut at = file::start().len();
    let mut found = Vec::new();
    while at < bytes.len() {
        let length = u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        found.push(at..at + 4 + length);
        at += 4 + length;
    }
    found
}

#[test]
fn a_snapshot_without_one_of_its_sections_or_with_one_twice_is_not_used() {
    let log = lived(1);
    let (_room, path) = room();
    write(&path, &fold(&*log, log.head()), &*log).unwrap();
    let whole = std::fs::read(&path).unwrap();
    let sections = sections(&whole);
    assert!(sections.len() > 5, "each part has one at least");
    for section in sections {
        let (before, rest) = whole.split_at(section.start);
        let (cut, after) = rest.split_at(section.len());
        std::fs::write(&path, [before, after].concat()).unwrap();
        assert!(loaded(&path, &*log).is_err(), "{section:?} was cut out");
        std::fs::write(&path, [before, cut, cut, after].concat()).unwrap();
        assert!(loaded(&path, &*log).is_err(), "{section:?} was doubled");
    }
}

#[test]
fn few_new_events_are_not_worth_a_snapshot_at_the_end_and_many_are() {
    let log = lived(1);
    let (room, path) = room();
    let picture = fold(&*log, log.head());
    let stop = |few: u64| SnapshotKeeper::new(room.path(), log.clone(), 0).worth(few).stop(&picture);
    stop(log.head() + 1);
    assert!(!path.exists());
    stop(log.head());
    assert_same(&loaded(&path, &*log).unwrap(), &picture);
}

/// Every event of the contract, as its example says it, in the order of their names.
fn examples() -> Vec<Event> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("events");
    let mut names: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".example.json") && !name.starts_with("envelope"))
        .collect();
    names.sort();
    let decode = |name: &String| {
        let (event_type, version) = name.trim_end_matches(".example.json").rsplit_once(".v").unwrap();
        let text = std::fs::read_to_string(folder.join(name)).unwrap();
        Event::decode(event_type, version.parse().unwrap(), &text).unwrap()
    };
    names.iter().map(decode).collect()
}

/// What the folds make of the examples of the contract, as bytes of a snapshot. If this test fails, then a fold or the way
/// it is written changed, and old snapshots must not be read: raise [`FOLD`], and put the new digest beside it. (If only an
/// example was added, the number may stay.)
#[test]
fn a_change_of_the_fold_needs_a_new_version() {
    const GOLDEN: (u32, &str) = (28, "1a5ce1c72df44189aa10bd25c44d10de3842c95364da39dac817952cd876dabc");
    let mut picture = Picture::new(policies());
    for (position, event) in (1..).zip(examples()) {
        let recorded_at = start_of("2025-10-01".parse().unwrap());
        let id = Uuid::from_u128(position.into());
        let written = NewEvent::new(id, recorded_at, &Origin::of("test"), &event);
        picture.fold_written(Stamp { position, recorded_at, history: false }, &written, &MemoryLog::new()).unwrap();
    }
    let mut bytes = Vec::new();
    write_to(&mut bytes, &picture, [0; 32]).unwrap();
    let digest = hex(&Sha256::digest(&bytes[file::start().len()..]));
    assert_eq!((FOLD, digest.as_str()), GOLDEN);
}

#[test]
fn a_log_that_holds_less_than_a_whole_snapshot_beside_it_was_cut_short() {
    let log = lived(1);
    let (room, path) = room();
    let holds = |head: Position| match hold_against(room.path(), || head) {
        Ok(()) => None,
        Err(LogError::Corrupt { position, what }) => {
            assert!(what.contains(FILE) && what.contains(&log.head().to_string()), "{what}");
            Some(position)
        }
        Err(other) => panic!("{other}"),
    };
    assert_eq!(holds(0), None, "no snapshot, no witness");
    write(&path, &fold(&*log, log.head()), &*log).unwrap();
    for (head, found) in [(0, Some(1)), (5, Some(6)), (log.head() - 1, Some(log.head())), (log.head(), None)] {
        assert_eq!(holds(head), found, "a log of {head}");
    }
    assert_eq!(holds(log.head() + 1), None, "a log goes on after its snapshot");
    // A snapshot that is not as it was written is no witness.
    let sound = std::fs::read(&path).unwrap();
    let places = (0..100).map(|part| sound.len() * part / 100);
    for place in places {
        let mut damaged = sound.clone();
        damaged[place] ^= 4;
        std::fs::write(&path, &damaged).unwrap();
        // Only what names the software that wrote it may be another.
        assert!(holds(0).is_none() || (8..start().len()).contains(&place), "byte {place}");
        std::fs::write(&path, &sound[..place]).unwrap();
        assert_eq!(holds(0), None, "cut at {place}");
    }
    std::fs::write(&path, &sound).unwrap();
    remove(room.path()).unwrap();
    remove(room.path()).unwrap();
    assert_eq!(holds(0), None);
}
