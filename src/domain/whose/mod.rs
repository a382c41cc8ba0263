//! Who is meant (待认领): a ticket without a credit code finds its merchant by what it says of the shop. Only what agrees by key and
//! leads to one merchant is taken; everything else waits for a person, with candidates and why. Nothing is guessed.

mod alias;
mod decide;
mod ground;
mod near;
mod queue;

pub use alias::{Offer, is_shared, names_nobody, offers};
pub(super) use alias::{new_alias, old_alias};
pub use decide::{QUEUED, found_now};
pub(super) use decide::{about, by_code, decide_queued, left_waiting, queue_row};
pub use ground::districts;
pub use near::{Candidate, Near};
pub use queue::{Entry, Place, Queue, State, name_of};

use super::command::RecordUnattributed;
use super::event::ComplaintQueued;
use super::evidence::{self, STANDING};
use super::merchant::Merchant;
use super::name_key::{key, same};
use super::words::Agreement;
use super::world::World;

/// What a ticket says of the shop it means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Clues<'a> {
    /// Name of the shop or company.
    pub name: Option<&'a str>,
    /// Address.
    pub address: Option<&'a str>,
    /// Mall.
    pub mall: Option<&'a str>,
    /// Brand.
    pub brand: Option<&'a str>,
    /// Street or town.
    pub street: Option<&'a str>,
}

macro_rules! clues {
    ($row:expr) => {
        Clues {
            name: named($row.name.as_deref()),
            address: named($row.address.as_deref()),
            mall: named($row.mall.as_deref()),
            brand: named($row.brand.as_deref()),
            street: named($row.street.as_deref()),
        }
    };
}

impl<'a> From<&'a RecordUnattributed> for Clues<'a> {
    fn from(row: &'a RecordUnattributed) -> Self {
        clues!(row)
    }
}

impl<'a> From<&'a ComplaintQueued> for Clues<'a> {
    fn from(row: &'a ComplaintQueued) -> Self {
        clues!(row)
    }
}

/// A clue that names something: asterisks, which some exports put in place of a name, do not.
fn named(text: Option<&str>) -> Option<&str> {
    text.filter(|text| text.chars().any(char::is_alphanumeric) && !text.contains("**"))
}

/// What merchants are asked for by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By<'a> {
    /// The registered name, or an alias of it, by key.
    Name(&'a str),
    /// The brand, by key.
    Brand(&'a str),
}

impl By<'_> {
    /// Says whether a merchant in the register is just so called now.
    #[must_use]
    pub fn is(&self, merchant: &Merchant) -> bool {
        match self {
            // An alias stays where the import that had registered its merchant was withdrawn.
            Self::Name(name) => {
                is_registered_as(merchant, name)
                    || merchant.is_registered(STANDING) && merchant.aliases_called(name).next().is_some()
            }
            Self::Brand(brand) => merchant.brand(STANDING).is_some_and(|own| same(own, brand)),
        }
    }
}

/// Returns the one merchant that a ticket's clues lead to by key, with what agrees; `None` if there is none, or more than one, if
/// anything it says speaks against it, or if nothing but the name speaks for it. `called` returns every merchant with a name or a brand.
///
/// Three ways lead there: the registered name together with a mall that has a shop of it, or with its brand and its street; a name that
/// a person said is always this merchant's (别名), where it is meant; or, where no other name is said, a brand that nobody else has
/// together with the mall that has its shop. A name that several have leads on only where the mall tells them apart, or where a person
/// said that it means one of them.
pub fn exact<'a>(
    clues: &Clues<'_>,
    called: impl Fn(By<'_>) -> Vec<&'a Merchant>,
) -> Option<(&'a Merchant, Vec<Agreement>)> {
    if let Some(name) = clues.name {
        let mut meant = called(By::Name(name));
        meant.retain(|merchant| is_registered_as(merchant, name) || alias::meant(clues, merchant).is_some());
        // Whoever bears it as a brand may be called so as well as whoever has it as another name.
        if meant.iter().any(|merchant| !is_registered_as(merchant, name)) {
            let others = called(By::Brand(name)).into_iter();
            meant.extend(others.filter(|other| !meant.iter().any(|one| one.code == other.code)).collect::<Vec<_>>());
        }
        let is_here = |merchant: &&Merchant| {
            has_shop_in(merchant, clues.mall) || alias::meant(clues, merchant).is_some_and(evidence::Alias::is_narrowed)
        };
        let one = if meant.len() > 1 { only(meant.iter().copied().filter(is_here)) } else { meant.first().copied() };
        if let Some(one) = one.filter(|one| !speaks_against(clues, one, alias::meant(clues, one))) {
            let agreed = reasons(clues, one);
            return (alias::meant(clues, one).is_some() || is_borne_out(clues, one)).then_some((one, agreed));
        }
        if !meant.is_empty() {
            return None;
        }
    }
    let brand = match (clues.brand, clues.name) {
        (Some(brand), Some(name)) if !same(brand, name) => return None,
        (brand, name) => brand.or(name)?,
    };
    clues.mall?;
    // Of a chain another company may be in that mall, which nobody registered yet.
    let one = only(called(By::Brand(brand)).into_iter()).filter(|one| !speaks_against(clues, one, None))?;
    Some((one, reasons(clues, one)))
}

impl World {
    /// Returns [`exact`] among the merchants of this world.
    #[must_use]
    pub fn whose(&self, clues: &Clues<'_>) -> Option<(&Merchant, Vec<Agreement>)> {
        exact(clues, |by| self.called(by))
    }
}

fn only<T>(mut all: impl Iterator<Item = T>) -> Option<T> {
    let first = all.next();
    first.filter(|_| all.next().is_none())
}

fn is_registered_as(merchant: &Merchant, name: &str) -> bool {
    merchant.name(STANDING).is_some_and(|own| same(own, name))
}

fn has_shop_in(merchant: &Merchant, mall: Option<&str>) -> bool {
    mall.is_some_and(|mall| merchant.shops.iter().any(|shop| same(&shop.name.mall, mall)))
}

/// Says whether more than the name speaks for a merchant. A namesake may be out there that nobody registered yet, and a street has
/// many shops: it takes the mall, or the street together with the brand.
fn is_borne_out(clues: &Clues<'_>, merchant: &Merchant) -> bool {
    let is_named = |mall: &str| {
        clues.mall.is_some_and(|said| same(said, mall))
            || clues.address.is_some_and(|address| names_place(address, mall))
    };
    let brand = clues.brand.zip(merchant.brand(STANDING)).is_some_and(|(said, known)| same(said, known));
    let street = merchant.detail(STANDING, |row| row.street.as_deref()).is_some_and(|street| {
        clues.street.is_some_and(|said| same(said, street))
            || clues.address.is_some_and(|address| names_place(address, street))
    });
    merchant.shops.iter().any(|shop| is_named(&shop.name.mall)) || brand && street
}

/// Says whether something that a ticket says is otherwise with a merchant, or cannot be held against what is known of it: an address
/// has to name its street. Where a person told that the name means it, an address need only name no other street, and the place that
/// was told is right.
fn speaks_against(clues: &Clues<'_>, merchant: &Merchant, told: Option<&evidence::Alias>) -> bool {
    let differs = |said: Option<&str>, known: Option<&str>| {
        said.is_some_and(|said| known.is_some_and(|known| !same(said, known)))
    };
    let street = merchant.detail(STANDING, |row| row.street.as_deref());
    let elsewhere = |address: &str| {
        let named = street.is_some_and(|street| names_place(address, street));
        !named && (told.is_none() || alias::names_a_street(address))
    };
    let is_told = |place: fn(&evidence::Alias) -> &Option<Box<str>>| told.is_some_and(|told| place(told).is_some());
    clues.mall.is_some() && !has_shop_in(merchant, clues.mall) && !is_told(|told| &told.mall)
        || differs(clues.brand, merchant.brand(STANDING))
        || !is_told(|told| &told.street) && (differs(clues.street, street) || clues.address.is_some_and(elsewhere))
}

/// Says whether an address names a place.
fn names_place(address: &str, place: &str) -> bool {
    !place.is_empty() && key(address).contains(&*key(place))
}

/// Returns what agrees by key between a ticket and a merchant.
#[must_use]
pub fn reasons(clues: &Clues<'_>, merchant: &Merchant) -> Vec<Agreement> {
    let is = |said: Option<&str>, known: Option<&str>| said.zip(known).is_some_and(|(said, known)| same(said, known));
    let (name, brand) = (merchant.name(STANDING), merchant.brand(STANDING));
    let street = merchant.detail(STANDING, |row| row.street.as_deref());
    let mut found = Vec::new();
    if is(clues.name, name) {
        found.push(Agreement::Name);
    } else if alias::meant(clues, merchant).is_some() {
        found.push(Agreement::Alias);
    } else if merchant.rows.iter().any(|row| is(clues.name, row.name.as_deref())) {
        found.push(Agreement::FormerName);
    }
    if is(clues.brand, brand) || is(clues.name, brand) {
        found.push(Agreement::Brand);
    }
    if has_shop_in(merchant, clues.mall) {
        found.push(Agreement::Mall);
    }
    if is(clues.street, street) {
        found.push(Agreement::Street);
    }
    let lies_at = |place: &str| clues.address.is_some_and(|address| names_place(address, place));
    if merchant.shops.iter().any(|shop| lies_at(&shop.name.mall)) || street.is_some_and(lies_at) {
        found.push(Agreement::Address);
    }
    found
}

/// Returns every name and brand a merchant ever had in the register, and every alias.
fn names(merchant: &Merchant) -> impl Iterator<Item = &str> {
    let now = [merchant.name(STANDING), merchant.brand(STANDING)].into_iter().flatten();
    let now = now.chain(merchant.aliases.iter().map(|alias| &*alias.name));
    now.chain(merchant.rows.iter().flat_map(|row| [row.name.as_deref(), row.brand.as_deref()]).flatten())
}
