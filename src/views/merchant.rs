//! A merchant's file (一户一档): why its light is what it is, and everything recorded about it.

use super::View;
use crate::domain::access::{Matter, Sight};
use crate::domain::code::CreditCode;
use crate::domain::decide::{complaint_stream, merchant_stream};
use crate::domain::envelope::{Position, Recorded};
use crate::domain::event::Reason;
use crate::domain::merchant::Merchant;
use crate::domain::records::Statement;
use crate::domain::time::Instant;
use crate::domain::words::Light;
use crate::lights::explain::explain;
use crate::lights::grade::grade;
use crate::lights::moment::Moment;
use crate::log::contract::{EventLog, LogError};
use crate::picture::lights::light_stream;

/// A light with its reasons, as derived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// The light.
    pub light: Light,
    /// Every rule that fired, worst first.
    pub reasons: Vec<Reason>,
}

impl<'a> View<'a> {
    /// Returns a merchant that the reader may see.
    #[must_use]
    pub fn merchant(&self, code: CreditCode) -> Option<&'a Merchant> {
        self.world.get(code).filter(|merchant| self.sees(merchant))
    }

    /// Returns what a merchant said for itself, newest first, if that is for the reader.
    pub fn statements(&self, merchant: &'a Merchant) -> impl Iterator<Item = &'a Statement> {
        let seen = self.scope.sight(Some(Matter::Statement)) == Sight::All;
        merchant.records().statements.iter().rev().filter(move |_| seen)
    }

    /// Returns the objection that stands against a merchant's present light: the newest one that was raised since it has this colour.
    #[must_use]
    pub fn objection(&self, merchant: &'a Merchant) -> Option<&'a Statement> {
        let lit = self.lights.get(merchant.code).filter(|lit| lit.light != Light::Green)?;
        self.statements(merchant).find(|said| said.against.is_some()).filter(|said| said.at >= lit.since)
    }

    /// Derives a merchant's light as of `at`, knowing what was recorded up to `known`, with its reasons.
    ///
    /// # Errors
    /// When the log cannot name the events.
    pub fn explain(
        &self,
        log: &dyn EventLog,
        merchant: &'a Merchant,
        at: Instant,
        known: Position,
    ) -> Result<Explained, LogError> {
        let moment = Moment::new(self.policies, at, known);
        let subject = moment.subject(self.world, merchant);
        let grade = grade(&subject);
        let drafts = explain(&subject, &grade);
        let mut reasons = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let events = self.ids_seen(log, merchant, &draft.positions)?;
            reasons.push(draft.with_events(events));
        }
        Ok(Explained { light: grade.light, reasons })
    }

    /// Returns the newest `limit` events about a merchant, newest first: its own, its complaints', its lights'.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn timeline(
        &self,
        log: &dyn EventLog,
        merchant: &'a Merchant,
        limit: usize,
    ) -> Result<Vec<Recorded>, LogError> {
        let stream = merchant_stream(merchant.code);
        let count = self.uncounted.whole(&stream, merchant.revision);
        let mut events = tail(log, &stream, count.into(), limit)?;
        let lights = self.lights.get(merchant.code).map_or(0, |lit| u64::from(lit.revision));
        events.extend(tail(log, &light_stream(merchant.code), lights, limit)?);
        // The newest tickets are enough: each brings at least one event.
        let reader = self.reader(merchant);
        for complaint in merchant.complaints.iter().rev().filter(|it| reader.sees_complaint(it)).take(limit) {
            events.extend(log.read_stream(&complaint_stream(&complaint.ticket), 0, limit)?);
        }
        events.sort_by_key(|event| std::cmp::Reverse(event.position));
        events.truncate(limit);
        Ok(events)
    }
}

fn tail(log: &dyn EventLog, stream: &str, count: u64, limit: usize) -> Result<Vec<Recorded>, LogError> {
    log.read_stream(stream, count.saturating_sub(u64::try_from(limit).unwrap_or(u64::MAX)), limit)
}
