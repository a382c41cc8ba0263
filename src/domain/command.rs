//! What can be said to the service: one command per row of a sheet, per line of NDJSON, per call of the API.
//!
//! Commands arrive parsed: a credit code, an amount or a day that cannot exist is refused at the edge, before it gets
//! here. Whether a command fits what is already known is for [`super::decide`] to say.

use super::code::CreditCode;
use super::event::{
    DocumentIssued, EnforcementAct, EntryCancelled, Guarantee, MerchantAlias, MerchantDetails, SectorAssigned,
};
use super::money::{Ratio, Yuan};
use super::time::{Day, Instant, field};
use super::words::{
    AccountAction, ActKind, CaseAction, CaseOutcome, Channel, ComplaintKind, EnforcementKind, ExitAction, FilingAction,
    JointCheckStep, LeadStep, ListKind, Outcome, QueueDecision, SignalKind, StatementKind, TicketStep,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A command. As JSON: `{"command": "report_balance", "credit_code": "…", …}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// A row of the register (商户).
    RegisterMerchant(MerchantDetails),
    /// The lead office names the sector regulator.
    AssignSector(SectorAssigned),
    /// People call a merchant by another name (别名).
    RecordAlias(MerchantAlias),
    /// They do not, any more.
    WithdrawAlias(MerchantAlias),
    /// A step of a filing (备案).
    RecordFiling(RecordFiling),
    /// The merchant's declared balance (预收资金).
    ReportBalance(ReportBalance),
    /// The bank's balance in custody (存管余额).
    ReportCustody(ReportCustody),
    /// A guarantee or insurance (保函保险).
    PostGuarantee(Guarantee),
    /// A step of an exit (撤店).
    RecordExit(RecordExit),
    /// A ticket as it stands now (投诉).
    RecordComplaint(RecordComplaint),
    /// A ticket as it stands now, of a file without credit codes (待认领).
    RecordUnattributed(RecordUnattributed),
    /// What a person decides about a ticket without a credit code (认领).
    DecideUnattributed(DecideUnattributed),
    /// A risk signal (信号).
    RecordSignal(RecordSignal),
    /// A month's complaint rate of a shop (客诉率).
    ReportComplaintRate(ReportRatio),
    /// A shop's prepaid share of revenue (预付占比).
    ReportPrepaidShare(ReportRatio),
    /// An entry in a list (名单).
    RecordListing(RecordListing),
    /// An act of enforcement (执法).
    RecordEnforcement(RecordEnforcement),
    /// A step of a lead to another authority (线索移送).
    RecordLead(RecordLead),
    /// A step of a joint check (综合查一次).
    RecordJointCheck(RecordJointCheck),
    /// An enforcement case was opened (立案).
    RecordCase(RecordCase),
    /// A letter was issued (签发文书). One that is an act by itself records the act with it.
    IssueDocument(DocumentIssued),
    /// A custody account was opened or closed (存管账户).
    RecordAccount(RecordAccount),
    /// What a mall's list of tenants says of a shop (租户).
    RecordTenancy(RecordTenancy),
    /// Something was done about a ticket (工单处理).
    HandleComplaint(HandleComplaint),
    /// An entry in the grey list (灰名单).
    RecordGreyListing(RecordGreyListing),
    /// A lock of a person (锁定登记).
    RecordLock(RecordLock),
    /// What a merchant says for itself (陈述): it answers an office, or objects to its light.
    MakeStatement(MakeStatement),
    /// An entry was made by mistake (作废).
    CancelEntry(EntryCancelled),
    /// What a person does with a case (亮灯处置).
    HandleCase(HandleCase),
}

/// What a merchant says for itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MakeStatement {
    /// Who.
    pub credit_code: CreditCode,
    /// Whether it answers or objects.
    pub kind: StatementKind,
    /// What it says.
    pub text: String,
    /// Event of the light change that it objects to; the present light's if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against: Option<Uuid>,
}

/// A step of a filing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordFiling {
    /// Who files.
    pub credit_code: CreditCode,
    /// Which step; `none` is not one and is refused.
    pub status: FilingAction,
    /// Day of the step.
    #[serde(deserialize_with = "field::date")]
    pub date: Day,
    /// Custody bank.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bank: Option<String>,
    /// Last digits of the custody account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_tail: Option<String>,
}

/// A declared balance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportBalance {
    /// Who reports.
    pub credit_code: CreditCode,
    /// Day the balance is true for.
    #[serde(deserialize_with = "field::date")]
    pub date: Day,
    /// Owed to card holders, yuan.
    pub outstanding: Yuan,
    /// Main revenue of last year, yuan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revenue_last_year: Option<Yuan>,
}

/// A balance in custody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportCustody {
    /// Whose account.
    pub credit_code: CreditCode,
    /// Day of the balance.
    #[serde(deserialize_with = "field::date")]
    pub date: Day,
    /// Balance, yuan.
    pub held: Yuan,
    /// The bank saw abnormal flows; left out, what was said of this day stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub abnormal: Option<bool>,
}

/// A step of an exit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordExit {
    /// Tenant.
    pub credit_code: CreditCode,
    /// Mall; absent for a street shop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mall: Option<String>,
    /// Unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Which step.
    pub action: ExitAction,
    /// Day of the step.
    #[serde(deserialize_with = "field::date")]
    pub date: Day,
    /// Planned last day; needed to post and to amend.
    #[serde(default, deserialize_with = "field::planned_on", skip_serializing_if = "Option::is_none")]
    pub planned_on: Option<Day>,
    /// How customers get their money back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund_plan: Option<String>,
    /// Why the step is dated before the day it is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The merchant has known shops in this mall, and this is another one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub new_unit: bool,
}

/// A ticket as it stands: sent again it adds what is new, and corrects what it says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordComplaint {
    /// Ticket number.
    pub ticket: String,
    /// Where it came in.
    pub channel: Channel,
    /// When it was received.
    #[serde(deserialize_with = "field::received_at")]
    pub received_at: Instant,
    /// About whom.
    pub credit_code: CreditCode,
    /// What it asks for.
    pub kind: ComplaintKind,
    /// Money at stake, yuan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Yuan>,
    /// Due time on the ticket.
    #[serde(default, deserialize_with = "field::due_at", skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Instant>,
    /// First answer.
    #[serde(default, deserialize_with = "field::answered_at", skip_serializing_if = "Option::is_none")]
    pub answered_at: Option<Instant>,
    /// Closed at; goes with `outcome`.
    #[serde(default, deserialize_with = "field::closed_at", skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Instant>,
    /// How it ended; goes with `closed_at`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// Mall that it was handed in at, for tickets of the channel `mall`; a mall's own key need not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mall: Option<String>,
    /// What the office wrote to the complainant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<String>,
}

/// A ticket without a credit code, as it stands: whom it means is found by what it says of the shop ([`super::whose`]), or it waits
/// for a person. Sent again it says what is new; once it is known whose it is, it goes there. No personal data: texts are about the
/// shop only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordUnattributed {
    /// Ticket number.
    pub ticket: String,
    /// Where it came in.
    pub channel: Channel,
    /// When it was received.
    #[serde(deserialize_with = "field::received_at")]
    pub received_at: Instant,
    /// The time is that of a whole file, said by whoever sent it, and not the ticket's own: of a ticket that is known, the time known
    /// stays.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub given_time: bool,
    /// What it asks for.
    pub kind: ComplaintKind,
    /// Money at stake, yuan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Yuan>,
    /// Due time on the ticket.
    #[serde(default, deserialize_with = "field::due_at", skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Instant>,
    /// First answer.
    #[serde(default, deserialize_with = "field::answered_at", skip_serializing_if = "Option::is_none")]
    pub answered_at: Option<Instant>,
    /// Closed at; goes with `outcome`.
    #[serde(default, deserialize_with = "field::closed_at", skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Instant>,
    /// How it ended; goes with `closed_at`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// Name of the shop or company, as the ticket has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Address of the shop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Mall.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mall: Option<String>,
    /// Brand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brand: Option<String>,
    /// Street or town.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub street: Option<String>,
    /// Who sent it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Profile that its file was read by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
}

/// A decision about a ticket without a credit code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecideUnattributed {
    /// Ticket number.
    pub ticket: String,
    /// Where it came in.
    pub channel: Channel,
    /// What is decided.
    pub decision: QueueDecision,
    /// Whom it is about; needed to attribute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credit_code: Option<CreditCode>,
    /// Why; needed to set aside and to undo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Candidates that were shown, best first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<CreditCode>,
}

/// A risk signal; sent again with the day it was cleared, it adds that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordSignal {
    /// Tenant.
    pub credit_code: CreditCode,
    /// Mall; absent for a street shop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mall: Option<String>,
    /// Unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Which signal.
    pub kind: SignalKind,
    /// Since when.
    #[serde(deserialize_with = "field::date")]
    pub date: Day,
    /// A figure as stated, kept as evidence only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// First day it was no longer there.
    #[serde(default, deserialize_with = "field::cleared_on", skip_serializing_if = "Option::is_none")]
    pub cleared_on: Option<Day>,
}

/// A ratio about one shop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportRatio {
    /// Tenant.
    pub credit_code: CreditCode,
    /// Mall; absent for a street shop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mall: Option<String>,
    /// Unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Day; for a complaint rate any day of its month.
    #[serde(deserialize_with = "field::date")]
    pub date: Day,
    /// The ratio.
    pub ratio: Ratio,
}

/// An entry in a list; sent again with the day of removal, it adds that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordListing {
    /// Who.
    pub credit_code: CreditCode,
    /// Which list.
    pub list: ListKind,
    /// First day on it.
    #[serde(deserialize_with = "field::entered_on")]
    pub entered_on: Day,
    /// First day no longer on it.
    #[serde(default, deserialize_with = "field::removed_on", skip_serializing_if = "Option::is_none")]
    pub removed_on: Option<Day>,
}

/// An act of enforcement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordEnforcement {
    /// Against whom.
    pub credit_code: CreditCode,
    /// Which act.
    pub kind: EnforcementKind,
    /// Day.
    #[serde(deserialize_with = "field::date")]
    pub date: Day,
    /// Last day to comply; needed for an order to rectify.
    #[serde(default, deserialize_with = "field::due_on", skip_serializing_if = "Option::is_none")]
    pub due_on: Option<Day>,
    /// Document number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// What was found; needed for an on-site check, and of nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
}

/// A step of a lead: one thing by its number and step, so that a later row corrects it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordLead {
    /// About whom.
    pub credit_code: CreditCode,
    /// Number of the lead.
    pub lead: String,
    /// Which step.
    pub step: LeadStep,
    /// Day of the step.
    #[serde(deserialize_with = "field::date")]
    pub date: Day,
    /// Authority it goes to, or that took it or sent it back.
    pub authority: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Day the transfer was put to whoever decides about it.
    #[serde(default, deserialize_with = "field::reported_on", skip_serializing_if = "Option::is_none")]
    pub reported_on: Option<Day>,
    /// When it was approved.
    #[serde(default, deserialize_with = "field::approved_at", skip_serializing_if = "Option::is_none")]
    pub approved_at: Option<Instant>,
    /// When the papers were handed over.
    #[serde(default, deserialize_with = "field::handed_over_at", skip_serializing_if = "Option::is_none")]
    pub handed_over_at: Option<Instant>,
}

/// A step of a joint check: one thing by its number and step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordJointCheck {
    /// Of whom.
    pub credit_code: CreditCode,
    /// Number of the check.
    pub check: String,
    /// Which step.
    pub step: JointCheckStep,
    /// Day planned or done.
    #[serde(deserialize_with = "field::date")]
    pub date: Day,
    /// Ids of the sectors taking part.
    pub sectors: Vec<String>,
    /// What was found; needed when it is done, and only then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
}

/// An enforcement case; of several tickets that led to one case, each is said by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordCase {
    /// Against whom.
    pub credit_code: CreditCode,
    /// Number of the case.
    pub number: String,
    /// Day it was opened.
    #[serde(deserialize_with = "field::date")]
    pub date: Day,
    /// Number of the ticket that it was opened for; goes with `channel`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
    /// Where that ticket came in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
}

/// A custody account was opened or closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordAccount {
    /// Whose.
    pub credit_code: CreditCode,
    /// Which of the two.
    pub action: AccountAction,
    /// Day.
    #[serde(deserialize_with = "field::date")]
    pub date: Day,
    /// Bank.
    pub bank: String,
    /// Last digits of the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_tail: Option<String>,
}

/// What a mall's list of tenants says of a shop: its lease, the check of its papers, its brand; one of them at least.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordTenancy {
    /// Tenant.
    pub credit_code: CreditCode,
    /// Mall; absent for a street shop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mall: Option<String>,
    /// Unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// First day of the lease; goes with `until`.
    #[serde(default, deserialize_with = "field::from", skip_serializing_if = "Option::is_none")]
    pub from: Option<Day>,
    /// Last day of the lease; goes with `from`.
    #[serde(default, deserialize_with = "field::until", skip_serializing_if = "Option::is_none")]
    pub until: Option<Day>,
    /// Day the mall checked licence and papers; goes with `in_order`.
    #[serde(default, deserialize_with = "field::checked_on", skip_serializing_if = "Option::is_none")]
    pub checked_on: Option<Day>,
    /// They were in order; goes with `checked_on`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_order: Option<bool>,
    /// Brand on the shop's door.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brand: Option<String>,
}

/// Something was done about a ticket: one thing by what was done and when, so that a later one corrects it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HandleComplaint {
    /// Ticket number.
    pub ticket: String,
    /// Where it came in.
    pub channel: Channel,
    /// About whom.
    pub credit_code: CreditCode,
    /// What was done.
    pub step: TicketStep,
    /// When.
    #[serde(deserialize_with = "field::at")]
    pub at: Instant,
    /// Money refunded, yuan; needed for a refund, and of nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Yuan>,
    /// By when the enterprise has to answer, of a ticket passed to it.
    #[serde(default, deserialize_with = "field::due_at", skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Instant>,
    /// The complainant says it was resolved; needed for a rating, and of nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved: Option<bool>,
    /// The complainant is satisfied; needed for a rating, and of nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub satisfied: Option<bool>,
}

/// An entry in the grey list; sent again with the day of removal, it adds that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordGreyListing {
    /// Who.
    pub credit_code: CreditCode,
    /// First day on it.
    #[serde(deserialize_with = "field::entered_on")]
    pub entered_on: Day,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ground: Option<String>,
    /// Day on which it is looked at again.
    #[serde(default, deserialize_with = "field::review_on", skip_serializing_if = "Option::is_none")]
    pub review_on: Option<Day>,
    /// First day no longer on it.
    #[serde(default, deserialize_with = "field::removed_on", skip_serializing_if = "Option::is_none")]
    pub removed_on: Option<Day>,
}

/// A lock of a person for what happened at a merchant; sent again with the day it was lifted, it adds that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordLock {
    /// For what happened at whom.
    pub credit_code: CreditCode,
    /// Name of the person, as the register has it.
    pub person: String,
    /// Digest of the person's id document, as the register has it.
    pub person_digest: String,
    /// First day.
    #[serde(deserialize_with = "field::locked_on")]
    pub locked_on: Day,
    /// First day without it.
    #[serde(default, deserialize_with = "field::lifted_on", skip_serializing_if = "Option::is_none")]
    pub lifted_on: Option<Day>,
    /// What the person was there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Document number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
}

/// What a person does with a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HandleCase {
    /// Which case.
    pub alert: Uuid,
    /// The merchant it is about.
    pub credit_code: CreditCode,
    /// What is done.
    pub action: CaseAction,
    /// Who gets it; needed to assign.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Which act; needed to act. What has an event of its own is recorded by `record_enforcement`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<ActKind>,
    /// Day of the act; today if left out.
    #[serde(default, deserialize_with = "field::date", skip_serializing_if = "Option::is_none")]
    pub date: Option<Day>,
    /// Which duty; needed to waive and to pause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duty: Option<Uuid>,
    /// End of a pause: until the end of this day; needed to pause.
    #[serde(default, deserialize_with = "field::until", skip_serializing_if = "Option::is_none")]
    pub until: Option<Day>,
    /// How it ended; needed to close.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<CaseOutcome>,
    /// What was found, or why; needed to note, waive and pause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Command {
    /// Returns the name of whom a case is given to by it.
    #[must_use]
    pub fn given_to(&self) -> Option<&str> {
        match self {
            Self::HandleCase(row) if row.action == CaseAction::Assign => row.to.as_deref(),
            _ => None,
        }
    }

    /// Returns number and channel of the ticket that the command speaks of.
    #[must_use]
    pub fn ticket(&self) -> Option<(&str, Channel)> {
        match self {
            Self::RecordComplaint(row) => Some((&row.ticket, row.channel)),
            Self::RecordUnattributed(row) => Some((&row.ticket, row.channel)),
            Self::DecideUnattributed(row) => Some((&row.ticket, row.channel)),
            Self::RecordCase(row) => row.ticket.as_deref().zip(row.channel),
            Self::HandleComplaint(row) => Some((&row.ticket, row.channel)),
            _ => None,
        }
    }

    /// Returns the merchant the command names; `None` if it speaks of a ticket whose merchant is not known.
    #[must_use]
    pub const fn credit_code(&self) -> Option<CreditCode> {
        Some(match self {
            Self::RecordUnattributed(_) => return None,
            Self::DecideUnattributed(row) => return row.credit_code,
            Self::RegisterMerchant(row) => row.credit_code,
            Self::AssignSector(row) => row.credit_code,
            Self::RecordAlias(row) | Self::WithdrawAlias(row) => row.credit_code,
            Self::RecordFiling(row) => row.credit_code,
            Self::ReportBalance(row) => row.credit_code,
            Self::ReportCustody(row) => row.credit_code,
            Self::PostGuarantee(row) => row.credit_code,
            Self::RecordExit(row) => row.credit_code,
            Self::RecordComplaint(row) => row.credit_code,
            Self::RecordSignal(row) => row.credit_code,
            Self::ReportComplaintRate(row) | Self::ReportPrepaidShare(row) => row.credit_code,
            Self::RecordListing(row) => row.credit_code,
            Self::RecordEnforcement(row) => row.credit_code,
            Self::RecordLead(row) => row.credit_code,
            Self::RecordJointCheck(row) => row.credit_code,
            Self::RecordCase(row) => row.credit_code,
            Self::IssueDocument(row) => row.credit_code,
            Self::RecordAccount(row) => row.credit_code,
            Self::RecordTenancy(row) => row.credit_code,
            Self::HandleComplaint(row) => row.credit_code,
            Self::RecordGreyListing(row) => row.credit_code,
            Self::RecordLock(row) => row.credit_code,
            Self::MakeStatement(row) => row.credit_code,
            Self::CancelEntry(row) => row.credit_code,
            Self::HandleCase(row) => row.credit_code,
        })
    }
}

impl Command {
    /// Returns the case that the command is about, if it is about one.
    #[must_use]
    pub const fn alert(&self) -> Option<Uuid> {
        match self {
            Self::HandleCase(row) => Some(row.alert),
            _ => None,
        }
    }
}

impl From<RecordEnforcement> for EnforcementAct {
    fn from(row: RecordEnforcement) -> Self {
        Self { credit_code: row.credit_code, date: row.date, number: row.number, due_on: row.due_on }
    }
}
