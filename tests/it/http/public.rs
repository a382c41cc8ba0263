//! What everybody may look up without a log-in, and what nobody sees there.

use super::app::{App, HERE, NOBODY, THERE, encoded};
use serde_json::json;
use warnlight::domain::words::Role;

const ALL: [(&str, &str); 1] = [("WARNLIGHT__PUBLIC__SHOWS", "filing,custody,exits")];

fn told() -> [serde_json::Value; 5] {
    [
        json!({ "command": "report_custody", "credit_code": HERE, "date": "2025-06-20", "held": "123456.78" }),
        json!({ "command": "report_balance", "credit_code": HERE, "date": "2025-03-31", "outstanding": "987654.32" }),
        json!({ "command": "record_exit", "credit_code": HERE, "mall": "东方广场", "unit": "B1-01", "action": "post",
            "date": "2025-06-20", "planned_on": "2025-07-10", "refund_plan": "请致电 13800138000 王先生，\n凭卡退款" }),
        json!({ "command": "record_complaint", "ticket": "T-77", "channel": "mall", "credit_code": HERE, "kind": "closed",
            "received_at": "2025-06-29T01:00:00Z" }),
        // Nobody registered it; a mall speaks of it.
        json!({ "command": "record_exit", "credit_code": NOBODY, "mall": "东方广场", "unit": "B2-02", "action": "post",
            "date": "2025-06-20", "planned_on": "2025-12-10" }),
    ]
}

#[test]
fn a_consumer_sees_filing_custody_and_leaving_and_nothing_confidential() {
    let app = App::with(&ALL);
    app.tell(&told());
    let page = app.get(&format!("/shop/{HERE}")).html().ok();
    for wanted in [
        "海淀&lt;健身&gt;",
        "已备案（2025-01-10 起）",
        "有资金存管（截至 2025-06-20）",
        "计划于 2025-07-10 撤店",
        "还有 10 天",
        "凭卡退款",
    ] {
        assert!(page.text.contains(wanted), "{wanted}: {}", page.text);
    }
    for hidden in
        ["123,456", "123456", "987654", "987,654", "T-77", "红灯", "橙灯", "light-", "13800138000", "甲银行", "<script"]
    {
        assert!(!page.text.contains(hidden), "{hidden}: {}", page.text);
    }
    let style = page.text.split("rel=\"stylesheet\" href=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let all = page.text.len() + app.get(&style).ok().text.len();
    assert!(all < 20_000, "page and style are {all} bytes");
    let english = app.get(&format!("/shop/{HERE}?lang=en")).html().ok().text;
    assert!(english.contains("Money is in custody (as of 2025-06-20)"), "{english}");
    let unknown = app.get(&format!("/shop/{THERE}")).html().ok().text;
    assert!(unknown.contains("未知：没有备案记录") && unknown.contains("未知：没有银行报送"), "{unknown}");
}

#[test]
fn whoever_is_not_in_the_register_looks_like_a_code_that_nobody_has() {
    let app = App::with(&ALL);
    app.tell(&told());
    let pages: Vec<(u16, String)> = [NOBODY, "91110108MA55555559", "nonsense"]
        .map(|code| app.get(&format!("/shop/{code}")).html().send())
        .map(|reply| (reply.status, reply.text.replace("/shop/", "")))
        .into();
    // But for the address itself, in the link to the other language.
    let bare = |(status, text): &(u16, String)| {
        (*status, text.lines().filter(|line| !line.contains("hreflang")).map(str::to_owned).collect::<Vec<_>>())
    };
    assert_eq!(pages[0].0, 404);
    assert!(pages[0].1.contains("没有查到不等于没有备案"), "{}", pages[0].1);
    assert_eq!(bare(&pages[0]), bare(&pages[1]));
    assert_eq!(bare(&pages[0]), bare(&pages[2]));
    let found = app.get(&format!("/shop?q={NOBODY}")).html().ok().text;
    assert!(found.contains("没有查到") && !found.contains(&format!("/shop/{NOBODY}")), "{found}");
}

#[test]
fn a_shop_is_found_by_name_brand_mall_and_code_and_the_register_is_not_read_out() {
    let app = App::with(&ALL);
    let found = |q: &str| app.get(&format!("/shop?q={}", encoded(q))).html().ok().text;
    let shop = format!("/shop/{HERE}");
    for q in ["健身", "动起来", "东方广场", "东方 健身", "b1-01", HERE, &HERE.to_lowercase()] {
        assert!(found(q).contains(&shop), "{q}");
    }
    for q in ["", " ", "健", "西单 健身", "9111", "91110108"] {
        assert!(!found(q).contains("/shop/9"), "{q}");
    }
    let many: Vec<_> = (0..30)
        .map(|number| {
            let code = format!("91110108MB{number:08}");
            json!({ "command": "register_merchant", "credit_code": code, "name": format!("连锁店{number}"), "division_code": "110108" })
        })
        .collect();
    app.tell(&many);
    let page = found("连锁店");
    assert_eq!(page.matches("href=\"/shop/9").count(), 20);
    assert!(page.contains("请把店名写得更完整"), "{page}");
}

#[test]
fn a_mall_has_a_notice_board_with_countdowns_on_which_an_unregistered_tenant_has_no_name() {
    let app = App::with(&ALL);
    app.tell(&told());
    let page = app.get("/shop").html().ok().text;
    assert!(page.contains("东方广场") && page.contains("2 家拟撤店"), "{page}");
    let board = app.get(&format!("/shop/mall?name={}", encoded("东方广场"))).html().ok().text;
    assert!(board.contains("还有 10 天") && board.contains("B2-02") && board.contains("未登记"), "{board}");
    assert!(!board.contains(NOBODY), "{board}");
    let none = app.get(&format!("/shop/mall?name={}", encoded("西单大悦城"))).html().ok().text;
    assert!(none.contains("目前没有撤店公示"), "{none}");
    for nowhere in ["没有的商场", ""] {
        assert_eq!(app.get(&format!("/shop/mall?name={}", encoded(nowhere))).html().send().status, 404, "{nowhere}");
    }
}

#[test]
fn what_the_settings_do_not_publish_is_nowhere_and_by_default_nothing_is() {
    let app = App::start();
    app.tell(&told());
    for path in ["/shop", "/shop/mall?name=x", &format!("/shop/{HERE}"), &format!("/shop/{HERE}/sign")] {
        for ask in [app.get(path), app.get(path).role(Role::Admin)] {
            let reply = ask.html().send();
            assert_eq!(reply.status, 404, "{path}");
            assert!(!reply.text.contains("健身"), "{path}");
        }
    }
    drop(app);
    for (part, shown) in [("filing", "已备案"), ("custody", "资金存管（"), ("exits", "撤店。"), ("light", "监测灯色")]
    {
        let app = App::with(&[("WARNLIGHT__PUBLIC__SHOWS", part)]);
        app.tell(&told());
        let page = app.get(&format!("/shop/{HERE}")).html().ok().text;
        for word in ["已备案", "资金存管（", "撤店。", "监测灯色"] {
            assert_eq!(page.contains(word), word == shown, "{part}: {word} {page}");
        }
        let board = app.get(&format!("/shop/mall?name={}", encoded("东方广场"))).html().send().status;
        assert_eq!(board == 200, part == "exits", "{part}");
        let search = app.get("/shop").html().ok().text;
        assert_eq!(search.contains("/shop/mall?name="), part == "exits", "{part}: {search}");
    }
}

#[test]
fn a_page_that_is_still_the_same_is_not_sent_again() {
    let app = App::with(&ALL);
    let path = format!("/shop/{HERE}");
    let page = app.get(&path).html().ok();
    assert_eq!(page.header("cache-control"), "public, max-age=60");
    let varies = page.header("vary").to_lowercase();
    assert!(
        varies.contains("accept-language") && varies.contains("cookie"),
        "what is kept is kept for one language: {varies}"
    );
    let tag = page.header("etag").to_owned();
    let again = app.get(&path).html().header("if-none-match", &tag).send();
    assert_eq!((again.status, again.text.as_str()), (304, ""));
    assert_eq!(app.get(&path).html().ok().header("etag"), tag, "also for somebody else");
    assert_ne!(app.get(&path).header("accept-language", "en").html().ok().header("etag"), tag);
    app.tell(&told());
    let changed = app.get(&path).html().header("if-none-match", &tag).send();
    assert_eq!(changed.status, 200);
    // Whoever is logged in sees the same page, and no cookie of theirs is touched.
    let tag = changed.header("etag").to_owned();
    let known = app.get(&path).role(Role::Admin).html().ok();
    assert_eq!((known.header("etag"), known.header("set-cookie")), (tag.as_str(), ""));
}

#[test]
fn one_address_looks_so_often_in_a_minute_and_the_others_go_on() {
    let app = App::with(&[ALL[0], ("WARNLIGHT__PUBLIC__PER_MINUTE", "3")]);
    let look = |from: &str| app.get(&format!("/shop/{HERE}")).html().header("x-forwarded-for", from).send();
    for _ in 0..3 {
        assert_eq!(look("192.0.2.1").status, 200);
    }
    let turned_away = look("192.0.2.1");
    assert_eq!((turned_away.status, turned_away.header("retry-after")), (429, "60"));
    assert!(turned_away.text.contains("请稍后再试") && !turned_away.text.contains("<script"), "{}", turned_away.text);
    assert_eq!(look("192.0.2.2").status, 200);
    app.clock.set(super::app::instant("2025-06-30T10:01:00Z"));
    assert_eq!(look("192.0.2.1").status, 200);
}

#[test]
fn the_sign_at_the_door_leads_to_the_page_of_its_shop() {
    let app = App::with(&[ALL[0], ("WARNLIGHT__HTTP__PUBLIC_URL", "https://w.example.org")]);
    let sign = app.get(&format!("/shop/{HERE}/sign")).html().ok().text;
    assert!(
        sign.contains("<svg class=\"qr\"") && sign.contains(&format!("https://w.example.org/shop/{HERE}")),
        "{sign}"
    );
}

#[test]
fn a_mall_that_only_claimed_a_shop_is_none_of_its_places() {
    let app = App::with(&ALL);
    app.tell(&[
        json!({ "command": "record_exit", "credit_code": NOBODY, "mall": "西单大悦城", "unit": "9-99", "action": "post",
            "date": "2025-06-20", "planned_on": "2025-12-10" }),
        json!({ "command": "register_merchant", "credit_code": NOBODY, "name": "清河书店", "division_code": "110108",
            "mall": "清河万象汇", "unit": "1-01" }),
    ]);
    let page = app.get(&format!("/shop/{NOBODY}")).html().ok().text;
    assert!(page.contains("清河万象汇") && !page.contains("西单大悦城") && !page.contains("9-99"), "{page}");
    for (q, is_found) in [("清河万象汇", true), ("9-99", false), ("书店 西单大悦城", false)] {
        let found = app.get(&format!("/shop?q={}", encoded(q))).html().ok().text;
        assert_eq!(found.contains(&format!("/shop/{NOBODY}")), is_found, "{q}: {found}");
    }
}

#[test]
fn a_guarantee_is_shown_to_its_last_day() {
    let app = App::with(&ALL);
    app.tell(&[json!({ "command": "post_guarantee", "credit_code": HERE, "kind": "guarantee", "amount": "1.00",
        "from": "2025-01-01", "until": "2025-06-30" })]);
    let shown = || app.get(&format!("/shop/{HERE}")).html().ok().text.contains("有担保或保险，至 2025-06-30");
    assert!(shown(), "today is its last day");
    app.clock.set(super::app::instant("2025-06-30T16:00:00Z"));
    assert!(!shown(), "in Beijing it is the day after");
}
