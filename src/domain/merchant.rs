//! Everything known about one merchant: the fold of its events, and the evidence its light rests on ([`super::evidence`]).
//!
//! Lists that facts read in order of date are kept in that order, ties by position ("the one recorded later", docs/FACTS.md).

use super::code::{CreditCode, DivisionCode};
use super::code_key::code;
use super::dealings::Dealings;
use super::empty_words::is_empty_word;
use super::envelope::Position;
use super::event::ShopName;
use super::evidence::{
    Act, Alias, Amount, Assigned, Complaint, CustodyReport, Dated, Evidence, FilingStep, GuaranteeItem, Listing,
    RatioItem, RegisterRow, STANDING, Shop, Signal, add, latest,
};
use super::name_key;
use super::records::Records;
use super::time::{Day, Instant, day_of};
use super::words::ExitAction;
use std::borrow::Cow;
use std::sync::Arc;
use thin_vec::ThinVec;

/// Up to when things are looked at: the day of truth and the point of knowledge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Horizon {
    /// Instant of evaluation.
    pub now: Instant,
    /// Its local date.
    pub today: Day,
    /// Nothing recorded after this position is known.
    pub known: Position,
}

impl Horizon {
    /// Returns the horizon at `now`, knowing what was recorded up to `known`.
    #[must_use]
    pub fn new(now: Instant, known: Position) -> Self {
        Self { now, today: day_of(now), known }
    }
}

/// The fold of one merchant's events (商户).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merchant {
    /// Who.
    pub code: CreditCode,
    /// Number of events in its stream.
    pub revision: u32,
    /// Rows of the register, in the order recorded. Empty for a placeholder.
    pub rows: ThinVec<RegisterRow>,
    /// Other names that people call it by, in the order recorded.
    pub aliases: ThinVec<Alias>,
    /// Sectors assigned by hand, by effective day.
    pub sectors: ThinVec<Assigned>,
    /// Steps of the filing, by day.
    pub filings: ThinVec<FilingStep>,
    /// Declared balances, by day.
    pub balances: ThinVec<Amount>,
    /// The bank's reports of balances in custody, by day.
    pub custody: ThinVec<CustodyReport>,
    /// Abnormal flows, by day; facts of edition 2 rest on the reports themselves.
    pub flows: ThinVec<Dated>,
    /// Guarantees and insurances.
    pub guarantees: ThinVec<GuaranteeItem>,
    /// Shops, in the order they became known.
    pub shops: ThinVec<Shop>,
    /// Complaints, in the order recorded.
    pub complaints: ThinVec<Complaint>,
    /// Risk signals, in the order recorded.
    pub signals: ThinVec<Signal>,
    /// Months' complaint rates, in the order recorded.
    pub rates: ThinVec<RatioItem>,
    /// Prepaid shares of revenue, by day.
    pub shares: ThinVec<RatioItem>,
    /// Entries in lists.
    pub listings: ThinVec<Listing>,
    /// Acts of enforcement, by day, orders before completions.
    pub acts: ThinVec<Act>,
    /// What offices do with each other about it; `None` if nothing. Most merchants have none, so it costs them a word.
    pub dealings: Option<Box<Dealings>>,
    /// What is on record beside the evidence of its light; `None` if nothing.
    pub records: Option<Box<Records>>,
    /// The newest evidence.
    pub last: Option<LastEvidence>,
    /// What was known of it before an import that spoke of it was withdrawn; `None` if none was.
    pub before: Option<Arc<Before>>,
}

/// A merchant as it was known until an import was withdrawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Before {
    /// Where that was recorded: this was known up to there.
    pub until: Position,
    /// The merchant, with what was known earlier still.
    pub merchant: Merchant,
}

/// The newest evidence about a merchant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastEvidence {
    /// Where it stands.
    pub position: Position,
    /// When it was recorded.
    pub recorded_at: Instant,
    /// It was imported as history.
    pub history: bool,
}

/// Returns a text unless it is a word for *none*: strangers are not linked by that.
fn stated(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !is_empty_word(text))
}

impl Merchant {
    /// Returns a merchant of which nothing is known.
    #[must_use]
    pub fn new(code: CreditCode) -> Self {
        Self {
            code,
            revision: 0,
            rows: ThinVec::new(),
            aliases: ThinVec::new(),
            sectors: ThinVec::new(),
            filings: ThinVec::new(),
            balances: ThinVec::new(),
            custody: ThinVec::new(),
            flows: ThinVec::new(),
            guarantees: ThinVec::new(),
            shops: ThinVec::new(),
            complaints: ThinVec::new(),
            signals: ThinVec::new(),
            rates: ThinVec::new(),
            shares: ThinVec::new(),
            listings: ThinVec::new(),
            acts: ThinVec::new(),
            dealings: None,
            records: None,
            last: None,
            before: None,
        }
    }

    /// Returns the merchant as it was known at `known`: since an import was withdrawn, or before.
    #[must_use]
    pub fn known_at(&self, known: Position) -> &Self {
        self.versions()
            .find(|version| version.before.as_ref().is_none_or(|before| before.until <= known))
            .unwrap_or(self)
    }

    /// Returns what is known of the merchant now, and what was before each withdrawal of an import, newest first.
    pub fn versions(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |version| version.before.as_ref().map(|before| &before.merchant))
    }

    /// Says whether this version of it began with a withdrawal at a position.
    #[must_use]
    pub fn changed_at(&self, position: Position) -> bool {
        self.before.as_ref().is_some_and(|before| before.until == position)
    }

    /// Says whether the merchant is in the register, as known at `known`; if not it is a placeholder (未登记).
    #[must_use]
    pub fn is_registered(&self, known: Position) -> bool {
        self.rows.iter().any(|row| row.position <= known)
    }

    /// Says whether the merchant exists at a horizon: registered, or with some evidence by then (docs/FACTS.md).
    #[must_use]
    pub fn exists(&self, horizon: &Horizon) -> bool {
        fn any<T: Evidence>(items: &[T], horizon: &Horizon) -> bool {
            items.iter().any(|item| item.counts(horizon))
        }
        let known = self.known_at(horizon.known);
        known.is_registered(horizon.known)
            || any(&known.filings, horizon)
            || any(&known.balances, horizon)
            || any(&known.custody, horizon)
            || any(&known.flows, horizon)
            || any(&known.guarantees, horizon)
            || known.shops.iter().any(|shop| any(&shop.exits, horizon))
            || known.complaints.iter().any(|complaint| complaint.counts(horizon))
            || any(&known.signals, horizon)
            || any(&known.rates, horizon)
            || any(&known.shares, horizon)
            || any(&known.listings, horizon)
            || any(&known.acts, horizon)
            || any(&known.sectors, horizon)
            || any(&known.dealings().leads, horizon)
            || any(&known.dealings().checks, horizon)
            || any(&known.dealings().cases, horizon)
            || any(&known.records().leases, horizon)
            || any(&known.records().papers, horizon)
            || any(&known.records().accounts, horizon)
            || any(&known.records().grey, horizon)
            || any(&known.records().locks, horizon)
    }

    /// Says whether anything is known of it at a horizon: where all of it was withdrawn, nothing is.
    #[must_use]
    pub fn is_there(&self, horizon: &Horizon) -> bool {
        self.before.is_none() || self.exists(horizon)
    }

    /// Returns what offices do with each other about it.
    #[must_use]
    pub fn dealings(&self) -> &Dealings {
        self.dealings.as_deref().unwrap_or_else(|| Dealings::none())
    }

    /// Returns what is on record beside the evidence of its light.
    #[must_use]
    pub fn records(&self) -> &Records {
        self.records.as_deref().unwrap_or_else(|| Records::none())
    }

    /// Returns the last value that rows known at `known` state for a detail; where rows differ the last one wins.
    pub fn detail<'a, T>(&'a self, known: Position, pick: impl Fn(&'a RegisterRow) -> Option<T>) -> Option<T> {
        self.rows.iter().rev().filter(|row| row.position <= known).find_map(pick)
    }

    /// Returns the registered name.
    #[must_use]
    pub fn name(&self, known: Position) -> Option<&str> {
        self.detail(known, |row| row.name.as_deref())
    }

    /// Returns its other names that stand and are this one, as that is typed.
    pub fn aliases_called(&self, name: &str) -> impl Iterator<Item = &Alias> {
        self.aliases.iter().filter(move |alias| alias.until == STANDING && name_key::same(&alias.name, name))
    }

    /// Says whether a shop is known that closed.
    #[must_use]
    pub fn has_closed_shop(&self) -> bool {
        self.shops
            .iter()
            .any(|shop| shop.exits.iter().any(|step| step.action == ExitAction::Close && step.until == STANDING))
    }

    /// Returns the brand; a word for *none* (无, /) is none, and takes no earlier one back.
    #[must_use]
    pub fn brand(&self, known: Position) -> Option<&str> {
        self.detail(known, |row| stated(row.brand.as_deref()))
    }

    /// Returns the legal representative with the digest that tells namesakes apart, if both are known.
    #[must_use]
    pub fn representative(&self, known: Position) -> Option<(&str, &str)> {
        let name = self.detail(known, |row| stated(row.legal_representative.as_deref()))?;
        let digest = self.detail(known, |row| stated(row.legal_representative_digest.as_deref()))?;
        Some((name, digest))
    }

    /// Returns the key of the brand.
    #[must_use]
    pub fn brand_key(&self, known: Position) -> Option<Cow<'_, str>> {
        self.brand(known).map(name_key::key)
    }

    /// Returns the key of the representative's name with the digest in one spelling.
    #[must_use]
    pub fn representative_key(&self, known: Position) -> Option<(Cow<'_, str>, Cow<'_, str>)> {
        self.representative(known).map(|(name, digest)| (name_key::key(name), code(digest)))
    }

    /// Returns the division the merchant is supervised in.
    #[must_use]
    pub fn division(&self, known: Position) -> Option<DivisionCode> {
        self.detail(known, |row| row.division_code)
    }

    /// Returns the industry code.
    #[must_use]
    pub fn industry_code(&self, known: Position) -> Option<&str> {
        self.detail(known, |row| row.industry_code.as_deref())
    }

    /// Returns the step that the state of the filing on a day follows from, as known at `known`.
    #[must_use]
    pub fn filing_on(&self, day: Day, known: Position) -> Option<&FilingStep> {
        let counts = |step: &&FilingStep| step.date <= day && step.stands(known) && !step.amends();
        self.filings.iter().rev().find(counts)
    }

    /// Returns the custody bank that the latest step of the filing to name one names.
    #[must_use]
    pub fn bank(&self) -> Option<&str> {
        self.filings.iter().rev().find_map(|step| step.bank.as_deref())
    }

    /// Returns the bank it kept its money at on a day: that of the last filing until then that names one, before the first one that
    /// of the first.
    #[must_use]
    pub fn bank_on(&self, day: Day) -> Option<&str> {
        let named = || self.filings.iter().filter(|step| step.bank.is_some());
        let step = named().rfind(|step| step.date <= day).or_else(|| named().next());
        step.and_then(|step| step.bank.as_deref())
    }

    /// Returns the sector assigned by hand, if one is in force.
    #[must_use]
    pub fn assigned_sector(&self, horizon: &Horizon) -> Option<&Assigned> {
        latest(&self.sectors, horizon.today, horizon.known)
    }

    /// Returns the index of a shop, adding it if it is new.
    pub(super) fn shop_index(&mut self, mall: Option<&str>, unit: Option<&str>, position: Position) -> u32 {
        self.shop_place(mall, unit).unwrap_or_else(|| {
            let name =
                ShopName { mall: mall.unwrap_or_default().to_owned(), unit: unit.unwrap_or_default().to_owned() };
            add(&mut self.shops, Shop { name, position, exits: ThinVec::new() });
            u32::try_from(self.shops.len() - 1).unwrap_or(u32::MAX)
        })
    }

    /// Returns the index of a shop.
    #[must_use]
    pub fn shop_place(&self, mall: Option<&str>, unit: Option<&str>) -> Option<u32> {
        let (mall, unit) = (mall.unwrap_or_default(), unit.unwrap_or_default());
        let place = self.shops.iter().position(|shop| shop.is_at(mall, unit))?;
        u32::try_from(place).ok()
    }

    /// Returns a shop by its place, however that is typed.
    #[must_use]
    pub fn shop(&self, mall: Option<&str>, unit: Option<&str>) -> Option<&Shop> {
        let (mall, unit) = (mall.unwrap_or_default(), unit.unwrap_or_default());
        self.shops.iter().find(|shop| shop.is_at(mall, unit))
    }
}
