//! Moving what was committed from the write-ahead log (WAL) into the file, without keeping anybody waiting.
//!
//! A thread of its own does the bulk while the writer goes on: after so many pages, and once a second if anything came. When
//! it was woken for pages, the writer moves the little that came meanwhile, so that the next commit can begin the WAL anew.
//! About once a second the [mark](super::mark) is synced with a move, too.

use super::fault::{WHOLE_FILE, fault};
use super::mark::{self, Mark};
use super::reserve::Reserve;
use crate::log::contract::LogError;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use rusqlite::hooks::Wal;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant as Clock};

/// How long committed events stay in the WAL alone, and the mark unsynced.
const AT_LEAST_EVERY: Duration = Duration::from_secs(1);

/// When and how the WAL is moved.
#[derive(Debug)]
pub(super) struct Moving {
    every: i32,
    next_at: i32,
    pages: Arc<AtomicI32>,
    /// Something was committed since the last move, or noted in the mark since that was synced.
    fresh: Arc<AtomicBool>,
    background: Option<Background>,
}

#[derive(Debug)]
struct Background {
    wake: Sender<()>,
    done: Receiver<()>,
    working: bool,
    thread: JoinHandle<()>,
}

impl Moving {
    /// Starts the thread; a move begins at `every` pages in the WAL.
    pub(super) fn start(path: &Path, every: u32, mark: &Mark, reserve: Reserve) -> Result<Self, LogError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = Connection::open_with_flags(path, flags).map_err(fault(WHOLE_FILE))?;
        let noted = mark.handle()?;
        let fresh = Arc::new(AtomicBool::new(true));
        let (wake, woken) = bounded::<()>(1);
        let (finished, done) = bounded(1);
        let unmoved = fresh.clone();
        let thread = std::thread::Builder::new()
            .name("log-wal".to_owned())
            .spawn(move || {
                let mut kept = false;
                let mut synced = Clock::now();
                loop {
                    let asked = match woken.recv_timeout(AT_LEAST_EVERY) {
                        Ok(()) => true,
                        Err(RecvTimeoutError::Timeout) => false,
                        Err(RecvTimeoutError::Disconnected) => return,
                    };
                    // Here, so that opening a log does not wait for it.
                    kept = kept || (!asked && reserve.keep());
                    if unmoved.swap(false, Ordering::AcqRel) || asked {
                        move_in(&conn);
                        // Not with every move: under load there are many in a second, and the disk is busy.
                        if !asked || synced.elapsed() >= AT_LEAST_EVERY {
                            mark::sync(&noted);
                            synced = Clock::now();
                        } else {
                            unmoved.store(true, Ordering::Release);
                        }
                    }
                    if asked && finished.send(()).is_err() {
                        return;
                    }
                }
            })
            .map_err(|error| LogError::Unavailable(format!("cannot start a thread: {error}")))?;
        let every = i32::try_from(every).unwrap_or(i32::MAX).max(1);
        let background = Some(Background { wake, done, working: false, thread });
        Ok(Self { every, next_at: every, pages: Arc::new(AtomicI32::new(0)), fresh, background })
    }

    /// Has the writer's connection tell how long the WAL is.
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
        self.fresh.store(true, Ordering::Release);
        let pages = self.pages.load(Ordering::Relaxed);
        let Some(background) = &mut self.background else { return };
        if background.working && background.done.try_recv().is_ok() {
            background.working = false;
            move_in(conn);
        }
        // A reader that looks at an old state keeps the WAL from beginning anew; try again after as many pages more.
        self.next_at = self.next_at.min(pages.saturating_add(self.every)).max(self.every);
        if pages >= self.next_at && !background.working {
            background.working = background.wake.try_send(()).is_ok();
            self.next_at = pages.saturating_add(self.every);
        }
    }

    /// Moves everything and stops the thread; says whether everything was moved.
    pub(super) fn close(&mut self, conn: &Connection) -> bool {
        if let Some(Background { wake, done, thread, .. }) = self.background.take() {
            drop((wake, done));
            if thread.join().is_err() {
                tracing::error!("the thread that moves the write-ahead log panicked");
            }
        }
        // Whoever closes the file last removes the WAL; a reader elsewhere is not waited for.
        move_in(conn)
    }
}

/// Moves as much as can be moved without waiting for anybody; says whether that was all, which is on the disk then.
pub(super) fn move_in(conn: &Connection) -> bool {
    let pages = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(1)?, row.get::<_, i64>(2)?));
    match conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], pages) {
        Ok((there, moved)) => there == moved,
        Err(error) => {
            // Nothing is lost: it is in the WAL, and the next move tries again.
            tracing::warn!(%error, "the write-ahead log cannot be moved into the log, trying again later");
            false
        }
    }
}

/// Moves everything and gives the room of the WAL back to the disk; says whether that was possible.
pub(super) fn move_all(conn: &Connection) -> bool {
    // Without waiting for readers: it is tried again every second.
    let patience = |patience| conn.busy_timeout(patience);
    let done = patience(Duration::ZERO)
        .and_then(|()| conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0)));
    match patience(super::schema::PATIENCE).and(done) {
        Ok(busy) => busy == 0,
        Err(error) => {
            tracing::warn!(%error, "the write-ahead log cannot be moved into the log");
            false
        }
    }
}
