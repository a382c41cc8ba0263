//! Moving house: a whole log from the file of one machine to servers that several share, and back.
//!
//! The digest chain covers everything that is stored about an event, its position and time included, so equal digests at
//! the end mean equal logs, and with them equal lights.

use crate::domain::envelope::Position;
use crate::log::admission::Entry;
use crate::log::contract::{Append, EventLog, Expected, LogError, Verified};
use crate::log::embedded::{EmbeddedLog, restore};
use std::path::Path;
use std::sync::Arc;

/// Events looked at in one go; an append that is larger is looked at whole.
const CHUNK: u64 = 2000;

/// How appends are sent to the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Steps {
    /// One after the other: were the next one sent already when one fails, the target would be no beginning of this log.
    OneByOne,
    /// Several on their way at once, to a log that writes what comes together in one transaction. If one fails and a later one
    /// is there all the same, the target has to be emptied, and that is said.
    Together,
}

/// Copies `from` to `to`, which must be empty or hold the beginning of the same log: then it goes on there. Nobody may write to either
/// meanwhile. `progress` is told how many of how many events are there.
///
/// # Errors
/// [`LogError::Invalid`] if `to` holds something else, and whatever either log says.
pub fn out_of_file(
    from: &EmbeddedLog,
    to: &dyn EventLog,
    steps: Steps,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Verified, LogError> {
    let head = from.head();
    let mut done = begun(from, to, head)?;
    let mut chunk = CHUNK;
    while done < head {
        let last = head.min(done.saturating_add(chunk));
        let entries = from.look(|held| held.entries(done + 1, last))??;
        let mut appends: Vec<&[Entry]> = entries.chunk_by(|_, next| next.part != 0).collect();
        // The last one may go on beyond what was looked at.
        if last < head && appends.pop().is_some() && appends.is_empty() {
            chunk = chunk.saturating_mul(2);
            continue;
        }
        chunk = CHUNK;
        let most = if steps == Steps::OneByOne { 1 } else { usize::MAX };
        for together in appends.chunks(most) {
            let sent: Vec<_> =
                together.iter().filter_map(|entries| again(entries, None)).map(|append| to.submit(append)).collect();
            // All of them are waited for, whatever became of the first: nothing is left under way.
            let answers: Vec<_> = sent.into_iter().map(|pending| pending.wait()).collect();
            for answer in answers {
                let answer = answer?;
                if answer.first != done + 1 {
                    return Err(other(done + 1));
                }
                done = answer.last;
            }
        }
        progress(done, head);
    }
    for (key, first, last) in from.later_keys()? {
        let entries = from.look(|held| held.entries(first, last))??;
        if let Some(append) = again(&entries, Some(key)) {
            to.append(append)?;
        }
    }
    let (there, here) = (to.verify(&mut |_, _| {})?, from.verify(&mut |_, _| {})?);
    if there == here { Ok(there) } else { Err(other(head)) }
}

/// Returns how much of the log is there already.
fn begun(from: &EmbeddedLog, to: &dyn EventLog, head: Position) -> Result<Position, LogError> {
    let there = to.head();
    if there == 0 {
        return Ok(0);
    }
    let digest = |log: &dyn EventLog| Ok::<_, LogError>(log.event_at(there)?.map(|event| event.digest));
    if there <= head && digest(from)? == digest(to)? { Ok(there) } else { Err(other(there)) }
}

fn other(position: Position) -> LogError {
    LogError::Invalid(format!(
        "the target holds something else at position {position}; move into an empty log, and let nobody write to it meanwhile"
    ))
}

/// Returns the append that these entries came from.
fn again(entries: &[Entry], key: Option<Arc<str>>) -> Option<Append> {
    let first = &entries.first()?.recorded;
    Some(Append {
        stream: first.stream.clone(),
        expected: Expected::Any,
        recorded_at: first.recorded_at,
        idempotency_key: key.or_else(|| first.idempotency_key.clone()),
        events: entries.iter().map(|entry| entry.recorded.event.clone()).collect(),
    })
}

/// Copies a log into the data directory `dir`, which must have no log, or one without events.
///
/// # Errors
/// As [`restore`], and whatever the log says. The directory has no new log then.
pub fn into_file(from: &dyn EventLog, dir: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<Verified, LogError> {
    let io = |error: std::io::Error| LogError::Unavailable(format!("cannot write in `{}`: {error}", dir.display()));
    // First that the servers still hold what is about to be copied.
    let there = from.verify(progress)?;
    std::fs::create_dir_all(dir).map_err(io)?;
    let folder = tempfile::tempdir_in(dir).map_err(io)?;
    let copy = folder.path().join("copy.db");
    from.backup(&copy)?;
    let here = restore(&copy, dir)?;
    if there == here { Ok(here) } else { Err(other(there.events)) }
}
