//! How events change what is known about a merchant.

use super::code::CreditCode;
use super::code_key::code;
use super::envelope::Position;
use super::event::{
    ComplaintStep, Event, ExitNotice, ExitStep, Filing, Guarantee, ListEntered, ListRemoved, MerchantDetails,
};
use super::merchant::{
    Act, Amount, Assigned, Complaint, Dated, Evidence, ExitItem, FilingStep, GuaranteeItem, LastEvidence, Listing,
    Merchant, RatioItem, RegisterRow, Signal, add, put,
};
use super::time::{Day, Instant};
use super::words::{EnforcementKind, ExitAction, FilingStatus, Outcome};
use sha2::{Digest as _, Sha256};
use thin_vec::ThinVec;

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

/// Returns the fingerprint of what a row said: the first 64 bits of SHA-256 over its kind and content. A registration
/// and a change of details are the same kind of row. Compared within one merchant only, where 64 bits are plenty.
#[must_use]
pub fn fingerprint(event: &Event, data: &str) -> u64 {
    let kind = match event {
        Event::MerchantRegistered(_) | Event::MerchantDetailsChanged(_) => "merchant",
        other => other.event_type(),
    };
    let mut hash = Sha256::new();
    hash.update(kind.as_bytes());
    hash.update([0]);
    hash.update(data.as_bytes());
    hash.finalize().first_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

/// Returns the fingerprint that a merchant keeps of an event; `None` for events of tickets, which are known by their
/// ticket, and for what is no evidence.
#[must_use]
pub fn said(event: &Event, data: &str) -> Option<u64> {
    (evidence_about(event).is_some() && !is_of_ticket(event)).then(|| fingerprint(event, data))
}

const fn is_of_ticket(event: &Event) -> bool {
    matches!(
        event,
        Event::ComplaintReceived(_)
            | Event::ComplaintSupplemented(_)
            | Event::ComplaintAnswered(_)
            | Event::ComplaintResolved(_)
            | Event::ComplaintClosedUnresolved(_)
            | Event::ComplaintWithdrawn(_)
            | Event::ComplaintMerged(_)
            | Event::ComplaintSettledInShop(_)
            | Event::ComplaintRated(_)
            | Event::RefundPromised(_)
            | Event::RefundPaid(_)
    )
}

/// Returns the merchant that an event is evidence about; `None` for what the service or its keepers recorded.
#[must_use]
pub const fn evidence_about(event: &Event) -> Option<CreditCode> {
    Some(match event {
        Event::MerchantRegistered(e) | Event::MerchantDetailsChanged(e) => e.credit_code,
        Event::SectorAssigned(e) => e.credit_code,
        Event::ShopOpened(e) => e.credit_code,
        Event::ShopLinked(e) => e.credit_code,
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
        Event::ComplaintSupplemented(e) => e.credit_code,
        Event::ComplaintAnswered(e)
        | Event::ComplaintResolved(e)
        | Event::ComplaintClosedUnresolved(e)
        | Event::ComplaintWithdrawn(e)
        | Event::ComplaintMerged(e)
        | Event::ComplaintSettledInShop(e) => e.credit_code,
        Event::ComplaintRated(e) => e.credit_code,
        Event::RefundPromised(e) | Event::RefundPaid(e) => e.credit_code,
        Event::WarningLetterIssued(e)
        | Event::YellowCardPosted(e)
        | Event::YellowCardRemoved(e)
        | Event::TalkHeld(e)
        | Event::RectificationMet(e)
        | Event::RectificationMissed(e)
        | Event::PenaltyDecided(e) => e.credit_code,
        Event::RectificationOrdered(e) => e.credit_code,
        Event::LeadTransferred(e) | Event::LeadAccepted(e) | Event::LeadReturned(e) => e.credit_code,
        Event::JointCheckProposed(e) | Event::JointCheckConfirmed(e) | Event::JointCheckDone(e) => e.credit_code,
        _ => return None,
    })
}

impl Merchant {
    /// Takes one event about this merchant into account. `data` is the payload as stored.
    pub fn apply(&mut self, stamp: Stamp, event: &Event, data: &str) {
        self.fold(stamp, event, said(event, data));
    }

    /// Takes one event about this merchant into account, whose fingerprint ([`said`]) is known.
    pub fn fold(&mut self, stamp: Stamp, event: &Event, said: Option<u64>) {
        if evidence_about(event).is_none() {
            return;
        }
        self.last =
            Some(LastEvidence { position: stamp.position, recorded_at: stamp.recorded_at, history: stamp.history });
        if self.apply_complaint(stamp.position, event) {
            return;
        }
        self.revision += 1;
        if let Some(print) = said
            && let Err(place) = self.said.binary_search(&print)
        {
            put(&mut self.said, place, print);
        }
        self.apply_fact(stamp.position, event);
    }

    fn apply_fact(&mut self, position: Position, event: &Event) {
        match event {
            Event::MerchantRegistered(details) | Event::MerchantDetailsChanged(details) => {
                add(&mut self.rows, row(position, details));
            }
            Event::ShopOpened(shop) => {
                self.shop_index(shop.mall.as_deref(), shop.unit.as_deref(), position);
            }
            Event::SectorAssigned(assigned) => insert(
                &mut self.sectors,
                Assigned { effective_on: assigned.effective_on, position, sector: assigned.sector.as_str().into() },
            ),
            Event::FilingSubmitted(filing) => self.filing(position, filing, FilingStatus::Submitted),
            Event::FilingAccepted(filing) => self.filing(position, filing, FilingStatus::Accepted),
            Event::FilingReturned(filing) => self.filing(position, filing, FilingStatus::Returned),
            Event::FilingCancelled(filing) => self.filing(position, filing, FilingStatus::Cancelled),
            Event::PrepaidReported(report) => {
                insert(&mut self.balances, Amount { date: report.date, position, amount: report.outstanding });
            }
            Event::CustodyReported(report) => {
                insert(&mut self.custody, Amount { date: report.date, position, amount: report.held });
            }
            Event::AbnormalFlowReported(report) => insert(&mut self.flows, Dated { date: report.date, position }),
            Event::GuaranteePosted(Guarantee { from, until, amount, .. }) => {
                add(&mut self.guarantees, GuaranteeItem { from: *from, until: *until, position, amount: *amount });
            }
            Event::ExitNoticePosted(notice) => self.exit_notice(position, notice, ExitAction::Post),
            Event::ExitNoticeAmended(notice) => self.exit_notice(position, notice, ExitAction::Amend),
            Event::ExitNoticeWithdrawn(step) => self.exit_step(position, step, ExitAction::Withdraw),
            Event::ShopClosed(step) => self.exit_step(position, step, ExitAction::Close),
            Event::SignalRaised(raised) => {
                let shop = self.shop_index(raised.mall.as_deref(), raised.unit.as_deref(), position);
                let same =
                    |signal: &Signal| (signal.shop, signal.kind, signal.date) == (shop, raised.kind, raised.date);
                // Told again with another figure it is the same signal, and stays cleared if it was.
                if !self.signals.iter().any(same) {
                    let cleared = ThinVec::new();
                    let signal = Signal { shop, kind: raised.kind, date: raised.date, position, cleared };
                    add(&mut self.signals, signal);
                }
            }
            Event::SignalCleared(cleared) => {
                let shop = self.shop_index(cleared.mall.as_deref(), cleared.unit.as_deref(), position);
                let named = |signal: &&mut Signal| {
                    signal.shop == shop && signal.kind == cleared.kind && signal.date == cleared.date
                };
                for signal in self.signals.iter_mut().filter(named) {
                    signal.cleared.push((cleared.cleared_on, position));
                }
            }
            Event::ComplaintRateReported(report) => {
                let shop = self.shop_index(report.mall.as_deref(), report.unit.as_deref(), position);
                add(&mut self.rates, RatioItem { shop, date: report.date, position, ratio: report.ratio });
            }
            Event::PrepaidShareReported(report) => {
                let shop = self.shop_index(report.mall.as_deref(), report.unit.as_deref(), position);
                insert(&mut self.shares, RatioItem { shop, date: report.date, position, ratio: report.ratio });
            }
            Event::Listed(entered) | Event::DeregistrationApplied(entered) => self.entered(position, entered),
            Event::Delisted(removed) | Event::DeregistrationEnded(removed) => self.removed(position, removed),
            Event::RectificationOrdered(order) => {
                self.act(position, order.date, EnforcementKind::RectificationOrdered, Some(order.due_on));
            }
            Event::RectificationMet(act) => self.act(position, act.date, EnforcementKind::RectificationMet, None),
            Event::PenaltyDecided(act) => self.act(position, act.date, EnforcementKind::Penalty, None),
            Event::WarningLetterIssued(act) => self.act(position, act.date, EnforcementKind::WarningLetter, None),
            Event::YellowCardPosted(act) => self.act(position, act.date, EnforcementKind::YellowCard, None),
            Event::TalkHeld(act) => self.act(position, act.date, EnforcementKind::Talk, None),
            // Part of the contract, but no fact rests on them yet.
            _ => {}
        }
    }

    fn filing(&mut self, position: Position, filing: &Filing, status: FilingStatus) {
        insert(
            &mut self.filings,
            FilingStep { date: filing.date, position, status, bank: filing.bank.as_deref().map(Box::from) },
        );
    }

    fn exit_notice(&mut self, position: Position, notice: &ExitNotice, action: ExitAction) {
        let item = ExitItem { date: notice.date, position, action, planned_on: Some(notice.planned_on) };
        self.exit(notice.mall.as_deref(), notice.unit.as_deref(), item);
    }

    fn exit_step(&mut self, position: Position, step: &ExitStep, action: ExitAction) {
        let item = ExitItem { date: step.date, position, action, planned_on: step.planned_on };
        self.exit(step.mall.as_deref(), step.unit.as_deref(), item);
    }

    fn exit(&mut self, mall: Option<&str>, unit: Option<&str>, item: ExitItem) {
        let index = self.shop_index(mall, unit, item.position);
        if let Some(shop) = usize::try_from(index).ok().and_then(|index| self.shops.get_mut(index)) {
            insert(&mut shop.exits, item);
        }
    }

    fn entered(&mut self, position: Position, entered: &ListEntered) {
        let removed = ThinVec::new();
        add(&mut self.listings, Listing { list: entered.list, entered_on: entered.entered_on, position, removed });
    }

    fn removed(&mut self, position: Position, removed: &ListRemoved) {
        let entry = |listing: &&mut Listing| listing.list == removed.list && listing.entered_on == removed.entered_on;
        for listing in self.listings.iter_mut().filter(entry) {
            listing.removed.push((removed.removed_on, position));
        }
    }

    fn act(&mut self, position: Position, date: Day, kind: EnforcementKind, due_on: Option<Day>) {
        // Of acts with one date, orders come before completions (docs/SHEETS.md).
        let rank = |kind: EnforcementKind| kind == EnforcementKind::RectificationMet;
        let place = self.acts.partition_point(|act| (act.date, rank(act.kind)) <= (date, rank(kind)));
        put(&mut self.acts, place, Act { date, position, kind, due_on });
    }

    /// Takes an event of a ticket's stream into account; says whether it was one.
    fn apply_complaint(&mut self, position: Position, event: &Event) -> bool {
        let (step, outcome) = match event {
            Event::ComplaintReceived(received) => {
                let complaint = Complaint {
                    ticket: received.ticket.as_str().into(),
                    revision: 1,
                    position,
                    received_at: received.received_at,
                    channel: received.channel,
                    kind: received.kind,
                    amount: received.amount,
                    due: received.due_at.map(|due| (due, position)),
                    answered: None,
                    closed: None,
                };
                add(&mut self.complaints, complaint);
                return true;
            }
            Event::ComplaintSupplemented(more) => {
                if let Some(complaint) = self.complaint_mut(&more.ticket) {
                    complaint.revision += 1;
                    complaint.amount = complaint.amount.or(more.amount);
                    complaint.due = complaint.due.or(more.due_at.map(|due| (due, position)));
                }
                return true;
            }
            Event::ComplaintAnswered(step) => (step, None),
            Event::ComplaintResolved(step) => (step, Some(Outcome::Resolved)),
            Event::ComplaintClosedUnresolved(step) => (step, Some(Outcome::Unresolved)),
            Event::ComplaintWithdrawn(step) => (step, Some(Outcome::Withdrawn)),
            Event::ComplaintMerged(step) => (step, Some(Outcome::Merged)),
            // Part of the contract; no fact rests on them yet, but they count in the ticket's stream.
            Event::ComplaintRated(rated) => return self.count_in_ticket(&rated.ticket),
            Event::ComplaintSettledInShop(ComplaintStep { ticket, .. }) => return self.count_in_ticket(ticket),
            Event::RefundPromised(refund) | Event::RefundPaid(refund) => return self.count_in_ticket(&refund.ticket),
            _ => return false,
        };
        if let Some(complaint) = self.complaint_mut(&step.ticket) {
            complaint.revision += 1;
            match outcome {
                None => complaint.answered = complaint.answered.or(Some((step.at, position))),
                Some(outcome) => complaint.closed = complaint.closed.or(Some((step.at, position, outcome))),
            }
        }
        true
    }

    fn count_in_ticket(&mut self, ticket: &str) -> bool {
        if let Some(complaint) = self.complaint_mut(ticket) {
            complaint.revision += 1;
        }
        true
    }

    fn complaint_mut(&mut self, ticket: &str) -> Option<&mut Complaint> {
        // Newest first: follow-ups mostly speak of recent tickets.
        self.complaints.iter_mut().rev().find(|complaint| &*complaint.ticket == ticket)
    }

    /// Returns a complaint by its ticket, however that is typed; one typed just so goes first.
    #[must_use]
    pub fn complaint(&self, ticket: &str) -> Option<&Complaint> {
        let newest_first = || self.complaints.iter().rev();
        newest_first().find(|complaint| &*complaint.ticket == ticket).or_else(|| {
            let wanted = code(ticket);
            newest_first().find(|complaint| code(&complaint.ticket) == wanted)
        })
    }
}

/// Inserts an item behind all that are dated at or before it, so ties stay in the order recorded.
fn insert<T: Evidence>(items: &mut ThinVec<T>, item: T) {
    let place = items.partition_point(|other| other.date() <= item.date());
    put(items, place, item);
}

fn row(position: Position, details: &MerchantDetails) -> RegisterRow {
    let boxed = |text: &Option<String>| text.as_deref().map(Box::from);
    RegisterRow {
        position,
        name: boxed(&details.name),
        industry_code: boxed(&details.industry_code),
        division_code: details.division_code,
        street: boxed(&details.street),
        legal_representative: boxed(&details.legal_representative),
        legal_representative_digest: boxed(&details.legal_representative_digest),
        brand: boxed(&details.brand),
        founded_on: details.founded_on,
    }
}
