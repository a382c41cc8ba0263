//! The fold of `light.changed`: which light every merchant was last recorded with.

use super::part::{FoldError, Part, SeenEvent};
use super::snapshot::{Keep, Stored as _};
use crate::domain::code::CreditCode;
use crate::domain::envelope::Position;
use crate::domain::event::{Event, LightChanged};
use crate::domain::index::Places;
use crate::domain::pages::Pages;
use crate::domain::time::Instant;
use crate::domain::words::Light;
use std::collections::HashSet;
use std::sync::Arc;
use uuid::Uuid;

/// A light as last recorded. A merchant without one is green without reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lit {
    /// The light.
    pub light: Light,
    /// Rules that asked for it or for a milder one, worst first.
    pub rules: Arc<[Arc<str>]>,
    /// Since when each of the rules has been among them, in their order.
    pub rules_since: Arc<[Instant]>,
    /// Since when it has had this colour.
    pub since: Instant,
    /// Instant of the last change, of the colour or of the rules.
    pub at: Instant,
    /// The event.
    pub event: Uuid,
    /// Where the event stands.
    pub position: Position,
    /// Number of events in its `light-…` stream.
    pub revision: u32,
}

impl Lit {
    /// Returns the rules with the instant each has been among them since.
    pub fn reasons(&self) -> impl Iterator<Item = (&Arc<str>, Instant)> {
        self.rules.iter().zip(self.rules_since.iter().copied())
    }

    fn since_of(&self, rule: &str) -> Option<Instant> {
        self.reasons().find(|(known, _)| &***known == rule).map(|(_, since)| since)
    }
}

/// The lights last recorded.
#[derive(Debug, Default, Clone)]
pub struct Lights {
    /// In the order first recorded.
    lit: Pages<(CreditCode, Lit)>,
    places: Places,
    words: Arc<Words>,
}

/// Texts kept once.
#[derive(Debug, Default, Clone)]
struct Words {
    names: HashSet<Arc<str>>,
    lists: HashSet<Arc<[Arc<str>]>>,
}

impl Lights {
    /// Takes a light change into account.
    pub fn apply(&mut self, position: Position, event: Uuid, change: &LightChanged) {
        let rules = self.list(change.reasons.iter().map(|reason| reason.rule.as_str()));
        let before = self.get(change.credit_code);
        let revision = before.map_or(0, |lit| lit.revision) + 1;
        let since = before.filter(|lit| lit.light == change.to).map_or(change.at, |lit| lit.since);
        let rules_since =
            rules.iter().map(|rule| before.and_then(|lit| lit.since_of(rule)).unwrap_or(change.at)).collect();
        let lit = Lit { light: change.to, rules, rules_since, since, at: change.at, event, position, revision };
        self.put(change.credit_code, lit);
    }

    /// Takes over a light as it was kept elsewhere.
    pub fn insert(&mut self, code: CreditCode, mut lit: Lit) {
        lit.rules = self.list(lit.rules.iter().map(|rule| &**rule));
        self.put(code, lit);
    }

    fn put(&mut self, code: CreditCode, lit: Lit) {
        if let Some(place) = self.get_mut(code) {
            *place = lit;
            return;
        }
        let place = u32::try_from(self.lit.len()).unwrap_or(u32::MAX);
        self.places.file(&code, place, |place| self.lit.get(usize::try_from(place).ok()?).map(|(code, _)| *code));
        self.lit.push((code, lit));
    }

    fn get_mut(&mut self, code: CreditCode) -> Option<&mut Lit> {
        let place = self.place_of(code)?;
        self.lit.get_mut(place).map(|(_, lit)| lit)
    }

    fn place_of(&self, code: CreditCode) -> Option<usize> {
        let fits = |place| usize::try_from(place).ok().and_then(|place| self.lit.get(place));
        let place = self.places.find(&code, |place| fits(place).is_some_and(|(there, _)| *there == code))?;
        usize::try_from(place).ok()
    }

    /// Counts another event of a merchant's light stream, such as a missed deadline.
    pub fn count(&mut self, code: CreditCode) {
        if let Some(lit) = self.get_mut(code) {
            lit.revision += 1;
        }
    }

    /// The same few rules fire together for many merchants; each list is kept once.
    fn list<'r>(&mut self, rules: impl Iterator<Item = &'r str>) -> Arc<[Arc<str>]> {
        let rules: Vec<Arc<str>> = rules.map(|rule| self.name(rule)).collect();
        if let Some(list) = self.words.lists.get(rules.as_slice()) {
            return list.clone();
        }
        let list: Arc<[Arc<str>]> = rules.into();
        Arc::make_mut(&mut self.words).lists.insert(list.clone());
        list
    }

    /// Rule ids repeat over all lists; each is kept once.
    fn name(&mut self, rule: &str) -> Arc<str> {
        if let Some(name) = self.words.names.get(rule) {
            return name.clone();
        }
        let name: Arc<str> = Arc::from(rule);
        Arc::make_mut(&mut self.words).names.insert(name.clone());
        name
    }

    /// Returns a merchant's light as last recorded; `None` if none ever was: green without reasons.
    #[must_use]
    pub fn get(&self, code: CreditCode) -> Option<&Lit> {
        self.lit.get(self.place_of(code)?).map(|(_, lit)| lit)
    }

    /// Returns a merchant's light.
    #[must_use]
    pub fn light(&self, code: CreditCode) -> Light {
        self.get(code).map_or(Light::Green, |lit| lit.light)
    }

    /// Returns every light ever recorded, in the order first recorded.
    #[must_use]
    pub const fn entries(&self) -> &Pages<(CreditCode, Lit)> {
        &self.lit
    }
}

impl Part for Lights {
    type Kept = (CreditCode, Lit);

    fn fold(&mut self, seen: &SeenEvent<'_>) -> Result<(), FoldError> {
        match seen.event {
            Event::LightChanged(change) => self.apply(seen.stamp.position, seen.id, change),
            Event::DeadlineMissed(missed) => self.count(missed.credit_code),
            _ => {}
        }
        Ok(())
    }

    fn keep(&self, keep: &mut Keep<'_>) {
        for (code, lit) in self.entries().iter() {
            keep.one(|out| {
                code.put(out);
                lit.put(out);
            });
        }
    }

    fn restore(&mut self, (code, lit): Self::Kept) {
        self.insert(code, lit);
    }
}

/// Returns the stream of a merchant's light changes.
#[must_use]
pub fn light_stream(code: CreditCode) -> String {
    format!("light-{code}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(code: CreditCode, to: Light, at: &str, rules: &[&str]) -> LightChanged {
        let reasons: Vec<serde_json::Value> = rules
            .iter()
            .map(|rule| serde_json::json!({ "rule": rule, "version": 1, "light": "yellow", "clause": "c", "facts": [], "events": [] }))
            .collect();
        serde_json::from_value(serde_json::json!({
            "credit_code": code, "from": "green", "to": to, "at": at, "known": 1, "pack": "p", "policy": "0", "cause": "evidence",
            "notify": true, "reasons": reasons,
        }))
        .unwrap()
    }

    #[test]
    fn a_colour_is_kept_since_it_began_and_every_reason_since_it_stands() {
        let code: CreditCode = "91110000101623741K".parse().unwrap();
        let mut lights = Lights::default();
        let days = ["2025-09-15T00:00:00Z", "2025-10-12T00:00:00Z", "2025-11-01T00:00:00Z", "2025-11-02T00:00:00Z"];
        let [first, second, third, fourth] = days.map(|day| day.parse::<Instant>().unwrap());
        let mut apply = |to, at: &str, rules: &[&str]| {
            lights.apply(1, Uuid::nil(), &change(code, to, at, rules));
            let lit = lights.get(code).unwrap().clone();
            (lit.since, lit.rules_since.to_vec(), lit.at)
        };
        assert_eq!(apply(Light::Red, days[0], &["a", "b"]), (first, vec![first, first], first));
        assert_eq!(apply(Light::Red, days[1], &["a", "c"]), (first, vec![first, second], second));
        assert_eq!(apply(Light::Yellow, days[2], &["c"]), (third, vec![second], third));
        assert_eq!(apply(Light::Red, days[3], &["a", "c"]), (fourth, vec![fourth, second], fourth));
    }
}
