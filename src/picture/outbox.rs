//! The outbox (发件箱): what was asked for, what came of it, what is due. A pure fold of `light.changed` and `mail.*`;
//! deleting it and folding the log again gives the same, and sends nothing twice.

mod summary;

pub use summary::{
    Claim, Delivery, DeliveryState, MailFilter, Subject, Summary, Tally, UnknownDeliveryState, deliveries_of,
};

use super::part::{FoldError, Part, SeenEvent};
use super::snapshot::{Keep, Stored as _};
use crate::domain::code::CreditCode;
use crate::domain::envelope::{Position, Recorded};
use crate::domain::event::{Event, MailGathered, MailRequested};
use crate::domain::fold::Stamp;
use crate::domain::time::Instant;
use crate::domain::words::Light;
use imbl::{HashMap, OrdMap, OrdSet};
use jiff::SignedDuration;
use std::collections::BTreeMap;
use std::sync::Arc;
use summary::Step;
use uuid::Uuid;

/// Where an event stands in the log, and what its envelope says that matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventPlace {
    /// Event id.
    pub id: Uuid,
    /// Place in the whole log.
    pub position: Position,
    /// When the log took it.
    pub recorded_at: Instant,
    /// Imported as history: never sent.
    pub history: bool,
}

impl From<&Recorded> for EventPlace {
    fn from(recorded: &Recorded) -> Self {
        Self {
            id: recorded.event.id,
            position: recorded.position,
            recorded_at: recorded.recorded_at,
            history: recorded.event.history,
        }
    }
}

impl From<&SeenEvent<'_>> for EventPlace {
    fn from(seen: &SeenEvent<'_>) -> Self {
        let Stamp { position, recorded_at, history } = seen.stamp;
        Self { id: seen.id, position, recorded_at, history }
    }
}

/// Something to be sent now.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Due {
    /// The mail.
    pub mail: Uuid,
    /// The recipient.
    pub address: Arc<str>,
    /// Number of the attempt; the first is 1.
    pub attempt: u32,
    /// Number of the attempt by the recipient's schedule: what was held up by the server does not count.
    pub counted: u32,
    /// Number that the next claim on this attempt has; the first is 1.
    pub claim: u32,
    /// Position of the request.
    pub requested: Position,
    /// Position of the light change; `None` if the log does not hold it.
    pub change: Option<Position>,
}

/// One thing of the outbox as a snapshot keeps it: a mail with its recipients if it is not done, or a rise whose request has
/// not come.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) summary: Option<Summary>,
    pub(super) open: Vec<Delivery>,
    pub(super) rise: Option<(Uuid, Position)>,
    /// Readers for whom the mail is held, since when.
    pub(super) held: Vec<(Arc<str>, Instant)>,
    /// When a reader was last told of a red light.
    pub(super) red: Option<(Arc<str>, Instant)>,
}

/// A mail that is held for a reader, to be told with others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Position of its request.
    pub position: Position,
    /// About whom.
    pub credit_code: CreditCode,
    /// The light.
    pub to: Light,
    /// Since when: a set time after this collects it.
    pub since: Instant,
}

/// The outbox.
///
/// Small: a mail whose recipients all have their fate is kept as a [`Summary`] only; its details are in its stream
/// ([`deliveries_of`]).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outbox {
    /// Every mail, by the position of its request.
    mails: OrdMap<Position, Summary>,
    places: HashMap<Uuid, Position>,
    /// The same by merchant: a merchant's page asks for a handful out of all.
    by_merchant: OrdSet<(CreditCode, Position)>,
    /// Recipients in each state over all mails.
    whole: Tally,
    /// Recipients of the mails that are not done.
    open: HashMap<Uuid, Vec<Delivery>>,
    /// What to do when.
    agenda: OrdSet<(Instant, Position, Arc<str>)>,
    /// The same, by when it was said: what was said at a time that has yet to come was said by a clock that was ahead.
    said: OrdSet<(Instant, Position, Arc<str>)>,
    /// Rises whose request has not come yet.
    rises: OrdMap<Uuid, Position>,
    /// What is held for readers, to be told with others, since when.
    held: OrdMap<(Arc<str>, Position), Instant>,
    /// When each reader was last told of a red light.
    red: OrdMap<Arc<str>, Instant>,
}

impl Outbox {
    /// Folds an event.
    pub fn apply(&mut self, event: &Event, place: EventPlace) {
        match event {
            Event::LightChanged(change) if change.asks_for_mail() => {
                self.rises.insert(place.id, place.position);
            }
            Event::MailRequested(requested) => self.requested(requested, place),
            Event::MailGathered(gathered) => self.gathered(gathered),
            _ => {
                if let Some(step) = summary::step(event) {
                    self.step(event, &step);
                }
            }
        }
    }

    fn requested(&mut self, requested: &MailRequested, place: EventPlace) {
        let change = requested.tells_of().and_then(|change| self.rises.remove(&change));
        if self.places.contains_key(&requested.mail) {
            return;
        }
        let deliveries = summary::asked(requested, place);
        for delivery in &deliveries {
            if delivery.state == DeliveryState::Gathered {
                // A call waits since the clock ran out, a light since it was asked for.
                let since = requested.call().map_or(place.recorded_at, |_| requested.at.min(place.recorded_at));
                self.held.insert((delivery.address.clone(), place.position), since);
            } else if requested.is_red() {
                self.red.insert(delivery.address.clone(), place.recorded_at);
            }
        }
        let summary = Summary::new(requested, place, change, &deliveries);
        if summary.tally.waiting > 0 {
            for delivery in &deliveries {
                self.plan(delivery, place.position);
            }
            self.open.insert(requested.mail, deliveries);
        }
        self.add(summary);
    }

    fn gathered(&mut self, gathered: &MailGathered) {
        let address: Arc<str> = gathered.address.as_str().into();
        for mail in &gathered.mails {
            if let Some(position) = self.places.get(mail) {
                self.held.remove(&(address.clone(), *position));
            }
        }
    }

    /// Returns the readers for whom something is held.
    pub fn readers(&self) -> impl Iterator<Item = &Arc<str>> {
        let mut before: Option<&Arc<str>> = None;
        self.held.keys().map(|(address, _)| address).filter(move |address| before.replace(*address) != Some(*address))
    }

    /// Returns what is held for a reader, oldest first.
    pub fn held(&self, address: &Arc<str>) -> impl Iterator<Item = Held> {
        let own = self.held.range((address.clone(), 0)..=(address.clone(), Position::MAX));
        own.filter_map(|((_, position), since)| {
            let mail = self.mails.get(position)?;
            let (credit_code, (_, to)) = (mail.credit_code()?, mail.lights()?);
            Some(Held { position: *position, credit_code, to, since: *since })
        })
    }

    /// Says whether anything about a merchant is held for a reader.
    #[must_use]
    pub fn holds_about(&self, address: &str, merchant: CreditCode) -> bool {
        self.held(&address.into()).any(|held| held.credit_code == merchant)
    }

    /// Says whether a reader was told of a red light within a time before `now`. What was told at a time that has yet to come was
    /// told by a clock that was ahead.
    #[must_use]
    pub fn was_red_before(&self, address: &str, now: Instant, within: SignedDuration) -> bool {
        self.red.get(address).is_some_and(|at| *at <= now && now.duration_since(*at) < within)
    }

    fn add(&mut self, summary: Summary) {
        self.places.insert(summary.mail, summary.position);
        for code in summary.merchants() {
            self.by_merchant.insert((*code, summary.position));
        }
        self.whole += summary.tally;
        self.mails.insert(summary.position, summary);
    }

    fn step(&mut self, event: &Event, step: &Step<'_>) {
        let Some(position) = self.places.get(&step.mail).copied() else { return };
        let Some(summary) = self.mails.get_mut(&position) else { return };
        let Some(deliveries) = self.open.get_mut(&step.mail) else {
            // All that can still come to a mail that is done: the server had taken it.
            let state = match event {
                Event::MailBounced(_) => DeliveryState::Bounced,
                Event::MailAcknowledged(_) => DeliveryState::Acknowledged,
                _ => return,
            };
            for tally in [&mut summary.tally, &mut self.whole] {
                tally.shift(DeliveryState::Accepted, state);
            }
            return;
        };
        let Some(delivery) = deliveries.iter_mut().find(|delivery| *delivery.address == *step.address) else { return };
        let before = delivery.state;
        let old = delivery.clone();
        delivery.record(event, step);
        let new = delivery.clone();
        for tally in [&mut summary.tally, &mut self.whole] {
            tally.shift(before, new.state);
        }
        if summary.tally.is_settled() {
            self.open.remove(&step.mail);
        }
        self.strike_out(&old, position);
        self.plan(&new, position);
    }

    fn plan(&mut self, delivery: &Delivery, position: Position) {
        if let Some((said_at, due_at)) = delivery.due_at() {
            self.agenda.insert((due_at, position, delivery.address.clone()));
            self.said.insert((said_at, position, delivery.address.clone()));
        }
    }

    /// Returns the claims on attempts that are still to be made.
    pub fn claims(&self) -> impl Iterator<Item = (Uuid, &Delivery, Claim)> {
        self.open.iter().flat_map(|(mail, deliveries)| {
            deliveries.iter().filter_map(|delivery| Some((*mail, delivery, delivery.claim?)))
        })
    }

    fn strike_out(&mut self, delivery: &Delivery, position: Position) {
        if let Some((said_at, due_at)) = delivery.due_at() {
            self.agenda.remove(&(due_at, position, delivery.address.clone()));
            self.said.remove(&(said_at, position, delivery.address.clone()));
        }
    }

    /// Returns what is due at `now`, longest due first; then what was put off by a clock that was ahead and is mended.
    pub fn due(&self, now: Instant) -> impl Iterator<Item = Due> {
        let due = self.agenda.iter().take_while(move |(at, ..)| *at <= now);
        let ahead = self.said.iter().rev().take_while(move |(at, ..)| *at > now);
        due.chain(ahead).filter_map(|(_, position, address)| {
            let summary = self.mails.get(position)?;
            let delivery = self.open.get(&summary.mail)?.iter().find(|delivery| delivery.address == *address)?;
            Some(Due {
                mail: summary.mail,
                address: address.clone(),
                attempt: delivery.next_attempt(),
                counted: delivery.next_counted(),
                claim: delivery.next_claim(),
                requested: *position,
                change: summary.change,
            })
        })
    }

    /// Returns when something is due next, which may be past; `None` if nothing waits.
    #[must_use]
    pub fn next_due(&self) -> Option<Instant> {
        self.agenda.get_min().map(|(at, ..)| *at)
    }

    /// Says whether this attempt is still to be made, by whomever: it was asked for and is neither on record nor overtaken.
    #[must_use]
    pub fn awaits(&self, due: &Due) -> bool {
        self.awaited(due).is_some()
    }

    /// Says whether this attempt is still to be made and nobody has claimed it under this number.
    #[must_use]
    pub fn unclaimed(&self, due: &Due) -> bool {
        self.awaited(due).is_some_and(|delivery| delivery.next_claim() <= due.claim)
    }

    fn awaited(&self, due: &Due) -> Option<&Delivery> {
        self.open.get(&due.mail)?.iter().find(|delivery| delivery.awaits(&due.address, due.attempt))
    }

    /// Returns up to `limit` mails that `keep` wants, newest first, requested before position `before` (`None`: from the
    /// newest on). The caller's scope belongs into `keep`.
    pub fn list<'a>(
        &'a self,
        before: Option<Position>,
        limit: usize,
        keep: impl FnMut(&&'a Summary) -> bool + 'a,
    ) -> impl Iterator<Item = &'a Summary> {
        self.mails.range(..before.unwrap_or(Position::MAX)).rev().map(|(_, summary)| summary).filter(keep).take(limit)
    }

    /// Returns the mails about a merchant, newest first, requested before position `before` (`None`: from the newest on).
    pub fn about(&self, merchant: CreditCode, before: Option<Position>) -> impl Iterator<Item = &Summary> {
        let until = (merchant, before.unwrap_or(Position::MAX));
        let places = self.by_merchant.range((merchant, 0)..until).rev();
        places.filter_map(|(_, position)| self.mails.get(position))
    }

    /// Returns one mail.
    #[must_use]
    pub fn mail(&self, mail: Uuid) -> Option<&Summary> {
        self.places.get(&mail).and_then(|position| self.mails.get(position))
    }

    /// Returns the recipients of a mail that is not done; empty for others, whose record is their stream.
    #[must_use]
    pub fn deliveries(&self, mail: Uuid) -> &[Delivery] {
        self.open.get(&mail).map_or(&[], Vec::as_slice)
    }

    /// Returns the number of recipients in each state over all mails.
    #[must_use]
    pub const fn tally(&self) -> Tally {
        self.whole
    }
}

impl Part for Outbox {
    type Kept = Kept;

    fn fold(&mut self, seen: &SeenEvent<'_>) -> Result<(), FoldError> {
        self.apply(seen.event, EventPlace::from(seen));
        Ok(())
    }

    fn keep(&self, keep: &mut Keep<'_>) {
        let nothing = || Kept { summary: None, open: Vec::new(), rise: None, held: Vec::new(), red: None };
        let mut held: BTreeMap<Position, Vec<(Arc<str>, Instant)>> = BTreeMap::new();
        for ((address, position), since) in &self.held {
            held.entry(*position).or_default().push((address.clone(), *since));
        }
        for summary in self.mails.values() {
            let open = self.open.get(&summary.mail).cloned().unwrap_or_default();
            let held = held.remove(&summary.position).unwrap_or_default();
            keep.one(|out| Kept { summary: Some(summary.clone()), open, held, ..nothing() }.put(out));
        }
        for (id, position) in &self.rises {
            keep.one(|out| Kept { rise: Some((*id, *position)), ..nothing() }.put(out));
        }
        for (address, at) in &self.red {
            keep.one(|out| Kept { red: Some((address.clone(), *at)), ..nothing() }.put(out));
        }
    }

    fn restore(&mut self, Kept { summary, open, rise, held, red }: Kept) {
        self.red.extend(red);
        if let Some((id, position)) = rise {
            self.rises.insert(id, position);
        }
        let Some(summary) = summary else { return };
        self.held.extend(held.into_iter().map(|(address, since)| ((address, summary.position), since)));
        open.iter().for_each(|delivery| self.plan(delivery, summary.position));
        if !open.is_empty() {
            self.open.insert(summary.mail, open);
        }
        self.add(summary);
    }
}

#[cfg(test)]
mod tests;
