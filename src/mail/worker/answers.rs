//! What recipients say themselves: they opened the link in a mail, and acknowledged it (签收). Each is on record once: its event's id
//! is derived from mail and address.

use super::sender::{change_of, request_of};
use super::{LetterError, Worker};
use crate::alerts::request::stream_of;
use crate::domain::envelope::{NewEvent, Origin, Recorded};
use crate::domain::event::{Event, LightChanged, MailFate, MailLinkOpened, MailNews, Recipient};
use crate::domain::time::Instant;
use crate::log::contract::{Append, Expected, LogError};
use crate::mail::link::LinkKey;
use crate::picture::outbox::{DeliveryState, deliveries_of};
use jiff::SignedDuration;
use uuid::Uuid;

/// A mail that somebody came to by its link.
#[derive(Debug, Clone)]
pub struct Linked {
    /// The mail.
    pub mail: Uuid,
    /// What it told.
    pub news: MailNews,
    /// Instant of what it told.
    pub at: Instant,
    /// The light change it is about, if the log holds it.
    pub change: Option<LightChanged>,
    /// Whose link it is.
    pub recipient: Recipient,
    /// The recipient has acknowledged it.
    pub is_acknowledged: bool,
    /// Until when the link serves.
    pub until: Instant,
    request: Recorded,
}

impl Linked {
    /// Returns as whom the recipient speaks, in the log.
    #[must_use]
    pub fn person(&self) -> String {
        format!("{} <{}>", self.recipient.office, self.recipient.address)
    }
}

impl Worker {
    /// Returns the mail that a link leads to; `None` if we made no such link.
    ///
    /// # Errors
    /// See [`LetterError`].
    pub fn linked(&self, token: &str) -> Result<Option<Linked>, LetterError> {
        let parts = &self.shared.parts;
        let Some(key) = parts.renderer.links() else { return Ok(None) };
        let summary = LinkKey::mail(token).and_then(|mail| self.picture().outbox.mail(mail).cloned());
        let Some(summary) = summary else { return Ok(None) };
        let (request, requested) = request_of(&*parts.log, summary.position)?;
        let Some(recipient) = requested.recipients.iter().find(|named| key.is_for(token, &named.address)) else {
            return Ok(None);
        };
        let stream = parts.log.read_stream(&request.stream, 0, usize::MAX)?;
        let deliveries = deliveries_of(&stream)?;
        let own = deliveries.iter().find(|delivery| *delivery.address == *recipient.address);
        let days = SignedDuration::from_hours(24 * i64::from(parts.settings.link_days));
        Ok(Some(Linked {
            is_acknowledged: own.is_some_and(|delivery| delivery.state == DeliveryState::Acknowledged),
            change: change_of(&*parts.log, &requested, summary.change)?,
            recipient: recipient.clone(),
            until: request.recorded_at.checked_add(days).unwrap_or(Instant::MAX),
            mail: requested.mail,
            news: requested.news.clone(),
            at: requested.at,
            request,
        }))
    }

    /// Puts on record that a recipient opened the link, unless it is. That may have been a scanner: it is no acknowledgement.
    ///
    /// # Errors
    /// The log did not take it.
    pub fn note_opened(&self, linked: &Linked) -> Result<(), LogError> {
        let (mail, address) = (linked.mail, linked.recipient.address.clone());
        let at = self.shared.parts.clock.now();
        self.note(linked, &Event::MailLinkOpened(MailLinkOpened { mail, address, at }), at)
    }

    /// Puts on record that a recipient acknowledged a mail, unless it is.
    ///
    /// # Errors
    /// The log did not take it.
    pub fn note_acknowledged(&self, linked: &Linked) -> Result<(), LogError> {
        let (mail, address) = (linked.mail, linked.recipient.address.clone());
        let at = self.shared.parts.clock.now();
        self.note(linked, &Event::MailAcknowledged(MailFate { mail, address, at, reply: String::new() }), at)
    }

    fn note(&self, linked: &Linked, event: &Event, at: Instant) -> Result<(), LogError> {
        let Linked { mail, recipient, request, .. } = linked;
        let id = Uuid::new_v5(mail, format!("{} {}", event.event_type(), recipient.address).as_bytes());
        let origin = Origin {
            causation: Some(request.event.id),
            correlation: request.event.correlation,
            ..Origin::of(&linked.person())
        };
        let append = Append {
            stream: stream_of(*mail),
            expected: Expected::Any,
            recorded_at: at,
            idempotency_key: None,
            events: vec![NewEvent::new(id, at, &origin, event)],
        };
        match self.shared.parts.log.append(append) {
            // Once is enough.
            Ok(_) | Err(LogError::Duplicate { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
