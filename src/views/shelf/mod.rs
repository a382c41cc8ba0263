//! The merchants of the newest picture, kept in the order of the board and by place: a page of the board is then looked up and not
//! sorted out of a million merchants.
//!
//! A shelf is derived from a picture and a day, and can be thrown away at any time. It is brought up to date by what the two pictures do
//! not share ([`Pages::changed_since`]); copies share what did not change. Views answer the same with and without it.

mod lists;
mod newest;
#[cfg(test)]
mod tests;

pub(super) use lists::{Hit, Picked};
pub use newest::Newest;

use super::malls_of;
use crate::domain::access::{MerchantFacts, Scope};
use crate::domain::code::{CreditCode, DivisionCode};
use crate::domain::envelope::Position;
use crate::domain::merchant::Merchant;
use crate::domain::name_key;
use crate::domain::pages::Pages;
use crate::domain::time::{Day, Instant, day_of};
use crate::domain::words::{Light, Role};
use crate::lights::moment::{Moment, sector_of};
use crate::picture::Picture;
use crate::picture::lights::Lit;
use crate::policy::Policies;
use imbl::{OrdMap, OrdSet, Vector};
use rust_decimal::Decimal;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Merchants in the order of the board; see the module.
#[derive(Clone)]
pub struct Shelf {
    position: Position,
    today: Day,
    policies: Arc<Policies>,
    /// Merchants and lights as they were last looked at.
    merchants: Pages<Merchant>,
    lit: Pages<(CreditCode, Lit)>,
    /// By the index of the merchant; `None` where nothing is known of it any more.
    entries: Vector<Option<Entry>>,
    groups: Vector<Arc<Group>>,
    numbers: OrdMap<Place, u32>,
    /// Of each light, most money at risk first, then by credit code.
    worst: BTreeMap<Light, OrdSet<Rank>>,
    /// By key of the name.
    malls: OrdMap<String, Arc<Mall>>,
    banks: OrdMap<String, OrdSet<u32>>,
}

/// What merchants of a light are ordered by; the last is the index.
type Rank = (Reverse<Decimal>, CreditCode, u32);

/// What filters on whole merchants go by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    sector: Option<String>,
    division: Option<DivisionCode>,
    street: Option<String>,
}

/// A merchant, as far as lists need it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    light: Light,
    /// Number of its group.
    group: u32,
    at_risk: Decimal,
    shortfall: Option<Decimal>,
}

/// The merchants of one place and sector.
#[derive(Debug, Clone)]
struct Group {
    place: Place,
    lots: BTreeMap<Light, Lot>,
}

/// The merchants of a group that have one light.
#[derive(Debug, Clone, Default)]
struct Lot {
    members: OrdSet<u32>,
    at_risk: Decimal,
}

/// The merchants with a shop in a mall.
#[derive(Debug, Clone, Default)]
struct Mall {
    members: OrdSet<u32>,
    /// How the name is typed, and by how many merchants first.
    spelt: BTreeMap<String, u32>,
}

impl Shelf {
    /// Puts the merchants of a picture in order, as of an instant's day.
    #[must_use]
    pub fn of(picture: &Picture, now: Instant) -> Self {
        let mut shelf = Self {
            position: 0,
            today: day_of(now),
            policies: picture.policies.clone(),
            merchants: Pages::default(),
            lit: Pages::default(),
            entries: Vector::new(),
            groups: Vector::new(),
            numbers: OrdMap::new(),
            worst: BTreeMap::new(),
            malls: OrdMap::new(),
            banks: OrdMap::new(),
        };
        shelf.take_in(picture, now);
        shelf
    }

    /// Brings the shelf up to date with a picture, which is not older than the last one.
    pub fn catch_up(&mut self, picture: &Picture, now: Instant) {
        // Money in custody is asked of a day, and what is required of the policies.
        let stands = self.today == day_of(now) && Arc::ptr_eq(&self.policies, &picture.policies);
        if !stands || picture.world.merchants().len() < self.merchants.len() {
            *self = Self::of(picture, now);
        } else if self.position != picture.position {
            self.take_in(picture, now);
        }
    }

    fn take_in(&mut self, picture: &Picture, now: Instant) {
        let moment = Moment::new(&picture.policies, now, Position::MAX);
        let (merchants, lit) = (picture.world.merchants(), picture.lights.entries());
        let lights = lit.changed_since(&self.lit).into_iter().filter_map(|place| lit.get(place));
        let lights = lights.filter_map(|(code, _)| usize::try_from(picture.world.index_of(*code)?).ok());
        // Each once: with its evidence changes its light.
        let changed: BTreeSet<usize> = merchants.changed_since(&self.merchants).into_iter().chain(lights).collect();
        let before = std::mem::take(&mut self.merchants);
        for index in changed {
            let Some(merchant) = merchants.get(index) else { continue };
            self.put(picture, &moment, index, (before.get(index), merchant));
        }
        self.merchants = merchants.clone();
        self.lit = lit.clone();
        self.position = picture.position;
    }

    /// Puts a merchant where it belongs now.
    fn put(
        &mut self,
        picture: &Picture,
        moment: &Moment<'_>,
        index: usize,
        (old, merchant): (Option<&Merchant>, &Merchant),
    ) {
        let Ok(number) = u32::try_from(index) else { return };
        while self.entries.len() <= index {
            self.entries.push_back(None);
        }
        let entry = merchant.is_there(&moment.horizon).then(|| {
            let money = super::money(moment, &picture.world, merchant);
            let (at_risk, shortfall) = (money.at_risk(), money.shortfall);
            Entry {
                light: picture.lights.light(merchant.code),
                group: self.group_of(moment, merchant),
                at_risk,
                shortfall,
            }
        });
        let before = self.entries.set(index, entry);
        if before != entry {
            before.into_iter().for_each(|before| self.take_out(number, merchant.code, before));
            entry.into_iter().for_each(|entry| self.file(number, merchant.code, entry));
        }
        self.file_shops(number, old, merchant);
        let (bank, before) = (merchant.bank(), old.and_then(Merchant::bank));
        if bank != before {
            if let Some(members) = before.and_then(|bank| self.banks.get_mut(bank)) {
                members.remove(&number);
            }
            if let Some(bank) = bank {
                self.banks.entry(bank.to_owned()).or_default().insert(number);
            }
        }
    }

    fn group_of(&mut self, moment: &Moment<'_>, merchant: &Merchant) -> u32 {
        let known = moment.horizon.known;
        let place = Place {
            sector: sector_of(merchant, &moment.horizon, moment.policies).map(str::to_owned),
            division: merchant.division(known),
            street: merchant.detail(known, |row| row.street.as_deref()).map(str::to_owned),
        };
        if let Some(number) = self.numbers.get(&place) {
            return *number;
        }
        let number = u32::try_from(self.groups.len()).unwrap_or(u32::MAX);
        self.groups.push_back(Arc::new(Group { place: place.clone(), lots: BTreeMap::new() }));
        self.numbers.insert(place, number);
        number
    }

    fn lot(&mut self, entry: &Entry) -> Option<&mut Lot> {
        let group = self.groups.get_mut(usize::try_from(entry.group).ok()?)?;
        Some(Arc::make_mut(group).lots.entry(entry.light).or_default())
    }

    fn file(&mut self, number: u32, code: CreditCode, entry: Entry) {
        if let Some(lot) = self.lot(&entry) {
            lot.members.insert(number);
            lot.at_risk += entry.at_risk;
        }
        self.worst.entry(entry.light).or_default().insert((Reverse(entry.at_risk), code, number));
    }

    fn take_out(&mut self, number: u32, code: CreditCode, entry: Entry) {
        if let Some(lot) = self.lot(&entry) {
            lot.members.remove(&number);
            lot.at_risk -= entry.at_risk;
        }
        if let Some(ranks) = self.worst.get_mut(&entry.light) {
            ranks.remove(&(Reverse(entry.at_risk), code, number));
        }
    }

    fn file_shops(&mut self, number: u32, old: Option<&Merchant>, new: &Merchant) {
        let before = old.map(malls_of).unwrap_or_default();
        let after = malls_of(new);
        if before == after {
            return;
        }
        for (key, name) in before {
            let Some(mall) = self.malls.get_mut(&*key).map(Arc::make_mut) else { continue };
            mall.members.remove(&number);
            if let Some(count) = mall.spelt.get_mut(name) {
                *count -= 1;
                if *count == 0 {
                    mall.spelt.remove(name);
                }
            }
        }
        for (key, name) in after {
            let mall = Arc::make_mut(self.malls.entry(key.into_owned()).or_default());
            mall.members.insert(number);
            *mall.spelt.entry(name.to_owned()).or_default() += 1;
        }
    }

    /// Returns the merchants that alone can be in a scope, in their order, where those are few by nature: the tenants of malls, the
    /// customers of a bank. `None`: any.
    pub(super) fn of_scope(&self, scope: &Scope) -> Option<BTreeSet<u32>> {
        match scope.role {
            Role::Operator => {
                let malls = scope.malls.iter().filter_map(|mall| self.malls.get(&*name_key::key(mall)));
                Some(malls.flat_map(|mall| mall.members.iter().copied()).collect())
            }
            Role::Bank => {
                let members = scope.bank.as_ref().and_then(|bank| self.banks.get(bank));
                Some(members.into_iter().flatten().copied().collect())
            }
            // A merchant is one, and is looked up by its code wherever only that is asked for.
            Role::Admin | Role::Lead | Role::Regulator | Role::Merchant => None,
        }
    }
}

impl std::fmt::Debug for Shelf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shelf").field("position", &self.position).field("today", &self.today).finish_non_exhaustive()
    }
}

impl Place {
    /// What decides whether merchants of this place are in the scope of an office.
    fn facts(&self) -> MerchantFacts<'_> {
        MerchantFacts {
            registered: true,
            division: self.division,
            sector: self.sector.as_deref(),
            ..MerchantFacts::default()
        }
    }
}
