//! How figures are made where no rule fixes it, by `policies/figures.toml`: when a month's table is frozen, and what counts as resolved at
//! the first go.

use crate::domain::time::Day;
use serde::Deserialize;

/// The file that is compiled in.
const BUILT_IN: &str = include_str!("../../policies/figures.toml");

/// Name of the file in a folder of policies, where it may be left out.
pub const FILE: &str = "figures.toml";

/// The rules, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FigureRules {
    first: FigureRule,
    later: Vec<FigureRule>,
}

/// A rule for the periods that begin on a day or later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FigureRule {
    /// First day.
    pub from: Day,
    /// Days after the end of a month after which its table is frozen.
    pub freeze_days: u16,
    /// What counts as resolved at the first go.
    pub original_resolution: OriginalResolution,
}

/// What counts as resolved at the first go (原始解决率).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OriginalResolution {
    /// The ticket was closed as resolved.
    End,
    /// The complainant said so when first asked.
    FirstCallBack,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FiguresFile {
    #[expect(dead_code, reason = "for people who read the file")]
    version: u32,
    #[expect(dead_code, reason = "for people who read the file")]
    source: String,
    figures: Vec<FigureRule>,
}

impl FigureRules {
    /// Returns the rules compiled in.
    ///
    /// # Errors
    /// None in a released build: the tests read them.
    pub fn built_in() -> Result<Self, Vec<String>> {
        Self::parse(BUILT_IN)
    }

    /// Reads and checks a file.
    ///
    /// # Errors
    /// What is wrong with it, naming the key.
    pub fn parse(text: &str) -> Result<Self, Vec<String>> {
        let file: FiguresFile = toml::from_str(text).map_err(|error| vec![format!("{FILE}: {error}")])?;
        let mut rules = file.figures.into_iter();
        let Some(first) = rules.next() else {
            return Err(vec![format!("{FILE}: there is no entry in `figures`; one is needed")]);
        };
        let later: Vec<FigureRule> = rules.collect();
        let days = std::iter::once(&first).chain(&later).map(|rule| rule.from);
        if !days.is_sorted_by(|one, other| one < other) {
            return Err(vec![format!("{FILE}: each `from` is later than that of the entry before it")]);
        }
        Ok(Self { first, later })
    }

    /// Returns the rule for a period that begins on a day; before the first entry, that one.
    #[must_use]
    pub fn on(&self, day: Day) -> &FigureRule {
        self.later.iter().rfind(|rule| rule.from <= day).unwrap_or(&self.first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_of_a_day_is_the_last_that_began_by_then() {
        let entry = |from: &str, days: u16| {
            format!("[[figures]]\nfrom = \"{from}\"\nfreeze_days = {days}\noriginal_resolution = \"first_call_back\"\n")
        };
        let head = "version = 1\nsource = \"s\"\n";
        let rules = FigureRules::parse(&format!("{head}{}{}", entry("2025-01-01", 5), entry("2025-07-01", 7))).unwrap();
        let days = |day: &str| rules.on(day.parse().unwrap()).freeze_days;
        assert_eq!(["2024-01-01", "2025-06-30", "2025-07-01"].map(days), [5, 5, 7]);
        let out_of_order = format!("{head}{}{}", entry("2025-07-01", 5), entry("2025-07-01", 7));
        for wrong in [&out_of_order, head, &format!("{head}{}x = 1", entry("2025-01-01", 5))] {
            assert!(FigureRules::parse(wrong).unwrap_err().join("").contains(FILE), "{wrong}");
        }
        assert_eq!(
            FigureRules::built_in().unwrap().on("2025-01-01".parse().unwrap()).original_resolution,
            OriginalResolution::End
        );
    }
}
