//! Going through files and folders.

use super::{archive, name};
use crate::intake::commands::json;
use crate::intake::item::{Form, Item, Refused, Sink};
use crate::intake::kind::{Kind, Unread, kind};
use crate::intake::place::{Finding, Place};
use crate::intake::profile::How;
use crate::intake::sheet::{SheetKind, rank};
use crate::intake::tables::{About, delimited, html, workbook};
use std::fs::{self, File};
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Folders within folders that are gone into: a link that leads back up would never end.
const DEEPEST_FOLDER: usize = 8;

/// Reads a file, or the files of a folder and its subfolders, by `how`, in a fixed order: the register
/// first, then by kind of sheet, then by name. Nothing in a file ends the reading of the others; a path that cannot be
/// read is itself an [`Item::Refused`].
///
/// # Errors
/// `Break` if `sink` said so.
pub fn read(path: &Path, how: impl Into<How>, sink: Sink<'_>) -> ControlFlow<()> {
    let how = &how.into();
    if path.is_dir() {
        read_folder(path, how, sink)
    } else {
        open(path, &Source { name: &name::of_path(path), depth: 0, named: true }, how, sink)
    }
}

/// Reads one file and calls it `name` wherever it is spoken of; `name` also tells, as file names do, the
/// kind of sheet. For uploads, whose path says nothing.
///
/// # Errors
/// `Break` if `sink` said so.
pub fn read_file(path: &Path, name: &str, how: impl Into<How>, sink: Sink<'_>) -> ControlFlow<()> {
    open(path, &Source { name, depth: 0, named: true }, &how.into(), sink)
}

/// Reads one open file from where it stands, and calls it `name` wherever it is spoken of; `name` also tells, as file names do, the
/// kind of sheet. For what was handed in and lies nowhere.
///
/// # Errors
/// `Break` if `sink` said so.
pub fn read_handed(file: File, name: &str, how: impl Into<How>, sink: Sink<'_>) -> ControlFlow<()> {
    read_source(file, &Source { name, depth: 0, named: true }, &how.into(), sink)
}

/// Endings that say a file is a sheet.
const SHEETS: [&str; 8] = ["xlsx", "xlsm", "xls", "xlsb", "et", "ods", "csv", "tsv"];

/// A file on its way in.
pub(super) struct Source<'n> {
    /// What it is called: the path below the folder or within the archive.
    pub(super) name: &'n str,
    /// Archives around it.
    pub(super) depth: usize,
    /// A person named this very file; what cannot be read is then refused, not passed over.
    pub(super) named: bool,
}

fn open(path: &Path, source: &Source<'_>, how: &How, sink: Sink<'_>) -> ControlFlow<()> {
    // Opening a pipe that nobody writes to would wait for ever, and a device never ends.
    match fs::metadata(path) {
        Ok(found) if !found.is_file() => {
            return sink(Item::Refused(Refused { refusal: no_file(whole(source.name)), rows: 0 }));
        }
        _ => {}
    }
    match File::open(path) {
        Ok(file) => read_source(file, source, how, sink),
        Err(error) => refuse_unreadable(source.name, &error, sink),
    }
}

/// Reads an open file as what its content says it is.
pub(super) fn read_source(mut file: File, source: &Source<'_>, how: &How, sink: Sink<'_>) -> ControlFlow<()> {
    let name: Arc<str> = source.name.into();
    let stem = name::stem(source.name);
    let about = |strict_width| About {
        file: Arc::clone(&name),
        sheet: "".into(),
        named: SheetKind::named_in(&stem),
        fallback: Vec::new(),
        strict_width,
        form: Form::Workbook,
        hidden_columns: Vec::new(),
    };
    let outcome = match kind(&mut file, &name::ending(source.name)) {
        Ok(Kind::Workbook(book)) => Ok(workbook::read(file, book, &name, &stem, how, sink)),
        Ok(Kind::Delimited) => delimited::read(file, about(true), how, sink),
        Ok(Kind::Html) => html::read(file, about(false), how, sink),
        Ok(Kind::Json) => json::read(file, &name, how, sink),
        Ok(Kind::Archive) => Ok(archive::read(file, source, how, sink)),
        Ok(Kind::Unread(reason)) => Ok(unread(source, reason, sink)),
        Err(error) => Err(error),
    };
    outcome.unwrap_or_else(|error| refuse_unreadable(source.name, &error, sink))
}

fn unread(source: &Source<'_>, reason: Unread, sink: Sink<'_>) -> ControlFlow<()> {
    let finding = Finding::new(whole(source.name), reason.code(), "", reason.zh(), reason.to_string());
    // Beside the sheets of a folder lie letters and pictures: they are told of. What is called like a sheet was meant to be read.
    if source.named || reason == Unread::Locked || SHEETS.contains(&&*name::ending(source.name)) {
        sink(Item::Refused(Refused { refusal: finding, rows: 0 }))
    } else {
        sink(Item::Warning(finding))
    }
}

fn read_folder(folder: &Path, how: &How, sink: Sink<'_>) -> ControlFlow<()> {
    let mut files = Vec::new();
    list(folder, "", 0, &mut files, sink)?;
    files.sort_by_cached_key(|(_, name)| by_order(name));
    for (path, name) in files {
        open(&path, &Source { name: &name, depth: 0, named: false }, how, sink)?;
    }
    ControlFlow::Continue(())
}

/// Collects the files of a folder and its subfolders, each with its name from the first folder on.
fn list(
    folder: &Path,
    above: &str,
    depth: usize,
    files: &mut Vec<(PathBuf, String)>,
    sink: Sink<'_>,
) -> ControlFlow<()> {
    let listed =
        fs::read_dir(folder).and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>());
    let paths = match listed {
        Ok(paths) => paths,
        Err(error) => return refuse_unreadable(&name::of_path(folder), &error, sink),
    };
    for path in paths {
        let own = name::of_path(&path);
        if name::is_aside(&own) {
            continue;
        }
        let name = format!("{above}{own}");
        if !path.is_dir() {
            files.push((path, name));
        } else if depth < DEEPEST_FOLDER && !path.is_symlink() {
            list(&path, &format!("{name}/"), depth + 1, files, sink)?;
        } else {
            let zh = "链接或层级过深的子文件夹未读取";
            let en = "a linked or too deep folder is not read";
            sink(Item::Warning(Finding::new(whole(&name), "subfolder", "", zh, en)))?;
        }
    }
    ControlFlow::Continue(())
}

/// Where a file stands among those read together.
pub(super) fn by_order(name: &str) -> (usize, String) {
    (rank(&name::stem(name)), name.to_owned())
}

pub(super) fn whole(file: &str) -> Place {
    Place { file: file.into(), sheet: "".into(), row: None, column: None }
}

fn no_file(place: Place) -> Finding {
    Finding::new(
        place,
        "not_a_file",
        "",
        "不是普通文件（可能是管道、设备或文件夹），请将内容另存为文件",
        "it is not a regular file, but a pipe, a device or a folder; save its content as a file",
    )
}

fn refuse_unreadable(name: &str, error: &io::Error, sink: Sink<'_>) -> ControlFlow<()> {
    let (zh, en) = (format!("文件无法读取：{error}"), format!("the file cannot be read: {error}"));
    sink(Item::Refused(Refused { refusal: Finding::new(whole(name), "unreadable", "", zh, en), rows: 0 }))
}
