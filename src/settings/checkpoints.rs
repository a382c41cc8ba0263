//! `[log]`: who signs checkpoints of the log, and whose signatures count.

use super::reader::Section;
use crate::proof::PublicKey;
use std::path::PathBuf;

/// Signed checkpoints (检查点) of the log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Checkpoints {
    /// File with this node's private key; `None` means that it signs nothing. Only the service reads it.
    pub signing_key: Option<PathBuf>,
    /// Public keys whose checkpoints count for `warnlight verify`.
    pub trusted_keys: Vec<PublicKey>,
}

impl Checkpoints {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let wanted = "a list of public keys, each 64 letters of lower-case hex,";
        Self {
            signing_key: section.text("signing_key").map(PathBuf::from),
            trusted_keys: section.list("trusted_keys", wanted).unwrap_or_default(),
        }
    }
}
