use super::*;
use crate::alerts::recipients::{BUILT_IN, Recipients};
use crate::clock::ManualClock;
use crate::desk::Start;
use crate::domain::hex::Hex;
use crate::domain::time::start_of;
use crate::log::memory::MemoryLog;
use crate::policy::Policies;
use std::io::{Seek as _, Write as _};

const SHEET: &str = "统一社会信用代码,日期,预收资金余额\n91110000101623741K,2025-05-31,100\n";

fn desk() -> Desk {
    let start = Start {
        log: Arc::new(MemoryLog::new()),
        clock: Arc::new(ManualClock::new(start_of("2025-06-01".parse().unwrap()))),
        policies: Policies::built_in().unwrap(),
        recipients: Arc::new(Recipients::parse(BUILT_IN).unwrap()),
        recipients_text: BUILT_IN.to_owned(),
    };
    start.start().unwrap()
}

/// A file handed in with the key `k`, whose request says this much.
fn handed(tray: &Tray, desk: &Desk, content: u8, state: State) -> Handed {
    let mut file = tray.nameless().unwrap();
    file.write_all(SHEET.as_bytes()).unwrap();
    file.rewind().unwrap();
    let origin = Origin::of("office");
    let of = (SHEET.len() as u64, Hex([0; 32]));
    let record = Record {
        state,
        request: Some(AsRequest { key: "k".to_owned(), content: Hex([content; 32]) }),
        ..Record::handed_in(Uuid::now_v7(), "预收资金.csv".to_owned(), of, "office".to_owned(), desk.now())
    };
    Handed { file, record, speaker: Speaker::owner(origin) }
}

/// The tray of a service whose last one ended with a file of this request in this state.
fn tray_with(desk: &Desk, folder: &Path, state: State) -> (Tray, Uuid) {
    let tray = Tray::start(desk.clone(), Profiles::built_in(), folder).unwrap();
    let record = handed(&tray, desk, 1, state).record;
    tray.stop();
    Shelf::open(folder).unwrap().keep(&record).unwrap();
    (Tray::start(desk.clone(), Profiles::built_in(), folder).unwrap(), record.id)
}

#[test]
fn a_file_that_failed_is_taken_when_its_request_comes_again_and_one_that_was_taken_is_not() {
    for state in [State::Failed, State::BrokenOff, State::Taken] {
        let (desk, folder) = (desk(), tempfile::tempdir().unwrap());
        let (tray, first) = tray_with(&desk, folder.path(), state);
        let again = tray.put(handed(&tray, &desk, 1, State::Waiting)).unwrap();
        assert_eq!(again == first, state == State::Taken, "{state:?}");
        let record = tray.wait(again).unwrap();
        assert_eq!(record.state, State::Taken, "{state:?}");
        assert_eq!(record.tally.accepted, u64::from(state != State::Taken), "{state:?}");
        // Once more it is the same file, which was taken by now.
        assert_eq!(tray.put(handed(&tray, &desk, 1, State::Waiting)).unwrap(), again, "{state:?}");
        desk.stop();
    }
}

#[test]
fn a_key_stands_for_one_file_whatever_became_of_it() {
    for state in [State::Failed, State::BrokenOff, State::Taken] {
        let (desk, folder) = (desk(), tempfile::tempdir().unwrap());
        let (tray, _) = tray_with(&desk, folder.path(), state);
        let other = tray.put(handed(&tray, &desk, 2, State::Waiting));
        assert!(matches!(other, Err(TrayError::KeyReused)), "{state:?}: {other:?}");
        desk.stop();
    }
}
