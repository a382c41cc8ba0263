//! How far this node has read, kept in a small file beside the replica.
//!
//! The file may lag behind the replica or be lost: events that are seen again are recognised by their ids.

use crate::log::contract::LogError;
use eventstore::Position;
use serde::{Deserialize, Serialize};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Name of the file in the directory of the replica.
const FILE: &str = "place.json";

#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    commit: u64,
    prepare: u64,
}

/// The file.
#[derive(Debug)]
pub(super) struct PlaceFile {
    dir: PathBuf,
    kept: Option<Position>,
}

impl PlaceFile {
    /// Opens the file in `dir`; a damaged one counts as missing.
    pub(super) fn open(dir: &Path) -> Self {
        let text = std::fs::read(dir.join(FILE)).unwrap_or_default();
        let kept = serde_json::from_slice::<Kept>(&text).ok();
        let kept = kept.map(|Kept { commit, prepare }| Position { commit, prepare });
        Self { dir: dir.to_owned(), kept }
    }

    /// Returns the place read up to.
    pub(super) fn get(&self) -> Option<Position> {
        self.kept
    }

    /// Writes the place, if it is another one.
    ///
    /// # Errors
    /// [`LogError::Unavailable`] when the file cannot be written.
    pub(super) fn put(&mut self, place: Option<Position>) -> Result<(), LogError> {
        let Some(place) = place.filter(|place| self.kept != Some(*place)) else { return Ok(()) };
        let io = |error: std::io::Error| {
            LogError::Unavailable(format!("cannot write `{}`: {error}", self.dir.join(FILE).display()))
        };
        let text = serde_json::to_vec(&Kept { commit: place.commit, prepare: place.prepare })
            .map_err(|error| LogError::Unavailable(error.to_string()))?;
        let mut file = tempfile::NamedTempFile::new_in(&self.dir).map_err(io)?;
        file.write_all(&text).map_err(io)?;
        file.persist(self.dir.join(FILE)).map_err(|failed| io(failed.error))?;
        self.kept = Some(place);
        Ok(())
    }
}
