//! The pack's own test cases, `policies/cn-beijing.cases.toml`, held against the pack.

use super::Policies;
use super::fact::{FactId, FactTable, Unit, Value};
use super::rule::Pack;
use crate::domain::words::{FilingStatus, Light};
use rust_decimal::Decimal;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

const CASES: &str = include_str!("../../policies/cn-beijing.cases.toml");

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CasesFile {
    case: Vec<Case>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    facts: BTreeMap<String, Stated>,
    light: Light,
    reasons: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Stated {
    Flag(bool),
    Text(String),
}

impl Case {
    fn table(&self) -> Result<FactTable, String> {
        let mut table = FactTable::default();
        for (name, stated) in &self.facts {
            let fact = FactId::find(name).ok_or_else(|| format!("case `{}`: there is no fact `{name}`", self.name))?;
            let value = match (fact.unit(), stated) {
                (Unit::Flag, Stated::Flag(flag)) => Some(Value::Flag(*flag)),
                (Unit::FilingStatus, Stated::Text(word)) => {
                    word.parse::<FilingStatus>().ok().map(|status| Value::Word(status.name()))
                }
                (Unit::Flag, Stated::Text(_)) | (_, Stated::Flag(_)) => None,
                (_, Stated::Text(number)) => number.parse::<Decimal>().ok().map(Value::Number),
            };
            let value = value.ok_or_else(|| format!("case `{}`: `{name}` has a wrong kind of value", self.name))?;
            table.set(fact, Some(value));
        }
        Ok(table)
    }
}

/// Returns every difference between the cases and the pack.
fn differences(pack: &Pack, text: &str) -> Vec<String> {
    let file: CasesFile = match toml::from_str(text) {
        Ok(file) => file,
        Err(error) => return vec![error.to_string()],
    };
    let mut found = Vec::new();
    for case in &file.case {
        let table = match case.table() {
            Ok(table) => table,
            Err(problem) => {
                found.push(problem);
                continue;
            }
        };
        let fired: Vec<_> = pack.rules.iter().filter(|rule| rule.when.holds(&table)).collect();
        let light = fired.iter().map(|rule| rule.light).max().unwrap_or(Light::Green);
        let reasons: Vec<&str> = fired.iter().map(|rule| rule.id.as_str()).collect();
        if light != case.light || reasons != case.reasons {
            found.push(format!("case `{}`: {light} for {reasons:?}", case.name));
        }
    }
    found
}

#[test]
fn every_case_gives_its_light_and_its_reasons() {
    assert_eq!(differences(&Policies::built_in().unwrap().pack, CASES), [""; 0]);
}

#[test]
fn every_rule_has_a_case_that_lights_it_and_one_that_does_not() {
    let file: CasesFile = toml::from_str(CASES).unwrap();
    let names: BTreeSet<&str> = file.case.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names.len(), file.case.len(), "a name is there twice");
    for rule in &Policies::built_in().unwrap().pack.rules {
        let own = |lit: bool| {
            file.case
                .iter()
                .any(|case| case.name.starts_with(&format!("{}: ", rule.id)) && case.reasons.contains(&rule.id) == lit)
        };
        assert!(own(true), "no case lights `{}`", rule.id);
        assert!(own(false), "no case is just short of `{}`", rule.id);
    }
}

/// What the cases are for: a threshold that slips is noticed.
#[test]
fn a_threshold_moved_by_one_step_fails_a_case() {
    let activation = Policies::built_in().unwrap().activation();
    for (old, new) in [
        (r#"complaints.closed_30d", ge = "3""#, r#"complaints.closed_30d", gt = "3""#),
        (r#"complaints.closed_30d", ge = "3""#, r#"complaints.closed_30d", ge = "2""#),
        (r#"exit.notice_days", lt = "90""#, r#"exit.notice_days", le = "90""#),
        (r#"exit.notice_days", ge = "90""#, r#"exit.notice_days", ge = "91""#),
        (r#"custody.report_age_days", gt = "45""#, r#"custody.report_age_days", ge = "45""#),
        (r#"prepaid.share_of_revenue", gt = "0.5""#, r#"prepaid.share_of_revenue", ge = "0.5""#),
        (r#"custody.coverage", lt = "1""#, r#"custody.coverage", le = "1""#),
        (
            r#"{ fact = "shop.closed_unannounced", is = true }, { not = { fact = "prepaid.outstanding", eq = "0""#,
            r#"{ fact = "shop.closed_unannounced", is = true }, { not = { fact = "prepaid.outstanding", le = "1""#,
        ),
        (r#"shop.notice_given_days", lt = "30""#, r#"shop.notice_given_days", le = "30""#),
        (r#"shop.closed_days", le = "365""#, r#"shop.closed_days", le = "366""#),
        (r#"exit.overrun_days", gt = "15""#, r#"exit.overrun_days", ge = "15""#),
    ] {
        let mut files = activation.files.clone();
        let mut changed = 0;
        for file in &mut files {
            changed += file.text.matches(old).count();
            file.text = file.text.replace(old, new);
        }
        assert_eq!(changed, 1, "{old}");
        assert!(!differences(&Policies::from_files(files).unwrap().pack, CASES).is_empty(), "{new}");
    }
}

#[test]
fn a_case_with_an_unknown_fact_or_a_wrong_kind_of_value_is_refused() {
    let pack = Policies::built_in().unwrap().pack;
    let case =
        |facts: &str| format!("[[case]]\nname = \"x\"\nfacts = {{ {facts} }}\nlight = \"green\"\nreasons = []\n");
    for (facts, part) in [
        (r#""complaints.365d" = "1""#, "there is no fact `complaints.365d`"),
        (r#""listed.serious" = "1""#, "wrong kind of value"),
        (r#""penalties.365d" = true"#, "wrong kind of value"),
        (r#""penalties.365d" = "two""#, "wrong kind of value"),
        (r#""filing.status" = "lost""#, "wrong kind of value"),
    ] {
        let found = differences(&pack, &case(facts)).join("\n");
        assert!(found.contains(part), "{part} not in {found}");
    }
    assert!(!differences(&pack, &case("").replace("reasons", "reason")).is_empty());
}
