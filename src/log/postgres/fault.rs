//! What the server reports, in the contract's words.

use crate::log::contract::LogError;
use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

/// What went wrong with the server: worth another try, or not.
#[derive(Debug, Clone)]
pub(super) enum Fault {
    /// It may pass: the server is away, starts, fails over, or another node holds the log's end too long.
    Passing(String),
    /// It will not pass by itself.
    Lasting(LogError),
}

impl Fault {
    /// Returns a fault that stays until somebody mends it.
    pub(super) fn lasting(why: impl Into<String>) -> Self {
        Self::Lasting(LogError::Unavailable(why.into()))
    }

    /// Returns what `what` says about the whole log.
    pub(super) fn damage(what: impl Into<String>) -> Self {
        Self::Lasting(LogError::Corrupt { position: 0, what: what.into() })
    }
}

impl From<Fault> for LogError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Passing(why) => Self::Unavailable(why),
            Fault::Lasting(error) => error,
        }
    }
}

impl From<LogError> for Fault {
    fn from(error: LogError) -> Self {
        match error {
            LogError::Unavailable(why) => Self::Passing(why),
            error => Self::Lasting(error),
        }
    }
}

impl From<Error> for Fault {
    /// The server's details are left out: they may quote rows.
    fn from(error: Error) -> Self {
        let Some(said) = error.as_db_error() else { return Self::Passing(in_full(&error)) };
        let (code, message) = (said.code(), said.message());
        let class = code.code().get(..2).unwrap_or_default();
        if *code == SqlState::DISK_FULL {
            return Self::Lasting(LogError::Full);
        }
        match class {
            // Damage that the server found; and what would break a constraint is looked up before anything is written.
            "XX" | "23" if *code != SqlState::INTERNAL_ERROR => {
                Self::damage(format!("PostgreSQL says: {message} ({})", code.code()))
            }
            // Who we are, which database, which table: a mistake in the settings or on the server.
            "28" | "3D" | "3F" | "42" => Self::lasting(format!(
                "PostgreSQL refuses: {message} ({}); see docs/OPERATIONS.md, \"PostgreSQL\", for what it must be given",
                code.code()
            )),
            _ => Self::Passing(format!("PostgreSQL says: {message} ({})", code.code())),
        }
    }
}

/// Returns an error with what led to it.
fn in_full(error: &Error) -> String {
    let mut text = format!("PostgreSQL: {error}");
    let mut cause = std::error::Error::source(error);
    while let Some(reason) = cause {
        let reason_text = reason.to_string();
        if !text.contains(&reason_text) {
            text.push_str(": ");
            text.push_str(&reason_text);
        }
        cause = reason.source();
    }
    text
}
