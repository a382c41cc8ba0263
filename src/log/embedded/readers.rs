//! Connections for reading: taken when needed, kept when done.

use super::rows::Rows;
use super::schema;
use crate::log::contract::LogError;
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Page cache of one reading connection, in KiB: no more than stays in a processor's cache, because most reading goes through the
/// file in order, and the system has the file's pages, too.
const CACHE_KIB: u32 = 512;
/// Page cache of a connection that looks everything up in every index, in KiB.
const VERIFICATION_KIB: u32 = 64 * 1024;
/// Stream names that one reading connection keeps at hand.
const STREAMS: usize = 4096;

/// A connection for reading and what it has at hand.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) conn: Connection,
    pub(super) rows: Rows,
}

/// Readers of one file.
#[derive(Debug)]
pub(super) struct Readers {
    path: PathBuf,
    most: usize,
    idle: Mutex<Vec<Reader>>,
}

impl Readers {
    /// Returns a pool that keeps at most `most` idle connections; more are opened while more are needed.
    pub(super) fn new(path: PathBuf, most: usize) -> Self {
        Self { path, most, idle: Mutex::new(Vec::new()) }
    }

    /// Returns the file's path.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens a connection that the caller keeps.
    pub(super) fn open(&self) -> Result<Reader, LogError> {
        self.open_with(CACHE_KIB)
    }

    /// Opens a connection for verification.
    pub(super) fn open_for_verification(&self) -> Result<Reader, LogError> {
        self.open_with(VERIFICATION_KIB)
    }

    fn open_with(&self, cache_kib: u32) -> Result<Reader, LogError> {
        let conn = schema::open_reader(&self.path, cache_kib)?;
        Ok(Reader { conn, rows: Rows::new(STREAMS) })
    }

    /// Lends a reader to `job`. After an error the connection is closed, not kept.
    pub(super) fn with<T>(&self, job: impl FnOnce(&mut Reader) -> Result<T, LogError>) -> Result<T, LogError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut reader = match idle {
            Some(reader) => reader,
            None => self.open()?,
        };
        let done = job(&mut reader)?;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < self.most {
            idle.push(reader);
        }
        Ok(done)
    }

    /// Closes the connections that nobody uses.
    pub(super) fn close_idle(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
