//! Lights against a second reading of the rules, on districts that nobody chose.

mod draw;
mod editions;
mod naive;

use naive::{District, Fate, ShopKey, Told};
use proptest::prelude::*;
use proptest::sample::select;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use warnlight::alerts::recipients::{BUILT_IN, Recipients};
use warnlight::clock::ManualClock;
use warnlight::desk::{Answer, Request, Start};
use warnlight::domain::code::CreditCode;
use warnlight::domain::command::Command;
use warnlight::domain::decide::{Known, decide};
use warnlight::domain::envelope::{Origin, Position};
use warnlight::domain::fold::Stamp;
use warnlight::domain::merchant::Horizon;
use warnlight::domain::time::{Day, Instant, plus_days, plus_hours, start_of};
use warnlight::domain::whose::Queue;
use warnlight::domain::world::World;
use warnlight::lights::facts;
use warnlight::lights::grade::grade;
use warnlight::lights::moment::Moment;
use warnlight::log::contract::EventLog;
use warnlight::log::memory::MemoryLog;
use warnlight::picture::Picture;
use warnlight::policy::Policies;
use warnlight::policy::fact::{FactId, FactTable, Unit, Value};

/// What the service makes of rows, without the desk around it.
#[derive(Default, Clone)]
struct Service {
    world: World,
    position: Position,
}

impl Service {
    fn take(&mut self, row: &Command, policies: &Policies) -> Fate {
        let sectors: Vec<String> = policies.sectors.all().iter().map(|sector| sector.id.clone()).collect();
        let queue = Queue::default();
        let known = Known::of(&self.world, &queue, row, &sectors);
        let Ok(decision) = decide(row, known, recording()) else { return Fate::Refused };
        if decision.events.is_empty() {
            return Fate::Known;
        }
        for (_, event) in decision.events {
            self.position += 1;
            let stamp = Stamp { position: self.position, recorded_at: recording(), history: true };
            self.world.fold(stamp, &event);
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
                    let key = (naive::key(&shop.name.mall), naive::key(&shop.name.unit));
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

/// Rows that say what stands after all of them: those that were refused may be taken once more is known, and those that were
/// corrected since would be corrections.
fn standing(rows: &[Command]) -> Vec<Command> {
    let policies = Policies::built_in().unwrap();
    let mut service = Service::default();
    for row in rows {
        service.take(row, &policies);
    }
    let stands = |row: &&Command| service.clone().take(row, &policies) == Fate::Known;
    rows.iter().filter(stands).cloned().collect()
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

    /// The light of one day as known at one point of the log is the light that the log up to there gives.
    #[test]
    fn what_was_known_then_is_what_the_log_held_then(
        (turn, rows) in turns().prop_flat_map(|turn| (Just(turn), draw::district(turn, 5..40))),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 3),
    ) {
        let policies = Policies::built_in().unwrap();
        let mut service = Service::default();
        let mut district = District::default();
        // After each row: how far the log had come, and what there was to know.
        let mut snapshots = Vec::new();
        for row in &rows {
            service.take(row, &policies);
            district.take(row);
            snapshots.push((service.position, district.clone()));
        }
        for cut in cuts {
            let (known, then) = cut.get(&snapshots);
            for now in [plus_days(turn, -1), turn, plus_days(turn, 31)].map(|day| plus_hours(start_of(day), 12)) {
                same(now, &service.tell(&policies, now, *known), &then.tell(now))?;
            }
        }
    }

    /// However rows are cut into requests, and whatever is sent again, the desk ends with the lights of a plain replay.
    #[test]
    fn lights_do_not_depend_on_how_rows_were_sent(
        (turn, rows) in turns().prop_flat_map(|turn| (Just(turn), draw::district(turn, 5..40))),
        cuts in prop::collection::vec((1_usize..9, prop::bool::weighted(0.3)), 1..8),
    ) {
        let policies = Arc::new(Policies::built_in().unwrap());
        let mut service = Service::default();
        for row in &rows {
            service.take(row, &policies);
        }
        let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
        let recipients = Arc::new(Recipients::parse(BUILT_IN).unwrap());
        let clock = Arc::new(ManualClock::new(recording()));
        let start = Start {
            log: log.clone(),
            clock,
            policies: (*policies).clone(),
            recipients,
            recipients_text: BUILT_IN.to_owned(),
        };
        let desk = start.start().unwrap();
        let mut sent = 0;
        for (length, again) in cuts.into_iter().cycle() {
            if sent == rows.len() {
                break;
            }
            let end = (sent + length).min(rows.len());
            let mut commands = rows[sent..end].to_vec();
            if again {
                commands.extend(standing(&rows[..end]));
            }
            let answers = desk.execute(Request::new(commands, Origin::of("test"))).unwrap();
            let twice = answers[end - sent..].iter().any(|answer| matches!(answer, Answer::Accepted(_)));
            prop_assert!(!twice, "a row was taken twice");
            sent = end;
        }
        desk.settle().unwrap();
        desk.stop();
        let replayed = Picture::replay(&*log, policies.clone()).unwrap();
        let live = desk.picture();
        prop_assert_eq!(live.world.merchants(), replayed.world.merchants());
        for now in [turn, plus_days(turn, 31)].map(|day| plus_hours(start_of(day), 12)) {
            let expected = service.tell(&policies, now, Position::MAX);
            let found = Service { world: live.world.clone(), position: 0 }.tell(&policies, now, Position::MAX);
            prop_assert_eq!(found, expected, "at {}", now);
        }
        let now = service.tell(&policies, recording(), Position::MAX);
        for (code, told) in now {
            prop_assert_eq!(live.lights.light(code), told.light, "the light recorded for {}", code);
        }
    }

    #[test]
    fn two_readings_of_a_shops_exit_agree(
        (turn, rows) in turns().prop_flat_map(|turn| (Just(turn), draw::exits_of_one_shop(turn))),
    ) {
        compare(plus_days(turn, 15), &rows)?;
    }
}

/// Rows of one merchant, and a fact of it at noon of a day, all known.
fn fact(rows: &[&str], fact: &str, day: &str) -> Option<String> {
    fact_known(rows, rows.len(), fact, day)
}

/// The same as known when only the first `known` rows had been recorded.
fn fact_known(rows: &[&str], known: usize, fact: &str, day: &str) -> Option<String> {
    let policies = Policies::built_in().unwrap();
    let mut service = Service::default();
    let mut positions = vec![0];
    for row in rows {
        let json = row.replacen('{', r#"{"credit_code":"91110108MA0000000A","#, 1);
        assert_eq!(service.take(&serde_json::from_str(&json).unwrap(), &policies), Fate::Taken, "{row}");
        positions.push(service.position);
    }
    let now = plus_hours(start_of(day.parse().unwrap()), 12);
    let told = service.tell(&policies, now, positions[known]);
    told.into_values().next()?.facts[fact].map(|value| value.to_string())
}

#[test]
fn a_signal_told_again_with_another_figure_stays_cleared() {
    let rows = [
        r#"{"command":"record_signal","kind":"rent_arrears","date":"2025-06-01","cleared_on":"2025-06-10"}"#,
        r#"{"command":"record_signal","kind":"rent_arrears","date":"2025-06-01","value":"12000"}"#,
    ];
    assert_eq!(fact(&rows, "signal.rent_arrears_days", "2025-06-09").as_deref(), Some("8"));
    assert_eq!(fact(&rows, "signal.rent_arrears_days", "2025-06-10"), None);
}

#[test]
fn a_clearing_day_that_was_moved_does_not_change_what_was_known_before() {
    let rows = [
        r#"{"command":"record_signal","kind":"rent_arrears","date":"2025-06-01","cleared_on":"2025-06-10"}"#,
        r#"{"command":"record_signal","kind":"rent_arrears","date":"2025-06-01","cleared_on":"2025-06-20"}"#,
    ];
    assert_eq!(fact_known(&rows, 1, "signal.rent_arrears_days", "2025-06-15"), None);
    assert_eq!(fact_known(&rows, 2, "signal.rent_arrears_days", "2025-06-15").as_deref(), Some("14"));
}

#[test]
fn a_removal_day_that_was_moved_does_not_change_what_was_known_before() {
    let rows = [
        r#"{"command":"record_listing","list":"serious","entered_on":"2025-06-01","removed_on":"2025-06-10"}"#,
        r#"{"command":"record_listing","list":"serious","entered_on":"2025-06-01","removed_on":"2025-06-20"}"#,
    ];
    assert_eq!(fact_known(&rows, 1, "listed.serious", "2025-06-15").as_deref(), Some("false"));
    assert_eq!(fact_known(&rows, 2, "listed.serious", "2025-06-15").as_deref(), Some("true"));
}

#[test]
fn without_a_declared_balance_nobody_knows_what_must_be_in_custody() {
    let rows = [r#"{"command":"register_merchant","industry_code":"8930","division_code":"110108"}"#];
    assert_eq!(fact(&rows, "custody.required", "2025-06-15"), None);
    assert_eq!(fact(&rows, "custody.coverage", "2025-06-15"), None);
    let declared = [rows[0], r#"{"command":"report_balance","date":"2025-06-01","outstanding":"5"}"#];
    assert_eq!(fact(&declared, "custody.required", "2025-06-15").as_deref(), Some("0"));
    assert_eq!(fact(&declared, "custody.coverage", "2025-06-15").as_deref(), Some("1"));
}

#[test]
fn the_drawn_districts_light_every_rule_and_refuse_rows() {
    use proptest::strategy::ValueTree as _;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut fired = BTreeSet::new();
    let mut fates = [0, 0, 0];
    let strategy = turns().prop_flat_map(|turn| (Just(turn), draw::district(turn, 40..60)));
    for _ in 0..80 {
        let (turn, rows) = strategy.new_tree(&mut runner).unwrap().current();
        let mut district = District::default();
        for row in &rows {
            fates[district.take(row) as usize] += 1;
        }
        fired.extend(district.tell(plus_hours(start_of(turn), 12)).into_values().flat_map(|told| told.rules));
        if fired.len() == naive::RULES.len() {
            break;
        }
    }
    let missing: Vec<_> = naive::RULES.iter().filter(|rule| !fired.contains(*rule)).collect();
    assert!(missing.is_empty(), "never lit: {missing:?}");
    assert!(fates.iter().all(|count| *count > 10), "{fates:?}");
}

#[test]
fn every_fact_and_every_rule_is_described_as_it_is() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/FACTS.md")).unwrap();
    for fact in FactId::ALL {
        let unit = match fact.unit() {
            Unit::Flag => "yes or no",
            Unit::Yuan => "yuan",
            Unit::Days => "days",
            Unit::Ratio => "ratio",
            Unit::Count => "count",
            Unit::Months => "months",
            Unit::FilingStatus => "word",
        };
        let row = format!("| `{}` {} | {unit} | ", fact.name(), fact.zh());
        assert_eq!(text.matches(&row).count(), 1, "{row}");
    }
    let policies = Policies::built_in().unwrap();
    let rules = text.split_once("## Rules").unwrap().1;
    for rule in &policies.pack.rules {
        let start = format!("| `{}` | {} | ", rule.id, rule.light);
        let row = rules.lines().find(|line| line.starts_with(&start)).unwrap_or_else(|| panic!("{start}"));
        let silence = if rule.silence { "yes" } else { "" };
        assert!(row.contains(&format!("| {silence} | {} | {}, ", rule.source, rule.duty.zh)), "{row}");
        rule.when.facts(&mut |fact| assert!(row.contains(&format!("`{}`", fact.name())), "{fact:?} in {row}"));
    }
    assert_eq!(rules.lines().filter(|line| line.starts_with("| `")).count(), policies.pack.rules.len());
}
