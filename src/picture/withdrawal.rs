//! An import is withdrawn: what was told about the merchants it speaks of is read from the log and folded again without it
//! (`domain::withdrawal`).
//!
//! One event says so for all merchants at once: there is no time at which some of it counts and some does not, and nothing that a crash
//! could leave half done.

use super::Picture;
use super::part::FoldError;
use crate::domain::code::CreditCode;
use crate::domain::decide::{complaint_stream, merchant_stream};
use crate::domain::envelope::{Origin, Position, Recorded};
use crate::domain::event::{AttributionUndone, Event, ImportWithdrawn};
use crate::domain::fold::{Stamp, evidence_about};
use crate::domain::whose::{Clues, Queue, State};
use crate::domain::withdrawal::{Stream, Told, left};
use crate::domain::words::Attribution;
use crate::domain::world::World;
use crate::log::contract::{EventLog, LogError};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;
use uuid::Uuid;

/// Returns the streams of evidence that an import wrote to after a position and up to another.
///
/// # Errors
/// The log cannot be read.
pub fn wrote_to(
    log: &dyn EventLog,
    import: Uuid,
    after: Position,
    upto: Position,
) -> Result<BTreeSet<Box<str>>, LogError> {
    let mut streams: BTreeSet<Box<str>> = BTreeSet::new();
    if after >= upto {
        return Ok(streams);
    }
    log.scan(after, &mut |seen| {
        if seen.position > upto {
            return ControlFlow::Break(());
        }
        if seen.causation == Some(import) && Stream::named(seen.stream).is_some() && !streams.contains(seen.stream) {
            streams.insert(seen.stream.into());
        }
        ControlFlow::Continue(())
    })?;
    Ok(streams)
}

/// Returns what was recorded in a stream before a position.
fn told(log: &dyn EventLog, stream: &str, before: Position) -> Result<Vec<Told>, FoldError> {
    let recorded = log.read_stream(stream, 0, usize::MAX)?;
    let one = |Recorded { position, recorded_at, event, .. }: &Recorded| {
        let stamp = Stamp { position: *position, recorded_at: *recorded_at, history: event.history };
        let by_service = *event.actor == *Origin::service().actor;
        let actor = Arc::clone(&event.actor);
        Ok(Told { stamp, id: event.id, causation: event.causation, actor, by_service, event: event.decode()? })
    };
    recorded.iter().filter(|recorded| recorded.position < before).map(one).collect()
}

impl Picture {
    /// Has what an import recorded count no longer. The picture changes only once everything was read.
    pub(super) fn withdraw(&mut self, at: Stamp, said: &ImportWithdrawn, log: &dyn EventLog) -> Result<(), FoldError> {
        let streams = wrote_to(log, said.import, said.after, said.upto.min(at.position.saturating_sub(1)))?;
        let (mut world, mut queue, mut uncounted) = (self.world.clone(), self.queue.clone(), self.uncounted.clone());
        let is_gone = |import, position| import == said.import || self.imports.is_withdrawn(import, position);
        let mut tickets: BTreeMap<Box<str>, Vec<Told>> = BTreeMap::new();
        // Merchants with the tickets of the import that are about them.
        let mut about: BTreeMap<CreditCode, BTreeSet<Box<str>>> = BTreeMap::new();
        for name in &streams {
            match Stream::named(name) {
                Some(Stream::Merchant(code)) => drop(about.entry(code).or_default()),
                Some(Stream::Ticket(ticket)) => {
                    let told = told(log, name, at.position)?;
                    for code in told.iter().filter_map(|told| evidence_about(&told.event)) {
                        about.entry(code).or_default().insert(ticket.into());
                    }
                    let left = left(&told, is_gone).into_iter();
                    queue.fold_again(ticket, left.map(|told| (&told.event, &told.actor)));
                    tickets.insert(ticket.into(), told);
                }
                None => {}
            }
        }
        let mut live: BTreeMap<CreditCode, BTreeSet<Box<str>>> = BTreeMap::new();
        for (code, of_import) in about {
            // Whole: what is said in one stream may be about what stands in another.
            let own = told(log, &merchant_stream(code), at.position)?;
            let known = world.get(code).into_iter().flat_map(|merchant| &merchant.complaints);
            let known: BTreeSet<Box<str>> = known
                .map(|complaint| complaint.ticket.clone())
                .filter(|ticket| !tickets.contains_key(ticket))
                .collect();
            let others = known.iter().map(|ticket| told(log, &complaint_stream(ticket), at.position));
            let others: Vec<Vec<Told>> = others.collect::<Result<_, _>>()?;
            let of_import = of_import.iter().filter_map(|ticket| tickets.get(ticket));
            let all = std::iter::once(&own).chain(&others).chain(of_import);
            let mut all: Vec<&Told> = all.flat_map(|told| left(told, is_gone)).collect();
            all.sort_by_key(|told| told.stamp.position);
            let said = all.iter().filter(|told| self.tickets.is_live(told.stamp));
            live.insert(code, said.filter_map(|told| told.event.ticket().map(Box::from)).collect());
            world.fold_again(at, code, all.into_iter());
            let name = merchant_stream(code);
            if streams.contains(&*name) {
                uncounted.set(&name, beyond(own.len(), counted(&world, &queue, Stream::Merchant(code))));
            }
        }
        for (ticket, told) in &tickets {
            let counted = counted(&world, &queue, Stream::Ticket(ticket));
            uncounted.set(&complaint_stream(ticket), beyond(told.len(), counted));
        }
        self.have_wait_again(at, said, &mut world, &mut queue);
        (self.world, self.queue, self.uncounted) = (world, queue, uncounted);
        for (code, live) in live {
            if let Some(merchant) = self.world.get(code) {
                self.tickets.hear_again(merchant, &live);
            }
        }
        Ok(())
    }

    /// Tickets that led by key to a merchant as an import had it, and do not as it is now, wait again.
    fn have_wait_again(&self, at: Stamp, said: &ImportWithdrawn, world: &mut World, queue: &mut Queue) {
        let mut led: Vec<(CreditCode, Box<str>, bool)> = Vec::new();
        for merchant in world.changed_at(at.position).into_iter().filter_map(|index| world.at(index)) {
            for complaint in &merchant.complaints {
                let by_key = State::Attributed(merchant.code, Attribution::Exact);
                let Some(entry) = queue.get(&complaint.ticket).filter(|entry| entry.state == by_key) else { continue };
                let leads = |world: &World| {
                    world.whose(&Clues::from(&entry.said)).is_some_and(|(found, _)| found.code == merchant.code)
                };
                // One that was found so at an earlier withdrawal was folded again just now.
                let was_undone = complaint.undone.is_some();
                if was_undone || leads(&self.world) && !leads(world) {
                    led.push((merchant.code, complaint.ticket.clone(), was_undone));
                }
            }
        }
        for (code, ticket, was_undone) in led {
            if !was_undone {
                let (ticket, reason) = (ticket.to_string(), said.reason.clone());
                let undone = AttributionUndone { ticket, credit_code: Some(code), reason };
                world.fold(at, &Event::AttributionUndone(undone));
            }
            queue.wait_again(&ticket);
        }
    }

    /// Notes an event of a ticket that nobody counts, because its ticket was withdrawn meanwhile.
    pub(super) fn note_uncounted(&mut self, event: &Event) {
        if self.uncounted.is_empty() {
            return;
        }
        let Some(ticket) = event.ticket() else { return };
        let stream = complaint_stream(ticket);
        let before = self.uncounted.of(&stream);
        if before > 0 && counted(&self.world, &self.queue, Stream::Ticket(ticket)) == 0 {
            self.uncounted.set(&stream, before.saturating_add(1));
        }
    }
}

/// Returns how many of so many events are not counted.
fn beyond(whole: usize, counted: u32) -> u32 {
    u32::try_from(whole).unwrap_or(u32::MAX).saturating_sub(counted)
}

/// Returns how many events of a stream are counted where its revision is.
fn counted(world: &World, queue: &Queue, stream: Stream<'_>) -> u32 {
    match stream {
        Stream::Merchant(code) => world.get(code).map_or(0, |merchant| merchant.revision),
        Stream::Ticket(ticket) => match queue.get(ticket) {
            Some(entry) => entry.revision,
            None => world
                .ticket_owner(ticket)
                .and_then(|owner| world.get(owner)?.complaint(ticket))
                .filter(|complaint| *complaint.ticket == *ticket)
                .map_or(0, |complaint| complaint.revision),
        },
    }
}
