//! Which files of an inbox are whole. A file that comes over a network grows for a while; only what stands still is taken.

use super::stand::Stand;
use crate::domain::time::Instant;
use jiff::SignedDuration;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// Folders within the inbox that are gone into.
const DEEPEST: usize = 3;
/// Files that are looked at in one go.
const MOST: usize = 10_000;

/// A file that was seen.
#[derive(Debug, Clone, Copy)]
struct Seen {
    stand: Stand,
    /// Since when it stands so.
    since: Instant,
}

/// What was seen so far.
#[derive(Debug, Default)]
pub(super) struct Looks {
    seen: BTreeMap<PathBuf, Seen>,
    /// Files under a name that says that they grow still: as they stand, they are whole at once under another.
    growing: Vec<Stand>,
}

/// What is in an inbox now.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Whole files, as paths below the inbox, in order, and how they stand.
    pub(super) whole: Vec<(PathBuf, Stand)>,
    /// What cannot be taken, and why.
    pub(super) odd: Vec<(PathBuf, String)>,
}

impl Looks {
    /// Looks at the folder; what stands as it is for at least `settle` is whole.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub(super) fn look(&mut self, inbox: &Path, now: Instant, settle: SignedDuration) -> io::Result<Found> {
        let mut found = Found::default();
        let mut growing = Vec::new();
        let mut seen = BTreeMap::new();
        let mut open = vec![(PathBuf::new(), 0)];
        while let Some((below, depth)) = open.pop() {
            let entries = match fs::read_dir(inbox.join(&below)) {
                Err(error) if depth > 0 => {
                    found.odd.push((below, error.to_string()));
                    continue;
                }
                entries => entries?,
            };
            for entry in entries {
                let entry = entry?;
                let (name, path) = (entry.file_name(), below.join(entry.file_name()));
                // Not through a link: what it leads to is not ours to take.
                let about = match entry.metadata() {
                    Ok(about) => about,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    Err(error) => {
                        found.odd.push((path, error.to_string()));
                        continue;
                    }
                };
                let stand = Stand::of(&about);
                if is_aside(&name) || (depth == 0 && is_ours(&name)) {
                    continue;
                }
                if grows(&name) {
                    growing.push(stand);
                } else if about.is_dir() && depth < DEEPEST {
                    open.push((path, depth + 1));
                } else if !about.is_file() {
                    let what = if about.is_symlink() {
                        "it is a symbolic link, and links are not followed: put what it leads to here itself"
                    } else {
                        "it is no regular file, or lies too deep"
                    };
                    found.odd.push((path, what.to_owned()));
                } else if seen.len() < MOST {
                    let before = self.seen.get(&path).filter(|seen| seen.stand == stand);
                    let since = before.map_or(now, |seen| seen.since);
                    if self.growing.contains(&stand) || now.duration_since(since) >= settle {
                        found.whole.push((path.clone(), stand));
                    }
                    seen.insert(path, Seen { stand, since });
                }
            }
        }
        // What was renamed stays whole until it is taken.
        let kept = seen.values().map(|seen| seen.stand).filter(|stand| self.growing.contains(stand));
        growing.extend(kept.collect::<Vec<_>>());
        (self.seen, self.growing) = (seen, growing);
        found.whole.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(found)
    }
}

/// Says whether a name says that the file grows still.
fn grows(name: &OsStr) -> bool {
    let name = name.as_bytes().to_ascii_lowercase();
    [".part", ".filepart", ".tmp", ".partial", ".crdownload"].iter().any(|ending| name.ends_with(ending.as_bytes()))
        || name.starts_with(b".")
}

/// Says whether a name is not meant for people, such as what a spreadsheet program leaves while it runs.
fn is_aside(name: &OsStr) -> bool {
    name.as_bytes().starts_with(b"~$")
}

/// Says whether a name is that of a folder of ours.
fn is_ours(name: &OsStr) -> bool {
    [super::DONE, super::REFUSED].contains(&name.to_str().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTLE: SignedDuration = SignedDuration::from_secs(10);

    fn at(second: i64) -> Instant {
        Instant::from_second(second).unwrap()
    }

    fn names(found: &Found) -> Vec<&str> {
        found.whole.iter().map(|(path, _)| path.to_str().unwrap()).collect()
    }

    #[test]
    fn a_file_is_whole_when_it_stood_still() {
        let room = tempfile::tempdir().unwrap();
        let (path, mut looks) = (room.path().join("a.csv"), Looks::default());
        fs::write(&path, "1").unwrap();
        let mut look = |second| looks.look(room.path(), at(second), SETTLE).unwrap();
        assert!(names(&look(0)).is_empty());
        assert!(names(&look(9)).is_empty());
        fs::write(&path, "12").unwrap();
        assert!(names(&look(10)).is_empty(), "it grew");
        assert!(names(&look(19)).is_empty());
        assert_eq!(names(&look(20)), ["a.csv"]);
        // Another file of the same name and size begins anew.
        fs::remove_file(&path).unwrap();
        assert!(names(&look(21)).is_empty());
        fs::write(&path, "34").unwrap();
        assert!(names(&look(22)).is_empty());
    }

    #[test]
    fn what_is_renamed_when_it_is_whole_is_taken_at_once() {
        let room = tempfile::tempdir().unwrap();
        let mut looks = Looks::default();
        fs::write(room.path().join("a.csv.part"), "1").unwrap();
        fs::write(room.path().join(".b.csv"), "1").unwrap();
        let mut look = |second| looks.look(room.path(), at(second), SETTLE).unwrap();
        assert!(names(&look(0)).is_empty());
        assert!(names(&look(100)).is_empty(), "under such a name it is never taken");
        fs::rename(room.path().join("a.csv.part"), room.path().join("a.csv")).unwrap();
        fs::rename(room.path().join(".b.csv"), room.path().join("b.csv")).unwrap();
        assert_eq!(names(&look(101)), ["a.csv", "b.csv"]);
        assert_eq!(names(&look(102)), ["a.csv", "b.csv"], "until it is moved away");
    }

    #[test]
    fn what_is_written_on_after_its_name_said_it_grows_has_to_settle() {
        let room = tempfile::tempdir().unwrap();
        let mut looks = Looks::default();
        let (part, path) = (room.path().join("a.csv.part"), room.path().join("a.csv"));
        fs::write(&part, "1").unwrap();
        let mut look = |second| looks.look(room.path(), at(second), SETTLE).unwrap();
        assert!(names(&look(0)).is_empty());
        fs::rename(&part, &path).unwrap();
        fs::write(&path, "12").unwrap();
        assert!(names(&look(1)).is_empty(), "it was not seen so before");
        fs::write(&path, "123").unwrap();
        assert!(names(&look(10)).is_empty());
        assert_eq!(names(&look(20)), ["a.csv"]);
    }

    #[test]
    fn links_and_what_is_no_file_are_told_and_left_alone() {
        let room = tempfile::tempdir().unwrap();
        let (outside, inbox) = (room.path().join("secret.csv"), room.path().join("inbox"));
        fs::write(&outside, "1").unwrap();
        fs::create_dir_all(inbox.join("bank/2025/06/30")).unwrap();
        fs::create_dir_all(inbox.join("done")).unwrap();
        for (path, text) in [("bank/a.csv", "1"), ("bank/2025/06/b.csv", "1"), ("done/c.csv", "1"), ("~$d.xlsx", "1")] {
            fs::write(inbox.join(path), text).unwrap();
        }
        fs::write(inbox.join(OsStr::from_bytes(b"\xB4\xE6\xB9\xDC\n\xFF.csv")), "1").unwrap();
        std::os::unix::fs::symlink(&outside, inbox.join("link.csv")).unwrap();
        std::os::unix::fs::symlink(room.path(), inbox.join("folder")).unwrap();
        let mut looks = Looks::default();
        looks.look(&inbox, at(0), SETTLE).unwrap();
        let found = looks.look(&inbox, at(10), SETTLE).unwrap();
        let whole: Vec<_> = found.whole.iter().filter_map(|(path, _)| path.to_str()).collect();
        assert_eq!((whole, found.whole.len()), (vec!["bank/2025/06/b.csv", "bank/a.csv"], 3));
        let mut odd: Vec<_> = found.odd.iter().map(|(path, _)| path.to_str().unwrap()).collect();
        odd.sort_unstable();
        assert_eq!(odd, ["bank/2025/06/30", "folder", "link.csv"]);
    }
}
