//! Tickets without a credit code (待认领): what they say of the shop, whose they were found to be, and what was taken back.

use crate::domain::code::CreditCode;
use crate::domain::money::Yuan;
use crate::domain::time::Instant;
use crate::domain::words::{Attribution, Channel, ComplaintKind, Outcome};
use serde::{Deserialize, Serialize};

/// A ticket came in without a credit code, or came again and says something else. It counts for nobody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComplaintQueued {
    /// Ticket: its number with the channel behind it (`GD1@12315`). It names the stream.
    pub ticket: String,
    /// Where it came in (来源).
    pub channel: Channel,
    /// What it asks for (诉求类型).
    pub kind: ComplaintKind,
    /// When (受理时间).
    pub received_at: Instant,
    /// Money at stake (涉及金额), yuan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Yuan>,
    /// Due time written on the ticket (办理期限).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Instant>,
    /// First answer (首次响应时间).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_at: Option<Instant>,
    /// Closed at (办结时间).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Instant>,
    /// How it ended (结果).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// Name of the shop or company as the ticket has it (企业名称).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Address of the shop (企业地址).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Mall (商场).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mall: Option<String>,
    /// Brand (品牌).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brand: Option<String>,
    /// Street or town (街道).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub street: Option<String>,
    /// Who sent it (来源单位).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Profile that its file was read by (来源模板).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
}

/// A ticket of the queue was found to be about a merchant (认领). The complaint itself follows in the same stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComplaintAttributed {
    /// Ticket.
    pub ticket: String,
    /// About whom.
    pub credit_code: CreditCode,
    /// How that is known.
    pub how: Attribution,
    /// Why: the fields that agree, or what the person says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Credit codes of the candidates that the person saw, best first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<String>,
}

/// A decision about a ticket of the queue was taken back (撤销认领): from then on it counts for nobody and waits again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttributionUndone {
    /// Ticket.
    pub ticket: String,
    /// Whom it no longer is about; absent if it had been set aside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credit_code: Option<CreditCode>,
    /// Why.
    pub reason: String,
}

/// A ticket of the queue is nobody's here (搁置).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComplaintSetAside {
    /// Ticket.
    pub ticket: String,
    /// Why.
    pub reason: String,
}
