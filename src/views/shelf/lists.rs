//! Counts and lists of the board, answered from a shelf.

use super::{Entry, Group, Lot, Shelf};
use crate::domain::access::Scope;
use crate::domain::name_key;
use crate::domain::words::Light;
use crate::views::board::{Choices, Filter, Grid, Tally, UNDETERMINED};
use imbl::OrdSet;
use rust_decimal::Decimal;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// One group in so many of a list is dense enough to go over the list in its order and pass over the rest.
const DENSE: usize = 16;

/// The groups that a scope sees and a filter lets through.
pub(in crate::views) struct Picked<'a> {
    shelf: &'a Shelf,
    /// By number.
    groups: Vec<bool>,
}

/// A merchant that was found.
#[derive(Debug, Clone, Copy)]
pub(in crate::views) struct Hit {
    /// Its index.
    pub(in crate::views) index: u32,
    /// Its light.
    pub(in crate::views) light: Light,
    /// Money at risk, yuan.
    pub(in crate::views) at_risk: Decimal,
    /// Missing in custody, yuan.
    pub(in crate::views) shortfall: Option<Decimal>,
}

impl Shelf {
    /// Picks the groups of a filter, for an office that sees merchants whole. Light, mall and words are left aside.
    pub(in crate::views) fn pick(&self, scope: &Scope, filter: &Filter) -> Picked<'_> {
        let fits = |group: &Group| {
            let place = &group.place;
            let sector = place.sector.as_deref().unwrap_or(UNDETERMINED);
            let division = |prefix: &str| place.division.is_some_and(|division| division.lies_in(prefix));
            filter.sector.as_deref().is_none_or(|wanted| wanted == sector)
                && filter.division.as_deref().is_none_or(division)
                && filter.street.as_deref().is_none_or(|wanted| place.street.as_deref() == Some(wanted))
                && (scope.is_everything() || scope.sees(&place.facts()))
        };
        Picked { shelf: self, groups: self.groups.iter().map(|group| fits(group)).collect() }
    }

    fn members_of(&self, mall: &str) -> OrdSet<u32> {
        self.malls.get(&*name_key::key(mall)).map(|mall| mall.members.clone()).unwrap_or_default()
    }

    fn entry(&self, index: u32) -> Option<&Entry> {
        self.entries.get(usize::try_from(index).ok()?)?.as_ref()
    }
}

impl<'a> Picked<'a> {
    /// Counts merchants and adds up their money at risk, by light.
    pub(in crate::views) fn tallies(&self) -> BTreeMap<Light, Tally> {
        let mut tallies: BTreeMap<Light, Tally> = Light::ALL.iter().map(|light| (*light, Tally::default())).collect();
        for (light, lot) in self.groups().flat_map(|group| &group.lots) {
            let tally = tallies.entry(*light).or_default();
            tally.count += u64::try_from(lot.members.len()).unwrap_or(u64::MAX);
            tally.at_risk += lot.at_risk;
        }
        tallies
    }

    /// Counts merchants by street, sector and light.
    pub(in crate::views) fn grid(&self) -> Grid {
        let mut grid = Grid::new();
        for group in self.groups() {
            let text = |text: &Option<String>| text.clone().unwrap_or_default();
            for (light, lot) in group.lots.iter().filter(|(_, lot)| !lot.members.is_empty()) {
                let cell = grid.entry((text(&group.place.street), text(&group.place.sector))).or_default();
                *cell.entry(*light).or_default() += u64::try_from(lot.members.len()).unwrap_or(u64::MAX);
            }
        }
        grid
    }

    /// Returns how many merchants have a light, or any.
    pub(in crate::views) fn count(&self, light: Option<Light>) -> usize {
        self.lots(light).map(|(_, lot)| lot.members.len()).sum()
    }

    /// Returns every merchant of a light, or of any, in no order that means anything; those of a mall if one is named.
    pub(in crate::views) fn hits(&self, light: Option<Light>, mall: Option<&str>) -> Vec<Hit> {
        match mall {
            Some(mall) => {
                let members = self.shelf.members_of(mall);
                members.iter().filter_map(|index| self.hit(*index, light)).collect()
            }
            None => {
                let members = self.lots(light).flat_map(|(_, lot)| &lot.members);
                members.filter_map(|index| self.hit(*index, light)).collect()
            }
        }
    }

    /// Returns some of the merchants of a light, or of any, worst light first, then most money at risk, or in the reverse order.
    pub(in crate::views) fn worst(&self, light: Option<Light>, reverse: bool, skip: usize, take: usize) -> Vec<Hit> {
        let found = self.count(light);
        let fits = |wanted: &Light| light.is_none_or(|light| light == *wanted);
        let all: usize = self.shelf.worst.iter().filter(|(light, _)| fits(light)).map(|(_, ranks)| ranks.len()).sum();
        if found.saturating_mul(DENSE) < all {
            return self.sorted(light, reverse, skip, take);
        }
        let lists = self.shelf.worst.iter().filter(|(light, _)| fits(light));
        let hit = |(_, _, index): &(_, _, u32)| self.hit(*index, light);
        if reverse {
            let ranks = lists.flat_map(|(_, ranks)| ranks.iter().rev());
            ranks.filter_map(hit).skip(skip).take(take).collect()
        } else {
            let ranks = lists.rev().flat_map(|(_, ranks)| ranks.iter());
            ranks.filter_map(hit).skip(skip).take(take).collect()
        }
    }

    /// The same, where so few are found that putting them in order is less work than passing over the others.
    fn sorted(&self, light: Option<Light>, reverse: bool, skip: usize, take: usize) -> Vec<Hit> {
        let code = |hit: &Hit| self.shelf.merchants.get(usize::try_from(hit.index).ok()?).map(|it| it.code);
        let mut hits = self.hits(light, None);
        hits.sort_by_cached_key(|hit| (Reverse(hit.light), Reverse(hit.at_risk), code(hit)));
        if reverse {
            hits.reverse();
        }
        hits.into_iter().skip(skip).take(take).collect()
    }

    /// Returns what can be chosen in the filters.
    pub(in crate::views) fn choices(&self) -> Choices {
        let all = self.groups.iter().all(|picked| *picked);
        let filled = self.groups().filter(|group| group.lots.values().any(|lot| !lot.members.is_empty()));
        let divisions: BTreeSet<String> =
            filled.filter_map(|group| group.place.division).map(|code| code.to_string()).collect();
        let malls = self.shelf.malls.values();
        // Of an office that sees part of the merchants, a mall is told of if one of them has a shop there.
        let seen = |members: &OrdSet<u32>| all || members.iter().any(|index| self.hit(*index, None).is_some());
        let malls = malls.filter(|mall| seen(&mall.members)).flat_map(|mall| mall.spelt.keys().cloned());
        let mut malls: Vec<String> = malls.collect();
        malls.sort_unstable();
        Choices { divisions: divisions.into_iter().collect(), malls }
    }

    fn groups(&self) -> impl Iterator<Item = &'a Group> {
        self.shelf.groups.iter().zip(&self.groups).filter(|(_, picked)| **picked).map(|(group, _)| &**group)
    }

    fn lots(&self, light: Option<Light>) -> impl Iterator<Item = (&'a Light, &'a Lot)> {
        let lots = self.groups().flat_map(|group| &group.lots);
        lots.filter(move |(of, _)| light.is_none_or(|light| light == **of))
    }

    fn hit(&self, index: u32, light: Option<Light>) -> Option<Hit> {
        let entry = self.shelf.entry(index)?;
        let picked = self.groups.get(usize::try_from(entry.group).ok()?)?;
        let Entry { light: own, at_risk, shortfall, .. } = *entry;
        (*picked && light.is_none_or(|light| light == own)).then_some(Hit { index, light: own, at_risk, shortfall })
    }
}
