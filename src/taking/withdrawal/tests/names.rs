//! Names: what is called so that was withdrawn stands in nobody's way, and leads nowhere.

use super::*;

fn waiting(number: &str, name: &str) -> Value {
    json!({ "command": "record_unattributed", "ticket": number, "channel": "12345", "kind": "refund",
        "received_at": "2025-05-20T10:00:00+08:00", "name": name, "mall": "东方广场" })
}

#[test]
fn a_namesake_that_was_withdrawn_stands_in_no_tickets_way() {
    let mut district = District::new();
    district.import(&[register(HERE, json!({}))]);
    let (wrong, _) = district.import(&[register(THERE, json!({ "unit": "2" }))]);
    district.import(&[waiting("GD8", "甲")]);
    assert_eq!(district.desk.picture().queue.waiting(), 1, "two are called so, there");
    district.withdraw(wrong);
    let state = district.desk.picture().queue.get("GD8@12345").map(|entry| entry.state);
    assert!(matches!(state, Some(State::Attributed(code, _)) if code.as_str() == HERE), "{state:?}");
}

#[test]
fn another_name_of_a_merchant_goes_with_its_import_and_leads_nowhere_while_the_merchant_is_not_registered() {
    let mut district = District::new();
    let alias = json!({ "command": "record_alias", "credit_code": HERE, "alias": "青松俱乐部" });
    district.import(&[register(HERE, json!({}))]);
    let (named, answers) = district.import(std::slice::from_ref(&alias));
    assert_eq!(accepted(&answers), 1, "{answers:?}");
    let leads = |district: &mut District, number: &str| {
        // Without a mall, which would speak against a merchant without its shop.
        let mut row = waiting(number, "青松俱乐部");
        row["mall"] = Value::Null;
        district.import(&[row]);
        let picture = district.desk.picture();
        match picture.queue.get(&format!("{number}@12345")).unwrap().state {
            State::Attributed(code, _) => Some(code.as_str().to_owned()),
            State::Waiting | State::SetAside => None,
        }
    };
    assert_eq!(leads(&mut district, "GD1").as_deref(), Some(HERE));
    district.withdraw(named);
    assert_eq!(leads(&mut district, "GD2"), None, "the name was withdrawn");
    assert_eq!(district.desk.picture().queue.waiting(), 2, "what it had led there waits again");
    district.import(std::slice::from_ref(&alias));
    assert_eq!(district.desk.picture().queue.waiting(), 0, "said again, it leads there again");

    let mut district = District::new();
    let (wrong, _) = district.import(&[register(HERE, json!({}))]);
    district.import(&[alias]);
    assert_eq!(leads(&mut district, "GD1").as_deref(), Some(HERE));
    district.withdraw(wrong);
    assert_eq!(leads(&mut district, "GD2"), None, "nobody in the register is called so");
    assert_eq!(district.desk.picture().queue.waiting(), 2);
    district.import(&[register(HERE, json!({ "unit": "2" }))]);
    assert_eq!(leads(&mut district, "GD3").as_deref(), Some(HERE), "the other name stands as it was said");
}

#[test]
fn what_a_person_decided_of_a_ticket_that_was_withdrawn_offers_no_name() {
    let mut district = District::new();
    district.import(&[register(HERE, json!({ "mall": "别处" }))]);
    let rows: Vec<Value> = (0..3).map(|number| waiting(&format!("GD{number}"), "青松")).collect();
    let (wrong, _) = district.import(&rows);
    for number in 0..3 {
        let decided = json!({ "command": "decide_unattributed", "ticket": format!("GD{number}"), "channel": "12345",
            "decision": "attribute", "credit_code": HERE });
        let request = Request::new(vec![serde_json::from_value(decided).unwrap()], Origin::of("lead"));
        assert_eq!(accepted(&district.desk.execute(request).unwrap()), 1);
    }
    let offers = |district: &District| {
        let (picture, scope) = (district.desk.picture(), Scope::everything());
        View::new(&picture, &scope, district.clock.now()).alias_offers().len()
    };
    assert_eq!(offers(&district), 1);
    district.withdraw(wrong);
    assert_eq!(offers(&district), 0);
    assert_eq!(district.desk.picture().queue.decided_as("青松").count(), 0);
}
