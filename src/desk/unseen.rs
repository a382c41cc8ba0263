//! Evidence that came day by day while midnights waited to be looked at: found again in the log after a stop.

use super::state::State;
use crate::domain::envelope::Position;
use crate::domain::merchant::LastEvidence;
use crate::domain::time::{Day, day_of};
use crate::log::contract::{EventLog, LogError};
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// Returns the newest evidence of each day about each merchant after a position. Payloads are not read: the stream says
/// whom an event is about.
pub(super) fn days_of(
    state: &State,
    log: &dyn EventLog,
    after: Position,
) -> Result<BTreeMap<(Day, u32), LastEvidence>, LogError> {
    let mut found: BTreeMap<(Day, u32), LastEvidence> = BTreeMap::new();
    log.scan(after, &mut |seen| {
        let code = match seen.stream.split_once('-') {
            Some(("merchant", code)) => code.parse().ok(),
            Some(("complaint", ticket)) => state.world.ticket_owner(ticket),
            _ => None,
        };
        if let Some(index) = code.and_then(|code| state.world.index_of(code)) {
            let this = LastEvidence { position: seen.position, recorded_at: seen.recorded_at, history: seen.history };
            let newest = found.entry((day_of(seen.recorded_at), index)).or_insert(this);
            // One that may be told is enough to tell.
            *newest = LastEvidence { history: newest.history && this.history, ..this };
        }
        ControlFlow::Continue(())
    })?;
    Ok(found)
}
