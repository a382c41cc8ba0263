//! The catalogue of facts (事实) that rules may speak of. How each is computed is in `src/lights/facts/`; what each means,
//! to the letter, is in docs/FACTS.md.

use rust_decimal::Decimal;
use std::fmt;

/// A fact's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// Yes or no.
    Flag(bool),
    /// A count, a number of days, an amount of yuan or a ratio.
    Number(Decimal),
    /// A word of a closed list.
    Word(&'static str),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Number(number) => write!(f, "{}", number.normalize()),
            Self::Word(word) => f.write_str(word),
        }
    }
}

/// What a fact's value is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Yes or no.
    Flag,
    /// Yuan.
    Yuan,
    /// Days.
    Days,
    /// A ratio.
    Ratio,
    /// A number of things.
    Count,
    /// Months.
    Months,
    /// One of the words of [`crate::domain::words::FilingStatus`].
    FilingStatus,
}

macro_rules! facts {
    ($($id:ident $name:literal $unit:ident $scope:ident $zh:literal,)+) => {
        /// A fact's identity.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum FactId { $(#[doc = concat!("`", $name, "`: ", $zh, ".")] $id,)+ }

        impl FactId {
            /// Every fact.
            pub const ALL: &'static [Self] = &[$(Self::$id),+];
            /// How many facts there are.
            pub const COUNT: usize = Self::ALL.len();

            /// Returns the name used in rules.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$id => $name,)+ }
            }

            /// Returns the Chinese name shown to people.
            #[must_use]
            pub const fn zh(self) -> &'static str {
                match self { $(Self::$id => $zh,)+ }
            }

            /// Returns the unit.
            #[must_use]
            pub const fn unit(self) -> Unit {
                match self { $(Self::$id => Unit::$unit,)+ }
            }

            /// Says whether the fact belongs to a shop; the others belong to the merchant.
            #[must_use]
            pub const fn is_of_shop(self) -> bool {
                match self { $(Self::$id => facts!(@scope $scope),)+ }
            }

            /// Returns the fact of a name.
            #[must_use]
            pub fn find(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|fact| fact.name() == name)
            }
        }
    };
    (@scope shop) => { true };
    (@scope merchant) => { false };
}

facts! {
    PrepaidOutstanding "prepaid.outstanding" Yuan merchant "预收资金余额",
    PrepaidReportOverdueDays "prepaid.report_overdue_days" Days merchant "季报逾期天数",
    PrepaidShareOfRevenue "prepaid.share_of_revenue" Ratio merchant "预付占营收比",
    PrepaidGrownWhileBarred "prepaid.grown_while_barred" Yuan merchant "禁止发卡期间余额增长",
    FilingStatus "filing.status" FilingStatus merchant "备案状态",
    FilingDue "filing.due" Flag merchant "应当备案",
    FilingOverdueDays "filing.overdue_days" Days merchant "备案逾期天数",
    CustodyRequired "custody.required" Yuan merchant "应存管金额",
    CustodyHeld "custody.held" Yuan merchant "已存管及担保金额",
    CustodyCoverage "custody.coverage" Ratio merchant "存管覆盖率",
    CustodyBankRequired "custody.bank_required" Yuan merchant "应由银行存管金额",
    CustodyShortfall "custody.shortfall" Yuan merchant "存管缺口",
    CustodyReportAgeDays "custody.report_age_days" Days merchant "距上次存管报送天数",
    CustodyAbnormalFlow30d "custody.abnormal_flow_30d" Count merchant "30日内异常流水次数",
    Complaints7d "complaints.7d" Count merchant "7日投诉量",
    Complaints30d "complaints.30d" Count merchant "30日投诉量",
    Complaints90d "complaints.90d" Count merchant "90日投诉量",
    ComplaintsClosed30d "complaints.closed_30d" Count merchant "30日闭店失联投诉量",
    ComplaintsRefundOverdueDays "complaints.refund_overdue_days" Days merchant "退费逾期天数",
    ComplaintsUnanswered24h "complaints.unanswered_24h" Count merchant "商场投诉24小时未响应件数",
    ComplaintsOverdue "complaints.overdue" Count merchant "超办理期限投诉件数",
    ComplaintRateMonthsOver "complaint_rate.months_over" Months merchant "客诉率连续超5%月数",
    ExitDaysLeft "exit.days_left" Days shop "距计划撤店天数",
    ExitNoticeDays "exit.notice_days" Days shop "撤店公示提前天数",
    ExitOverrunDays "exit.overrun_days" Days shop "逾计划撤店天数",
    ShopClosedUnannounced "shop.closed_unannounced" Flag shop "未公示闭店",
    ShopClosedDays "shop.closed_days" Days shop "闭店天数",
    ShopNoticeGivenDays "shop.notice_given_days" Days shop "闭店前实际公示天数",
    SignalRentArrearsDays "signal.rent_arrears_days" Days merchant "欠租天数",
    SignalUtilitiesAbnormalDays "signal.utilities_abnormal_days" Days merchant "水电异常天数",
    SignalWageArrearsDays "signal.wage_arrears_days" Days merchant "欠薪天数",
    SignalSalesDropDays "signal.sales_drop_days" Days merchant "销售骤降天数",
    SignalPromotionSurgeDays "signal.promotion_surge_days" Days merchant "促销异常天数",
    ListedCourtDefaulter "listed.court_defaulter" Flag merchant "失信被执行人",
    ListedAbnormal "listed.abnormal" Flag merchant "经营异常名录",
    ListedSerious "listed.serious" Flag merchant "严重违法失信",
    RegistryDeregistering "registry.deregistering" Flag merchant "申请注销",
    RectificationOverdueDays "rectification.overdue_days" Days merchant "责令改正逾期天数",
    Penalties365d "penalties.365d" Count merchant "一年内处罚次数",
    LinkedClosedUnannounced24m "linked.closed_unannounced_24m" Count merchant "两年内未公示闭店的关联商户数",
}

/// The value of every fact for one merchant, or for one of its shops, at one instant; `None` is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FactTable([Option<Value>; FactId::COUNT]);

impl Default for FactTable {
    fn default() -> Self {
        Self([None; FactId::COUNT])
    }
}

impl FactTable {
    /// Returns a fact's value; `None` if there is no evidence for it.
    #[must_use]
    pub fn get(&self, fact: FactId) -> Option<Value> {
        self.0.get(fact as usize).copied().flatten()
    }

    /// Sets a fact's value.
    pub fn set(&mut self, fact: FactId, value: Option<Value>) {
        if let Some(place) = self.0.get_mut(fact as usize) {
            *place = value;
        }
    }
}
