//! Numbers of the law that facts are computed with: part of the pack, each with its source (law 10). Thresholds that facts are
//! compared with stand in the rules themselves.

use rust_decimal::Decimal;
use serde::Deserialize;

/// The numbers in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameters {
    /// A month counts if a complaint rate lies above this (`complaint_rate.months_over`).
    pub complaint_rate_limit: Decimal,
    /// Days within which a refund must be paid after the request (`complaints.refund_overdue_days`).
    pub refund_days: u32,
    /// Hours within which a mall answers a complaint (`complaints.unanswered_24h`).
    pub answer_hours: u32,
    /// Working days after the end of a quarter within which it must be reported (`prepaid.report_overdue_days`).
    pub report_working_days: u32,
}

impl Parameters {
    /// What a pack of format 1 means. Such packs are in old logs and name no parameters; this is part of their format, as its
    /// field names are, and never changes.
    pub const OF_FORMAT_1: Self = Self {
        complaint_rate_limit: Decimal::from_parts(5, 0, 0, false, 2),
        refund_days: 15,
        answer_hours: 24,
        report_working_days: 20,
    };
}

/// The table `[parameters]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ParametersTable {
    complaint_rate_limit: Sourced<Decimal>,
    refund_days: Sourced<u32>,
    answer_hours: Sourced<u32>,
    report_working_days: Sourced<u32>,
}

/// A number with its source.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sourced<T> {
    pub(super) value: T,
    pub(super) source: String,
}

impl ParametersTable {
    /// Checks the table and returns the numbers; each problem is one sentence.
    pub(super) fn check(self, problems: &mut Vec<String>) -> Parameters {
        for (name, source) in [
            ("complaint_rate_limit", &self.complaint_rate_limit.source),
            ("refund_days", &self.refund_days.source),
            ("answer_hours", &self.answer_hours.source),
            ("report_working_days", &self.report_working_days.source),
        ] {
            if source.trim().is_empty() {
                problems.push(format!("parameter `{name}` has no source"));
            }
        }
        let limit = self.complaint_rate_limit.value;
        if limit < Decimal::ZERO || limit > Decimal::ONE {
            problems.push(format!("parameter `complaint_rate_limit` is a ratio from 0 to 1, not {limit}"));
        }
        Parameters {
            complaint_rate_limit: limit,
            refund_days: self.refund_days.value,
            answer_hours: self.answer_hours.value,
            report_working_days: self.report_working_days.value,
        }
    }
}
