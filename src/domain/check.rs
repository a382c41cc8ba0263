//! What a command must satisfy by itself, without any history: the order of its dates, what goes only together, nothing
//! reported from the future (docs/SHEETS.md). Whether it fits what is already known is decided elsewhere.

use super::code::CreditCode;
use super::command::Command;
use super::event::Entry;
use super::personal::{is_persons, masked, names_a_person};
use super::text;
use super::ticket;
use super::tidy::industry_code;
use super::time::{self, Day, Instant, day_of, local};
use super::whose;
use super::words::{Channel, EnforcementKind, ExitAction, FilingAction, Outcome};

/// Something wrong with a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Field of the command, by its JSON name.
    pub field: &'static str,
    /// Stable code, such as `future`.
    pub code: &'static str,
    /// The value found; empty if the field is absent.
    pub value: String,
    /// What was expected, in Chinese.
    pub zh: String,
    /// What was expected, in English.
    pub en: String,
}

/// Returns everything wrong with `command` by itself at `now`. What may lie ahead (planned, due, validity, clearing,
/// removal) is not held against `now`; what happened is.
#[must_use]
pub fn check(command: &Command, now: Instant) -> Vec<Problem> {
    let mut found = Check::new(now);
    found.numbers(command);
    found.texts(command);
    if let Some(code) = command.credit_code() {
        found.person(code);
    }
    match command {
        Command::RegisterMerchant(row) => {
            found.merchant(row.founded_on);
            if let Some(code) = row.industry_code.as_deref().filter(|code| industry_code(code).is_none()) {
                let en = "an industry code is 2 to 4 digits of GB/T 4754, such as 8040";
                found.add(
                    "industry_code",
                    "industry_code",
                    code,
                    "行业代码应为 2 至 4 位数字（GB/T 4754），如 8040",
                    en,
                );
            }
        }
        Command::AssignSector(row) => {
            if row.sector.is_empty() {
                found.add("sector", "missing", "", "须填写行业主管部门", "a sector is needed");
            }
            found.lies_within("effective_on", Some(row.effective_on));
        }
        Command::RecordAlias(row) | Command::WithdrawAlias(row) => {
            if !row.alias.chars().any(char::is_alphanumeric) || row.alias.contains("**") {
                found.add("alias", "missing", &row.alias, "须填写别名", "say by which name the merchant is called");
            } else if matches!(command, Command::RecordAlias(_)) {
                // What was recorded before can still be withdrawn.
                found.problems.extend(whose::names_nobody(&row.alias));
            }
            if matches!(command, Command::WithdrawAlias(_)) && row.reason.is_none() {
                found.add("reason", "missing", "", "须写明原因", "say why");
            }
        }
        Command::RecordFiling(row) => found.filing(Some(row.status), Some(row.date)),
        Command::ReportBalance(row) => found.report(Some(row.date)),
        Command::ReportCustody(row) => found.report(Some(row.date)),
        Command::PostGuarantee(row) => found.guarantee(Some(row.from), Some(row.until)),
        Command::RecordExit(row) => found.exit(Some(row.action), Some(row.date), row.planned_on),
        Command::RecordComplaint(row) => {
            found.complaint(&Times {
                ticket: &row.ticket,
                received_at: Some(row.received_at),
                answered_at: row.answered_at,
                closed_at: row.closed_at,
                outcome: row.outcome,
                due_at: row.due_at,
            });
            if let Some(mall) = row.mall.as_deref().filter(|_| row.channel != Channel::Mall) {
                let en = "only a ticket of the channel `mall` was handed in at one; leave it out";
                found.add("mall", "not_at_a_mall", mall, "只有来源为商场的工单才填写商场；请留空", en);
            }
        }
        Command::RecordUnattributed(row) => found.complaint(&Times {
            ticket: &row.ticket,
            received_at: Some(row.received_at),
            answered_at: row.answered_at,
            closed_at: row.closed_at,
            outcome: row.outcome,
            due_at: row.due_at,
        }),
        Command::DecideUnattributed(_) => {}
        Command::RecordSignal(row) => found.signal(Some(row.date), row.cleared_on),
        Command::ReportComplaintRate(row) | Command::ReportPrepaidShare(row) => found.report(Some(row.date)),
        Command::RecordListing(row) => found.listing(Some(row.entered_on), row.removed_on),
        Command::RecordEnforcement(row) => {
            found.enforcement(Some(row.kind), Some(row.date), row.due_on);
            found.result_of(row.kind, row.result.as_deref());
        }
        Command::RecordLead(row) => found.lead(row),
        Command::RecordJointCheck(row) => found.joint_check(row),
        Command::RecordCase(row) => found.case(row),
        Command::IssueDocument(row) => found.document(row),
        Command::RecordAccount(row) => found.account(row),
        Command::RecordTenancy(row) => found.tenancy(row),
        Command::HandleComplaint(row) => found.handling(row),
        Command::RecordGreyListing(row) => found.grey_listing(row),
        Command::RecordLock(row) => found.lock(row),
        Command::MakeStatement(row) => found.statement(row),
        Command::CancelEntry(row) if row.reason.is_empty() => {
            found.add("reason", "missing", "", "作废须写明理由", "say in `reason` why the entry is cancelled");
        }
        Command::CancelEntry(_) => {}
        Command::HandleCase(row) => {
            found.happened_on("date", row.date);
            found.lies_within("until", row.until);
        }
    }
    found.problems
}

/// What a complaint's rules look at.
#[derive(Debug, Clone, Copy)]
pub struct Times<'a> {
    /// Ticket number.
    pub ticket: &'a str,
    /// Received.
    pub received_at: Option<Instant>,
    /// First answered.
    pub answered_at: Option<Instant>,
    /// Due time on the ticket.
    pub due_at: Option<Instant>,
    /// Closed.
    pub closed_at: Option<Instant>,
    /// How it ended.
    pub outcome: Option<Outcome>,
}

/// The rules, one method per kind of command. Every value may be absent, so that a row of which one cell cannot be read
/// is still judged by the others.
#[derive(Debug)]
pub struct Check {
    now: Instant,
    today: Day,
    /// What was found so far.
    pub problems: Vec<Problem>,
}

impl Check {
    /// Begins checking at `now`.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self { now, today: day_of(now), problems: Vec::new() }
    }

    /// Checks a row of the register.
    pub fn merchant(&mut self, founded_on: Option<Day>) {
        self.not_ahead("founded_on", founded_on);
        self.not_before("founded_on", founded_on, time::FIRST_FOUNDED);
    }

    /// Checks a step of a filing.
    pub fn filing(&mut self, status: Option<FilingAction>, date: Option<Day>) {
        if status == Some(FilingAction::None) {
            let zh = "「未备案」不是备案的一个步骤；应为 已提交、已备案、已退回、已注销、备案变更 或 自愿备案";
            self.add("status", "not_a_step", FilingAction::None.zh(), zh, NOT_A_STEP);
        }
        self.happened_on("date", date);
    }

    /// Checks a report that is only a figure of a day: a declared balance, a balance in custody, a ratio.
    pub fn report(&mut self, date: Option<Day>) {
        self.happened_on("date", date);
    }

    /// Checks a guarantee. It may begin and end in the future.
    pub fn guarantee(&mut self, from: Option<Day>, until: Option<Day>) {
        self.lies_within("from", from);
        self.lies_within("until", time::end(until));
        self.in_order("until", "until_before_from", from, until, ("起始日期", "the first day"));
    }

    /// Checks a step of an exit.
    pub fn exit(&mut self, action: Option<ExitAction>, date: Option<Day>, planned_on: Option<Day>) {
        if planned_on.is_none()
            && let Some(action @ (ExitAction::Post | ExitAction::Amend)) = action
        {
            let zh = format!("事项为「{}」时须填写计划撤店日期", action.zh());
            let en = format!("`{action}` needs the planned day of leaving");
            self.add("planned_on", "planned_missing", "", zh, en);
        }
        if matches!(action, Some(ExitAction::Post | ExitAction::Amend)) {
            self.in_order(
                "planned_on",
                "planned_before_notice",
                date,
                planned_on,
                ("公示或变更日期", "the day of the notice"),
            );
        }
        self.lies_within("planned_on", planned_on);
        self.happened_on("date", date);
    }

    /// Checks a ticket.
    pub fn complaint(&mut self, times: &Times<'_>) {
        if times.ticket.is_empty() {
            self.add("ticket", "missing", "", "须填写工单编号", "a ticket number is needed");
        }
        if let Some(fault) = ticket::fault(times.ticket) {
            let value: String = times.ticket.chars().take(60).collect();
            self.add("ticket", fault.code(), value, fault.zh(), fault.to_string());
        }
        match (times.closed_at, times.outcome) {
            (Some(_), None) => self.add(
                "outcome",
                "closed_without_outcome",
                "",
                "填写了办结时间，须同时填写结果",
                "a closing time needs an outcome",
            ),
            (None, Some(outcome)) => self.add(
                "closed_at",
                "outcome_without_closing",
                "",
                format!("填写了结果「{}」，须同时填写办结时间", outcome.zh()),
                format!("the outcome `{outcome}` needs a closing time"),
            ),
            _ => {}
        }
        for (field, at) in [("answered_at", times.answered_at), ("closed_at", times.closed_at)] {
            if let (Some(received), Some(at)) = (times.received_at, at)
                && at < received
            {
                let value = clock(received);
                let zh = format!("不得早于受理时间 {value}");
                let en = format!("it cannot be before the complaint was received, {value}");
                self.add(field, "before_received", clock(at), zh, en);
            }
        }
        self.happened_at("received_at", times.received_at);
        self.happened_at("answered_at", times.answered_at);
        self.happened_at("closed_at", times.closed_at);
        self.lies_within_at("due_at", times.due_at);
    }

    /// Checks a risk signal.
    pub fn signal(&mut self, date: Option<Day>, cleared_on: Option<Day>) {
        self.happened_on("date", date);
        self.lies_within("cleared_on", time::end(cleared_on));
        self.in_order("cleared_on", "cleared_before_raised", date, cleared_on, ("日期", "the day it was raised"));
    }

    /// Checks an entry in a list.
    pub fn listing(&mut self, entered_on: Option<Day>, removed_on: Option<Day>) {
        self.happened_on("entered_on", entered_on);
        self.lies_within("removed_on", time::end(removed_on));
        let earlier = ("列入日期", "the day of entry");
        self.in_order("removed_on", "removed_before_entered", entered_on, removed_on, earlier);
    }

    /// Checks an act of enforcement.
    pub fn enforcement(&mut self, kind: Option<EnforcementKind>, date: Option<Day>, due_on: Option<Day>) {
        if kind == Some(EnforcementKind::RectificationOrdered) && due_on.is_none() {
            let zh = "类型为「责令改正」时须填写期限";
            self.add("due_on", "due_missing", "", zh, "an order to rectify needs a due date");
        }
        if kind == Some(EnforcementKind::RectificationOrdered)
            && let (Some(date), Some(due)) = (date, due_on)
            && due < date
        {
            let zh = format!("期限早于责令日期 {date}，请核对年份");
            let en = format!("the order is of {date}, and cannot be due before; check the year");
            self.add("due_on", "due_before_order", due.to_string(), zh, en);
        }
        self.lies_within("due_on", due_on);
        self.happened_on("date", date);
    }

    /// A code that is the number of a person is refused without being repeated.
    fn person(&mut self, code: CreditCode) {
        if is_persons(code.as_str()) {
            let zh = "疑似公民身份号码，未保存；此处应填写统一社会信用代码";
            let en = "this looks like a person's identity number; it was not kept, write the unified social credit code here";
            self.add("credit_code", "identity_number", "", zh, en);
        }
    }

    /// A number of a person where the number of a ticket, a lead or a document belongs is refused without being repeated.
    fn numbers(&mut self, command: &Command) {
        let named: &[(&'static str, Option<&str>)] = match command {
            Command::RecordComplaint(row) => &[("ticket", Some(row.ticket.as_str()))],
            Command::RecordUnattributed(row) => &[("ticket", Some(row.ticket.as_str()))],
            Command::DecideUnattributed(row) => &[("ticket", Some(row.ticket.as_str()))],
            Command::HandleComplaint(row) => &[("ticket", Some(row.ticket.as_str()))],
            Command::RecordLock(row) => &[("number", row.number.as_deref())],
            Command::IssueDocument(row) => &[("number", Some(row.number.as_str()))],
            Command::RecordEnforcement(row) => &[("number", row.number.as_deref())],
            Command::RecordLead(row) => &[("lead", Some(row.lead.as_str()))],
            Command::RecordJointCheck(row) => &[("check", Some(row.check.as_str()))],
            Command::RecordCase(row) => &[("number", Some(row.number.as_str())), ("ticket", row.ticket.as_deref())],
            Command::CancelEntry(row) => &[("number", number_of(&row.entry))],
            _ => &[],
        };
        for (field, _) in named.iter().filter(|(_, text)| text.is_some_and(names_a_person)) {
            let zh = "疑似个人电话号码或公民身份号码，未保存；此处应填写编号。确为编号的，请在前面加上单位简称等字样";
            let en = "this looks like a telephone or identity number of a person; it was not kept. Write the number of the document \
                      here; if it is that, write letters of its office before it";
            self.add(field, "personal_number", "", zh, en);
        }
    }

    fn texts(&mut self, command: &Command) {
        let mut look = |field: &'static str, text: &str| {
            if let Some(fault) = text::fault_in(field, text) {
                // The value may be long or invisible; its beginning names it.
                let value: String = masked(text).chars().take(60).collect();
                self.add(field, fault.code(), value, fault.zh(), fault.to_string());
            }
        };
        let mut all = |texts: &[(&'static str, &Option<String>)]| {
            for (field, text) in texts {
                if let Some(text) = text {
                    look(field, text);
                }
            }
        };
        match command {
            Command::RegisterMerchant(row) => all(&[
                ("name", &row.name),
                ("street", &row.street),
                ("mall", &row.mall),
                ("unit", &row.unit),
                ("legal_representative", &row.legal_representative),
                ("legal_representative_digest", &row.legal_representative_digest),
                ("brand", &row.brand),
            ]),
            Command::AssignSector(row) => look("sector", &row.sector),
            Command::RecordAlias(row) | Command::WithdrawAlias(row) => {
                look("alias", &row.alias);
                for (field, text) in [("mall", &row.mall), ("street", &row.street), ("reason", &row.reason)] {
                    text.iter().for_each(|text| look(field, text));
                }
            }
            Command::RecordFiling(row) => all(&[("bank", &row.bank), ("account_tail", &row.account_tail)]),
            Command::RecordExit(row) => {
                all(&[
                    ("mall", &row.mall),
                    ("unit", &row.unit),
                    ("refund_plan", &row.refund_plan),
                    ("reason", &row.reason),
                ]);
            }
            Command::RecordComplaint(row) => {
                look("ticket", &row.ticket);
                row.reply.iter().for_each(|text| look("reply", text));
                row.mall.iter().for_each(|text| look("mall", text));
            }
            Command::RecordUnattributed(row) => {
                look("ticket", &row.ticket);
                for (field, text) in [
                    ("name", &row.name),
                    ("address", &row.address),
                    ("mall", &row.mall),
                    ("brand", &row.brand),
                    ("street", &row.street),
                    ("source", &row.source),
                    ("profile", &row.profile),
                ] {
                    if let Some(text) = text {
                        look(field, text);
                    }
                }
            }
            Command::DecideUnattributed(row) => {
                look("ticket", &row.ticket);
                if let Some(reason) = &row.reason {
                    look("reason", reason);
                }
            }
            Command::RecordSignal(row) => all(&[("mall", &row.mall), ("unit", &row.unit), ("value", &row.value)]),
            Command::ReportComplaintRate(row) | Command::ReportPrepaidShare(row) => {
                all(&[("mall", &row.mall), ("unit", &row.unit)]);
            }
            Command::RecordEnforcement(row) => all(&[("number", &row.number), ("result", &row.result)]),
            Command::RecordLead(row) => {
                look("lead", &row.lead);
                look("authority", &row.authority);
                row.note.iter().for_each(|note| look("note", note));
            }
            Command::RecordJointCheck(row) => {
                look("check", &row.check);
                row.sectors.iter().for_each(|sector| look("sectors", sector));
                row.result.iter().for_each(|result| look("result", result));
            }
            Command::RecordCase(row) => {
                look("number", &row.number);
                row.ticket.iter().for_each(|ticket| look("ticket", ticket));
            }
            Command::IssueDocument(row) => {
                for (field, text) in
                    [("number", &row.number), ("title", &row.title), ("to", &row.to), ("office", &row.office)]
                {
                    look(field, text);
                }
                row.paragraphs.iter().for_each(|paragraph| look("paragraphs", paragraph));
            }
            Command::RecordAccount(row) => {
                look("bank", &row.bank);
                row.account_tail.iter().for_each(|tail| look("account_tail", tail));
            }
            Command::RecordTenancy(row) => all(&[("mall", &row.mall), ("unit", &row.unit), ("brand", &row.brand)]),
            Command::HandleComplaint(row) => look("ticket", &row.ticket),
            Command::RecordGreyListing(row) => all(&[("ground", &row.ground)]),
            Command::RecordLock(row) => {
                look("person", &row.person);
                look("person_digest", &row.person_digest);
                row.role.iter().for_each(|role| look("role", role));
                row.number.iter().for_each(|number| look("number", number));
            }
            Command::MakeStatement(row) => look("text", &row.text),
            Command::CancelEntry(row) => look("reason", &row.reason),
            Command::HandleCase(row) => all(&[("to", &row.to), ("note", &row.note)]),
            Command::ReportBalance(_)
            | Command::ReportCustody(_)
            | Command::PostGuarantee(_)
            | Command::RecordListing(_) => {}
        }
    }

    /// What happened lies between the first day of all evidence and today.
    fn happened_on(&mut self, field: &'static str, day: Option<Day>) {
        self.not_ahead(field, day);
        self.not_before(field, day, time::FIRST_DAY);
    }

    fn happened_at(&mut self, field: &'static str, at: Option<Instant>) {
        if let Some(at) = at.filter(|at| *at > self.now) {
            let now = clock(self.now);
            let zh = format!("尚未发生，不得晚于当前时间 {now}");
            self.add(field, "future", clock(at), zh, format!("it lies in the future; it is now {now}"));
        }
        self.not_before(field, at.map(day_of), time::FIRST_DAY);
    }

    /// What is planned, due, valid or over may lie ahead, but not without bounds.
    fn lies_within(&mut self, field: &'static str, day: Option<Day>) {
        self.not_before(field, day, time::FIRST_DAY);
        let last = time::last_day(self.today);
        if let Some(day) = day.filter(|day| *day > last) {
            let zh = format!("过于久远，不得晚于 {last}；请核对年份");
            let en = format!("it lies too far ahead, the last day taken is {last}; check the year");
            self.add(field, "too_far_ahead", day.to_string(), zh, en);
        }
    }

    fn lies_within_at(&mut self, field: &'static str, at: Option<Instant>) {
        self.lies_within(field, at.map(day_of));
    }

    fn not_ahead(&mut self, field: &'static str, day: Option<Day>) {
        if let Some(day) = day.filter(|day| *day > self.today) {
            let zh = format!("尚未发生，不得晚于今日 {}", self.today);
            let en = format!("it lies in the future; today is {}", self.today);
            self.add(field, "future", day.to_string(), zh, en);
        }
    }

    fn not_before(&mut self, field: &'static str, day: Option<Day>, first: Day) {
        if let Some(day) = day.filter(|day| *day < first) {
            let zh = format!("不得早于 {first}；请核对年份");
            let en = format!("it lies before {first}, the first day taken; check the year");
            self.add(field, "too_long_ago", day.to_string(), zh, en);
        }
    }

    fn in_order(
        &mut self,
        field: &'static str,
        code: &'static str,
        earlier: Option<Day>,
        later: Option<Day>,
        (zh, en): (&str, &str),
    ) {
        if let (Some(earlier), Some(later)) = (earlier, later)
            && later < earlier
        {
            let zh = format!("不得早于{zh} {earlier}");
            self.add(field, code, later.to_string(), zh, format!("it cannot be before {en}, {earlier}"));
        }
    }

    fn add(
        &mut self,
        field: &'static str,
        code: &'static str,
        value: impl Into<String>,
        zh: impl Into<String>,
        en: impl Into<String>,
    ) {
        self.problems.push(Problem { field, code, value: value.into(), zh: zh.into(), en: en.into() });
    }
}

/// Returns the number by which an entry is named, if it is named by one.
fn number_of(entry: &Entry) -> Option<&str> {
    match entry {
        Entry::Act { number, .. } => number.as_deref(),
        Entry::Lead { lead: number, .. }
        | Entry::JointCheck { check: number, .. }
        | Entry::Case { number }
        | Entry::Ticket { ticket: number, .. } => Some(number),
        _ => None,
    }
}

const NOT_A_STEP: &str =
    "`none` is not a step of a filing; write submitted, accepted, returned, cancelled, amended or volunteered";

/// Local wall-clock reading as people write it, seconds only where there are any.
fn clock(at: Instant) -> String {
    let local = local(at);
    let format = if local.second() == 0 { "%Y-%m-%d %H:%M" } else { "%Y-%m-%d %H:%M:%S" };
    local.strftime(format).to_string()
}

mod dealings;
mod records;
#[cfg(test)]
mod tests;
