//! What the desk reads of the log: events that were appended together show together, wherever a page ends, and a start reads
//! what came after the snapshot.

use crate::watch::stage::{start, time};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;
use uuid::Uuid;
use warnlight::clock::ManualClock;
use warnlight::domain::envelope::{NewEvent, Position, Recorded, Revision};
use warnlight::domain::time::Instant;
use warnlight::log::contract::{
    Append, Appended, EventLog, EventRef, Expected, LogError, Pending, Subscription, Verified,
};
use warnlight::log::embedded::{EmbeddedLog, Options};
use warnlight::log::memory::MemoryLog;
use warnlight::picture::Published;
use warnlight::picture::snapshot::FILE;
use warnlight::policy::Policies;

const NOW: &str = "2025-03-05T10:30:00";

/// A log that notes what is read of it, and what was published when more was asked for.
struct Noting {
    inner: Arc<dyn EventLog>,
    read: Mutex<Vec<Position>>,
    published: OnceLock<Arc<Published>>,
    shown: Mutex<Vec<Position>>,
    /// Holds the next reading until the test lets it go.
    held: Mutex<Option<(Sender<()>, Receiver<()>)>>,
}

impl Noting {
    fn over(inner: Arc<dyn EventLog>) -> Arc<Self> {
        let (read, shown, held) = (Mutex::default(), Mutex::default(), Mutex::default());
        Arc::new(Self { inner, read, published: OnceLock::new(), shown, held })
    }

    fn note(&self, read: &[Recorded]) {
        self.read.lock().unwrap().extend(read.iter().map(|recorded| recorded.position));
    }
}

impl EventLog for Noting {
    fn submit(&self, append: Append) -> Pending {
        self.inner.submit(append)
    }

    fn head(&self) -> Position {
        self.inner.head()
    }

    fn folder(&self) -> Option<&Path> {
        self.inner.folder()
    }

    fn read_stream(&self, stream: &str, from: Revision, limit: usize) -> Result<Vec<Recorded>, LogError> {
        let read = self.inner.read_stream(stream, from, limit)?;
        self.note(&read);
        Ok(read)
    }

    fn read_all(&self, after: Position, limit: usize) -> Result<Vec<Recorded>, LogError> {
        if let Some(published) = self.published.get() {
            self.shown.lock().unwrap().push(published.position());
        }
        if let Some((reached, go)) = self.held.lock().unwrap().take() {
            reached.send(()).unwrap();
            go.recv().unwrap();
        }
        let read = self.inner.read_all(after, limit)?;
        self.note(&read);
        Ok(read)
    }

    fn scan_unchecked(
        &self,
        after: Position,
        visit: &mut dyn FnMut(EventRef<'_>) -> ControlFlow<()>,
    ) -> Result<(), LogError> {
        self.inner.scan_unchecked(after, &mut |seen| {
            self.read.lock().unwrap().push(seen.position);
            visit(seen)
        })
    }

    fn ids_at(&self, positions: &[Position]) -> Result<Vec<Uuid>, LogError> {
        self.read.lock().unwrap().extend(positions);
        self.inner.ids_at(positions)
    }

    fn position_at(&self, at: Instant) -> Result<Position, LogError> {
        self.inner.position_at(at)
    }

    fn find_key(&self, key: &str) -> Result<Option<Appended>, LogError> {
        self.inner.find_key(key)
    }

    fn subscribe(&self, after: Position) -> Result<Box<dyn Subscription>, LogError> {
        self.inner.subscribe(after)
    }

    fn verify(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<Verified, LogError> {
        self.inner.verify(progress)
    }

    fn backup(&self, target: &Path) -> Result<Verified, LogError> {
        self.inner.backup(target)
    }
}

/// An append of so many events that change no light.
fn append(events: usize) -> Append {
    let event = |_| NewEvent {
        id: Uuid::now_v7(),
        event_type: "user.created".into(),
        schema_version: 1,
        occurred_at: time(NOW),
        actor: "test".into(),
        causation: None,
        correlation: None,
        history: false,
        data: r#"{"user":"zhou.min"}"#.into(),
    };
    Append {
        stream: "users".into(),
        expected: Expected::Any,
        recorded_at: time(NOW),
        idempotency_key: None,
        events: (0..events).map(event).collect(),
    }
}

#[test]
fn events_appended_together_show_together_wherever_a_page_ends() {
    let inner: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
    let log = Noting::over(inner.clone());
    let face: Arc<dyn EventLog> = log.clone();
    let clock = Arc::new(ManualClock::new(time(NOW)));
    let desk = start(&face, &clock, Policies::built_in().unwrap()).unwrap();
    log.published.set(desk.published().clone()).unwrap();
    // While the desk reads the first, so many come that any page of fewer than 5,000 ends within an append of three.
    let ((tell, reached), (go, wait)) = (channel(), channel());
    *log.held.lock().unwrap() = Some((tell, wait));
    let mut ends = vec![desk.published().position()];
    ends.push(inner.append(append(1)).unwrap().last);
    reached.recv_timeout(Duration::from_secs(60)).unwrap();
    for _ in 0..1_700 {
        ends.push(inner.append(append(3)).unwrap().last);
    }
    go.send(()).unwrap();
    let last = *ends.last().unwrap();
    let patience = Duration::from_secs(60);
    assert_eq!(desk.published().wait_for(last, patience).position, last);
    desk.stop();
    let shown = log.shown.lock().unwrap();
    assert!(shown.len() > 4, "several pages were read: {shown:?}");
    for position in shown.iter() {
        assert!(ends.contains(position), "{position} lies within an append");
    }
}

#[test]
fn a_start_reads_what_came_after_the_snapshot_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::new(time(NOW)));
    let policies = || Policies::built_in().unwrap();
    let open = || -> Arc<dyn EventLog> { Arc::new(EmbeddedLog::open(dir.path(), &Options::default()).unwrap()) };
    {
        let log = open();
        // More than are folded faster than noticed.
        for _ in 0..110 {
            log.append(append(100)).unwrap();
        }
        start(&log, &clock, policies()).unwrap().stop();
    }
    assert!(dir.path().join(FILE).exists(), "a snapshot was written");
    let inner = open();
    let of_snapshot = inner.head();
    for _ in 0..7 {
        inner.append(append(1)).unwrap();
    }
    let log = Noting::over(inner);
    let face: Arc<dyn EventLog> = log.clone();
    start(&face, &clock, policies()).unwrap().stop();
    let read = log.read.lock().unwrap();
    let (before, after): (Vec<Position>, Vec<Position>) = read.iter().partition(|position| **position <= of_snapshot);
    assert_eq!(after, (of_snapshot + 1..=of_snapshot + 7).collect::<Vec<_>>());
    // The event whose digest the snapshot names is looked at, to see that it is of this log.
    assert!(before.len() <= 1 && before.iter().all(|position| *position == of_snapshot), "{before:?}");
}
