//! The queue itself: a fold of the events about tickets that came without a credit code.

use crate::domain::code::CreditCode;
use crate::domain::code_key::code;
use crate::domain::event::{ComplaintQueued, Event};
use crate::domain::time::Instant;
use crate::domain::words::{Attribution, Channel};
use imbl::{OrdMap, OrdSet};
use std::cmp::Reverse;
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

    /// Takes over a ticket as it was kept elsewhere, or as it stands now.
    pub fn put(&mut self, entry: Entry) {
        let name: Arc<str> = entry.said.ticket.as_str().into();
        if let Some(before) = self.get(&name) {
            let place = (Reverse(before.said.received_at), name.clone());
            self.waiting.remove(&place);
        }
        if entry.state == State::Waiting {
            self.waiting.insert((Reverse(entry.said.received_at), name.clone()));
        }
        self.entries.insert(name, Arc::new(entry));
    }
}
