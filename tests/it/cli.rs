//! The command as a script sees it: exit codes, stdout, stderr.

mod checkpoints;
mod codeless;
mod dates;
mod demo;
mod feedback;
mod importing;
mod languages;
mod routes;
mod served;
#[cfg(all(feature = "telemetry", feature = "cluster-double"))]
mod telemetry;
mod trail;

use std::process::{Command, Output, Stdio};

pub(crate) fn warnlight(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_warnlight"))
        .args(arguments)
        .env_clear()
        .envs(variables.iter().copied())
        .output()
        .unwrap()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn help_goes_to_stdout_and_lists_the_exit_codes() {
    let output = warnlight(&["--help"], &[]);
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout).contains("another process has the log"));
}

#[test]
fn a_command_line_that_makes_no_sense_exits_3() {
    let output = warnlight(&["fly"], &[]);
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output.stderr).contains("fly"));
}

#[test]
fn wrong_settings_exit_3_and_are_all_named() {
    let output = warnlight(
        &["settings"],
        &[("WARNLIGHT__HTTP__LISTEN", "nowhere"), ("WARNLIGHT__HTTP__WORKERS", "many"), ("WARNLIGHT__HTPP__X", "1")],
    );
    assert_eq!(output.status.code(), Some(3));
    let said = text(&output.stderr);
    for key in ["`http.listen`", "`http.workers`", "`htpp`"] {
        assert!(said.contains(key), "{key} is missing in: {said}");
    }
    assert!(output.stdout.is_empty());
}

#[test]
fn the_settings_command_prints_a_file_that_can_be_used() {
    let printed = warnlight(&["settings"], &[]);
    assert_eq!(printed.status.code(), Some(0), "{}", text(&printed.stderr));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("warnlight.toml");
    std::fs::write(&file, printed.stdout).unwrap();
    let again = warnlight(&["settings", "--config", file.to_str().unwrap()], &[]);
    assert_eq!(again.status.code(), Some(0), "{}", text(&again.stderr));
}

#[test]
fn a_reader_that_leaves_early_ends_the_command_quietly() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_warnlight"))
        .arg("settings")
        .env_clear()
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
}
