//! The inbox: what is whole is taken once, moved away with its papers, and what cannot be is told.

use super::app::{App, HERE};
use serde_json::json;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use warnlight::clock::{Clock, ManualClock};
use warnlight::domain::time::Instant;
use warnlight::domain::words::Role;
use warnlight::log::memory::MemoryLog;
use warnlight::service::start_desk;
use warnlight::settings::Settings;
use warnlight::taking::inbox::{Care, Inbox};
use warnlight::taking::tray::{State, Tray};

struct Room {
    app: App,
    folder: tempfile::TempDir,
    inbox: Inbox,
}

fn open(app: &App, folder: &Path) -> Inbox {
    let tray = Tray::start(app.desk.clone(), warnlight::intake::profile::Profiles::built_in(), &folder.join("imports"));
    let settle = jiff::SignedDuration::from_secs(10);
    let care = Care { folder: folder.join("in"), settle, history: false, days: Some(30) };
    Inbox::open(care, Arc::new(tray.unwrap()), app.clock.clone()).unwrap()
}

impl Room {
    fn new() -> Self {
        let (app, folder) = (App::start(), tempfile::tempdir().unwrap());
        let inbox = open(&app, folder.path());
        Self { app, folder, inbox }
    }

    fn put(&self, name: &str, held: &str) {
        let path = self.folder.path().join("in").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("统一社会信用代码,报送日期,存管余额\n{HERE},2025-06-20,{held}\n")).unwrap();
    }

    /// Looks twice, so long apart that what stood still is whole.
    fn settle(&self) {
        self.inbox.look();
        self.app.clock.advance(jiff::SignedDuration::from_secs(10));
        self.inbox.look();
    }

    /// The files below a shelf, without the times in the names of their folders.
    fn shelf(&self, name: &str) -> Vec<String> {
        let mut found = Vec::new();
        for entry in fs::read_dir(self.folder.path().join("in").join(name)).unwrap() {
            let path = entry.unwrap().path();
            let title = path.file_name().unwrap().to_str().unwrap().split_once("Z-").unwrap().1.to_owned();
            found.extend(files(&path).into_iter().map(|file| format!("{title}/{file}")));
        }
        found.sort();
        found
    }

    fn head(&self) -> u64 {
        self.app.desk.log().head()
    }
}

fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![PathBuf::new()];
    while let Some(below) = open.pop() {
        for entry in fs::read_dir(folder.join(&below)).unwrap() {
            let path = below.join(entry.unwrap().file_name());
            if folder.join(&path).is_dir() { open.push(path) } else { found.push(path.to_str().unwrap().to_owned()) }
        }
    }
    found
}

#[test]
fn what_is_whole_is_taken_and_moved_away_with_its_papers() {
    let room = Room::new();
    room.put("bank/存管余额.csv", "7.00");
    room.put("bad.csv", "seven");
    room.put("half.csv.part", "7.00");
    room.inbox.look();
    let before = room.head();
    room.app.clock.advance(jiff::SignedDuration::from_secs(9));
    room.inbox.look();
    assert_eq!(room.head(), before, "it may grow still");
    room.app.clock.advance(jiff::SignedDuration::from_secs(1));
    room.inbox.look();
    assert_eq!(room.shelf("done"), ["bank_存管余额.csv/papers/receipts.csv", "bank_存管余额.csv/存管余额.csv"]);
    let refused = room.shelf("refused");
    assert!(
        refused.contains(&"bad.csv/bad.csv".to_owned()) && refused.contains(&"bad.csv/papers/refused.xlsx".to_owned())
    );
    let in_it = files(&room.folder.path().join("in"));
    assert_eq!(in_it.iter().filter(|file| !file.starts_with("done/") && !file.starts_with("refused/")).count(), 1);
    assert_eq!(room.inbox.in_trouble(), 0);
    let file = room.app.get(&format!("/api/v1/merchants/{HERE}/timeline")).role(Role::Admin).ok().text;
    assert!(file.contains("7.00"), "{file}");
}

#[test]
fn the_same_file_twice_is_harmless_and_both_are_kept() {
    let room = Room::new();
    room.put("a.csv", "1.00");
    room.settle();
    room.app.tell(&[json!({ "command": "report_custody", "credit_code": HERE, "date": "2025-06-20", "held": "9.00" })]);
    let before = room.head();
    room.put("a.csv", "1.00");
    room.settle();
    assert_eq!(room.head(), before, "nothing is said again");
    let kept = room.shelf("done").iter().filter(|file| file.ends_with("/a.csv")).count();
    assert_eq!(kept, 2);
}

#[test]
fn what_cannot_be_moved_or_is_a_link_is_told_and_tried_again() {
    let room = Room::new();
    let done = room.folder.path().join("in");
    std::os::unix::fs::symlink("/etc/passwd", done.join("link.csv")).unwrap();
    room.put("a.csv", "1.00");
    // Where everything may be written, as for root, nothing can be forbidden: a file in the place of the shelf does as well.
    fs::remove_dir(done.join("done")).unwrap();
    fs::write(done.join("done"), "").unwrap();
    room.settle();
    assert_eq!(room.inbox.in_trouble(), 2, "the link, and the file that stays");
    assert!(done.join("a.csv").exists() || files(&done).iter().any(|file| file.ends_with("a.csv")));
    let before = room.head();
    fs::remove_file(done.join("done")).unwrap();
    fs::create_dir(done.join("done")).unwrap();
    room.inbox.look();
    room.app.clock.advance(jiff::SignedDuration::from_mins(1));
    // As after a start: what was put together is finished.
    let inbox = open(&room.app, room.folder.path());
    inbox.look();
    room.app.clock.advance(jiff::SignedDuration::from_mins(1));
    inbox.look();
    assert_eq!((inbox.in_trouble(), room.head()), (1, before), "it was taken before, so nothing is said again");
    assert_eq!(room.shelf("done").iter().filter(|file| file.ends_with("/a.csv")).count(), 1);
    assert!(fs::symlink_metadata(done.join("link.csv")).unwrap().is_symlink());
    let mode = fs::metadata(room.folder.path().join("imports")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn what_was_taken_and_cannot_be_moved_is_not_taken_again() {
    let room = Room::new();
    let (inbox, imports) = (room.folder.path().join("in"), room.folder.path().join("imports"));
    room.put("a.csv", "1.00");
    fs::remove_dir(inbox.join("done")).unwrap();
    fs::write(inbox.join("done"), "").unwrap();
    room.settle();
    let again = || {
        room.app.clock.advance(jiff::SignedDuration::from_mins(1));
        room.inbox.look();
        fs::read_dir(&imports).unwrap().count()
    };
    assert_eq!((again(), again()), (1, 1), "it has the papers of one import");
    assert!(inbox.join("a.csv").exists());
    assert_eq!(fs::read_dir(&inbox).unwrap().count(), 3, "nothing begun is left beside it and the two shelves");
    assert_eq!(room.inbox.in_trouble(), 1);
    fs::remove_file(inbox.join("done")).unwrap();
    fs::create_dir(inbox.join("done")).unwrap();
    assert_eq!((again(), room.inbox.in_trouble()), (1, 0));
    assert_eq!(room.shelf("done"), ["a.csv/a.csv", "a.csv/papers/receipts.csv"]);
}

#[test]
fn what_cannot_be_moved_onto_its_shelf_is_told_at_the_start() {
    let room = Room::new();
    let inbox = room.folder.path().join("in");
    fs::remove_dir(inbox.join("done")).unwrap();
    std::os::unix::fs::symlink("/proc", inbox.join("done")).unwrap();
    let care = Care { folder: inbox, settle: jiff::SignedDuration::ZERO, history: false, days: None };
    let tray = Tray::start(
        room.app.desk.clone(),
        warnlight::intake::profile::Profiles::built_in(),
        &room.folder.path().join("imports-too"),
    );
    let error = Inbox::open(care, Arc::new(tray.unwrap()), room.app.clock.clone()).unwrap_err().to_string();
    assert!(error.contains("symbolic link"), "{error}");
}

/// A clock in the place of a reader with a fault: so often, it ends the thread that takes files by a panic.
#[derive(Debug)]
struct Faulty {
    clock: ManualClock,
    left: AtomicUsize,
}

impl Clock for Faulty {
    fn now(&self) -> Instant {
        let less = |left: usize| left.checked_sub(1);
        let takes = std::thread::current().name() == Some("imports");
        let faulty = takes && self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok();
        assert!(!faulty, "a fault of a reader");
        self.clock.now()
    }
}

/// Looks at an inbox of two files whose taking has so many faults; returns the states of their imports, and what is in trouble.
fn with_faults(faults: usize) -> (Vec<State>, usize) {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::new("2025-06-30T10:00:00Z".parse().unwrap());
    let clock = Arc::new(Faulty { clock, left: AtomicUsize::new(faults) });
    let settings = Settings::from_layers(None, std::collections::HashMap::new()).unwrap();
    let desk = start_desk(&settings, Arc::new(MemoryLog::new()), clock.clone()).unwrap();
    let profiles = warnlight::intake::profile::Profiles::built_in();
    let tray = Arc::new(Tray::start(desk, profiles, &folder.path().join("imports")).unwrap());
    let care =
        Care { folder: folder.path().join("in"), settle: jiff::SignedDuration::ZERO, history: false, days: None };
    let inbox = Inbox::open(care, tray.clone(), clock).unwrap();
    for name in ["a.csv", "b.csv"] {
        let text = format!("统一社会信用代码,报送日期,存管余额\n{HERE},2025-06-20,{name}\n");
        fs::write(folder.path().join("in").join(name), text).unwrap();
    }
    inbox.look();
    let mut records = tray.records(9, |_| true);
    records.sort_by(|one, other| one.file.cmp(&other.file));
    (records.iter().map(|record| record.state).collect(), inbox.in_trouble())
}

#[test]
fn a_fault_of_a_reader_costs_the_file_that_shows_it_and_no_other() {
    assert_eq!(with_faults(1), (vec![State::Failed, State::Taken], 1));
}

#[test]
fn nobody_waits_on_a_thread_that_is_gone() {
    let (states, in_trouble) = with_faults(2);
    assert_eq!((states.first(), in_trouble), (Some(&State::BrokenOff), 2));
}

#[test]
fn what_was_done_with_goes_when_its_days_are_over_and_nothing_else() {
    let room = Room::new();
    room.put("a.csv", "1.00");
    room.settle();
    assert_eq!(fs::read_dir(room.folder.path().join("in/done")).unwrap().count(), 1);
    let others = room.folder.path().join("in/done/notes-of-ours");
    fs::create_dir(&others).unwrap();
    let head = room.app.desk.log().head();
    room.app.clock.advance(jiff::SignedDuration::from_hours(29 * 24));
    room.inbox.look();
    assert_eq!(fs::read_dir(room.folder.path().join("in/done")).unwrap().count(), 2);
    room.app.clock.advance(jiff::SignedDuration::from_hours(2 * 24));
    room.inbox.look();
    assert_eq!(fs::read_dir(room.folder.path().join("in/done")).unwrap().count(), 1);
    assert!(others.exists() && room.app.desk.log().head() >= head);
}
