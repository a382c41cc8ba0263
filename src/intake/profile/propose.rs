//! A draft of a profile for a file that nobody described yet: what is certain is filled in, the rest is for a person.

use super::{Profiles, header_name};
use crate::intake::sheet::SheetKind;
use crate::intake::tables::encoding::{Decoded, sniff};
use calamine::{Data, Reader};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

/// Rows looked at.
const ROWS: usize = 200;
/// Bytes of a text file that are looked at.
const BYTES: u64 = 1 << 20;
/// Different words a column may have for them to be listed: more are no vocabulary.
const MOST_WORDS: usize = 12;
/// Fewest cells of a header.
const FEWEST: usize = 2;

/// Why no profile can be drafted.
#[derive(Debug, thiserror::Error)]
pub enum ProposeError {
    /// The file cannot be read.
    #[error("the file cannot be read: {0}")]
    Unreadable(String),
    /// No row looks like a header.
    #[error("no row with headers was found at the beginning of the file")]
    NoHeader,
    /// There is nothing to propose.
    #[error("the file is read already, by the profile `{0}`")]
    Known(String),
}

/// Returns the text of a profile for a file.
///
/// # Errors
/// See [`ProposeError`].
pub fn propose(path: &Path, profiles: &Profiles) -> Result<String, ProposeError> {
    let rows = rows(path)?;
    // The widest row of texts among the first: titles are narrower, and rows of figures are none.
    let is_text = |cell: &&String| {
        !cell.is_empty() && !cell.chars().all(|letter| letter.is_ascii_digit() || "-./: ,".contains(letter))
    };
    let texts = |row: &[String]| row.iter().filter(is_text).count();
    let first = rows.iter().take(10).enumerate().max_by_key(|(index, row)| (texts(row), std::cmp::Reverse(*index)));
    let (at, headers) = first.filter(|(_, row)| texts(row) >= FEWEST).ok_or(ProposeError::NoHeader)?;
    if let Some(known) = profiles.recognise(headers) {
        return Err(ProposeError::Known(known.label()));
    }
    Ok(draft(path, headers, rows.get(at + 1..).unwrap_or_default(), profiles))
}

fn draft(path: &Path, headers: &[String], rows: &[Vec<String>], profiles: &Profiles) -> String {
    let kind = best_kind(headers, profiles);
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let mut columns = String::new();
    let (mut known, mut unread, mut personal) = (Vec::new(), Vec::new(), Vec::new());
    let mut taken: BTreeSet<String> = BTreeSet::new();
    for (index, header) in headers.iter().enumerate().filter(|(_, header)| !header.is_empty()) {
        let field = field(header, kind, profiles);
        match field {
            Some(field) if taken.insert(field.clone()) => {
                known.push(quoted(header));
                let _ = write!(columns, "\n[[column]]\nfield = {}\nheaders = [{}]\n", quoted(&field), quoted(header));
                let words: BTreeSet<&str> = rows
                    .iter()
                    .filter_map(|row| row.get(index))
                    .map(String::as_str)
                    .filter(|cell| !cell.is_empty())
                    .collect();
                if matches!(field.as_str(), "type" | "kind" | "channel" | "outcome" | "status" | "action" | "list")
                    && (1..=MOST_WORDS).contains(&words.len())
                {
                    let words: Vec<String> = words.into_iter().map(quoted).collect();
                    let _ = writeln!(
                        columns,
                        "# Which of our words do these mean? words.OURS = [THEIRS]\n# {}",
                        words.join(", ")
                    );
                }
            }
            _ if profiles.personal.is(kind, header) => personal.push(header.as_str()),
            _ => unread.push(quoted(header)),
        }
    }
    let mut text = String::new();
    let _ = writeln!(text, "# A draft, made from {}. Go through every line; docs/PROFILES.md says how.", quoted(&stem));
    if !personal.is_empty() {
        let _ = writeln!(text, "# Columns about persons, which are dropped: {}", personal.join("、"));
    }
    let _ = writeln!(text, "id = \"new-source\"\nversion = 1\nname = {}\nname_en = \"\"\nsource = \"\"", quoted(&stem));
    let _ = writeln!(text, "sheet = {}", quoted(kind.name()));
    let _ = writeln!(text, "# Recognised by these: choose those that only this source has, and all of its files.");
    let by = if unread.is_empty() { &known } else { &unread };
    let by: Vec<&str> = by.iter().take(3).map(String::as_str).collect();
    let _ = writeln!(text, "headers = [{}]", by.join(", "));
    let _ = writeln!(text, "# Not read. What of it says something a light rests on?\nunread = [{}]", unread.join(", "));
    text.push_str(&columns);
    for column in kind.columns().iter().filter(|column| column.required && !taken.contains(column.en)) {
        let _ = write!(
            text,
            "\n# Needed, and not found: {} ({}).\n# [[column]]\n# field = \"{}\"\n# headers = []\n",
            column.zh, column.en, column.en
        );
    }
    text
}

/// The sheet of which most columns are there.
fn best_kind(headers: &[String], profiles: &Profiles) -> SheetKind {
    let fit = |kind: &SheetKind| headers.iter().filter(|header| field(header, *kind, profiles).is_some()).count();
    // Of equals the first; `max_by_key` gives the last.
    SheetKind::ALL.into_iter().rev().max_by_key(fit).unwrap_or(SheetKind::Complaints)
}

/// The field that a header of this name is in our sheet, or in a profile of the same sheet.
fn field(header: &str, kind: SheetKind, profiles: &Profiles) -> Option<String> {
    let name = header_name(header);
    let own = kind.read().find(|column| column.is(&name)).map(|column| column.en.to_owned());
    own.or_else(|| {
        let of_kind = profiles.iter().filter(|profile| profile.kind == kind);
        let column = of_kind.flat_map(|profile| &profile.columns).find(|column| column.headers.contains(&name))?;
        Some(column.field.name(kind).to_owned())
    })
}

fn rows(path: &Path) -> Result<Vec<Vec<String>>, ProposeError> {
    let unreadable = |error: &dyn std::fmt::Display| ProposeError::Unreadable(error.to_string());
    let trimmed = |cell: &str| crate::domain::text::clean(cell).into_owned();
    let mut beginning = [0; 4];
    let mut file = File::open(path).map_err(|error| unreadable(&error))?;
    let read = file.read(&mut beginning).map_err(|error| unreadable(&error))?;
    if matches!(beginning.get(..read), Some([b'P', b'K', ..] | [0xD0, 0xCF, 0x11, 0xE0])) {
        let mut book = calamine::open_workbook_auto(path).map_err(|error| unreadable(&error))?;
        let sheet = book.worksheet_range_at(0).ok_or(ProposeError::NoHeader)?.map_err(|error| unreadable(&error))?;
        let shown = |cell: &Data| trimmed(&cell.to_string());
        return Ok(sheet.rows().take(ROWS).map(|row| row.iter().map(shown).collect()).collect());
    }
    let text = text(path).map_err(|error| unreadable(&error))?;
    let first = text.lines().next().unwrap_or_default();
    let separator =
        [b',', b'\t', b';'].into_iter().max_by_key(|sign| first.bytes().filter(|byte| byte == sign).count());
    let mut reader = csv::ReaderBuilder::new();
    let mut reader =
        reader.has_headers(false).flexible(true).delimiter(separator.unwrap_or(b',')).from_reader(text.as_bytes());
    Ok(reader.records().filter_map(Result::ok).take(ROWS).map(|row| row.iter().map(trimmed).collect()).collect())
}

fn text(path: &Path) -> io::Result<String> {
    let file = File::open(path)?;
    let encoding = sniff(&file)?;
    let mut bytes = Vec::new();
    Decoded::new(File::open(path)?, encoding).take(BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).trim_start_matches('\u{FEFF}').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_fills_in_what_is_known_drops_persons_and_lists_words() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("街道台账.csv");
        let content = "某街道台账,,,,\n工单编号,受理时间,诉求类型,投诉人姓名,办理科室\nA1,2026-01-02,退卡,王某,一科\nA2,2026-01-03,关店,李某,二科\n";
        std::fs::write(&path, content).unwrap();
        let profiles = Profiles::built_in();
        let text = propose(&path, &profiles).unwrap();
        for part in [
            "sheet = \"complaints\"",
            "field = \"ticket\"",
            "\"关店\", \"退卡\"",
            "unread = [\"办理科室\"]",
            "Needed, and not found: 统一社会信用代码",
        ] {
            assert!(text.contains(part), "{part} not in {text}");
        }
        assert!(text.contains("dropped: 投诉人姓名") && !text.contains("王某"), "{text}");
        // A draft is a profile as soon as its gaps are filled.
        let filled = text.replace("source = \"\"", "source = \"a test\"");
        let texts = [
            ("personal.toml".to_owned(), include_str!("../../../policies/intake/personal.toml").to_owned()),
            ("new.toml".to_owned(), filled),
        ];
        super::super::load::from_texts(&texts.into()).unwrap();
        let known = folder.path().join("known.csv");
        std::fs::write(&known, "12345工单编号,受理时间\n1,2026-01-01\n").unwrap();
        assert!(matches!(propose(&known, &profiles), Err(ProposeError::Known(id)) if id == "hotline-12345@1"));
    }
}
