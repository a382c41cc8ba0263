//! What events of a ticket's stream do to its complaint.

use crate::domain::envelope::Position;
use crate::domain::event::{
    ComplaintCorrected, ComplaintRated, ComplaintReceived, ComplaintStep, Event, PassedToEnterprise, Refund,
};
use crate::domain::evidence::{Complaint, Correction, Handling, Reply, add, ended};
use crate::domain::merchant::Merchant;
use crate::domain::words::{Outcome, TicketStep};
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
            Event::ReplyRecorded(said) => {
                if let Some(complaint) = self.complaint_mut(&said.ticket) {
                    complaint.revision += 1;
                    complaint.reply = Some(Box::new(Reply { position, text: said.reply.as_str().into() }));
                }
                return true;
            }
            Event::ComplaintAnswered(step) => (step, None),
            Event::ComplaintResolved(step) => (step, Some(Outcome::Resolved)),
            Event::ComplaintClosedUnresolved(step) => (step, Some(Outcome::Unresolved)),
            Event::ComplaintWithdrawn(step) => (step, Some(Outcome::Withdrawn)),
            Event::ComplaintMerged(step) => (step, Some(Outcome::Merged)),
            Event::ComplaintRated(ComplaintRated { ticket, at, resolved, satisfied, .. }) => {
                let (resolved, satisfied) = (Some(*resolved), Some(*satisfied));
                let rated = Handling { resolved, satisfied, ..Handling::at(position, TicketStep::Rated, *at) };
                return self.handled(ticket, rated);
            }
            Event::ComplaintSettledInShop(ComplaintStep { ticket, at, .. }) => {
                return self.handled(ticket, Handling::at(position, TicketStep::Settled, *at));
            }
            Event::RefundPromised(refund) => return self.refunded(position, refund, TicketStep::Promised),
            Event::RefundPaid(refund) => return self.refunded(position, refund, TicketStep::Paid),
            Event::PassedToEnterprise(PassedToEnterprise { ticket, at, due_at, .. }) => {
                let passed = Handling { due_at: *due_at, ..Handling::at(position, TicketStep::Direct, *at) };
                return self.handled(ticket, passed);
            }
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

    fn refunded(&mut self, position: Position, refund: &Refund, step: TicketStep) -> bool {
        let amount = Some(refund.amount);
        self.handled(&refund.ticket, Handling { amount, ..Handling::at(position, step, refund.at) })
    }

    /// The same done at the same time is one thing: what is said of it last counts.
    fn handled(&mut self, ticket: &str, mut item: Handling) -> bool {
        if let Some(complaint) = self.complaint_mut(ticket) {
            complaint.revision += 1;
            let (step, at) = (item.step, item.at);
            if let Some(stood) = ended(&mut complaint.handling, item.position, |other| other.is(step, at)) {
                item.due_at = item.due_at.or(stood.due_at);
            }
            add(&mut complaint.handling, item);
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
        handling: ThinVec::new(),
        reply: None,
        undone: None,
        mall: received.mall.as_deref().map(Box::from),
    }
}
