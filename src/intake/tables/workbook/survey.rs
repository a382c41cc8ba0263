//! What readers of workbooks leave out, noted on the way through the gate: hidden rows and columns, merged cells, formulas without
//! results, cells that contradict their own type.

use super::gate::attribute;
use crate::intake::tables::{Note, Shown};
use quick_xml::events::{BytesStart, BytesText};
use std::collections::BTreeMap;

/// What was noted of all sheets.
#[derive(Debug, Default)]
pub(super) struct Surveys {
    /// By the name of the part, in small letters.
    pub(super) sheets: BTreeMap<String, Survey>,
    /// Name and relationship of each sheet.
    pub(super) names: Vec<(String, String)>,
    /// Relationship and part, in small letters.
    parts: BTreeMap<String, String>,
}

impl Surveys {
    /// Returns what was noted of the sheet of this name.
    pub(super) fn take(&mut self, sheet: &str) -> Survey {
        let id = self.names.iter().find(|(name, _)| name == sheet).map(|(_, id)| id);
        let part = id.and_then(|id| self.parts.get(id));
        part.and_then(|part| self.sheets.remove(part)).unwrap_or_default()
    }

    /// Keeps what was noted of a sheet that is known by its name.
    pub(super) fn put(&mut self, sheet: String, survey: Survey) {
        if !survey.is_empty() {
            self.names.push((sheet.clone(), sheet.clone()));
            self.parts.insert(sheet.clone(), sheet.clone());
            self.sheets.insert(sheet, survey);
        }
    }

    pub(super) fn sheet(&mut self, element: &BytesStart<'_>) {
        let id = element.attributes().flatten().find(|found| found.key.local_name().as_ref() == "id");
        if let (Some(name), Some(id)) = (attribute(element, "name"), id) {
            let name = quick_xml::escape::unescape(&name).map_or_else(|_| name.clone(), |name| name.into_owned());
            self.names.push((name, id.value.to_string()));
        }
    }

    pub(super) fn relationship(&mut self, element: &BytesStart<'_>) {
        if let (Some(id), Some(target)) = (attribute(element, "Id"), attribute(element, "Target")) {
            let target = target.to_ascii_lowercase();
            let part = target.strip_prefix('/').map_or_else(|| format!("xl/{target}"), str::to_owned);
            self.parts.insert(id, part);
        }
    }
}

/// A rectangle of cells, from 0: first row, first column, last row, last column.
pub(super) type Area = (u32, u32, u32, u32);

/// What was noted of one sheet.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// First and last of hidden rows, from 0.
    pub(super) hidden_rows: Vec<(u32, u32)>,
    /// First and last of hidden columns, from 0.
    pub(super) hidden_columns: Vec<(usize, usize)>,
    /// Cells merged over several rows.
    pub(super) merged: Vec<Area>,
    /// Cells that cannot be read as they are, with what they show.
    pub(super) odd: BTreeMap<(u32, u32), (Option<Note>, String)>,
    /// Numbers that are shown as others, where the reader does not say how a cell is shown.
    pub(super) shown: BTreeMap<(u32, u32), Shown>,
    /// Some cell does not say where it stands: then what follows an odd one cannot be placed.
    pub(super) unplaced: bool,
}

impl Survey {
    pub(super) fn is_empty(&self) -> bool {
        self.hidden_rows.is_empty()
            && self.hidden_columns.is_empty()
            && self.merged.is_empty()
            && self.odd.is_empty()
            && self.shown.is_empty()
            && !self.unplaced
    }

    pub(super) fn column(&mut self, element: &BytesStart<'_>) {
        let number = |name| attribute(element, name).and_then(|value| value.parse::<usize>().ok());
        if attribute(element, "hidden").is_some_and(|value| is_true(&value))
            && let (Some(first @ 1..), Some(last)) = (number("min"), number("max"))
        {
            self.hidden_columns.push((first - 1, last.saturating_sub(1)));
        }
    }

    /// Notes cells merged over several rows.
    pub(super) fn merge(&mut self, area: Area) {
        if area.2 > area.0 {
            self.merged.push(area);
        }
    }

    pub(super) fn merge_cell(&mut self, element: &BytesStart<'_>) {
        let Some(area) = attribute(element, "ref") else { return };
        let Some((from, to)) = area.split_once(':') else { return };
        if let (Some(from), Some(to)) = (place(from), place(to)) {
            self.merge((from.0, from.1, to.0, to.1));
        }
    }

    pub(super) fn hide_row(&mut self, row: u32) {
        self.hide_rows(row, row);
    }

    pub(super) fn hide_rows(&mut self, first: u32, last: u32) {
        match self.hidden_rows.last_mut() {
            Some((_, end)) if end.checked_add(1) == Some(first) => *end = last,
            _ => self.hidden_rows.push((first, last)),
        }
    }

    /// Says whether a row is hidden.
    pub(super) fn hides(&self, row: u32) -> bool {
        let at = self.hidden_rows.partition_point(|(_, last)| *last < row);
        self.hidden_rows.get(at).is_some_and(|(first, _)| *first <= row)
    }
}

/// A row or cell on its way through the gate.
#[derive(Debug, Default)]
pub(super) struct Seen {
    row: u32,
    column: u32,
    in_cell: bool,
    in_value: bool,
    formula: bool,
    value: bool,
    /// The type, if it is one that is not always readable.
    kind: String,
    text: String,
}

/// Bytes that a noted cell takes.
const NOTED: u64 = 128;

/// Errors that readers know.
const ERRORS: [&str; 7] = ["#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!"];

impl Seen {
    pub(super) fn start(&mut self, element: &BytesStart<'_>, survey: &mut Survey) {
        match element.local_name().as_ref() {
            "row" => {
                if let Some(row @ 1..) = attribute(element, "r").and_then(|row| row.parse::<u32>().ok()) {
                    self.row = row - 1;
                }
                self.column = 0;
                if attribute(element, "hidden").is_some_and(|value| is_true(&value)) {
                    survey.hide_row(self.row);
                }
            }
            "c" => {
                self.in_cell = true;
                (self.formula, self.value, self.in_value) = (false, false, false);
                self.kind.clear();
                self.text.clear();
                let mut placed = false;
                for found in element.attributes().with_checks(false).flatten() {
                    match found.key.local_name().as_ref() {
                        "r" => {
                            if let Some((row, column)) = place(&found.value) {
                                (self.row, self.column) = (row, column);
                            }
                            placed = true;
                        }
                        "t" => self.kind.push_str(&found.value),
                        _ => {}
                    }
                }
                survey.unplaced |= !placed;
            }
            "f" => self.formula = true,
            "v" => self.in_value = true,
            // Text within the cell is a value too.
            "is" => self.value = true,
            _ => {}
        }
    }

    pub(super) fn text(&mut self, text: &BytesText<'_>) {
        if self.in_cell && self.in_value && self.text.len() < 64 {
            self.value = true;
            if matches!(self.kind.as_str(), "b" | "e" | "n") {
                self.text.push_str(&text.xml10_content());
            }
        }
    }

    /// Ends an element; returns the bytes that were noted.
    pub(super) fn end(&mut self, element: &str, survey: &mut Survey) -> u64 {
        match element {
            "row" => {
                self.row = self.row.saturating_add(1);
                self.column = 0;
                0
            }
            "v" => {
                self.in_value = false;
                0
            }
            "c" => {
                self.in_cell = false;
                let at = (self.row, self.column);
                self.column = self.column.saturating_add(1);
                let Some(note) = self.note() else { return 0 };
                survey.odd.insert(at, note);
                NOTED
            }
            _ => 0,
        }
    }

    /// Returns what is odd about the cell that ends.
    fn note(&self) -> Option<(Option<Note>, String)> {
        let text = || self.text.chars().take(40).collect();
        if self.formula && !self.value {
            return Some((Some(Note::NotCalculated), "#未计算".to_owned()));
        }
        let readable = match self.kind.as_str() {
            // An error of a newer program is an error.
            "e" if !ERRORS.contains(&self.text.as_str()) => return self.value.then(|| (None, text())),
            "b" => matches!(self.text.as_str(), "0" | "1" | "true" | "false"),
            "n" => self.text.trim().parse::<f64>().is_ok(),
            "" | "s" | "str" | "inlineStr" | "d" | "e" => true,
            _ => false,
        };
        (self.value && !readable).then(|| (Some(Note::Contradictory), text()))
    }
}

fn is_true(value: &str) -> bool {
    matches!(value, "1" | "true")
}

/// Reads a place such as `B12`; row and column from 0.
fn place(text: &str) -> Option<(u32, u32)> {
    let digits = text.trim_start_matches(|letter: char| letter.is_ascii_alphabetic());
    let letters = text.get(..text.len() - digits.len())?;
    let column = letters.bytes().try_fold(0_u32, |column, letter| {
        column.checked_mul(26)?.checked_add(u32::from(letter.to_ascii_uppercase() - b'A') + 1)
    })?;
    Some((digits.parse::<u32>().ok()?.checked_sub(1)?, column.checked_sub(1)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read() {
        assert_eq!(place("A1"), Some((0, 0)));
        assert_eq!(place("aa10"), Some((9, 26)));
        for text in ["", "A", "1", "A0", "ZZZZZZZZ2", "$A$1"] {
            assert_eq!(place(text), None, "{text}");
        }
    }
}
