//! Clocks of complaints (投诉时限): what has to be done about which ticket by when, and what is late.

use super::View;
use crate::alerts::tickets::{Ticking, late, ticking};
use crate::domain::code::CreditCode;
use crate::domain::envelope::Position;
use crate::domain::evidence::Complaint;
use crate::domain::time::Instant;
use crate::policy::complaints::ClockRule;

/// A ticket whose clock runs.
#[derive(Debug, Clone, Copy)]
pub struct TicketRow<'a> {
    /// About whom.
    pub credit_code: CreditCode,
    /// Its name, if it is in the register.
    pub name: Option<&'a str>,
    /// The ticket.
    pub complaint: &'a Complaint,
    /// What its clock runs by.
    pub rule: &'a ClockRule,
    /// When the clock began.
    pub since: Instant,
    /// When it runs out.
    pub due_at: Instant,
    /// Steps up that were taken since it ran out.
    pub steps: u16,
}

impl TicketRow<'_> {
    /// Says whether its time is over.
    #[must_use]
    pub fn is_late(&self, now: Instant) -> bool {
        self.due_at <= now
    }
}

impl<'a> View<'a> {
    /// Returns the tickets whose clock runs, the soonest due first: those that are followed, or the late ones of them only.
    #[must_use]
    pub fn tickets(&self, late_only: bool) -> Vec<TicketRow<'a>> {
        let view = *self;
        let goes_on = |_: &Ticking<'a>| view.limit.is_none_or(|limit| !limit.is_over());
        let mut found: Vec<TicketRow<'a>> = if late_only {
            late(self.tickets, self.policies, self.now)
                .take_while(goes_on)
                .filter_map(|one| self.ticket_row(one))
                .collect()
        } else {
            ticking(self.tickets, self.policies).take_while(goes_on).filter_map(|one| self.ticket_row(one)).collect()
        };
        sort(&mut found);
        found
    }

    /// Returns those about one merchant.
    #[must_use]
    pub fn tickets_of(&self, code: CreditCode) -> Vec<TicketRow<'a>> {
        let Some(merchant) = self.merchant(code) else { return Vec::new() };
        let reader = self.reader(merchant);
        let seen = merchant.complaints.iter().filter(|complaint| reader.sees_complaint(complaint));
        let mut found: Vec<TicketRow<'a>> = seen.filter_map(|complaint| self.clock_of(code, complaint)).collect();
        sort(&mut found);
        found
    }

    /// Returns the clock that runs for a complaint by law, followed or not.
    #[must_use]
    pub fn clock_of(&self, credit_code: CreditCode, complaint: &'a Complaint) -> Option<TicketRow<'a>> {
        let clock = complaint.clock(Position::MAX)?;
        let rule = self.policies.pack.complaints.as_ref()?.rule(complaint.channel, clock)?;
        let name = self.world.get(credit_code).and_then(|merchant| merchant.name(Position::MAX));
        let due_at = rule.due_at(clock.since, &self.policies.calendar);
        let told = self.tickets.told(&(credit_code, (&*complaint.ticket).into()), clock);
        let steps = told.map_or(0, |told| told.step);
        Some(TicketRow { credit_code, name, complaint, rule, since: clock.since, due_at, steps })
    }

    fn ticket_row(&self, one: Ticking<'a>) -> Option<TicketRow<'a>> {
        let (code, ticket) = one.key;
        let merchant = self.merchant(*code)?;
        let complaint =
            merchant.complaint(ticket).filter(|complaint| self.reader(merchant).sees_complaint(complaint))?;
        Some(TicketRow {
            credit_code: *code,
            name: merchant.name(Position::MAX),
            complaint,
            rule: one.rule,
            since: one.run.clock.since,
            due_at: one.due_at,
            steps: one.told.map_or(0, |told| told.step),
        })
    }
}

fn sort(found: &mut [TicketRow<'_>]) {
    found.sort_unstable_by(|a, b| a.due_at.cmp(&b.due_at).then_with(|| a.complaint.ticket.cmp(&b.complaint.ticket)));
}
