use super::*;
use crate::domain::event::Event;
use std::path::Path;
use std::sync::Arc;

/// What no sentence needs: ids and digests, whom the page is about, what only programs read.
const UNSAID: [&str; 39] = [
    "import",
    "upto",
    "person_digest",
    "call",
    // A letter tells of itself when it is opened.
    "title",
    "paragraphs",
    "duty",
    "follow_up",
    "after",
    "refused_places",
    "candidates",
    "credit_code",
    "legal_representative_digest",
    "complainant",
    "alert",
    "change",
    "mail",
    "mails",
    "key",
    "hash",
    "digest",
    "policy",
    "known",
    "notify",
    "claim",
    "by",
    "hold",
    "objection",
    "against",
    "signature",
    "merchant",
    "file",
    "pack",
    "at",
    "text",
    "sector",
    "session",
    "content",
    "answer",
];

fn example(event_type: &str, version: u16) -> CloudEvent {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("events");
    let mut event: CloudEvent =
        serde_json::from_str(&std::fs::read_to_string(folder.join("envelope.example.json")).unwrap()).unwrap();
    event.event_type = format!("cn.warnlight.{event_type}.v{version}");
    let name = format!("{event_type}.v{version}.example.json");
    event.data = serde_json::from_str(&std::fs::read_to_string(folder.join(name)).unwrap()).unwrap();
    event
}

fn tell(event: &CloudEvent, language: Language) -> String {
    let (pages, policies) = (Pages::new().unwrap(), Arc::new(Policies::built_in().unwrap()));
    Teller { pages: &pages, policies: &policies, language }.sentence(event)
}

#[test]
fn every_event_has_its_sentence_in_both_languages() {
    for (event_type, version) in Event::CONTRACT {
        let event = example(event_type, *version);
        for language in Language::ALL {
            let told = tell(&event, language);
            assert!(
                !told.is_empty() && told != *event_type,
                "{event_type} has no sentence: add it to [told] in assets/i18n"
            );
            assert!(!told.contains(['{', '}', '[', ']', '—']), "{event_type}: {told}");
            // A sentence is not a list of ids, codes and digests.
            for word in told.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '-')) {
                assert!(word.len() < 30, "{event_type}: {told}");
            }
        }
        assert_ne!(tell(&event, Language::Zh), tell(&event, Language::En), "{event_type}");
    }
}

#[test]
fn a_sentence_says_whatever_the_payload_says() {
    for language in Language::ALL {
        let pages = Pages::new().unwrap();
        for (event_type, version) in Event::CONTRACT {
            let sentence = pages.text(language, "told", event_type).to_owned();
            for (field, value) in example(event_type, *version).data.as_object().unwrap() {
                let place = match field.as_str() {
                    // Of a ticket the mall is told, if it is known, and no shop.
                    "mall" if event_type.starts_with("complaint.") => "mall",
                    "mall" | "unit" => "shop",
                    "reasons" => "why",
                    other => other,
                };
                // Of a deregistration the type says which list it is.
                let said = field == "list" && event_type.contains("deregistration")
                    || sentence.contains(&format!("{{{place}}}"))
                    || sentence.contains(&format!("{{{field}}}"))
                    || sentence.contains(&format!("{{{place}."))
                    || sentence.contains("{entered}");
                assert!(
                    said || UNSAID.contains(&field.as_str()),
                    "{event_type}: `{field}` ({value}) is not in {sentence}"
                );
            }
        }
    }
}

#[test]
fn figures_words_and_reasons_are_told() {
    let told = |event_type: &str, language| tell(&example(event_type, 1), language);
    assert_eq!(told("custody.balance_reported", Language::Zh), "报送 2025-02-08 存管余额 1,270,311.16 元，有异常流水");
    assert_eq!(told("mall.signal_raised", Language::Zh), "华熙LIVE·五棵松 2-057 自 2024-08-30 起欠租，所报数值 3");
    assert_eq!(
        told("mall.complaint_rate_reported", Language::En),
        "complaint rate of 华熙LIVE·五棵松 2-057 reported: 5.01 % (month of 2025-05-28)"
    );
    assert_eq!(
        told("light.changed", Language::Zh),
        "绿灯 → 橙灯（因新的情况）：存管资金不足（存管覆盖率 38.1 %）；撤店公示期（距计划撤店天数 120 天，撤店公示提前天数 120 天）"
    );
    assert_eq!(
        told("complaint.received", Language::En),
        "complaint GD20250813000172 received: refund refused or delayed, by the 12345 hotline, 2025-08-13 20:59, about \
         14,764.30 yuan, due 2025-08-20 20:59"
    );
    let at_a_mall = tell(&example("complaint.received", 2), Language::Zh);
    assert!(at_a_mall.ends_with("，受理商场 东方广场"), "{at_a_mall}");
}

#[test]
fn what_is_not_stated_is_left_out() {
    let mut event = example("prepaid.reported", 1);
    event.data = serde_json::json!({ "date": "2025-03-31", "outstanding": "5.00" });
    assert_eq!(tell(&event, Language::Zh), "申报 2025-03-31 预收资金余额 5 元");
    event.data = serde_json::json!({ "date": "2025-03-31" });
    assert_eq!(tell(&event, Language::Zh), "申报 2025-03-31 预收资金余额 —");
    event.event_type = "cn.warnlight.of.tomorrow.v1".to_owned();
    assert_eq!(tell(&event, Language::Zh), "of.tomorrow");
}
