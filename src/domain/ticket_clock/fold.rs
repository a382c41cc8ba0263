//! The tickets whose clock runs, ordered so that what ran out is found without going over all; and who was told of which.

use super::Clock;
use crate::domain::code::CreditCode;
use crate::domain::envelope::Position;
use crate::domain::event::ComplaintEscalated;
use crate::domain::evidence::Complaint;
use crate::domain::fold::Stamp;
use crate::domain::merchant::Merchant;
use crate::domain::time::Instant;
use crate::domain::words::{Channel, ClockStep};
use crate::domain::world::World;
use imbl::{OrdMap, OrdSet};
use std::collections::BTreeSet;
use std::sync::Arc;
use uuid::Uuid;

/// A ticket: about whom, and its name.
pub type Key = (CreditCode, Arc<str>);

/// Tickets for which the same law may run.
pub type Group = (ClockStep, Channel);

/// A clock that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// Where the ticket came in.
    pub channel: Channel,
    /// The clock.
    pub clock: Clock,
}

/// What somebody was told of a clock that ran out. It is kept when the ticket goes on: should the same clock come again, because
/// what ended it was taken back, nobody is told twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TicketTold {
    /// The clock.
    pub clock: Clock,
    /// Number of the last step.
    pub step: u16,
    /// When the next one comes; `None` after the last.
    pub next_at: Option<Instant>,
}

/// A step of which nobody was told yet by mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketCall {
    /// The event.
    pub id: Uuid,
    /// Who is told.
    pub to: String,
    /// When the clocks ran out, or the step came.
    pub at: Instant,
    /// The tickets, each with the clock that ran out.
    pub tickets: Vec<(Arc<str>, Clock)>,
}

/// Every ticket that is followed and whose clock runs; a copy shares all that was not changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TicketClocks {
    /// Tickets are followed from the first thing that is said of them behind this; `None`: none are.
    since: Option<Position>,
    running: OrdMap<Key, Run>,
    /// Those of which nobody was told that they ran out, by when they began.
    untold: OrdMap<(Group, Instant), OrdSet<Key>>,
    /// The others.
    late: OrdSet<Key>,
    /// Of those, by when the next step comes.
    next: OrdSet<(Instant, Key)>,
    told: OrdMap<Key, Vec<TicketTold>>,
    calls: OrdMap<(CreditCode, Position), Arc<TicketCall>>,
    /// Number of events in a merchant's stream ([`super::stream_of`]).
    revisions: OrdMap<CreditCode, u32>,
}

impl TicketClocks {
    /// Returns behind which position what is said of a ticket has it followed.
    #[must_use]
    pub const fn since(&self) -> Option<Position> {
        self.since
    }

    /// Says from which position on tickets are followed.
    pub const fn follow_since(&mut self, since: Option<Position>) {
        self.since = since;
    }

    /// Says whether what was said then has its ticket followed: nothing does that came as history.
    #[must_use]
    pub fn is_live(&self, stamp: Stamp) -> bool {
        !stamp.history && self.since.is_some_and(|since| since < stamp.position)
    }

    /// Something was said of a ticket, and the world knows it.
    pub fn hear(&mut self, world: &World, code: CreditCode, ticket: &str, is_live: bool) {
        let key = (code, Arc::from(ticket));
        if is_live || self.running.contains_key(&key) {
            let run = world.get(code).and_then(|merchant| run_of(merchant, ticket));
            self.set(key, run);
        }
    }

    /// An import that spoke of a merchant was withdrawn: what is left counts. `live` are the tickets of which something is left that
    /// has them followed.
    pub fn hear_again(&mut self, merchant: &Merchant, live: &BTreeSet<Box<str>>) {
        let known = self.of(merchant.code).map(|((_, ticket), _)| Box::from(&**ticket));
        let all: BTreeSet<Box<str>> = known.chain(live.iter().cloned()).collect();
        for ticket in all {
            let run = run_of(merchant, &ticket).filter(|_| live.contains(&ticket));
            self.set((merchant.code, Arc::from(&*ticket)), run);
        }
    }

    /// Takes an escalation into account: its id and place.
    pub fn escalated(&mut self, said: &ComplaintEscalated, id: Uuid, position: Position) {
        let code = said.credit_code;
        *self.revisions.entry(code).or_default() += 1;
        let mut tickets = Vec::with_capacity(said.tickets.len());
        for late in &said.tickets {
            let (key, clock): (Key, _) =
                ((code, Arc::from(&*late.ticket)), Clock { step: late.clock, since: late.since });
            let run = self.running.get(&key).copied();
            self.strike_out(&key);
            let told = self.told.entry(key.clone()).or_default();
            let step = told.iter().find(|told| told.clock == clock).map_or(0, |told| told.step).max(said.step);
            told.retain(|told| told.clock != clock);
            told.push(TicketTold { clock, step, next_at: said.next_at });
            if let Some(run) = run {
                self.enter(key.clone(), run);
            }
            tickets.push((key.1, clock));
        }
        self.put_call(code, position, TicketCall { id, to: said.to.clone(), at: said.at, tickets });
    }

    /// A mail was asked for that tells of a step, and of every one before that is for the same.
    pub fn mailed(&mut self, code: CreditCode, cause: Uuid) {
        let found = self.calls_about(code).find(|(_, call)| call.id == cause);
        let Some((last, to)) = found.map(|(position, call)| (position, call.to.clone())) else { return };
        let over = self.calls_about(code).filter(|(position, call)| *position <= last && call.to == to);
        let over: Vec<Position> = over.map(|(position, _)| position).collect();
        for position in over {
            self.calls.remove(&(code, position));
        }
    }

    /// Returns the clock that runs for a ticket, if it is followed.
    #[must_use]
    pub fn get(&self, key: &Key) -> Option<Run> {
        self.running.get(key).copied()
    }

    /// Returns every clock that runs.
    pub fn running(&self) -> impl Iterator<Item = (&Key, Run)> {
        self.running.iter().map(|(key, run)| (key, *run))
    }

    /// Returns those about a merchant.
    pub fn of(&self, code: CreditCode) -> impl Iterator<Item = (&Key, Run)> {
        let all = self.running.range((code, Arc::from(""))..);
        all.take_while(move |((about, _), _)| *about == code).map(|(key, run)| (key, *run))
    }

    /// Returns those of a group of which nobody was told and that began in a time, the earliest first.
    pub fn untold(&self, group: Group, (from, before): (Instant, Instant)) -> impl Iterator<Item = (&Key, Run)> {
        let all = self.untold.range((group, from)..(group, before)).flat_map(|(_, keys)| keys);
        all.filter_map(|key| Some((key, self.get(key)?)))
    }

    /// Returns those of which somebody was told that they ran out.
    pub fn late(&self) -> impl Iterator<Item = (&Key, Run)> {
        self.late.iter().filter_map(|key| Some((key, self.get(key)?)))
    }

    /// Returns those whose next step has come, the earliest first, with when it did.
    pub fn stepping(&self, now: Instant) -> impl Iterator<Item = (&Key, Run, Instant)> {
        let due = self.next.iter().take_while(move |(at, _)| *at <= now);
        due.filter_map(|(at, key)| Some((key, self.get(key)?, *at)))
    }

    /// Returns what somebody was told of a ticket's clock.
    #[must_use]
    pub fn told(&self, key: &Key, clock: Clock) -> Option<TicketTold> {
        self.told.get(key)?.iter().find(|told| told.clock == clock).copied()
    }

    /// Returns the steps that nobody was told of yet by mail, by merchant and place.
    pub fn calls(&self) -> impl Iterator<Item = (CreditCode, Position, &TicketCall)> {
        self.calls.iter().map(|((code, position), call)| (*code, *position, &**call))
    }

    /// Returns how many events a merchant's stream has.
    #[must_use]
    pub fn revision(&self, code: CreditCode) -> u32 {
        self.revisions.get(&code).copied().unwrap_or_default()
    }

    fn calls_about(&self, code: CreditCode) -> impl Iterator<Item = (Position, &TicketCall)> {
        self.calls.range((code, 0)..=(code, Position::MAX)).map(|((_, position), call)| (*position, &**call))
    }

    fn is_wanted(&self, code: CreditCode, call: &TicketCall) -> bool {
        let runs = |(ticket, clock): &(Arc<str>, Clock)| {
            self.get(&(code, ticket.clone())).is_some_and(|run| run.clock == *clock)
        };
        call.tickets.iter().any(runs)
    }

    /// Has a clock run for a ticket, another one, or none.
    fn set(&mut self, key: Key, run: Option<Run>) {
        let code = key.0;
        if self.get(&key) == run {
            return;
        }
        self.strike_out(&key);
        match run {
            Some(run) => self.enter(key, run),
            None => drop(self.running.remove(&key)),
        }
        // Whoever was to be told of what is done now need not be.
        let over = self.calls_about(code).filter(|(_, call)| !self.is_wanted(code, call));
        let over: Vec<Position> = over.map(|(position, _)| position).collect();
        for position in over {
            self.calls.remove(&(code, position));
        }
    }

    fn enter(&mut self, key: Key, run: Run) {
        match self.told(&key, run.clock) {
            None => drop(self.untold.entry(place_of(run)).or_default().insert(key.clone())),
            Some(told) => {
                self.late.insert(key.clone());
                if let Some(at) = told.next_at {
                    self.next.insert((at, key.clone()));
                }
            }
        }
        self.running.insert(key, run);
    }

    fn strike_out(&mut self, key: &Key) {
        let Some(run) = self.get(key) else { return };
        match self.told(key, run.clock) {
            None => {
                let place = place_of(run);
                if let Some(keys) = self.untold.get_mut(&place) {
                    keys.remove(key);
                    if keys.is_empty() {
                        self.untold.remove(&place);
                    }
                }
            }
            Some(told) => {
                self.late.remove(key);
                if let Some(at) = told.next_at {
                    self.next.remove(&(at, key.clone()));
                }
            }
        }
    }

    /// Returns everything that somebody was told of.
    pub fn all_told(&self) -> impl Iterator<Item = (&Key, &[TicketTold])> {
        self.told.iter().map(|(key, told)| (key, told.as_slice()))
    }

    /// Returns how many events each merchant's stream has.
    pub fn all_revisions(&self) -> impl Iterator<Item = (CreditCode, u32)> {
        self.revisions.iter().map(|(code, count)| (*code, *count))
    }

    /// Takes over what somebody was told of a ticket, as it was kept elsewhere; before its clock.
    pub fn put_told(&mut self, key: Key, told: Vec<TicketTold>) {
        self.told.insert(key, told);
    }

    /// Takes over a clock that runs, as it was kept elsewhere.
    pub fn put(&mut self, key: Key, run: Run) {
        self.enter(key, run);
    }

    /// Takes over a step that nobody was told of; after the clocks. One with nothing left to call for is none.
    pub fn put_call(&mut self, code: CreditCode, position: Position, call: TicketCall) {
        if self.is_wanted(code, &call) {
            self.calls.insert((code, position), Arc::new(call));
        }
    }

    /// Takes over how many events a merchant's stream has.
    pub fn put_revision(&mut self, code: CreditCode, count: u32) {
        self.revisions.insert(code, count);
    }
}

const fn place_of(run: Run) -> (Group, Instant) {
    ((run.clock.step, run.channel), run.clock.since)
}

/// Returns the clock that runs for a ticket of a merchant.
fn run_of(merchant: &Merchant, ticket: &str) -> Option<Run> {
    let stands = |complaint: &&Complaint| complaint.undone.is_none() && *complaint.ticket == *ticket;
    let complaint = merchant.complaints.iter().rev().find(stands)?;
    Some(Run { channel: complaint.channel, clock: complaint.clock(Position::MAX)? })
}
