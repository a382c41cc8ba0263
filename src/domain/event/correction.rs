//! Corrections (更正): entries made by mistake are cancelled, tickets say something else than before.

use crate::domain::code::CreditCode;
use crate::domain::money::Yuan;
use crate::domain::time::{Day, Instant};
use crate::domain::words::{
    AccountAction, Channel, ComplaintKind, EnforcementKind, ExitAction, GuaranteeKind, JointCheckStep, LeadStep,
    ListKind, Outcome, SignalKind, TicketStep,
};
use serde::{Deserialize, Serialize};

/// An entry was made by mistake and counts no longer (作废). Who says so is in the envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntryCancelled {
    /// About whom it was.
    pub credit_code: CreditCode,
    /// Which.
    pub entry: Entry,
    /// Why.
    pub reason: String,
}

/// An entry, named by what makes it one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case", deny_unknown_fields)]
pub enum Entry {
    /// A step of a filing (备案).
    Filing {
        /// Its day.
        date: Day,
    },
    /// A declared balance (预收资金).
    Balance {
        /// Its day.
        date: Day,
    },
    /// A bank's report (存管余额).
    Custody {
        /// Its day.
        date: Day,
    },
    /// A guarantee or insurance (保函保险).
    Guarantee {
        /// Which of the two.
        kind: GuaranteeKind,
        /// Face value.
        amount: Yuan,
        /// First day.
        from: Day,
    },
    /// A step of an exit (撤店).
    Exit {
        /// Mall; absent for a street shop.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mall: Option<String>,
        /// Unit.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unit: Option<String>,
        /// Which step.
        action: ExitAction,
        /// Its day.
        date: Day,
    },
    /// A risk signal (信号).
    Signal {
        /// Mall; absent for a street shop.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mall: Option<String>,
        /// Unit.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unit: Option<String>,
        /// Which.
        kind: SignalKind,
        /// Its first day.
        date: Day,
    },
    /// A month's complaint rate (客诉率).
    ComplaintRate {
        /// Mall; absent for a street shop.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mall: Option<String>,
        /// Unit.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unit: Option<String>,
        /// A day of its month.
        date: Day,
    },
    /// A prepaid share (预付占比).
    PrepaidShare {
        /// Mall; absent for a street shop.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mall: Option<String>,
        /// Unit.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unit: Option<String>,
        /// Its day.
        date: Day,
    },
    /// An entry in a list (名单).
    Listing {
        /// Which list.
        list: ListKind,
        /// First day on it.
        entered_on: Day,
    },
    /// An act of enforcement (执法).
    Act {
        /// Which.
        kind: EnforcementKind,
        /// Its day.
        date: Day,
        /// Document number; without one, an act without one is meant.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        number: Option<String>,
    },
    /// A step of a lead (线索).
    Lead {
        /// Number of the lead.
        lead: String,
        /// Which step.
        step: LeadStep,
    },
    /// A step of a joint check (综合查一次).
    JointCheck {
        /// Number of the check.
        check: String,
        /// Which step.
        step: JointCheckStep,
    },
    /// An enforcement case (立案), with the tickets it was opened for.
    Case {
        /// Number of the case.
        number: String,
    },
    /// Something done about a ticket (工单处理).
    Ticket {
        /// Number of the ticket.
        ticket: String,
        /// Its channel.
        channel: Channel,
        /// What was done.
        step: TicketStep,
        /// When.
        at: Instant,
    },
    /// A lease (租期).
    Lease {
        /// Mall; absent for a street shop.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mall: Option<String>,
        /// Unit.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unit: Option<String>,
        /// Its first day.
        from: Day,
    },
    /// A check of papers (证照核验).
    Papers {
        /// Mall; absent for a street shop.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mall: Option<String>,
        /// Unit.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unit: Option<String>,
        /// Its day.
        date: Day,
    },
    /// A shop's brand (品牌关联).
    ShopBrand {
        /// Mall; absent for a street shop.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mall: Option<String>,
        /// Unit.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unit: Option<String>,
        /// The brand.
        brand: String,
    },
    /// The opening or closing of a custody account (存管账户).
    Account {
        /// Which of the two.
        action: AccountAction,
        /// The bank.
        bank: String,
        /// Its day.
        date: Day,
    },
    /// An entry in the grey list (灰名单).
    GreyListing {
        /// First day on it.
        entered_on: Day,
    },
    /// A lock of a person (锁定登记).
    Lock {
        /// Digest of the person's id document.
        person_digest: String,
        /// Its first day.
        locked_on: Day,
    },
}

/// A later row of a ticket says something else than what was known; what is absent was not corrected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComplaintCorrected {
    /// Ticket.
    pub ticket: String,
    /// About whom.
    pub credit_code: CreditCode,
    /// What it asks for (诉求类型).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<ComplaintKind>,
    /// Money at stake (涉及金额), yuan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Yuan>,
    /// Due time (办理期限).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Instant>,
    /// First answer (首次响应时间).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_at: Option<Instant>,
    /// Closed at (办结时间); goes with `outcome`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Instant>,
    /// How it ended (结果).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// Mall that it was handed in at (商场).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mall: Option<String>,
    /// What that replaced.
    pub before: TicketParts,
}

/// Parts of a ticket that may be corrected.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TicketParts {
    /// What it asks for (诉求类型).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<ComplaintKind>,
    /// Money at stake (涉及金额), yuan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Yuan>,
    /// Due time (办理期限).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Instant>,
    /// First answer (首次响应时间).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_at: Option<Instant>,
    /// Closed at (办结时间); goes with `outcome`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Instant>,
    /// How it ended (结果).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// Mall that it was handed in at (商场).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mall: Option<String>,
}
