//! Letters of offices: drawn up, changed by hand, issued, printed; and whose they are.

use super::app::{App, HERE, Reply, THERE};
use serde_json::json;
use std::io::{Cursor, Read as _};
use warnlight::domain::words::Role;

fn send(app: &App, cookie: &str, code: &str, kind: &str, pairs: &[(&str, &str)]) -> Reply {
    let token = app.token(cookie);
    let pairs: Vec<(&str, &str)> = pairs.iter().copied().chain([("form_token", token.as_str())]).collect();
    app.post(&format!("/merchants/{code}/drafts/{kind}")).header("cookie", cookie).html().form(&pairs).send()
}

fn page(app: &App, cookie: &str, path: &str) -> Reply {
    app.get(path).header("cookie", cookie).html().send()
}

const LETTER: [(&str, &str); 6] = [
    ("number", "海体警〔2025〕7号"),
    ("date", "2025-06-20"),
    ("office", "海淀区体育局"),
    ("title", "警示信"),
    ("to", "某健身公司"),
    ("paragraphs", "你单位\r\n\r\n请<自查>。"),
];

fn with<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let kept = LETTER.iter().filter(|(name, _)| more.iter().all(|(other, _)| other != name));
    kept.chain(more).copied().collect()
}

#[test]
fn a_letter_is_drawn_up_from_the_light_issued_once_and_stays_as_it_was() {
    let app = App::start();
    let cookie = app.log_in(Role::Regulator);
    app.tell(&[
        json!({ "command": "record_listing", "credit_code": HERE, "list": "serious", "entered_on": "2025-06-01" }),
    ]);
    let drawn = page(&app, &cookie, &format!("/merchants/{HERE}/drafts/warning_letter")).text;
    // Without a due date the paragraph about it is left out; the reason comes with its clause.
    assert!(drawn.contains(HERE) && drawn.contains("依据：") && !drawn.contains("书面报送"), "{drawn}");
    let filled = with(&[("action", "fill"), ("due_on", "2025-07-01"), ("paragraphs", "")]);
    let again = send(&app, &cookie, HERE, "warning_letter", &filled).text;
    assert!(again.contains("2025年7月1日前将处理情况书面报送") && again.contains("海体警〔2025〕7号"), "{again}");

    let issue = with(&[("action", "issue")]);
    let issued = send(&app, &cookie, HERE, "warning_letter", &issue);
    assert_eq!(issued.status, 303, "{}", issued.text);
    let place = issued.header("location").to_owned();
    // Sent again it is the same letter, and the act stands once.
    assert_eq!(send(&app, &cookie, HERE, "warning_letter", &issue).header("location"), place);
    let timeline = app.get(&format!("/api/v1/merchants/{HERE}/timeline")).role(Role::Admin).ok().text;
    for event in ["enforcement.document_issued", "enforcement.warning_letter_issued"] {
        assert_eq!(
            timeline.matches(&format!("\"type\":\"cn.warnlight.{event}.v1\"")).count(),
            1,
            "{event}: {timeline}"
        );
    }
    let letter = page(&app, &cookie, &place).text;
    assert!(letter.contains("请&lt;自查&gt;。") && letter.contains("2025年6月20日"), "{letter}");
    let merchant = page(&app, &cookie, &format!("/merchants/{HERE}")).text;
    assert!(merchant.contains(&place), "{merchant}");
    let mut docx = Vec::new();
    let mut file = app.get(&format!("{place}/docx")).header("cookie", &cookie).open();
    file.body_mut().as_reader().read_to_end(&mut docx).unwrap();
    let mut archive = zip::ZipArchive::new(Cursor::new(docx)).unwrap();
    let mut text = String::new();
    archive.by_name("word/document.xml").unwrap().read_to_string(&mut text).unwrap();
    assert!(text.contains("海淀区体育局") && text.contains("请&lt;自查&gt;。"), "{text}");
}

#[test]
fn what_is_wrong_with_a_letter_is_said_and_what_was_typed_stays() {
    let app = App::start();
    let cookie = app.log_in(Role::Regulator);
    send(&app, &cookie, HERE, "warning_letter", &with(&[("action", "issue")]));
    let other = with(&[("action", "issue"), ("paragraphs", "另一封")]);
    let refused = send(&app, &cookie, HERE, "warning_letter", &other);
    assert_eq!(refused.status, 422);
    assert!(refused.text.contains("另一封") && refused.text.contains("文号"), "{}", refused.text);
    let no_due = with(&[("action", "issue"), ("number", "改1号")]);
    let refused = send(&app, &cookie, HERE, "rectification_order", &no_due);
    assert!(refused.status == 422 && refused.text.contains("改1号"), "{}", refused.text);
    for (kind, status) in [("love_letter", 404), ("talk_notice", 200)] {
        assert_eq!(page(&app, &cookie, &format!("/merchants/{HERE}/drafts/{kind}")).status, status, "{kind}");
    }
}

#[test]
fn letters_are_for_the_offices_in_charge() {
    let app = App::start();
    let ours = app.log_in(Role::Regulator);
    let issue = with(&[("action", "issue")]);
    let place = send(&app, &ours, HERE, "warning_letter", &issue).header("location").to_owned();
    for role in [Role::Operator, Role::Bank] {
        let theirs = app.log_in(role);
        for path in [place.clone(), format!("{place}/docx"), format!("/merchants/{HERE}/drafts/warning_letter")] {
            assert_eq!(page(&app, &theirs, &path).status, 403, "{role} {path}");
        }
        assert_eq!(send(&app, &theirs, HERE, "warning_letter", &issue).status, 403, "{role}");
        assert!(!page(&app, &theirs, &format!("/merchants/{HERE}")).text.contains("/letters/"), "{role}");
    }
    assert_eq!(page(&app, &ours, &format!("/merchants/{THERE}/drafts/warning_letter")).status, 404);
    assert_eq!(send(&app, &ours, THERE, "warning_letter", &issue).status, 404);
    // A letter belongs to its merchant.
    let elsewhere = place.replace(HERE, THERE);
    assert_eq!(page(&app, &app.log_in(Role::Admin), &elsewhere).status, 404);
}

#[test]
fn a_letter_about_a_merchant_out_of_scope_is_not_there() {
    let app = App::start();
    let (admin, ours) = (app.log_in(Role::Admin), app.log_in(Role::Regulator));
    let issue = with(&[("action", "issue")]);
    let place = send(&app, &admin, THERE, "warning_letter", &issue).header("location").to_owned();
    for path in [place.clone(), format!("{place}/docx")] {
        assert_eq!(page(&app, &admin, &path).status, 200, "{path}");
        assert_eq!(page(&app, &ours, &path).status, 404, "{path}");
    }
}

#[test]
fn the_newest_letter_of_a_merchant_stands_first() {
    let app = App::start();
    let cookie = app.log_in(Role::Regulator);
    let places = ["1号", "2号"].map(|number| {
        let issue = with(&[("action", "issue"), ("number", number)]);
        send(&app, &cookie, HERE, "warning_letter", &issue).header("location").to_owned()
    });
    let merchant = page(&app, &cookie, &format!("/merchants/{HERE}")).text;
    let [first, second] = places.map(|place| merchant.find(&place).unwrap());
    assert!(second < first, "{merchant}");
}
