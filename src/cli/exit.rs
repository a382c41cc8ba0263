//! How a command ended, for scripts.

use crate::desk::{DeskError, StartError};
use crate::log::contract::LogError;
use crate::mail::outbox::ReplayError;
use crate::mail::worker;
use crate::proof::{CheckError, KeyError};
use crate::service::ServiceError;
use crate::settings::SettingsError;
use std::fmt::Display;
use std::process::ExitCode;

/// How a command ended. The numbers are part of the interface (README, `warnlight --help`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// Failed for a reason that is none of the others.
    Failed = 1,
    /// Done in part: some rows were refused, the others are in.
    SomeRefused = 2,
    /// The command line or the settings are wrong; nothing was done.
    Usage = 3,
    /// What was asked for does not exist.
    NotFound = 4,
    /// The log is damaged.
    Damaged = 5,
    /// Another process has the log.
    InUse = 6,
}

impl Exit {
    /// Every code with its meaning, as shown by `warnlight --help`.
    pub const TABLE: &'static str = "Exit codes:\n  \
        0  done\n  \
        1  failed\n  \
        2  done in part: some rows were refused\n  \
        3  the command line or the settings are wrong\n  \
        4  what was asked for does not exist\n  \
        5  the log is damaged\n  \
        6  another process has the log";
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// Told on stderr, ends with a code.
    #[error("{message}")]
    Failed {
        /// The code.
        exit: Exit,
        /// What went wrong and what to do.
        message: String,
    },
    /// Nobody reads the output any more (`| head`); that is no failure and needs no words.
    #[error("the output was closed")]
    OutputClosed,
}

impl CliError {
    /// Returns a failure with a code and a message.
    #[must_use]
    pub fn new(exit: Exit, message: impl Display) -> Self {
        Self::Failed { exit, message: message.to_string() }
    }

    /// Returns a failure that is none of the special ones.
    #[must_use]
    pub fn failed(message: impl Display) -> Self {
        Self::new(Exit::Failed, message)
    }
}

impl From<ServiceError> for CliError {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::Log(error) => error.into(),
            ServiceError::Key(error) => error.into(),
            ServiceError::Desk(error) => error.into(),
            ServiceError::Mail(error) => error.into(),
            ServiceError::Policies(_) | ServiceError::Recipients(_) | ServiceError::Unreadable { .. } => {
                Self::new(Exit::Usage, error)
            }
            other => Self::failed(other),
        }
    }
}

impl From<StartError> for CliError {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Log(error) => error.into(),
            other => Self::failed(other),
        }
    }
}

impl From<DeskError> for CliError {
    fn from(error: DeskError) -> Self {
        match error {
            DeskError::Log(error) => error.into(),
            other => Self::failed(other),
        }
    }
}

impl From<worker::StartError> for CliError {
    fn from(error: worker::StartError) -> Self {
        match error {
            worker::StartError::Log(error) | worker::StartError::Replay(ReplayError::Log(error)) => error.into(),
            other => Self::failed(other),
        }
    }
}

impl From<SettingsError> for CliError {
    fn from(error: SettingsError) -> Self {
        Self::new(Exit::Usage, error)
    }
}

impl From<KeyError> for CliError {
    fn from(error: KeyError) -> Self {
        Self::new(Exit::Usage, error)
    }
}

impl From<CheckError> for CliError {
    fn from(error: CheckError) -> Self {
        match error {
            CheckError::Log(error) => error.into(),
            CheckError::False { .. } => Self::new(Exit::Damaged, error),
            CheckError::Newer { .. } => Self::failed(error),
        }
    }
}

impl From<LogError> for CliError {
    fn from(error: LogError) -> Self {
        let exit = match &error {
            LogError::Corrupt { .. } => Exit::Damaged,
            LogError::Locked { .. } => Exit::InUse,
            _ => Exit::Failed,
        };
        Self::new(exit, error)
    }
}
