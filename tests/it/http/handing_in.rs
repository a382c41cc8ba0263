//! Files handed in on the page: with a script and without one.

use super::app::{App, HERE, Reply, THERE, instant};
use super::browser::Browser;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use warnlight::domain::words::Role;

const CUSTODY: &str = "统一社会信用代码,报送日期,存管余额,异常流水\n";

/// The form as a browser sends it.
fn form(fields: &[(&str, &str)], files: &[(&str, &str)]) -> String {
    let mut body = String::new();
    for (name, value) in fields {
        body.push_str(&format!("--X\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"));
    }
    for (name, content) in files {
        body.push_str(&format!(
            "--X\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: text/csv\r\n\r\n{content}\r\n"
        ));
    }
    body + "--X--\r\n"
}

struct Clerk<'a> {
    app: &'a App,
    cookie: String,
    token: String,
}

impl<'a> Clerk<'a> {
    fn new(app: &'a App, role: Role) -> Self {
        let cookie = app.log_in(role);
        let token = app.token(&cookie);
        Self { app, cookie: format!("{cookie}; warnlight_lang=en"), token }
    }

    fn send(&self, fields: &[(&str, &str)], files: &[(&str, &str)]) -> Reply {
        let body = form(fields, files);
        self.app
            .post("/imports")
            .header("cookie", &self.cookie)
            .html()
            .text("multipart/form-data; boundary=X", &body)
            .send()
    }

    fn hand_in(&self, files: &[(&str, &str)]) -> Reply {
        self.send(&[("form_token", &self.token)], files)
    }

    fn page(&self, path: &str) -> Reply {
        self.app.get(path).header("cookie", &self.cookie).html().send()
    }

    /// The page of a file once it is done with.
    fn done(&self, path: &str) -> String {
        loop {
            let page = self.page(path).text;
            if !page.contains("data-poll=\"on\"") {
                return page;
            }
            assert!(
                path == "/imports" || page.contains("<noscript><meta http-equiv=\"refresh\""),
                "it refreshes itself: {page}"
            );
        }
    }
}

fn held(app: &App, code: &str) -> Value {
    app.get(&format!("/api/v1/merchants/{code}")).role(Role::Admin).ok().json()["held"].clone()
}

#[test]
fn without_a_script_a_file_is_seen_through_confirmed_and_its_papers_are_fetched() {
    let app = App::start();
    let bank = Clerk::new(&app, Role::Bank);
    let sheet =
        format!("{CUSTODY}{HERE},2025-06-20,100.00,否\n{HERE},2025-06-21,很多,否\n{THERE},2025-06-20,1.00,否\n");
    let sent = bank.hand_in(&[("存管余额.csv", &sheet)]);
    assert_eq!(sent.status, 303, "{sent:?}");
    let path = sent.header("location").to_owned();
    let preview = bank.done(&path);
    assert!(preview.contains("Nothing is recorded yet") && preview.contains("id=\"take\""), "{preview}");
    assert!(
        preview.contains("row 3") && preview.contains("很多"),
        "the first refused rows with place and reason: {preview}"
    );
    assert_eq!(held(&app, HERE), Value::Null, "nothing is recorded");

    let take =
        |token: &str| app.post(&path).header("cookie", &bank.cookie).html().form(&[("form_token", token)]).send();
    assert_eq!(take("forged").status, 403);
    let taken = take(&bank.token);
    assert_eq!((taken.status, taken.header("location")), (303, path.as_str()), "{taken:?}");
    let page = bank.done(&path);
    assert!(page.contains("note-good") && !page.contains("id=\"take\""), "{page}");
    assert_eq!(held(&app, HERE), json!("100.00"));
    let (_, rest) = page.split_once("href=\"/api/v1/imports/").unwrap();
    let paper = format!("/api/v1/imports/{}", rest.split('"').next().unwrap());
    let returned = bank.page(&paper);
    assert!(
        returned.text.contains("很多") && returned.text.contains("拒绝原因"),
        "what goes back to the sender stands first: {returned:?}"
    );
    assert_eq!(take(&bank.token).status, 303, "confirmed twice is confirmed once");
    assert_eq!(held(&app, HERE), json!("100.00"));
}

#[test]
fn a_form_that_is_not_ours_puts_nothing_down_and_nobody_sees_anothers_files() {
    let app = App::start();
    let (bank, mall) = (Clerk::new(&app, Role::Bank), Clerk::new(&app, Role::Operator));
    let sheet = format!("{CUSTODY}{HERE},2025-06-20,100.00,否\n");
    for fields in [&[][..], &[("form_token", "forged")], &[("form_token", mall.token.as_str())]] {
        let sent = bank.send(fields, &[("存管余额.csv", &sheet)]);
        assert_eq!(sent.status, 403, "{sent:?}");
    }
    assert!(bank.page("/imports").text.contains("Nothing was handed in yet"));
    let none = bank.send(&[("form_token", &bank.token)], &[("", "")]);
    assert_eq!(none.status, 400, "no file was chosen: {none:?}");
    let path = bank.hand_in(&[("存管余额.csv", &sheet)]).header("location").to_owned();
    bank.done(&path);
    assert_eq!(mall.page(&path).status, 404);
    assert!(!mall.page("/imports").text.contains("存管余额.csv"));
    let taken = app.post(&path).header("cookie", &mall.cookie).html().form(&[("form_token", &mall.token)]).send();
    assert_eq!(taken.status, 404);
    let admin = Clerk::new(&app, Role::Admin);
    let page = admin.page(&path).text;
    assert!(page.contains("Only who handed it in can confirm it") && !page.contains("id=\"take\""), "{page}");
    let taken = app.post(&path).header("cookie", &admin.cookie).html().form(&[("form_token", &admin.token)]).send();
    assert_eq!(taken.status, 403);
    assert_eq!(held(&app, HERE), Value::Null);
}

#[test]
fn several_files_of_one_form_are_each_seen_through_by_themselves() {
    let app = App::start();
    let bank = Clerk::new(&app, Role::Bank);
    let sheet = |held: &str| format!("{CUSTODY}{HERE},2025-06-20,{held},否\n");
    let sent = bank.hand_in(&[("存管-1.csv", &sheet("1.00")), ("存管-2.csv", &sheet("2.00"))]);
    assert_eq!((sent.status, sent.header("location")), (303, "/imports"), "{sent:?}");
    let list = bank.done("/imports");
    assert!(list.contains("存管-1.csv") && list.contains("存管-2.csv"), "{list}");
    let many: Vec<(&str, &str)> = (0..11).map(|_| ("存管.csv", CUSTODY)).collect();
    assert_eq!(bank.hand_in(&many).status, 400);
}

struct Room {
    folder: tempfile::TempDir,
}

impl Room {
    fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }
}

fn hand_in(browser: &Browser, app: &App, file: &Path) {
    browser.goto(&app.address("/imports"));
    browser.keys("#file", file.to_str().unwrap());
    browser.click("#preview");
    browser.find("#confirm");
}

fn confirm(browser: &Browser) {
    browser.click("#take");
    browser.find(".note-good");
}

/// The whole story: a sheet with faults is previewed and taken, another corrects it, the first one's figures come back; the corrected
/// sheet is fetched, mended and handed in.
#[test]
fn a_then_b_then_a_by_sheet_in_the_browser_ends_with_a() {
    let app = App::start();
    let room = Room { folder: tempfile::tempdir().unwrap() };
    let phone = json!({ "mobileEmulation": { "deviceMetrics": { "width": 360, "height": 844, "pixelRatio": 1.0 } } });
    // Each round speaks of days after those of the one before.
    for (width, day, browser) in [(1440, 20, Browser::with(json!({}))), (360, 24, Browser::with(phone))] {
        if width == 1440 {
            browser.post("/window/rect", json!({ "width": 1440, "height": 900 }));
        }
        browser.log_in(&app, Role::Bank);
        let picture = |name: &str| browser.photograph(&format!("{name}-{width}"));
        let figure = |held: &str| {
            let mended = day + 1;
            let faulty =
                format!("{HERE},2025-06-{mended},很多,否\n{HERE},2025-06-99,5,否\n{THERE},2025-06-{day},1.00,否\n");
            format!("{CUSTODY}{HERE},2025-06-{day},{held},否\n{faulty}")
        };
        for (name, amount) in [("A", "100.00"), ("B", "250.00"), ("A-再报", "100.00")] {
            let before = held(&app, HERE);
            hand_in(&browser, &app, &room.file(&format!("{width}-{name}-存管余额.csv"), &figure(amount)));
            assert_eq!(held(&app, HERE), before, "a preview changes nothing");
            picture(&format!("preview-{name}"));
            let widths =
                browser.run("return [document.documentElement.clientWidth, document.documentElement.scrollWidth]");
            assert_eq!(widths[0], widths[1], "nothing to scroll sideways");
            confirm(&browser);
            assert_eq!(held(&app, HERE), json!(amount), "{name}");
        }
        picture("taken");
        let paper = browser.run("return document.querySelector('a[download]').textContent");
        assert_eq!(paper, json!(format!("returned-{width}-A-再报-存管余额.csv")));
        // The corrected sheet, as the page gives it out.
        browser.run(
            "window.paper = null; fetch(document.querySelector('a[download]').href).then(it => it.text()).then(it => window.paper = it)",
        );
        browser.until("return window.paper !== null");
        let returned = browser.run("return window.paper").as_str().unwrap().to_owned();
        let mended = returned.replace("很多", "77.00").replace("2025-06-99", &format!("2025-06-{}", day + 2));
        hand_in(&browser, &app, &room.file(&format!("{width}-改-存管余额.csv"), &mended));
        confirm(&browser);
        assert_eq!(held(&app, HERE), json!("5.00"), "the last of the mended rows");
        browser.goto(&app.address("/imports"));
        picture("list");
    }
}

#[test]
fn a_large_file_shows_how_far_it_has_come() {
    let app = App::start();
    let room = Room { folder: tempfile::tempdir().unwrap() };
    let browser = Browser::open();
    browser.log_in(&app, Role::Bank);
    let rows: String = (0..60_000).map(|row| format!("{HERE},2025-06-{:02},{row}.00,否\n", row % 28 + 1)).collect();
    browser.goto(&app.address("/imports"));
    browser.keys("#file", room.file("存管余额.csv", &format!("{CUSTODY}{rows}")).to_str().unwrap());
    browser.click("#preview");
    browser.find("#take");
    browser.run("window.sameOne = true");
    browser.click("#take");
    // Whether the bar is seen rests on the machine; that the page comes to its end without being asked does not.
    if browser.has("progress") {
        browser.photograph("progress");
    }
    browser.find(".note-good");
}

#[test]
fn sources_are_told_on_a_phone_as_on_a_screen() {
    let app = App::start();
    for day in ["2025-07-07", "2025-07-14", "2025-07-21", "2025-07-28"] {
        app.clock.set(instant(&format!("{day}T02:00:00Z")));
        app.tell(&[
            json!({ "command": "report_custody", "credit_code": HERE, "date": day, "held": "1.00" }),
            json!({ "command": "record_signal", "credit_code": HERE, "mall": "东方广场", "unit": "B1-01", "kind": "rent_arrears", "date": day }),
        ]);
    }
    app.clock.set(instant("2025-08-18T02:00:00Z"));
    app.tell(&[json!({ "command": "record_complaint", "ticket": "1", "channel": "12345", "kind": "refund",
        "received_at": "2025-08-17T01:00:00Z", "credit_code": HERE })]);
    let phone = json!({ "mobileEmulation": { "deviceMetrics": { "width": 360, "height": 844, "pixelRatio": 1.0 } } });
    for (width, browser) in [(1440, Browser::with(json!({}))), (360, Browser::with(phone))] {
        if width == 1440 {
            browser.post("/window/rect", json!({ "width": 1440, "height": 900 }));
        }
        browser.log_in(&app, Role::Admin);
        for (name, path) in [("sources", "/sources".to_owned()), ("merchant", format!("/merchants/{HERE}"))] {
            browser.goto(&app.address(&path));
            assert!(browser.has(".note-warn"));
            let widths =
                browser.run("return [document.documentElement.clientWidth, document.documentElement.scrollWidth]");
            assert_eq!(widths[0], widths[1], "{path}");
            browser.photograph(&format!("{name}-{width}"));
        }
    }
}
