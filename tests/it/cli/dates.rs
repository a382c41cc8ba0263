//! Whatever date a flag is given, the command ends soon and names the flag.

use super::{text, warnlight};
use crate::nonsense::{dates, names_a_year_in_bounds};
use std::process::Output;
use std::sync::mpsc::channel;
use std::time::Duration;

/// Runs a command; one that does not end is a failure of the test.
fn run(arguments: &[String]) -> Output {
    let (tell, told) = channel();
    let owned = arguments.to_vec();
    std::thread::spawn(move || {
        let arguments: Vec<&str> = owned.iter().map(String::as_str).collect();
        let _ = tell.send(warnlight(&arguments, &[]));
    });
    told.recv_timeout(Duration::from_secs(120)).unwrap_or_else(|_| panic!("{arguments:?} does not end"))
}

#[test]
fn every_date_flag_is_answered_soon_and_named_when_it_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let with_data = |line: &[&str]| {
        let line: Vec<&str> = line.iter().copied().chain(["--data", data.to_str().unwrap()]).collect();
        line.iter().map(|part| (*part).to_owned()).collect::<Vec<String>>()
    };
    let made = run(&with_data(&["key", "create", "--name", "k", "--role", "admin"]));
    assert!(made.status.success(), "{}", text(&made.stderr));
    let code = "91110000101623741K";
    for (number, date) in dates(3).iter().enumerate() {
        let out = |flag: &str| folder.path().join(format!("{flag}-{number}.ndjson")).to_str().unwrap().to_owned();
        for (line, flag) in [
            (with_data(&["lights"]), "--at"),
            (with_data(&["lights"]), "--known-at"),
            (with_data(&["explain", code]), "--at"),
            (with_data(&["explain", code]), "--known-at"),
            (with_data(&["key", "create", "--name", "k", "--role", "admin"]), "--expires-at"),
            (with_data(&["simulate", "--merchants", "1", "--as", "ndjson", &out("from")]), "--from"),
            (with_data(&["simulate", "--merchants", "1", "--as", "ndjson", &out("until")]), "--until"),
        ] {
            let output = run(&line.into_iter().chain([format!("{flag}={date}")]).collect::<Vec<_>>());
            if output.status.code() == Some(3) {
                let said = text(&output.stderr);
                assert!(said.contains(flag), "{flag}={date}: {said}");
            } else {
                assert!(names_a_year_in_bounds(date), "{flag}={date} was taken: {output:?}");
            }
        }
    }
}
