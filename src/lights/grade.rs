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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::Event;
    use crate::domain::fold::Stamp;
    use crate::domain::time::Instant;
    use crate::domain::world::World;
    use crate::lights::explain::explain;
    use crate::lights::moment::Moment;
    use crate::policy::Policies;

    /// What earlier versions took and this one would not: it is in logs and stays readable.
    #[test]
    fn odd_dates_of_old_logs_are_read_and_graded_at_any_instant() {
        let code = r#""credit_code":"91110000101623741K""#;
        let mut world = World::default();
        for (position, (kind, fields)) in (1..).zip([
            ("mall.exit_notice_posted", r#""mall":"M","unit":"1","date":"2025-05-01","planned_on":"9999-12-31""#),
            ("mall.exit_notice_posted", r#""mall":"M","unit":"2","date":"2025-05-01","planned_on":"-009999-01-03""#),
            ("mall.shop_closed", r#""mall":"M","unit":"3","date":"-009999-01-02""#),
            ("prepaid.reported", r#""date":"0205-06-30","outstanding":"1""#),
            ("custody.balance_reported", r#""date":"9999-12-31","held":"1""#),
            ("custody.guarantee_posted", r#""kind":"guarantee","amount":"1","from":"-009999-01-02","until":"9999-12-31""#),
            ("enforcement.listed", r#""list":"serious","entered_on":"1000-01-01""#),
            ("enforcement.delisted", r#""list":"serious","entered_on":"1000-01-01","removed_on":"9999-12-31""#),
            ("enforcement.rectification_ordered", r#""date":"0001-01-01","due_on":"0001-01-02""#),
            (
                "complaint.received",
                r#""ticket":"T","channel":"mall","kind":"refund","received_at":"-009999-01-03T12:00:00Z","due_at":"9999-12-30T00:00:00Z""#,
            ),
        ]) {
            let json = format!("{{{code},{fields}}}");
            let event = Event::decode(kind, 1, &json).unwrap_or_else(|error| panic!("{json}: {error}"));
            world.fold(Stamp { position, recorded_at: Instant::UNIX_EPOCH, history: false }, &event);
        }
        let policies = Policies::built_in().unwrap();
        for now in [Instant::MIN, Instant::UNIX_EPOCH, "2025-06-30T10:00:00Z".parse().unwrap(), Instant::MAX] {
            let moment = Moment::new(&policies, now, 100);
            let subject = moment.subject(&world, world.at(0).unwrap());
            let grade = grade(&subject);
            assert_eq!(explain(&subject, &grade).len(), grade.fired.len());
        }
    }
}
