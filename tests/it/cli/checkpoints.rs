//! A key made by openssl, the service that signs with it, `verify`, and a check by hand; and logs that somebody rewrote.

use super::{text, warnlight};
use crate::checkpoints::make_key;
use crate::watch::stage::start;
use jiff::SignedDuration;
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use uuid::Uuid;
use warnlight::clock::{Clock as _, ManualClock, SystemClock};
use warnlight::domain::envelope::{NewEvent, Origin, Recorded};
use warnlight::domain::event::{DayClosed, Event, TimeReached};
use warnlight::domain::hex::Hex;
use warnlight::domain::time::Instant;
use warnlight::log::contract::{Append, EventLog, Expected};
use warnlight::log::embedded::{EmbeddedLog, Options};
use warnlight::policy::Policies;
use warnlight::proof::{STREAM, SigningKey, Statement};

/// A process, killed when it is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs a script with variables in `folder`; returns what it printed.
fn shell(script: &str, folder: &Path, variables: &[(&str, &str)]) -> String {
    let ran = Command::new("sh")
        .args(["-eu", "-c", script])
        .current_dir(folder)
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    assert!(ran.status.success(), "{ran:?}");
    text(&ran.stdout)
}

/// Returns the block of commands in docs/OPERATIONS.md that holds `words`.
fn documented(words: &str) -> String {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/OPERATIONS.md")).unwrap();
    let block = page.split("```sh\n").skip(1).filter_map(|rest| rest.split_once("```").map(|(block, _)| block));
    block
        .filter(|block| block.contains(words))
        .last()
        .unwrap_or_else(|| panic!("no commands with `{words}`"))
        .to_owned()
}

fn verify(data: &Path, more: &[&str]) -> (Option<i32>, Value, String) {
    let arguments = [&["verify", "--format", "json", "--data", data.to_str().unwrap()], more].concat();
    let ran = warnlight(&arguments, &[]);
    (ran.status.code(), serde_json::from_str(&text(&ran.stdout)).unwrap_or_default(), text(&ran.stderr))
}

#[test]
fn a_key_made_by_openssl_signs_each_day_and_the_documented_commands_check_it_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    shell(&documented("genpkey"), folder.path(), &[]);
    let file = folder.path().join("signing.pem");
    let public = shell(&documented("-pubout"), folder.path(), &[]).trim_end().to_owned();

    // A log whose service stopped three midnights ago.
    let log: Arc<dyn EventLog> = Arc::new(EmbeddedLog::open(&data, &Options::default()).unwrap());
    let then = SystemClock.now() - SignedDuration::from_hours(72);
    start(&log, &Arc::new(ManualClock::new(then)), Policies::built_in().unwrap()).unwrap().stop();
    drop(log);

    let child = Command::new(env!("CARGO_BIN_EXE_warnlight"))
        .args(["serve", "--data"])
        .arg(&data)
        .env_clear()
        .env("WARNLIGHT__HTTP__LISTEN", "127.0.0.1:0")
        .env("WARNLIGHT__LOG__SIGNING_KEY", &file)
        .env("WARNLIGHT__TRACE__FILTER", "warnlight::proof=info")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut child = Running(child);
    let mut said = BufReader::new(child.0.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(said.any(|line| line.contains(&public)), "it names its public key");
    assert_eq!(said.by_ref().filter(|line| line.contains("Checkpoint signed")).take(1).count(), 1);
    // Beside the running service, however many it has signed by now.
    let (code, printed, remarks) = verify(&data, &["--trust", &public]);
    assert_eq!((code, &printed["signers"][0]["trusted"]), (Some(0), &Value::Bool(true)), "{remarks}");
    assert!(Command::new("kill").args(["-TERM", &child.0.id().to_string()]).status().unwrap().success());
    assert_eq!(child.0.wait().unwrap().code(), Some(0));

    let (code, printed, remarks) = verify(&data, &["--trust", &public]);
    assert_eq!(code, Some(0), "{remarks}");
    let newest = &printed["signers"][0]["newest"];
    assert_eq!(newest["key"], public);
    for member in ["position", "at", "key"] {
        assert_eq!(newest[member], printed["trusted_until"][member]);
    }
    let member = |name: &str| newest[name].to_string().trim_matches('"').to_owned();
    let names =
        [("KEY", "key"), ("POSITION", "position"), ("DIGEST", "digest"), ("AT", "at"), ("SIGNATURE", "signature")];
    let values = names.map(|(variable, name)| (variable, member(name)));
    let mut values = values.each_ref().map(|(variable, value)| (*variable, value.as_str()));
    let commands = documented("warnlight checkpoint 1");
    assert!(shell(&commands, folder.path(), &values).contains("Verified Successfully"));
    values[1].1 = "1";
    let wrong =
        Command::new("sh").args(["-eu", "-c", &commands]).current_dir(folder.path()).envs(values).output().unwrap();
    assert!(!wrong.status.success(), "{wrong:?}");

    let table = warnlight(&["verify", "--data", data.to_str().unwrap()], &[("WARNLIGHT__LOG__TRUSTED_KEYS", &public)]);
    let table = text(&table.stdout);
    assert!(table.contains(&format!("by key {public} (trusted), from position")), "{table}");
    assert!(
        table.contains(&format!("trusted up to position {}, signed at {}", newest["position"], member("at"))),
        "{table}"
    );
    let table = text(&warnlight(&["verify", "--data", data.to_str().unwrap()], &[]).stdout);
    assert!(table.contains("(not trusted)") && table.contains("trusted up to no position"), "{table}");
}

#[test]
fn a_key_that_cannot_be_used_keeps_the_service_from_starting() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let good = make_key(folder.path(), "good.pem", "ed25519");
    let open = make_key(folder.path(), "open.pem", "ed25519");
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o644)).unwrap();
    let other = make_key(folder.path(), "other.pem", "x25519");
    let nowhere = folder.path().join("nowhere.pem");
    for (path, why) in [(&open, "open to others"), (&other, "no Ed25519 private key"), (&nowhere, "cannot be read")] {
        let path = path.to_str().unwrap();
        let variables = [("WARNLIGHT__LOG__SIGNING_KEY", path), ("WARNLIGHT__HTTP__LISTEN", "127.0.0.1:0")];
        let ran = warnlight(&["serve", "--data", data.to_str().unwrap()], &variables);
        assert_eq!(ran.status.code(), Some(3));
        let said = text(&ran.stderr);
        assert!(said.contains("`log.signing_key`") && said.contains(path) && said.contains(why), "{said}");
        assert!(!data.exists(), "it was refused before anything was made");
    }
    // Only the service needs the key: whoever verifies may have no right to it.
    drop(EmbeddedLog::open(&data, &Options::default()).unwrap());
    for path in [&open, &good] {
        let variables = [("WARNLIGHT__LOG__SIGNING_KEY", path.to_str().unwrap())];
        let ran = warnlight(&["verify", "--data", data.to_str().unwrap()], &variables);
        assert_eq!((ran.status.code(), text(&ran.stdout).contains("checkpoints: none")), (Some(0), true));
    }
    for (arguments, variables) in
        [(&["verify", "--trust", "beef"][..], &[][..]), (&["verify"], &[("WARNLIGHT__LOG__TRUSTED_KEYS", "beef")])]
    {
        assert_eq!(warnlight(arguments, variables).status.code(), Some(3));
    }
}

fn put(log: &dyn EventLog, stream: &str, recorded_at: Instant, event: NewEvent) -> Recorded {
    let append = Append {
        stream: stream.into(),
        expected: Expected::Any,
        recorded_at,
        idempotency_key: None,
        events: vec![event],
    };
    let position = log.append(append).unwrap().last;
    log.read_all(position - 1, 1).unwrap().swap_remove(0)
}

fn event(id: u128, event: &Event) -> NewEvent {
    NewEvent::new(Uuid::from_u128(id), time(0), &Origin::service(), event)
}

fn time(second: i64) -> Instant {
    Instant::from_second(1_750_000_000 + second).unwrap()
}

/// Writes what is in a log into a new one, each event as `change` leaves it. The new log makes a chain of its own.
fn rewrite(from: &Path, to: &Path, change: impl Fn(&dyn EventLog, &mut Recorded)) {
    let from = EmbeddedLog::open_read_only(from).unwrap();
    let to = EmbeddedLog::open(to, &Options::default()).unwrap();
    for mut recorded in from.read_all(0, usize::MAX).unwrap() {
        change(&to, &mut recorded);
        put(&to, &recorded.stream, recorded.recorded_at, recorded.event);
    }
    assert_eq!(from.head(), to.head());
}

#[test]
fn a_log_rewritten_from_the_middle_with_a_whole_new_chain_is_found_by_its_checkpoints() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let [ours, theirs] =
        ["ours.pem", "theirs.pem"].map(|name| SigningKey::open(&make_key(folder.path(), name, "ed25519")).unwrap());
    let log = EmbeddedLog::open(&place("log"), &Options::default()).unwrap();
    let mut signed = Vec::new();
    for day in 0..3_u8 {
        for turn in 0..4 {
            let said = Event::TimeReached(TimeReached { at: time(i64::from(day)) });
            put(&log, "evidence", time(i64::from(day)), event(u128::from(day) * 10 + turn, &said));
        }
        let date = jiff::civil::date(2025, 3, 1 + i8::try_from(day).unwrap());
        let closed = Event::DayClosed(DayClosed { day: date, at: time(0), merchants: 0, changed: 0 });
        let closed = put(&log, "watch", time(i64::from(day)), event(u128::from(day) * 10 + 4, &closed));
        let statement = Statement { position: closed.position, digest: Hex(closed.digest), at: time(i64::from(day)) };
        let checkpoint = event(u128::from(day) * 10 + 5, &Event::CheckpointSigned(ours.sign(&statement)));
        signed.push((closed.position, put(&log, STREAM, time(i64::from(day)), checkpoint).position));
    }
    let whole = log.verify(&mut |_, _| {}).unwrap();
    drop(log);
    let public = ours.public().to_string();
    let trust = ["--trust", public.as_str()];
    let (code, printed, remarks) = verify(&place("log"), &trust);
    assert_eq!((code, &printed["trusted_until"]["position"]), (Some(0), &signed[2].0.into()), "{remarks}");

    // Written anew without a change it is the same log: what is found below is the change, not the writing.
    rewrite(&place("log"), &place("copy"), |_, _| {});
    let (code, copy, remarks) = verify(&place("copy"), &trust);
    assert_eq!((code, &copy), (Some(0), &printed), "{remarks}");

    // One event of the second day, with a chain that fits.
    let target = signed[0].1 + 2;
    let change = |_: &dyn EventLog, recorded: &mut Recorded| {
        if recorded.position == target {
            recorded.event.actor = "somebody else".into();
        }
    };
    rewrite(&place("log"), &place("changed"), change);
    let sound = EmbeddedLog::open_read_only(&place("changed")).unwrap().verify(&mut |_, _| {}).unwrap();
    assert_ne!(sound.digest, whole.digest);
    for more in [&trust[..], &[]] {
        let (code, printed, remarks) = verify(&place("changed"), more);
        assert_eq!((code, printed), (Some(5), Value::Null));
        let (of, at) = signed[1];
        assert!(remarks.contains(&format!("checkpoint at position {at} is false")), "{remarks}");
        assert!(remarks.contains(&format!("log up to position {of} has the digest")), "{remarks}");
        assert!(remarks.contains(&format!("earlier one up to position {} holds", signed[0].0)), "{remarks}");
    }

    // Made to fit by another key: nothing is false, but nobody who is trusted says so beyond the change.
    rewrite(&place("log"), &place("resigned"), |new, recorded| {
        change(new, recorded);
        if let Event::CheckpointSigned(checkpoint) = recorded.event.decode().unwrap()
            && checkpoint.position >= target
        {
            let digest = new.read_all(checkpoint.position - 1, 1).unwrap()[0].digest;
            let statement = Statement { digest: Hex(digest), ..Statement::of(&checkpoint) };
            recorded.event.data = Event::CheckpointSigned(theirs.sign(&statement)).to_json().into();
        }
    });
    let (code, printed, remarks) = verify(&place("resigned"), &trust);
    assert_eq!(code, Some(0), "{remarks}");
    assert_eq!(printed["trusted_until"]["position"], signed[0].0);
    assert_eq!((&printed["signers"][0]["checkpoints"], &printed["signers"][1]["checkpoints"]), (&1.into(), &2.into()));
    assert_eq!(printed["signers"][1]["trusted"], false);
}
