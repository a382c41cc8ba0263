//! A node's signing key: a file that only its owner may read.

use super::PublicKey;
use super::statement::Statement;
use crate::domain::event::CheckpointSigned;
use crate::domain::hex::Hex;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject as _;
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Rights of the group and of others.
const OTHERS: u32 = 0o077;
/// Bytes that are read of a file; a key has about 120.
const LONGEST: u64 = 64 * 1024;

/// Why a file gives no signing key.
#[derive(Debug, thiserror::Error)]
#[error("`log.signing_key` cannot be used: `{}` {fault}", path.display())]
pub struct KeyError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub fault: KeyFault,
}

/// What is wrong with a key file.
#[derive(Debug, thiserror::Error)]
pub enum KeyFault {
    /// It is not there, or not for this user.
    #[error("cannot be read: {0}; `openssl genpkey -algorithm ed25519` makes a key")]
    Unreadable(#[from] io::Error),
    /// Others than its owner have rights to it.
    #[error("is open to others than its owner (mode {:04o}); run `chmod 600` on it, or make a new key if somebody may have read it", .0 & 0o7777)]
    Open(u32),
    /// It does not hold what is needed.
    #[error(
        "holds no Ed25519 private key in PKCS#8 PEM without a password; `openssl genpkey -algorithm ed25519` makes one"
    )]
    NoKey,
}

/// An Ed25519 private key.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    public: PublicKey,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("public", &self.public).finish_non_exhaustive()
    }
}

impl SigningKey {
    /// Reads the key in a file that nobody but its owner has rights to.
    ///
    /// # Errors
    /// See [`KeyError`].
    pub fn open(path: &Path) -> Result<Self, KeyError> {
        let failed = |fault| KeyError { path: path.to_owned(), fault };
        let read = || -> Result<Vec<u8>, KeyFault> {
            // Asked of the open file: the one whose rights were looked at is the one that is read.
            let file = File::open(path)?;
            let mode = file.metadata()?.mode();
            if mode & OTHERS != 0 {
                return Err(KeyFault::Open(mode));
            }
            let mut pem = Vec::new();
            file.take(LONGEST).read_to_end(&mut pem)?;
            Ok(pem)
        };
        read().and_then(|pem| Self::from_pem(&pem)).map_err(failed)
    }

    /// Reads a key in PKCS#8 PEM.
    ///
    /// # Errors
    /// [`KeyFault::NoKey`].
    pub fn from_pem(pem: &[u8]) -> Result<Self, KeyFault> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem).map_err(|_| KeyFault::NoKey)?;
        // OpenSSL leaves the public key out, so there is nothing to check the private one against.
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der.secret_pkcs8_der()).map_err(|_| KeyFault::NoKey)?;
        let public = pair.public_key().as_ref().try_into().map(Hex).map_err(|_| KeyFault::NoKey)?;
        Ok(Self { pair, public })
    }

    /// Returns the public key.
    #[must_use]
    pub const fn public(&self) -> PublicKey {
        self.public
    }

    /// Signs a statement. The same statement gets the same signature.
    #[must_use]
    pub fn sign(&self, statement: &Statement) -> CheckpointSigned {
        let mut signature = Hex([0; 64]);
        // As long as each other, by the definition of Ed25519; ring hands out a slice.
        let made = self.pair.sign(statement.text().as_bytes());
        signature.0.iter_mut().zip(made.as_ref()).for_each(|(to, from)| *to = *from);
        let Statement { position, digest, at } = *statement;
        CheckpointSigned { position, digest, at, key: self.public, signature }
    }
}
