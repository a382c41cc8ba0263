//! All merchants at once: the fold of the whole log's evidence, with the few indexes that decisions and facts need.

use super::code::CreditCode;
use super::envelope::Position;
use super::event::Event;
use super::fold::{Stamp, evidence_about, said};
use super::merchant::Merchant;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Every merchant known, in the order first heard of.
#[derive(Debug, Default, Clone)]
pub struct World {
    merchants: Vec<Merchant>,
    by_code: HashMap<CreditCode, u32>,
    /// The merchant that the first ticket with this hash is about.
    tickets: HashMap<u64, u32>,
    /// Later tickets with the hash of another merchant's.
    other_tickets: HashMap<Box<str>, u32>,
    /// The first merchant filed under a brand or a representative.
    links: HashMap<u64, u32>,
    /// The others.
    more_links: HashMap<u64, Vec<u32>>,
    head: Position,
}

impl World {
    /// Returns the world of these merchants; the indexes are made anew.
    #[must_use]
    pub fn of(merchants: Vec<Merchant>) -> Self {
        let newest = merchants.iter().filter_map(|merchant| merchant.last.map(|last| last.position)).max();
        let mut world = Self { head: newest.unwrap_or_default(), ..Self::default() };
        world.by_code.reserve(merchants.len());
        for (index, merchant) in (0_u32..).zip(&merchants) {
            world.by_code.insert(merchant.code, index);
            for complaint in &merchant.complaints {
                world.own(&complaint.ticket, index);
            }
            // Every row left its own state of brand and representative behind.
            for row in &merchant.rows {
                for key in link_keys(merchant, row.position).into_iter().flatten() {
                    world.file(key, index);
                }
            }
        }
        world.merchants = merchants;
        world
    }

    /// Takes one event of the log into account. Returns the index of the merchant it is evidence about, if any.
    pub fn apply(&mut self, stamp: Stamp, event: &Event, data: &str) -> Option<u32> {
        self.fold(stamp, event, said(event, data))
    }

    /// Takes one event of the log into account, whose fingerprint ([`said`]) is known.
    pub fn fold(&mut self, stamp: Stamp, event: &Event, said: Option<u64>) -> Option<u32> {
        let code = evidence_about(event)?;
        self.head = self.head.max(stamp.position);
        let index = self.index_or_new(code);
        let merchant = usize::try_from(index).ok().and_then(|index| self.merchants.get_mut(index))?;
        merchant.fold(stamp, event, said);
        match event {
            Event::ComplaintReceived(received) => {
                self.own(&received.ticket, index);
            }
            Event::MerchantRegistered(_) | Event::MerchantDetailsChanged(_) => self.link(index),
            _ => {}
        }
        Some(index)
    }

    fn index_or_new(&mut self, code: CreditCode) -> u32 {
        let next = u32::try_from(self.merchants.len()).unwrap_or(u32::MAX);
        let merchants = &mut self.merchants;
        *self.by_code.entry(code).or_insert_with(|| {
            merchants.push(Merchant::new(code));
            next
        })
    }

    /// Files a merchant under every brand and representative it ever stated. A superset: whoever asks compares the
    /// values in force again, so a changed brand or a hash collision does no harm.
    fn link(&mut self, index: u32) {
        let Some(merchant) = self.at(index) else { return };
        let keys = link_keys(merchant, Position::MAX);
        for key in keys.into_iter().flatten() {
            self.file(key, index);
        }
    }

    fn file(&mut self, key: u64, index: u32) {
        let first = *self.links.entry(key).or_insert(index);
        if first != index {
            let others = self.more_links.entry(key).or_default();
            if others.last() != Some(&index) && !others.contains(&index) {
                others.push(index);
            }
        }
    }

    /// Notes whose ticket it is. The text itself is kept with the complaint only.
    fn own(&mut self, ticket: &str, index: u32) {
        let first = *self.tickets.entry(hash_of(&ticket)).or_insert(index);
        if first != index {
            self.other_tickets.insert(ticket.into(), index);
        }
    }

    /// Returns the position of the newest evidence.
    #[must_use]
    pub const fn head(&self) -> Position {
        self.head
    }

    /// Returns every merchant.
    #[must_use]
    pub fn merchants(&self) -> &[Merchant] {
        &self.merchants
    }

    /// Returns a merchant by index.
    #[must_use]
    pub fn at(&self, index: u32) -> Option<&Merchant> {
        usize::try_from(index).ok().and_then(|index| self.merchants.get(index))
    }

    /// Returns a merchant's index.
    #[must_use]
    pub fn index_of(&self, code: CreditCode) -> Option<u32> {
        self.by_code.get(&code).copied()
    }

    /// Returns a merchant by its credit code.
    #[must_use]
    pub fn get(&self, code: CreditCode) -> Option<&Merchant> {
        self.at(self.index_of(code)?)
    }

    /// Returns the merchant a ticket is about.
    #[must_use]
    pub fn ticket_owner(&self, ticket: &str) -> Option<CreditCode> {
        let first = self.at(*self.tickets.get(&hash_of(&ticket))?)?;
        if first.complaint(ticket).is_some() {
            return Some(first.code);
        }
        self.at(*self.other_tickets.get(ticket)?).map(|merchant| merchant.code)
    }

    /// Returns the other merchants that share, as known at `known`, the brand or the legal representative (name and
    /// digest, both present) with this one; each once.
    #[must_use]
    pub fn linked(&self, merchant: &Merchant, known: Position) -> Vec<u32> {
        let brand = merchant.brand(known);
        let representative = merchant.representative(known);
        let mut found: Vec<u32> = link_keys(merchant, known)
            .into_iter()
            .flatten()
            .flat_map(|key| self.links.get(&key).into_iter().chain(self.more_links.get(&key).into_iter().flatten()))
            .copied()
            .filter(|index| {
                self.at(*index).is_some_and(|other| {
                    other.code != merchant.code
                        && (brand.is_some() && other.brand(known) == brand
                            || representative.is_some() && other.representative(known) == representative)
                })
            })
            .collect();
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// Returns what a merchant is filed under, as known at `known`.
fn link_keys(merchant: &Merchant, known: Position) -> [Option<u64>; 2] {
    [merchant.brand(known).map(brand_key), merchant.representative(known).map(representative_key)]
}

// The hash is only a bucket inside one process: nothing stored rests on it.
fn brand_key(brand: &str) -> u64 {
    hash_of(&(0_u8, brand))
}

fn representative_key((name, digest): (&str, &str)) -> u64 {
    hash_of(&(1_u8, name, digest))
}

fn hash_of(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
