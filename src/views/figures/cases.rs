//! Cases (处置) and their duties, by what happened to them when. What happens to a case is recorded when it happens, so its time is that of
//! the record; an act that is recorded late is late.

use super::{Counted, Measure, Terms};
use crate::domain::case::{Case, DutyEnd, Happened, Turn};
use crate::domain::time::{Instant, start_of};
use uuid::Uuid;

/// Counts what happened to a case in the period.
pub(super) fn count(terms: &Terms<'_>, case: &Case, each: &mut dyn FnMut(Counted)) {
    let known = case.turns.partition_point(|turn| turn.position <= terms.known);
    let Some(turns) = case.turns.get(..known) else { return };
    let Some(opened) = turns.iter().find(|turn| turn.what == Happened::Opened) else { return };
    if terms.period.has(opened.at) {
        each(Counted::one(Measure::CasesOpened, opened.position));
        let mut since = |measure, turn: Option<&Turn>| {
            if let Some(turn) = turn {
                each(Counted::hours(measure, (opened.at, turn.at), turn.position));
            }
        };
        since(Measure::Acknowledged, turns.iter().find(|turn| turn.what == Happened::Acknowledged));
        since(Measure::ActedOn, first_act(turns));
    }
    count_ends(terms, turns, each);
    for turn in turns {
        if let Happened::DutyArose(duty) = turn.what {
            count_duty(terms, case, duty, turn, turns, each);
        }
    }
}

fn first_act(turns: &[Turn]) -> Option<&Turn> {
    let is_undone = |act: Uuid| turns.iter().any(|turn| turn.what == Happened::ActUndone(act));
    turns.iter().find(|turn| matches!(turn.what, Happened::Acted(act) if !is_undone(act)))
}

/// A case counts as it stood when the period ended: one that ended, and went on within it, had not ended.
fn count_ends(terms: &Terms<'_>, turns: &[Turn], each: &mut dyn FnMut(Counted)) {
    let end = start_of(terms.period.to);
    let last = turns.iter().rev().filter(|turn| turn.at < end).find_map(|turn| match turn.what {
        Happened::Opened | Happened::WentOn => Some((turn, None)),
        Happened::Ended(outcome) => Some((turn, Some(outcome))),
        _ => None,
    });
    match last {
        Some((turn, None)) => each(Counted::one(Measure::CasesOpen, turn.position)),
        Some((turn, Some(outcome))) if terms.period.has(turn.at) => {
            each(Counted::one(Measure::CasesEnded(outcome), turn.position));
        }
        _ => {}
    }
}

fn count_duty(terms: &Terms<'_>, case: &Case, duty: Uuid, arose: &Turn, turns: &[Turn], each: &mut dyn FnMut(Counted)) {
    let Some(stated) = case.duty(duty).and_then(|duty| duty.arisen.due_at) else { return };
    let paused = turns.iter().rev().find_map(|turn| match turn.what {
        Happened::DutyPaused(it, until) if it == duty => Some(until),
        _ => None,
    });
    let due = paused.map_or(stated, |until| until.max(stated));
    let is_in_time = |at: Instant| at <= due;
    let end = |before: Option<Instant>| {
        turns.iter().rev().filter(|turn| before.is_none_or(|before| turn.at < before)).find_map(|turn| {
            match turn.what {
                Happened::DutyEnded(it, how, at) if it == duty => Some(Some((turn, how, at))),
                Happened::DutyStands(it) if it == duty => Some(None),
                _ => None,
            }
        })
    };
    if terms.period.has(due) && terms.is_past(due) {
        let is_done = match end(None).flatten() {
            // It was not asked for any more when its time came.
            Some((_, DutyEnd::Waived | DutyEnd::FallenAway, at)) if is_in_time(at) => return,
            Some((turn, DutyEnd::Done, at)) if is_in_time(at) => Some(turn),
            _ => None,
        };
        each(Counted::one(Measure::DutiesDue, arose.position));
        each(match is_done {
            Some(turn) => Counted::one(Measure::DutiesInTime, turn.position),
            None => Counted::one(Measure::DutiesLate, arose.position),
        });
    }
    let until = start_of(terms.period.to);
    if arose.at < until && due <= until.min(terms.seen) && end(Some(until)).flatten().is_none() {
        each(Counted::one(Measure::DutiesOverdue, arose.position));
    }
}
