//! A merchant whose sector nobody can tell: the lead office decides, and what waits goes to the office in charge.

use super::app::App;
use serde_json::{Value, json};
use warnlight::domain::words::Role;

const NEW: &str = "91110108MA0000001D";
const OTHER: &str = "91110108MA0000002G";

/// A merchant without an industry code whose light rises.
fn lit(app: &App, code: &str, name: &str) -> String {
    app.tell(&[
        json!({ "command": "register_merchant", "credit_code": code, "name": name, "division_code": "110108",
            "mall": "东方广场", "unit": "9" }),
        json!({ "command": "record_exit", "credit_code": code, "mall": "东方广场", "unit": "9", "action": "post",
            "date": "2025-06-20", "planned_on": "2025-07-10" }),
    ]);
    app.desk.settle().unwrap();
    let cases = app.get(&format!("/api/v1/cases?credit_code={code}")).role(Role::Admin).ok().json();
    cases["items"][0]["alert"].as_str().unwrap().to_owned()
}

/// The offices told about a merchant, newest first.
fn told(app: &App, code: &str) -> Vec<String> {
    app.desk.settle().unwrap();
    let mails = app.get(&format!("/api/v1/mails?credit_code={code}")).role(Role::Admin).ok().json();
    let addresses = |mail: &Value| mail["recipients"][0]["address"].as_str().unwrap().to_owned();
    mails["items"].as_array().unwrap().iter().map(addresses).collect()
}

/// Says whether an event tells what became of a mail that was asked for.
fn is_of_sending(event_type: &str) -> bool {
    event_type.starts_with("mail.") && event_type != "mail.requested"
}

fn undetermined(app: &App) -> Value {
    app.get("/api/v1/cases?undetermined=true").role(Role::Lead).ok().json()
}

#[test]
fn the_lead_office_decides_the_sector_and_the_waiting_alert_goes_to_the_right_office() {
    let app = App::start();
    let alert = lit(&app, NEW, "某某馆");
    assert_eq!(told(&app, NEW), ["lead.haidian@example.gov.invalid"]);
    let waiting = undetermined(&app);
    assert_eq!((&waiting["total"], &waiting["items"][0]["alert"]), (&json!(1), &json!(alert)), "{waiting}");
    let list = app.get("/cases?undetermined=true").role(Role::Lead).html().ok().text;
    assert!(list.contains(&format!("/cases/{alert}")), "{list}");

    let path = format!("/cases/{alert}");
    let page = app.get(&path).role(Role::Lead).html().ok().text;
    assert!(page.contains("行业主管部门待定") && page.contains("name=\"sector\""), "{page}");
    let decide = |sector: &str| app.post(&path).role(Role::Lead).html().form(&[("sector", sector)]).send();
    let wrong = decide("astrology");
    assert_eq!(wrong.status, 422, "{wrong:?}");
    assert_eq!(decide("sport").status, 303);

    assert_eq!(told(&app, NEW), ["sport.haidian@example.gov.invalid", "lead.haidian@example.gov.invalid"]);
    assert_eq!(undetermined(&app)["total"], 0);
    let case = app.get(&format!("/api/v1/cases/{alert}")).role(Role::Regulator).ok().json();
    assert_eq!(case["sector"], "sport");
    let page = app.get(&path).role(Role::Lead).html().ok().text;
    assert!(page.contains("改派主管部门") && !page.contains("name=\"sector\""), "{page}");
    // The office reads what it would have read from the start: the light with its reasons.
    let mails = app.get(&format!("/api/v1/mails?credit_code={NEW}")).role(Role::Admin).ok().json();
    let (mail, to) = (mails["items"][0]["mail"].as_str().unwrap(), "sport.haidian@example.gov.invalid");
    let letter = app.get(&format!("/mails/{mail}?to={to}")).role(Role::Admin).html().send();
    assert!(
        letter.status == 200 && letter.text.contains("现由贵单位主管") && letter.text.contains("亮灯原因"),
        "{letter:?}"
    );
    // Once: looked at again, nothing goes out.
    app.desk.settle().unwrap();
    assert_eq!(told(&app, NEW).len(), 2);
}

#[test]
fn the_register_decides_too_and_a_regulator_does_not() {
    let app = App::start();
    let alert = lit(&app, OTHER, "某某店");
    let assign =
        json!({ "command": "assign_sector", "credit_code": OTHER, "sector": "sport", "effective_on": "2025-06-30" });
    let refused = app.post("/api/v1/commands").role(Role::Regulator).json(&assign).send();
    assert_eq!(refused.status, 403, "{refused:?}");
    app.tell(&[json!({ "command": "register_merchant", "credit_code": OTHER, "industry_code": "6210" })]);
    assert_eq!(told(&app, OTHER), ["commerce.haidian@example.gov.invalid", "lead.haidian@example.gov.invalid"]);
    let case = app.get(&format!("/api/v1/cases/{alert}")).role(Role::Admin).ok().json();
    assert_eq!(case["sector"], "commerce");
    // An act ends nothing of it; a case that ended is not routed any more.
    let before = app.desk.picture().position;
    app.tell(&[json!({ "command": "register_merchant", "credit_code": OTHER, "street": "万寿路街道" })]);
    app.desk.settle().unwrap();
    let since = app.desk.log().read_all(before, 1_000).unwrap();
    // What becomes of the mails that went out before comes when it comes.
    let types = since.iter().map(|recorded| &*recorded.event.event_type).filter(|name| !is_of_sending(name));
    assert_eq!(types.collect::<Vec<_>>(), ["merchant.details_changed"], "a street is no other sector");
}
