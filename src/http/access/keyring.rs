//! The keys in force, read from the log and kept up with it; making and revoking keys.

use super::accounts::{Accounts, AccountsError};
use super::session::Session;
use super::wanted;
use crate::clock::Clock;
use crate::domain::access::{KEY_BYTES, Key, KeyRefused, KeyText, Keys, STREAM, Scope};
use crate::domain::envelope::{NewEvent, Origin, Position, Revision};
use crate::domain::event::{Event, KeyCreated, KeyRevoked, SessionEnded};
use crate::domain::time::Instant;
use crate::domain::words::Role;
use crate::log::contract::{Append, EventLog, Expected, LogError};
use crate::picture::Published;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::watch;
use uuid::Uuid;

/// Events read at a time.
const BATCH: usize = 500;
/// Longest wait until what was recorded about a key counts here.
const PATIENCE: Duration = Duration::from_secs(10);

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
    #[error("{en}")]
    Invalid {
        /// What is wrong, in Chinese.
        zh: &'static str,
        /// What is wrong, in English.
        en: &'static str,
    },
    /// It is the last key that can make others.
    #[error("{LAST_ADMIN}")]
    LastAdmin,
    /// It is recorded, and the desk has not come that far.
    #[error("it is recorded, and will count here when the desk has come that far; look again in a moment")]
    NotYetSeen,
    /// The accounts of persons did not do as asked.
    #[error(transparent)]
    Account(#[from] AccountsError),
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

/// The keys in force: first those of the log's own stream, and once there is a desk, those of its newest picture.
pub struct Keyring {
    log: Arc<dyn EventLog>,
    clock: Arc<dyn Clock>,
    own: RwLock<Own>,
    published: OnceLock<Arc<Published>>,
    /// The feed of a keyring that follows no desk: nothing ever comes.
    still: watch::Sender<Position>,
    patience: Duration,
    accounts: Accounts,
}

/// Keys as read from their stream.
#[derive(Default)]
struct Own {
    keys: Keys,
    next: Revision,
    /// Position of the last of their events.
    last: Position,
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
        let (own, published, still) = (RwLock::default(), OnceLock::new(), watch::Sender::new(0));
        let keyring = Self { log, clock, own, published, still, patience: PATIENCE, accounts: Accounts::default() };
        keyring.read_stream()?;
        Ok(keyring)
    }

    /// Has persons log in with the accounts that are kept in a data folder.
    ///
    /// # Errors
    /// When they are there and cannot be read.
    pub fn with_accounts(self, folder: &Path) -> Result<Self, AccountsError> {
        Ok(Self { accounts: Accounts::open(folder)?, ..self })
    }

    /// Returns the accounts of persons.
    #[must_use]
    pub const fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// Returns the time that keys and accounts go by.
    pub(super) fn now(&self) -> Instant {
        self.clock.now()
    }

    /// From now on, keys are those of the newest picture: what any node makes or revokes counts here as soon as it is folded.
    pub fn follow(&self, published: Arc<Published>) {
        // Whoever was followed first is followed on: a node has one desk.
        let _ = self.published.set(published);
    }

    /// Takes into account what was recorded in the stream since the last look.
    fn read_stream(&self) -> Result<(), KeyringError> {
        let mut own = self.own.write().unwrap_or_else(PoisonError::into_inner);
        loop {
            let batch = self.log.read_stream(STREAM, own.next, BATCH)?;
            if batch.is_empty() {
                return Ok(());
            }
            for recorded in batch {
                let unreadable = |reason: String| KeyringError::Unreadable { position: recorded.position, reason };
                let event = recorded.event.decode().map_err(|error| unreadable(error.to_string()))?;
                own.keys.apply(recorded.recorded_at, &event).map_err(|error| unreadable(error.to_string()))?;
                own.next = recorded.revision + 1;
                own.last = recorded.position;
            }
        }
    }

    /// Returns a feed of the position up to which keys are known.
    #[must_use]
    pub fn seen(&self) -> watch::Receiver<Position> {
        self.published.get().map_or_else(|| self.still.subscribe(), |published| published.changes())
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
        let Scope { role, malls, sectors, divisions, bank, merchant } = new.scope;
        let created = KeyCreated {
            key: id,
            name: new.name,
            hash: text.hash(),
            role: role.name().to_owned(),
            malls,
            sectors,
            divisions,
            bank,
            merchant,
            expires_at: new.expires_at,
        };
        self.record(&Event::KeyCreated(created), origin, Expected::Any)?;
        let key = self.all().into_iter().find(|key| key.id == id).ok_or(KeyringError::NotFound(id))?;
        Ok((text, key))
    }

    /// Revokes a key; revoking it again changes nothing, and is answered when it counts here, too. The last key that can make others is kept.
    ///
    /// # Errors
    /// See [`KeyringError`].
    pub fn revoke(&self, id: Uuid, reason: &str, origin: &Origin) -> Result<(), KeyringError> {
        let revoked = Event::KeyRevoked(KeyRevoked { key: id, reason: wanted::reason(reason)? });
        loop {
            // Judged by the stream itself: its revision says that nothing was missed.
            self.read_stream()?;
            let (keys, next, last) = {
                let own = self.own.read().unwrap_or_else(PoisonError::into_inner);
                (own.keys.all().cloned().collect::<Vec<_>>(), own.next, own.last)
            };
            let known = keys.iter().find(|key| key.id == id).ok_or(KeyringError::NotFound(id))?;
            if known.revoked_at.is_some() {
                return self.until_seen(last);
            }
            if self.is_last_admin(id, &keys) {
                return Err(KeyringError::LastAdmin);
            }
            // Two administrators who revoke each other at the same moment, wherever they are: one comes second, and is looked
            // at again.
            let expected = Expected::after(next);
            match self.record(&revoked, origin, expected) {
                Err(KeyringError::Log(LogError::Conflict { .. })) => {}
                done => return done,
            }
        }
    }

    /// Says whether a key is the only one left by which somebody comes in as an administrator. A person who was invited and has no
    /// password yet does not: the link may be lost.
    pub(super) fn is_last_admin(&self, id: Uuid, keys: &[Arc<Key>]) -> bool {
        let now = self.clock.now();
        let opens = |key: &Key| self.accounts().of_key(key.id, now).is_none_or(|account| account.has_password);
        let comes_in = |key: &&Arc<Key>| key.scope.role == Role::Admin && key.is_valid(now) && opens(key);
        let (own, others): (Vec<_>, Vec<_>) = keys.iter().filter(comes_in).partition(|key| key.id == id);
        !own.is_empty() && others.is_empty()
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

    pub(super) fn record(&self, event: &Event, origin: &Origin, expected: Expected) -> Result<(), KeyringError> {
        let now = self.clock.now();
        let appended = self.log.append(Append {
            stream: STREAM.into(),
            expected,
            recorded_at: now,
            idempotency_key: None,
            events: vec![NewEvent::new(Uuid::now_v7(), now, origin, event)],
        })?;
        self.until_seen(appended.last)
    }

    /// Waits until what was recorded about keys up to a position counts here.
    fn until_seen(&self, position: Position) -> Result<(), KeyringError> {
        let Some(published) = self.published.get() else { return self.read_stream() };
        if published.wait_for(position, self.patience).position < position {
            return Err(KeyringError::NotYetSeen);
        }
        Ok(())
    }

    fn read<T>(&self, ask: impl FnOnce(&Keys) -> T) -> T {
        match self.published.get() {
            Some(published) => ask(&published.picture().keys),
            None => ask(&self.own.read().unwrap_or_else(PoisonError::into_inner).keys),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use crate::log::memory::MemoryLog;
    use crate::picture::Picture;
    use crate::policy::Policies;

    #[test]
    fn a_revocation_said_again_is_done_when_the_picture_shows_it() {
        let (log, origin) = (Arc::new(MemoryLog::new()), Origin::of("test"));
        let node = || Keyring::open(log.clone(), Arc::new(SystemClock)).unwrap();
        let picture = || Picture::replay(&*log, Arc::new(Policies::built_in().unwrap())).unwrap();
        let mut here = node();
        let [_, leaves] = ["stays", "leaves"].map(|name| {
            let new = NewKey { name: name.to_owned(), scope: Scope::everything(), expires_at: None };
            here.create(new, &origin).unwrap().1.id
        });
        here.patience = Duration::ZERO;
        let published = Published::new(picture());
        here.follow(published.clone());
        node().revoke(leaves, "at another node", &origin).unwrap();
        assert!(here.by_id(leaves).is_ok(), "the picture here has not come that far");
        let again = here.revoke(leaves, "again", &origin);
        assert!(matches!(again, Err(KeyringError::NotYetSeen)), "done, and the key opens doors: {again:?}");
        published.put(picture());
        here.revoke(leaves, "again", &origin).unwrap();
        assert!(here.by_id(leaves).is_err());
    }
}
