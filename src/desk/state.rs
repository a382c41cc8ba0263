//! What the desk knows: the fold of the log that decisions, lights and views read.

use crate::domain::envelope::Position;
use crate::domain::event::Event;
use crate::domain::fold::Stamp;
use crate::domain::world::World;
use crate::lights::state::Lights;
use crate::policy::Policies;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
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
}

impl State {
    /// Returns the state of an empty log.
    #[must_use]
    pub fn new(policies: Arc<Policies>) -> Self {
        Self { world: World::default(), lights: Lights::default(), policies, position: 0 }
    }

    /// Folds one event. Returns the index of the merchant it is evidence about, if any.
    pub fn apply(&mut self, stamp: Stamp, id: Uuid, event: &Event, data: &str) -> Option<u32> {
        self.position = stamp.position;
        match event {
            Event::LightChanged(change) => self.lights.apply(stamp.position, id, change),
            Event::DeadlineMissed(missed) => self.lights.count(missed.credit_code),
            _ => return self.world.apply(stamp, event, data),
        }
        None
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
}
