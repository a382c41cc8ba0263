//! Filings (备案) and the merchant's own reports of prepaid money (预收资金).

use crate::domain::code::CreditCode;
use crate::domain::money::Yuan;
use crate::domain::time::Day;
use serde::{Deserialize, Serialize};

/// A step of a filing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filing {
    /// Who files.
    pub credit_code: CreditCode,
    /// Day of the step.
    pub date: Day,
    /// Custody bank (存管银行).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bank: Option<String>,
    /// Last digits of the custody account (账户尾号).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_tail: Option<String>,
}

/// A merchant's report of prepaid money (预收资金报告).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrepaidReported {
    /// Who reports.
    pub credit_code: CreditCode,
    /// Day the figures are true for (报告日期).
    pub date: Day,
    /// Owed to card holders (预收资金余额), yuan.
    pub outstanding: Yuan,
    /// Main revenue of last year (上年主营收入), yuan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revenue_last_year: Option<Yuan>,
    /// Sold in the period, yuan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sold: Option<Yuan>,
    /// Redeemed in the period, yuan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redeemed: Option<Yuan>,
    /// Refunded in the period, yuan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refunded: Option<Yuan>,
}
