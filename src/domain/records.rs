//! What is on record about a merchant beside the evidence of its light: leases, checked papers and brands of its shops, custody
//! accounts, the grey list (灰名单), locks of persons (锁定登记). No fact and no light rests on it; figures and people do.
//!
//! Each is one thing by what the contract names it by ([`Entry`]): said otherwise later it is corrected, what a later row leaves out
//! stays, and what was made by mistake is cancelled.

use super::code_key::code;
use super::envelope::Position;
use super::event::{CustodyAccount, Entry, Event, GreyListed, PersonLocked};
use super::evidence::{Evidence, Replaced, STANDING, end_all, ended, standing};
use super::merchant::Merchant;
use super::name_key;
use super::standing::{Entered, agrees, among, end_stands};
use super::time::{self, Day, Instant};
use super::words::AccountAction;
use uuid::Uuid;

/// What is on record about one merchant; of most merchants there is nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Records {
    /// Leases, in the order recorded.
    pub leases: Vec<Lease>,
    /// Checks of papers, in the order recorded.
    pub papers: Vec<Papers>,
    /// Brands of shops, in the order recorded.
    pub brands: Vec<ShopBrand>,
    /// Openings and closings of custody accounts, in the order recorded.
    pub accounts: Vec<Account>,
    /// Entries in the grey list, in the order recorded.
    pub grey: Vec<GreyEntry>,
    /// Locks of persons, in the order recorded.
    pub locks: Vec<Lock>,
    /// What the merchant said for itself, in the order recorded.
    pub statements: Vec<Statement>,
}

/// What a merchant said for itself: an answer, or an objection to its light.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Where it stands.
    pub position: Position,
    /// When it was recorded.
    pub at: Instant,
    /// The light change that it objects to; `None` for an answer.
    pub against: Option<Uuid>,
    /// What it says.
    pub text: Box<str>,
}

/// A lease of a shop, named by its first day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Index in [`Merchant::shops`].
    pub shop: u32,
    /// First day.
    pub from: Day,
    /// Last day.
    pub ends_on: Day,
    /// Where it stands.
    pub position: Position,
    /// Up to where it stood.
    pub until: Position,
}

/// A check of a shop's licence and papers, named by its day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Papers {
    /// Index in [`Merchant::shops`].
    pub shop: u32,
    /// Day.
    pub date: Day,
    /// They were in order.
    pub in_order: bool,
    /// Where it stands.
    pub position: Position,
    /// Up to where it stood.
    pub until: Position,
}

/// A brand that a shop carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShopBrand {
    /// Index in [`Merchant::shops`].
    pub shop: u32,
    /// The brand, as first typed.
    pub brand: Box<str>,
    /// Where it stands.
    pub position: Position,
    /// Up to where it stood.
    pub until: Position,
}

/// The opening or closing of a custody account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Which of the two.
    pub action: AccountAction,
    /// Day.
    pub date: Day,
    /// Bank, as first typed.
    pub bank: Box<str>,
    /// Last digits of the account.
    pub tail: Option<Box<str>>,
    /// Where it stands.
    pub position: Position,
    /// Up to where it stood.
    pub until: Position,
}

/// An entry in the grey list, named by its first day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GreyEntry {
    /// First day on it.
    pub entered_on: Day,
    /// Why.
    pub ground: Option<Box<str>>,
    /// Day on which it is looked at again.
    pub review_on: Option<Day>,
    /// First day no longer on it, as last said.
    pub removed_on: Option<Day>,
    /// Where it stands.
    pub position: Position,
    /// Up to where it stood.
    pub until: Position,
}

/// A lock of a person, named by the digest of the person's document and its first day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// Name of the person.
    pub person: Box<str>,
    /// Digest of the person's document.
    pub digest: Box<str>,
    /// First day.
    pub locked_on: Day,
    /// What the person was there.
    pub role: Option<Box<str>>,
    /// Document number.
    pub number: Option<Box<str>>,
    /// First day without it, as last said.
    pub lifted_on: Option<Day>,
    /// Where it stands.
    pub position: Position,
    /// Up to where it stood.
    pub until: Position,
}

macro_rules! evidence {
    ($($item:ident $date:ident),+) => {$(
        impl Evidence for $item {
            fn date(&self) -> Day { self.$date }
            fn position(&self) -> Position { self.position }
            fn until(&self) -> Position { self.until }
        }

        impl Replaced for $item {
            fn end(&mut self, at: Position) { self.until = at; }
        }
    )+};
}

evidence!(Lease from, Papers date, Account date, GreyEntry entered_on, Lock locked_on);

impl Lease {
    fn is(&self, shop: Option<u32>, from: Day) -> bool {
        Some(self.shop) == shop && self.from == from
    }
}

impl Papers {
    fn is(&self, shop: Option<u32>, date: Day) -> bool {
        Some(self.shop) == shop && self.date == date
    }
}

impl ShopBrand {
    fn is(&self, shop: Option<u32>, brand: &str) -> bool {
        Some(self.shop) == shop && name_key::same(&self.brand, brand)
    }
}

impl GreyEntry {
    /// Says whether the merchant is on the grey list on a day.
    #[must_use]
    pub fn is_on(&self, day: Day) -> bool {
        self.until == STANDING && self.entered_on <= day && self.removed_on.is_none_or(|removed| day < removed)
    }
}

impl Lock {
    /// Says whether it is this person's, however name and digest are typed.
    #[must_use]
    pub fn is_of(&self, person: &str, digest: &str) -> bool {
        name_key::same(&self.person, person) && code(&self.digest) == code(digest)
    }

    /// Says whether the person is locked on a day.
    #[must_use]
    pub fn is_on(&self, day: Day) -> bool {
        self.until == STANDING && self.locked_on <= day && self.lifted_on.is_none_or(|lifted| day < lifted)
    }

    pub(super) fn is(&self, digest: &str, locked_on: Day) -> bool {
        self.locked_on == locked_on && code(&self.digest) == code(digest)
    }
}

impl Account {
    fn is(&self, action: AccountAction, bank: &str, date: Day) -> bool {
        (self.action, self.date) == (action, date) && name_key::same(&self.bank, bank)
    }
}

impl Records {
    /// Returns records of which there are none.
    #[must_use]
    pub const fn none() -> &'static Self {
        const NONE: &Records = &Records {
            leases: Vec::new(),
            papers: Vec::new(),
            brands: Vec::new(),
            accounts: Vec::new(),
            grey: Vec::new(),
            locks: Vec::new(),
            statements: Vec::new(),
        };
        NONE
    }
}

/// Takes an event into account; says whether it was one of these.
pub(super) fn apply(merchant: &mut Merchant, position: Position, event: &Event) -> bool {
    let until = STANDING;
    match event {
        Event::LeaseRecorded(row) => {
            let shop = merchant.shop_index(row.mall.as_deref(), row.unit.as_deref(), position);
            let leases = &mut merchant.records_mut().leases;
            ended(leases, position, |lease| lease.is(Some(shop), row.from));
            leases.push(Lease { shop, from: row.from, ends_on: row.until, position, until });
        }
        Event::PapersChecked(row) => {
            let shop = merchant.shop_index(row.mall.as_deref(), row.unit.as_deref(), position);
            let papers = &mut merchant.records_mut().papers;
            ended(papers, position, |check| check.is(Some(shop), row.date));
            papers.push(Papers { shop, date: row.date, in_order: row.in_order, position, until });
        }
        Event::ShopLinked(row) => {
            let shop = merchant.shop_index(row.mall.as_deref(), row.unit.as_deref(), position);
            merchant.records_mut().brands.push(ShopBrand { shop, brand: row.brand.as_str().into(), position, until });
        }
        Event::AccountOpened(row) => account(merchant, position, row, AccountAction::Open),
        Event::AccountClosed(row) => account(merchant, position, row, AccountAction::Close),
        Event::GreyListed(row) => grey_listed(merchant, position, row),
        Event::GreyDelisted(row) => {
            let standing = |entry: &&mut GreyEntry| entry.until == STANDING && entry.entered_on == row.entered_on;
            if let Some(entry) = merchant.records_mut().grey.iter_mut().rfind(standing) {
                entry.removed_on = time::end(Some(row.removed_on));
            }
        }
        Event::MerchantReplied(row) => stated(merchant, position, None, &row.text),
        Event::ObjectionRaised(row) => stated(merchant, position, Some(row.against), &row.text),
        Event::PersonLocked(row) => locked(merchant, position, row),
        Event::PersonUnlocked(row) => {
            let standing = |lock: &&mut Lock| lock.until == STANDING && lock.is(&row.person_digest, row.locked_on);
            if let Some(lock) = merchant.records_mut().locks.iter_mut().rfind(standing) {
                lock.lifted_on = time::end(Some(row.lifted_on));
            }
        }
        _ => return false,
    }
    true
}

fn account(merchant: &mut Merchant, position: Position, row: &CustodyAccount, action: AccountAction) {
    let accounts = &mut merchant.records_mut().accounts;
    let stood = ended(accounts, position, |other| other.is(action, &row.bank, row.date));
    let tail = row.account_tail.as_deref().map(Box::from).or_else(|| stood.and_then(|stood| stood.tail.clone()));
    let (date, bank) = (row.date, row.bank.as_str().into());
    accounts.push(Account { action, date, bank, tail, position, until: STANDING });
}

fn stated(merchant: &mut Merchant, position: Position, against: Option<Uuid>, text: &str) {
    // The merchant was told of this event before its fold.
    let at = merchant.last.map_or(Instant::UNIX_EPOCH, |last| last.recorded_at);
    merchant.records_mut().statements.push(Statement { position, at, against, text: text.into() });
}

fn grey_listed(merchant: &mut Merchant, position: Position, row: &GreyListed) {
    let grey = &mut merchant.records_mut().grey;
    let mut entry = GreyEntry {
        entered_on: row.entered_on,
        ground: row.ground.as_deref().map(Box::from),
        review_on: row.review_on,
        removed_on: None,
        position,
        until: STANDING,
    };
    if let Some(stood) = ended(grey, position, |other| other.entered_on == row.entered_on) {
        entry.ground = entry.ground.or_else(|| stood.ground.clone());
        entry.review_on = entry.review_on.or(stood.review_on);
        entry.removed_on = stood.removed_on;
    }
    grey.push(entry);
}

fn locked(merchant: &mut Merchant, position: Position, row: &PersonLocked) {
    let locks = &mut merchant.records_mut().locks;
    let mut lock = Lock {
        person: row.person.as_str().into(),
        digest: row.person_digest.as_str().into(),
        locked_on: row.locked_on,
        role: row.role.as_deref().map(Box::from),
        number: row.number.as_deref().map(Box::from),
        lifted_on: None,
        position,
        until: STANDING,
    };
    if let Some(stood) = ended(locks, position, |other| other.is(&row.person_digest, row.locked_on)) {
        lock.role = lock.role.or_else(|| stood.role.clone());
        lock.number = lock.number.or_else(|| stood.number.clone());
        lock.lifted_on = stood.lifted_on;
    }
    locks.push(lock);
}

/// Says whether an event would say only what stands already.
pub(super) fn stands(merchant: &Merchant, event: &Event) -> bool {
    let records = merchant.records();
    match event {
        Event::LeaseRecorded(row) => {
            let shop = merchant.shop_place(row.mall.as_deref(), row.unit.as_deref());
            standing(&records.leases, |lease| lease.is(shop, row.from)).is_some_and(|lease| lease.ends_on == row.until)
        }
        Event::PapersChecked(row) => {
            let shop = merchant.shop_place(row.mall.as_deref(), row.unit.as_deref());
            standing(&records.papers, |check| check.is(shop, row.date))
                .is_some_and(|check| check.in_order == row.in_order)
        }
        Event::ShopLinked(row) => {
            let shop = merchant.shop_place(row.mall.as_deref(), row.unit.as_deref());
            records.brands.iter().any(|stood| stood.until == STANDING && stood.is(shop, &row.brand))
        }
        Event::AccountOpened(row) => account_stands(records, row, AccountAction::Open),
        Event::AccountClosed(row) => account_stands(records, row, AccountAction::Close),
        Event::GreyListed(row) => {
            standing(&records.grey, |entry| entry.entered_on == row.entered_on).is_some_and(|entry| {
                agrees(entry.ground.as_deref(), row.ground.as_deref()) && agrees(entry.review_on, row.review_on)
            })
        }
        Event::GreyDelisted(row) => {
            let stood = standing(&records.grey, |entry| entry.entered_on == row.entered_on);
            end_stands(stood.and_then(|entry| entry.removed_on), row.removed_on)
        }
        Event::PersonLocked(row) => standing(&records.locks, |lock| lock.is(&row.person_digest, row.locked_on))
            .is_some_and(|lock| {
                name_key::same(&lock.person, &row.person)
                    && agrees(lock.role.as_deref(), row.role.as_deref())
                    && agrees(lock.number.as_deref(), row.number.as_deref())
            }),
        Event::PersonUnlocked(row) => {
            let stood = standing(&records.locks, |lock| lock.is(&row.person_digest, row.locked_on));
            end_stands(stood.and_then(|lock| lock.lifted_on), row.lifted_on)
        }
        _ => false,
    }
}

fn account_stands(records: &Records, row: &CustodyAccount, action: AccountAction) -> bool {
    standing(&records.accounts, |other| other.is(action, &row.bank, row.date)).is_some_and(|stood| {
        let said = row.account_tail.as_deref();
        said.is_none_or(|said| stood.tail.as_deref().is_some_and(|tail| code(tail) == code(said)))
    })
}

/// Says how an entry stands that somebody wants to cancel; `None` if it is none of these.
pub(super) fn entered(merchant: &Merchant, entry: &Entry) -> Option<Entered> {
    let records = merchant.records();
    Some(match entry {
        Entry::Lease { mall, unit, from } => {
            let shop = merchant.shop_place(mall.as_deref(), unit.as_deref());
            among(&records.leases, |lease| lease.is(shop, *from))
        }
        Entry::Papers { mall, unit, date } => {
            let shop = merchant.shop_place(mall.as_deref(), unit.as_deref());
            among(&records.papers, |check| check.is(shop, *date))
        }
        Entry::ShopBrand { mall, unit, brand } => {
            let shop = merchant.shop_place(mall.as_deref(), unit.as_deref());
            judged(records.brands.iter().filter(|stood| stood.is(shop, brand)).map(|stood| stood.until))
        }
        Entry::Account { action, bank, date } => among(&records.accounts, |item| item.is(*action, bank, *date)),
        Entry::GreyListing { entered_on } => among(&records.grey, |entry| entry.entered_on == *entered_on),
        Entry::Lock { person_digest, locked_on } => among(&records.locks, |lock| lock.is(person_digest, *locked_on)),
        _ => return None,
    })
}

/// Says how an entry stands whose items stood up to these places.
pub(super) fn judged(until: impl Iterator<Item = Position>) -> Entered {
    until.fold(Entered::Never, |found, until| match (found, until) {
        (Entered::Stands, _) | (_, STANDING) => Entered::Stands,
        _ => Entered::Ended,
    })
}

/// Ends an entry that was made by mistake, if it is one of these.
pub(super) fn cancel(merchant: &mut Merchant, at: Position, entry: &Entry) {
    match entry {
        Entry::Lease { mall, unit, from } => {
            let shop = merchant.shop_place(mall.as_deref(), unit.as_deref());
            end_all(&mut merchant.records_mut().leases, at, |lease| lease.is(shop, *from));
        }
        Entry::Papers { mall, unit, date } => {
            let shop = merchant.shop_place(mall.as_deref(), unit.as_deref());
            end_all(&mut merchant.records_mut().papers, at, |check| check.is(shop, *date));
        }
        Entry::ShopBrand { mall, unit, brand } => {
            let shop = merchant.shop_place(mall.as_deref(), unit.as_deref());
            let same = |stood: &&mut ShopBrand| stood.until == STANDING && stood.is(shop, brand);
            merchant.records_mut().brands.iter_mut().filter(same).for_each(|stood| stood.until = at);
        }
        Entry::Account { action, bank, date } => {
            end_all(&mut merchant.records_mut().accounts, at, |item| item.is(*action, bank, *date));
        }
        Entry::GreyListing { entered_on } => {
            end_all(&mut merchant.records_mut().grey, at, |entry| entry.entered_on == *entered_on);
        }
        Entry::Lock { person_digest, locked_on } => {
            end_all(&mut merchant.records_mut().locks, at, |lock| lock.is(person_digest, *locked_on));
        }
        _ => {}
    }
}
