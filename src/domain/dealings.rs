//! What offices do with each other about a merchant: leads to other authorities (线索), joint checks (综合查一次), enforcement cases
//! (立案); and the letters they issued (文书). No fact and no light rests on it.
//!
//! A step is one thing by its number and kind: said otherwise later it is corrected, and what a later row leaves out stays.

use super::code_key::code;
use super::envelope::Position;
use super::event::{CaseOpened, DocumentIssued, JointCheck, Lead, LeadTransferred};
use super::evidence::{Evidence, Replaced, STANDING, ended, standing};
use super::mark::Mark;
use super::name_key;
use super::time::{Day, Instant};
use super::words::{DocumentKind, EnforcementKind, JointCheckStep, LeadStep};

/// What offices do with each other about one merchant; of most merchants there is nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dealings {
    /// Steps of leads, in the order recorded.
    pub leads: Vec<LeadItem>,
    /// Steps of joint checks, in the order recorded.
    pub checks: Vec<CheckItem>,
    /// Enforcement cases, in the order recorded.
    pub cases: Vec<CaseItem>,
    /// Letters, in the order recorded.
    pub documents: Vec<DocumentItem>,
}

/// A step of a lead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeadItem {
    /// Number, as first typed.
    pub lead: Box<str>,
    /// Which step.
    pub step: LeadStep,
    /// Day.
    pub date: Day,
    /// Where it stands.
    pub position: Position,
    /// Up to where it stood.
    pub until: Position,
    /// Authority it goes to, or that took it or sent it back.
    pub authority: Box<str>,
    /// Why.
    pub note: Option<Box<str>>,
    /// Day the transfer was put to whoever decides about it.
    pub reported_on: Option<Day>,
    /// When it was approved.
    pub approved_at: Option<Instant>,
    /// When the papers were handed over.
    pub handed_over_at: Option<Instant>,
}

/// A step of a joint check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckItem {
    /// Number, as first typed.
    pub check: Box<str>,
    /// Which step.
    pub step: JointCheckStep,
    /// Day planned or done.
    pub date: Day,
    /// Where it stands.
    pub position: Position,
    /// Up to where it stood.
    pub until: Position,
    /// Ids of the sectors taking part, sorted.
    pub sectors: Vec<String>,
    /// What was found.
    pub result: Option<Box<str>>,
}

/// An enforcement case, once for each ticket that it was opened for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseItem {
    /// Number, as first typed.
    pub number: Box<str>,
    /// Day.
    pub date: Day,
    /// Where it stands.
    pub position: Position,
    /// Up to where it stood.
    pub until: Position,
    /// The ticket's name.
    pub ticket: Option<Box<str>>,
}

/// A letter that was issued. Its words stay in the log: whoever wants to read them has the position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentItem {
    /// Which letter.
    pub kind: DocumentKind,
    /// Number, as first typed.
    pub number: Box<str>,
    /// Office that issued it, as first typed.
    pub office: Box<str>,
    /// Day of issue.
    pub date: Day,
    /// Where it stands.
    pub position: Position,
    /// Of everything else it says.
    pub words: Mark,
}

macro_rules! evidence {
    ($($item:ty),+) => {$(
        impl Evidence for $item {
            fn date(&self) -> Day { self.date }
            fn position(&self) -> Position { self.position }
            fn until(&self) -> Position { self.until }
        }

        impl Replaced for $item {
            fn end(&mut self, at: Position) { self.until = at; }
        }
    )+};
}

evidence!(LeadItem, CheckItem, CaseItem);

impl Dealings {
    /// Returns dealings of which there are none.
    #[must_use]
    pub const fn none() -> &'static Self {
        const NONE: &Dealings =
            &Dealings { leads: Vec::new(), checks: Vec::new(), cases: Vec::new(), documents: Vec::new() };
        NONE
    }

    /// Returns the step of a lead that stands.
    #[must_use]
    pub fn lead(&self, lead: &str, step: LeadStep) -> Option<&LeadItem> {
        standing(&self.leads, |item| item.is(lead, step))
    }

    /// Returns the step of a joint check that stands.
    #[must_use]
    pub fn check(&self, check: &str, step: JointCheckStep) -> Option<&CheckItem> {
        standing(&self.checks, |item| item.is(check, step))
    }

    /// Returns the case that stands of a number and a ticket.
    #[must_use]
    pub fn case(&self, number: &str, ticket: Option<&str>) -> Option<&CaseItem> {
        standing(&self.cases, |item| item.is(number) && item.is_for(ticket))
    }

    /// Returns the letter of a kind and number, however that is typed.
    #[must_use]
    pub fn document(&self, kind: DocumentKind, number: &str) -> Option<&DocumentItem> {
        self.documents.iter().find(|item| item.kind == kind && code(&item.number) == code(number))
    }

    /// Returns the letter of an office with a number, of whatever kind, however both are typed.
    #[must_use]
    pub fn letter(&self, office: &str, number: &str) -> Option<&DocumentItem> {
        self.documents.iter().find(|item| name_key::same(&item.office, office) && code(&item.number) == code(number))
    }

    /// Takes a letter into account. What left the office stays as it left.
    pub(super) fn issue(&mut self, position: Position, row: &DocumentIssued) {
        let (number, office, words) = (row.number.as_str().into(), row.office.as_str().into(), words_of(row));
        self.documents.push(DocumentItem { kind: row.kind, number, office, date: row.date, position, words });
    }

    /// Takes the transfer of a lead into account.
    pub(super) fn transfer(&mut self, position: Position, row: &LeadTransferred) {
        self.step_of_lead(LeadItem {
            lead: row.lead.as_str().into(),
            step: LeadStep::Transferred,
            date: row.date,
            position,
            until: STANDING,
            authority: row.authority.as_str().into(),
            note: row.note.as_deref().map(Box::from),
            reported_on: row.reported_on,
            approved_at: row.approved_at,
            handed_over_at: row.handed_over_at,
        });
    }

    /// Takes the answer to a lead into account.
    pub(super) fn answer(&mut self, position: Position, row: &Lead, step: LeadStep) {
        self.step_of_lead(LeadItem {
            lead: row.lead.as_str().into(),
            step,
            date: row.date,
            position,
            until: STANDING,
            authority: row.authority.as_str().into(),
            note: row.note.as_deref().map(Box::from),
            reported_on: None,
            approved_at: None,
            handed_over_at: None,
        });
    }

    fn step_of_lead(&mut self, mut item: LeadItem) {
        let (lead, step) = (item.lead.clone(), item.step);
        if let Some(stood) = ended(&mut self.leads, item.position, |other| other.is(&lead, step)) {
            item.note = item.note.or_else(|| stood.note.clone());
            item.reported_on = item.reported_on.or(stood.reported_on);
            item.approved_at = item.approved_at.or(stood.approved_at);
            item.handed_over_at = item.handed_over_at.or(stood.handed_over_at);
        }
        self.leads.push(item);
    }

    /// Takes a step of a joint check into account.
    pub(super) fn joint_check(&mut self, position: Position, row: &JointCheck, step: JointCheckStep) {
        let mut result = row.result.as_deref().map(Box::from);
        if let Some(stood) = ended(&mut self.checks, position, |other| other.is(&row.check, step)) {
            result = result.or_else(|| stood.result.clone());
        }
        self.checks.push(CheckItem {
            check: row.check.as_str().into(),
            step,
            date: row.date,
            position,
            until: STANDING,
            sectors: row.sectors.clone(),
            result,
        });
    }

    /// Takes the opening of a case into account.
    pub(super) fn open_case(&mut self, position: Position, row: &CaseOpened) {
        let ticket = row.ticket.as_deref();
        ended(&mut self.cases, position, |other| other.is(&row.number) && other.is_for(ticket));
        let (number, ticket) = (row.number.as_str().into(), ticket.map(Box::from));
        self.cases.push(CaseItem { number, date: row.date, position, until: STANDING, ticket });
    }
}

/// Returns the act that a letter is by itself; `None` if what it speaks of is recorded when it was done.
#[must_use]
pub const fn act_of(kind: DocumentKind) -> Option<EnforcementKind> {
    match kind {
        DocumentKind::WarningLetter => Some(EnforcementKind::WarningLetter),
        DocumentKind::YellowCard => Some(EnforcementKind::YellowCard),
        DocumentKind::RectificationOrder => Some(EnforcementKind::RectificationOrdered),
        DocumentKind::TalkNotice | DocumentKind::LeadLetter => None,
    }
}

/// Returns the mark of what a letter says beside its kind, number and day.
#[must_use]
pub fn words_of(row: &DocumentIssued) -> Mark {
    let due_on = row.due_on.map(|day| day.to_string()).unwrap_or_default();
    let parts = [&due_on, &row.title, &row.to, &row.office].into_iter().chain(&row.paragraphs);
    // No part has a control character in it.
    let said: Vec<&str> = parts.map(String::as_str).collect();
    Mark::of(Some(&said.join("\u{1}")))
}

impl LeadItem {
    /// Says whether it is this step of this lead, however the number is typed.
    #[must_use]
    pub fn is(&self, lead: &str, step: LeadStep) -> bool {
        self.step == step && code(&self.lead) == code(lead)
    }
}

impl CheckItem {
    /// Says whether it is this step of this joint check, however the number is typed.
    #[must_use]
    pub fn is(&self, check: &str, step: JointCheckStep) -> bool {
        self.step == step && code(&self.check) == code(check)
    }
}

impl CaseItem {
    /// Says whether it is this case, however the number is typed.
    #[must_use]
    pub fn is(&self, number: &str) -> bool {
        code(&self.number) == code(number)
    }

    fn is_for(&self, ticket: Option<&str>) -> bool {
        self.ticket.as_deref().map(code) == ticket.map(code)
    }
}
