//! Other names of merchants (别名): offered after decisions alike, read by key while they stand, never where they may mean another.

use super::{ONE, OTHER, Office, decision, ticket, wrong};
use serde_json::{Value, json};
use std::sync::Arc;
use warnlight::desk::Answer;
use warnlight::domain::whose::{Offer, State, offers};
use warnlight::log::memory::MemoryLog;

const THIRD: &str = "91110108MA0000003D";
const NAME: &str = "老锐动俱乐部";

fn office() -> Office {
    let office = Office::new();
    office.register(ONE, "北京锐动健身有限公司", "锐动", "东方广场");
    office.register(OTHER, "北京极光教育有限公司", "极光", "华熙LIVE");
    office
}

fn alias(command: &str, code: &str, more: Value) -> Value {
    let mut row = json!({ "command": command, "credit_code": code, "alias": "老锐动 俱乐部", "reason": "招牌" });
    row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    row
}

fn is_of(office: &Office, number: &str, code: &str) -> bool {
    matches!(office.state(number), State::Attributed(of, _) if of == code.parse().unwrap())
}

/// Records a ticket and says whether it was taken for a merchant.
fn taken(office: &Office, number: &str, clues: Value) -> bool {
    office.say(&ticket(number, clues));
    matches!(office.state(number), State::Attributed(..))
}

fn decide(office: &Office, number: &str, clues: Value, code: Option<&str>) {
    office.say(&ticket(number, clues));
    let said = match code {
        Some(code) => json!({ "decision": "attribute", "credit_code": code }),
        None => json!({ "decision": "set_aside", "reason": "r" }),
    };
    assert!(matches!(office.say(&decision(number, said)), Answer::Accepted(_)), "{number}");
}

fn offered(office: &Office) -> Vec<Offer> {
    let picture = office.desk.picture();
    offers(&picture.queue, &picture.world, picture.policies.aliases.after)
}

#[test]
fn an_alias_is_a_key_of_its_merchant_until_it_is_withdrawn() {
    let office = office();
    assert!(!taken(&office, "T1", json!({ "name": NAME })));
    assert!(!taken(&office, "T2", json!({ "name": NAME, "address": "海淀区长春桥路5号" })));
    assert_eq!(wrong(&office.say(&alias("record_alias", "91110108MA99999990", json!({})))), ["unknown_merchant"]);
    assert_eq!(wrong(&office.say(&alias("withdraw_alias", ONE, json!({})))), ["no_such_alias"]);
    assert!(matches!(office.say(&alias("record_alias", ONE, json!({}))), Answer::Accepted(_)));
    assert!(matches!(office.say(&alias("record_alias", ONE, json!({}))), Answer::Unchanged { .. }));
    office.desk.settle().unwrap();
    // What waits is tried again, and what comes is taken, unless it says something else.
    assert!(is_of(&office, "T1", ONE) && is_of(&office, "T2", ONE));
    assert_eq!(super::attributions(&office.log)[0].1, "merchant.alias_recorded");
    for (number, clues, is_taken) in [
        ("A1", json!({ "name": "老锐动　俱乐部" }), true),
        ("A2", json!({ "name": NAME, "street": "万寿路街道" }), true),
        ("A3", json!({ "name": NAME, "mall": "东方广场" }), true),
        ("A4", json!({ "brand": NAME }), false),
        ("B1", json!({ "name": NAME, "street": "望京街道" }), false),
        ("B2", json!({ "name": NAME, "mall": "华熙LIVE" }), false),
        ("B3", json!({ "name": NAME, "brand": "极光" }), false),
        ("B4", json!({ "name": NAME, "address": "朝阳区望京街道5号" }), false),
    ] {
        assert_eq!(taken(&office, number, clues), is_taken, "{number}");
    }
    assert!(matches!(office.say(&alias("withdraw_alias", ONE, json!({}))), Answer::Accepted(_)));
    assert!(matches!(office.say(&alias("withdraw_alias", ONE, json!({}))), Answer::Unchanged { .. }));
    assert!(!taken(&office, "T5", json!({ "name": NAME })));
    assert!(is_of(&office, "A1", ONE), "what was attributed by it stays");
}

#[test]
fn a_name_that_several_have_is_an_alias_in_a_mall_or_a_street_only() {
    let office = office();
    office.register(THIRD, "北京晨曦健身有限公司", "老锐动俱乐部", "东方广场");
    let shared = |answer: &Answer| wrong(answer) == ["shared_name"];
    assert!(shared(&office.say(&alias("record_alias", ONE, json!({})))), "another's brand");
    assert!(matches!(office.say(&alias("record_alias", ONE, json!({ "mall": "国贸商城" }))), Answer::Accepted(_)));
    assert!(shared(&office.say(&alias("record_alias", OTHER, json!({})))), "another's alias");
    assert!(matches!(office.say(&alias("record_alias", OTHER, json!({ "street": "望京街道" }))), Answer::Accepted(_)));
    for (number, clues, of) in [
        ("A1", json!({ "name": NAME, "mall": "国贸商城" }), Some(ONE)),
        ("A2", json!({ "name": NAME, "address": "朝阳区望京街道5号" }), Some(OTHER)),
        ("A3", json!({ "name": NAME, "mall": "东方广场" }), Some(THIRD)),
        ("B1", json!({ "name": NAME }), None),
        ("B2", json!({ "name": NAME, "street": "万寿路街道" }), None),
        ("B3", json!({ "name": NAME, "mall": "国贸商城", "street": "望京街道" }), None),
    ] {
        taken(&office, number, clues);
        assert_eq!(of.is_some_and(|of| is_of(&office, number, of)), of.is_some(), "{number}");
        assert!(of.is_some() || office.state(number) == State::Waiting, "{number}");
    }
    // A registered name is another's as well, and so is one that a person decided otherwise.
    for name in ["北京极光教育有限公司", "某健身房"] {
        decide(&office, &format!("D-{name}"), json!({ "name": name, "brand": "别的品牌" }), None);
        let row = json!({ "command": "record_alias", "credit_code": ONE, "alias": name });
        assert!(shared(&office.say(&row)), "{name}");
    }
}

#[test]
fn a_merchant_that_comes_to_have_the_name_takes_it_from_the_alias() {
    let office = office();
    office.say(&alias("record_alias", ONE, json!({})));
    assert!(taken(&office, "T1", json!({ "name": NAME })));
    office.register(THIRD, NAME, "老锐动", "华熙LIVE");
    assert!(!taken(&office, "T2", json!({ "name": NAME })));
    assert!(taken(&office, "T3", json!({ "name": NAME, "mall": "华熙LIVE" })) && is_of(&office, "T3", THIRD));
}

#[test]
fn what_persons_decide_alike_is_offered_until_it_stands_or_was_withdrawn() {
    let office = office();
    let clue = || json!({ "name": NAME, "address": "某路1号" });
    decide(&office, "T1", clue(), Some(ONE));
    decide(&office, "T2", clue(), Some(ONE));
    office.say(&decision("T2", json!({ "decision": "undo", "reason": "r" })));
    office.say(&decision("T2", json!({ "decision": "attribute", "credit_code": ONE })));
    assert_eq!(offered(&office), []);
    decide(&office, "T3", clue(), Some(ONE));
    let [offer] = &*offered(&office) else { panic!("{:?}", offered(&office)) };
    assert_eq!((&*offer.alias.alias, offer.alias.credit_code.to_string(), offer.times), (NAME, ONE.to_owned(), 3));
    assert_eq!(offer.by.iter().map(|(who, times)| (&**who, *times)).collect::<Vec<_>>(), [("test", 3)]);
    // One that is decided otherwise makes it nobody's, one that is set aside too, until that is taken back.
    for code in [Some(OTHER), None] {
        decide(&office, "T4", clue(), code);
        assert_eq!(offered(&office), [], "{code:?}");
        office.say(&decision("T4", json!({ "decision": "undo", "reason": "r" })));
        assert_eq!(offered(&office).len(), 1);
    }
    office.say(&alias("record_alias", ONE, json!({})));
    assert_eq!(offered(&office), [], "it stands");
    office.say(&alias("withdraw_alias", ONE, json!({})));
    assert_eq!(offered(&office), [], "a person said no");
    // The offers of a log are those of its fold, and of its snapshot.
    let again = Office::on(&office.log);
    assert_eq!(offered(&again), []);
}

#[test]
fn a_name_decided_for_two_is_offered_in_the_place_where_it_was_one() {
    let office = office();
    for (number, mall, code) in [
        ("T1", "国贸商城", ONE),
        ("T2", "国贸商城", ONE),
        ("T3", "国贸商城", ONE),
        ("T4", "合生汇", OTHER),
        ("T5", "合生汇", OTHER),
        ("T6", "合生汇", OTHER),
        ("T7", "荟聚中心", ONE),
    ] {
        decide(&office, number, json!({ "name": NAME, "mall": mall }), Some(code));
    }
    let places = |office: &Office| -> Vec<(String, Option<String>)> {
        offered(office).into_iter().map(|offer| (offer.alias.credit_code.to_string(), offer.alias.mall)).collect()
    };
    let mut found = places(&office);
    found.sort();
    assert_eq!(found, [(OTHER.to_owned(), Some("合生汇".to_owned())), (ONE.to_owned(), Some("国贸商城".to_owned()))]);
    office.say(&alias("record_alias", ONE, json!({ "mall": "国贸商城" })));
    assert_eq!(places(&office), [(OTHER.to_owned(), Some("合生汇".to_owned()))]);
    // Where it is one's and where it is the other's is told apart.
    assert!(taken(&office, "N1", json!({ "name": NAME, "mall": "国贸商城" })) && is_of(&office, "N1", ONE));
    assert!(!taken(&office, "N2", json!({ "name": NAME })));
}

#[test]
fn offers_count_persons_only_and_survive_a_restart() {
    let log = Arc::new(MemoryLog::new());
    let before = {
        let office = Office::on(&log);
        office.register(ONE, "北京锐动健身有限公司", "锐动", "东方广场");
        for number in ["E1", "E2", "E3", "E4"] {
            assert!(taken(&office, number, json!({ "name": "北京锐动健身有限公司", "mall": "东方广场" })));
        }
        assert_eq!(offered(&office), [], "what was taken by key was decided by nobody");
        for number in ["T1", "T2", "T3"] {
            decide(&office, number, json!({ "name": "锐动旗舰" }), Some(ONE));
        }
        offered(&office)
    };
    assert_eq!(before.len(), 1);
    assert_eq!(offered(&Office::on(&log)), before);
}

/// A name that means a merchant anywhere, and in one mall by a word of its own: there that word counts, though no shop of it is known
/// in that mall.
#[test]
fn of_several_words_about_a_name_the_narrowest_counts() {
    for narrow_first in [false, true] {
        let office = office();
        let (wide, narrow) = (json!({}), json!({ "mall": "国贸商城" }));
        let words = if narrow_first { [&narrow, &wide] } else { [&wide, &narrow] };
        for word in words {
            assert!(matches!(office.say(&alias("record_alias", ONE, word.clone())), Answer::Accepted(_)), "{word}");
        }
        assert!(taken(&office, "A1", json!({ "name": NAME, "mall": "国贸商城" })), "narrow first: {narrow_first}");
        assert!(!taken(&office, "A2", json!({ "name": NAME, "mall": "华熙LIVE" })), "narrow first: {narrow_first}");
        assert!(taken(&office, "A3", json!({ "name": NAME })), "narrow first: {narrow_first}");
    }
}
