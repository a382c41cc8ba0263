//! One row of a known sheet becomes a command. Every cell is read before anything is said, so that a row comes back once
//! with all that is wrong with it.

mod enforcement;
mod records;

use crate::domain::check::{Check, Times};
use crate::domain::code::CreditCode;
use crate::domain::command::{
    Command, RecordComplaint, RecordExit, RecordFiling, RecordListing, RecordSignal, RecordUnattributed, ReportBalance,
    ReportCustody, ReportRatio,
};
use crate::domain::event::{Entry, EntryCancelled, Guarantee, MerchantDetails};
use crate::domain::personal::masked;
use crate::domain::text::{clean, half_width, trim};
use crate::domain::time::Instant;
use crate::domain::words::{Channel, SignalKind, UnknownWord};
use crate::intake::cell::{self, Cell, CellFault, Unit};
use crate::intake::item::{ReadRow, Table};
use crate::intake::place::{Finding, Place, Refusal, Warning, check_character};
use crate::intake::sheet::{Field, Layout, SheetKind};
use csv::StringRecord;
use std::borrow::Cow;
use std::str::FromStr;
use std::sync::Arc;

/// The cells of one row, wherever they are kept.
pub(in crate::intake) trait Cells {
    /// How many cells the row has.
    fn width(&self) -> usize;
    /// Returns the cell at `index`, blank if there is none.
    fn cell(&self, index: usize) -> Cell<'_>;
}

/// Reads a row.
pub(in crate::intake) fn read(
    layout: &Layout,
    table: &Arc<Table>,
    row: u64,
    cells: &dyn Cells,
    now: Instant,
) -> ReadRow {
    let mut reading =
        Reading { layout, table, row, cells, check: Check::new(now), refusals: Vec::new(), warnings: Vec::new() };
    let command = match layout.kind {
        SheetKind::Merchants => reading.merchant(),
        SheetKind::Filings => reading.filing(),
        SheetKind::Balances => reading.balance(),
        SheetKind::Custody => reading.custody(),
        SheetKind::Guarantees => reading.guarantee(),
        SheetKind::Exits => reading.exit(),
        SheetKind::Complaints => reading.complaint(),
        SheetKind::Signals => reading.signal(),
        SheetKind::Lists => reading.listing(),
        SheetKind::Enforcement => reading.enforcement(),
        SheetKind::Tenants => reading.tenancy(),
        SheetKind::Aliases => reading.alias(),
    };
    reading.finish(command)
}

/// What a complaint without a credit code says of its shop.
struct Shop {
    name: Option<String>,
    address: Option<String>,
    mall: Option<String>,
    brand: Option<String>,
    street: Option<String>,
}

struct Reading<'a> {
    layout: &'a Layout,
    table: &'a Arc<Table>,
    row: u64,
    cells: &'a dyn Cells,
    check: Check,
    refusals: Vec<Refusal>,
    warnings: Vec<Warning>,
}

impl<'a> Reading<'a> {
    fn merchant(&mut self) -> Option<Command> {
        let credit_code = self.credit_code();
        let founded_on = self.may(Field::FoundedOn, cell::day);
        self.check.merchant(founded_on);
        Some(Command::RegisterMerchant(MerchantDetails {
            name: self.may(Field::Name, cell::text),
            industry_code: self.may(Field::IndustryCode, cell::industry),
            division_code: self.may(Field::DivisionCode, cell::division),
            street: self.may(Field::Street, cell::text),
            mall: self.may(Field::Mall, cell::text),
            unit: self.may(Field::Unit, cell::shop_unit),
            legal_representative: self.may(Field::LegalRepresentative, cell::text),
            legal_representative_digest: self.may(Field::LegalRepresentativeDigest, cell::code),
            brand: self.may(Field::Brand, cell::text),
            founded_on,
            // Last, so that every other cell has been read when a missing code ends this.
            credit_code: credit_code?,
        }))
    }

    fn filing(&mut self) -> Option<Command> {
        let credit_code = self.credit_code();
        let status = self.need(Field::Status, cell::word);
        let date = self.need(Field::Date, cell::day);
        let bank = self.may(Field::Bank, cell::text);
        let account_tail = self.may(Field::AccountTail, cell::code);
        self.check.filing(status, date);
        let (credit_code, status, date) = (credit_code?, status?, date?);
        Some(Command::RecordFiling(RecordFiling { credit_code, status, date, bank, account_tail }))
    }

    fn balance(&mut self) -> Option<Command> {
        let credit_code = self.credit_code();
        let date = self.need(Field::Date, cell::day);
        let outstanding = self.need_measured(Field::Outstanding, cell::amount);
        let revenue_last_year = self.may_measured(Field::RevenueLastYear, cell::amount);
        self.check.report(date);
        let (credit_code, date, outstanding) = (credit_code?, date?, outstanding?);
        Some(Command::ReportBalance(ReportBalance { credit_code, date, outstanding, revenue_last_year }))
    }

    fn custody(&mut self) -> Option<Command> {
        if self.is_filled(Field::Action) {
            return self.account();
        }
        self.none_of(&[Field::Bank, Field::AccountTail], "存管余额", "a balance");
        let credit_code = self.credit_code();
        let date = self.need(Field::Date, cell::day);
        let held = self.need_measured(Field::Held, cell::amount);
        let abnormal = self.may(Field::Abnormal, cell::yes_no);
        self.check.report(date);
        let (credit_code, date, held) = (credit_code?, date?, held?);
        Some(Command::ReportCustody(ReportCustody { credit_code, date, held, abnormal }))
    }

    fn guarantee(&mut self) -> Option<Command> {
        let credit_code = self.credit_code();
        let cancels = self.cancels(Field::Kind);
        let kind = self.word(Field::Kind);
        let amount = self.need_measured(Field::Amount, cell::amount);
        let from = self.need(Field::From, cell::day);
        if let Some(reason) = cancels {
            let entry = Entry::Guarantee { kind: kind?, amount: amount?, from: from? };
            return cancel(credit_code, entry, reason);
        }
        let until = self.need(Field::Until, cell::day);
        self.check.guarantee(from, until);
        let (credit_code, kind, amount, from, until) = (credit_code?, kind?, amount?, from?, until?);
        Some(Command::PostGuarantee(Guarantee { credit_code, kind, amount, from, until }))
    }

    fn exit(&mut self) -> Option<Command> {
        let credit_code = self.credit_code();
        let mall = self.may(Field::Mall, cell::text);
        let unit = self.may(Field::Unit, cell::shop_unit);
        let cancels = self.cancels(Field::Action);
        let action = self.word(Field::Action);
        let date = self.need(Field::Date, cell::day);
        if let Some(reason) = cancels {
            let entry = Entry::Exit { mall, unit, action: action?, date: date? };
            return cancel(credit_code, entry, reason);
        }
        let planned_on = self.may(Field::PlannedOn, cell::day);
        let refund_plan = self.may(Field::RefundPlan, cell::prose);
        self.check.exit(action, date, planned_on);
        let (credit_code, action, date) = (credit_code?, action?, date?);
        // A sheet cannot confirm a unit that is not known: it is taken, with a remark.
        let (reason, new_unit) = (None, true);
        Some(Command::RecordExit(RecordExit {
            credit_code,
            mall,
            unit,
            action,
            date,
            planned_on,
            refund_plan,
            reason,
            new_unit,
        }))
    }

    fn complaint(&mut self) -> Option<Command> {
        if self.is_filled(Field::Step) {
            return self.handling();
        }
        self.none_of(&[Field::At, Field::Resolved, Field::Satisfied], "工单", "a ticket as it stands");
        let ticket = self.need(Field::Ticket, cell::code);
        let channel = self.need(Field::Channel, cell::word);
        let received_at = self.need(Field::ReceivedAt, cell::instant);
        let shop = self.shop_without_code();
        let credit_code = if shop.is_some() { None } else { self.credit_code() };
        let kind = self.need(Field::Kind, cell::word);
        let amount = self.may_measured(Field::Amount, cell::amount);
        let due_at = self.may(Field::DueAt, cell::instant);
        let answered_at = self.may(Field::AnsweredAt, cell::instant);
        let closed_at = self.may(Field::ClosedAt, cell::instant);
        let outcome = self.may(Field::Outcome, cell::word);
        // In a row of a hotline it would say where the shop is, which the register says.
        let at_mall = shop.is_none() && channel == Some(Channel::Mall);
        let mall = if at_mall { self.may(Field::Mall, cell::text) } else { None };
        let reply = self.may(Field::Reply, cell::prose);
        // A missing ticket was told by its cell.
        let known = ticket.as_deref().unwrap_or("?");
        self.check.complaint(&Times { ticket: known, received_at, answered_at, due_at, closed_at, outcome });
        let (ticket, channel, received_at) = (ticket?, channel?, received_at?);
        let kind = kind?;
        if let Some(Shop { name, address, mall, brand, street }) = shop {
            return Some(Command::RecordUnattributed(RecordUnattributed {
                ticket,
                channel,
                received_at,
                given_time: self.layout.is_given(Field::ReceivedAt),
                kind,
                amount,
                due_at,
                answered_at,
                closed_at,
                outcome,
                name,
                address,
                mall,
                brand,
                street,
                source: None,
                profile: self.table.profile.as_ref().map(|profile| profile.label()),
            }));
        }
        let credit_code = credit_code?;
        Some(Command::RecordComplaint(RecordComplaint {
            ticket,
            channel,
            received_at,
            credit_code,
            kind,
            amount,
            due_at,
            answered_at,
            closed_at,
            outcome,
            mall,
            reply,
        }))
    }

    fn signal(&mut self) -> Option<Command> {
        let credit_code = self.credit_code();
        let mall = self.may(Field::Mall, cell::text);
        let unit = self.may(Field::Unit, cell::shop_unit);
        let cancels = self.cancels(Field::Kind);
        let kind = self.word::<SignalRow>(Field::Kind);
        let date = self.need(Field::Date, cell::day);
        if let Some(reason) = cancels {
            let date = date?;
            let entry = match kind? {
                SignalRow::Raised(kind) => Entry::Signal { mall, unit, kind, date },
                SignalRow::ComplaintRate => Entry::ComplaintRate { mall, unit, date },
                SignalRow::PrepaidShare => Entry::PrepaidShare { mall, unit, date },
            };
            return cancel(credit_code, entry, reason);
        }
        if let Some(SignalRow::Raised(kind)) = kind {
            let value = self.may(Field::Value, cell::text);
            let cleared_on = self.may(Field::ClearedOn, cell::day);
            self.check.signal(date, cleared_on);
            let (credit_code, date) = (credit_code?, date?);
            return Some(Command::RecordSignal(RecordSignal {
                credit_code,
                mall,
                unit,
                kind,
                date,
                value,
                cleared_on,
            }));
        }
        self.check.report(date);
        let kind = kind?;
        let ratio = self.need_measured(Field::Value, cell::ratio);
        if !self.cell(Field::ClearedOn).is_blank() {
            let zh = "客诉率和预付占比没有解除日期，该值未读取";
            let en = "a complaint rate and a prepaid share are not cleared; the day was not read";
            let warning = self.finding(Field::ClearedOn, "cleared_on_ignored", zh.to_owned(), en.to_owned());
            self.warnings.push(warning);
        }
        let report = ReportRatio { credit_code: credit_code?, mall, unit, date: date?, ratio: ratio? };
        Some(match kind {
            SignalRow::ComplaintRate => Command::ReportComplaintRate(report),
            SignalRow::PrepaidShare | SignalRow::Raised(_) => Command::ReportPrepaidShare(report),
        })
    }

    fn listing(&mut self) -> Option<Command> {
        let credit_code = self.credit_code();
        let cancels = self.cancels(Field::List);
        let list = match self.word::<records::ListRow>(Field::List) {
            Some(records::ListRow::Grey) => return self.grey_listing(credit_code, cancels),
            Some(records::ListRow::Lock) => return self.lock(credit_code, cancels),
            Some(records::ListRow::Public(list)) => Some(list),
            None => None,
        };
        self.none_of(&records::NOT_PUBLIC, "公示名单", "a public list");
        let entered_on = self.need(Field::EnteredOn, cell::day);
        if let Some(reason) = cancels {
            return cancel(credit_code, Entry::Listing { list: list?, entered_on: entered_on? }, reason);
        }
        let removed_on = self.may(Field::RemovedOn, cell::day);
        self.check.listing(entered_on, removed_on);
        let (credit_code, list, entered_on) = (credit_code?, list?, entered_on?);
        Some(Command::RecordListing(RecordListing { credit_code, list, entered_on, removed_on }))
    }

    fn credit_code(&mut self) -> Option<CreditCode> {
        // Other sources know no codes; whom they mean is another question than what is wrong with a cell.
        if self.layout.profiled.is_some() && cell::credit_code(self.cell(Field::CreditCode)) == Ok(None) {
            let zh = "本行没有统一社会信用代码，无法确定是哪家商户；请补上「统一社会信用代码」列后重新发送";
            let en = "no credit code is there, so it cannot be told which merchant is meant; add the column 统一社会信用代码 and send it again";
            let refusal = self.finding(Field::CreditCode, "no_credit_code", zh.to_owned(), en.to_owned());
            self.refusals.push(refusal);
            return None;
        }
        let code = self.need(Field::CreditCode, cell::credit_code)?;
        if !code.check_character_holds() {
            self.warnings.push(check_character(self.place(Field::CreditCode), code));
        }
        Some(code)
    }

    /// Returns what a complaint says of its shop, if its code's cell is empty: whom it means is found by that. `None` for a code that
    /// is there, right or wrong, and for a row of our own sheet that says nothing of the shop either.
    fn shop_without_code(&mut self) -> Option<Shop> {
        if cell::credit_code(self.cell(Field::CreditCode)) != Ok(None) {
            return None;
        }
        let shop = Shop {
            name: self.may(Field::Name, cell::text),
            address: self.may(Field::Address, cell::text),
            mall: self.may(Field::Mall, cell::text),
            brand: self.may(Field::Brand, cell::text),
            street: self.may(Field::Street, cell::text),
        };
        let said = [&shop.name, &shop.address, &shop.mall, &shop.brand, &shop.street];
        let says = said.into_iter().flatten().any(|text| text.chars().any(char::is_alphanumeric));
        (says || self.layout.profiled.is_some()).then_some(shop)
    }

    /// Returns what the cell says if it cancels an entry (作废闭店): it is all the reason a sheet gives.
    fn cancels(&self, field: Field) -> Option<String> {
        let said = self.cell(field).shown();
        let said = clean(&said);
        said.starts_with(CANCELS).then(|| said.into_owned())
    }

    /// Reads a word of a closed vocabulary, with the word for cancelling before it or without.
    fn word<T: FromStr<Err = UnknownWord>>(&mut self, field: Field) -> Option<T> {
        let said = self.cell(field).shown();
        let outcome = match clean(&said).strip_prefix(CANCELS) {
            Some(rest) => cell::word(Cell::Text(rest)),
            None => cell::word(self.cell(field)),
        };
        self.take(field, outcome, true)
    }

    fn cell(&self, field: Field) -> Cell<'a> {
        self.layout.read(field, self.cells)
    }

    fn may<T>(&mut self, field: Field, parse: fn(Cell<'_>) -> Result<Option<T>, CellFault>) -> Option<T> {
        let outcome = parse(self.cell(field));
        self.take(field, outcome, false)
    }

    fn need<T>(&mut self, field: Field, parse: fn(Cell<'_>) -> Result<Option<T>, CellFault>) -> Option<T> {
        let outcome = parse(self.cell(field));
        self.take(field, outcome, true)
    }

    fn may_measured<T>(
        &mut self,
        field: Field,
        parse: fn(Cell<'_>, Unit) -> Result<Option<T>, CellFault>,
    ) -> Option<T> {
        let outcome = parse(self.cell(field), self.unit(field));
        self.take(field, outcome, false)
    }

    fn need_measured<T>(
        &mut self,
        field: Field,
        parse: fn(Cell<'_>, Unit) -> Result<Option<T>, CellFault>,
    ) -> Option<T> {
        let outcome = parse(self.cell(field), self.unit(field));
        self.take(field, outcome, true)
    }

    fn unit(&self, field: Field) -> Unit {
        self.layout.place(field).map_or(Unit::Plain, |(_, unit)| unit)
    }

    fn take<T>(&mut self, field: Field, outcome: Result<Option<T>, CellFault>, needed: bool) -> Option<T> {
        let fault = match outcome {
            Ok(Some(value)) => return Some(value),
            Ok(None) if !needed => return None,
            Ok(None) if self.cell(field).is_blank() => CellFault::Missing,
            Ok(None) => CellFault::NothingSaid,
            Err(fault) => fault,
        };
        let refusal = self.finding(field, fault.code(), fault.zh(), fault.to_string());
        self.refusals.push(refusal);
        None
    }

    fn place(&self, field: Field) -> Place {
        Place { column: self.table.column(field), ..self.table.place(self.row) }
    }

    fn finding(&self, field: Field, code: &'static str, zh: String, en: String) -> Finding {
        Finding::new(self.place(field), code, trim(&shown(self.cell(field))), zh, en)
    }

    /// Returns a cell as it may be kept and sent back: columns about persons are empty, numbers of persons masked. Codes stay as
    /// they are, since a ticket's number may have the digits of a telephone.
    fn kept(&self, index: usize) -> Cow<'a, str> {
        let cell = self.cells.cell(index);
        let is_code = matches!(
            self.layout.field_at(index),
            Some(Field::Ticket | Field::Number | Field::LegalRepresentativeDigest | Field::PersonDigest)
        );
        if self.layout.drops(index) {
            Cow::Borrowed("")
        } else if is_code && !matches!(cell::code(cell), Err(CellFault::Identity)) {
            cell.shown()
        } else {
            shown(cell)
        }
    }

    fn finish(mut self, command: Option<Command>) -> ReadRow {
        let unread = self.refusals.len();
        for problem in std::mem::take(&mut self.check.problems) {
            let Some(field) = self.layout.kind.field(problem.field) else { continue };
            let refusal = self.finding(field, problem.code, problem.zh, problem.en);
            // A cell that cannot be read was told already; what follows from its absence is not news.
            if !self.refusals.iter().take(unread).any(|told| told.place.column == refusal.place.column) {
                self.refusals.push(refusal);
            }
        }
        let width = self.cells.width().max(self.layout.width);
        let mut cells = StringRecord::with_capacity(128, width);
        (0..width).for_each(|index| cells.push_field(&self.kept(index)));
        let outcome = match command {
            Some(command) if self.refusals.is_empty() => Ok(command),
            _ => Err(self.refusals),
        };
        ReadRow { table: Arc::clone(self.table), row: self.row, cells, outcome, warnings: self.warnings }
    }
}

/// What stands before the word of an entry that was made by mistake.
const CANCELS: &str = "作废";

fn cancel(credit_code: Option<CreditCode>, entry: Entry, reason: String) -> Option<Command> {
    Some(Command::CancelEntry(EntryCancelled { credit_code: credit_code?, entry, reason }))
}

/// Returns a cell as it may be shown and kept: as it came, but for the numbers of persons in it.
fn shown(cell: Cell<'_>) -> Cow<'_, str> {
    match cell.shown() {
        Cow::Borrowed(text) => masked(text),
        Cow::Owned(text) => Cow::Owned(masked(&text).into_owned()),
    }
}

/// What a row of 信号 tells: a signal, or one of the two ratios that share its sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SignalRow {
    Raised(SignalKind),
    ComplaintRate,
    PrepaidShare,
}

impl FromStr for SignalRow {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        match &*half_width(trim(text)) {
            "客诉率" | "complaint_rate" => Ok(Self::ComplaintRate),
            "预付占比" | "prepaid_share" => Ok(Self::PrepaidShare),
            other => other.parse().map(Self::Raised).map_err(|unknown: UnknownWord| UnknownWord {
                allowed: format!("{}, 客诉率 (complaint_rate), 预付占比 (prepaid_share)", unknown.allowed),
                ..unknown
            }),
        }
    }
}
