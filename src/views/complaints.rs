//! Complaints (投诉), newest first; the late ones by when they were due.

use super::View;
use super::tickets::TicketRow;
use crate::domain::code::CreditCode;
use crate::domain::evidence::Complaint;
use crate::domain::merchant::Merchant;

/// Which complaints to show.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ComplaintFilter {
    /// About one merchant only.
    pub credit_code: Option<CreditCode>,
    /// Late only: followed, and the clock ran out.
    pub late: bool,
    /// Not closed only (`true`), closed only (`false`).
    pub open: Option<bool>,
}

impl<'a> View<'a> {
    /// Lists complaints that have been received, newest first; also says how many there are in all.
    #[must_use]
    pub fn complaints(
        &self,
        filter: &ComplaintFilter,
        skip: usize,
        take: usize,
    ) -> (usize, Vec<(CreditCode, &'a Complaint)>) {
        if filter.late {
            let about = |row: &TicketRow<'_>| filter.credit_code.is_none_or(|code| code == row.credit_code);
            let found: Vec<TicketRow<'a>> = self.tickets(true).into_iter().filter(about).collect();
            let shown = found.iter().skip(skip).take(take).map(|row| (row.credit_code, row.complaint)).collect();
            return (found.len(), shown);
        }
        let horizon = self.horizon();
        let merchants: Box<dyn Iterator<Item = &'a Merchant>> = match filter.credit_code {
            Some(code) => Box::new(self.merchant(code).into_iter()),
            None => Box::new(self.merchants()),
        };
        let mut found: Vec<(CreditCode, &Complaint)> = merchants
            .flat_map(|merchant| {
                let reader = self.reader(merchant);
                let seen = merchant
                    .complaints
                    .iter()
                    .filter(move |complaint| complaint.undone.is_none() && reader.sees_complaint(complaint));
                seen.map(|complaint| (merchant.code, complaint))
            })
            .filter(|(_, complaint)| filter.open.is_none_or(|open| open == complaint.outcome(&horizon).is_none()))
            .collect();
        found
            .sort_unstable_by(|(_, a), (_, b)| b.received_at.cmp(&a.received_at).then_with(|| a.ticket.cmp(&b.ticket)));
        (found.len(), found.into_iter().skip(skip).take(take).collect())
    }
}
