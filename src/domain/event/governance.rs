//! Who changed what the service runs by.

use crate::domain::code::CreditCode;
use crate::domain::envelope::Position;
use crate::domain::time::Instant;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Other policies came into force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyActivated {
    /// Rule pack id.
    pub pack: String,
    /// SHA-256 over names and texts of all policy files, lower-case hex.
    pub digest: String,
    /// The files, so that any light can be derived again years later.
    pub files: Vec<PolicyFile>,
    /// Lights that rise under these policies are followed up as cases.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub follow_up: bool,
}

/// One policy file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyFile {
    /// File name.
    pub name: String,
    /// Whole text.
    pub text: String,
}

/// The list of mail recipients changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecipientsChanged {
    /// SHA-256 of the list, lower-case hex.
    pub digest: String,
    /// The list, as TOML.
    pub text: String,
}

/// A user was created or revoked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserNamed {
    /// Name of the account.
    pub user: String,
}

/// A key was created. The key itself is shown once and never stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyCreated {
    /// The key's id.
    pub key: Uuid,
    /// Name shown in records.
    pub name: String,
    /// SHA-256 of the key, lower-case hex. Keys are 256 random bits, so a plain digest cannot be guessed back.
    pub hash: String,
    /// What its bearer may do.
    pub role: String,
    /// Malls it is for (operators).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub malls: Vec<String>,
    /// Sectors it is for (regulators); empty means all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sectors: Vec<String>,
    /// Division prefixes it is for; empty means all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub divisions: Vec<String>,
    /// Bank it is for (custody banks).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bank: Option<String>,
    /// Merchant whose log-in it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merchant: Option<CreditCode>,
    /// Not valid after this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Instant>,
}

/// A key was revoked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRevoked {
    /// The key's id.
    pub key: Uuid,
    /// Why.
    pub reason: String,
}

/// A request with an idempotency key was answered: the same request gets the same answer again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestAnswered {
    /// SHA-256 over method, path and body as they were sent, lower-case hex.
    pub content: String,
    /// The receipts of its commands, as JSON.
    pub answer: String,
}

/// A browser session was logged out (退出登录). It would have ended by itself at `ends_at`; after that nobody asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionEnded {
    /// The session.
    pub session: Uuid,
    /// The key it was begun with.
    pub key: Uuid,
    /// When it would have ended by itself.
    pub ends_at: Instant,
}

/// Personal data became unreadable: the key it was encrypted under was destroyed (删除).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordErased {
    /// Pseudonym whose data is gone.
    pub pseudonym: String,
    /// Last position that held such data.
    pub through: Position,
    /// Legal ground.
    pub ground: String,
}
