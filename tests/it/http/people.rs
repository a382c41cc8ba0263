//! Personal accounts: people come in with name, password and code, and administrators give and take what they may do.

use super::app::{App, EVERY_ROLE, Reply, instant};
use super::browser::{Browser, PALE};
use serde_json::json;
use warnlight::clock::Clock as _;
use warnlight::domain::words::Role;

const PASSWORD: &str = "一匹正确的马走过电池旁";

/// A session in a browser.
struct Session<'a> {
    app: &'a App,
    cookie: String,
}

impl Session<'_> {
    fn get(&self, path: &str) -> Reply {
        self.app.get(path).header("cookie", &self.cookie).html().send()
    }

    fn post(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let token = self.app.token(&self.cookie);
        let fields: Vec<(&str, &str)> = fields.iter().copied().chain([("form_token", &*token)]).collect();
        self.app.post(path).header("cookie", &self.cookie).html().form(&fields).send()
    }

    fn holds(&self) -> bool {
        self.get("/today").status == 200
    }
}

fn admin(app: &App) -> Session<'_> {
    Session { app, cookie: app.log_in(Role::Admin) }
}

fn between<'t>(text: &'t str, start: &str, end: &str) -> &'t str {
    let (_, rest) = text.split_once(start).unwrap_or_else(|| panic!("no `{start}` in {text}"));
    rest.split_once(end).unwrap().0
}

/// Returns the text of the link that a page shows.
fn link(page: &Reply) -> String {
    assert_eq!(page.status, 200, "{page:?}");
    between(&page.text, "/welcome?token=", "\"").to_owned()
}

fn add(app: &App, name: &str, scope: &[(&str, &str)]) -> String {
    let fields: Vec<(&str, &str)> = scope.iter().copied().chain([("action", "add"), ("name", name)]).collect();
    link(&admin(app).post("/admin/users", &fields))
}

fn welcome(app: &App, token: &str, password: &str) -> Reply {
    app.post("/welcome").html().form(&[("token", token), ("password", password), ("again", password)]).send()
}

fn log_in(app: &App, name: &str, password: &str, code: &str) -> Reply {
    app.post("/login").html().form(&[("name", name), ("password", password), ("code", code)]).send()
}

fn session<'a>(app: &'a App, reply: &Reply) -> Session<'a> {
    assert_eq!(reply.status, 303, "{reply:?}");
    Session { app, cookie: reply.cookie() }
}

const SPORT: [(&str, &str); 3] = [("role", "regulator"), ("sectors", "sport"), ("divisions", "110108")];

#[test]
fn a_person_is_invited_chooses_a_password_and_acts_under_the_own_name() {
    let app = App::start();
    assert!(!app.get("/login").html().ok().text.contains("name=\"password\""), "nobody has an account yet");
    let token = add(&app, "张三", &SPORT);
    assert!(app.get("/login").html().ok().text.contains("name=\"password\""));
    let page = app.get(&format!("/welcome?token={token}")).html().ok();
    assert!(page.text.contains("value=\"张三\""));
    assert_eq!(welcome(&app, &token, "张三的密码够长了吗是的").status, 422, "the name is in it");
    let differing = [("token", &*token), ("password", PASSWORD), ("again", "别的")];
    assert_eq!(app.post("/welcome").html().form(&differing).send().status, 422);
    let mine = session(&app, &welcome(&app, &token, PASSWORD));
    assert!(mine.holds());
    for reply in [welcome(&app, &token, PASSWORD), app.get(&format!("/welcome?token={token}")).html().send()] {
        assert_eq!(reply.status, 404, "the link counts once");
    }
    app.alarm();
    app.desk.settle().unwrap();
    let alert =
        app.get("/api/v1/cases").role(Role::Admin).ok().json()["items"][0]["alert"].as_str().unwrap().to_owned();
    assert_eq!(mine.post(&format!("/cases/{alert}"), &[("action", "take")]).status, 303);
    let case = app.get(&format!("/api/v1/cases/{alert}")).role(Role::Admin).ok().json();
    assert_eq!(case["holder"], "张三");
    let record = admin(&app).get("/admin").text;
    assert!(
        record.contains("张三") && record.contains("alert.assigned") && record.contains("user.created"),
        "{record}"
    );
    // What is not theirs is not theirs.
    assert_eq!(mine.get("/admin").status, 403);
    assert_eq!(mine.get("/unattributed").status, 403);
    // In the log there is nothing that opens the account.
    let log = app.get("/api/v1/events?limit=500").role(Role::Admin).ok().text;
    assert!(log.contains("user.created") && !log.contains("argon2") && !log.contains(&token));
    for wrong in [("张三", "一匹错误的马走过电池旁"), ("李四", PASSWORD), ("张三", "")] {
        let reply = log_in(&app, wrong.0, wrong.1, "");
        assert!(reply.status == 401 && reply.text.contains("不正确"), "{wrong:?}: {reply:?}");
    }
    assert!(session(&app, &log_in(&app, " 张三 ", PASSWORD, "")).holds());
}

#[test]
fn too_many_wrong_tries_lock_an_account_and_nobody_elses() {
    let app = App::with(&[
        ("WARNLIGHT__SESSION__FAILURES_PER_KEY", "3"),
        ("WARNLIGHT__SESSION__FAILURES_PER_ADDRESS", "1000"),
    ]);
    for name in ["张三", "李四"] {
        let token = add(&app, name, &SPORT);
        welcome(&app, &token, PASSWORD);
    }
    for _ in 0..3 {
        assert_eq!(log_in(&app, "张三", "wrong", "").status, 401);
    }
    assert_eq!(log_in(&app, "张三", PASSWORD, "").status, 401, "locked");
    assert!(admin(&app).get("/admin/users").text.contains("锁定至"));
    assert_eq!(log_in(&app, "李四", PASSWORD, "").status, 303);
    app.clock.set(instant("2025-06-30T10:16:00Z"));
    assert_eq!(log_in(&app, "张三", PASSWORD, "").status, 303);
}

#[test]
fn a_password_is_changed_by_who_has_the_present_one_and_other_sessions_end() {
    let app = App::start();
    let token = add(&app, "张三", &SPORT);
    let mine = session(&app, &welcome(&app, &token, PASSWORD));
    let other = session(&app, &log_in(&app, "张三", PASSWORD, ""));
    let new = "another horse is correct";
    let change = |present: &str, new: &str, again: &str| {
        mine.post("/account", &[("action", "password"), ("present", present), ("password", new), ("again", again)])
    };
    for (present, password, again) in
        [("wrong", new, new), (PASSWORD, new, "differs from it"), (PASSWORD, "short", "short")]
    {
        assert_eq!(change(present, password, again).status, 422, "{present} {password}");
    }
    // A form with passwords that comes when the session is over goes through no page.
    let late = [("action", "password"), ("present", PASSWORD), ("password", new), ("again", new)];
    let told = app.post("/account").html().form(&late).send();
    assert!(told.status == 303 && !told.text.contains(new), "{told:?}");
    let renewed = session(&app, &change(PASSWORD, new, new));
    assert!(renewed.holds() && !mine.holds() && !other.holds());
    assert_eq!(log_in(&app, "张三", PASSWORD, "").status, 401);
    assert_eq!(log_in(&app, "张三", new, "").status, 303);
}

#[test]
fn an_authenticator_is_shown_once_and_asked_for_from_then_on() {
    let app = App::start();
    let token = add(&app, "张三", &SPORT);
    let mine = session(&app, &welcome(&app, &token, PASSWORD));
    assert_eq!(mine.post("/account", &[("action", "offer"), ("present", "wrong")]).status, 422);
    let offered = mine.post("/account", &[("action", "offer"), ("present", PASSWORD)]);
    assert!(offered.text.contains("<svg class=\"qr\""), "{offered:?}");
    let secret = between(&offered.text, "data-secret>", "<").to_owned();
    let code = |step: i64| {
        let second = u64::try_from((app.clock.now().as_second() / 30 + step) * 30).unwrap();
        let secret = totp_rs::Secret::try_from_base32(&secret).unwrap();
        let totp = totp_rs::Builder::new().with_secret(secret).build().unwrap();
        let is_right = |code: &String| totp.check(code, second) == Some(second / 30);
        (0..1_000_000).map(|code| format!("{code:06}")).find(is_right).unwrap()
    };
    let mistyped = mine.post("/account", &[("action", "confirm"), ("code", "12")]);
    assert!(mistyped.status == 422 && mistyped.text.contains(&*secret), "shown again: {mistyped:?}");
    let confirmed = mine.post("/account", &[("action", "confirm"), ("code", &code(0))]);
    let recovery = between(&confirmed.text, "<li class=\"code\">", "<").to_owned();
    assert!(!mine.get("/account").text.contains(&recovery), "shown once");
    let needed = log_in(&app, "张三", PASSWORD, "");
    assert!(needed.status == 401 && needed.text.contains("请同时填写验证码"), "{needed:?}");
    assert_eq!(log_in(&app, "张三", PASSWORD, &code(0)).status, 401, "it was used");
    assert_eq!(log_in(&app, "张三", PASSWORD, &code(1)).status, 303);
    assert_eq!(log_in(&app, "张三", PASSWORD, &recovery).status, 303);
    assert_eq!(log_in(&app, "张三", PASSWORD, &recovery).status, 401, "it counts once");
    // Whoever lost the telephone gets a new link, and begins anew.
    let page = admin(&app).get("/admin/users").text;
    let id = between(between(&page, "data-user=\"张三\"", "</tr>"), "name=\"id\" value=\"", "\"").to_owned();
    let token = link(&admin(&app).post("/admin/users", &[("action", "link"), ("id", &id), ("name", "张三")]));
    assert!(!mine.holds());
    assert_eq!(log_in(&app, "张三", PASSWORD, &code(1)).status, 401);
    assert!(session(&app, &welcome(&app, &token, PASSWORD)).holds());
    assert_eq!(log_in(&app, "张三", PASSWORD, "").status, 303);
}

#[test]
fn a_role_is_changed_and_an_account_taken_away_at_once() {
    let app = App::start();
    let token = add(&app, "张三", &SPORT);
    let mine = session(&app, &welcome(&app, &token, PASSWORD));
    let user = |field: &str| {
        let page = admin(&app).get("/admin/users").text;
        between(between(&page, "data-user=\"张三\"", "</tr>"), field, "\"").to_owned()
    };
    let id = || user("name=\"id\" value=\"");
    let (unasked, admin) = (id(), admin(&app));
    for (fields, status) in [
        (vec![("action", "add"), ("name", "张 三"), ("role", "lead")], 422),
        (vec![("action", "add"), ("name", " "), ("role", "lead")], 422),
        (vec![("action", "add"), ("name", "李四"), ("role", "emperor")], 422),
        (vec![("action", "add"), ("name", "李四"), ("role", "regulator"), ("sectors", "magic")], 422),
        (vec![("action", "nonsense")], 400),
        (vec![("action", "remove"), ("id", "x")], 400),
        (vec![("action", "remove"), ("id", &*unasked), ("reason", " ")], 422),
    ] {
        assert_eq!(admin.post("/admin/users", &fields).status, status, "{fields:?}");
    }
    let changed = admin.post(
        "/admin/users",
        &[("action", "change"), ("id", &id()), ("role", "lead"), ("divisions", "110108，110105")],
    );
    assert_eq!(changed.status, 200, "{changed:?}");
    assert!(!mine.holds(), "what was begun with the old role is over");
    let mine = session(&app, &log_in(&app, "张三", PASSWORD, ""));
    assert_eq!(mine.get("/unattributed").status, 200);
    // A person's key is not revoked as a machine's.
    let refused = admin.post("/admin/keys", &[("action", "revoke"), ("id", &id()), ("reason", "x")]);
    assert_eq!(refused.status, 422, "{refused:?}");
    assert_eq!(admin.post("/admin/users", &[("action", "remove"), ("id", &id()), ("reason", "left")]).status, 200);
    assert!(!mine.holds());
    assert_eq!(log_in(&app, "张三", PASSWORD, "").status, 401);
    let record = admin.get("/admin").text;
    assert!(record.contains("user.revoked") && record.contains("key.revoked"), "{record}");
    assert!(!std::fs::read_to_string(app.folder().join("accounts.json")).unwrap().contains("张三"));
}

#[test]
fn keys_are_made_and_revoked_on_a_page_and_the_last_administrator_stays() {
    let app = App::start();
    let admin = admin(&app);
    let made = admin
        .post("/admin/keys", &[("action", "create"), ("name", "报送程序"), ("role", "lead"), ("divisions", "110108")]);
    let secret = between(&made.text, "value=\"wl_", "\"").to_owned();
    app.get("/api/v1/lights").key(&format!("wl_{secret}")).ok();
    let page = admin.get("/admin/keys").text;
    assert!(!page.contains(&secret), "shown once");
    let row = between(&page, "data-key-row=\"报送程序\"", "</tr>");
    let id = between(row, "name=\"id\" value=\"", "\"").to_owned();
    assert_eq!(admin.post("/admin/keys", &[("action", "revoke"), ("id", &id), ("reason", "lost")]).status, 200);
    assert_eq!(app.get("/api/v1/lights").key(&format!("wl_{secret}")).send().code(), "key_revoked");
    let own = app.keyring.all().into_iter().find(|key| key.scope.role == Role::Admin).unwrap().id.to_string();
    let revoke = || admin.post("/admin/keys", &[("action", "revoke"), ("id", &own), ("reason", "x")]);
    let last = revoke();
    assert!(last.status == 422 && admin.holds(), "{last:?}");
    // Somebody who was invited has not come in yet, and a link can be lost.
    let token = add(&app, "张三", &[("role", "admin")]);
    let last = revoke();
    assert!(last.status == 422 && admin.holds(), "{last:?}");
    let person = session(&app, &welcome(&app, &token, PASSWORD));
    assert_eq!(revoke().status, 200);
    assert!(!admin.holds() && person.holds());
    let page = person.get("/admin/users").text;
    let id = between(between(&page, "data-user=\"张三\"", "</tr>"), "name=\"id\" value=\"", "\"").to_owned();
    for fields in [
        vec![("action", "remove"), ("id", &*id), ("reason", "x")],
        vec![("action", "change"), ("id", &*id), ("role", "lead")],
        vec![("action", "link"), ("id", &*id)],
    ] {
        assert_eq!(person.post("/admin/users", &fields).status, 422, "{fields:?}");
        assert!(person.holds(), "{fields:?}");
    }
}

#[test]
fn every_page_of_administration_is_for_administrators_and_every_form_for_its_session() {
    let app = App::start();
    for role in EVERY_ROLE {
        let session = Session { app: &app, cookie: app.log_in(role) };
        for path in ["/admin", "/admin/users", "/admin/keys"] {
            let wanted = if role == Role::Admin { 200 } else { 403 };
            assert_eq!(session.get(path).status, wanted, "{role} {path}");
            if path != "/admin" {
                let status = session.post(path, &[("action", "add"), ("name", "x"), ("role", "admin")]).status;
                assert_eq!(status == 403, role != Role::Admin, "{role} {path}");
            }
        }
        assert_eq!(session.get("/today").text.contains("href=\"/admin\""), role == Role::Admin, "{role}");
        // Somebody who came in with a key has no account, and is told so.
        assert!(session.get("/account").text.contains("您是用密钥登录的"), "{role}");
        assert_eq!(session.post("/account", &[("action", "offer"), ("present", "x")]).status, 404, "{role}");
    }
    let cookie = app.log_in(Role::Admin);
    for path in ["/admin/users", "/admin/keys", "/account"] {
        let reply = app
            .post(path)
            .header("cookie", &cookie)
            .html()
            .form(&[("action", "add"), ("name", "x"), ("role", "admin")])
            .send();
        assert_eq!(reply.status, 403, "{path} without the token of the form");
    }
    assert_eq!(
        app.keyring.accounts().states(app.clock.now()).len(),
        1,
        "only the administrator's own form added anybody"
    );
}

#[test]
fn every_page_fits_a_narrow_screen_and_every_field_has_a_name() {
    let app = App::start();
    let token = add(&app, "张三", &[("role", "admin")]);
    let waits = add(&app, "李四", &SPORT);
    welcome(&app, &token, PASSWORD);
    let pictures = std::env::var("WARNLIGHT_PICTURES").ok();
    for (width, height) in [(360, 844), (1280, 900)] {
        let metrics = json!({ "width": width, "height": height, "pixelRatio": 1.0 });
        let browser = Browser::with(json!({ "mobileEmulation": { "deviceMetrics": metrics } }));
        let look = |name: &str, path: &str| {
            browser.goto(&app.address(path));
            let wide = browser.run("return [innerWidth, document.documentElement.scrollWidth]");
            assert_eq!(wide, json!([width, width]), "{path}");
            assert_eq!(browser.run(PALE), json!([]), "{path}");
            let nameless = browser.run(
                "return [...document.querySelectorAll('a, button, select, input:not([type=hidden])')]
                    .filter(it => !(it.textContent.trim() || it.labels?.length || it.getAttribute('aria-label')
                        || it.getAttribute('aria-labelledby')))
                    .map(it => it.outerHTML)",
            );
            assert_eq!(nameless, json!([]), "{path}");
            if let Some(folder) = &pictures {
                std::fs::write(format!("{folder}/{name}-{width}.png"), browser.picture()).unwrap();
            }
        };
        look("login", "/login");
        look("welcome", &format!("/welcome?token={waits}"));
        browser.goto(&app.address("/login"));
        browser.keys("#name", "张三");
        browser.keys("#password", &format!("{PASSWORD}\u{E007}"));
        browser.find("[href='/account']");
        let pages =
            [("account", "/account"), ("admin", "/admin"), ("users", "/admin/users"), ("keys", "/admin/keys?lang=en")];
        for (name, path) in pages {
            look(name, path);
        }
    }
}
