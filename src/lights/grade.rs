//! Grading: `light = grade(evidence, policy, instant)`, pure.

use super::facts;
use super::moment::Subject;
use crate::domain::words::Light;
use crate::policy::fact::FactTable;
use crate::policy::rule::{Pack, Rule};

/// A merchant's light with the rules that asked for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grade {
    /// The worst that any rule in force asks for.
    pub light: Light,
    /// Every rule that fired, in the pack's order (worst first, then by id).
    pub fired: Vec<Fired>,
}

/// A rule that fired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fired {
    /// Index in the pack's rules.
    pub rule: usize,
    /// For rules on shop facts, indexes of the shops it fired for; else empty.
    pub shops: Vec<usize>,
}

impl Grade {
    /// Returns the rules that fired.
    pub fn rules<'p>(&self, pack: &'p Pack) -> impl Iterator<Item = &'p Rule> {
        self.fired.iter().filter_map(|fired| pack.rules.get(fired.rule))
    }
}

/// Grades a merchant at a moment.
#[must_use]
pub fn grade(subject: &Subject<'_>) -> Grade {
    let pack = &subject.moment.policies.pack;
    let table = facts::of_merchant(subject);
    // A shop without a step of an exit has no facts that a rule could fire on.
    let shops: Vec<(usize, FactTable)> = subject
        .merchant
        .shops
        .iter()
        .enumerate()
        .filter(|(_, shop)| !shop.exits.is_empty())
        .map(|(index, shop)| (index, facts::of_shop(&table, subject, shop)))
        .collect();
    let mut fired = Vec::new();
    for (index, rule) in pack.rules.iter().enumerate() {
        if rule.of_shop {
            let shops: Vec<usize> =
                shops.iter().filter(|(_, table)| rule.when.holds(table)).map(|(shop, _)| *shop).collect();
            if !shops.is_empty() {
                fired.push(Fired { rule: index, shops });
            }
        } else if rule.when.holds(&table) {
            fired.push(Fired { rule: index, shops: Vec::new() });
        }
    }
    let mut grade = Grade { light: Light::Green, fired };
    grade.light = worst(grade.rules(pack).map(|rule| rule.light));
    grade
}

/// Grades one table of facts: the light, and how many rules fired.
#[must_use]
pub fn grade_facts(pack: &Pack, table: &FactTable) -> (Light, usize) {
    let mut fired = 0;
    let light = worst(pack.rules.iter().filter(|rule| rule.when.holds(table)).map(|rule| {
        fired += 1;
        rule.light
    }));
    (light, fired)
}

fn worst(lights: impl Iterator<Item = Light>) -> Light {
    lights.max().unwrap_or(Light::Green)
}
