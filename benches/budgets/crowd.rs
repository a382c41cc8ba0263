//! Merchants and their events: the synthetic district, decided without a desk, in the order an office would have known it.

use super::run::Outcome;
use uuid::Uuid;
use warnlight::domain::decide::{Known, decide};
use warnlight::domain::envelope::{NewEvent, Origin, Position};
use warnlight::domain::event::{DayClosed, Event, LightCause};
use warnlight::domain::fold::Stamp;
use warnlight::domain::time::{Day, Instant, plus_days, start_of};
use warnlight::domain::whose::Queue;
use warnlight::domain::world::World;
use warnlight::lights::change::change;
use warnlight::lights::moment::Moment;
use warnlight::log::contract::{Append, EventLog, Expected, Pending};
use warnlight::policy::Policies;
use warnlight::sim::Plan;

/// Merchants whose histories are interleaved; so many stories are in memory at once.
const BLOCK: u64 = 5_000;

/// Events of one command.
pub(super) struct Written {
    /// Stream.
    pub(super) stream: String,
    /// Events the stream had before.
    pub(super) revision: u32,
    /// When it was known.
    pub(super) at: Instant,
    /// What follows from the command.
    pub(super) events: Vec<(Instant, Event)>,
}

/// Returns the plan of a district with about 20 events for each merchant.
pub(super) fn plan(merchants: u64) -> Outcome<Plan> {
    Ok(Plan { seed: 1, merchants, from: "2024-07-01".parse()?, until: until()? })
}

/// Returns the last day of the district.
pub(super) fn until() -> Outcome<Day> {
    Ok("2025-07-31".parse()?)
}

/// Returns the instant after everything of the district is known.
pub(super) fn after() -> Outcome<Instant> {
    Ok(start_of(plus_days(until()?, 1)))
}

/// Shows what is written for every command of the district, block by block, each block day by day and then its lights.
pub(super) fn each(plan: &Plan, mut visit: impl FnMut(Written) -> Outcome<()>) -> Outcome<()> {
    let policies = Policies::built_in()?;
    let end = after()?;
    let moment = Moment::new(&policies, end, Position::MAX);
    let mut first = 0;
    while first < plan.merchants {
        let last = (first + BLOCK).min(plan.merchants);
        let mut told: Vec<_> = (first..last).flat_map(|index| plan.merchant(index)).collect();
        told.sort_by_key(|dated| dated.known_on);
        let mut world = World::default();
        let mut position: Position = 0;
        for dated in told {
            let at = start_of(plus_days(dated.known_on, 1));
            let Ok(decision) = decide(&dated.command, Known::of(&world, &Queue::default(), &dated.command, &[]), at)
            else {
                continue;
            };
            if decision.events.is_empty() {
                continue;
            }
            for (_, event) in &decision.events {
                position += 1;
                world.fold(Stamp { position, recorded_at: at, history: true }, event);
            }
            let (stream, revision) = (decision.stream, decision.revision);
            visit(Written { stream, revision, at, events: decision.events })?;
        }
        // Links stay within a block, so its lights are those of the whole district.
        for merchant in world.merchants().iter() {
            let subject = moment.subject(&world, merchant);
            let Some(change) = change(&subject, None) else { continue };
            let reasons = change.reasons.iter().map(|draft| {
                let events = draft.positions.iter().map(|_| Uuid::now_v7()).collect();
                draft.clone().with_events(events)
            });
            let reasons = reasons.collect();
            let (_, changed, append) = change.append(&subject, LightCause::Policy, false, None, reasons, end);
            let (stream, event) = (append.stream.to_string(), Event::LightChanged(changed));
            visit(Written { stream, revision: 0, at: end, events: vec![(end, event)] })?;
        }
        first = last;
    }
    Ok(())
}

/// Returns the append that writes it.
pub(super) fn append(written: Written, origin: &Origin) -> Append {
    let events = written.events.iter().map(|(at, event)| NewEvent::new(Uuid::now_v7(), *at, origin, event)).collect();
    let expected = match written.revision {
        0 => Expected::NoStream,
        count => Expected::Revision(u64::from(count) - 1),
    };
    Append { stream: written.stream.into(), expected, recorded_at: written.at, idempotency_key: None, events }
}

/// Fills a log with a district; returns the number of events.
pub(super) fn fill(log: &dyn EventLog, plan: &Plan) -> Outcome<u64> {
    let origin = Origin { history: true, ..Origin::of("import") };
    let mut waiting: Vec<Pending> = Vec::new();
    each(plan, |written| {
        waiting.push(log.submit(append(written, &origin)));
        if waiting.len() >= 4_096 {
            for pending in waiting.drain(..) {
                pending.wait()?;
            }
        }
        Ok(())
    })?;
    for pending in waiting {
        pending.wait()?;
    }
    // Every day until the end counts as looked at: what is measured is a start, not the catching up on months.
    let end = after()?;
    let closed = DayClosed { day: until()?, at: end, merchants: plan.merchants, changed: 0 };
    let events = vec![(end, Event::DayClosed(closed))];
    log.append(append(Written { stream: "watch".to_owned(), revision: 0, at: end, events }, &origin))?;
    Ok(log.head())
}

/// Returns payloads of a district as stored, with their types.
pub(super) fn payloads(merchants: u64) -> Outcome<Vec<(&'static str, u16, String)>> {
    let mut payloads = Vec::new();
    each(&plan(merchants)?, |written| {
        let stored = |(_, event): &(Instant, Event)| (event.event_type(), event.schema_version(), event.to_json());
        payloads.extend(written.events.iter().map(stored));
        Ok(())
    })?;
    Ok(payloads)
}
