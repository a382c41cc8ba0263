//! Figures and the monthly table: each number against a slow count, each as it was known, the frozen month to the last byte.

mod plain;

use super::app::{App, HERE, instant};
use plain::{Asked, Group, Numbers, count};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use warnlight::desk::Request;
use warnlight::domain::access::Scope;
use warnlight::domain::command::Command;
use warnlight::domain::envelope::Origin;
use warnlight::domain::time::{Day, Instant, plus_days, start_of};
use warnlight::domain::words::Role;
use warnlight::log::contract::EventLog;
use warnlight::log::memory::MemoryLog;
use warnlight::sim::{Plan, office_hour};
use warnlight::views::figures::FIGURES;

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

fn tell(app: &App, commands: Vec<Command>) {
    // What a simulated office enters twice, or too late, is refused; so it is in life.
    app.desk.execute(Request::new(commands, Origin::of("test"))).unwrap();
    app.desk.settle().unwrap();
}

/// A district that is lived through from July to October, with people who act on lights, pay refunds and are called back.
fn lived(app: &App) {
    let plan = Plan { seed: 7, merchants: 45, from: day("2025-07-01"), until: day("2025-10-31") };
    let mut told: Vec<_> = (0..plan.merchants).flat_map(|index| plan.merchant(index)).collect();
    told.sort_by_key(|dated| dated.known_on);
    for (number, of_day) in told.chunk_by(|one, other| one.known_on == other.known_on).enumerate() {
        let today = of_day[0].known_on;
        app.clock.set(office_hour(today));
        tell(app, of_day.iter().map(|dated| dated.command.clone()).collect());
        if number % 3 == 0 {
            app.clock.set(office_hour(today) + jiff::SignedDuration::from_mins(37 * (number as i64 % 5) + 11));
            tell(app, people(app, today, number));
        }
    }
    app.clock.set(start_of(day("2025-11-20")));
    app.desk.settle().unwrap();
}

/// What people do on a day.
fn people(app: &App, today: Day, number: usize) -> Vec<Command> {
    let (picture, turn) = (app.desk.picture(), number / 3);
    let mut said: Vec<Value> = acts_of(app, today, turn);
    for (place, case) in picture.cases.open().enumerate() {
        let mut handle = |more: Value| {
            let mut row = json!({ "command": "handle_case", "alert": case.id, "credit_code": case.credit_code });
            row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            said.push(row);
        };
        let duty = case.standing().next().map(|duty| duty.arisen.duty);
        match (duty, (place + turn) % 6) {
            (_, 0) if case.acknowledged_at.is_none() => handle(json!({ "action": "acknowledge" })),
            (_, 1) => handle(json!({ "action": "act", "kind": "on_site_check", "date": today })),
            (_, 2) => said.push(json!({ "command": "record_enforcement", "credit_code": case.credit_code, "kind": "talk", "date": today })),
            (Some(duty), 3) => handle(json!({ "action": "waive", "duty": duty, "note": "n" })),
            (Some(duty), 4) => {
                handle(json!({ "action": "pause", "duty": duty, "until": plus_days(today, 5), "note": "n" }));
            }
            (None, _) => {
                let outcome = ["rectified", "settled", "transferred", "unfounded", "other"][(place + turn) % 5];
                handle(json!({ "action": "close", "outcome": outcome, "note": "n" }));
            }
            _ => {}
        }
    }
    let now = app.desk.now();
    for (place, merchant) in picture.world.merchants().iter().enumerate() {
        for ticket in merchant.complaints.iter().filter(|ticket| (place + turn) % 4 == 0 && ticket.undone.is_none()) {
            let mut handle = |step: &str, more: Value| {
                let mut row = json!({ "command": "handle_complaint", "ticket": &*ticket.ticket, "channel": ticket.channel,
                    "credit_code": merchant.code, "step": step, "at": now });
                row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
                said.push(row);
            };
            match (turn + place) % 3 {
                0 => handle("refund_paid", json!({ "amount": format!("{}.5", 100 + place) })),
                1 => handle("refund_promised", json!({ "amount": "250" })),
                _ => handle("rated", json!({ "resolved": place % 2 == 0, "satisfied": turn % 2 == 0 })),
            }
        }
    }
    said.iter()
        .map(|row| serde_json::from_value(row.clone()).unwrap_or_else(|error| panic!("{error}: {row}")))
        .collect()
}

/// One act of each kind in turn, about one merchant after the other.
fn acts_of(app: &App, today: Day, turn: usize) -> Vec<Value> {
    let picture = app.desk.picture();
    let code = picture.world.merchants().iter().nth(turn % 40).unwrap().code;
    let number = format!("第{turn}号");
    let act = |kind: &str| json!({ "command": "record_enforcement", "credit_code": code, "kind": kind, "date": today, "number": number });
    let mut check = act("on_site_check");
    check["result"] = json!("r");
    let mut order = act("rectification_ordered");
    order["due_on"] = json!(plus_days(today, 15));
    let lead = json!({ "command": "record_lead", "credit_code": code, "lead": number, "step": "transferred", "date": today, "authority": "a" });
    let letter = json!({ "command": "issue_document", "credit_code": code, "kind": "talk_notice", "number": number, "date": today,
        "title": "t", "to": "m", "paragraphs": ["p"], "office": "o" });
    let all = [
        act("warning_letter"),
        act("yellow_card"),
        act("yellow_card_removed"),
        act("talk"),
        check,
        order,
        act("rectification_met"),
        act("rectification_missed"),
        act("penalty"),
        lead,
        letter,
    ];
    vec![all[turn % all.len()].clone(), all[(turn + 5) % all.len()].clone()]
}

/// Figures of the API by group, each by its numbers.
fn given(table: &Value) -> BTreeMap<Group, BTreeMap<String, Value>> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let groups = table["groups"].as_array().unwrap().iter().map(|group| {
        let figures = group["figures"].as_object().unwrap().clone().into_iter().collect();
        ((text(&group["by"]), text(&group["division"]), text(&group["name"])), figures)
    });
    groups.collect()
}

/// Says whether the API's figure is the one that was counted.
fn is_same(figure: &Value, numbers: &Numbers) -> bool {
    let number = |key: &str| figure[key].to_string();
    match numbers.as_slice() {
        [one] if figure["yuan"].is_string() => figure["yuan"] == **one,
        [count] => number("count") == *count,
        [twice, among] if figure["of"].is_null() => {
            let hours = |text: &str| text.parse::<f64>().unwrap();
            let is_middle = match figure["hours"].as_str() {
                Some(told) => (hours(told) - hours(twice) / 7200.0).abs() <= 0.0501,
                None => twice.is_empty(),
            };
            is_middle && number("among") == *among
        }
        [of, among] => {
            let [all, some] = [among, of].map(|text| text.parse::<f64>().unwrap());
            let is_ratio = match figure["ratio"].as_str() {
                Some(ratio) => (ratio.parse::<f64>().unwrap() - some / all).abs() <= 0.000_051,
                None => all == 0.0,
            };
            is_ratio && number("of") == *of && number("among") == *among
        }
        _ => false,
    }
}

fn compare(app: &App, asked: Asked, table: &Value) {
    let counted = count(&**app.desk.log(), &app.desk.picture().policies, asked);
    let given = given(table);
    let nothing = |figure: &Value| {
        ["count", "of", "among"].iter().all(|key| figure[*key].is_null() || figure[*key] == 0)
            && figure["yuan"].as_str().is_none_or(|yuan| yuan == "0.00")
    };
    let mut wrong: Vec<String> = Vec::new();
    for (group, figures) in &given {
        for figure in FIGURES.iter().filter(|figure| !figure.is_of_standing()) {
            let own = &figures[figure.key];
            let numbers = counted.get(group).and_then(|counted| counted.get(figure.key));
            if !numbers.map_or_else(|| nothing(own), |numbers| is_same(own, numbers)) {
                wrong.push(format!("{group:?} {}: {own} is not {numbers:?}", figure.key));
            }
        }
    }
    assert!(wrong.is_empty(), "{asked:?}\n{}", wrong.join("\n"));
    for group in counted.keys() {
        assert!(given.contains_key(group), "{asked:?} {group:?} is not there");
    }
}

#[test]
fn every_figure_is_what_a_slow_count_over_the_events_finds() {
    let app = App::start();
    lived(&app);
    let log = app.desk.log().clone();
    let whole = app.get("/api/v1/figures?from=2025-07-01&to=2025-11-20").role(Role::Admin).ok().json();
    let is_told = |key: &str| {
        let figure = &whole["groups"][0]["figures"][key];
        ["count", "of", "among"].iter().any(|part| figure[*part].as_u64().is_some_and(|count| count > 0))
            || figure["yuan"].as_str().is_some_and(|yuan| yuan != "0.00")
    };
    let untried: Vec<&str> =
        FIGURES.iter().filter(|it| !it.is_of_standing() && !is_told(it.key)).map(|it| it.key).collect();
    assert!(untried.is_empty(), "the trial is as good as what it counts: {untried:?}");
    for (from, to, known_on) in [
        ("2025-07-01", "2025-11-20", None),
        ("2025-08-01", "2025-09-01", None),
        ("2025-09-10", "2025-09-24", Some("2025-09-24")),
        ("2025-09-01", "2025-10-01", Some("2025-09-20")),
        ("2024-01-01", "2025-01-01", None),
    ] {
        let path = format!("/api/v1/figures?from={from}&to={to}&known_on={}", known_on.unwrap_or_default());
        let table = app.get(&path).role(Role::Admin).ok().json();
        let seen: Instant = table["known_at"].as_str().unwrap().parse().unwrap();
        let known = if known_on.is_some() { log.position_at(seen).unwrap() } else { u64::MAX };
        compare(&app, Asked { from: day(from), to: day(to), known, seen }, &table);
    }
    // A month, as frozen five days after its end.
    for month in ["2025-08", "2025-09"] {
        let table = app.get(&format!("/api/v1/months/{month}")).role(Role::Admin).ok().json();
        let frozen: Instant = table["frozen_at"].as_str().unwrap().parse().unwrap();
        let to = day(table["table"]["to"].as_str().unwrap());
        assert_eq!((table["provisional"].as_bool(), frozen), (Some(false), start_of(plus_days(to, 5))));
        let from = day(table["table"]["from"].as_str().unwrap());
        compare(&app, Asked { from, to, known: log.position_at(frozen).unwrap(), seen: frozen }, &table["table"]);
        // How merchants stand is what the board derives for that instant by what was known, and the lights are added up.
        let figures = &given(&table["table"])[&("whole".to_owned(), String::new(), String::new())];
        let lights: u64 = ["red", "orange", "yellow", "unknown", "green"]
            .iter()
            .map(|it| figures[*it]["count"].as_u64().unwrap())
            .sum();
        assert_eq!(figures["merchants"]["count"].as_u64(), Some(lights));
        let (picture, scope) = (app.desk.picture(), Scope::everything());
        let view = warnlight::views::View::new(&picture, &scope, app.desk.now())
            .as_of(start_of(to) - jiff::SignedDuration::from_millis(1), log.position_at(frozen).unwrap());
        for (light, tally) in view.tallies(&warnlight::views::board::Filter::default()) {
            assert_eq!(figures[light.name()]["count"].as_u64(), Some(tally.count), "{month} {light}");
        }
    }
    opens(&app, &whole);
}

/// Every figure leads to exactly what it counts.
fn opens(app: &App, whole: &Value) {
    for figure in FIGURES.iter().filter(|figure| !figure.is_of_standing()) {
        let path = format!("/api/v1/figures/{}/counted?from=2025-07-01&to=2025-11-20&per_page=500", figure.key);
        let list = app.get(&path).role(Role::Admin).ok().json();
        let told = &whole["groups"][0]["figures"][figure.key];
        let number = |key: &str| told[key].as_u64().unwrap_or_default();
        let items = list["items"].as_array().unwrap();
        let parts = |part: &str| items.iter().filter(|item| item["part"] == part).count() as u64;
        if told["of"].is_u64() {
            // Tickets may be more than a page holds.
            assert_eq!(list["total"].as_u64().unwrap(), number("of") + number("among"), "{}", figure.key);
        } else if told["yuan"].is_string() {
            let fen = |text: &Value| text.as_str().unwrap().replace('.', "").parse::<u64>().unwrap();
            assert_eq!(items.iter().map(|item| fen(&item["yuan"])).sum::<u64>(), fen(&told["yuan"]), "{}", figure.key);
        } else {
            assert_eq!(list["total"].as_u64().unwrap(), number("count") + number("among"), "{}", figure.key);
            assert_eq!(parts("of"), items.len() as u64);
        }
        for item in items {
            let event = app.desk.log().event_at(item["position"].as_u64().unwrap()).unwrap().unwrap();
            assert_eq!(item["event"], event.event.id.to_string());
            assert!(event.event.data.contains(item["credit_code"].as_str().unwrap()), "{item} {event:?}");
        }
    }
}

/// A merchant with a ticket, a light and some money in May, before the service knew of June.
fn in_may() -> (App, Arc<dyn EventLog>) {
    let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
    let app = App::on(log.clone(), &[]);
    app.clock.set(instant("2025-07-03T02:00:00Z"));
    app.tell(&[
        json!({ "command": "register_merchant", "credit_code": HERE, "street": "中关村街道" }),
        json!({ "command": "report_balance", "credit_code": HERE, "date": "2025-06-20", "outstanding": "900000.00" }),
        json!({ "command": "record_complaint", "ticket": "T1", "channel": "12345", "credit_code": HERE, "kind": "refund",
            "received_at": "2025-06-20T01:00:00Z", "closed_at": "2025-06-25T01:00:00Z", "outcome": "resolved" }),
        json!({ "command": "record_enforcement", "credit_code": HERE, "kind": "yellow_card", "date": "2025-06-25" }),
    ]);
    (app, log)
}

fn book(app: &App, month: &str) -> Vec<u8> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    let reply = app.get(&format!("/months/{month}/xlsx")).role(Role::Lead).open();
    assert_eq!(reply.status().as_u16(), 200);
    reply.into_body().into_reader().read_to_end(&mut bytes).unwrap();
    bytes
}

fn csv(app: &App, month: &str) -> String {
    app.get(&format!("/months/{month}/csv")).role(Role::Lead).ok().text
}

#[test]
fn a_frozen_month_is_the_same_bytes_after_later_evidence_a_restart_and_a_rebuild_from_the_log() {
    let (app, log) = in_may();
    let provisional = app.get("/months/2025-06/csv").role(Role::Lead).ok();
    assert!(provisional.header("content-disposition").contains("provisional"), "{provisional:?}");
    app.clock.set(instant("2025-07-10T02:00:00Z"));
    app.desk.settle().unwrap();
    let (frozen, table) = (book(&app, "2025-06"), csv(&app, "2025-06"));
    assert!(table.contains("中关村街道") && table.contains("900000.00"), "{table}");
    let page = |app: &App| app.get("/months/2025-06").role(Role::Lead).html().ok().text;
    assert!(page(&app).contains("定稿") && !page(&app).contains("<ins"), "{}", page(&app));
    // Later it turns out that there was more in June, that the shop stands in another street, is of another sector, and that the card
    // was entered by mistake.
    app.tell(&[
        json!({ "command": "register_merchant", "credit_code": HERE, "street": "海淀街道" }),
        json!({ "command": "assign_sector", "credit_code": HERE, "sector": "commerce", "effective_on": "2025-06-01" }),
        json!({ "command": "report_balance", "credit_code": HERE, "date": "2025-06-28", "outstanding": "950000.00" }),
        json!({ "command": "record_complaint", "ticket": "T2", "channel": "12345", "credit_code": HERE, "kind": "refund",
            "received_at": "2025-06-26T01:00:00Z" }),
        json!({ "command": "cancel_entry", "credit_code": HERE, "reason": "wrong shop",
            "entry": { "what": "act", "kind": "yellow_card", "date": "2025-06-25" } }),
    ]);
    assert_eq!((csv(&app, "2025-06"), book(&app, "2025-06") == frozen), (table.clone(), true));
    let later = app.get("/api/v1/months/2025-06").role(Role::Lead).ok().json();
    let whole = later["later"].as_array().unwrap().iter().find(|group| group["by"] == "whole").unwrap();
    assert_eq!(
        (&whole["figures"]["tickets"]["count"], &whole["figures"]["yellow_cards"]["count"]),
        (&json!(2), &json!(0)),
        "{later}"
    );
    assert_eq!(whole["figures"]["outstanding"]["yuan"], "950000.00");
    assert!(page(&app).contains("<ins") && page(&app).contains("后来补录"), "{}", page(&app));
    drop(app);
    // Another process folds the log anew: there is no snapshot of a log in memory.
    let again = App::on(log, &[]);
    again.clock.set(instant("2025-09-01T02:00:00Z"));
    again.desk.settle().unwrap();
    assert_eq!((csv(&again, "2025-06"), book(&again, "2025-06") == frozen), (table, true));
    for wrong in ["2025-13", "2025-6", "junk", "2031-01"] {
        assert_eq!(again.get(&format!("/months/{wrong}")).role(Role::Lead).html().send().status, 400, "{wrong}");
    }
}

#[test]
fn figures_stop_at_a_scope_and_malls_and_banks_have_none() {
    let (app, _) = in_may();
    app.tell(&[
        json!({ "command": "record_complaint", "ticket": "T9", "channel": "12345", "credit_code": super::app::THERE,
        "kind": "refund", "received_at": "2025-06-21T01:00:00Z" }),
    ]);
    let path = "/api/v1/figures?from=2025-06-01&to=2025-07-01";
    let tickets = |role: Role| {
        let table = app.get(path).role(role).ok().json();
        let groups = table["groups"].to_string();
        (table["groups"][0]["figures"]["tickets"]["count"].as_u64().unwrap(), groups.contains("110105"))
    };
    assert_eq!(
        (tickets(Role::Regulator), tickets(Role::Lead), tickets(Role::Admin)),
        ((1, false), (1, false), (2, true))
    );
    let counted = |role: Role| {
        let list = app.get("/api/v1/figures/tickets/counted?from=2025-06-01&to=2025-07-01").role(role).ok().json();
        list["total"].as_u64().unwrap()
    };
    assert_eq!((counted(Role::Regulator), counted(Role::Admin)), (1, 2));
    let page = app.get("/figures?from=2025-06-01&to=2025-07-01").role(Role::Regulator).html().ok().text;
    assert!(page.contains("原始解决率") && !page.contains("朝阳"), "{page}");
    let page = app
        .get("/figures/tickets?from=2025-06-01&to=2025-07-01&by=sector&name=sport")
        .role(Role::Lead)
        .html()
        .ok()
        .text;
    assert!(page.contains(HERE) && !page.contains(super::app::THERE), "{page}");
    for role in [Role::Operator, Role::Bank] {
        for path in [
            "/api/v1/figures",
            "/figures",
            "/months/2025-05",
            "/months/2025-05/xlsx",
            "/api/v1/figures/tickets/counted",
        ] {
            assert_eq!(app.get(path).role(role).send().status, 403, "{role} {path}");
        }
        let page = app.get("/today").role(role).html().ok().text;
        assert!(!page.contains("href=\"/figures\""), "{role}");
    }
    for wrong in
        ["from=2025-06-02&to=2025-06-02", "from=yesterday", "known_on=2031-01-01", "by=street2", "month=2025-1"]
    {
        let figures = app.get(&format!("/api/v1/figures/tickets/counted?{wrong}")).role(Role::Lead).send();
        assert_eq!(figures.status, 400, "{wrong}: {figures:?}");
    }
    assert_eq!(app.get("/api/v1/figures/nonsense/counted").role(Role::Lead).send().status, 404);
}

#[test]
fn every_figure_has_its_formula_in_the_documents() {
    let text =
        std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/FIGURES.md")).unwrap();
    let named: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    let keys: Vec<&str> = FIGURES.iter().map(|figure| figure.key).collect();
    assert_eq!(named, keys);
}
