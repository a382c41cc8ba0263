//! The entries of the list of recipients, found by whom they are for: a list of a city's streets is long.

use super::{Entry, Ground, Place, Remit};
use crate::domain::name_key;
use std::collections::HashMap;

/// Entries in the order of the list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Entries {
    all: Vec<Entry>,
    by_ground: HashMap<Claim, Vec<usize>>,
}

/// A ground with its street by key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Claim {
    remit: Remit,
    division: String,
    street: Option<String>,
}

impl Entries {
    /// Adds an entry behind the others.
    pub(super) fn push(&mut self, entry: Entry) {
        self.by_ground.entry(Claim::of(&entry.ground)).or_default().push(self.all.len());
        self.all.push(entry);
    }

    /// Returns the entries for the same ground.
    pub(super) fn alike(&self, ground: &Ground) -> impl Iterator<Item = &Entry> {
        self.at(&Claim::of(ground)).iter().filter_map(|index| self.all.get(*index))
    }

    /// Returns the entries of a remit that a place lies in.
    pub(super) fn holding(&self, remit: &Remit, place: &Place) -> Vec<&Entry> {
        let whole = place.division.as_ref().map(ToString::to_string).unwrap_or_default();
        let street = place.street.as_deref().map(|street| name_key::key(street).into_owned());
        let mut found: Vec<usize> = Vec::new();
        for division in [0, 2, 4, 6].into_iter().filter_map(|digits| whole.get(..digits)) {
            for street in [None, street.clone()].into_iter().take(1 + usize::from(street.is_some())) {
                let claim = Claim { remit: remit.clone(), division: division.to_owned(), street };
                found.extend(self.at(&claim));
            }
        }
        found.sort_unstable();
        found.into_iter().filter_map(|index| self.all.get(index)).collect()
    }

    /// Returns all.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.all.iter()
    }

    /// Returns how many there are.
    pub(super) const fn len(&self) -> usize {
        self.all.len()
    }

    fn at(&self, claim: &Claim) -> &[usize] {
        self.by_ground.get(claim).map_or(&[], Vec::as_slice)
    }
}

impl Claim {
    fn of(Ground { remit, division, street }: &Ground) -> Self {
        let street = street.as_deref().map(|street| name_key::key(street).into_owned());
        Self { remit: remit.clone(), division: division.clone(), street }
    }
}
