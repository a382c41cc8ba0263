//! The fold of `light.changed`: which light every merchant was last recorded with.

use super::part::{FoldError, Part, Seen};
use super::snapshot::{Keep, Stored as _};
use crate::domain::code::CreditCode;
use crate::domain::envelope::Position;
use crate::domain::event::{Event, LightChanged};
use crate::domain::index::Index;
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
    /// Instant it is true for.
    pub at: Instant,
    /// The event.
    pub event: Uuid,
    /// Where the event stands.
    pub position: Position,
    /// Number of events in its `light-…` stream.
    pub revision: u32,
}

/// The lights last recorded.
#[derive(Debug, Default, Clone)]
pub struct Lights {
    /// In the order first recorded.
    lit: Pages<(CreditCode, Lit)>,
    places: Index<CreditCode, u32>,
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
        let revision = self.get(change.credit_code).map_or(0, |lit| lit.revision) + 1;
        self.put(change.credit_code, Lit { light: change.to, rules, at: change.at, event, position, revision });
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
        self.places.insert(code, u32::try_from(self.lit.len()).unwrap_or(u32::MAX));
        self.lit.push((code, lit));
    }

    fn get_mut(&mut self, code: CreditCode) -> Option<&mut Lit> {
        let place = usize::try_from(*self.places.get(&code)?).ok()?;
        self.lit.get_mut(place).map(|(_, lit)| lit)
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
        let place = usize::try_from(*self.places.get(&code)?).ok()?;
        self.lit.get(place).map(|(_, lit)| lit)
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

    fn fold(&mut self, seen: &Seen<'_>) -> Result<(), FoldError> {
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
