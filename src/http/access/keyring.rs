//! The keys in force, read from the log and kept up with it; making and revoking keys.

use crate::clock::Clock;
use crate::domain::access::{KEY_BYTES, Key, KeyRefused, KeyText, Keys, STREAM, Scope};
use crate::domain::envelope::{NewEvent, Origin, Position, Revision};
use crate::domain::event::{Event, KeyCreated, KeyRevoked};
use crate::domain::time::Instant;
use crate::log::admission::MAX_WORD;
use crate::log::contract::{Append, EventLog, Expected, LogError};
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::watch;
use uuid::Uuid;

/// Events read at a time.
const BATCH: usize = 500;

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
        check(&new)?;
        let mut random = [0_u8; KEY_BYTES];
        getrandom::fill(&mut random).map_err(|error| KeyringError::NoRandomness(error.to_string()))?;
        let id = Uuid::now_v7();
        let text = KeyText::new(id, &random);
        let Scope { role, malls, sectors, divisions, bank } = new.scope;
        let created = KeyCreated {
            key: id,
            name: new.name.trim().to_owned(),
            hash: text.hash(),
            role: role.name().to_owned(),
            malls,
            sectors,
            divisions,
            bank,
            expires_at: new.expires_at,
        };
        self.record(&Event::KeyCreated(created), origin)?;
        let key = self.all().into_iter().find(|key| key.id == id).ok_or(KeyringError::NotFound(id))?;
        Ok((text, key))
    }

    /// Revokes a key; revoking it again changes nothing.
    ///
    /// # Errors
    /// See [`KeyringError`].
    pub fn revoke(&self, id: Uuid, reason: &str, origin: &Origin) -> Result<(), KeyringError> {
        let known = self.all().into_iter().find(|key| key.id == id).ok_or(KeyringError::NotFound(id))?;
        if known.revoked_at.is_some() {
            return Ok(());
        }
        self.record(&Event::KeyRevoked(KeyRevoked { key: id, reason: reason.trim().to_owned() }), origin)
    }

    fn record(&self, event: &Event, origin: &Origin) -> Result<(), KeyringError> {
        let now = self.clock.now();
        self.log.append(Append {
            stream: STREAM.into(),
            expected: Expected::Any,
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

/// Checks that a key allows something, and not more than meant.
fn check(new: &NewKey) -> Result<(), KeyringError> {
    use crate::domain::words::Role;
    let scope = &new.scope;
    let wrong = |message| Err(KeyringError::Invalid(message));
    if new.name.trim().is_empty() {
        return wrong("a key needs a name, such as the office that gets it");
    }
    if new.name.trim().len() > MAX_WORD {
        return wrong("`name` is too long; a key's name has at most 170 Chinese characters or 512 letters");
    }
    if (scope.role == Role::Operator) == scope.malls.is_empty() {
        return wrong("an operator's key names the malls it is for, and only an operator's key does");
    }
    if (scope.role == Role::Bank) != scope.bank.as_deref().is_some_and(|bank| !bank.trim().is_empty()) {
        return wrong("a bank's key names the bank, and only a bank's key does");
    }
    if !scope.sectors.is_empty() && scope.role != Role::Regulator {
        return wrong("only a regulator's key is limited to sectors");
    }
    if !scope.divisions.is_empty() && !matches!(scope.role, Role::Regulator | Role::Lead) {
        return wrong("only the keys of regulators and the lead office are limited to divisions");
    }
    let digits =
        |prefix: &String| matches!(prefix.len(), 2 | 4 | 6) && prefix.bytes().all(|byte| byte.is_ascii_digit());
    if !scope.divisions.iter().all(digits) {
        return wrong("a division is 2, 4 or 6 digits such as 11 or 110108");
    }
    Ok(())
}
