//! What malls report about their tenants: leases, papers, exits (撤店), risk signals (风险信号).

use crate::domain::code::CreditCode;
use crate::domain::money::Ratio;
use crate::domain::time::Day;
use crate::domain::words::SignalKind;
use serde::{Deserialize, Serialize};

/// A lease was recorded (租期).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeaseRecorded {
    /// Tenant.
    pub credit_code: CreditCode,
    /// Mall.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mall: Option<String>,
    /// Unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// First day.
    pub from: Day,
    /// Last day.
    pub until: Day,
}

/// The mall checked the tenant's licence and papers (法释〔2025〕4号 Art 6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PapersChecked {
    /// Tenant.
    pub credit_code: CreditCode,
    /// Mall.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mall: Option<String>,
    /// Unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Day of the check.
    pub date: Day,
    /// The papers were in order.
    pub in_order: bool,
}

/// An exit notice (撤店公示), posted or amended. A second posting while one stands is an amendment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExitNotice {
    /// Tenant.
    pub credit_code: CreditCode,
    /// Mall; absent for a street shop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mall: Option<String>,
    /// Unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Day of posting.
    pub date: Day,
    /// Planned last day (计划撤店日期).
    pub planned_on: Day,
    /// How customers get their money back (退费安排).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund_plan: Option<String>,
    /// Why it is dated before the day it was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A step of an exit without a planned day: withdrawn, closed, reopened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExitStep {
    /// Tenant.
    pub credit_code: CreditCode,
    /// Mall; absent for a street shop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mall: Option<String>,
    /// Unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Day it happened.
    pub date: Day,
    /// Planned day as stated with the step, kept as evidence only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned_on: Option<Day>,
    /// How customers get their money back, as stated with the step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund_plan: Option<String>,
    /// Why it is dated before the day it was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A risk signal was raised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignalRaised {
    /// Tenant.
    pub credit_code: CreditCode,
    /// Mall; absent for a street shop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mall: Option<String>,
    /// Unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Which signal.
    pub kind: SignalKind,
    /// Since when.
    pub date: Day,
    /// A figure as stated, kept as evidence only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// A risk signal was cleared; it names the signal by its first day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignalCleared {
    /// Tenant.
    pub credit_code: CreditCode,
    /// Mall; absent for a street shop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mall: Option<String>,
    /// Unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Which signal.
    pub kind: SignalKind,
    /// Day it was raised.
    pub date: Day,
    /// First day it was no longer there (解除日期).
    pub cleared_on: Day,
}

/// A ratio about one shop: the complaint rate of a month (客诉率), or the prepaid share of revenue (预付占比).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RatioReported {
    /// Tenant.
    pub credit_code: CreditCode,
    /// Mall; absent for a street shop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mall: Option<String>,
    /// Unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Day; for a complaint rate any day of its month.
    pub date: Day,
    /// The ratio.
    pub ratio: Ratio,
}
