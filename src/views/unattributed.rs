//! Tickets without a credit code (待认领), with the merchants they may mean.

use super::View;
use crate::domain::envelope::Position;
use crate::domain::whose::{Candidate, Clues, Entry, Near, Offer, State, districts, offers};
use crate::domain::words::Role;

/// Which tickets to show.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueueFilter {
    /// Also those that were attributed or set aside.
    pub decided: bool,
    /// Part of what they say of the shop, or of the number.
    pub text: String,
}

/// A ticket with the merchants it may mean, best first.
#[derive(Debug, Clone)]
pub struct QueueRow<'a> {
    /// The ticket.
    pub entry: &'a Entry,
    /// Whom it may mean, with their names; none once it is decided.
    pub candidates: Vec<(Candidate, Option<&'a str>)>,
    /// It plainly is another district's, and not the reader's to decide.
    pub is_elsewhere: bool,
}

impl<'a> View<'a> {
    /// Lists tickets without a credit code, newest first; also says how many there are in all. They are nobody's as yet, so they are
    /// shown to the lead office and to administrators; candidates, and what was attributed, only of merchants in the scope.
    #[must_use]
    pub fn unattributed(
        &self,
        near: &mut Near,
        filter: &QueueFilter,
        skip: usize,
        take: usize,
    ) -> (usize, Vec<QueueRow<'a>>) {
        if !matches!(self.scope.role, Role::Lead | Role::Admin) {
            return (0, Vec::new());
        }
        let queue = self.queue;
        let mut found: Vec<&Entry> = if filter.decided {
            queue.all().filter(|entry| self.sees_entry(entry)).collect()
        } else {
            queue.waiting_ones().collect()
        };
        found.retain(|entry| says(entry, &filter.text));
        if filter.decided {
            found.sort_by_key(|entry| std::cmp::Reverse(entry.said.received_at));
        }
        near.keep_up(self.world);
        let row = |entry: &'a Entry| {
            let waits = entry.state == State::Waiting;
            let candidates = if waits {
                near.candidates(self.world, &Clues::from(&entry.said), |merchant| self.sees(merchant))
            } else {
                Vec::new()
            };
            let named = candidates.into_iter().map(|candidate| {
                let name = self.world.get(candidate.code).and_then(|merchant| merchant.name(Position::MAX));
                (candidate, name)
            });
            QueueRow { entry, candidates: named.collect(), is_elsewhere: !self.is_for_reader(entry) }
        };
        (found.len(), found.into_iter().skip(skip).take(take).map(row).collect())
    }

    /// Returns a ticket by its name in the queue, if it is shown to the reader.
    #[must_use]
    pub fn queued(&self, name: &str) -> Option<&'a Entry> {
        let may = matches!(self.scope.role, Role::Lead | Role::Admin);
        self.queue.get(name).filter(|entry| may && self.sees_entry(entry))
    }

    /// Returns how many tickets wait, for a reader who may see them: they are counted as nobody's beside whatever is counted as
    /// somebody's.
    #[must_use]
    pub fn unattributed_count(&self) -> Option<usize> {
        matches!(self.scope.role, Role::Lead | Role::Admin).then(|| self.queue.waiting())
    }

    /// Returns how many tickets of the queue were decided, of those shown to the reader.
    #[must_use]
    pub fn decided_in_queue(&self) -> usize {
        self.queue.all().filter(|entry| entry.state != State::Waiting && self.sees_entry(entry)).count()
    }

    /// Returns which names may be recorded as other names of merchants in the scope, because persons decided so again and again.
    #[must_use]
    pub fn alias_offers(&self) -> Vec<Offer> {
        if !matches!(self.scope.role, Role::Lead | Role::Admin) {
            return Vec::new();
        }
        let mut found = offers(self.queue, self.world, self.policies.aliases.after);
        found.retain(|offer| self.merchant(offer.alias.credit_code).is_some());
        found
    }

    /// Says whether a ticket is the reader's to decide: not where what it says plainly lies in other districts only. Once it is
    /// somebody's, it goes by whose it is.
    #[must_use]
    pub fn is_for_reader(&self, entry: &Entry) -> bool {
        self.scope.is_everything()
            || matches!(entry.state, State::Attributed(..))
            || self.scope.shares_in(&districts(&Clues::from(&entry.said), self.world))
    }

    fn sees_entry(&self, entry: &Entry) -> bool {
        match entry.state {
            State::Attributed(code, _) => self.merchant(code).is_some(),
            State::Waiting | State::SetAside => true,
        }
    }
}

fn says(entry: &Entry, text: &str) -> bool {
    let said = &entry.said;
    let texts = [&said.name, &said.address, &said.mall, &said.brand, &said.street];
    text.is_empty() || said.ticket.contains(text) || texts.into_iter().flatten().any(|it| it.contains(text))
}
