//! The bytes of a mail: headers that stay the same however often it is tried, and both texts.

use super::render::{Letter, one_line};
use crate::alerts::request::affair_id;
use crate::domain::envelope::hex;
use crate::domain::event::{MailRequested, Recipient};
use crate::domain::time::Instant;
use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};
use lettre::{Address, Message};
use sha2::{Digest, Sha256};
use std::time::SystemTime;
use uuid::Uuid;

/// Why a mail cannot be written. None of these goes away by trying again.
#[derive(Debug, thiserror::Error)]
pub enum MessageError {
    /// The sender in the settings is no address.
    #[error("the sender `{address}` is not a mail address: {reason}; correct `mail.from`")]
    Sender {
        /// The setting.
        address: String,
        /// What is wrong with it.
        reason: lettre::address::AddressError,
    },
    /// The recipient's address is none.
    #[error("`{address}` is not a mail address: {reason}")]
    Recipient {
        /// The address.
        address: String,
        /// What is wrong with it.
        reason: lettre::address::AddressError,
    },
    /// The media type of an attachment is none; a mistake in this software.
    #[error("the mail cannot be put together: {0}")]
    MediaType(lettre::message::header::ContentTypeErr),
    /// The parts do not make a message.
    #[error("the mail cannot be put together: {0}")]
    Build(#[from] lettre::error::Error),
}

/// A mail for one recipient, ready to be handed to a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The mail.
    pub mail: Uuid,
    /// Envelope sender.
    pub from: Address,
    /// Envelope recipient.
    pub to: Address,
    /// The message, with CRLF line ends. The same on every attempt.
    pub bytes: Vec<u8>,
}

impl Outgoing {
    /// Returns the name under which the mail is spooled: `<mail>-<recipient>.eml`.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("{}-{}.eml", self.mail, short_hash(self.to.as_ref()))
    }
}

/// Puts headers and texts together. `trail` and `requested_at` are the request's: what it belongs to and when the mail was
/// asked for; `from` is the sender; `domain` the right side of the Message-ID.
///
/// # Errors
/// See [`MessageError`].
pub fn compose(
    letter: Letter,
    requested: &MailRequested,
    recipient: &Recipient,
    trail: Option<Uuid>,
    requested_at: Instant,
    from: &str,
    domain: &str,
) -> Result<Outgoing, MessageError> {
    let sender: Mailbox = from.parse().map_err(|reason| MessageError::Sender { address: from.to_owned(), reason })?;
    let to: Address = recipient
        .address
        .parse()
        .map_err(|reason| MessageError::Recipient { address: recipient.address.clone(), reason })?;
    let hash = short_hash(&recipient.address);
    // One merchant's mails, and one source's, answer to one root, so that a mail program shows the affair as one thread.
    let root = format!("<{}@{domain}>", affair_id(&requested.news, &recipient.address));
    let envelope_from = sender.email.clone();
    let headers = Message::builder()
        .message_id(Some(format!("<{}.{hash}@{domain}>", requested.mail)))
        .date(SystemTime::from(requested_at))
        .from(sender)
        .to(Mailbox::new(Some(one_line(&recipient.office)), to.clone()))
        .subject(letter.subject)
        .in_reply_to(root.clone())
        .references(root)
        .header(AutoSubmitted)
        .header(WarnlightMail(requested.mail));
    let headers = match trail {
        Some(trail) => headers.header(WarnlightTrace(trail)),
        None => headers,
    };
    // A random boundary would make every attempt another message.
    let boundary = format!("warnlight-{}-{hash}", requested.mail.simple());
    let texts = MultiPart::alternative()
        .boundary(boundary.clone())
        .singlepart(SinglePart::plain(letter.text))
        .singlepart(SinglePart::html(letter.html));
    let message = headers.multipart(match letter.attachment {
        None => texts,
        Some(file) => MultiPart::mixed()
            .boundary(format!("{boundary}-list"))
            .multipart(texts)
            .singlepart(Attachment::new(file.name).body(file.bytes, workbook()?)),
    })?;
    Ok(Outgoing { mail: requested.mail, from: envelope_from, to, bytes: message.formatted() })
}

/// Returns the media type of a workbook.
fn workbook() -> Result<ContentType, MessageError> {
    let kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    ContentType::parse(kind).map_err(MessageError::MediaType)
}

/// Returns 16 hexadecimal digits that stand for an address: enough to tell recipients apart, and no address in file names.
fn short_hash(address: &str) -> String {
    let digest = Sha256::digest(address.as_bytes());
    hex(digest.get(..8).unwrap_or_default())
}

/// `Auto-Submitted: auto-generated` (RFC 3834): keeps out-of-office replies away.
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// `X-Warnlight-Mail`: the mail's id, to find it in the records.
#[derive(Clone)]
struct WarnlightMail(Uuid);

impl Header for WarnlightMail {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("X-Warnlight-Mail")
    }

    fn parse(text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self(text.parse()?))
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), self.0.to_string())
    }
}

/// `X-Warnlight-Trace`: the trace id of the command that led to the mail. Not `traceparent`, which W3C defines for requests:
/// it names a span too, which is another for every attempt, while a mail must stay the same.
#[derive(Clone)]
struct WarnlightTrace(Uuid);

impl Header for WarnlightTrace {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("X-Warnlight-Trace")
    }

    fn parse(text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self(text.parse()?))
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), self.0.simple().to_string())
    }
}
