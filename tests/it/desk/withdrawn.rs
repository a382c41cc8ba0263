//! How long commands wait while a city's sheet is withdrawn.

use crate::watch::stage::{start, time};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use uuid::Uuid;
use warnlight::clock::ManualClock;
use warnlight::desk::{Answer, Request};
use warnlight::domain::access::Scope;
use warnlight::domain::code::CreditCode;
use warnlight::domain::command::Command;
use warnlight::domain::envelope::Origin;
use warnlight::log::contract::EventLog;
use warnlight::log::embedded::{EmbeddedLog, Options};
use warnlight::policy::Policies;
use warnlight::taking::withdrawal::withdraw;

/// Rows of the sheet, each about a merchant of its own.
fn rows() -> usize {
    std::env::var("WARNLIGHT_TEST_ROWS").ok().and_then(|rows| rows.parse().ok()).unwrap_or(20_000)
}

fn balance(code: &str, yuan: usize) -> Command {
    let said = json!({ "command": "report_balance", "credit_code": code, "date": "2025-05-31", "outstanding": format!("{yuan}.00") });
    serde_json::from_value(said).unwrap()
}

#[test]
#[ignore = "measures: `cargo test --release --test it -- --ignored desk::withdrawn --nocapture`, rows by WARNLIGHT_TEST_ROWS"]
fn how_long_commands_wait_while_a_citys_sheet_is_withdrawn() {
    let dir = tempfile::tempdir().unwrap();
    let log: Arc<dyn EventLog> = Arc::new(EmbeddedLog::open(dir.path(), &Options::default()).unwrap());
    let clock = Arc::new(ManualClock::new(time("2025-06-30T10:00:00")));
    let desk = start(&log, &clock, Policies::built_in().unwrap()).unwrap();
    let import = Uuid::from_u128(7);
    let codes: Vec<CreditCode> = (0..rows())
        .map(|number| CreditCode::with_check_character(&format!("91110108MA{number:07}")).unwrap())
        .collect();
    for some in codes.chunks(2_000) {
        let commands = some.iter().map(|code| balance(code.as_str(), 1)).collect();
        let origin = Origin { causation: Some(import), ..Origin::of("import") };
        desk.execute(Request { hold_lights: true, ..Request::new(commands, origin) }).unwrap();
    }
    desk.settle().unwrap();
    let is_over = AtomicBool::new(false);
    let (longest, took) = std::thread::scope(|scope| {
        let speaking = scope.spawn(|| {
            let mut longest = Duration::ZERO;
            let mut yuan = 2;
            while !is_over.load(Ordering::Acquire) {
                let began = Instant::now();
                let said =
                    desk.execute(Request::new(vec![balance("91110000101623741K", yuan)], Origin::of("test"))).unwrap();
                assert!(matches!(said[0], Answer::Accepted(_)), "{said:?}");
                longest = longest.max(began.elapsed());
                yuan += 1;
            }
            longest
        });
        let began = Instant::now();
        let done = withdraw(&desk, &Scope::everything(), &Origin::of("lead"), import, "by mistake").unwrap();
        let took = began.elapsed();
        assert_eq!(done.events, codes.len() as u64);
        is_over.store(true, Ordering::Release);
        (speaking.join().unwrap(), took)
    });
    println!("{} rows: withdrawn in {took:?}; the longest a command waited: {longest:?}", codes.len());
    desk.stop();
}
