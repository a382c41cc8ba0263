//! The third stage: from a file of a known kind to tables and their rows.
//!
//! Each reader hands [`run::Run`] one [`Row`] after the other, as it stands in the file. `Run` tells records from what stands
//! around them, and hands the records on.

mod around;
pub(in crate::intake) mod delimited;
pub(in crate::intake) mod encoding;
pub(in crate::intake) mod html;
pub(in crate::intake) mod lines;
mod run;
mod spoken;
pub(in crate::intake) mod workbook;

pub(in crate::intake) use run::{About, Run};

use super::commands::row::Cells;

/// One row as it stands in a file: raw cells, and what the file says about them beside their content.
#[derive(Clone, Copy)]
pub(in crate::intake) struct Row<'r> {
    /// Its number as the spreadsheet shows it, from 1.
    pub(in crate::intake) number: u64,
    /// The cells.
    pub(in crate::intake) cells: &'r dyn Cells,
    /// The file does not show it: filtered away, or folded.
    pub(in crate::intake) hidden: bool,
    /// What is to be known of single cells, by their index.
    pub(in crate::intake) notes: &'r [(usize, Note)],
}

/// What a file says about a cell beside its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::intake) enum Note {
    /// A formula whose result was never calculated.
    NotCalculated,
    /// A cell that contradicts its own type.
    Contradictory,
    /// One cell over several rows; its content stands for all of them.
    Merged,
    /// A number that is shown as another than it is.
    Shown(Shown),
}

/// How a number format shows amounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::intake) enum Shown {
    /// The number divided by a power of ten: `0!.0,` shows 1234567 as 123.5.
    Scaled,
    /// The number as it is, with a word behind that multiplies it: `0.00"万元"`.
    Multiplied,
}

impl Shown {
    /// Reads a format code; `None` if numbers are shown as they are.
    pub(in crate::intake) fn of_format(code: &str) -> Option<Self> {
        let first = code.split(';').next().unwrap_or_default();
        // A point that is only drawn, or a comma behind the last digit.
        let drawn = ["!.", "\\.", "\".\""].iter().any(|point| first.contains(point));
        let bare: String = first.split('"').step_by(2).collect();
        let digits = bare.trim_end_matches(|letter: char| !matches!(letter, '0' | '#' | '?' | ','));
        if drawn || digits.ends_with(',') {
            Some(Self::Scaled)
        } else if first.contains(['万', '亿', '千']) {
            Some(Self::Multiplied)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Shown;

    #[test]
    fn formats_that_show_another_number_are_known() {
        for code in ["0!.0,", "0!.0000\"万元\"", "0\\.0,", "#,##0,", "0\".\"0,\"万\"", "0.0,,"] {
            assert_eq!(Shown::of_format(code), Some(Shown::Scaled), "{code}");
        }
        for code in ["0.00\"万元\"", "#,##0万"] {
            assert_eq!(Shown::of_format(code), Some(Shown::Multiplied), "{code}");
        }
        for code in ["General", "#,##0.00", "0.00_ ", "yyyy-mm-dd", "#,##0.00_);[Red](#,##0.00)", "@", "\"¥\"#,##0"] {
            assert_eq!(Shown::of_format(code), None, "{code}");
        }
    }
}
