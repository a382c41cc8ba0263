//! Whether the cluster still holds what this node has read.
//!
//! A cluster that lost its end (a leader that came back with less, a restored backup) gives new events positions that were
//! read already. Read on from there and they would be passed over. So each read begins at the last event that was read, and
//! that event must be there: same position, same id.
//!
//! Where this is from: a read of `$all` begins with the event at its position (EventStoreDB docs, "Reading events");
//! positions are places in the transaction file and stay as they are through scavenging and restoring (docs/operations.md of
//! the server, "Scavenging", "Backup and restore": the restored node is cut off at its checkpoint by `truncate.chk`); a
//! read from where no event begins is refused, in three ways (`remote.rs`), and one from beyond the end is answered with nothing.
//!
//! A leader may show less than it has: one that is about to lead answers before its index has caught up, and one that was deposed
//! until it steps down, after some 3 s (`ClusterVNodeController.cs`). So what is missing is doubted first.

use super::follower::Follower;
use super::place::{Mark, ReadTo};
use super::remote::{Fault, PAGE, Page};
use super::wire;
use crate::domain::envelope::{Position, Recorded};
use crate::log::contract::{EventLog as _, LogError};
use std::time::Instant;

/// What the cluster's stream shows of one event of the replica.
enum Found {
    /// It is there.
    Here,
    /// The stream begins after it.
    Cut,
    Missing,
}

impl Follower {
    /// Lets a page through if it goes on where the last one ended; `None` if it must be asked for again, from another place.
    ///
    /// The event at the place may be gone for a good reason when it was somebody else's. Then reading begins again at the
    /// last event of ours. If that one is gone too, the log is.
    pub(super) fn held(&mut self, page: Result<Page, Fault>) -> Result<Option<Page>, LogError> {
        let Some(at) = self.read.at else { return Ok(Some(page?)) };
        let (there, page) = match page {
            Ok(Page { events, broken: Some(Fault::NoSuchPlace) }) if events.is_empty() => (false, None),
            Err(Fault::NoSuchPlace) => (false, None),
            Err(fault) => return Err(fault.into()),
            Ok(page) if self.read.hidden => (self.shows(at)?, Some(page)),
            Ok(page) => match (page.events.first(), &page.broken) {
                (Some(event), _) => (event.position == at.position && event.id == at.id, Some(page)),
                (None, Some(fault)) => return Err(fault.clone().into()),
                (None, None) => (false, None),
            },
        };
        if there {
            self.doubted = None;
            return Ok(page);
        }
        match self.done.own {
            Some(own) if own == at => {
                self.recognise()?;
                // Its stream shows it and the whole log does not: whatever that is, it is not read on.
                Err(LogError::Unavailable(format!(
                    "the cluster's whole log does not show event {} at {}, where this node has read to",
                    at.id, at.position
                )))
            }
            own => {
                tracing::info!(place = %at.position, "the cluster no longer holds this event of somebody else, reading again from our last");
                self.go_back_to(ReadTo { at: own, hidden: false, ..self.done });
                Ok(None)
            }
        }
    }

    /// Says whether the whole log shows this event.
    fn shows(&self, mark: Mark) -> Result<bool, LogError> {
        match self.remote.event_at(mark.position) {
            Ok(found) => Ok(found == Some(mark)),
            Err(Fault::NoSuchPlace) => Ok(false),
            Err(fault) => Err(fault.into()),
        }
    }

    /// Makes sure that the cluster is the one that the replica is of: it must hold the replica's last event where it was;
    /// or, if that place is not known, the first and the last in their streams.
    ///
    /// What is missing is lost if it stays missing for as long as servers may show less than they have, and still is on a leader
    /// that was found anew and has then acknowledged an event of ours: a majority follows that one.
    ///
    /// # Errors
    /// [`LogError::Corrupt`] if it is lost, now and ever after; [`LogError::Unavailable`] while that is not certain.
    pub(super) fn recognise(&mut self) -> Result<(), LogError> {
        let missing = self.missing()?;
        let since = match missing {
            Some(_) => *self.doubted.get_or_insert_with(Instant::now),
            None => {
                self.doubted = None;
                return Ok(());
            }
        };
        self.remote.forget();
        if since.elapsed() < self.doubt {
            return Err(LogError::Unavailable(format!(
                "the cluster does not show what this node has read; if that stays so for {} s, it is lost",
                self.doubt.as_secs_f64()
            )));
        }
        self.remote.append_anywhere(wire::ASKED, wire::asked()?)?;
        match self.missing()? {
            Some(position) => Err(self.gone(position)),
            None => {
                self.doubted = None;
                Ok(())
            }
        }
    }

    /// Returns the position of an event that the cluster must hold and does not show.
    fn missing(&self) -> Result<Option<Position>, LogError> {
        let (Some(first), Some(last)) = (
            self.replica.read_all(0, 1)?.pop(),
            self.replica.read_all(self.replica.head().saturating_sub(1), 1)?.pop(),
        ) else {
            return Ok(None);
        };
        if let Some(own) = self.done.own.filter(|own| own.id == last.event.id) {
            return Ok((!self.shows(own)?).then_some(last.position));
        }
        for event in [first, last] {
            match self.find(&event)? {
                Found::Here => {}
                Found::Cut => tracing::warn!(
                    stream = %event.stream,
                    "the cluster does not show the beginning of this stream: take `$tb`, `$maxCount` and `$maxAge` off it"
                ),
                Found::Missing => return Ok(Some(event.position)),
            }
        }
        Ok(None)
    }

    fn find(&self, event: &Recorded) -> Result<Found, LogError> {
        // On the server it stands here, or later by as many events as the replica does not count.
        let Page { events, broken } = self.remote.read_stream(&event.stream, event.revision, PAGE)?;
        if events.iter().any(|found| found.id == event.event.id) {
            return Ok(Found::Here);
        }
        match (events.first(), broken) {
            (_, Some(fault)) => Err(fault.into()),
            (Some(begins), None) if begins.revision > event.revision => Ok(Found::Cut),
            _ => Ok(Found::Missing),
        }
    }

    fn gone(&mut self, position: Position) -> LogError {
        let what =
            "this node has read it, and the cluster does not hold it where it was; the cluster lost its end, was \
                    restored from an older backup, or is another one. Nothing more is read or written here. Bring back \
                    the cluster's newest state, or give this node another data directory"
                .to_owned();
        let error = LogError::Corrupt { position, what };
        self.lose(&error);
        error
    }

    /// Reads and writes nothing more if this error says that the cluster lost something.
    pub(super) fn lose(&mut self, error: &LogError) {
        if let LogError::Corrupt { .. } = error
            && self.lost.is_none()
        {
            tracing::error!(%error, "the cluster lost what this node has read");
            self.lost = Some(error.clone());
        }
    }
}
