//! Who may see and say what: keys, roles and scopes, folded from the events of the stream [`STREAM`].

mod public;
mod scope;
mod sight;
#[cfg(test)]
mod tests;

pub use public::PublicPart;
pub use scope::{MerchantFacts, OutOfScope, Scope};
pub use sight::{Matter, Reader, Sight, TABLE as SIGHT, hide_spool, spooled};

use super::envelope::hex;
use super::event::{Event, KeyCreated};
use super::time::Instant;
use super::words::{Role, UnknownWord};
use imbl::{HashMap, OrdSet, Vector};
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::sync::Arc;
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

/// The stream that keys and users are recorded in.
pub const STREAM: &str = "access";

/// Random bytes in a key.
pub const KEY_BYTES: usize = 32;

/// A key as its bearer shows it: `wl_<id>_<secret>`, both parts lower-case hex. It does not print.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyText(String);

impl KeyText {
    /// Makes a key from its id and random bytes.
    #[must_use]
    pub fn new(id: Uuid, random: &[u8; KEY_BYTES]) -> Self {
        Self(format!("wl_{}_{}", id.simple(), hex(random)))
    }

    /// Returns the key itself: for its bearer only, and only once.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Returns the digest that is stored instead of the key.
    #[must_use]
    pub fn hash(&self) -> String {
        hash(&self.0)
    }
}

impl fmt::Debug for KeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

fn hash(key: &str) -> String {
    hex(&Sha256::digest(key.as_bytes()))
}

/// A key that was created, without what would open a door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Identity.
    pub id: Uuid,
    /// Name shown in records.
    pub name: Arc<str>,
    /// What its bearer may see and say.
    pub scope: Scope,
    /// Not valid after this.
    pub expires_at: Option<Instant>,
    /// When it was created.
    pub created_at: Instant,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Instant>,
    /// Digest of its text.
    pub(crate) hash: String,
}

impl Key {
    /// Says whether the key opens doors at `now`.
    #[must_use]
    pub fn is_valid(&self, now: Instant) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

/// Why a key opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyRefused {
    /// It is not one of ours, or a part of it is wrong. Which is not said.
    #[error("the key is not known; check that it was copied whole")]
    Unknown,
    /// It was revoked.
    #[error("the key was revoked; ask for a new one")]
    Revoked,
    /// Its time is over.
    #[error("the key has expired; ask for a new one")]
    Expired,
}

/// Every key there is: the fold of `key.created` and `key.revoked`.
#[derive(Debug, Clone, Default)]
pub struct Keys {
    keys: HashMap<Uuid, Arc<Key>>,
    order: Vector<Uuid>,
    /// Sessions that were logged out, by when they would have ended anyway.
    ended: OrdSet<(Instant, Uuid)>,
}

impl Keys {
    /// Takes one event into account; others than those about keys change nothing.
    ///
    /// # Errors
    /// When a key has a role that this software does not know.
    pub fn apply(&mut self, at: Instant, event: &Event) -> Result<(), UnknownWord> {
        match event {
            Event::KeyCreated(created) => {
                let key = Arc::new(Key::from_event(at, created)?);
                if self.keys.insert(key.id, key).is_none() {
                    self.order.push_back(created.key);
                }
            }
            Event::KeyRevoked(revoked) => {
                if let Some(key) = self.keys.get_mut(&revoked.key) {
                    Arc::make_mut(key).revoked_at.get_or_insert(at);
                }
            }
            Event::SessionEnded(ended) => {
                // Those whose time is over need no memory.
                self.ended = std::mem::take(&mut self.ended).split(&(at, Uuid::nil())).1;
                self.ended.insert((ended.ends_at, ended.session));
            }
            _ => {}
        }
        Ok(())
    }

    /// Takes over a key as it was kept elsewhere, behind those that are there.
    pub fn take_over(&mut self, key: Key) {
        self.order.push_back(key.id);
        self.keys.insert(key.id, Arc::new(key));
    }

    /// Returns the sessions that were logged out, each with when it would have ended anyway.
    pub fn ended(&self) -> impl Iterator<Item = (Instant, Uuid)> {
        self.ended.iter().copied()
    }

    /// Takes over a session that was logged out, as it was kept elsewhere.
    pub fn take_over_ended(&mut self, ends_at: Instant, session: Uuid) {
        self.ended.insert((ends_at, session));
    }

    /// Returns the key that a text shows, if it opens doors at `now`.
    ///
    /// # Errors
    /// See [`KeyRefused`]. That a key was revoked or expired is said only to whoever has all of it.
    pub fn check(&self, text: &str, now: Instant) -> Result<Arc<Key>, KeyRefused> {
        let id = text.strip_prefix("wl_").and_then(|rest| rest.split_once('_')).map(|(id, _)| id);
        let id = id.and_then(|id| Uuid::try_parse(id).ok()).ok_or(KeyRefused::Unknown)?;
        let key = self.keys.get(&id).ok_or(KeyRefused::Unknown)?;
        if !bool::from(hash(text).as_bytes().ct_eq(key.hash.as_bytes())) {
            return Err(KeyRefused::Unknown);
        }
        Self::still_valid(key, now)
    }

    /// Returns the key with this id, if it opens doors at `now`; for sessions, which were begun with the whole key.
    ///
    /// # Errors
    /// See [`KeyRefused`].
    pub fn by_id(&self, id: Uuid, now: Instant) -> Result<Arc<Key>, KeyRefused> {
        Self::still_valid(self.keys.get(&id).ok_or(KeyRefused::Unknown)?, now)
    }

    fn still_valid(key: &Arc<Key>, now: Instant) -> Result<Arc<Key>, KeyRefused> {
        if key.is_valid(now) {
            Ok(key.clone())
        } else if key.revoked_at.is_some() {
            Err(KeyRefused::Revoked)
        } else {
            Err(KeyRefused::Expired)
        }
    }

    /// Says whether somebody of this name has, or had, a key.
    #[must_use]
    pub fn know(&self, name: &str) -> bool {
        self.all().any(|key| *key.name == *name)
    }

    /// Says whether a session that would end at an instant was logged out.
    #[must_use]
    pub fn has_ended(&self, session: Uuid, ends_at: Instant) -> bool {
        self.ended.contains(&(ends_at, session))
    }

    /// Returns every key, revoked ones too, in the order they were created.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Key>> {
        self.order.iter().filter_map(|id| self.keys.get(id))
    }
}

impl Key {
    fn from_event(at: Instant, created: &KeyCreated) -> Result<Self, UnknownWord> {
        Ok(Self {
            id: created.key,
            name: created.name.as_str().into(),
            scope: Scope {
                role: created.role.parse::<Role>()?,
                malls: created.malls.clone(),
                sectors: created.sectors.clone(),
                divisions: created.divisions.clone(),
                bank: created.bank.clone(),
                merchant: created.merchant,
            },
            expires_at: created.expires_at,
            created_at: at,
            revoked_at: None,
            hash: created.hash.clone(),
        })
    }
}
