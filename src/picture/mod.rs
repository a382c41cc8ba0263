//! The picture (全景): everything the log tells, folded into one immutable value with one position.
//!
//! Whoever reads (pages, API, mail, exports) holds a picture and waits for nobody; whoever folds works on a copy that shares
//! all that did not change, and publishes it whole ([`Published`]). A snapshot is one picture written out.
//!
//! Its parts are listed in [`parts`]. To add one, write a file with a type that implements [`Part`] and add a line there:
//! it is then folded, published and kept in snapshots.

mod cases;
mod evidence;
pub mod imports;
mod in_order;
mod keys;
pub mod lights;
pub mod marks;
pub mod outbox;
mod part;
mod published;
mod replay;
pub mod rises;
pub mod snapshot;
pub mod sources;
mod whose;

pub use part::{FoldError, SeenEvent};
pub use published::Published;
pub use replay::ReplayError;

use crate::domain::access::Keys;
use crate::domain::case::Cases;
use crate::domain::envelope::{NewEvent, Position, Recorded};
use crate::domain::event::Event;
use crate::domain::fold::{Stamp, evidence_about};
use crate::domain::whose::Queue;
use crate::domain::world::World;
use crate::policy::Policies;
use imports::Imports;
use lights::Lights;
use marks::Marks;
use outbox::Outbox;
use part::{Part, parts};
use rises::Rises;
use sources::Sources;
use std::sync::Arc;

parts! {
    /// Merchants and their evidence.
    1: world: World,
    /// Lights last recorded.
    2: lights: Lights,
    /// Rises of lights that nobody was told of yet.
    3: rises: Rises,
    /// Mails and their fate.
    4: outbox: Outbox,
    /// Keys, and who may do what with them.
    5: keys: Keys,
    /// What the service last recorded about itself.
    6: marks: Marks,
    /// Files that were taken in.
    7: imports: Imports,
    /// Tickets without a credit code, and what became of them.
    8: queue: Queue,
    /// Who delivered when.
    9: sources: Sources,
    /// Lights that are followed up.
    10: cases: Cases,
}

impl Picture {
    /// Folds one event as it came from the log or went there. Returns the index of the merchant it is evidence about, if
    /// any.
    ///
    /// # Errors
    /// See [`FoldError`]; the picture is of no use then.
    pub fn fold(&mut self, seen: &SeenEvent<'_>) -> Result<Option<u32>, FoldError> {
        self.take(seen)?;
        Ok(evidence_about(seen.event).and_then(|code| self.world.index_of(code)))
    }

    /// The same for whoever does not ask about whom.
    fn take(&mut self, seen: &SeenEvent<'_>) -> Result<(), FoldError> {
        self.fold_parts(seen)?;
        // Which bank reports stands in the merchant's filings, not in the report.
        self.sources.hear_bank(seen, &self.world);
        // And whose hand a file came from stands in the keys.
        self.sources.hear_file(seen, &self.keys);
        self.position = seen.stamp.position;
        Ok(())
    }

    /// Decodes and folds one event of the log.
    ///
    /// # Errors
    /// See [`FoldError`].
    pub fn fold_recorded(&mut self, recorded: &Recorded) -> Result<(Event, Option<u32>), FoldError> {
        let stamp =
            Stamp { position: recorded.position, recorded_at: recorded.recorded_at, history: recorded.event.history };
        self.fold_written(stamp, &recorded.event)
    }

    /// Decodes and folds an event that was appended.
    ///
    /// # Errors
    /// See [`FoldError`].
    pub fn fold_written(&mut self, stamp: Stamp, written: &NewEvent) -> Result<(Event, Option<u32>), FoldError> {
        let event = written.decode()?;
        let about = self.fold(&SeenEvent { stamp, id: written.id, actor: &written.actor, event: &event })?;
        Ok((event, about))
    }
}
