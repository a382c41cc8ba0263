//! Verification against the cluster: that it still holds, byte for byte, what this node has read.

use super::remote::{PAGE, Page, Remote};
use super::rows::Rows;
use super::wire::{self, Part, WireEvent};
use crate::domain::envelope::{Digest, Position};
use crate::log::admission::Entry;
use crate::log::chain::GENESIS;
use crate::log::contract::{EventLog as _, LogError, Verified};
use crate::log::embedded::EmbeddedLog;
use eventstore::RecordedEvent;
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Verifies the replica as a log of its own, then walks the cluster's log beside it.
///
/// For every event that the replica counts, the cluster must hold one with the same content at the same turn, and its
/// stream's chain must fit. Keeps one digest per stream in memory. At the end it looks for settings by which a stream of
/// the log loses events (field names: EventStoreDB docs, "Stream metadata": `$tb`, `$maxCount`, `$maxAge`; the settings of
/// `s` are the events of type `$metadata` in `$$s`).
pub(super) fn verify(
    remote: &Remote,
    prefix: &str,
    replica: &EmbeddedLog,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Verified, LogError> {
    // The replica may grow while it is verified; what it has now is what the cluster must hold.
    let found = replica.verify(&mut |_, _| {})?;
    let mut walk = Walk {
        replica,
        prefix,
        head: found.events,
        next: 1,
        at_hand: Vec::new(),
        chains: HashMap::new(),
        rows: Rows::default(),
    };
    let mut place = None;
    while walk.next <= walk.head {
        let moved = take(remote.read_all(place, PAGE)?, &mut place, |event| walk.step(event))?;
        progress(walk.next - 1, walk.head);
        if !moved {
            return Err(walk.missing(remote)?);
        }
    }
    walk.cut_streams(remote)?;
    Ok(found)
}

/// Takes what a page shows after `place`, and moves that on. Says whether there was anything; a page that broke off before is
/// an error.
fn take(
    Page { events, broken }: Page,
    place: &mut Option<eventstore::Position>,
    mut each: impl FnMut(&RecordedEvent) -> Result<(), LogError>,
) -> Result<bool, LogError> {
    let mut moved = false;
    for event in events {
        // A page begins with the event at its place.
        if place.is_none_or(|place| event.position > place) {
            *place = Some(event.position);
            moved = true;
            each(&event)?;
        }
    }
    match broken {
        Some(fault) if !moved => Err(fault.into()),
        _ => Ok(moved),
    }
}

/// What the settings of a stream say about which of its events stay.
#[derive(Debug, Deserialize)]
struct Settings {
    #[serde(rename = "$tb")]
    before: Option<u64>,
    #[serde(rename = "$maxCount")]
    count: Option<u64>,
    #[serde(rename = "$maxAge")]
    age: Option<u64>,
}

impl Settings {
    /// Returns what takes events away, as it is written in the settings.
    fn cut(&self) -> Option<String> {
        let Self { before, count, age } = self;
        let before = before.filter(|before| *before > 0).map(|before| format!("`$tb` {before}"));
        let count = count.map(|count| format!("`$maxCount` {count}"));
        let age = age.map(|age| format!("`$maxAge` {age}"));
        let said: Vec<String> = [before, count, age].into_iter().flatten().collect();
        (!said.is_empty()).then(|| said.join(", "))
    }
}

/// Returns what is to be said against the settings of a stream, if anything is. Settings that cannot be read are no settings
/// without a cut: what they take away is not known.
fn objection(settings: &[u8]) -> Option<String> {
    if settings.is_empty() {
        return None;
    }
    match serde_json::from_slice::<Settings>(settings) {
        Ok(settings) => settings.cut().map(|said| {
            format!(
                "has settings on the cluster that take events away ({said}); take them off before the servers are scavenged, \
                 or the log is lost there"
            )
        }),
        Err(error) => Some(format!(
            "has settings on the cluster that cannot be read ({error}), so whether they take events away is not known; set \
             them anew without `$tb`, `$maxCount` and `$maxAge`"
        )),
    }
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
    rows: Rows,
}

impl Walk<'_> {
    fn step(&mut self, event: &RecordedEvent) -> Result<(), LogError> {
        if self.next > self.head {
            return Ok(());
        }
        let WireEvent::Part(part) = wire::decode(self.prefix, event)? else { return Ok(()) };
        let Some(entry) = self.expected()? else { return Ok(()) };
        let is_meant = part.revision.is_none_or(|revision| revision == entry.recorded.revision);
        let counts = entry.recorded.event.id == part.event.id && is_meant;
        // What it was sent in goes on only if it counts, and it counts only if that has gone on so far.
        let is_in_row = part.sent.is_none_or(|sent| {
            let row = self.rows.admit(&sent, true);
            row.is_some_and(|row| !row.is_broken.fetch_or(!counts, Ordering::Relaxed))
        });
        if !counts || !is_in_row {
            // Not counted when it was read; or changed since, and then the one that is expected never comes.
            return Ok(());
        }
        self.compare(&entry, &part)?;
        self.at_hand.pop();
        self.next += 1;
        Ok(())
    }

    /// Names the event that should have come next, and why it did not if its stream shows it.
    fn missing(&mut self, remote: &Remote) -> Result<LogError, LogError> {
        let mut what = "the cluster does not hold it as this node has read it".to_owned();
        if let Some(Entry { recorded, .. }) = self.expected()? {
            let Page { events, .. } = remote.read_stream(&recorded.stream, recorded.revision, 1)?;
            if let Some(begins) = events.first().filter(|begins| begins.revision > recorded.revision) {
                what = format!(
                    "the cluster no longer holds it: its stream `{}` goes on at revision {} there, so it was truncated \
                     (`$tb`, `$maxCount`, `$maxAge`) and scavenged; this node's replica still has it, `warnlight backup` \
                     saves it",
                    recorded.stream, begins.revision
                );
            }
        }
        Ok(LogError::Corrupt { position: self.next, what })
    }

    /// Looks for streams whose settings take events away: the whole log shows those until the servers are scavenged, so
    /// the walk does not miss them yet.
    fn cut_streams(&self, remote: &Remote) -> Result<(), LogError> {
        let mut place = None;
        let mut cut: BTreeMap<String, String> = BTreeMap::new();
        let mut note = |event: &RecordedEvent| {
            let name = event.stream_id().strip_prefix("$$").and_then(|name| name.strip_prefix(self.prefix));
            if let Some(name) = name.filter(|_| event.event_type == "$metadata") {
                // The last settings count.
                match objection(&event.data) {
                    Some(said) => cut.insert(name.to_owned(), said),
                    None => cut.remove(name),
                };
            }
            Ok(())
        };
        while take(remote.read_settings(place, PAGE)?, &mut place, &mut note)? {}
        for (stream, said) in cut {
            let Some(first) = self.replica.read_stream(&stream, 0, 1)?.pop() else { continue };
            return Err(LogError::Corrupt { position: first.position, what: format!("its stream `{stream}` {said}") });
        }
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

    /// Returns the end of its stream's chain.
    fn chain(&self, part: &Part) -> &Digest {
        self.chains.get(&part.stream).unwrap_or(&GENESIS)
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
        if part.digest(recorded.revision, self.chain(part)) != part.chain {
            return damaged("on the cluster, it does not fit the chain of its stream");
        }
        self.chains.insert(part.stream.clone(), part.chain);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::objection;

    #[test]
    fn settings_that_take_events_away_or_cannot_be_read_are_objected_to() {
        for fine in ["", "{}", r#"{"$tb":0}"#, r#"{"$cacheControl":5,"own":"x"}"#] {
            assert_eq!(objection(fine.as_bytes()), None, "{fine}");
        }
        assert!(objection(br#"{"$maxAge":60,"$tb":7}"#).unwrap().contains("take events away (`$tb` 7, `$maxAge` 60)"));
        for unreadable in ["{", r#"{"$maxCount":"5"}"#, r#"{"$maxAge":-1}"#, "null", "[]"] {
            let said = objection(unreadable.as_bytes());
            assert!(said.as_ref().is_some_and(|said| said.contains("cannot be read")), "{unreadable}: {said:?}");
        }
    }
}
