//! Files handed to the running service: they are taken one after the other, in the order in which they came, by a thread of
//! their own; previews have another, so that nobody waits with a question behind a large file.
//!
//! A file that was handed in lies in a file without a name until it was taken, and is gone with the process: what it says about
//! persons never stays on a disk. If the service stops meanwhile, its record says so, and the same file again does the rest.

mod keeping;
mod record;
mod shelf;

pub use keeping::Keeping;
pub use record::{AsRequest, Failure, Findings, Record, State, Told};

use super::speaker::why_shut_out;
use super::tally::Step;
use super::{Decider, Ended, Import, Speaker, TakingError};
use crate::desk::{Desk, not_recorded};
use crate::domain::envelope::Origin;
use crate::intake::profile::{How, Profiles};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};
use jiff::SignedDuration;
use shelf::Shelf;
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use tokio::sync::watch;
use uuid::Uuid;

/// Files that wait at most, each thread's.
const MOST_WAITING: usize = 128;
/// Previews at most that wait for somebody to confirm them: each holds its file.
const MOST_PREVIEWED: usize = 128;
/// How many of those places one key takes at most: no one keeps the others out. A form hands in ten files at a time.
const SHARE: usize = 32;
/// How long a preview waits for that.
const PATIENCE: SignedDuration = SignedDuration::from_hours(1);

/// Why a file is not taken in hand.
#[derive(Debug, thiserror::Error)]
pub enum TrayError {
    /// The folder of the papers cannot be written.
    #[error("the folder of imports cannot be written: {0}")]
    Io(#[from] io::Error),
    /// Too many wait already.
    #[error("{MOST_WAITING} files wait already; hand it in again in a moment")]
    Full,
    /// Too many of one key's wait already.
    #[error(
        "{SHARE} files of this key wait already; hand it in when they are done with, or pack several into a zip archive"
    )]
    Share,
    /// The service is stopping.
    #[error("the service is stopping; hand it in again in a moment")]
    Stopped,
    /// There is no such file.
    #[error("there is no import `{0}`")]
    NotFound(Uuid),
    /// It was not tried on, or its file is gone.
    #[error("import `{0}` is no preview that waits to be confirmed; hand its file in again")]
    NoPreview(Uuid),
    /// The request's own key was used for other content.
    #[error("the idempotency key was used before for another file, or other options; use a new key for a new request")]
    KeyReused,
}

/// A file on its way in.
#[derive(Debug)]
pub struct Handed {
    /// Its bytes.
    pub file: File,
    /// What is known of it; its state says whether it is to be taken or tried.
    pub record: Record,
    /// In whose name.
    pub speaker: Speaker,
}

/// The files handed to the running service.
pub struct Tray {
    inner: Arc<Inner>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

struct Inner {
    desk: Desk,
    profiles: Arc<Profiles>,
    shelf: Shelf,
    keeping: Keeping,
    entries: Mutex<BTreeMap<Uuid, Arc<Entry>>>,
    lines: Mutex<Option<Lines>>,
    stopping: AtomicBool,
}

/// Where files wait for their turn.
struct Lines {
    to_take: Sender<Arc<Entry>>,
    to_try: Sender<Arc<Entry>>,
}

/// A file, its newest record, and what is needed to take it.
struct Entry {
    record: watch::Sender<Arc<Record>>,
    waiting: Mutex<Option<(File, Speaker)>>,
}

impl Tray {
    /// Opens the tray of a desk; papers go below `folder`.
    ///
    /// # Errors
    /// The folder cannot be read or written, or there are no threads to be had.
    pub fn start(desk: Desk, profiles: Arc<Profiles>, folder: &Path) -> io::Result<Self> {
        Self::keeping(desk, profiles, folder, Keeping::default())
    }

    /// The same with other limits on papers.
    ///
    /// # Errors
    /// See [`start`](Self::start).
    pub fn keeping(desk: Desk, profiles: Arc<Profiles>, folder: &Path, keeping: Keeping) -> io::Result<Self> {
        let shelf = Shelf::open(folder)?;
        let known = shelf.records()?.into_iter().map(|(id, record)| (id, Arc::new(Entry::new(record, None))));
        let entries = Mutex::new(known.collect());
        let (to_take, taking) = bounded(MOST_WAITING);
        let (to_try, trying) = bounded(MOST_WAITING);
        let lines = Mutex::new(Some(Lines { to_take, to_try }));
        let inner =
            Arc::new(Inner { desk, profiles, shelf, keeping, entries, lines, stopping: AtomicBool::new(false) });
        inner.forget_old();
        let tray = Self { inner, threads: Mutex::default() };
        for (name, line) in [("imports", taking), ("previews", trying)] {
            let inner = tray.inner.clone();
            let tries = name == "previews";
            let work = move || {
                // Caught once more: whatever ends this thread, nobody waits for ever on what it held.
                let worked = catch_unwind(AssertUnwindSafe(|| inner.work(line)));
                inner.leave(tries);
                worked.unwrap_or_else(|panic| resume_unwind(panic));
            };
            let thread = Builder::new().name(name.to_owned()).spawn(work)?;
            held(&tray.threads).push(thread);
        }
        Ok(tray)
    }

    /// Returns the profiles of sources by which files are read.
    #[must_use]
    pub fn profiles(&self) -> &Arc<Profiles> {
        &self.inner.profiles
    }

    /// Returns a file without a name, to receive bytes in.
    ///
    /// # Errors
    /// The disk says no.
    pub fn nameless(&self) -> io::Result<File> {
        self.inner.shelf.nameless()
    }

    /// Puts a file at the end of the line: to be taken if its state is `Waiting`, else to be tried. Returns its id; of a request that
    /// was made before, that of the file it brought then (law 2). A file that was not taken to its end may come again with the same
    /// request, and is taken anew: nothing of it is done twice, and the rest would be lost.
    ///
    /// # Errors
    /// See [`TrayError`]; then it is not in the line.
    pub fn put(&self, handed: Handed) -> Result<Uuid, TrayError> {
        let Handed { file, record, speaker } = handed;
        self.inner.clear_away(&record)?;
        let (id, is_to_take) = (record.id, record.state == State::Waiting);
        let entry = Arc::new(Entry::new(record, Some((file, speaker))));
        {
            // Under one lock, so that of two requests with one key one comes first.
            let mut entries = held(&self.inner.entries);
            if let Some(request) = &entry.now().request
                && let Some(known) = asked_before(&entries, request)?
            {
                return Ok(known);
            }
            has_room(&entries, &entry.now())?;
            entries.insert(id, entry.clone());
        }
        let kept = self.inner.shelf.keep(&entry.now()).map_err(TrayError::from);
        let put = kept.and_then(|()| self.inner.line_up(&entry, is_to_take));
        put.map(|()| id).inspect_err(|_| self.inner.forget(id))
    }

    /// Has a file taken that was tried. One that is taken already, or was, stays as it is.
    ///
    /// # Errors
    /// See [`TrayError`].
    pub fn confirm(&self, id: Uuid) -> Result<Arc<Record>, TrayError> {
        let mut was = None;
        let entry = {
            // Under the lock under which previews are forgotten: what is confirmed is there still.
            let entries = held(&self.inner.entries);
            let entry = entries.get(&id).ok_or(TrayError::NotFound(id))?;
            let (before, to_take) = (entry.now(), State::Waiting);
            if before.state == State::Previewed {
                has_room(&entries, &Record { state: to_take, ..Record::clone(&before) })?;
            }
            entry.record.send_modify(|record| {
                was = Some(record.state);
                if record.state == State::Previewed {
                    Arc::make_mut(record).begin(to_take);
                }
            });
            Arc::clone(entry)
        };
        match was {
            Some(State::Previewed) => {}
            Some(State::Waiting | State::Taking | State::Taken) => return Ok(entry.now()),
            _ => return Err(TrayError::NoPreview(id)),
        }
        let lined_up = self.inner.shelf.keep(&entry.now()).map_err(TrayError::from);
        let lined_up = lined_up.and_then(|()| self.inner.line_up(&entry, true));
        if let Err(error) = lined_up {
            entry.change(|record| record.state = State::Previewed);
            return Err(error);
        }
        Ok(entry.now())
    }

    /// Returns what is known of a file.
    #[must_use]
    pub fn record(&self, id: Uuid) -> Option<Arc<Record>> {
        Some(self.inner.entry(id)?.now())
    }

    /// Returns a feed of what is known of a file: it tells of every step.
    #[must_use]
    pub fn follow(&self, id: Uuid) -> Option<watch::Receiver<Arc<Record>>> {
        Some(self.inner.entry(id)?.record.subscribe())
    }

    /// Waits until nothing more happens to a file by itself. Blocks.
    ///
    /// # Errors
    /// There is none of that id; or the machine has no means to wait.
    pub fn wait(&self, id: Uuid) -> io::Result<Arc<Record>> {
        let mut feed = self.follow(id).ok_or(io::ErrorKind::NotFound)?;
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        let rested = runtime.block_on(feed.wait_for(|record| record.state.is_at_rest()));
        rested.map(|record| Arc::clone(&record)).map_err(io::Error::other)
    }

    /// Returns what is known of all files for which `wanted` holds, newest first, no more than `most`.
    pub fn records(&self, most: usize, wanted: impl Fn(&Record) -> bool) -> Vec<Arc<Record>> {
        let entries: Vec<Arc<Entry>> = held(&self.inner.entries).values().rev().cloned().collect();
        entries.iter().map(|entry| entry.now()).filter(|record| wanted(record)).take(most).collect()
    }

    /// Returns the names of a file's papers.
    #[must_use]
    pub fn papers(&self, id: Uuid) -> Vec<String> {
        self.inner.shelf.names(id)
    }

    /// Opens one of a file's papers.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn open_paper(&self, id: Uuid, name: &str) -> io::Result<File> {
        self.inner.shelf.open_paper(id, name)
    }

    /// Stops taking files: the one under way is broken off between two batches.
    pub fn stop(&self) {
        self.inner.stopping.store(true, Ordering::Release);
        drop(held(&self.inner.lines).take());
        for thread in std::mem::take(&mut *held(&self.threads)) {
            if thread.join().is_err() {
                tracing::error!("A thread that takes files had ended by a panic");
            }
        }
    }
}

impl std::fmt::Debug for Tray {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tray").field("shelf", &self.inner.shelf).finish_non_exhaustive()
    }
}

impl Drop for Tray {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Entry {
    fn new(record: Record, waiting: Option<(File, Speaker)>) -> Self {
        Self { record: watch::Sender::new(Arc::new(record)), waiting: Mutex::new(waiting) }
    }

    fn now(&self) -> Arc<Record> {
        self.record.borrow().clone()
    }

    fn change(&self, change: impl FnOnce(&mut Record)) {
        self.record.send_modify(|record| change(Arc::make_mut(record)));
    }
}

impl Inner {
    fn entry(&self, id: Uuid) -> Option<Arc<Entry>> {
        held(&self.entries).get(&id).cloned()
    }

    fn line_up(&self, entry: &Arc<Entry>, is_to_take: bool) -> Result<(), TrayError> {
        let lines = held(&self.lines);
        let Some(lines) = lines.as_ref() else { return Err(TrayError::Stopped) };
        let line = if is_to_take { &lines.to_take } else { &lines.to_try };
        line.try_send(entry.clone()).map_err(|error| match error {
            TrySendError::Full(_) => TrayError::Full,
            TrySendError::Disconnected(_) => TrayError::Stopped,
        })
    }

    fn forget(&self, id: Uuid) {
        held(&self.entries).remove(&id);
        if let Err(error) = self.shelf.forget(id) {
            tracing::warn!(%id, %error, "the record of an import that was not begun stays");
        }
    }

    /// Forgets previews that nobody confirmed in time, and for a new one the oldest of the same key where that has its share: never
    /// another's.
    fn clear_away(&self, new: &Record) -> Result<(), TrayError> {
        self.forget_old();
        let now = self.desk.now();
        let gone: Vec<Uuid> = {
            // Under one lock, so that none is forgotten that was confirmed since it was looked at.
            let mut entries = held(&self.entries);
            let previewed = entries.values().map(|entry| entry.now()).filter(|record| record.state == State::Previewed);
            let previewed: Vec<Arc<Record>> = previewed.collect();
            let is_late =
                |record: &Record| now.duration_since(record.ended_at.unwrap_or(record.handed_in_at)) > PATIENCE;
            let (late, waiting): (Vec<_>, Vec<_>) = previewed.into_iter().partition(|record| is_late(record));
            let own: Vec<_> = waiting.into_iter().filter(|record| record.key == new.key).collect();
            let too_many = if new.state == State::Previewing { own.len().saturating_sub(SHARE - 1) } else { 0 };
            let gone: Vec<Uuid> = late.iter().chain(own.iter().take(too_many)).map(|record| record.id).collect();
            for id in &gone {
                entries.remove(id);
            }
            gone
        };
        gone.into_iter().try_for_each(|id| Ok(self.shelf.forget(id)?))
    }

    /// Takes or tries what comes, until there is nothing to come or the service stops.
    fn work(&self, line: Receiver<Arc<Entry>>) {
        loop {
            let entry = match line.recv_timeout(keeping::EVERY) {
                Ok(entry) => entry,
                Err(RecvTimeoutError::Timeout) => {
                    self.forget_old();
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => return,
            };
            if self.stopping.load(Ordering::Acquire) {
                self.note(&entry, |record| record.state = State::BrokenOff);
            } else {
                self.one(&entry);
            }
        }
    }

    /// Notes that the thread that takes files, or tries them, is gone: what was on its way there comes no further.
    fn leave(&self, tries: bool) {
        let entries: Vec<Arc<Entry>> = held(&self.entries).values().cloned().collect();
        for entry in entries {
            let state = entry.now().state;
            if !state.is_at_rest() && (state == State::Previewing) == tries {
                self.note(&entry, |record| record.state = State::BrokenOff);
            }
        }
    }

    fn one(&self, entry: &Entry) {
        let Some((file, speaker)) = held(&entry.waiting).take() else { return };
        let is_preview = entry.now().state == State::Previewing;
        if !is_preview {
            self.note(entry, |record| record.state = State::Taking);
        }
        // A fault in a reader costs the file that shows it, and no other.
        let ended = catch_unwind(AssertUnwindSafe(|| self.run(entry, &file, &speaker, is_preview)));
        let ended = ended.unwrap_or(Err(TakingError::Fault));
        let now = self.desk.now();
        if is_preview {
            *held(&entry.waiting) = Some((file, speaker));
        }
        self.note(entry, |record| {
            record.ended_at = Some(now);
            match ended {
                Ok(ended) => conclude(record, ended, is_preview),
                Err(error) => fail(record, &error),
            }
            if is_preview && record.state != State::Previewed {
                *record = record.without_findings();
            }
        });
    }

    fn run(&self, entry: &Entry, file: &File, speaker: &Speaker, is_preview: bool) -> Result<Ended, TakingError> {
        let record = entry.now();
        let how = How { now: self.desk.now(), profiles: self.profiles.clone() };
        let origin = Origin { causation: Some(record.id), correlation: Some(record.id), ..speaker.origin.clone() };
        let speaker = Speaker { origin, ..speaker.clone() };
        // Before a paper is begun: whoever was shut out meanwhile is not served. Rows ask again, each by itself.
        speaker.rights(&self.desk.picture(), self.desk.now()).map_err(TakingError::ShutOut)?;
        let on_step = |step: &Step<'_>| {
            entry.change(|record| {
                record.read = step.read;
                record.tally = step.tally;
            });
            if self.stopping.load(Ordering::Acquire) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let papers = (!is_preview).then(|| self.shelf.papers(record.id));
        let decider = if is_preview {
            Decider::rehearsal(self.desk.picture().as_ref().clone(), speaker)
        } else {
            Decider::desk(self.desk.clone(), speaker)
        };
        let mut import = Import::new(
            decider,
            papers.as_deref().map(|folder| (folder, Some(self.keeping.papers_bytes))),
            how,
            Box::new(on_step),
        )?;
        let file = file.try_clone().map_err(TakingError::Handed)?;
        import.take_handed(file, &record.file).map_err(TakingError::Handed)?;
        Ok(import.end())
    }

    /// Changes a record and writes it down.
    fn note(&self, entry: &Entry, change: impl FnOnce(&mut Record)) {
        let mut record = entry.now();
        change(Arc::make_mut(&mut record));
        // On disk first: who hears of it may come back for it.
        if let Err(error) = self.shelf.keep(&record) {
            tracing::error!(id = %record.id, %error, "the record of an import cannot be written");
        }
        entry.record.send_replace(record);
    }
}

/// Says whether there is room for another file of a key; for a preview, also to wait afterwards. Of whoever runs the service there is one
/// at a time, by the inbox.
fn has_room(entries: &BTreeMap<Uuid, Arc<Entry>>, new: &Record) -> Result<(), TrayError> {
    let is_tried = |state| matches!(state, State::Previewing | State::Previewed);
    let alike = |record: &Record| match record.state {
        State::Previewing | State::Waiting => record.state == new.state,
        State::Taking => new.state == State::Waiting,
        _ => false,
    };
    let (mut own, mut tried) = (0, 0);
    for record in entries.values().map(|entry| entry.now()) {
        own += usize::from(record.key == new.key && alike(&record));
        tried += usize::from(is_tried(record.state));
    }
    if new.key.is_some() && own >= SHARE {
        return Err(TrayError::Share);
    }
    if is_tried(new.state) && tried >= MOST_PREVIEWED { Err(TrayError::Full) } else { Ok(()) }
}

/// Returns the file that this request brought before, if that was taken to its end or is on its way.
///
/// # Errors
/// A request with its key brought something else.
fn asked_before(entries: &BTreeMap<Uuid, Arc<Entry>>, request: &AsRequest) -> Result<Option<Uuid>, TrayError> {
    let alike = |record: &Arc<Record>| record.request.as_ref().is_some_and(|known| known.key == request.key);
    let mut before = entries.values().rev().map(|entry| entry.now()).filter(alike);
    let Some(newest) = before.next() else { return Ok(None) };
    if newest.request.as_ref() != Some(request) {
        return Err(TrayError::KeyReused);
    }
    Ok((!matches!(newest.state, State::Failed | State::BrokenOff)).then_some(newest.id))
}

fn conclude(record: &mut Record, ended: Ended, is_preview: bool) {
    let Ended { tally, kinds, known, refusals, warnings, outcome } = ended;
    record.read = record.read.max(tally.rows);
    record.total = Some(tally.rows);
    record.tally = tally;
    record.kinds = kinds;
    record.known = known;
    (record.refusals, record.warnings) = (Findings::from(&refusals), Findings::from(&warnings));
    match outcome {
        Ok(followed) => {
            record.state = if is_preview { State::Previewed } else { State::Taken };
            record.follow(followed);
        }
        Err(error) => fail(record, &error),
    }
}

fn fail(record: &mut Record, error: &TakingError) {
    record.state = if matches!(error, TakingError::BrokenOff) { State::BrokenOff } else { State::Failed };
    let (zh, en) = match error {
        TakingError::Desk(error) => {
            let problem = not_recorded(error);
            (problem.zh, problem.en)
        }
        TakingError::ShutOut(gone) => (why_shut_out(*gone).1.to_owned(), error.to_string()),
        TakingError::BrokenOff => (
            "服务停止，导入中断；中断前已接收的行已记录，请重新提交同一文件以完成其余部分".to_owned(),
            error.to_string(),
        ),
        TakingError::Fault => (
            "处理此文件时程序出错，未能完成；出错前已接收的行已记录。请将运行日志和文件样式反馈给维护人员".to_owned(),
            error.to_string(),
        ),
        _ => (format!("未能完成：{error}"), error.to_string()),
    };
    record.failure = Some(Failure { zh, en });
}

fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
