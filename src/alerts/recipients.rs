//! Who is told (收件人): the recipients list `policies/recipients.toml`, its checks, and the choice for one merchant.

use crate::domain::code::DivisionCode;
use crate::domain::event::Recipient;
use crate::domain::time::Day;
use crate::policy::follow_up::Upward;
use serde::Deserialize;
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remit {
    /// The regulator of one sector (行业主管部门).
    Sector(String),
    /// Every sector that has no entry of its own here (`*`).
    AnySector,
    /// The lead office (专班办公室): undetermined sectors, and sectors that nobody is named for.
    Lead,
}

/// One entry of the list, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    remit: Remit,
    /// It is told only of what those in charge left undone.
    is_head: bool,
    /// First digits of the division; empty for everywhere.
    division: String,
    recipient: Recipient,
    from: Day,
    until: Option<Day>,
}

/// The recipients list, checked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recipients {
    entries: Vec<Entry>,
}

/// Why a recipients list is not taken: everything that is wrong with it, in its order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the recipients list is not taken:\n{}", .problems.join("\n"))]
pub struct RecipientsError {
    /// One sentence each, naming the entry (the first is 1).
    pub problems: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawList {
    #[serde(default)]
    recipient: Vec<toml::Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEntry {
    sector: String,
    #[serde(default)]
    head: bool,
    #[serde(default)]
    division: String,
    office: RawOffice,
    address: String,
    language: String,
    from: String,
    until: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawOffice {
    zh: String,
    en: String,
}

impl Recipients {
    /// Reads and checks a list.
    ///
    /// # Errors
    /// Every problem at once: an unreadable file, an unknown or absent key, an address that is none, a day that is none,
    /// a validity that ends before it begins, an office named twice for the same merchants at the same time.
    pub fn parse(text: &str) -> Result<Self, RecipientsError> {
        let raw: RawList =
            toml::from_str(text).map_err(|error| RecipientsError { problems: vec![error.to_string()] })?;
        let mut problems = Vec::new();
        let mut entries: Vec<(usize, Entry)> = Vec::new();
        for (index, value) in raw.recipient.into_iter().enumerate() {
            let number = index + 1;
            let mut complain = |what: String| problems.push(format!("entry {number}: {what}"));
            match RawEntry::deserialize(value) {
                Ok(raw) => {
                    if let Some(entry) = check(&raw, &mut complain) {
                        if let Some((other, _)) = entries.iter().find(|(_, other)| overlaps(other, &entry)) {
                            complain(format!(
                                "`{}` is named for the same sector and place in entry {other} already; end one of them",
                                entry.recipient.address
                            ));
                        }
                        entries.push((number, entry));
                    }
                }
                Err(error) => complain(error.to_string().trim().to_owned()),
            }
        }
        if problems.is_empty() {
            Ok(Self { entries: entries.into_iter().map(|(_, entry)| entry).collect() })
        } else {
            Err(RecipientsError { problems })
        }
    }

    /// Returns the sectors that the list names, so that the policy check can find one that does not exist.
    pub fn sectors(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().filter_map(|entry| match &entry.remit {
            Remit::Sector(sector) => Some(sector.as_str()),
            Remit::AnySector | Remit::Lead => None,
        })
    }

    /// Returns who is told on `day` about a merchant of this sector in this place.
    ///
    /// The merchant's own sector is asked first, then the offices for any sector, then the lead office; without a
    /// determined sector the lead office is first and an office for any sector the last resort. The first that has anybody
    /// there decides, and within it the longest division prefix: a district's own office takes precedence over the
    /// city's. Empty if nobody is named.
    #[must_use]
    pub fn recipients_for(&self, sector: Option<&str>, division: Option<DivisionCode>, day: Day) -> Vec<Recipient> {
        let remits = match sector {
            Some(sector) => vec![Remit::Sector(sector.to_owned()), Remit::AnySector, Remit::Lead],
            None => vec![Remit::Lead, Remit::AnySector],
        };
        remits
            .iter()
            .map(|remit| self.of_remit(remit, division, day))
            .find(|found| !found.is_empty())
            .unwrap_or_default()
    }

    /// Returns who is told on `day` that something is late: the office in charge, its head, or the lead office. Where nobody is named,
    /// the next further up; where nobody is named at all, the office in charge.
    #[must_use]
    pub fn called_upon(
        &self,
        to: Upward,
        sector: Option<&str>,
        division: Option<DivisionCode>,
        day: Day,
    ) -> Vec<Recipient> {
        let head = || {
            let of = sector.map(|sector| Remit::Sector(sector.to_owned())).into_iter().chain([Remit::AnySector]);
            of.map(|remit| self.serving(&remit, true, division, day)).find(|found| !found.is_empty())
        };
        let found = match to {
            Upward::Officer => None,
            Upward::Head => head(),
            Upward::Lead => Some(self.of_remit(&Remit::Lead, division, day)),
        };
        let found = found.or_else(|| (to == Upward::Head).then(|| self.of_remit(&Remit::Lead, division, day)));
        found.filter(|found| !found.is_empty()).unwrap_or_else(|| self.recipients_for(sector, division, day))
    }

    fn of_remit(&self, remit: &Remit, division: Option<DivisionCode>, day: Day) -> Vec<Recipient> {
        self.serving(remit, false, division, day)
    }

    fn serving(&self, remit: &Remit, is_head: bool, division: Option<DivisionCode>, day: Day) -> Vec<Recipient> {
        let serving = |entry: &&Entry| {
            entry.remit == *remit
                && entry.is_head == is_head
                && entry.from <= day
                && entry.until.is_none_or(|until| day <= until)
                && match division {
                    Some(division) => division.lies_in(&entry.division),
                    None => entry.division.is_empty(),
                }
        };
        let Some(closest) = self.entries.iter().filter(serving).map(|entry| entry.division.len()).max() else {
            return Vec::new();
        };
        let mut found: Vec<Recipient> = Vec::new();
        for entry in self.entries.iter().filter(serving).filter(|entry| entry.division.len() == closest) {
            if found.iter().all(|named| named.address != entry.recipient.address) {
                found.push(entry.recipient.clone());
            }
        }
        found
    }
}

fn check(raw: &RawEntry, complain: &mut dyn FnMut(String)) -> Option<Entry> {
    let remit = match raw.sector.as_str() {
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
    let division = if matches!(raw.division.len(), 0 | 2 | 4 | 6) && raw.division.bytes().all(|b| b.is_ascii_digit()) {
        Some(raw.division.clone())
    } else {
        complain(format!(
            "division `{}` is not a prefix of a division code; give 2, 4 or 6 digits, or none for everywhere",
            raw.division
        ));
        None
    };
    let address = match raw.address.parse::<lettre::Address>() {
        Ok(address) => Some(address.to_string()),
        Err(error) => {
            complain(format!("`{}` is not a mail address: {error}", raw.address));
            None
        }
    };
    let language = match raw.language.parse::<LetterLanguage>() {
        Ok(language) => Some(language),
        Err(error) => {
            complain(error.to_string());
            None
        }
    };
    let office_named = !raw.office.zh.trim().is_empty() && !raw.office.en.trim().is_empty();
    if !office_named {
        complain("the office needs a name in both languages (`office.zh`, `office.en`)".to_owned());
    }
    let from = day("from", &raw.from, complain);
    let until = raw.until.as_deref().map(|until| day("until", until, complain));
    if let (Some(from), Some(Some(until))) = (from, until)
        && until < from
    {
        complain(format!("it ends on {until}, before it begins on {from}"));
        return None;
    }
    let until = match until {
        None => None,
        Some(Some(until)) => Some(until),
        Some(None) => return None,
    };
    let language = language?;
    let office = match language {
        LetterLanguage::Chinese => &raw.office.zh,
        LetterLanguage::English => &raw.office.en,
    };
    if !office_named {
        return None;
    }
    Some(Entry {
        remit: remit?,
        is_head: raw.head,
        division: division?,
        recipient: Recipient {
            address: address?,
            office: office.trim().to_owned(),
            language: language.tag().to_owned(),
        },
        from: from?,
        until,
    })
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

/// Says whether two entries name one address for the same merchants on some day.
fn overlaps(one: &Entry, other: &Entry) -> bool {
    let ends_before = |first: &Entry, second: &Entry| first.until.is_some_and(|until| until < second.from);
    one.remit == other.remit
        && one.is_head == other.is_head
        && one.division == other.division
        && one.recipient.address == other.recipient.address
        && !ends_before(one, other)
        && !ends_before(other, one)
}

#[cfg(test)]
mod tests;
