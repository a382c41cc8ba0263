use super::file::{Head, Unfit, load, write};
use super::*;
use crate::alerts::recipients::{BUILT_IN, Recipients};
use crate::alerts::requests::Requester;
use crate::clock::ManualClock;
use crate::desk::replay::replay;
use crate::desk::state::State;
use crate::desk::{Request, Start};
use crate::domain::envelope::{Origin, Position};
use crate::domain::event::Event;
use crate::domain::fold::Stamp;
use crate::domain::time::start_of;
use crate::log::contract::EventLog;
use crate::log::memory::MemoryLog;
use crate::policy::Policies;
use crate::sim::Plan;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};

/// A log of a district that was lived through day by day: evidence, lights, missed deadlines, mails asked for.
fn lived(seed: u64) -> Arc<MemoryLog> {
    let log = Arc::new(MemoryLog::new());
    let (from, until) = ("2025-01-01".parse().unwrap(), "2025-09-30".parse().unwrap());
    let plan = Plan { seed, merchants: 25, from, until };
    let mut told: Vec<_> = (0..plan.merchants).flat_map(|index| plan.merchant(index)).collect();
    told.sort_by_key(|dated| dated.known_on);
    let clock = Arc::new(ManualClock::new(start_of(from)));
    let start = Start {
        log: log.clone(),
        clock: clock.clone(),
        policies: Policies::built_in().unwrap(),
        recipients: Arc::new(Recipients::parse(BUILT_IN).unwrap()),
        recipients_text: BUILT_IN.to_owned(),
    };
    let desk = start.start().unwrap();
    for day in told.chunk_by(|one, other| one.known_on == other.known_on) {
        clock.set(start_of(crate::domain::time::plus_days(day[0].known_on, 1)));
        let commands = day.iter().map(|dated| dated.command.clone()).collect();
        desk.execute(Request::new(commands, Origin::of("test"))).unwrap();
        desk.settle().unwrap();
    }
    desk.stop();
    log
}

/// The state after `until`, folded event by event into `state`.
fn fold(log: &dyn EventLog, (mut state, mut requester): (State, Requester), until: Position) -> (State, Requester) {
    log.scan(state.position, &mut |seen| {
        if seen.position > until {
            return ControlFlow::Break(());
        }
        let event = Event::decode(seen.event_type, seen.schema_version, seen.data).unwrap();
        let stamp = Stamp { position: seen.position, recorded_at: seen.recorded_at, history: seen.history };
        state.apply(stamp, seen.id, &event, seen.data);
        requester.apply(&event, seen.id, seen.position);
        ControlFlow::Continue(())
    })
    .unwrap();
    (state, requester)
}

fn empty() -> (State, Requester) {
    (State::new(Arc::new(Policies::built_in().unwrap())), Requester::default())
}

/// The position at or after `position` that a desk could have stopped at: a light is folded with its missed deadlines.
fn whole(log: &dyn EventLog, position: Position) -> Position {
    let rest = log.read_all(position, 100).unwrap();
    let missed = rest.iter().take_while(|event| &*event.event.event_type == "deadline.missed").count();
    position + missed as u64
}

#[track_caller]
fn assert_same((state, requester): &(State, Requester), (other, others): &(State, Requester)) {
    assert_eq!(state.position, other.position);
    assert_eq!(state.marks, other.marks);
    assert_eq!(state.world.head(), other.world.head());
    assert_eq!(state.lights.entries(), other.lights.entries());
    assert!(state.world.merchants() == other.world.merchants(), "merchants differ");
    for merchant in state.world.merchants() {
        assert_eq!(state.world.index_of(merchant.code), other.world.index_of(merchant.code));
        assert_eq!(state.world.linked(merchant, u64::MAX), other.world.linked(merchant, u64::MAX));
        for complaint in &merchant.complaints {
            assert_eq!(other.world.ticket_owner(&complaint.ticket), Some(merchant.code));
        }
    }
    assert!(requester.rises().eq(others.rises()));
}

fn loaded(path: &Path, log: &dyn EventLog) -> Result<(State, Requester), Unfit> {
    let (mut state, mut requester, known) = load(path, log, empty().0.policies)?;
    replay(log, &mut state, &mut requester, known).unwrap();
    Ok((state, requester))
}

fn room() -> (tempfile::TempDir, PathBuf) {
    let room = tempfile::tempdir().unwrap();
    let path = room.path().join(FILE);
    (room, path)
}

/// A snapshot of position `of` whose slices were written when the state was at `at`.
fn snapshot(log: &dyn EventLog, path: &Path, of: Position, at: Position) {
    let then = fold(log, empty(), of);
    let head = Head::of(&then.0, &then.1);
    let later = fold(log, then, at);
    write(path, &head, &RwLock::new(later.0), log).unwrap();
}

#[test]
fn a_snapshot_and_what_came_after_it_are_the_whole_log() {
    let log = lived(1);
    let full = fold(&*log, empty(), log.head());
    assert!(full.0.lights.entries().len() > 5, "lights are part of the trial");
    let (_room, path) = room();
    for part in [1, 2, 5, 9, 10] {
        let of = whole(&*log, (log.head() * part / 10).max(1));
        snapshot(&*log, &path, of, of);
        assert_same(&loaded(&path, &*log).unwrap(), &full);
    }
}

#[test]
fn a_snapshot_written_while_the_desk_works_on_counts_nothing_twice_and_misses_nothing() {
    let log = lived(2);
    let full = fold(&*log, empty(), log.head());
    let missed = log.read_all(0, usize::MAX).unwrap();
    assert!(missed.iter().any(|event| &*event.event.event_type == "deadline.missed"));
    let (_room, path) = room();
    for (of, at) in [(1, 10), (3, 4), (2, 8), (9, 10), (5, 6)] {
        let place = |tenth| whole(&*log, log.head() * tenth / 10);
        snapshot(&*log, &path, place(of), place(at));
        assert_same(&loaded(&path, &*log).unwrap(), &full);
    }
}

#[test]
fn a_snapshot_of_another_log_or_of_a_longer_one_is_not_used() {
    let (log, other) = (lived(1), lived(3));
    let (_room, path) = room();
    snapshot(&*log, &path, log.head(), log.head());
    assert!(matches!(loaded(&path, &*other), Err(Unfit::Foreign)));
    assert!(matches!(loaded(&path, &MemoryLog::new()), Err(Unfit::Foreign)));
}

#[test]
fn a_snapshot_of_another_version_is_not_used() {
    let log = lived(1);
    let (_room, path) = room();
    snapshot(&*log, &path, log.head(), log.head());
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[8] += 1;
    std::fs::write(&path, &bytes).unwrap();
    assert!(matches!(loaded(&path, &*log), Err(Unfit::Version)));
}

#[test]
fn a_damaged_or_shortened_snapshot_is_not_used() {
    let log = lived(1);
    let (_room, path) = room();
    snapshot(&*log, &path, log.head(), log.head());
    let whole = std::fs::read(&path).unwrap();
    for place in (0..whole.len()).step_by(whole.len() / 60 + 1) {
        let mut damaged = whole.clone();
        damaged[place] ^= 0x10;
        std::fs::write(&path, &damaged).unwrap();
        assert!(loaded(&path, &*log).is_err(), "byte {place} was changed");
        std::fs::write(&path, &whole[..place]).unwrap();
        assert!(loaded(&path, &*log).is_err(), "cut at {place}");
    }
}

#[test]
fn few_new_events_are_not_worth_a_snapshot_at_the_end_and_many_are() {
    let log = lived(1);
    let (room, path) = room();
    let (state, requester) = fold(&*log, empty(), log.head());
    let stop = |few: u64| {
        let state = Arc::new(RwLock::new(state.clone()));
        Keeper::new(room.path(), state, log.clone(), 0).worth(few).stop(&requester);
    };
    stop(log.head() + 1);
    assert!(!path.exists());
    stop(log.head());
    assert_same(&loaded(&path, &*log).unwrap(), &(state.clone(), requester.clone()));
}
