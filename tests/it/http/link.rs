//! The link in a mail: its recipient acknowledges by it without log-in, once; nobody else does, and opening it is no acknowledgement.

use super::app::{App, HERE, Reply, THERE};
use super::browser::Browser;
use crate::mail::server::{Message, Server};
use serde_json::{Value, json};
use warnlight::domain::words::Role;

const SECRET: (&str, &str) = ("WARNLIGHT__SESSION__SECRET", "0123456789abcdef0123456789abcdef");
const ADDRESS: (&str, &str) = ("WARNLIGHT__HTTP__PUBLIC_URL", "https://warnlight.example.org");

/// The service with a real mail server that takes everything.
fn served(more: &[(&str, &str)]) -> (App, Server) {
    let server = Server::start(&json!({}));
    let port = server.port.to_string();
    let mut settings = vec![
        ("WARNLIGHT__MAIL__FROM", "warnlight@example.org"),
        ("WARNLIGHT__MAIL__SMTP__HOST", "127.0.0.1"),
        ("WARNLIGHT__MAIL__SMTP__PORT", &port),
        ("WARNLIGHT__MAIL__SMTP__TLS", "none"),
    ];
    settings.extend(more);
    (App::with(&settings), server)
}

/// A folder with the policies that are built in, and another list of recipients.
fn policies_with_recipients(list: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let policies = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    for file in std::fs::read_dir(policies).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file()) {
        std::fs::copy(&file, folder.path().join(file.file_name().unwrap())).unwrap();
    }
    std::fs::write(folder.path().join("recipients.toml"), list).unwrap();
    folder
}

/// Path of the link in a mail.
fn link(message: &Message) -> Option<String> {
    let mut links = message.parts.iter().map(|part| {
        let text = part.text.replace("&#x2f;", "/");
        let (_, behind) = text.split_once("https://warnlight.example.org/m/")?;
        let is_of_token = |letter: &char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
        Some(format!("/m/{}", behind.chars().take_while(is_of_token).collect::<String>()))
    });
    let first = links.next()?;
    assert!(links.all(|other| other == first), "plain text and HTML have one link");
    first
}

/// The service after an alarm, whose mail was taken, and the link in that.
fn alarmed() -> (App, Server, String) {
    let (app, server) = served(&[SECRET, ADDRESS]);
    app.alarm();
    let message = server.next_message();
    assert_eq!(message.recipients, ["sport.haidian@example.gov.invalid"]);
    let link = link(&message).expect("the mail has a link");
    app.until("/api/v1/mails", |reply| reply.json()["items"][0]["tally"]["accepted"] == 1);
    (app, server, link)
}

fn mail(app: &App) -> Value {
    app.get("/api/v1/mails").role(Role::Admin).ok().json()["items"][0].clone()
}

fn case(app: &App) -> Value {
    app.get("/api/v1/cases").role(Role::Admin).ok().json()["items"][0].clone()
}

/// What the page says it showed, as its form has it.
fn seen(page: &str) -> String {
    let (_, rest) = page.split_once("name=\"seen\" value=\"").expect("the page has a button");
    rest.split_once('"').unwrap().0.to_owned()
}

/// Opens the page and presses its button.
fn press(app: &App, link: &str) -> Reply {
    let page = app.get(link).html().ok().text;
    app.post(link).html().form(&[("seen", &seen(&page))]).send()
}

/// Every event of the log, as it is stored.
fn whole_log(app: &App) -> String {
    let positions = 1..=app.desk.log().head();
    let events = positions.filter_map(|position| app.desk.log().event_at(position).unwrap());
    events
        .map(|recorded| format!("{} {} {}\n", recorded.event.event_type, recorded.event.actor, recorded.event.data))
        .collect()
}

#[test]
fn whoever_has_the_mail_acknowledges_without_log_in_and_once() {
    let (app, _server, link) = alarmed();
    let before = app.desk.log().head();
    // Programs look ahead.
    assert_eq!(app.ask("HEAD", &link).html().send().status, 200);
    for name in ["purpose", "sec-purpose", "x-moz"] {
        app.get(&link).html().header(name, "prefetch;prerender").ok();
    }
    assert_eq!(app.desk.log().head(), before, "looking ahead is not opening");

    let page = app.get(&link).html().ok();
    for part in ["海淀&lt;健身&gt;", HERE, "确认签收", "撤店公示不足30日", "海淀区体育局"] {
        assert!(page.text.contains(part), "{part}: {}", page.text);
    }
    assert!(!page.text.contains("href=\"/cases") && !page.text.contains("href=\"/merchants"), "{}", page.text);
    assert_eq!(page.header("cache-control"), "no-store");
    let duty = case(&app)["duties"][0].clone();
    assert!(page.text.contains(duty["zh"].as_str().unwrap()), "{}", page.text);
    // A scanner did as much: it is evidence, and no acknowledgement.
    app.until("/api/v1/mails", |reply| !reply.json()["items"][0]["recipients"][0]["opened_at"].is_null());
    assert_eq!(mail(&app)["tally"]["acknowledged"], 0);
    assert!(case(&app)["acknowledged_at"].is_null());
    let head = app.desk.log().head();
    app.get(&link).html().ok();
    assert_eq!(app.desk.log().head(), head, "opened once");

    let english = app.get(&format!("{link}?lang=en")).html().ok().text;
    assert!(english.contains("I acknowledge it"), "{english}");
    let reply = press(&app, &link);
    assert_eq!((reply.status, reply.header("location")), (303, link.as_str()), "{reply:?}");
    let done = app.until("/api/v1/mails", |reply| reply.json()["items"][0]["tally"]["acknowledged"] == 1).json();
    assert_eq!(done["items"][0]["tally"]["accepted"], 0);
    assert_eq!(done["items"][0]["recipients"][0]["state"], "acknowledged");
    assert!(case(&app)["acknowledged_at"].is_string(), "the case, too");
    let page = app.get(&link).html().ok().text;
    assert!(page.contains("已签收") && !page.contains("确认签收"), "{page}");
    let log = whole_log(&app);
    assert!(
        log.contains("alert.acknowledged 海淀区体育局 <sport.haidian@example.gov.invalid>"),
        "as that person: {log}"
    );
    assert!(!log.contains(link.strip_prefix("/m/").unwrap()), "the link is not in the log");

    // Used: nothing more comes of it, also where somebody took the acknowledgement back.
    let alert = case(&app)["alert"].clone();
    app.tell(&[json!({ "command": "handle_case", "credit_code": HERE, "alert": alert, "action": "unacknowledge" })]);
    let before = app.desk.log().head();
    for _ in 0..2 {
        assert_eq!(app.post(&link).html().form(&[("seen", "")]).send().status, 303);
        app.get(&link).html().ok();
    }
    assert_eq!(app.desk.log().head(), before);
    assert!(case(&app)["acknowledged_at"].is_null());
}

#[test]
fn a_link_is_one_persons_and_nobody_makes_another() {
    let two = ["a", "b"].map(|name| {
        format!("[[recipient]]\nsector = \"*\"\noffice = {{ zh = \"甲局\", en = \"A\" }}\naddress = \"{name}@example.org\"\nlanguage = \"zh-CN\"\nfrom = \"2024-01-01\"\n")
    });
    let folder = policies_with_recipients(&two.concat());
    let dir = ("WARNLIGHT__POLICIES__DIR", folder.path().to_str().unwrap());
    let (app, server) = served(&[SECRET, ADDRESS, dir]);
    app.alarm();
    let mut links = [server.next_message(), server.next_message()]
        .map(|message| (message.recipients[0].clone(), link(&message).unwrap()));
    links.sort();
    let [(_, of_a), (_, of_b)] = links;
    assert_ne!(of_a, of_b);
    app.until("/api/v1/mails", |reply| reply.json()["items"][0]["tally"]["accepted"] == 2);
    let before = app.desk.log().head();
    let token = of_a.strip_prefix("/m/").unwrap();
    let other = if token.ends_with('A') { "Q" } else { "A" };
    let forged = [
        format!("{}{other}", token.get(..token.len() - 1).unwrap()),
        token.get(..22).unwrap().to_owned(),
        format!("{}{}", token.get(..22).unwrap(), "A".repeat(token.len() - 22)),
        format!("{token}AAAA"),
        "AAAA".to_owned(),
        mail(&app)["mail"].as_str().unwrap().to_owned(),
    ];
    for token in &forged {
        let path = format!("/m/{token}");
        assert_eq!(app.get(&path).html().send().status, 404, "{path}");
        assert_eq!(app.post(&path).html().form(&[]).send().status, 404, "{path}");
    }
    // Another site's page cannot press it.
    let foreign = app.post(&of_a).html().header("sec-fetch-site", "cross-site").form(&[]).send();
    assert_eq!(foreign.status, 403, "{foreign:?}");
    // Those who may read the mail record do not get the link with it: else they could acknowledge for others.
    let id = mail(&app)["mail"].as_str().unwrap().to_owned();
    let letter = app.get(&format!("/mails/{id}?to=a%40example.org")).role(Role::Admin).html().ok();
    assert!(letter.text.contains("证据与处置") && !letter.text.contains("/m/"), "{}", letter.text);
    assert_eq!(app.desk.log().head(), before, "nothing was recorded");

    assert_eq!(press(&app, &of_a).status, 303);
    app.until("/api/v1/mails", |reply| reply.json()["items"][0]["tally"]["acknowledged"] == 1);
    let page = app.get(&of_b).html().ok().text;
    assert!(page.contains("确认签收"), "the other's is unused: {page}");
    assert_eq!(press(&app, &of_b).status, 303);
    app.until("/api/v1/mails", |reply| reply.json()["items"][0]["tally"]["acknowledged"] == 2);
}

#[test]
fn a_link_ends_and_tells_nothing_then() {
    let (app, _server, link) = alarmed();
    let page = app.get(&link).html().ok().text;
    let head = app.desk.log().head();
    app.clock.set("2025-07-30T10:00:00Z".parse().unwrap());
    app.desk.settle().unwrap();
    let events = |app: &App| {
        whole_log(app).lines().filter(|line| line.starts_with("mail.link") || line.starts_with("mail.ack")).count()
    };
    let before = events(&app);
    let late = app.get(&link).html().ok().text;
    assert!(late.contains("链接已过期") && !late.contains("确认签收") && !late.contains(HERE), "{late}");
    assert_eq!(app.post(&link).html().form(&[("seen", &seen(&page))]).send().status, 410);
    assert!(head > 0 && events(&app) == before, "nothing was recorded");
    assert_eq!(mail(&app)["tally"]["acknowledged"], 0);
}

#[test]
fn what_is_acknowledged_is_what_the_page_showed() {
    let (app, _server, link) = alarmed();
    let page = app.get(&link).html().ok().text;
    let today = warnlight::domain::time::day_of(app.desk.now()).to_string();
    app.tell(&[json!({ "command": "record_listing", "credit_code": HERE, "list": "serious", "entered_on": today })]);
    assert_eq!(case(&app)["worst"], "red", "{}", case(&app));
    let reply = app.post(&link).html().form(&[("seen", &seen(&page))]).send();
    assert_eq!(reply.status, 409, "{reply:?}");
    assert!(reply.text.contains("亮灯情况有变化") && reply.text.contains("列入严重违法失信名单"), "{}", reply.text);
    assert!(case(&app)["acknowledged_at"].is_null(), "{}", case(&app));
    assert_eq!(app.post(&link).html().form(&[("seen", &seen(&reply.text))]).send().status, 303);
    assert!(case(&app)["acknowledged_at"].is_string(), "{}", case(&app));
}

#[test]
fn one_address_looks_so_often_and_no_more() {
    let (app, _server) = served(&[SECRET, ADDRESS, ("WARNLIGHT__PUBLIC__PER_MINUTE", "3")]);
    let guess =
        |number: u32| app.get(&format!("/m/{number}")).html().header("x-forwarded-for", "192.0.2.7").send().status;
    assert_eq!([guess(1), guess(2), guess(3), guess(4)], [404, 404, 404, 429]);
    let other = app.post("/m/x").html().header("x-forwarded-for", "192.0.2.8").form(&[]).send();
    assert_eq!(other.status, 404, "others are not kept waiting");
}

#[test]
fn without_a_secret_or_an_address_that_stands_no_link_is_written() {
    for settings in [&[SECRET][..], &[ADDRESS][..]] {
        let (app, server) = served(settings);
        app.alarm();
        let message = server.next_message();
        assert!(message.parts.iter().all(|part| !part.text.contains("/m/")), "{settings:?}: {message:?}");
    }
}

#[test]
fn on_a_telephone_the_button_is_pressed_and_the_page_says_so() {
    let (app, _server, link) = alarmed();
    let telephone =
        json!({ "mobileEmulation": { "deviceMetrics": { "width": 360, "height": 780, "pixelRatio": 1.0 } } });
    let browser = Browser::with(telephone);
    for lang in ["zh-CN", "en"] {
        browser.goto(&app.address(&format!("{link}?lang={lang}")));
        browser.photograph(&format!("link-{lang}"));
        assert_eq!(browser.run("return document.documentElement.scrollWidth > innerWidth"), json!(false), "{lang}");
        let button = browser.run("const it = document.querySelector('main button').getBoundingClientRect(); return it.height >= 40 && it.bottom <= innerHeight");
        assert_eq!(button, json!(true), "a thumb finds it without scrolling: {lang}");
    }
    browser.click("main button");
    browser.find(".note-good");
    assert!(!browser.has("main form"));
    browser.photograph("link-done");
    assert!(case(&app)["acknowledged_at"].is_string());
}

#[test]
fn a_digest_comes_with_its_list_and_one_button_acknowledges_what_it_tells() {
    let folder = policies_with_recipients(
        "[digest]\nat = [\"09:00\"]\nshare_minutes = 10\ntogether = 3\n\n[[recipient]]\nsector = \"*\"\noffice = { zh = \"甲局\", en = \"A\" }\naddress = \"a@example.org\"\nlanguage = \"zh-CN\"\nfrom = \"2024-01-01\"\n",
    );
    let dir = ("WARNLIGHT__POLICIES__DIR", folder.path().to_str().unwrap());
    let (app, server) = served(&[SECRET, ADDRESS, dir]);
    app.alarm();
    app.tell(&[
        json!({ "command": "record_exit", "credit_code": THERE, "mall": "西单大悦城", "unit": "2-02", "action": "post",
        "date": "2025-06-30", "planned_on": "2025-07-15" }),
    ]);
    let waiting = app.get("/api/v1/mails?state=gathered").role(Role::Admin).ok().json();
    assert_eq!(waiting["items"].as_array().unwrap().len(), 2, "{waiting}");
    app.clock.set("2025-07-01T01:01:00Z".parse().unwrap());
    app.desk.settle().unwrap();
    let message = server.next_message();
    assert!(message.headers["subject"].contains("2 家商户有变化"), "{:?}", message.headers);
    assert!(message.headers["content-type"].starts_with("multipart/mixed"), "{:?}", message.headers);
    let link = link(&message).expect("a digest has a link");
    app.until("/api/v1/mails", |reply| reply.json()["items"][0]["tally"]["accepted"] == 1);
    let page = app.get(&link).html().ok().text;
    assert!(page.contains("海淀&lt;健身&gt;") && page.contains(THERE), "{page}");
    assert_eq!(press(&app, &link).status, 303);
    let cases = app.get("/api/v1/cases").role(Role::Admin).ok().json();
    assert!(cases["items"].as_array().unwrap().iter().all(|case| case["acknowledged_at"].is_string()), "{cases}");
    // A digest is read by those who see all that it tells of.
    let id = mail(&app)["mail"].as_str().unwrap().to_owned();
    let letter = |role| app.get(&format!("/mails/{id}?to=a%40example.org")).role(role).html().send().status;
    assert_eq!([letter(Role::Admin), letter(Role::Lead), letter(Role::Regulator)], [200, 404, 404]);
    let seen = |role| app.get("/api/v1/mails").role(role).ok().text.contains(THERE);
    assert_eq!([seen(Role::Admin), seen(Role::Lead)], [true, false]);
    let events = app.get("/api/v1/events?limit=500").role(Role::Lead).send().text;
    assert!(!events.contains(THERE), "nor in the log");
    app.get("/mails").role(Role::Admin).html().ok();
    app.get(&format!("/merchants/{HERE}")).role(Role::Lead).html().ok();
}
