//! The log and its disk: what is synced, a disk that is full, a folder that may not be written or not be looked into, and
//! what a script hears of damage. Some of it needs root, to mount a small disk; without, those tests say so and are skipped.

use crate::cli::{text, warnlight};
use crate::kill::{key_from, serve_from, terminate, warnlight as serving};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant as Clock};
use tempfile::TempDir;
use uuid::Uuid;
use warnlight::domain::envelope::NewEvent;
use warnlight::domain::time::Instant;
use warnlight::log::contract::{Append, EventLog, Expected, LogError};
use warnlight::log::embedded::{EmbeddedLog, Options};
use warnlight::picture::{Picture, snapshot};
use warnlight::policy::Policies;

/// Names the data directory to the child process.
const DIRECTORY: &str = "WARNLIGHT_DISK_DIRECTORY";
/// Appends made one after the other under `strace`.
const APPENDS: usize = 40;

fn append(number: usize) -> Append {
    Append {
        stream: format!("stream-{}", number % 50).into(),
        expected: Expected::Any,
        recorded_at: Instant::UNIX_EPOCH,
        idempotency_key: None,
        events: vec![NewEvent {
            id: Uuid::now_v7(),
            event_type: "trial.held".into(),
            schema_version: 1,
            occurred_at: Instant::UNIX_EPOCH,
            actor: "disk".into(),
            causation: None,
            correlation: None,
            history: false,
            data: format!(r#"{{"number":{number},"note":"{}"}}"#, "x".repeat(400)).into(),
        }],
    }
}

fn child(name: &str, before: &[&str], dir: &Path) -> Child {
    let me = std::env::current_exe().unwrap();
    let mut words: Vec<&str> = before.to_vec();
    words.extend([me.to_str().unwrap(), "--exact", name, "--ignored", "--nocapture"]);
    Command::new(words[0]).args(&words[1..]).env(DIRECTORY, dir).stdout(Stdio::piped()).spawn().unwrap()
}

fn skipped(why: &str) {
    eprintln!("SKIPPED, NOTHING TESTED: {why}");
}

/// A small disk in memory, taken away when dropped.
struct Disk(TempDir);

impl Disk {
    fn of(megabytes: usize) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let size = format!("size={megabytes}m");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "none"]).arg(dir.path()).output();
        match mounted {
            Ok(done) if done.status.success() => Some(Self(dir)),
            _ => {
                skipped("a small disk can be mounted by root only");
                None
            }
        }
    }

    fn remount(&self, how: &str) {
        let options = format!("remount,{how}");
        assert!(Command::new("mount").args(["-o", &options]).arg(self.0.path()).status().unwrap().success());
    }

    fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Clock::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(240), "{what}: never");
        std::thread::yield_now();
    }
}

#[test]
#[ignore = "the child process of another test"]
fn child_appends_one_by_one() {
    let Some(dir) = std::env::var_os(DIRECTORY) else { return };
    let log = EmbeddedLog::open(Path::new(&dir), &Options::default()).unwrap();
    for number in 0..APPENDS {
        log.append(append(number)).unwrap();
    }
}

#[test]
fn every_append_is_synced_before_it_is_answered() {
    if Command::new("strace").arg("-V").output().is_err() {
        return skipped("syncs are counted by strace, which is not here");
    }
    let dir = tempfile::tempdir().unwrap();
    let traced = dir.path().join("traced");
    let trace = ["strace", "-f", "-y", "-e", "trace=fsync,fdatasync", "-o", traced.to_str().unwrap()];
    let data = dir.path().join("data");
    let ended = child("disk::child_appends_one_by_one", &trace, &data).wait().unwrap();
    let said = std::fs::read_to_string(&traced).unwrap_or_default();
    if !ended.success() && !said.contains("sync(") {
        return skipped("strace may not trace here");
    }
    let syncs = said.lines().filter(|line| line.contains("log.db-wal>")).count();
    assert!(syncs >= APPENDS, "{syncs} syncs of the write-ahead log for {APPENDS} appends");
    assert!(said.contains("log.mark>"), "the mark is never synced");
}

#[test]
#[ignore = "the child process of another test"]
fn child_fills_the_disk() {
    let Some(dir) = std::env::var_os(DIRECTORY) else { return };
    let dir = Path::new(&dir);
    let log = EmbeddedLog::open(dir, &Options::default()).unwrap();
    until("the reserve is kept", || {
        std::fs::metadata(dir.join("log.reserve")).is_ok_and(|file| file.len() == 16 << 20)
    });
    // Somebody else takes nearly all that is left.
    let mut other = std::fs::File::create(dir.join("other")).unwrap();
    let mut taken = 0;
    while other.write_all(&[1; 65_536]).is_ok() {
        taken += 65_536;
    }
    other.set_len(taken - (1 << 20)).unwrap();
    let mut number = 0;
    while log.takes_appends().is_ok() {
        match log.append(append(number)) {
            Ok(_) | Err(LogError::Full) => number += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert!(matches!(log.append(append(number)), Err(LogError::Full)));
    println!("full {}", log.head());
    std::thread::park();
}

#[test]
fn a_log_on_a_full_disk_is_tidied_up_opened_again_and_goes_on_by_itself_when_there_is_room() {
    let Some(disk) = Disk::of(64) else { return };
    let data = disk.data();
    let mut child = child("disk::child_fills_the_disk", &["env"], &data);
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let said = lines.into_iter().find_map(|line| Some(line.split_once("full ")?.1.parse::<u64>().unwrap()));
    let acknowledged = said.expect("the child ended by itself");
    let size = |name: &str| std::fs::metadata(data.join(name)).map_or(0, |file| file.len());
    // As it lies there while the disk is full: the events once, and not a second time in the write-ahead log.
    assert!(size("log.db-wal") < 1 << 20, "{} bytes for a log of {}", size("log.db-wal"), size("log.db"));
    child.kill().unwrap();
    child.wait().unwrap();

    let log = EmbeddedLog::open(&data, &Options::default()).unwrap();
    assert_eq!(log.head(), acknowledged);
    log.verify(&mut |_, _| {}).unwrap();
    until("it notices that the disk is full", || {
        let _ = log.append(append(0));
        matches!(log.takes_appends(), Err(LogError::Full))
    });
    std::fs::remove_file(data.join("other")).unwrap();
    until("it notices that there is room", || log.takes_appends().is_ok());
    log.append(append(1)).unwrap();
    log.verify(&mut |_, _| {}).unwrap();
}

/// Asks the service whether it is ready: the status, and what it says.
fn ready(address: &str) -> (u16, String) {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let mut answer = agent.get(format!("{address}/readyz")).header("accept-language", "en").call().unwrap();
    (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
}

#[test]
fn a_service_on_a_full_disk_is_not_ready_until_there_is_room() {
    let Some(disk) = Disk::of(64) else { return };
    let data = disk.data();
    let key = key_from(serving(&data));
    let (mut child, address) = serve_from(serving(&data));
    until("it is ready", || ready(&address).0 == 200);
    // Somebody else takes all that is left, the log its reserve, and then nothing more goes in.
    let mut other = std::fs::File::create(data.join("other")).unwrap();
    while other.write_all(&[1; 65_536]).is_ok() {}
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let mut number = 0;
    let mut post = || {
        number += 1;
        let rows: Vec<_> = (0..500)
            .map(|row| {
                serde_json::json!({"command": "report_balance", "credit_code": "91110108MA0000000A",
                    "date": "2025-03-01", "outstanding": format!("{}.00", number * 1_000 + row)})
            })
            .collect();
        let commands = format!("{address}/api/v1/commands");
        let posting = agent.post(commands).header("authorization", format!("Bearer {key}"));
        posting.send_json(rows).unwrap().status().as_u16()
    };
    until("no command is taken", || post() == 507);
    let (status, said) = ready(&address);
    assert!(status == 503 && said.contains("full"), "{status}: {said}");
    drop(other);
    std::fs::remove_file(data.join("other")).unwrap();
    until("it is ready again", || ready(&address).0 == 200);
    assert_eq!(post(), 200);
    terminate(&child);
    assert!(child.wait().unwrap().success());
}

#[test]
fn an_import_that_meets_a_full_disk_has_a_receipt_for_every_row_it_handed_over() {
    const CODE: &str = "91110000101623741K";
    let Some(disk) = Disk::of(24) else { return };
    let room = tempfile::tempdir().unwrap();
    let (sheet, out) = (room.path().join("投诉.csv"), room.path().join("out"));
    let row = |number: u32| format!("A{number},12345,2025-01-01 10:00,{CODE},退费难\n");
    let rows: String = (0..150_000).map(row).collect();
    std::fs::write(&sheet, format!("工单编号,来源,受理时间,统一社会信用代码,诉求类型\n{rows}")).unwrap();
    let data = disk.data();
    let words = ["import", "--data", data.to_str().unwrap(), "--out", out.to_str().unwrap(), sheet.to_str().unwrap()];
    let ran = warnlight(&words, &[]);
    let said = text(&ran.stderr);
    assert!(!matches!(ran.status.code(), Some(0 | 2)), "{said}");

    let receipts = std::fs::read_to_string(out.join("receipts.csv")).unwrap();
    let results: Vec<(u32, &str)> = receipts
        .lines()
        .skip(1)
        .map(|line| line.split(',').collect::<Vec<_>>())
        .map(|cells| (cells[2].parse().unwrap(), cells[3]))
        .collect();
    let count = |result: &str| results.iter().filter(|(_, said)| *said == result).count();
    let (accepted, lost) = (count("accepted"), count("not_recorded"));
    assert!(accepted > 0 && lost > 0, "{accepted} accepted, {lost} not recorded: {said}");
    assert_eq!(accepted + lost, results.len());
    // None is left out between the first row and the last that was handed over.
    assert!(results.iter().map(|(row, _)| *row).eq((2..).take(results.len())));
    let log = EmbeddedLog::open_read_only(&data).unwrap();
    let mut recorded = 0;
    log.scan(0, &mut |event| {
        recorded += usize::from(event.event_type == "complaint.received");
        std::ops::ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(recorded, accepted, "what was accepted is recorded, and nothing else");
    let refused = std::fs::read_to_string(out.join("投诉-refused.csv")).unwrap();
    assert_eq!(refused.lines().count() - 1, lost, "they can be sent again");
}

#[test]
fn a_folder_that_may_not_be_written_can_be_read_or_says_why_not() {
    let Some(disk) = Disk::of(64) else { return };
    let data = disk.data();
    let log = EmbeddedLog::open(&data, &Options::default()).unwrap();
    for number in 0..10 {
        log.append(append(number)).unwrap();
    }
    drop(log);
    disk.remount("ro");
    let log = EmbeddedLog::open_read_only(&data).unwrap();
    assert_eq!((log.head(), log.read_all(0, 100).unwrap().len()), (10, 10));
    log.verify(&mut |_, _| {}).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    log.backup(&elsewhere.path().join("copy.db")).unwrap();
    let refused = EmbeddedLog::open(&data, &Options::default()).unwrap_err();
    assert!(matches!(refused, LogError::Unavailable(_)), "{refused}");

    disk.remount("rw");
    std::fs::write(data.join("log.db-wal"), [7; 100]).unwrap();
    disk.remount("ro");
    let said = EmbeddedLog::open_read_only(&data).unwrap_err().to_string();
    assert!(said.contains("log.db-wal") && said.contains("copy the whole folder"), "{said}");
}

#[test]
fn a_folder_that_may_not_be_looked_into_is_not_called_empty() {
    use std::os::unix::fs::PermissionsExt as _;
    let room = tempfile::tempdir().unwrap();
    let data = room.path().join("data");
    drop(EmbeddedLog::open(&data, &Options::default()).unwrap());
    let shut = |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    shut(room.path(), 0o755);
    let program = room.path().join("warnlight");
    std::fs::copy(env!("CARGO_BIN_EXE_warnlight"), &program).unwrap();
    let verify = || {
        Command::new("setpriv")
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .arg(&program)
            .args(["verify", "--data"])
            .arg(&data)
            .output()
    };
    let ran = verify();
    if !ran.as_ref().is_ok_and(|ran| ran.status.code() == Some(0)) {
        return skipped(&format!("only root can become somebody else: {ran:?}"));
    }
    shut(&data, 0o700);
    let ran = verify().unwrap();
    let said = text(&ran.stderr);
    assert_eq!(ran.status.code(), Some(1), "{said}");
    assert!(said.contains("may not be looked at") && !said.contains("there is no log"), "{said}");
    shut(&data, 0o755);
    shut(&data.join("log.db"), 0o600);
    let said = text(&verify().unwrap().stderr);
    assert!(said.contains("may not be read"), "{said}");
}

#[test]
fn damage_ends_every_command_that_meets_it_with_5() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let made = warnlight(&["key", "create", "--data", data, "--role", "admin", "--name", "first"], &[]);
    assert_eq!(made.status.code(), Some(0), "{}", text(&made.stderr));
    let rewrite = rusqlite::Connection::open(folder.path().join("log.db")).unwrap();
    rewrite.execute_batch("UPDATE event SET occurred_at = occurred_at + 1 WHERE position = 1").unwrap();
    drop(rewrite);
    let sheets = folder.path().join("sheets");
    std::fs::create_dir(&sheets).unwrap();
    std::fs::write(sheets.join("x.csv"), "a,b\n1,2\n").unwrap();
    let sheets = sheets.to_str().unwrap();
    for command in [
        &["verify"][..],
        &["lights"],
        &["explain", "91110000101623741K"],
        &["key", "list"],
        &["import", sheets],
        &["import", "--dry-run", sheets],
        &["backup", "copy.db"],
        &["serve"],
    ] {
        let ran = warnlight(&[command, &["--data", data]].concat(), &[("WARNLIGHT__HTTP__LISTEN", "127.0.0.1:0")]);
        let said = text(&ran.stderr);
        assert_eq!(ran.status.code(), Some(5), "{command:?}: {said}");
        assert!(said.contains("position 1") && !said.contains("warnlight verify"), "{command:?}: {said}");
    }
}

/// A folder whose log was folded into a snapshot; returns how many events the log has.
fn with_snapshot(folder: &Path) -> u64 {
    let data = folder.to_str().unwrap();
    for name in ["first", "second", "third"] {
        let made = warnlight(&["key", "create", "--data", data, "--role", "admin", "--name", name], &[]);
        assert_eq!(made.status.code(), Some(0), "{}", text(&made.stderr));
    }
    let log = EmbeddedLog::open(folder, &Options::default()).unwrap();
    let picture = Picture::replay(&log, Arc::new(Policies::built_in().unwrap())).unwrap();
    snapshot::write(&folder.join(snapshot::FILE), &picture, &log).unwrap();
    log.head()
}

#[test]
fn a_log_emptied_removed_or_replaced_by_an_older_copy_is_never_an_empty_service() {
    let whole = tempfile::tempdir().unwrap();
    let data = whole.path().to_str().unwrap();
    let made = warnlight(&["key", "create", "--data", data, "--role", "admin", "--name", "zeroth"], &[]);
    assert_eq!(made.status.code(), Some(0), "{}", text(&made.stderr));
    let older = whole.path().join("older.db");
    let copied = warnlight(&["backup", "--data", data, older.to_str().unwrap()], &[]);
    assert_eq!(copied.status.code(), Some(0), "{}", text(&copied.stderr));
    let events = with_snapshot(whole.path());
    let damage = |what: &str, log: &Path| match what {
        "emptied" => std::fs::write(log, b"").unwrap(),
        "removed" => std::fs::remove_file(log).unwrap(),
        _ => std::fs::copy(&older, log).map(drop).unwrap(),
    };
    for what in ["emptied", "removed", "an older copy"] {
        for (witness, lost) in [("log.mark", "snapshot.bin"), ("snapshot.bin", "log.mark")] {
            let folder = tempfile::tempdir().unwrap();
            for name in ["log.db", "log.mark", "snapshot.bin"] {
                std::fs::copy(whole.path().join(name), folder.path().join(name)).unwrap();
            }
            damage(what, &folder.path().join("log.db"));
            std::fs::remove_file(folder.path().join(lost)).unwrap();
            let data = folder.path().to_str().unwrap();
            let place = format!("position {}", if what == "an older copy" { 2 } else { 1 });
            for command in
                [&["serve"][..], &["key", "create", "--role", "admin", "--name", "x"], &["verify"], &["lights"]]
            {
                let ran =
                    warnlight(&[command, &["--data", data]].concat(), &[("WARNLIGHT__HTTP__LISTEN", "127.0.0.1:0")]);
                let said = text(&ran.stderr);
                let told = ran.status.code() == Some(5) && said.contains(&place) && said.contains(witness);
                assert!(told, "{what}, {witness} left, {command:?}: {:?} {said}", ran.status.code());
            }
            assert!(folder.path().join("log.db").exists() || what == "removed");
            // Nothing was made in its place; a backup that is put back is the log from then on.
            if what == "removed" {
                let backup = folder.path().join("whole.db");
                std::fs::copy(&older, &backup).unwrap();
                let put = warnlight(&["restore", "--data", data, backup.to_str().unwrap()], &[]);
                assert_eq!(put.status.code(), Some(0), "{}", text(&put.stderr));
                let sound = warnlight(&["verify", "--data", data], &[]);
                assert_eq!(sound.status.code(), Some(0), "{}", text(&sound.stderr));
            }
        }
    }
    assert!(events > 3);
}
