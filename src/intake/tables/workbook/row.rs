//! One row of a workbook, put together from its cells.

use super::survey::Survey;
use super::{Row, Run, Shown};
use crate::intake::cell::{Cell, Number};
use crate::intake::commands::row::Cells;
use crate::intake::tables::Note;
use crate::intake::tables::lines::{LONGEST_LINE, LineFault, MOST_COLUMNS};
use calamine::{CellErrorType, DataRef};
use std::ops::ControlFlow;

pub(super) struct WorkbookRow<'a, 's> {
    cells: Vec<DataRef<'a>>,
    /// Cells whose place is taken by what the gate noted: index and what they show.
    odd: Vec<(usize, &'s str)>,
    notes: Vec<(usize, Note)>,
    /// Bytes of text in the cells.
    text: usize,
    from_1904: bool,
    survey: &'s Survey,
    /// Merged cells by their first row, and how many of them are open or behind.
    merged: Vec<super::survey::Area>,
    begun: usize,
    /// Merged cells that reach below: last row, column, content.
    open: Vec<(u32, usize, DataRef<'a>)>,
}

impl<'a, 's> WorkbookRow<'a, 's> {
    pub(super) fn new(survey: &'s Survey, from_1904: bool) -> Self {
        let mut merged = survey.merged.clone();
        merged.sort_unstable();
        let (cells, odd, notes, open) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { cells, odd, notes, text: 0, from_1904, survey, merged, begun: 0, open }
    }

    pub(super) fn put(&mut self, column: u32, value: DataRef<'a>, shown: Option<Shown>) {
        let column = usize::try_from(column).unwrap_or(MOST_COLUMNS);
        let text = match &value {
            DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.len(),
            DataRef::SharedString(text) => text.len(),
            _ => 0,
        };
        self.text += text;
        // A row that is too long keeps its beginning, for people to know it by.
        if column >= MOST_COLUMNS || self.text > LONGEST_LINE {
            return;
        }
        if let (Some(shown), DataRef::Float(_) | DataRef::Int(_)) = (shown, &value) {
            self.notes.push((column, Note::Shown(shown)));
        }
        self.place(column, value);
    }

    fn place(&mut self, column: usize, value: DataRef<'a>) {
        if self.cells.len() <= column {
            self.cells.resize(column + 1, DataRef::Empty);
        }
        if let Some(place) = self.cells.get_mut(column) {
            *place = value;
        }
    }

    /// Hands the row over and begins the next; `number` counts from 0.
    pub(super) fn end(&mut self, number: u32, run: &mut Run<'_>) -> ControlFlow<()> {
        let survey = self.survey;
        for ((_, column), (note, text)) in survey.odd.range((number, 0)..=(number, u32::MAX)) {
            let column = usize::try_from(*column).unwrap_or(MOST_COLUMNS);
            if column < MOST_COLUMNS {
                self.place(column, DataRef::Empty);
                self.odd.push((column, text));
                self.notes.extend(note.map(|note| (column, note)));
            }
        }
        self.fill_down(number);
        let row = u64::from(number) + 1;
        let flow = if self.text > LONGEST_LINE {
            let beginning: Vec<_> = (0..self.cells.len()).map(|index| self.cell(index).shown()).collect();
            let beginning: String = beginning.join(",").chars().take(SHOWN_OF_LONG).collect();
            run.broken(row, &beginning, LineFault::TooLong)
        } else {
            run.row(&Row { number: row, cells: self, hidden: survey.hides(number), notes: &self.notes })
        };
        self.cells.clear();
        self.odd.clear();
        self.notes.clear();
        self.text = 0;
        flow
    }

    /// Puts the content of merged cells into the rows that they reach over.
    fn fill_down(&mut self, number: u32) {
        self.open.retain(|(last, _, _)| *last >= number);
        for at in 0..self.open.len() {
            let Some((_, column, value)) = self.open.get(at).cloned() else { continue };
            self.notes.push((column, Note::Merged));
            self.place(column, value);
        }
        while let Some((first, column, last, _)) = self.merged.get(self.begun).copied().filter(|area| area.0 <= number)
        {
            self.begun += 1;
            let column = usize::try_from(column).unwrap_or(MOST_COLUMNS);
            if first == number
                && let Some(value) = self.cells.get(column).filter(|value| **value != DataRef::Empty).cloned()
            {
                self.notes.push((column, Note::Merged));
                self.open.push((last, column, value));
            }
        }
    }
}

/// Characters shown of a row that is too long to be one.
const SHOWN_OF_LONG: usize = 200;

impl Cells for WorkbookRow<'_, '_> {
    fn width(&self) -> usize {
        self.cells.len()
    }

    fn cell(&self, index: usize) -> Cell<'_> {
        let number = |value: f64, dated: bool| Cell::Number(Number { value, dated, from_1904: self.from_1904 });
        if let Some((_, text)) = self.odd.iter().find(|(column, _)| *column == index) {
            return Cell::Error(text);
        }
        match self.cells.get(index) {
            None | Some(DataRef::Empty) => Cell::Blank,
            Some(DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text)) => Cell::Text(text),
            Some(DataRef::SharedString(text)) => Cell::Text(text),
            Some(DataRef::Float(value)) => number(*value, false),
            // Beyond 2^53 the digits are lost anyway, and refused as such.
            Some(DataRef::Int(value)) => number(*value as f64, false),
            Some(DataRef::DateTime(value)) => number(value.as_f64(), true),
            Some(DataRef::Bool(value)) => Cell::Bool(*value),
            Some(DataRef::Error(error)) => Cell::Error(match error {
                CellErrorType::Div0 => "#DIV/0!",
                CellErrorType::NA => "#N/A",
                CellErrorType::Name => "#NAME?",
                CellErrorType::Null => "#NULL!",
                CellErrorType::Num => "#NUM!",
                CellErrorType::Ref => "#REF!",
                CellErrorType::Value => "#VALUE!",
                CellErrorType::GettingData => "#DATA!",
            }),
        }
    }
}
