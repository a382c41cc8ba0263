//! All merchants at once: the fold of the whole log's evidence, with the few indexes that decisions and facts need.

use super::code::CreditCode;
use super::envelope::Position;
use super::event::Event;
use super::fold::{Stamp, evidence_about};
use super::merchant::Merchant;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use thin_vec::ThinVec;

/// Every merchant known, in the order first heard of.
#[derive(Debug, Default, Clone)]
pub struct World {
    merchants: Vec<Merchant>,
    by_code: HashMap<CreditCode, u32>,
    tickets: HashMap<Box<str>, u32>,
    links: HashMap<u64, ThinVec<u32>>,
    head: Position,
}

impl World {
    /// Takes one event of the log into account. Returns the index of the merchant it is evidence about, if any.
    pub fn apply(&mut self, stamp: Stamp, event: &Event, data: &str) -> Option<u32> {
        self.head = self.head.max(stamp.position);
        let code = evidence_about(event)?;
        let index = self.index_or_new(code);
        let merchant = usize::try_from(index).ok().and_then(|index| self.merchants.get_mut(index))?;
        merchant.apply(stamp, event, data);
        match event {
            Event::ComplaintReceived(received) => {
                self.tickets.insert(received.ticket.as_str().into(), index);
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
        let keys = [
            merchant.brand(Position::MAX).map(brand_key),
            merchant.representative(Position::MAX).map(representative_key),
        ];
        for key in keys.into_iter().flatten() {
            let group = self.links.entry(key).or_default();
            if group.last() != Some(&index) && !group.contains(&index) {
                group.push(index);
            }
        }
    }

    /// Returns the position of the last event taken into account.
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
        self.at(*self.tickets.get(ticket)?).map(|merchant| merchant.code)
    }

    /// Returns the other merchants that share, as known at `known`, the brand or the legal representative (name and
    /// digest, both present) with this one; each once.
    #[must_use]
    pub fn linked(&self, merchant: &Merchant, known: Position) -> Vec<u32> {
        let brand = merchant.brand(known);
        let representative = merchant.representative(known);
        let keys = [brand.map(brand_key), representative.map(representative_key)];
        let mut found: Vec<u32> = keys
            .iter()
            .flatten()
            .filter_map(|key| self.links.get(key))
            .flatten()
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
