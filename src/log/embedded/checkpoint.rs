//! Moving what was committed from the write-ahead log into the file, without keeping anybody waiting.
//!
//! A thread of its own does the bulk while the writer goes on. When it is done, the writer moves the little that came
//! meanwhile, so that the next commit can begin the write-ahead log anew.

use super::fault::{WHOLE_FILE, fault};
use crate::log::contract::LogError;
use crossbeam_channel::{Receiver, Sender, bounded};
use rusqlite::hooks::Wal;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::thread::JoinHandle;

/// When and how checkpoints are made.
#[derive(Debug)]
pub(super) struct Checkpoints {
    every: i32,
    next_at: i32,
    pages: Arc<AtomicI32>,
    background: Option<Background>,
}

#[derive(Debug)]
struct Background {
    wake: Sender<()>,
    done: Receiver<()>,
    working: bool,
    thread: JoinHandle<()>,
}

impl Checkpoints {
    /// Starts the thread; checkpoints begin at `every` pages in the write-ahead log.
    pub(super) fn start(path: &Path, every: u32) -> Result<Self, LogError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = Connection::open_with_flags(path, flags).map_err(fault(WHOLE_FILE))?;
        let (wake, woken) = bounded::<()>(1);
        let (finished, done) = bounded(1);
        let thread = std::thread::Builder::new()
            .name("log-checkpoint".to_owned())
            .spawn(move || {
                for () in woken {
                    checkpoint(&conn);
                    if finished.send(()).is_err() {
                        return;
                    }
                }
            })
            .map_err(|error| LogError::Unavailable(format!("cannot start a thread: {error}")))?;
        let every = i32::try_from(every).unwrap_or(i32::MAX).max(1);
        let background = Some(Background { wake, done, working: false, thread });
        Ok(Self { every, next_at: every, pages: Arc::new(AtomicI32::new(0)), background })
    }

    /// Has the writer's connection tell how long the write-ahead log is.
    pub(super) fn watching(self, conn: &mut Connection) -> Result<Self, LogError> {
        let pages = self.pages.clone();
        conn.wal_hook(Some(move |_: &mut Wal, count: i32| {
            pages.store(count, Ordering::Relaxed);
            Ok(())
        }))
        .map_err(fault(WHOLE_FILE))?;
        Ok(self)
    }

    /// Does what is due after a commit.
    pub(super) fn after_commit(&mut self, conn: &Connection) {
        let pages = self.pages.load(Ordering::Relaxed);
        let Some(background) = &mut self.background else { return };
        if background.working && background.done.try_recv().is_ok() {
            background.working = false;
            checkpoint(conn);
        }
        // A reader that looks at an old state keeps the log from beginning anew; try again after as many pages more.
        self.next_at = self.next_at.min(pages.saturating_add(self.every)).max(self.every);
        if pages >= self.next_at && !background.working {
            background.working = background.wake.try_send(()).is_ok();
            self.next_at = pages.saturating_add(self.every);
        }
    }

    /// Moves everything and stops the thread.
    pub(super) fn close(&mut self, conn: &Connection) {
        if let Some(Background { wake, done, thread, .. }) = self.background.take() {
            drop((wake, done));
            if thread.join().is_err() {
                tracing::error!("the checkpoint thread panicked");
            }
        }
        // Whoever closes the file last removes the write-ahead log; a reader elsewhere is not waited for.
        checkpoint(conn);
    }
}

/// Moves as much as can be moved without waiting for anybody.
fn checkpoint(conn: &Connection) {
    let done = conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get::<_, i64>(1));
    if let Err(error) = done {
        // Nothing is lost: what is in the write-ahead log is durable, and the next checkpoint tries again.
        tracing::warn!(%error, "checkpoint failed, trying again later");
    }
}
