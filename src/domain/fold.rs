//! How events change what is known about a merchant.

mod cancel;
mod items;
mod ticket;

use super::code::CreditCode;
use super::code_key::code;
use super::envelope::Position;
use super::event::Event;
use super::evidence::Complaint;
use super::merchant::{LastEvidence, Merchant};
use super::time::Instant;

/// Where and when an event was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Place in the log.
    pub position: Position,
    /// Time of recording.
    pub recorded_at: Instant,
    /// Imported as history.
    pub history: bool,
}

/// Returns the merchant that an event is evidence about; `None` for what the service or its keepers recorded.
#[must_use]
pub const fn evidence_about(event: &Event) -> Option<CreditCode> {
    Some(match event {
        Event::MerchantRegistered(e) | Event::MerchantDetailsChanged(e) => e.credit_code,
        Event::SectorAssigned(e) => e.credit_code,
        Event::AliasRecorded(e) | Event::AliasWithdrawn(e) => e.credit_code,
        Event::ShopOpened(e) => e.credit_code,
        Event::ShopLinked(e) => e.credit_code,
        Event::MerchantReplied(e) => e.credit_code,
        Event::ObjectionRaised(e) => e.credit_code,
        Event::DeregistrationApplied(e) | Event::Listed(e) => e.credit_code,
        Event::DeregistrationEnded(e) | Event::Delisted(e) => e.credit_code,
        Event::FilingSubmitted(e)
        | Event::FilingAccepted(e)
        | Event::FilingReturned(e)
        | Event::FilingAmended(e)
        | Event::FilingCancelled(e)
        | Event::FilingVolunteered(e) => e.credit_code,
        Event::PrepaidReported(e) => e.credit_code,
        Event::AccountOpened(e) | Event::AccountClosed(e) => e.credit_code,
        Event::CustodyReported(e) => e.credit_code,
        Event::AbnormalFlowReported(e) => e.credit_code,
        Event::GuaranteePosted(e) | Event::GuaranteeExpired(e) => e.credit_code,
        Event::LeaseRecorded(e) => e.credit_code,
        Event::PapersChecked(e) => e.credit_code,
        Event::ExitNoticePosted(e) | Event::ExitNoticeAmended(e) => e.credit_code,
        Event::ExitNoticeWithdrawn(e) | Event::ShopClosed(e) | Event::ShopReopened(e) => e.credit_code,
        Event::SignalRaised(e) => e.credit_code,
        Event::SignalCleared(e) => e.credit_code,
        Event::ComplaintRateReported(e) | Event::PrepaidShareReported(e) => e.credit_code,
        Event::ComplaintReceived(e) => e.credit_code,
        Event::ComplaintAttributed(e) => e.credit_code,
        Event::AttributionUndone(e) => return e.credit_code,
        Event::ComplaintSupplemented(e) => e.credit_code,
        Event::ComplaintCorrected(e) => e.credit_code,
        Event::EntryCancelled(e) => e.credit_code,
        Event::ComplaintAnswered(e)
        | Event::ComplaintResolved(e)
        | Event::ComplaintClosedUnresolved(e)
        | Event::ComplaintWithdrawn(e)
        | Event::ComplaintMerged(e)
        | Event::ComplaintSettledInShop(e) => e.credit_code,
        Event::ComplaintRated(e) => e.credit_code,
        Event::ReplyRecorded(e) => e.credit_code,
        Event::RefundPromised(e) | Event::RefundPaid(e) => e.credit_code,
        Event::PassedToEnterprise(e) => e.credit_code,
        Event::GreyListed(e) => e.credit_code,
        Event::GreyDelisted(e) => e.credit_code,
        Event::PersonLocked(e) => e.credit_code,
        Event::PersonUnlocked(e) => e.credit_code,
        Event::WarningLetterIssued(e)
        | Event::YellowCardPosted(e)
        | Event::YellowCardRemoved(e)
        | Event::TalkHeld(e)
        | Event::RectificationMet(e)
        | Event::RectificationMissed(e)
        | Event::PenaltyDecided(e) => e.credit_code,
        Event::RectificationOrdered(e) => e.credit_code,
        Event::SiteChecked(e) => e.credit_code,
        Event::CaseOpened(e) => e.credit_code,
        Event::DocumentIssued(e) => e.credit_code,
        Event::LeadTransferred(e) => e.credit_code,
        Event::LeadAccepted(e) | Event::LeadReturned(e) => e.credit_code,
        Event::JointCheckProposed(e) | Event::JointCheckConfirmed(e) | Event::JointCheckDone(e) => e.credit_code,
        _ => return None,
    })
}

impl Merchant {
    /// Takes one event about this merchant into account.
    pub fn fold(&mut self, stamp: Stamp, event: &Event) {
        if evidence_about(event).is_none() {
            return;
        }
        self.last =
            Some(LastEvidence { position: stamp.position, recorded_at: stamp.recorded_at, history: stamp.history });
        if self.apply_complaint(stamp.position, event) {
            return;
        }
        self.revision += 1;
        self.apply_fact(stamp.position, event);
    }

    fn complaint_mut(&mut self, ticket: &str) -> Option<&mut Complaint> {
        // Newest first: follow-ups mostly speak of recent tickets.
        self.complaints.iter_mut().rev().find(|complaint| &*complaint.ticket == ticket)
    }

    /// Returns a complaint by its ticket, however that is typed; one typed just so goes first.
    #[must_use]
    pub fn complaint(&self, ticket: &str) -> Option<&Complaint> {
        let newest_first = || self.complaints.iter().rev().filter(|complaint| complaint.undone.is_none());
        newest_first().find(|complaint| &*complaint.ticket == ticket).or_else(|| {
            let wanted = code(ticket);
            newest_first().find(|complaint| code(&complaint.ticket) == wanted)
        })
    }
}
