//! Reads one section of the merged settings and notes everything that is wrong instead of stopping at the first.

use super::Problem;
use super::secret::Secret;
use config::{Value, ValueKind};
use std::collections::BTreeMap;
use std::collections::HashMap;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// A section being read. Keys that nobody asked for are unknown keys.
pub(super) struct Section<'p> {
    path: String,
    values: BTreeMap<String, Value>,
    known: Vec<&'static str>,
    problems: &'p mut Vec<Problem>,
}

impl<'p> Section<'p> {
    /// Begins at the root.
    pub(super) fn root(values: HashMap<String, Value>, problems: &'p mut Vec<Problem>) -> Self {
        Self { path: String::new(), values: values.into_iter().collect(), known: Vec::new(), problems }
    }

    /// Returns the section `key`; an absent one is empty.
    pub(super) fn section(&mut self, key: &'static str) -> Section<'_> {
        let path = self.path_of(key);
        let values = match self.take(key) {
            None => BTreeMap::new(),
            Some(value) => {
                let found = describe(&value);
                let origin = origin(&value);
                if let ValueKind::Table(table) = value.kind {
                    table.into_iter().collect()
                } else {
                    let problem = format!("a section `[{path}]` with keys is needed here, not {found}");
                    self.problems.push(Problem { key: path.clone(), origin, message: problem });
                    BTreeMap::new()
                }
            }
        };
        Section { path, values, known: Vec::new(), problems: self.problems }
    }

    /// Returns a text; `None` if unset.
    pub(super) fn text(&mut self, key: &'static str) -> Option<String> {
        self.read(key, "a text in quotes", |value| match &value.kind {
            ValueKind::String(text) => Some(text.trim().to_owned()),
            // The environment has only texts, and a file may hold a number where a text could be one.
            ValueKind::I64(number) if from_environment(value) => Some(number.to_string()),
            _ => None,
        })
        .filter(|text| !text.is_empty())
    }

    /// Returns a secret text; `None` if unset.
    pub(super) fn secret(&mut self, key: &'static str) -> Option<Secret> {
        // Never trimmed: a blank may be part of a password.
        self.read(key, "a text in quotes", |value| match &value.kind {
            ValueKind::String(text) => Some(Secret::new(text.clone())),
            _ => None,
        })
        .filter(|secret| !secret.expose().is_empty())
    }

    /// Returns a whole number within `range`; `None` if unset or wrong.
    pub(super) fn number(&mut self, key: &'static str, range: RangeInclusive<u64>) -> Option<u64> {
        let wanted = format!("a whole number from {} to {}", range.start(), range.end());
        self.read(key, &wanted, |value| number(value).filter(|number| range.contains(number)))
    }

    /// Returns a list of whole numbers within `range`; texts are split at commas. `None` if unset or wrong.
    pub(super) fn numbers(&mut self, key: &'static str, range: RangeInclusive<u64>) -> Option<Vec<u64>> {
        let wanted = format!("a list of whole numbers from {} to {}", range.start(), range.end());
        self.read(key, &wanted, |value| {
            let numbers: Option<Vec<u64>> = match &value.kind {
                ValueKind::Array(items) => items.iter().map(number).collect(),
                ValueKind::String(text) => text.split(',').map(|item| item.trim().parse().ok()).collect(),
                _ => number(value).map(|number| vec![number]),
            };
            numbers.filter(|numbers| numbers.iter().all(|number| range.contains(number)))
        })
    }

    /// Returns a list of texts parsed into a type; a text is split at commas. `None` if unset or wrong.
    pub(super) fn list<T: FromStr>(&mut self, key: &'static str, wanted: &str) -> Option<Vec<T>> {
        self.read(key, wanted, |value| match &value.kind {
            ValueKind::Array(items) => items
                .iter()
                .map(|item| match &item.kind {
                    ValueKind::String(text) => text.trim().parse().ok(),
                    _ => None,
                })
                .collect(),
            ValueKind::String(text) => text.split(',').map(|item| item.trim().parse().ok()).collect(),
            _ => None,
        })
    }

    /// Returns a text parsed into a type; `None` if unset or wrong. `wanted` says what is allowed.
    pub(super) fn parsed<T: FromStr>(&mut self, key: &'static str, wanted: &str) -> Option<T> {
        self.read(key, wanted, |value| match &value.kind {
            ValueKind::String(text) => text.trim().parse().ok(),
            _ => None,
        })
    }

    /// Notes a problem with `key` that only shows when values are seen together.
    pub(super) fn problem(&mut self, key: &str, message: impl Display) {
        let key = self.path_of(key);
        self.problems.push(Problem { key, origin: None, message: message.to_string() });
    }

    /// Ends the section: what was not asked for is unknown.
    pub(super) fn finish(self) {
        for (key, value) in &self.values {
            let near = self.known.iter().find(|known| alike(known, key));
            let advice = match near {
                Some(known) => format!("did you mean `{known}`?"),
                None => format!("remove it; known here: {}", self.known.join(", ")),
            };
            self.problems.push(Problem {
                key: join(&self.path, key),
                origin: origin(value),
                message: format!("there is no such setting; {advice}"),
            });
        }
    }

    fn read<T>(&mut self, key: &'static str, wanted: &str, convert: impl Fn(&Value) -> Option<T>) -> Option<T> {
        let value = self.take(key)?;
        let read = convert(&value);
        if read.is_none() {
            let found = if is_secret(key) { "what is there".to_owned() } else { describe(&value) };
            self.problems.push(Problem {
                key: self.path_of(key),
                origin: origin(&value),
                message: format!("{wanted} is needed, not {found}"),
            });
        }
        read
    }

    fn take(&mut self, key: &'static str) -> Option<Value> {
        self.known.push(key);
        self.values.remove(key).filter(|value| value.kind != ValueKind::Nil)
    }

    fn path_of(&self, key: &str) -> String {
        join(&self.path, key)
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn is_secret(key: &str) -> bool {
    matches!(key, "secret" | "password")
}

fn number(value: &Value) -> Option<u64> {
    match &value.kind {
        ValueKind::I64(number) => u64::try_from(*number).ok(),
        ValueKind::U64(number) => Some(*number),
        ValueKind::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn describe(value: &Value) -> String {
    match &value.kind {
        ValueKind::Table(_) => "a section".to_owned(),
        ValueKind::Array(items) => {
            format!("[{}]", items.iter().map(|item| item.to_string()).collect::<Vec<_>>().join(", "))
        }
        _ => format!("`{value}`"),
    }
}

fn origin(value: &Value) -> Option<String> {
    value.origin().map(str::to_owned)
}

fn from_environment(value: &Value) -> bool {
    value.origin() == Some("the environment")
}

/// Says whether two keys differ by one slip: a letter too much, too few, wrong or swapped.
fn alike(known: &str, found: &str) -> bool {
    let (known, found): (Vec<char>, Vec<char>) = (known.chars().collect(), found.chars().collect());
    let prefix = known.iter().zip(&found).take_while(|(left, right)| left == right).count();
    let rest = |letters: &[char]| letters.len().saturating_sub(prefix);
    let suffix = known.iter().rev().zip(found.iter().rev()).take_while(|(left, right)| left == right).count();
    let suffix = suffix.min(rest(&known)).min(rest(&found));
    let (left, right) = (rest(&known) - suffix, rest(&found) - suffix);
    known.len() > 2 && left.max(right) <= 2
}
