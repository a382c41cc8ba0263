//! One look at lights: what was known at an instant, and the appends that record what changed.

use super::Touch;
use super::evidence::evidence_for;
use crate::domain::envelope::Position;
use crate::domain::time::Instant;
use crate::domain::words::Light;
use crate::lights::change::change;
use crate::lights::moment::Moment;
use crate::log::contract::{Append, EventLog, LogError};
use crate::picture::Picture;
use std::collections::{HashMap, HashSet};

/// One look, with what came of it so far.
pub(super) struct Look<'a> {
    pub(super) picture: &'a Picture,
    pub(super) log: &'a dyn EventLog,
    pub(super) now: Instant,
    /// Time may bring what it brought before, because a clock was wrong: what is looked at passed long ago, or was yet to come.
    pub(super) again: bool,
    known: HashMap<Instant, Position>,
    pub(super) changed: HashSet<u32>,
    pub(super) appends: Vec<Append>,
}

impl<'a> Look<'a> {
    pub(super) fn new(picture: &'a Picture, log: &'a dyn EventLog, now: Instant) -> Self {
        Self { picture, log, now, again: false, known: HashMap::new(), changed: HashSet::new(), appends: Vec::new() }
    }

    /// Returns what was recorded by `at`. Evidence mostly comes in batches that share an instant.
    pub(super) fn known_at(&mut self, at: Instant) -> Result<Position, LogError> {
        if let Some(known) = self.known.get(&at) {
            return Ok(*known);
        }
        let mut known = self.log.position_at(at)?;
        let marks = &self.picture.marks;
        if marks.ahead_of(self.now).is_some() || marks.furthest > marks.midnight {
            // Since a clock that was ahead, everything is recorded at its time: that does not say what was known when. It is
            // so until the last midnight that it had closed has come.
            known = self.picture.position;
        } else if self.log.is_shared() {
            // Other nodes may have recorded more at the very instant; what is not folded is not known here.
            known = known.min(self.picture.position);
        }
        self.known.insert(at, known);
        Ok(known)
    }

    /// Looks at one merchant; says whether its light changed.
    pub(super) fn merchant(&mut self, index: u32, why: Touch, at: Instant, known: Position) -> Result<bool, LogError> {
        let Some(merchant) = self.picture.world.at(index) else { return Ok(false) };
        let lit = self.picture.lights.get(merchant.code);
        // A light recorded for a later instant has overtaken this look; one for an instant still to come was recorded by a
        // clock that was ahead.
        if at < self.now && lit.is_some_and(|lit| lit.at > at && lit.at <= self.now) {
            return Ok(false);
        }
        let moment = Moment::new(&self.picture.policies, at, known);
        let subject = moment.subject(&self.picture.world, merchant);
        let Some(change) = change(&subject, lit) else { return Ok(false) };
        let mut reasons = Vec::with_capacity(change.reasons.len());
        for draft in change.reasons.clone() {
            let events = self.log.ids_at(&draft.positions)?;
            reasons.push(draft.with_events(events));
        }
        let told = self.again && change.to != Light::Green && {
            let case = self.picture.cases.latest(merchant.code);
            case.is_some_and(|case| case.was_told_of(reasons.iter().map(|reason| &*reason.rule), at))
        };
        let newest = evidence_for(self.log, merchant, why.cause, why.newest, known)?;
        let (_, _, append) =
            change.append(&subject, why.cause, why.notify && !told, newest.as_ref(), reasons, self.now);
        self.appends.push(append);
        self.changed.insert(index);
        Ok(true)
    }
}
