//! What the desk knows: the fold of the log that decisions, lights and views read.

use crate::domain::envelope::Position;
use crate::domain::event::Event;
use crate::domain::fold::{Stamp, said};
use crate::domain::time::Instant;
use crate::domain::world::World;
use crate::lights::state::Lights;
use crate::policy::Policies;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use uuid::Uuid;

/// The fold of the whole log.
#[derive(Debug, Clone)]
pub struct State {
    /// Merchants and their evidence.
    pub world: World,
    /// Lights last recorded.
    pub lights: Lights,
    /// Policies in force.
    pub policies: Arc<Policies>,
    /// Position of the last event folded.
    pub position: Position,
    pub(super) marks: Marks,
}

/// What the service last recorded about itself, and when the log began.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Marks {
    /// Last midnight looked at.
    pub(super) midnight: Option<Instant>,
    /// Digest of the policies in force.
    pub(super) policy: Option<String>,
    /// A change of policies after the last closed day: its round may not have come to its end.
    pub(super) policy_round: bool,
    /// Digest of the list of recipients in force.
    pub(super) recipients: Option<String>,
    /// Time of the first event.
    pub(super) first_recorded: Option<Instant>,
    /// Time of the last event.
    pub(super) last_recorded: Option<Instant>,
}

impl State {
    /// Returns the state of an empty log.
    #[must_use]
    pub fn new(policies: Arc<Policies>) -> Self {
        let marks = Marks::default();
        Self { world: World::default(), lights: Lights::default(), policies, position: 0, marks }
    }

    /// Folds one event. Returns the index of the merchant it is evidence about, if any.
    pub fn apply(&mut self, stamp: Stamp, id: Uuid, event: &Event, data: &str) -> Option<u32> {
        self.fold(stamp, id, event, said(event, data))
    }

    /// Folds one event whose fingerprint ([`said`]) is known. Returns the index of the merchant it is evidence about, if
    /// any.
    pub fn fold(&mut self, stamp: Stamp, id: Uuid, event: &Event, said: Option<u64>) -> Option<u32> {
        self.skip(stamp);
        match event {
            Event::LightChanged(change) => self.lights.apply(stamp.position, id, change),
            Event::DeadlineMissed(missed) => self.lights.count(missed.credit_code),
            Event::DayClosed(closed) => {
                self.marks.midnight = Some(closed.at);
                self.marks.policy_round = false;
            }
            Event::PolicyActivated(activated) => {
                // The same policies again, by another node that starts, change no light.
                self.marks.policy_round |= self.marks.policy.as_ref().is_some_and(|before| *before != activated.digest);
                self.marks.policy = Some(activated.digest.clone());
            }
            Event::RecipientsChanged(changed) => self.marks.recipients = Some(changed.digest.clone()),
            _ => return self.world.fold(stamp, event, said),
        }
        None
    }

    /// Counts an event that is folded already.
    pub(super) fn skip(&mut self, stamp: Stamp) {
        self.position = stamp.position;
        self.marks.first_recorded.get_or_insert(stamp.recorded_at);
        self.marks.last_recorded = Some(stamp.recorded_at);
    }
}

/// Counts of what the desk did since it started.
#[derive(Debug, Default)]
pub struct Counters {
    /// Commands that wrote something.
    pub accepted: AtomicU64,
    /// Commands that were known already.
    pub unchanged: AtomicU64,
    /// Commands refused.
    pub refused: AtomicU64,
    /// Groups of commands made durable together.
    pub batches: AtomicU64,
    /// Light changes recorded.
    pub lights_changed: AtomicU64,
    /// Mails asked for.
    pub mails_requested: AtomicU64,
    /// Failures of the log.
    pub log_failures: AtomicU64,
    /// Requests decided again because another node was faster.
    pub contests: AtomicU64,
    /// Another node put other policies or recipients in force: lights and mail are left to it.
    pub stands_by: AtomicBool,
}
