//! The light board (亮灯看板): counts by colour, filters, search, merchants worst first.

use super::{Money, View};
use crate::domain::code::CreditCode;
use crate::domain::envelope::Position;
use crate::domain::merchant::Merchant;
use crate::domain::name_key;
use crate::domain::time::Instant;
use crate::domain::words::Light;
use crate::lights::moment::Moment;
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Sector filter for merchants whose sector is undetermined.
pub const UNDETERMINED: &str = "undetermined";

/// Which merchants to show; an absent part filters nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Light.
    pub light: Option<Light>,
    /// Sector id, or [`UNDETERMINED`].
    pub sector: Option<String>,
    /// Prefix of the division code.
    pub division: Option<String>,
    /// Mall with a shop of the merchant.
    pub mall: Option<String>,
    /// Part of the name, the brand or the credit code, in any letter case.
    pub query: Option<String>,
}

/// A merchant on the board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoardRow {
    /// Who.
    pub credit_code: CreditCode,
    /// Name; absent if it is not in the register.
    pub name: Option<String>,
    /// Light.
    pub light: Light,
    /// Rules that fired, worst first.
    pub rules: Vec<Arc<str>>,
    /// Since when each of them has been among them.
    pub rules_since: Vec<Instant>,
    /// Since when it has this colour; absent if it was never anything but green.
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
}

/// A page of the board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Merchants that the filter lets through.
    pub found: usize,
    /// The merchants of this page.
    pub rows: Vec<BoardRow>,
}

/// What can be chosen in the filters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choices {
    /// Division codes in the scope.
    pub divisions: Vec<String>,
    /// Malls in the scope.
    pub malls: Vec<String>,
}

impl View<'_> {
    /// Counts the merchants of each light, leaving the filter's own light aside.
    #[must_use]
    pub fn counts(&self, filter: &Filter) -> BTreeMap<Light, u64> {
        let mut counts: BTreeMap<Light, u64> = Light::ALL.iter().map(|light| (*light, 0)).collect();
        for merchant in self.merchants().filter(|merchant| self.fits(merchant, filter)) {
            *counts.entry(self.lights.light(merchant.code)).or_default() += 1;
        }
        counts
    }

    /// Lists merchants, worst light first, then by money at risk as the reader sees it, then by credit code.
    #[must_use]
    pub fn list(&self, filter: &Filter, skip: usize, take: usize) -> Page {
        let moment = Moment::new(self.policies, self.now, Position::MAX);
        let mut found: Vec<(Light, Decimal, &Merchant)> = self
            .merchants()
            .filter(|merchant| self.fits(merchant, filter))
            .map(|merchant| (self.lights.light(merchant.code), merchant))
            .filter(|(light, _)| filter.light.is_none_or(|wanted| wanted == *light))
            .map(|(light, merchant)| (light, self.money_seen(&moment, merchant).at_risk(), merchant))
            .collect();
        found.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(b.1.cmp(&a.1)).then(a.2.code.cmp(&b.2.code)));
        let rows = found.iter().skip(skip).take(take).map(|(_, _, merchant)| self.row(&moment, merchant)).collect();
        Page { found: found.len(), rows }
    }

    /// Returns a merchant's row, whether or not a filter would show it; `None` if the reader may not see it.
    #[must_use]
    pub fn row_of(&self, code: CreditCode) -> Option<BoardRow> {
        let merchant = self.world.get(code).filter(|merchant| self.sees(merchant))?;
        Some(self.row(&Moment::new(self.policies, self.now, Position::MAX), merchant))
    }

    /// Returns what can be chosen in the filters.
    #[must_use]
    pub fn choices(&self) -> Choices {
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

    fn malls(&self, merchant: &Merchant) -> Vec<String> {
        let mut malls: Vec<String> = Vec::new();
        for shop in &merchant.shops {
            let mall = &shop.name.mall;
            if !mall.is_empty()
                && self.scope.sees_shop_in(mall)
                && !malls.iter().any(|known| name_key::same(known, mall))
            {
                malls.push(mall.clone());
            }
        }
        malls
    }

    fn fits(&self, merchant: &Merchant, filter: &Filter) -> bool {
        let sector = filter.sector.as_deref().is_none_or(|wanted| match self.sector(merchant) {
            Some(sector) => sector == wanted,
            None => wanted == UNDETERMINED,
        });
        let division = filter
            .division
            .as_deref()
            .is_none_or(|prefix| merchant.division(Position::MAX).is_some_and(|division| division.lies_in(prefix)));
        let mall = filter
            .mall
            .as_deref()
            .is_none_or(|mall| self.scope.sees_shop_in(mall) && merchant.shops.iter().any(|shop| shop.is_in(mall)));
        sector && division && mall && filter.query.as_deref().is_none_or(|query| matches(merchant, query))
    }

    fn row(&self, moment: &Moment<'_>, merchant: &Merchant) -> BoardRow {
        let lit = self.lights.get(merchant.code);
        BoardRow {
            credit_code: merchant.code,
            name: merchant.name(Position::MAX).map(str::to_owned),
            light: lit.map_or(Light::Green, |lit| lit.light),
            rules: lit.map(|lit| lit.rules.to_vec()).unwrap_or_default(),
            rules_since: lit.map(|lit| lit.rules_since.to_vec()).unwrap_or_default(),
            since: lit.map(|lit| lit.since),
            sector: self.sector(merchant).map(str::to_owned),
            division: merchant.division(Position::MAX).map(|division| division.to_string()),
            street: merchant.detail(Position::MAX, |row| row.street.as_deref()).map(str::to_owned),
            malls: self.malls(merchant),
            money: self.money_seen(moment, merchant),
        }
    }
}

impl Choices {
    fn tidy(&mut self) {
        for list in [&mut self.divisions, &mut self.malls] {
            list.sort_unstable();
            list.dedup();
        }
    }
}

fn matches(merchant: &Merchant, query: &str) -> bool {
    let query = query.trim().to_lowercase();
    let has = |text: &str| text.to_lowercase().contains(&query);
    query.is_empty()
        || has(merchant.code.as_str())
        || merchant.name(Position::MAX).is_some_and(has)
        || merchant.brand(Position::MAX).is_some_and(has)
}
