//! Rows of a kind of their own in other sheets: custody accounts in 存管余额, what was done about tickets in 投诉, grey list and locks
//! in 名单; and the sheets 租户 and 别名.

use super::{CANCELS, Reading, cancel};
use crate::domain::code::CreditCode;
use crate::domain::command::{Command, HandleComplaint, RecordAccount, RecordGreyListing, RecordLock, RecordTenancy};
use crate::domain::event::{Entry, MerchantAlias};
use crate::domain::text::{half_width, trim};
use crate::domain::words::{ListKind, UnknownWord};
use crate::intake::cell;
use crate::intake::sheet::Field;
use std::str::FromStr;

/// Columns of 名单 that only the grey list and locks have.
pub(super) const NOT_PUBLIC: [Field; 6] =
    [Field::Ground, Field::ReviewOn, Field::Person, Field::PersonDigest, Field::Role, Field::Number];

impl Reading<'_> {
    pub(super) fn account(&mut self) -> Option<Command> {
        let credit_code = self.credit_code();
        let cancels = self.cancels(Field::Action);
        let action = self.word(Field::Action);
        let date = self.need(Field::Date, cell::day);
        let bank = self.need(Field::Bank, cell::text);
        let account_tail = self.may(Field::AccountTail, cell::code);
        self.none_of(&[Field::Held, Field::Abnormal], "账户事项", "the opening or closing of an account");
        let (action, date, bank) = (action?, date?, bank?);
        if let Some(reason) = cancels {
            return cancel(credit_code, Entry::Account { action, bank, date }, reason);
        }
        let row = RecordAccount { credit_code: credit_code?, action, date, bank, account_tail };
        self.check.account(&row);
        Some(Command::RecordAccount(row))
    }

    pub(super) fn handling(&mut self) -> Option<Command> {
        const OTHERS: [Field; 5] = [Field::ReceivedAt, Field::Kind, Field::AnsweredAt, Field::ClosedAt, Field::Outcome];
        let ticket = self.need(Field::Ticket, cell::code);
        let channel = self.need(Field::Channel, cell::word);
        let credit_code = self.credit_code();
        let cancels = self.cancels(Field::Step);
        let step = self.word(Field::Step);
        let at = self.need(Field::At, cell::instant);
        let amount = self.may_measured(Field::Amount, cell::amount);
        let due_at = self.may(Field::DueAt, cell::instant);
        let resolved = self.may(Field::Resolved, cell::yes_no);
        let satisfied = self.may(Field::Satisfied, cell::yes_no);
        self.none_of(&OTHERS, "处理事项", "something done about a ticket");
        let (ticket, channel, step, at) = (ticket?, channel?, step?, at?);
        if let Some(reason) = cancels {
            return cancel(credit_code, Entry::Ticket { ticket, channel, step, at }, reason);
        }
        let credit_code = credit_code?;
        let row = HandleComplaint { ticket, channel, credit_code, step, at, amount, due_at, resolved, satisfied };
        self.check.handling(&row);
        Some(Command::HandleComplaint(row))
    }

    pub(super) fn grey_listing(&mut self, credit_code: Option<CreditCode>, cancels: Option<String>) -> Option<Command> {
        let entered_on = self.need(Field::EnteredOn, cell::day);
        if let Some(reason) = cancels {
            return cancel(credit_code, Entry::GreyListing { entered_on: entered_on? }, reason);
        }
        let ground = self.may(Field::Ground, cell::prose);
        let review_on = self.may(Field::ReviewOn, cell::day);
        let removed_on = self.may(Field::RemovedOn, cell::day);
        let others = [Field::Person, Field::PersonDigest, Field::Role, Field::Number];
        self.none_of(&others, GREY, "the grey list");
        let row =
            RecordGreyListing { credit_code: credit_code?, entered_on: entered_on?, ground, review_on, removed_on };
        self.check.grey_listing(&row);
        Some(Command::RecordGreyListing(row))
    }

    pub(super) fn lock(&mut self, credit_code: Option<CreditCode>, cancels: Option<String>) -> Option<Command> {
        let locked_on = self.need(Field::EnteredOn, cell::day);
        let person_digest = self.need(Field::PersonDigest, cell::code);
        if let Some(reason) = cancels {
            let entry = Entry::Lock { person_digest: person_digest?, locked_on: locked_on? };
            return cancel(credit_code, entry, reason);
        }
        let person = self.need(Field::Person, cell::text);
        let lifted_on = self.may(Field::RemovedOn, cell::day);
        let role = self.may(Field::Role, cell::text);
        let number = self.may(Field::Number, cell::code);
        self.none_of(&[Field::Ground, Field::ReviewOn], LOCK, "a lock");
        let (credit_code, person, person_digest, locked_on) = (credit_code?, person?, person_digest?, locked_on?);
        let row = RecordLock { credit_code, person, person_digest, locked_on, lifted_on, role, number };
        self.check.lock(&row);
        Some(Command::RecordLock(row))
    }

    pub(super) fn tenancy(&mut self) -> Option<Command> {
        let credit_code = self.credit_code();
        let mall = self.may(Field::Mall, cell::text);
        let unit = self.may(Field::Unit, cell::shop_unit);
        let from = self.may(Field::From, cell::day);
        let until = self.may(Field::Until, cell::day);
        let checked_on = self.may(Field::CheckedOn, cell::day);
        let in_order = self.may(Field::InOrder, cell::yes_no);
        let brand = self.may(Field::Brand, cell::text);
        let credit_code = credit_code?;
        let row = RecordTenancy { credit_code, mall, unit, from, until, checked_on, in_order, brand };
        self.check.tenancy(&row);
        Some(Command::RecordTenancy(row))
    }

    pub(super) fn alias(&mut self) -> Option<Command> {
        let credit_code = self.credit_code();
        let cancels = self.cancels(Field::Alias);
        let said = self.need(Field::Alias, cell::text);
        let mall = self.may(Field::Mall, cell::text);
        let street = self.may(Field::Street, cell::text);
        let reason = self.may(Field::Reason, cell::prose);
        let (credit_code, said) = (credit_code?, said?);
        let row =
            |alias: &str, reason| MerchantAlias { credit_code, alias: trim(alias).to_owned(), mall, street, reason };
        Some(match cancels {
            Some(cancels) => Command::WithdrawAlias(row(said.strip_prefix(CANCELS)?, reason.or(Some(cancels)))),
            None => Command::RecordAlias(row(&said, reason)),
        })
    }

    pub(super) fn is_filled(&self, field: Field) -> bool {
        !self.cell(field).is_blank()
    }

    /// Refuses what stands in a column that this kind of row does not have: it would be lost.
    pub(super) fn none_of(&mut self, fields: &[Field], zh: &str, en: &str) {
        for field in fields {
            if self.is_filled(*field) {
                let zh = format!("本行为「{zh}」，没有此项；请清空，或另填一行");
                let en =
                    format!("this row is about {en}, which does not have this; empty the cell, or write another row");
                let refusal = self.finding(*field, "out_of_place", zh, en);
                self.refusals.push(refusal);
            }
        }
    }
}

const GREY: &str = "灰名单";
const LOCK: &str = "锁定登记";

/// What a row of 名单 tells: a public list, or what only offices see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ListRow {
    Public(ListKind),
    Grey,
    Lock,
}

impl FromStr for ListRow {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        match &*half_width(trim(text)) {
            GREY | "grey" => Ok(Self::Grey),
            LOCK | "lock" => Ok(Self::Lock),
            other => other.parse().map(Self::Public).map_err(|unknown: UnknownWord| UnknownWord {
                allowed: format!("{}, {GREY} (grey), {LOCK} (lock)", unknown.allowed),
                ..unknown
            }),
        }
    }
}
