//! Evidence found again in the log: what came day by day while midnights waited to be looked at, and what a light follows
//! from.

use crate::domain::envelope::{NewEvent, Position};
use crate::domain::event::{Event, LightCause};
use crate::domain::fold::evidence_about;
use crate::domain::merchant::{LastEvidence, Merchant};
use crate::domain::time::{Day, day_of};
use crate::log::contract::{EventLog, LogError};
use crate::picture::Picture;
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// Returns the newest evidence of each day about each merchant after a position. Payloads are not read where the
/// stream says whom an event is about.
pub(super) fn days_of(
    picture: &Picture,
    log: &dyn EventLog,
    after: Position,
) -> Result<BTreeMap<(Day, u32), LastEvidence>, LogError> {
    let mut found: BTreeMap<(Day, u32), LastEvidence> = BTreeMap::new();
    log.scan(after, &mut |seen| {
        let this = LastEvidence { position: seen.position, recorded_at: seen.recorded_at, history: seen.history };
        let mut note = |index: u32| {
            let newest = found.entry((day_of(seen.recorded_at), index)).or_insert(this);
            // One that may be told is enough to tell.
            *newest = LastEvidence { history: newest.history && this.history, ..this };
        };
        if seen.event_type == "import.withdrawn" {
            picture.world.changed_at(seen.position).into_iter().for_each(&mut note);
        }
        let code = match seen.stream.split_once('-') {
            Some(("merchant", code)) => code.parse().ok(),
            // A ticket that was withdrawn meanwhile is nobody's any more; the event says whose it was.
            Some(("complaint", ticket)) => picture.world.ticket_owner(ticket).or_else(|| {
                Event::decode(seen.event_type, seen.schema_version, seen.data)
                    .ok()
                    .and_then(|event| evidence_about(&event))
            }),
            _ => None,
        };
        if let Some(index) = code.and_then(|code| picture.world.index_of(code)) {
            note(index);
        }
        ControlFlow::Continue(())
    })?;
    Ok(found)
}

/// Returns the newest evidence that a look for `cause` follows from, so that a change goes on its trail: the event at
/// `newest`, which made us look, or the merchant's own last if that came after it and is known to the look all the same.
/// `None` if no evidence made us look.
pub(super) fn evidence_for(
    log: &dyn EventLog,
    merchant: &Merchant,
    cause: LightCause,
    newest: Position,
    known: Position,
) -> Result<Option<NewEvent>, LogError> {
    if !matches!(cause, LightCause::Evidence | LightCause::Link) {
        return Ok(None);
    }
    let last = merchant.last.map(|last| last.position).filter(|position| *position <= known);
    let position = newest.max(last.unwrap_or_default());
    Ok(log.event_at(position)?.map(|recorded| recorded.event))
}
