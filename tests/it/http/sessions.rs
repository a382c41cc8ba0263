//! Browsers: logging in and out, forms, languages, headers.

use super::app::{App, HERE, instant};
use serde_json::json;
use warnlight::domain::envelope::Origin;
use warnlight::domain::words::Role;
use warnlight::http::routes::TABLE;

#[test]
fn a_browser_is_led_to_log_in_and_back_to_where_it_was() {
    let app = App::start();
    let page = app.get("/merchants/9111?x=1&y=2").html().send();
    assert_eq!((page.status, page.header("location")), (303, "/login?next=%2Fmerchants%2F9111%3Fx%3D1%26y%3D2"));
    let form = app.get("/login?next=%2Fmails").html().ok();
    assert!(form.text.contains("name=\"next\" value=\"/mails\""), "{}", form.text);
    let reply = app.post("/login").form(&[("key", app.key_of(Role::Lead)), ("next", "/mails")]).send();
    assert_eq!((reply.status, reply.header("location")), (303, "/mails"));
    let away = app.post("/login").form(&[("key", app.key_of(Role::Lead)), ("next", "//evil.example")]).send();
    assert_eq!(away.header("location"), "/");
}

#[test]
fn the_session_cookie_is_kept_from_scripts_and_other_sites_and_does_not_hold_the_key() {
    let app = App::start();
    let reply = app.post("/login").form(&[("key", app.key_of(Role::Lead))]).send();
    let cookie = reply.header("set-cookie");
    for part in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age="] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Secure"), "plain HTTP for a machine's own browser: {cookie}");
    assert!(!cookie.contains(app.key_of(Role::Lead).rsplit_once('_').unwrap().1), "{cookie}");
    let over_tls = App::with(&[("WARNLIGHT__HTTP__PUBLIC_URL", "https://warnlight.example.org")]);
    let reply = over_tls.post("/login").form(&[("key", over_tls.key_of(Role::Lead))]).send();
    assert!(reply.header("set-cookie").contains("Secure"), "{reply:?}");
    assert!(reply.header("strict-transport-security").contains("max-age"));
}

#[test]
fn a_wrong_key_begins_no_session_and_says_so_on_the_page() {
    let app = App::start();
    let reply = app.post("/login").html().form(&[("key", "wl_wrong")]).send();
    assert_eq!(reply.status, 401);
    assert!(reply.text.contains("登录失败") && reply.headers.get("set-cookie").is_none(), "{reply:?}");
}

#[test]
fn a_session_ends_with_its_time_with_log_out_and_with_its_key() {
    let app = App::start();
    let alive = |cookie: &str| app.get("/api/v1/lights").header("cookie", cookie).send();
    let (first, second) = (app.log_in(Role::Lead), app.log_in(Role::Lead));
    assert_eq!(alive(&first).status, 200);
    let token = app.token(&first);
    let out = app.post("/logout").header("cookie", &first).form(&[("form_token", &token)]).send();
    assert_eq!((out.status, out.header("location")), (303, "/login"));
    assert_eq!(alive(&first).code(), "key_expired");
    assert_eq!(alive(&second).status, 200, "other sessions go on");
    app.clock.set(instant("2025-06-30T18:00:00Z"));
    assert_eq!(alive(&second).code(), "key_expired");
    let third = app.log_in(Role::Lead);
    let key = app.keyring.all().into_iter().find(|key| key.scope.role == Role::Lead).unwrap();
    app.keyring.revoke(key.id, "left the office", &Origin::of("test")).unwrap();
    assert_eq!(alive(&third).code(), "key_revoked");
}

#[test]
fn a_form_without_its_token_changes_nothing() {
    let app = App::start();
    let cookie = app.log_in(Role::Operator);
    let token = app.token(&cookie);
    let other = app.token(&app.log_in(Role::Operator));
    let position = app.desk.picture().position;
    let fields = [
        ("action", "post"),
        ("credit_code", HERE),
        ("mall", "东方广场"),
        ("unit", "B1-01"),
        ("planned_on", "2025-12-31"),
    ];
    let send = |token: Option<&str>| {
        let mut pairs = fields.to_vec();
        pairs.extend(token.map(|token| ("form_token", token)));
        app.post("/mall").header("cookie", &cookie).html().form(&pairs).send()
    };
    for token in [None, Some(""), Some("0000"), Some(other.as_str())] {
        assert_eq!(send(token).status, 403, "{token:?}");
    }
    assert_eq!(app.desk.picture().position, position);
    let done = send(Some(&token));
    assert_eq!((done.status, done.header("location")), (303, "/mall?said=done"));
    let page = app.get("/mall?said=done").header("cookie", &cookie).html().ok();
    assert!(page.text.contains("已记录") && page.text.contains("2025-12-31"), "{}", page.text);
}

#[test]
fn a_script_with_a_session_needs_the_token_to_change_something_and_not_to_read() {
    let app = App::start();
    let cookie = app.log_in(Role::Lead);
    let body = json!({ "command": "report_balance", "credit_code": HERE, "date": "2025-06-01", "outstanding": "1.00" });
    let reply = app.post("/api/v1/commands").header("cookie", &cookie).json(&body).send();
    assert_eq!((reply.status, reply.code().as_str()), (403, "form_stale"));
    let token = app.token(&cookie);
    app.post("/api/v1/commands").header("cookie", &cookie).header("x-form-token", &token).json(&body).ok();
    app.get("/api/v1/merchants").header("cookie", &cookie).ok();
}

#[test]
fn a_form_on_another_site_is_refused_whatever_it_carries() {
    let app = App::start();
    let log_in = |name: &str, value: &str| {
        app.post("/login").header(name, value).form(&[("key", app.key_of(Role::Lead))]).send()
    };
    assert_eq!(log_in("sec-fetch-site", "cross-site").code(), "foreign_site");
    assert_eq!(log_in("origin", "https://evil.example").code(), "foreign_site");
    assert_eq!(log_in("sec-fetch-site", "same-origin").status, 303);
}

#[test]
fn a_link_from_another_site_asks_once_more_so_that_the_strict_cookie_comes_along() {
    let app = App::start();
    let reply = app.get("/merchants/x?a=1&b='").html().header("sec-fetch-site", "cross-site").send();
    assert_eq!(reply.status, 200);
    assert!(
        reply.text.contains("http-equiv=\"refresh\"") && reply.text.contains("url=/merchants/x?a=1&amp;b=&#39;\""),
        "{}",
        reply.text
    );
}

#[test]
fn a_refused_form_comes_back_filled_in_with_what_is_wrong() {
    let app = App::start();
    let cookie = app.log_in(Role::Operator);
    let token = app.token(&cookie);
    let pairs = [
        ("form_token", token.as_str()),
        ("action", "post"),
        ("credit_code", "91110108MA0000000I"),
        ("mall", "东方广场"),
        ("unit", "<u>"),
        ("planned_on", ""),
    ];
    let page = app.post("/mall").header("cookie", &cookie).html().form(&pairs).send();
    assert_eq!(page.status, 422);
    assert!(
        page.text.contains("18位") && page.text.contains("91110108MA0000000I") && page.text.contains("&lt;u&gt;"),
        "{}",
        page.text
    );
}

#[test]
fn pages_speak_chinese_unless_asked_otherwise_and_remember() {
    let app = App::start();
    let zh = app.get("/").role(Role::Lead).html().ok();
    assert!(zh.text.contains("<html lang=\"zh-CN\">") && zh.text.contains("灯情总览"));
    let en = app.get("/?lang=en").role(Role::Lead).html().ok();
    assert!(en.text.contains("<html lang=\"en\">") && en.text.contains("Light board"));
    assert!(en.header("set-cookie").starts_with("warnlight_lang=en"), "{en:?}");
    let kept = app.get("/").role(Role::Lead).html().header("cookie", "warnlight_lang=en").ok();
    assert!(kept.text.contains("Light board"));
    let header = app.get("/").role(Role::Lead).html().header("accept-language", "en-GB,zh;q=0.5").ok();
    assert!(header.text.contains("Light board"));
    let problem = app.get("/api/v1/nothing").header("accept-language", "en").send().json();
    assert_eq!(problem["title"], "there is nothing here");
}

#[test]
fn every_answer_carries_the_security_headers() {
    let app = App::start();
    for route in TABLE.iter().filter(|route| route.method == "GET") {
        let reply = app.get(route.path).role(Role::Admin).send();
        let policy = reply.header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{route:?}: {reply:?}");
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{route:?}");
        assert_eq!(reply.header("x-request-id").len(), 36, "{route:?}");
        assert!(!reply.header("cache-control").is_empty(), "{route:?}");
    }
}

#[test]
fn text_from_outside_is_text_on_every_page() {
    let app = App::start();
    for path in ["/".to_owned(), format!("/merchants/{HERE}"), "/?q=%3Cscript%3Ealert(1)%3C/script%3E".to_owned()] {
        let page = app.get(&path).role(Role::Lead).html().ok().text;
        assert!(!page.contains("<健身>") && !page.contains("<script>alert"), "{path}");
    }
    assert!(app.get("/").role(Role::Lead).html().ok().text.contains("海淀&lt;健身&gt;"));
}

#[test]
fn style_script_and_icon_are_served_under_their_digest_and_cached() {
    let app = App::start();
    let page = app.get("/login").html().ok().text;
    let paths: Vec<&str> = page.split('"').filter(|part| part.starts_with("/assets/")).collect();
    assert_eq!(paths.len(), 4, "{paths:?}");
    for path in paths {
        let reply = app.get(path).ok();
        assert!(reply.header("cache-control").contains("immutable"), "{path}");
        assert!(!reply.text.contains("http://") || path.ends_with(".svg"), "{path} needs another host");
    }
    assert_eq!(app.get("/assets/board.000000000000.css").send().code(), "not_found");
}
