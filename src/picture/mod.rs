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
mod tickets;
pub mod uncounted;
mod whose;
mod withdrawal;

pub use part::{FoldError, SeenEvent};
pub use published::Published;
pub use replay::ReplayError;
pub use withdrawal::wrote_to;

use crate::domain::access::Keys;
use crate::domain::case::Cases;
use crate::domain::envelope::{NewEvent, Position, Recorded};
use crate::domain::event::Event;
use crate::domain::fold::{Stamp, evidence_about};
use crate::domain::ticket_clock::TicketClocks;
use crate::domain::whose::Queue;
use crate::domain::world::World;
use crate::log::contract::EventLog;
use crate::policy::Policies;
use imports::Imports;
use lights::Lights;
use marks::Marks;
use outbox::Outbox;
use part::{Part, parts};
use rises::Rises;
use sources::Sources;
use std::sync::Arc;
use uncounted::Uncounted;

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
    /// Events that are not counted where the revision of their stream is.
    11: uncounted: Uncounted,
    /// Tickets whose clocks run.
    12: tickets: TicketClocks,
}

impl Picture {
    /// Folds one event as it came from the log or went there. Returns the index of the merchant it is evidence about, if
    /// any; those that the withdrawal of an import changes are [`World::changed_at`] its position. Such a withdrawal is the one event
    /// that needs the log, to read what is left of the streams it is about.
    ///
    /// # Errors
    /// See [`FoldError`]; the picture is of no use then.
    pub fn fold(&mut self, seen: &SeenEvent<'_>, log: &dyn EventLog) -> Result<Option<u32>, FoldError> {
        self.take(seen, log)?;
        Ok(evidence_about(seen.event).and_then(|code| self.world.index_of(code)))
    }

    /// The same for whoever does not ask about whom.
    fn take(&mut self, seen: &SeenEvent<'_>, log: &dyn EventLog) -> Result<(), FoldError> {
        if let Event::ImportWithdrawn(said) = seen.event {
            self.withdraw(seen.stamp, said, log)?;
        }
        self.fold_parts(seen)?;
        self.note_uncounted(seen.event);
        // Which bank reports stands in the merchant's filings, not in the report.
        self.sources.hear_bank(seen, &self.world);
        // And whose hand a file came from stands in the keys.
        self.sources.hear_file(seen, &self.keys);
        // And what a ticket waits for, with the merchant's complaints.
        tickets::hear(&mut self.tickets, seen, &self.world);
        self.position = seen.stamp.position;
        Ok(())
    }

    /// Decodes and folds one event of the log.
    ///
    /// # Errors
    /// See [`FoldError`].
    pub fn fold_recorded(
        &mut self,
        recorded: &Recorded,
        log: &dyn EventLog,
    ) -> Result<(Event, Option<u32>), FoldError> {
        let stamp =
            Stamp { position: recorded.position, recorded_at: recorded.recorded_at, history: recorded.event.history };
        self.fold_written(stamp, &recorded.event, log)
    }

    /// Decodes and folds an event that was appended.
    ///
    /// # Errors
    /// See [`FoldError`].
    pub fn fold_written(
        &mut self,
        stamp: Stamp,
        written: &NewEvent,
        log: &dyn EventLog,
    ) -> Result<(Event, Option<u32>), FoldError> {
        let event = written.decode()?;
        let NewEvent { id, causation, actor, .. } = written;
        let about = self.fold(&SeenEvent { stamp, id: *id, causation: *causation, actor, event: &event }, log)?;
        Ok((event, about))
    }
}
