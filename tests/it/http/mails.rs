//! Mails over HTTP: trouble is seen, nobody is found, and what was refused is sent again by order.

use super::app::App;
use crate::mail::scripted::{At, Does, Scripted};
use serde_json::{Value, json};
use warnlight::domain::words::Role;

/// Of the first mail: id, address and state of its first recipient.
fn first(mails: &Value) -> (String, String, String) {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let (mail, recipient) = (&mails["items"][0], &mails["items"][0]["recipients"][0]);
    (text(&mail["mail"]), text(&recipient["address"]), text(&recipient["state"]))
}

#[test]
fn a_refused_mail_is_sent_again_by_those_who_may_over_the_api_and_by_the_button() {
    let server = Scripted::that(At::Recipient, Does::say("550 5.1.1 no such user"));
    let app = App::with_mail_server(server.port);
    app.alarm();
    let refused = |app: &App| {
        first(
            &app.until("/api/v1/mails", |reply| {
                let mails = reply.json();
                mails["items"].as_array().is_some_and(|items| {
                    !items.is_empty() && items[0]["tally"]["waiting"] == 0 && items[0]["tally"]["refused"] != 0
                })
            })
            .json(),
        )
    };
    let (mail, to, state) = refused(&app);
    assert_eq!(state, "refused");
    let path = format!("/api/v1/mails/{mail}/send-again");
    let order = |role, to: &str| app.post(&path).role(role).json(&json!({ "to": to })).send();
    for role in [Role::Operator, Role::Bank] {
        assert_eq!(order(role, &to).code(), "forbidden", "{role}");
    }
    assert_eq!(order(Role::Lead, "nobody@example.org").status, 404);

    // Once more in vain, over the API.
    let attempts = |app: &App| {
        app.get("/api/v1/mails").role(Role::Admin).ok().json()["items"][0]["recipients"][0]["attempts"].as_u64()
    };
    let ordered = order(Role::Lead, &to);
    assert_eq!(ordered.status, 200, "{ordered:?}");
    assert_eq!(ordered.json()["position"].to_string(), ordered.header("warnlight-position"));
    app.until("/api/v1/mails", |_| attempts(&app) == Some(2));
    assert_eq!(refused(&app).2, "refused");

    // Then by the button.
    server.mend();
    let cookie = app.log_in(Role::Regulator);
    let page = app.get("/mails").header("cookie", &cookie).html().ok();
    assert!(
        page.text.contains(&format!("action=\"/mails/{mail}\"")) && page.text.contains("重新发送"),
        "{}",
        page.text
    );
    let form = |token: &str| {
        app.post(&format!("/mails/{mail}")).header("cookie", &cookie).form(&[("form_token", token), ("to", &to)]).send()
    };
    assert_eq!(form("forged").code(), "form_stale");
    let pressed = form(&app.token(&cookie));
    assert_eq!((pressed.status, pressed.header("location")), (303, "/mails"), "{pressed:?}");
    app.until("/api/v1/mails", |reply| first(&reply.json()).2 == "accepted");
    assert_eq!(order(Role::Lead, &to).status / 100, 4, "it has arrived");
    assert_eq!(server.handed().iter().filter(|(address, _)| *address == to).count(), 1);
}

#[test]
fn a_mail_server_in_trouble_is_seen_in_readiness_and_figures_and_nobody_is_found() {
    let server = Scripted::that(At::Sender, Does::say("530 5.7.0 warnlight@example.org must authenticate"));
    let app = App::with_mail_server(server.port);
    let figures = |app: &App| app.get("/metrics").ok().text;
    assert!(figures(&app).contains("warnlight_mail_in_trouble 0"), "{}", figures(&app));
    assert!(figures(&app).contains("warnlight_mail_recipients{state=\"nobody\"} 0"), "{}", figures(&app));
    app.alarm();
    let reply = app.until("/readyz", |reply| reply.status == 503 && reply.text.contains("530"));
    assert!(!reply.text.contains('@'), "addresses are nobody's business here: {reply:?}");
    assert!(figures(&app).contains("warnlight_mail_in_trouble 1"), "{}", figures(&app));
    server.mend();
    app.until("/readyz", |reply| {
        app.clock.advance(jiff::SignedDuration::from_secs(5));
        reply.status == 200
    });
    assert_eq!(app.get("/api/v1/mails?state=nobody").role(Role::Admin).ok().json()["items"], json!([]));
    let unknown = app.get("/api/v1/mails?state=nowhere").role(Role::Admin).send();
    assert!(unknown.code() == "invalid_parameter" && unknown.text.contains("nobody"), "{unknown:?}");
}
