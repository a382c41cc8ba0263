//! What happened: one type per event, grouped by subject. The contract other software reads is in `events/`; the tests
//! hold these types against it both ways.

mod alert;
mod checkpoint;
mod complaint;
pub mod contract;
mod correction;
mod custody;
mod enforcement;
mod filing;
mod governance;
mod import;
mod light;
mod mail;
mod mall;
mod merchant;
mod whose;

pub use alert::*;
pub use checkpoint::*;
pub use complaint::*;
pub use correction::*;
pub use custody::*;
pub use enforcement::*;
pub use filing::*;
pub use governance::*;
pub use import::*;
pub use light::*;
pub use mail::*;
pub use mall::*;
pub use merchant::*;
pub use whose::*;

/// Why a stored payload cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Written by newer software, or by something else.
    #[error(
        "event type `{event_type}` version {version} is not known to this version of Warnlight; update before opening this log"
    )]
    Unknown {
        /// Type found.
        event_type: String,
        /// Version found.
        version: u16,
    },
    /// The payload does not fit its type.
    #[error("payload of `{event_type}` version {version} cannot be read: {reason}")]
    Payload {
        /// Type found.
        event_type: String,
        /// Version found.
        version: u16,
        /// What does not fit.
        reason: serde_json::Error,
    },
}

macro_rules! events {
    ($($name:literal $version:literal $variant:ident($payload:ty),)+) => {
        /// Everything that can happen. A variant is one (type, version) of the contract in `events/`.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Event {
            $(#[doc = concat!("`", $name, "`, version ", stringify!($version), ".")] $variant($payload),)+
        }

        impl Event {
            /// Every type with the version this software writes; it reads that and every earlier one.
            pub const CONTRACT: &'static [(&'static str, u16)] = &[$(($name, $version)),+];

            /// Returns the type's name.
            #[must_use]
            pub const fn event_type(&self) -> &'static str {
                match self { $(Self::$variant(_) => $name,)+ }
            }

            /// Returns the version of the schema that the payload is written in.
            #[must_use]
            pub const fn schema_version(&self) -> u16 {
                match self { $(Self::$variant(_) => $version,)+ }
            }

            /// Returns the payload as JSON. Payloads are plain structs with text keys, which always serialise; an empty
            /// payload instead would be a lie in the log.
            #[must_use]
            pub fn to_json(&self) -> String {
                match self { $(Self::$variant(payload) => serde_json::to_string(payload),)+ }.expect("a payload is JSON")
            }

            /// Reads a stored payload. Every version ever written is read here.
            ///
            /// # Errors
            /// See [`DecodeError`].
            pub fn decode(event_type: &str, version: u16, data: &str) -> Result<Self, DecodeError> {
                let payload = |reason| DecodeError::Payload { event_type: event_type.to_owned(), version, reason };
                match (event_type, version) {
                    // A later version of these only added properties that may be left out.
                    $(($name, 1..=$version) => serde_json::from_str(data).map(Self::$variant).map_err(payload),)+
                    _ => Err(DecodeError::Unknown { event_type: event_type.to_owned(), version }),
                }
            }
        }
    };
}

events! {
    "merchant.registered" 1 MerchantRegistered(MerchantDetails),
    "merchant.details_changed" 1 MerchantDetailsChanged(MerchantDetails),
    "merchant.sector_assigned" 1 SectorAssigned(SectorAssigned),
    "merchant.shop_opened" 1 ShopOpened(ShopOpened),
    "merchant.shop_linked" 1 ShopLinked(ShopLinked),
    "merchant.alias_recorded" 1 AliasRecorded(MerchantAlias),
    "merchant.alias_withdrawn" 1 AliasWithdrawn(MerchantAlias),
    "merchant.replied" 1 MerchantReplied(MerchantReplied),
    "merchant.deregistration_applied" 1 DeregistrationApplied(ListEntered),
    "merchant.deregistration_ended" 1 DeregistrationEnded(ListRemoved),

    "filing.submitted" 1 FilingSubmitted(Filing),
    "filing.accepted" 1 FilingAccepted(Filing),
    "filing.returned" 1 FilingReturned(Filing),
    "filing.amended" 1 FilingAmended(Filing),
    "filing.cancelled" 1 FilingCancelled(Filing),
    "filing.volunteered" 1 FilingVolunteered(Filing),
    "prepaid.reported" 1 PrepaidReported(PrepaidReported),

    "custody.account_opened" 1 AccountOpened(CustodyAccount),
    "custody.account_closed" 1 AccountClosed(CustodyAccount),
    "custody.balance_reported" 1 CustodyReported(CustodyReported),
    "custody.abnormal_flow_reported" 1 AbnormalFlowReported(AbnormalFlowReported),
    "custody.guarantee_posted" 1 GuaranteePosted(Guarantee),
    "custody.guarantee_expired" 1 GuaranteeExpired(Guarantee),

    "mall.lease_recorded" 1 LeaseRecorded(LeaseRecorded),
    "mall.papers_checked" 1 PapersChecked(PapersChecked),
    "mall.exit_notice_posted" 2 ExitNoticePosted(ExitNotice),
    "mall.exit_notice_amended" 2 ExitNoticeAmended(ExitNotice),
    "mall.exit_notice_withdrawn" 2 ExitNoticeWithdrawn(ExitStep),
    "mall.shop_closed" 2 ShopClosed(ExitStep),
    "mall.shop_reopened" 2 ShopReopened(ExitStep),
    "mall.signal_raised" 1 SignalRaised(SignalRaised),
    "mall.signal_cleared" 1 SignalCleared(SignalCleared),
    "mall.complaint_rate_reported" 1 ComplaintRateReported(RatioReported),
    "mall.prepaid_share_reported" 1 PrepaidShareReported(RatioReported),

    "complaint.received" 2 ComplaintReceived(ComplaintReceived),
    "complaint.supplemented" 2 ComplaintSupplemented(ComplaintSupplemented),
    "complaint.corrected" 2 ComplaintCorrected(ComplaintCorrected),
    "complaint.queued" 1 ComplaintQueued(ComplaintQueued),
    "complaint.attributed" 1 ComplaintAttributed(ComplaintAttributed),
    "complaint.attribution_undone" 1 AttributionUndone(AttributionUndone),
    "complaint.set_aside" 1 ComplaintSetAside(ComplaintSetAside),
    "complaint.answered" 1 ComplaintAnswered(ComplaintStep),
    "complaint.resolved" 1 ComplaintResolved(ComplaintStep),
    "complaint.closed_unresolved" 1 ComplaintClosedUnresolved(ComplaintStep),
    "complaint.withdrawn" 1 ComplaintWithdrawn(ComplaintStep),
    "complaint.merged" 1 ComplaintMerged(ComplaintStep),
    "complaint.rated" 1 ComplaintRated(ComplaintRated),
    "complaint.reply_recorded" 1 ReplyRecorded(ComplaintReply),
    "complaint.settled_in_shop" 1 ComplaintSettledInShop(ComplaintStep),
    "complaint.refund_promised" 1 RefundPromised(Refund),
    "complaint.refund_paid" 1 RefundPaid(Refund),
    "complaint.passed_to_enterprise" 1 PassedToEnterprise(PassedToEnterprise),
    "complaint.escalated" 1 ComplaintEscalated(ComplaintEscalated),

    "enforcement.warning_letter_issued" 1 WarningLetterIssued(EnforcementAct),
    "enforcement.yellow_card_posted" 1 YellowCardPosted(EnforcementAct),
    "enforcement.yellow_card_removed" 1 YellowCardRemoved(EnforcementAct),
    "enforcement.talk_held" 1 TalkHeld(EnforcementAct),
    "enforcement.rectification_ordered" 1 RectificationOrdered(RectificationOrdered),
    "enforcement.rectification_met" 1 RectificationMet(EnforcementAct),
    "enforcement.rectification_missed" 1 RectificationMissed(EnforcementAct),
    "enforcement.penalty_decided" 1 PenaltyDecided(EnforcementAct),
    "enforcement.site_checked" 1 SiteChecked(SiteChecked),
    "enforcement.case_opened" 1 CaseOpened(CaseOpened),
    "enforcement.document_issued" 1 DocumentIssued(DocumentIssued),
    "enforcement.listed" 1 Listed(ListEntered),
    "enforcement.delisted" 1 Delisted(ListRemoved),
    "enforcement.grey_listed" 1 GreyListed(GreyListed),
    "enforcement.grey_delisted" 1 GreyDelisted(GreyDelisted),
    "enforcement.person_locked" 1 PersonLocked(PersonLocked),
    "enforcement.person_unlocked" 1 PersonUnlocked(PersonUnlocked),
    "enforcement.lead_transferred" 2 LeadTransferred(LeadTransferred),
    "enforcement.lead_accepted" 1 LeadAccepted(Lead),
    "enforcement.lead_returned" 1 LeadReturned(Lead),
    "enforcement.joint_check_proposed" 1 JointCheckProposed(JointCheck),
    "enforcement.joint_check_confirmed" 1 JointCheckConfirmed(JointCheck),
    "enforcement.joint_check_done" 1 JointCheckDone(JointCheck),

    "entry.cancelled" 3 EntryCancelled(EntryCancelled),

    "import.taken" 1 ImportTaken(ImportTaken),
    "import.withdrawn" 1 ImportWithdrawn(ImportWithdrawn),

    "light.changed" 1 LightChanged(LightChanged),
    "light.overridden" 1 LightOverridden(LightOverridden),
    "light.objection_raised" 1 ObjectionRaised(ObjectionRaised),
    "light.objection_decided" 1 ObjectionDecided(ObjectionDecided),
    "deadline.missed" 1 DeadlineMissed(DeadlineMissed),
    "watch.day_closed" 1 DayClosed(DayClosed),
    "watch.time_reached" 1 TimeReached(TimeReached),
    "watch.held" 1 WatchHeld(WatchHeld),
    "watch.released" 1 WatchReleased(WatchReleased),

    "alert.raised" 2 AlertRaised(AlertRaised),
    "alert.acknowledged" 1 AlertAcknowledged(AlertStep),
    "alert.acknowledgement_withdrawn" 1 AcknowledgementWithdrawn(AlertStep),
    "alert.assigned" 1 AlertAssigned(AlertAssigned),
    "alert.routed" 1 AlertRouted(AlertRouted),
    "alert.noted" 1 AlertNoted(AlertNoted),
    "alert.acted_on" 2 AlertActedOn(AlertActedOn),
    "alert.duty_waived" 1 DutyWaived(DutyWaived),
    "alert.duty_paused" 1 DutyPaused(DutyPaused),
    "alert.reminded" 1 AlertReminded(AlertStep),
    "alert.escalated" 2 AlertEscalated(AlertEscalated),
    "alert.closed" 2 AlertClosed(AlertClosed),

    "mail.requested" 5 MailRequested(MailRequested),
    "mail.gathered" 1 MailGathered(MailGathered),
    "mail.claimed" 1 MailClaimed(MailClaimed),
    "mail.attempted" 1 MailAttempted(MailAttempted),
    "mail.held_up" 1 MailHeldUp(MailHeldUp),
    "mail.accepted" 1 MailAccepted(MailFate),
    "mail.refused" 1 MailRefused(MailFate),
    "mail.given_up" 1 MailGivenUp(MailFate),
    "mail.send_again_ordered" 1 MailSendAgainOrdered(MailSendAgainOrdered),
    "mail.link_opened" 1 MailLinkOpened(MailLinkOpened),
    "mail.bounced" 1 MailBounced(MailFate),
    "mail.acknowledged" 1 MailAcknowledged(MailFate),

    "policy.activated" 2 PolicyActivated(PolicyActivated),
    "recipients.changed" 1 RecipientsChanged(RecipientsChanged),
    "user.created" 1 UserCreated(UserNamed),
    "user.revoked" 1 UserRevoked(UserNamed),
    "key.created" 2 KeyCreated(KeyCreated),
    "key.revoked" 1 KeyRevoked(KeyRevoked),
    "session.ended" 1 SessionEnded(SessionEnded),
    "request.answered" 1 RequestAnswered(RequestAnswered),
    "record.erased" 1 RecordErased(RecordErased),
    "log.checkpoint_signed" 1 CheckpointSigned(CheckpointSigned),
}

impl Event {
    /// Returns the ticket that an event of a ticket's stream is about.
    #[must_use]
    pub fn ticket(&self) -> Option<&str> {
        Some(match self {
            Self::ComplaintReceived(e) => &e.ticket,
            Self::ComplaintSupplemented(e) => &e.ticket,
            Self::ComplaintCorrected(e) => &e.ticket,
            Self::ComplaintQueued(e) => &e.ticket,
            Self::ComplaintAttributed(e) => &e.ticket,
            Self::AttributionUndone(e) => &e.ticket,
            Self::ComplaintSetAside(e) => &e.ticket,
            Self::ComplaintAnswered(e)
            | Self::ComplaintResolved(e)
            | Self::ComplaintClosedUnresolved(e)
            | Self::ComplaintWithdrawn(e)
            | Self::ComplaintMerged(e)
            | Self::ComplaintSettledInShop(e) => &e.ticket,
            Self::ComplaintRated(e) => &e.ticket,
            Self::ReplyRecorded(e) => &e.ticket,
            Self::RefundPromised(e) | Self::RefundPaid(e) => &e.ticket,
            Self::PassedToEnterprise(e) => &e.ticket,
            _ => return None,
        })
    }

    /// Says whether the event is about a ticket that came without a credit code, as such.
    #[must_use]
    pub const fn is_of_queue(&self) -> bool {
        matches!(
            self,
            Self::ComplaintQueued(_)
                | Self::ComplaintAttributed(_)
                | Self::AttributionUndone(_)
                | Self::ComplaintSetAside(_)
        )
    }
}
