//! What a merchant's own events do to its items: what is said last about one thing stands, and ends what stood before.

use crate::domain::code_key::code;
use crate::domain::dealings::Dealings;
use crate::domain::envelope::Position;
use crate::domain::event::{
    EnforcementAct, Event, ExitNotice, ExitStep, Filing, Guarantee, ListEntered, ListRemoved, MerchantDetails,
};
use crate::domain::evidence::{
    Act, Alias, Amount, Assigned, CustodyReport, Dated, Evidence, ExitItem, FilingStep, GuaranteeItem, Listing,
    RatioItem, RegisterRow, Replaced, STANDING, Signal, add, put,
};
use crate::domain::mark::Mark;
use crate::domain::merchant::Merchant;
use crate::domain::records::{self, Records};
use crate::domain::time::Day;
use crate::domain::words::{EnforcementKind, ExitAction, FilingAction, JointCheckStep, LeadStep};
use thin_vec::ThinVec;

const UNTIL: Position = STANDING;

impl Merchant {
    pub(super) fn apply_fact(&mut self, position: Position, event: &Event) {
        match event {
            Event::MerchantRegistered(details) | Event::MerchantDetailsChanged(details) => {
                add(&mut self.rows, row(position, details));
            }
            Event::ShopOpened(shop) => {
                self.shop_index(shop.mall.as_deref(), shop.unit.as_deref(), position);
            }
            Event::AliasRecorded(row) => {
                let place = |text: &Option<String>| text.as_deref().map(Into::into);
                let (name, mall, street) = (row.alias.as_str().into(), place(&row.mall), place(&row.street));
                add(&mut self.aliases, Alias { position, until: STANDING, name, mall, street });
            }
            Event::AliasWithdrawn(row) => {
                let stands = |alias: &&mut Alias| alias.until == STANDING && alias.is(row);
                self.aliases.iter_mut().filter(stands).for_each(|alias| alias.until = position);
            }
            Event::SectorAssigned(assigned) => insert(
                &mut self.sectors,
                Assigned { effective_on: assigned.effective_on, position, sector: assigned.sector.as_str().into() },
            ),
            Event::FilingSubmitted(filing) => self.filing(position, filing, FilingAction::Submitted),
            Event::FilingAccepted(filing) => self.filing(position, filing, FilingAction::Accepted),
            Event::FilingReturned(filing) => self.filing(position, filing, FilingAction::Returned),
            Event::FilingCancelled(filing) => self.filing(position, filing, FilingAction::Cancelled),
            Event::FilingVolunteered(filing) => self.filing(position, filing, FilingAction::Volunteered),
            Event::FilingAmended(filing) => self.filing(position, filing, FilingAction::Amended),
            Event::PrepaidReported(report) => {
                let revenue = report.revenue_last_year.map(|revenue| revenue.to_string());
                let stood = end_of_day(&mut self.balances, report.date, position, |_| true);
                let revenue = Mark::of(revenue.as_deref()).or(stood.map_or(Mark::NONE, |stood| stood.revenue));
                let item = Amount { date: report.date, position, until: UNTIL, amount: report.outstanding, revenue };
                insert(&mut self.balances, item);
            }
            Event::CustodyReported(report) => {
                end_of_day(&mut self.custody, report.date, position, |_| true);
                let (date, amount, abnormal) = (report.date, report.held, report.abnormal);
                insert(&mut self.custody, CustodyReport { date, position, until: UNTIL, amount, abnormal });
            }
            Event::AbnormalFlowReported(report) => {
                insert(&mut self.flows, Dated { date: report.date, position, until: UNTIL });
            }
            Event::GuaranteePosted(Guarantee { kind, from, until, amount, .. }) => {
                end(&mut self.guarantees, position, |other| {
                    (other.kind, other.from, other.amount) == (*kind, *from, *amount)
                });
                let (from, until, kind, amount) = (*from, *until, *kind, *amount);
                add(&mut self.guarantees, GuaranteeItem { from, until, position, until_known: UNTIL, kind, amount });
            }
            Event::ExitNoticePosted(notice) => self.exit_notice(position, notice, ExitAction::Post),
            Event::ExitNoticeAmended(notice) => self.exit_notice(position, notice, ExitAction::Amend),
            Event::ExitNoticeWithdrawn(step) => self.exit_step(position, step, ExitAction::Withdraw),
            Event::ShopClosed(step) => self.exit_step(position, step, ExitAction::Close),
            Event::ShopReopened(step) => self.exit_step(position, step, ExitAction::Reopen),
            Event::SignalRaised(raised) => {
                let shop = self.shop_index(raised.mall.as_deref(), raised.unit.as_deref(), position);
                let value = Mark::of(raised.value.as_deref());
                // Told again with another figure it is the same signal, and stays cleared if it was.
                match self.signals.iter_mut().find(|signal| signal.is(shop, raised.kind, raised.date)) {
                    Some(same) => same.value = value.or(same.value),
                    None => {
                        let (kind, date, cleared) = (raised.kind, raised.date, ThinVec::new());
                        add(&mut self.signals, Signal { shop, kind, date, position, until: UNTIL, value, cleared });
                    }
                }
            }
            Event::SignalCleared(cleared) => {
                let shop = self.shop_index(cleared.mall.as_deref(), cleared.unit.as_deref(), position);
                let named = |signal: &&mut Signal| signal.is(shop, cleared.kind, cleared.date);
                for signal in self.signals.iter_mut().filter(named) {
                    signal.cleared.push((cleared.cleared_on, position));
                }
            }
            Event::ComplaintRateReported(report) => {
                let shop = self.shop_index(report.mall.as_deref(), report.unit.as_deref(), position);
                end(&mut self.rates, position, |other| (other.shop, other.date) == (shop, report.date));
                let (date, ratio) = (report.date, report.ratio);
                add(&mut self.rates, RatioItem { shop, date, position, until: UNTIL, ratio });
            }
            Event::PrepaidShareReported(report) => {
                let shop = self.shop_index(report.mall.as_deref(), report.unit.as_deref(), position);
                end_of_day(&mut self.shares, report.date, position, |other| other.shop == shop);
                let (date, ratio) = (report.date, report.ratio);
                insert(&mut self.shares, RatioItem { shop, date, position, until: UNTIL, ratio });
            }
            Event::Listed(entered) | Event::DeregistrationApplied(entered) => self.entered(position, entered),
            Event::Delisted(removed) | Event::DeregistrationEnded(removed) => self.removed(position, removed),
            Event::RectificationOrdered(order) => {
                let (kind, due_on) = (EnforcementKind::RectificationOrdered, Some(order.due_on));
                self.act(act_of(position, order.date, kind, due_on, order.number.as_deref()));
            }
            Event::RectificationMet(act) => self.plain_act(position, act, EnforcementKind::RectificationMet),
            Event::RectificationMissed(act) => {
                self.plain_act(position, act, EnforcementKind::RectificationMissed);
            }
            Event::PenaltyDecided(act) => self.plain_act(position, act, EnforcementKind::Penalty),
            Event::WarningLetterIssued(act) => self.plain_act(position, act, EnforcementKind::WarningLetter),
            Event::YellowCardPosted(act) => self.plain_act(position, act, EnforcementKind::YellowCard),
            Event::YellowCardRemoved(act) => self.plain_act(position, act, EnforcementKind::YellowCardRemoved),
            Event::TalkHeld(act) => self.plain_act(position, act, EnforcementKind::Talk),
            Event::SiteChecked(check) => {
                let kind = EnforcementKind::OnSiteCheck;
                let act = act_of(position, check.date, kind, check.due_on, check.number.as_deref());
                self.act(Act { result: Mark::of(Some(&check.result)), ..act });
            }
            Event::LeadTransferred(lead) => self.dealings_mut().transfer(position, lead),
            Event::LeadAccepted(lead) => self.dealings_mut().answer(position, lead, LeadStep::Accepted),
            Event::LeadReturned(lead) => self.dealings_mut().answer(position, lead, LeadStep::Returned),
            Event::JointCheckProposed(check) => {
                self.dealings_mut().joint_check(position, check, JointCheckStep::Proposed);
            }
            Event::JointCheckConfirmed(check) => {
                self.dealings_mut().joint_check(position, check, JointCheckStep::Confirmed);
            }
            Event::JointCheckDone(check) => self.dealings_mut().joint_check(position, check, JointCheckStep::Done),
            Event::CaseOpened(case) => self.dealings_mut().open_case(position, case),
            Event::DocumentIssued(document) => self.dealings_mut().issue(position, document),
            Event::EntryCancelled(cancelled) => self.cancel(position, &cancelled.entry),
            // What is on record beside the evidence of a light; the rest is read and kept by nobody.
            other => {
                records::apply(self, position, other);
            }
        }
    }

    fn filing(&mut self, position: Position, filing: &Filing, action: FilingAction) {
        let amends = action == FilingAction::Amended;
        let stood = end_of_day(&mut self.filings, filing.date, position, |step| step.amends() == amends).cloned();
        let (stood_bank, stood_tail) = stood.map_or((None, Mark::NONE), |stood| (stood.bank, stood.account_tail));
        let bank = filing.bank.as_deref().map(Box::from).or(stood_bank);
        let tail = filing.account_tail.as_deref().map(code);
        let account_tail = Mark::of(tail.as_deref()).or(stood_tail);
        let item = FilingStep { date: filing.date, position, action, until: UNTIL, bank, account_tail };
        insert(&mut self.filings, item);
    }

    fn exit_notice(&mut self, position: Position, notice: &ExitNotice, action: ExitAction) {
        let item = ExitItem {
            date: notice.date,
            position,
            until: UNTIL,
            action,
            planned_on: Some(notice.planned_on),
            refund_plan: Mark::of(notice.refund_plan.as_deref()),
            reason: Mark::of(notice.reason.as_deref()),
        };
        self.exit(notice.mall.as_deref(), notice.unit.as_deref(), item);
    }

    fn exit_step(&mut self, position: Position, step: &ExitStep, action: ExitAction) {
        let item = ExitItem {
            date: step.date,
            position,
            until: UNTIL,
            action,
            planned_on: step.planned_on,
            refund_plan: Mark::of(step.refund_plan.as_deref()),
            reason: Mark::of(step.reason.as_deref()),
        };
        self.exit(step.mall.as_deref(), step.unit.as_deref(), item);
    }

    fn exit(&mut self, mall: Option<&str>, unit: Option<&str>, mut item: ExitItem) {
        let index = self.shop_index(mall, unit, item.position);
        let Some(shop) = usize::try_from(index).ok().and_then(|index| self.shops.get_mut(index)) else { return };
        if let Some(stood) = end_of_day(&mut shop.exits, item.date, item.position, |other| other.action == item.action)
        {
            item.planned_on = item.planned_on.or(stood.planned_on);
            item.refund_plan = item.refund_plan.or(stood.refund_plan);
            item.reason = item.reason.or(stood.reason);
        }
        insert(&mut shop.exits, item);
    }

    fn entered(&mut self, position: Position, entered: &ListEntered) {
        if self.listings.iter().any(|listing| listing.is(entered.list, entered.entered_on)) {
            return;
        }
        let (list, entered_on, removed) = (entered.list, entered.entered_on, ThinVec::new());
        add(&mut self.listings, Listing { list, entered_on, position, until: UNTIL, removed });
    }

    fn removed(&mut self, position: Position, removed: &ListRemoved) {
        let named = |listing: &&mut Listing| listing.is(removed.list, removed.entered_on);
        for listing in self.listings.iter_mut().filter(named) {
            listing.removed.push((removed.removed_on, position));
        }
    }

    pub(super) fn dealings_mut(&mut self) -> &mut Dealings {
        self.dealings.get_or_insert_default()
    }

    pub(in crate::domain) fn records_mut(&mut self) -> &mut Records {
        self.records.get_or_insert_default()
    }

    fn plain_act(&mut self, position: Position, act: &EnforcementAct, kind: EnforcementKind) {
        self.act(act_of(position, act.date, kind, act.due_on, act.number.as_deref()));
    }

    fn act(&mut self, mut act: Act) {
        // Without a number only what is alike in every cell is one act.
        let same = |other: &Act| {
            other.kind == act.kind
                && other.number == act.number
                && (act.number.is_some() || (other.due_on, other.result) == (act.due_on, act.result))
        };
        let stood = end_of_day(&mut self.acts, act.date, act.position, same).and_then(|stood| stood.due_on);
        // Of acts with one date, orders come before completions (docs/SHEETS.md).
        let rank = |kind: EnforcementKind| kind == EnforcementKind::RectificationMet;
        let place = self.acts.partition_point(|other| (other.date, rank(other.kind)) <= (act.date, rank(act.kind)));
        act.due_on = act.due_on.or(stood);
        put(&mut self.acts, place, act);
    }
}

fn act_of(position: Position, date: Day, kind: EnforcementKind, due_on: Option<Day>, number: Option<&str>) -> Act {
    let number = number.map(|number| code(number).into());
    Act { date, position, kind, until: UNTIL, due_on, number, result: Mark::NONE }
}

/// Ends what stands for the same thing. Returns it, for what a later row left out.
fn end<T: Replaced>(items: &mut [T], at: Position, same: impl Fn(&T) -> bool) -> Option<&T> {
    let stood = items.iter_mut().rev().find(|item| item.until() == STANDING && same(item))?;
    stood.end(at);
    Some(stood)
}

/// The same where items are kept by date.
fn end_of_day<T: Replaced>(items: &mut [T], day: Day, at: Position, same: impl Fn(&T) -> bool) -> Option<&T> {
    let first = items.partition_point(|item| item.date() < day);
    let behind = items.partition_point(|item| item.date() <= day);
    end(items.get_mut(first..behind)?, at, same)
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
