//! Signed checkpoints (检查点) of the digest chain: who can rewrite a log can rewrite its chain as well, but cannot sign.
//!
//! A checkpoint is an event `log.checkpoint_signed` in which the bearer of an Ed25519 key says that the log up to a
//! position had a digest at a time. A node with a key signs after every closed day ([`CheckpointKeeper`]); [`check`] holds every
//! checkpoint of a log against the chain. Positions and digests are the same on every engine and on every node of a
//! cluster, so checkpoints mean the same everywhere, move with a migration, and stay in a backup.
//!
//! **What they show.** A log that was changed anywhere up to a checkpoint, with the whole chain behind the change made
//! anew, no longer has the digest that was signed.
//!
//! **What they do not show.** Changes behind the newest checkpoint: at most a day's events, as long as the service runs.
//! A checkpoint that was taken out together with everything since: therefore the result names the first and the newest
//! checkpoint of each key, and one that was handed to somebody outside settles it. What the bearer of the key did:
//! whoever has the file with the key can sign another history. And not that what was recorded is true.

mod check;
mod keeper;
mod key;
mod statement;

pub use check::{CheckError, Fault, Found, OfKey, check};
pub use keeper::CheckpointKeeper;
pub use key::{KeyError, KeyFault, SigningKey};
pub use statement::{Statement, is_signed};

/// Stream of the checkpoints.
pub const STREAM: &str = "checkpoints";

/// An Ed25519 public key.
pub type PublicKey = crate::domain::hex::Hex<32>;

#[cfg(test)]
mod tests;
