//! Who is meant: tickets without a credit code wait, are found by key, decided by a person, and taken back.

mod alias;
mod export;
mod measured;

use serde_json::{Value, json};
use std::sync::Arc;
use warnlight::alerts::recipients::{BUILT_IN, Recipients};
use warnlight::clock::ManualClock;
use warnlight::desk::{Answer, Desk, Request, Start};
use warnlight::domain::code::CreditCode;
use warnlight::domain::command::Command;
use warnlight::domain::envelope::{NewEvent, Origin, Position};
use warnlight::domain::merchant::Horizon;
use warnlight::domain::time::Instant;
use warnlight::domain::whose::{State, name_of};
use warnlight::domain::words::Channel;
use warnlight::log::contract::{Append, EventLog, Expected};
use warnlight::log::memory::MemoryLog;
use warnlight::picture::Picture;
use warnlight::policy::Policies;

const ONE: &str = "91110108MA00000000";
const OTHER: &str = "911101051000000001";

/// A desk on a log in memory.
struct Office {
    desk: Desk,
    log: Arc<MemoryLog>,
}

impl Office {
    fn new() -> Self {
        Self::on(&Arc::new(MemoryLog::new()))
    }

    /// Starts a desk on a log.
    fn on(log: &Arc<MemoryLog>) -> Self {
        let log = log.clone();
        let now: Instant = "2025-07-01T02:00:00Z".parse().unwrap();
        let start = Start {
            log: log.clone(),
            clock: Arc::new(ManualClock::new(now)),
            policies: Policies::built_in().unwrap(),
            recipients: Arc::new(Recipients::parse(BUILT_IN).unwrap()),
            recipients_text: BUILT_IN.to_owned(),
        };
        Self { desk: start.start().unwrap(), log }
    }

    fn say_all(&self, commands: &[Value]) -> Vec<Answer> {
        let commands: Vec<Command> =
            commands.iter().map(|command| serde_json::from_value(command.clone()).unwrap()).collect();
        self.desk.execute(Request::new(commands, Origin::of("test"))).unwrap()
    }

    fn say(&self, command: &Value) -> Answer {
        self.say_all(std::slice::from_ref(command)).pop().unwrap()
    }

    fn register(&self, code: &str, name: &str, brand: &str, mall: &str) {
        let row = json!({ "command": "register_merchant", "credit_code": code, "name": name, "brand": brand, "mall": mall,
            "unit": "1", "street": "万寿路街道", "division_code": "110108" });
        assert!(matches!(self.say(&row), Answer::Accepted(_)));
    }

    fn state(&self, ticket: &str) -> State {
        self.desk.picture().queue.get(&name_of(ticket, Channel::Platform)).unwrap().state
    }

    /// How many complaints count for a merchant, as known at a position.
    fn counted(&self, code: &str, known: Position) -> usize {
        let picture = self.desk.picture();
        let horizon = Horizon::new(self.desk.now(), known);
        let code: CreditCode = code.parse().unwrap();
        picture.world.get(code).map_or(0, |one| one.complaints.iter().filter(|it| it.counts(&horizon)).count())
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        self.desk.stop();
        // Law 3: what the desk folded step by step is what the log tells from its beginning.
        let again = Picture::replay(&*self.log, Arc::new(Policies::built_in().unwrap())).unwrap();
        assert!(self.desk.picture().queue == again.queue, "the queue is a fold of the log");
    }
}

fn ticket(number: &str, clues: Value) -> Value {
    let mut row = json!({ "command": "record_unattributed", "ticket": number, "channel": "12315", "kind": "refund",
        "received_at": "2025-06-01T01:00:00Z" });
    row.as_object_mut().unwrap().extend(clues.as_object().unwrap().clone());
    row
}

fn decision(number: &str, fields: Value) -> Value {
    let mut row = json!({ "command": "decide_unattributed", "ticket": number, "channel": "12315" });
    row.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    row
}

fn wrong(answer: &Answer) -> Vec<&'static str> {
    match answer {
        Answer::Refused(problems) => problems.iter().map(|problem| problem.code).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_agrees_by_key_with_one_merchant_is_taken_and_anything_less_waits() {
    let office = Office::new();
    office.register(ONE, "北京锐动健身有限公司", "锐动", "大悦城（朝阳）");
    office.register(OTHER, "北京极光教育科技有限公司", "极光", "华熙LIVE");
    for (number, clues, taken) in [
        ("A1", json!({ "name": "北京锐动健身有限公司", "street": "万寿路街道", "brand": "锐动" }), true),
        ("A2", json!({ "name": " 北京 锐动健身有限公司\u{3000}", "mall": "大悦城(朝阳)" }), true),
        ("A3", json!({ "name": "锐动", "mall": "大悦城(朝阳)" }), true),
        ("A4", json!({ "name": "北京锐动健身有限公司", "address": "北京市海淀区万寿路街道大悦城(朝阳)3层" }), true),
        ("A5", json!({ "name": "北京锐动健身有限公司", "address": "万寿路街道12号", "brand": "锐动" }), true),
        ("B1", json!({ "name": "北京锐动健身有限公司", "mall": "华熙LIVE" }), false),
        ("B2", json!({ "name": "北京锐动健身有限公司", "brand": "极光" }), false),
        ("B3", json!({ "name": "锐动健身" }), false),
        ("B4", json!({ "name": "北京锐动健身管理有限公司", "brand": "锐动", "mall": "大悦城(朝阳)" }), false),
        ("B5", json!({ "name": "*****", "address": "*****" }), false),
        ("B6", json!({}), false),
        ("B7", json!({ "name": "锐动" }), false),
        // A namesake may be out there: neither the name alone nor one street of shops is enough; an address has to name the street.
        ("C1", json!({ "name": "北京锐动健身有限公司" }), false),
        ("C2", json!({ "name": "北京锐动健身有限公司", "address": "*****" }), false),
        ("C6", json!({ "name": "北京锐动健身有限公司", "street": "万寿路街道" }), false),
        ("C7", json!({ "name": "北京锐动健身有限公司", "address": "北京市海淀区万寿路街道12号" }), false),
        ("C8", json!({ "name": "北京锐动健身有限公司", "brand": "锐动" }), false),
        ("C3", json!({ "name": "北京锐动健身有限公司", "address": "北京市朝阳区望京街道12号" }), false),
        (
            "C4",
            json!({ "name": "北京锐动健身有限公司", "address": "北京市朝阳区12号", "mall": "大悦城（朝阳）" }),
            false,
        ),
        (
            "C5",
            json!({ "name": "锐动", "mall": "大悦城(朝阳)", "address": "北京市朝阳区望京街道大悦城（朝阳）" }),
            false,
        ),
    ] {
        assert!(matches!(office.say(&ticket(number, clues)), Answer::Accepted(_)), "{number}");
        assert_eq!(matches!(office.state(number), State::Attributed(..)), taken, "{number}");
    }
    assert_eq!(office.counted(ONE, Position::MAX), 5);
    assert_eq!(office.counted(OTHER, Position::MAX), 0, "what waits counts for nobody");
    assert_eq!(office.desk.picture().queue.waiting(), 15);
}

#[test]
fn a_namesake_of_the_same_request_is_seen_too() {
    let office = Office::new();
    let named = |code: &str| json!({ "command": "register_merchant", "credit_code": code, "name": "甲店", "brand": "甲", "street": "万寿路街道" });
    office.say_all(&[
        named(ONE),
        named(OTHER),
        ticket("T", json!({ "name": "甲店", "brand": "甲", "street": "万寿路街道" })),
    ]);
    assert_eq!(office.state("T"), State::Waiting);
}

#[test]
fn a_person_decides_and_takes_back_and_what_was_known_before_stays() {
    let office = Office::new();
    office.register(ONE, "甲公司", "甲", "东方广场");
    office.register(OTHER, "乙公司", "乙", "东方广场");
    let row = ticket("T", json!({ "name": "甲乙店", "mall": "东方广场" }));
    office.say(&row);
    assert!(matches!(office.say(&row), Answer::Unchanged { .. }), "the same row again is no event");
    let waiting = office.log.head();

    let attribute =
        |code: &str| decision("T", json!({ "decision": "attribute", "credit_code": code, "candidates": [ONE] }));
    assert_eq!(wrong(&office.say(&attribute("91110108MA99999990"))), ["unknown_merchant"]);
    assert!(matches!(office.say(&attribute(ONE)), Answer::Accepted(_)));
    assert!(matches!(office.say(&attribute(ONE)), Answer::Unchanged { .. }));
    assert_eq!(wrong(&office.say(&attribute(OTHER))), ["attributed"]);
    let attributed = office.log.head();

    // The next file closes the ticket, still without a code: it goes where the ticket is.
    let mut closed = row.clone();
    closed
        .as_object_mut()
        .unwrap()
        .extend(json!({ "closed_at": "2025-06-20T01:00:00Z", "outcome": "unresolved" }).as_object().unwrap().clone());
    assert!(matches!(office.say(&closed), Answer::Accepted(_)));

    assert_eq!(wrong(&office.say(&decision("T", json!({ "decision": "undo" })))), ["missing"]);
    assert!(matches!(office.say(&decision("T", json!({ "decision": "undo", "reason": "同名" }))), Answer::Accepted(_)));
    assert_eq!(office.state("T"), State::Waiting);
    for (known, count) in [(waiting, 0), (attributed, 1), (Position::MAX, 0)] {
        assert_eq!(office.counted(ONE, known), count, "as known at {known}");
    }

    assert!(matches!(office.say(&attribute(OTHER)), Answer::Accepted(_)));
    assert_eq!((office.counted(ONE, Position::MAX), office.counted(OTHER, Position::MAX)), (0, 1));
    assert!(matches!(office.say(&closed), Answer::Accepted(_) | Answer::Unchanged { .. }));
    let aside = decision("T", json!({ "decision": "set_aside", "reason": "x" }));
    assert_eq!(wrong(&office.say(&aside)), ["attributed"]);
}

#[test]
fn what_was_taken_back_is_not_taken_again_by_itself() {
    let office = Office::new();
    office.register(ONE, "甲公司", "甲", "东方广场");
    let row = ticket("T", json!({ "name": "甲公司", "mall": "东方广场" }));
    office.say(&row);
    assert!(matches!(office.state("T"), State::Attributed(..)));
    office.say(&decision("T", json!({ "decision": "undo", "reason": "查无此单" })));
    assert!(matches!(office.say(&row), Answer::Unchanged { .. }));
    assert_eq!(office.state("T"), State::Waiting);
    assert!(matches!(
        office.say(&decision("T", json!({ "decision": "set_aside", "reason": "外地" }))),
        Answer::Accepted(_)
    ));
    assert_eq!((office.state("T"), office.desk.picture().queue.waiting()), (State::SetAside, 0));
}

#[test]
fn a_later_row_with_the_code_says_whom_a_waiting_ticket_means() {
    let office = Office::new();
    office.register(ONE, "甲公司", "甲", "东方广场");
    office.say(&ticket("T", json!({ "name": "某店" })));
    let coded = json!({ "command": "record_complaint", "ticket": "T", "channel": "12315", "kind": "refund",
        "received_at": "2025-06-01T01:00:00Z", "credit_code": ONE });
    assert!(matches!(office.say(&coded), Answer::Accepted(_)));
    assert!(matches!(office.state("T"), State::Attributed(..)));
    assert_eq!(office.counted(ONE, Position::MAX), 1);
    assert!(matches!(office.say(&coded), Answer::Unchanged { .. }));
    assert_eq!(wrong(&office.say(&decision("X", json!({ "decision": "undo", "reason": "x" })))), ["not_queued"]);
}

#[test]
fn what_a_later_row_leaves_out_stands_and_another_file_is_no_news() {
    let office = Office::new();
    let whole = json!({ "name": "某店", "mall": "东方广场", "amount": "100.00", "profile": "a@1",
        "closed_at": "2025-06-20T01:00:00Z", "outcome": "resolved" });
    office.say(&ticket("T", whole));
    let less = ticket("T", json!({ "name": "某店", "profile": "a@2" }));
    assert!(matches!(office.say(&less), Answer::Unchanged { .. }), "an empty cell takes nothing back");
    let more = ticket("T", json!({ "name": "某店", "brand": "某", "profile": "a@2" }));
    assert!(matches!(office.say(&more), Answer::Accepted(_)));
    let said = office.desk.picture().queue.get("T@12315").unwrap().said.clone();
    let closed = said.closed_at.is_some() && said.outcome.is_some() && said.amount.is_some();
    assert!(closed && said.mall.as_deref() == Some("东方广场") && said.profile.as_deref() == Some("a@2"), "{said:?}");
    let mut other_time = more;
    other_time["received_at"] = json!("2025-06-02T01:00:00Z");
    assert_eq!(wrong(&office.say(&other_time)), ["contradicts"]);
    // Unless the time is only that of its file.
    other_time["given_time"] = json!(true);
    assert!(matches!(office.say(&other_time), Answer::Unchanged { .. }));
    office.register(ONE, "甲公司", "甲", "东方广场");
    office.say(&decision("T", json!({ "decision": "attribute", "credit_code": ONE })));
    assert!(matches!(office.say(&other_time), Answer::Unchanged { .. }));
}

/// Attributions on record, each with the event that it follows from.
fn attributions(log: &MemoryLog) -> Vec<(String, String)> {
    let all = log.read_all(0, usize::MAX).unwrap();
    let type_of = |id| all.iter().find(|one| Some(one.event.id) == id).map(|one| one.event.event_type.to_string());
    let attributed = all.iter().filter(|one| &*one.event.event_type == "complaint.attributed");
    attributed.map(|one| (one.stream.to_string(), type_of(one.event.causation).unwrap_or_default())).collect()
}

#[test]
fn what_waits_is_tried_again_when_the_register_says_something_new() {
    let office = Office::new();
    let row = json!({ "name": "甲公司", "mall": "东方广场" });
    office.say(&ticket("T1", row.clone()));
    office.say(&ticket("T2", json!({ "name": "甲公司", "mall": "华熙LIVE" })));
    office.say(&ticket("T3", json!({ "name": "丙公司", "mall": "东方广场" })));
    office.say(&ticket("T4", row.clone()));
    office.say(&decision("T4", json!({ "decision": "set_aside", "reason": "外地" })));
    office.desk.settle().unwrap();
    let before = office.log.head();

    office.register(ONE, "甲公司", "甲", "东方广场");
    office.desk.settle().unwrap();
    let states =
        |office: &Office| ["T1", "T2", "T3", "T4"].map(|one| matches!(office.state(one), State::Attributed(..)));
    assert_eq!(states(&office), [true, false, false, false]);
    assert_eq!(office.state("T4"), State::SetAside);
    assert_eq!((office.counted(ONE, before), office.counted(ONE, Position::MAX)), (0, 1), "known from then on");
    // It opens a shop in another mall; it is renamed.
    let mut details = json!({ "command": "register_merchant", "credit_code": ONE, "mall": "华熙LIVE", "unit": "2" });
    office.say(&details);
    office.desk.settle().unwrap();
    assert_eq!(states(&office), [true, true, false, false]);
    details["name"] = json!("丙公司");
    office.say(&details);
    office.desk.settle().unwrap();
    assert_eq!(states(&office), [true, true, true, false]);
    let told = |ticket: &str, cause: &str| (format!("complaint-{ticket}@12315"), cause.to_owned());
    let expected = [
        told("T1", "merchant.shop_opened"),
        told("T2", "merchant.shop_opened"),
        told("T3", "merchant.details_changed"),
    ];
    assert_eq!(attributions(&office.log), expected);
    // What a person took away is not given back by itself.
    office.say(&decision("T3", json!({ "decision": "undo", "reason": "错" })));
    details["brand"] = json!("丙");
    office.say(&details);
    office.desk.settle().unwrap();
    assert_eq!(office.state("T3"), State::Waiting);
}

/// What is news stays news, and what was history stays history, whatever the register is loaded as (laws 7 and 8).
#[test]
fn a_ticket_that_waited_keeps_the_mark_it_was_sent_with() {
    let office = Office::new();
    let say = |command: Value, history: bool| {
        let commands = vec![serde_json::from_value(command).unwrap()];
        let origin = Origin { history, ..Origin::of("test") };
        office.desk.execute(Request::new(commands, origin)).unwrap();
        office.desk.settle().unwrap();
    };
    let register = |code: &str, name: &str| json!({ "command": "register_merchant", "credit_code": code, "name": name, "mall": "东方广场" });
    say(ticket("NEW", json!({ "name": "甲公司", "mall": "东方广场" })), false);
    say(register(ONE, "甲公司"), true);
    say(ticket("OLD", json!({ "name": "乙公司", "mall": "东方广场" })), true);
    say(register(OTHER, "乙公司"), false);
    let all = office.log.read_all(0, usize::MAX).unwrap();
    let received = all.iter().filter(|one| &*one.event.event_type == "complaint.received");
    let marks: Vec<_> = received.map(|one| (&*one.stream, one.event.history)).collect();
    assert_eq!(marks, [("complaint-NEW@12315", false), ("complaint-OLD@12315", true)]);
}

#[test]
fn a_namesake_that_is_renamed_leaves_the_other_to_be_found() {
    let office = Office::new();
    office.register(ONE, "甲公司", "甲", "东方广场");
    office.register(OTHER, "甲公司", "乙", "东方广场");
    office.say(&ticket("T", json!({ "name": "甲公司", "mall": "东方广场" })));
    assert_eq!(office.state("T"), State::Waiting);
    office.register(OTHER, "乙公司", "乙", "东方广场");
    office.desk.settle().unwrap();
    assert!(matches!(office.state("T"), State::Attributed(code, _) if code == ONE.parse().unwrap()));
}

#[test]
fn an_import_of_the_register_is_heard_whole_before_anything_is_tried() {
    let office = Office::new();
    office.say(&ticket("T", json!({ "name": "甲公司", "mall": "东方广场" })));
    let named = |code: &str| json!({ "command": "register_merchant", "credit_code": code, "name": "甲公司", "mall": "东方广场" });
    for code in [ONE, OTHER] {
        let commands = vec![serde_json::from_value(named(code)).unwrap()];
        let request = Request { hold_lights: true, ..Request::new(commands, Origin::of("import")) };
        office.desk.execute(request).unwrap();
    }
    office.desk.settle().unwrap();
    assert_eq!(office.state("T"), State::Waiting, "there are two of that name");
}

#[test]
fn what_was_said_while_no_desk_ran_is_tried_at_the_start_and_two_nodes_record_it_once() {
    let log = Arc::new(MemoryLog::new());
    {
        let office = Office::on(&log);
        for number in 0..50 {
            office.say(&ticket(&format!("T{number}"), json!({ "name": "甲公司", "mall": "东方广场" })));
        }
    }
    // Another program, or another version, registers the merchant and dies before it tries.
    let event = warnlight::domain::event::Event::decode(
        "merchant.registered",
        1,
        &json!({ "credit_code": ONE, "name": "甲公司", "street": "s", "mall": "东方广场" }).to_string(),
    );
    let opened = warnlight::domain::event::Event::decode(
        "merchant.shop_opened",
        1,
        &json!({ "credit_code": ONE, "mall": "东方广场", "unit": "1" }).to_string(),
    );
    let now: Instant = "2025-07-01T02:00:00Z".parse().unwrap();
    let events = [event.unwrap(), opened.unwrap()]
        .map(|event| NewEvent::new(uuid::Uuid::now_v7(), now, &Origin::of("test"), &event));
    log.append(Append {
        stream: format!("merchant-{ONE}").into(),
        expected: Expected::NoStream,
        recorded_at: now,
        idempotency_key: None,
        events: events.into(),
    })
    .unwrap();
    let nodes = [0, 1].map(|_| Office::on(&log));
    for node in &nodes {
        node.desk.settle().unwrap();
    }
    let found = attributions(&log);
    assert_eq!(found.len(), 50);
    assert!(found.iter().all(|(_, cause)| cause == "merchant.shop_opened"), "{found:?}");
    assert_eq!(nodes[1].counted(ONE, Position::MAX), 50);
}

#[test]
fn in_one_request_each_row_sees_the_one_before() {
    let office = Office::new();
    office.register(ONE, "甲公司", "甲", "东方广场");
    let row = ticket("T", json!({ "name": "某店" }));
    let answers = office.say_all(&[
        row.clone(),
        row.clone(),
        decision("T", json!({ "decision": "attribute", "credit_code": ONE })),
        row,
        decision("T", json!({ "decision": "undo", "reason": "错" })),
    ]);
    let short: Vec<bool> = answers.iter().map(|answer| matches!(answer, Answer::Accepted(_))).collect();
    assert_eq!(short, [true, false, true, false, true], "{answers:?}");
    assert_eq!(office.counted(ONE, Position::MAX), 0);
}
