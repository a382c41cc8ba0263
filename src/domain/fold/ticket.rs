//! What events of a ticket's stream do to its complaint.

use crate::domain::envelope::Position;
use crate::domain::event::{ComplaintCorrected, ComplaintReceived, ComplaintStep, Event};
use crate::domain::evidence::{Complaint, Correction, add};
use crate::domain::merchant::Merchant;
use crate::domain::words::Outcome;
use thin_vec::ThinVec;

impl Merchant {
    /// Takes an event of a ticket's stream into account; says whether it was one.
    pub(super) fn apply_complaint(&mut self, position: Position, event: &Event) -> bool {
        let (step, outcome) = match event {
            Event::ComplaintReceived(received) => {
                add(&mut self.complaints, first_said(position, received));
                return true;
            }
            Event::ComplaintSupplemented(more) => {
                if let Some(complaint) = self.complaint_mut(&more.ticket) {
                    complaint.revision += 1;
                    complaint.amount = complaint.amount.or(more.amount);
                    complaint.due = complaint.due.or(more.due_at.map(|due| (due, position)));
                    complaint.mall = complaint.mall.take().or(more.mall.as_deref().map(Box::from));
                }
                return true;
            }
            // The complaint follows, as an event of its own.
            Event::ComplaintAttributed(_) => return true,
            Event::AttributionUndone(undone) => {
                if let Some(complaint) = self.complaint_mut(&undone.ticket) {
                    complaint.undone = Some(position);
                }
                return true;
            }
            Event::ComplaintCorrected(corrected) => {
                self.correct(position, corrected);
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

    fn correct(&mut self, position: Position, corrected: &ComplaintCorrected) {
        let Some(complaint) = self.complaint_mut(&corrected.ticket) else { return };
        complaint.revision += 1;
        complaint.amount = corrected.amount.or(complaint.amount);
        complaint.mall = corrected.mall.as_deref().map(Box::from).or(complaint.mall.take());
        complaint.corrections.push(Correction {
            position,
            kind: corrected.kind,
            due_at: corrected.due_at,
            answered_at: corrected.answered_at,
            closed: corrected.closed_at.zip(corrected.outcome),
        });
    }

    fn count_in_ticket(&mut self, ticket: &str) -> bool {
        if let Some(complaint) = self.complaint_mut(ticket) {
            complaint.revision += 1;
        }
        true
    }
}

fn first_said(position: Position, received: &ComplaintReceived) -> Complaint {
    Complaint {
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
        corrections: ThinVec::new(),
        undone: None,
        mall: received.mall.as_deref().map(Box::from),
    }
}
