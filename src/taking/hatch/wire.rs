//! What is said through the hatch: one question on a line, then one answer on a line, in JSON.

use crate::desk::{Answer, DeskError, Receipt};
use crate::domain::check::Problem;
use crate::domain::command::Command;
use crate::domain::envelope::Position;
use crate::domain::event::{ImportTaken, RefusedPlace};
use crate::domain::hex::Hex;
use crate::domain::time::Instant;
use crate::domain::words::Light;
use crate::log::contract::LogError;
use crate::taking::tally::Followed;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use uuid::Uuid;

/// A question.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Ask {
    /// An import begins.
    Begin { version: String, import: Uuid, history: bool },
    /// Was this file taken in before?
    Known { digest: Hex<32>, name: String },
    /// Where does the log stand?
    Position,
    /// What comes of these rows?
    Decide { rows: Vec<Row> },
    /// Note that a file was taken in.
    Remember { taken: ImportTaken },
    /// Look at the lights, and say what followed.
    Settle,
}

/// A row: what it says, and what of it later rows say otherwise.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Row {
    pub(super) command: Command,
    pub(super) overruled: Vec<String>,
}

/// An answer.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Told {
    Done,
    Known(Option<Vec<RefusedPlace>>),
    Position(Position),
    Answers(Vec<Outcome>),
    Followed { lights: BTreeMap<Light, u64>, mails: u64 },
    Failed(Fault),
}

/// Why a question has no answer.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Fault {
    Full,
    Stopped,
    Corrupt(Position, String),
    /// Why it is not known whether it was recorded.
    InDoubt(String),
    Other(String),
}

/// The answer to a row.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Outcome {
    Accepted { events: Vec<Uuid>, first: Position, last: Position, recorded_at: Instant, warnings: Vec<Said> },
    Unchanged { warnings: Vec<Said> },
    Refused { problems: Vec<Said> },
}

/// A problem.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Said {
    field: String,
    code: String,
    value: String,
    zh: String,
    en: String,
}

impl From<Answer> for Outcome {
    fn from(answer: Answer) -> Self {
        let all = |problems: Vec<Problem>| problems.into_iter().map(Said::from).collect();
        match answer {
            Answer::Accepted(Receipt { events, first, last, recorded_at, warnings, .. }) => {
                Self::Accepted { events, first, last, recorded_at, warnings: all(warnings) }
            }
            Answer::Unchanged { warnings } => Self::Unchanged { warnings: all(warnings) },
            Answer::Refused(problems) => Self::Refused { problems: all(problems) },
        }
    }
}

impl From<Outcome> for Answer {
    fn from(outcome: Outcome) -> Self {
        let all = |said: Vec<Said>| said.into_iter().map(Problem::from).collect();
        match outcome {
            Outcome::Accepted { events, first, last, recorded_at, warnings } => {
                let warnings = all(warnings);
                Self::Accepted(Receipt { events, first, last, recorded_at, repeated: false, warnings })
            }
            Outcome::Unchanged { warnings } => Self::Unchanged { warnings: all(warnings) },
            Outcome::Refused { problems } => Self::Refused(all(problems)),
        }
    }
}

impl From<Problem> for Said {
    fn from(problem: Problem) -> Self {
        let Problem { field, code, value, zh, en } = problem;
        Self { field: field.to_owned(), code: code.to_owned(), value, zh, en }
    }
}

impl From<Said> for Problem {
    fn from(said: Said) -> Self {
        let Said { field, code, value, zh, en } = said;
        Self { field: word(field), code: word(code), value, zh, en }
    }
}

impl From<DeskError> for Fault {
    fn from(error: DeskError) -> Self {
        match error {
            DeskError::Log(LogError::Full) => Self::Full,
            DeskError::Log(LogError::Corrupt { position, what }) => Self::Corrupt(position, what),
            DeskError::Log(LogError::InDoubt(why)) => Self::InDoubt(why.to_string()),
            DeskError::Lost => Self::InDoubt(error.to_string()),
            DeskError::Stopped => Self::Stopped,
            other => Self::Other(other.to_string()),
        }
    }
}

impl From<Fault> for DeskError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Full => Self::Log(LogError::Full),
            Fault::Corrupt(position, what) => Self::Log(LogError::Corrupt { position, what }),
            Fault::Stopped => Self::Stopped,
            Fault::InDoubt(why) => Self::Log(LogError::Unavailable(why).in_doubt()),
            Fault::Other(what) => Self::Log(LogError::Unavailable(what)),
        }
    }
}

impl From<Followed> for Told {
    fn from(Followed { lights, mails }: Followed) -> Self {
        Self::Followed { lights, mails }
    }
}

/// Returns a word of the program's own, the name of a field or a code, in the form in which problems carry it. There are some
/// hundreds; each is kept once, for as long as the process lives.
pub(super) fn word(text: String) -> &'static str {
    static WORDS: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    const MOST: usize = 10_000;
    let mut words = WORDS.lock().unwrap_or_else(PoisonError::into_inner);
    match words.get(text.as_str()) {
        Some(word) => word,
        None if words.len() >= MOST => "other",
        None => {
            let word: &'static str = text.leak();
            words.insert(word);
            word
        }
    }
}
