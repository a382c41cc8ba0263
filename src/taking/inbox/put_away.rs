//! Moving a file of the inbox away: `done/TIME-NAME/` holds it, and beside it `papers/`. It is put together as `.done-TIME-NAME` and
//! gets its name when all is in it, so that a folder without a dot is whole whenever the service stops.

use super::{DONE, REFUSED};
use crate::domain::time::Instant;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// Folder of the papers.
const PAPERS: &str = "papers";
/// Bytes of a file's name that its folder is called by; a file system takes 255.
const LONGEST: usize = 150;

/// Moves a file into a new folder of a shelf, with the papers that `write` puts into the folder it is given.
pub(super) fn put_away(
    inbox: &Path,
    path: &Path,
    shelf: &str,
    now: Instant,
    write: impl FnOnce(&Path) -> io::Result<()>,
) -> io::Result<()> {
    let title = format!("{}-{}", now.strftime("%Y%m%dT%H%M%S%.6fZ"), title(path));
    let aside = inbox.join(format!(".{shelf}-{title}"));
    let target = inbox.join(shelf).join(&title);
    if target.exists() {
        return Err(io::Error::new(
            ErrorKind::AlreadyExists,
            "another file of that name was moved away at this instant",
        ));
    }
    fs::create_dir_all(aside.join(PAPERS))?;
    write(&aside.join(PAPERS))?;
    let name = path.file_name().ok_or(ErrorKind::InvalidInput)?;
    let name = if name == PAPERS { OsStr::new("papers-file") } else { name };
    fs::rename(inbox.join(path), aside.join(name))?;
    fs::rename(&aside, &target)?;
    sync(inbox)?;
    sync(&inbox.join(shelf))
}

/// Finishes what a stop has left half done: a folder that has its file gets its name, another is taken away.
pub(super) fn finish(inbox: &Path) -> io::Result<()> {
    for entry in fs::read_dir(inbox)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some((shelf, title)) = name.to_str().and_then(of_ours) else { continue };
        if has_file(&entry.path())? {
            fs::rename(entry.path(), inbox.join(shelf).join(title))?;
        } else {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

/// Returns the shelf and the title of a folder that is being put together.
fn of_ours(name: &str) -> Option<(&'static str, &str)> {
    let rest = name.strip_prefix('.')?;
    [DONE, REFUSED].into_iter().find_map(|shelf| Some((shelf, rest.strip_prefix(shelf)?.strip_prefix('-')?)))
}

fn has_file(folder: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(folder)? {
        if entry?.file_name() != PAPERS {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Returns what a folder is called after a file: its path in one name, without what a folder's name cannot hold.
fn title(path: &Path) -> String {
    let clean = |letter: char| if letter.is_control() || "/\\:*?\"<>|".contains(letter) { '_' } else { letter };
    let name: String = readable(path).chars().map(clean).collect();
    // The end of a name tells more than its beginning.
    let start = (0..=name.len()).find(|start| name.len() - start <= LONGEST && name.is_char_boundary(*start));
    name.get(start.unwrap_or_default()..).unwrap_or_default().to_owned()
}

/// Returns a path as people can read it: UTF-8, or GB18030 as Chinese Windows leaves names.
pub(super) fn readable(path: &Path) -> String {
    crate::intake::name_of_bytes(path.as_os_str().as_bytes())
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_stop_left_half_done_is_finished_or_taken_away() {
        let room = tempfile::tempdir().unwrap();
        let inbox = room.path();
        for folder in [".done-1-a.csv/papers", ".refused-2-b.csv/papers", ".others", "done", "refused"] {
            fs::create_dir_all(inbox.join(folder)).unwrap();
        }
        fs::write(inbox.join(".done-1-a.csv/a.csv"), "1").unwrap();
        finish(inbox).unwrap();
        assert!(inbox.join("done/1-a.csv/a.csv").exists() && inbox.join(".others").exists());
        assert!(!inbox.join(".refused-2-b.csv").exists() && !inbox.join("refused/2-b.csv").exists());
    }

    #[test]
    fn a_title_is_one_name_of_some_length() {
        assert_eq!(title(Path::new("bank/a\nb.csv")), "bank_a_b.csv");
        assert_eq!(title(Path::new(OsStr::from_bytes(b"\xB4\xE6\xB9\xDC.csv"))), "存管.csv");
        let long = title(Path::new(&format!("{}.csv", "长".repeat(80))));
        assert!(long.len() <= LONGEST && long.ends_with("长.csv"), "{long}");
    }
}
