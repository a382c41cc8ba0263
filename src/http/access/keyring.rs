//! The keys in force, read from the log and kept up with it; making and revoking keys.

use super::session::Session;
use super::wanted;
use crate::clock::Clock;
use crate::domain::access::{KEY_BYTES, Key, KeyRefused, KeyText, Keys, STREAM, Scope};
use crate::domain::envelope::{NewEvent, Origin, Position, Revision};
use crate::domain::event::{Event, KeyCreated, KeyRevoked, SessionEnded};
use crate::domain::time::Instant;
use crate::domain::words::Role;
use crate::log::contract::{Append, EventLog, Expected, LogError};
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::watch;
use uuid::Uuid;

/// Events read at a time.
const BATCH: usize = 500;

/// Why the last administrator stays.
const LAST_ADMIN: &str =
    "this is the last key of an administrator that opens doors; make another one first, then revoke this";

/// Why a key cannot be made, read or revoked.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// The log did not do as asked.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A key's record cannot be understood: then nobody may guess what it allows.
    #[error("the record of key event {position} cannot be read: {reason}; update Warnlight")]
    Unreadable {
        /// Where it stands.
        position: u64,
        /// What is odd.
        reason: String,
    },
    /// The machine gives no random bytes.
    #[error("the system has no randomness to make a key of: {0}")]
    NoRandomness(String),
    /// The key asked for does not make sense.
    #[error("{0}")]
    Invalid(&'static str),
    /// There is no such key.
    #[error("there is no key `{0}`; `warnlight key list` shows all")]
    NotFound(Uuid),
}

/// A key to be made.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// Name shown in records.
    pub name: String,
    /// What its bearer may see and say.
    pub scope: Scope,
    /// Not valid after this.
    pub expires_at: Option<Instant>,
}

/// The keys in force.
pub struct Keyring {
    log: Arc<dyn EventLog>,
    clock: Arc<dyn Clock>,
    state: RwLock<State>,
    /// Position up to which the log was looked through for keys.
    seen: watch::Sender<Position>,
}

#[derive(Default)]
struct State {
    keys: Keys,
    next: Revision,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring").finish_non_exhaustive()
    }
}

impl Keyring {
    /// Reads the keys from the log.
    ///
    /// # Errors
    /// See [`KeyringError`].
    pub fn open(log: Arc<dyn EventLog>, clock: Arc<dyn Clock>) -> Result<Self, KeyringError> {
        let keyring = Self { log, clock, state: RwLock::default(), seen: watch::Sender::new(0) };
        keyring.refresh()?;
        Ok(keyring)
    }

    /// Takes into account what was recorded since the last look, by this node or another.
    ///
    /// # Errors
    /// See [`KeyringError`].
    pub fn refresh(&self) -> Result<(), KeyringError> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        // Asked first: what is durable before the reading is read.
        let mut seen = self.log.head();
        loop {
            let batch = self.log.read_stream(STREAM, state.next, BATCH)?;
            if batch.is_empty() {
                self.saw(seen);
                return Ok(());
            }
            for recorded in batch {
                let unreadable = |reason: String| KeyringError::Unreadable { position: recorded.position, reason };
                let event = recorded.event.decode().map_err(|error| unreadable(error.to_string()))?;
                state.keys.apply(recorded.recorded_at, &event).map_err(|error| unreadable(error.to_string()))?;
                state.next = recorded.revision + 1;
                seen = seen.max(recorded.position);
            }
        }
    }

    /// Notes that the log holds nothing about keys up to `position` that is not taken into account.
    pub(super) fn saw(&self, position: Position) {
        self.seen.send_if_modified(|seen| {
            let further = position > *seen;
            *seen = position.max(*seen);
            further
        });
    }

    /// Returns a feed of the position up to which the log was looked through for keys.
    #[must_use]
    pub fn seen(&self) -> watch::Receiver<Position> {
        self.seen.subscribe()
    }

    pub(super) const fn log(&self) -> &Arc<dyn EventLog> {
        &self.log
    }

    /// Returns the key that a text shows, if it opens doors now.
    ///
    /// # Errors
    /// See [`KeyRefused`].
    pub fn check(&self, text: &str) -> Result<Arc<Key>, KeyRefused> {
        self.read(|keys| keys.check(text, self.clock.now()))
    }

    /// Returns the key with this id, if it opens doors now.
    ///
    /// # Errors
    /// See [`KeyRefused`].
    pub fn by_id(&self, id: Uuid) -> Result<Arc<Key>, KeyRefused> {
        self.read(|keys| keys.by_id(id, self.clock.now()))
    }

    /// Returns every key, revoked ones too, in the order they were created.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Key>> {
        self.read(|keys| keys.all().cloned().collect())
    }

    /// Says whether there is a key that opens doors now.
    #[must_use]
    pub fn has_valid(&self) -> bool {
        self.read(|keys| keys.all().any(|key| key.is_valid(self.clock.now())))
    }

    /// Makes a key. Its text is returned once and stored nowhere.
    ///
    /// # Errors
    /// See [`KeyringError`].
    pub fn create(&self, new: NewKey, origin: &Origin) -> Result<(KeyText, Arc<Key>), KeyringError> {
        let new = wanted::tidy(new, self.clock.now())?;
        let mut random = [0_u8; KEY_BYTES];
        getrandom::fill(&mut random).map_err(|error| KeyringError::NoRandomness(error.to_string()))?;
        let id = Uuid::now_v7();
        let text = KeyText::new(id, &random);
        let Scope { role, malls, sectors, divisions, bank } = new.scope;
        let created = KeyCreated {
            key: id,
            name: new.name,
            hash: text.hash(),
            role: role.name().to_owned(),
            malls,
            sectors,
            divisions,
            bank,
            expires_at: new.expires_at,
        };
        self.record(&Event::KeyCreated(created), origin, Expected::Any)?;
        let key = self.all().into_iter().find(|key| key.id == id).ok_or(KeyringError::NotFound(id))?;
        Ok((text, key))
    }

    /// Revokes a key; revoking it again changes nothing. The last key that can make others is kept.
    ///
    /// # Errors
    /// See [`KeyringError`].
    pub fn revoke(&self, id: Uuid, reason: &str, origin: &Origin) -> Result<(), KeyringError> {
        let revoked = Event::KeyRevoked(KeyRevoked { key: id, reason: wanted::reason(reason)? });
        loop {
            let (keys, next) = {
                let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
                (state.keys.all().cloned().collect::<Vec<_>>(), state.next)
            };
            let known = keys.iter().find(|key| key.id == id).ok_or(KeyringError::NotFound(id))?;
            if known.revoked_at.is_some() {
                return Ok(());
            }
            let now = self.clock.now();
            let is_admin = |key: &&Arc<Key>| key.scope.role == Role::Admin && key.is_valid(now);
            if is_admin(&known) && keys.iter().filter(is_admin).count() == 1 {
                return Err(KeyringError::Invalid(LAST_ADMIN));
            }
            // Two administrators who revoke each other at the same moment, wherever they are: one comes second, and is looked
            // at again.
            let expected = next.checked_sub(1).map_or(Expected::NoStream, Expected::Revision);
            match self.record(&revoked, origin, expected) {
                Err(KeyringError::Log(LogError::Conflict { .. })) => self.refresh()?,
                done => return done,
            }
        }
    }

    /// Records that a session was logged out, so that it is over at every node and after a restart.
    ///
    /// # Errors
    /// See [`KeyringError`].
    pub fn end_session(&self, session: &Session, origin: &Origin) -> Result<(), KeyringError> {
        let ended = SessionEnded { session: session.id, key: session.key, ends_at: session.ends_at };
        self.record(&Event::SessionEnded(ended), origin, Expected::Any)
    }

    /// Says whether a session was logged out, here or elsewhere.
    #[must_use]
    pub fn has_ended(&self, session: &Session) -> bool {
        self.read(|keys| keys.has_ended(session.id, session.ends_at))
    }

    fn record(&self, event: &Event, origin: &Origin, expected: Expected) -> Result<(), KeyringError> {
        let now = self.clock.now();
        self.log.append(Append {
            stream: STREAM.into(),
            expected,
            recorded_at: now,
            idempotency_key: None,
            events: vec![NewEvent::new(Uuid::now_v7(), now, origin, event)],
        })?;
        self.refresh()
    }

    fn read<T>(&self, ask: impl FnOnce(&Keys) -> T) -> T {
        ask(&self.state.read().unwrap_or_else(PoisonError::into_inner).keys)
    }
}
