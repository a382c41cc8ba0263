//! The gate before a workbook: whether it is sound, and how much memory reading it will take.
//!
//! A workbook is a few megabytes that unpack to anything. What a reader of it holds at once is measured here first, with the
//! tokenizer that the reader itself uses, and nothing is held while measuring: so no file, however it is made, takes more
//! memory than the limits say.
//!
//! On the way, what readers leave out is noted for each sheet ([`Survey`]).

mod old;
mod open;
mod records;
mod xml;

pub(super) use old::survey;

use super::survey::Surveys;
use crate::intake::kind::Book;
use quick_xml::events::BytesStart;
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
    #[error("the workbook is cut off or damaged (in `{0}`); export it anew")]
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
            Self::Part(part) => format!("工作簿不完整或已损坏（`{part}`），请重新导出后再发送"),
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
pub(super) fn check(file: &mut File, book: Book, limits: Limits) -> Result<Surveys, Fault> {
    let Ok(mut archive) = ZipArchive::new(BufReader::new(&mut *file)) else {
        // No archive at all, perhaps a workbook under a password: whoever opens it next says what it is.
        file.rewind()?;
        return Ok(Surveys::default());
    };
    let meter = Meter { limits, unpacked: Cell::new(0), stretch: Cell::new(0) };
    let mut held = 0;
    let mut surveys = Surveys::default();
    let (mut promised, mut there) = (Vec::new(), HashSet::new());
    let mut formats = records::Formats::default();
    // How the styles of a binary workbook show numbers is known before its sheets are gone through.
    let mut order: Vec<usize> = (0..archive.len()).collect();
    if book == Book::Xlsb {
        order.sort_by_key(|index| {
            archive.name_for_index(*index).is_none_or(|name| !name.is_ok_and(|name| name.ends_with("styles.bin")))
        });
    }
    for index in order {
        let part = archive.by_index(index).map_err(|error| Fault::Part(error.to_string()))?;
        let name = part.name().map_err(|error| Fault::Part(error.to_string()))?.into_owned();
        // A reader finds parts by their names in any case of letters.
        let ending = name.to_ascii_lowercase();
        there.insert(ending.clone());
        if ending.ends_with(".xml") || ending.ends_with(".rels") {
            let mut measuring = xml::Measuring::new(book, &meter, &name, &mut held, &mut promised, &mut surveys);
            measuring.part(part)?;
            measuring.keep(&ending);
        } else if book == Book::Xlsb && records::is_read(&ending) {
            records::walk(&meter, &name, part, &mut held, &mut formats, &mut surveys)?;
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
fn attachment(meter: &Meter, part: impl Read) -> Result<(), Fault> {
    let (mut part, mut piece) = (Metered { meter, input: part }, [0; 16 * 1024]);
    loop {
        meter.stretch.set(0);
        let read = part.read(&mut piece);
        match (meter.passed(""), read) {
            (Some(fault), _) => return Err(fault),
            (None, Ok(0) | Err(_)) => return Ok(()),
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

/// Bytes a reader needs for a shared text beside the text itself: its place in a list that doubles as it grows, and what
/// the allocator adds.
const TEXT: u64 = 48;

/// Bytes for any other element whose attributes a reader keeps.
const ELEMENT: u64 = 64;

pub(super) fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let found = element.try_get_attribute(name).ok()??;
    Some(found.value.to_string())
}

/// Reads a number of two bytes, the lower first.
fn short(body: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(body.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

/// Reads a number of four bytes, the lowest first.
fn long(body: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(body.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

/// Reads UTF-16, the lower byte of each unit first.
fn utf16(bytes: &[u8]) -> String {
    let units: Vec<u16> = bytes.chunks_exact(2).filter_map(|unit| short(unit, 0)).collect();
    String::from_utf16_lossy(&units)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    const SMALL: Limits = Limits { unpacked: 4 << 20, held: 1 << 20, cell: 128 << 10 };

    fn checked(parts: &[(&str, &str)]) -> Result<Surveys, Fault> {
        checked_as(Book::Xlsx, parts)
    }

    fn checked_as(book: Book, parts: &[(&str, &str)]) -> Result<Surveys, Fault> {
        let kind = book;
        let mut book = ZipWriter::new(tempfile::tempfile().unwrap());
        for (name, content) in parts {
            book.start_file(*name, SimpleFileOptions::default()).unwrap();
            book.write_all(content.as_bytes()).unwrap();
        }
        check(&mut book.finish().unwrap(), kind, SMALL)
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

    #[test]
    fn a_formula_of_an_open_document_without_a_result_is_noted_where_it_stands() {
        let cell = |inside: &str| format!("<table:table-cell{inside}/>");
        let rows = [
            cell(" table:number-columns-repeated=\"2\" office:value-type=\"float\" office:value=\"1\""),
            cell(" table:formula=\"of:=1\""),
        ]
        .concat();
        let table = format!(
            "<o><table:table table:name=\"a\"><table:table-row table:number-rows-repeated=\"2\">{rows}</table:table-row></table:table></o>"
        );
        let mut surveys = checked_as(Book::Ods, &[("content.xml", &table)]).unwrap();
        let odd: Vec<_> = surveys.take("a").odd.into_keys().collect();
        assert_eq!(odd, [(0, 2), (1, 2)]);
        // However often one is repeated, the list of them ends.
        let many = table.replace("\"2\"><table:table-cell", "\"2000000\"><table:table-cell");
        assert!(matches!(checked_as(Book::Ods, &[("content.xml", &many)]), Err(Fault::TooManyCells)));
    }

    #[test]
    fn a_part_of_a_binary_workbook_is_measured_like_one_in_mark_up() {
        let kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet";
        let of = |book, target: &str| {
            let links = format!("<R><Relationship Type=\"{kind}\" Target=\"{target}\"/></R>");
            checked_as(book, &[("xl/_rels/workbook.bin.rels", &links)])
                .map_or_else(|fault| fault.code(), |_| "let through")
        };
        assert_eq!(of(Book::Xlsb, "worksheets/sheet1.bin"), "let through");
        assert_eq!(of(Book::Xlsb, "worksheets/sheet1.xml"), "unreadable");
        assert_eq!(of(Book::Xlsx, "worksheets/sheet1.bin"), "unreadable");
        // A record of 256 MiB less one, by its length alone: number 7, four bytes of length.
        let mut book = ZipWriter::new(tempfile::tempfile().unwrap());
        book.start_file("xl/worksheets/sheet1.bin", SimpleFileOptions::default()).unwrap();
        book.write_all(&[7, 0xFF, 0xFF, 0xFF, 0x7F]).unwrap();
        let long = check(&mut book.finish().unwrap(), Book::Xlsb, SMALL);
        assert!(matches!(long, Err(Fault::CellTooLong { .. })));
    }
}
