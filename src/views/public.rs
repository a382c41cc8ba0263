//! What everybody may know about a shop, without a log-in: the parts that the district publishes, and nothing else. Amounts, reasons,
//! complaints and people are none of them. Who is not in the register is not found, whatever else is known.

use super::View;
use super::accounts::most_days;
use super::exits::Countdown;
use crate::domain::access::PublicPart;
use crate::domain::code::CreditCode;
use crate::domain::envelope::Position;
use crate::domain::event::ShopName;
use crate::domain::evidence::{Evidence as _, latest};
use crate::domain::exit::{Exit, exit_on};
use crate::domain::merchant::Merchant;
use crate::domain::name_key;
use crate::domain::time::{Day, day_of, days_between};
use crate::domain::words::{FilingStatus, Light};
use crate::lights::moment::is_claim;
use std::collections::BTreeMap;

/// Letters that a search has at least: with one, the register could be read page by page.
pub const SHORTEST_SEARCH: usize = 2;

/// The published side of a view. Whoever makes one gives it a view of everything; what is shown is decided here.
#[derive(Debug, Clone, Copy)]
pub struct Published<'a> {
    view: View<'a>,
    parts: &'a [PublicPart],
}

/// A shop as everybody may know it. A part that is not published is absent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicShop {
    /// Who.
    pub credit_code: CreditCode,
    /// Name in the register.
    pub name: String,
    /// Brand.
    pub brand: Option<String>,
    /// Where its shops are, and how they leave.
    pub places: Vec<PublicPlace>,
    /// Whether it is on file.
    pub filing: Option<PublicFiling>,
    /// Whether money is in custody.
    pub custody: Option<PublicCustody>,
    /// Its light.
    pub light: Option<Light>,
}

/// A place of a merchant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicPlace {
    /// Mall and unit; a street shop has no mall.
    pub shop: ShopName,
    /// How it leaves; [`Exit::None`] also where exits are not published.
    pub exit: Exit,
}

/// Whether a merchant is on file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublicFiling {
    /// Since this day.
    OnFile(Day),
    /// It was handed in on this day, and is not decided yet.
    Submitted(Day),
    /// It was; not since this day.
    Ended(Day),
    /// No filing is known that was accepted.
    Unknown,
}

/// Whether money of card holders is in custody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicCustody {
    /// Whether the bank had any, and as of which day; `None`: no bank said anything.
    pub bank: Option<(bool, Day)>,
    /// That day lies so far back that the pack lights for it: what is there now is not known.
    pub is_old: bool,
    /// The last day of a guarantee or insurance in force.
    pub guaranteed_until: Option<Day>,
}

/// A shop that leaves, on a mall's notice board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicExit {
    /// Who, if it is in the register.
    pub credit_code: Option<CreditCode>,
    /// Its name, if it is in the register.
    pub name: Option<String>,
    /// Unit; may be empty.
    pub unit: String,
    /// Its days.
    pub countdown: Countdown,
}

/// What a search found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The shops, at most as many as were asked for.
    pub shops: Vec<PublicShop>,
    /// There are more.
    pub more: bool,
}

impl<'a> Published<'a> {
    /// Returns what is published of a view of everything.
    #[must_use]
    pub const fn new(view: View<'a>, parts: &'a [PublicPart]) -> Self {
        Self { view, parts }
    }

    fn shows(&self, part: PublicPart) -> bool {
        self.parts.contains(&part)
    }

    /// Returns a shop; `None` alike for one that nobody knows and one that is not in the register.
    #[must_use]
    pub fn shop(&self, code: CreditCode) -> Option<PublicShop> {
        self.drawn(self.view.world.get(code)?)
    }

    /// Finds shops all of whose words stand in name, brand, mall or unit, or whose whole code was given, as recorded; at most `most`.
    #[must_use]
    pub fn search(&self, query: &str, most: usize) -> Found {
        let query = query.trim().to_lowercase();
        let words: Vec<&str> = query.split_whitespace().collect();
        if words.iter().map(|word| word.chars().count()).sum::<usize>() < SHORTEST_SEARCH {
            return Found::default();
        }
        if let Ok(code) = query.to_uppercase().parse() {
            return Found { shops: self.shop(code).into_iter().collect(), more: false };
        }
        let fits = |merchant: &&Merchant| {
            let known = merchant.name(Position::MAX).into_iter().chain(merchant.brand(Position::MAX));
            let places = shops(merchant).flat_map(|shop| [shop.mall.as_str(), shop.unit.as_str()]);
            let texts: Vec<String> = known.chain(places).map(str::to_lowercase).collect();
            words.iter().all(|word| texts.iter().any(|text| text.contains(word)))
        };
        let mut hits = self.view.merchants().filter(fits).filter_map(|merchant| self.drawn(merchant));
        let found = hits.by_ref().take(most).collect();
        Found { shops: found, more: hits.next().is_some() }
    }

    /// Returns the malls in which a notice stands, with how many.
    #[must_use]
    pub fn malls(&self) -> BTreeMap<String, usize> {
        let mut malls = BTreeMap::new();
        if self.shows(PublicPart::Exits) {
            for row in self.view.exits(None).into_iter().filter(|row| matches!(row.exit, Exit::Announced { .. })) {
                if !row.shop.mall.is_empty() {
                    *malls.entry(row.shop.mall).or_default() += 1;
                }
            }
        }
        malls
    }

    /// Returns the notice board of a mall: who leaves, soonest first; `None` where nothing is published, or nobody in the register is
    /// in such a mall.
    #[must_use]
    pub fn board(&self, mall: &str) -> Option<Vec<PublicExit>> {
        if !self.shows(PublicPart::Exits) || mall.trim().is_empty() {
            return None;
        }
        let today = day_of(self.view.now);
        let leaving = self.view.exits(Some(mall)).into_iter().filter_map(|row| {
            let countdown = row.countdown(today)?;
            let credit_code = row.name.is_some().then_some(row.credit_code);
            Some(PublicExit { credit_code, name: row.name, unit: row.shop.unit, countdown })
        });
        let rows: Vec<PublicExit> = leaving.collect();
        let is_known = || {
            let mut registered = self.view.merchants().filter(|merchant| merchant.is_registered(Position::MAX));
            registered.any(|merchant| shops(merchant).any(|shop| name_key::same(&shop.mall, mall)))
        };
        (!rows.is_empty() || is_known()).then_some(rows)
    }

    fn drawn(&self, merchant: &Merchant) -> Option<PublicShop> {
        let (now, today) = (self.view.horizon(), day_of(self.view.now));
        let name = merchant.name(Position::MAX)?.to_owned();
        let exits = self.shows(PublicPart::Exits);
        let places = merchant.shops.iter().filter(|shop| !is_claim(merchant, shop)).map(|shop| PublicPlace {
            shop: shop.name.clone(),
            exit: if exits { exit_on(&shop.exits, today, Position::MAX) } else { Exit::None },
        });
        let step = merchant.filing_on(today, Position::MAX);
        let filing = match step.and_then(|step| Some((step.status()?, step.date))) {
            Some((FilingStatus::Accepted, day)) => PublicFiling::OnFile(day),
            Some((FilingStatus::Submitted, day)) => PublicFiling::Submitted(day),
            Some((FilingStatus::Cancelled, day)) => PublicFiling::Ended(day),
            _ => PublicFiling::Unknown,
        };
        let report = latest(&merchant.custody, today, Position::MAX);
        let guarantees = merchant.guarantees.iter().filter(|it| it.counts(&now) && it.until >= today);
        let custody = PublicCustody {
            bank: report.map(|report| (!{ report.amount }.decimal().is_zero(), { report.date })),
            is_old: report
                .zip(most_days(self.view.policies))
                .is_some_and(|(report, days)| days_between(report.date, today) > days),
            guaranteed_until: guarantees.map(|it| it.until).max(),
        };
        Some(PublicShop {
            credit_code: merchant.code,
            name,
            brand: merchant.brand(Position::MAX).map(str::to_owned).filter(|brand| !brand.is_empty()),
            places: places.collect(),
            filing: self.shows(PublicPart::Filing).then_some(filing),
            custody: self.shows(PublicPart::Custody).then_some(custody),
            light: self.shows(PublicPart::Light).then(|| self.view.lights.light(merchant.code)),
        })
    }
}

/// Returns the shops of a merchant, not those that a mall only claimed.
fn shops(merchant: &Merchant) -> impl Iterator<Item = &ShopName> {
    merchant.shops.iter().filter(|shop| !is_claim(merchant, shop)).map(|shop| &shop.name)
}

impl PublicPlace {
    /// Returns the days of a standing notice.
    #[must_use]
    pub fn countdown(&self, today: Day) -> Option<Countdown> {
        Countdown::of(&self.exit, today)
    }
}
