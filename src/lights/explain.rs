//! Why a light is what it is: every rule that fired, with the facts, values, thresholds and events behind it (law 5).

use super::facts::{Trace, compute};
use super::grade::{Fired, Grade};
use super::moment::Subject;
use crate::domain::envelope::Position;
use crate::domain::event::{FactSeen, Reason};
use crate::domain::evidence::Shop;
use crate::policy::rule::{Decisive, Rule};
use uuid::Uuid;

/// A reason whose events are still named by position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The reason, its events left empty.
    pub reason: Reason,
    /// Where the events stand.
    pub positions: Vec<Position>,
}

impl Draft {
    /// Returns the reason with the ids of its events.
    #[must_use]
    pub fn with_events(self, events: Vec<Uuid>) -> Reason {
        Reason { events, ..self.reason }
    }
}

/// Explains a grade of a subject.
#[must_use]
pub fn explain(subject: &Subject<'_>, grade: &Grade) -> Vec<Draft> {
    let rules = &subject.moment.policies.pack.rules;
    grade.fired.iter().filter_map(|fired| Some(draft(subject, rules.get(fired.rule)?, fired))).collect()
}

fn draft(subject: &Subject<'_>, rule: &Rule, fired: &Fired) -> Draft {
    let mut trace = Trace::on();
    let mut seen = Vec::new();
    if rule.of_shop {
        for shop in fired.shops.iter().filter_map(|index| subject.merchant.shops.get(*index)) {
            look(subject, rule, Some(shop), &mut trace, &mut seen);
        }
    } else {
        look(subject, rule, None, &mut trace, &mut seen);
    }
    let reason = Reason {
        rule: rule.id.clone(),
        version: rule.version,
        light: rule.light,
        clause: rule.source.clone(),
        facts: seen,
        events: Vec::new(),
    };
    Draft { reason, positions: trace.positions() }
}

fn look(subject: &Subject<'_>, rule: &Rule, shop: Option<&Shop>, trace: &mut Trace, seen: &mut Vec<FactSeen>) {
    let merchant_facts = super::facts::of_merchant(subject);
    let table = shop.map_or(merchant_facts, |shop| super::facts::of_shop(&merchant_facts, subject, shop));
    let mut decisive = Vec::new();
    rule.when.decisive(&table, &mut decisive);
    for comparison in decisive {
        let (fact, sign, threshold) = match comparison {
            Decisive::Compared(fact, comparison, threshold, true) => {
                (fact, comparison.sign().to_owned(), Some(threshold.to_string()))
            }
            Decisive::Compared(fact, comparison, threshold, false) => {
                (fact, format!("not {}", comparison.sign()), Some(threshold.to_string()))
            }
            Decisive::Missing(fact, true) => (fact, "is missing".to_owned(), None),
            Decisive::Missing(fact, false) => (fact, "is not missing".to_owned(), None),
        };
        let value = compute(fact, subject, shop, trace);
        seen.push(FactSeen {
            fact: fact.name().to_owned(),
            value: value.map(|value| value.to_string()),
            comparison: sign,
            threshold,
            shop: shop.filter(|_| fact.is_of_shop()).map(|shop| shop.name.clone()),
        });
    }
}
