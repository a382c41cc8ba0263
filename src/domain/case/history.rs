//! What happened to a case, in the order recorded. How a case stands now forgets that it was ended once, or acknowledged before its light
//! grew worse; figures of a past month must not.

use super::{Case, Duty, End};
use crate::domain::envelope::Position;
use crate::domain::time::Instant;
use crate::domain::words::CaseOutcome;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The event by which something happens to cases.
#[derive(Debug, Clone, Copy)]
pub(super) struct By {
    /// Its id.
    pub(super) id: Uuid,
    /// Where it stands.
    pub(super) position: Position,
    /// When it was recorded.
    pub(super) at: Instant,
}

/// Something that happened to a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// Where the event stands.
    pub position: Position,
    /// When it was recorded.
    pub at: Instant,
    /// What.
    pub what: Happened,
}

/// What happened to a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Happened {
    /// It opened.
    Opened,
    /// It had ended, and goes on.
    WentOn,
    /// It ended.
    Ended(CaseOutcome),
    /// Somebody answered for it.
    Acknowledged,
    /// That was taken back, or a worse light took it away.
    Unacknowledged,
    /// Something was done about it, in this event.
    Acted(Uuid),
    /// What was done in this event was entered by mistake.
    ActUndone(Uuid),
    /// A duty arose.
    DutyArose(Uuid),
    /// A duty was put off until then.
    DutyPaused(Uuid, Instant),
    /// A duty ended, at this instant.
    DutyEnded(Uuid, DutyEnd, Instant),
    /// A duty that had ended stands again.
    DutyStands(Uuid),
}

/// How a duty ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DutyEnd {
    /// An act fulfilled it.
    Done,
    /// It was let be.
    Waived,
    /// Its rule no longer asks for it.
    FallenAway,
}

impl Case {
    /// Notes what an event made of the case, which was as `before`.
    pub(super) fn note(&mut self, before: Option<&Self>, by: By) {
        let mut found = Vec::new();
        match before {
            None => found.push(Happened::Opened),
            Some(before) if before.closed != self.closed => {
                found.push(self.closed.map_or(Happened::WentOn, |closed| Happened::Ended(closed.outcome)));
            }
            Some(_) => {}
        }
        if before.and_then(|before| before.acknowledged_at) != self.acknowledged_at {
            found.push(if self.acknowledged_at.is_some() { Happened::Acknowledged } else { Happened::Unacknowledged });
        }
        let (acts, is_tended) = before.map_or((&[][..], false), |before| (&before.acts, before.is_tended));
        let has = |event: Uuid, acts: &[super::Act]| acts.iter().any(|act| act.event == event);
        found.extend(acts.iter().filter(|act| !has(act.event, &self.acts)).map(|act| Happened::ActUndone(act.event)));
        if self.is_tended && !is_tended || has(by.id, &self.acts) && !has(by.id, acts) {
            found.push(Happened::Acted(by.id));
        }
        for duty in &self.duties {
            duty.note(before.and_then(|before| before.duty(duty.arisen.duty)), &mut found);
        }
        self.turns.extend(found.into_iter().map(|what| Turn { position: by.position, at: by.at, what }));
    }
}

impl Duty {
    fn note(&self, before: Option<&Self>, found: &mut Vec<Happened>) {
        let duty = self.arisen.duty;
        if before.is_none() {
            found.push(Happened::DutyArose(duty));
        }
        if let Some(pause) = &self.pause
            && before.and_then(|before| before.pause.as_ref()).is_none_or(|known| known.until != pause.until)
        {
            found.push(Happened::DutyPaused(duty, pause.until));
        }
        let ended = before.and_then(|before| before.end.as_ref());
        if ended != self.end.as_ref() {
            found.push(match &self.end {
                None => Happened::DutyStands(duty),
                Some(End::Done { at, .. }) => Happened::DutyEnded(duty, DutyEnd::Done, *at),
                Some(End::Waived { at, .. }) => Happened::DutyEnded(duty, DutyEnd::Waived, *at),
                Some(End::FallenAway { at, .. }) => Happened::DutyEnded(duty, DutyEnd::FallenAway, *at),
            });
        }
    }
}
