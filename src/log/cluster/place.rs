//! How far this node has read, kept in a small file beside the replica.
//!
//! The file may lag behind the replica or be lost: events that are seen again are recognised by their ids.

use super::rows;
use crate::domain::envelope;
use crate::log::contract::LogError;
use eventstore::Position;
use serde::{Deserialize, Serialize};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// Name of the file in the directory of the replica.
const FILE: &str = "place.json";

/// An event that was read, and where it stood. As long as the cluster holds it there, nothing before it was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) position: Position,
    pub(super) id: Uuid,
}

/// How far something has come in the cluster's log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct ReadTo {
    /// Where the next read begins.
    pub(super) at: Option<Mark>,
    /// True if `at` is an event that the filter leaves out: then a filtered read does not begin with it.
    pub(super) hidden: bool,
    /// The last event that the replica counts.
    pub(super) own: Option<Mark>,
    /// How many events are counted up to `at`.
    pub(super) counted: envelope::Position,
}

/// A mark in the file.
#[derive(Debug, Serialize, Deserialize)]
struct KeptMark {
    commit: u64,
    prepare: u64,
    id: Uuid,
}

#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    #[serde(flatten)]
    at: KeptMark,
    hidden: bool,
    own: Option<KeptMark>,
    counted: envelope::Position,
    rows: Vec<rows::Kept>,
}

impl From<Mark> for KeptMark {
    fn from(Mark { position: Position { commit, prepare }, id }: Mark) -> Self {
        Self { commit, prepare, id }
    }
}

impl From<KeptMark> for Mark {
    fn from(KeptMark { commit, prepare, id }: KeptMark) -> Self {
        Self { position: Position { commit, prepare }, id }
    }
}

/// The file.
#[derive(Debug)]
pub(super) struct PlaceFile {
    dir: PathBuf,
    kept: ReadTo,
    rows: Vec<rows::Kept>,
}

impl PlaceFile {
    /// Opens the file in `dir`; a damaged one, or one without ids or rows (as first written), counts as missing.
    pub(super) fn open(dir: &Path) -> Self {
        let text = std::fs::read(dir.join(FILE)).unwrap_or_default();
        let kept = serde_json::from_slice::<Kept>(&text).ok();
        let kept = kept.map(|Kept { at, hidden, own, counted, rows }| {
            (ReadTo { at: Some(at.into()), hidden, own: own.map(Mark::from), counted }, rows)
        });
        let (kept, rows) = kept.unwrap_or_default();
        Self { dir: dir.to_owned(), kept, rows }
    }

    /// Returns the place read up to, and the rows that may go on there.
    pub(super) fn get(&self) -> (ReadTo, &[rows::Kept]) {
        (self.kept, &self.rows)
    }

    /// Writes the place, if it is another one.
    ///
    /// # Errors
    /// [`LogError::Unavailable`] when the file cannot be written.
    pub(super) fn put(&mut self, place: ReadTo, rows: &[rows::Kept]) -> Result<(), LogError> {
        let Some(at) = place.at.filter(|_| self.kept != place) else { return Ok(()) };
        let io = |error: std::io::Error| {
            LogError::Unavailable(format!("cannot write `{}`: {error}", self.dir.join(FILE).display()))
        };
        let kept = Kept {
            at: at.into(),
            hidden: place.hidden,
            own: place.own.map(KeptMark::from),
            counted: place.counted,
            rows: rows.to_vec(),
        };
        let text = serde_json::to_vec(&kept).map_err(|error| LogError::Unavailable(error.to_string()))?;
        let mut file = tempfile::NamedTempFile::new_in(&self.dir).map_err(io)?;
        file.write_all(&text).map_err(io)?;
        file.persist(self.dir.join(FILE)).map_err(|failed| io(failed.error))?;
        self.kept = place;
        Ok(())
    }
}
