//! Folding the log again: one thread reads rows, others check and decode them, the caller folds them in order.

use super::pipeline::{in_order, processors};
use super::start::StartError;
use super::state::State;
use crate::alerts::requests::Requester;
use crate::domain::code::CreditCode;
use crate::domain::envelope::Position;
use crate::domain::event::Event;
use crate::domain::fold::{Stamp, evidence_about, said};
use crate::log::contract::{EventLog, EventRef};
use crate::log::shown::Batch;
use std::collections::HashSet;
use std::ops::ControlFlow;
use uuid::Uuid;

/// Rows decoded in one go: far more than handing them over costs, few enough to stay in the processor's cache.
const ROWS: usize = 1_024;

/// Checks rows against their digests and decodes them: this is where what is folded is compared with what was written.
fn decode(rows: Batch) -> Result<Vec<Decoded>, StartError> {
    let decode = |row: EventRef<'_>| {
        row.check()?;
        let event = Event::decode(row.event_type, row.schema_version, row.data)
            .map_err(|reason| StartError::Event { position: row.position, reason })?;
        let said = said(&event, row.data);
        let stamp = Stamp { position: row.position, recorded_at: row.recorded_at, history: row.history };
        Ok(Decoded { stamp, id: row.id, event, said })
    };
    rows.iter().map(decode).collect()
}

struct Decoded {
    stamp: Stamp,
    id: Uuid,
    event: Event,
    said: Option<u64>,
}

/// Folds what the log holds after the state's position. Up to `known`, a merchant may hold some of it already (see
/// `snapshot`): then only what comes after its newest evidence is folded.
pub(super) fn replay(
    log: &dyn EventLog,
    state: &mut State,
    requester: &mut Requester,
    known: Position,
) -> Result<(), StartError> {
    let after = state.position;
    let read = |bring: &mut dyn FnMut(Batch) -> ControlFlow<()>| {
        let mut rows = Batch::default();
        log.scan_unchecked(after, &mut |seen| {
            rows.push(seen);
            if rows.len() < ROWS {
                return ControlFlow::Continue(());
            }
            let empty = rows.of_same_size();
            bring(std::mem::replace(&mut rows, empty))
        })?;
        let _ = bring(rows);
        Ok(())
    };
    let mut heard = Heard { known, stale: HashSet::new() };
    // Reading and folding together keep about one processor busy.
    let workers = processors().saturating_sub(1).max(1);
    in_order("replay", workers, read, decode, |events: Vec<Decoded>| {
        for Decoded { stamp, id, event, said } in events {
            if heard.of(state, &event, stamp.position) {
                state.skip(stamp);
            } else {
                state.fold(stamp, id, &event, said);
            }
            requester.apply(&event, id, stamp.position);
        }
        Ok(())
    })
}

/// What a snapshot that was written while the desk worked on has heard of already.
struct Heard {
    /// After this position: nothing.
    known: Position,
    /// Merchants whose newest light change read so far was heard of: so were the missed deadlines recorded with it.
    stale: HashSet<CreditCode>,
}

impl Heard {
    fn of(&mut self, state: &State, event: &Event, position: Position) -> bool {
        if position > self.known {
            return false;
        }
        match event {
            Event::LightChanged(change) => {
                let code = change.credit_code;
                let heard = state.lights.get(code).is_some_and(|lit| lit.position >= position);
                if heard {
                    self.stale.insert(code)
                } else {
                    self.stale.remove(&code)
                };
                heard
            }
            Event::DeadlineMissed(missed) => self.stale.contains(&missed.credit_code),
            _ => {
                let merchant = evidence_about(event).and_then(|code| state.world.get(code));
                merchant.and_then(|merchant| merchant.last).is_some_and(|last| last.position >= position)
            }
        }
    }
}
