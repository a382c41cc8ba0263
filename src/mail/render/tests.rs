use super::*;
use crate::alerts::request::tests::change;
use crate::domain::event::{FactSeen, LightNews, MailCall, Reason, ShopName, SourceSilence};
use crate::domain::time::plus_hours;
use crate::domain::words::{Light, SourceKind};
use std::path::Path;
use uuid::Uuid;

struct Titles;

impl Rulebook for Titles {
    fn title(&self, rule: &str, language: LetterLanguage) -> Option<String> {
        let (zh, en) = match rule {
            "closed-unannounced" => ("未提前公示即闭店", "Closed without notice"),
            "custody-short" => ("存管资金不足", "Custody falls short"),
            _ => return None,
        };
        Some(if language == LetterLanguage::Chinese { zh } else { en }.to_owned())
    }

    fn fact(&self, fact: &str, language: LetterLanguage) -> Option<String> {
        (fact == "custody.coverage" && language == LetterLanguage::Chinese).then(|| "存管覆盖率".to_owned())
    }

    fn duty(&self, rule: &str, language: LetterLanguage, at: Instant) -> Option<Duty> {
        (rule == "closed-unannounced").then(|| Duty {
            text: if language == LetterLanguage::Chinese { "现场核查" } else { "check on site" }.to_owned(),
            due: Some(plus_hours(at, 24)),
        })
    }
}

fn reason(rule: &str, light: Light, shop: Option<ShopName>, mut facts: Vec<FactSeen>) -> Reason {
    facts.iter_mut().for_each(|seen| seen.shop.clone_from(&shop));
    Reason {
        rule: rule.to_owned(),
        version: 1,
        light,
        clause: "法释〔2025〕4号 第二十三条".to_owned(),
        facts,
        events: Vec::new(),
    }
}

fn seen(fact: &str, value: Option<&str>, comparison: &str, threshold: Option<&str>) -> FactSeen {
    FactSeen {
        fact: fact.to_owned(),
        value: value.map(str::to_owned),
        comparison: comparison.to_owned(),
        threshold: threshold.map(str::to_owned),
        shop: None,
    }
}

fn red() -> LightChanged {
    let shop = ShopName { mall: "五道口购物中心".to_owned(), unit: "B1-12".to_owned() };
    LightChanged {
        reasons: vec![
            reason(
                "closed-unannounced",
                Light::Red,
                Some(shop),
                vec![seen("shop.closed_unannounced", Some("true"), "=", Some("true"))],
            ),
            reason("custody-short", Light::Orange, None, vec![seen("custody.coverage", Some("0.62"), "<", Some("1"))]),
            reason(
                "custody-silent",
                Light::Unknown,
                None,
                vec![seen("custody.report_age_days", None, "is missing", None)],
            ),
        ],
        ..change(Light::Yellow, Light::Red, true)
    }
}

fn letter(name: Option<&str>, language: &str, change: Option<&LightChanged>) -> Letter {
    let about = red();
    let requested = MailRequested {
        mail: Uuid::from_u128(0x1234),
        at: about.at,
        recipients: Vec::new(),
        gathered: Vec::new(),
        news: MailNews::Light(LightNews {
            change: Uuid::from_u128(1),
            credit_code: about.credit_code,
            merchant: name.map(str::to_owned),
            from: about.from,
            to: about.to,
            sector: None,
            call: None,
        }),
    };
    let recipient = Recipient {
        address: "lead@example.org".to_owned(),
        office: if language == "en" { "Haidian Lead Office" } else { "海淀区专班办公室" }.to_owned(),
        language: language.to_owned(),
    };
    Renderer::new("https://warn.example.org", Box::new(Titles)).unwrap().letter(&requested, &recipient, change).unwrap()
}

/// A duty of the day before yesterday, about a light that has been red for longer.
fn call(language: &str) -> Letter {
    let (about, day) = (red(), |text: &str| text.parse::<Instant>().unwrap());
    let requested = MailRequested {
        mail: Uuid::from_u128(0x1234),
        at: day("2025-07-16T16:00:00Z"),
        recipients: Vec::new(),
        gathered: Vec::new(),
        news: MailNews::Light(LightNews {
            change: Uuid::from_u128(1),
            credit_code: about.credit_code,
            merchant: Some("甲".to_owned()),
            from: about.to,
            to: about.to,
            sector: None,
            call: Some(MailCall {
                routed: false,
                alert: Uuid::from_u128(2),
                cause: Uuid::from_u128(3),
                zh: "警示信".to_owned(),
                en: "warning letter".to_owned(),
                due_at: Some(day("2025-07-16T16:00:00Z")),
            }),
        }),
    };
    let recipient =
        Recipient {
            address: "lead@example.org".to_owned(), office: "专班".to_owned(), language: language.to_owned()
        };
    let renderer = Renderer::new("https://warn.example.org", Box::new(Titles)).unwrap();
    renderer.letter(&requested, &recipient, Some(&about)).unwrap()
}

/// The last day is that of the page, the light is lit since it is, not since the step, and the reasons stand in it.
#[test]
fn a_mail_about_what_is_late_says_since_when_why_and_by_which_day() {
    let (zh, en) = (call("zh-CN"), call("en"));
    for body in [&zh.text, &zh.html] {
        assert!(body.contains("期限 2025-07-16）") && body.contains("亮灯时间：2025-06-30 18:00"), "{body}");
        assert!(body.contains("未提前公示即闭店") && !body.contains("现场核查"), "{body}");
    }
    for body in [&en.text, &en.html] {
        assert!(body.contains("was due by 2025-07-16)") && body.contains("Closed without notice"), "{body}");
    }
}

/// Compares with a file under `tests/fixtures/mail`. To accept what is made now, run with `WARNLIGHT_BLESS=1` and read the
/// difference before it is committed.
fn compare(file: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/mail").join(file);
    if std::env::var_os("WARNLIGHT_BLESS").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(expected == text, "{file} differs; made now:\n{text}");
}

#[test]
fn the_mail_reads_as_it_was_reviewed_in_both_languages() {
    for language in ["zh-CN", "en"] {
        let letter = letter(Some("北京某某健身有限公司"), language, Some(&red()));
        compare(&format!("{language}.subject.txt"), &format!("{}\n", letter.subject));
        compare(&format!("{language}.body.txt"), &format!("{}\n", letter.text));
        compare(&format!("{language}.body.html"), &format!("{}\n", letter.html));
    }
}

#[test]
fn a_light_is_told_by_word_and_shape_and_the_subject_says_which() {
    let letter = letter(Some("北京某某健身有限公司"), "zh-CN", Some(&red()));
    assert_eq!(letter.subject, "[红灯] 北京某某健身有限公司 (91110108MA01ABCDX3)");
    for body in [&letter.text, &letter.html] {
        assert!(body.contains("■ 红灯") && body.contains("◆ 黄灯"), "{body}");
    }
    let shapes: std::collections::BTreeSet<_> = Light::ALL.iter().map(|light| symbol(*light)).collect();
    assert_eq!(shapes.len(), Light::ALL.len());
}

#[test]
fn without_the_light_change_the_mail_points_to_the_board() {
    let letter = letter(None, "en", None);
    assert_eq!(letter.subject, "[Red] Unregistered merchant (91110108MA01ABCDX3)");
    assert!(letter.text.contains("The reasons are on the board."), "{}", letter.text);
    assert!(letter.text.contains("https://warn.example.org/merchants/91110108MA01ABCDX3"), "{}", letter.text);
}

#[test]
fn a_language_without_texts_is_written_in_chinese() {
    assert!(letter(Some("x"), "fr", None).subject.starts_with("[红灯]"));
}

#[test]
fn no_name_can_forge_a_tag_a_line_or_a_header() {
    let hostile = "<script>alert(1)</script>\r\nBcc: all@example.org\n\n● Green\u{2028}x\u{202E}gnp.\"' =?utf-8?B?5Y2x?= & {{ 7 * 7 }}";
    let letter = letter(Some(hostile), "en", Some(&red()));

    assert!(!letter.html.contains("<script"), "{}", letter.html);
    assert!(letter.html.contains("&lt;script&gt;"), "{}", letter.html);
    assert!(letter.html.contains("{{ 7 * 7 }}"), "a value is not a template");

    let line = letter.text.lines().find(|line| line.starts_with("Merchant: ")).unwrap();
    assert!(line.contains("<script>alert(1)</script> Bcc: all@example.org ● Green x"), "{line}");
    assert!(!letter.text.lines().any(|line| line.starts_with("Bcc") || line.starts_with("● Green")), "{}", letter.text);
    assert!(!letter.text.contains(['\r', '\u{202E}', '\u{2028}']));

    assert!(!letter.subject.contains(['\r', '\n']) && !letter.subject.contains("=?"), "{}", letter.subject);
}

#[test]
fn a_long_name_does_not_push_the_code_out_of_the_subject() {
    let letter = letter(Some(&"健".repeat(500)), "zh-CN", None);
    assert!(letter.subject.ends_with("健… (91110108MA01ABCDX3)"), "{}", letter.subject);
    assert!(letter.subject.chars().count() < 100);
    assert!(letter.text.contains(&"健".repeat(500)));
}

#[test]
fn a_letter_about_a_silence_names_the_source_and_the_days_and_a_name_forges_nothing() {
    let name = "甲银行\r\nBcc: x@y <b>";
    let (last, from) = ("2025-07-28".parse().unwrap(), "2025-08-12".parse().unwrap());
    let silence = SourceSilence { kind: SourceKind::Bank, name: name.to_owned(), last, from };
    let requested = MailRequested {
        mail: Uuid::from_u128(0x1234),
        at: "2025-08-11T16:00:00Z".parse().unwrap(),
        recipients: Vec::new(),
        gathered: Vec::new(),
        news: MailNews::Silence(silence),
    };
    for (language, subject) in [
        ("zh-CN", "[来源静默] 银行 甲银行 Bcc: x@y <b>（最近报送 2025-07-28）"),
        ("en", "[Silent] Bank 甲银行 Bcc: x@y <b> (last delivery 2025-07-28)"),
    ] {
        let recipient =
            Recipient { address: "a@x.org".to_owned(), office: "专班".to_owned(), language: language.to_owned() };
        let renderer = Renderer::new("https://warn.example.org", Box::new(Titles)).unwrap();
        let letter = renderer.letter(&requested, &recipient, None).unwrap();
        assert_eq!(letter.subject, subject);
        assert!(letter.text.contains("https://warn.example.org/sources"));
        for part in ["甲银行", "2025-07-28", "2025-08-12"] {
            assert!(letter.text.contains(part) && letter.html.contains(part), "{part}: {}", letter.text);
        }
        assert!(!letter.html.contains("<b>") && letter.text.lines().all(|line| !line.starts_with("Bcc")));
    }
}
