//! Texts, words of a closed vocabulary, codes.

use super::{Cell, CellFault};
use crate::domain::code::{CreditCode, DivisionCode};
use crate::domain::text::{fault, half_width, plain_breaks, prose_fault, trim};
use crate::domain::tidy::industry_code;
use crate::domain::words::UnknownWord;
use std::borrow::Cow;
use std::str::FromStr;

/// Reads a text on one line, trimmed.
///
/// # Errors
/// Control characters, broken bytes, more than [`crate::domain::text::LONGEST`] characters; what a spreadsheet spoiled.
pub fn text(cell: Cell<'_>) -> Result<Option<String>, CellFault> {
    cell.plain()?.map(taken).transpose()
}

/// Reads a text that people write in several lines. The lines are kept, each without blanks around it; empty ones are not.
///
/// # Errors
/// As for [`text`].
pub fn prose(cell: Cell<'_>) -> Result<Option<String>, CellFault> {
    let Some(text) = cell.plain()? else { return Ok(None) };
    // A tab lines words up, it means nothing more than a space.
    let text = plain_breaks(&text).replace('\t', " ");
    let lines: Vec<&str> = text.lines().map(trim).filter(|line| !line.is_empty()).collect();
    match prose_fault(&lines.join("\n")) {
        Some(fault) => Err(fault.into()),
        None => Ok(Some(lines.join("\n"))),
    }
}

fn taken(text: Cow<'_, str>) -> Result<String, CellFault> {
    match fault(&text) {
        Some(fault) => Err(fault.into()),
        None => Ok(text.into_owned()),
    }
}

/// Reads a word of a closed vocabulary, in either language.
///
/// # Errors
/// [`CellFault::Word`] with the words allowed; what no cell may hold.
pub fn word<T: FromStr<Err = UnknownWord>>(cell: Cell<'_>) -> Result<Option<T>, CellFault> {
    Ok(cell.plain()?.map(|text| half_width(&text).parse()).transpose()?)
}

/// Reads yes or no.
///
/// # Errors
/// [`CellFault::NotYesNo`]; what no cell may hold.
pub fn yes_no(cell: Cell<'_>) -> Result<Option<bool>, CellFault> {
    let Some(text) = cell.plain()? else { return Ok(None) };
    match &*half_width(&text).to_ascii_lowercase() {
        "是" | "yes" | "true" | "1" => Ok(Some(true)),
        "否" | "no" | "false" | "0" => Ok(Some(false)),
        _ => Err(CellFault::NotYesNo),
    }
}

/// Reads a credit code.
///
/// # Errors
/// [`CellFault::CreditCode`]; what no cell may hold. A code that fails its check character is taken.
pub fn credit_code(cell: Cell<'_>) -> Result<Option<CreditCode>, CellFault> {
    cell.plain()?.map(|text| text.parse().map_err(CellFault::CreditCode)).transpose()
}

/// Reads a division code.
///
/// # Errors
/// [`CellFault::Division`]; what no cell may hold.
pub fn division(cell: Cell<'_>) -> Result<Option<DivisionCode>, CellFault> {
    cell.plain()?.map(|text| half_width(&text).parse().map_err(|_| CellFault::Division)).transpose()
}

/// Reads an industry code; its category letter is dropped.
///
/// # Errors
/// [`CellFault::Industry`]; what no cell may hold.
pub fn industry(cell: Cell<'_>) -> Result<Option<String>, CellFault> {
    cell.plain()?.map(|text| industry_code(&text).ok_or(CellFault::Industry)).transpose()
}
