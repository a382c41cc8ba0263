//! Where the chains of streams end, as far as this node has read.

use super::follower::Follower;
use super::remote::{PAGE, Page};
use super::wire::{self, WireEvent};
use crate::domain::envelope::{Digest, Revision};
use crate::log::chain::GENESIS;
use crate::log::contract::{EventLog as _, LogError};
use std::sync::Arc;

impl Follower {
    /// Returns a stream's chain before the event of this revision, from the server if it is not at hand.
    pub(super) fn chain_before(&mut self, stream: &Arc<str>, revision: Revision) -> Result<Digest, LogError> {
        let Some(last) = revision.checked_sub(1) else { return Ok(GENESIS) };
        if let Some((_, digest)) = self.chains.get(stream).filter(|(revision, _)| *revision == last) {
            return Ok(digest);
        }
        let Some(last) = self.replica.read_stream(stream, last, 1)?.pop() else { return Ok(GENESIS) };
        let (mut chain, mut from) = (None, last.revision);
        loop {
            let Page { events, broken } = self.remote.read_stream(stream, from, PAGE)?;
            // Of several, the last one counts: those before were taken back, and behind it there are none.
            for event in events.iter().filter(|event| event.id == last.event.id) {
                if let WireEvent::Part(part) = wire::decode(&self.prefix, event)?
                    && part.revision.is_none_or(|revision| revision == last.revision)
                {
                    chain = Some(part.chain);
                }
            }
            match (events.last(), broken) {
                (Some(end), broken) if broken.is_some() || events.len() >= PAGE => from = end.revision + 1,
                (None, Some(fault)) => return Err(fault.into()),
                _ => break,
            }
        }
        let what = || "it is not where it was in its stream on the cluster".to_owned();
        chain.ok_or_else(|| LogError::Corrupt { position: last.position, what: what() })
    }
}
