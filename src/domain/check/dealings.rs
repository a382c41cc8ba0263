//! Rules for acts of enforcement with a result, leads, joint checks and enforcement cases, each by itself.

use super::Check;
use crate::domain::command::{RecordCase, RecordJointCheck, RecordLead};
use crate::domain::dealings::act_of;
use crate::domain::event::DocumentIssued;
use crate::domain::text::trim;
use crate::domain::time::{Day, Instant, day_of};
use crate::domain::words::{EnforcementKind, JointCheckStep, LeadStep};

/// Sectors that a joint check has at least: one alone checks by itself.
const FEWEST_SECTORS: usize = 2;

/// Paragraphs that a letter has at most.
const MOST_PARAGRAPHS: usize = 60;

impl Check {
    /// Checks that an on-site check says what was found, and nothing else does.
    pub fn result_of(&mut self, kind: EnforcementKind, result: Option<&str>) {
        match (kind, result) {
            (EnforcementKind::OnSiteCheck, None) => {
                let zh = "类型为「现场核查」时须填写核查结果";
                self.add("result", "result_missing", "", zh, "an on-site check needs its result");
            }
            (EnforcementKind::OnSiteCheck, Some(_)) | (_, None) => {}
            (_, Some(result)) => {
                let zh = format!("类型为「{}」时没有核查结果；请另记一行现场核查", kind.zh());
                self.add(
                    "result",
                    "result_out_of_place",
                    result,
                    zh,
                    "only an on-site check has a result; record one beside it",
                );
            }
        }
    }

    /// Checks a step of a lead.
    pub fn lead(&mut self, row: &RecordLead) {
        self.needed("lead", &row.lead, "须填写线索编号", "a lead needs its number");
        self.needed(
            "authority",
            &row.authority,
            "须填写机关",
            "name the authority that the lead goes to or comes from",
        );
        self.happened_on("date", Some(row.date));
        self.happened_on("reported_on", row.reported_on);
        self.happened_at("approved_at", row.approved_at);
        self.happened_at("handed_over_at", row.handed_over_at);
        if row.step != LeadStep::Transferred {
            self.of_a_transfer("reported_on", row.reported_on.map(|day| day.to_string()));
            self.of_a_transfer("approved_at", row.approved_at.map(|at| day_of(at).to_string()));
            self.of_a_transfer("handed_over_at", row.handed_over_at.map(|at| day_of(at).to_string()));
            return;
        }
        let approved_on = row.approved_at.map(day_of);
        self.in_order(
            "approved_at",
            "approved_before_reported",
            row.reported_on,
            approved_on,
            ("呈报日期", "the day it was reported"),
        );
        if let (Some(approved), Some(handed_over)) = (row.approved_at, row.handed_over_at)
            && handed_over < approved
        {
            self.earlier("handed_over_at", handed_over, "批准时间", "its approval");
        }
        let handed_over_on = row.handed_over_at.map(day_of);
        if handed_over_on.or(approved_on).is_some_and(|day| day > row.date)
            || handed_over_on.is_some_and(|day| day != row.date)
        {
            self.not_its_day(row.date);
        }
    }

    fn of_a_transfer(&mut self, field: &'static str, value: Option<String>) {
        if let Some(value) = value {
            let zh = "只有「线索移送」才有呈报、批准和移交时间";
            self.add(field, "only_of_transfer", value, zh, "only the transfer of a lead has this; leave it out");
        }
    }

    fn earlier(&mut self, field: &'static str, at: Instant, zh: &str, en: &str) {
        let (zh, en) = (format!("不得早于{zh}"), format!("it cannot be before {en}"));
        self.add(field, "handed_over_before_approved", super::clock(at), zh, en);
    }

    fn not_its_day(&mut self, date: Day) {
        let zh = "移送日期应为移交当日，且不早于批准日期";
        let en = "a lead is transferred on the day it is handed over, not before it is approved";
        self.add("date", "not_day_of_transfer", date.to_string(), zh, en);
    }

    /// Checks a step of a joint check. What is planned may lie ahead; what was done says what was found.
    pub fn joint_check(&mut self, row: &RecordJointCheck) {
        self.needed("check", &row.check, "须填写综合查一次编号", "a joint check needs its number");
        if row.sectors.len() < FEWEST_SECTORS {
            let zh = "综合查一次须有两个以上部门参加";
            self.add(
                "sectors",
                "too_few_sectors",
                row.sectors.join(", "),
                zh,
                "a joint check is of two sectors or more; name them all",
            );
        }
        match (row.step, &row.result) {
            (JointCheckStep::Done, None) => {
                self.add(
                    "result",
                    "result_missing",
                    "",
                    "完成时须填写结果",
                    "a joint check that took place needs its result",
                );
            }
            (JointCheckStep::Proposed | JointCheckStep::Confirmed, Some(result)) => {
                let en = "only a joint check that took place has a result; record it with that step";
                self.add("result", "result_out_of_place", result, "只有「综合查一次完成」才有结果", en);
            }
            _ => {}
        }
        match row.step {
            JointCheckStep::Done => self.happened_on("date", Some(row.date)),
            JointCheckStep::Proposed | JointCheckStep::Confirmed => self.lies_within("date", Some(row.date)),
        }
    }

    /// Checks the opening of an enforcement case.
    pub fn case(&mut self, row: &RecordCase) {
        self.needed("number", &row.number, "须填写立案号", "an enforcement case needs its number");
        self.happened_on("date", Some(row.date));
        match (&row.ticket, row.channel) {
            (Some(ticket), None) => {
                let en = "a ticket number is unique within its channel only; name the channel";
                self.add("channel", "missing", ticket, "工单编号须同时填写来源", en);
            }
            (None, Some(channel)) => {
                self.add(
                    "ticket",
                    "missing",
                    channel.zh(),
                    "填写了来源，须同时填写工单编号",
                    "a channel goes with a ticket number",
                );
            }
            _ => {}
        }
    }

    /// Checks a letter. One that is an act is checked as that act, too.
    pub fn document(&mut self, row: &DocumentIssued) {
        self.needed("number", &row.number, "须填写文号", "a letter needs its number");
        self.needed("title", &row.title, "须填写标题", "a letter needs a title");
        self.needed("to", &row.to, "须填写主送", "say who the letter is written to");
        self.needed("office", &row.office, "须填写落款机关", "name the office that issues the letter");
        match row.paragraphs.iter().filter(|paragraph| !trim(paragraph).is_empty()).count() {
            0 => self.add("paragraphs", "missing", "", "须填写正文", "a letter needs its text"),
            found if found > MOST_PARAGRAPHS => {
                let zh = format!("正文最多 {MOST_PARAGRAPHS} 段");
                let en = format!("a letter has at most {MOST_PARAGRAPHS} paragraphs");
                self.add("paragraphs", "too_many", found.to_string(), zh, en);
            }
            _ => {}
        }
        match act_of(row.kind) {
            Some(act) => self.enforcement(Some(act), Some(row.date), row.due_on),
            None => {
                self.happened_on("date", Some(row.date));
                self.lies_within("due_on", row.due_on);
            }
        }
    }

    pub(super) fn needed(&mut self, field: &'static str, text: &str, zh: &str, en: &str) {
        if text.is_empty() {
            self.add(field, "missing", "", zh, en);
        }
    }
}
