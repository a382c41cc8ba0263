//! What stands on the pages: both languages, sentences, figures with dates, forms that say what is wrong and what follows.

use super::app::{App, EVERY_ROLE, HERE, Reply};
use serde_json::json;
use warnlight::domain::words::Role;

/// A page as the bearer of a role sees it, logged in.
fn page(app: &App, cookie: &str, path: &str, language: &str) -> Reply {
    let cookie = format!("{cookie}; warnlight_lang={language}");
    app.get(path).header("cookie", &cookie).html().send()
}

/// Sends a form of the exit page, in Chinese.
fn send(app: &App, cookie: &str, pairs: &[(&str, &str)]) -> Reply {
    let token = app.token(cookie);
    let pairs: Vec<(&str, &str)> = pairs.iter().copied().chain([("form_token", token.as_str())]).collect();
    let cookie = format!("{cookie}; warnlight_lang=zh-CN");
    app.post("/mall").header("cookie", &cookie).html().form(&pairs).send()
}

const NOTICE: [(&str, &str); 5] =
    [("action", "post"), ("credit_code", HERE), ("mall", "东方广场"), ("unit", "B1-01"), ("planned_on", "2025-12-31")];

fn with<'a>(base: &[(&'a str, &'a str)], more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let kept = base.iter().filter(|(name, _)| more.iter().all(|(other, _)| other != name));
    kept.chain(more).copied().collect()
}

fn newest_notice(app: &App) -> serde_json::Value {
    let timeline = app.get(&format!("/api/v1/merchants/{HERE}/timeline")).role(Role::Admin).ok().json();
    let mut events = timeline["events"].as_array().unwrap().iter();
    events.find(|event| event["type"].as_str().unwrap().contains("exit_notice")).unwrap().clone()
}

#[test]
fn a_planned_day_is_amended_in_the_browser_and_amended_back() {
    let app = App::start();
    let cookie = app.log_in(Role::Operator);
    assert_eq!(send(&app, &cookie, &NOTICE).header("location"), "/mall?said=done");
    for planned in ["2026-01-31", "2025-12-31", "2026-01-31"] {
        let form = with(&NOTICE, &[("action", "amend"), ("planned_on", planned)]);
        for said in ["/mall?said=done", "/mall?said=unchanged"] {
            assert_eq!(send(&app, &cookie, &form).header("location"), said, "{planned}");
            let standing = app.get("/api/v1/exit-notices").role(Role::Operator).ok().json()["items"][0].clone();
            assert_eq!(standing["planned_on"], planned);
        }
    }
}

/// The text of a page without its tags, scripts and attributes.
fn shown(page: &str) -> String {
    let mut text = String::new();
    for part in page.split('<').skip(1) {
        let (tag, rest) = part.split_once('>').unwrap_or((part, ""));
        let hidden = ["title", "code"].contains(&tag) || tag.contains("class=\"code");
        if !hidden {
            text.push_str(rest);
        }
        text.push(' ');
    }
    let text = text.replace("&lt;", "<").replace("&gt;", ">");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn line_breaks_are_kept_from_the_form_to_the_event_and_the_sheet() {
    let app = App::start();
    let cookie = app.log_in(Role::Operator);
    let reply = send(&app, &cookie, &with(&NOTICE, &[("refund_plan", "一、到店退款\r\n二、转至分店\r\n")]));
    assert_eq!(reply.status, 303, "{}", shown(&reply.text));
    assert_eq!(newest_notice(&app)["data"]["refund_plan"], "一、到店退款\n二、转至分店");
    let sheet = format!("/mall/sheet?credit_code={HERE}&mall=东方广场&unit=B1-01")
        .replace("东方广场", &super::app::encoded("东方广场"));
    let sheet = page(&app, &cookie, &sheet, "zh-CN").text;
    assert!(sheet.contains("<dd class=\"lines\">一、到店退款\n二、转至分店</dd>"), "{sheet}");

    let body =
        json!({ "planned_on": "2026-01-31", "mall": "东方广场", "unit": "B1-01", "refund_plan": "a\r\nb\rc\nd" });
    app.ask("PATCH", &format!("/api/v1/exit-notices/{HERE}")).role(Role::Operator).json(&body).ok();
    assert_eq!(newest_notice(&app)["data"]["refund_plan"], "a\nb\nc\nd");
}

#[test]
fn other_control_characters_and_breaks_in_names_are_refused_by_the_field_s_name() {
    let app = App::start();
    let cookie = app.log_in(Role::Operator);
    let reply = send(&app, &cookie, &with(&NOTICE, &[("refund_plan", "退\u{7}款")]));
    assert_eq!(reply.status, 422);
    let text = shown(&reply.text);
    assert!(text.contains("退费安排：") && text.contains("U+0007"), "{text}");
    let reply = send(&app, &cookie, &with(&NOTICE, &[("unit", "B1\r\n01")]));
    assert_eq!(reply.status, 422);
    assert!(shown(&reply.text).contains("铺位："), "{}", shown(&reply.text));
}

#[test]
fn a_refused_form_leads_to_its_fields() {
    let app = App::start();
    let cookie = app.log_in(Role::Operator);
    let reply = send(&app, &cookie, &with(&NOTICE, &[("credit_code", "91I"), ("planned_on", "soon")]));
    assert_eq!(reply.status, 422);
    let text = &reply.text;
    assert!(text.contains("role=\"alert\" tabindex=\"-1\" data-summary"), "{text}");
    for field in ["credit_code", "planned_on"] {
        assert!(text.contains(&format!("<a href=\"#{field}\">")), "{field}: {text}");
        let (_, input) = text.split_once(&format!("id=\"{field}\"")).unwrap();
        let (input, _) = input.split_once('>').unwrap();
        assert!(input.contains("aria-invalid=\"true\""), "{field}: {input}");
        assert!(text.contains(&format!("id=\"{field}-error\"")), "{field}");
    }
    let (_, unit) = text.split_once("id=\"unit\"").unwrap();
    assert!(!unit.split_once('>').unwrap().0.contains("aria-invalid"));
}

#[test]
fn a_pasted_code_is_taken_whole() {
    let (front, back) = HERE.split_at(8);
    let spaced = format!(" \u{a0}{front} {back}\u{3000}");
    let wide: String = HERE.to_lowercase().chars().map(|c| char::from_u32(u32::from(c) + 0xFEE0).unwrap()).collect();
    for code in [spaced, wide, HERE.to_lowercase()] {
        let app = App::start();
        let cookie = app.log_in(Role::Operator);
        assert!(!page(&app, &cookie, "/mall", "zh-CN").text.contains("maxlength=\"18\""), "a field may not cut a code");
        let reply = send(&app, &cookie, &with(&NOTICE, &[("credit_code", code.as_str())]));
        assert_eq!(reply.status, 303, "{code}: {}", shown(&reply.text));
    }
}

#[test]
fn a_problem_keeps_the_way_on() {
    let app = App::start();
    let cookie = app.log_in(Role::Operator);
    for (path, status) in
        [("/mails", 403), ("/nowhere", 404), ("/?page=0", 400), ("/?page=x", 400), ("/?light=pink", 400)]
    {
        let reply = page(&app, &cookie, path, "zh-CN");
        assert_eq!(reply.status, status, "{path}");
        assert!(reply.text.contains("href=\"/mall\""), "{path}: {}", reply.text);
        assert!(reply.text.contains("action=\"/logout\""), "{path}");
    }
}

/// Words that are the same in every language: names, codes, units of the trade.
const NAMES: &[&str] = &[
    "English",
    "Warnlight",
    "wl_",
    "LIVE",
    "warnlight",
    "operator",
    "merchant",
    // A setting is named as it is written.
    "http",
    "bodies_bytes",
    "regulator",
    "bank",
    "lead",
    "admin",
    "test",
    "import",
    "SMTP",
    "eml",
    "urn",
    "uuid",
    "HTTP",
    "Authorization",
    "Bearer",
    "verify",
    "example",
    "org",
    "v",
    "B",
    "A",
    "MA",
    "invalid",
];

fn english(text: &str) -> Vec<String> {
    // The name of a file in the spool is its mail's id.
    let text = text.split(' ').filter(|word| !word.ends_with(".eml")).collect::<Vec<_>>().join(" ");
    let words = text.split(|letter: char| !letter.is_ascii_alphabetic() && letter != '_');
    let words = words.filter(|word| word.len() > 1 && word.bytes().any(|byte| byte.is_ascii_lowercase()));
    words.filter(|word| !NAMES.contains(word)).map(str::to_owned).collect()
}

#[test]
fn no_page_in_chinese_has_english_words_whoever_reads_it() {
    let app = App::start();
    app.tell(&[
        json!({ "command": "record_exit", "credit_code": HERE, "mall": "东方广场", "unit": "B1-01", "action": "post",
            "date": "2025-06-20", "planned_on": "2025-07-10" }),
        json!({ "command": "report_balance", "credit_code": HERE, "date": "2025-03-31", "outstanding": "900000.00" }),
        json!({ "command": "report_custody", "credit_code": HERE, "date": "2025-06-20", "held": "0.00", "abnormal": true }),
        json!({ "command": "record_signal", "credit_code": HERE, "mall": "东方广场", "unit": "B1-01", "kind": "rent_arrears",
            "date": "2025-06-01" }),
        json!({ "command": "record_complaint", "ticket": "GD1", "credit_code": HERE, "channel": "mall", "kind": "refund",
            "received_at": "2025-06-28T01:00:00Z", "amount": "120.50" }),
        json!({ "command": "record_listing", "credit_code": HERE, "list": "serious", "entered_on": "2025-06-01" }),
    ]);
    for role in EVERY_ROLE {
        let cookie = app.log_in(role);
        let merchant = format!("/merchants/{HERE}");
        let mut paths = vec![
            "/",
            "/mall",
            "/mails",
            "/problems",
            "/nowhere",
            "/?page=0",
            "/?page=x",
            "/?light=pink",
            "/mall?page=x",
        ];
        paths.extend([
            "/merchants/1",
            merchant.as_str(),
            "/mails/x?to=y",
            "/mails/00000000-0000-0000-0000-000000000001",
        ]);
        paths.extend(["/mails?before=x", "/mall/sheet", "/login?lang=zh-CN"]);
        for path in paths {
            let reply = page(&app, &cookie, path, "zh-CN");
            assert_eq!(english(&shown(&reply.text)), Vec::<String>::new(), "{role} {path}: {}", shown(&reply.text));
            let language = page(&app, &cookie, path, "en").text;
            assert!(path.contains("lang=") || language.contains("<html lang=\"en\">"), "{path}");
        }
    }
}

#[test]
fn a_merchant_s_page_has_required_beside_held_complaints_mails_and_dates() {
    let app = App::start();
    app.tell(&[
        json!({ "command": "report_balance", "credit_code": HERE, "date": "2025-03-31", "outstanding": "900000.00" }),
        json!({ "command": "report_custody", "credit_code": HERE, "date": "2025-06-20", "held": "100.00" }),
        json!({ "command": "record_complaint", "ticket": "GD1", "credit_code": HERE, "channel": "mall", "kind": "refund",
            "received_at": "2025-06-28T01:00:00Z", "amount": "120.50" }),
    ]);
    let regulator = app.log_in(Role::Regulator);
    let text = shown(&page(&app, &regulator, &format!("/merchants/{HERE}"), "zh-CN").text);
    for wanted in ["应存管", "GD1", "120.50 元", "通知记录", "投诉"] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    assert!(!text.contains("0 小时内"), "{text}");
    // The mall had to answer by 09:00 on the 29th; the light changed when that was told, on the 30th at 18:00 (local).
    assert!(text.contains("应立即办理（自 2025-06-30 18:00 起）"), "{text}");
    let bank = app.log_in(Role::Bank);
    let text = page(&app, &bank, &format!("/merchants/{HERE}"), "zh-CN").text;
    assert!(
        !text.contains("id=\"complaints\"") && !text.contains("id=\"mails\""),
        "a bank has no right to either: {text}"
    );
}

#[test]
fn the_timeline_is_sorted_by_the_clock_it_shows() {
    let app = App::start();
    app.tell(&[
        json!({ "command": "report_balance", "credit_code": HERE, "date": "2025-06-30", "outstanding": "2.00" }),
        json!({ "command": "report_balance", "credit_code": HERE, "date": "2024-12-31", "outstanding": "1.00" }),
    ]);
    let cookie = app.log_in(Role::Regulator);
    let times = |path: &str| -> Vec<String> {
        let text = page(&app, &cookie, path, "zh-CN").text;
        let (_, list) = text.split_once("<ol class=\"timeline\">").unwrap();
        let (list, _) = list.split_once("</ol>").unwrap();
        list.split("datetime=\"").skip(1).map(|rest| rest.split_once('"').unwrap().0.to_owned()).collect()
    };
    for path in [format!("/merchants/{HERE}"), format!("/merchants/{HERE}?by=recorded")] {
        let found = times(&path);
        let mut sorted: Vec<warnlight::domain::time::Instant> = found.iter().map(|at| at.parse().unwrap()).collect();
        sorted.sort();
        sorted.reverse();
        assert_eq!(found, sorted.iter().map(ToString::to_string).collect::<Vec<_>>(), "{path}");
    }
    assert_ne!(times(&format!("/merchants/{HERE}")), times(&format!("/merchants/{HERE}?by=recorded")));
}

#[test]
fn evidence_is_readable_and_leads_to_the_timeline() {
    let app = App::start();
    app.tell(&[
        json!({ "command": "record_exit", "credit_code": HERE, "mall": "东方广场", "unit": "B1-01", "action": "post",
        "date": "2025-06-20", "planned_on": "2025-07-10" }),
    ]);
    let cookie = app.log_in(Role::Regulator);
    let text = page(&app, &cookie, &format!("/merchants/{HERE}"), "zh-CN").text;
    let (_, list) = text.split_once("<ul class=\"events\">").unwrap();
    let (list, _) = list.split_once("</ul>").unwrap();
    assert!(list.contains("公示撤店") && list.contains("2025-07-10"), "{list}");
    let (_, anchor) = list.split_once("href=\"#").unwrap();
    let (anchor, _) = anchor.split_once('"').unwrap();
    assert!(text.contains(&format!("<li id=\"{anchor}\"")), "{anchor}");
}

#[test]
fn a_notice_at_short_notice_is_warned_of_and_goes_through_when_confirmed() {
    let app = App::start();
    let cookie = app.log_in(Role::Operator);
    let short = with(&NOTICE, &[("planned_on", "2025-07-15")]);
    let reply = send(&app, &cookie, &short);
    assert_eq!(reply.status, 200, "{}", shown(&reply.text));
    let text = shown(&reply.text);
    assert!(text.contains("15 天") && text.contains("90") && text.contains("橙灯"), "{text}");
    assert!(reply.text.contains("name=\"confirmed\" value=\"2025-07-15\""), "{}", reply.text);
    let timeline = app.get(&format!("/api/v1/merchants/{HERE}/timeline")).role(Role::Admin).ok().text;
    assert!(!timeline.contains("exit_notice"), "nothing is recorded before it is confirmed");
    // What was confirmed is this day, not another.
    let reply = send(&app, &cookie, &with(&short, &[("confirmed", "2025-07-20")]));
    assert_eq!(reply.status, 200, "{}", shown(&reply.text));
    let reply = send(&app, &cookie, &with(&short, &[("confirmed", "2025-07-15")]));
    assert_eq!(reply.status, 303, "{}", shown(&reply.text));

    let amended = with(&NOTICE, &[("action", "amend"), ("planned_on", "2025-07-20")]);
    assert_eq!(send(&app, &cookie, &amended).status, 200);
    assert_eq!(send(&app, &cookie, &with(&amended, &[("confirmed", "2025-07-20")])).status, 303);
    let in_time = with(&amended, &[("planned_on", "2026-07-20")]);
    assert_eq!(send(&app, &cookie, &in_time).status, 303, "90 days or more need no confirmation");
}

#[test]
fn exit_notices_are_filtered_and_come_in_pages() {
    let app = App::start();
    let units: Vec<String> = (0..60).map(|number| format!("U{number:02}")).collect();
    let notice = |unit: &String| {
        json!({ "command": "record_exit", "credit_code": HERE, "mall": "东方广场", "unit": unit, "action": "post",
            "date": "2025-06-20", "planned_on": "2025-12-10", "new_unit": true, "reason": "补录" })
    };
    app.tell(&units.iter().map(notice).collect::<Vec<_>>());
    let cookie = app.log_in(Role::Lead);
    let rows = |path: &str| page(&app, &cookie, path, "zh-CN").text.matches("/mall/sheet?").count();
    assert_eq!((rows("/mall"), rows("/mall?page=2"), rows("/mall?page=3")), (50, 10, 0));
    assert_eq!(rows("/mall?q=U07"), 1);
    assert_eq!(rows(&format!("/mall?q={}", super::app::encoded("海淀"))), 50);
    assert_eq!(rows(&format!("/mall?in={}", super::app::encoded("西单大悦城"))), 0);
    assert!(page(&app, &cookie, "/mall", "zh-CN").text.contains("第 1 / 2 页"));
}
#[test]
fn a_withdrawal_asks_for_a_reason_and_keeps_it() {
    let app = App::start();
    let cookie = app.log_in(Role::Operator);
    assert_eq!(send(&app, &cookie, &NOTICE).status, 303);
    let withdraw = with(&NOTICE[..4], &[("action", "withdraw")]);
    let reply = send(&app, &cookie, &withdraw);
    assert_eq!(reply.status, 422);
    assert!(shown(&reply.text).contains("撤回公示须写明原因"), "{}", shown(&reply.text));
    let reply = send(&app, &cookie, &with(&withdraw, &[("reason", "续约\r\n三年")]));
    assert_eq!(reply.status, 303, "{}", shown(&reply.text));
    let event = newest_notice(&app);
    assert_eq!(event["type"], "cn.warnlight.mall.exit_notice_withdrawn.v2");
    assert_eq!(event["data"]["reason"], "续约\n三年");
    let text = shown(&page(&app, &cookie, &format!("/merchants/{HERE}"), "zh-CN").text);
    assert!(text.contains("续约"), "{text}");
}

#[test]
fn an_unknown_unit_is_said_at_once_and_in_the_words_of_the_page() {
    let app = App::start();
    let cookie = app.log_in(Role::Operator);
    // At short notice, too: nothing is to be confirmed that is refused then.
    for planned in ["2025-07-15", "2025-12-31"] {
        let reply = send(&app, &cookie, &with(&NOTICE, &[("unit", "B9-99"), ("planned_on", planned)]));
        let text = shown(&reply.text);
        assert_eq!(reply.status, 422, "{planned}: {text}");
        assert!(text.contains("B1-01") && text.contains("“确为登记之外的另一铺位”"), "{text}");
        assert!(!text.contains("new_unit"), "{text}");
    }
}

#[test]
fn a_change_of_the_day_keeps_the_refund_plan_and_a_refused_one_shows_what_stands() {
    let app = App::start();
    let cookie = app.log_in(Role::Operator);
    assert_eq!(send(&app, &cookie, &with(&NOTICE, &[("refund_plan", "原路退回")])).status, 303);
    let amend = with(&NOTICE, &[("action", "amend"), ("planned_on", "2026-01-31"), ("refund_plan", "")]);
    let reply = send(&app, &cookie, &amend);
    assert_eq!(reply.status, 303, "{}", shown(&reply.text));
    assert_eq!(newest_notice(&app)["data"]["refund_plan"], "原路退回");
    for wrong in [("unit", "B9-99"), ("credit_code", super::app::THERE), ("credit_code", "x")] {
        let reply = send(&app, &cookie, &with(&amend, &[wrong]));
        assert_eq!(reply.status, 422, "{wrong:?}");
        assert!(reply.text.contains("/mall/sheet?"), "the notices that stand are shown after {wrong:?}");
    }
}

#[test]
fn the_form_to_amend_begins_with_what_stands_also_of_the_refund_plan() {
    let app = App::start();
    let cookie = app.log_in(Role::Operator);
    let field = |cookie: &str| {
        let page = app.get("/mall").header("cookie", cookie).html().ok().text;
        let (_, rest) = page.split_once("<textarea id=\"plan-0\"").unwrap();
        let (_, rest) = rest.split_once('>').unwrap();
        rest.split_once("</textarea>").unwrap().0.to_owned()
    };
    let plan = "一、到店退款\n二、<转至>分店";
    assert_eq!(send(&app, &cookie, &with(&NOTICE, &[("refund_plan", plan)])).status, 303);
    assert_eq!(field(&cookie), "一、到店退款\n二、&lt;转至&gt;分店");
    // Also after an amendment that said nothing of it, and after one that said something else.
    app.tell(&[
        json!({ "command": "record_exit", "credit_code": super::app::HERE, "mall": "东方广场", "unit": "B1-01",
        "action": "amend", "date": "2025-06-30", "planned_on": "2026-02-01" }),
    ]);
    assert_eq!(field(&cookie), "一、到店退款\n二、&lt;转至&gt;分店");
    let amend = [("action", "amend"), ("planned_on", "2026-02-02"), ("refund_plan", "原路退回")];
    assert_eq!(send(&app, &cookie, &with(&NOTICE, &amend)).status, 303);
    assert_eq!(field(&cookie), "原路退回");
}
