//! The second stage: what a file is. Its content decides; its name only where the content does not tell.

use super::tables::encoding::sniff;
use encoding_rs::UTF_8;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use zip::ZipArchive;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A workbook.
    Workbook(Book),
    /// A text with one row on each line.
    Delimited,
    /// Tables in HTML, which many office systems call .xls.
    Html,
    /// Commands as JSON: lines, an array, or objects over several lines.
    Json,
    /// An archive of other files.
    Archive,
    /// Something that is not read.
    Unread(Unread),
}

/// The ways of workbooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Book {
    Xlsx,
    Xlsb,
    Xls,
    Ods,
}

/// Why a file is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unread {
    /// Nothing that holds tables.
    #[error("files of this type are not read; save it as xlsx or csv")]
    Unknown,
    /// An old XML form of workbooks.
    #[error("an XML spreadsheet of 2003 is not read; open it and save it as xlsx")]
    OldXml,
    /// A document of another office program.
    #[error("this is a text document or presentation; put its table into a workbook, or save it as csv")]
    Document,
    /// A workbook under a password.
    #[error("the workbook is locked by a password; save it without one")]
    Locked,
}

impl Unread {
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Locked => "password",
            Self::Unknown | Self::OldXml | Self::Document => "unknown_file_type",
        }
    }

    pub(super) const fn zh(self) -> &'static str {
        match self {
            Self::Unknown => "无法读取这种文件，请另存为 xlsx 或 csv",
            Self::OldXml => "无法读取 2003 版 XML 表格，请打开后另存为 xlsx",
            Self::Document => "这是文档或演示文稿，请将其中的表格放入工作簿，或另存为 csv",
            Self::Locked => "工作簿有密码保护，请取消密码后重新发送",
        }
    }
}

/// Bytes at the beginning that are looked at.
const BEGINNING: usize = 64 * 1024;

/// Returns what `file` is and leaves it at its beginning; `ending` is that of its name, in small letters.
pub(super) fn kind(file: &mut File, ending: &str) -> io::Result<Kind> {
    let mut beginning = Vec::with_capacity(BEGINNING);
    Read::by_ref(file).take(BEGINNING as u64).read_to_end(&mut beginning)?;
    file.rewind()?;
    let kind = match beginning.as_slice() {
        [b'P', b'K', 3 | 5, 4 | 6, ..] => of_zip(file, ending),
        [0xD0, 0xCF, 0x11, 0xE0, ..] => of_compound(file)?,
        _ => of_text(&beginning, ending, file)?,
    };
    file.rewind()?;
    Ok(kind)
}

/// Looks at the names in an archive: workbooks are archives too.
fn of_zip(file: &mut File, ending: &str) -> Kind {
    let Ok(mut archive) = ZipArchive::new(BufReader::new(file)) else {
        // Damaged. Its name tells whose reader says so.
        return match ending {
            "zip" => Kind::Archive,
            "ods" => Kind::Workbook(Book::Ods),
            "xlsb" => Kind::Workbook(Book::Xlsb),
            _ => Kind::Workbook(Book::Xlsx),
        };
    };
    let (mut open_document, mut parts, mut book) = (false, false, None);
    for index in 0..archive.len() {
        let Ok(part) = archive.by_index_raw(index) else { continue };
        match part.name_raw().to_ascii_lowercase().as_slice() {
            b"xl/workbook.bin" => book = Some(Kind::Workbook(Book::Xlsb)),
            b"xl/workbook.xml" => book = Some(Kind::Workbook(Book::Xlsx)),
            b"word/document.xml" | b"ppt/presentation.xml" => book = Some(Kind::Unread(Unread::Document)),
            b"content.xml" => open_document = true,
            b"[content_types].xml" => parts = true,
            // A workbook with damaged names is no archive of files.
            name if name.starts_with(b"xl/") => parts = true,
            _ => {}
        }
    }
    match (book, open_document, parts) {
        (Some(kind), _, _) => kind,
        (None, true, _) => Kind::Workbook(Book::Ods),
        (None, false, true) => Kind::Workbook(Book::Xlsx),
        _ => Kind::Archive,
    }
}

/// Looks for the streams of a compound file: an old workbook, or a new one under a password.
fn of_compound(file: &mut File) -> io::Result<Kind> {
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let (locked, workbook, book) = (wide("EncryptedPackage"), wide("Workbook"), wide("Book"));
    let word = wide("WordDocument");
    let mut kind = Kind::Unread(Unread::Unknown);
    let (mut buffer, mut kept) = (vec![0; BEGINNING], 0);
    file.seek(SeekFrom::Start(0))?;
    loop {
        let read = file.read(buffer.get_mut(kept..).unwrap_or_default())?;
        if read == 0 {
            return Ok(kind);
        }
        let seen = buffer.get(..kept + read).unwrap_or_default();
        // Directory entries begin at multiples of 128; a name in a cell that happens to be the same does no harm.
        for entry in seen.chunks(128) {
            if entry.starts_with(&locked) {
                return Ok(Kind::Unread(Unread::Locked));
            } else if entry.starts_with(&workbook) || entry.starts_with(&book) {
                kind = Kind::Workbook(Book::Xls);
            } else if entry.starts_with(&word) {
                kind = Kind::Unread(Unread::Document);
            }
        }
        let rest = seen.len() % 128;
        let from = seen.len() - rest;
        buffer.copy_within(from..from + rest, 0);
        kept = rest;
    }
}

/// Beginnings of files that hold no text.
const BINARY: [&[u8]; 7] = [b"%PDF", b"\x89PNG", b"\xFF\xD8\xFF", b"GIF8", b"Rar!", b"7z\xBC\xAF", b"\x1F\x8B"];

fn of_text(beginning: &[u8], ending: &str, file: &mut File) -> io::Result<Kind> {
    if BINARY.iter().any(|binary| beginning.starts_with(binary)) {
        return Ok(Kind::Unread(Unread::Unknown));
    }
    let encoding = sniff(&mut *file)?;
    let (text, _) = encoding.decode_with_bom_removal(beginning);
    let text = text.trim_start_matches(|letter: char| letter.is_whitespace() || letter == '\u{FEFF}');
    if text.starts_with('<') {
        let lower = text.to_ascii_lowercase();
        return Ok(if lower.contains("<table") {
            if lower.contains("<workbook") { Kind::Unread(Unread::OldXml) } else { Kind::Html }
        } else if lower.contains("<workbook") {
            Kind::Unread(Unread::OldXml)
        } else if lower.starts_with("<html") || lower.starts_with("<!doctype html") || matches!(ending, "htm" | "html")
        {
            Kind::Html
        } else {
            Kind::Unread(Unread::Unknown)
        });
    }
    if text.starts_with('{') || text.starts_with('[') || matches!(ending, "json" | "ndjson" | "jsonl") {
        return Ok(Kind::Json);
    }
    let sheet = ["csv", "tsv", "txt", "tab"].contains(&ending);
    // Under another name, a text is a table if its first lines are parted like one.
    let parted = |text: &str| text.lines().take(5).any(|line| line.contains([',', '\t', ';']));
    let nuls = encoding == UTF_8 && beginning.contains(&0);
    Ok(if sheet || (!nuls && ["xls", "xlsx", "et", "ods", "xlsb", "xlsm", ""].contains(&ending) && parted(text)) {
        Kind::Delimited
    } else {
        Kind::Unread(Unread::Unknown)
    })
}
