use super::*;
use crate::alerts::recipients::{BUILT_IN, Recipients};
use crate::clock::{Clock as _, ManualClock};
use crate::desk::{Answer, Request, Start};
use crate::domain::command::Command;
use crate::domain::merchant::Horizon;
use crate::domain::time::{plus_days, start_of};
use crate::domain::whose::State;
use crate::log::memory::MemoryLog;
use crate::picture::snapshot;
use crate::picture::uncounted::Uncounted;
use crate::policy::Policies;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;

mod names;

const HERE: &str = "91110000101623741K";
const THERE: &str = "91110108MA00000000";

/// A district with its desk, on a clock that is moved by hand.
struct District {
    desk: Desk,
    log: Arc<MemoryLog>,
    clock: Arc<ManualClock>,
    imports: u128,
}

impl District {
    fn new() -> Self {
        let log = Arc::new(MemoryLog::new());
        let clock = Arc::new(ManualClock::new(start_of("2025-06-01".parse().unwrap())));
        let desk = desk_on(log.clone(), clock.clone());
        Self { desk, log, clock, imports: 0 }
    }

    fn a_day_passes(&self) {
        self.clock.set(start_of(plus_days(crate::domain::time::day_of(self.clock.now()), 1)));
        self.desk.settle().unwrap();
    }

    /// Has rows taken as an import takes them; returns its id, and what came of each row.
    fn import(&mut self, rows: &[Value]) -> (Uuid, Vec<Answer>) {
        self.a_day_passes();
        self.imports += 1;
        let import = Uuid::from_u128(self.imports);
        let commands = rows.iter().map(|row| serde_json::from_value::<Command>(row.clone()).unwrap()).collect();
        let origin = Origin { causation: Some(import), ..Origin::of("import") };
        let request = Request { hold_lights: true, ..Request::new(commands, origin) };
        let answers = self.desk.execute(request).unwrap();
        self.desk.settle().unwrap();
        (import, answers)
    }

    fn withdraw(&self, import: Uuid) -> Withdrawal {
        self.a_day_passes();
        self.withdraw_now(import)
    }

    fn withdraw_now(&self, import: Uuid) -> Withdrawal {
        let withdrawn = withdraw(&self.desk, &Scope::everything(), &Origin::of("lead"), import, "by mistake").unwrap();
        self.desk.settle().unwrap();
        withdrawn
    }

    fn foresee(&self, scope: &Scope, import: Uuid) -> Result<Withdrawal, WithdrawalError> {
        foresee(&self.desk.picture(), &*self.log, scope, self.clock.now(), import)
    }

    fn light(&self, code: &str) -> Light {
        self.desk.picture().lights.light(code.parse().unwrap())
    }

    fn fact<T>(&self, code: &str, ask: impl FnOnce(&crate::domain::merchant::Merchant) -> T) -> T {
        ask(self.desk.picture().world.get(code.parse().unwrap()).unwrap())
    }
}

impl Drop for District {
    fn drop(&mut self) {
        self.desk.stop();
    }
}

fn desk_on(log: Arc<MemoryLog>, clock: Arc<ManualClock>) -> Desk {
    let start = Start {
        log,
        clock,
        policies: Policies::built_in().unwrap(),
        recipients: Arc::new(Recipients::parse(BUILT_IN).unwrap()),
        recipients_text: BUILT_IN.to_owned(),
    };
    start.start().unwrap()
}

fn register(code: &str, more: Value) -> Value {
    let mut row = json!({ "command": "register_merchant", "credit_code": code, "name": "甲", "industry_code": "8930",
        "division_code": "110108", "mall": "东方广场", "unit": "1" });
    row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    row
}

fn close(code: &str, date: &str) -> Value {
    json!({ "command": "record_exit", "credit_code": code, "mall": "东方广场", "unit": "1", "action": "close", "date": date })
}

fn ticket(code: &str, number: &str, kind: &str) -> Value {
    json!({ "command": "record_complaint", "ticket": number, "channel": "12345", "credit_code": code, "kind": kind,
        "received_at": "2025-05-20T10:00:00+08:00" })
}

fn accepted(answers: &[Answer]) -> usize {
    answers.iter().filter(|answer| matches!(answer, Answer::Accepted(_))).count()
}

#[test]
fn what_stood_before_stands_again_and_lights_follow() {
    let mut district = District::new();
    let balance = |yuan: &str| json!({ "command": "report_balance", "credit_code": HERE, "date": "2025-05-31", "outstanding": yuan });
    district.import(&[register(HERE, json!({})), balance("100.00")]);
    assert_eq!(district.light(HERE), Light::Green);
    let (wrong, _) =
        district.import(&[balance("0"), register(HERE, json!({ "name": "乙" })), close(HERE, "2025-05-30")]);
    district.import(&[json!({ "command": "record_signal", "credit_code": HERE, "mall": "东方广场", "unit": "1",
        "kind": "rent_arrears", "date": "2025-06-01" })]);
    let amounts = |district: &District| {
        district.fact(HERE, |merchant| {
            let stands = merchant.balances.iter().filter(|item| item.until == crate::domain::evidence::STANDING);
            (
                stands.map(|item| { item.amount }.to_string()).collect::<Vec<_>>(),
                merchant.name(Position::MAX).map(str::to_owned),
            )
        })
    };
    assert_eq!(amounts(&district), (vec!["0.00".to_owned()], Some("乙".to_owned())));
    let foreseen = district.foresee(&Scope::everything(), wrong).unwrap();
    let withdrawn = district.withdraw(wrong);
    assert_eq!(amounts(&district), (vec!["100.00".to_owned()], Some("甲".to_owned())));
    assert!(!district.fact(HERE, crate::domain::merchant::Merchant::has_closed_shop));
    assert_eq!(district.light(HERE), Light::Yellow, "what came after stays");
    assert_eq!((withdrawn.events, withdrawn.merchants, &withdrawn.lights), (3, 1, &foreseen.lights));
    assert_eq!(withdrawn.withdrawn.unwrap().reason, "by mistake");
}

#[test]
fn a_closing_that_was_withdrawn_lights_nobody_who_is_linked_to_it() {
    let mut district = District::new();
    let brand = json!({ "brand": "极光" });
    district.import(&[register(HERE, brand.clone()), register(THERE, brand)]);
    let (wrong, _) = district.import(&[
        json!({ "command": "report_balance", "credit_code": HERE, "date": "2025-05-31", "outstanding": "100.00" }),
        close(HERE, "2025-05-30"),
    ]);
    assert_eq!((district.light(HERE), district.light(THERE)), (Light::Red, Light::Orange));
    let foreseen = district.foresee(&Scope::everything(), wrong).unwrap();
    let changes: Vec<_> = foreseen.lights.iter().map(|change| (change.from, change.to)).collect();
    assert_eq!(changes, [(Light::Red, Light::Green), (Light::Orange, Light::Green)]);
    district.withdraw(wrong);
    assert_eq!((district.light(HERE), district.light(THERE)), (Light::Green, Light::Green));
}

#[test]
fn nothing_is_known_any_more_of_a_merchant_that_only_the_import_spoke_of() {
    let mut district = District::new();
    let (wrong, _) = district.import(&[register(HERE, json!({})), ticket(HERE, "GD1", "refund")]);
    let known = district.desk.picture().position;
    district.withdraw(wrong);
    let (picture, scope) = (district.desk.picture(), Scope::everything());
    let view = View::new(&picture, &scope, district.clock.now());
    assert_eq!(view.merchants().count(), 0);
    let merchant = picture.world.get(HERE.parse().unwrap()).unwrap();
    let exists = |known| merchant.exists(&Horizon::new(district.clock.now(), known));
    assert_eq!((exists(known), exists(Position::MAX)), (true, false));
    assert_eq!(picture.world.ticket_owner("GD1"), None);
}

#[test]
fn a_ticket_that_was_withdrawn_can_come_again_about_somebody_else_and_go_on() {
    let mut district = District::new();
    district.import(&[register(HERE, json!({})), register(THERE, json!({}))]);
    let (wrong, _) = district.import(&[ticket(HERE, "GD1", "refund")]);
    // Somebody else adds to it.
    let mut answered = ticket(HERE, "GD1", "refund");
    answered["answered_at"] = json!("2025-05-21T10:00:00+08:00");
    let (added, _) = district.import(&[answered.clone()]);
    district.withdraw(wrong);
    assert!(district.fact(HERE, |merchant| merchant.complaint("GD1").is_none()));
    let (again, answers) = district.import(&[ticket(THERE, "GD1", "refund"), ticket(HERE, "GD2", "refund")]);
    assert_eq!(accepted(&answers), 2, "{answers:?}");
    answered["credit_code"] = json!(THERE);
    let (_, answers) = district.import(&[answered.clone()]);
    assert_eq!(accepted(&answers), 1, "{answers:?}");
    assert_eq!(district.desk.picture().world.ticket_owner("GD1"), Some(THERE.parse().unwrap()));
    // And that can be withdrawn as well, and what had added to it before counts no more for either.
    district.withdraw(again);
    district.withdraw(added);
    assert_eq!(district.desk.picture().world.ticket_owner("GD1"), None);
    let (_, answers) = district.import(&[answered]);
    assert_eq!(accepted(&answers), 1, "{answers:?}");
}

#[test]
fn tickets_without_a_code_leave_the_queue_and_can_come_again() {
    let mut district = District::new();
    let waits = |name: &str| {
        json!({ "command": "record_unattributed", "ticket": "GD7", "channel": "12345", "kind": "refund",
            "received_at": "2025-05-20T10:00:00+08:00", "name": name, "mall": "东方广场" })
    };
    let (wrong, _) = district.import(&[waits("不知道")]);
    assert_eq!(district.desk.picture().queue.waiting(), 1);
    district.withdraw(wrong);
    let picture = district.desk.picture();
    assert_eq!((picture.queue.waiting(), picture.queue.all().count()), (0, 0));
    let (wrong, answers) = district.import(&[waits("不知道")]);
    assert_eq!(accepted(&answers), 1, "{answers:?}");
    // A person finds out whom it means; what it said is withdrawn all the same.
    district.import(&[register(HERE, json!({}))]);
    let decided = json!({ "command": "decide_unattributed", "ticket": "GD7", "channel": "12345", "decision": "attribute",
        "credit_code": HERE });
    let request = Request::new(vec![serde_json::from_value(decided).unwrap()], Origin::of("lead"));
    assert_eq!(accepted(&district.desk.execute(request).unwrap()), 1);
    assert_eq!(district.fact(HERE, |merchant| merchant.complaints.len()), 1);
    district.withdraw(wrong);
    assert_eq!(district.fact(HERE, |merchant| merchant.complaints.len()), 0);
    assert_eq!(district.desk.picture().queue.all().count(), 0);
    let (_, answers) = district.import(&[waits("甲")]);
    assert_eq!(accepted(&answers), 1, "{answers:?}");
    assert_eq!(district.fact(HERE, |merchant| merchant.complaints.len()), 1, "it leads there by its name now");
}

#[test]
fn a_ticket_that_led_to_a_merchant_as_the_import_had_it_waits_again_and_leads_elsewhere() {
    let mut district = District::new();
    let (wrong, _) = district.import(&[register(HERE, json!({}))]);
    let waits = json!({ "command": "record_unattributed", "ticket": "GD8", "channel": "12345", "kind": "refund",
        "received_at": "2025-05-20T10:00:00+08:00", "name": "甲", "mall": "东方广场" });
    let (later, _) = district.import(&[waits]);
    assert_eq!(district.fact(HERE, |merchant| merchant.complaints.len()), 1);
    district.withdraw(wrong);
    assert_eq!(district.desk.picture().queue.waiting(), 1);
    assert!(district.fact(HERE, |merchant| merchant.complaint("GD8@12345").is_none()));
    district.import(&[register(THERE, json!({}))]);
    let picture = district.desk.picture();
    let state = picture.queue.get("GD8@12345").map(|entry| entry.state);
    assert!(matches!(state, Some(State::Attributed(code, _)) if code.as_str() == THERE), "{state:?}");
    // Another withdrawal of something it has to do with does not bring back what was found wrong.
    district.withdraw(later);
    assert!(district.desk.picture().queue.get("GD8@12345").is_none());
    assert_eq!(district.desk.picture().world.ticket_owner("GD8@12345"), None);
}

#[test]
fn twice_is_once_and_what_was_never_there_or_has_no_reason_is_refused() {
    let mut district = District::new();
    let (wrong, _) = district.import(&[register(HERE, json!({}))]);
    let all = Scope::everything();
    let nobody = withdraw(&district.desk, &all, &Origin::of("lead"), Uuid::from_u128(99), "x");
    assert!(matches!(nobody, Err(WithdrawalError::NotFound(_))), "{nobody:?}");
    for (reason, wanted) in [("  ", "say why"), (&*"长".repeat(501), "501 characters")] {
        let error = withdraw(&district.desk, &all, &Origin::of("lead"), wrong, reason).unwrap_err();
        assert!(error.to_string().contains(wanted), "{error}");
        assert!(!error.zh().is_empty());
    }
    let first = district.withdraw(wrong);
    let head = district.log.head();
    let second = withdraw(&district.desk, &all, &Origin::of("admin"), wrong, "another reason").unwrap();
    assert_eq!((second.withdrawn, second.events), (first.withdrawn, first.events));
    assert_eq!(district.log.head(), head, "nothing is written twice");
    assert_eq!(district.foresee(&all, wrong).unwrap().withdrawn.map(|told| told.by).as_deref(), Some("lead"));
}

#[test]
fn who_does_not_see_all_of_it_withdraws_none_of_it() {
    let mut district = District::new();
    let elsewhere = json!({ "division_code": "110105" });
    let (both, _) = district.import(&[register(HERE, json!({})), register(THERE, elsewhere)]);
    let (own, _) = district.import(&[register(HERE, json!({ "name": "乙" }))]);
    let lead = Scope {
        role: crate::domain::words::Role::Lead,
        divisions: vec!["110108".parse().unwrap()],
        ..Scope::everything()
    };
    let refused = district.foresee(&lead, both);
    assert!(matches!(refused, Err(WithdrawalError::OutOfScope)), "{refused:?}");
    let head = district.log.head();
    let refused = withdraw(&district.desk, &lead, &Origin::of("lead"), both, "x");
    assert!(matches!(refused, Err(WithdrawalError::OutOfScope)), "{refused:?}");
    assert_eq!(district.log.head(), head);
    withdraw(&district.desk, &lead, &Origin::of("lead"), own, "x").unwrap();
    assert_eq!(district.fact(HERE, |merchant| merchant.name(Position::MAX).map(str::to_owned)).as_deref(), Some("甲"));
}

#[test]
fn what_was_said_of_a_ticket_in_its_merchants_stream_goes_with_its_import_and_stays_with_others() {
    let mut district = District::new();
    let mut rated = json!({ "command": "handle_complaint", "ticket": "GD1", "channel": "12345", "credit_code": HERE, "step": "settled_in_shop",
        "at": "2025-05-22T10:00:00+08:00" });
    district.import(&[register(HERE, json!({})), ticket(HERE, "GD1", "refund")]);
    let (first, answers) = district.import(&[rated.clone()]);
    assert_eq!(accepted(&answers), 1, "{answers:?}");
    let cancel = json!({ "command": "cancel_entry", "credit_code": HERE, "reason": "r", "entry":
        { "what": "ticket", "ticket": "GD1", "channel": "12345", "step": "settled_in_shop", "at": "2025-05-22T10:00:00+08:00" } });
    let (cancelling, answers) = district.import(&[cancel]);
    assert_eq!(accepted(&answers), 1, "{answers:?}");
    let standing = |district: &District| {
        district.fact(HERE, |merchant| {
            let handling = &merchant.complaint("GD1").unwrap().handling;
            handling.iter().filter(|item| item.until == crate::domain::evidence::STANDING).count()
        })
    };
    assert_eq!(standing(&district), 0);
    district.withdraw(cancelling);
    assert_eq!(standing(&district), 1, "the cancellation was withdrawn");
    rated["at"] = json!("2025-05-23T10:00:00+08:00");
    district.import(&[rated]);
    district.withdraw(first);
    assert_eq!(standing(&district), 1, "only the later one is left");
}

#[test]
fn a_log_that_is_folded_by_stretches_on_several_threads_gives_the_same() {
    let mut district = District::new();
    let tickets = |code: &str, from: u32| -> Vec<Value> {
        (from..from + 700).map(|number| ticket(code, &format!("GD{number}"), "other")).collect()
    };
    district.import(&[register(HERE, json!({})), register(THERE, json!({ "unit": "2" }))]);
    let (wrong, _) = district.import(&tickets(HERE, 0));
    district.import(&tickets(THERE, 700));
    district.withdraw(wrong);
    // The same tickets, and what is said after it in the stretch of the withdrawal, count.
    district.import(&tickets(THERE, 0));
    let picture = district.desk.picture();
    let anew = Picture::replay(&*district.log, picture.policies.clone()).unwrap();
    for (code, wanted) in [(HERE, 0), (THERE, 1_400)] {
        assert_eq!(anew.world.get(code.parse().unwrap()).unwrap().complaints.len(), wanted, "{code}");
    }
    assert!(picture.world.merchants().iter().eq(anew.world.merchants().iter()));
    assert_eq!((&picture.imports, &picture.uncounted), (&anew.imports, &anew.uncounted));
}

/// Rows that get in one another's way: three merchants, few days, few values.
fn row() -> impl Strategy<Value = Value> {
    let code = prop::sample::select(vec![HERE, THERE, "911101051000000001"]);
    let day = prop::sample::select(vec!["2025-05-01", "2025-05-20", "2025-05-31"]);
    (code, day, 0..24_u8, 0..3_u8).prop_map(|(code, date, what, value)| {
        let pick = |values: [&str; 3]| values[usize::from(value)].to_owned();
        let exit = |action: &str| {
            json!({ "command": "record_exit", "credit_code": code, "mall": "东方广场", "unit": "1", "action": action,
                "date": date, "planned_on": pick(["2025-06-10", "2025-08-20", "2025-12-01"]) })
        };
        let number = format!("{code}-{value}");
        let mut complaint = ticket(code, &number, &pick(["refund", "closed", "other"]));
        match what {
            0..=2 => register(code, json!({ "brand": pick(["极光", "北辰", "无"]), "name": pick(["甲", "乙", "丙"]) })),
            3 => json!({ "command": "record_filing", "credit_code": code, "status": pick(["accepted", "submitted", "cancelled"]), "date": date }),
            4 | 5 => json!({ "command": "report_balance", "credit_code": code, "date": date, "outstanding": pick(["0", "500000.00", "900000.00"]) }),
            6 => json!({ "command": "report_custody", "credit_code": code, "date": date, "held": pick(["0", "200000.00", "900000.00"]) }),
            7 => json!({ "command": "post_guarantee", "credit_code": code, "kind": "guarantee", "amount": "500000.00", "from": date,
                "until": pick(["2025-06-02", "2025-06-30", "2026-05-31"]) }),
            8 => exit("post"),
            9 => exit("amend"),
            10 => exit("withdraw"),
            11 | 12 => exit("close"),
            13 => json!({ "command": "record_signal", "credit_code": code, "mall": "东方广场", "unit": "1", "kind": "rent_arrears",
                "date": date, "cleared_on": pick(["2025-05-31", "2025-06-02", "9999-12-31"]) }),
            14 => json!({ "command": "record_listing", "credit_code": code, "list": pick(["serious", "abnormal", "court_defaulter"]),
                "entered_on": date }),
            15 => json!({ "command": "record_enforcement", "credit_code": code, "date": date, "due_on": "2025-06-01",
                "kind": pick(["rectification_ordered", "rectification_met", "penalty"]) }),
            16 => json!({ "command": "cancel_entry", "credit_code": code, "reason": "r",
                "entry": { "what": "balance", "date": date } }),
            17 => json!({ "command": "cancel_entry", "credit_code": code, "reason": "r",
                "entry": { "what": "exit", "mall": "东方广场", "unit": "1", "action": "close", "date": date } }),
            18 => json!({ "command": "report_complaint_rate", "credit_code": code, "mall": "东方广场", "unit": "1", "date": date, "ratio": "0.06" }),
            19 => {
                complaint["closed_at"] = json!("2025-05-25T10:00:00+08:00");
                complaint["outcome"] = json!(pick(["resolved", "unresolved", "withdrawn"]));
                complaint
            }
            20 => json!({ "command": "record_alias", "credit_code": code, "alias": pick(["甲", "青松", "乙"]) }),
            _ => complaint,
        }
    })
}

#[derive(Debug, Clone)]
enum Step {
    Import(Vec<Value>),
    Withdraw(prop::sample::Index),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let import = prop::collection::vec(row(), 1..8).prop_map(Step::Import);
    let withdraw = any::<prop::sample::Index>().prop_map(Step::Withdraw);
    prop::collection::vec(prop_oneof![3 => import, 2 => withdraw], 3..12)
}

/// Lights with their rules, by merchant, at an instant and as known at a position.
fn lights(picture: &Picture, at: Instant, known: Position) -> BTreeMap<CreditCode, (Light, Vec<usize>)> {
    let moment = Moment::new(&picture.policies, at, known);
    let there = picture.world.merchants().iter().filter(|merchant| merchant.exists(&moment.horizon));
    let light = |merchant: &crate::domain::merchant::Merchant| {
        let grade = grade(&moment.subject(&picture.world, merchant));
        (merchant.code, (grade.light, grade.fired.iter().map(|fired| fired.rule).collect()))
    };
    there.map(light).collect()
}

/// The picture of a log that never had what the withdrawn imports recorded until then.
fn without(log: &MemoryLog, withdrawn: &BTreeMap<Uuid, Position>) -> Picture {
    let bare = MemoryLog::new();
    for recorded in log.read_all(0, usize::MAX).unwrap() {
        let gone = |import: Uuid| withdrawn.get(&import).is_some_and(|position| recorded.position < *position);
        let is_evidence = Stream::named(&recorded.stream).is_some();
        if is_evidence && !recorded.event.causation.is_some_and(gone) {
            let append = Append {
                stream: recorded.stream.clone(),
                expected: Expected::Any,
                recorded_at: recorded.recorded_at,
                idempotency_key: None,
                events: vec![recorded.event.clone()],
            };
            bare.append(append).unwrap();
        }
    }
    Picture::replay(&bare, Arc::new(Policies::built_in().unwrap())).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// Imports and withdrawals in any order: lights are those of a log that never had what was withdrawn, what was known before stays as
    /// it was, the desk can go on everywhere, and whoever folds the log anew sees the same.
    #[test]
    fn any_imports_and_withdrawals_in_any_order(steps in steps()) {
        let mut district = District::new();
        let mut imports = Vec::new();
        let mut withdrawn = BTreeMap::new();
        let mut told = Vec::new();
        for step in steps {
            match step {
                Step::Import(rows) => {
                    let (import, answers) = district.import(&rows);
                    let lost = answers.iter().filter(|answer| matches!(answer, Answer::Refused(problems)
                        if problems.iter().any(|problem| problem.code == "not_recorded")));
                    prop_assert_eq!(lost.count(), 0, "{:?}", answers);
                    imports.push(import);
                }
                Step::Withdraw(_) if imports.is_empty() => {}
                Step::Withdraw(which) => {
                    let import = *which.get(&imports);
                    // What time does to lights is done before it is asked what the withdrawal would.
                    district.a_day_passes();
                    let foreseen = district.foresee(&Scope::everything(), import);
                    let Ok(foreseen) = foreseen else { continue };
                    district.withdraw_now(import);
                    let picture = district.desk.picture();
                    withdrawn.insert(import, picture.imports.withdrawn(import).unwrap().position);
                    for change in foreseen.lights {
                        prop_assert_eq!(picture.lights.light(change.credit_code), change.to, "as foreseen");
                    }
                }
            }
            let (picture, now) = (district.desk.picture(), district.clock.now());
            let model = without(&district.log, &withdrawn);
            for at in [now, start_of("2025-05-25".parse().unwrap()), start_of("2026-01-01".parse().unwrap())] {
                prop_assert_eq!(lights(&picture, at, Position::MAX), lights(&model, at, Position::MAX), "at {}", at);
                told.push((at, picture.position, lights(&picture, at, picture.position)));
            }
            for merchant in picture.world.merchants().iter() {
                let lit = lights(&picture, now, Position::MAX).remove(&merchant.code).map_or(Light::Green, |(light, _)| light);
                prop_assert_eq!(picture.lights.light(merchant.code), lit, "recorded of {}", merchant.code);
            }
        }
        let picture = district.desk.picture();
        for (at, known, then) in &told {
            prop_assert_eq!(&lights(&picture, *at, *known), then, "at {} as known at {}", at, known);
        }
        let anew = Picture::replay(&*district.log, picture.policies.clone()).unwrap();
        prop_assert!(picture.world.merchants().iter().eq(anew.world.merchants().iter()));
        prop_assert_eq!((&picture.queue, &picture.imports, &picture.uncounted), (&anew.queue, &anew.imports, &anew.uncounted));
        let room = tempfile::tempdir().unwrap();
        let path = room.path().join(snapshot::FILE);
        snapshot::write(&path, &picture, &*district.log).unwrap();
        let kept = snapshot::load(&path, &*district.log, picture.policies.clone()).unwrap();
        prop_assert!(picture.world.merchants().iter().eq(kept.world.merchants().iter()));
        prop_assert_eq!((&picture.queue, &picture.imports, &picture.uncounted), (&kept.queue, &kept.imports, &kept.uncounted));
        for (at, known, then) in &told {
            prop_assert_eq!(&lights(&kept, *at, *known), then, "of a snapshot, at {} as known at {}", at, known);
        }
        prop_assert!(!withdrawn.is_empty() || picture.uncounted == Uncounted::default());
    }
}
