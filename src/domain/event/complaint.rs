//! Complaints (投诉): one stream per ticket (工单). Complainants appear as pseudonyms only.

use crate::domain::code::CreditCode;
use crate::domain::money::Yuan;
use crate::domain::time::Instant;
use crate::domain::words::{Channel, ClockStep, ComplaintKind};
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

/// Clocks of tickets ran out (投诉超期), and somebody is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComplaintEscalated {
    /// About whom.
    pub credit_code: CreditCode,
    /// When the clocks ran out, or the step came.
    pub at: Instant,
    /// Number of the step; the first is 1.
    pub step: u16,
    /// Who is told: `officer`, `head` or `lead`.
    pub to: String,
    /// When the next step comes, unless the ticket goes on; absent after the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Instant>,
    /// The tickets.
    pub tickets: Vec<TicketLate>,
}

/// A ticket whose clock ran out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TicketLate {
    /// Ticket.
    pub ticket: String,
    /// What its clock ran for.
    pub clock: ClockStep,
    /// When that began; of a due time on the ticket, that time.
    pub since: Instant,
    /// When it ran out.
    pub due_at: Instant,
}
