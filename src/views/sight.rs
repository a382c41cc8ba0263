//! What a reader may see of what is recorded: asked by every way a merchant is read (the table is in `domain/access`).

use super::{Money, View, money};
use crate::domain::access::Reader;
use crate::domain::envelope::{CloudEvent, Position, Recorded};
use crate::domain::event::Reason;
use crate::domain::merchant::Merchant;
use crate::domain::time::Day;
use crate::domain::words::Role;
use crate::lights::moment::Moment;
use crate::log::contract::{EventLog, LogError};
use crate::picture::outbox::Summary;
use serde_json::Value;
use uuid::Uuid;

impl<'a> View<'a> {
    /// Returns the reader of a merchant's affairs.
    #[must_use]
    pub const fn reader(&self, merchant: &'a Merchant) -> Reader<'a> {
        Reader::new(self.scope, merchant)
    }

    /// Says whether the reader may see a mail: about a merchant in scope, or, of what is about no merchant, as its events may be.
    #[must_use]
    pub fn sees_mail(&self, mail: &Summary) -> bool {
        match mail.merchants() {
            [] => self.scope.sees_event_about_nobody("mail.requested"),
            // A digest tells of several: whoever reads it sees all of them.
            merchants => merchants.iter().all(|code| self.merchant(*code).is_some()),
        }
    }

    /// Returns an event as the reader may see it; `None` if it is not for the reader.
    #[must_use]
    pub fn shown(&self, mut event: CloudEvent) -> Option<CloudEvent> {
        if self.scope.role == Role::Admin {
            return Some(event);
        }
        let name = event.event_type.strip_prefix("cn.warnlight.").and_then(|name| name.rsplit_once(".v"));
        let event_type = name.map(|(name, _)| name.to_owned()).unwrap_or_default();
        match event.subject.as_deref() {
            Some(code) => {
                let reader = self.reader(self.merchant(code.parse().ok()?)?);
                if !reader.sees_event(&event_type, &event.data) {
                    return None;
                }
                reader.redact(&event_type, &mut event.data);
            }
            None if self.scope.sees_event_about_nobody(&event_type) => {
                crate::domain::access::hide_spool(&mut event.data)
            }
            None => return None,
        }
        // It begins with the id of the key that was used.
        event.idempotencykey = None;
        if !self.scope.sees_whole_merchants() {
            // The event that led to this one may be one that is not for the reader.
            event.causation = None;
        }
        Some(event)
    }

    /// Returns the money facts of a merchant as far as the reader may see them.
    #[must_use]
    pub(super) fn money_seen(&self, moment: &Moment<'_>, merchant: &Merchant) -> Money {
        let money = money(moment, self.world, merchant);
        if Reader::new(self.scope, merchant).sees_custody(moment.horizon.today) {
            money
        } else {
            Money { held: None, shortfall: None, ..money }
        }
    }

    /// Leaves out of a reason, true as of a day, what the reader may not see.
    pub fn redact(&self, merchant: &'a Merchant, reason: &mut Reason, day: Day) {
        let reader = self.reader(merchant);
        reason.facts.retain(|seen| reader.sees_fact(&seen.fact, seen.shop.as_ref(), day));
    }

    /// Returns the ids of those of the events at these positions that the reader may see.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub(super) fn ids_seen(
        &self,
        log: &dyn EventLog,
        merchant: &'a Merchant,
        positions: &[Position],
    ) -> Result<Vec<Uuid>, LogError> {
        if self.scope.sees_whole_merchants() {
            return log.ids_at(positions);
        }
        let reader = self.reader(merchant);
        let mut ids = Vec::with_capacity(positions.len());
        for position in positions {
            let Some(Recorded { event, .. }) = log.event_at(*position)? else { continue };
            let data = serde_json::from_str(&event.data).unwrap_or_default();
            // The evidence of others, such as a linked merchant's closing, is not this merchant's.
            let is_about = data_is_about(&data, merchant);
            if is_about && reader.sees_event(&event.event_type, &data) {
                ids.push(event.id);
            }
        }
        Ok(ids)
    }
}

fn data_is_about(data: &Value, merchant: &Merchant) -> bool {
    data.get("credit_code").and_then(Value::as_str) == Some(merchant.code.as_str())
}
