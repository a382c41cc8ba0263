//! What only a browser can tell: live updates, keyboard, narrow screens, contrast.

use super::app::{App, HERE};
use base64::Engine as _;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use warnlight::domain::words::Role;

/// Longest wait for something that must come.
const PATIENCE: Duration = Duration::from_secs(120);

/// One browser, spoken to in the WebDriver protocol (W3C) over its driver, ended when it is dropped.
pub(super) struct Browser {
    driver: Child,
    agent: ureq::Agent,
    session: String,
}

impl Browser {
    pub(super) fn open() -> Self {
        Self::with(json!({}))
    }

    pub(super) fn with(more: Value) -> Self {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .spawn()
            .expect("`chromedriver` is needed; `bash tests/run` installs it");
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines().map_while(Result::ok);
        let told =
            lines.by_ref().find_map(|line| line.split_once("successfully on port ").map(|(_, port)| port.to_owned()));
        let port = told.expect("chromedriver tells its port").trim_end_matches('.').to_owned();
        // Read on, or the driver would wait for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        let mut options = json!({ "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            "--window-size=1360,900"] });
        for (key, value) in more.as_object().unwrap() {
            options[key] = value.clone();
        }
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            .build()
            .new_agent();
        let mut browser = Self { driver, agent, session: format!("http://127.0.0.1:{port}/session") };
        let session = browser.post("", json!({ "capabilities": { "alwaysMatch": { "goog:chromeOptions": options } } }));
        browser.session = format!("{}/{}", browser.session, session["sessionId"].as_str().unwrap());
        browser
    }

    fn try_post(&self, path: &str, body: &Value) -> Result<Value, Value> {
        let mut reply = self.agent.post(format!("{}{path}", self.session)).send_json(body).unwrap();
        let value = reply.body_mut().read_json::<Value>().unwrap()["value"].clone();
        if reply.status().is_success() { Ok(value) } else { Err(value) }
    }

    pub(super) fn post(&self, path: &str, body: Value) -> Value {
        self.try_post(path, &body).unwrap_or_else(|error| panic!("{path} {body}: {error:#}"))
    }

    pub(super) fn goto(&self, address: &str) {
        self.post("/url", json!({ "url": address }));
    }

    /// Runs a script in the page.
    pub(super) fn run(&self, script: &str) -> Value {
        self.post("/execute/sync", json!({ "script": script, "args": [] }))
    }

    pub(super) fn has(&self, css: &str) -> bool {
        self.try_post("/element", &json!({ "using": "css selector", "value": css })).is_ok()
    }

    /// Waits for an element and returns its path.
    pub(super) fn find(&self, css: &str) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            match self.try_post("/element", &json!({ "using": "css selector", "value": css })) {
                Ok(element) => {
                    let id = element.as_object().unwrap().values().next().unwrap().as_str().unwrap();
                    return format!("/element/{id}");
                }
                // A page can only be asked again; the driver has no signal for it.
                Err(error) => assert!(Instant::now() < until, "`{css}` did not come: {error:#}"),
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub(super) fn keys(&self, css: &str, text: &str) {
        let element = self.find(css);
        self.post(&format!("{element}/value"), json!({ "text": text }));
    }

    /// Presses keys one after the other, wherever the reader is.
    pub(super) fn press(&self, keys: &str) {
        let strokes = keys
            .chars()
            .flat_map(|key| ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": key.to_string() })));
        let actions = json!([{ "type": "key", "id": "keyboard", "actions": strokes.collect::<Vec<_>>() }]);
        self.post("/actions", json!({ "actions": actions }));
    }

    /// Returns what is on the screen, as a picture in PNG.
    pub(super) fn picture(&self) -> Vec<u8> {
        let mut reply = self.agent.get(format!("{}/screenshot", self.session)).call().unwrap();
        let text = reply.body_mut().read_json::<Value>().unwrap()["value"].as_str().unwrap().to_owned();
        base64::engine::general_purpose::STANDARD.decode(text).unwrap()
    }

    pub(super) fn click(&self, css: &str) {
        let element = self.find(css);
        self.post(&format!("{element}/click"), json!({}));
    }

    pub(super) fn text(&self, css: &str) -> String {
        let element = self.find(css);
        let mut reply = self.agent.get(format!("{}{element}/text", self.session)).call().unwrap();
        reply.body_mut().read_json::<Value>().unwrap()["value"].as_str().unwrap().to_owned()
    }

    /// Waits until a script in the page says yes.
    pub(super) fn until(&self, script: &str) {
        let until = Instant::now() + PATIENCE;
        // A page can only be asked again; the driver has no signal for it.
        while self.run(script) != json!(true) {
            assert!(Instant::now() < until, "`{script}` did not come true");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Takes a picture of the page, where the variable names a folder for it: for people to look at.
    pub(super) fn photograph(&self, name: &str) {
        let Some(folder) = std::env::var_os("WARNLIGHT_PICTURES") else { return };
        let height = self.run("return Math.min(4000, document.documentElement.scrollHeight)").as_u64().unwrap();
        let width = self.run("return innerWidth").as_u64().unwrap();
        let shot = json!({ "cmd": "Page.captureScreenshot", "params": { "captureBeyondViewport": true,
            "clip": { "x": 0, "y": 0, "width": width, "height": height, "scale": 1 } } });
        let taken = self.post("/goog/cdp/execute", shot);
        let bytes = base64::engine::general_purpose::STANDARD.decode(taken["data"].as_str().unwrap()).unwrap();
        std::fs::write(std::path::Path::new(&folder).join(format!("{name}.png")), bytes).unwrap();
    }

    pub(super) fn log_in(&self, app: &App, role: Role) {
        self.goto(&app.address("/login?lang=zh-CN&next=%2F"));
        self.keys("#key", app.key_of(role));
        self.click("main button");
        self.find(".tiles");
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Ending the session ends the browser; ending only the driver would leave it behind.
        let _ = self.agent.delete(&self.session).call();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

#[test]
fn an_officer_acknowledges_a_case_takes_it_and_records_an_act_that_closes_its_duty() {
    let app = App::start();
    app.alarm();
    let browser = Browser::open();
    browser.log_in(&app, Role::Regulator);
    browser.click("nav a[href='/cases']");
    assert!(browser.text("tbody tr").contains("约谈"));
    browser.click("tbody tr th a");
    browser.click("form input[value='acknowledge'] ~ button");
    browser.find("form input[value='unacknowledge']");
    browser.click("form input[value='take'] ~ button");
    assert_eq!(browser.text("[data-state='taken']"), "在办");
    // The act that the duty waits for is offered first.
    browser.keys("#act-note", "已约谈负责人");
    browser.click("#act button");
    assert_eq!(browser.text("[data-state='done']"), "已完成");
    assert!(browser.text("#steps ~ ol").contains("已约谈负责人"), "what was found is written down, too");
    browser.keys("#close-note", "已退费");
    browser.click("#close button");
    assert!(browser.text("[data-ended]").contains("已整改"));
}

#[test]
fn a_notice_posted_in_one_browser_lights_up_in_another_without_a_reload() {
    let app = App::start();
    let board = Browser::open();
    board.log_in(&app, Role::Regulator);
    assert_eq!(board.text(".sign:not([hidden]):not(.is-off)"), "实时更新");
    board.run("window.sameOne = true");
    assert!(!board.has(".row-orange"));

    let mall = Browser::open();
    mall.log_in(&app, Role::Operator);
    mall.goto(&app.address("/mall"));
    mall.keys("#credit_code", HERE);
    mall.keys("#unit", "B1-01");
    mall.run("document.getElementById('planned_on').value = '2025-07-15'");
    mall.click("#post-it");
    // At short notice it is confirmed first; nothing is lit by then.
    assert!(mall.text(".note-warn").contains("橙灯"));
    assert_eq!(mall.run("return document.activeElement.classList.contains('note-warn')"), json!(true));
    mall.click(".note-warn button");
    assert_eq!(mall.text(".note-good"), "已记录。");

    assert!(board.text(".row-orange").contains(HERE));
    assert_eq!(board.run("return window.sameOne === true"), json!(true), "the page was not loaded again");
}

#[test]
fn the_keyboard_reaches_the_content_first_and_everything_it_reaches_has_a_name() {
    let app = App::start();
    let browser = Browser::open();
    browser.log_in(&app, Role::Lead);
    for path in ["/", "/mall", "/mails"] {
        browser.goto(&app.address(path));
        browser.keys("body", "\u{E004}");
        assert_eq!(browser.run("return document.activeElement.className"), json!("skip"), "{path}");
        let seen = browser.run("return document.activeElement.getBoundingClientRect().left >= 0");
        assert_eq!(seen, json!(true), "the link to the content shows itself when it is reached");
        let nameless = browser.run(
            "return [...document.querySelectorAll('a, button, input:not([type=hidden]), select, textarea')]
                .filter(it => !(it.textContent.trim() || it.labels?.length || it.getAttribute('aria-label')))
                .map(it => it.outerHTML)",
        );
        assert_eq!(nameless, json!([]), "{path}");
    }
}

#[test]
fn a_narrow_screen_needs_no_sideways_scrolling() {
    let app = App::start();
    app.tell(&[
        json!({ "command": "record_exit", "credit_code": HERE, "mall": "东方广场", "unit": "B1-01",
        "action": "post", "date": "2025-06-20", "planned_on": "2025-07-10" }),
        json!({ "command": "report_balance", "credit_code": HERE, "date": "2025-03-31", "outstanding": "98765432.10",
            "revenue_last_year": "1.00" }),
        json!({ "command": "register_merchant", "credit_code": HERE,
            "name": "Donaudampfschifffahrtselektrizitaetenhauptbetriebswerkbauunterbeamtengesellschaft" }),
    ]);
    let phone = json!({ "width": 360, "height": 844, "pixelRatio": 1.0 });
    let browser = Browser::with(json!({ "mobileEmulation": { "deviceMetrics": phone } }));
    browser.log_in(&app, Role::Lead);
    let merchant = format!("/merchants/{HERE}");
    let english = ["/?lang=en", "/mall", "/mails", &merchant];
    for path in ["/", "/mall", "/mails", "/problems", &merchant].into_iter().chain(english) {
        browser.goto(&app.address(path));
        let widths = browser.run("return [innerWidth, document.documentElement.scrollWidth]");
        assert_eq!(widths, json!([360, 360]), "{path}");
        // Nothing is cut off in its card, and the head of a card is as wide as the card lets it be.
        let cut = browser.run(
            "return [...document.querySelectorAll('.cards td, .cards th')].filter(cell => cell.scrollWidth > cell.clientWidth)\
             .map(cell => cell.textContent.trim())",
        );
        assert_eq!(cut, json!([]), "{path}");
        let narrow = browser.run(
            "return [...document.querySelectorAll('.cards tbody th')].filter(head => head.clientWidth < 280).length",
        );
        assert_eq!(narrow, json!(0), "{path}");
    }
}

/// Returns every text whose contrast with what is behind it is below WCAG AA.
pub(super) const PALE: &str = r"
    const channel = value => { value /= 255; return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4; };
    const parse = colour => colour.match(/[\d.]+/g).map(Number);
    const bright = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
    const behind = element => {
        for (; element; element = element.parentElement) {
            const colour = parse(getComputedStyle(element).backgroundColor);
            if (colour.length === 3 || colour[3] === 1) return colour;
        }
        return [255, 255, 255];
    };
    const pale = [];
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        const element = texts.currentNode.parentElement;
        if (!texts.currentNode.textContent.trim() || !element.getClientRects().length) continue;
        const style = getComputedStyle(element);
        const [one, two] = [bright(parse(style.color)), bright(behind(element))].sort((a, b) => b - a);
        const ratio = (one + 0.05) / (two + 0.05);
        const size = parseFloat(style.fontSize);
        const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
        if (ratio < (large ? 3 : 4.5)) pale.push(texts.currentNode.textContent.trim() + ' ' + ratio.toFixed(2));
    }
    return pale;";

#[test]
fn every_text_stands_out_from_what_is_behind_it() {
    let app = App::start();
    app.tell(&[
        json!({ "command": "record_exit", "credit_code": HERE, "mall": "东方广场", "unit": "B1-01", "action": "post",
            "date": "2025-06-20", "planned_on": "2025-07-10" }),
        json!({ "command": "report_balance", "credit_code": HERE, "date": "2025-03-31", "outstanding": "900000.00" }),
    ]);
    let browser = Browser::open();
    browser.goto(&app.address("/login"));
    assert_eq!(browser.run(PALE), json!([]));
    let painted = browser.run("return getComputedStyle(document.querySelector('.head')).backgroundColor");
    assert_eq!(painted, json!("rgb(11, 53, 86)"), "the style sheet is let through");
    browser.log_in(&app, Role::Lead);
    for path in ["/", "/mall", "/mails", "/problems", "/nowhere", &format!("/merchants/{HERE}")] {
        browser.goto(&app.address(path));
        assert_eq!(browser.run(PALE), json!([]), "{path}");
    }
}

#[test]
fn a_filter_waits_for_its_button() {
    let app = App::start();
    let browser = Browser::open();
    browser.log_in(&app, Role::Lead);
    browser.run("window.sameOne = true");
    browser.keys("#light", "\u{E015}");
    assert_eq!(browser.run("return document.getElementById('light').value"), json!("red"));
    // Were the form sent by the key, the page would be another one before the driver runs this.
    let still = "return [window.sameOne === true, document.activeElement.id, location.search]";
    assert_eq!(browser.run(still), json!([true, "light", ""]));
    browser.click(".filter button");
    browser.find(".tile-red[aria-current]");
}

#[test]
fn a_refused_form_takes_the_reader_to_what_is_wrong() {
    let app = App::start();
    let browser = Browser::open();
    browser.log_in(&app, Role::Operator);
    browser.goto(&app.address("/mall"));
    browser.keys("#credit_code", "91I");
    browser.run("document.getElementById('planned_on').value = '2025-12-31'");
    browser.click("#post-it");
    browser.find("[data-summary]");
    assert_eq!(browser.run("return document.activeElement.hasAttribute('data-summary')"), json!(true));
    browser.click("[data-summary] a");
    assert_eq!(browser.run("return document.activeElement.id"), json!("credit_code"));
}
