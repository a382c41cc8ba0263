//! Texts, and words of a closed vocabulary.

use super::{Cell, CellFault};
use crate::domain::personal::masked;
use crate::domain::text::{clean, fault, half_width, plain_breaks, prose_fault};
use crate::domain::words::UnknownWord;
use std::str::FromStr;

/// Reads a text on one line, cleaned; numbers of persons in it are masked.
///
/// # Errors
/// Control characters, broken bytes, more than [`crate::domain::text::LONGEST`] characters; what a spreadsheet spoiled.
pub fn text(cell: Cell<'_>) -> Result<Option<String>, CellFault> {
    let Some(text) = cell.plain()? else { return Ok(None) };
    let text = clean(&text);
    match fault(&text) {
        Some(fault) => Err(fault.into()),
        None => Ok(Some(masked(&text).into_owned())),
    }
}

/// Reads a text that people write in several lines. The lines are kept, each cleaned; empty ones are not. Numbers of persons
/// in it are masked.
///
/// # Errors
/// As for [`text`].
pub fn prose(cell: Cell<'_>) -> Result<Option<String>, CellFault> {
    let Some(text) = cell.plain()? else { return Ok(None) };
    // A tab lines words up, it means nothing more than a space.
    let text = plain_breaks(&text).replace('\t', " ");
    let lines: Vec<_> = text.lines().map(clean).filter(|line| !line.is_empty()).collect();
    let text = lines.join("\n");
    match prose_fault(&text) {
        Some(fault) => Err(fault.into()),
        None => Ok(Some(masked(&text).into_owned())),
    }
}

/// Reads a word of a closed vocabulary, in either language.
///
/// # Errors
/// [`CellFault::Word`] with the words allowed; what no cell may hold.
pub fn word<T: FromStr<Err = UnknownWord>>(cell: Cell<'_>) -> Result<Option<T>, CellFault> {
    Ok(cell.marked()?.map(|text| half_width(&clean(&text)).parse()).transpose()?)
}

/// Reads yes or no.
///
/// # Errors
/// [`CellFault::NotYesNo`]; what no cell may hold.
pub fn yes_no(cell: Cell<'_>) -> Result<Option<bool>, CellFault> {
    let Some(text) = cell.marked()? else { return Ok(None) };
    match &*half_width(&text).to_ascii_lowercase() {
        "是" | "yes" | "true" | "1" => Ok(Some(true)),
        "否" | "no" | "false" | "0" => Ok(Some(false)),
        _ => Err(CellFault::NotYesNo),
    }
}
