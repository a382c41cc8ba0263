//! Names of malls and of streets as the register has them, each with the districts whose merchants are, or were, there: whose a
//! ticket is goes by them where it names nobody, and such a name is no shop's.

use super::code::DivisionCode;
use super::envelope::Position;
use super::merchant::Merchant;
use super::name_key::key;
use imbl::{OrdMap, OrdSet};
use std::sync::Arc;

/// Shortest name that is looked for inside an address, characters: a shorter one stands in many by chance.
const SHORTEST_IN_ADDRESS: usize = 3;

/// Every mall and street that a merchant was ever in, by key; a copy shares all that was not changed.
#[derive(Debug, Clone, Default)]
pub struct Gazetteer {
    named: OrdMap<Arc<str>, OrdSet<DivisionCode>>,
}

impl Gazetteer {
    /// Notes where a merchant is: all its malls and its street, under its district.
    pub(super) fn note(&mut self, merchant: &Merchant) {
        let division = merchant.division(Position::MAX);
        let street = merchant.detail(Position::MAX, |row| row.street.as_deref());
        let malls = merchant.shops.iter().map(|shop| shop.name.mall.as_str());
        for name in malls.chain(street).filter(|name| !name.is_empty()) {
            self.put(name, division);
        }
    }

    fn put(&mut self, name: &str, division: Option<DivisionCode>) {
        let key = key(name);
        match self.named.get(&*key) {
            Some(there) if division.is_none_or(|division| there.contains(&division)) => {}
            Some(_) => {
                if let Some(there) = self.named.get_mut(&*key) {
                    there.extend(division);
                }
            }
            None => drop(self.named.insert(key.as_ref().into(), division.into_iter().collect())),
        }
    }

    /// Says whether a mall or a street is called so.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.named.contains_key(&*key(name))
    }

    /// Returns the districts whose merchants are in a mall or a street of this name.
    pub fn districts(&self, name: &str) -> impl Iterator<Item = DivisionCode> {
        self.named.get(&*key(name)).into_iter().flatten().copied()
    }

    /// Returns the districts of all malls and streets that an address names.
    pub fn districts_in(&self, address: &str) -> impl Iterator<Item = DivisionCode> {
        let address = key(address).into_owned();
        let is_named = move |name: &str| name.chars().nth(SHORTEST_IN_ADDRESS - 1).is_some() && address.contains(name);
        self.named.iter().filter(move |(name, _)| is_named(name)).flat_map(|(_, there)| there.iter().copied())
    }
}
