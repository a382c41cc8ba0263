//! Merchants (商户, the legal entity) and their shops (门店).

use crate::domain::code::{CreditCode, DivisionCode};
use crate::domain::time::{Day, field};
use serde::{Deserialize, Serialize};

/// One row of a register about a merchant, as it was stated: the entity and, where given, one of its shops. What is
/// absent was not stated and changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MerchantDetails {
    /// Who.
    pub credit_code: CreditCode,
    /// Registered name (商户名称).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// GB/T 4754 code (行业代码), its category letter dropped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub industry_code: Option<String>,
    /// Where it is supervised (区划代码).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub division_code: Option<DivisionCode>,
    /// Street or town (街道).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub street: Option<String>,
    /// Mall of the shop (商场); absent for a street shop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mall: Option<String>,
    /// Unit in the mall (铺位号).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Legal representative (法定代表人).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legal_representative: Option<String>,
    /// Digest of the representative's id document (证件摘要), so that namesakes stay apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legal_representative_digest: Option<String>,
    /// Brand (品牌).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brand: Option<String>,
    /// Day of founding (成立日期).
    #[serde(default, deserialize_with = "field::founded_on", skip_serializing_if = "Option::is_none")]
    pub founded_on: Option<Day>,
}

/// A sector regulator was assigned by hand (行业主管部门认定).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SectorAssigned {
    /// Who.
    pub credit_code: CreditCode,
    /// Sector id of `policies/sectors.toml`.
    pub sector: String,
    /// From this day on.
    #[serde(deserialize_with = "field::effective_on")]
    pub effective_on: Day,
}

/// A shop of the merchant became known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShopOpened {
    /// Whose.
    pub credit_code: CreditCode,
    /// Mall (商场); absent for a street shop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mall: Option<String>,
    /// Unit (铺位号).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Name on the door.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Street or town.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub street: Option<String>,
}

/// A shop was found to carry a brand (品牌关联).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShopLinked {
    /// Whose shop.
    pub credit_code: CreditCode,
    /// Mall; absent for a street shop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mall: Option<String>,
    /// Unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The brand.
    pub brand: String,
}

/// Another name that people call a merchant by (别名): one it had (曾用名), or the one over the door (招牌名). With a mall or a street, it is
/// meant there only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MerchantAlias {
    /// Whose.
    pub credit_code: CreditCode,
    /// The name.
    pub alias: String,
    /// The mall in which the name means this merchant; absent: wherever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mall: Option<String>,
    /// The street or town in which it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub street: Option<String>,
    /// Why; needed to withdraw it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A merchant answered an office, or an office wrote down what it said (商户回复).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MerchantReplied {
    /// Who.
    pub credit_code: CreditCode,
    /// What it says.
    pub text: String,
}
