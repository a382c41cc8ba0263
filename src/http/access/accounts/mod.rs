//! Personal accounts: a person opens with a name, a password and perhaps a code what a machine opens with a key.
//!
//! What somebody may do is a key like any other (`key.created`, `key.revoked`), whose text nobody ever had: so rights, scope, the end of
//! sessions and the record of who did what are those of keys, at every node. What opens it is kept in a file beside the log ([`file`]).

mod file;
mod secret;

pub use file::{FILE, beside, copy};
pub use secret::{fault_of, otpauth};

use crate::domain::name_key;
use crate::domain::time::Instant;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

/// For how long a link to set the first password counts.
pub const INVITED_FOR: SignedDuration = SignedDuration::from_hours(72);

/// Log-ins that are worked on at the same time.
const AT_ONCE: usize = 16;

/// Why accounts cannot be read, written or changed.
#[derive(Debug, thiserror::Error)]
pub enum AccountsError {
    /// The file cannot be read or written.
    #[error("the accounts in `{path}` cannot be read or written: {reason}; see that the file is whole and ours")]
    File {
        /// Where.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The machine gives no random bytes.
    #[error("the system has no randomness to make a secret of: {0}")]
    NoRandomness(String),
    /// The password could not be hashed.
    #[error("the password could not be hashed: {0}")]
    Hash(String),
    /// Somebody has this name.
    #[error("there is an account of this name; choose another")]
    NameTaken,
    /// There is no such account.
    #[error("there is no such account")]
    NotFound,
    /// The link was used, is too old, or never was one.
    #[error("this link was used already, is too old, or is not whole; ask for a new one")]
    NoInvitation,
    /// The password that was given is not the present one.
    #[error("the present password is another")]
    WrongPassword,
    /// The code is not right.
    #[error("the code is not right, or was used already; wait for the next one")]
    WrongCode,
    /// The new password will not do.
    #[error("{en}")]
    Unfit {
        /// Why, in Chinese.
        zh: &'static str,
        /// Why, in English.
        en: &'static str,
    },
}

/// Why somebody is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotLetIn {
    /// Name, password or code are wrong, or too many tries failed. Which is not said.
    #[error("name, password or code is wrong, or too many tries failed")]
    Wrong,
    /// The password is right, and a code is needed as well.
    #[error("a code is needed as well")]
    CodeNeeded,
}

/// How many tries may fail, and for how long an account is locked then.
#[derive(Debug, Clone, Copy)]
pub struct Lock {
    /// Tries in a row.
    pub after: u32,
    /// How long.
    pub lasts: SignedDuration,
}

/// What opens one account.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Account {
    /// Name, as it is shown.
    name: String,
    /// The key that says what the person may do.
    key: Uuid,
    /// Argon2id, in PHC form; none before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    password: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    authenticator: Option<Authenticator>,
    /// A secret that was shown, and not confirmed by a code yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    offered: Option<String>,
    /// Digests of recovery codes that were not used.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    recovery: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    invitation: Option<Invitation>,
    /// Tries that failed in a row.
    #[serde(default)]
    failures: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    locked_until: Option<Instant>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Authenticator {
    secret: String,
    /// The step of the last code that was taken: none counts twice.
    last: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Invitation {
    digest: String,
    until: Instant,
}

/// What is shown of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountState {
    /// Name.
    pub name: String,
    /// The key that says what the person may do.
    pub key: Uuid,
    /// The person has set a password.
    pub has_password: bool,
    /// The person uses an authenticator.
    pub has_authenticator: bool,
    /// Recovery codes that are left.
    pub recovery_left: usize,
    /// Until when a link counts that was not used.
    pub invited_until: Option<Instant>,
    /// Until when it is locked because tries failed.
    pub locked_until: Option<Instant>,
}

/// The accounts of this node.
#[derive(Debug, Default)]
pub struct Accounts {
    /// Where they are kept; `None`: nowhere, for tests and command lines that have none.
    path: Option<PathBuf>,
    all: Mutex<Vec<Account>>,
    /// Held by each log-in under way.
    places: Arc<()>,
}

/// A place among the log-ins that are worked on.
pub type Place = Arc<()>;

impl Accounts {
    /// Reads the accounts in a data folder.
    ///
    /// # Errors
    /// When the file is there and cannot be read: then nobody may guess who is let in.
    pub fn open(folder: &Path) -> Result<Self, AccountsError> {
        let path = folder.join(FILE);
        Ok(Self { all: Mutex::new(file::read(&path)?), path: Some(path), places: Arc::default() })
    }

    /// Takes a place for a log-in; `None` where so many are worked on that others would wait for their hashing.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        (Arc::strong_count(&self.places) <= AT_ONCE).then(|| self.places.clone())
    }

    /// Says whether there is any.
    #[must_use]
    pub fn are_there(&self) -> bool {
        !self.all().is_empty()
    }

    /// Returns what is shown of every account, in the order they were made.
    #[must_use]
    pub fn states(&self, now: Instant) -> Vec<AccountState> {
        self.all().iter().map(|account| account.state(now)).collect()
    }

    /// Returns what is shown of the account of a key.
    #[must_use]
    pub fn of_key(&self, key: Uuid, now: Instant) -> Option<AccountState> {
        self.all().iter().find(|account| account.key == key).map(|account| account.state(now))
    }

    /// Returns the secret that an account was offered and has not confirmed by a code yet.
    #[must_use]
    pub fn offered(&self, key: Uuid) -> Option<String> {
        self.all().iter().find(|account| account.key == key)?.offered.clone()
    }

    /// Says whether somebody has a name, however it is typed.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.all().iter().any(|account| name_key::same(&account.name, name))
    }

    /// Adds an account that a link opens once; returns the text of the link.
    ///
    /// # Errors
    /// The name is taken, or the file cannot be written.
    pub fn invite(&self, name: &str, key: Uuid, now: Instant) -> Result<String, AccountsError> {
        if self.has(name) {
            return Err(AccountsError::NameTaken);
        }
        let token = secret::token()?;
        self.change(|all| {
            let mut account = Account::new(name, key);
            account.invitation = Some(Invitation::new(&token, now));
            all.push(account);
            Ok(token)
        })
    }

    /// Makes a new link for an account: its password and codes count no longer.
    ///
    /// # Errors
    /// There is no such account, or the file cannot be written.
    pub fn invite_again(&self, key: Uuid, now: Instant) -> Result<String, AccountsError> {
        let token = secret::token()?;
        self.change_one(key, |account| {
            let name = std::mem::take(&mut account.name);
            *account = Account { invitation: Some(Invitation::new(&token, now)), ..Account::new(&name, key) };
            Ok(token)
        })
    }

    /// Has another key say what the person of an account may do.
    ///
    /// # Errors
    /// There is no such account, or the file cannot be written.
    pub fn give(&self, from: Uuid, to: Uuid) -> Result<(), AccountsError> {
        self.change_one(from, |account| {
            account.key = to;
            Ok(())
        })
    }

    /// Forgets what opens an account.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn remove(&self, key: Uuid) -> Result<(), AccountsError> {
        self.change(|all| {
            all.retain(|account| account.key != key);
            Ok(())
        })
    }

    /// Returns the name of whom a link invites, if it counts now.
    #[must_use]
    pub fn invited(&self, token: &str, now: Instant) -> Option<(String, Uuid)> {
        let all = self.all();
        let account = all.iter().find(|account| account.is_invited(token, now))?;
        Some((account.name.clone(), account.key))
    }

    /// Takes the first password of whom a link invites; the link is used then.
    ///
    /// # Errors
    /// The link does not count, or the password will not do.
    pub fn welcome(&self, token: &str, password: &str, now: Instant) -> Result<Uuid, AccountsError> {
        let (name, key) = self.invited(token, now).ok_or(AccountsError::NoInvitation)?;
        let hashed = fit(password, &name)?;
        self.change_one(key, |account| {
            // Somebody else may have used it while this was hashed.
            if !account.is_invited(token, now) {
                return Err(AccountsError::NoInvitation);
            }
            *account = Account { password: Some(hashed), ..Account::new(&account.name, key) };
            Ok(key)
        })
    }

    /// Lets somebody in; returns the key of the account. Hashing takes a moment: not for a thread that others wait for.
    ///
    /// # Errors
    /// See [`NotLetIn`]; or the file cannot be written.
    pub fn log_in(
        &self,
        name: &str,
        password: &str,
        code: &str,
        lock: Lock,
        now: Instant,
    ) -> Result<Result<Uuid, NotLetIn>, AccountsError> {
        let known = self.all().iter().find(|account| name_key::same(&account.name, name)).cloned();
        let known = known.filter(|account| !account.is_locked(now));
        let holds = secret::is_password(password, known.as_ref().and_then(|account| account.password.as_deref()));
        let Some(known) = known else { return Ok(Err(NotLetIn::Wrong)) };
        self.change_one(known.key, |account| {
            if account.is_locked(now) {
                return Ok(Err(NotLetIn::Wrong));
            }
            // What was compared is what still holds.
            let holds = holds && account.password == known.password;
            let has_code = !code.trim().is_empty();
            let let_in = match (holds, account.authenticator.is_some()) {
                (false, _) => Err(NotLetIn::Wrong),
                (true, true) if !has_code => Err(NotLetIn::CodeNeeded),
                (true, uses_codes) => {
                    if uses_codes && !account.takes(code, now) {
                        Err(NotLetIn::Wrong)
                    } else {
                        Ok(account.key)
                    }
                }
            };
            match let_in {
                Ok(_) => (account.failures, account.locked_until) = (0, None),
                Err(NotLetIn::CodeNeeded) => {}
                Err(NotLetIn::Wrong) => account.failed(lock, now),
            }
            Ok(let_in)
        })
    }

    /// Says whether a password is the present one of an account; a wrong one counts as a failed try.
    ///
    /// # Errors
    /// It is not, or the file cannot be written.
    pub fn confirm(&self, key: Uuid, password: &str, lock: Lock, now: Instant) -> Result<(), AccountsError> {
        let known = self.all().iter().find(|account| account.key == key).cloned().ok_or(AccountsError::NotFound)?;
        let holds = !known.is_locked(now) && secret::is_password(password, known.password.as_deref());
        if holds {
            return Ok(());
        }
        self.change_one(key, |account| {
            account.failed(lock, now);
            Ok(())
        })?;
        Err(AccountsError::WrongPassword)
    }

    /// Changes a password, once the present one was confirmed.
    ///
    /// # Errors
    /// It will not do, or the file cannot be written.
    pub fn set_password(&self, key: Uuid, password: &str, now: Instant) -> Result<(), AccountsError> {
        let name = self.of_key(key, now).ok_or(AccountsError::NotFound)?.name;
        let hashed = fit(password, &name)?;
        self.change_one(key, |account| {
            account.password = Some(hashed);
            Ok(())
        })
    }

    /// Returns a secret for an authenticator, to be shown once and confirmed by a code.
    ///
    /// # Errors
    /// There is no such account, or the file cannot be written.
    pub fn offer_authenticator(&self, key: Uuid) -> Result<String, AccountsError> {
        let offered = secret::totp_secret()?;
        self.change_one(key, |account| {
            account.offered = Some(offered.clone());
            Ok(offered)
        })
    }

    /// Takes an authenticator that shows the right code; returns recovery codes, to be shown once.
    ///
    /// # Errors
    /// The code is not right, or the file cannot be written.
    pub fn confirm_authenticator(&self, key: Uuid, code: &str, now: Instant) -> Result<Vec<String>, AccountsError> {
        let codes = secret::recovery_codes()?;
        self.change_one(key, |account| {
            let offered = account.offered.clone().ok_or(AccountsError::WrongCode)?;
            let last = secret::step_of(&offered, code, now.as_second()).ok_or(AccountsError::WrongCode)?;
            account.authenticator = Some(Authenticator { secret: offered, last });
            account.offered = None;
            account.recovery = codes.iter().map(|code| secret::digest(&secret::plain_code(code))).collect();
            Ok(codes)
        })
    }

    /// Takes an authenticator away, once the password was confirmed.
    ///
    /// # Errors
    /// There is no such account, or the file cannot be written.
    pub fn drop_authenticator(&self, key: Uuid) -> Result<(), AccountsError> {
        self.change_one(key, |account| {
            (account.authenticator, account.offered, account.recovery) = (None, None, Vec::new());
            Ok(())
        })
    }

    fn all(&self) -> MutexGuard<'_, Vec<Account>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change_one<T>(
        &self,
        key: Uuid,
        change: impl FnOnce(&mut Account) -> Result<T, AccountsError>,
    ) -> Result<T, AccountsError> {
        self.change(|all| change(all.iter_mut().find(|account| account.key == key).ok_or(AccountsError::NotFound)?))
    }

    /// Changes accounts; what is not on disk did not happen.
    fn change<T>(
        &self,
        change: impl FnOnce(&mut Vec<Account>) -> Result<T, AccountsError>,
    ) -> Result<T, AccountsError> {
        let mut all = self.all();
        let mut changed = all.clone();
        let done = change(&mut changed)?;
        if let Some(path) = &self.path {
            file::write(path, &changed)?;
        }
        *all = changed;
        Ok(done)
    }
}

fn fit(password: &str, name: &str) -> Result<String, AccountsError> {
    match fault_of(password, name) {
        Some((zh, en)) => Err(AccountsError::Unfit { zh, en }),
        None => secret::hash(password),
    }
}

impl Invitation {
    fn new(token: &str, now: Instant) -> Self {
        Self { digest: secret::digest(token), until: now.checked_add(INVITED_FOR).unwrap_or(now) }
    }
}

impl Account {
    fn new(name: &str, key: Uuid) -> Self {
        Self {
            name: name.to_owned(),
            key,
            password: None,
            authenticator: None,
            offered: None,
            recovery: Vec::new(),
            invitation: None,
            failures: 0,
            locked_until: None,
        }
    }

    fn state(&self, now: Instant) -> AccountState {
        AccountState {
            name: self.name.clone(),
            key: self.key,
            has_password: self.password.is_some(),
            has_authenticator: self.authenticator.is_some(),
            recovery_left: self.recovery.len(),
            invited_until: self.invitation.as_ref().map(|invitation| invitation.until).filter(|until| now < *until),
            locked_until: self.locked_until.filter(|until| now < *until),
        }
    }

    fn is_locked(&self, now: Instant) -> bool {
        self.locked_until.is_some_and(|until| now < until)
    }

    fn is_invited(&self, token: &str, now: Instant) -> bool {
        self.invitation.as_ref().is_some_and(|it| now < it.until && secret::is_of(token, &it.digest))
    }

    /// Takes a code of the authenticator or a recovery code; neither counts twice.
    fn takes(&mut self, code: &str, now: Instant) -> bool {
        let Some(authenticator) = &mut self.authenticator else { return false };
        let step = secret::step_of(&authenticator.secret, code, now.as_second());
        if let Some(step) = step.filter(|step| *step > authenticator.last) {
            authenticator.last = step;
            return true;
        }
        let plain = secret::plain_code(code);
        let place = self.recovery.iter().position(|kept| secret::is_of(&plain, kept));
        place.map(|place| self.recovery.remove(place)).is_some()
    }

    fn failed(&mut self, lock: Lock, now: Instant) {
        self.failures = self.failures.saturating_add(1);
        if self.failures >= lock.after {
            self.failures = 0;
            self.locked_until = now.checked_add(lock.lasts).ok();
        }
    }
}

#[cfg(test)]
mod tests;
