//! One file is one statement (docs/FACTS.md): where its rows disagree about one thing, the last row counts and the earlier ones
//! are overruled.
//!
//! Rows are noted in order ([`Statement::note`]); then each can be asked what later rows overrule ([`Statement::overruled`]). What a
//! row leaves out it does not say, so it overrules nothing there, and what only an overruled row says is handed on to the last
//! ([`complete`]).

use super::code_key::code;
use super::command::Command;
use super::name_key::key;
use super::text::clean;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// What the rows of a file say, field by field: for each the last row that says it, and what.
#[derive(Debug, Default)]
pub struct Statement {
    said: HashMap<u64, (u64, u64)>,
}

/// Fields of a row that a later row of the same file says otherwise.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overruled {
    /// Their names.
    pub fields: Vec<&'static str>,
    /// The last row that says one of them, as it was noted.
    pub by: u64,
}

impl Statement {
    /// Notes what a row says; rows are noted in order, `row` is a number of its own.
    pub fn note(&mut self, row: u64, command: &Command) {
        each_field(command, &mut |thing, field, value| {
            self.said.insert(hash_of(&(thing, field)), (row, value));
        });
    }

    /// Returns what later rows overrule of a row that was noted.
    #[must_use]
    pub fn overruled(&self, row: u64, command: &Command) -> Overruled {
        let mut found = Overruled::default();
        each_field(command, &mut |thing, field, value| {
            if let Some((later, last)) = self.said.get(&hash_of(&(thing, field)))
                && *later > row
                && *last != value
            {
                found.fields.push(field);
                found.by = found.by.max(*later);
            }
        });
        found
    }
}

/// Returns what names the thing that a command speaks of, within one file; `None` if its rows are taken one by one.
#[must_use]
pub fn thing(command: &Command) -> Option<u64> {
    let who = command.credit_code();
    let place = |mall: &Option<String>, unit: &Option<String>| {
        (key(mall.as_deref().unwrap_or_default()).into_owned(), key(unit.as_deref().unwrap_or_default()).into_owned())
    };
    Some(match command {
        Command::RegisterMerchant(_) => hash_of(&("merchant", who)),
        Command::RecordFiling(row) => hash_of(&("filing", who, row.date)),
        Command::ReportBalance(row) => hash_of(&("balance", who, row.date)),
        Command::ReportCustody(row) => hash_of(&("custody", who, row.date)),
        Command::PostGuarantee(row) => hash_of(&("guarantee", who, row.kind, row.amount, row.from)),
        Command::RecordExit(row) => hash_of(&("exit", who, place(&row.mall, &row.unit), row.action.name(), row.date)),
        Command::RecordSignal(row) => hash_of(&("signal", who, place(&row.mall, &row.unit), row.kind, row.date)),
        Command::RecordListing(row) => hash_of(&("listing", who, row.list, row.entered_on)),
        Command::RecordEnforcement(row) => {
            let number = code(row.number.as_deref()?);
            hash_of(&("act", who, row.kind, row.date, number))
        }
        Command::RecordLead(row) => hash_of(&("lead", who, code(&row.lead), row.step)),
        Command::RecordJointCheck(row) => hash_of(&("joint_check", who, code(&row.check), row.step)),
        Command::RecordCase(row) => {
            let ticket = row.ticket.as_deref().map(code);
            hash_of(&("case", who, code(&row.number), ticket, row.channel))
        }
        Command::IssueDocument(row) => hash_of(&("document", who, row.kind, code(&row.number))),
        Command::RecordAccount(row) => hash_of(&("account", who, row.action, key(&row.bank), row.date)),
        Command::HandleComplaint(row) => hash_of(&("ticket", who, code(&row.ticket), row.channel, row.step, row.at)),
        Command::RecordGreyListing(row) => hash_of(&("grey", who, row.entered_on)),
        Command::RecordLock(row) => hash_of(&("lock", who, code(&row.person_digest), row.locked_on)),
        Command::AssignSector(_)
        | Command::RecordAlias(_)
        | Command::WithdrawAlias(_)
        | Command::RecordComplaint(_)
        | Command::RecordUnattributed(_)
        | Command::DecideUnattributed(_)
        | Command::ReportComplaintRate(_)
        | Command::ReportPrepaidShare(_)
        | Command::RecordTenancy(_)
        | Command::MakeStatement(_)
        | Command::CancelEntry(_)
        | Command::HandleCase(_) => return None,
    })
}

/// Calls `visit` with every field that a command says of its thing, and its value.
fn each_field(command: &Command, visit: &mut dyn FnMut(u64, &'static str, u64)) {
    let Some(thing) = thing(command) else { return };
    let mut say = |field: &'static str, value: Option<u64>| {
        if let Some(value) = value {
            visit(thing, field, value);
        }
    };
    let text = |text: &Option<String>| text.as_deref().map(|text| hash_of(&clean(text)));
    let name = |text: &Option<String>| text.as_deref().map(|text| hash_of(&key(text)));
    let number = |text: &Option<String>| text.as_deref().map(|text| hash_of(&code(text)));
    match command {
        Command::RegisterMerchant(row) => {
            say("name", text(&row.name));
            say("industry_code", text(&row.industry_code));
            say("division_code", row.division_code.map(|code| hash_of(&code.to_string())));
            say("street", text(&row.street));
            say("legal_representative", name(&row.legal_representative));
            say("legal_representative_digest", number(&row.legal_representative_digest));
            say("brand", name(&row.brand));
            say("founded_on", row.founded_on.map(|day| hash_of(&day)));
        }
        Command::RecordFiling(row) => {
            say("status", Some(hash_of(&row.status)));
            say("bank", text(&row.bank));
            say("account_tail", number(&row.account_tail));
        }
        Command::ReportBalance(row) => {
            say("outstanding", Some(hash_of(&row.outstanding)));
            say("revenue_last_year", row.revenue_last_year.map(|revenue| hash_of(&revenue)));
        }
        Command::ReportCustody(row) => {
            say("held", Some(hash_of(&row.held)));
            say("abnormal", row.abnormal.map(|abnormal| hash_of(&abnormal)));
        }
        Command::PostGuarantee(row) => say("until", Some(hash_of(&row.until))),
        Command::RecordExit(row) => {
            say("planned_on", row.planned_on.map(|day| hash_of(&day)));
            say("refund_plan", text(&row.refund_plan));
            say("reason", text(&row.reason));
        }
        Command::RecordSignal(row) => {
            say("value", text(&row.value));
            say("cleared_on", row.cleared_on.map(|day| hash_of(&day)));
        }
        Command::RecordListing(row) => say("removed_on", row.removed_on.map(|day| hash_of(&day))),
        Command::RecordEnforcement(row) => {
            say("due_on", row.due_on.map(|day| hash_of(&day)));
            say("result", text(&row.result));
        }
        Command::RecordLead(row) => {
            say("date", Some(hash_of(&row.date)));
            say("authority", Some(hash_of(&key(&row.authority))));
            say("note", text(&row.note));
            say("reported_on", row.reported_on.map(|day| hash_of(&day)));
            say("approved_at", row.approved_at.map(|at| hash_of(&at)));
            say("handed_over_at", row.handed_over_at.map(|at| hash_of(&at)));
        }
        Command::RecordJointCheck(row) => {
            say("date", Some(hash_of(&row.date)));
            say("sectors", Some(hash_of(&row.sectors)));
            say("result", text(&row.result));
        }
        Command::RecordCase(row) => say("date", Some(hash_of(&row.date))),
        Command::IssueDocument(row) => {
            say("date", Some(hash_of(&row.date)));
            say("due_on", row.due_on.map(|day| hash_of(&day)));
            say("title", Some(hash_of(&row.title)));
            say("to", Some(hash_of(&row.to)));
            say("paragraphs", Some(hash_of(&row.paragraphs)));
            say("office", Some(hash_of(&row.office)));
        }
        Command::RecordAccount(row) => say("account_tail", text(&row.account_tail)),
        Command::HandleComplaint(row) => {
            say("amount", row.amount.map(|amount| hash_of(&amount)));
            say("due_at", row.due_at.map(|at| hash_of(&at)));
            say("resolved", row.resolved.map(|flag| hash_of(&flag)));
            say("satisfied", row.satisfied.map(|flag| hash_of(&flag)));
        }
        Command::RecordGreyListing(row) => {
            say("ground", text(&row.ground));
            say("review_on", row.review_on.map(|day| hash_of(&day)));
            say("removed_on", row.removed_on.map(|day| hash_of(&day)));
        }
        Command::RecordLock(row) => {
            say("person", Some(hash_of(&key(&row.person))));
            say("role", text(&row.role));
            say("number", row.number.as_deref().map(|number| hash_of(&code(number))));
            say("lifted_on", row.lifted_on.map(|day| hash_of(&day)));
        }
        Command::AssignSector(_)
        | Command::RecordAlias(_)
        | Command::WithdrawAlias(_)
        | Command::RecordComplaint(_)
        | Command::RecordUnattributed(_)
        | Command::DecideUnattributed(_)
        | Command::ReportComplaintRate(_)
        | Command::ReportPrepaidShare(_)
        | Command::RecordTenancy(_)
        | Command::MakeStatement(_)
        | Command::CancelEntry(_)
        | Command::HandleCase(_) => {}
    }
}

/// Fills in what a later row of the same thing leaves out and an overruled row before it says.
pub fn complete(later: &mut Command, overruled: &Command) {
    fn fill<T: Clone>(later: &mut Option<T>, earlier: &Option<T>) {
        if later.is_none() {
            later.clone_from(earlier);
        }
    }
    match (later, overruled) {
        (Command::RecordFiling(later), Command::RecordFiling(earlier)) => {
            fill(&mut later.bank, &earlier.bank);
            fill(&mut later.account_tail, &earlier.account_tail);
        }
        (Command::ReportBalance(later), Command::ReportBalance(earlier)) => {
            fill(&mut later.revenue_last_year, &earlier.revenue_last_year);
        }
        (Command::ReportCustody(later), Command::ReportCustody(earlier)) => {
            fill(&mut later.abnormal, &earlier.abnormal);
        }
        (Command::RecordExit(later), Command::RecordExit(earlier)) => {
            fill(&mut later.planned_on, &earlier.planned_on);
            fill(&mut later.refund_plan, &earlier.refund_plan);
            fill(&mut later.reason, &earlier.reason);
        }
        (Command::RecordSignal(later), Command::RecordSignal(earlier)) => {
            fill(&mut later.value, &earlier.value);
            fill(&mut later.cleared_on, &earlier.cleared_on);
        }
        (Command::RecordListing(later), Command::RecordListing(earlier)) => {
            fill(&mut later.removed_on, &earlier.removed_on);
        }
        (Command::RecordEnforcement(later), Command::RecordEnforcement(earlier)) => {
            fill(&mut later.due_on, &earlier.due_on);
            fill(&mut later.result, &earlier.result);
        }
        (Command::RecordLead(later), Command::RecordLead(earlier)) => {
            fill(&mut later.note, &earlier.note);
            fill(&mut later.reported_on, &earlier.reported_on);
            fill(&mut later.approved_at, &earlier.approved_at);
            fill(&mut later.handed_over_at, &earlier.handed_over_at);
        }
        (Command::RecordAccount(later), Command::RecordAccount(earlier)) => {
            fill(&mut later.account_tail, &earlier.account_tail);
        }
        (Command::HandleComplaint(later), Command::HandleComplaint(earlier)) => {
            fill(&mut later.due_at, &earlier.due_at);
        }
        (Command::RecordGreyListing(later), Command::RecordGreyListing(earlier)) => {
            fill(&mut later.ground, &earlier.ground);
            fill(&mut later.review_on, &earlier.review_on);
            fill(&mut later.removed_on, &earlier.removed_on);
        }
        (Command::RecordLock(later), Command::RecordLock(earlier)) => {
            fill(&mut later.role, &earlier.role);
            fill(&mut later.number, &earlier.number);
            fill(&mut later.lifted_on, &earlier.lifted_on);
        }
        // Of the register each column counts by itself; the others have nothing that may be left out.
        _ => {}
    }
}

// Compared within one file of one process only: nothing stored rests on it.
fn hash_of(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(json: &str) -> Command {
        serde_json::from_str(&json.replacen('{', r#"{"credit_code":"91110000101623741K","#, 1)).unwrap()
    }

    fn overruled(rows: &[&str]) -> Vec<String> {
        let rows: Vec<Command> = rows.iter().map(|json| row(json)).collect();
        let mut statement = Statement::default();
        for (number, command) in (1..).zip(&rows) {
            statement.note(number, command);
        }
        let said = |(number, command): (u64, &Command)| {
            let found = statement.overruled(number, command);
            format!("{} {}", found.by, found.fields.join(" "))
        };
        (1..).zip(&rows).map(said).collect()
    }

    #[test]
    fn the_last_row_counts_and_rows_that_agree_with_it_stay() {
        let balance =
            |yuan: &str| format!(r#"{{"command":"report_balance","date":"2025-03-01","outstanding":"{yuan}"}}"#);
        let (a, b) = (balance("1"), balance("2"));
        assert_eq!(overruled(&[&a, &b, &a]), ["0 ", "3 outstanding", "0 "]);
        assert_eq!(overruled(&[&a, &b]), ["2 outstanding", "0 "]);
        assert_eq!(overruled(&[&a, &b.replace("03-01", "03-02")]), ["0 ", "0 "]);
    }

    #[test]
    fn details_are_overruled_column_by_column_and_names_compare_by_key() {
        let first = r#"{"command":"register_merchant","name":"极光","brand":"Aurora","mall":"M","street":"a"}"#;
        let later = r#"{"command":"register_merchant","name":"极光","brand":"ＡＵＲＯＲＡ","mall":"N","street":"b"}"#;
        assert_eq!(overruled(&[first, later]), ["2 street", "0 "]);
        let steps = [
            r#"{"command":"record_exit","mall":"大悦城（朝阳）","unit":"Ｂ－１","action":"post","date":"2025-03-01","planned_on":"2025-05-01"}"#,
            r#"{"command":"record_exit","mall":"大悦城(朝阳)","unit":"b-1","action":"post","date":"2025-03-01","planned_on":"2025-06-01"}"#,
        ];
        assert_eq!(overruled(&steps), ["2 planned_on", "0 "]);
    }

    #[test]
    fn what_only_an_overruled_row_says_is_handed_on() {
        let first =
            row(r#"{"command":"report_balance","date":"2025-03-01","outstanding":"1","revenue_last_year":"7"}"#);
        let mut last = row(r#"{"command":"report_balance","date":"2025-03-01","outstanding":"2"}"#);
        complete(&mut last, &first);
        let Command::ReportBalance(last) = last else { panic!() };
        assert_eq!(
            (last.outstanding.to_string(), last.revenue_last_year.unwrap().to_string()),
            ("2.00".into(), "7.00".into())
        );
    }
}
