//! What goes on beside the clients of a service that is killed: keys are made and revoked, a balancer asks who is ready, people
//! read.

use super::strict_agent;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use warnlight::domain::code::CreditCode;

/// Keys made in one life of the service at most: the clients are the load.
const CHANGES: usize = 1;

/// The way to one life of the service.
pub(super) struct Line {
    pub(super) agent: ureq::Agent,
    pub(super) address: String,
    pub(super) key: String,
}

impl Line {
    pub(super) fn to(address: &str, key: &str) -> Self {
        Self { agent: strict_agent(), address: address.to_owned(), key: key.to_owned() }
    }

    /// Asks with a key. Returns status and text, or nothing if the service is gone.
    fn ask_as(&self, key: &str, method: &str, path: &str, body: Option<&Value>) -> Option<(u16, String)> {
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.address))
            .header("authorization", format!("Bearer {key}"));
        let answer = match body {
            Some(body) => {
                self.agent.run(request.header("content-type", "application/json").body(body.to_string()).unwrap())
            }
            None => self.agent.run(request.body(()).unwrap()),
        };
        let mut answer = answer.ok()?;
        Some((answer.status().as_u16(), answer.body_mut().read_to_string().ok()?))
    }

    fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Option<(u16, String)> {
        self.ask_as(&self.key, method, path, body)
    }

    fn json(&self, path: &str) -> Option<Value> {
        let (status, text) = self.ask("GET", path, None)?;
        assert_eq!(status, 200, "{path}: {text}");
        Some(serde_json::from_str(&text).unwrap())
    }

    /// Says whether a key opens the door.
    fn opens(&self, key: &str) -> Option<bool> {
        let (status, text) = self.ask_as(key, "GET", "/api/v1/merchants?per_page=1", None)?;
        assert!(matches!(status, 200 | 401), "{status} {text}");
        Some(status == 200)
    }
}

/// An administrator who makes keys and revokes every second one.
#[derive(Default)]
pub(super) struct Keys {
    /// Ids and texts of keys that were given out.
    standing: Vec<(String, String)>,
    /// Those whose revocation was acknowledged.
    revoked: Vec<(String, String)>,
    /// One whose revocation was asked for.
    going: Option<(String, String)>,
}

impl Keys {
    pub(super) fn go_on(&mut self, line: &Line, stop: &AtomicBool) {
        // The service may go away at any step.
        let _ = self.until_gone(line, stop);
    }

    fn until_gone(&mut self, line: &Line, stop: &AtomicBool) -> Option<()> {
        if let Some((id, text)) = self.standing.last() {
            assert!(line.opens(text)?, "key {id} was given out and is lost");
        }
        if let Some((id, text)) = self.revoked.last() {
            assert!(!line.opens(text)?, "key {id} was revoked and opens again");
        }
        for _ in 0..CHANGES {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            self.revoke(line)?;
            let wanted = json!({ "name": format!("office {}", self.standing.len()), "role": "lead" });
            let (status, text) = line.ask("POST", "/api/v1/keys", Some(&wanted))?;
            assert_eq!(status, 201, "{text}");
            let made: Value = serde_json::from_str(&text).unwrap();
            let [id, secret] = ["id", "secret"].map(|name| made[name].as_str().unwrap().to_owned());
            self.standing.push((id, secret));
            assert!(line.opens(&self.standing.last()?.1)?, "a key opens from when it is given out");
            if self.standing.len() > self.revoked.len() {
                self.going = self.standing.pop();
            }
        }
        Some(())
    }

    fn revoke(&mut self, line: &Line) -> Option<()> {
        if let Some((id, text)) = &self.going {
            let (status, answer) = line.ask("DELETE", &format!("/api/v1/keys/{id}"), None)?;
            assert_eq!(status, 204, "{answer}");
            assert!(!line.opens(text)?, "a key opens nothing from when its revocation is answered");
            self.revoked.extend(self.going.take());
        }
        Some(())
    }

    /// Every key that was given out is there once, and revoked if that was answered.
    pub(super) fn judge(mut self, line: &Line) {
        self.revoke(line).unwrap();
        assert!(!self.standing.is_empty() && !self.revoked.is_empty(), "no keys were made and revoked");
        let listed = line.json("/api/v1/keys").unwrap();
        for (keys, is_revoked) in [(&self.standing, false), (&self.revoked, true)] {
            for (id, text) in keys {
                let found: Vec<&Value> = listed.as_array().unwrap().iter().filter(|key| key["id"] == **id).collect();
                assert_eq!(found.len(), 1, "key {id}");
                assert_eq!(found[0]["revoked_at"].is_string(), is_revoked, "{found:?}");
                assert_eq!(line.opens(text).unwrap(), !is_revoked, "{found:?}");
            }
        }
    }
}

/// A balancer that asks again and again whether the service is ready, and believes it: a command follows every yes that counts.
#[derive(Default)]
pub(super) struct Balancer {
    /// Merchants whose light must be red since their command was acknowledged.
    red: Vec<CreditCode>,
    /// Lives of the service that said it was ready.
    believed: usize,
}

impl Balancer {
    pub(super) fn go_on(&mut self, line: &Line, stop: &AtomicBool) {
        let _ = self.until_gone(line, stop);
    }

    fn until_gone(&mut self, line: &Line, stop: &AtomicBool) -> Option<()> {
        let mut is_first = true;
        while !stop.load(Ordering::Relaxed) {
            let (status, text) = line.ask("GET", "/readyz", None)?;
            if status == 503 {
                let problem: Value = serde_json::from_str(&text).unwrap();
                assert!(problem["detail"].is_string(), "it does not say why it is not ready: {text}");
                std::thread::yield_now();
                continue;
            }
            assert_eq!(status, 200, "{text}");
            if is_first {
                self.judge_lights(line)?;
                self.believed += 1;
                is_first = false;
            }
            // Again and again, so that a kill falls between a command and its light.
            self.say(line)?;
        }
        Some(())
    }

    /// Ready means that the lights of everything that was acknowledged before are recorded.
    fn judge_lights(&self, line: &Line) -> Option<()> {
        let lights = line.json("/api/v1/lights")?;
        let lights = lights.as_array().unwrap();
        let shown: HashMap<&str, &Value> =
            lights.iter().map(|light| (light["credit_code"].as_str().unwrap(), &light["light"])).collect();
        for code in &self.red {
            let light = shown.get(code.as_str());
            assert!(light.is_some_and(|light| **light == "red"), "it is ready, and the light of {code} is {light:?}");
        }
        Some(())
    }

    /// Ready means that a command is taken. One whose answer is lost is never sent again: it may be there or not.
    fn say(&mut self, line: &Line) -> Option<()> {
        let code =
            CreditCode::with_check_character(&format!("91110108MA9{:02}{:04}", self.believed % 100, self.red.len()));
        let code = code.unwrap();
        let commands = json!([
            { "command": "register_merchant", "credit_code": code, "name": "候检商户", "industry_code": "8040",
                "division_code": "110108" },
            { "command": "record_listing", "credit_code": code, "list": "serious", "entered_on": "2025-03-01" },
        ]);
        let (status, text) = line.ask("POST", "/api/v1/commands", Some(&commands))?;
        assert!(status == 200 && !text.contains("refused"), "it said that it was ready, and then: {status} {text}");
        self.red.push(code);
        Some(())
    }

    /// In the end everything is recorded, and the question was asked in earnest.
    pub(super) fn judge(&self, line: &Line) {
        while line.ask("GET", "/readyz", None).unwrap().0 != 200 {
            std::thread::yield_now();
        }
        self.judge_lights(line).unwrap();
        assert!(self.believed > 20 && self.red.len() > 20, "ready in {} lives only", self.believed);
    }
}

/// Somebody reads what there is, page after page, until the service is gone: every answer is one.
pub(super) fn read_on(line: &Line, stop: &AtomicBool) {
    let paths = [
        "/api/v1/merchants?per_page=20",
        "/api/v1/events?after=0&limit=50",
        "/",
        "/api/v1/lights/counts",
        "/api/v1/mails",
    ];
    for path in paths.iter().cycle() {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let Some((status, text)) = line.ask("GET", path, None) else { return };
        assert_eq!(status, 200, "{path}: {text}");
    }
}
