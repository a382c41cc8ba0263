//! What the watch records about itself: that a time has come, that a day was gone over. Ids are derived from what is said, so
//! several nodes record each once.

use crate::domain::envelope::{NewEvent, Origin, Position};
use crate::domain::event::{DayClosed, Event, TimeReached};
use crate::domain::time::{Day, Instant, day_of, plus_days};
use crate::log::contract::{Append, Expected};
use std::sync::Arc;
use uuid::Uuid;

/// Stream of the watch's own events.
const STREAM: &str = "watch";
/// Namespace of their ids.
const NAMESPACE: Uuid = Uuid::from_u128(0x91d7_30c2_6ab4_4f19_b0e8_5f2c_7d13_a846);

/// Returns the append that closes a day. A day that a clock which was ahead had closed before it came is closed `again`, once
/// it has come: after the closing at this position, which tells the two apart and is the same at every node.
pub(super) fn day_closed(
    midnight: Instant,
    again: Option<Position>,
    merchants: usize,
    changed: u64,
    now: Instant,
) -> Append {
    let day: Day = plus_days(day_of(midnight), -1);
    let closed = DayClosed { day, at: midnight, merchants: u64::try_from(merchants).unwrap_or(u64::MAX), changed };
    let id = again.map_or_else(|| derived(&day.to_string()), |after| derived(&format!("{day}/again/{after}")));
    append(id, midnight, now, &Event::DayClosed(closed))
}

/// Returns the append that says that a time has come; every node makes the same.
pub(crate) fn time_reached(at: Instant, now: Instant) -> Append {
    append(derived(&format!("reached/{at}")), at, now, &Event::TimeReached(TimeReached { at }))
}

fn derived(name: &str) -> Uuid {
    Uuid::new_v5(&NAMESPACE, format!("{STREAM}/{name}").as_bytes())
}

/// Returns the append of an event of the watch's own.
pub(crate) fn append(id: Uuid, occurred_at: Instant, now: Instant, event: &Event) -> Append {
    Append {
        stream: Arc::from(STREAM),
        expected: Expected::Any,
        recorded_at: now,
        idempotency_key: None,
        events: vec![NewEvent::new(id, occurred_at, &Origin::service(), event)],
    }
}
