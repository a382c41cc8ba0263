//! `serve` and `key`: the running service beside other commands.

use super::{text, warnlight};
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

/// A running service, killed when it is dropped.
pub(super) struct Service {
    child: Child,
    pub(super) address: String,
}

impl Service {
    fn start(data: &str) -> Self {
        Self::start_with(data, &[("WARNLIGHT__TRACE__FILTER", "off")], Stdio::inherit())
    }

    /// Starts with settings, and says what it says to `stderr`.
    pub(super) fn start_with(data: &str, variables: &[(&str, &str)], stderr: Stdio) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_warnlight"))
            .args(["serve", "--data", data])
            .env_clear()
            .env("WARNLIGHT__HTTP__LISTEN", "127.0.0.1:0")
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on ").unwrap_or_else(|| panic!("{line}")).to_owned();
        Self { child, address }
    }

    fn status(&self, path: &str, key: Option<&str>) -> u16 {
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
        let mut request = agent.get(format!("{}{path}", self.address));
        if let Some(key) = key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        request.call().unwrap().status().as_u16()
    }

    /// Asks the service to stop, and returns its exit code.
    pub(super) fn stop(mut self) -> Option<i32> {
        let told = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(told.success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(super) fn make_key(data: &str) -> String {
    let made = warnlight(&["key", "create", "--data", data, "--role", "admin", "--name", "first"], &[]);
    assert_eq!(made.status.code(), Some(0), "{}", text(&made.stderr));
    // Alone on stdout, so that a script can take it.
    text(&made.stdout).trim_end().to_owned()
}

#[test]
fn a_key_made_on_the_command_line_opens_the_service_which_holds_the_log_until_it_is_told_to_stop() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let key = make_key(data);
    let service = Service::start(data);
    assert_eq!(service.status("/healthz", None), 200);
    assert_eq!(service.status("/api/v1/keys", None), 401);
    assert_eq!(service.status("/api/v1/keys", Some(&key)), 200);

    let second = warnlight(&["key", "create", "--data", data, "--role", "admin", "--name", "second"], &[]);
    assert_eq!(second.status.code(), Some(6), "{}", text(&second.stderr));
    let listed = warnlight(&["key", "list", "--data", data], &[]);
    assert_eq!(listed.status.code(), Some(0), "reading works beside the service: {}", text(&listed.stderr));
    assert!(text(&listed.stdout).contains("first") && !text(&listed.stdout).contains(&key));

    assert_eq!(service.stop(), Some(0));
    let after = warnlight(&["key", "create", "--data", data, "--role", "admin", "--name", "third"], &[]);
    assert_eq!(after.status.code(), Some(0), "the log is free again: {}", text(&after.stderr));
}

#[test]
fn a_service_that_others_can_reach_needs_a_secret_and_a_key_before_it_starts() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let open = ("WARNLIGHT__HTTP__LISTEN", "0.0.0.0:0");
    let bare = warnlight(&["serve", "--data", data], &[open]);
    assert_eq!(bare.status.code(), Some(3));
    let said = text(&bare.stderr);
    assert!(said.contains("session.secret") && said.contains("warnlight key create"), "{said}");
    let secret = ("WARNLIGHT__SESSION__SECRET", "0123456789abcdef0123456789abcdef");
    let keyless = warnlight(&["serve", "--data", data], &[open, secret]);
    assert_eq!(keyless.status.code(), Some(3));
    assert!(!text(&keyless.stderr).contains("session.secret"), "{}", text(&keyless.stderr));
}

#[test]
fn keys_that_make_no_sense_and_keys_that_do_not_exist_have_their_exit_codes() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let create = |more: &[&str]| {
        let arguments = [&["key", "create", "--data", data, "--name", "x"], more].concat();
        warnlight(&arguments, &[]).status.code()
    };
    assert_eq!(create(&["--role", "emperor"]), Some(3));
    assert_eq!(create(&["--role", "operator"]), Some(3));
    assert_eq!(create(&["--role", "regulator", "--sector", "alchemy"]), Some(3));
    assert_eq!(create(&["--role", "regulator", "--sector", "sport", "--division", "110108"]), Some(0));
    let data_of_admin = tempfile::tempdir().unwrap();
    let own = data_of_admin.path().to_str().unwrap();
    make_key(own);
    let listed = warnlight(&["key", "list", "--data", own, "--format", "json"], &[]);
    let key: serde_json::Value = serde_json::from_str(text(&listed.stdout).trim()).unwrap();
    let last = warnlight(&["key", "revoke", "--data", own, key["id"].as_str().unwrap()], &[]);
    assert_eq!(last.status.code(), Some(1), "the command line is right: {}", text(&last.stderr));
    let nil = "00000000-0000-0000-0000-000000000000";
    assert_eq!(warnlight(&["key", "revoke", "--data", data, nil], &[]).status.code(), Some(4));
    let listed = warnlight(&["key", "list", "--data", data, "--format", "json"], &[]);
    let key: serde_json::Value = serde_json::from_str(text(&listed.stdout).trim()).unwrap();
    let id = key["id"].as_str().unwrap();
    assert_eq!(warnlight(&["key", "revoke", "--data", data, id], &[]).status.code(), Some(0));
    assert!(text(&warnlight(&["key", "list", "--data", data], &[]).stdout).contains("revoked"));
}

#[test]
fn a_service_whose_output_nobody_reads_serves_and_stops() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    make_key(data);
    // Its stdout is closed already: only the address was read.
    let mut service = Service::start_with(data, &[("WARNLIGHT__TRACE__FILTER", "trace")], Stdio::piped());
    drop(service.child.stderr.take());
    for _ in 0..8 {
        assert_eq!(service.status("/healthz", None), 200);
    }
    assert_eq!(service.stop(), Some(0));
}
