//! Where in the offices' files something is, and what is to be said about it.

use crate::domain::code::CreditCode;
use std::fmt;
use std::sync::Arc;

/// A place in a file, as a person finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// File name.
    pub file: Arc<str>,
    /// Sheet name; in a csv file the kind of sheet it is; empty for NDJSON.
    pub sheet: Arc<str>,
    /// Row as the spreadsheet numbers it, from 1; for NDJSON the line. Absent: the whole sheet or file.
    pub row: Option<u64>,
    /// Header of the column as the file writes it; for NDJSON the field.
    pub column: Option<Arc<str>>,
}

impl Place {
    /// Returns the place in Chinese.
    #[must_use]
    pub fn zh(&self) -> String {
        let mut text = self.file.to_string();
        if !self.sheet.is_empty() {
            text.push_str(&format!("，工作表「{}」", self.sheet));
        }
        if let Some(row) = self.row {
            text.push_str(&format!("，第 {row} 行"));
        }
        if let Some(column) = &self.column {
            text.push_str(&format!("，「{column}」列"));
        }
        text
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if !self.sheet.is_empty() {
            write!(f, ", sheet `{}`", self.sheet)?;
        }
        if let Some(row) = self.row {
            write!(f, ", row {row}")?;
        }
        if let Some(column) = &self.column {
            write!(f, ", column `{column}`")?;
        }
        Ok(())
    }
}

/// What is to be said about a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where.
    pub place: Place,
    /// The value found, at most 200 characters; empty if there is none.
    pub value: String,
    /// Stable code, such as `not_a_day`.
    pub code: &'static str,
    /// What is wrong and what was expected, in Chinese.
    pub zh: String,
    /// The same in English.
    pub en: String,
}

/// A finding that kept a row, a sheet or a file out.
pub type Refusal = Finding;

/// A finding that kept nothing out.
pub type Warning = Finding;

/// The longest value repeated in a finding, in characters.
const LONGEST_VALUE: usize = 200;

impl Finding {
    /// Returns a finding; a long `value` is cut.
    #[must_use]
    pub fn new(place: Place, code: &'static str, value: &str, zh: impl Into<String>, en: impl Into<String>) -> Self {
        let value = match value.char_indices().nth(LONGEST_VALUE) {
            Some((end, _)) => format!("{}…", value.get(..end).unwrap_or_default()),
            None => value.to_owned(),
        };
        Self { place, value, code, zh: zh.into(), en: en.into() }
    }

    /// Returns place, value and reason as one line of Chinese.
    #[must_use]
    pub fn line_zh(&self) -> String {
        let value = if self.value.is_empty() { String::new() } else { format!("「{}」", self.value) };
        format!("{}：{value}{}", self.place.zh(), self.zh)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.place)?;
        if !self.value.is_empty() {
            write!(f, "`{}`: ", self.value)?;
        }
        f.write_str(&self.en)
    }
}

/// Returns the warning that a code's check character does not fit.
pub(super) fn check_character(place: Place, code: CreditCode) -> Warning {
    let zh = "统一社会信用代码的校验位不符，已接收，请核对";
    let en = "the check character of this credit code does not fit; it was taken, please compare it";
    Finding::new(place, "check_character", code.as_str(), zh, en)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_says_where_what_and_why_in_both_languages() {
        let place =
            Place { file: "海淀.xlsx".into(), sheet: "投诉".into(), row: Some(5), column: Some("来源".into()) };
        let finding = Finding::new(place, "unknown_word", "电话", "应为 12345", "write 12345");
        assert_eq!(finding.line_zh(), "海淀.xlsx，工作表「投诉」，第 5 行，「来源」列：「电话」应为 12345");
        assert_eq!(finding.to_string(), "海淀.xlsx, sheet `投诉`, row 5, column `来源`: `电话`: write 12345");
    }

    #[test]
    fn a_long_value_is_cut_between_characters() {
        let place = Place { file: "a".into(), sheet: "".into(), row: None, column: None };
        assert_eq!(Finding::new(place, "x", &"长".repeat(900), "", "").value.chars().count(), 201);
    }
}
