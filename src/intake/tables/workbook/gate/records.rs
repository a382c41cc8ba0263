//! A part of a binary workbook on its way through the gate: records of a number, a length and a body ([MS-XLSB] 2.1.4).

use super::{ELEMENT, Fault, Meter, Metered, TEXT, long, short, utf16};
use crate::intake::tables::Shown;
use crate::intake::tables::workbook::survey::{Survey, Surveys};
use std::collections::BTreeMap;
use std::io::{self, BufReader, Read};

/// Numbers of the records that are looked at ([MS-XLSB] 2.3.1).
mod number {
    pub(super) const ROW: usize = 0;
    pub(super) const RK: usize = 2;
    pub(super) const REAL: usize = 5;
    pub(super) const FORMULA_NUMBER: usize = 9;
    pub(super) const SHARED_TEXT: usize = 19;
    pub(super) const NAME: usize = 39;
    pub(super) const FORMAT: usize = 44;
    pub(super) const STYLE: usize = 47;
    pub(super) const COLUMNS: usize = 60;
    pub(super) const SHEET: usize = 156;
    pub(super) const MERGED: usize = 176;
    pub(super) const STYLES_BEGIN: usize = 617;
    pub(super) const STYLES_END: usize = 618;
}

/// Says whether a reader takes the part for records that it reads; `part` in small letters.
pub(super) fn is_read(part: &str) -> bool {
    let sheet = part.starts_with("xl/worksheets/") && !part.contains("binaryindex");
    part.ends_with(".bin") && (sheet || is_kept(part) || part == "xl/workbook.bin")
}

/// Says whether a reader keeps what the part says while it reads the sheets.
fn is_kept(part: &str) -> bool {
    matches!(part, "xl/styles.bin" | "xl/sharedstrings.bin")
}

/// How the styles of a workbook show numbers. Known once the part with the styles was gone through.
#[derive(Debug, Default)]
pub(super) struct Formats {
    codes: BTreeMap<u16, Option<Shown>>,
    /// By the number of the style.
    styles: Vec<Option<Shown>>,
    in_styles: bool,
}

/// Goes through the records of a part; what nobody could read is only counted.
pub(super) fn walk(
    meter: &Meter,
    part: &str,
    input: impl Read,
    held: &mut u64,
    formats: &mut Formats,
    surveys: &mut Surveys,
) -> Result<(), Fault> {
    let mut input = BufReader::new(Metered { meter, input });
    let mut walk = Walk { meter, part, held, formats, surveys, survey: Survey::default(), row: 0 };
    let outcome = walk.records(&mut input);
    if let Some(fault) = meter.passed(part) {
        return Err(fault);
    }
    match outcome {
        Ok(()) => {}
        Err(Ended::Fault(fault)) => return Err(fault),
        // Whoever reads the part says so. Its checksum counts all the same.
        Err(Ended::NoRecords) => {
            let drained = io::copy(&mut input, &mut io::sink());
            return meter
                .passed(part)
                .map_or_else(|| drained.map(|_| ()).map_err(|_| Fault::Part(part.to_owned())), Err);
        }
    }
    let survey = walk.survey;
    if !survey.is_empty() {
        surveys.sheets.insert(part.to_ascii_lowercase(), survey);
    }
    Ok(())
}

/// Why going through a part ended before its end.
enum Ended {
    Fault(Fault),
    NoRecords,
}

impl From<io::Error> for Ended {
    fn from(_: io::Error) -> Self {
        Self::NoRecords
    }
}

/// As much of a body as is looked at: a name of a sheet and its relationship have fewer than 300 characters.
const LOOKED_AT: u64 = 1_024;

struct Walk<'w> {
    meter: &'w Meter,
    part: &'w str,
    held: &'w mut u64,
    formats: &'w mut Formats,
    surveys: &'w mut Surveys,
    survey: Survey,
    row: u32,
}

impl Walk<'_> {
    fn records(&mut self, input: &mut impl Read) -> Result<(), Ended> {
        let mut body = Vec::new();
        loop {
            self.meter.stretch.set(0);
            let Some(number) = grouped(input, 2)? else { return Ok(()) };
            let length = u64::from(grouped(input, 4)?.ok_or(Ended::NoRecords)?);
            if length > self.meter.limits.cell {
                let limit = self.meter.limits.cell;
                return Err(Ended::Fault(Fault::CellTooLong { part: self.part.to_owned(), limit }));
            }
            body.clear();
            let looked_at = input.by_ref().take(length.min(LOOKED_AT)).read_to_end(&mut body)?;
            let rest = length.saturating_sub(u64::try_from(looked_at).unwrap_or_default());
            if io::copy(&mut input.by_ref().take(rest), &mut io::sink())? != rest {
                return Err(Ended::NoRecords);
            }
            let number = usize::try_from(number).unwrap_or(usize::MAX);
            // What is too short is read by nobody either.
            let weight = self.note(number, &body, length).unwrap_or_default();
            *self.held = self.held.saturating_add(weight);
            if *self.held > self.meter.limits.held {
                return Err(Ended::Fault(Fault::TooMuchShared(self.meter.limits.held)));
            }
        }
    }

    /// Notes what a record says; returns how much of it a reader keeps, in bytes.
    fn note(&mut self, number: usize, body: &[u8], length: u64) -> Option<u64> {
        let in_sheet = self.part.to_ascii_lowercase().starts_with("xl/worksheets/");
        match number {
            number::ROW if in_sheet => {
                self.row = long(body, 0)?;
                if body.get(11)? & 0x10 != 0 {
                    self.survey.hide_row(self.row);
                }
            }
            number::RK | number::REAL | number::FORMULA_NUMBER if in_sheet => {
                let style = usize::try_from(long(body, 4)? & 0x00FF_FFFF).ok()?;
                if let Some(shown) = self.formats.styles.get(style).copied().flatten() {
                    self.survey.shown.insert((self.row, long(body, 0)?), shown);
                    return Some(ELEMENT);
                }
            }
            number::COLUMNS if in_sheet && body.get(16)? & 1 != 0 => {
                let column = |at| long(body, at).and_then(|column| usize::try_from(column).ok());
                self.survey.hidden_columns.push((column(0)?, column(4)?));
                return Some(ELEMENT);
            }
            number::MERGED if in_sheet => {
                let area = (long(body, 0)?, long(body, 8)?, long(body, 4)?, long(body, 12)?);
                self.survey.merge(area);
                return Some(ELEMENT);
            }
            number::SHEET => {
                let (id, after) = wide(body, 8)?;
                let (name, _) = wide(body, after)?;
                self.surveys.names.push((name, id));
                return Some(ELEMENT.saturating_add(length));
            }
            number::FORMAT => {
                let (code, _) = wide(body, 2)?;
                self.formats.codes.insert(short(body, 0)?, Shown::of_format(&code));
                return Some(ELEMENT);
            }
            number::STYLES_BEGIN => self.formats.in_styles = true,
            number::STYLES_END => self.formats.in_styles = false,
            number::STYLE if self.formats.in_styles => {
                let shown = self.formats.codes.get(&short(body, 2)?).copied().flatten();
                self.formats.styles.push(shown);
                return Some(ELEMENT);
            }
            // Two bytes of UTF-16 become up to three.
            number::SHARED_TEXT => return Some(TEXT.saturating_add(length.saturating_mul(3) / 2)),
            number::NAME => return Some(ELEMENT.saturating_add(length.saturating_mul(2))),
            _ => {}
        }
        Some(0)
    }
}

/// Reads a number in groups of seven bits, the lowest first; `None` at the end.
fn grouped(input: &mut impl Read, most: u32) -> Result<Option<u32>, Ended> {
    let (mut number, mut byte) = (0, [0_u8]);
    for group in 0..most {
        match input.read(&mut byte) {
            Ok(0) if group == 0 => return Ok(None),
            Ok(0) => return Err(Ended::NoRecords),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.into()),
        }
        let [byte] = byte;
        number |= u32::from(byte & 0x7F) << (7 * group);
        if byte & 0x80 == 0 {
            break;
        }
    }
    Ok(Some(number))
}

/// Reads a count of units and then UTF-16; returns it with the place behind it.
fn wide(body: &[u8], at: usize) -> Option<(String, usize)> {
    let begin = at.checked_add(4)?;
    let end = usize::try_from(long(body, at)?).ok()?.checked_mul(2)?.checked_add(begin)?;
    Some((utf16(body.get(begin..end)?), end))
}
