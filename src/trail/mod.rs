//! The trail of a command (链路追踪): one id from the request through its events, the light change and the mail request to
//! the mail's attempts, on whichever node and after whichever restart.
//!
//! The id is a W3C trace id, 128 bits. It travels in the log, as the `correlation` of the events, because nothing else
//! outlives a process. Span ids need not travel: the span of a step has an id made from the id of the event it recorded, so
//! whoever records what follows knows its parent from the event's `causation`.
//!
//! Nothing that depends on this decides anything: a span that is lost is only not seen.

#[cfg(feature = "telemetry")]
pub mod otlp;
mod parent;

pub use parent::Parent;

use crate::domain::envelope::{NewEvent, Position};
use std::borrow::Cow;
use std::time::SystemTime;
use uuid::Uuid;

/// A step of the trail, with its duration.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// The trail.
    pub trace: Uuid,
    /// Its own id, never 0.
    pub id: u64,
    /// The step it follows from.
    pub parent: Option<u64>,
    /// Towards whom.
    pub kind: Kind,
    /// Which step.
    pub name: Cow<'static, str>,
    /// When it began.
    pub began: SystemTime,
    /// When it ended.
    pub ended: SystemTime,
    /// It did not do what it should.
    pub failed: bool,
    /// What else is known of it. No personal data.
    pub attributes: Vec<(&'static str, Value)>,
}

/// Whom a step has to do with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Somebody asked us.
    Server,
    /// We ask somebody.
    Client,
    /// Ours alone.
    Internal,
}

/// Value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A number.
    Number(u64),
    /// A text.
    Text(Cow<'static, str>),
}

/// Returns a new trace id: random, also in the seven bytes that the standard's Level 2 asks to be.
#[must_use]
pub fn new_trace() -> Uuid {
    Uuid::new_v4()
}

/// Returns the id of the span of the step that recorded an event: the half of the event's id that is random or a digest.
#[must_use]
pub const fn span_of(event: Uuid) -> u64 {
    let (_, low) = event.as_u64_pair();
    // No span has the id 0.
    if low == 0 { 1 } else { low }
}

/// Returns the present, for the begin of a span. Not the service's clock: that one may be in a test's hand, and nothing
/// is decided by this.
#[must_use]
pub fn now() -> SystemTime {
    SystemTime::now()
}

/// Returns the span of the step that began then and just recorded `event` at `position`; `None` if the event belongs to
/// no trail.
#[must_use]
pub fn recorded(
    name: &'static str,
    kind: Kind,
    event: &NewEvent,
    position: Position,
    began: SystemTime,
) -> Option<Span> {
    let trace = event.correlation?;
    Some(Span {
        trace,
        id: span_of(event.id),
        // An event whose trail has its own id is the first of it.
        parent: event.causation.filter(|_| trace != event.id).map(span_of),
        kind,
        name: Cow::Borrowed(name),
        began,
        ended: now(),
        failed: false,
        attributes: vec![
            ("warnlight.log.position", Value::Number(position)),
            ("warnlight.event.type", Value::Text(event.event_type.to_string().into())),
            ("warnlight.event.id", Value::Text(event.id.to_string().into())),
        ],
    })
}

/// Hands a span over, if somebody collects them. Never waits: a span that finds the queue full is dropped and counted.
#[cfg(feature = "telemetry")]
pub fn export(span: impl FnOnce() -> Option<Span>) {
    otlp::export(span);
}

/// Hands a span over, if somebody collects them. This build cannot: it has no feature `telemetry`.
#[cfg(not(feature = "telemetry"))]
pub fn export(_: impl FnOnce() -> Option<Span>) {}

/// Returns how many spans were taken by the collector and how many were dropped; `None` if nobody collects them.
#[cfg(feature = "telemetry")]
#[must_use]
pub fn tally() -> Option<(u64, u64)> {
    otlp::tally()
}

/// Returns how many spans were taken by the collector and how many were dropped; `None` if nobody collects them.
#[cfg(not(feature = "telemetry"))]
#[must_use]
pub const fn tally() -> Option<(u64, u64)> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::envelope::Origin;
    use crate::domain::event::{DayClosed, Event};

    fn event(causation: Option<Uuid>, correlation: Option<Uuid>) -> NewEvent {
        let at = "2025-06-30T10:00:00Z".parse().unwrap();
        let closed = DayClosed { day: "2025-06-29".parse().unwrap(), at, merchants: 1, changed: 0 };
        let origin = Origin { causation, correlation, ..Origin::service() };
        NewEvent::new(Uuid::from_u128(5), at, &origin, &Event::DayClosed(closed))
    }

    fn span(causation: Option<Uuid>, correlation: Option<Uuid>) -> Option<Span> {
        recorded("step", Kind::Internal, &event(causation, correlation), 7, SystemTime::UNIX_EPOCH)
    }

    #[test]
    fn a_step_hangs_below_the_step_that_recorded_its_cause() {
        let cause = Uuid::from_u128((9 << 64) | 4);
        let step = span(Some(cause), Some(Uuid::from_u128(8))).unwrap();
        assert_eq!((step.trace, step.id, step.parent), (Uuid::from_u128(8), 5, Some(4)));
        assert_eq!(span_of(cause), 4);
        assert_eq!(step.attributes[0], ("warnlight.log.position", Value::Number(7)));
    }

    #[test]
    fn the_first_of_a_trail_has_no_parent_and_what_has_no_trail_has_no_span() {
        assert_eq!(span(Some(Uuid::from_u128(4)), Some(Uuid::from_u128(5))).unwrap().parent, None);
        assert_eq!(span(None, Some(Uuid::from_u128(8))).unwrap().parent, None);
        assert_eq!(span(Some(Uuid::from_u128(4)), None), None);
    }

    #[test]
    fn no_span_has_the_id_that_means_none() {
        assert_eq!(span_of(Uuid::from_u128(1 << 64)), 1);
    }
}
