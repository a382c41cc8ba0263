//! Rows of 执法: acts of offices, leads, joint checks and cases.

use super::{Reading, cancel};
use crate::domain::code::CreditCode;
use crate::domain::command::{Command, RecordCase, RecordEnforcement, RecordJointCheck, RecordLead};
use crate::domain::event::Entry;
use crate::domain::text::{clean, half_width, trim};
use crate::domain::time::Day;
use crate::domain::words::{EnforcementKind, JointCheckStep, LeadStep, UnknownWord};
use crate::intake::cell;
use crate::intake::sheet::Field;
use std::str::FromStr;

impl Reading<'_> {
    pub(super) fn enforcement(&mut self) -> Option<Command> {
        let credit_code = self.credit_code();
        let cancels = self.cancels(Field::Kind);
        let kind = self.word::<EnforcementRow>(Field::Kind);
        let date = self.need(Field::Date, cell::day);
        if let Some(reason) = cancels {
            return cancel(credit_code, self.cancelled_act(kind?, date)?, reason);
        }
        self.only_of(kind);
        match kind {
            Some(EnforcementRow::Lead(step)) => self.lead(credit_code, step, date),
            Some(EnforcementRow::JointCheck(step)) => self.joint_check(credit_code, step, date),
            Some(EnforcementRow::Case) => self.case(credit_code, date),
            Some(EnforcementRow::Act(kind)) => self.act(credit_code, Some(kind), date),
            None => self.act(credit_code, None, date),
        }
    }

    fn act(
        &mut self,
        credit_code: Option<CreditCode>,
        kind: Option<EnforcementKind>,
        date: Option<Day>,
    ) -> Option<Command> {
        let due_on = self.may(Field::DueOn, cell::day);
        let number = self.may(Field::Number, cell::code);
        let result = self.may(Field::Result, cell::prose);
        self.check.enforcement(kind, date, due_on);
        if let Some(kind) = kind {
            self.check.result_of(kind, result.as_deref());
        }
        let (credit_code, kind, date) = (credit_code?, kind?, date?);
        Some(Command::RecordEnforcement(RecordEnforcement { credit_code, kind, date, due_on, number, result }))
    }

    fn lead(&mut self, credit_code: Option<CreditCode>, step: LeadStep, date: Option<Day>) -> Option<Command> {
        let lead = self.need(Field::Number, cell::code);
        let authority = self.need(Field::Authority, cell::text);
        let note = self.may(Field::Note, cell::prose);
        let reported_on = self.may(Field::ReportedOn, cell::day);
        let approved_at = self.may(Field::ApprovedAt, cell::instant);
        let handed_over_at = self.may(Field::HandedOverAt, cell::instant);
        let (credit_code, lead, date, authority) = (credit_code?, lead?, date?, authority?);
        let row =
            RecordLead { credit_code, lead, step, date, authority, note, reported_on, approved_at, handed_over_at };
        self.check.lead(&row);
        Some(Command::RecordLead(row))
    }

    fn joint_check(
        &mut self,
        credit_code: Option<CreditCode>,
        step: JointCheckStep,
        date: Option<Day>,
    ) -> Option<Command> {
        let check = self.need(Field::Number, cell::code);
        let sectors = self.need(Field::Sectors, cell::text);
        let result = self.may(Field::Result, cell::prose);
        let sectors =
            sectors?.split(['、', '，', ',', '；', ';', '/']).map(|sector| clean(sector).into_owned()).collect();
        let (credit_code, check, date) = (credit_code?, check?, date?);
        let row = RecordJointCheck { credit_code, check, step, date, sectors, result };
        self.check.joint_check(&row);
        Some(Command::RecordJointCheck(row))
    }

    fn case(&mut self, credit_code: Option<CreditCode>, date: Option<Day>) -> Option<Command> {
        let number = self.need(Field::Number, cell::code);
        let ticket = self.may(Field::Ticket, cell::code);
        let channel = self.may(Field::Channel, cell::word);
        let (credit_code, number, date) = (credit_code?, number?, date?);
        let row = RecordCase { credit_code, number, date, ticket, channel };
        self.check.case(&row);
        Some(Command::RecordCase(row))
    }

    /// Names the entry that a row cancels.
    fn cancelled_act(&mut self, kind: EnforcementRow, date: Option<Day>) -> Option<Entry> {
        Some(match kind {
            EnforcementRow::Act(kind) => {
                let number = self.may(Field::Number, cell::code);
                Entry::Act { kind, date: date?, number }
            }
            EnforcementRow::Lead(step) => Entry::Lead { lead: self.need(Field::Number, cell::code)?, step },
            EnforcementRow::JointCheck(step) => {
                Entry::JointCheck { check: self.need(Field::Number, cell::code)?, step }
            }
            EnforcementRow::Case => Entry::Case { number: self.need(Field::Number, cell::code)? },
        })
    }

    /// Refuses what stands in a column that this kind of row does not have: it would be lost.
    fn only_of(&mut self, kind: Option<EnforcementRow>) {
        let Some(kind) = kind else { return };
        let own: &[Field] = match kind {
            EnforcementRow::Act(_) => &[Field::DueOn, Field::Result],
            EnforcementRow::Lead(_) => {
                &[Field::Authority, Field::Note, Field::ReportedOn, Field::ApprovedAt, Field::HandedOverAt]
            }
            EnforcementRow::JointCheck(_) => &[Field::Sectors, Field::Result],
            EnforcementRow::Case => &[Field::Ticket, Field::Channel],
        };
        for field in ENFORCEMENT_ONLY.into_iter().filter(|field| !own.contains(field)) {
            if self.may(field, cell::text).is_some() {
                let zh = format!("类型为「{}」时没有此项；请清空，或改正类型", kind.zh());
                let en =
                    format!("a row of the kind {} does not have this; empty the cell, or correct the kind", kind.zh());
                let refusal = self.finding(field, "out_of_place", zh, en);
                self.refusals.push(refusal);
            }
        }
    }
}

/// Columns of 执法 that only some kinds of rows have.
const ENFORCEMENT_ONLY: [Field; 10] = [
    Field::DueOn,
    Field::Result,
    Field::Authority,
    Field::Note,
    Field::Sectors,
    Field::ReportedOn,
    Field::ApprovedAt,
    Field::HandedOverAt,
    Field::Ticket,
    Field::Channel,
];

/// What a row of 执法 tells: an act, or what offices do with each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum EnforcementRow {
    Act(EnforcementKind),
    Lead(LeadStep),
    JointCheck(JointCheckStep),
    Case,
}

impl EnforcementRow {
    const fn zh(self) -> &'static str {
        match self {
            Self::Act(kind) => kind.zh(),
            Self::Lead(step) => step.zh(),
            Self::JointCheck(step) => step.zh(),
            Self::Case => CASE,
        }
    }
}

/// The word for the opening of a case.
const CASE: &str = "立案";

impl FromStr for EnforcementRow {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let word = &*half_width(trim(text));
        if matches!(word, CASE | "case") {
            return Ok(Self::Case);
        }
        // Steps by their Chinese words only: `accepted` or `done` alone says nothing of what.
        let lead = LeadStep::ALL.iter().find(|step| step.zh() == word).copied().map(Self::Lead);
        let check = JointCheckStep::ALL.iter().find(|step| step.zh() == word).copied().map(Self::JointCheck);
        lead.or(check).map_or_else(
            || {
                word.parse().map(Self::Act).map_err(|unknown: UnknownWord| {
                    let steps = LeadStep::ALL.iter().map(|step| step.zh());
                    let steps = steps.chain(JointCheckStep::ALL.iter().map(|step| step.zh())).chain([CASE]);
                    let allowed = format!("{}, {}", unknown.allowed, steps.collect::<Vec<_>>().join(", "));
                    UnknownWord { allowed, ..unknown }
                })
            },
            Ok,
        )
    }
}
