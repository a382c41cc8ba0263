//! What SQLite reports, in the contract's words.

use crate::domain::envelope::Position;
use crate::log::contract::LogError;
use rusqlite::{Error, ErrorCode, ffi};

/// Stands for damage that belongs to no single event.
pub(super) const WHOLE_FILE: Position = 0;

/// Returns a translator of SQLite's errors; damage is said to be at `position`.
pub(super) fn fault(position: Position) -> impl Fn(Error) -> LogError {
    move |error| translate(position, &error)
}

fn translate(position: Position, error: &Error) -> LogError {
    match error {
        Error::SqliteFailure(cause, _) => match cause.code {
            ErrorCode::DiskFull => LogError::Full,
            // No room for the index of the write-ahead log.
            ErrorCode::SystemIoFailure if cause.extended_code == ffi::SQLITE_IOERR_SHMSIZE => LogError::Full,
            // A page that should be there is not.
            ErrorCode::SystemIoFailure if cause.extended_code == ffi::SQLITE_IOERR_SHORT_READ => {
                LogError::Corrupt { position, what: error.to_string() }
            }
            // A constraint that fails is damage too: what would break it is looked up before anything is written.
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::ConstraintViolation => {
                LogError::Corrupt { position, what: error.to_string() }
            }
            _ => LogError::Unavailable(error.to_string()),
        },
        Error::FromSqlConversionFailure(..)
        | Error::IntegralValueOutOfRange(..)
        | Error::Utf8Error(..)
        | Error::InvalidColumnType(..)
        | Error::QueryReturnedNoRows => LogError::Corrupt { position, what: error.to_string() },
        _ => LogError::Unavailable(error.to_string()),
    }
}
