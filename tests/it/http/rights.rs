//! Every right from the wrong side, over the table of routes.

use super::app::{App, EVERY_ROLE, HERE, Reply};
use serde_json::json;
use warnlight::domain::access::Scope;
use warnlight::domain::words::Role;
use warnlight::http::routes::{Route, TABLE};

/// A path of the route that leads to something.
fn path(route: &Route) -> String {
    let path = route
        .path
        .replace("{credit_code}", HERE)
        .replace("{ticket}", "T1")
        .replace("{id}", &uuid::Uuid::nil().to_string())
        .replace("{mail}", &uuid::Uuid::nil().to_string())
        .replace("{alert}", &uuid::Uuid::nil().to_string())
        .replace("{figure}", "tickets")
        .replace("{month}", "2025-05");
    path.replace("{name}", "mall.shop_closed.v1.schema.json").replace("{code}", "refused")
}

fn try_as(app: &App, route: &Route, key: Option<&str>) -> Reply {
    let ask = app.ask(route.method, &path(route));
    let ask = match key {
        Some(key) => ask.key(key),
        None => ask,
    };
    let page_form = route.method == "POST" && !route.path.starts_with("/api/");
    if page_form {
        ask.form(&[]).send()
    } else if route.path.ends_with("/cloudevents") {
        ask.text("application/cloudevents-batch+json", "[]").send()
    } else if route.method == "POST" || route.method == "PATCH" {
        ask.json(&json!({})).send()
    } else {
        ask.send()
    }
}

#[test]
fn no_route_with_a_right_answers_without_a_valid_key() {
    let app = App::start();
    let revoked = app.key("lost", Scope::everything());
    let lost = app.keyring.all().into_iter().find(|key| &*key.name == "lost").unwrap();
    app.keyring.revoke(lost.id, "lost", &warnlight::domain::envelope::Origin::of("test")).unwrap();
    let unknown = format!("wl_{}_{}", uuid::Uuid::nil().simple(), "0".repeat(64));
    for route in TABLE.iter().filter(|route| route.right.is_some()) {
        for (key, code) in
            [(None, "key_missing"), (Some(unknown.as_str()), "key_unknown"), (Some(revoked.as_str()), "key_revoked")]
        {
            let reply = try_as(&app, route, key);
            assert_eq!((reply.status, reply.code().as_str()), (401, code), "{route:?}");
            assert!(reply.header("www-authenticate").starts_with("Bearer"), "{route:?}");
        }
    }
}

#[test]
fn every_role_is_kept_from_what_it_may_not_and_let_to_what_it_may() {
    let app = App::start();
    let mut refused = 0;
    for route in TABLE {
        let Some(right) = route.right else { continue };
        for role in EVERY_ROLE {
            let reply = try_as(&app, route, Some(app.key_of(role)));
            if right.roles.contains(&role) {
                // What is said may still lie outside the scope; the right to say such things is there.
                let forbidden = reply.status == 403 && reply.code() == "forbidden";
                assert!(reply.status != 401 && !forbidden, "{role} at {route:?}: {reply:?}");
            } else {
                assert_eq!((reply.status, reply.code().as_str()), (403, "forbidden"), "{role} at {route:?}");
                refused += 1;
            }
        }
    }
    assert!(refused > 15, "the table has hardly anything to refuse: {refused}");
}

#[test]
fn open_routes_are_the_ones_meant_to_be_open() {
    let open: Vec<&str> = TABLE.iter().filter(|route| route.right.is_none()).map(|route| route.path).collect();
    assert_eq!(
        open,
        [
            "/api/openapi.json",
            "/events/{name}",
            "/problems",
            "/problems/{code}",
            "/healthz",
            "/readyz",
            "/metrics",
            "/assets/{name}",
            "/shop",
            "/shop/mall",
            "/shop/{credit_code}",
            "/shop/{credit_code}/sign",
            "/login",
            "/login",
            "/welcome",
            "/welcome",
            "/m/{token}",
            "/m/{token}",
            "/logout",
        ]
    );
}

#[test]
fn every_route_of_the_table_is_registered_and_other_methods_are_refused_with_those_allowed() {
    let app = App::start();
    for route in TABLE {
        let reply = try_as(&app, route, Some(app.key_of(Role::Admin)));
        assert_ne!(reply.status, 405, "{route:?}");
        let other = app.ask("PUT", &path(route)).role(Role::Admin).json(&json!({})).send();
        assert_eq!((other.status, other.code().as_str()), (405, "method_not_allowed"), "{route:?}");
        assert!(other.header("allow").contains(route.method), "{route:?}: {other:?}");
    }
    let nowhere = app.get("/api/v1/nothing").role(Role::Admin).send();
    assert_eq!((nowhere.status, nowhere.code().as_str()), (404, "not_found"));
}

#[test]
fn an_expired_key_opens_nothing_from_that_instant_on() {
    use warnlight::http::access::NewKey;
    let app = App::start();
    let expires_at = Some(super::app::instant("2025-06-30T11:00:00Z"));
    let new = NewKey { name: "guest".to_owned(), scope: Scope::everything(), expires_at };
    let (key, _) = app.keyring.create(new, &warnlight::domain::envelope::Origin::of("test")).unwrap();
    app.get("/api/v1/lights").key(key.expose()).ok();
    app.clock.set(super::app::instant("2025-06-30T11:00:00Z"));
    assert_eq!(app.get("/api/v1/lights").key(key.expose()).send().code(), "key_expired");
}

#[test]
fn a_key_can_be_made_used_and_revoked_over_the_api() {
    let app = App::start();
    let wanted = json!({ "name": "海淀体育", "role": "regulator", "sectors": ["sport"], "divisions": ["110108"] });
    let made = app.post("/api/v1/keys").role(Role::Admin).json(&wanted).send();
    assert_eq!(made.status, 201, "{made:?}");
    let made = made.json();
    let (key, id) = (made["secret"].as_str().unwrap(), made["id"].as_str().unwrap());
    assert_eq!(made["sees_en"], "it sees merchants of: sectors sport; divisions 110108");
    app.get("/api/v1/lights").key(key).ok();
    let listed = app.get("/api/v1/keys").role(Role::Admin).ok();
    assert!(listed.text.contains(id) && !listed.text.contains(key), "the list must not hold the key itself");
    let log = app.get("/api/v1/events?limit=500").role(Role::Admin).ok();
    assert!(log.text.contains(id) && !log.text.contains(key.rsplit_once('_').unwrap().1));
    assert_eq!(app.ask("DELETE", &format!("/api/v1/keys/{id}")).role(Role::Admin).send().status, 204);
    assert_eq!(app.get("/api/v1/lights").key(key).send().code(), "key_revoked");
    let again = app.ask("DELETE", &format!("/api/v1/keys/{id}")).role(Role::Admin).send();
    assert_eq!(again.status, 204, "revoking twice is revoking once");
}

#[test]
fn a_key_that_would_allow_more_or_less_than_meant_is_refused() {
    let app = App::start();
    for wanted in [
        json!({ "name": "x", "role": "operator" }),
        json!({ "name": "x", "role": "lead", "malls": ["M"] }),
        json!({ "name": "x", "role": "bank" }),
        json!({ "name": "x", "role": "lead", "sectors": ["sport"] }),
        json!({ "name": "x", "role": "regulator", "divisions": ["京"] }),
        json!({ "name": " ", "role": "admin" }),
        json!({ "name": "x", "role": "merchant" }),
        json!({ "name": "x", "role": "lead", "merchant": HERE }),
        json!({ "name": "x", "role": "merchant", "merchant": HERE, "malls": ["M"] }),
    ] {
        let reply = app.post("/api/v1/keys").role(Role::Admin).json(&wanted).send();
        assert_eq!((reply.status, reply.code().as_str()), (422, "refused"), "{wanted}");
    }
}
