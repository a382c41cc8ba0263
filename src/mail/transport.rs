//! How a mail leaves: over SMTP, or as a file.

mod line;
mod smtp;
mod spool;
mod tls;
mod verdict;

pub use smtp::Smtp;
pub use spool::Spool;

use super::message::Outgoing;
use super::render::one_line;
use crate::domain::personal::masked;
use crate::settings::Mail;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Longest reply on record, in characters: a server may say anything.
pub const REPLY_LIMIT: usize = 500;

/// What a server said, on one line of at most [`REPLY_LIMIT`] characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    text: String,
    /// As much of it as names nobody: servers like to repeat addresses.
    in_short: String,
}

impl Reply {
    /// Makes a text fit for the record. It must name nobody.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let text = for_the_record(text);
        Self { in_short: text.clone(), text }
    }

    /// Makes what a server said fit for the record; `in_short` tells it without the server's words.
    #[must_use]
    pub fn said(text: &str, in_short: String) -> Self {
        Self { text: for_the_record(text), in_short }
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns what may be logged and shown to everybody.
    #[must_use]
    pub fn in_short(&self) -> &str {
        &self.in_short
    }
}

fn for_the_record(text: &str) -> String {
    // Cut first: what is cleaned is bounded too. Then masked, before the end of a number is cut off: servers and those who run them
    // tell whom to call.
    let start: String = text.chars().take(4 * REPLY_LIMIT).collect();
    masked(&one_line(&start)).chars().take(REPLY_LIMIT).collect()
}

/// Why a mail was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The server will not take it for this recipient, now or later.
    #[error("refused: {}", .0.in_short())]
    Refused(Reply),
    /// The server does not take it for this recipient now.
    #[error("put off: {}", .0.in_short())]
    PutOff(Reply),
    /// As [`Self::PutOff`], and the server may as well mean that we are too fast.
    #[error("put off, perhaps for being too fast: {}", .0.in_short())]
    Busy(Reply),
    /// A rule of the server stands against this mail: whether for this recipient or for everybody, others' answers tell.
    #[error("a rule of the mail server stands against it: {}", .0.in_short())]
    Ruled(Reply),
    /// The server says that we are too fast. Nothing about the recipient.
    #[error("too fast: {}", .0.in_short())]
    Throttled(Reply),
    /// There was no word about the recipient: no connection, no encryption, log-in or sender refused, the disk
    /// full.
    #[error("held up: {}", .0.in_short())]
    HeldUp(Reply),
    /// The text was handed over, and neither yes nor no came back: the server may have it.
    #[error("unclear: {}", .0.in_short())]
    Unclear(Reply),
    /// The service was stopped before anything was handed over.
    #[error("broken off: {}", .0.in_short())]
    BrokenOff(Reply),
}

impl SendError {
    /// Says whether it counts for the recipient: as its fate, or by the schedule.
    #[must_use]
    pub const fn is_of_recipient(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::PutOff(_) | Self::Busy(_) | Self::Ruled(_))
    }
}

/// How long a conversation may last.
#[derive(Debug, Clone)]
pub struct Allowance {
    /// From beginning to end. When it has passed, another node may send the mail.
    pub within: Duration,
    /// Set when the service is to stop; then it ends within a moment.
    pub stopping: Arc<AtomicBool>,
}

impl Allowance {
    /// Returns so much time, with no stop in sight.
    #[must_use]
    pub fn of(within: Duration) -> Self {
        Self { within, stopping: Arc::default() }
    }

    /// Says whether the service is to stop.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }
}

/// A way for mails to leave. One call is one recipient, so that a bad mailbox harms nobody else.
pub trait Transport: Send + Sync {
    /// Hands a mail over and returns what the server said when it took it. It does not go on for longer than allowed; a way
    /// that nobody can draw out need not look at it.
    ///
    /// # Errors
    /// See [`SendError`].
    fn send(&self, outgoing: &Outgoing, allowance: &Allowance) -> Result<Reply, SendError>;
}

/// Returns the way mails leave by the settings: to the mail server, or into the spool folder under the folder `data`.
///
/// # Errors
/// When the certificates or the spool folder cannot be used; the error names them.
pub fn of_settings(settings: &Mail, data: &Path) -> io::Result<Arc<dyn Transport>> {
    Ok(match &settings.smtp {
        Some(smtp) => {
            let smtp = Smtp::new(smtp.clone(), settings.timeout);
            smtp.check()?;
            Arc::new(smtp)
        }
        None => {
            let folder = data.join(&settings.spool);
            let named =
                |error| io::Error::other(format!("the spool folder `{}` cannot be used: {error}", folder.display()));
            Arc::new(Spool::new(folder.clone()).map_err(named)?)
        }
    })
}
