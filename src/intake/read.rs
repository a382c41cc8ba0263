//! Going through files and folders.

use super::item::{Item, Refused, Sink};
use super::place::{Finding, Place};
use super::profile::How;
use super::sheet::{SheetKind, rank};
use super::table::About;
use super::{delimited, ndjson, workbook};
use std::fs::{self, File};
use std::io::{self, Read, Seek};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Reads a file or the files of a folder (not of its subfolders), as they stand at `now`, in a fixed order: the register
/// first, then by kind of sheet, then by name. Nothing in a file ends the reading of the others; a path that cannot be
/// read is itself an [`Item::Refused`].
///
/// # Errors
/// `Break` if `sink` said so.
pub fn read(path: &Path, how: impl Into<How>, sink: Sink<'_>) -> ControlFlow<()> {
    let how = &how.into();
    if path.is_dir() { read_folder(path, how, sink) } else { read_one(path, &file_name(path), how, sink) }
}

/// Reads one file and calls it `name` wherever it is spoken of; `name` also tells its type and, as file names do, the
/// kind of sheet. For uploads, whose path says nothing.
///
/// # Errors
/// `Break` if `sink` said so.
pub fn read_file(path: &Path, name: &str, how: impl Into<How>, sink: Sink<'_>) -> ControlFlow<()> {
    read_one(path, name, &how.into(), sink)
}

fn read_one(path: &Path, name: &str, how: &How, sink: Sink<'_>) -> ControlFlow<()> {
    let file_name: Arc<str> = name.into();
    // Opening a pipe that nobody writes to would wait for ever, and a device never ends.
    match fs::metadata(path) {
        Ok(found) if !found.is_file() => {
            return sink(Item::Refused(Refused { refusal: no_file(whole(name)), rows: 0 }));
        }
        _ => {}
    }
    let outcome = File::open(path).and_then(|mut file| {
        let stem = Path::new(name).file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let format = match Format::of(name) {
            // Some programs export workbooks under the name of csv; the first bytes tell.
            Some(Format::Delimited) if is_zip(&mut file)? => Some(Format::Workbook),
            other => other,
        };
        Ok(match format {
            Some(Format::Workbook) => workbook::read(file, &file_name, &stem, how, sink),
            Some(Format::Delimited) => {
                let about = About {
                    file: Arc::clone(&file_name),
                    sheet: "".into(),
                    named: SheetKind::named_in(&stem),
                    fallback: Vec::new(),
                    strict_width: true,
                };
                delimited::read(file, about, how, sink)?
            }
            Some(Format::Ndjson) => ndjson::read(file, &file_name, how, sink),
            None => sink(Item::Refused(Refused { refusal: unknown_type(whole(&file_name)), rows: 0 })),
        })
    });
    outcome.unwrap_or_else(|error| sink(Item::Refused(Refused { refusal: unreadable(whole(name), &error), rows: 0 })))
}

fn read_folder(folder: &Path, how: &How, sink: Sink<'_>) -> ControlFlow<()> {
    let mut paths: Vec<PathBuf> = Vec::new();
    let listed = fs::read_dir(folder).and_then(|entries| {
        entries.into_iter().try_for_each(|entry| {
            paths.push(entry?.path());
            Ok(())
        })
    });
    if let Err(error) = listed {
        let refusal = unreadable(whole(&folder.to_string_lossy()), &error);
        return sink(Item::Refused(Refused { refusal, rows: 0 }));
    }
    // A dot marks what is not meant for people, `~$` what a spreadsheet program leaves behind while it runs.
    let hidden = |path: &PathBuf| file_name(path).starts_with('.') || file_name(path).starts_with("~$");
    paths.retain(|path| !hidden(path));
    paths.sort_by_cached_key(|path| {
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        (rank(&stem), file_name(path))
    });
    for path in paths {
        let name = file_name(&path);
        if path.is_dir() {
            let en = "a folder in a folder is not read";
            sink(Item::Warning(Finding::new(whole(&name), "subfolder", "", "子文件夹未读取", en)))?;
        } else if Format::of(&name).is_none() {
            sink(Item::Warning(unknown_type(whole(&name))))?;
        } else {
            read_one(&path, &name, how, sink)?;
        }
    }
    ControlFlow::Continue(())
}

#[derive(Clone, Copy)]
enum Format {
    Workbook,
    Delimited,
    Ndjson,
}

impl Format {
    fn of(name: &str) -> Option<Self> {
        let extension = Path::new(name).extension()?.to_str()?.to_ascii_lowercase();
        match extension.as_str() {
            "xlsx" | "xlsm" => Some(Self::Workbook),
            "csv" | "tsv" | "txt" => Some(Self::Delimited),
            "ndjson" | "jsonl" => Some(Self::Ndjson),
            _ => None,
        }
    }
}

fn is_zip(file: &mut File) -> io::Result<bool> {
    let mut beginning = Vec::with_capacity(4);
    Read::by_ref(file).take(4).read_to_end(&mut beginning)?;
    file.rewind()?;
    Ok(beginning == b"PK\x03\x04")
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

fn whole(file: &str) -> Place {
    Place { file: file.into(), sheet: "".into(), row: None, column: None }
}

fn unknown_type(place: Place) -> Finding {
    Finding::new(
        place,
        "unknown_file_type",
        "",
        "无法读取这种文件，请另存为 xlsx 或 csv",
        "files of this type are not read; save it as xlsx or csv",
    )
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

fn unreadable(place: Place, error: &io::Error) -> Finding {
    Finding::new(place, "unreadable", "", format!("文件无法读取：{error}"), format!("the file cannot be read: {error}"))
}
