//! Money in custody (资金存管), as the bank reports it, and what may stand in for it.

use crate::domain::code::CreditCode;
use crate::domain::money::Yuan;
use crate::domain::time::{Day, field};
use crate::domain::words::GuaranteeKind;
use serde::{Deserialize, Serialize};

/// A custody account was opened or closed (存管账户).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustodyAccount {
    /// Whose.
    pub credit_code: CreditCode,
    /// Day of opening or closing.
    pub date: Day,
    /// Bank.
    pub bank: String,
    /// Last digits of the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_tail: Option<String>,
}

/// The bank reported the balance in custody (存管余额).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustodyReported {
    /// Whose account.
    pub credit_code: CreditCode,
    /// Day of the balance (报送日期).
    pub date: Day,
    /// Balance, yuan.
    pub held: Yuan,
    /// The bank marked flows of this report as abnormal (异常流水); then an `abnormal_flow_reported` follows.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub abnormal: bool,
}

/// The bank reported an abnormal flow (异常流水): large, suspicious or off-purpose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AbnormalFlowReported {
    /// Whose account.
    pub credit_code: CreditCode,
    /// Day of the report.
    pub date: Day,
}

/// A guarantee or insurance that replaces custody (保函, 保险; Order 9 Art 28).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guarantee {
    /// For whom.
    pub credit_code: CreditCode,
    /// Which of the two.
    pub kind: GuaranteeKind,
    /// Face value, yuan.
    pub amount: Yuan,
    /// First day of validity.
    #[serde(deserialize_with = "field::from")]
    pub from: Day,
    /// Last day of validity.
    #[serde(deserialize_with = "field::until")]
    pub until: Day,
}
