//! A district on disk: all of it or nothing.

use super::events::Recorder;
use super::sheets::{CsvFolder, Encoding, SheetError, SheetWriter, Workbook, as_it_stands, row_of};
use super::{Dated, Plan};
use serde::Serialize;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// What a district is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A folder of ten csv files in UTF-8.
    Csv,
    /// A folder of ten csv files in GB18030.
    Gb18030,
    /// One workbook with ten sheets.
    Xlsx,
    /// One file with a command on each line, as it was known: a ticket appears each time something is added to it.
    Ndjson,
    /// One file with a CloudEvent on each line: the events that follow from the commands, as a log would hold them. They
    /// carry no digest, for no log has sealed them.
    Events,
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Saved {
    /// Registered merchants.
    pub merchants: u64,
    /// Rows of all sheets without their headings, or lines.
    pub rows: u64,
}

/// Why a district cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// Something is there already.
    #[error("`{}` exists already; name another place, or move it away", .0.display())]
    Exists(PathBuf),
    /// The disk said no.
    #[error("`{}` cannot be written: {reason}", path.display())]
    Write {
        /// File or folder.
        path: PathBuf,
        /// What it said.
        reason: io::Error,
    },
    /// A sheet cannot be written.
    #[error(transparent)]
    Sheet(#[from] SheetError),
}

/// Writes the district to `to`: a folder for csv, otherwise a file. `done` is told the number of merchants written so
/// far. It appears under its name only when it is complete.
///
/// # Errors
/// When `to` is there already (an empty folder may be), or cannot be written; then nothing is left behind.
pub fn save(plan: &Plan, shape: Shape, to: &Path, mut done: impl FnMut(u64)) -> Result<Saved, SaveError> {
    let failed = |reason| SaveError::Write { path: to.to_owned(), reason };
    let empty_folder = || fs::read_dir(to).is_ok_and(|mut entries| entries.next().is_none());
    let is_folder = matches!(shape, Shape::Csv | Shape::Gb18030);
    if fs::symlink_metadata(to).is_ok() && !(is_folder && empty_folder()) {
        return Err(SaveError::Exists(to.to_owned()));
    }
    let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Beside the final place, so that the last step is a rename; removed with everything in it when it is dropped.
    let workshop = tempfile::Builder::new().prefix(".simulate-").tempdir_in(parent).map_err(failed)?;
    let unfinished = workshop.path().join("district");
    let rows = match shape {
        Shape::Csv | Shape::Gb18030 => {
            fs::create_dir(&unfinished).map_err(failed)?;
            let encoding = if shape == Shape::Csv { Encoding::Utf8 } else { Encoding::Gb18030 };
            sheets(plan, CsvFolder::create(&unfinished, encoding)?, &mut done)?
        }
        Shape::Xlsx => sheets(plan, Workbook::create(&unfinished)?, &mut done)?,
        Shape::Ndjson | Shape::Events => {
            let file = File::create_new(&unfinished).map_err(failed)?;
            let mut line = line_writer(plan, shape);
            lines(plan, BufWriter::with_capacity(1 << 20, file), &mut line, &mut done).map_err(failed)?
        }
    };
    if is_folder && empty_folder() {
        fs::remove_dir(to).map_err(failed)?;
    }
    fs::rename(&unfinished, to).map_err(failed)?;
    Ok(Saved { merchants: plan.merchants, rows })
}

fn sheets(plan: &Plan, mut writer: impl SheetWriter, done: &mut impl FnMut(u64)) -> Result<u64, SheetError> {
    let mut rows = 0;
    for index in 0..plan.merchants {
        for command in as_it_stands(plan.merchant(index)) {
            if let Some((sheet, cells)) = row_of(command) {
                writer.row(sheet, &cells)?;
                rows += 1;
            }
        }
        done(index + 1);
    }
    writer.finish()?;
    Ok(rows)
}

type LineWriter = Box<dyn FnMut(&mut BufWriter<File>, Vec<Dated>) -> io::Result<u64>>;

/// Returns what writes one merchant's lines.
fn line_writer(plan: &Plan, shape: Shape) -> LineWriter {
    let mut recorder = (shape == Shape::Events).then(|| Recorder::new(plan.seed));
    Box::new(move |file, told| match &mut recorder {
        Some(recorder) => write_lines(
            file,
            recorder.record(told).into_iter().map(|recorded| {
                let mut event = recorded.to_cloud_event();
                event.digest = None;
                event
            }),
        ),
        None => write_lines(file, told.into_iter().map(|dated| dated.command)),
    })
}

fn write_lines(file: &mut BufWriter<File>, lines: impl Iterator<Item = impl Serialize>) -> io::Result<u64> {
    let mut written = 0;
    for line in lines {
        serde_json::to_writer(&mut *file, &line)?;
        file.write_all(b"\n")?;
        written += 1;
    }
    Ok(written)
}

fn lines(
    plan: &Plan,
    mut file: BufWriter<File>,
    write: &mut LineWriter,
    done: &mut impl FnMut(u64),
) -> io::Result<u64> {
    let mut lines = 0;
    for index in 0..plan.merchants {
        lines += write(&mut file, plan.merchant(index))?;
        done(index + 1);
    }
    file.flush()?;
    file.get_ref().sync_all()?;
    Ok(lines)
}
