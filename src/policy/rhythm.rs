//! When a source counts as silent (来源静默), by the numbers of `policies/sources.toml`.
//!
//! The days on which it delivered give gaps; the **rhythm** is the median of the last of them (of an even number, the longer of
//! the two in the middle), unless one is agreed on. It is **silent** from the day on that lies more than factor × rhythm days, and more
//! than the least number of days, behind its last delivery.

use crate::domain::event::Recipient;
use crate::domain::name_key;
use crate::domain::time::{Day, days_between, plus_days};
use crate::domain::words::SourceKind;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use serde::Deserialize;

/// The file that is compiled in.
const BUILT_IN: &str = include_str!("../../policies/sources.toml");

/// Name of the file in a folder of policies, where it may be left out.
pub const FILE: &str = "sources.toml";

/// Days of delivery that are of use: one more than gaps.
pub const DAYS: usize = MOST_GAPS + 1;

const MOST_GAPS: usize = 16;
/// Languages that mails are written in.
const LANGUAGES: &[&str] = &["zh-CN", "en"];
/// Days that a rhythm may have: a source that delivers more seldom is not waited for.
const MOST_DAYS: i64 = 366;

/// How long a source may be expected to be quiet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rhythms {
    gaps: usize,
    needed: usize,
    factor: Decimal,
    least_days: i64,
    due: Vec<Due>,
    tell: Vec<Tell>,
}

/// Who is mailed when a source falls silent.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tell {
    kind: Option<String>,
    name: Option<String>,
    address: String,
    office: String,
    language: String,
}

impl Tell {
    fn is_of(&self, kind: SourceKind, name: &str) -> bool {
        self.kind.as_deref().is_none_or(|named| named.parse() == Ok(kind))
            && self.name.as_deref().is_none_or(|named| name_key::same(named, name))
    }

    /// Returns what is wrong with it.
    fn problems(&self) -> impl Iterator<Item = String> {
        let kind = self.kind.as_deref().filter(|kind| kind.parse::<SourceKind>().is_err());
        let kind = kind.map(|kind| format!("`{kind}` is no kind; bank, mall, hotline or sheet are"));
        let address = self.address.parse::<lettre::Address>().err();
        let address = address.map(|error| format!("`{}` is not a mail address: {error}", self.address));
        let language = (!LANGUAGES.contains(&self.language.as_str()))
            .then(|| format!("`{}` is not a language of this service; use `zh-CN` or `en`", self.language));
        let office = self.office.trim().is_empty().then(|| "the office needs a name".to_owned());
        [kind, address, language, office].into_iter().flatten()
    }
}

/// A rhythm that was agreed on.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Due {
    kind: String,
    name: Option<String>,
    every_days: i64,
    /// Where it was agreed, for people who read the file.
    source: String,
}

/// How often a source delivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rhythm {
    /// Days between two deliveries.
    pub every_days: i64,
    /// It was agreed on; otherwise it is the usual one.
    pub agreed: bool,
    /// Days after the last delivery that pass without a word.
    pub allowed_days: i64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RhythmsFile {
    #[expect(dead_code, reason = "for people who read the file")]
    version: u32,
    #[expect(dead_code, reason = "for people who read the file")]
    source: String,
    rhythm: Usual,
    #[serde(default)]
    due: Vec<Due>,
    #[serde(default)]
    tell: Vec<Tell>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Usual {
    gaps: usize,
    needed: usize,
    factor: Decimal,
    least_days: i64,
}

impl Rhythms {
    /// Returns the numbers compiled in.
    ///
    /// # Errors
    /// None in a released build: the tests read them.
    pub fn built_in() -> Result<Self, Vec<String>> {
        Self::parse(BUILT_IN)
    }

    /// Reads and checks a file.
    ///
    /// # Errors
    /// Everything that is wrong with it, each naming the key.
    pub fn parse(text: &str) -> Result<Self, Vec<String>> {
        let file: RhythmsFile = toml::from_str(text).map_err(|error| vec![format!("{FILE}: {error}")])?;
        let Usual { gaps, needed, factor, least_days } = file.rhythm;
        let mut problems = Vec::new();
        if !(1..=MOST_GAPS).contains(&gaps) {
            problems.push(format!("{FILE}: `rhythm.gaps` is {gaps}; 1 to {MOST_GAPS} are possible"));
        }
        if !(1..=gaps).contains(&needed) {
            problems.push(format!("{FILE}: `rhythm.needed` is {needed}; 1 to `rhythm.gaps` are possible"));
        }
        if factor < Decimal::ONE || factor > Decimal::from(MOST_DAYS) {
            problems.push(format!("{FILE}: `rhythm.factor` is {factor}; 1 to {MOST_DAYS} are possible"));
        }
        if !(0..=MOST_DAYS).contains(&least_days) {
            problems.push(format!("{FILE}: `rhythm.least_days` is {least_days}; 0 to {MOST_DAYS} are possible"));
        }
        for (number, due) in (1..).zip(&file.due) {
            if due.kind.parse::<SourceKind>().is_err() {
                problems
                    .push(format!("{FILE}: due {number}: `{}` is no kind; bank, mall, hotline or sheet are", due.kind));
            }
            if !(1..=MOST_DAYS).contains(&due.every_days) {
                problems.push(format!(
                    "{FILE}: due {number}: `every_days` is {}; 1 to {MOST_DAYS} are possible",
                    due.every_days
                ));
            }
        }
        for (number, tell) in (1..).zip(&file.tell) {
            problems.extend(tell.problems().map(|problem| format!("{FILE}: tell {number}: {problem}")));
        }
        let RhythmsFile { due, tell, .. } = file;
        if problems.is_empty() { Ok(Self { gaps, needed, factor, least_days, due, tell }) } else { Err(problems) }
    }

    /// Returns who is mailed when a source falls silent; nobody if nobody is named.
    #[must_use]
    pub fn told(&self, kind: SourceKind, name: &str) -> Vec<Recipient> {
        let mut told: Vec<Recipient> = Vec::new();
        for Tell { address, office, language, .. } in self.tell.iter().filter(|tell| tell.is_of(kind, name)) {
            if told.iter().all(|known| known.address != *address) {
                let (office, language) = (office.trim().to_owned(), language.clone());
                told.push(Recipient { address: address.clone(), office, language });
            }
        }
        told
    }

    /// Returns how often a source delivers that delivered on these days, oldest first; `None` if that cannot be told yet.
    #[must_use]
    pub fn of(&self, kind: SourceKind, name: &str, days: &[Day]) -> Option<Rhythm> {
        let fits = |due: &&Due| {
            due.kind.parse() == Ok(kind) && due.name.as_deref().is_none_or(|named| name_key::same(named, name))
        };
        let agreed = self.due.iter().find(fits).map(|due| due.every_days);
        let every_days = agreed.or_else(|| self.median(days))?;
        let patience = (self.factor * Decimal::from(every_days)).floor().to_i64()?;
        Some(Rhythm { every_days, agreed: agreed.is_some(), allowed_days: patience.max(self.least_days) })
    }

    fn median(&self, days: &[Day]) -> Option<i64> {
        let gaps = days.windows(2).rev().take(self.gaps).filter_map(|pair| match pair {
            [one, next] => Some(days_between(*one, *next)),
            _ => None,
        });
        let mut gaps: Vec<i64> = gaps.collect();
        if gaps.len() < self.needed {
            return None;
        }
        gaps.sort_unstable();
        gaps.get(gaps.len() / 2).copied()
    }
}

impl Rhythm {
    /// Returns the first day on which a source that last delivered on `last` is silent.
    #[must_use]
    pub fn silent_from(&self, last: Day) -> Day {
        plus_days(last, self.allowed_days + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(texts: &[&str]) -> Vec<Day> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn the_rhythm_is_the_median_of_the_last_gaps() {
        let rhythms = Rhythms::built_in().unwrap();
        let of = |texts: &[&str]| rhythms.of(SourceKind::Bank, "甲银行", &days(texts));
        assert_eq!(of(&["2026-01-01", "2026-01-08", "2026-01-15"]), None, "two gaps are no rhythm");
        let weekly = of(&["2026-01-01", "2026-01-08", "2026-01-15", "2026-02-27"]).unwrap();
        assert_eq!(
            (weekly.every_days, weekly.agreed, weekly.allowed_days),
            (7, false, 14),
            "one pause is no new rhythm"
        );
        assert_eq!(weekly.silent_from("2026-02-27".parse().unwrap()).to_string(), "2026-03-14");
        let daily = of(&["2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04"]).unwrap();
        assert_eq!((daily.every_days, daily.allowed_days), (1, 3), "a weekend passes");
    }

    #[test]
    fn what_was_agreed_on_takes_the_place_of_the_usual() {
        let text = format!(
            "{BUILT_IN}\n[[due]]\nkind = \"mall\"\nname = \"大悦城（朝阳）\"\nevery_days = 30\nsource = \"a test\"\n\
             [[due]]\nkind = \"bank\"\nevery_days = 1\nsource = \"a test\"\n"
        );
        let rhythms = Rhythms::parse(&text).unwrap();
        let once = days(&["2026-01-01"]);
        let every = |kind, name: &str| rhythms.of(kind, name, &once).map(|rhythm| (rhythm.every_days, rhythm.agreed));
        assert_eq!(every(SourceKind::Mall, "大悦城(朝阳)"), Some((30, true)), "names compare by key");
        assert_eq!(every(SourceKind::Mall, "别的商场"), None);
        assert_eq!(every(SourceKind::Bank, "甲银行"), Some((1, true)));
    }

    #[test]
    fn every_wrong_number_is_named() {
        let text = BUILT_IN
            .replace("gaps = 8", "gaps = 0")
            .replace("needed = 3", "needed = 9")
            .replace("factor = \"2\"", "factor = \"0.5\"")
            .replace("least_days = 3", "least_days = -1");
        let text = format!(
            "{text}\n[[due]]\nkind = \"ship\"\nevery_days = 0\nsource = \"a test\"\n\
             [[tell]]\nkind = \"train\"\naddress = \"nobody\"\noffice = \" \"\nlanguage = \"fr\"\n"
        );
        let problems = Rhythms::parse(&text).unwrap_err().join("\n");
        let wrong = ["rhythm.gaps", "rhythm.needed", "rhythm.factor", "rhythm.least_days", "`ship`", "`every_days`"];
        for part in wrong.into_iter().chain(["tell 1: `train`", "`nobody`", "the office", "`fr`"]) {
            assert!(problems.contains(part), "{part} not in {problems}");
        }
    }

    #[test]
    fn of_a_silence_those_are_told_who_are_named_for_the_source_and_nobody_else() {
        let rhythms = Rhythms::built_in().unwrap();
        assert_eq!(rhythms.told(SourceKind::Bank, "甲银行"), [], "nobody, unless somebody is named");
        let tell = |of: &str, address: &str| {
            format!("[[tell]]\n{of}address = \"{address}\"\noffice = \"专班\"\nlanguage = \"zh-CN\"\n")
        };
        let all = tell("", "all@x.org");
        let banks = tell("kind = \"bank\"\n", "banks@x.org");
        let one = tell("kind = \"bank\"\nname = \"甲银行（北京）\"\n", "one@x.org");
        let rhythms = Rhythms::parse(&format!("{BUILT_IN}\n{all}{banks}{one}{all}")).unwrap();
        let told = |kind, name: &str| -> Vec<String> {
            rhythms.told(kind, name).into_iter().map(|recipient| recipient.address).collect()
        };
        assert_eq!(told(SourceKind::Bank, "甲银行(北京)"), ["all@x.org", "banks@x.org", "one@x.org"]);
        assert_eq!(told(SourceKind::Bank, "乙银行"), ["all@x.org", "banks@x.org"]);
        assert_eq!(told(SourceKind::Mall, "甲银行(北京)"), ["all@x.org"]);
    }
}
