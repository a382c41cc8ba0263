//! Tickets that wait (待认领) are tried again when the register says something new about a merchant: one that now leads to just one
//! merchant by key is attributed, as it would have been had it come later. The attribution is an event with that cause. Its ids are
//! derived from its place in the ticket's stream, so that a crash, a restart or a second node records it once.

use super::batch::Made;
use super::engine::{Engine, Folded};
use super::retries::Try;
use super::together::Together;
use crate::domain::decide::complaint_stream;
use crate::domain::envelope::{NewEvent, Origin, Position, Recorded};
use crate::domain::merchant::Merchant;
use crate::domain::time::Instant;
use crate::domain::whose::{Entry, found_now};
use crate::log::contract::{Append, Expected, LogError};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Namespace of the ids of what is attributed here.
const NAMESPACE: Uuid = Uuid::from_u128(0x5c0e_88d1_42fa_4e37_8d6b_903f_1ba7_c264);
impl Engine {
    /// Tries what waits again, unless evidence is held back: the register of an import is heard whole first.
    ///
    /// # Errors
    /// What was attributed is not, or not all, on disk; it is tried again.
    pub(super) fn try_waiting(&mut self, now: Instant, settle: bool) -> Result<(), LogError> {
        let is_held = !self.holds.is_empty() || self.watch.is_holding() && !settle;
        if self.retries.is_empty() || is_held {
            return Ok(());
        }
        let (tries, taken) = self.retries.take(&self.picture.queue, &self.picture.world);
        let found = self.attributions(&tries, now);
        let recorded = found.and_then(|found| self.record_found(found));
        // What was contested may still wait, and is tried again on what is known now.
        if !matches!(recorded, Ok(true)) {
            self.retries.put_back(taken);
        }
        recorded.map(|_| ())
    }

    /// Records what was found. Says whether all of it is recorded: not so if another node was faster.
    fn record_found(&mut self, found: Vec<(Append, Vec<Made>)>) -> Result<bool, LogError> {
        let before = self.picture.position;
        let found = found.into_iter().map(|(append, events)| (events, append));
        let mut together = Together::submit(&*self.log, found);
        let recorded = std::mem::take(&mut together.recorded).into_iter();
        self.fold(recorded.map(|(appended, events)| Folded { appended, events, hold: false }).collect());
        self.follow()?;
        let was_contested = together.is_contested();
        together.outcome(self.picture.position > before)?;
        Ok(!was_contested)
    }

    /// Returns what can be attributed of these tickets.
    fn attributions(&self, tries: &[Try<'_>], now: Instant) -> Result<Vec<(Append, Vec<Made>)>, LogError> {
        let mut seen = BTreeSet::new();
        let mut found = Vec::new();
        for (entry, position) in tries {
            if seen.insert(entry.said.ticket.as_str()) {
                found.extend(self.attribution(entry, *position, now)?);
            }
        }
        Ok(found)
    }

    /// Returns the append that attributes a ticket, if it leads to one merchant now. It follows from the event at `cause`, or from
    /// what the register last said of that merchant.
    fn attribution(
        &self,
        entry: &Entry,
        cause: Option<Position>,
        now: Instant,
    ) -> Result<Option<(Append, Vec<Made>)>, LogError> {
        let Some((merchant, events)) = found_now(entry, &self.picture.world, now) else { return Ok(None) };
        let Some(cause) = cause.or_else(|| newest_of_register(merchant)) else { return Ok(None) };
        let Some(cause) = self.log.event_at(cause)?.map(|recorded| recorded.event) else { return Ok(None) };
        let stream = complaint_stream(&entry.said.ticket);
        // As last said: what a ticket was sent as it stays, whatever the register is loaded as. Else an old ticket would be mailed
        // today, or one of today would be told to nobody.
        let told = self.log.read_stream(&stream, 0, usize::MAX)?;
        let told = told.iter().rev().find(|told| &*told.event.event_type == "complaint.queued");
        let Some(Recorded { event: told, .. }) = told else { return Ok(None) };
        let revision = self.picture.uncounted.whole(&stream, entry.revision);
        let id = |step: usize| Uuid::new_v5(&NAMESPACE, format!("{stream}/{revision}/{step}").as_bytes());
        let mut origin = Origin {
            causation: Some(cause.id),
            correlation: cause.correlation,
            history: told.history,
            ..Origin::service()
        };
        let mut made = Vec::with_capacity(events.len());
        for (step, (occurred_at, event)) in events.into_iter().enumerate() {
            let envelope = NewEvent::new(id(step), occurred_at, &origin, &event);
            if step == 0 {
                origin.causation = Some(envelope.id);
            }
            made.push(Made { envelope, event });
        }
        let append = Append {
            stream: stream.into(),
            expected: Expected::after(revision.into()),
            recorded_at: now,
            idempotency_key: None,
            events: made.iter().map(|made| made.envelope.clone()).collect(),
        };
        Ok(Some((append, made)))
    }
}

/// Returns where the register last said something of a merchant or its shops.
fn newest_of_register(merchant: &Merchant) -> Option<Position> {
    let rows = merchant.rows.iter().map(|row| row.position);
    let aliases = merchant.aliases.iter().map(|alias| alias.position);
    rows.chain(merchant.shops.iter().map(|shop| shop.position)).chain(aliases).max()
}
