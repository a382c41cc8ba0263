//! Personal accounts on the keyring: what a person may do is a key that nobody has the text of, and this is how it is made, changed and
//! taken away together with what opens it.

use super::accounts::AccountsError;
use super::keyring::{Keyring, KeyringError, NewKey};
use crate::domain::access::{Key, Scope};
use crate::domain::envelope::Origin;
use crate::domain::event::{Event, UserNamed};
use crate::log::contract::Expected;
use std::sync::Arc;
use uuid::Uuid;

impl Keyring {
    /// Adds a person; returns the text of the link that opens the account once.
    ///
    /// # Errors
    /// The name is taken or none, the scope makes no sense, or log or file do not take it.
    pub fn add_person(&self, name: &str, scope: Scope, origin: &Origin) -> Result<String, KeyringError> {
        if self.accounts().has(name) {
            return Err(AccountsError::NameTaken.into());
        }
        let new = NewKey { name: name.to_owned(), scope, expires_at: None };
        // The text of the key is dropped: nobody ever has it.
        let (_, key) = self.create(new, origin)?;
        let created = Event::UserCreated(UserNamed { user: key.name.to_string() });
        self.record(&created, origin, Expected::Any)?;
        Ok(self.accounts().invite(&key.name, key.id, self.now())?)
    }

    /// Gives a person another scope: the account has another key from then on, and sessions end.
    ///
    /// # Errors
    /// There is no such account, the scope makes no sense, nobody else could make keys then, or log or file do not take it.
    pub fn change_person(
        &self,
        id: Uuid,
        scope: Scope,
        reason: &str,
        origin: &Origin,
    ) -> Result<Arc<Key>, KeyringError> {
        let account = self.accounts().of_key(id, self.now()).ok_or(AccountsError::NotFound)?;
        let (_, key) = self.create(NewKey { name: account.name, scope, expires_at: None }, origin)?;
        if let Err(error) = self.revoke(id, reason, origin) {
            // As it was: the account keeps the key that it has.
            self.revoke(key.id, "not given to anybody", origin)?;
            return Err(error);
        }
        self.accounts().give(id, key.id)?;
        Ok(key)
    }

    /// Ends a person's sessions: the account has a new key of the same scope.
    ///
    /// # Errors
    /// As for [`Keyring::change_person`].
    pub fn renew_person(&self, id: Uuid, reason: &str, origin: &Origin) -> Result<Arc<Key>, KeyringError> {
        let key = self.by_id(id).map_err(|_| KeyringError::NotFound(id))?;
        self.change_person(id, key.scope.clone(), reason, origin)
    }

    /// Makes a new link for a person who lost password or authenticator: both count no longer, and sessions end.
    ///
    /// # Errors
    /// As for [`Keyring::change_person`].
    pub fn invite_person_again(&self, id: Uuid, origin: &Origin) -> Result<String, KeyringError> {
        // Until the link is used nobody comes in by this account.
        if self.is_last_admin(id, &self.all()) {
            return Err(KeyringError::LastAdmin);
        }
        let key = self.renew_person(id, "a new link was made", origin)?;
        Ok(self.accounts().invite_again(key.id, self.now())?)
    }

    /// Takes a person's account away; sessions end.
    ///
    /// # Errors
    /// There is no such account, nobody else could make keys then, or log or file do not take it.
    pub fn remove_person(&self, id: Uuid, reason: &str, origin: &Origin) -> Result<(), KeyringError> {
        let account = self.accounts().of_key(id, self.now()).ok_or(AccountsError::NotFound)?;
        self.revoke(id, reason, origin)?;
        self.record(&Event::UserRevoked(UserNamed { user: account.name }), origin, Expected::Any)?;
        Ok(self.accounts().remove(id)?)
    }
}
