//! One cell: what it may hold, and what is read from it. Pure functions; a blank cell is `Ok(None)`.

mod amount;
mod codes;
mod day;
mod fault;
mod plain;
mod words;

pub use amount::{Unit, amount, ratio};
pub use codes::{code, credit_code, division, industry, shop_unit};
pub use day::{day, instant};
pub use fault::CellFault;
pub use words::{prose, text, word, yes_no};

use crate::domain::text::trim;
use plain::EXACT_DIGITS_END;
use std::borrow::Cow;

/// A cell as the file holds it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    /// Nothing.
    Blank,
    /// Text; all that a csv file has.
    Text(&'a str),
    /// A number of a spreadsheet.
    Number(Number),
    /// A truth value of a spreadsheet.
    Bool(bool),
    /// A formula's error, such as `#REF!`.
    Error(&'a str),
}

/// A number of a spreadsheet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Number {
    /// The value.
    pub value: f64,
    /// The cell is formatted as a date or time.
    pub dated: bool,
    /// The workbook counts days from 1904 (old Macintosh files), not from 1900.
    pub from_1904: bool,
}

impl<'a> Cell<'a> {
    /// Says whether a person sees nothing in the cell.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        match self {
            Self::Blank => true,
            Self::Text(text) => trim(text).is_empty(),
            Self::Number(_) | Self::Bool(_) | Self::Error(_) => false,
        }
    }

    /// Returns the cell as a person sees it: dates as dates, numbers without float noise, text as it came.
    #[must_use]
    pub fn shown(&self) -> Cow<'a, str> {
        match self {
            Self::Blank => Cow::Borrowed(""),
            Self::Text(text) | Self::Error(text) => Cow::Borrowed(text),
            Self::Number(number) => Cow::Owned(number.shown()),
            Self::Bool(value) => Cow::Borrowed(if *value { "TRUE" } else { "FALSE" }),
        }
    }
}

impl Number {
    /// Returns the number in plain digits, never in powers of ten: the shortest text that is this number, or, where a
    /// formula left noise behind the 15 digits a spreadsheet keeps (`0.30000000000000004`), those 15 digits.
    #[must_use]
    pub fn digits(&self) -> String {
        let shortest = self.value.to_string();
        let significant = shortest.bytes().filter(u8::is_ascii_digit).skip_while(|digit| *digit == b'0').count();
        if significant <= 15 || self.value.abs() >= EXACT_DIGITS_END {
            return shortest;
        }
        format!("{:.14e}", self.value).parse::<f64>().map_or(shortest, |value| value.to_string())
    }

    fn shown(&self) -> String {
        let moment = self.dated.then(|| day::of_serial(*self)).flatten();
        match moment {
            Some(at) if at.time() == jiff::civil::Time::midnight() => at.date().to_string(),
            Some(at) => at.strftime("%Y-%m-%d %H:%M:%S").to_string(),
            None => self.digits(),
        }
    }
}

#[cfg(test)]
mod tests;
