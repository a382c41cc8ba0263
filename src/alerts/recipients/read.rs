//! Reading the list of recipients: each table with its place in the file, every problem at once, and the expectations held against
//! what was read.

use super::digests::{Digests, Table, times};
use super::{Away, Entries, Entry, Ground, LetterLanguage, Office, Person, Place, Recipients, Remit, Validity, Who};
use crate::domain::code::DivisionCode;
use crate::domain::event::Recipient;
use crate::domain::name_key;
use crate::domain::time::{Day, plus_days};
use crate::policy::follow_up::{Hours, Upward};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;

/// Why a recipients list is not taken: everything that is wrong with it, in its order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the recipients list is not taken:\n{}", .problems.join("\n"))]
pub struct RecipientsError {
    /// One sentence each, naming the place: `entry 2`, `office 1`, `route 3`, `expectation 1`; the first of each is 1.
    pub problems: Vec<String>,
}

/// What must come of the list: data beside the data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expectation {
    at: Day,
    sector: Option<String>,
    place: Place,
    to: Upward,
    told: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawList {
    digest: Option<Table>,
    #[serde(default)]
    recipient: Vec<toml::Value>,
    #[serde(default)]
    office: Vec<toml::Value>,
    #[serde(default)]
    route: Vec<toml::Value>,
    #[serde(default)]
    expect: Vec<toml::Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEntry {
    sector: String,
    #[serde(default)]
    head: bool,
    #[serde(default)]
    division: String,
    street: Option<String>,
    office: RawName,
    address: String,
    language: String,
    from: String,
    until: Option<String>,
    /// Times of its own; none at all: everything at once.
    digest: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawName {
    zh: String,
    en: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawOffice {
    id: String,
    zh: String,
    en: String,
    hours: Option<Hours>,
    digest: Option<Vec<String>>,
    #[serde(default)]
    person: Vec<RawPerson>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPerson {
    id: String,
    #[serde(default)]
    head: bool,
    address: String,
    language: String,
    from: String,
    until: Option<String>,
    digest: Option<Vec<String>>,
    #[serde(default)]
    away: Vec<RawAway>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAway {
    from: String,
    until: String,
    deputy: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRoute {
    sector: String,
    #[serde(default)]
    division: String,
    street: Option<String>,
    office: String,
    from: String,
    until: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawExpectation {
    at: String,
    sector: Option<String>,
    division: Option<String>,
    street: Option<String>,
    #[serde(default = "officer")]
    to: Upward,
    told: Vec<String>,
}

const fn officer() -> Upward {
    Upward::Officer
}

pub(super) fn read(text: &str) -> Result<Recipients, RecipientsError> {
    let raw: RawList = toml::from_str(text).map_err(|error| RecipientsError { problems: vec![error.to_string()] })?;
    let mut problems = Vec::new();
    let mut digests = raw.digest.as_ref().map(|table| Digests::check(table, &mut problems));
    let mut entries = Entries::default();
    for (place, raw) in tables::<RawEntry>("entry", raw.recipient, &mut problems) {
        let mut complain = |what: String| problems.push(format!("{place}: {what}"));
        own_times(&mut digests, raw.digest.as_deref(), &raw.address, &mut complain);
        if let Some(entry) = recipient(&place, &raw, &mut complain) {
            add(&mut entries, entry, &mut complain);
        }
    }
    let mut offices: Vec<Office> = Vec::new();
    for (place, raw) in tables::<RawOffice>("office", raw.office, &mut problems) {
        let mut complain = |what: String| problems.push(format!("{place} (`{}`): {what}", raw.id));
        if offices.iter().any(|office| office.id == raw.id) {
            complain("another office has this `id`".to_owned());
        }
        for person in &raw.person {
            let own = person.digest.as_deref().or(raw.digest.as_deref());
            own_times(&mut digests, own, &person.address, &mut complain);
        }
        offices.push(office(&raw, &mut complain));
    }
    for (place, raw) in tables::<RawRoute>("route", raw.route, &mut problems) {
        let mut complain = |what: String| problems.push(format!("{place}: {what}"));
        if let Some(entry) = route(&place, &raw, &offices, &mut complain) {
            add(&mut entries, entry, &mut complain);
        }
    }
    let mut expectations = Vec::new();
    for (place, raw) in tables::<RawExpectation>("expectation", raw.expect, &mut problems) {
        let mut complain = |what: String| problems.push(format!("{place}: {what}"));
        expectations.extend(expectation(&raw, &mut complain).map(|expectation| (place, expectation)));
    }
    if entries.len() == 0 && problems.is_empty() {
        let what = "nobody is named: no light would reach anybody; name somebody (`[[recipient]]`, `[[route]]`)";
        problems.push(what.to_owned());
    }
    let list = |expectations| Recipients { entries, offices, expectations, digests };
    if !problems.is_empty() {
        return Err(RecipientsError { problems });
    }
    let list = list(expectations.iter().map(|(_, expectation)| expectation.clone()).collect());
    for (place, expected) in &expectations {
        problems.extend(expected.unmet(&list).map(|what| format!("{place}: {what}")));
    }
    if problems.is_empty() { Ok(list) } else { Err(RecipientsError { problems }) }
}

/// Gives an address the times of its digests that stand beside it.
fn own_times(digests: &mut Option<Digests>, raw: Option<&[String]>, address: &str, complain: &mut dyn FnMut(String)) {
    let Some(raw) = raw else { return };
    let own = times(raw, complain);
    match digests {
        Some(digests) => {
            // Addresses are kept as they are parsed.
            let address =
                address.parse::<lettre::Address>().map_or_else(|_| address.to_owned(), |known| known.to_string());
            if let Err(what) = digests.give(&address, own) {
                complain(what);
            }
        }
        None => complain("`digest` needs the table `[digest]` of the list".to_owned()),
    }
}

/// Returns the tables of one kind that can be read, each with its place.
fn tables<T: DeserializeOwned>(kind: &str, raw: Vec<toml::Value>, problems: &mut Vec<String>) -> Vec<(String, T)> {
    let mut read = Vec::with_capacity(raw.len());
    for (index, value) in raw.into_iter().enumerate() {
        let place = format!("{kind} {}", index + 1);
        match T::deserialize(value) {
            Ok(table) => read.push((place, table)),
            Err(error) => problems.push(format!("{place}: {}", error.to_string().trim())),
        }
    }
    read
}

fn add(entries: &mut Entries, entry: Entry, complain: &mut dyn FnMut(String)) {
    let is_same = |other: &&Entry| same_who(other, &entry) && other.validity.meets(&entry.validity);
    if let Some(other) = entries.alike(&entry.ground).find(is_same) {
        let who = match &entry.who {
            Who::One { recipient, .. } => format!("`{}`", recipient.address),
            Who::Office(_) => "this office".to_owned(),
        };
        complain(format!("{who} is named for the same sector and place in {} already; end one of them", other.place));
    }
    entries.push(entry);
}

fn recipient(place: &str, raw: &RawEntry, complain: &mut dyn FnMut(String)) -> Option<Entry> {
    let ground = ground(&raw.sector, &raw.division, raw.street.as_deref(), complain);
    let recipient = named(&raw.address, &raw.language, &raw.office.zh, &raw.office.en, complain);
    let validity = validity(&raw.from, raw.until.as_deref(), complain);
    let who = Who::One { is_head: raw.head, recipient: recipient? };
    Some(Entry { place: place.to_owned(), ground: ground?, who, validity: validity? })
}

fn route(place: &str, raw: &RawRoute, offices: &[Office], complain: &mut dyn FnMut(String)) -> Option<Entry> {
    let ground = ground(&raw.sector, &raw.division, raw.street.as_deref(), complain);
    let validity = validity(&raw.from, raw.until.as_deref(), complain);
    let Some(index) = offices.iter().position(|office| office.id == raw.office) else {
        complain(format!("there is no office `{}`", raw.office));
        return None;
    };
    let (office, validity) = (offices.get(index)?, validity?);
    // Whoever serves last leaves a gap on the day after.
    let officers = || office.people.iter().filter(|person| !person.is_head);
    let after = officers().filter_map(|person| person.validity.until).map(|until| plus_days(until, 1));
    let gap = std::iter::once(validity.from).chain(after).filter(|day| validity.has(*day));
    if let Some(day) = gap.filter(|day| !officers().any(|person| person.validity.has(*day))).min() {
        complain(format!(
            "nobody but a head serves in office `{}` on {day}; name somebody, or end the route",
            office.id
        ));
    }
    Some(Entry { place: place.to_owned(), ground: ground?, who: Who::Office(index), validity })
}

fn office(raw: &RawOffice, complain: &mut dyn FnMut(String)) -> Office {
    if let Some(hours) = raw.hours.filter(|hours| !hours.are_some()) {
        complain(format!("office hours from {} until {} are none", hours.from, hours.until));
    }
    let mut seen = BTreeSet::new();
    let mut people: Vec<Person> = Vec::new();
    let mut of_raw: Vec<Vec<&RawAway>> = Vec::new();
    for raw_person in &raw.person {
        let mut complain = |what: String| complain(format!("person `{}`: {what}", raw_person.id));
        if !seen.insert(&raw_person.id) {
            complain("another of this office has this `id`".to_owned());
        }
        let recipient = named(&raw_person.address, &raw_person.language, &raw.zh, &raw.en, &mut complain);
        let validity = validity(&raw_person.from, raw_person.until.as_deref(), &mut complain);
        if let (Some(recipient), Some(validity)) = (recipient, validity) {
            let (id, is_head) = (raw_person.id.clone(), raw_person.head);
            people.push(Person { id, is_head, recipient, validity, away: Vec::new() });
            of_raw.push(raw_person.away.iter().collect());
        }
    }
    for (index, times) in of_raw.into_iter().enumerate() {
        let mut found = Vec::new();
        for time in times {
            let id = people.get(index).map(|person| person.id.clone()).unwrap_or_default();
            let mut complain = |what: String| complain(format!("person `{id}`: {what}"));
            let deputy = people.iter().position(|person| person.id == time.deputy);
            if deputy.is_none_or(|deputy| deputy == index) {
                complain(format!("the deputy `{}` is nobody else of this office", time.deputy));
            }
            let during = validity(&time.from, Some(&time.until), &mut complain);
            if let (Some(deputy), Some(Validity { from, until: Some(until) })) = (deputy, during) {
                found.push(Away { from, until, deputy });
            }
        }
        if let Some(person) = people.get_mut(index) {
            person.away = found;
        }
    }
    let office = Office { id: raw.id.clone(), hours: raw.hours, people };
    for (index, person) in office.people.iter().enumerate() {
        let days = person.away.iter().flat_map(|away| [away.from, away.until]);
        for day in days.filter(|day| person.validity.has(*day) && office.there(index, *day).is_none()) {
            complain(format!(
                "person `{}`: nobody stands in on {day}; whoever should is away or does not serve",
                person.id
            ));
        }
    }
    office
}

fn expectation(raw: &RawExpectation, complain: &mut dyn FnMut(String)) -> Option<Expectation> {
    let at = day("at", &raw.at, complain);
    let division = match raw.division.as_deref().map(str::parse::<DivisionCode>) {
        None => None,
        Some(Ok(division)) => Some(division),
        Some(Err(error)) => {
            complain(error.to_string());
            return None;
        }
    };
    let place = Place { division, street: raw.street.clone() };
    Some(Expectation { at: at?, sector: raw.sector.clone(), place, to: raw.to, told: raw.told.clone() })
}

impl Expectation {
    /// Says how the list differs from it, if it does.
    fn unmet(&self, list: &Recipients) -> Option<String> {
        let found = list.called_upon(self.to, self.sector.as_deref(), &self.place, self.at);
        let found: BTreeSet<&str> = found.recipients.iter().map(|recipient| recipient.address.as_str()).collect();
        let wanted: BTreeSet<&str> = self.told.iter().map(String::as_str).collect();
        let listed = |addresses: &BTreeSet<&str>| match addresses.is_empty() {
            true => "nobody".to_owned(),
            false => addresses.iter().copied().collect::<Vec<_>>().join(", "),
        };
        (found != wanted)
            .then(|| format!("on {} told is {}, expected was {}", self.at, listed(&found), listed(&wanted)))
    }
}

fn ground(sector: &str, division: &str, street: Option<&str>, complain: &mut dyn FnMut(String)) -> Option<Ground> {
    let remit = match sector {
        "*" => Some(Remit::AnySector),
        "lead" => Some(Remit::Lead),
        id if is_id(id) => Some(Remit::Sector(id.to_owned())),
        other => {
            complain(format!(
                "`{other}` is not a sector id; use lower-case letters, digits and `-`, or `*`, or `lead`"
            ));
            None
        }
    };
    let is_prefix = matches!(division.len(), 0 | 2 | 4 | 6) && division.bytes().all(|b| b.is_ascii_digit());
    if !is_prefix {
        complain(format!(
            "division `{division}` is not a prefix of a division code; give 2, 4 or 6 digits, or none for everywhere"
        ));
    }
    if let Some(street) = street
        && (division.len() != 6 || name_key::key(street).is_empty())
    {
        complain(format!("street `{street}` needs a name, and the six digits of its district in `division`"));
    }
    let street = street.map(|street| street.trim().to_owned());
    is_prefix.then_some(Ground { remit: remit?, division: division.to_owned(), street })
}

/// Returns who an address, a language and an office's names make.
fn named(address: &str, language: &str, zh: &str, en: &str, complain: &mut dyn FnMut(String)) -> Option<Recipient> {
    let address = match address.parse::<lettre::Address>() {
        Ok(address) => Some(address.to_string()),
        Err(error) => {
            complain(format!("`{address}` is not a mail address: {error}"));
            None
        }
    };
    let language = match language.parse::<LetterLanguage>() {
        Ok(language) => Some(language),
        Err(error) => {
            complain(error.to_string());
            None
        }
    };
    let office_named = !zh.trim().is_empty() && !en.trim().is_empty();
    if !office_named {
        complain("the office needs a name in both languages (`zh`, `en`)".to_owned());
    }
    let language = language?;
    let office = match language {
        LetterLanguage::Chinese => zh,
        LetterLanguage::English => en,
    };
    let recipient =
        Recipient { address: address?, office: office.trim().to_owned(), language: language.tag().to_owned() };
    office_named.then_some(recipient)
}

fn validity(from: &str, until: Option<&str>, complain: &mut dyn FnMut(String)) -> Option<Validity> {
    let from = day("from", from, complain);
    let until = match until {
        None => None,
        Some(until) => Some(day("until", until, complain)?),
    };
    let from = from?;
    if let Some(until) = until.filter(|until| *until < from) {
        complain(format!("it ends on {until}, before it begins on {from}"));
        return None;
    }
    Some(Validity { from, until })
}

fn is_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
}

fn day(key: &str, text: &str, complain: &mut dyn FnMut(String)) -> Option<Day> {
    match text.parse() {
        Ok(day) => Some(day),
        Err(_) => {
            complain(format!("`{key}` is `{text}`, which is not a day; write it as 2025-03-01"));
            None
        }
    }
}

/// Says whether two entries name the same.
fn same_who(one: &Entry, other: &Entry) -> bool {
    match (&one.who, &other.who) {
        (Who::One { is_head, recipient }, Who::One { is_head: head, recipient: other }) => {
            is_head == head && recipient.address == other.address
        }
        (Who::Office(one), Who::Office(other)) => one == other,
        _ => false,
    }
}
