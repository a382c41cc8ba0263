//! The folder of a file that was handed in: its record and its papers. The file itself is never in it.

use super::record::{Record, State};
use crate::intake::export::write_whole;
use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// Name of the record among the papers.
const RECORD: &str = "import.json";

/// The folders of all files.
#[derive(Debug)]
pub(super) struct Shelf(PathBuf);

impl Shelf {
    /// Opens the shelf, which is made if it is not there.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        Ok(Self(folder.to_owned()))
    }

    /// Returns where the papers of a file are.
    pub(super) fn papers(&self, id: Uuid) -> PathBuf {
        self.0.join(id.to_string())
    }

    /// Returns a file without a name, for bytes that are gone with the process.
    pub(super) fn nameless(&self) -> io::Result<File> {
        tempfile::tempfile_in(&self.0)
    }

    /// Writes a record, whole or not at all. What a preview found stays in memory: nothing of its file is recorded anywhere.
    pub(super) fn keep(&self, record: &Record) -> io::Result<()> {
        let folder = self.papers(record.id);
        DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        let text = match record.state {
            State::Previewing | State::Previewed => serde_json::to_vec_pretty(&record.without_findings())?,
            _ => serde_json::to_vec_pretty(record)?,
        };
        write_whole(&folder.join(RECORD), |file| file.write_all(&text))
    }

    /// Removes everything about a file of which nothing was recorded.
    pub(super) fn forget(&self, id: Uuid) -> io::Result<()> {
        match fs::remove_dir_all(self.papers(id)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Reads all records. A file that was on its way when the service stopped is on its way no longer. What cannot be read is none
    /// of ours and passed over.
    pub(super) fn records(&self) -> io::Result<BTreeMap<Uuid, Record>> {
        let mut records = BTreeMap::new();
        for entry in fs::read_dir(&self.0)? {
            let path = entry?.path();
            let Ok(text) = fs::read(path.join(RECORD)) else { continue };
            let Ok(mut record) = serde_json::from_slice::<Record>(&text) else {
                tracing::warn!(path = %path.display(), "the record of an import cannot be read and is passed over");
                continue;
            };
            if !record.state.is_at_rest() || record.state == State::Previewed {
                if matches!(record.state, State::Previewing | State::Previewed) {
                    record = record.without_findings();
                }
                record.state = State::BrokenOff;
                self.keep(&record)?;
            }
            records.insert(record.id, record);
        }
        Ok(records)
    }

    /// Returns the names of a file's papers, in order.
    pub(super) fn names(&self, id: Uuid) -> Vec<String> {
        let entries = fs::read_dir(self.papers(id)).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let mut names: Vec<String> = names.filter(|name| is_paper(name)).collect();
        names.sort();
        names
    }

    /// Opens one of a file's papers by its name.
    pub(super) fn open_paper(&self, id: Uuid, name: &str) -> io::Result<File> {
        // Only a name that is on the list leads anywhere: no path, no link.
        if self.names(id).iter().any(|known| known == name) {
            File::open(self.papers(id).join(name))
        } else {
            Err(ErrorKind::NotFound.into())
        }
    }
}

/// Says whether a name is that of a paper: not the record, nor something half written.
fn is_paper(name: &str) -> bool {
    // What goes back has the ending that it came with.
    !name.starts_with('.') && name != RECORD
}
