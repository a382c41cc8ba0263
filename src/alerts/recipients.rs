//! Who is told (收件人): the list `policies/recipients.toml` and the choice for one merchant. The list names single addresses
//! (`[[recipient]]`), or offices with their people (`[[office]]`) and the routes to them (`[[route]]`); [`read`] checks it.

mod digests;
mod entries;
mod read;

pub use digests::{Digests, Slot};
pub use read::{Expectation, RecipientsError};

use crate::domain::code::DivisionCode;
use crate::domain::event::Recipient;
use crate::domain::time::Day;
use crate::policy::follow_up::{Hours, Upward};
use entries::Entries;
use std::fmt;
use std::str::FromStr;

/// The list that is compiled in: sample addresses under a reserved domain, which reach nobody.
pub const BUILT_IN: &str = include_str!("../../policies/recipients.toml");

/// Language of a text for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LetterLanguage {
    /// Simplified Chinese.
    Chinese,
    /// English.
    English,
}

impl LetterLanguage {
    /// Returns the BCP 47 tag: `zh-CN` or `en`.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Chinese => "zh-CN",
            Self::English => "en",
        }
    }
}

impl fmt::Display for LetterLanguage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.tag())
    }
}

/// A language this service has no texts for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a language of this service; use `zh-CN` or `en`")]
pub struct UnknownLanguage(String);

impl FromStr for LetterLanguage {
    type Err = UnknownLanguage;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "zh-CN" => Ok(Self::Chinese),
            "en" => Ok(Self::English),
            other => Err(UnknownLanguage(other.to_owned())),
        }
    }
}

/// Which merchants an entry is for, by sector.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Remit {
    /// The regulator of one sector (行业主管部门).
    Sector(String),
    /// Every sector that has no entry of its own here (`*`).
    AnySector,
    /// The lead office (专班办公室): undetermined sectors, and sectors that nobody is named for.
    Lead,
}

impl Remit {
    /// Returns the word the list has for it.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Sector(sector) => sector,
            Self::AnySector => "*",
            Self::Lead => "lead",
        }
    }
}

/// Where a merchant is supervised, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// District.
    pub division: Option<DivisionCode>,
    /// Street or town (街道、乡镇), as it was typed.
    pub street: Option<String>,
}

/// Which merchants an entry is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ground {
    /// By sector.
    pub remit: Remit,
    /// First digits of the division; empty for everywhere.
    pub division: String,
    /// Street; `None` for all of the division.
    pub street: Option<String>,
}

impl Ground {
    /// Says how close it is: a district's own comes before the city's, a street's before its district's.
    const fn closeness(&self) -> (usize, bool) {
        (self.division.len(), self.street.is_some())
    }
}

/// One entry of the list, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    /// Where it stands: `entry 3`, `route 2`.
    place: String,
    ground: Ground,
    who: Who,
    validity: Validity,
}

/// From its first day to its last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Validity {
    from: Day,
    until: Option<Day>,
}

impl Validity {
    fn has(&self, day: Day) -> bool {
        self.from <= day && self.until.is_none_or(|until| day <= until)
    }

    fn meets(&self, other: &Self) -> bool {
        let ends_before = |first: &Self, second: &Self| first.until.is_some_and(|until| until < second.from);
        !ends_before(self, other) && !ends_before(other, self)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Who {
    /// A single address; a head is told only of what those in charge left undone.
    One { is_head: bool, recipient: Recipient },
    /// The people of an office, by its place among the offices.
    Office(usize),
}

/// An office with its people.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Office {
    id: String,
    /// Hours of a working day in which it is told of what is late; `None`: those of the rules.
    hours: Option<Hours>,
    people: Vec<Person>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Person {
    id: String,
    is_head: bool,
    recipient: Recipient,
    validity: Validity,
    away: Vec<Away>,
}

/// A time in which somebody else of the office is told.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Away {
    from: Day,
    until: Day,
    /// Place among the people of the office.
    deputy: usize,
}

impl Office {
    /// Returns who is told on a day in the place of one of its people; `None` if those who stand in for one another are all away.
    fn there(&self, person: usize, day: Day) -> Option<&Person> {
        let mut next = person;
        // Each stands in once at most, or nobody is there.
        for _ in 0..=self.people.len() {
            let person = self.people.get(next).filter(|person| person.validity.has(day))?;
            match person.away.iter().find(|away| away.from <= day && day <= away.until) {
                None => return Some(person),
                Some(away) => next = away.deputy,
            }
        }
        None
    }
}

/// Who is told, and why these.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// Who. Empty if nobody is named.
    pub recipients: Vec<Recipient>,
    /// The entries that decided: where each stands in the list (`route 2`), and what it is for.
    pub because: Vec<(String, Ground)>,
    /// Addresses of those who are away, each with that of who stands in.
    pub stood_in_for: Vec<(String, String)>,
    /// Hours of a working day in which the first office that has any is told of what is late.
    pub hours: Option<Hours>,
}

impl Told {
    const fn is_nobody(&self) -> bool {
        self.recipients.is_empty()
    }

    fn add(&mut self, recipient: &Recipient) {
        if self.recipients.iter().all(|named| named.address != recipient.address) {
            self.recipients.push(recipient.clone());
        }
    }
}

/// The recipients list, checked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recipients {
    entries: Entries,
    offices: Vec<Office>,
    expectations: Vec<Expectation>,
    digests: Option<Digests>,
}

impl Recipients {
    /// Reads and checks a list, and holds it against the expectations that stand beside the data.
    ///
    /// # Errors
    /// Every problem at once: an unreadable file, an unknown or absent key, an address that is none, a day that is none,
    /// a validity that ends before it begins, an office named twice for the same merchants at the same time, a route to an office
    /// that is not there or in which nobody serves, people who stand in for one another and are all away, an expectation that does
    /// not hold.
    pub fn parse(text: &str) -> Result<Self, RecipientsError> {
        read::read(text)
    }

    /// Returns the sectors that the list names, so that the policy check can find one that does not exist.
    pub fn sectors(&self) -> impl Iterator<Item = &str> {
        self.named_sectors().map(|(_, sector)| sector)
    }

    /// Returns the sectors that the list names, each with the place of who is named for it.
    pub fn named_sectors(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries.iter().filter_map(|entry| match &entry.ground.remit {
            Remit::Sector(sector) => Some((entry.place.as_str(), sector.as_str())),
            Remit::AnySector | Remit::Lead => None,
        })
    }

    /// Returns how mails are collected into digests; `None` where each is told by itself, at once.
    #[must_use]
    pub const fn digests(&self) -> Option<&Digests> {
        self.digests.as_ref()
    }

    /// Returns the number of entries and of expectations.
    #[must_use]
    pub const fn size(&self) -> (usize, usize) {
        (self.entries.len(), self.expectations.len())
    }

    /// Returns who is told on `day` about a merchant of this sector in this place.
    ///
    /// The merchant's own sector is asked first, then the offices for any sector, then the lead office; without a
    /// determined sector the lead office is first and an office for any sector the last resort. The first that has anybody
    /// there decides, and within it the closest: a street's own office takes precedence over the district's, that over the city's.
    /// Empty if nobody is named.
    #[must_use]
    pub fn told(&self, sector: Option<&str>, place: &Place, day: Day) -> Told {
        let remits = match sector {
            Some(sector) => vec![Remit::Sector(sector.to_owned()), Remit::AnySector, Remit::Lead],
            None => vec![Remit::Lead, Remit::AnySector],
        };
        self.first_of(remits, false, place, day)
    }

    /// Returns who is told on `day` that something is late: the office in charge, its head, or the lead office. Where nobody is named,
    /// the next further up; where nobody is named at all, the office in charge.
    #[must_use]
    pub fn called_upon(&self, to: Upward, sector: Option<&str>, place: &Place, day: Day) -> Told {
        let lead = || self.first_of(vec![Remit::Lead], false, place, day);
        let head = || {
            let of = sector.map(|sector| Remit::Sector(sector.to_owned())).into_iter().chain([Remit::AnySector]);
            let head = self.first_of(of.collect(), true, place, day);
            if head.is_nobody() { lead() } else { head }
        };
        let found = match to {
            Upward::Officer => Told::default(),
            Upward::Head => head(),
            Upward::Lead => lead(),
        };
        if found.is_nobody() { self.told(sector, place, day) } else { found }
    }

    fn first_of(&self, remits: Vec<Remit>, is_head: bool, place: &Place, day: Day) -> Told {
        let mut found = remits.iter().map(|remit| self.serving(remit, is_head, place, day));
        found.find(|found| !found.is_nobody()).unwrap_or_default()
    }

    fn serving(&self, remit: &Remit, is_head: bool, place: &Place, day: Day) -> Told {
        let mut serving: Vec<(&Entry, Told)> = Vec::new();
        for entry in self.entries.holding(remit, place).into_iter().filter(|entry| entry.validity.has(day)) {
            let told = self.of_entry(entry, is_head, day);
            if !told.is_nobody() {
                serving.push((entry, told));
            }
        }
        let closest = serving.iter().map(|(entry, _)| entry.ground.closeness()).max();
        let mut whole = Told::default();
        for (_, told) in serving.into_iter().filter(|(entry, _)| Some(entry.ground.closeness()) == closest) {
            told.recipients.iter().for_each(|recipient| whole.add(recipient));
            whole.because.extend(told.because);
            whole.stood_in_for.extend(told.stood_in_for);
            whole.hours = whole.hours.or(told.hours);
        }
        whole
    }

    fn of_entry(&self, entry: &Entry, is_head: bool, day: Day) -> Told {
        let because = vec![(entry.place.clone(), entry.ground.clone())];
        let mut told = Told { because, ..Told::default() };
        let office = match &entry.who {
            Who::One { is_head: head, recipient } => {
                if *head == is_head {
                    told.add(recipient);
                }
                return told;
            }
            Who::Office(office) => self.offices.get(*office),
        };
        let Some(office) = office else { return told };
        told.hours = office.hours;
        let people = office.people.iter().enumerate();
        for (index, person) in people.filter(|(_, person)| person.is_head == is_head && person.validity.has(day)) {
            // The list is refused where nobody is there; if a day was missed in that, a person who is away beats nobody.
            let there = office.there(index, day).unwrap_or(person);
            if there.id != person.id {
                told.stood_in_for.push((person.recipient.address.clone(), there.recipient.address.clone()));
            }
            told.add(&there.recipient);
        }
        told
    }
}

#[cfg(test)]
mod tests;
