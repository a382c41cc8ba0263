//! The light board (亮灯看板): counts and money by colour, filters, search, merchants worst first or in another order; now, or as of an
//! instant with what was known then.

mod looked_up;

use super::search::Words;
use super::{Money, View, malls_of};
use crate::domain::code::CreditCode;
use crate::domain::envelope::Position;
use crate::domain::merchant::Merchant;
use crate::domain::time::Instant;
use crate::domain::words::Light;
use crate::lights::grade::grade;
use crate::lights::moment::{Moment, sector_of};
use rust_decimal::Decimal;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Sector filter for merchants whose sector is undetermined.
pub const UNDETERMINED: &str = "undetermined";

/// Which merchants to show; an absent part filters nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    /// Light.
    pub light: Option<Light>,
    /// Sector id, or [`UNDETERMINED`].
    pub sector: Option<String>,
    /// Prefix of the division code.
    pub division: Option<String>,
    /// Street, as written in the register.
    pub street: Option<String>,
    /// Mall with a shop of the merchant.
    pub mall: Option<String>,
    /// Words that all stand in name, brand, code, representative, street, mall or unit, in any letter case, or are initials in pinyin.
    pub query: Option<String>,
}

/// What a list is ordered by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// Worst light first, then by money at risk.
    #[default]
    Worst,
    /// By name.
    Name,
    /// Most money at risk first.
    AtRisk,
    /// Largest shortfall in custody first.
    Shortfall,
    /// Newest light first.
    Since,
    /// By sector id.
    Sector,
    /// By division, then street.
    Place,
}

/// A merchant on the board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoardRow {
    /// Who.
    pub credit_code: CreditCode,
    /// Name; absent if it is not in the register.
    pub name: Option<String>,
    /// Brand.
    pub brand: Option<String>,
    /// Light.
    pub light: Light,
    /// Rules that fired, worst first.
    pub rules: Vec<Arc<str>>,
    /// Since when each of them has been among them; empty as of another instant.
    pub rules_since: Vec<Instant>,
    /// Since when it has this colour; absent if it was never anything but green, and as of another instant.
    pub since: Option<Instant>,
    /// Sector id; absent if undetermined.
    pub sector: Option<String>,
    /// Division code.
    pub division: Option<String>,
    /// Street.
    pub street: Option<String>,
    /// Malls, each once.
    pub malls: Vec<String>,
    /// Money.
    pub money: Money,
    /// The merchant objected to the light, and it stands; never as of another instant.
    pub disputed: bool,
}

/// A page of the board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Merchants that the filter lets through.
    pub found: usize,
    /// The merchants of this page.
    pub rows: Vec<BoardRow>,
}

/// Merchants of a light, and their money.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many.
    pub count: u64,
    /// What their card holders would lose, yuan.
    pub at_risk: Decimal,
}

/// The grid of streets (rows) and sectors (columns): merchants of each light. Empty texts stand for unknown streets and sectors.
pub type Grid = BTreeMap<(String, String), BTreeMap<Light, u64>>;

/// What can be chosen in the filters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choices {
    /// Division codes in the scope.
    pub divisions: Vec<String>,
    /// Malls in the scope.
    pub malls: Vec<String>,
}

/// A merchant that was found, with what it is ordered by.
pub(super) struct Found<'a> {
    light: Light,
    at_risk: Decimal,
    shortfall: Option<Decimal>,
    merchant: &'a Merchant,
}

impl<'a> View<'a> {
    /// Counts the merchants of each light, leaving the filter's own light aside.
    #[must_use]
    pub fn counts(&self, filter: &Filter) -> BTreeMap<Light, u64> {
        if let Some(shelf) = self.office_shelf() {
            return self.tallies_on(shelf, filter).into_iter().map(|(light, tally)| (light, tally.count)).collect();
        }
        let moment = self.moment();
        let mut counts: BTreeMap<Light, u64> = Light::ALL.iter().map(|light| (*light, 0)).collect();
        for merchant in self.fitting(filter) {
            *counts.entry(self.light_at(&moment, merchant)).or_default() += 1;
        }
        counts
    }

    /// Counts the merchants of each light and adds up their money at risk, leaving the filter's own light aside.
    #[must_use]
    pub fn tallies(&self, filter: &Filter) -> BTreeMap<Light, Tally> {
        if let Some(shelf) = self.office_shelf() {
            return self.tallies_on(shelf, filter);
        }
        let moment = self.moment();
        let mut tallies: BTreeMap<Light, Tally> = Light::ALL.iter().map(|light| (*light, Tally::default())).collect();
        for merchant in self.fitting(filter) {
            let tally = tallies.entry(self.light_at(&moment, merchant)).or_default();
            tally.count += 1;
            tally.at_risk += self.money_seen(&moment, merchant).at_risk();
        }
        tallies
    }

    /// Counts merchants by street, sector and light.
    #[must_use]
    pub fn grid(&self, filter: &Filter) -> Grid {
        if let Some(shelf) = self.office_shelf().filter(|_| filter.is_by_place()) {
            return shelf.pick(self.scope, filter).grid();
        }
        let moment = self.moment();
        let mut grid = Grid::new();
        for merchant in self.fitting(filter) {
            let street = merchant.detail(moment.horizon.known, |row| row.street.as_deref()).unwrap_or_default();
            let sector = self.sector_at(&moment, merchant).unwrap_or_default();
            let cell = grid.entry((street.to_owned(), sector.to_owned())).or_default();
            *cell.entry(self.light_at(&moment, merchant)).or_default() += 1;
        }
        grid
    }

    /// Lists merchants, worst light first, then by money at risk as the reader sees it, then by credit code.
    #[must_use]
    pub fn list(&self, filter: &Filter, skip: usize, take: usize) -> Page {
        self.list_by(filter, (Order::Worst, false), skip, take)
    }

    /// Lists merchants in an order, or in the reverse of it.
    #[must_use]
    pub fn list_by(&self, filter: &Filter, (order, reverse): (Order, bool), skip: usize, take: usize) -> Page {
        if let Some(shelf) = self.office_shelf() {
            return self.list_on(shelf, filter, (order, reverse), skip, take);
        }
        let moment = self.moment();
        let mut found: Vec<Found<'a>> = self
            .fitting(filter)
            .map(|merchant| (self.light_at(&moment, merchant), merchant))
            .filter(|(light, _)| filter.light.is_none_or(|wanted| wanted == *light))
            .map(|(light, merchant)| {
                let money = self.money_seen(&moment, merchant);
                Found { light, at_risk: money.at_risk(), shortfall: money.shortfall, merchant }
            })
            .collect();
        found.sort_unstable_by(|a, b| {
            let by = self.compare(&moment, order, a, b);
            (if reverse { by.reverse() } else { by }).then_with(|| worst_first(a, b))
        });
        let rows = found.iter().skip(skip).take(take).map(|found| self.row(&moment, found.merchant)).collect();
        Page { found: found.len(), rows }
    }

    fn compare(&self, moment: &Moment<'a>, order: Order, a: &Found<'a>, b: &Found<'a>) -> Ordering {
        let known = moment.horizon.known;
        let street = |it: &Found<'a>| it.merchant.detail(known, |row| row.street.as_deref());
        let since = |it: &Found<'a>| self.lights.get(it.merchant.code).map(|lit| lit.since);
        match order {
            Order::Worst => worst_first(a, b),
            Order::Name => a.merchant.name(known).cmp(&b.merchant.name(known)),
            Order::AtRisk => b.at_risk.cmp(&a.at_risk),
            Order::Shortfall => b.shortfall.cmp(&a.shortfall),
            Order::Since => since(b).cmp(&since(a)),
            Order::Sector => self.sector_at(moment, a.merchant).cmp(&self.sector_at(moment, b.merchant)),
            Order::Place => {
                let division = |it: &Found<'a>| it.merchant.division(known).map(|code| code.to_string());
                division(a).cmp(&division(b)).then_with(|| street(a).cmp(&street(b)))
            }
        }
    }

    /// Returns a merchant's row, whether or not a filter would show it; `None` if the reader may not see it.
    #[must_use]
    pub fn row_of(&self, code: CreditCode) -> Option<BoardRow> {
        let merchant = self.world.get(code).filter(|merchant| self.sees(merchant))?;
        Some(self.row(&self.moment(), merchant))
    }

    /// Returns what can be chosen in the filters.
    #[must_use]
    pub fn choices(&self) -> Choices {
        if let Some(shelf) = self.office_shelf() {
            return shelf.pick(self.scope, &Filter::default()).choices();
        }
        let mut choices = Choices::default();
        for merchant in self.merchants() {
            choices.divisions.extend(merchant.division(Position::MAX).map(|division| division.to_string()));
            choices.malls.extend(self.malls(merchant));
            // Kept short while it grows: a district has few divisions and malls, and many merchants.
            if choices.malls.len() > 4096 || choices.divisions.len() > 4096 {
                choices.tidy();
            }
        }
        choices.tidy();
        choices
    }

    fn moment(&self) -> Moment<'a> {
        let horizon = self.shown_at();
        Moment::new(self.policies, horizon.now, horizon.known)
    }

    /// Returns a merchant's light: as recorded, or derived as of then.
    fn light_at(&self, moment: &Moment<'a>, merchant: &'a Merchant) -> Light {
        match self.then {
            None => self.lights.light(merchant.code),
            Some(_) => grade(&moment.subject(self.world, merchant)).light,
        }
    }

    fn sector_at(&self, moment: &Moment<'a>, merchant: &'a Merchant) -> Option<&'a str> {
        sector_of(merchant, &moment.horizon, self.policies)
    }

    /// Returns the merchants that a filter lets through, its light aside; as of then, those that were there.
    fn fitting(&self, filter: &Filter) -> impl Iterator<Item = &'a Merchant> {
        let (view, horizon, filter) = (*self, self.shown_at(), filter.clone());
        let words = Words::of(filter.query.as_deref().unwrap_or_default());
        let was_there = move |merchant: &&Merchant| view.then.is_none_or(|then| merchant.exists(&then));
        self.merchants().filter(was_there).filter(move |merchant| {
            let known = horizon.known;
            let sector = filter
                .sector
                .as_deref()
                .is_none_or(|wanted| sector_of(merchant, &horizon, view.policies).unwrap_or(UNDETERMINED) == wanted);
            let division = |prefix: &str| merchant.division(known).is_some_and(|division| division.lies_in(prefix));
            let street = |wanted: &str| merchant.detail(known, |row| row.street.as_deref()) == Some(wanted);
            let mall = |mall: &str| view.scope.sees_shop_in(mall) && merchant.shops.iter().any(|shop| shop.is_in(mall));
            sector
                && filter.division.as_deref().is_none_or(division)
                && filter.street.as_deref().is_none_or(street)
                && filter.mall.as_deref().is_none_or(mall)
                && view.has_words(merchant, &words, known)
        })
    }

    fn malls(&self, merchant: &Merchant) -> Vec<String> {
        let malls = malls_of(merchant).into_iter().map(|(_, mall)| mall);
        malls.filter(|mall| self.scope.sees_shop_in(mall)).map(str::to_owned).collect()
    }

    fn row(&self, moment: &Moment<'a>, merchant: &'a Merchant) -> BoardRow {
        let known = moment.horizon.known;
        let lit = self.lights.get(merchant.code).filter(|_| self.then.is_none());
        let graded = self.then.map(|_| grade(&moment.subject(self.world, merchant)));
        let rules = match &graded {
            Some(grade) => grade.rules(&self.policies.pack).map(|rule| Arc::from(rule.id.as_str())).collect(),
            None => lit.map(|lit| lit.rules.to_vec()).unwrap_or_default(),
        };
        let light = graded.map_or_else(|| lit.map_or(Light::Green, |lit| lit.light), |grade| grade.light);
        BoardRow {
            credit_code: merchant.code,
            name: merchant.name(known).map(str::to_owned),
            brand: merchant.brand(known).map(str::to_owned),
            light,
            rules,
            rules_since: lit.map(|lit| lit.rules_since.to_vec()).unwrap_or_default(),
            since: lit.map(|lit| lit.since),
            sector: self.sector_at(moment, merchant).map(str::to_owned),
            division: merchant.division(known).map(|division| division.to_string()),
            street: merchant.detail(known, |row| row.street.as_deref()).map(str::to_owned),
            malls: self.malls(merchant),
            money: self.money_seen(moment, merchant),
            disputed: self.then.is_none() && self.objection(merchant).is_some(),
        }
    }
}

fn worst_first(a: &Found<'_>, b: &Found<'_>) -> Ordering {
    let by_money = || b.at_risk.cmp(&a.at_risk);
    b.light.cmp(&a.light).then_with(by_money).then_with(|| a.merchant.code.cmp(&b.merchant.code))
}

impl Choices {
    fn tidy(&mut self) {
        for list in [&mut self.divisions, &mut self.malls] {
            list.sort_unstable();
            list.dedup();
        }
    }
}
