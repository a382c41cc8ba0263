//! Everything known about one merchant: the fold of its events, and the evidence its light rests on.
//!
//! Items keep the position they were recorded at, so the same state answers for any day of truth and any point of
//! knowledge ([`Horizon`]). Lists that facts read in order of date are kept in that order, ties by position ("the one
//! recorded later", docs/FACTS.md).

use super::code::{CreditCode, DivisionCode};
use super::code_key::code;
use super::empty_words::is_empty_word;
use super::envelope::Position;
use super::event::ShopName;
use super::money::{Ratio, Yuan};
use super::name_key;
use super::time::{Day, Instant, day_of};
use super::words::{Channel, ComplaintKind, EnforcementKind, ExitAction, FilingStatus, ListKind, Outcome, SignalKind};
use std::borrow::Cow;
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
    /// Sectors assigned by hand, by effective day.
    pub sectors: ThinVec<Assigned>,
    /// Steps of the filing, by day.
    pub filings: ThinVec<FilingStep>,
    /// Declared balances, by day.
    pub balances: ThinVec<Amount>,
    /// Balances in custody, by day.
    pub custody: ThinVec<Amount>,
    /// Abnormal flows, by day.
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
    /// Fingerprints of what was said, sorted: the same row twice is one fact.
    pub said: ThinVec<u64>,
    /// The newest evidence.
    pub last: Option<LastEvidence>,
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

/// A row of the register, reduced to what is asked later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisterRow {
    /// Where it stands.
    pub position: Position,
    /// Name.
    pub name: Option<Box<str>>,
    /// GB/T 4754 code.
    pub industry_code: Option<Box<str>>,
    /// Division.
    pub division_code: Option<DivisionCode>,
    /// Street.
    pub street: Option<Box<str>>,
    /// Representative.
    pub legal_representative: Option<Box<str>>,
    /// Digest of the representative's document.
    pub legal_representative_digest: Option<Box<str>>,
    /// Brand.
    pub brand: Option<Box<str>>,
    /// Founded.
    pub founded_on: Option<Day>,
}

/// A sector assigned by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assigned {
    /// From this day.
    pub effective_on: Day,
    /// Where it stands.
    pub position: Position,
    /// Sector id.
    pub sector: Box<str>,
}

/// A step of a filing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilingStep {
    /// Day.
    pub date: Day,
    /// Where it stands.
    pub position: Position,
    /// State reached.
    pub status: FilingStatus,
    /// Custody bank, if the step names one.
    pub bank: Option<Box<str>>,
}

/// An amount true for a day. Packed, because a merchant has more of these than of everything else together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(Rust, packed(4))]
pub struct Amount {
    /// Day.
    pub date: Day,
    /// Where it stands.
    pub position: Position,
    /// Yuan.
    pub amount: Yuan,
}

/// Something that happened on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dated {
    /// Day.
    pub date: Day,
    /// Where it stands.
    pub position: Position,
}

/// A guarantee or insurance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GuaranteeItem {
    /// First day.
    pub from: Day,
    /// Last day.
    pub until: Day,
    /// Where it stands.
    pub position: Position,
    /// Face value.
    pub amount: Yuan,
}

/// A shop and the steps of its exits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shop {
    /// Mall and unit.
    pub name: ShopName,
    /// Where it was first spoken of.
    pub position: Position,
    /// Steps of its exits, by day.
    pub exits: ThinVec<ExitItem>,
}

/// A step of an exit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExitItem {
    /// Day.
    pub date: Day,
    /// Where it stands.
    pub position: Position,
    /// Which step.
    pub action: ExitAction,
    /// Planned last day, as stated.
    pub planned_on: Option<Day>,
}

/// A complaint as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// Ticket.
    pub ticket: Box<str>,
    /// Number of events in its stream.
    pub revision: u32,
    /// Where it was received.
    pub position: Position,
    /// When it was received.
    pub received_at: Instant,
    /// Channel.
    pub channel: Channel,
    /// What it asks for.
    pub kind: ComplaintKind,
    /// Money at stake.
    pub amount: Option<Yuan>,
    /// Due time, and where that was stated.
    pub due: Option<(Instant, Position)>,
    /// First answer.
    pub answered: Option<(Instant, Position)>,
    /// Closing.
    pub closed: Option<(Instant, Position, Outcome)>,
}

/// A risk signal: one shop, one kind, one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signal {
    /// Index in [`Merchant::shops`].
    pub shop: u32,
    /// Which.
    pub kind: SignalKind,
    /// Since when.
    pub date: Day,
    /// Where it stands.
    pub position: Position,
    /// First days it was no longer there, as stated one after the other; the last one known counts.
    pub cleared: ThinVec<(Day, Position)>,
}

/// A ratio about a shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RatioItem {
    /// Index in [`Merchant::shops`].
    pub shop: u32,
    /// Day.
    pub date: Day,
    /// Where it stands.
    pub position: Position,
    /// The ratio.
    pub ratio: Ratio,
}

/// An entry in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// Which list.
    pub list: ListKind,
    /// First day on it.
    pub entered_on: Day,
    /// Where it stands.
    pub position: Position,
    /// First days no longer on it, as stated one after the other; the last one known counts.
    pub removed: ThinVec<(Day, Position)>,
}

/// An act of enforcement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Act {
    /// Day.
    pub date: Day,
    /// Where it stands.
    pub position: Position,
    /// Which.
    pub kind: EnforcementKind,
    /// Last day to comply, for orders.
    pub due_on: Option<Day>,
}

/// An item that counts from a day on and was recorded somewhere.
pub trait Evidence {
    /// First day it counts.
    fn date(&self) -> Day;
    /// Where it was recorded.
    fn position(&self) -> Position;
    /// Says whether it counts at this horizon.
    fn counts(&self, horizon: &Horizon) -> bool {
        self.date() <= horizon.today && self.position() <= horizon.known
    }
}

macro_rules! evidence {
    ($($item:ty: $date:ident),+ $(,)?) => {$(
        impl Evidence for $item {
            fn date(&self) -> Day { self.$date }
            fn position(&self) -> Position { self.position }
        }
    )+};
}

evidence!(
    Assigned: effective_on,
    FilingStep: date,
    Amount: date,
    Dated: date,
    GuaranteeItem: from,
    ExitItem: date,
    Signal: date,
    RatioItem: date,
    Listing: entered_on,
    Act: date,
);

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
            said: ThinVec::new(),
            last: None,
        }
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
        self.is_registered(horizon.known)
            || any(&self.filings, horizon)
            || any(&self.balances, horizon)
            || any(&self.custody, horizon)
            || any(&self.flows, horizon)
            || any(&self.guarantees, horizon)
            || self.shops.iter().any(|shop| any(&shop.exits, horizon))
            || self.complaints.iter().any(|complaint| complaint.counts(horizon))
            || any(&self.signals, horizon)
            || any(&self.rates, horizon)
            || any(&self.shares, horizon)
            || any(&self.listings, horizon)
            || any(&self.acts, horizon)
            || any(&self.sectors, horizon)
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

    /// Says whether a shop is known that closed.
    #[must_use]
    pub fn has_closed_shop(&self) -> bool {
        self.shops.iter().any(|shop| shop.exits.iter().any(|step| step.action == ExitAction::Close))
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

    /// Returns the custody bank that the latest step of the filing to name one names.
    #[must_use]
    pub fn bank(&self) -> Option<&str> {
        self.filings.iter().rev().find_map(|step| step.bank.as_deref())
    }

    /// Returns the sector assigned by hand, if one is in force.
    #[must_use]
    pub fn assigned_sector(&self, horizon: &Horizon) -> Option<&Assigned> {
        latest(&self.sectors, horizon.today, horizon.known)
    }

    /// Returns the index of a shop, adding it if it is new.
    pub(super) fn shop_index(&mut self, mall: Option<&str>, unit: Option<&str>, position: Position) -> u32 {
        let (mall, unit) = (mall.unwrap_or_default(), unit.unwrap_or_default());
        let found = self.shops.iter().position(|shop| shop.is_at(mall, unit));
        let index = found.unwrap_or_else(|| {
            let name = ShopName { mall: mall.to_owned(), unit: unit.to_owned() };
            add(&mut self.shops, Shop { name, position, exits: ThinVec::new() });
            self.shops.len() - 1
        });
        u32::try_from(index).unwrap_or(u32::MAX)
    }

    /// Returns a shop by its place, however that is typed.
    #[must_use]
    pub fn shop(&self, mall: Option<&str>, unit: Option<&str>) -> Option<&Shop> {
        let (mall, unit) = (mall.unwrap_or_default(), unit.unwrap_or_default());
        self.shops.iter().find(|shop| shop.is_at(mall, unit))
    }

    /// Says whether a row with this fingerprint was recorded before.
    #[must_use]
    pub fn has_said(&self, fingerprint: u64) -> bool {
        self.said.binary_search(&fingerprint).is_ok()
    }
}

impl Shop {
    /// Says whether a shop is at this place: names compare by key.
    #[must_use]
    pub fn is_at(&self, mall: &str, unit: &str) -> bool {
        name_key::same(&self.name.unit, unit) && name_key::same(&self.name.mall, mall)
    }

    /// Says whether a shop is in this mall.
    #[must_use]
    pub fn is_in(&self, mall: &str) -> bool {
        name_key::same(&self.name.mall, mall)
    }
}

/// Appends an item; see [`put`].
pub(super) fn add<T>(items: &mut ThinVec<T>, item: T) {
    put(items, items.len(), item);
}

/// Inserts an item. Lists of a merchant are many and short, so they grow by an eighth instead of doubling.
pub(super) fn put<T>(items: &mut ThinVec<T>, place: usize, item: T) {
    if items.len() == items.capacity() {
        items.reserve_exact(items.len() / 8 + 1);
    }
    items.insert(place, item);
}

/// Returns the last item dated at or before `day` that was known at `known`, from a list kept by date.
#[must_use]
pub fn latest<T: Evidence>(items: &[T], day: Day, known: Position) -> Option<&T> {
    items.iter().rev().find(|item| item.date() <= day && item.position() <= known)
}

/// Says whether the end last stated, as known at a horizon, has come.
fn is_over(ends: &[(Day, Position)], horizon: &Horizon) -> bool {
    let known = ends.iter().rev().find(|(_, position)| *position <= horizon.known);
    known.is_some_and(|(day, _)| *day <= horizon.today)
}

impl Complaint {
    /// Says whether the complaint was received and known by this horizon.
    #[must_use]
    pub fn counts(&self, horizon: &Horizon) -> bool {
        self.received_at <= horizon.now && self.position <= horizon.known
    }

    /// Returns how the complaint ended, if it had by this horizon.
    #[must_use]
    pub fn outcome(&self, horizon: &Horizon) -> Option<Outcome> {
        self.closed
            .filter(|(at, position, _)| *at <= horizon.now && *position <= horizon.known)
            .map(|(_, _, outcome)| outcome)
    }

    /// Says whether a first answer was given by this horizon.
    #[must_use]
    pub fn is_answered(&self, horizon: &Horizon) -> bool {
        self.answered.is_some_and(|(at, position)| at <= horizon.now && position <= horizon.known)
    }
}

impl Signal {
    /// Says whether the signal is up: raised and not cleared by this horizon.
    #[must_use]
    pub fn is_up(&self, horizon: &Horizon) -> bool {
        self.counts(horizon) && !is_over(&self.cleared, horizon)
    }
}

impl Listing {
    /// Says whether the merchant is on the list at this horizon.
    #[must_use]
    pub fn is_on(&self, horizon: &Horizon) -> bool {
        self.counts(horizon) && !is_over(&self.removed, horizon)
    }
}
