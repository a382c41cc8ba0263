//! Acts of regulators (执法) and public lists (名单).

use crate::domain::code::CreditCode;
use crate::domain::time::{Day, Instant, field};
use crate::domain::words::{DocumentKind, ListKind};
use serde::{Deserialize, Serialize};

/// An act with a date: warning letter, yellow card, talk, completion, penalty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnforcementAct {
    /// Against whom.
    pub credit_code: CreditCode,
    /// Day.
    pub date: Day,
    /// Document number (文号).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// A due date stated with the act, kept as evidence only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_on: Option<Day>,
}

/// An order to rectify (责令改正).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RectificationOrdered {
    /// Against whom.
    pub credit_code: CreditCode,
    /// Day of the order.
    pub date: Day,
    /// Last day to comply (期限).
    pub due_on: Day,
    /// Document number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
}

/// A merchant was entered in a list (列入).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListEntered {
    /// Who.
    pub credit_code: CreditCode,
    /// Which list.
    pub list: ListKind,
    /// First day on it.
    pub entered_on: Day,
}

/// A merchant was removed from a list (移出); the entry is named by its first day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListRemoved {
    /// Who.
    pub credit_code: CreditCode,
    /// Which list.
    pub list: ListKind,
    /// First day on it.
    pub entered_on: Day,
    /// First day no longer on it.
    pub removed_on: Day,
}

/// An on-site check (现场核查), with what was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SiteChecked {
    /// Of whom.
    pub credit_code: CreditCode,
    /// Day.
    pub date: Day,
    /// What was found.
    pub result: String,
    /// Document number (文号).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// A due date stated with the check, kept as evidence only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_on: Option<Day>,
}

/// A letter was issued (签发文书), word for word as it left the office.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DocumentIssued {
    /// About whom.
    pub credit_code: CreditCode,
    /// Which letter.
    pub kind: DocumentKind,
    /// Document number (文号); one letter of a kind has it.
    pub number: String,
    /// Day of issue.
    #[serde(deserialize_with = "field::date")]
    pub date: Day,
    /// Last day to comply; an order to rectify has one.
    #[serde(default, deserialize_with = "field::due_on", skip_serializing_if = "Option::is_none")]
    pub due_on: Option<Day>,
    /// Title.
    pub title: String,
    /// Who it is written to.
    pub to: String,
    /// The text, one item for each paragraph.
    pub paragraphs: Vec<String>,
    /// Office that issues it.
    pub office: String,
}

/// An enforcement case was opened (立案), for a ticket or without one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseOpened {
    /// Against whom.
    pub credit_code: CreditCode,
    /// Number of the case (立案号).
    pub number: String,
    /// Day.
    pub date: Day,
    /// Ticket that it was opened for (接诉即办转立案), by the name that names its stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
}

/// A lead was transferred to another authority (线索移送).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeadTransferred {
    /// About whom.
    pub credit_code: CreditCode,
    /// Number of the lead.
    pub lead: String,
    /// Day.
    pub date: Day,
    /// Authority it goes to.
    pub authority: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Day the transfer was put to whoever decides about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported_on: Option<Day>,
    /// When it was approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_at: Option<Instant>,
    /// When the papers were handed over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handed_over_at: Option<Instant>,
}

/// A lead was accepted or returned by the other authority.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lead {
    /// About whom.
    pub credit_code: CreditCode,
    /// Number of the lead.
    pub lead: String,
    /// Day.
    pub date: Day,
    /// Authority that took it or sent it back.
    pub authority: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A joint check (综合查一次) was proposed, confirmed or done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JointCheck {
    /// Of whom.
    pub credit_code: CreditCode,
    /// Number of the check.
    pub check: String,
    /// Day planned or done.
    pub date: Day,
    /// Sectors taking part.
    pub sectors: Vec<String>,
    /// What was found, when done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
}

/// A merchant was entered in the grey list (灰名单): what offices watch before anything is published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GreyListed {
    /// Who.
    pub credit_code: CreditCode,
    /// First day on it.
    pub entered_on: Day,
    /// Why (事由).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ground: Option<String>,
    /// Day on which it is looked at again (复核日期).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review_on: Option<Day>,
}

/// A merchant was taken off the grey list; the entry is named by its first day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GreyDelisted {
    /// Who.
    pub credit_code: CreditCode,
    /// First day on it.
    pub entered_on: Day,
    /// First day no longer on it.
    pub removed_on: Day,
}

/// A person was locked in the register (锁定登记) for what happened at a merchant: no changes, investments or senior posts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonLocked {
    /// For what happened at whom.
    pub credit_code: CreditCode,
    /// Name of the person, as the register has it.
    pub person: String,
    /// Digest of the person's id document, so that namesakes stay apart.
    pub person_digest: String,
    /// First day.
    pub locked_on: Day,
    /// What the person was there (职务).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Document number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
}

/// A lock ended; it is named by the person's digest and its first day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonUnlocked {
    /// For what happened at whom it was.
    pub credit_code: CreditCode,
    /// Digest of the person's id document.
    pub person_digest: String,
    /// First day of the lock.
    pub locked_on: Day,
    /// First day without it.
    pub lifted_on: Day,
}
