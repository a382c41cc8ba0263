//! `warnlight withdraw`: beside and without the running service.

use super::served::{Service, make_key};
use super::{text, warnlight};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Stdio;

const CODE: &str = "91110108MA00000000";

fn json(data: &str, arguments: &[&str]) -> Value {
    let done = warnlight(&[arguments, &["--data", data, "--format", "json"]].concat(), &[]);
    assert_eq!(done.status.code(), Some(0), "{}{}", text(&done.stdout), text(&done.stderr));
    serde_json::from_str(text(&done.stdout).lines().last().unwrap()).unwrap()
}

/// Imports a closing that nobody announced; returns the import's id.
fn import(data: &str, folder: &Path) -> String {
    let file = folder.join("exits.csv");
    fs::write(&file, format!("统一社会信用代码,商场,铺位号,事项,日期\n{CODE},东方广场,1,闭店,2025-06-28\n")).unwrap();
    let done = json(data, &["import", file.to_str().unwrap()]);
    assert_eq!(done["accepted"], 1, "{done:#}");
    done["import"].as_str().unwrap().to_owned()
}

fn lights(data: &str) -> Value {
    json(data, &["lights", "--at", "2025-07-01T12:00:00+08:00"])
}

#[test]
fn an_import_is_withdrawn_without_the_service_and_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let data = data.to_str().unwrap();
    let first = import(data, folder.path());
    assert_eq!(lights(data)[0]["light"], "red");
    let foreseen = json(data, &["withdraw", &first, "--dry-run"]);
    assert_eq!((&foreseen["lights"][0]["from"], &foreseen["lights"][0]["to"]), (&"red".into(), &"green".into()));
    assert_eq!(lights(data)[0]["light"], "red", "nothing was written");
    let done = json(data, &["withdraw", &first, "--reason", "wrong mall"]);
    assert_eq!((&done["events"], &done["withdrawn"]["reason"]), (&1.into(), &"wrong mall".into()), "{done:#}");
    assert_eq!(lights(data), Value::Array(Vec::new()), "nothing is known of it any more");
    // Beside the running service, the same file again.
    make_key(data);
    let service = Service::start_with(data, &[("WARNLIGHT__TRACE__FILTER", "off")], Stdio::inherit());
    let second = import(data, folder.path());
    assert_ne!(first, second);
    let done = json(data, &["withdraw", &second, "--reason", "again"]);
    assert_eq!(done["lights"][0]["to"], "green", "{done:#}");
    let again = json(data, &["withdraw", &second, "--reason", "once more"]);
    assert_eq!(again["withdrawn"], done["withdrawn"]);
    assert_eq!(lights(data), Value::Array(Vec::new()));
    for (arguments, code) in [
        (["withdraw", "0197c1d2-7a34-7b1e-9c41-5d2f8e6a9b03", "--reason", "x"].as_slice(), 4),
        (["withdraw", "nonsense", "--reason", "x"].as_slice(), 3),
        (["withdraw", second.as_str()].as_slice(), 3),
    ] {
        let done = warnlight(&[arguments, &["--data", data]].concat(), &[]);
        assert_eq!(done.status.code(), Some(code), "{arguments:?}: {}", text(&done.stderr));
    }
    assert_eq!(service.stop(), Some(0));
}
