//! The gate before a workbook: whether it is sound, and how much memory reading it will take.
//!
//! A workbook is a few megabytes that unpack to anything. What a reader of it holds at once is measured here first, with the
//! tokenizer that the reader itself uses, and nothing is held while measuring: so no file, however it is made, takes more
//! memory than the limits say.
//!
//! On the way, what readers leave out is noted for each sheet ([`Survey`]).

use super::survey::{Seen, Survey, Surveys};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::cell::Cell;
use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use zip::ZipArchive;

/// How much of a workbook is let through, in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// All parts, unpacked; a million rows of a dozen columns have about one GiB.
    unpacked: u64,
    /// What stays in memory while the sheets are read: shared texts, formats, names. A million rows whose names, shops and
    /// people are all unlike each other have about 300 MiB.
    held: u64,
    /// One cell or one shared text, mark-up included. A cell has at most 32,767 characters.
    cell: u64,
}

impl Limits {
    /// What is let through when offices send workbooks.
    pub(super) const USUAL: Self = Self { unpacked: 2 << 30, held: 512 << 20, cell: 8 << 20 };
}

/// Why a workbook is not opened at all.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("it is not a sound xlsx file (`{0}` is damaged); export it anew")]
    Part(String),
    #[error("unpacked it has more than {}; send it in parts", size(*.0))]
    TooLarge(u64),
    #[error("the texts and formats it shares among its cells take more than {}; send it in parts", size(*.0))]
    TooMuchShared(u64),
    #[error("a sheet of this kind of file has more than 8 million cells; save it as xlsx, or send it in parts")]
    TooManyCells,
    #[error("`{part}` has a cell of more than {}; shorten the cell", size(*.limit))]
    CellTooLong { part: String, limit: u64 },
    #[error("the file cannot be read: {0}")]
    Io(#[from] io::Error),
}

impl Fault {
    pub(super) const fn code(&self) -> &'static str {
        match self {
            Self::Part(_) | Self::Io(_) => "unreadable",
            Self::TooLarge(_) | Self::TooMuchShared(_) | Self::TooManyCells => "file_too_large",
            Self::CellTooLong { .. } => "cell_too_long",
        }
    }

    pub(super) fn zh(&self) -> String {
        match self {
            Self::Part(part) => format!("不是完好的 xlsx 文件（`{part}` 已损坏），请重新导出后再发送"),
            Self::TooLarge(limit) => format!("解压后超过 {}，请分成几个文件发送", size(*limit)),
            Self::TooMuchShared(limit) => {
                format!("各单元格共用的文字和格式超过 {}，请分成几个文件发送", size(*limit))
            }
            Self::TooManyCells => "此类文件的工作表超过 800 万个单元格，请另存为 xlsx，或分成几个文件发送".to_owned(),
            Self::CellTooLong { part, limit } => {
                format!("`{part}` 中有单元格超过 {}，请缩短该单元格", size(*limit))
            }
            Self::Io(error) => format!("文件无法读取：{error}"),
        }
    }
}

fn size(bytes: u64) -> String {
    match bytes {
        ..1_024 => format!("{bytes} B"),
        1_024..1_048_576 => format!("{} KiB", bytes >> 10),
        1_048_576..1_073_741_824 => format!("{} MiB", bytes >> 20),
        _ => format!("{} GiB", bytes >> 30),
    }
}

/// Unpacks every part to nowhere: its checksum is known to hold only when all of it was unpacked, and a damaged number
/// may look like a number.
pub(super) fn check(file: &mut File, limits: Limits) -> Result<Surveys, Fault> {
    let Ok(mut archive) = ZipArchive::new(BufReader::new(&mut *file)) else {
        // No archive at all, perhaps a workbook under a password: whoever opens it next says what it is.
        file.rewind()?;
        return Ok(Surveys::default());
    };
    let meter = Meter { limits, unpacked: Cell::new(0), stretch: Cell::new(0) };
    let mut held = 0;
    let mut surveys = Surveys::default();
    let (mut promised, mut there) = (Vec::new(), HashSet::new());
    for index in 0..archive.len() {
        let part = archive.by_index(index).map_err(|error| Fault::Part(error.to_string()))?;
        let name = part.name().map_err(|error| Fault::Part(error.to_string()))?.into_owned();
        // A reader finds parts by their names in any case of letters.
        let ending = name.to_ascii_lowercase();
        there.insert(ending.clone());
        if ending.ends_with(".xml") || ending.ends_with(".rels") {
            let mut measuring = Measuring::new(&meter, &name, &mut held, &mut promised, &mut surveys);
            measuring.part(part)?;
            measuring.keep(&ending);
        } else if ending.ends_with(".bin") {
            // Binary workbooks keep their shared texts and formats in memory, each part as a whole at most.
            held = attachment(&meter, part)?.saturating_add(held);
            if ending.ends_with("sharedstrings.bin") || ending.ends_with("styles.bin") {
                if held > limits.held {
                    return Err(Fault::TooMuchShared(limits.held));
                }
            } else {
                held = 0;
            }
        } else {
            attachment(&meter, part)?;
        }
    }
    drop(archive);
    // Readers do without a part that they do not find, and a sheet without its texts or formats reads as another.
    match promised.into_iter().find(|part| !there.contains(part)) {
        Some(missing) => Err(Fault::Part(missing)),
        None => {
            file.rewind()?;
            Ok(surveys)
        }
    }
}

/// Counts a picture or another attachment: nobody reads it, so it may be as it is, but not without end.
fn attachment(meter: &Meter, part: impl Read) -> Result<u64, Fault> {
    let (mut part, mut piece) = (Metered { meter, input: part }, [0; 16 * 1024]);
    let before = meter.unpacked.get();
    loop {
        meter.stretch.set(0);
        let read = part.read(&mut piece);
        match (meter.passed(""), read) {
            (Some(fault), _) => return Err(fault),
            (None, Ok(0) | Err(_)) => return Ok(meter.unpacked.get().saturating_sub(before)),
            (None, Ok(_)) => {}
        }
    }
}

/// Counts what is unpacked, and ends the reading beyond a limit.
struct Meter {
    limits: Limits,
    unpacked: Cell<u64>,
    /// Since the last cell, shared text or other piece of mark-up began.
    stretch: Cell<u64>,
}

impl Meter {
    /// Returns the limit that was passed, if one was.
    fn passed(&self, part: &str) -> Option<Fault> {
        if self.unpacked.get() > self.limits.unpacked {
            Some(Fault::TooLarge(self.limits.unpacked))
        } else if self.stretch.get() > self.limits.cell {
            Some(Fault::CellTooLong { part: part.to_owned(), limit: self.limits.cell })
        } else {
            None
        }
    }
}

struct Metered<'m, R> {
    meter: &'m Meter,
    input: R,
}

impl<R: Read> Read for Metered<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        let bytes = u64::try_from(read).unwrap_or(u64::MAX);
        self.meter.unpacked.update(|unpacked| unpacked.saturating_add(bytes));
        self.meter.stretch.update(|stretch| stretch.saturating_add(bytes));
        if self.meter.passed("").is_some() { Err(io::Error::other("beyond a limit")) } else { Ok(read) }
    }
}

/// One part on its way through the gate.
struct Measuring<'m> {
    meter: &'m Meter,
    part: String,
    held: &'m mut u64,
    /// Parts that the table of contents names and that are read.
    promised: &'m mut Vec<String>,
    surveys: &'m mut Surveys,
    survey: Survey,
    /// The cell that is being gone through.
    seen: Seen,
    /// Cells of an OpenDocument sheet that a reader would hold, with those that are only repeated.
    cells: u64,
    rows_repeated: u64,
    row_width: u64,
}

impl<'m> Measuring<'m> {
    fn new(
        meter: &'m Meter,
        part: &str,
        held: &'m mut u64,
        promised: &'m mut Vec<String>,
        surveys: &'m mut Surveys,
    ) -> Self {
        let (survey, seen) = (Survey::default(), Seen::default());
        let part = part.to_owned();
        Self { meter, part, held, promised, surveys, survey, seen, cells: 0, rows_repeated: 1, row_width: 0 }
    }

    /// Keeps what was noted of the sheet.
    fn keep(self, part: &str) {
        if !self.survey.is_empty() {
            self.surveys.sheets.insert(part.to_owned(), self.survey);
        }
    }

    fn part(&mut self, part: impl Read) -> Result<(), Fault> {
        self.meter.stretch.set(0);
        let mut reader = Reader::from_reader(BufReader::new(Metered { meter: self.meter, input: part }));
        let outcome = self.events(&mut reader);
        if matches!(outcome, Err(Stopped::Fault(_))) || self.meter.passed(&self.part).is_some() {
            let passed = self.meter.passed(&self.part);
            return match outcome {
                Err(Stopped::Fault(fault)) => Err(passed.unwrap_or(fault)),
                _ => Err(passed.unwrap_or_else(|| Fault::Part(self.part.clone()))),
            };
        }
        // What is no XML may be a part that nobody reads. Its checksum counts all the same, and since a reader would hold the
        // rest in one piece, the rest is one stretch.
        let drained = io::copy(reader.get_mut(), &mut io::sink());
        match self.meter.passed(&self.part) {
            Some(fault) => Err(fault),
            None => drained.map(|_| ()).map_err(|_| Fault::Part(self.part.clone())),
        }
    }

    fn events(&mut self, reader: &mut Reader<impl io::BufRead>) -> Result<(), Stopped> {
        let (mut buffer, mut depth, mut inside_cell, mut in_rows) = (Vec::new(), 0_u64, None, false);
        let mut counted = 0;
        loop {
            buffer.clear();
            let event = reader.read_event_into(&mut buffer)?;
            match &event {
                Event::Eof => return Ok(()),
                Event::Start(start) => {
                    depth += 1;
                    match start.local_name().as_ref() {
                        "sheetData" => in_rows = true,
                        "c" | "si" => inside_cell = inside_cell.or(Some(depth)),
                        _ => {}
                    }
                    self.weigh(start, in_rows)?;
                    if in_rows {
                        self.seen.start(start, &mut self.survey);
                    } else {
                        self.note(start)?;
                    }
                }
                Event::Empty(empty) => {
                    self.weigh(empty, in_rows)?;
                    if in_rows {
                        self.seen.start(empty, &mut self.survey);
                        let noted = self.seen.end(empty.local_name().as_ref(), &mut self.survey);
                        self.hold(noted)?;
                    } else {
                        self.note(empty)?;
                        self.end_ods_row(empty.local_name().as_ref())?;
                    }
                }
                Event::Text(text) if in_rows => self.seen.text(text),
                Event::End(end) => {
                    if in_rows {
                        let noted = self.seen.end(end.local_name().as_ref(), &mut self.survey);
                        self.hold(noted)?;
                    } else {
                        self.end_ods_row(end.local_name().as_ref())?;
                    }
                    if inside_cell == Some(depth) {
                        inside_cell = None;
                    }
                    if end.local_name().as_ref() == "sheetData" {
                        in_rows = false;
                    }
                    depth = depth.saturating_sub(1);
                }
                _ => {}
            }
            let position = reader.buffer_position();
            if !in_rows {
                self.hold(position.saturating_sub(counted))?;
            }
            counted = position;
            if inside_cell.is_none() {
                self.meter.stretch.set(0);
            }
        }
    }

    /// Notes what stands outside the rows: hidden columns, merged cells, which part is which sheet. For OpenDocument, whose rows are
    /// no `sheetData`, the cells are counted.
    fn note(&mut self, element: &BytesStart<'_>) -> Result<(), Stopped> {
        match element.local_name().as_ref() {
            "col" => self.survey.column(element),
            "mergeCell" => self.survey.merge(element),
            "sheet" => self.surveys.sheet(element),
            "Relationship" if self.part.to_ascii_lowercase().ends_with("workbook.xml.rels") => {
                self.surveys.relationship(element);
            }
            "table-row" => {
                self.rows_repeated = repeated(element, "table:number-rows-repeated");
                self.row_width = 0;
            }
            "table-cell" | "covered-table-cell" => {
                let columns = repeated(element, "table:number-columns-repeated");
                self.row_width = self.row_width.saturating_add(columns);
                // What is empty to the end of a row is not kept.
                if attribute(element, "office:value-type").is_some() || attribute(element, "table:formula").is_some() {
                    let cells = self.row_width.saturating_mul(self.rows_repeated);
                    if self.cells.saturating_add(cells) > MOST_CELLS {
                        return Err(Stopped::Fault(Fault::TooManyCells));
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn end_ods_row(&mut self, element: &str) -> Result<(), Stopped> {
        if element == "table-row" {
            let row = self.row_width.min(16_384).saturating_mul(self.rows_repeated.min(65_536));
            self.cells = self.cells.saturating_add(row.min(self.row_width.saturating_mul(4)));
            if self.cells > MOST_CELLS {
                return Err(Stopped::Fault(Fault::TooManyCells));
            }
        }
        Ok(())
    }

    /// Counts what a reader keeps for an element beside its text.
    fn weigh(&mut self, element: &BytesStart<'_>, in_rows: bool) -> Result<(), Stopped> {
        match element.local_name().as_ref() {
            "sst" => {
                // Readers make room for as many texts as this number says, whether they come or not.
                let count = attribute(element, "uniqueCount").and_then(|count| count.parse::<u64>().ok());
                let room = count.unwrap_or_default().saturating_mul(TEXT);
                if room > self.meter.limits.held {
                    return Err(Stopped::Fault(Fault::TooMuchShared(self.meter.limits.held)));
                }
                Ok(())
            }
            "Relationship" => {
                let kind = attribute(element, "Type").unwrap_or_default();
                let read = ["worksheet", "chartsheet", "dialogsheet", "sharedStrings", "styles", "officeDocument"];
                let kind = kind.rsplit('/').next().unwrap_or_default();
                // A part that is read under a name that is not measured would come in beside the gate.
                match attribute(element, "Target") {
                    Some(target) if read.contains(&kind) && !target.ends_with(".xml") => {
                        Err(Stopped::Fault(Fault::Part(target)))
                    }
                    _ => self.hold(ELEMENT),
                }
            }
            "Override" => {
                let part =
                    attribute(element, "PartName").unwrap_or_default().trim_start_matches('/').to_ascii_lowercase();
                if ["sharedstrings.xml", "styles.xml", "workbook.xml"].iter().any(|read| part.ends_with(read))
                    || part.contains("worksheets/")
                {
                    self.promised.push(part);
                }
                self.hold(ELEMENT)
            }
            _ if in_rows => Ok(()),
            "t" => Ok(()),
            "si" => self.hold(TEXT),
            "xf" | "font" | "fill" | "border" => self.hold(FORMAT),
            _ => self.hold(ELEMENT),
        }
    }

    fn hold(&mut self, bytes: u64) -> Result<(), Stopped> {
        *self.held = self.held.saturating_add(bytes);
        let limit = self.meter.limits.held;
        if *self.held > limit { Err(Stopped::Fault(Fault::TooMuchShared(limit))) } else { Ok(()) }
    }
}

/// Bytes a reader needs for a shared text beside the text itself: its place in a list that doubles as it grows, and what
/// the allocator adds.
const TEXT: u64 = 48;

/// Bytes for a format, with fonts, borders and fills.
const FORMAT: u64 = 512;

/// Cells of a sheet that is held as a whole, at 24 bytes each.
const MOST_CELLS: u64 = 8_000_000;

fn repeated(element: &BytesStart<'_>, name: &str) -> u64 {
    attribute(element, name).and_then(|count| count.parse().ok()).unwrap_or(1)
}

/// Bytes for any other element whose attributes a reader keeps.
const ELEMENT: u64 = 64;

/// Why measuring a part ended before its end.
enum Stopped {
    Fault(Fault),
    Syntax,
}

impl From<quick_xml::Error> for Stopped {
    fn from(_: quick_xml::Error) -> Self {
        Self::Syntax
    }
}

pub(super) fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let found = element.try_get_attribute(name).ok()??;
    Some(found.value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    const SMALL: Limits = Limits { unpacked: 4 << 20, held: 1 << 20, cell: 128 << 10 };

    fn checked(parts: &[(&str, &str)]) -> Result<Surveys, Fault> {
        let mut book = ZipWriter::new(tempfile::tempfile().unwrap());
        for (name, content) in parts {
            book.start_file(*name, SimpleFileOptions::default()).unwrap();
            book.write_all(content.as_bytes()).unwrap();
        }
        check(&mut book.finish().unwrap(), SMALL)
    }

    fn code(parts: &[(&str, &str)]) -> &'static str {
        checked(parts).map_or_else(|fault| fault.code(), |_| "let through")
    }

    #[test]
    fn what_unpacks_without_end_is_not_let_through() {
        let rows = "<row><c><v>1</v></c></row>".repeat(200_000);
        let sheet = format!("<worksheet><sheetData>{rows}</sheetData></worksheet>");
        let fault = checked(&[("xl/worksheets/sheet1.xml", &sheet)]).unwrap_err();
        assert_eq!(fault.to_string(), "unpacked it has more than 4 MiB; send it in parts");
    }

    #[test]
    fn shared_texts_and_formats_are_counted_with_what_a_reader_needs_for_each() {
        let of = |name: &str, piece: &str, count: usize| {
            code(&[("xl/x.xml", &format!("<{name}>{}</{name}>", piece.repeat(count)))])
        };
        assert_eq!(of("sst", "<si><t>x</t></si>", 10_000), "let through");
        assert_eq!(of("sst", "<si><t>x</t></si>", 30_000), "file_too_large");
        assert_eq!(of("styleSheet", "<xf/>", 3_000), "file_too_large");
        assert_eq!(code(&[("xl/x.xml", "<sst uniqueCount=\"99999999999\"><si><t>x</t></si></sst>")]), "file_too_large");
    }

    #[test]
    fn a_huge_cell_is_not_let_through_however_it_is_pieced_together() {
        let of = |cell: &str| {
            code(&[(
                "xl/worksheets/sheet1.xml",
                &format!("<worksheet><sheetData><row>{cell}</row></sheetData></worksheet>"),
            )])
        };
        assert_eq!(of(&format!("<c><v>{}</v></c>", "9".repeat(1_000))), "let through");
        assert_eq!(of(&format!("<c><v>{}</v></c>", "9".repeat(300_000))), "cell_too_long");
        assert_eq!(of(&format!("<c><is>{}</is></c>", "<r><t>x</t></r>".repeat(30_000))), "cell_too_long");
        assert_eq!(of(&format!("<c r=\"{}\"/>", "A".repeat(300_000))), "cell_too_long");
        assert_eq!(of(&format!("<!--{}-->", "<c>".repeat(100_000))), "cell_too_long");
        // Reading on after a fault of the mark-up would take the rest for one piece.
        assert_eq!(of(&format!("<c><is></c>{}", "x".repeat(300_000))), "cell_too_long");
    }

    #[test]
    fn a_part_that_is_read_has_a_name_that_is_measured() {
        let of = |kind: &str, target: &str| {
            code(&[(
                "xl/_rels/workbook.xml.rels",
                &format!("<R><Relationship Type=\"{kind}\" Target=\"{target}\"/></R>"),
            )])
        };
        for kind in ["http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet", "worksheet"] {
            assert_eq!(of(kind, "worksheets/sheet1.xml"), "let through");
            assert_eq!(of(kind, "worksheets/sheet1.png"), "unreadable");
        }
        // Readers look for names in any case of letters.
        let sheet = format!("<sst>{}</sst>", "<si><t>x</t></si>".repeat(30_000));
        assert_eq!(code(&[("xl/SharedStrings.XML", &sheet)]), "file_too_large");
    }

    #[test]
    fn an_attachment_may_be_large_but_not_without_end() {
        let picture = "\u{89}PNG<".repeat(100_000);
        assert_eq!(code(&[("xl/media/image1.png", &picture)]), "let through");
        assert_eq!(code(&[("xl/media/image1.png", &picture.repeat(12))]), "file_too_large");
        let parts: Vec<String> = (0..12).map(|number| format!("xl/media/image{number}.png")).collect();
        let parts: Vec<(&str, &str)> = parts.iter().map(|part| (part.as_str(), picture.as_str())).collect();
        assert_eq!(code(&parts), "file_too_large", "together");
    }

    #[test]
    fn a_part_that_nobody_reads_may_be_no_xml() {
        assert_eq!(code(&[("customXml/item1.xml", "plain <b>text")]), "let through");
    }
}
