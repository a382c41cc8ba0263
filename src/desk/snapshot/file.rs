//! The file: sections, each with its length and SHA-256. First the head, which says what log and what position the
//! snapshot is of, then slices of lights and of merchants, then the end.

use super::FOLD;
use super::code::Stored;
use crate::alerts::requests::Requester;
use crate::desk::pipeline::{in_order, processors};
use crate::desk::state::{Marks, State};
use crate::domain::code::CreditCode;
use crate::domain::envelope::{Digest, Position};
use crate::domain::event::{Event, LightChanged};
use crate::domain::merchant::Merchant;
use crate::domain::world::World;
use crate::lights::state::{Lights, Lit};
use crate::log::contract::{EventLog, LogError};
use crate::policy::Policies;
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use uuid::Uuid;

/// Lights or merchants copied under one look at the state: a few milliseconds.
const SLICE: usize = 2_000;
/// Longest section read; a damaged length does not ask for more.
const LONGEST: u32 = 1 << 30;
const MAGIC: [u8; 8] = *b"WLSTATE\n";

/// Why a snapshot is not used, or could not be written.
#[derive(Debug, thiserror::Error)]
pub(in crate::desk) enum Unfit {
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] io::Error),
    /// The log cannot be asked.
    #[error(transparent)]
    Log(#[from] LogError),
    /// Another version wrote it, or it is no snapshot.
    #[error("it was written by another version")]
    Version,
    /// It is of another log, or of a longer one.
    #[error("it is not of this log")]
    Foreign,
    /// Bytes are not as they were written.
    #[error("it is damaged")]
    Damaged,
}

enum Section {
    Head(Box<Head>),
    Lights(Vec<(CreditCode, Lit)>),
    Merchants(Vec<Merchant>),
    End { known: Position },
}

/// What a snapshot is of.
pub(super) struct Head {
    position: Position,
    marks: Marks,
    rises: Vec<(Position, Uuid, LightChanged)>,
    lights: usize,
    merchants: usize,
}

impl Head {
    /// Returns the head of a snapshot of `state`, which is all that must be seen at one moment.
    pub(super) fn of(state: &State, requester: &Requester) -> Self {
        Self {
            position: state.position,
            marks: state.marks.clone(),
            rises: requester.rises().map(|(position, rise)| (position, rise.id, rise.change.clone())).collect(),
            lights: state.lights.entries().len(),
            merchants: state.world.merchants().len(),
        }
    }

    /// Returns the position the snapshot is of.
    pub(super) const fn position(&self) -> Position {
        self.position
    }
}

/// Writes a snapshot while the state may go on; the file is there whole or not at all.
pub(super) fn write(path: &Path, head: &Head, state: &RwLock<State>, log: &dyn EventLog) -> Result<(), Unfit> {
    let digest = digest_at(log, head.position)?.ok_or(Unfit::Foreign)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".snapshot-").tempfile_in(folder)?;
    let mut out = Vec::with_capacity(1 << 20);
    MAGIC.put(&mut out);
    FOLD.put(&mut out);
    env!("CARGO_PKG_VERSION").to_owned().put(&mut out);
    file.write_all(&out)?;

    out.clear();
    out.push(0);
    head.position.put(&mut out);
    digest.put(&mut out);
    head.marks.put(&mut out);
    (head.rises.len() as u64).put(&mut out);
    for (position, id, change) in &head.rises {
        position.put(&mut out);
        id.put(&mut out);
        Event::LightChanged(change.clone()).to_json().put(&mut out);
    }
    section(&mut file, &out)?;

    let look = || state.read().unwrap_or_else(PoisonError::into_inner);
    for first in (0..head.lights).step_by(SLICE) {
        out.clear();
        out.push(1);
        let count = SLICE.min(head.lights - first);
        (count as u64).put(&mut out);
        for (code, lit) in look().lights.entries().iter().skip(first).take(count) {
            code.put(&mut out);
            lit.put(&mut out);
        }
        section(&mut file, &out)?;
    }
    for first in (0..head.merchants).step_by(SLICE) {
        out.clear();
        out.push(2);
        let count = SLICE.min(head.merchants - first);
        (count as u64).put(&mut out);
        for merchant in look().world.merchants().iter().skip(first).take(count) {
            merchant.put(&mut out);
        }
        section(&mut file, &out)?;
    }
    out.clear();
    out.push(3);
    look().position.put(&mut out);
    section(&mut file, &out)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

fn section(file: &mut impl Write, bytes: &[u8]) -> Result<(), Unfit> {
    let length = u32::try_from(bytes.len()).ok().filter(|length| *length <= LONGEST).ok_or(Unfit::Damaged)?;
    file.write_all(&length.to_be_bytes())?;
    file.write_all(&Sha256::digest(bytes))?;
    file.write_all(bytes)?;
    Ok(())
}

/// Returns the digest of the chain at a position: it stands for everything in the log up to there.
fn digest_at(log: &dyn EventLog, position: Position) -> Result<Option<Digest>, LogError> {
    Ok(log.event_at(position)?.map(|recorded| recorded.digest))
}

/// Reads a snapshot of this log. Returns also the position up to which some of it may know more than its own position.
pub(in crate::desk) fn load(
    path: &Path,
    log: &dyn EventLog,
    policies: Arc<Policies>,
) -> Result<(State, Requester, Position), Unfit> {
    let mut file = BufReader::with_capacity(1 << 20, File::open(path)?);
    let mut start = Vec::new();
    MAGIC.put(&mut start);
    FOLD.put(&mut start);
    env!("CARGO_PKG_VERSION").to_owned().put(&mut start);
    let mut found = vec![0; start.len()];
    if file.read_exact(&mut found).is_err() || found != start {
        return Err(Unfit::Version);
    }
    let mut head = None;
    let mut end = None;
    let mut lights = Lights::default();
    let mut merchants = Vec::new();
    let read = move |bring: &mut dyn FnMut((Digest, Vec<u8>)) -> ControlFlow<()>| {
        while let Some(section) = next(&mut file)? {
            if bring(section).is_break() {
                return Ok(());
            }
        }
        Ok(())
    };
    let check = |(digest, bytes): (Digest, Vec<u8>)| {
        if Digest::from(Sha256::digest(&bytes)) != digest {
            return Err(Unfit::Damaged);
        }
        parse(&bytes, log)
    };
    in_order("snapshot", processors(), read, check, |section| {
        match section {
            Section::Head(found) => head = Some(found),
            Section::Lights(slice) => slice.into_iter().for_each(|(code, lit)| lights.insert(code, lit)),
            Section::Merchants(slice) => merchants.extend(slice),
            Section::End { known } => end = Some(known),
        }
        Ok(())
    })?;
    let (Some(head), Some(known)) = (head, end) else { return Err(Unfit::Damaged) };
    let mut requester = Requester::default();
    for (position, id, change) in head.rises {
        requester.apply(&Event::LightChanged(change), id, position);
    }
    let world = World::of(merchants);
    let state = State { world, lights, policies, position: head.position, marks: head.marks };
    Ok((state, requester, known))
}

fn next(file: &mut impl Read) -> Result<Option<(Digest, Vec<u8>)>, Unfit> {
    let mut length = [0; 4];
    // Where a file that was cut short ends is no end: the last section is missing then.
    if file.read_exact(&mut length).is_err() {
        return Ok(None);
    }
    let length = u32::from_be_bytes(length);
    let mut digest = [0; 32];
    file.read_exact(&mut digest)?;
    let mut bytes = Vec::new();
    if length > LONGEST || file.take(u64::from(length)).read_to_end(&mut bytes)? as u64 != u64::from(length) {
        return Err(Unfit::Damaged);
    }
    Ok(Some((digest, bytes)))
}

fn parse(bytes: &[u8], log: &dyn EventLog) -> Result<Section, Unfit> {
    let (kind, mut from) = bytes.split_first().ok_or(Unfit::Damaged)?;
    let from = &mut from;
    let section = match kind {
        0 => {
            let (head, digest) = parse_head(from).ok_or(Unfit::Damaged)?;
            // Before anything else is read: a snapshot of another log is often a large one.
            if digest_at(log, head.position)? != Some(digest) {
                return Err(Unfit::Foreign);
            }
            Section::Head(Box::new(head))
        }
        1 => Section::Lights(Stored::get(from).ok_or(Unfit::Damaged)?),
        2 => Section::Merchants(Stored::get(from).ok_or(Unfit::Damaged)?),
        3 => Section::End { known: Stored::get(from).ok_or(Unfit::Damaged)? },
        _ => return Err(Unfit::Damaged),
    };
    if from.is_empty() { Ok(section) } else { Err(Unfit::Damaged) }
}

fn parse_head(from: &mut &[u8]) -> Option<(Head, Digest)> {
    let position = Stored::get(from)?;
    let digest = Stored::get(from)?;
    let marks = Stored::get(from)?;
    let stored: Vec<(Position, Uuid, String)> = Stored::get(from)?;
    let mut rises = Vec::with_capacity(stored.len());
    for (position, id, change) in stored {
        rises.push((position, id, serde_json::from_str(&change).ok()?));
    }
    Some((Head { position, marks, rises, lights: 0, merchants: 0 }, digest))
}
