//! An import is withdrawn over HTTP and on its page: who may, what follows, and that the same file is heard again.

use super::app::{App, HERE, Reply, THERE, encoded, instant};
use serde_json::{Value, json};
use warnlight::clock::Clock as _;
use warnlight::domain::access::Scope;
use warnlight::domain::words::Role;

fn upload(app: &App, key: &str, name: &str, body: &str) -> Value {
    let path = format!("/api/v1/imports?name={}", encoded(name));
    let reply = app.post(&path).key(key).text("application/octet-stream", body).send();
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()
}

fn id(state: &Value) -> String {
    state["id"].as_str().unwrap().to_owned()
}

/// A sheet that closes shops: red, because nobody announced it.
fn closings(codes: &[&str]) -> String {
    let mut sheet = "统一社会信用代码,商场,铺位号,事项,日期\n".to_owned();
    for code in codes {
        let (mall, unit) = if *code == HERE { ("东方广场", "B1-01") } else { ("西单大悦城", "2-02") };
        sheet.push_str(&format!("{code},{mall},{unit},闭店,2025-06-28\n"));
    }
    sheet
}

fn balance(yuan: &str) -> String {
    format!("统一社会信用代码,报告日期,预收资金余额\n{HERE},2025-05-31,{yuan}\n")
}

fn withdraw(app: &App, key: &str, id: &str, reason: &str) -> Reply {
    app.post(&format!("/api/v1/imports/{id}/withdraw")).key(key).json(&json!({ "reason": reason })).send()
}

fn light(app: &App, wanted: &str) -> Value {
    let path = format!("/api/v1/merchants/{HERE}");
    app.until(&path, |reply| reply.json()["light"] == *wanted).json()
}

#[test]
fn an_import_is_withdrawn_with_a_reason_and_its_file_is_heard_again() {
    let app = App::start();
    let lead = app.key_of(Role::Lead).to_owned();
    upload(&app, &lead, "balances.csv", &balance("1000.00"));
    let before = light(&app, "green");
    let wrong = upload(&app, &lead, "exits.csv", &closings(&[HERE]));
    light(&app, "red");
    let path = format!("/api/v1/imports/{}/withdrawal", id(&wrong));
    let foreseen = app.get(&path).key(&lead).ok().json();
    assert_eq!((&foreseen["events"], &foreseen["merchants"]), (&json!(1), &json!(1)), "{foreseen:#}");
    assert_eq!(
        foreseen["lights"],
        json!([{ "credit_code": HERE, "name": before["name"], "from": "red", "to": "green" }]),
        "{foreseen:#}"
    );
    assert!(foreseen.get("withdrawn").is_none());
    let known = app.clock.now();
    app.clock.set(instant("2025-06-30T10:05:00Z"));
    let head = app.desk.log().head();
    let refused = withdraw(&app, &lead, &id(&wrong), " ");
    assert_eq!((refused.status, refused.code()), (422, "refused".to_owned()), "{refused:?}");
    assert_eq!(app.desk.log().head(), head);
    let done = withdraw(&app, &lead, &id(&wrong), "wrong mall");
    assert_eq!(done.status, 200, "{done:?}");
    assert_eq!(done.json()["withdrawn"]["reason"], "wrong mall");
    light(&app, "green");
    // What was known before stays.
    let then = app.get(&format!("/api/v1/merchants/{HERE}/reasons?at={known}&known_at={known}")).key(&lead).ok().json();
    assert_eq!(then["light"], "red", "{then:#}");
    // Twice is once.
    let head = app.desk.log().head();
    let again = withdraw(&app, &lead, &id(&wrong), "again").json();
    assert_eq!(again["withdrawn"], done.json()["withdrawn"]);
    assert_eq!(app.desk.log().head(), head);
    let state = app.get(&format!("/api/v1/imports/{}", id(&wrong))).key(&lead).ok().json();
    assert_eq!(state["withdrawn"]["reason"], "wrong mall", "{state:#}");
    // The timeline keeps what it said, and says that it counts no longer; of the other import it does not.
    let page = app.get(&format!("/merchants/{HERE}?lang=en&steps=all")).key(&lead).html().ok().text;
    let marked: Vec<&str> =
        page.split("<li id=\"e-").filter(|step| step.contains("withdrawn with its import")).collect();
    assert!(marked.len() == 1 && marked[0].contains("closed"), "{marked:?}");
    // The same file is heard anew.
    let anew = upload(&app, &lead, "exits.csv", &closings(&[HERE]));
    assert_eq!((&anew["counts"]["accepted"], &anew["known"]), (&json!(1), &json!(0)), "{anew:#}");
    light(&app, "red");
}

#[test]
fn rows_of_later_files_that_said_the_same_are_told_and_count_under_another_name() {
    let app = App::start();
    let lead = app.key("lead of all", Scope { role: Role::Lead, ..Scope::everything() });
    let wrong = upload(&app, &lead, "a.csv", &balance("1000.00"));
    let same = upload(&app, &lead, "b.csv", &balance("1000.00"));
    assert_eq!(same["counts"]["unchanged"], 1, "{same:#}");
    let done = withdraw(&app, &lead, &id(&wrong), "not theirs").json();
    assert_eq!(done["leaning_rows"], 1, "{done:#}");
    assert_eq!(done["leaning"], json!([{ "file": "b.csv", "rows": 1 }]));
    let outstanding =
        || app.get(&format!("/api/v1/merchants?q={HERE}")).key(&lead).ok().json()["items"][0]["outstanding"].clone();
    assert_eq!(outstanding(), Value::Null);
    let again = upload(&app, &lead, "b2.csv", &balance("1000.00"));
    assert_eq!(again["counts"]["accepted"], 1, "{again:#}");
    assert_eq!(outstanding(), "1000.00");
}

#[test]
fn only_who_handed_it_in_the_lead_office_and_administrators_withdraw_and_only_what_is_all_in_scope() {
    let app = App::start();
    let district = Scope { divisions: vec!["110108".to_owned()], ..Scope::everything() };
    let lead_here = app.key("lead here", Scope { role: Role::Lead, ..district.clone() });
    let regulator = app.key("regulator", Scope { role: Role::Regulator, ..district });
    let other = app.key("another regulator", Scope { role: Role::Regulator, ..Scope::everything() });
    let own = upload(&app, &regulator, "own.csv", &balance("1000.00"));
    let both = upload(&app, app.key_of(Role::Admin), "both.csv", &closings(&[HERE, THERE]));
    assert_eq!(both["counts"]["accepted"], 2, "{both:#}");
    let head = app.desk.log().head();
    let tried = [
        // A bank does not know of it; who may read all imports is told that it is not theirs; part of it is elsewhere.
        (app.key_of(Role::Bank), &own, 404),
        (&*other, &own, 403),
        (&*regulator, &both, 404),
        (&*lead_here, &both, 403),
    ];
    for (key, import, status) in tried {
        let path = format!("/api/v1/imports/{}/withdrawal", id(import));
        assert_eq!(app.get(&path).key(key).send().status, status);
        let reply = withdraw(&app, key, &id(import), "x");
        assert_eq!(reply.status, status, "{reply:?}");
        assert_eq!(
            app.post(&format!("/imports/{}/withdraw", id(import))).key(key).form(&[("reason", "x")]).send().status,
            status
        );
    }
    let nothing = withdraw(&app, app.key_of(Role::Admin), "0197c1d2-7a34-7b1e-9c41-5d2f8e6a9b03", "x");
    assert_eq!(nothing.status, 404, "{nothing:?}");
    // Lights and mails may follow meanwhile.
    let since = app.desk.log().read_all(head, 1_000).unwrap();
    let withdrawn = since.iter().any(|recorded| recorded.to_cloud_event().event_type.contains("import.withdrawn"));
    assert!(!withdrawn, "nothing was withdrawn");
    assert_eq!(withdraw(&app, &regulator, &id(&own), "mine").status, 200);
    assert_eq!(withdraw(&app, app.key_of(Role::Admin), &id(&both), "ours").status, 200);
}

#[test]
fn the_page_shows_what_would_change_asks_why_and_says_that_it_was_done() {
    let app = App::start();
    let cookie = app.log_in(Role::Lead);
    let token = app.token(&cookie);
    let cookie = format!("{cookie}; warnlight_lang=en");
    let wrong = id(&upload(&app, app.key_of(Role::Lead), "exits.csv", &closings(&[HERE])));
    light(&app, "red");
    let page = |path: &str| app.get(path).header("cookie", &cookie).html().ok().text;
    let place = format!("/imports/{wrong}");
    assert!(page(&place).contains(&format!("{place}/withdraw")));
    let asked = page(&format!("{place}/withdraw"));
    assert!(asked.contains("Lights that would change") && asked.contains("name=\"reason\""), "{asked}");
    let send = |token: &str, reason: &str| {
        let form = [("form_token", token), ("reason", reason)];
        app.post(&format!("{place}/withdraw")).header("cookie", &cookie).html().form(&form).send()
    };
    assert_eq!(send("stale", "x").status, 403);
    assert_eq!(send(&token, "").status, 422);
    let done = send(&token, "<b>wrong</b> mall");
    assert_eq!((done.status, done.header("location")), (303, &*place), "{done:?}");
    let shown = page(&place);
    assert!(shown.contains("&lt;b&gt;wrong&lt;"), "{shown}");
    assert!(shown.contains("Withdrawn") && !shown.contains(&format!("href=\"{place}/withdraw\"")));
    assert!(page(&format!("{place}/withdraw")).contains("heard again"));
    light(&app, "green");
}
