//! The inbox (收件夹): a folder in which others drop files, say over SFTP. What is whole is taken, then moved into `done`, or
//! `refused` if no row of it could be taken, into a folder of its own with its papers.
//!
//! The folder is looked at every few seconds: that needs nothing of the file system (a share of another machine tells nobody of what
//! happens to it), and a report that comes twice a day can wait so long. A step that was begun is finished after any stop: a
//! file is moved only when it was taken, what was taken and not moved is taken again and known then, and its folder is put
//! together under a name with a dot.

mod look;
mod put_away;
mod stand;

use super::digest;
use super::speaker::Speaker;
use super::tray::{Handed, Record, State, Tray};
use crate::clock::Clock;
use crate::domain::envelope::Origin;
use crate::domain::personal;
use crate::domain::time::Instant;
use jiff::SignedDuration;
use look::Looks;
use put_away::Moved;
use stand::Stand;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;
use uuid::Uuid;

/// Where files go that were taken.
const DONE: &str = "done";
/// Where files go of which no row was taken.
const REFUSED: &str = "refused";
/// After so long a file is tried again that could not be taken or moved away.
const AGAIN: SignedDuration = SignedDuration::from_mins(1);

/// How an inbox is looked after.
#[derive(Debug, Clone)]
pub struct Care {
    /// The folder.
    pub folder: PathBuf,
    /// For how long a file has to stand still.
    pub settle: SignedDuration,
    /// What comes counts as history: nobody is mailed.
    pub history: bool,
    /// For how many days files are kept that were done with; `None`: until somebody takes them away.
    pub days: Option<u32>,
}

/// An inbox that is looked after.
pub struct Inbox {
    care: Care,
    tray: Arc<Tray>,
    clock: Arc<dyn Clock>,
    looks: Mutex<Looks>,
    /// What could not be taken or moved, each told once, and when to try again.
    trouble: Mutex<BTreeMap<PathBuf, Trouble>>,
    /// When old files were looked for last.
    removed: Mutex<Option<Instant>>,
}

/// A file that could not be taken or moved away.
#[derive(Debug, Clone, Copy)]
struct Trouble {
    /// When to try again.
    again: Instant,
    /// It was taken, so only moving it is tried again.
    taken: Option<Taken>,
}

/// A file that was taken and lies in the inbox still.
#[derive(Debug, Clone, Copy)]
struct Taken {
    /// As it stood.
    stand: Stand,
    /// Under this id.
    id: Uuid,
    /// Where it goes.
    shelf: &'static str,
}

impl Inbox {
    /// Opens an inbox: its folders are made if they are not there, and what was begun before a stop is finished.
    ///
    /// # Errors
    /// The folders cannot be read or written, or what is taken could not be moved into them.
    pub fn open(care: Care, tray: Arc<Tray>, clock: Arc<dyn Clock>) -> io::Result<Self> {
        fs::create_dir_all(&care.folder)?;
        for folder in [DONE, REFUSED] {
            match fs::create_dir(care.folder.join(folder)) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
            put_away::try_shelf(&care.folder, folder)?;
        }
        put_away::finish(&care.folder)?;
        Ok(Self { care, tray, clock, looks: Mutex::default(), trouble: Mutex::default(), removed: Mutex::default() })
    }

    /// Looks once, and takes what is whole.
    pub fn look(&self) {
        let now = self.clock.now();
        self.remove_old(now);
        let mut looks = lock(&self.looks);
        let before = lock(&self.trouble).clone();
        let mut trouble = BTreeMap::new();
        let mut new = Vec::new();
        match looks.look(&self.care.folder, now, self.care.settle) {
            Ok(found) => {
                new.extend(found.odd.into_iter().map(|(path, why)| (path, why, None)));
                for (path, stand) in found.whole {
                    let known = before.get(&path);
                    if let Some(waiting) = known.filter(|known| known.again > now) {
                        trouble.insert(path, *waiting);
                        continue;
                    }
                    let mut taken = known.and_then(|known| known.taken).filter(|taken| taken.stand == stand);
                    if let Err(error) = self.take(&path, stand, &mut taken) {
                        new.push((path, error.to_string(), taken));
                    }
                }
            }
            Err(error) => {
                trouble.clone_from(&before);
                new.push((PathBuf::new(), error.to_string(), None));
            }
        }
        for (path, why, taken) in new {
            if !before.contains_key(&path) {
                tracing::warn!(file = ?path, why, "a file in the inbox is not taken, or cannot be moved away");
            }
            trouble.insert(path, Trouble { again: now.saturating_add(AGAIN).unwrap_or(now), taken });
        }
        *lock(&self.trouble) = trouble;
    }

    /// Removes what was done with so long ago; once an hour is often enough.
    fn remove_old(&self, now: Instant) {
        let Some(days) = self.care.days else { return };
        let mut looked = lock(&self.removed);
        if looked.is_some_and(|at| now.duration_since(at).abs() < SignedDuration::from_hours(1)) {
            return;
        }
        *looked = Some(now);
        let before = now.saturating_sub(SignedDuration::from_hours(24 * i64::from(days))).unwrap_or(now);
        for shelf in [DONE, REFUSED] {
            if let Err(error) = put_away::remove_before(&self.care.folder, shelf, before) {
                tracing::warn!(shelf, %error, "old files of the inbox cannot be removed, and stay");
            }
        }
    }

    /// Returns how many files could not be taken or moved away when it was last looked; the log says which.
    #[must_use]
    pub fn in_trouble(&self) -> usize {
        lock(&self.trouble).len()
    }

    /// Takes a file as it stands, if it was not `taken` before, and moves it away.
    fn take(&self, path: &Path, stand: Stand, taken: &mut Option<Taken>) -> io::Result<()> {
        let known = match *taken {
            Some(known) => known,
            None => match self.import(path, stand)? {
                Some(known) => *taken.insert(known),
                None => return Ok(()),
            },
        };
        let papers = |folder: &Path| {
            for name in self.tray.papers(known.id) {
                let mut copy = File::create_new(folder.join(&name))?;
                io::copy(&mut self.tray.open_paper(known.id, &name)?, &mut copy)?;
                copy.sync_all()?;
            }
            Ok(())
        };
        if put_away::put_away(&self.care.folder, (path, stand), known.shelf, self.clock.now(), papers)?
            == Moved::Changed
        {
            tracing::info!(file = ?path, "a file in the inbox was changed while it was taken, and is taken again");
        }
        Ok(())
    }

    /// Has a file taken to its end; one that stands otherwise by now is left to the next look.
    fn import(&self, path: &Path, stand: Stand) -> io::Result<Option<Taken>> {
        let Some(mut file) = open_as(&self.care.folder.join(path), stand)? else { return Ok(None) };
        let record = self.record(path, &mut file)?;
        let origin = Origin { history: self.care.history, ..Origin::of(&record.by) };
        let id = record.id;
        self.tray.put(Handed { file, record, speaker: Speaker::owner(origin) }).map_err(io::Error::other)?;
        let ended = self.tray.wait(id)?;
        if ended.state != State::Taken {
            let why = ended.failure.as_ref().map_or("the service stopped", |why| why.en.as_str());
            return Err(io::Error::other(format!("it was not taken to its end, and is taken again: {why}")));
        }
        let has_rows = ended.tally.accepted + ended.tally.queued + ended.tally.unchanged > 0;
        Ok(Some(Taken { stand, id, shelf: if has_rows { DONE } else { REFUSED } }))
    }

    fn record(&self, path: &Path, file: &mut File) -> io::Result<Record> {
        let whole = (file.metadata()?.len(), digest::of_whole(file)?);
        // Names of files are kept in many places; numbers of people are kept in none.
        let (id, name) = (Uuid::now_v7(), personal::masked(&put_away::readable(path)).into_owned());
        let record = Record::handed_in(id, name, whole, "inbox".to_owned(), self.clock.now());
        Ok(Record { history: self.care.history, ..record })
    }
}

/// Opens a file if it stands as it was seen; what a link in its place leads to stands otherwise.
fn open_as(path: &Path, stand: Stand) -> io::Result<Option<File>> {
    // Before it is opened: a pipe in its place would keep us waiting.
    if Stand::at(path)? != stand {
        return Ok(None);
    }
    let file = File::open(path)?;
    Ok((Stand::of(&file.metadata()?) == stand).then_some(file))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An inbox that a thread looks after until this is dropped.
#[derive(Debug)]
pub struct Keeper {
    stop: Option<crossbeam_channel::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    /// Has a thread look every so often.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub fn start(inbox: Arc<Inbox>, every: Duration) -> io::Result<Self> {
        let (stop, stopped) = crossbeam_channel::bounded(0);
        let look = move || {
            loop {
                inbox.look();
                if stopped.recv_timeout(every) != Err(crossbeam_channel::RecvTimeoutError::Timeout) {
                    return;
                }
            }
        };
        Ok(Self { stop: Some(stop), thread: Some(Builder::new().name("inbox".to_owned()).spawn(look)?) })
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.stop.take());
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("The thread that looks after the inbox had ended by a panic");
        }
    }
}

impl std::fmt::Debug for Inbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inbox").field("care", &self.care).finish_non_exhaustive()
    }
}
