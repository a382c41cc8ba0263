//! Rules for custody accounts, tenants, what is done about tickets, the grey list and locks of persons, each by itself.

use super::Check;
use crate::domain::command::{
    HandleComplaint, MakeStatement, RecordAccount, RecordGreyListing, RecordLock, RecordTenancy,
};
use crate::domain::personal::is_persons;
use crate::domain::text;
use crate::domain::time;
use crate::domain::words::{StatementKind, TicketStep};

impl Check {
    /// Checks the opening or closing of an account.
    pub fn account(&mut self, row: &RecordAccount) {
        self.needed("bank", &row.bank, "须填写存管银行", "name the bank of the account");
        self.happened_on("date", Some(row.date));
    }

    /// Checks what a list of tenants says of a shop: something, and each part of it whole.
    pub fn tenancy(&mut self, row: &RecordTenancy) {
        match (row.from, row.until) {
            (Some(_), None) => {
                self.missing("until", "填写了起租日期，须同时填写到期日期", "a lease needs its last day")
            }
            (None, Some(_)) => {
                self.missing("from", "填写了到期日期，须同时填写起租日期", "a lease needs its first day")
            }
            _ => {}
        }
        match (row.checked_on, row.in_order) {
            (Some(_), None) => {
                self.missing("in_order", "填写了核验日期，须同时填写核验合格", "say whether the papers were in order");
            }
            (None, Some(_)) => {
                self.missing("checked_on", "填写了核验合格，须同时填写核验日期", "say when the papers were checked");
            }
            _ => {}
        }
        if (row.from.or(row.until).or(row.checked_on), row.in_order, &row.brand) == (None, None, &None) {
            let en = "say at least one of lease, check of papers and brand";
            self.missing("from", "租期、证照核验、品牌至少填写一项", en);
        }
        self.lies_within("from", row.from);
        self.lies_within("until", time::end(row.until));
        self.in_order("until", "until_before_from", row.from, row.until, ("起租日期", "the first day of the lease"));
        self.happened_on("checked_on", row.checked_on);
    }

    /// Checks what a merchant says for itself.
    pub fn statement(&mut self, row: &MakeStatement) {
        self.needed("text", &row.text, "须写明内容", "say it in words");
        match (row.kind, row.against) {
            (StatementKind::Objection, None) => {
                let zh = "须写明针对哪一次亮灯（亮灯变化事件的编号）";
                self.add("against", "missing", "", zh, "name the event of the light change that is objected to");
            }
            (StatementKind::Reply, Some(against)) => {
                let zh = "只有异议才针对某一次亮灯；请清空，或改为异议";
                let en = "only an objection is against a light; leave it out, or object";
                self.add("against", "out_of_place", against.to_string(), zh, en);
            }
            _ => {}
        }
    }

    /// Checks what was done about a ticket: each kind says its own, and nothing that would be lost.
    pub fn handling(&mut self, row: &HandleComplaint) {
        self.needed("ticket", &row.ticket, "须填写工单编号", "a ticket number is needed");
        self.happened_at("at", Some(row.at));
        self.lies_within_at("due_at", row.due_at);
        let refunds = matches!(row.step, TicketStep::Promised | TicketStep::Paid);
        let rates = row.step == TicketStep::Rated;
        self.own(row.step, "amount", refunds, refunds, row.amount.map(|amount| amount.to_string()));
        self.own(row.step, "resolved", rates, rates, row.resolved.map(|flag| flag.to_string()));
        self.own(row.step, "satisfied", rates, rates, row.satisfied.map(|flag| flag.to_string()));
        let direct = row.step == TicketStep::Direct;
        self.own(row.step, "due_at", direct, false, row.due_at.map(super::clock));
    }

    fn own(&mut self, step: TicketStep, field: &'static str, has: bool, needs: bool, said: Option<String>) {
        match said {
            None if needs => {
                let zh = format!("事项为「{}」时须填写此项", step.zh());
                self.add(field, "missing", "", zh, format!("`{step}` needs this"));
            }
            Some(value) if !has => {
                let zh = format!("事项为「{}」时没有此项；请清空，或改正事项", step.zh());
                let en = format!("`{step}` does not have this; leave it out, or correct the step");
                self.add(field, "out_of_place", value, zh, en);
            }
            _ => {}
        }
    }

    /// Checks an entry in the grey list.
    pub fn grey_listing(&mut self, row: &RecordGreyListing) {
        let earlier = ("列入日期", "the day of entry");
        self.happened_on("entered_on", Some(row.entered_on));
        self.lies_within("review_on", row.review_on);
        self.in_order("review_on", "review_before_entered", Some(row.entered_on), row.review_on, earlier);
        self.lies_within("removed_on", time::end(row.removed_on));
        self.in_order("removed_on", "removed_before_entered", Some(row.entered_on), row.removed_on, earlier);
    }

    /// Checks a lock of a person.
    pub fn lock(&mut self, row: &RecordLock) {
        self.needed("person", &row.person, "须填写锁定人员", "name the person, as the register has the name");
        let (zh, en) =
            ("须填写人员证件摘要，同名者以此区分", "the digest of the id document tells namesakes apart; give it");
        self.needed("person_digest", &row.person_digest, zh, en);
        if text::trim(&row.person_digest).chars().count() > LONGEST_DIGEST {
            self.add("person_digest", "too_long", "", "证件摘要过长", "the digest is too long");
        }
        if is_persons(&row.person_digest) {
            let zh = "疑似公民身份号码，未保存；此处应填写证件摘要";
            let en =
                "this looks like a person's identity number; it was not kept, write the digest of the document here";
            self.add("person_digest", "identity_number", "", zh, en);
        }
        let earlier = ("锁定日期", "the first day of the lock");
        self.happened_on("locked_on", Some(row.locked_on));
        self.lies_within("lifted_on", time::end(row.lifted_on));
        self.in_order("lifted_on", "lifted_before_locked", Some(row.locked_on), row.lifted_on, earlier);
    }

    fn missing(&mut self, field: &'static str, zh: &str, en: &str) {
        self.add(field, "missing", "", zh, en);
    }
}

/// Longest digest taken, characters: SHA-512 in hexadecimal fits.
const LONGEST_DIGEST: usize = 128;
