//! A log that several nodes share, as one of them sees it over a line that can be held, or fail for one of its threads.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;
use uuid::Uuid;
use warnlight::domain::envelope::{Position, Recorded, Revision};
use warnlight::domain::time::Instant;
use warnlight::log::contract::{Append, Appended, EventLog, EventRef, LogError, Pending, Subscription, Verified};

/// The log over a line of its own.
#[derive(Clone)]
pub(super) struct Line {
    log: Arc<dyn EventLog>,
    state: Arc<(Mutex<State>, Condvar)>,
}

#[derive(Default)]
struct State {
    held_at: Option<Position>,
    behind: Duration,
    deaf: Option<&'static str>,
}

impl State {
    fn is_deaf(&self) -> bool {
        self.deaf.is_some() && std::thread::current().name() == self.deaf
    }
}

impl Line {
    pub(super) fn to(log: Arc<dyn EventLog>) -> Self {
        Self { log, state: Arc::default() }
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.0.lock().unwrap());
        self.state.1.notify_all();
    }

    /// From now on nothing new comes over the line.
    pub(super) fn hold(&self) {
        let head = self.log.head();
        self.change(|state| state.held_at = Some(head));
    }

    pub(super) fn release(&self) {
        self.change(|state| state.held_at = None);
    }

    /// What the engine says about how long it may have missed something.
    pub(super) fn set_behind(&self, behind: Duration) {
        self.change(|state| state.behind = behind);
    }

    /// A thread of the node (`desk`, `mail`, `keys`) is not told what the others are.
    pub(super) fn deafen(&self, thread: &'static str) {
        self.change(|state| state.deaf = Some(thread));
    }

    /// Everybody hears again.
    pub(super) fn mend(&self) {
        self.change(|state| state.deaf = None);
    }

    fn limit(&self) -> Position {
        self.state.0.lock().unwrap().held_at.unwrap_or(Position::MAX)
    }
}

impl EventLog for Line {
    fn submit(&self, append: Append) -> Pending {
        self.log.submit(append)
    }

    fn head(&self) -> Position {
        self.log.head().min(self.limit())
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn behind(&self) -> Duration {
        self.state.0.lock().unwrap().behind
    }

    fn read_stream(&self, stream: &str, from: Revision, limit: usize) -> Result<Vec<Recorded>, LogError> {
        let mut events = self.log.read_stream(stream, from, limit)?;
        events.retain(|event| event.position <= self.limit());
        Ok(events)
    }

    fn read_all(&self, after: Position, limit: usize) -> Result<Vec<Recorded>, LogError> {
        if self.state.0.lock().unwrap().is_deaf() {
            return Err(LogError::Unavailable("the line is bad".to_owned()));
        }
        let mut events = self.log.read_all(after, limit)?;
        events.retain(|event| event.position <= self.limit());
        Ok(events)
    }

    fn scan_unchecked(
        &self,
        after: Position,
        visit: &mut dyn FnMut(EventRef<'_>) -> ControlFlow<()>,
    ) -> Result<(), LogError> {
        let limit = self.limit();
        self.log.scan_unchecked(after, &mut |event| {
            if event.position > limit { ControlFlow::Break(()) } else { visit(event) }
        })
    }

    fn ids_at(&self, positions: &[Position]) -> Result<Vec<Uuid>, LogError> {
        self.log.ids_at(positions)
    }

    fn position_at(&self, at: Instant) -> Result<Position, LogError> {
        Ok(self.log.position_at(at)?.min(self.limit()))
    }

    fn find_key(&self, key: &str) -> Result<Option<Appended>, LogError> {
        self.log.find_key(key)
    }

    fn subscribe(&self, after: Position) -> Result<Box<dyn Subscription>, LogError> {
        Ok(Box::new(Feed { feed: self.log.subscribe(after)?, line: self.clone(), waiting: Vec::new() }))
    }

    fn verify(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<Verified, LogError> {
        self.log.verify(progress)
    }

    fn backup(&self, target: &Path) -> Result<Verified, LogError> {
        self.log.backup(target)
    }
}

struct Feed {
    feed: Box<dyn Subscription>,
    line: Line,
    waiting: Vec<Recorded>,
}

impl Subscription for Feed {
    fn next(&mut self, patience: Duration) -> Result<Vec<Recorded>, LogError> {
        if self.waiting.is_empty() {
            self.waiting = self.feed.next(patience)?;
        }
        let Some(first) = self.waiting.first().map(|first| first.position) else { return Ok(Vec::new()) };
        let (state, changed) = &*self.line.state;
        let is_held = |state: &mut State| state.is_deaf() || state.held_at.is_some_and(|held_at| held_at < first);
        let (state, _) = changed.wait_timeout_while(state.lock().unwrap(), patience, is_held).unwrap();
        let limit = if state.is_deaf() { 0 } else { state.held_at.unwrap_or(Position::MAX) };
        let (come, waiting) = std::mem::take(&mut self.waiting).into_iter().partition(|event| event.position <= limit);
        self.waiting = waiting;
        Ok(come)
    }
}
