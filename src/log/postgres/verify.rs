//! Verification of the whole log on the server.

use super::fault::Fault;
use super::line::Line;
use super::rows::{self, Walk, span};
use super::schema::Tail;
use crate::domain::envelope::{Position, Revision};
use crate::domain::time::Instant;
use crate::log::chain::GENESIS;
use crate::log::contract::{EventRef, LogError, Verified};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// How long the server is given to look at all keys.
const LONG: Duration = Duration::from_secs(3600);
/// Keys looked up at once.
const KEYS: usize = 1000;

/// A key that stands for no whole append.
const STRAY: &str = "SELECT key, first, last FROM idempotency WHERE NOT EXISTS ( \
     SELECT 1 FROM event AS a JOIN event AS z ON z.position = idempotency.last \
     WHERE a.position = idempotency.first AND a.part = 0 AND a.stream = z.stream \
     AND z.part = idempotency.last - idempotency.first \
     AND coalesce((SELECT part FROM event WHERE position = idempotency.last + 1), 0) = 0) LIMIT 1";

/// Verifies the log up to the end it has now.
///
/// 1. Every event in order: that none is missing, that times do not run backwards, that it matches its digest, that its
///    revision follows the one before it in its stream, that its key is known for it. Keeps one revision for each stream in
///    memory.
/// 2. The end that the log says it has, and that nothing lies behind it.
/// 3. Every key: that it stands for one whole append.
pub(super) fn verify(line: &mut Line, progress: &mut dyn FnMut(u64, u64)) -> Result<Verified, Fault> {
    let sql = "SELECT position, digest, recorded_at, (SELECT max(position) FROM event) FROM head WHERE one = 1";
    let row = line.one(sql, &[])?;
    let end = Tail::of(&row)?;
    let last = row.try_get::<_, Option<i64>>(3)?.unwrap_or_default();
    if rows::signed(end.position) != last {
        let first = Position::try_from(rows::signed(end.position).min(last)).unwrap_or_default() + 1;
        let what = format!("the log says it ends at {}, but its last event is {last}", end.position);
        return Err(damaged(first, what));
    }
    let mut state = State::default();
    let mut walk = Walk::new(0, end.position);
    loop {
        let rows = walk.next(line, usize::MAX)?;
        if rows.is_empty() {
            break;
        }
        for row in &rows {
            if let Some(seen) = walk.show(row)? {
                seen.check()?;
                state.step(&seen)?;
            }
        }
        if state.keys.len() >= KEYS {
            state.look_keys_up(line)?;
        }
        progress(state.found.events, end.position);
    }
    state.append_ends();
    state.look_keys_up(line)?;
    if state.found.digest != end.digest {
        return Err(damaged(
            end.position,
            "the digest at the end is not the one that the log says it ends with".to_owned(),
        ));
    }
    line.set_patience(LONG);
    if let Some(row) = line.rows(STRAY, &[])?.first() {
        let (first, last) = span(row, 1)?;
        let key = String::from_utf8_lossy(row.try_get(0)?).into_owned();
        return Err(damaged(
            first,
            format!("key `{key}` stands for positions {first} to {last}, which are not one append"),
        ));
    }
    Ok(state.found)
}

struct State {
    found: Verified,
    recorded_at: Option<Instant>,
    streams: HashMap<Arc<str>, Revision>,
    /// Key of the append being read, and its first position.
    keyed: Option<(String, Position)>,
    /// Keys to be looked up, each with the positions of its append.
    keys: Vec<(String, Position, Position)>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            found: Verified { events: 0, bytes: 0, digest: GENESIS },
            recorded_at: None,
            streams: HashMap::new(),
            keyed: None,
            keys: Vec::new(),
        }
    }
}

impl State {
    fn step(&mut self, seen: &EventRef<'_>) -> Result<(), Fault> {
        let position = seen.position;
        if self.recorded_at.is_some_and(|before| seen.recorded_at < before) {
            return Err(damaged(position, "it was recorded before the event before it".to_owned()));
        }
        let follows = match self.streams.get_mut(seen.stream) {
            Some(last) => {
                *last += 1;
                *last == seen.revision
            }
            None => {
                self.streams.insert(Arc::from(seen.stream), 0);
                seen.revision == 0
            }
        };
        if !follows {
            let what = format!("revision {} does not follow the one before it in its stream", seen.revision);
            return Err(damaged(position, what));
        }
        if seen.part == 0 {
            self.append_ends();
            self.keyed = seen.idempotency_key.map(|key| (key.to_owned(), position));
        }
        self.recorded_at = Some(seen.recorded_at);
        self.found.events += 1;
        self.found.bytes += seen.data.len() as u64;
        self.found.digest = seen.digest;
        Ok(())
    }

    fn append_ends(&mut self) {
        self.keys.extend(self.keyed.take().map(|(key, first)| (key, first, self.found.events)));
    }

    fn look_keys_up(&mut self, line: &mut Line) -> Result<(), Fault> {
        let wanted: Vec<&[u8]> = self.keys.iter().map(|(key, ..)| key.as_bytes()).collect();
        let rows = line.rows("SELECT key, first, last FROM idempotency WHERE key = ANY($1)", &[&wanted])?;
        let known: HashMap<&[u8], (Position, Position)> =
            rows.iter().map(|row| Ok((row.try_get(0)?, span(row, 1)?))).collect::<Result<_, Fault>>()?;
        for (key, first, last) in &self.keys {
            if known.get(key.as_bytes()) != Some(&(*first, *last)) {
                return Err(damaged(*first, format!("its key `{key}` is not on record for it")));
            }
        }
        self.keys.clear();
        Ok(())
    }
}

fn damaged(position: Position, what: String) -> Fault {
    LogError::Corrupt { position, what }.into()
}
