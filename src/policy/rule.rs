//! Rules (规则): a condition over facts, the light it asks for, the clause it rests on, the duty it creates.

use super::complaints::{ComplaintClocks, ComplaintsTable};
use super::fact::{FactId, FactTable, Unit, Value};
use super::follow_up::{FollowUp, FollowUpTable};
use super::parameters::{Parameters, ParametersTable};
use super::transfer::{Transfer, TransferTable};
use crate::domain::time::{Instant, day_of, plus_days, plus_hours, start_of};
use crate::domain::words::{ActKind, FilingStatus, Light};
use crate::policy::calendar::Calendar;
use rust_decimal::Decimal;
use serde::Deserialize;
use std::cmp::Ordering;

/// A comparison with a threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Comparison {
    /// Less than.
    #[serde(rename = "<")]
    Less,
    /// At most.
    #[serde(rename = "<=")]
    AtMost,
    /// Equal.
    #[serde(rename = "=")]
    Equal,
    /// At least.
    #[serde(rename = ">=")]
    AtLeast,
    /// More than.
    #[serde(rename = ">")]
    More,
}

impl Comparison {
    /// Says whether the comparison holds for how a value stands to the threshold.
    #[must_use]
    pub const fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Less => order.is_lt(),
            Self::AtMost => order.is_le(),
            Self::Equal => order.is_eq(),
            Self::AtLeast => order.is_ge(),
            Self::More => order.is_gt(),
        }
    }

    /// Returns the sign.
    #[must_use]
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Equal => "=",
            Self::AtLeast => ">=",
            Self::More => ">",
        }
    }
}

/// A condition over facts. A comparison with a missing fact is false.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// All hold.
    All(Vec<Self>),
    /// At least one holds.
    Any(Vec<Self>),
    /// It does not hold.
    Not(Box<Self>),
    /// The fact compares so with the threshold.
    Compare(FactId, Comparison, Value),
    /// There is no evidence for the fact.
    Missing(FactId),
}

/// A comparison that decided a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decisive {
    /// A comparison that held (`true`), or that had to fail and did (`false`).
    Compared(FactId, Comparison, Value, bool),
    /// A fact that had to be missing (`true`) or there (`false`).
    Missing(FactId, bool),
}

impl Condition {
    /// Says whether the condition holds for these facts.
    #[must_use]
    pub fn holds(&self, facts: &FactTable) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(facts)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(facts)),
            Self::Not(part) => !part.holds(facts),
            Self::Compare(fact, comparison, threshold) => compare(facts.get(*fact), *comparison, *threshold),
            Self::Missing(fact) => facts.get(*fact).is_none(),
        }
    }

    /// Lists the comparisons that made the condition hold; only those, so that an `any` shows what was true.
    pub fn decisive(&self, facts: &FactTable, found: &mut Vec<Decisive>) {
        self.collect(facts, true, found);
    }

    fn collect(&self, facts: &FactTable, wanted: bool, found: &mut Vec<Decisive>) {
        match self {
            Self::All(parts) | Self::Any(parts) => {
                for part in parts.iter().filter(|part| part.holds(facts) == wanted) {
                    part.collect(facts, wanted, found);
                }
            }
            Self::Not(part) => part.collect(facts, !wanted, found),
            Self::Compare(fact, comparison, threshold) => {
                found.push(Decisive::Compared(*fact, *comparison, *threshold, wanted));
            }
            Self::Missing(fact) => found.push(Decisive::Missing(*fact, wanted)),
        }
    }

    /// Calls `visit` with every fact the condition speaks of.
    pub fn facts(&self, visit: &mut impl FnMut(FactId)) {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.facts(visit)),
            Self::Not(part) => part.facts(visit),
            Self::Compare(fact, ..) | Self::Missing(fact) => visit(*fact),
        }
    }
}

fn compare(value: Option<Value>, comparison: Comparison, threshold: Value) -> bool {
    match (value, threshold) {
        (Some(Value::Number(value)), Value::Number(threshold)) => comparison.holds(value.cmp(&threshold)),
        (Some(Value::Flag(value)), Value::Flag(threshold)) => comparison.holds(value.cmp(&threshold)),
        (Some(Value::Word(value)), Value::Word(threshold)) => comparison.holds(value.cmp(threshold)),
        _ => false,
    }
}

/// A rule.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Id.
    pub id: String,
    /// Version; another condition is another version.
    pub version: u16,
    /// Light it asks for.
    pub light: Light,
    /// Title.
    pub title: Text,
    /// When it fires.
    pub when: Condition,
    /// Tried for each shop.
    pub of_shop: bool,
    /// It fires because something due did not happen: when time alone lights it, a deadline was missed.
    pub silence: bool,
    /// Clause or source.
    pub source: String,
    /// What it obliges somebody to.
    pub duty: Duty,
}

/// A text in both languages.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

/// A duty with its clock.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Duty {
    /// What to do, Chinese.
    pub zh: String,
    /// What to do, English.
    pub en: String,
    /// Who: `sector` (its regulator) or `mall`.
    pub who: String,
    /// Within so many hours.
    pub hours: Option<u32>,
    /// Within so many days.
    pub days: Option<u32>,
    /// Within so many working days.
    pub working_days: Option<u32>,
    /// Acts that fulfil it.
    #[serde(default)]
    pub acts: Vec<ActKind>,
}

impl Duty {
    /// Returns when the duty is due if it arose at `at`: an exact instant for hours, the end of the last day for days;
    /// `None` if it has no clock. What is due at once is due on the day it arose: in the same instant nobody can have done it.
    #[must_use]
    pub fn due(&self, at: Instant, calendar: &Calendar) -> Option<Instant> {
        let end_of = |day| start_of(plus_days(day, 1));
        match (self.hours, self.days, self.working_days) {
            (Some(0), _, _) => Some(end_of(day_of(at))),
            (Some(hours), _, _) => Some(plus_hours(at, i64::from(hours))),
            (_, Some(days), _) => Some(end_of(plus_days(day_of(at), i64::from(days)))),
            (_, _, Some(days)) => Some(end_of(calendar.plus_working_days(day_of(at), days))),
            (None, None, None) => None,
        }
    }
}

/// The edition of the facts (docs/FACTS.md) that a pack is written for: old logs hold packs of the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edition {
    /// Amounts as they come; what was once said of a date counts though it was corrected.
    First,
    /// Amounts to the fen; what stands counts.
    Second,
}

/// A rule pack.
#[derive(Debug, Clone)]
pub struct Pack {
    /// Id, such as `cn-beijing`.
    pub id: String,
    /// Version.
    pub version: u16,
    /// Edition of the facts.
    pub edition: Edition,
    /// Numbers that facts are computed with.
    pub parameters: Parameters,
    /// Clocks of leads that go to criminal justice; `None` if the pack has none.
    pub transfer: Option<Transfer>,
    /// Clocks of complaints; `None` if the pack has none.
    pub complaints: Option<ComplaintClocks>,
    /// How lights are followed up; `None` if they are not.
    pub follow_up: Option<FollowUp>,
    /// Rules, worst light first, then by id: the order reasons are shown in.
    pub rules: Vec<Rule>,
}

/// The file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PackFile {
    pack: PackTable,
    parameters: Option<ParametersTable>,
    transfer: Option<TransferTable>,
    complaints: Option<ComplaintsTable>,
    follow_up: Option<FollowUpTable>,
    rule: Vec<RuleTable>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PackTable {
    id: String,
    version: u16,
    /// How the file is written. Format 1 names no parameters, see [`Parameters::OF_FORMAT_1`]; it is what a file without a
    /// format is. Formats 1 and 2 are of facts of the first edition, format 3 of the second.
    #[serde(default = "first_format")]
    format: u16,
}

const fn first_format() -> u16 {
    1
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleTable {
    id: String,
    version: u16,
    light: Light,
    title: Text,
    when: ConditionTable,
    #[serde(default)]
    silence: bool,
    source: String,
    duty: Duty,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConditionTable {
    all: Option<Vec<ConditionTable>>,
    any: Option<Vec<ConditionTable>>,
    not: Option<Box<ConditionTable>>,
    fact: Option<String>,
    lt: Option<Decimal>,
    le: Option<Decimal>,
    eq: Option<Decimal>,
    ge: Option<Decimal>,
    gt: Option<Decimal>,
    is: Option<bool>,
    word: Option<FilingStatus>,
    missing: Option<bool>,
}

impl Pack {
    /// Returns a rule by its id.
    #[must_use]
    pub fn rule(&self, id: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.id == id)
    }
}

impl PackFile {
    /// Checks the file and returns the pack; each problem is one sentence.
    pub(super) fn check(self, problems: &mut Vec<String>) -> Pack {
        let parameters = match (self.pack.format, self.parameters) {
            (1, None) => Parameters::OF_FORMAT_1,
            (2 | 3, Some(table)) => table.check(problems),
            (1, Some(_)) => {
                problems.push("`[parameters]` goes with format = 2 or 3 in `[pack]`".to_owned());
                Parameters::OF_FORMAT_1
            }
            (format @ (2 | 3), None) => {
                problems.push(format!("a pack of format {format} needs `[parameters]`"));
                Parameters::OF_FORMAT_1
            }
            (other, _) => {
                problems.push(format!("format {other} is not known to this version of Warnlight; it reads 1 to 3"));
                Parameters::OF_FORMAT_1
            }
        };
        let transfer = self.transfer.map(|table| table.check(problems));
        let follow_up = self.follow_up.map(|table| table.check(problems));
        let edition = if self.pack.format < 3 { Edition::First } else { Edition::Second };
        let mut rules: Vec<Rule> = Vec::new();
        for table in self.rule {
            let id = table.id;
            if rules.iter().any(|rule| rule.id == id) {
                problems.push(format!("rule `{id}` is there twice"));
            }
            if table.source.trim().is_empty() {
                problems.push(format!("rule `{id}` has no source"));
            }
            if table.light == Light::Green {
                problems.push(format!("rule `{id}` asks for green, which is the absence of rules"));
            }
            if !["sector", "mall"].contains(&table.duty.who.as_str()) {
                problems.push(format!("rule `{id}`: duty.who is `sector` or `mall`, not `{}`", table.duty.who));
            }
            let clocks = [table.duty.hours, table.duty.days, table.duty.working_days];
            if clocks.iter().flatten().count() > 1 {
                problems.push(format!("rule `{id}`: give one of `hours`, `days`, `working_days`"));
            }
            let when = match condition(table.when) {
                Ok(when) => when,
                Err(problem) => {
                    problems.push(format!("rule `{id}`: {problem}"));
                    continue;
                }
            };
            let mut of_shop = false;
            when.facts(&mut |fact| of_shop |= fact.is_of_shop());
            rules.push(Rule {
                id,
                version: table.version,
                light: table.light,
                title: table.title,
                when,
                of_shop,
                silence: table.silence,
                source: table.source,
                duty: table.duty,
            });
        }
        rules.sort_by(|a, b| b.light.cmp(&a.light).then_with(|| a.id.cmp(&b.id)));
        let is_rule = |name: &str| rules.iter().any(|rule| rule.id == name);
        let complaints = self.complaints.map(|table| table.check(is_rule, problems));
        Pack {
            id: self.pack.id,
            version: self.pack.version,
            edition,
            parameters,
            transfer,
            complaints,
            follow_up,
            rules,
        }
    }
}

fn condition(table: ConditionTable) -> Result<Condition, String> {
    let ConditionTable { all, any, not, fact, lt, le, eq, ge, gt, is, word, missing } = table;
    let comparisons = [
        (lt, Comparison::Less),
        (le, Comparison::AtMost),
        (eq, Comparison::Equal),
        (ge, Comparison::AtLeast),
        (gt, Comparison::More),
    ];
    let mut tests: Vec<(Comparison, Value)> = comparisons
        .into_iter()
        .filter_map(|(number, comparison)| number.map(|number| (comparison, Value::Number(number))))
        .collect();
    tests.extend(is.map(|flag| (Comparison::Equal, Value::Flag(flag))));
    tests.extend(word.map(|word| (Comparison::Equal, Value::Word(word.name()))));
    let parts = |list: Vec<ConditionTable>| list.into_iter().map(condition).collect::<Result<Vec<_>, _>>();
    match (all, any, not, fact) {
        (Some(list), None, None, None) if tests.is_empty() && missing.is_none() => parts(list).map(Condition::All),
        (None, Some(list), None, None) if tests.is_empty() && missing.is_none() => parts(list).map(Condition::Any),
        (None, None, Some(part), None) if tests.is_empty() && missing.is_none() => {
            condition(*part).map(|part| Condition::Not(Box::new(part)))
        }
        (None, None, None, Some(name)) => {
            let fact = FactId::find(&name).ok_or_else(|| format!("there is no fact `{name}` (docs/FACTS.md)"))?;
            match (tests.as_slice(), missing) {
                ([], Some(true)) => Ok(Condition::Missing(fact)),
                ([], Some(false)) => Ok(Condition::Not(Box::new(Condition::Missing(fact)))),
                ([(comparison, threshold)], None) => {
                    let fits = matches!(
                        (fact.unit(), threshold),
                        (Unit::Flag, Value::Flag(_)) | (Unit::FilingStatus, Value::Word(_))
                    ) || !matches!(fact.unit(), Unit::Flag | Unit::FilingStatus)
                        && matches!(threshold, Value::Number(_));
                    if fits {
                        Ok(Condition::Compare(fact, *comparison, *threshold))
                    } else {
                        Err(format!("`{name}` is compared with the wrong kind of value"))
                    }
                }
                _ => Err(format!("`{name}` needs exactly one of lt, le, eq, ge, gt, is, word, missing")),
            }
        }
        _ => Err("a condition is one of all, any, not, or a fact with one comparison".to_owned()),
    }
}
