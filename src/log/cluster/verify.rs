//! Verification against the cluster: that it still holds, byte for byte, what this node has read.

use super::follower::PAGE;
use super::remote::{Page, Remote};
use super::wire::{self, Part, Seen};
use crate::domain::envelope::{Digest, Position};
use crate::log::admission::Entry;
use crate::log::chain::GENESIS;
use crate::log::contract::{EventLog as _, LogError, Verified};
use crate::log::embedded::EmbeddedLog;
use eventstore::RecordedEvent;
use std::collections::HashMap;
use std::sync::Arc;

/// Verifies the replica as a log of its own, then walks the cluster's log beside it.
///
/// For every event that the replica counts, the cluster must hold one with the same content at the same turn, and its
/// stream's chain must fit. Keeps one digest per stream in memory.
pub(super) fn verify(
    remote: &Remote,
    prefix: &str,
    replica: &EmbeddedLog,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Verified, LogError> {
    // The replica may grow while it is verified; what it has now is what the cluster must hold.
    let found = replica.verify(&mut |_, _| {})?;
    let mut walk = Walk { replica, prefix, head: found.events, next: 1, at_hand: Vec::new(), chains: HashMap::new() };
    let mut place = None;
    while walk.next <= walk.head {
        let Page { events, broken } = remote.read_all(place, PAGE)?;
        let mut moved = false;
        for event in events {
            if place.is_some_and(|place| event.position <= place) {
                continue;
            }
            place = Some(event.position);
            moved = true;
            walk.step(&event)?;
        }
        progress(walk.next - 1, walk.head);
        match broken {
            Some(fault) if !moved => return Err(fault.into()),
            _ if !moved => {
                let what = "the cluster does not hold it as this node has read it".to_owned();
                return Err(LogError::Corrupt { position: walk.next, what });
            }
            _ => {}
        }
    }
    Ok(found)
}

struct Walk<'a> {
    replica: &'a EmbeddedLog,
    prefix: &'a str,
    head: Position,
    /// Position that the cluster must show next.
    next: Position,
    /// Entries of the replica from `next` on, last one first.
    at_hand: Vec<Entry>,
    chains: HashMap<Arc<str>, Digest>,
}

impl Walk<'_> {
    fn step(&mut self, event: &RecordedEvent) -> Result<(), LogError> {
        if self.next > self.head {
            return Ok(());
        }
        let Seen::Part(part) = wire::decode(self.prefix, event)? else { return Ok(()) };
        let Some(entry) = self.expected()? else { return Ok(()) };
        if entry.recorded.event.id != part.event.id {
            // Not counted when it was read; or changed since, and then the one that is expected never comes.
            return Ok(());
        }
        self.compare(&entry, &part)?;
        self.at_hand.pop();
        self.next += 1;
        Ok(())
    }

    fn expected(&mut self) -> Result<Option<Entry>, LogError> {
        if self.at_hand.is_empty() {
            let last = self.head.min(self.next.saturating_add(PAGE as u64));
            self.at_hand = self.replica.look(|held| held.entries(self.next, last))??;
            self.at_hand.reverse();
        }
        Ok(self.at_hand.last().cloned())
    }

    fn compare(&mut self, entry: &Entry, part: &Part) -> Result<(), LogError> {
        let recorded = &entry.recorded;
        let damaged = |what: &str| Err(LogError::Corrupt { position: recorded.position, what: what.to_owned() });
        let same = recorded.event == part.event
            && recorded.stream == part.stream
            && recorded.idempotency_key == part.key
            && entry.part == part.part
            && recorded.recorded_at >= part.recorded_at;
        if !same {
            return damaged("the cluster holds it with other content than this node has read");
        }
        let previous = self.chains.get(&part.stream).copied().unwrap_or(GENESIS);
        if part.digest(recorded.revision, &previous) != part.chain {
            return damaged("on the cluster, it does not fit the chain of its stream");
        }
        self.chains.insert(part.stream.clone(), part.chain);
        Ok(())
    }
}
