//! Imports are withdrawn while the service is killed (SIGKILL) at every step: each is withdrawn whole and once, its lights follow, and
//! whoever asks again goes on.

use super::{judge_lights, make_key, serve, strict_agent, terminate};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use uuid::Uuid;
use warnlight::domain::code::CreditCode;
use warnlight::domain::envelope::Position;
use warnlight::domain::event::Event;
use warnlight::domain::merchant::Horizon;
use warnlight::log::contract::EventLog;
use warnlight::log::embedded::EmbeddedLog;
use warnlight::picture::Picture;
use warnlight::policy::Policies;

/// Kills.
const KILLS: u64 = 25;
/// Merchants of a file: each lights up by it.
const MERCHANTS: usize = 12;

fn sheet(number: u64) -> String {
    let row = |merchant: usize| {
        let code = CreditCode::with_check_character(&format!("91110108MA{number:02}{merchant:05}")).unwrap();
        format!("{code},东方广场,{merchant},闭店,2025-03-01\n")
    };
    let rows: String = (0..MERCHANTS).map(row).collect();
    format!("统一社会信用代码,商场,铺位号,事项,日期\n{rows}")
}

fn head(data: &Path) -> u64 {
    EmbeddedLog::open_read_only(data).unwrap().head()
}

fn upload(address: &str, key: &str, number: u64) -> Uuid {
    let answer = strict_agent()
        .post(format!("{address}/api/v1/imports?name=exits-{number}.csv&wait=60"))
        .header("authorization", format!("Bearer {key}"))
        .send(sheet(number));
    let state: serde_json::Value = answer.unwrap().body_mut().read_json().unwrap();
    assert_eq!((&state["state"], &state["counts"]["accepted"]), (&"taken".into(), &MERCHANTS.into()), "{state}");
    state["id"].as_str().unwrap().parse().unwrap()
}

/// Asks for the withdrawal; says whether it was acknowledged.
fn withdraw(address: &str, key: &str, import: Uuid) -> bool {
    let answer = strict_agent()
        .post(format!("{address}/api/v1/imports/{import}/withdraw"))
        .header("authorization", format!("Bearer {key}"))
        .send_json(serde_json::json!({ "reason": "by mistake" }));
    answer.is_ok_and(|answer| answer.status() == 200)
}

#[test]
fn an_import_is_withdrawn_whole_and_once_wherever_the_service_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let key = make_key(&data);
    let mut imports = Vec::new();
    let mut open: Option<Uuid> = None;
    for kill in 0..KILLS {
        let (mut child, address) = serve(&data);
        if let Some(import) = open.take() {
            assert!(withdraw(&address, &key, import), "whoever asks again goes on");
        }
        let import = upload(&address, &key, kill);
        imports.push(import);
        // The withdrawal is one event; what follows is one for each light, and more.
        let until = head(&data) + kill % (MERCHANTS as u64 + 3);
        let acknowledged = std::thread::scope(|scope| {
            let asked = scope.spawn(|| withdraw(&address, &key, import));
            while head(&data) < until && !asked.is_finished() {
                std::thread::yield_now();
            }
            child.kill().unwrap();
            asked.join().unwrap()
        });
        child.wait().unwrap();
        if !acknowledged {
            open = Some(import);
        }
    }
    let (mut child, address) = serve(&data);
    for import in &imports {
        assert!(withdraw(&address, &key, *import), "again it is harmless");
    }
    terminate(&child);
    assert!(child.wait().unwrap().success());
    judge(&data, &imports);
}

fn judge(data: &Path, imports: &[Uuid]) {
    let log = EmbeddedLog::open_read_only(data).unwrap();
    log.verify(&mut |_, _| {}).unwrap();
    let events = log.read_all(0, usize::MAX).unwrap();
    let mut withdrawn: BTreeMap<Uuid, usize> = BTreeMap::new();
    for event in &events {
        if let Event::ImportWithdrawn(said) = event.event.decode().unwrap() {
            assert_eq!(said.merchants, MERCHANTS as u64, "{said:?}");
            *withdrawn.entry(said.import).or_default() += 1;
        }
    }
    assert_eq!(withdrawn, imports.iter().map(|import| (*import, 1)).collect());
    let picture = Picture::replay(&log, Arc::new(Policies::built_in().unwrap())).unwrap();
    let horizon = Horizon::new(events.last().unwrap().recorded_at, Position::MAX);
    assert!(picture.world.merchants().iter().all(|merchant| !merchant.exists(&horizon)));
    judge_lights(&log, &events);
}
