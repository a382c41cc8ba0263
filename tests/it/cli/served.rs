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
    // A limit that was left out is not taken without a word.
    for (role, word) in
        [("regulator", "limited to no sector"), ("lead", "limited to no division"), ("admin", "every merchant")]
    {
        let made = warnlight(&["--lang", "en", "key", "create", "--data", data, "--name", "y", "--role", role], &[]);
        assert!(text(&made.stderr).contains(word), "{role}: {}", text(&made.stderr));
    }
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

#[test]
fn an_import_beside_the_running_service_is_the_import_alone() {
    let samples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples/bad");
    let room = tempfile::tempdir().unwrap();
    let import = |data: &str, name: &str| {
        let out = room.path().join(name);
        let output =
            warnlight(&["import", "--data", data, "--out", out.to_str().unwrap(), samples.to_str().unwrap()], &[]);
        let receipts = std::fs::read_to_string(out.join("receipts.csv")).unwrap();
        // The ids of events differ from run to run.
        let results: Vec<String> = receipts
            .lines()
            .map(|line| {
                line.split(',').map(|cell| if cell.contains("-7") { "" } else { cell }).collect::<Vec<_>>().join(",")
            })
            .collect();
        let mut papers: Vec<_> =
            std::fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        papers.sort();
        let said = text(&output.stderr).replace(name, "");
        (output.status.code(), text(&output.stdout), said, results, papers)
    };
    let [alone, served] = ["alone", "served"].map(|name| room.path().join(name).to_str().unwrap().to_owned());
    let before = import(&alone, "out-alone");
    make_key(&served);
    let service = Service::start(&served);
    let beside = import(&served, "out-beside");
    assert_eq!(beside, before);
    // The same again: nothing changes, and the service knows the files by the log.
    let again = import(&served, "out-again");
    assert_eq!(again.0, import(&alone, "out-alone-again").0);
    assert!(again.2.contains("were taken in before"), "{}", again.2);
    assert_eq!(service.stop(), Some(0));
    assert!(!std::path::Path::new(&served).join("import.sock").exists(), "a service that ends takes its socket away");
}

#[test]
fn a_dead_services_socket_is_no_service_and_a_lock_without_one_is_told() {
    let room = tempfile::tempdir().unwrap();
    let data = room.path().join("data");
    let name = data.to_str().unwrap();
    let sheet = room.path().join("custody.csv");
    std::fs::write(&sheet, "credit_code,date,held\n91110000101623741K,2025-01-01,5\n").unwrap();
    make_key(name);
    // Killed: the socket stays behind.
    drop(Service::start(name));
    let socket = data.join("import.sock");
    assert!(socket.exists());
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&socket).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let alone = warnlight(&["import", "--data", name, sheet.to_str().unwrap()], &[]);
    assert_eq!(alone.status.code(), Some(0), "{}", text(&alone.stderr));
    // The next service puts its own in its place.
    let service = Service::start(name);
    let beside = warnlight(&["import", "--data", name, sheet.to_str().unwrap()], &[]);
    assert_eq!(beside.status.code(), Some(0), "{}", text(&beside.stderr));
    std::fs::remove_file(&socket).unwrap();
    let locked = warnlight(&["import", "--data", name, sheet.to_str().unwrap()], &[]);
    assert_eq!(locked.status.code(), Some(6), "{}", text(&locked.stderr));
    assert_eq!(service.stop(), Some(0));
}
