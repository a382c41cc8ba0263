//! A file is heard as one statement before its rows are decided: where they disagree about one thing, the last row counts and the
//! earlier ones get a remark (docs/FACTS.md).
//!
//! Rows are kept for that, in bounded memory: of a very large file so many at a time, and what stands further down than that is a
//! correction, as the row of another file would be.

use crate::domain::check::Problem;
use crate::domain::command::Command;
use crate::domain::statement::{Overruled, Statement, complete, thing};
use crate::domain::tidy::tidy;
use crate::intake::item::ReadRow;
use crate::picture::imports::Taken;
use std::collections::HashMap;

/// Rows heard together at most: more than an office sends in a month.
const MOST: usize = 50_000;
/// Bytes of rows heard together at most.
const MOST_BYTES: usize = 8 << 20;

/// A row as the whole file means it.
pub(super) struct Heard {
    pub(super) row: ReadRow,
    /// Details that a later row says otherwise.
    pub(super) overruled: Vec<&'static str>,
    /// A later row says otherwise: there is nothing to decide.
    pub(super) passed: bool,
}

/// The rows of a file that were read and not decided yet.
#[derive(Default)]
pub(super) struct Hearing {
    rows: Vec<ReadRow>,
    weight: usize,
    /// Number of the first of the rows within the file.
    first: u64,
    statement: Statement,
    /// What was taken of the file before: about that there is nothing to decide.
    known: Option<Taken>,
}

impl Hearing {
    /// Begins a file of which this much was taken before.
    pub(super) fn of(known: Option<Taken>) -> Self {
        Self { known, ..Self::default() }
    }

    /// Takes a row; says whether there is room for another.
    pub(super) fn take(&mut self, mut row: ReadRow, weight: usize) -> bool {
        if let Ok(command) = &mut row.outcome {
            *command = tidy(command.clone());
            self.statement.note(self.first + count(self.rows.len()), command);
        }
        self.weight += weight;
        self.rows.push(row);
        self.rows.len() < MOST && self.weight < MOST_BYTES
    }

    /// Returns the rows as the file means them, and goes on with the next.
    pub(super) fn end(&mut self) -> Vec<Heard> {
        let mut rows = std::mem::take(&mut self.rows);
        let first = self.first;
        self.first += count(rows.len());
        self.weight = 0;
        let found: Vec<Overruled> = (first..)
            .zip(&rows)
            .map(|(number, row)| match &row.outcome {
                Ok(command) => self.statement.overruled(number, command),
                Err(_) => Overruled::default(),
            })
            .collect();
        let remarks: Vec<_> = rows.iter().zip(&found).map(|(row, found)| remark(row, found, first, &rows)).collect();
        let mut handed_on: HashMap<u64, Command> = HashMap::new();
        let mut heard = Vec::with_capacity(rows.len());
        for ((mut row, found), remark) in rows.drain(..).zip(found).zip(remarks) {
            row.warnings.extend(remark);
            let mut passed = false;
            if let Ok(command) = &mut row.outcome
                && let Some(thing) = thing(command)
            {
                if let Some(earlier) = handed_on.get(&thing) {
                    complete(command, earlier);
                }
                passed = !found.fields.is_empty() && !matches!(command, Command::RegisterMerchant(_));
                if passed {
                    handed_on.insert(thing, command.clone());
                }
            }
            passed |= self.known.as_ref().is_some_and(|known| known.has(&row.table.sheet, row.row));
            heard.push(Heard { row, overruled: found.fields, passed });
        }
        heard
    }
}

fn count(rows: usize) -> u64 {
    u64::try_from(rows).unwrap_or(u64::MAX)
}

/// Returns what the receipt of an overruled row says.
fn remark(row: &ReadRow, found: &Overruled, first: u64, rows: &[ReadRow]) -> Option<crate::intake::place::Finding> {
    let field = found.fields.first()?;
    let by = usize::try_from(found.by.saturating_sub(first)).ok().and_then(|place| rows.get(place))?;
    let problem = Problem {
        field,
        code: "overruled",
        value: String::new(),
        zh: format!("本文件第 {} 行另有说明，以后者为准", by.row),
        en: format!("row {} of this file says otherwise; the later row counts", by.row),
    };
    Some(row.table.finding(row.row, problem))
}
