//! What of the queue is to be tried again, a bounded number of tickets a turn: of a brand a hundred thousand may wait, and commands go
//! in between. A merchant that is spoken of again while its turn lasts has another after all others had theirs.

use crate::domain::envelope::Position;
use crate::domain::event::Event;
use crate::domain::whose::{Entry, Place, Queue};
use crate::domain::world::World;
use std::collections::BTreeMap;
use std::mem::take;
use std::ops::Bound;
use std::sync::Arc;

/// Tickets tried, and merchants begun with, in one turn at most.
pub(super) const TRIES: usize = 1_000;

/// What is to be tried again.
#[derive(Debug)]
pub(super) struct Retries {
    /// Everything that waits, from there on: what was said while no desk ran is not known one by one.
    all: Option<Option<Place>>,
    /// Merchants that the register said something new about, with the position of the newest of it.
    merchants: BTreeMap<u32, Position>,
    /// The one whose turn it is.
    current: Option<Current>,
    /// Whose turn it was last.
    last: Option<u32>,
}

/// A merchant whose tickets are tried.
#[derive(Debug, Clone)]
struct Current {
    /// What the register said last.
    position: Position,
    /// Keys under which tickets may wait for it; the last is at work.
    keys: Vec<String>,
    /// The ticket under it that was tried last.
    after: Option<Arc<str>>,
}

/// What a turn took, to be put back if what was found could not be recorded.
#[derive(Debug)]
pub(super) struct Taken {
    all: Option<Option<Place>>,
    current: Option<Current>,
    last: Option<u32>,
    begun: BTreeMap<u32, Position>,
}

/// A ticket to be tried, with the position of what was said of the merchant it may be about.
pub(super) type Try<'p> = (&'p Entry, Option<Position>);

impl Default for Retries {
    /// At a start everything is tried once.
    fn default() -> Self {
        Self { all: Some(None), merchants: BTreeMap::new(), current: None, last: None }
    }
}

impl Retries {
    /// Notes an event about a merchant.
    pub(super) fn note(&mut self, index: u32, event: &Event, position: Position) {
        // The register, shops and other names; and what malls report of a shop makes it known, too. What of it was withdrawn may have
        // stood in somebody else's way.
        let (subject, _) = event.event_type().split_once('.').unwrap_or_default();
        if matches!(subject, "merchant" | "mall" | "import") {
            self.merchants.insert(index, position);
        }
    }

    /// Says whether there is something to try.
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_none() && self.current.is_none() && self.merchants.is_empty()
    }

    /// Takes what is tried in this turn.
    pub(super) fn take<'p>(&mut self, queue: &'p Queue, world: &World) -> (Vec<Try<'p>>, Taken) {
        let mut taken =
            Taken { all: self.all.clone(), current: self.current.clone(), last: self.last, begun: BTreeMap::new() };
        if queue.waiting() == 0 {
            taken.begun = take(&mut self.merchants);
            (self.all, self.current) = (None, None);
            return (Vec::new(), taken);
        }
        if let Some(after) = self.all.take() {
            let tries: Vec<(&Place, &Entry)> = queue.waiting_after(after.as_ref()).take(TRIES).collect();
            self.all = tries.last().filter(|_| tries.len() == TRIES).map(|(place, _)| Some((*place).clone()));
            return (tries.into_iter().map(|(_, entry)| (entry, None)).collect(), taken);
        }
        let mut tries = Vec::new();
        while tries.len() + taken.begun.len() < TRIES {
            let Some(mut current) = self.current.take().or_else(|| self.begin(queue, world, &mut taken)) else { break };
            let room = TRIES.saturating_sub(tries.len() + taken.begun.len());
            let Some(key) = current.keys.last() else { continue };
            let before = tries.len();
            let there = queue.waiting_as(key, current.after.as_deref()).take(room);
            tries.extend(there.map(|entry| (entry, Some(current.position))));
            if tries.len() - before < room {
                current.keys.pop();
                current.after = None;
            } else {
                current.after = tries.last().map(|(entry, _)| entry.said.ticket.as_str().into()).or(current.after);
            }
            self.current = Some(current).filter(|current| !current.keys.is_empty());
        }
        (tries, taken)
    }

    /// Begins with the next merchant, in a circle.
    fn begin(&mut self, queue: &Queue, world: &World, taken: &mut Taken) -> Option<Current> {
        let behind = self.last.map_or(Bound::Unbounded, Bound::Excluded);
        let next = self.merchants.range((behind, Bound::Unbounded)).next().or_else(|| self.merchants.iter().next());
        let (index, position) = next.map(|(index, position)| (*index, *position))?;
        self.merchants.remove(&index);
        taken.begun.insert(index, position);
        self.last = Some(index);
        let keys = world.at(index).map(|merchant| queue.keys_waited_for(merchant)).unwrap_or_default();
        Some(Current { position, keys, after: None })
    }

    /// Puts back what a turn took; what was noted meanwhile stays.
    pub(super) fn put_back(&mut self, taken: Taken) {
        let Taken { all, current, last, begun } = taken;
        (self.all, self.current, self.last) = (all, current, last);
        for (index, position) in begun {
            self.merchants.entry(index).or_insert(position);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::{ComplaintQueued, MerchantDetails};
    use crate::domain::fold::Stamp;
    use crate::domain::words::{Channel, ComplaintKind};
    use std::collections::BTreeSet;

    fn registered(code: &str, brand: &str) -> Event {
        let row = serde_json::json!({ "credit_code": code, "name": "甲", "brand": brand });
        let row: MerchantDetails = serde_json::from_value(row).unwrap();
        Event::MerchantRegistered(row)
    }

    fn world(brands: &[&str]) -> World {
        let mut world = World::default();
        for (number, brand) in (1..).zip(brands) {
            let recorded_at = "2025-06-01T00:00:00Z".parse().unwrap();
            let stamp = Stamp { position: number, recorded_at, history: false };
            world.fold(stamp, &registered(&format!("91110108MA{number:07}X"), brand));
        }
        world
    }

    fn queue(brand: &str, count: usize, queue: &mut Queue) {
        for number in 0..count {
            let said: ComplaintQueued = serde_json::from_value(serde_json::json!({
                "ticket": format!("{brand}{number}"), "channel": Channel::Platform.name(), "kind": ComplaintKind::Refund.name(),
                "received_at": "2025-06-01T00:00:00Z", "brand": brand }))
            .unwrap();
            queue.apply(&Event::ComplaintQueued(said), &"test".into());
        }
    }

    /// Goes through turns until nothing is left, and returns how many tickets each tried, and which.
    fn turns(retries: &mut Retries, queue: &Queue, world: &World) -> (Vec<usize>, Vec<String>) {
        let (mut counts, mut tickets) = (Vec::new(), Vec::new());
        while !retries.is_empty() {
            let (tries, _) = retries.take(queue, world);
            counts.push(tries.len());
            tickets.extend(tries.iter().map(|(entry, _)| entry.said.ticket.clone()));
            assert!(counts.len() < 1_000, "it goes on for ever");
        }
        (counts, tickets)
    }

    #[test]
    fn a_turn_tries_a_bounded_number_and_the_next_goes_on_until_each_was_tried_once() {
        let (mut waiting, world) = (Queue::default(), world(&["锐动", "极光"]));
        queue("锐动", 2 * TRIES + 300, &mut waiting);
        queue("极光", 5, &mut waiting);
        let mut retries = Retries::default();
        for round in ["all", "by merchant"] {
            let (counts, tickets) = turns(&mut retries, &waiting, &world);
            assert!(counts.iter().all(|count| *count <= TRIES) && counts.len() == 3, "{round}: {counts:?}");
            assert_eq!(tickets.len(), 2 * TRIES + 305, "{round}");
            assert_eq!(tickets.iter().collect::<BTreeSet<_>>().len(), tickets.len(), "{round}: each once");
            for index in [0, 1] {
                retries.note(index, &registered("91110108MA0000001X", "锐动"), 7);
            }
        }
    }

    #[test]
    fn a_merchant_that_is_spoken_of_all_the_time_starves_no_other() {
        let (mut waiting, world) = (Queue::default(), world(&["锐动", "极光"]));
        queue("锐动", 3 * TRIES, &mut waiting);
        queue("极光", 5, &mut waiting);
        let mut retries = Retries::default();
        turns(&mut retries, &waiting, &world);
        retries.note(1, &registered("91110108MA0000002X", "极光"), 8);
        let mut reached = 0;
        for turn in 1..10 {
            retries.note(0, &registered("91110108MA0000001X", "锐动"), 10 + turn);
            let (tries, _) = retries.take(&waiting, &world);
            reached += tries.iter().filter(|(entry, _)| entry.said.brand.as_deref() == Some("极光")).count();
        }
        assert_eq!(reached, 5);
    }

    #[test]
    fn what_could_not_be_recorded_is_tried_again() {
        let (mut waiting, world) = (Queue::default(), world(&["锐动"]));
        queue("锐动", TRIES + 10, &mut waiting);
        let mut retries = Retries::default();
        for round in ["all", "by merchant"] {
            let (first, taken) = retries.take(&waiting, &world);
            retries.put_back(taken);
            let (again, _) = retries.take(&waiting, &world);
            assert_eq!(first, again, "{round}");
            assert_eq!(turns(&mut retries, &waiting, &world).0, if round == "all" { vec![10] } else { vec![11] });
            retries.note(0, &registered("91110108MA0000001X", "锐动"), 7);
        }
    }

    /// A turn in the middle of a merchant's tickets.
    #[test]
    fn what_could_not_be_recorded_of_a_later_turn_is_tried_again() {
        let (mut waiting, world) = (Queue::default(), world(&["锐动"]));
        queue("锐动", 2 * TRIES, &mut waiting);
        let mut retries = Retries::default();
        turns(&mut retries, &waiting, &world);
        retries.note(0, &registered("91110108MA0000001X", "锐动"), 7);
        retries.take(&waiting, &world);
        let (second, taken) = retries.take(&waiting, &world);
        assert_eq!(second.len(), TRIES);
        retries.put_back(taken);
        let (again, _) = retries.take(&waiting, &world);
        assert_eq!(second, again);
    }

    #[test]
    fn many_merchants_without_a_ticket_take_turns_too() {
        let (mut waiting, world) = (Queue::default(), world(&["锐动"]));
        queue("极光", 1, &mut waiting);
        let mut retries = Retries::default();
        turns(&mut retries, &waiting, &world);
        let event = registered("91110108MA0000001X", "锐动");
        (0..2_500).for_each(|index| retries.note(index, &event, 7));
        assert_eq!(turns(&mut retries, &waiting, &world).0, [0, 0, 0]);
    }
}
