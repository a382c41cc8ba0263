//! A group of appends in the making: what is new of it, put behind the end of the log.

use super::schema::Tail;
use crate::domain::envelope::{Position, Revision};
use crate::log::admission::{self, Entry};
use crate::log::contract::{Append, Appended};
use std::convert::Infallible;
use std::sync::Arc;

/// What a group is going to write.
#[derive(Debug)]
pub(super) struct Draft {
    /// The end before the group.
    pub(super) before: Tail,
    /// The end as the group leaves it.
    pub(super) tail: Tail,
    /// Its events.
    pub(super) events: Vec<Entry>,
    /// Its keys, each with the first and last position of what it stands for.
    pub(super) bound: Vec<(Arc<str>, Position, Position)>,
}

impl Draft {
    /// Begins behind this end.
    pub(super) const fn behind(before: Tail) -> Self {
        Self { before, tail: before, events: Vec::new(), bound: Vec::new() }
    }

    /// Puts an append that was judged to be new at the end, from this revision of its stream on.
    pub(super) fn add(&mut self, append: &Append, revision: Revision) -> Appended {
        let recorded_at = admission::recording_time(append, self.tail.recorded_at);
        let first = self.tail.position + 1;
        let previous = self.tail.digest;
        let put = admission::put(append, (first, revision), recorded_at, previous, |place, event, digest| {
            self.tail = Tail { position: place.position, digest, recorded_at: Some(recorded_at) };
            self.events.push(admission::kept(append, place, event, digest));
            Ok::<_, Infallible>(())
        });
        let Ok(answer) = put;
        if let Some(key) = &append.idempotency_key {
            self.bind(key, &answer);
        }
        answer
    }

    /// Lets a key stand for an append.
    pub(super) fn bind(&mut self, key: &Arc<str>, answer: &Appended) {
        self.bound.push((key.clone(), answer.first, answer.last));
    }
}
