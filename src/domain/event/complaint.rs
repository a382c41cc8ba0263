//! Complaints (投诉): one stream per ticket (工单). Complainants appear as pseudonyms only.

use crate::domain::code::CreditCode;
use crate::domain::money::Yuan;
use crate::domain::time::Instant;
use crate::domain::words::{Channel, ComplaintKind};
use serde::{Deserialize, Serialize};

/// A complaint was received (受理).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComplaintReceived {
    /// Ticket number (工单编号).
    pub ticket: String,
    /// About whom.
    pub credit_code: CreditCode,
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
    /// Pseudonym of the complainant; never a name or number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub complainant: Option<String>,
    /// Mall that it was handed in at (商场), for tickets of the channel *mall*.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mall: Option<String>,
}

/// What a ticket left open was filled in later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComplaintSupplemented {
    /// Ticket.
    pub ticket: String,
    /// About whom.
    pub credit_code: CreditCode,
    /// Money at stake, if it was open, yuan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Yuan>,
    /// Due time, if it was open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Instant>,
    /// Mall that it was handed in at, if that was open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mall: Option<String>,
}

/// A step of a ticket: first answered (首次响应), resolved (已解决), closed unresolved (未解决), withdrawn (撤回), merged
/// (并案), settled in the shop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComplaintStep {
    /// Ticket.
    pub ticket: String,
    /// About whom.
    pub credit_code: CreditCode,
    /// When.
    pub at: Instant,
}

/// What the office wrote to the complainant (回复内容); the newest counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComplaintReply {
    /// Ticket.
    pub ticket: String,
    /// About whom.
    pub credit_code: CreditCode,
    /// The text; numbers of persons are masked in it.
    pub reply: String,
}

/// The complainant rated the handling (回访).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComplaintRated {
    /// Ticket.
    pub ticket: String,
    /// About whom.
    pub credit_code: CreditCode,
    /// When.
    pub at: Instant,
    /// The matter was resolved, says the complainant.
    pub resolved: bool,
    /// The complainant is satisfied.
    pub satisfied: bool,
}

/// A refund was promised or paid (退款).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refund {
    /// Ticket.
    pub ticket: String,
    /// By whom.
    pub credit_code: CreditCode,
    /// When.
    pub at: Instant,
    /// Yuan.
    pub amount: Yuan,
}

/// A complaint was passed to the enterprise, which handles it itself (企业直办).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PassedToEnterprise {
    /// Ticket.
    pub ticket: String,
    /// To whom.
    pub credit_code: CreditCode,
    /// When.
    pub at: Instant,
    /// By when the enterprise has to answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Instant>,
}
