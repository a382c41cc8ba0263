//! The fold of `light.changed`: which light every merchant was last recorded with.

use crate::domain::code::CreditCode;
use crate::domain::envelope::Position;
use crate::domain::event::LightChanged;
use crate::domain::time::Instant;
use crate::domain::words::Light;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use uuid::Uuid;

/// A light as last recorded. A merchant without one is green without reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lit {
    /// The light.
    pub light: Light,
    /// Rules that asked for it or for a milder one, worst first.
    pub rules: Vec<Arc<str>>,
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
    lit: HashMap<CreditCode, Lit>,
    names: HashSet<Arc<str>>,
}

impl Lights {
    /// Takes a light change into account.
    pub fn apply(&mut self, position: Position, event: Uuid, change: &LightChanged) {
        let rules = change.reasons.iter().map(|reason| self.name(&reason.rule)).collect();
        let revision = self.lit.get(&change.credit_code).map_or(0, |lit| lit.revision) + 1;
        let lit = Lit { light: change.to, rules, at: change.at, event, position, revision };
        self.lit.insert(change.credit_code, lit);
    }

    /// Counts another event of a merchant's light stream, such as a missed deadline.
    pub fn count(&mut self, code: CreditCode) {
        if let Some(lit) = self.lit.get_mut(&code) {
            lit.revision += 1;
        }
    }

    /// Rule ids repeat over all merchants; each is kept once.
    fn name(&mut self, rule: &str) -> Arc<str> {
        if let Some(name) = self.names.get(rule) {
            return name.clone();
        }
        let name: Arc<str> = Arc::from(rule);
        self.names.insert(name.clone());
        name
    }

    /// Returns a merchant's light as last recorded; `None` if none ever was: green without reasons.
    #[must_use]
    pub fn get(&self, code: CreditCode) -> Option<&Lit> {
        self.lit.get(&code)
    }

    /// Returns a merchant's light.
    #[must_use]
    pub fn light(&self, code: CreditCode) -> Light {
        self.get(code).map_or(Light::Green, |lit| lit.light)
    }

    /// Returns every light ever recorded.
    pub fn iter(&self) -> impl Iterator<Item = (&CreditCode, &Lit)> {
        self.lit.iter()
    }
}

/// Returns the stream of a merchant's light changes.
#[must_use]
pub fn light_stream(code: CreditCode) -> String {
    format!("light-{code}")
}
