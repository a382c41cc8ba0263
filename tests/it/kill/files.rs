//! Files handed in by every way while the service is killed (SIGKILL) again and again: from the command line beside it, over HTTP, and
//! through the inbox. Each is taken whole and once, and moved away once.

use super::{Client, judge_lights, key_from, serve_from, strict_agent, terminate, warnlight};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use warnlight::domain::event::Event;
use warnlight::log::contract::EventLog;
use warnlight::log::embedded::EmbeddedLog;

/// Kills.
const KILLS: usize = 50;
/// Rows of a file.
const ROWS: usize = 100;

/// What one way has to hand in.
struct Way {
    client: Client,
    name: &'static str,
    next: usize,
}

impl Way {
    fn new(number: usize, name: &'static str) -> Self {
        Self { client: Client::of_lists(number, ROWS), name, next: 0 }
    }

    fn file(&self) -> String {
        format!("{}-{}.ndjson", self.name, self.next)
    }

    fn content(&self) -> String {
        let first = self.next * ROWS;
        (first..first + ROWS).map(|number| format!("{}\n", self.client.command(number))).collect()
    }
}

struct Room {
    folder: tempfile::TempDir,
    key: String,
}

impl Room {
    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn inbox(&self) -> PathBuf {
        self.folder.path().join("inbox")
    }

    fn warnlight(&self) -> Command {
        let mut command = warnlight(&self.data());
        command
            .env("WARNLIGHT__INTAKE__INBOX", self.inbox())
            .env("WARNLIGHT__INTAKE__INBOX_SETTLE_SECONDS", "0")
            .env("WARNLIGHT__INTAKE__INBOX_EVERY_SECONDS", "1");
        command
    }

    /// Imports the file beside the service; says whether it is done.
    fn import(&self, way: &Way) -> bool {
        let path = self.folder.path().join(way.file());
        fs::write(&path, way.content()).unwrap();
        let output = self.warnlight().arg("import").arg("--notify").arg(&path).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        match output.status.code() {
            Some(0) => true,
            // The service went away, or was not there yet.
            Some(1 | 6) => false,
            other => panic!("{other:?}: {said}"),
        }
    }

    /// Uploads the file; says whether it is done.
    fn upload(&self, way: &Way, address: &str) -> bool {
        let answer = strict_agent()
            .post(format!("{address}/api/v1/imports?name={}&wait=60", way.file()))
            .header("authorization", format!("Bearer {}", self.key))
            .header("idempotency-key", way.file())
            .send(way.content());
        let Ok(mut answer) = answer else { return false };
        let Ok(state) = answer.body_mut().read_json::<serde_json::Value>() else { return false };
        match state["state"].as_str() {
            Some("taken") => {
                assert_eq!(
                    (&state["counts"]["rows"], &state["counts"]["refused"]),
                    (&ROWS.into(), &0.into()),
                    "{state}"
                );
                true
            }
            _ => false,
        }
    }

    /// Drops the file into the inbox, if it is not there or was taken.
    fn drop_in(&self, way: &Way) {
        let aside = self.inbox().join(format!(".{}", way.file()));
        fs::write(&aside, way.content()).unwrap();
        fs::rename(aside, self.inbox().join(way.file())).unwrap();
    }

    fn is_in(&self, way: &Way) -> bool {
        self.inbox().join(way.file()).exists()
    }

    fn head(&self) -> u64 {
        EmbeddedLog::open_read_only(&self.data()).unwrap().head()
    }

    /// Lets all ways hand in for one life; `wanted` events later it is over.
    fn live(&self, ways: &mut [Way; 3], wanted: Option<u64>) {
        let (mut child, address) = serve_from(self.warnlight());
        let until = wanted.map(|wanted| self.head() + wanted);
        let over = AtomicBool::new(false);
        let [importing, uploading, dropping] = ways;
        std::thread::scope(|scope| {
            let (over, address) = (&over, &address);
            let tried: Vec<_> = vec![
                scope.spawn(move || {
                    while !over.load(Ordering::Relaxed) && self.import(importing) {
                        importing.next += 1;
                        if until.is_none() {
                            return;
                        }
                    }
                }),
                scope.spawn(move || {
                    while !over.load(Ordering::Relaxed) && self.upload(uploading, address) {
                        uploading.next += 1;
                        if until.is_none() {
                            return;
                        }
                    }
                }),
                scope.spawn(move || {
                    while !over.load(Ordering::Relaxed) {
                        if self.is_in(dropping) {
                            std::thread::yield_now();
                        } else if until.is_none() {
                            return;
                        } else {
                            dropping.next += 1;
                            self.drop_in(dropping);
                        }
                    }
                }),
            ];
            if let Some(until) = until {
                while self.head() < until {
                    assert!(child.try_wait().unwrap().is_none(), "the service died by itself");
                    std::thread::yield_now();
                }
                child.kill().unwrap();
                over.store(true, Ordering::Relaxed);
            }
            tried.into_iter().for_each(|thread| thread.join().unwrap());
        });
        if until.is_none() {
            terminate(&child);
            assert!(child.wait().unwrap().success());
        } else {
            child.wait().unwrap();
        }
    }
}

#[test]
fn a_file_is_taken_once_by_every_way_however_often_the_service_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("inbox")).unwrap();
    let key = key_from(warnlight(&folder.path().join("data")));
    let room = Room { folder, key };
    let mut ways = [Way::new(11, "import"), Way::new(12, "upload"), Way::new(13, "inbox")];
    room.drop_in(&ways[2]);
    for kill in 0..KILLS {
        // Each life lasts for another number of events, so that the kill falls on every step of the way.
        room.live(&mut ways, Some(1 + (kill as u64 * 37) % 211));
    }
    room.live(&mut ways, None);
    judge(&room, &ways);
}

fn judge(room: &Room, ways: &[Way; 3]) {
    let log = EmbeddedLog::open_read_only(&room.data()).unwrap();
    log.verify(&mut |_, _| {}).unwrap();
    let events = log.read_all(0, usize::MAX).unwrap();
    let mut said = BTreeSet::new();
    let mut taken: BTreeMap<String, usize> = BTreeMap::new();
    for event in &events {
        if event.stream.starts_with("merchant-") {
            assert!(said.insert((event.event.event_type.clone(), event.event.data.clone())), "said twice: {event:?}");
        }
        if let Event::ImportTaken(file) = event.event.decode().unwrap() {
            *taken.entry(file.file).or_default() += 1;
        }
    }
    // The last file of the command line and of the upload was handed in once more in the last life, and counted on.
    for (way, count) in [(&ways[0], ways[0].next), (&ways[1], ways[1].next), (&ways[2], ways[2].next + 1)] {
        assert!(count > 0, "{} came to nothing", way.name);
        for number in 0..count {
            let file = format!("{}-{number}.ndjson", way.name);
            assert_eq!(taken.get(&file), Some(&1), "{file}");
        }
    }
    judge_inbox(&room.inbox(), ways[2].next + 1);
    judge_lights(&log, &events);
}

/// Every file is in a folder of its own with its receipts, and nothing is left over.
fn judge_inbox(inbox: &Path, count: usize) {
    let names = |folder: &Path| -> BTreeSet<String> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    assert_eq!(names(inbox), ["done", "refused"].map(str::to_owned).into(), "something is left over");
    assert!(names(&inbox.join("refused")).is_empty());
    let done = names(&inbox.join("done"));
    assert_eq!(done.len(), count, "{done:?}");
    for folder in done {
        let (_, name) = folder.split_once("Z-").unwrap();
        let folder = inbox.join("done").join(&folder);
        assert_eq!(names(&folder), [name, "papers"].map(str::to_owned).into());
        let receipts = fs::read_to_string(folder.join("papers/receipts.csv")).unwrap();
        assert_eq!(receipts.lines().count(), ROWS + 1, "{name}");
    }
}
