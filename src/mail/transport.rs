//! How a mail leaves: over SMTP, or as a file.

mod smtp;
mod spool;

pub use smtp::Smtp;
pub use spool::Spool;

use super::message::Outgoing;
use super::render::one_line;
use crate::settings::Mail;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Longest reply on record, in characters: a server may say anything.
pub const REPLY_LIMIT: usize = 500;

/// What a server said, on one line of at most [`REPLY_LIMIT`] characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply(String);

impl Reply {
    /// Makes a text fit for the record.
    #[must_use]
    pub fn new(text: &str) -> Self {
        // Cut first: what is cleaned is bounded too.
        let start: String = text.chars().take(4 * REPLY_LIMIT).collect();
        Self(one_line(&start).chars().take(REPLY_LIMIT).collect())
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a mail was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The server will not take it, now or later (5xx on the mail itself).
    #[error("refused: {}", .0.as_str())]
    Refused(Reply),
    /// The server does not take it now (4xx).
    #[error("put off: {}", .0.as_str())]
    PutOff(Reply),
    /// No mail could be spoken about: no connection, broken connection, no encryption, log-in refused, disk full. It says
    /// nothing about the recipient.
    #[error("not reached: {}", .0.as_str())]
    Unreachable(Reply),
}

/// A way for mails to leave. One call is one recipient, so that a bad mailbox harms nobody else.
pub trait Transport: Send + Sync {
    /// Hands a mail over and returns what the server said when it took it.
    ///
    /// # Errors
    /// See [`SendError`]. After [`SendError::Unreachable`] the server may have taken the mail all the same; the next attempt
    /// carries the same Message-ID.
    fn send(&self, outgoing: &Outgoing) -> Result<Reply, SendError>;

    /// As [`Transport::send`], but begins nothing more once `within` has passed: then another node may send the mail. A way
    /// that nobody can draw out need not look at it.
    ///
    /// # Errors
    /// As [`Transport::send`].
    fn send_within(&self, outgoing: &Outgoing, within: Duration) -> Result<Reply, SendError> {
        let _ = within;
        self.send(outgoing)
    }
}

/// Returns the way mails leave by the settings: to the mail server, or into the spool folder under the folder `data`.
///
/// # Errors
/// When the spool folder cannot be made.
pub fn of_settings(settings: &Mail, data: &Path) -> io::Result<Arc<dyn Transport>> {
    Ok(match &settings.smtp {
        Some(smtp) => Arc::new(Smtp::new(smtp.clone(), settings.timeout)),
        None => Arc::new(Spool::new(data.join(&settings.spool))?),
    })
}
