//! Folding the log again: one thread reads rows, others decode them, the caller folds them in order.

use super::pipeline::{in_order, processors};
use super::start::StartError;
use super::state::State;
use crate::alerts::requests::Requester;
use crate::domain::code::CreditCode;
use crate::domain::envelope::Position;
use crate::domain::event::Event;
use crate::domain::fold::{Stamp, evidence_about, said};
use crate::log::contract::{EventLog, EventRef};
use std::collections::HashSet;
use std::ops::ControlFlow;
use uuid::Uuid;

/// Rows decoded in one go: far more than handing them over costs, few enough to stay in the processor's cache.
const ROWS: usize = 1_024;

/// Rows as read, their texts one behind the other.
#[derive(Default)]
struct Rows {
    rows: Vec<Row>,
    text: String,
}

struct Row {
    stamp: Stamp,
    id: Uuid,
    version: u16,
    /// Ends of the type's name and of the payload in the text.
    ends: (usize, usize),
}

impl Rows {
    fn push(&mut self, seen: EventRef<'_>) {
        self.text.push_str(seen.event_type);
        let name = self.text.len();
        self.text.push_str(seen.data);
        self.rows.push(Row {
            stamp: Stamp { position: seen.position, recorded_at: seen.recorded_at, history: seen.history },
            id: seen.id,
            version: seen.schema_version,
            ends: (name, self.text.len()),
        });
    }

    fn decode(self) -> Result<Vec<Decoded>, StartError> {
        let mut begin = 0;
        let decode = |row: Row| {
            let (name, end) = row.ends;
            let event_type = self.text.get(begin..name).unwrap_or_default();
            let data = self.text.get(name..end).unwrap_or_default();
            begin = end;
            let event = Event::decode(event_type, row.version, data)
                .map_err(|reason| StartError::Event { position: row.stamp.position, reason })?;
            let said = said(&event, data);
            Ok(Decoded { stamp: row.stamp, id: row.id, event, said })
        };
        self.rows.into_iter().map(decode).collect()
    }
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
    let read = |bring: &mut dyn FnMut(Rows) -> ControlFlow<()>| {
        let mut rows = Rows::default();
        log.scan(after, &mut |seen| {
            rows.push(seen);
            if rows.rows.len() < ROWS {
                return ControlFlow::Continue(());
            }
            let size = (rows.rows.len(), rows.text.len());
            let empty = Rows { rows: Vec::with_capacity(size.0), text: String::with_capacity(size.1) };
            bring(std::mem::replace(&mut rows, empty))
        })?;
        let _ = bring(rows);
        Ok(())
    };
    let mut heard = Heard { known, stale: HashSet::new() };
    // Reading and folding together keep about one processor busy.
    let workers = processors().saturating_sub(1).max(1);
    in_order("replay", workers, read, Rows::decode, |events: Vec<Decoded>| {
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
