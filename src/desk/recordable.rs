//! Whether the log can record what a command came to: asked before anything is written, by the desk and by a rehearsal alike, so
//! that a row which cannot be recorded is refused by itself and costs no other.

use crate::domain::check::Problem;
use crate::log::admission;
use crate::log::contract::{Append, LogError};

/// Returns the problem if the log cannot record an append, whoever writes it and whenever.
pub(super) fn fault(append: &Append) -> Option<Problem> {
    match admission::check(append) {
        Err(LogError::Invalid(why)) => Some(unrecordable(&why)),
        _ => None,
    }
}

/// Returns the problem of a row that the log cannot record.
#[must_use]
pub fn unrecordable(why: &str) -> Problem {
    Problem {
        field: "",
        code: "not_recordable",
        value: String::new(),
        zh: "日志无法记录本行，请核对日期和编号".to_owned(),
        en: format!("the log cannot record this row ({why}); check its days and its numbers"),
    }
}
