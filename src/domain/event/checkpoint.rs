//! What is said about the log itself.

use crate::domain::envelope::Position;
use crate::domain::hex::Hex;
use crate::domain::time::Instant;
use serde::{Deserialize, Serialize};

/// The bearer of a key says which digest the log had (检查点签名): whoever rewrites what came before cannot make this
/// sentence again without the key. What is signed is described at `proof::Statement`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckpointSigned {
    /// Everything up to this position is meant.
    pub position: Position,
    /// Digest of the chain at that position, SHA-256.
    pub digest: Hex<32>,
    /// When it was signed, by the clock of the signing node.
    pub at: Instant,
    /// Public key, Ed25519.
    pub key: Hex<32>,
    /// Signature, Ed25519.
    pub signature: Hex<64>,
}
