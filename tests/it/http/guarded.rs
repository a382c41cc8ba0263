//! Files that others hand in beside: nobody's work is pushed out, nobody finds out what others handed in, and whose key is gone says
//! nothing more.

use super::app::{App, HERE, Reply, THERE, scope_of};
use serde_json::{Value, json};
use std::io::Write as _;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};
use uuid::Uuid;
use warnlight::clock::Clock as _;
use warnlight::domain::access::Key;
use warnlight::domain::envelope::Origin;
use warnlight::domain::words::Role;
use warnlight::intake::profile::{How, Profiles};
use warnlight::log::contract::{Append, EventLog, Pending};
use warnlight::log::memory::MemoryLog;
use warnlight::taking::tray::{Handed, Keeping, State, Tray};
use warnlight::taking::{Decider, Import, Speaker, Tally};

fn custody(code: &str, held: &str) -> String {
    format!("统一社会信用代码,报送日期,存管余额\n{code},2025-06-20,{held}\n")
}

fn upload(app: &App, role: Role, query: &str, body: &str) -> Reply {
    app.post(&format!("/api/v1/imports?{query}")).role(role).text("application/octet-stream", body).send()
}

fn counts(state: &Value) -> [u64; 4] {
    ["rows", "accepted", "unchanged", "refused"].map(|name| state["counts"][name].as_u64().unwrap())
}

fn key(app: &App, role: Role) -> Arc<Key> {
    app.keyring.all().into_iter().find(|key| key.scope == scope_of(role)).unwrap()
}

fn revoke(app: &App, role: Role) {
    app.keyring.revoke(key(app, role).id, "lost", &Origin::of("test")).unwrap();
}

fn speaker(key: &Key) -> Speaker {
    Speaker { key: Some(key.id), scope: key.scope.clone(), origin: Origin::of(&key.name) }
}

fn handed(app: &App, key: &Key, state: State, body: &str) -> Handed {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(body.as_bytes()).unwrap();
    let nothing = json!({ "shown": [], "more": 0 });
    let tally = serde_json::to_value(Tally::default()).unwrap();
    let record = json!({ "id": Uuid::now_v7(), "file": "custody.csv", "bytes": body.len(), "digest": "0".repeat(64), "by": &*key.name,
        "key": key.id, "history": false, "handed_in_at": app.clock.now(), "state": state, "read": 0, "tally": tally, "known": 0,
        "lights": {}, "mails": 0, "refusals": nothing, "warnings": nothing });
    Handed { file, record: serde_json::from_value(record).unwrap(), speaker: speaker(key) }
}

#[test]
fn no_key_pushes_out_the_previews_of_another() {
    let app = App::start();
    let preview = |role, held: &str| upload(&app, role, "name=custody.csv&preview=true", &custody(HERE, held)).json();
    let banks = preview(Role::Bank, "5.00");
    let first = preview(Role::Operator, "0.00");
    for number in 1..70 {
        assert_eq!(preview(Role::Operator, &format!("{number}.00"))["state"], "previewed");
    }
    let confirm = |state: &Value, role| {
        app.post(&format!("/api/v1/imports/{}/confirm", state["id"].as_str().unwrap())).role(role).send()
    };
    assert_eq!(confirm(&first, Role::Operator).status, 404, "whoever has many loses the oldest");
    let taken = confirm(&banks, Role::Bank);
    assert_eq!((taken.status, counts(&taken.json())), (200, [1, 1, 0, 0]), "{taken:?}");
}

/// A log that takes nothing about merchants while the test holds it up.
struct HeldUp {
    inner: MemoryLog,
    gate: Arc<Mutex<()>>,
}

impl EventLog for HeldUp {
    fn submit(&self, append: Append) -> Pending {
        if append.stream.starts_with("merchant-") {
            drop(self.gate.lock().unwrap());
        }
        self.inner.submit(append)
    }

    crate::shared::forward!(inner);
}

#[test]
fn no_key_fills_the_line_for_others_and_is_told_when_to_come_back() {
    let gate = Arc::new(Mutex::new(()));
    let app = App::on(Arc::new(HeldUp { inner: MemoryLog::new(), gate: gate.clone() }), &[]);
    let held = gate.lock().unwrap();
    let send = |role, held: u32| upload(&app, role, "name=custody.csv&wait=0", &custody(HERE, &format!("{held}.00")));
    let mut replies: Vec<Reply> = (0..40).map(|number| send(Role::Regulator, number)).collect();
    let taken = replies.iter().take_while(|reply| reply.status == 202).count();
    assert_eq!(taken, 32, "no more of one key, and no fewer: {replies:?}");
    let refused = replies.pop().unwrap();
    assert_eq!((refused.status, refused.code().as_str()), (429, "too_many_requests"), "{refused:?}");
    assert_eq!(refused.header("retry-after"), "60");
    assert!(refused.json()["detail"].as_str().unwrap().contains("zip"), "{refused:?}");
    let theirs = send(Role::Bank, 77);
    assert_eq!(theirs.status, 202, "{theirs:?}");
    drop(held);
    let path = format!("/api/v1/imports/{}?wait=60", theirs.json()["id"].as_str().unwrap());
    assert_eq!(counts(&app.get(&path).role(Role::Bank).ok().json()), [1, 1, 0, 0]);
}

#[test]
fn a_file_whose_key_was_revoked_before_its_turn_is_not_taken() {
    let app = App::start();
    let folder = tempfile::tempdir().unwrap();
    let tray = Tray::start(app.desk.clone(), Profiles::built_in(), folder.path()).unwrap();
    let bank = key(&app, Role::Bank);
    let late = handed(&app, &bank, State::Waiting, &custody(HERE, "5.00"));
    revoke(&app, Role::Bank);
    let before = app.desk.log().head();
    let id = tray.put(late).unwrap();
    let record = tray.wait(id).unwrap();
    let failure = record.failure.clone().unwrap();
    assert_eq!((record.state, record.tally.accepted, app.desk.log().head()), (State::Failed, 0, before), "{record:?}");
    assert!(failure.en.contains("revoked") && failure.zh.contains("吊销"), "{failure:?}");
    assert_eq!(tray.papers(id), Vec::<String>::new());
}

#[test]
fn rows_after_the_revocation_are_refused_and_say_why() {
    let app = App::start();
    let bank = key(&app, Role::Bank);
    let handed = handed(&app, &bank, State::Waiting, &custody(HERE, "5.00"));
    let how = How { now: app.clock.now(), profiles: Profiles::built_in() };
    let mut asked = false;
    // The file was begun: its key is revoked while it is read.
    let on_step = |_: &warnlight::taking::Step<'_>| {
        if !std::mem::replace(&mut asked, true) {
            revoke(&app, Role::Bank);
        }
        ControlFlow::Continue(())
    };
    let decider = Decider::desk(app.desk.clone(), handed.speaker);
    let mut import = Import::new(decider, None, how, Box::new(on_step)).unwrap();
    import.take_handed(handed.file, "custody.csv").unwrap();
    let ended = import.end();
    assert_eq!((ended.tally.accepted, ended.tally.refused), (0, 1), "{ended:?}");
    let told = &ended.refusals.kinds[0].first[0];
    assert!(told.code == "key_revoked" && told.zh.contains("吊销") && told.en.contains("revoked"), "{told:?}");
}

/// What somebody handed in is nobody else's to find out, least of all by guessing it.
#[test]
fn the_exact_bytes_of_somebody_elses_file_tell_nothing() {
    let app = App::start();
    let theirs = format!("{}{THERE},2025-06-20,7.00\n", custody(HERE, "5.00"));
    assert_eq!(counts(&upload(&app, Role::Admin, "name=custody.csv", &theirs).json()), [2, 2, 0, 0]);
    let other = theirs.replace("7.00", "8.00");
    let told = |body: &str, query: &str| {
        let state = upload(&app, Role::Bank, &format!("name=custody.csv{query}"), body).json();
        let codes: Vec<Value> = state["refusals"].as_array().unwrap().iter().map(|told| told["code"].clone()).collect();
        (counts(&state), state["known"].clone(), codes)
    };
    for query in ["&preview=true", ""] {
        let guessed = told(&theirs, query);
        assert_eq!(guessed, ([2, 0, 1, 1], json!(0), vec![json!("out_of_scope")]), "{query}");
        assert_eq!(guessed, told(&other, query), "a wrong guess is answered alike");
    }
    // One's own is known as before, and the row that was never theirs stays so.
    assert_eq!(told(&theirs, ""), ([2, 0, 1, 1], json!(1), vec![json!("out_of_scope")]));
}

/// That a later row says otherwise is no answer to who may not speak of it at all.
#[test]
fn a_row_that_is_corrected_further_down_is_judged_too() {
    let app = App::start();
    let body = format!("{}{THERE},2025-06-20,6.00\n", custody(THERE, "5.00"));
    let state = upload(&app, Role::Bank, "name=custody.csv", &body).json();
    assert_eq!(counts(&state), [2, 0, 0, 2], "{state:#}");
}

#[test]
fn what_a_preview_found_stays_on_no_disk() {
    let app = App::start();
    let folder = tempfile::tempdir().unwrap();
    let tray = Tray::start(app.desk.clone(), Profiles::built_in(), folder.path()).unwrap();
    let bank = key(&app, Role::Bank);
    let id = tray.put(handed(&app, &bank, State::Previewing, &custody(HERE, "mark-of-the-cell"))).unwrap();
    let found = tray.wait(id).unwrap();
    assert!(format!("{:?}", found.refusals).contains("mark-of-the-cell"), "{found:?}");
    let written = std::fs::read_to_string(folder.path().join(id.to_string()).join("import.json")).unwrap();
    assert!(!written.contains("mark-of-the-cell"), "{written}");
    drop(tray);
    let tray = Tray::start(app.desk.clone(), Profiles::built_in(), folder.path()).unwrap();
    assert_eq!(tray.record(id).unwrap().state, State::BrokenOff);
    assert!(!format!("{:?}", tray.record(id)).contains("mark-of-the-cell"));
}

/// Little that is packed well comes to very much paper.
#[test]
fn papers_end_at_their_limit_say_so_and_go_when_their_days_are_over() {
    let app = App::start();
    let folder = tempfile::tempdir().unwrap();
    let keeping = Keeping { papers_bytes: 100_000, papers_days: Some(30) };
    let tray = Tray::keeping(app.desk.clone(), Profiles::built_in(), folder.path(), keeping).unwrap();
    let bank = key(&app, Role::Bank);
    let rows = format!("{HERE},2025-06-20,much\n").repeat(5_000);
    let id =
        tray.put(handed(&app, &bank, State::Waiting, &format!("统一社会信用代码,报送日期,存管余额\n{rows}"))).unwrap();
    let record = tray.wait(id).unwrap();
    assert_eq!((record.tally.rows, record.tally.refused), (5_000, 5_000), "the counts are whole");
    let papers = folder.path().join(id.to_string());
    let size = |name: &str| std::fs::metadata(papers.join(name)).unwrap().len();
    let all: u64 = tray.papers(id).iter().map(|name| size(name)).sum();
    assert!(all < 150_000, "{all} bytes of papers");
    for name in tray.papers(id).iter().filter(|name| name.ends_with(".csv") && !name.starts_with("returned-")) {
        let text = std::fs::read_to_string(papers.join(name)).unwrap();
        let is_told = text.contains("papers_limit_bytes");
        assert!(is_told || name.ends_with("-refused.csv"), "{name}: {text}");
    }
    let head = app.desk.log().head();
    app.clock.advance(jiff::SignedDuration::from_hours(31 * 24));
    let preview = tray.put(handed(&app, &bank, State::Previewing, &custody(HERE, "5.00"))).unwrap();
    tray.wait(preview).unwrap();
    assert!(tray.record(id).is_none() && !papers.exists());
    assert!(app.desk.log().head() >= head);
}

/// What papers are counted to take is what they take: rows that weigh much in one paper, in all, or by what they led to.
#[test]
fn papers_weigh_what_is_written_in_them() {
    const LIMIT: u64 = 200_000;
    let app = App::start();
    let folder = tempfile::tempdir().unwrap();
    let keeping = Keeping { papers_bytes: LIMIT, papers_days: None };
    let tray = Tray::keeping(app.desk.clone(), Profiles::built_in(), folder.path(), keeping).unwrap();
    let admin = key(&app, Role::Admin);
    let written = |name: &str, sheet: String| -> f64 {
        let mut handed = handed(&app, &admin, State::Waiting, &sheet);
        handed.record.file = name.to_owned();
        let id = tray.put(handed).unwrap();
        tray.wait(id).unwrap();
        let papers = folder.path().join(id.to_string());
        let names = tray.papers(id);
        let all: u64 = names.iter().map(|name| std::fs::metadata(papers.join(name)).unwrap().len()).sum();
        all as f64 / LIMIT as f64
    };
    let note = "很长的备注".repeat(40);
    let wide: String = (0..2_000).map(|_| format!("{HERE},2025-06-20,much,{note}\n")).collect();
    let refused = written("存管余额.csv", format!("统一社会信用代码,报送日期,存管余额,备注\n{wide}"));
    // A ticket that came, was answered, closed and replied to leads to four events.
    let ticket = |number: usize| {
        format!("N{number},12345,2025-06-01 09:00,{HERE},退费难,2025-06-02 09:00,2025-06-03 09:00,已解决,已退款\n")
    };
    let tickets: String = (0..2_000).map(ticket).collect();
    let header = "工单编号,来源,受理时间,统一社会信用代码,诉求类型,首次响应时间,办结时间,结果,回复内容";
    let taken = written("投诉.csv", format!("{header}\n{tickets}"));
    for (what, share) in [("refused", refused), ("taken", taken)] {
        assert!((0.5..1.1).contains(&share), "papers of rows that were {what} took {share} of their limit");
    }
}
