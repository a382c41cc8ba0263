//! Ten csv files in a folder, in UTF-8 or GB18030.

use super::{Cell, Sheet, SheetError, SheetWriter};
use crate::domain::time::local;
use csv::{Terminator, Writer, WriterBuilder};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// How the text of a csv file is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8 without a byte order mark.
    Utf8,
    /// GB18030, as Chinese spreadsheets save csv.
    Gb18030,
}

/// A folder of csv files being written.
pub struct CsvFolder {
    files: Vec<(Sheet, PathBuf, Writer<Encoded>)>,
}

impl std::fmt::Debug for CsvFolder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CsvFolder").field("files", &self.files.len()).finish()
    }
}

impl CsvFolder {
    /// Begins the files, each with its headings.
    ///
    /// # Errors
    /// When a file cannot be made.
    pub fn create(folder: &Path, encoding: Encoding) -> Result<Self, SheetError> {
        let mut files = Vec::with_capacity(Sheet::ALL.len());
        for sheet in Sheet::ALL {
            let path = folder.join(format!("{}.csv", sheet.name()));
            let file = File::create_new(&path).map_err(|reason| SheetError::Write { path: path.clone(), reason })?;
            let encoded = Encoded { encoding, file: BufWriter::new(file), unfinished: Vec::new() };
            let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(encoded);
            let written = writer.write_record(sheet.headings());
            written.map_err(|reason| SheetError::Write { path: path.clone(), reason: reason.into() })?;
            files.push((sheet, path, writer));
        }
        Ok(Self { files })
    }
}

impl SheetWriter for CsvFolder {
    fn row(&mut self, sheet: Sheet, cells: &[Cell]) -> Result<(), SheetError> {
        let Some((_, path, writer)) = self.files.iter_mut().find(|(of, ..)| *of == sheet) else { return Ok(()) };
        let written = writer.write_record(cells.iter().map(text));
        written.map_err(|reason| SheetError::Write { path: path.clone(), reason: reason.into() })
    }

    fn finish(self) -> Result<(), SheetError> {
        for (_, path, writer) in self.files {
            let finished = writer.into_inner().map_err(|error| error.into_error()).and_then(Encoded::finish);
            finished.map_err(|reason| SheetError::Write { path, reason })?;
        }
        Ok(())
    }
}

fn text(cell: &Cell) -> String {
    match cell {
        Cell::Empty => String::new(),
        Cell::Text(text) => text.clone(),
        Cell::Day(day) => day.to_string(),
        Cell::Minute(at) => local(*at).strftime("%Y-%m-%d %H:%M").to_string(),
        Cell::Amount(amount) => amount.to_string(),
        Cell::Share(share) => share.to_string(),
    }
}

/// Turns UTF-8 into the encoding asked for. A character may arrive in two pieces.
struct Encoded {
    encoding: Encoding,
    file: BufWriter<File>,
    unfinished: Vec<u8>,
}

impl Encoded {
    fn finish(mut self) -> io::Result<()> {
        self.file.flush()?;
        self.file.get_ref().sync_all()
    }
}

impl Write for Encoded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.encoding == Encoding::Utf8 {
            return self.file.write(bytes);
        }
        self.unfinished.extend_from_slice(bytes);
        let whole = match std::str::from_utf8(&self.unfinished) {
            Ok(text) => text.len(),
            Err(error) => error.valid_up_to(),
        };
        let rest = self.unfinished.split_off(whole);
        let text = std::str::from_utf8(&self.unfinished).map_err(io::Error::other)?;
        let (encoded, ..) = encoding_rs::GB18030.encode(text);
        self.file.write_all(&encoded)?;
        self.unfinished = rest;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
