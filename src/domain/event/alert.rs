//! Alerts (预警): an episode from the first rise of a light to its end.

use crate::domain::code::CreditCode;
use crate::domain::time::Instant;
use crate::domain::words::Light;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An alert was raised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertRaised {
    /// The episode.
    pub alert: Uuid,
    /// About whom.
    pub credit_code: CreditCode,
    /// Light that opened or worsened it.
    pub light: Light,
    /// Light change it rests on.
    pub change: Uuid,
    /// Sector it is routed to; absent if undetermined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sector: Option<String>,
    /// When.
    pub at: Instant,
}

/// A step of an episode: acknowledged, acted on, escalated, closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertStep {
    /// The episode.
    pub alert: Uuid,
    /// About whom.
    pub credit_code: CreditCode,
    /// When.
    pub at: Instant,
    /// What was done or why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}
