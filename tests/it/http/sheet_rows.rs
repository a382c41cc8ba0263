//! Every kind of row that our sheets know, from the sheet to the event to the page: those that the other tests of sheets do not send.

use super::app::{App, HERE, encoded};
use serde_json::{Value, json};
use warnlight::domain::words::Role;

/// A row, the event it becomes, and what the merchant's page tells of it.
type Row = (&'static str, &'static str, &'static str);

const TICKETS: &str =
    "工单编号,来源,统一社会信用代码,处理事项,处理时间,涉及金额,办理期限,回访解决,回访满意,受理时间,诉求类型";
const TICKET_ROWS: &[Row] = &[
    (
        "T1,12345,HERE,企业直办,2025-06-20 10:00,,2025-06-23 10:00,,,,",
        "complaint.passed_to_enterprise",
        "投诉 T1 于 2025-06-20 10:00 转企业直办，答复期限 2025-06-23 10:00",
    ),
    (
        "T1,12345,HERE,店内和解,2025-06-21 10:00,,,,,,",
        "complaint.settled_in_shop",
        "投诉 T1 于 2025-06-21 10:00 在店内和解",
    ),
    ("T1,12345,HERE,承诺退款,2025-06-21 11:00,900,,,,,", "complaint.refund_promised", "承诺退款 900 元"),
    ("T1,12345,HERE,退款到账,2025-06-22 10:00,500.50,,,,,", "complaint.refund_paid", "退款 500.50 元 到账"),
    ("T1,12345,HERE,回访评价,2025-06-23 10:00,,,是,否,,", "complaint.rated", "回访：已解决，不满意"),
];

const LISTS: &str = "统一社会信用代码,名单,列入日期,移出日期,事由,复核日期,锁定人员,人员证件摘要,职务,文号";
const LIST_ROWS: &[Row] = &[
    (
        "HERE,灰名单,2025-06-01,,投诉集中,2025-09-01,,,,",
        "enforcement.grey_listed",
        "2025-06-01 列入灰名单：投诉集中，2025-09-01 复核",
    ),
    (
        "HERE,灰名单,2025-06-01,2025-06-20,,,,,,",
        "enforcement.grey_delisted",
        "2025-06-20 移出灰名单（2025-06-01 列入）",
    ),
    (
        "HERE,锁定登记,2025-06-02,,,,王芳,AB12,法定代表人,锁1号",
        "enforcement.person_locked",
        "2025-06-02 锁定登记 王芳，法定代表人，文号 锁1号",
    ),
    (
        "HERE,锁定登记,2025-06-02,2025-06-21,,,王芳,AB12,法定代表人,锁1号",
        "enforcement.person_unlocked",
        "2025-06-02 的锁定登记于 2025-06-21 解除",
    ),
];

const ACCOUNTS: &str = "统一社会信用代码,报送日期,存管余额,账户事项,存管银行,账户尾号";
const ACCOUNT_ROWS: &[Row] = &[
    ("HERE,2025-06-03,,开户,丙银行,1234", "custody.account_opened", "2025-06-03 在 丙银行 开立存管账户，尾号 1234"),
    ("HERE,2025-06-25,,销户,丙银行,1234", "custody.account_closed", "2025-06-25 注销 丙银行 存管账户，尾号 1234"),
];

const TENANTS: &str = "统一社会信用代码,商场,铺位号,起租日期,到期日期,核验日期,核验合格,品牌";
const TENANT_ROWS: &[Row] = &[
    ("HERE,东方广场,B1-01,2025-01-01,2026-12-31,,,", "mall.lease_recorded", "租约，2025-01-01 至 2026-12-31"),
    ("HERE,东方广场,B1-01,,,2025-06-05,否,", "mall.papers_checked", "2025-06-05 核验"),
    ("HERE,东方广场,B1-01,,,,,某品牌", "merchant.shop_linked", "关联品牌 某品牌"),
];

const ALIASES: &str = "统一社会信用代码,别名,商场,街道,原因";
const ALIAS_ROWS: &[Row] = &[
    ("HERE,老招牌,,,门头,", "merchant.alias_recorded", "老招牌"),
    ("HERE,小招牌,东方广场,,门头,", "merchant.alias_recorded", "小招牌"),
    ("HERE,作废老招牌,,,换了门头,", "merchant.alias_withdrawn", "换了门头"),
];

const SHEETS: &[(&str, &str, &[Row])] = &[
    ("投诉", TICKETS, TICKET_ROWS),
    ("名单", LISTS, LIST_ROWS),
    ("存管余额", ACCOUNTS, ACCOUNT_ROWS),
    ("租户", TENANTS, TENANT_ROWS),
];

fn upload(app: &App, name: &str, header: &str, rows: &[&str]) -> Value {
    upload_by(app, Role::Lead, name, header, rows)
}

fn upload_by(app: &App, role: Role, name: &str, header: &str, rows: &[&str]) -> Value {
    let body = format!("{header}\n{}\n", rows.join("\n")).replace("HERE", HERE);
    let path = format!("/api/v1/imports?name={}", encoded(name));
    let reply = app.post(&path).role(role).text("application/octet-stream", &body).send();
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()
}

fn with_a_ticket() -> App {
    let app = App::start();
    app.tell(&[json!({ "command": "record_complaint", "ticket": "T1", "channel": "12345", "credit_code": HERE,
        "kind": "refund", "received_at": "2025-06-01T01:00:00Z", "amount": "900.00" })]);
    app
}

fn page(app: &App) -> String {
    app.get(&format!("/merchants/{HERE}?steps=all")).role(Role::Lead).html().ok().text
}

/// Types of the events about the merchant's records and ticket, in the order recorded.
fn events(app: &App, after: u64) -> Vec<String> {
    let events = app.desk.log().read_all(after, usize::MAX).unwrap();
    events.iter().map(|recorded| recorded.event.event_type.to_string()).collect()
}

fn counts(state: &Value) -> [u64; 4] {
    ["rows", "accepted", "unchanged", "refused"].map(|name| state["counts"][name].as_u64().unwrap())
}

#[test]
fn each_kind_of_row_comes_from_the_sheet_to_its_event_to_the_page_and_says_it_once() {
    let app = with_a_ticket();
    for (name, header, rows) in SHEETS {
        for (number, (row, event, told)) in rows.iter().enumerate() {
            let before = app.desk.log().head();
            let state = upload(&app, &format!("{name}-{number}.csv"), header, &[row]);
            assert_eq!(counts(&state), [1, 1, 0, 0], "{row}: {state:#}");
            assert!(events(&app, before).contains(&(*event).to_owned()), "{row}: {:?}", events(&app, before));
            assert!(page(&app).contains(told), "{row}: `{told}` is not told");
        }
        // All of them in one sheet under another name say what stands.
        let rows: Vec<&str> = rows.iter().map(|(row, ..)| *row).collect();
        let before = app.desk.log().head();
        let state = upload(&app, &format!("{name}-again.csv"), header, &rows);
        assert_eq!(counts(&state), [rows.len() as u64, 0, rows.len() as u64, 0], "{name}: {state:#}");
        assert_eq!(events(&app, before), ["import.taken"], "{name}");
    }
    let file = app.get(&format!("/api/v1/merchants/{HERE}")).role(Role::Lead).ok().json()["records"].clone();
    let records = [
        ("/tenancies/0/until", json!("2026-12-31")),
        ("/tenancies/0/in_order", json!(false)),
        ("/tenancies/0/brands", json!(["某品牌"])),
        ("/accounts/0/action", json!("close")),
        ("/accounts/1/account_tail", json!("1234")),
        ("/grey_list/0/on", json!(false)),
        ("/grey_list/0/ground", json!("投诉集中")),
        ("/locks/0/person", json!("王芳")),
        ("/locks/0/lifted_on", json!("2025-06-21")),
    ];
    for (place, value) in records {
        assert_eq!(file.pointer(place), Some(&value), "{place} of {file:#}");
    }
    let tickets = app.get(&format!("/api/v1/complaints?credit_code={HERE}")).role(Role::Lead).ok().json();
    assert_eq!(tickets["items"][0]["recovered"], "500.50", "{tickets:#}");
    assert_eq!(tickets["items"][0]["handling"].as_array().map(Vec::len), Some(5), "{tickets:#}");
}

/// Whose a name is, the lead office says; a name that others have is refused as on the page, by its column.
#[test]
fn other_names_come_from_a_sheet_of_the_lead_office_and_read_tickets_from_then_on() {
    let app = App::start();
    for (number, (row, event, told)) in ALIAS_ROWS.iter().enumerate() {
        let before = app.desk.log().head();
        let state = upload(&app, &format!("别名-{number}.csv"), ALIASES, &[row]);
        assert_eq!(counts(&state), [1, 1, 0, 0], "{row}: {state:#}");
        assert_eq!(state["counts_by_kind"]["aliases"]["accepted"], 1, "{state:#}");
        assert!(events(&app, before).contains(&(*event).to_owned()), "{row}");
        assert!(page(&app).contains(told), "{row}: `{told}` is not told");
    }
    let again = upload(&app, "别名-again.csv", ALIASES, &[ALIAS_ROWS[1].0]);
    assert_eq!(counts(&again), [1, 0, 1, 0], "{again:#}");
    let ticket = "工单编号,来源,受理时间,诉求类型,商户名称,商场";
    let state = upload_by(&app, Role::Admin, "投诉.csv", ticket, &["Q1,12345,2025-06-20 09:00,退费难,小招牌,东方广场"]);
    assert_eq!(counts(&state), [1, 1, 0, 0], "{state:#}");
    let tickets = app.get(&format!("/api/v1/complaints?credit_code={HERE}")).role(Role::Lead).ok().json();
    assert_eq!(tickets["items"][0]["ticket"], "Q1", "{tickets:#}");
    let state = upload_by(&app, Role::Regulator, "aliases.csv", ALIASES, &["HERE,别的招牌,,,"]);
    assert_eq!((counts(&state), &state["refusals"][0]["code"]), ([1, 0, 0, 1], &json!("out_of_scope")), "{state:#}");
    let nothing = upload(&app, "别名-x.csv", ALIASES, &["HERE,作废没有过的,,,"]);
    let refusal = &nothing["refusals"][0];
    assert_eq!((&refusal["code"], &refusal["column"]), (&json!("no_such_alias"), &json!("别名")), "{nothing:#}");
}

#[test]
fn an_entry_made_by_mistake_is_cancelled_by_its_row_with_the_word_before_it() {
    let app = with_a_ticket();
    let cancelled: &[(&str, &str, &str, &str)] = &[
        ("投诉", TICKETS, TICKET_ROWS[3].0, "T1,12345,HERE,作废退款到账,2025-06-22 10:00,,,,,,"),
        ("名单", LISTS, LIST_ROWS[0].0, "HERE,作废灰名单,2025-06-01,,,,,,,"),
        ("名单", LISTS, LIST_ROWS[2].0, "HERE,作废锁定登记,2025-06-02,,,,,AB12,,"),
        ("存管余额", ACCOUNTS, ACCOUNT_ROWS[0].0, "HERE,2025-06-03,,作废开户,丙银行,"),
    ];
    for (number, (name, header, row, cancels)) in cancelled.iter().enumerate() {
        assert_eq!(counts(&upload(&app, &format!("{name}-{number}.csv"), header, &[row])), [1, 1, 0, 0], "{row}");
        let before = app.desk.log().head();
        let state = upload(&app, &format!("{name}-作废-{number}.csv"), header, &[cancels]);
        assert_eq!(counts(&state), [1, 1, 0, 0], "{cancels}: {state:#}");
        assert!(events(&app, before).contains(&"entry.cancelled".to_owned()), "{cancels}");
        // It stands no more, so said again it is news.
        let state = upload(&app, &format!("{name}-再-{number}.csv"), header, &[row]);
        assert_eq!(counts(&state), [1, 1, 0, 0], "{row}: {state:#}");
    }
}

#[test]
fn a_cell_that_its_kind_of_row_does_not_have_is_refused_by_its_column() {
    let app = with_a_ticket();
    for (name, header, row, column) in [
        ("投诉", TICKETS, "T1,12345,HERE,店内和解,2025-06-21 10:00,,,,,,退费难", "诉求类型"),
        ("投诉", TICKETS, "T1,12345,HERE,退款到账,2025-06-21 10:00,,,,,,", "涉及金额"),
        ("名单", LISTS, "HERE,灰名单,2025-06-01,,,,王芳,,,", "锁定人员"),
        ("名单", LISTS, "HERE,锁定登记,2025-06-01,,,,王芳,,,", "人员证件摘要"),
        ("名单", LISTS, "HERE,经营异常名录,2025-06-01,,投诉集中,,,,,", "事由"),
        ("存管余额", ACCOUNTS, "HERE,2025-06-03,5.00,开户,丙银行,", "存管余额"),
        ("存管余额", ACCOUNTS, "HERE,2025-06-03,,开户,,", "存管银行"),
        ("存管余额", ACCOUNTS, "HERE,2025-06-03,5.00,,丙银行,", "存管银行"),
        ("租户", TENANTS, "HERE,东方广场,B1-01,2025-01-01,,,,", "到期日期"),
        ("租户", TENANTS, "HERE,东方广场,B1-01,,,2025-06-05,,", "核验合格"),
        ("租户", TENANTS, "HERE,东方广场,B1-01,,,,,", "起租日期"),
    ] {
        let state = upload(&app, &format!("{name}.csv"), header, &[row]);
        assert_eq!(counts(&state), [1, 0, 0, 1], "{row}: {state:#}");
        let columns: Vec<&str> =
            state["refusals"].as_array().unwrap().iter().filter_map(|it| it["column"].as_str()).collect();
        assert!(columns.contains(&column), "{row}: {columns:?}: {state:#}");
    }
}
