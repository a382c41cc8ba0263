//! The queue itself: a fold of the events about tickets that came without a credit code.

use super::Clues;
use crate::domain::code::CreditCode;
use crate::domain::code_key::code;
use crate::domain::event::{ComplaintQueued, Event};
use crate::domain::merchant::Merchant;
use crate::domain::name_key::key;
use crate::domain::time::Instant;
use crate::domain::words::{Attribution, Channel};
use imbl::{OrdMap, OrdSet};
use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;

/// What became of a ticket of the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nobody knows yet whose it is.
    Waiting,
    /// It is about this merchant.
    Attributed(CreditCode, Attribution),
    /// It is nobody's here.
    SetAside,
}

/// A ticket that came without a credit code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it says, as last sent.
    pub said: ComplaintQueued,
    /// What became of it.
    pub state: State,
    /// Number of events in its stream.
    pub revision: u32,
    /// Who decided it last; `None`: no person.
    pub by: Option<Arc<str>>,
    /// Merchants that it was about until somebody took that back: it is not given to them again by itself.
    pub not: Vec<CreditCode>,
}

/// The place of a ticket among those that wait: newest first.
pub type Place = (Reverse<Instant>, Arc<str>);

/// Every ticket that came without a credit code, by its name; a copy shares all that was not changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Queue {
    entries: OrdMap<Arc<str>, Arc<Entry>>,
    waiting: OrdSet<Place>,
    /// Those that wait, by the keys of the name and the brand that they say.
    said: Named,
    /// Those that a person decided, by the key of what they call the shop.
    decided: Named,
}

/// Returns the name that a ticket has in the queue: its number by key with the channel behind it.
#[must_use]
pub fn name_of(number: &str, channel: Channel) -> String {
    format!("{}@{}", code(number), channel.name())
}

impl Queue {
    /// Returns a ticket by its name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Entry> {
        self.entries.get(name).map(|entry| &**entry)
    }

    /// Returns how many wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Returns the tickets that wait, newest first.
    pub fn waiting_ones(&self) -> impl Iterator<Item = &Entry> {
        self.waiting.iter().filter_map(|(_, name)| self.get(name))
    }

    /// Returns the tickets that wait behind a place, newest first, each with its own.
    pub fn waiting_after(&self, place: Option<&Place>) -> impl Iterator<Item = (&Place, &Entry)> {
        let behind = (place.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded);
        self.waiting.range::<_, Place>(behind).filter_map(|place| Some((place, self.get(&place.1)?)))
    }

    /// Returns the keys of the names and brands that a merchant has or ever had under which tickets wait.
    #[must_use]
    pub fn keys_waited_for(&self, merchant: &Merchant) -> Vec<String> {
        let keys: BTreeSet<_> = super::names(merchant).map(key).collect();
        keys.into_iter().filter(|key| self.said.contains_key(&**key)).map(Cow::into_owned).collect()
    }

    /// Returns the tickets that wait under a key, those behind one of them.
    pub fn waiting_as(&self, key: &str, after: Option<&str>) -> impl Iterator<Item = &Entry> {
        let behind = (after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded);
        let there = self.said.get(key).map(|there| there.range::<_, str>(behind));
        there.into_iter().flatten().filter_map(|name| self.get(name))
    }

    /// Returns what persons decided: for each key of what tickets call a shop, these tickets.
    pub fn decided(&self) -> impl Iterator<Item = impl Iterator<Item = &Entry>> {
        self.decided.values().map(|names| names.iter().filter_map(|name| self.get(name)))
    }

    /// Returns the tickets that call their shop so and that a person decided.
    pub fn decided_as(&self, name: &str) -> impl Iterator<Item = &Entry> {
        self.decided.get(&*key(name)).into_iter().flatten().filter_map(|name| self.get(name))
    }

    /// Returns every ticket with its name.
    pub fn all(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values().map(|entry| &**entry)
    }

    /// Takes one event into account that somebody recorded.
    pub fn apply(&mut self, event: &Event, actor: &Arc<str>) {
        match event {
            Event::ComplaintQueued(said) => {
                let before = self.get(&said.ticket);
                let entry = Entry {
                    said: said.clone(),
                    state: before.map_or(State::Waiting, |entry| entry.state),
                    revision: before.map_or(0, |entry| entry.revision) + 1,
                    by: before.and_then(|entry| entry.by.clone()),
                    not: before.map(|entry| entry.not.clone()).unwrap_or_default(),
                };
                self.put(entry);
            }
            Event::ComplaintAttributed(step) => self.step(&step.ticket, |entry| {
                entry.state = State::Attributed(step.credit_code, step.how);
                entry.by = (step.how == Attribution::Person).then(|| actor.clone());
            }),
            Event::ComplaintSetAside(step) => self.step(&step.ticket, |entry| {
                entry.state = State::SetAside;
                entry.by = Some(actor.clone());
            }),
            Event::AttributionUndone(step) => self.step(&step.ticket, |entry| {
                entry.not.extend(step.credit_code);
                entry.state = State::Waiting;
                entry.by = None;
            }),
            other => {
                if !self.entries.is_empty()
                    && let Some(ticket) = other.ticket()
                {
                    self.step(ticket, |_| {});
                }
            }
        }
    }

    fn step(&mut self, ticket: &str, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.get(ticket) {
            let mut entry = entry.clone();
            entry.revision += 1;
            change(&mut entry);
            self.put(entry);
        }
    }

    /// Takes over a ticket as it was kept elsewhere, or as it stands now.
    pub fn put(&mut self, entry: Entry) {
        let name: Arc<str> = entry.said.ticket.as_str().into();
        if let Some(before) = self.entries.get(&name).cloned() {
            let before = &*before;
            let place = (Reverse(before.said.received_at), name.clone());
            if self.waiting.remove(&place).is_some() {
                keys(before).iter().for_each(|key| drop_from(&mut self.said, key, &name));
            }
            if let Some(key) = decided_key(before) {
                drop_from(&mut self.decided, &key, &name);
            }
        }
        if let Some(key) = decided_key(&entry) {
            add_to(&mut self.decided, &key, name.clone());
        }
        if entry.state == State::Waiting {
            keys(&entry).iter().for_each(|key| add_to(&mut self.said, key, name.clone()));
            self.waiting.insert((Reverse(entry.said.received_at), name.clone()));
        }
        self.entries.insert(name, Arc::new(entry));
    }
}

impl Entry {
    /// Returns what it calls its shop: the name, or else the brand.
    #[must_use]
    pub fn called(&self) -> Option<&str> {
        let Clues { name, brand, .. } = Clues::from(&self.said);
        name.or(brand)
    }
}

type Named = OrdMap<Arc<str>, OrdSet<Arc<str>>>;

fn add_to(named: &mut Named, key: &str, name: Arc<str>) {
    match named.get_mut(key) {
        Some(there) => drop(there.insert(name)),
        None => drop(named.insert(key.into(), OrdSet::unit(name))),
    }
}

fn drop_from(named: &mut Named, key: &str, name: &str) {
    if let Some(there) = named.get_mut(key) {
        there.remove(name);
        if there.is_empty() {
            named.remove(key);
        }
    }
}

/// Returns under what a ticket is kept that a person decided.
fn decided_key(entry: &Entry) -> Option<Cow<'_, str>> {
    entry.called().filter(|_| entry.by.is_some() && entry.state != State::Waiting).map(key)
}

/// Returns the keys of what a ticket calls its shop.
fn keys(entry: &Entry) -> BTreeSet<Cow<'_, str>> {
    let Clues { name, brand, .. } = Clues::from(&entry.said);
    [name, brand].into_iter().flatten().map(key).collect()
}
