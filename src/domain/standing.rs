//! What is said, compared with what stands (docs/FACTS.md): a row that says what stands changes nothing, a row that says something
//! else is a correction. What a row leaves out is not said, and takes nothing back.

use super::code_key::code;
use super::dealings::words_of;
use super::event::{Entry, Event, Filing, JointCheck, Lead, MerchantDetails};
use super::evidence::{Act, Evidence, ExitItem, FilingStep, STANDING, Signal};
use super::merchant::Merchant;
use super::name_key;
use super::records;
use super::text::clean;
use super::time::{Day, NO_END};
use super::words::{EnforcementKind, ExitAction, FilingAction, JointCheckStep, LeadStep, ListKind};

/// Says whether an event would say only what stands already.
#[must_use]
pub fn stands(merchant: &Merchant, event: &Event) -> bool {
    match event {
        Event::MerchantRegistered(row) | Event::MerchantDetailsChanged(row) => details_stand(merchant, row),
        Event::ShopOpened(shop) => merchant.shop_place(shop.mall.as_deref(), shop.unit.as_deref()).is_some(),
        Event::AliasRecorded(row) => merchant.aliases_called(&row.alias).any(|alias| alias.is(row)),
        Event::AliasWithdrawn(row) => !merchant.aliases_called(&row.alias).any(|alias| alias.is(row)),
        Event::SectorAssigned(row) => merchant
            .sectors
            .iter()
            .rfind(|assigned| assigned.effective_on == row.effective_on)
            .is_some_and(|assigned| *assigned.sector == *row.sector),
        Event::FilingSubmitted(row) => filing_stands(merchant, row, FilingAction::Submitted),
        Event::FilingAccepted(row) => filing_stands(merchant, row, FilingAction::Accepted),
        Event::FilingReturned(row) => filing_stands(merchant, row, FilingAction::Returned),
        Event::FilingCancelled(row) => filing_stands(merchant, row, FilingAction::Cancelled),
        Event::FilingVolunteered(row) => filing_stands(merchant, row, FilingAction::Volunteered),
        Event::FilingAmended(row) => filing_stands(merchant, row, FilingAction::Amended),
        Event::PrepaidReported(row) => of_day(&merchant.balances, row.date, |_| true).is_some_and(|stood| {
            let revenue = row.revenue_last_year.map(|revenue| revenue.to_string());
            let (amount, told) = (stood.amount, stood.revenue);
            amount == row.outstanding && !told.differs(revenue.as_deref())
        }),
        Event::CustodyReported(row) => of_day(&merchant.custody, row.date, |_| true)
            .is_some_and(|stood| (stood.amount, stood.abnormal) == (row.held, row.abnormal)),
        Event::AbnormalFlowReported(row) => {
            of_day(&merchant.custody, row.date, |_| true).is_some_and(|stood| stood.abnormal)
        }
        Event::GuaranteePosted(row) => merchant.guarantees.iter().any(|stood| {
            stood.until_known == STANDING
                && (stood.kind, stood.from, stood.amount, stood.until) == (row.kind, row.from, row.amount, row.until)
        }),
        Event::ExitNoticePosted(row) | Event::ExitNoticeAmended(row) => {
            let action = match event {
                Event::ExitNoticePosted(_) => ExitAction::Post,
                _ => ExitAction::Amend,
            };
            let said = Said { planned_on: Some(row.planned_on), refund_plan: &row.refund_plan, reason: &row.reason };
            step_stands(merchant, [&row.mall, &row.unit], action, row.date, &said)
        }
        Event::ExitNoticeWithdrawn(row) | Event::ShopClosed(row) | Event::ShopReopened(row) => {
            let action = match event {
                Event::ShopClosed(_) => ExitAction::Close,
                Event::ShopReopened(_) => ExitAction::Reopen,
                _ => ExitAction::Withdraw,
            };
            let said = Said { planned_on: row.planned_on, refund_plan: &row.refund_plan, reason: &row.reason };
            step_stands(merchant, [&row.mall, &row.unit], action, row.date, &said)
        }
        Event::SignalRaised(row) => {
            let shop = merchant.shop_place(row.mall.as_deref(), row.unit.as_deref());
            let raised = |signal: &&Signal| shop.is_some_and(|shop| signal.is(shop, row.kind, row.date));
            merchant.signals.iter().find(raised).is_some_and(|signal| !signal.value.differs(row.value.as_deref()))
        }
        Event::SignalCleared(row) => {
            let shop = merchant.shop_place(row.mall.as_deref(), row.unit.as_deref());
            let raised = |signal: &&Signal| shop.is_some_and(|shop| signal.is(shop, row.kind, row.date));
            let ends = merchant.signals.iter().find(raised).map(|signal| &*signal.cleared);
            end_stands(ends.and_then(<[_]>::last).map(|(day, _)| *day), row.cleared_on)
        }
        Event::ComplaintRateReported(row) => {
            let shop = merchant.shop_place(row.mall.as_deref(), row.unit.as_deref());
            let of_month = merchant
                .rates
                .iter()
                .rfind(|rate| Some(rate.shop) == shop && rate.until == STANDING && rate.is_of_month(row.date));
            // The rate of a month is one thing; but one dated earlier counts from an earlier day.
            of_month.is_some_and(|rate| rate.ratio == row.ratio && rate.date <= row.date)
        }
        Event::PrepaidShareReported(row) => {
            let shop = merchant.shop_place(row.mall.as_deref(), row.unit.as_deref());
            of_day(&merchant.shares, row.date, |share| Some(share.shop) == shop)
                .is_some_and(|share| share.ratio == row.ratio)
        }
        Event::Listed(row) | Event::DeregistrationApplied(row) => {
            merchant.listings.iter().any(|entry| entry.is(row.list, row.entered_on))
        }
        Event::Delisted(row) | Event::DeregistrationEnded(row) => {
            end_stands(removal(merchant, row.list, row.entered_on), row.removed_on)
        }
        Event::RectificationOrdered(row) => {
            let kind = EnforcementKind::RectificationOrdered;
            act_stands(merchant, kind, row.date, Some(row.due_on), row.number.as_deref())
        }
        Event::RectificationMet(row) => act_row_stands(merchant, EnforcementKind::RectificationMet, row),
        Event::RectificationMissed(row) => act_row_stands(merchant, EnforcementKind::RectificationMissed, row),
        Event::PenaltyDecided(row) => act_row_stands(merchant, EnforcementKind::Penalty, row),
        Event::WarningLetterIssued(row) => act_row_stands(merchant, EnforcementKind::WarningLetter, row),
        Event::YellowCardPosted(row) => act_row_stands(merchant, EnforcementKind::YellowCard, row),
        Event::TalkHeld(row) => act_row_stands(merchant, EnforcementKind::Talk, row),
        Event::YellowCardRemoved(row) => act_row_stands(merchant, EnforcementKind::YellowCardRemoved, row),
        Event::SiteChecked(row) => {
            let number = row.number.as_deref().map(code);
            of_day(&merchant.acts, row.date, |act| {
                act.kind == EnforcementKind::OnSiteCheck
                    && act.number.as_deref() == number.as_deref()
                    && (act.due_on == row.due_on || number.is_some() && row.due_on.is_none())
                    && !act.result.differs(Some(&row.result))
            })
            .is_some()
        }
        Event::LeadTransferred(row) => {
            merchant.dealings().lead(&row.lead, LeadStep::Transferred).is_some_and(|stood| {
                (stood.date, &*stood.authority) == (row.date, row.authority.as_str())
                    && agrees(stood.note.as_deref(), row.note.as_deref())
                    && agrees(stood.reported_on, row.reported_on)
                    && agrees(stood.approved_at, row.approved_at)
                    && agrees(stood.handed_over_at, row.handed_over_at)
            })
        }
        Event::LeadAccepted(row) => answer_stands(merchant, row, LeadStep::Accepted),
        Event::LeadReturned(row) => answer_stands(merchant, row, LeadStep::Returned),
        Event::JointCheckProposed(row) => check_stands(merchant, row, JointCheckStep::Proposed),
        Event::JointCheckConfirmed(row) => check_stands(merchant, row, JointCheckStep::Confirmed),
        Event::JointCheckDone(row) => check_stands(merchant, row, JointCheckStep::Done),
        Event::CaseOpened(row) => {
            merchant.dealings().case(&row.number, row.ticket.as_deref()).is_some_and(|stood| stood.date == row.date)
        }
        Event::DocumentIssued(row) => {
            let stood = merchant.dealings().document(row.kind, &row.number);
            stood.is_some_and(|stood| stood.date == row.date && stood.words == words_of(row))
        }
        other => records::stands(merchant, other),
    }
}

/// How an entry stands that somebody wants to cancel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entered {
    /// It stands.
    Stands,
    /// It was there and does not stand any more.
    Ended,
    /// It was never there.
    Never,
}

/// Says how an entry stands.
#[must_use]
pub fn entered(merchant: &Merchant, entry: &Entry) -> Entered {
    match entry {
        Entry::Filing { date } => among(&merchant.filings, |step| step.date == *date),
        Entry::Balance { date } => among(&merchant.balances, |report| report.date() == *date),
        Entry::Custody { date } => among(&merchant.custody, |report| report.date() == *date),
        Entry::Guarantee { kind, amount, from } => {
            among(&merchant.guarantees, |item| (item.kind, item.amount, item.from) == (*kind, *amount, *from))
        }
        Entry::Exit { mall, unit, action, date } => {
            let shop = merchant.shop(mall.as_deref(), unit.as_deref());
            let steps = shop.map(|shop| &*shop.exits).unwrap_or_default();
            among(steps, |step| step.action == *action && step.date == *date)
        }
        Entry::Signal { mall, unit, kind, date } => {
            let shop = merchant.shop_place(mall.as_deref(), unit.as_deref());
            among(&merchant.signals, |signal| Some(signal.shop) == shop && signal.kind == *kind && signal.date == *date)
        }
        Entry::ComplaintRate { mall, unit, date } => {
            let shop = merchant.shop_place(mall.as_deref(), unit.as_deref());
            among(&merchant.rates, |rate| Some(rate.shop) == shop && rate.is_of_month(*date))
        }
        Entry::PrepaidShare { mall, unit, date } => {
            let shop = merchant.shop_place(mall.as_deref(), unit.as_deref());
            among(&merchant.shares, |share| Some(share.shop) == shop && share.date == *date)
        }
        Entry::Listing { list, entered_on } => {
            among(&merchant.listings, |entry| (entry.list, entry.entered_on) == (*list, *entered_on))
        }
        Entry::Act { kind, date, number } => {
            let number = number.as_deref().map(code);
            among(&merchant.acts, |act| {
                (act.kind, act.date) == (*kind, *date) && act.number.as_deref() == number.as_deref()
            })
        }
        Entry::Lead { lead, step } => among(&merchant.dealings().leads, |item| item.is(lead, *step)),
        Entry::JointCheck { check, step } => among(&merchant.dealings().checks, |item| item.is(check, *step)),
        Entry::Case { number } => among(&merchant.dealings().cases, |item| item.is(number)),
        Entry::Ticket { ticket, channel, step, at } => {
            let named = merchant.complaints.iter().filter(|complaint| complaint.is_ticket(ticket, *channel));
            let done = named.flat_map(|complaint| complaint.handling.iter());
            records::judged(done.filter(|item| (item.step, item.at) == (*step, *at)).map(|item| item.until))
        }
        other => records::entered(merchant, other).unwrap_or(Entered::Never),
    }
}

/// Says how an entry stands that these items are.
pub(super) fn among<T: Evidence>(items: &[T], same: impl Fn(&T) -> bool) -> Entered {
    let found = || items.iter().filter(|item| same(item));
    match found().any(|item| item.until() == STANDING) {
        true => Entered::Stands,
        false if found().next().is_some() => Entered::Ended,
        false => Entered::Never,
    }
}

/// Returns what stands of a day in a list kept by date.
fn of_day<T: Evidence>(items: &[T], day: Day, same: impl Fn(&T) -> bool) -> Option<&T> {
    let first = items.partition_point(|item| item.date() < day);
    let behind = items.partition_point(|item| item.date() <= day);
    items.get(first..behind)?.iter().rfind(|item| item.until() == STANDING && same(item))
}

fn details_stand(merchant: &Merchant, row: &MerchantDetails) -> bool {
    fn says<'m>(
        merchant: &'m Merchant,
        said: Option<&str>,
        pick: impl Fn(&'m super::evidence::RegisterRow) -> Option<&'m str>,
        same: fn(&str, &str) -> bool,
    ) -> bool {
        let Some(said) = said else { return true };
        merchant.detail(STANDING, pick).is_some_and(|stood| same(stood, said))
    }
    let text: fn(&str, &str) -> bool = |one, other| clean(one) == clean(other);
    let digest: fn(&str, &str) -> bool = |one, other| code(one) == code(other);
    let detail = |said: Option<Day>| said.is_none() || merchant.detail(STANDING, |row| row.founded_on) == said;
    merchant.is_registered(STANDING)
        && says(merchant, row.name.as_deref(), |row| row.name.as_deref(), text)
        && says(merchant, row.industry_code.as_deref(), |row| row.industry_code.as_deref(), text)
        && (row.division_code.is_none() || merchant.division(STANDING) == row.division_code)
        && says(merchant, row.street.as_deref(), |row| row.street.as_deref(), text)
        && says(
            merchant,
            row.legal_representative.as_deref(),
            |row| row.legal_representative.as_deref(),
            name_key::same,
        )
        && says(
            merchant,
            row.legal_representative_digest.as_deref(),
            |row| row.legal_representative_digest.as_deref(),
            digest,
        )
        && says(merchant, row.brand.as_deref(), |row| row.brand.as_deref(), name_key::same)
        && detail(row.founded_on)
}

fn filing_stands(merchant: &Merchant, row: &Filing, action: FilingAction) -> bool {
    let amends = action == FilingAction::Amended;
    of_day(&merchant.filings, row.date, |step| step.amends() == amends).is_some_and(|stood: &FilingStep| {
        stood.action == action
            && row.bank.as_deref().is_none_or(|bank| stood.bank.as_deref() == Some(bank))
            && !stood.account_tail.differs(row.account_tail.as_deref().map(code).as_deref())
    })
}

/// What a step of an exit says beside its kind and day.
struct Said<'a> {
    planned_on: Option<Day>,
    refund_plan: &'a Option<String>,
    reason: &'a Option<String>,
}

fn step_stands(
    merchant: &Merchant,
    [mall, unit]: [&Option<String>; 2],
    action: ExitAction,
    date: Day,
    said: &Said<'_>,
) -> bool {
    let shop = merchant.shop(mall.as_deref(), unit.as_deref());
    let stood = shop.and_then(|shop| of_day(&shop.exits, date, |step| step.action == action));
    stood.is_some_and(|stood: &ExitItem| {
        said.planned_on.is_none_or(|planned_on| stood.planned_on == Some(planned_on))
            && !stood.refund_plan.differs(said.refund_plan.as_deref())
            && !stood.reason.differs(said.reason.as_deref())
    })
}

fn removal(merchant: &Merchant, list: ListKind, entered_on: Day) -> Option<Day> {
    let entry = merchant.listings.iter().find(|entry| entry.is(list, entered_on))?;
    entry.removed.last().map(|(day, _)| *day)
}

/// Says whether an end stands. Where none was said, *no end* stands.
pub(super) fn end_stands(stood: Option<Day>, said: Day) -> bool {
    stood.unwrap_or(NO_END) == said
}

/// What is not stated agrees with everything.
pub(super) fn agrees<T: PartialEq>(stood: Option<T>, said: Option<T>) -> bool {
    said.is_none() || stood == said
}

fn answer_stands(merchant: &Merchant, row: &Lead, step: LeadStep) -> bool {
    merchant.dealings().lead(&row.lead, step).is_some_and(|stood| {
        (stood.date, &*stood.authority) == (row.date, row.authority.as_str())
            && agrees(stood.note.as_deref(), row.note.as_deref())
    })
}

fn check_stands(merchant: &Merchant, row: &JointCheck, step: JointCheckStep) -> bool {
    merchant.dealings().check(&row.check, step).is_some_and(|stood| {
        (stood.date, &stood.sectors) == (row.date, &row.sectors)
            && agrees(stood.result.as_deref(), row.result.as_deref())
    })
}

fn act_row_stands(merchant: &Merchant, kind: EnforcementKind, row: &super::event::EnforcementAct) -> bool {
    act_stands(merchant, kind, row.date, row.due_on, row.number.as_deref())
}

fn act_stands(
    merchant: &Merchant,
    kind: EnforcementKind,
    date: Day,
    due_on: Option<Day>,
    number: Option<&str>,
) -> bool {
    let number = number.map(code);
    // Without a number only what is alike in every cell is one act.
    let same = |act: &Act| {
        act.kind == kind
            && act.number.as_deref() == number.as_deref()
            && (act.due_on == due_on || number.is_some() && due_on.is_none())
    };
    of_day(&merchant.acts, date, same).is_some()
}

/// Returns the flag of a bank's report, or the one that stands for its day if the report leaves it out.
#[must_use]
pub fn abnormal(merchant: Option<&Merchant>, date: Day, said: Option<bool>) -> bool {
    let stood = || of_day(&merchant?.custody, date, |_| true).map(|stood| stood.abnormal);
    said.or_else(stood).unwrap_or_default()
}
