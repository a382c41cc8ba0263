//! Entries made by mistake: from the cancellation on they do not stand; what was known before stays as it was.

use crate::domain::code_key::code;
use crate::domain::envelope::Position;
use crate::domain::event::Entry;
use crate::domain::evidence::{ExitItem, RatioItem, Replaced, end_all};
use crate::domain::merchant::Merchant;
use crate::domain::records;
use crate::domain::time::Day;

impl Merchant {
    /// Ends an entry.
    pub(super) fn cancel(&mut self, at: Position, entry: &Entry) {
        match entry {
            Entry::Filing { date } => all_of_day(&mut self.filings, *date, at, |_| true),
            Entry::Balance { date } => all_of_day(&mut self.balances, *date, at, |_| true),
            Entry::Custody { date } => {
                all_of_day(&mut self.custody, *date, at, |_| true);
                all_of_day(&mut self.flows, *date, at, |_| true);
            }
            Entry::Guarantee { kind, amount, from } => {
                end_all(&mut self.guarantees, at, |other| {
                    (other.kind, other.amount, other.from) == (*kind, *amount, *from)
                });
            }
            Entry::Exit { mall, unit, action, date } => {
                if let Some(steps) = self.steps_mut(mall.as_deref(), unit.as_deref()) {
                    all_of_day(steps, *date, at, |step| step.action == *action);
                }
            }
            Entry::Signal { mall, unit, kind, date } => {
                if let Some(shop) = self.shop_place(mall.as_deref(), unit.as_deref()) {
                    end_all(&mut self.signals, at, |signal| signal.is(shop, *kind, *date));
                }
            }
            Entry::ComplaintRate { mall, unit, date } => {
                if let Some(shop) = self.shop_place(mall.as_deref(), unit.as_deref()) {
                    end_all(&mut self.rates, at, |rate: &RatioItem| rate.shop == shop && rate.is_of_month(*date));
                }
            }
            Entry::PrepaidShare { mall, unit, date } => {
                if let Some(shop) = self.shop_place(mall.as_deref(), unit.as_deref()) {
                    all_of_day(&mut self.shares, *date, at, |share| share.shop == shop);
                }
            }
            Entry::Listing { list, entered_on } => {
                end_all(&mut self.listings, at, |entry| entry.is(*list, *entered_on))
            }
            Entry::Act { kind, date, number } => {
                let number = number.as_deref().map(code);
                all_of_day(&mut self.acts, *date, at, |act| {
                    act.kind == *kind && act.number.as_deref() == number.as_deref()
                });
            }
            Entry::Lead { lead, step } => end_all(&mut self.dealings_mut().leads, at, |item| item.is(lead, *step)),
            Entry::JointCheck { check, step } => {
                end_all(&mut self.dealings_mut().checks, at, |item| item.is(check, *step))
            }
            Entry::Case { number } => end_all(&mut self.dealings_mut().cases, at, |item| item.is(number)),
            Entry::Ticket { ticket, channel, step, at: done_at } => {
                for complaint in self.complaints.iter_mut().filter(|complaint| complaint.is_ticket(ticket, *channel)) {
                    end_all(&mut complaint.handling, at, |item| item.is(*step, *done_at));
                }
            }
            other => records::cancel(self, at, other),
        }
    }

    fn steps_mut(&mut self, mall: Option<&str>, unit: Option<&str>) -> Option<&mut [ExitItem]> {
        let place = usize::try_from(self.shop_place(mall, unit)?).ok()?;
        self.shops.get_mut(place).map(|shop| &mut *shop.exits)
    }
}

fn all_of_day<T: Replaced>(items: &mut [T], day: Day, at: Position, same: impl Fn(&T) -> bool) {
    end_all(items, at, |item| item.date() == day && same(item));
}
