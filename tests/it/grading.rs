//! Lights against a second reading of the rules, on districts that nobody chose.

mod draw;
mod naive;

use naive::{District, Fate, ShopKey, Told};
use proptest::prelude::*;
use proptest::sample::select;
use std::collections::BTreeMap;
use uuid::Uuid;
use warnlight::domain::code::CreditCode;
use warnlight::domain::command::Command;
use warnlight::domain::decide::{Known, decide};
use warnlight::domain::envelope::{NewEvent, Origin, Position};
use warnlight::domain::fold::Stamp;
use warnlight::domain::merchant::Horizon;
use warnlight::domain::time::{Day, Instant, plus_days, plus_hours, start_of};
use warnlight::domain::world::World;
use warnlight::lights::facts;
use warnlight::lights::grade::grade;
use warnlight::lights::moment::Moment;
use warnlight::policy::Policies;
use warnlight::policy::fact::{FactId, FactTable, Value};

/// What the service makes of rows, without the desk around it.
#[derive(Default)]
struct Service {
    world: World,
    position: Position,
}

impl Service {
    fn take(&mut self, row: &Command, policies: &Policies) -> Fate {
        let sectors: Vec<String> = policies.sectors.all().iter().map(|sector| sector.id.clone()).collect();
        let owner = match row {
            Command::RecordComplaint(row) => self.world.ticket_owner(&row.ticket),
            _ => None,
        };
        let known = Known {
            merchant: self.world.get(row.credit_code()),
            ticket_owner: owner.and_then(|owner| self.world.get(owner)),
            sectors: &sectors,
        };
        let Ok(decision) = decide(row, known, recording()) else { return Fate::Refused };
        if decision.events.is_empty() {
            return Fate::Known;
        }
        for (occurred_at, event) in decision.events {
            let envelope = NewEvent::new(Uuid::nil(), occurred_at, &Origin::service(), &event);
            self.position += 1;
            let stamp = Stamp { position: self.position, recorded_at: recording(), history: true };
            self.world.apply(stamp, &event, &envelope.data);
        }
        Fate::Taken
    }

    fn tell(&self, policies: &Policies, now: Instant, known: Position) -> BTreeMap<CreditCode, Told> {
        let moment = Moment::new(policies, now, known);
        let horizon = Horizon::new(now, known);
        let mut told = BTreeMap::new();
        for merchant in self.world.merchants().iter().filter(|merchant| merchant.exists(&horizon)) {
            let subject = moment.subject(&self.world, merchant);
            let grade = grade(&subject);
            let table = facts::of_merchant(&subject);
            let shops: BTreeMap<ShopKey, _> = merchant
                .shops
                .iter()
                .filter(|shop| shop.exits.iter().any(|step| step.position <= known))
                .map(|shop| {
                    let key = (shop.name.mall.to_string(), shop.name.unit.to_string());
                    (key, values(&facts::of_shop(&table, &subject, shop), true))
                })
                .collect();
            let rules = grade.rules(&policies.pack).map(|rule| pack_name(&rule.id)).collect();
            told.insert(merchant.code, Told { light: grade.light, rules, facts: values(&table, false), shops });
        }
        told
    }
}

/// Every rule's name as a static text: the naive reading has them as literals.
fn pack_name(id: &str) -> &'static str {
    naive::RULES.iter().copied().find(|name| *name == id).unwrap_or("a rule the text does not have")
}

fn values(table: &FactTable, of_shop: bool) -> BTreeMap<&'static str, Option<Value>> {
    FactId::ALL.iter().filter(|fact| fact.is_of_shop() == of_shop).map(|fact| (fact.name(), table.get(*fact))).collect()
}

/// After everything that happens in the districts.
fn recording() -> Instant {
    "2030-01-01T12:00:00+08:00".parse().unwrap()
}

fn moments(turn: Day) -> Vec<Instant> {
    let days = [-90, -45, -31, -30, -1, 1, 2, 30, 31, 100].map(|step| plus_hours(start_of(plus_days(turn, step)), 10));
    let hours = [0, 9, 18].map(|hour| plus_hours(start_of(turn), hour));
    let second = [start_of(turn).checked_sub(jiff::SignedDuration::from_secs(1)).unwrap()];
    [&second[..], &hours[..], &days[..]].concat()
}

fn turns() -> impl Strategy<Value = Day> {
    select(draw::TURNS.to_vec()).prop_map(|turn| turn.parse().unwrap())
}

fn compare(turn: Day, rows: &[Command]) -> Result<(), TestCaseError> {
    let policies = Policies::built_in().unwrap();
    let mut service = Service::default();
    let mut district = District::default();
    for row in rows {
        let there = service.position;
        let (found, told) = (service.take(row, &policies), district.take(row));
        prop_assert_eq!(
            found == Fate::Refused,
            told == Fate::Refused,
            "{:?}: service {:?}, text {:?}",
            row,
            found,
            told
        );
        if told == Fate::Known {
            prop_assert_eq!(service.position, there, "{:?} was known and wrote something", row);
        }
    }
    for now in moments(turn) {
        let found = service.tell(&policies, now, Position::MAX);
        let told = district.tell(now);
        same(now, &found, &told)?;
    }
    Ok(())
}

fn same(
    now: Instant,
    found: &BTreeMap<CreditCode, Told>,
    told: &BTreeMap<CreditCode, Told>,
) -> Result<(), TestCaseError> {
    prop_assert_eq!(found.keys().collect::<Vec<_>>(), told.keys().collect::<Vec<_>>(), "merchants at {}", now);
    for (code, told) in told {
        let found = &found[code];
        for (name, value) in &told.facts {
            prop_assert_eq!(found.facts[name], *value, "{} of {} at {}", name, code, now);
        }
        for (shop, facts) in &told.shops {
            for (name, value) in facts {
                let found = found.shops.get(shop).and_then(|facts| facts[name]);
                let (found, value) = (
                    found.filter(|value| *value != Value::Flag(false)),
                    value.filter(|value| *value != Value::Flag(false)),
                );
                prop_assert_eq!(found, value, "{} of {:?} of {} at {}", name, shop, code, now);
            }
        }
        prop_assert_eq!(&found.rules, &told.rules, "rules of {} at {}", code, now);
        prop_assert_eq!(found.light, told.light, "light of {} at {}", code, now);
    }
    Ok(())
}

/// More with `WARNLIGHT_CASES=5000`.
fn cases() -> u32 {
    std::env::var("WARNLIGHT_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn two_readings_of_the_rules_agree(
        (turn, rows) in turns().prop_flat_map(|turn| (Just(turn), draw::district(turn, 1..60))),
    ) {
        compare(turn, &rows)?;
    }

    #[test]
    fn two_readings_of_a_shops_exit_agree(
        (turn, rows) in turns().prop_flat_map(|turn| (Just(turn), draw::exits_of_one_shop(turn))),
    ) {
        compare(plus_days(turn, 15), &rows)?;
    }
}
