//! The sentence that is signed, in a form that anybody can write again with a text editor.

use crate::domain::envelope::Position;
use crate::domain::event::CheckpointSigned;
use crate::domain::hex::Hex;
use crate::domain::time::Instant;
use ring::signature::{ED25519, UnparsedPublicKey};

/// What the bearer of a key says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statement {
    /// Everything up to this position is meant.
    pub position: Position,
    /// Digest of the chain at that position.
    pub digest: Hex<32>,
    /// When it was signed.
    pub at: Instant,
}

impl Statement {
    /// Returns what `signed` says.
    #[must_use]
    pub const fn of(signed: &CheckpointSigned) -> Self {
        Self { position: signed.position, digest: signed.digest, at: signed.at }
    }

    /// Returns the text whose UTF-8 is signed: four lines, each ended by a line feed.
    ///
    /// ```text
    /// warnlight checkpoint 1
    /// position 1234
    /// digest 6db797ac13e38fa20d41b0a40952bcbcf1fd6a9f62db8c27568804348c3e993f
    /// at 2025-03-31T16:00:02.5Z
    /// ```
    ///
    /// The values are written as they stand in the event. Another form needs another number in the first line.
    #[must_use]
    pub fn text(&self) -> String {
        let Self { position, digest, at } = self;
        format!("warnlight checkpoint 1\nposition {position}\ndigest {digest}\nat {at}\n")
    }
}

/// Says whether the bearer of the key that a checkpoint names has signed what it says.
#[must_use]
pub fn is_signed(signed: &CheckpointSigned) -> bool {
    let key = UnparsedPublicKey::new(&ED25519, &signed.key.0);
    key.verify(Statement::of(signed).text().as_bytes(), &signed.signature.0).is_ok()
}
