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
    /// Merchants that it was about until somebody took that back: it is not given to them again by itself.
    pub not: Vec<CreditCode>,
}

/// Every ticket that came without a credit code, by its name; a copy shares all that was not changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Queue {
    entries: OrdMap<Arc<str>, Arc<Entry>>,
    waiting: OrdSet<(Reverse<Instant>, Arc<str>)>,
    /// Those that wait, by the keys of the name and the brand that they say.
    said: OrdMap<Arc<str>, OrdSet<Arc<str>>>,
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

    /// Returns the tickets that wait and say a name or brand that a merchant has or ever had.
    pub fn waiting_for(&self, merchant: &Merchant) -> impl Iterator<Item = &Entry> {
        let keys: BTreeSet<_> = super::names(merchant).map(key).collect();
        let said = keys.into_iter().filter_map(|key| self.said.get(&*key));
        let names: BTreeSet<&Arc<str>> = said.flatten().collect();
        names.into_iter().filter_map(|name| self.get(name))
    }

    /// Returns every ticket with its name.
    pub fn all(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values().map(|entry| &**entry)
    }

    /// Takes one event into account.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::ComplaintQueued(said) => {
                let before = self.get(&said.ticket);
                let entry = Entry {
                    said: said.clone(),
                    state: before.map_or(State::Waiting, |entry| entry.state),
                    revision: before.map_or(0, |entry| entry.revision) + 1,
                    not: before.map(|entry| entry.not.clone()).unwrap_or_default(),
                };
                self.put(entry);
            }
            Event::ComplaintAttributed(step) => self.step(&step.ticket, |entry| {
                entry.state = State::Attributed(step.credit_code, step.how);
            }),
            Event::ComplaintSetAside(step) => self.step(&step.ticket, |entry| entry.state = State::SetAside),
            Event::AttributionUndone(step) => self.step(&step.ticket, |entry| {
                entry.not.extend(step.credit_code);
                entry.state = State::Waiting;
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

    /// Has what is left of a ticket's stream count instead of what was there.
    pub fn fold_again<'e>(&mut self, name: &str, left: impl Iterator<Item = &'e Event>) {
        let name: Arc<str> = name.into();
        self.leave(&name);
        self.entries.remove(&name);
        left.for_each(|event| self.apply(event));
    }

    /// Has a ticket wait again because what led to its merchant is gone; no event of its stream says so.
    pub fn wait_again(&mut self, name: &str) {
        if let Some(entry) = self.get(name).cloned() {
            self.put(Entry { state: State::Waiting, ..entry });
        }
    }

    /// Takes over a ticket as it was kept elsewhere, or as it stands now.
    pub fn put(&mut self, entry: Entry) {
        let name: Arc<str> = entry.said.ticket.as_str().into();
        self.leave(&name);
        if entry.state == State::Waiting {
            for key in keys(&entry) {
                let there = self.said.get(&*key).cloned().unwrap_or_default();
                self.said.insert((&*key).into(), there.update(name.clone()));
            }
            self.waiting.insert((Reverse(entry.said.received_at), name.clone()));
        }
        self.entries.insert(name, Arc::new(entry));
    }

    /// Takes a ticket out of those that wait.
    fn leave(&mut self, name: &Arc<str>) {
        if let Some(before) = self.entries.get(name).cloned() {
            let before = &*before;
            let place = (Reverse(before.said.received_at), name.clone());
            if self.waiting.remove(&place).is_some() {
                for key in keys(before) {
                    let left = self.said.get(&*key).map(|there| there.without(name));
                    match left.filter(|left| !left.is_empty()) {
                        Some(left) => self.said.insert((&*key).into(), left),
                        None => self.said.remove(&*key),
                    };
                }
            }
        }
    }
}

/// Returns the keys of what a ticket calls its shop.
fn keys(entry: &Entry) -> BTreeSet<Cow<'_, str>> {
    let Clues { name, brand, .. } = Clues::from(&entry.said);
    [name, brand].into_iter().flatten().map(key).collect()
}
