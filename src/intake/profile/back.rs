//! What a profile says of the file that goes back to its source.

use super::Personal;
use crate::domain::words::Outcome;
use crate::intake::feedback::{ANSWERED, REPLIED};
use crate::intake::sheet::SheetKind;
use serde::Deserialize;
use std::collections::BTreeMap;

/// A column of the feedback file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Back {
    /// Its header, as the source writes it.
    pub header: String,
    /// What it says of a ticket.
    pub says: Says,
}

/// What a column says of a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Says {
    /// Its number.
    Number,
    /// Whom it was found to be about.
    CreditCode,
    /// Their name.
    Name,
    /// When it was received.
    ReceivedAt,
    /// When it was first answered.
    AnsweredAt,
    /// When it was closed.
    ClosedAt,
    /// How it stands: for each state the source's words, with the places `{answered}`,
    /// `{closed}` and `{reply}`; under `reply` those of a ticket with a reply.
    State(BTreeMap<String, String>),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BackFile {
    header: String,
    says: String,
    #[serde(default)]
    words: BTreeMap<String, String>,
}

/// Checks the columns that go back.
pub(super) fn check(files: Vec<BackFile>, personal: &Personal, problem: &mut dyn FnMut(String)) -> Vec<Back> {
    let mut columns = Vec::new();
    for BackFile { header, says, words } in files {
        if header.trim().is_empty() {
            problem("[[feedback]]: a column has no header".to_owned());
        }
        if personal.is(SheetKind::Complaints, &header) {
            problem(format!("[[feedback]]: `{header}` is a column about a person; nothing is known of persons"));
        }
        let known = |state: &&String| {
            [ANSWERED, REPLIED].contains(&&***state) || Outcome::ALL.iter().any(|outcome| outcome.name() == **state)
        };
        for state in words.keys().filter(|state| !known(state)) {
            problem(format!(
                "[[feedback]]: `{header}`: `{state}` is no state; answered, resolved, unresolved, withdrawn and merged are, and reply for a ticket with a reply"
            ));
        }
        let has_words = !words.is_empty();
        let says = match says.as_str() {
            "number" => Says::Number,
            "credit_code" => Says::CreditCode,
            "name" => Says::Name,
            "received_at" => Says::ReceivedAt,
            "answered_at" => Says::AnsweredAt,
            "closed_at" => Says::ClosedAt,
            "state" => Says::State(words),
            other => {
                problem(format!(
                    "[[feedback]]: `{header}`: `{other}` says nothing; number, credit_code, name, received_at, answered_at, closed_at and state do"
                ));
                continue;
            }
        };
        if has_words != matches!(says, Says::State(_)) {
            problem(format!("[[feedback]]: `{header}`: `words` go with `says = \"state\"`, and with nothing else"));
        }
        columns.push(Back { header, says });
    }
    if !columns.is_empty() && !columns.iter().any(|column| column.says == Says::Number) {
        problem("[[feedback]]: without the number of the ticket nobody knows what it is about".to_owned());
    }
    columns
}
