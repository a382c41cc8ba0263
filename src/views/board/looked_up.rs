//! The board of an office, looked up on a shelf ([`Shelf`]) instead of sorted out of all merchants.

use super::{Filter, Found, Order, Page, Tally, worst_first};
use crate::domain::envelope::Position;
use crate::domain::words::Light;
use crate::views::View;
use crate::views::search::Words;
use crate::views::shelf::{Hit, Picked, Shelf};
use std::collections::BTreeMap;

impl Filter {
    /// Says whether it goes by light and place alone, which whole groups of merchants share.
    pub(super) fn is_by_place(&self) -> bool {
        self.mall.is_none() && self.query.as_deref().is_none_or(|query| query.trim().is_empty())
    }
}

impl<'a> View<'a> {
    /// Returns the shelf if the lights of the present are asked for by an office, which sees merchants whole.
    pub(super) fn office_shelf(&self) -> Option<&'a Shelf> {
        self.shelf.filter(|_| self.then.is_none() && self.scope.sees_whole_merchants())
    }

    pub(super) fn tallies_on(&self, shelf: &'a Shelf, filter: &Filter) -> BTreeMap<Light, Tally> {
        let picked = shelf.pick(self.scope, filter);
        if filter.is_by_place() {
            return picked.tallies();
        }
        let mut tallies: BTreeMap<Light, Tally> = Light::ALL.iter().map(|light| (*light, Tally::default())).collect();
        for hit in self.hits(&picked, filter, None) {
            let tally = tallies.entry(hit.light).or_default();
            tally.count += 1;
            tally.at_risk += hit.at_risk;
        }
        tallies
    }

    pub(super) fn list_on(
        &self,
        shelf: &'a Shelf,
        filter: &Filter,
        (order, reverse): (Order, bool),
        skip: usize,
        take: usize,
    ) -> Page {
        let moment = self.moment();
        let picked = shelf.pick(self.scope, filter);
        let row = |index: u32| self.world.at(index).map(|merchant| self.row(&moment, merchant));
        if order == Order::Worst && filter.is_by_place() {
            let hits = picked.worst(filter.light, reverse, skip, take);
            return Page {
                found: picked.count(filter.light),
                rows: hits.into_iter().filter_map(|hit| row(hit.index)).collect(),
            };
        }
        let found = |hit: Hit| {
            let Hit { index, light, at_risk, shortfall } = hit;
            Some((Found { light, at_risk, shortfall, merchant: self.world.at(index)? }, index))
        };
        let hits = self.hits(&picked, filter, filter.light);
        let mut found: Vec<(Found<'a>, u32)> = hits.into_iter().filter_map(found).collect();
        let count = found.len();
        let by = |(a, _): &(Found<'a>, u32), (b, _): &(Found<'a>, u32)| {
            let by = self.compare(&moment, order, a, b);
            (if reverse { by.reverse() } else { by }).then_with(|| worst_first(a, b))
        };
        // Only what is shown is put in order.
        let end = skip.saturating_add(take);
        if end < count {
            found.select_nth_unstable_by(end, by);
            found.truncate(end);
        }
        found.sort_unstable_by(by);
        Page {
            found: count,
            rows: found.into_iter().skip(skip).take(take).filter_map(|(_, index)| row(index)).collect(),
        }
    }

    /// Returns everybody of a light, or of any, that the filter lets through; ends early when the limit is over.
    fn hits(&self, picked: &Picked<'_>, filter: &Filter, light: Option<Light>) -> Vec<Hit> {
        let words = Words::of(filter.query.as_deref().unwrap_or_default());
        let fits = |hit: &Hit| {
            let merchant = self.world.at(hit.index);
            merchant.is_some_and(|merchant| self.has_words(merchant, &words, Position::MAX))
        };
        self.in_time(picked.hits(light, filter.mall.as_deref()).into_iter()).filter(fits).collect()
    }
}
