//! What the running service says on stderr about one command, up to its mail.

use super::served::{Service, make_key};
use serde_json::{Value, json};
use std::fs::File;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

pub(super) const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
pub(super) const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
pub(super) const CODE: &str = "91110108MA00000000";

/// Posts a command on the trace; returns the receipt.
pub(super) fn post(service: &Service, key: &str, command: &Value) -> Value {
    let mut answer = ureq::post(format!("{}/api/v1/commands", service.address))
        .header("authorization", format!("Bearer {key}"))
        .header("traceparent", PARENT)
        .send_json(command)
        .unwrap();
    answer.body_mut().read_json().unwrap()
}

/// A merchant, and then a shop of it that closed without notice.
pub(super) fn say_what_turns_the_light(service: &Service, key: &str) -> Value {
    post(
        service,
        key,
        &json!({ "command": "register_merchant", "credit_code": CODE, "name": "海淀健身", "industry_code": "8930",
            "division_code": "110108", "mall": "东方广场", "unit": "B1-01" }),
    );
    post(
        service,
        key,
        &json!({ "command": "record_exit", "credit_code": CODE, "mall": "东方广场", "unit": "B1-01", "action": "close",
            "date": "2026-01-05" }),
    )
}

/// Waits until something holds.
pub(super) fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(60), "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub(super) fn spooled(data: &Path) -> usize {
    let files = std::fs::read_dir(data.join("spool")).map(Iterator::count);
    files.unwrap_or(0)
}

#[test]
fn command_light_and_mail_say_their_trace_id_and_nobodys_address() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let key = make_key(data);
    let said = folder.path().join("said");
    let variables = [("WARNLIGHT__TRACE__FORMAT", "json"), ("WARNLIGHT__TRACE__FILTER", "info,warnlight::http=debug")];
    let service = Service::start_with(data, &variables, Stdio::from(File::create(&said).unwrap()));
    say_what_turns_the_light(&service, &key);
    wait_until("a mail in the spool", || spooled(folder.path()) > 0);
    assert_eq!(service.stop(), Some(0));

    let said = std::fs::read_to_string(said).unwrap();
    let lines: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let on_trail = |beginning: &str| {
        lines.iter().any(|line| {
            let fields = &line["fields"];
            fields["trace_id"] == TRACE && fields["message"].as_str().unwrap().starts_with(beginning)
        })
    };
    for beginning in ["A command was recorded", "Answered", "The light of", "A mail was asked for", "Mail `"] {
        assert!(on_trail(beginning), "{beginning} is missing in:\n{said}");
    }
    assert!(!said.contains('@') && !said.contains(&key), "{said}");
}
