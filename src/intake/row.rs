//! One row of a known sheet becomes a command. Every cell is read before anything is said, so that a row comes back once
//! with all that is wrong with it.

use super::cell::{self, Cell, CellFault, Unit};
use super::item::{ReadRow, Table};
use super::place::{Finding, Place, Refusal, Warning, check_character};
use super::sheet::{Field, Layout, SheetKind};
use crate::domain::check::{Check, Times};
use crate::domain::code::CreditCode;
use crate::domain::command::{
    Command, RecordComplaint, RecordEnforcement, RecordExit, RecordFiling, RecordListing, RecordSignal, ReportBalance,
    ReportCustody, ReportRatio,
};
use crate::domain::event::{Guarantee, MerchantDetails};
use crate::domain::text::{half_width, trim};
use crate::domain::time::Instant;
use crate::domain::words::{SignalKind, UnknownWord};
use csv::StringRecord;
use std::str::FromStr;
use std::sync::Arc;

/// The cells of one row, wherever they are kept.
pub(super) trait Cells {
    /// How many cells the row has.
    fn width(&self) -> usize;
    /// Returns the cell at `index`, blank if there is none.
    fn cell(&self, index: usize) -> Cell<'_>;
}

/// Reads a row.
pub(super) fn read(layout: &Layout, table: &Arc<Table>, row: u64, cells: &dyn Cells, now: Instant) -> ReadRow {
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
    };
    reading.finish(command)
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
            unit: self.may(Field::Unit, cell::text),
            legal_representative: self.may(Field::LegalRepresentative, cell::text),
            legal_representative_digest: self.may(Field::LegalRepresentativeDigest, cell::text),
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
        let account_tail = self.may(Field::AccountTail, cell::text);
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
        let kind = self.need(Field::Kind, cell::word);
        let amount = self.need_measured(Field::Amount, cell::amount);
        let from = self.need(Field::From, cell::day);
        let until = self.need(Field::Until, cell::day);
        self.check.guarantee(from, until);
        let (credit_code, kind, amount, from, until) = (credit_code?, kind?, amount?, from?, until?);
        Some(Command::PostGuarantee(Guarantee { credit_code, kind, amount, from, until }))
    }

    fn exit(&mut self) -> Option<Command> {
        let credit_code = self.credit_code();
        let mall = self.may(Field::Mall, cell::text);
        let unit = self.may(Field::Unit, cell::text);
        let action = self.need(Field::Action, cell::word);
        let date = self.need(Field::Date, cell::day);
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
        let ticket = self.need(Field::Ticket, cell::text);
        let channel = self.need(Field::Channel, cell::word);
        let received_at = self.need(Field::ReceivedAt, cell::instant);
        let credit_code = self.credit_code();
        let kind = self.need(Field::Kind, cell::word);
        let amount = self.may_measured(Field::Amount, cell::amount);
        let due_at = self.may(Field::DueAt, cell::instant);
        let answered_at = self.may(Field::AnsweredAt, cell::instant);
        let closed_at = self.may(Field::ClosedAt, cell::instant);
        let outcome = self.may(Field::Outcome, cell::word);
        // A missing ticket was told by its cell.
        let known = ticket.as_deref().unwrap_or("?");
        self.check.complaint(&Times { ticket: known, received_at, answered_at, due_at, closed_at, outcome });
        let (ticket, channel, received_at) = (ticket?, channel?, received_at?);
        let (credit_code, kind) = (credit_code?, kind?);
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
        }))
    }

    fn signal(&mut self) -> Option<Command> {
        let credit_code = self.credit_code();
        let mall = self.may(Field::Mall, cell::text);
        let unit = self.may(Field::Unit, cell::text);
        let kind = self.need(Field::Kind, cell::word::<SignalRow>);
        let date = self.need(Field::Date, cell::day);
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
        let list = self.need(Field::List, cell::word);
        let entered_on = self.need(Field::EnteredOn, cell::day);
        let removed_on = self.may(Field::RemovedOn, cell::day);
        self.check.listing(entered_on, removed_on);
        let (credit_code, list, entered_on) = (credit_code?, list?, entered_on?);
        Some(Command::RecordListing(RecordListing { credit_code, list, entered_on, removed_on }))
    }

    fn enforcement(&mut self) -> Option<Command> {
        let credit_code = self.credit_code();
        let kind = self.need(Field::Kind, cell::word);
        let date = self.need(Field::Date, cell::day);
        let due_on = self.may(Field::DueOn, cell::day);
        let number = self.may(Field::Number, cell::text);
        self.check.enforcement(kind, date, due_on);
        let (credit_code, kind, date) = (credit_code?, kind?, date?);
        Some(Command::RecordEnforcement(RecordEnforcement { credit_code, kind, date, due_on, number }))
    }

    fn credit_code(&mut self) -> Option<CreditCode> {
        let code = self.need(Field::CreditCode, cell::credit_code)?;
        if !code.check_character_holds() {
            self.warnings.push(check_character(self.place(Field::CreditCode), code));
        }
        Some(code)
    }

    fn cell(&self, field: Field) -> Cell<'a> {
        self.layout.place(field).map_or(Cell::Blank, |(index, _)| self.cells.cell(index))
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
            Ok(None) => CellFault::Missing,
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
        Finding::new(self.place(field), code, trim(&self.cell(field).shown()), zh, en)
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
        let outcome = match command {
            Some(command) if self.refusals.is_empty() => Ok(command),
            _ => Err(self.refusals),
        };
        let width = self.cells.width().max(self.layout.width);
        let mut cells = StringRecord::with_capacity(128, width);
        (0..width).for_each(|index| cells.push_field(&self.cells.cell(index).shown()));
        ReadRow { table: Arc::clone(self.table), row: self.row, cells, outcome, warnings: self.warnings }
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
