//! Holds every checkpoint of a log against its chain.

use super::statement::is_signed;
use super::{PublicKey, STREAM};
use crate::domain::envelope::{Position, Recorded};
use crate::domain::event::{CheckpointSigned, DecodeError, Event};
use crate::domain::hex::Hex;
use crate::log::chain::GENESIS;
use crate::log::contract::{EventLog, LogError};

/// Checkpoints read at once.
const PAGE: usize = 512;
/// Their type.
const TYPE: &str = "log.checkpoint_signed";

/// What a check found: every checkpoint holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// The keys: first those that are trusted, as they were named, then the others, as they first signed.
    pub keys: Vec<OfKey>,
}

/// The checkpoints of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfKey {
    /// The key.
    pub key: PublicKey,
    /// Its signatures count for whoever asked.
    pub trusted: bool,
    /// How many there are.
    pub count: u64,
    /// The ones that reach least and furthest; `None` if there are none.
    pub span: Option<Box<(CheckpointSigned, CheckpointSigned)>>,
}

impl Found {
    /// Returns the checkpoint of a trusted key that reaches furthest.
    #[must_use]
    pub fn newest_trusted(&self) -> Option<&CheckpointSigned> {
        let trusted = self.keys.iter().filter(|of| of.trusted);
        trusted.filter_map(|of| of.span.as_deref().map(|(_, newest)| newest)).max_by_key(|signed| signed.position)
    }

    fn entry(&mut self, key: PublicKey, trusted: bool) -> &mut OfKey {
        let place = self.keys.iter().position(|of| of.key == key).unwrap_or_else(|| {
            self.keys.push(OfKey { key, trusted, count: 0, span: None });
            self.keys.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "the place was found or made above")]
        &mut self.keys[place]
    }

    fn add(&mut self, signed: CheckpointSigned) {
        let of = self.entry(signed.key, false);
        of.count += 1;
        match of.span.as_deref_mut() {
            None => of.span = Some(Box::new((signed.clone(), signed))),
            Some((first, _)) if signed.position < first.position => *first = signed,
            Some((_, newest)) if signed.position >= newest.position => *newest = signed,
            Some(_) => {}
        }
    }
}

/// Why a checkpoint does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The log has another digest than the one that was signed.
    #[error(
        "key `{}` signed at {} that the log up to position {} has the digest {}, but it has {found}: something up to \
         there was changed since",
        .signed.key, .signed.at, .signed.position, .signed.digest
    )]
    Rewritten {
        /// What was signed.
        signed: Box<CheckpointSigned>,
        /// The digest there is.
        found: Hex<32>,
    },
    /// It says something about what came after it.
    #[error("it speaks of position {0}, which is not before its own")]
    Ahead(Position),
    /// The signature is not of what it says, or not by the key it names.
    #[error("its signature is not that of key `{0}` under what it says")]
    Signature(PublicKey),
    /// Its payload cannot be read.
    #[error("{0}")]
    Unreadable(String),
}

/// Why a check did not end well.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A checkpoint was written by newer software.
    #[error("the checkpoint at position {position} cannot be checked: {reason}")]
    Newer {
        /// Where the checkpoint is.
        position: Position,
        /// What is not known.
        reason: DecodeError,
    },
    /// A checkpoint does not hold.
    #[error(
        "the checkpoint at position {position} is false: {fault}; {}; restore a backup that is older than the change",
        sound(*.held)
    )]
    False {
        /// Where the checkpoint is.
        position: Position,
        /// Why it does not hold.
        fault: Fault,
        /// Position up to which an earlier checkpoint, of whatever key, holds; 0 if none does.
        held: Position,
    },
}

fn sound(held: Position) -> String {
    if held == 0 {
        "no earlier checkpoint holds".to_owned()
    } else {
        format!("an earlier one up to position {held} holds")
    }
}

/// Checks every checkpoint up to position `until`. The log's chain must have been verified up to there: a digest is taken
/// as it stands in the log.
///
/// # Errors
/// See [`CheckError`]; the first checkpoint that does not hold ends the check.
pub fn check(log: &dyn EventLog, until: Position, trusted: &[PublicKey]) -> Result<Found, CheckError> {
    let mut found = Found::default();
    for key in trusted {
        found.entry(*key, true);
    }
    let (mut next, mut held) = (0, 0);
    loop {
        let page = log.read_stream(STREAM, next, PAGE)?;
        if page.is_empty() {
            return Ok(found);
        }
        for recorded in page {
            next = recorded.revision + 1;
            if recorded.position > until {
                return Ok(found);
            }
            if &*recorded.event.event_type != TYPE {
                continue;
            }
            let signed = hold(log, &recorded, held)?;
            held = held.max(signed.position);
            found.add(signed);
        }
    }
}

/// Holds one checkpoint against the log.
fn hold(log: &dyn EventLog, recorded: &Recorded, held: Position) -> Result<CheckpointSigned, CheckError> {
    let position = recorded.position;
    let wrong = |fault| Err(CheckError::False { position, fault, held });
    let signed = match recorded.event.decode() {
        Ok(Event::CheckpointSigned(signed)) => signed,
        Ok(_) => return wrong(Fault::Unreadable(format!("it is no `{TYPE}`"))),
        Err(reason @ DecodeError::Unknown { .. }) => return Err(CheckError::Newer { position, reason }),
        Err(reason) => return wrong(Fault::Unreadable(reason.to_string())),
    };
    if !is_signed(&signed) {
        return wrong(Fault::Signature(signed.key));
    }
    if signed.position >= position {
        return wrong(Fault::Ahead(signed.position));
    }
    let found = digest_at(log, signed.position)?;
    if found != signed.digest {
        return wrong(Fault::Rewritten { signed: Box::new(signed), found });
    }
    Ok(signed)
}

/// Returns the digest at a position before the log's end.
fn digest_at(log: &dyn EventLog, position: Position) -> Result<Hex<32>, LogError> {
    if position == 0 {
        return Ok(Hex(GENESIS));
    }
    match log.event_at(position)? {
        Some(recorded) => Ok(Hex(recorded.digest)),
        None => Err(LogError::Corrupt { position, what: "the event is missing".to_owned() }),
    }
}
