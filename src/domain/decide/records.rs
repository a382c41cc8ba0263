//! Decisions about custody accounts, tenants, what is done about tickets, the grey list and locks of persons.

use super::{Known, end_or};
use crate::domain::check::Problem;
use crate::domain::code_key::code;
use crate::domain::command::{
    HandleComplaint, MakeStatement, RecordAccount, RecordGreyListing, RecordLock, RecordTenancy,
};
use crate::domain::decide::ticket_row::Follows;
use crate::domain::event::{
    ComplaintRated, ComplaintStep, CustodyAccount, Event, GreyDelisted, GreyListed, LeaseRecorded, MerchantReplied,
    ObjectionRaised, PapersChecked, PassedToEnterprise, PersonLocked, PersonUnlocked, Refund, ShopLinked,
};
use crate::domain::evidence::{Complaint, FilingStep, STANDING};
use crate::domain::merchant::Merchant;
use crate::domain::name_key;
use crate::domain::standing;
use crate::domain::time::{Day, Instant, local, start_of};
use crate::domain::words::{AccountAction, StatementKind, TicketStep};

type Events = Vec<(Instant, Event)>;

type Decided = Result<Events, Vec<Problem>>;

/// Decides the opening or closing of an account.
pub(super) fn account(row: &RecordAccount, merchant: Option<&Merchant>) -> Decided {
    let account = CustodyAccount {
        credit_code: row.credit_code,
        date: row.date,
        bank: row.bank.clone(),
        account_tail: row.account_tail.clone(),
    };
    let event = match row.action {
        AccountAction::Open => Event::AccountOpened(account),
        AccountAction::Close => Event::AccountClosed(account),
    };
    let is_news = !merchant.is_some_and(|merchant| standing::stands(merchant, &event));
    if row.action == AccountAction::Close && is_news && !has_account(row, merchant) {
        return Err(vec![Problem {
            field: "bank",
            code: "no_such_account",
            value: row.bank.clone(),
            zh: format!(
                "{} 之前没有该商户在该行的这个账户的开户记录，无从销户；请先记录开户，或核对银行、尾号和日期",
                row.date
            ),
            en: format!(
                "no such account at this bank is known by {}, so there is none to close; record its opening first, or check bank, last \
                 digits and day",
                row.date
            ),
        }]);
    }
    Ok(vec![(start_of(row.date), event)])
}

/// Says whether an account at a bank is known by a day: it was opened, or the filing names it. Last digits agree where both are known.
fn has_account(row: &RecordAccount, merchant: Option<&Merchant>) -> bool {
    let Some(merchant) = merchant else { return false };
    let said = row.account_tail.as_deref().map(code);
    let opened = merchant.records().accounts.iter().any(|account| {
        let tails = account.tail.as_deref().map(code).zip(said.clone());
        account.action == AccountAction::Open
            && account.until == STANDING
            && account.date <= row.date
            && name_key::same(&account.bank, &row.bank)
            && tails.is_none_or(|(known, said)| known == said)
    });
    let filed = |step: &FilingStep| {
        step.until == STANDING
            && step.date <= row.date
            && step.bank.as_deref().is_some_and(|bank| name_key::same(bank, &row.bank))
            && !step.account_tail.differs(said.as_deref())
    };
    opened || merchant.filings.iter().any(filed)
}

/// Decides what a list of tenants says of a shop.
pub(super) fn tenancy(row: &RecordTenancy, now: Instant) -> Events {
    let (credit_code, mall, unit) = (row.credit_code, &row.mall, &row.unit);
    let lease = row.from.zip(row.until).map(|(from, until)| {
        // A lease may begin later; that it was agreed on is said now.
        let at = start_of(from).min(now);
        (at, Event::LeaseRecorded(LeaseRecorded { credit_code, mall: mall.clone(), unit: unit.clone(), from, until }))
    });
    let papers = row.checked_on.zip(row.in_order).map(|(date, in_order)| {
        let checked = PapersChecked { credit_code, mall: mall.clone(), unit: unit.clone(), date, in_order };
        (start_of(date), Event::PapersChecked(checked))
    });
    let brand = row.brand.clone().map(|brand| {
        (now, Event::ShopLinked(ShopLinked { credit_code, mall: mall.clone(), unit: unit.clone(), brand }))
    });
    lease.into_iter().chain(papers).chain(brand).collect()
}

/// Decides an entry in the grey list. A row that says its end and nothing of the entry itself ends one that is known.
pub(super) fn grey_listing(row: &RecordGreyListing, merchant: Option<&Merchant>) -> Decided {
    let (credit_code, entered_on) = (row.credit_code, row.entered_on);
    let only_ends = row.removed_on.is_some() && row.ground.is_none() && row.review_on.is_none();
    let known = merchant.map(|merchant| &*merchant.records().grey).unwrap_or_default();
    if only_ends && !known.iter().any(|entry| entry.until == STANDING && entry.entered_on == entered_on) {
        let zh = format!("灰名单中没有 {entered_on} 的列入记录，无从移出；请核对列入日期，或同时填写列入事由以补录");
        let en = format!(
            "no entry of {entered_on} is known in the grey list, so there is none to end; check the day of entry, or give its ground to \
             record it as well"
        );
        return Err(vec![never_began("entered_on", "no_such_listing", entered_on, zh, en)]);
    }
    let listed = GreyListed { credit_code, entered_on, ground: row.ground.clone(), review_on: row.review_on };
    let removed = row.removed_on.map(|removed_on| {
        let at = start_of(end_or(removed_on, entered_on));
        (at, Event::GreyDelisted(GreyDelisted { credit_code, entered_on, removed_on }))
    });
    Ok(std::iter::once((start_of(entered_on), Event::GreyListed(listed))).chain(removed).collect())
}

fn never_began(field: &'static str, code: &'static str, day: Day, zh: String, en: String) -> Problem {
    Problem { field, code, value: day.to_string(), zh, en }
}

/// Decides a lock of a person. A row that says its end and nothing of the lock itself ends one that is known.
pub(super) fn lock(row: &RecordLock, merchant: Option<&Merchant>) -> Decided {
    let (credit_code, locked_on, person_digest) = (row.credit_code, row.locked_on, row.person_digest.clone());
    let only_ends = row.lifted_on.is_some() && row.role.is_none() && row.number.is_none();
    let known = merchant.map(|merchant| &*merchant.records().locks).unwrap_or_default();
    if only_ends && !known.iter().any(|lock| lock.until == STANDING && lock.is(&person_digest, locked_on)) {
        let zh = format!(
            "没有该人员 {locked_on} 的锁定记录，无从解锁；请核对人员、证件摘要和锁定日期，或同时填写职务或文号以补录"
        );
        let en = format!(
            "no lock of this person of {locked_on} is known, so there is none to lift; check person, digest and day, or give role or \
             number to record it as well"
        );
        return Err(vec![never_began("locked_on", "no_such_lock", locked_on, zh, en)]);
    }
    let locked = PersonLocked {
        credit_code,
        person: row.person.clone(),
        person_digest: person_digest.clone(),
        locked_on,
        role: row.role.clone(),
        number: row.number.clone(),
    };
    let lifted = row.lifted_on.map(|lifted_on| {
        let at = start_of(end_or(lifted_on, locked_on));
        (at, Event::PersonUnlocked(PersonUnlocked { credit_code, person_digest, locked_on, lifted_on }))
    });
    Ok(std::iter::once((start_of(locked_on), Event::PersonLocked(locked))).chain(lifted).collect())
}

/// Decides what a merchant says for itself. That an objection names the light it is about was checked.
pub(super) fn statement(row: &MakeStatement, now: Instant) -> Events {
    let (credit_code, text) = (row.credit_code, row.text.clone());
    let event = match (row.kind, row.against) {
        (StatementKind::Objection, Some(against)) => {
            Event::ObjectionRaised(ObjectionRaised { credit_code, against, text })
        }
        (StatementKind::Objection | StatementKind::Reply, _) => {
            Event::MerchantReplied(MerchantReplied { credit_code, text })
        }
    };
    vec![(now, event)]
}

/// Decides what was done about a ticket, in the ticket's stream. The ticket is known, and about this merchant.
pub(super) fn handling(row: &HandleComplaint, known: &Known<'_>) -> Result<Follows, Vec<Problem>> {
    let complaint = known.ticket_of(row.credit_code, &row.ticket)?;
    if row.at < complaint.received_at {
        return Err(vec![before_received(row.at, complaint.received_at)]);
    }
    let stands = complaint.handling.iter().any(|item| {
        item.until == STANDING
            && item.is(row.step, row.at)
            && (item.amount, item.resolved, item.satisfied) == (row.amount, row.resolved, row.satisfied)
            && (row.due_at.is_none() || item.due_at == row.due_at)
    });
    let events =
        if stands { Vec::new() } else { event(row, complaint).map(|event| (row.at, event)).into_iter().collect() };
    Ok((complaint.revision, events))
}

/// Returns the event of a step; `None` where something is missing that was checked before.
fn event(row: &HandleComplaint, complaint: &Complaint) -> Option<Event> {
    let (ticket, credit_code, at) = (complaint.ticket.to_string(), row.credit_code, row.at);
    Some(match row.step {
        TicketStep::Direct => {
            Event::PassedToEnterprise(PassedToEnterprise { ticket, credit_code, at, due_at: row.due_at })
        }
        TicketStep::Settled => Event::ComplaintSettledInShop(ComplaintStep { ticket, credit_code, at }),
        TicketStep::Promised => Event::RefundPromised(Refund { ticket, credit_code, at, amount: row.amount? }),
        TicketStep::Paid => Event::RefundPaid(Refund { ticket, credit_code, at, amount: row.amount? }),
        TicketStep::Rated => {
            let (resolved, satisfied) = row.resolved.zip(row.satisfied)?;
            Event::ComplaintRated(ComplaintRated { ticket, credit_code, at, resolved, satisfied })
        }
    })
}

fn before_received(at: Instant, received: Instant) -> Problem {
    let clock = |at: Instant| local(at).strftime("%Y-%m-%d %H:%M").to_string();
    let received = clock(received);
    Problem {
        field: "at",
        code: "before_received",
        value: clock(at),
        zh: format!("不得早于受理时间 {received}"),
        en: format!("it cannot be before the complaint was received, {received}"),
    }
}
