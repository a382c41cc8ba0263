//! The forms for acts about a merchant: everything people do about a light, from the browser and without a script.

use super::app::{App, EVERY_ROLE, HERE, Reply, THERE};
use serde_json::json;
use warnlight::domain::words::Role;

/// Inputs of a form with what is filled in.
type Fields<'a> = &'a [(&'a str, &'a str)];

fn send(app: &App, role: Role, fields: &[(&str, &str)]) -> Reply {
    app.post(&format!("/merchants/{HERE}/acts")).role(role).html().form(fields).send()
}

fn with_a_ticket() -> App {
    let app = App::start();
    app.tell(&[
        json!({ "command": "record_complaint", "ticket": "T1", "channel": "12345", "credit_code": HERE,
        "kind": "refund", "received_at": "2025-06-01T01:00:00Z", "amount": "900.00" }),
        json!({ "command": "record_complaint", "ticket": "M1", "channel": "mall", "credit_code": HERE, "mall": "东方广场",
        "kind": "refund", "received_at": "2025-06-01T01:00:00Z" }),
    ]);
    app
}

const TICKET: [(&str, &str); 3] = [("ticket", "T1"), ("channel", "12345"), ("at", "2025-06-20T10:00")];
const LEAD: [(&str, &str); 2] = [("lead", "移1号"), ("authority", "公安局")];
const CHECK: [(&str, &str); 3] = [("check", "ZH1"), ("sector_1", "sport"), ("sector_2", "commerce")];
const LOCK: [(&str, &str); 3] = [("person", "王芳"), ("person_digest", "AB12"), ("locked_on", "2025-06-20")];

#[test]
fn everything_done_about_a_light_is_recorded_from_its_form_and_told() {
    let app = with_a_ticket();
    let day: &[(&str, &str)] = &[("date", "2025-06-20")];
    let acts: &[(&str, Fields<'_>, Fields<'_>, &str)] = &[
        ("on_site_check", day, &[("result", "店内无人\n灯关着")], "现场核查：店内无人"),
        ("talk", day, &[("number", "7")], "约谈，文号 7"),
        ("warning_letter", day, &[], "发出警示信"),
        ("yellow_card", day, &[], "张贴黄牌"),
        ("yellow_card_removed", day, &[], "撤下黄牌"),
        ("rectification_ordered", day, &[("due_on", "2025-06-25")], "责令改正，期限 2025-06-25"),
        ("rectification_missed", &[("date", "2025-06-26")], &[], "逾期未改正"),
        ("rectification_met", &[("date", "2025-06-27")], &[], "改正完成"),
        ("penalty", day, &[("number", "罚1")], "行政处罚，文号 罚1"),
        ("passed_to_enterprise", &TICKET, &[("due_at", "2025-06-23T10:00")], "转企业直办，答复期限 2025-06-23 10:00"),
        ("settled_in_shop", &TICKET, &[], "在店内和解"),
        ("refund_promised", &TICKET, &[("amount", "900")], "承诺退款 900 元"),
        ("refund_paid", &TICKET, &[("amount", "500.50")], "退款 500.50 元 到账"),
        ("rated", &TICKET, &[("resolved", "yes"), ("satisfied", "no")], "回访：已解决，不满意"),
        ("case_opened", day, &[("number", "立1"), ("ticket", "T1"), ("channel", "12345")], "立案 立1，由工单 T1 转立"),
        ("lead_transferred", &LEAD, &[("date", "2025-06-20"), ("reported_on", "2025-06-19")], "线索 移1号 移送 公安局"),
        ("lead_accepted", &LEAD, &[("date", "2025-06-22")], "接收线索 移1号"),
        ("check_proposed", &CHECK, &[("date", "2025-07-20")], "ZH1"),
        ("check_confirmed", &CHECK, &[("date", "2025-07-19")], "确认 2025-07-19"),
        ("check_done", &CHECK, &[("date", "2025-06-30"), ("result", "已整改")], "结果：已整改"),
        ("grey_listed", &[("entered_on", "2025-06-20")], &[("ground", "投诉集中")], "列入灰名单：投诉集中"),
        ("grey_delisted", &[("entered_on", "2025-06-20")], &[("removed_on", "2025-06-28")], "移出灰名单"),
        ("person_locked", &LOCK, &[("role", "法定代表人")], "锁定登记 王芳，法定代表人"),
        ("person_unlocked", &LOCK, &[("lifted_on", "2025-06-29")], "2025-06-29 解除"),
        ("tenancy", &[("mall", "华熙"), ("unit", "1")], &[("from", "2025-01-01"), ("until", "2026-12-31")], "租约"),
        ("filing", day, &[("status", "volunteered"), ("bank", "甲银行")], "自愿备案，存管银行 甲银行"),
        ("account", day, &[("action", "open"), ("bank", "甲银行"), ("account_tail", "12")], "开立存管账户"),
    ];
    for (act, fields, more, told) in acts {
        let form: Vec<(&str, &str)> =
            [("act", *act)].into_iter().chain(fields.iter().copied()).chain(more.iter().copied()).collect();
        let reply = send(&app, Role::Regulator, &form);
        assert_eq!((reply.status, reply.header("location").contains("said=done")), (303, true), "{act}: {reply:?}");
        let again = send(&app, Role::Lead, &form);
        assert!(again.header("location").contains("said=unchanged"), "{act}: {again:?}");
        let page = app.get(&format!("/merchants/{HERE}?steps=all")).role(Role::Regulator).html().ok().text;
        assert!(page.contains(told), "{act}: `{told}` is not told");
    }
    let complaints = app.get(&format!("/api/v1/complaints?credit_code={HERE}")).role(Role::Regulator).ok().json();
    let ticket = complaints["items"].as_array().unwrap().iter().find(|item| item["ticket"] == "T1").unwrap();
    assert_eq!((&ticket["recovered"], ticket["handling"].as_array().map(Vec::len)), (&json!("500.50"), Some(5)));
}

#[test]
fn a_refused_form_keeps_what_was_typed_and_leads_to_what_is_wrong() {
    let app = with_a_ticket();
    let fields = [
        ("act", "refund_paid"),
        ("ticket", "T9"),
        ("channel", "12345"),
        ("at", "2025-06-20T10:00"),
        ("amount", "12.345"),
    ];
    let reply = send(&app, Role::Regulator, &fields);
    assert_eq!(reply.status, 422);
    for part in [r##"href="#amount""##, "aria-invalid", "12.345", "T9", "2025-06-20T10:00", r#"role="alert""#] {
        assert!(reply.text.contains(part), "{part}: {}", reply.text);
    }
    let mended = fields.map(|(name, value)| if name == "amount" { (name, "12.34") } else { (name, value) });
    let reply = send(&app, Role::Regulator, &mended);
    assert!(
        reply.status == 422 && reply.text.contains(r##"href="#ticket""##) && reply.text.contains("12.34"),
        "{}",
        reply.text
    );
    let empty = send(&app, Role::Regulator, &[("act", "check_proposed"), ("date", "2025-07-20")]);
    assert!(
        empty.text.contains(r##"href="#check""##) && empty.text.contains(r##"href="#sector_1""##),
        "{}",
        empty.text
    );
}

#[test]
fn each_role_is_offered_its_own_acts_and_can_send_no_other() {
    let app = with_a_ticket();
    let page = |role: Role, act: &str| {
        app.get(&format!("/merchants/{HERE}/acts?act={act}"))
            .role(role)
            .html()
            .header("accept-language", "en")
            .ok()
            .text
    };
    for role in EVERY_ROLE {
        let office = matches!(role, Role::Regulator | Role::Lead | Role::Admin);
        for (act, others) in [
            ("talk", false),
            ("person_locked", false),
            ("refund_paid", role == Role::Operator),
            ("account", role == Role::Bank),
        ] {
            let offered = office || others;
            let text = page(role, act);
            assert_eq!(text.contains(&format!("act={act}#form")), offered, "{role} {act}");
            assert_eq!(text.contains(&format!(r#"name="act" value="{act}""#)), offered, "{role} {act}");
            if !offered {
                let reply = send(&app, role, &[("act", act), ("date", "2025-06-20")]);
                assert_eq!(reply.status, 403, "{role} {act}");
            }
        }
    }
    // Of another merchant there is no form, and none is taken.
    for role in [Role::Regulator, Role::Operator, Role::Bank] {
        assert_eq!(app.get(&format!("/merchants/{THERE}/acts")).role(role).html().send().status, 404, "{role}");
        let act = if role == Role::Bank { "account" } else { "tenancy" };
        let reply = app.post(&format!("/merchants/{THERE}/acts")).role(role).html().form(&[("act", act)]).send();
        assert_eq!(reply.status, 404, "{role}");
    }
}

#[test]
fn a_mall_speaks_of_its_own_shops_and_tickets_and_a_bank_of_its_own_accounts() {
    let app = with_a_ticket();
    let tenancy = |mall: &str| json!({ "command": "record_tenancy", "credit_code": HERE, "mall": mall, "unit": "1", "checked_on": "2025-06-01", "in_order": true });
    let refund = |ticket: &str, channel: &str| {
        json!({ "command": "handle_complaint", "credit_code": HERE, "ticket": ticket, "channel": channel, "step": "refund_paid",
            "at": "2025-06-20T02:00:00Z", "amount": "5.00" })
    };
    let account = |bank: &str| json!({ "command": "record_account", "credit_code": HERE, "action": "open", "date": "2025-06-01", "bank": bank });
    let say = |role: Role, command: &serde_json::Value| app.post("/api/v1/commands").role(role).json(command).send();
    let (mall, bank) = ("东方广场", "甲银行");
    for (role, ours, theirs) in [
        (Role::Operator, tenancy(mall), tenancy("别的商场")),
        (Role::Operator, refund("M1", "mall"), refund("T1", "12345")),
        (Role::Bank, account(bank), account("别的银行")),
    ] {
        assert_eq!(say(role, &ours).json()["status"], "accepted", "{ours}");
        let refused = say(role, &theirs);
        assert_eq!((refused.status, refused.code()), (403, "out_of_scope".to_owned()), "{theirs}");
        // What the office says of others' is not theirs to see.
        assert_eq!(say(Role::Lead, &theirs).json()["status"], "accepted", "{theirs}");
    }
    let file = |role: Role| app.get(&format!("/api/v1/merchants/{HERE}")).role(role).ok().json()["records"].to_string();
    assert!(
        file(Role::Operator).contains(mall) && !file(Role::Operator).contains("别的商场"),
        "{}",
        file(Role::Operator)
    );
    assert!(file(Role::Bank).contains(bank) && !file(Role::Bank).contains("别的"), "{}", file(Role::Bank));
    assert!(file(Role::Regulator).contains("别的商场") && file(Role::Regulator).contains("别的银行"));
    for (role, hidden) in [(Role::Operator, "别的商场"), (Role::Bank, "别的银行")] {
        let timeline = app.get(&format!("/api/v1/merchants/{HERE}/timeline")).role(role).ok().text;
        assert!(!timeline.contains(hidden), "{role}: {timeline}");
    }
}

#[test]
fn the_grey_list_and_locks_are_for_offices_and_a_locked_person_shows_elsewhere() {
    let app = App::start();
    let represent = |code: &str| json!({ "command": "register_merchant", "credit_code": code, "legal_representative": "王芳", "legal_representative_digest": "AB12" });
    app.tell(&[
        represent(HERE),
        json!({ "command": "record_grey_listing", "credit_code": HERE, "entered_on": "2025-06-01", "ground": "投诉集中" }),
        json!({ "command": "record_lock", "credit_code": THERE, "person": "王 芳", "person_digest": "ab-12", "locked_on": "2025-06-01" }),
    ]);
    let page = |role: Role| app.get(&format!("/merchants/{HERE}")).role(role).html().ok().text;
    let api = |role: Role| app.get(&format!("/api/v1/merchants/{HERE}")).role(role).ok().json()["records"].clone();
    for role in EVERY_ROLE {
        let office = matches!(role, Role::Regulator | Role::Lead | Role::Admin);
        assert_eq!(page(role).contains("自 2025-06-01 起锁定登记"), office, "{role}");
        assert_eq!(page(role).contains("投诉集中"), office, "{role}");
        assert_eq!(api(role)["representative_locked"][0]["locked_on"] == "2025-06-01", office, "{role}");
        assert_eq!(api(role)["grey_list"][0]["on"] == true, office, "{role}");
    }
    // At whom it happened is told only to those who may see that merchant.
    assert_eq!(api(Role::Admin)["representative_locked"][0]["at"], THERE);
    assert!(api(Role::Regulator)["representative_locked"][0]["at"].is_null());
    assert!(!page(Role::Regulator).contains(THERE) && page(Role::Regulator).contains("其他商户"));
}

/// A, then B, then A again ends with A, whether it is said by the API or filled in at a form.
#[test]
fn a_then_b_then_a_by_api_and_by_form_ends_with_a() {
    let app = App::start();
    let held = || {
        let code = HERE.parse().unwrap();
        let picture = app.desk.picture();
        let stands = picture.world.get(code).unwrap().custody.iter().filter(|report| report.until == u64::MAX);
        stands.map(|report| { report.amount }.to_string()).collect::<Vec<_>>()
    };
    let by_api = |yuan: &str| {
        let said = json!({ "command": "report_custody", "credit_code": HERE, "date": "2025-06-20", "held": yuan });
        assert_eq!(app.post("/api/v1/commands").role(Role::Regulator).json(&said).ok().json()["status"], "accepted");
    };
    let by_form = |yuan: &str| {
        let reply = send(&app, Role::Regulator, &[("act", "custody"), ("date", "2025-06-20"), ("held", yuan)]);
        assert!(reply.header("location").contains("said=done"), "{reply:?}");
    };
    for (number, say) in [&by_api as &dyn Fn(&str), &by_form].into_iter().enumerate() {
        for yuan in [format!("1{number}.00"), format!("2{number}.00"), format!("1{number}.00")] {
            say(&yuan);
            assert_eq!(held(), [yuan]);
        }
    }
}
