//! Every page, by axe (WCAG 2.2 A and AA, and best practice): on a narrow and a wide screen, light and dark, nothing is found.

use super::app::{App, HERE, encoded};
use super::browser::Browser;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use warnlight::domain::words::Role;
use warnlight::http::routes::TABLE;

/// Where `tests/run` puts it; its licence (MPL-2.0) is not ours, so it is not among our files.
const AXE: &str = "target/axe/axe.min.js";

const CHECK: &str = "const done = arguments[0];
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    axe.run(document, { runOnly: { type: 'tag', values: tags }, resultTypes: ['violations'] }).then(
        found => done(found.violations.map(it => it.id + ': ' + it.nodes.slice(0, 3).map(node => node.html.slice(0, 200)).join(' | '))),
        error => done(['axe: ' + error]));";

/// A browser that is looked at through axe.
struct Inspector {
    browser: Browser,
    axe: String,
    found: Vec<String>,
}

impl Inspector {
    fn open() -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(AXE);
        let axe = fs::read_to_string(&file)
            .unwrap_or_else(|error| panic!("{}: {error}; `bash tests/run` installs it", file.display()));
        Self { browser: Browser::open(), axe, found: Vec::new() }
    }

    fn emulate(&self, command: &str, params: Value) {
        self.browser.post("/goog/cdp/execute", json!({ "cmd": command, "params": params }));
    }

    /// Looks at the page that is open, as it is: in both widths, light and dark.
    fn look(&mut self, name: &str) {
        self.browser.run(&self.axe);
        for width in [360, 1440] {
            let metrics = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false });
            self.emulate("Emulation.setDeviceMetricsOverride", metrics);
            for scheme in ["light", "dark"] {
                let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
                self.emulate("Emulation.setEmulatedMedia", features);
                let found = self.browser.post("/execute/async", json!({ "script": CHECK, "args": [] }));
                let lines = found.as_array().unwrap().iter().map(|line| line.as_str().unwrap());
                self.found.extend(lines.map(|line| format!("{name} {width} {scheme}: {line}")));
            }
        }
    }

    fn visit(&mut self, app: &App, path: &str) {
        self.browser.goto(&app.address(path));
        self.look(path);
    }

    fn enter(&mut self, app: &App, role: Role) {
        self.browser.goto(&app.address("/login?lang=zh-CN&next=%2Ftoday"));
        self.browser.post("/cookie", json!({ "cookie": { "name": "warnlight_lang", "value": "zh-CN" } }));
        let cookie = app.log_in(role);
        let (name, value) = cookie.split_once('=').unwrap();
        self.browser.post("/cookie", json!({ "cookie": { "name": name, "value": value, "httpOnly": true } }));
    }

    fn nothing_found(&mut self) {
        let found = std::mem::take(&mut self.found);
        assert!(found.is_empty(), "{} findings:\n{}", found.len(), found.join("\n"));
    }
}

/// A district with something on every page.
fn busy() -> App {
    let app = App::with(&[("WARNLIGHT__PUBLIC__SHOWS", "filing,custody,exits")]);
    app.tell(&[
        json!({ "command": "assign_sector", "credit_code": HERE, "sector": "commerce", "effective_on": "2025-01-01" }),
        json!({ "command": "report_balance", "credit_code": HERE, "date": "2025-03-31", "outstanding": "900000.00" }),
        json!({ "command": "record_complaint", "credit_code": HERE, "ticket": "GD-1", "channel": "12345", "kind": "refund",
            "received_at": "2025-06-29T01:00:00Z", "due_at": "2025-06-30T01:00:00Z", "amount": "300.00" }),
        json!({ "command": "record_unattributed", "ticket": "GD-2", "channel": "12345", "kind": "refund",
            "received_at": "2025-06-29T01:00:00Z", "name": "海淀健身" }),
        json!({ "command": "make_statement", "kind": "reply", "credit_code": HERE, "text": "已退费" }),
    ]);
    app.alarm();
    app
}

/// Returns the pages that a role comes to, with something in each.
fn pages(app: &App, role: Role) -> Vec<String> {
    let first = |path: &str, name: &str| {
        let list = app.get(path).role(Role::Admin).ok().json();
        list["items"][0][name].as_str().unwrap_or_default().to_owned()
    };
    let (alert, mail) = (first("/api/v1/cases", "alert"), first("/api/v1/mails", "mail"));
    let has = |route: &&warnlight::http::routes::Route| {
        route.method == "GET"
            && route.answer == "text/html"
            && route.right.is_some_and(|right| right.roles.contains(&role))
    };
    let paths = TABLE.iter().filter(has).map(|route| {
        let path = route.path.replace("{credit_code}", HERE).replace("{alert}", &alert).replace("{mail}", &mail);
        path.replace("{kind}", "warning_letter")
    });
    let sheet = format!("credit_code={HERE}&mall={}&unit=B1-01", encoded("东方广场"));
    // Papers and files that nobody handed in have no page; their states are drawn elsewhere.
    let mut paths: Vec<String> = paths.filter(|path| !path.contains('{')).collect();
    for path in &mut paths {
        match path.as_str() {
            "/mall/sheet" => path.push_str(&format!("?{sheet}")),
            path_of_acts if path_of_acts.ends_with("/acts") => path.push_str("?act=tenancy"),
            _ => {}
        }
    }
    paths
}

#[test]
fn the_inspector_sees_what_is_wrong() {
    let app = App::start();
    let mut inspector = Inspector::open();
    inspector.browser.goto(&app.address("/problems"));
    inspector.browser.run("document.querySelector('main').append(document.createElement('input'))");
    inspector.browser.run("document.querySelector('main p, main td').style.color = '#888'");
    inspector.look("planted");
    let found = std::mem::take(&mut inspector.found).join("\n");
    assert!(found.contains("label") && found.contains("color-contrast"), "{found}");
    assert!(found.contains("planted 360 dark") && found.contains("planted 1440 light"), "{found}");
}

#[test]
fn axe_finds_nothing_on_any_page_of_the_offices() {
    let app = busy();
    let mut inspector = Inspector::open();
    for role in [Role::Admin, Role::Regulator] {
        inspector.enter(&app, role);
        let all = pages(&app, role);
        for path in all.iter().filter(|path| role == Role::Admin || ["/today", "/cases"].contains(&path.as_str())) {
            inspector.visit(&app, path);
        }
    }
    for path in [
        "/?grid=true",
        "/?q=nothing",
        "/?at=2025-06-01",
        "/cases?ended=true",
        &format!("/merchants/{HERE}/acts?act=check_done"),
    ] {
        inspector.visit(&app, path);
    }
    inspector.nothing_found();
}

#[test]
fn axe_finds_nothing_on_any_page_of_malls_banks_merchants_and_everybody() {
    let app = busy();
    let mut inspector = Inspector::open();
    for path in [
        "/login",
        "/shop",
        &format!("/shop?q={}", encoded("海淀")),
        &format!("/shop/{HERE}"),
        &format!("/shop/{HERE}/sign"),
        &format!("/shop/mall?name={}", encoded("东方广场")),
        "/shop/nothing",
        "/problems",
        "/nowhere",
    ] {
        inspector.visit(&app, path);
    }
    for role in [Role::Operator, Role::Bank, Role::Merchant] {
        inspector.enter(&app, role);
        for path in pages(&app, role) {
            inspector.visit(&app, &path);
        }
    }
    inspector.nothing_found();
}

#[test]
fn axe_finds_nothing_on_forms_that_were_refused_and_on_empty_pages() {
    let app = busy();
    let mut inspector = Inspector::open();
    inspector.enter(&app, Role::Operator);
    inspector.browser.goto(&app.address("/mall"));
    inspector.browser.keys("#credit_code", "91I");
    inspector.browser.run("document.getElementById('planned_on').value = '2025-12-31'");
    inspector.browser.click("#post-it");
    inspector.browser.find("[data-summary]");
    inspector.look("/mall refused");
    inspector.enter(&app, Role::Admin);
    inspector.browser.goto(&app.address(&format!("/merchants/{HERE}/acts?act=custody")));
    // The browser itself would not send it.
    inspector.browser.run("document.querySelector('form.fields').noValidate = true");
    inspector.browser.keys("#held", "x");
    inspector.browser.click("form.fields button");
    inspector.browser.find("[data-summary]");
    inspector.look("/acts refused");
    inspector.browser.goto(&app.address("/login"));
    inspector.browser.keys("#key", "wl_nonsense");
    inspector.browser.click("main button");
    inspector.browser.find("[role=alert]");
    inspector.look("/login refused");
    let empty = App::start();
    for role in [Role::Admin, Role::Bank] {
        inspector.enter(&empty, role);
        for path in ["/today", "/", "/cases", "/mall", "/imports", "/sources", "/unattributed", "/accounts"] {
            inspector.visit(&empty, path);
        }
    }
    inspector.nothing_found();
}
