//! Moving a file of the inbox away: `done/TIME-NAME/` holds it, and beside it `papers/`. It is put together as `.done-TIME-NAME` and
//! gets its name when all is in it, so that a folder without a dot is whole whenever the service stops.

use super::stand::Stand;
use super::{DONE, REFUSED};
use crate::domain::time::Instant;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, fsync, open, openat, renameat, statat, unlinkat};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// How the time stands before the name of a folder; such times are in order as texts.
const TIMED: &str = "%Y%m%dT%H%M%S%.6fZ";
/// Folder of the papers.
const PAPERS: &str = "papers";
/// How the file stood that was taken, until it was looked at on its shelf.
const STOOD: &str = ".stood";
/// Name of a folder by which a shelf is tried.
const TRIAL: &str = "trial";
/// Bytes of a file's name that its folder is called by; a file system takes 255.
const LONGEST: usize = 150;

/// What came of moving a file away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moved {
    /// It lies on its shelf.
    Away,
    /// Another file, or more of it, came in its place, which stays for the next look.
    Changed,
}

/// Moves a file that was taken as it stood into a new folder of a shelf, with the papers that `write` puts into the folder it is
/// given. What cannot be moved stays where it was.
pub(super) fn put_away(
    inbox: &Path,
    (path, stand): (&Path, Stand),
    shelf: &str,
    now: Instant,
    write: impl FnOnce(&Path) -> io::Result<()>,
) -> io::Result<Moved> {
    let title = format!("{}-{}", now.strftime(TIMED), title(path));
    let aside = inbox.join(format!(".{shelf}-{title}"));
    let target = open_shelf(inbox, shelf)?;
    if has(&target, &title) || fs::symlink_metadata(&aside).is_ok() {
        return Err(io::Error::new(
            ErrorKind::AlreadyExists,
            "another file of that name was moved away at this instant",
        ));
    }
    let name = path.file_name().ok_or(ErrorKind::InvalidInput)?;
    let arrived = aside.join(if name == PAPERS { OsStr::new("papers-file") } else { name });
    let (source, stood) = (inbox.join(path), aside.join(STOOD));
    let move_away = || {
        // A name is no more than where the file lay: what was not taken is never moved away under it.
        if Stand::at(&source)? != stand {
            return Ok(Moved::Changed);
        }
        fs::rename(&source, &arrived)?;
        if Stand::at(&arrived)? != stand {
            return Ok(Moved::Changed);
        }
        fs::remove_file(&stood)?;
        renameat(CWD, &aside, &target, title.as_str())?;
        Ok(Moved::Away)
    };
    let papers = aside.join(PAPERS);
    // Never into what is there already, which may lead elsewhere.
    let made = fs::create_dir(&aside).and_then(|()| fs::create_dir(&papers));
    let noted = || fs::write(&stood, stand.to_string());
    let moved = made.and_then(|()| write(&papers)).and_then(|()| noted()).and_then(|()| move_away());
    if !matches!(moved, Ok(Moved::Away)) {
        if fs::symlink_metadata(&arrived).is_ok() {
            move_back(&arrived, &[&source, &inbox.join(&title)])?;
        }
        // Never with what is in it: only papers may go.
        let _ = fs::remove_file(&stood);
        let cleared = fs::remove_dir_all(&papers).and_then(|()| fs::remove_dir(&aside));
        if let Err(error) = cleared.or_else(|error| if aside.exists() { Err(error) } else { Ok(()) }) {
            tracing::warn!(folder = %aside.display(), %error, "a folder that was begun in the inbox stays");
        }
        return moved;
    }
    sync(inbox)?;
    fsync(&target)?;
    Ok(Moved::Away)
}

/// Opens a shelf itself: what a link leads to is none, whoever put it there.
fn open_shelf(inbox: &Path, shelf: &str) -> io::Result<OwnedFd> {
    let how = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = open(inbox, how, Mode::empty())?;
    openat(&folder, shelf, how | OFlags::NOFOLLOW, Mode::empty()).map_err(|error| {
        let is_link = fs::symlink_metadata(inbox.join(shelf)).is_ok_and(|about| about.is_symlink());
        if !is_link {
            return error.into();
        }
        let inbox = inbox.display();
        let what = format!(
            "`{shelf}` in the inbox `{inbox}` is a symbolic link, and links are not followed: what is taken would end up elsewhere; \
             remove the link and make a folder in its place"
        );
        io::Error::new(ErrorKind::InvalidInput, what)
    })
}

/// Removes what was put on a shelf before an instant. What has no time in its name is none of ours.
pub(super) fn remove_before(inbox: &Path, shelf: &str, before: Instant) -> io::Result<()> {
    // Nothing is removed through a link.
    open_shelf(inbox, shelf)?;
    let before = before.strftime(TIMED).to_string();
    for entry in fs::read_dir(inbox.join(shelf))? {
        let entry = entry?;
        let name = entry.file_name();
        let time = name.to_str().and_then(|name| name.split_once('-')).map(|(time, _)| time);
        let is_ours = |time: &str| time.len() == before.len() && time.ends_with('Z') && time.get(8..9) == Some("T");
        if entry.file_type()?.is_dir() && time.is_some_and(|time| is_ours(time) && *time < *before) {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

/// Says whether something of that name lies in a folder.
fn has(folder: &OwnedFd, name: &str) -> bool {
    statat(folder, name, AtFlags::SYMLINK_NOFOLLOW).is_ok()
}

/// Moves a file back to the first of some places that is free: what came there meanwhile is never replaced.
fn move_back(from: &Path, places: &[&Path]) -> io::Result<()> {
    for place in places {
        match fs::hard_link(from, place) {
            Ok(()) => return fs::remove_file(from),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            // Not every file system knows links.
            Err(_) if fs::symlink_metadata(place).is_err() => return fs::rename(from, place),
            Err(_) => {}
        }
    }
    Err(io::Error::new(
        ErrorKind::AlreadyExists,
        "it cannot be moved back into the inbox: other files came in its place",
    ))
}

/// Tries whether a folder can be moved onto a shelf, as [`put_away`] does it.
///
/// # Errors
/// It cannot; the error says what to do.
pub(super) fn try_shelf(inbox: &Path, shelf: &str) -> io::Result<()> {
    let aside = inbox.join(format!(".{shelf}-{TRIAL}"));
    let tried = || -> io::Result<()> {
        let target = open_shelf(inbox, shelf)?;
        fs::create_dir_all(&aside)?;
        renameat(CWD, &aside, &target, TRIAL)?;
        Ok(unlinkat(&target, TRIAL, AtFlags::REMOVEDIR)?)
    };
    tried().map_err(|error| {
        let _ = fs::remove_dir(&aside);
        let (inbox, kind) = (inbox.display(), error.kind());
        io::Error::new(
            kind,
            format!(
                "what is taken cannot be moved from the inbox `{inbox}` into its folder `{shelf}`: {error}; both must lie on \
                 one file system, and the service must be allowed to write them"
            ),
        )
    })
}

/// Finishes what a stop has left half done: a folder that has its file gets its name, another is taken away.
pub(super) fn finish(inbox: &Path) -> io::Result<()> {
    for entry in fs::read_dir(inbox)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some((shelf, title)) = name.to_str().and_then(of_ours) else { continue };
        // Whoever may write here can give anything such a name: it keeps nobody from starting.
        if !entry.file_type()?.is_dir() || matches!(title, "" | "." | "..") {
            continue;
        }
        let path = entry.path();
        let done = match file_in(&path) {
            Ok(Some(file)) => finish_one(inbox, &path, &file, shelf, title),
            Ok(None) => fs::remove_dir_all(&path),
            Err(error) => Err(error),
        };
        if let Err(error) = done {
            tracing::warn!(file = ?path, %error, "what was begun in the inbox cannot be finished, and is left");
        }
    }
    Ok(())
}

/// Returns the shelf and the title of a folder that is being put together.
fn of_ours(name: &str) -> Option<(&'static str, &str)> {
    let rest = name.strip_prefix('.')?;
    [DONE, REFUSED].into_iter().find_map(|shelf| Some((shelf, rest.strip_prefix(shelf)?.strip_prefix('-')?)))
}

/// Finishes a folder that has its file. One that another file came into at the last moment gives it back: it was not taken.
fn finish_one(inbox: &Path, folder: &Path, file: &Path, shelf: &str, title: &str) -> io::Result<()> {
    let stood = folder.join(STOOD);
    // Without a note it was compared before the stop.
    let as_taken = match fs::read_to_string(&stood) {
        Ok(text) => Stand::read(&text) == Some(Stand::at(file)?),
        Err(error) if error.kind() == ErrorKind::NotFound => true,
        Err(error) => return Err(error),
    };
    if !as_taken {
        let name = file.file_name().ok_or(ErrorKind::InvalidInput)?;
        move_back(file, &[&inbox.join(name), &inbox.join(title)])?;
        return fs::remove_dir_all(folder);
    }
    if stood.exists() {
        fs::remove_file(&stood)?;
    }
    Ok(renameat(CWD, folder, open_shelf(inbox, shelf)?, title)?)
}

/// Returns what lies in a folder that is put together, besides what is ours.
fn file_in(folder: &Path) -> io::Result<Option<PathBuf>> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name() != PAPERS && entry.file_name() != STOOD {
            return Ok(Some(entry.path()));
        }
    }
    Ok(None)
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
    fn what_others_name_like_ours_keeps_nobody_from_starting() {
        let room = tempfile::tempdir().unwrap();
        let inbox = room.path();
        for folder in [".done-..", ".done-1-a.csv", "done/1-a.csv", "refused"] {
            fs::create_dir_all(inbox.join(folder)).unwrap();
        }
        for file in [".done-x", ".done-../f.csv", ".done-1-a.csv/a.csv", "done/1-a.csv/there.csv"] {
            fs::write(inbox.join(file), "1").unwrap();
        }
        finish(inbox).unwrap();
        assert!(inbox.join(".done-x").exists() && inbox.join(".done-../f.csv").exists());
        assert!(inbox.join(".done-1-a.csv/a.csv").exists() && inbox.join("done/1-a.csv/there.csv").exists());
    }

    /// The service stopped after the file was moved and before it was looked at once more.
    #[test]
    fn what_came_in_the_place_of_what_was_taken_is_given_back_after_a_stop() {
        let room = tempfile::tempdir().unwrap();
        let inbox = room.path();
        for (name, stood) in [("a.csv", "0 0 0 0 0"), ("b.csv", "")] {
            let aside = inbox.join(format!(".done-1-{name}"));
            fs::create_dir_all(aside.join("papers")).unwrap();
            fs::write(aside.join(name), "1").unwrap();
            let stood =
                if stood.is_empty() { Stand::at(&aside.join(name)).unwrap().to_string() } else { stood.to_owned() };
            fs::write(aside.join(STOOD), stood).unwrap();
        }
        fs::create_dir(inbox.join("done")).unwrap();
        finish(inbox).unwrap();
        assert_eq!(
            (names(inbox), names(&inbox.join("done"))),
            (vec!["a.csv".into(), "done".into()], vec!["1-b.csv".into()])
        );
        assert_eq!(names(&inbox.join("done/1-b.csv")), ["b.csv", "papers"]);
    }

    #[test]
    fn a_shelf_that_is_a_link_is_not_followed() {
        let (room, stand) = room();
        let elsewhere = tempfile::tempdir().unwrap();
        fs::remove_dir(room.path().join("done")).unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), room.path().join("done")).unwrap();
        let write = |papers: &Path| fs::write(papers.join("receipts.csv"), "1");
        let moved = put_away(room.path(), (Path::new("a.csv"), stand), DONE, Instant::from_second(1).unwrap(), write);
        assert!(moved.unwrap_err().to_string().contains("symbolic link"));
        assert_eq!(names(room.path()), ["a.csv", "done"]);
        // Nor after a stop.
        fs::create_dir_all(room.path().join(".done-1-b.csv/papers")).unwrap();
        fs::write(room.path().join(".done-1-b.csv/b.csv"), "1").unwrap();
        finish(room.path()).unwrap();
        assert!(try_shelf(room.path(), DONE).unwrap_err().to_string().contains("symbolic link"));
        assert_eq!(names(elsewhere.path()), Vec::<String>::new());
    }

    fn room() -> (tempfile::TempDir, Stand) {
        let room = tempfile::tempdir().unwrap();
        fs::create_dir(room.path().join("done")).unwrap();
        fs::write(room.path().join("a.csv"), "taken").unwrap();
        let stand = Stand::at(&room.path().join("a.csv")).unwrap();
        (room, stand)
    }

    fn names(folder: &Path) -> Vec<String> {
        let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }

    #[test]
    fn what_came_in_the_place_of_what_was_taken_stays() {
        let (room, stand) = room();
        let path = room.path().join("a.csv");
        let write = |_: &Path| {
            fs::write(room.path().join("new"), "other").unwrap();
            fs::rename(room.path().join("new"), &path)
        };
        let moved = put_away(room.path(), (Path::new("a.csv"), stand), DONE, Instant::from_second(1).unwrap(), write);
        assert_eq!(moved.unwrap(), Moved::Changed);
        assert_eq!(fs::read_to_string(&path).unwrap(), "other");
        assert_eq!(
            (names(room.path()), names(&room.path().join("done"))),
            (vec!["a.csv".into(), "done".into()], vec![])
        );
    }

    #[test]
    fn what_cannot_be_moved_away_stays_and_nothing_begun_with_it() {
        let (room, stand) = room();
        fs::remove_dir(room.path().join("done")).unwrap();
        fs::write(room.path().join("done"), "").unwrap();
        let write = |papers: &Path| fs::write(papers.join("receipts.csv"), "1");
        put_away(room.path(), (Path::new("a.csv"), stand), DONE, Instant::from_second(1).unwrap(), write).unwrap_err();
        assert_eq!(names(room.path()), ["a.csv", "done"]);
        assert!(try_shelf(room.path(), DONE).unwrap_err().to_string().contains("`done`"));
        assert_eq!(names(room.path()), ["a.csv", "done"]);
    }

    #[test]
    fn what_is_moved_back_replaces_nothing() {
        let (room, _) = room();
        let place = |name| room.path().join(name);
        fs::write(place("back"), "back").unwrap();
        move_back(&place("back"), &[&place("a.csv"), &place("b.csv")]).unwrap();
        assert_eq!(fs::read_to_string(place("a.csv")).unwrap(), "taken");
        assert_eq!(fs::read_to_string(place("b.csv")).unwrap(), "back");
    }

    #[test]
    fn a_title_is_one_name_of_some_length() {
        assert_eq!(title(Path::new("bank/a\nb.csv")), "bank_a_b.csv");
        assert_eq!(title(Path::new(OsStr::from_bytes(b"\xB4\xE6\xB9\xDC.csv"))), "存管.csv");
        let long = title(Path::new(&format!("{}.csv", "长".repeat(80))));
        assert!(long.len() <= LONGEST && long.ends_with("长.csv"), "{long}");
    }
}
