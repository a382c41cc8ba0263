//! What a cell says, without what systems and programs put around it: `="9111…"` and `'9111…`, which keep a spreadsheet from
//! spoiling a code, tabs and invisible characters; and what a spreadsheet spoiled all the same.

use super::{Cell, CellFault};
use crate::domain::empty_words::{is_empty_word, is_spoilt};
use crate::domain::text::trim;
use std::borrow::Cow;

/// Spreadsheets keep 15 significant digits; a longer whole number has lost its end.
pub(super) const EXACT_DIGITS_END: f64 = 1e15;

impl<'a> Cell<'a> {
    /// Returns the trimmed text of a cell whose content is no date: a number becomes its digits. `None` if the cell is blank or
    /// holds a word for nothing (docs/FACTS.md).
    pub(super) fn plain(&self) -> Result<Option<Cow<'a, str>>, CellFault> {
        let text = match *self {
            Self::Blank => return Ok(None),
            Self::Text(text) => unwrapped(text),
            Self::Number(number) if number.dated => return Err(CellFault::TurnedIntoDate),
            Self::Number(number) if number.value.abs() >= EXACT_DIGITS_END => return Err(CellFault::DigitsLost),
            Self::Number(number) => Cow::Owned(number.digits()),
            Self::Bool(_) => self.shown(),
            // A look-up that found nothing is one of the words for nothing.
            Self::Error(error) if is_empty_word(error) => return Ok(None),
            Self::Error(_) => return Err(CellFault::SheetError),
        };
        if is_empty_word(&text) {
            return Ok(None);
        }
        if is_spoilt(&text) { Err(CellFault::Spoilt) } else { Ok(Some(text)) }
    }

    /// As [`Cell::plain`], for what programs mark so that it stays text: codes, figures, units. Full numbers that a spreadsheet
    /// wrote in powers of ten are refused.
    pub(super) fn marked(&self) -> Result<Option<Cow<'a, str>>, CellFault> {
        let Some(text) = self.plain()? else { return Ok(None) };
        let text = match text {
            Cow::Borrowed(text) => Cow::Borrowed(unmarked(text)),
            Cow::Owned(text) => Cow::Owned(unmarked(&text).to_owned()),
        };
        if is_scientific(&text) { Err(CellFault::Scientific) } else { Ok(Some(text)) }
    }
}

/// Takes off what cannot be seen at the ends, and the formula that does nothing but name a text.
fn unwrapped(text: &str) -> Cow<'_, str> {
    let bare = bare(text);
    let quoted = bare.strip_prefix('=').map(str::trim_start);
    match quoted.and_then(|rest| rest.strip_prefix('"')?.strip_suffix('"')) {
        // A quote within the text is written twice; a single one ends it, and more than a text stands there.
        Some(inner) if !inner.replace("\"\"", "").contains('"') => {
            Cow::Owned(self::bare(&inner.replace("\"\"", "\"")).to_owned())
        }
        _ => Cow::Borrowed(bare),
    }
}

/// Controls at the ends of a cell are what separated it somewhere else.
fn bare(text: &str) -> &str {
    let mut text = trim(text);
    loop {
        let shorter = trim(text.trim_matches(char::is_control));
        if shorter.len() == text.len() {
            return text;
        }
        text = shorter;
    }
}

/// Takes off the sign by which a program says that what follows is text.
fn unmarked(text: &str) -> &str {
    match text.strip_prefix(['\'', '`', '‘', '’']).map(bare) {
        Some(rest) if !rest.is_empty() => rest,
        _ => text,
    }
}

/// Says whether a text is a number in powers of ten as spreadsheets write it: `2.02511E+15`. Its last digits are gone.
pub(super) fn is_scientific(text: &str) -> bool {
    let Some((digits, power)) = text.split_once(['E', 'e']) else { return false };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    is_number(whole) && is_number(fraction) && power.strip_prefix('+').is_some_and(is_number)
}
