//! An answer without a write of its own (unchanged, refused) rests on what was written before it in the same batch, and
//! shares its fate.

use super::gate::Gate;
use crate::watch::stage::{start, time};
use crate::watch::{HAIR, complaint, register};
use std::sync::Arc;
use warnlight::clock::ManualClock;
use warnlight::desk::{Answer, DeskError, Rehearsal, Request};
use warnlight::domain::command::Command;
use warnlight::domain::envelope::Origin;
use warnlight::log::contract::{EventLog, LogError};
use warnlight::log::memory::MemoryLog;
use warnlight::picture::Picture;
use warnlight::policy::Policies;

const OTHER: &str = "91110108MA0000000D";
const FIRST: &str = "91110108MA0000000E";
const NOW: &str = "2025-03-05T10:30:00";

/// The answer to a request.
type Outcome = Result<Vec<Answer>, DeskError>;

fn row() -> Command {
    register(HAIR, "8040", "Aurora")
}

fn ticket(code: &str, ticket: &str) -> Command {
    complaint(code, ticket, "2025-03-05T10:15:00", "")
}

/// Has the requests decided in one batch, on a disk that is full for some of their appends. Returns the answers and the log.
fn decide(
    requests: &[Vec<Command>],
    full: impl Fn(usize) -> bool + Send + Sync + 'static,
) -> (Vec<Outcome>, Arc<dyn EventLog>) {
    let inner: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
    let (gate, keeper) = Gate::before(inner.clone(), full);
    let log: Arc<dyn EventLog> = gate;
    let clock = Arc::new(ManualClock::new(time(NOW)));
    let desk = start(&log, &clock, Policies::built_in().unwrap()).unwrap();
    let request = |commands: &[Command]| Request::new(commands.to_vec(), Origin::of("test"));
    // While the desk stands before the gate with this one, the others come to wait together.
    let first = desk.submit(request(&[register(FIRST, "8040", "")]));
    keeper.wait();
    let waiting: Vec<_> = requests.iter().map(|commands| desk.submit(request(commands))).collect();
    keeper.open();
    first.wait().unwrap();
    let answers = waiting.into_iter().map(|answers| answers.wait()).collect();
    desk.stop();
    (answers, inner)
}

fn is_full(outcome: &Outcome) -> bool {
    matches!(outcome, Err(DeskError::Log(LogError::Full)))
}

fn is_not_recorded(answer: &Answer) -> bool {
    matches!(answer, Answer::Refused(problems) if problems.iter().all(|problem| problem.code == "not_recorded"))
}

#[test]
fn a_row_said_twice_in_one_request_fails_twice() {
    let (answers, log) = decide(&[vec![row(), row()]], |append| append == 0);
    assert!(is_full(&answers[0]), "{answers:?}");
    assert!(log.read_stream(&format!("merchant-{HAIR}"), 0, 1).unwrap().is_empty());
}

#[test]
fn a_row_said_in_two_requests_of_one_batch_fails_in_both() {
    let (answers, _) = decide(&[vec![row()], vec![row()]], |append| append == 0);
    assert!(answers.iter().all(is_full), "{answers:?}");
}

#[test]
fn what_was_written_in_between_does_not_make_a_lost_row_known() {
    // The ticket is a stream of its own: it is on disk, and the register's row before it is not.
    let (answers, _) = decide(&[vec![row(), ticket(HAIR, "T1"), row()]], |append| append == 0);
    let answers = answers[0].as_ref().unwrap();
    assert!(is_not_recorded(&answers[0]) && is_not_recorded(&answers[2]), "{answers:?}");
    assert!(matches!(answers[1], Answer::Accepted(_)), "{answers:?}");
    let (answers, _) = decide(&[vec![row()], vec![ticket(HAIR, "T1")], vec![row()]], |append| append == 0);
    assert!(is_full(&answers[0]) && answers[1].is_ok() && is_full(&answers[2]), "{answers:?}");
}

#[test]
fn a_ticket_is_not_refused_as_anothers_because_of_one_that_is_on_no_disk() {
    let (answers, _) = decide(&[vec![ticket(HAIR, "T1")], vec![ticket(OTHER, "T1")]], |append| append == 0);
    assert!(answers.iter().all(is_full), "{answers:?}");
    let (answers, _) = decide(&[vec![ticket(HAIR, "T1")], vec![ticket(OTHER, "T1")]], |_| false);
    assert!(matches!(answers[1].as_deref(), Ok([Answer::Refused(_)])), "it is, once that is on disk: {answers:?}");
}

#[test]
fn whatever_the_disk_refuses_nothing_is_called_known_that_is_on_no_disk() {
    let rows = [row(), ticket(HAIR, "T1"), row(), ticket(HAIR, "T1"), register(OTHER, "8930", "Boreal"), row()];
    let now = time(NOW);
    // Four appends at most: what is not lost is said once.
    for pattern in 0..1_u32 << 4 {
        for split in [1, 3] {
            let requests: Vec<Vec<Command>> = rows.chunks(split).map(<[Command]>::to_vec).collect();
            let (outcomes, log) = decide(&requests, move |append| pattern >> append & 1 == 1);
            let disk = Picture::replay(&*log, Arc::new(Policies::built_in().unwrap())).unwrap();
            for (commands, outcome) in requests.iter().zip(&outcomes) {
                let Ok(answers) = outcome else { continue };
                for (command, answer) in commands.iter().zip(answers) {
                    let known = matches!(Rehearsal::new(disk.clone()).execute(command, now), Answer::Unchanged { .. });
                    let said_known = matches!(answer, Answer::Unchanged { .. } | Answer::Accepted(_));
                    assert!(known || !said_known, "pattern {pattern:b}, {split} a request: {command:?}: {answer:?}");
                }
            }
        }
    }
}
