//! A district as the events that follow from it: what a log would hold, as CloudEvents.

use super::{Dated, office_hour};
use crate::domain::decide::{Known, decide};
use crate::domain::envelope::{NewEvent, Origin, Position, Recorded};
use crate::domain::fold::Stamp;
use crate::domain::whose::Queue;
use crate::domain::world::World;
use std::sync::Arc;
use uuid::Uuid;

/// Namespace of the ids of made-up events: no id of a real one can be among them.
const NAMESPACE: Uuid = Uuid::from_u128(0xc2a1_57f0_88d4_4e6b_9d03_1f7a_b460_e925);

/// Turns the dated commands of merchants into events, merchant by merchant.
#[derive(Debug)]
pub(super) struct Recorder {
    seed: u64,
    position: Position,
}

impl Recorder {
    /// Returns a recorder at the beginning of a log.
    pub(super) const fn new(seed: u64) -> Self {
        Self { seed, position: 0 }
    }

    /// Decides what is known of one merchant (and the unregistered shop next door) and returns the events, in order.
    /// What the office would have refused leaves no event.
    pub(super) fn record(&mut self, told: Vec<Dated>) -> Vec<Recorded> {
        let (mut world, queue) = (World::default(), Queue::default());
        let origin = Origin::of("simulate");
        let mut recorded = Vec::with_capacity(told.len());
        for Dated { known_on, command } in told {
            let now = office_hour(known_on);
            let known = Known::of(&world, &queue, &command, &[]);
            let Ok(decision) = decide(&command, known, now) else { continue };
            let stream: Arc<str> = decision.stream.into();
            for (revision, (occurred_at, event)) in (u64::from(decision.revision)..).zip(decision.events) {
                self.position += 1;
                let id = Uuid::new_v5(&NAMESPACE, format!("{}/{}", self.seed, self.position).as_bytes());
                let envelope = NewEvent::new(id, occurred_at, &origin, &event);
                let stamp = Stamp { position: self.position, recorded_at: now, history: false };
                world.fold(stamp, &event);
                recorded.push(Recorded {
                    position: self.position,
                    stream: stream.clone(),
                    revision,
                    recorded_at: now,
                    idempotency_key: None,
                    digest: [0; 32],
                    event: envelope,
                });
            }
        }
        recorded
    }
}
