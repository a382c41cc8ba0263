//! What reading hands over: tables, rows, refusals, warnings, in order.

use super::cell::Unit;
use super::place::{Finding, Place, Refusal, Warning};
use super::profile::Profile;
use super::sheet::{Field, Layout, SheetKind, named};
use crate::domain::check::Problem;
use crate::domain::command::Command;
use csv::StringRecord;
use encoding_rs::Encoding;
use std::ops::ControlFlow;
use std::sync::Arc;

/// The form that a table came in, as far as it can be given back in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A text with one row on each line.
    Text {
        /// Its encoding.
        encoding: &'static Encoding,
        /// What stands between cells.
        separator: char,
    },
    /// Anything else.
    Workbook,
}

/// A table whose header was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// File name.
    pub file: Arc<str>,
    /// Sheet name; in a csv file the Chinese name of its kind; empty for NDJSON.
    pub sheet: Arc<str>,
    /// Kind of sheet; absent for NDJSON.
    pub kind: Option<SheetKind>,
    /// Profile of the source by which it is read, if it is not one of our own sheets.
    pub profile: Option<Arc<Profile>>,
    /// The form it came in.
    pub form: Form,
    /// Row of the header, from 1; 0 for NDJSON.
    pub header_row: u64,
    /// Headers as the file writes them, trimmed.
    pub header: Vec<Arc<str>>,
    /// Where the columns are; absent for NDJSON.
    pub(super) layout: Option<Layout>,
}

impl Table {
    /// Returns the place of a row of this table.
    #[must_use]
    pub fn place(&self, row: u64) -> Place {
        Place { file: Arc::clone(&self.file), sheet: Arc::clone(&self.sheet), row: Some(row), column: None }
    }

    /// Returns what is to be said about a row whose command has a problem, at the column the problem's field stands in.
    #[must_use]
    pub fn finding(&self, row: u64, problem: Problem) -> Finding {
        let field = self.kind.and_then(|kind| kind.field(problem.field));
        let column = field.and_then(|field| self.column(field)).unwrap_or_else(|| problem.field.into());
        let place = Place { column: Some(column), ..self.place(row) };
        Finding::new(place, problem.code, &problem.value, problem.zh, problem.en)
    }

    /// Returns a header as it must read where nothing stands above it and no column is hidden: with the unit that was said above the
    /// table, and unlike the column that was read in its place.
    pub(super) fn header_alone(&self, index: usize, header: &str) -> String {
        let (Some(layout), Some(kind)) = (&self.layout, self.kind) else { return header.to_owned() };
        if layout.unit_said_elsewhere(index) == Some(Unit::TenThousand) {
            format!("{header}（万元）")
        } else if self.profile.is_none() && layout.field_at(index).is_none() && named(kind, header).is_some() {
            format!("隐藏列-{header}")
        } else {
            header.to_owned()
        }
    }

    /// Returns the header of a field's column as the file writes it, or, where the file has no such column, as the sheet
    /// would name it; `None` if sheets of this kind never have it.
    pub(super) fn column(&self, field: Field) -> Option<Arc<str>> {
        match self.layout.as_ref().and_then(|layout| layout.place(field)) {
            Some((index, _)) => self.header.get(index).cloned(),
            None => self.kind?.read().find(|column| column.field == field).map(|column| column.zh.into()),
        }
    }
}

/// One row, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadRow {
    /// The table it stands in.
    pub table: Arc<Table>,
    /// Row as the spreadsheet numbers it, from 1; for NDJSON the line.
    pub row: u64,
    /// Cells as they came; for NDJSON, and for a line that cannot be split into cells, the whole line.
    pub cells: StringRecord,
    /// The command, or everything that is wrong with the row; never an empty list.
    pub outcome: Result<Command, Vec<Refusal>>,
    /// What should be looked at although the row was read.
    pub warnings: Vec<Warning>,
}

impl ReadRow {
    /// Returns the place of the row.
    #[must_use]
    pub fn place(&self) -> Place {
        self.table.place(self.row)
    }

    pub(super) fn refuse(&mut self, refusal: Refusal) {
        match &mut self.outcome {
            Err(refusals) => refusals.push(refusal),
            Ok(_) => self.outcome = Err(vec![refusal]),
        }
    }
}

/// A sheet or file of which nothing more could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Where and why.
    pub refusal: Refusal,
    /// Rows that were refused with it; 0 if they could not be counted.
    pub rows: u64,
}

/// Rows that are no records and were passed over: totals, signatures, further headers, rows that were only numbered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// Where the first of them is, and what they are.
    pub finding: Finding,
    /// How many.
    pub rows: u64,
}

/// What reading hands over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A table begins; its rows follow.
    Table(Arc<Table>),
    /// A row.
    Row(ReadRow),
    /// A whole sheet or file was refused.
    Refused(Refused),
    /// Rows passed over because they are no records.
    Remark(Remark),
    /// Something about a sheet or file that kept nothing out.
    Warning(Warning),
}

/// Takes what is read; [`ControlFlow::Break`] ends the reading.
pub type Sink<'s> = &'s mut dyn FnMut(Item) -> ControlFlow<()>;
