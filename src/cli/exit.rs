//! How a command ended, for scripts.

use super::said::Said;
use super::texts;
use crate::desk::{DeskError, StartError};
use crate::domain::event::DecodeError;
use crate::http::Language;
use crate::log::contract::LogError;
use crate::picture::{FoldError, ReplayError};
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
    /// A file or folder to import had no row that could be read.
    NothingRead = 7,
}

impl Exit {
    /// Every code with its meaning, as shown by `warnlight --help` and listed in docs/OPERATIONS.md.
    #[must_use]
    pub const fn table(language: Language) -> &'static str {
        language.pick(
            "退出码：\n  \
            0  完成\n  \
            1  失败\n  \
            2  部分完成：有些行被拒绝\n  \
            3  命令行或设置有误\n  \
            4  所要的不存在\n  \
            5  日志已损坏\n  \
            6  日志正被另一个进程使用\n  \
            7  要导入的文件或文件夹中没有可读取的行",
            "Exit codes:\n  \
            0  done\n  \
            1  failed\n  \
            2  done in part: some rows were refused\n  \
            3  the command line or the settings are wrong\n  \
            4  what was asked for does not exist\n  \
            5  the log is damaged\n  \
            6  another process has the log\n  \
            7  a file or folder to import had no row that could be read",
        )
    }
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
        message: Said,
    },
    /// Nobody reads the output any more (`| head`); that is no failure and needs no words.
    #[error("the output was closed")]
    OutputClosed,
}

impl CliError {
    /// Returns a failure with a code and a message.
    #[must_use]
    pub fn told(exit: Exit, message: impl Into<Said>) -> Self {
        Self::Failed { exit, message: message.into() }
    }

    /// Returns a failure that another room found words for.
    #[must_use]
    pub fn new(exit: Exit, message: impl Display) -> Self {
        Self::told(exit, texts::FAILED.with(&[&message]))
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
            ServiceError::Policies(_)
            | ServiceError::Recipients(_)
            | ServiceError::Profiles(_)
            | ServiceError::Unreadable { .. } => Self::told(Exit::Usage, texts::POLICIES_WRONG.with(&[&error])),
            other => Self::failed(other),
        }
    }
}

impl From<SettingsError> for CliError {
    fn from(error: SettingsError) -> Self {
        Self::told(Exit::Usage, texts::SETTINGS_WRONG.with(&[&error]))
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
            CheckError::False { .. } => Self::told(Exit::Damaged, texts::CHECKPOINT_FALSE.with(&[&error])),
            CheckError::Newer { .. } => Self::failed(error),
        }
    }
}

impl From<LogError> for CliError {
    fn from(error: LogError) -> Self {
        let english = &error.to_string();
        let (exit, message) = match &error {
            LogError::Corrupt { position, what } => {
                (Exit::Damaged, texts::LOG_DAMAGED.with(&[position, what, english]))
            }
            LogError::Locked { path } => (Exit::InUse, texts::LOG_LOCKED.with(&[&path.display(), english])),
            LogError::Newer { path, .. } => (Exit::Failed, texts::LOG_NEWER.with(&[&path.display(), english])),
            LogError::Exists { path } => (Exit::Failed, texts::LOG_EXISTS.with(&[&path.display(), english])),
            LogError::Full => (Exit::Failed, texts::LOG_FULL.with(&[english])),
            LogError::Unavailable(why) => (Exit::Failed, texts::LOG_UNAVAILABLE.with(&[why, english])),
            LogError::InDoubt(cause) => {
                let is_damaged = matches!(**cause, LogError::Corrupt { .. });
                (if is_damaged { Exit::Damaged } else { Exit::Failed }, texts::LOG_IN_DOUBT.with(&[cause, english]))
            }
            LogError::Invalid(why) => (Exit::Failed, texts::LOG_INVALID.with(&[why, english])),
            _ => (Exit::Failed, texts::LOG_OTHER.with(&[english])),
        };
        Self::told(exit, message)
    }
}

impl From<StartError> for CliError {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Log(error) => error.into(),
            StartError::Replay(error) => error.into(),
            other @ StartError::Thread(_) => Self::failed(other),
        }
    }
}

impl From<ReplayError> for CliError {
    fn from(error: ReplayError) -> Self {
        match error {
            ReplayError::Log(error) => error.into(),
            // What this program knows by name and cannot read was not written so.
            ReplayError::Event { position, reason: FoldError::Payload(reason @ DecodeError::Payload { .. }) } => {
                LogError::Corrupt { position, what: reason.to_string() }.into()
            }
            other => Self::failed(other),
        }
    }
}

impl From<DeskError> for CliError {
    fn from(error: DeskError) -> Self {
        match error {
            DeskError::Log(error) => error.into(),
            DeskError::Lost => Self::told(Exit::Failed, texts::SERVICE_LOST.with(&[&error])),
            other => Self::failed(other),
        }
    }
}
