use super::*;
use crate::domain::command::Command;
use crate::domain::event::KeyRevoked;

const KEY: Uuid = Uuid::from_u128(7);
const CODE: &str = "91110000101623741K";

fn at(second: i64) -> Instant {
    Instant::from_second(second).unwrap()
}

fn created(role: &str, expires_at: Option<Instant>) -> (KeyText, Event) {
    let text = KeyText::new(KEY, &[9; KEY_BYTES]);
    let event = KeyCreated {
        key: KEY,
        name: "desk".into(),
        hash: text.hash(),
        role: role.into(),
        malls: vec!["东方广场".into()],
        sectors: vec![],
        divisions: vec![],
        bank: None,
        merchant: None,
        expires_at,
    };
    (text, Event::KeyCreated(event))
}

fn scope(role: Role) -> Scope {
    Scope { role, ..Scope::everything() }
}

fn facts<'a>(division: &str, sector: Option<&'a str>, malls: &'a [&'a str]) -> MerchantFacts<'a> {
    let code = Some(CODE.parse().unwrap());
    MerchantFacts { code, registered: true, division: division.parse().ok(), sector, malls, bank: Some("甲银行") }
}

fn command(json: &str) -> Command {
    serde_json::from_str(&json.replace('^', r#""credit_code":"91110000101623741K""#)).unwrap()
}

#[test]
fn a_key_opens_until_it_expires_or_is_revoked() {
    let mut keys = Keys::default();
    let (text, event) = created("operator", Some(at(100)));
    keys.apply(at(1), &event).unwrap();
    assert_eq!(keys.check(text.expose(), at(99)).unwrap().name.as_ref(), "desk");
    assert_eq!(keys.check(text.expose(), at(100)), Err(KeyRefused::Expired));
    keys.apply(at(50), &Event::KeyRevoked(KeyRevoked { key: KEY, reason: "lost".into() })).unwrap();
    assert_eq!(keys.check(text.expose(), at(51)), Err(KeyRefused::Revoked));
    assert_eq!(keys.by_id(KEY, at(51)), Err(KeyRefused::Revoked));
}

#[test]
fn a_wrong_secret_is_unknown_even_when_the_key_is_revoked() {
    let mut keys = Keys::default();
    let (text, event) = created("operator", None);
    keys.apply(at(1), &event).unwrap();
    keys.apply(at(2), &Event::KeyRevoked(KeyRevoked { key: KEY, reason: "lost".into() })).unwrap();
    let wrong = KeyText::new(KEY, &[8; KEY_BYTES]);
    let longer = format!("{}0", text.expose());
    for text in [wrong.expose(), longer.as_str(), "", "wl_", "wl__", "wl_zz_zz", "Bearer"] {
        assert_eq!(keys.check(text, at(3)), Err(KeyRefused::Unknown), "{text}");
    }
}

#[test]
fn a_key_is_not_in_its_event_and_does_not_print() {
    let (text, event) = created("operator", None);
    let secret = text.expose().rsplit_once('_').unwrap().1;
    assert!(!event.to_json().contains(secret));
    assert_eq!(format!("{text:?}"), "[redacted]");
}

#[test]
fn a_role_of_the_future_is_an_error_and_not_a_right() {
    let (_, event) = created("emperor", None);
    assert!(Keys::default().apply(at(1), &event).is_err());
}

#[test]
fn each_role_sees_its_own_and_nothing_else() {
    let here = facts("110108", Some("sport"), &["东方广场"]);
    let there = facts("110105", Some("education"), &["西单"]);
    let unclear = facts("110108", None, &[]);

    let operator = Scope { malls: vec!["东方广场".into()], ..scope(Role::Operator) };
    assert!(operator.sees(&here) && !operator.sees(&there) && !operator.sees(&unclear));
    let regulator = Scope { sectors: vec!["sport".into()], divisions: vec!["110108".into()], ..scope(Role::Regulator) };
    assert!(regulator.sees(&here) && !regulator.sees(&there) && !regulator.sees(&unclear));
    let lead = Scope { divisions: vec!["110108".into()], ..scope(Role::Lead) };
    assert!(lead.sees(&here) && !lead.sees(&there) && lead.sees(&unclear));
    let bank = Scope { bank: Some("甲银行".into()), ..scope(Role::Bank) };
    assert!(bank.sees(&here) && !bank.sees(&MerchantFacts::default()));
    assert!(!scope(Role::Bank).sees(&MerchantFacts::default()), "a bank key without a bank sees nothing");
    assert!(!scope(Role::Operator).sees(&here), "an operator key without malls sees nothing");
    assert!(Scope::everything().sees(&MerchantFacts::default()));
}

#[test]
fn an_operator_speaks_of_its_own_mall_only() {
    let operator = Scope { malls: vec!["东方广场".into()], ..scope(Role::Operator) };
    let exit = |mall: &str| {
        command(&format!(r#"{{"command":"record_exit",^,"mall":"{mall}","action":"withdraw","date":"2025-01-01"}}"#))
    };
    let tenant = facts("110108", None, &["西单", "东方广场"]);
    assert_eq!(operator.may_say(&exit("东方广场"), Some(&tenant)), Ok(()));
    assert_eq!(operator.may_say(&exit("西单"), Some(&tenant)), Err(OutOfScope::Place));
    // Whoever is no tenant by what is on record gets one answer, known elsewhere or not.
    let stranger = facts("110105", None, &["西单"]);
    for unknown in [None, Some(&stranger), Some(&MerchantFacts::default())] {
        assert_eq!(operator.may_say(&exit("东方广场"), unknown), Err(OutOfScope::Place));
    }
    let street = command(r#"{"command":"record_exit",^,"action":"withdraw","date":"2025-01-01"}"#);
    assert_eq!(operator.may_say(&street, None), Err(OutOfScope::Place));
    let balance = command(r#"{"command":"report_balance",^,"date":"2025-01-01","outstanding":"1.00"}"#);
    assert_eq!(operator.may_say(&balance, None), Err(OutOfScope::Role));

    let complaint = |channel: &str| {
        command(&format!(
            r#"{{"command":"record_complaint",^,"ticket":"t","channel":"{channel}","kind":"refund",
                "received_at":"2025-01-01T00:00:00Z"}}"#
        ))
    };
    let tenant = facts("110108", None, &["东方广场"]);
    assert_eq!(operator.may_say(&complaint("mall"), Some(&tenant)), Ok(()));
    assert_eq!(operator.may_say(&complaint("mall"), None), Err(OutOfScope::Place));
    assert_eq!(operator.may_say(&complaint("12345"), Some(&tenant)), Err(OutOfScope::Role));
}

#[test]
fn a_bank_reports_custody_of_its_own_customers_only() {
    let bank = Scope { bank: Some("甲银行".into()), ..scope(Role::Bank) };
    let report = command(r#"{"command":"report_custody",^,"date":"2025-01-01","held":"1.00"}"#);
    assert_eq!(bank.may_say(&report, Some(&facts("110108", None, &[]))), Ok(()));
    assert_eq!(bank.may_say(&report, None), Err(OutOfScope::Place));
    let balance = command(r#"{"command":"report_balance",^,"date":"2025-01-01","outstanding":"1.00"}"#);
    assert_eq!(bank.may_say(&balance, Some(&facts("110108", None, &[]))), Err(OutOfScope::Role));
}

#[test]
fn a_merchant_sees_and_speaks_of_itself_only_and_not_of_what_others_decide() {
    let own = Scope { merchant: Some(CODE.parse().unwrap()), ..scope(Role::Merchant) };
    let here = facts("110108", None, &[]);
    let other = MerchantFacts { code: "91110108MA01KPGK0J".parse().ok(), ..here };
    assert!(own.sees(&here) && !own.sees(&other) && !own.sees(&MerchantFacts::default()));
    assert!(!scope(Role::Merchant).sees(&MerchantFacts::default()), "a merchant's key without a code sees nothing");
    let filing = |rest: &str| command(&format!(r#"{{"command":"record_filing",^,"date":"2025-01-01",{rest}}}"#));
    for (said, may) in [
        (command(r#"{"command":"report_balance",^,"date":"2025-01-01","outstanding":"1.00"}"#), Ok(())),
        (command(r#"{"command":"make_statement",^,"kind":"objection","text":"x"}"#), Ok(())),
        (filing(r#""status":"submitted""#), Ok(())),
        (filing(r#""status":"volunteered","bank":"甲 银行""#), Ok(())),
        (filing(r#""status":"submitted","bank":"乙银行""#), Err(OutOfScope::Place)),
        (filing(r#""status":"accepted""#), Err(OutOfScope::Role)),
        (command(r#"{"command":"report_custody",^,"date":"2025-01-01","held":"1.00"}"#), Err(OutOfScope::Role)),
    ] {
        assert_eq!(own.may_say(&said, Some(&here)), may, "{said:?}");
        let elsewhere = may.and(Err(OutOfScope::Place));
        assert_eq!(own.may_say(&said, Some(&other)), elsewhere, "{said:?}");
        assert_eq!(own.may_say(&said, None), elsewhere, "{said:?}");
    }
    let first = MerchantFacts { bank: None, ..here };
    assert_eq!(own.may_say(&filing(r#""status":"submitted","bank":"乙银行""#), Some(&first)), Ok(()));
}

#[test]
fn a_regulator_cannot_move_a_merchant_out_of_or_into_a_district_of_others() {
    let regulator = Scope { divisions: vec!["110108".into()], ..scope(Role::Regulator) };
    let register =
        |division: &str| command(&format!(r#"{{"command":"register_merchant",^,"division_code":"{division}"}}"#));
    let (here, there) = (facts("110108", None, &[]), facts("110105", None, &[]));
    assert_eq!(regulator.may_say(&register("110108"), None), Ok(()));
    assert_eq!(regulator.may_say(&register("110105"), None), Err(OutOfScope::Place));
    assert_eq!(regulator.may_say(&register("110105"), Some(&here)), Err(OutOfScope::Place));
    assert_eq!(regulator.may_say(&register("110108"), Some(&there)), Err(OutOfScope::Place));
    let spoken_of = MerchantFacts::default();
    assert_eq!(regulator.may_say(&register("110108"), Some(&spoken_of)), Ok(()), "not registered anywhere yet");
    let nowhere = command(r#"{"command":"register_merchant",^}"#);
    assert_eq!(regulator.may_say(&nowhere, None), Err(OutOfScope::Place));
    assert_eq!(scope(Role::Regulator).may_say(&nowhere, None), Ok(()));
}

#[test]
fn only_the_lead_office_assigns_sectors() {
    let assign = command(r#"{"command":"assign_sector",^,"sector":"sport","effective_on":"2025-01-01"}"#);
    let here = facts("110108", None, &[]);
    assert_eq!(scope(Role::Regulator).may_say(&assign, Some(&here)), Err(OutOfScope::Role));
    assert_eq!(scope(Role::Lead).may_say(&assign, Some(&here)), Ok(()));
}
