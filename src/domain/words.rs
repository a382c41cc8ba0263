//! The closed vocabularies of the field: each word has one English name (in events, commands, the API) and one Chinese
//! term (in the offices' sheets); either is read.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// A text that is none of the words allowed in its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is not one of {allowed}")]
pub struct UnknownWord {
    /// The text found.
    pub found: String,
    /// The words allowed, Chinese terms first.
    pub allowed: String,
}

macro_rules! vocabulary {
    ($($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $word:ident = $en:literal $zh:literal,)+ })+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$word_doc])* $word,)+ }

        impl $name {
            /// Every word, in the order of the source.
            pub const ALL: &'static [Self] = &[$(Self::$word),+];

            /// Returns the English name, as written in events.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$word => $en,)+ }
            }

            /// Returns the Chinese term, as written in sheets.
            #[must_use]
            pub const fn zh(self) -> &'static str {
                match self { $(Self::$word => $zh,)+ }
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;

            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                match text.trim() {
                    $($en | $zh => Ok(Self::$word),)+
                    other => Err(UnknownWord {
                        found: other.to_owned(),
                        allowed: [$(concat!($zh, " (", $en, ")")),+].join(", "),
                    }),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.name())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.name())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                super::text::parsed(deserializer)
            }
        }
    )+};
}

vocabulary! {
    /// The warning light (亮灯). Ordered by severity: a later word is worse (docs/FACTS.md).
    Light {
        /// Nothing known against the merchant.
        Green = "green" "绿",
        /// Evidence that is needed is missing or stale; never shown as green.
        Unknown = "unknown" "未知",
        /// Watch.
        Yellow = "yellow" "黄",
        /// Act within days.
        Orange = "orange" "橙",
        /// Act within hours.
        Red = "red" "红",
    }

    /// State of a filing (备案状态).
    FilingStatus {
        /// Nothing was submitted.
        None = "none" "未备案",
        /// Submitted, not yet decided.
        Submitted = "submitted" "已提交",
        /// On file.
        Accepted = "accepted" "已备案",
        /// Sent back to the merchant.
        Returned = "returned" "已退回",
        /// No longer on file.
        Cancelled = "cancelled" "已注销",
    }

    /// Step of a filing (备案事项).
    FilingAction {
        /// Submitted, not yet decided.
        Submitted = "submitted" "已提交",
        /// On file.
        Accepted = "accepted" "已备案",
        /// Sent back to the merchant.
        Returned = "returned" "已退回",
        /// No longer on file.
        Cancelled = "cancelled" "已注销",
        /// What is on file changed: the bank, the account.
        Amended = "amended" "备案变更",
        /// Submitted by a merchant that need not file.
        Volunteered = "volunteered" "自愿备案",
        /// Not a step; taken so that a row which says it can be told why it is refused.
        None = "none" "未备案",
    }

    /// What became of a custody account (存管账户事项).
    AccountAction {
        /// Opened.
        Open = "open" "开户",
        /// Closed.
        Close = "close" "销户",
    }

    /// What was done about a ticket beside its answer and its end (工单处理事项).
    TicketStep {
        /// Passed to the enterprise, which handles it itself.
        Direct = "passed_to_enterprise" "企业直办",
        /// Shop and complainant settled it in the shop.
        Settled = "settled_in_shop" "店内和解",
        /// The merchant promised a refund.
        Promised = "refund_promised" "承诺退款",
        /// The merchant paid a refund.
        Paid = "refund_paid" "退款到账",
        /// The complainant rated the handling.
        Rated = "rated" "回访评价",
    }

    /// What stands in for money in custody (Order 9 Art 28).
    GuaranteeKind {
        /// Bank guarantee.
        BankGuarantee = "guarantee" "保函",
        /// Guarantee insurance.
        Insurance = "insurance" "保险",
    }

    /// Step of a tenant's exit (撤店事项).
    ExitAction {
        /// The notice is posted.
        Post = "post" "公示",
        /// The standing notice is changed.
        Amend = "amend" "变更",
        /// The standing notice is taken back.
        Withdraw = "withdraw" "撤回",
        /// The shop is closed.
        Close = "close" "闭店",
        /// A closed shop does business again.
        Reopen = "reopen" "恢复营业",
    }

    /// Where a complaint came in (来源).
    Channel {
        /// Citizens' hotline.
        Hotline = "12345" "市民热线",
        /// Market regulation platform.
        Platform = "12315" "消费者投诉平台",
        /// The mall itself; it answers within 24 hours.
        Mall = "mall" "商场",
    }

    /// What a complaint asks for (诉求类型).
    ComplaintKind {
        /// Refund refused or delayed.
        Refund = "refund" "退费难",
        /// Closed, or cannot be reached.
        Closed = "closed" "闭店失联",
        /// Less service than sold.
        Shrunk = "shrunk" "服务缩水",
        /// Unfair terms.
        UnfairTerms = "unfair_terms" "霸王条款",
        /// Anything else.
        Other = "other" "其他",
    }

    /// How a complaint ended (结果).
    Outcome {
        /// Resolved.
        Resolved = "resolved" "已解决",
        /// Closed without a solution.
        Unresolved = "unresolved" "未解决",
        /// Taken back by the complainant.
        Withdrawn = "withdrawn" "撤回",
        /// Joined to another ticket.
        Merged = "merged" "并案",
    }

    /// What a clock of a ticket runs for (投诉时限).
    ClockStep {
        /// The due time that is written on the ticket.
        DueTime = "due_time" "办理期限",
        /// The first answer: what is done, or that it is taken on or refused.
        FirstAnswer = "first_answer" "首次响应",
        /// The end, counted from the first answer.
        Closing = "closing" "办结",
    }

    /// How it is known whom a ticket without a credit code means (认领方式).
    Attribution {
        /// What it says agrees by key with one merchant.
        Exact = "exact" "精确匹配",
        /// A person decided.
        Person = "person" "人工认领",
        /// A later row of the ticket has the credit code.
        Code = "code" "补充代码",
    }

    /// What a person decides about a ticket without a credit code (认领处理).
    QueueDecision {
        /// It is about this merchant.
        Attribute = "attribute" "认领",
        /// It is nobody's here.
        SetAside = "set_aside" "搁置",
        /// The last decision is taken back.
        Undo = "undo" "撤销",
    }

    /// Who delivers (来源).
    SourceKind {
        /// A custody bank.
        Bank = "bank" "银行",
        /// A mall.
        Mall = "mall" "商场",
        /// Where complaints come in.
        Hotline = "hotline" "投诉渠道",
        /// A sheet that an office sends again and again.
        Sheet = "sheet" "报表",
    }

    /// What agrees between a ticket and a merchant (相符项).
    Agreement {
        /// The name, by key.
        Name = "name" "名称",
        /// A name it had before, by key.
        FormerName = "former_name" "曾用名",
        /// Another name that is recorded of it (别名), by key.
        Alias = "alias" "别名",
        /// The brand, by key.
        Brand = "brand" "品牌",
        /// The mall has a shop of the merchant.
        Mall = "mall" "商场",
        /// The street, by key.
        Street = "street" "街道",
        /// The address names the mall or the street.
        Address = "address" "地址",
        /// The name is near.
        NearName = "near_name" "名称相近",
    }

    /// Kind of risk signal (信号类型) that a mall or another authority raises and clears.
    SignalKind {
        /// Rent not paid.
        RentArrears = "rent_arrears" "欠租",
        /// Abnormal use of water, power or gas.
        UtilitiesAbnormal = "utilities_abnormal" "水电异常",
        /// Wages not paid.
        WageArrears = "wage_arrears" "欠薪",
        /// Sales fall steeply.
        SalesDrop = "sales_drop" "销售骤降",
        /// Sudden sales promotion.
        PromotionSurge = "promotion_surge" "促销异常",
    }

    /// A public list or registry state that a merchant can be entered in (名单).
    ListKind {
        /// Defaulter under court enforcement.
        CourtDefaulter = "court_defaulter" "失信被执行人",
        /// Listed as abnormal.
        Abnormal = "abnormal" "经营异常名录",
        /// Listed as seriously dishonest.
        Serious = "serious" "严重违法失信",
        /// Deregistration applied for.
        Deregistering = "deregistering" "申请注销",
    }

    /// Act of enforcement (执法类型).
    EnforcementKind {
        /// Warning letter.
        WarningLetter = "warning_letter" "警示信",
        /// Yellow card posted in the shop.
        YellowCard = "yellow_card" "黄牌",
        /// Talk held.
        Talk = "talk" "约谈",
        /// Order to rectify, with a due date.
        RectificationOrdered = "rectification_ordered" "责令改正",
        /// The order was met.
        RectificationMet = "rectification_met" "改正完成",
        /// Penalty decided.
        Penalty = "penalty" "处罚",
        /// Yellow card taken down.
        YellowCardRemoved = "yellow_card_removed" "黄牌撤除",
        /// On-site check, with what was found.
        OnSiteCheck = "on_site_check" "现场核查",
        /// The order was found not to be met by its last day.
        RectificationMissed = "rectification_missed" "逾期未改正",
    }

    /// Letter that an office issues (文书). The first three are acts by themselves.
    DocumentKind {
        /// Warning letter.
        WarningLetter = "warning_letter" "警示信",
        /// Notice of a yellow card.
        YellowCard = "yellow_card" "黄牌告知书",
        /// Order to rectify, with a due date.
        RectificationOrder = "rectification_order" "责令改正通知书",
        /// Invitation to a talk; the talk is recorded when it was held.
        TalkNotice = "talk_notice" "约谈通知书",
        /// Letter that goes to another authority with a lead.
        LeadLetter = "lead_letter" "线索移送函",
    }

    /// Step of a lead (线索) that goes to another authority.
    LeadStep {
        /// Passed to the other authority.
        Transferred = "transferred" "线索移送",
        /// The other authority took it.
        Accepted = "accepted" "线索接收",
        /// The other authority sent it back.
        Returned = "returned" "线索退回",
    }

    /// Step of a joint check (综合查一次).
    JointCheckStep {
        /// Proposed to the sectors.
        Proposed = "proposed" "综合查一次提议",
        /// The sectors agreed.
        Confirmed = "confirmed" "综合查一次确认",
        /// It took place.
        Done = "done" "综合查一次完成",
    }

    /// What was done about a light (处置措施). The first have an event of their own, recorded by `record_enforcement` or a sheet; the
    /// others are recorded in the case.
    ActKind {
        /// Warning letter.
        WarningLetter = "warning_letter" "警示信",
        /// Yellow card posted in the shop.
        YellowCard = "yellow_card" "黄牌",
        /// Talk held.
        Talk = "talk" "约谈",
        /// Order to rectify.
        RectificationOrdered = "rectification_ordered" "责令改正",
        /// The order was met.
        RectificationMet = "rectification_met" "改正完成",
        /// Penalty decided.
        Penalty = "penalty" "处罚",
        /// On-site check.
        OnSiteCheck = "on_site_check" "现场核查",
        /// Order to stop issuing cards.
        StopOrder = "stop_order" "责令停止发卡",
        /// Handed to enforcement.
        HandedOver = "handed_over" "移送执法",
        /// The bank was asked.
        BankAsked = "bank_asked" "向银行核实",
        /// The mall was asked.
        MallAsked = "mall_asked" "向商场核实",
        /// The mall stated what is: closed, amended, withdrawn, or why.
        MallStated = "mall_stated" "商场说明",
        /// Refunds were checked.
        RefundsChecked = "refunds_checked" "核查退费",
        /// What the light says was checked, without a visit.
        Checked = "checked" "核查",
        /// The merchant was reminded of what it has to report.
        Reminded = "reminded" "催报",
        /// Put on the watch list.
        WatchListed = "watch_listed" "列入重点关注名单",
    }

    /// What a person does with a case (处置操作).
    CaseAction {
        /// Has seen it and answers for it.
        Acknowledge = "acknowledge" "签收",
        /// Takes the acknowledgement back.
        Unacknowledge = "unacknowledge" "撤销签收",
        /// Takes it on.
        Take = "take" "领办",
        /// Gives it to somebody.
        Assign = "assign" "转办",
        /// Writes something down.
        Note = "note" "备注",
        /// Records what was done.
        Act = "act" "处置",
        /// Lets a duty be, with a reason.
        Waive = "waive" "免办",
        /// Puts a duty off, with a reason and an end.
        Pause = "pause" "暂缓",
        /// Ends it.
        Close = "close" "办结",
    }

    /// How a case ended (处置结果).
    CaseOutcome {
        /// The light is green again; the service says so.
        LightOut = "light_out" "灯灭",
        /// The merchant put it right.
        Rectified = "rectified" "已整改",
        /// Settled with the customers.
        Settled = "settled" "已化解",
        /// Another authority has it now.
        Transferred = "transferred" "已移送",
        /// There was nothing to it.
        Unfounded = "unfounded" "经查不实",
        /// Anything else; the note says what.
        Other = "other" "其他",
    }

    /// What the bearer of a key is (角色).
    Role {
        /// A mall's operator; sees and speaks of its own tenants.
        Operator = "operator" "商场",
        /// A sector's regulator; its sectors, its divisions.
        Regulator = "regulator" "行业主管部门",
        /// A custody bank; the merchants that keep money with it.
        Bank = "bank" "存管银行",
        /// The lead office; everything in its divisions.
        Lead = "lead" "专班办公室",
        /// Runs the service: keys and everything else.
        Admin = "admin" "管理员",
        /// A merchant; sees and speaks of itself.
        Merchant = "merchant" "商户",
    }

    /// What a merchant says for itself (陈述).
    StatementKind {
        /// It answers an office.
        Reply = "reply" "回复",
        /// It objects to its light.
        Objection = "objection" "异议",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_read_in_either_language_and_an_unknown_one_lists_the_choices() {
        assert_eq!("商场".parse::<Channel>().unwrap(), Channel::Mall);
        assert_eq!("12345".parse::<Channel>().unwrap(), Channel::Hotline);
        let error = "电话".parse::<Channel>().unwrap_err().to_string();
        assert!(error.contains("商场"), "{error}");
    }

    #[test]
    fn unknown_is_worse_than_green_and_milder_than_yellow() {
        assert!(Light::Green < Light::Unknown && Light::Unknown < Light::Yellow && Light::Orange < Light::Red);
    }
}
