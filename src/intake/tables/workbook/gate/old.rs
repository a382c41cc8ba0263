//! What an old workbook has beside its values ([MS-XLS]: records of a number, a length and a body of at most 8,224 bytes).

use super::{Fault, long, short, utf16};
use crate::intake::tables::Shown;
use crate::intake::tables::workbook::survey::{Survey, Surveys};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek as _};

/// Numbers of the records that are looked at ([MS-XLS] 2.3).
mod number {
    pub(super) const FORMULA: u16 = 0x06;
    pub(super) const END: u16 = 0x0A;
    pub(super) const LOCKED: u16 = 0x2F;
    pub(super) const COLUMNS: u16 = 0x7D;
    pub(super) const SHEET: u16 = 0x85;
    pub(super) const MANY: u16 = 0xBD;
    pub(super) const STYLE: u16 = 0xE0;
    pub(super) const REAL: u16 = 0x203;
    pub(super) const ROW: u16 = 0x208;
    pub(super) const RK: u16 = 0x27E;
    pub(super) const FORMAT: u16 = 0x41E;
    pub(super) const BEGIN: u16 = 0x809;
}

/// Goes through the records of the workbook. What is of before 1997 notes nothing: whoever reads it says so.
///
/// # Errors
/// The file is cut off or damaged: its reader takes what is missing for sheets without rows.
pub(in crate::intake::tables::workbook) fn survey(file: &mut File, name: &str) -> Result<Surveys, Fault> {
    let damaged = || Fault::Part(name.to_owned());
    let mut walk = Walk::default();
    // The compound file is opened anew by the reader.
    let mut compound = cfb::CompoundFile::open(&mut *file).map_err(|_| damaged())?;
    if let Ok(stream) = compound.open_stream("/Workbook") {
        walk.records(&mut BufReader::new(stream));
        if !walk.is_whole() {
            return Err(damaged());
        }
    }
    file.rewind().map_err(Fault::Io)?;
    Ok(walk.surveys)
}

#[derive(Debug, Default)]
struct Walk {
    surveys: Surveys,
    /// Names of the sheets by where they begin.
    begins: BTreeMap<u64, String>,
    sheet: Option<String>,
    /// How many parts have begun and not ended: a chart lies inside its sheet.
    depth: u32,
    locked: bool,
    survey: Survey,
    codes: BTreeMap<u16, Option<Shown>>,
    styles: Vec<Option<Shown>>,
}

impl Walk {
    fn records(&mut self, input: &mut impl Read) {
        let (mut head, mut body, mut at) = ([0; 4], Vec::new(), 0_u64);
        while input.read_exact(&mut head).is_ok() {
            let [number_low, number_high, length_low, length_high] = head;
            let (number, length) =
                (u16::from_le_bytes([number_low, number_high]), u16::from_le_bytes([length_low, length_high]));
            body.resize(usize::from(length), 0);
            if input.read_exact(&mut body).is_err() {
                return;
            }
            match number {
                // What follows is enciphered; the reader says that a password is in the way.
                number::LOCKED => {
                    self.locked = true;
                    return;
                }
                number::BEGIN => {
                    self.depth = self.depth.saturating_add(1);
                    if let Some(sheet) = self.begins.remove(&at) {
                        self.sheet = Some(sheet);
                    }
                }
                number::END => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth == 0 {
                        self.leave();
                    }
                }
                _ => {}
            }
            // What is too short is read by nobody either.
            let _ = self.note(number, &body);
            at = at.saturating_add(4).saturating_add(u64::from(length));
        }
    }

    /// Every part that is announced begins, and every part that begins ends. What some writers fill the stream up with behind
    /// them is no part.
    fn is_whole(&self) -> bool {
        self.locked || (self.depth == 0 && self.begins.is_empty())
    }

    fn leave(&mut self) {
        if let Some(sheet) = self.sheet.take() {
            self.surveys.put(sheet, std::mem::take(&mut self.survey));
        }
    }

    fn note(&mut self, number: u16, body: &[u8]) -> Option<()> {
        match number {
            number::SHEET => {
                let begin = long(body, 0)?;
                self.begins.insert(u64::from(begin), text(usize::from(*body.get(6)?), body.get(7..)?)?);
            }
            number::FORMAT => {
                let code = text(usize::from(short(body, 2)?), body.get(4..)?)?;
                self.codes.insert(short(body, 0)?, Shown::of_format(&code));
            }
            number::STYLE => self.styles.push(self.codes.get(&short(body, 2)?).copied().flatten()),
            number::ROW if body.get(12)? & 0x20 != 0 => self.survey.hide_row(u32::from(short(body, 0)?)),
            number::COLUMNS if body.get(8)? & 1 != 0 => {
                self.survey.hidden_columns.push((usize::from(short(body, 0)?), usize::from(short(body, 2)?)));
            }
            number::REAL | number::RK | number::FORMULA => {
                self.number(short(body, 0)?, short(body, 2)?, short(body, 4)?);
            }
            number::MANY => {
                let (row, first) = (short(body, 0)?, short(body, 2)?);
                let numbers = body.get(4..body.len().checked_sub(2)?)?;
                // Beyond the last column nothing is read, whatever the record says.
                for (column, number) in (first..=u16::MAX).zip(numbers.chunks_exact(6)) {
                    self.number(row, column, short(number, 0)?);
                }
            }
            _ => {}
        }
        Some(())
    }

    fn number(&mut self, row: u16, column: u16, style: u16) {
        if let Some(shown) = self.styles.get(usize::from(style)).copied().flatten() {
            self.survey.shown.insert((u32::from(row), u32::from(column)), shown);
        }
    }
}

/// Reads so many letters behind a byte that says whether each takes two bytes or one.
fn text(letters: usize, body: &[u8]) -> Option<String> {
    let (wide, body) = body.split_first()?;
    if wide & 1 == 0 {
        return Some(body.get(..letters)?.iter().map(|letter| char::from(*letter)).collect());
    }
    body.get(..letters.checked_mul(2)?).map(utf16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_beyond_the_last_column_are_passed_over() {
        let mut walk = Walk { styles: vec![Some(Shown::Scaled)], ..Walk::default() };
        // A row of three numbers that begins at the last column there can be.
        let body = [&[0, 0, 0xFF, 0xFF][..], &[0; 18], &[1, 0]].concat();
        walk.note(number::MANY, &body);
        assert_eq!(walk.survey.shown.into_keys().collect::<Vec<_>>(), [(0, 65_535)]);
    }
}
