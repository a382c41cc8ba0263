//! The twelve sheets and their columns (docs/SHEETS.md), and how a table is told to be one of them.

mod header;

pub use header::{HeaderFault, Layout, complete, header_name, layout, money_note, named, recognise, recognised};

/// What a sheet tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SheetKind {
    /// 商户.
    Merchants,
    /// 备案.
    Filings,
    /// 预收资金.
    Balances,
    /// 存管余额.
    Custody,
    /// 保函保险.
    Guarantees,
    /// 撤店.
    Exits,
    /// 投诉.
    Complaints,
    /// 信号.
    Signals,
    /// 名单.
    Lists,
    /// 执法.
    Enforcement,
    /// 租户.
    Tenants,
    /// 别名.
    Aliases,
}

/// A column by what it holds; the same in every sheet that has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the English column name; the tables below give the Chinese one")]
pub enum Field {
    CreditCode,
    Name,
    IndustryCode,
    DivisionCode,
    Street,
    Mall,
    Unit,
    LegalRepresentative,
    LegalRepresentativeDigest,
    Brand,
    FoundedOn,
    Status,
    Date,
    Bank,
    AccountTail,
    Outstanding,
    RevenueLastYear,
    Held,
    Abnormal,
    Kind,
    Amount,
    From,
    Until,
    Action,
    PlannedOn,
    RefundPlan,
    Ticket,
    Channel,
    ReceivedAt,
    DueAt,
    AnsweredAt,
    ClosedAt,
    Outcome,
    Value,
    ClearedOn,
    List,
    EnteredOn,
    RemovedOn,
    DueOn,
    Number,
    Authority,
    Note,
    Sectors,
    Result,
    ReportedOn,
    ApprovedAt,
    HandedOverAt,
    Step,
    At,
    Resolved,
    Satisfied,
    Ground,
    ReviewOn,
    Person,
    PersonDigest,
    Role,
    CheckedOn,
    InOrder,
    Reply,
    Alias,
    Reason,
    Address,
}

impl Field {
    /// How many fields there are.
    pub const COUNT: usize = Self::Address as usize + 1;

    /// Returns the English name of the field in sheets of a kind.
    #[must_use]
    pub fn name(self, kind: SheetKind) -> &'static str {
        let column = kind.columns().iter().find(|column| column.field == self);
        column.map_or_else(
            || {
                if self == Self::Address {
                    "address"
                } else {
                    MERCHANTS.iter().find(|column| column.field == self).map_or("", |column| column.en)
                }
            },
            |column| column.en,
        )
    }
}

/// A column of a sheet.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// What it holds.
    pub field: Field,
    /// Chinese header.
    pub zh: &'static str,
    /// English header; where the command names the field otherwise, that name is an alias.
    pub en: &'static str,
    /// Other headers taken for it.
    pub aliases: &'static [&'static str],
    /// A sheet without it cannot be read.
    pub required: bool,
    /// What numbers in it measure.
    pub measure: Measure,
}

/// What numbers in a column measure; tells which units a header may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Nothing.
    None,
    /// Money: yuan, or 万元.
    Money,
    /// A ratio, or per cent.
    Ratio,
}

const fn column(field: Field, zh: &'static str, en: &'static str) -> Column {
    Column { field, zh, en, aliases: &[], required: false, measure: Measure::None }
}

impl Column {
    const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    const fn measure(mut self, measure: Measure) -> Self {
        self.measure = measure;
        self
    }

    const fn or(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    /// Says whether a header of this name ([`header_name`]) heads the column.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        name == self.zh || name == self.en || self.aliases.contains(&name)
    }
}

const CREDIT_CODE: Column = column(Field::CreditCode, "统一社会信用代码", "credit_code").required();
const MALL: Column = column(Field::Mall, "商场", "mall");
const UNIT: Column = column(Field::Unit, "铺位号", "unit");
const DATE: Column = column(Field::Date, "日期", "date").or(&["报告日期", "报送日期"]).required();
const KIND: Column = column(Field::Kind, "类型", "kind").required();

const MERCHANTS: &[Column] = &[
    CREDIT_CODE,
    column(Field::Name, "商户名称", "name"),
    column(Field::IndustryCode, "行业代码", "industry_code"),
    column(Field::DivisionCode, "区划代码", "division_code"),
    column(Field::Street, "街道", "street"),
    MALL,
    UNIT,
    column(Field::LegalRepresentative, "法定代表人", "legal_representative"),
    column(Field::LegalRepresentativeDigest, "法定代表人证件摘要", "legal_representative_digest"),
    column(Field::Brand, "品牌", "brand"),
    column(Field::FoundedOn, "成立日期", "founded_on"),
];

const FILINGS: &[Column] = &[
    CREDIT_CODE,
    column(Field::Status, "备案状态", "status").required(),
    DATE,
    column(Field::Bank, "存管银行", "bank"),
    column(Field::AccountTail, "账户尾号", "account_tail"),
];

const BALANCES: &[Column] = &[
    CREDIT_CODE,
    DATE,
    column(Field::Outstanding, "预收资金余额", "outstanding").required().measure(Measure::Money),
    column(Field::RevenueLastYear, "上年主营收入", "revenue_last_year").measure(Measure::Money),
];

const CUSTODY: &[Column] = &[
    CREDIT_CODE,
    DATE,
    column(Field::Held, "存管余额", "held").required().measure(Measure::Money),
    column(Field::Abnormal, "异常流水", "abnormal"),
    // An account that was opened or closed is told by a row of its own.
    column(Field::Action, "账户事项", "action"),
    column(Field::Bank, "存管银行", "bank"),
    column(Field::AccountTail, "账户尾号", "account_tail"),
];

const GUARANTEES: &[Column] = &[
    CREDIT_CODE,
    KIND,
    column(Field::Amount, "金额", "amount").required().measure(Measure::Money),
    column(Field::From, "起始日期", "from").required(),
    column(Field::Until, "截止日期", "until").required(),
];

const EXITS: &[Column] = &[
    CREDIT_CODE,
    MALL,
    UNIT,
    column(Field::Action, "事项", "action").required(),
    DATE,
    column(Field::PlannedOn, "计划撤店日期", "planned_on"),
    column(Field::RefundPlan, "退费安排", "refund_plan"),
];

const COMPLAINTS: &[Column] = &[
    column(Field::Ticket, "工单编号", "ticket").required(),
    column(Field::Channel, "来源", "channel").required(),
    column(Field::ReceivedAt, "受理时间", "received_at").required(),
    CREDIT_CODE,
    column(Field::Kind, "诉求类型", "type").or(&["kind"]).required(),
    column(Field::Amount, "涉及金额", "amount").measure(Measure::Money),
    column(Field::DueAt, "办理期限", "due_at"),
    column(Field::AnsweredAt, "首次响应时间", "answered_at"),
    column(Field::ClosedAt, "办结时间", "closed_at"),
    column(Field::Outcome, "结果", "outcome"),
    // What was done about a ticket is told by a row of its own.
    column(Field::Step, "处理事项", "step"),
    column(Field::At, "处理时间", "at"),
    column(Field::Resolved, "回访解决", "resolved"),
    column(Field::Satisfied, "回访满意", "satisfied"),
    column(Field::Reply, "回复内容", "reply"),
];

/// Columns of a complaint that say where the shop is: by them its merchant is found where no code is given.
const CLUES: &[Column] = &[
    column(Field::Name, "商户名称", "name").or(&["企业名称", "被投诉企业名称", "店铺名称"]),
    // A header `address` may be about the person who complains.
    column(Field::Address, "企业地址", "shop_address").or(&["商户地址", "店铺地址", "经营地址"]),
    MALL,
    column(Field::Brand, "品牌", "brand"),
    column(Field::Street, "街道", "street").or(&["街道乡镇", "被反映街乡镇"]),
];

const SIGNALS: &[Column] = &[
    CREDIT_CODE,
    MALL,
    UNIT,
    KIND,
    DATE,
    column(Field::Value, "数值", "value").or(&["ratio"]).measure(Measure::Ratio),
    column(Field::ClearedOn, "解除日期", "cleared_on"),
];

const LISTS: &[Column] = &[
    CREDIT_CODE,
    column(Field::List, "名单", "list").required(),
    column(Field::EnteredOn, "列入日期", "entered_on").or(&["locked_on"]).required(),
    column(Field::RemovedOn, "移出日期", "removed_on").or(&["lifted_on"]),
    column(Field::Ground, "事由", "ground"),
    column(Field::ReviewOn, "复核日期", "review_on"),
    column(Field::Person, "锁定人员", "person"),
    column(Field::PersonDigest, "人员证件摘要", "person_digest"),
    column(Field::Role, "职务", "role"),
    column(Field::Number, "文号", "number"),
];

const ENFORCEMENT: &[Column] = &[
    CREDIT_CODE,
    column(Field::Kind, "类型", "kind").or(&["step"]).required(),
    DATE,
    column(Field::DueOn, "期限", "due_on"),
    // A lead, a joint check and a case are known by their number as a document is.
    column(Field::Number, "文号", "number").or(&["lead", "check", "线索编号", "综合查一次编号", "立案号"]),
    column(Field::Result, "核查结果", "result"),
    column(Field::Authority, "机关", "authority").or(&["移送机关", "接收机关"]),
    column(Field::Sectors, "参加部门", "sectors"),
    column(Field::Note, "移送说明", "note"),
    column(Field::ReportedOn, "呈报日期", "reported_on"),
    column(Field::ApprovedAt, "批准时间", "approved_at"),
    column(Field::HandedOverAt, "移交时间", "handed_over_at"),
    column(Field::Ticket, "工单编号", "ticket"),
    column(Field::Channel, "来源", "channel"),
];

const TENANTS: &[Column] = &[
    CREDIT_CODE,
    column(Field::Mall, "商场", "mall").required(),
    UNIT,
    column(Field::From, "起租日期", "from").required(),
    column(Field::Until, "到期日期", "until").required(),
    column(Field::CheckedOn, "核验日期", "checked_on"),
    column(Field::InOrder, "核验合格", "in_order"),
    column(Field::Brand, "品牌", "brand"),
];

const ALIASES: &[Column] = &[
    CREDIT_CODE,
    column(Field::Alias, "别名", "alias").or(&["招牌名"]).required(),
    MALL,
    column(Field::Street, "街道", "street"),
    column(Field::Reason, "原因", "reason").or(&["依据"]),
];

impl SheetKind {
    /// Every kind, in the order they are read: the register first, so that nobody is first met through a complaint.
    pub const ALL: [Self; 12] = [
        Self::Merchants,
        Self::Filings,
        Self::Balances,
        Self::Custody,
        Self::Guarantees,
        Self::Exits,
        Self::Complaints,
        Self::Signals,
        Self::Lists,
        Self::Enforcement,
        Self::Tenants,
        Self::Aliases,
    ];

    /// Returns the English name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Merchants => "merchants",
            Self::Filings => "filings",
            Self::Balances => "balances",
            Self::Custody => "custody",
            Self::Guarantees => "guarantees",
            Self::Exits => "exits",
            Self::Complaints => "complaints",
            Self::Signals => "signals",
            Self::Lists => "lists",
            Self::Enforcement => "enforcement",
            Self::Tenants => "tenants",
            Self::Aliases => "aliases",
        }
    }

    /// Returns the Chinese name.
    #[must_use]
    pub const fn zh(self) -> &'static str {
        match self {
            Self::Merchants => "商户",
            Self::Filings => "备案",
            Self::Balances => "预收资金",
            Self::Custody => "存管余额",
            Self::Guarantees => "保函保险",
            Self::Exits => "撤店",
            Self::Complaints => "投诉",
            Self::Signals => "信号",
            Self::Lists => "名单",
            Self::Enforcement => "执法",
            Self::Tenants => "租户",
            Self::Aliases => "别名",
        }
    }

    /// Returns the columns, in the order of the source.
    #[must_use]
    pub const fn columns(self) -> &'static [Column] {
        match self {
            Self::Merchants => MERCHANTS,
            Self::Filings => FILINGS,
            Self::Balances => BALANCES,
            Self::Custody => CUSTODY,
            Self::Guarantees => GUARANTEES,
            Self::Exits => EXITS,
            Self::Complaints => COMPLAINTS,
            Self::Signals => SIGNALS,
            Self::Lists => LISTS,
            Self::Enforcement => ENFORCEMENT,
            Self::Tenants => TENANTS,
            Self::Aliases => ALIASES,
        }
    }

    /// Returns the columns by which a merchant is found where no code is given. A sheet may have them; nobody is refused for them.
    #[must_use]
    pub const fn clues(self) -> &'static [Column] {
        match self {
            Self::Complaints => CLUES,
            _ => &[],
        }
    }

    /// Returns every column that is read: those of the source, and the clues.
    pub fn read(self) -> impl Iterator<Item = &'static Column> {
        self.columns().iter().chain(self.clues())
    }

    /// Returns the field that a command names `name` and a sheet of this kind holds.
    #[must_use]
    pub fn field(self, name: &str) -> Option<Field> {
        let named = |column: &&Column| column.en == name || column.aliases.contains(&name);
        self.read().find(named).map(|column| column.field)
    }

    /// Returns the kinds that a file or sheet name such as `海淀区-商户-2025` or `custody_2025-06` speaks of. A Chinese
    /// name counts wherever it stands, an English one as a whole word.
    #[must_use]
    pub fn named_in(name: &str) -> Vec<Self> {
        let words: Vec<String> =
            name.split(|letter: char| !letter.is_ascii_alphabetic()).map(str::to_ascii_lowercase).collect();
        let named = |kind: &Self| name.contains(kind.zh()) || words.iter().any(|word| word == kind.name());
        Self::ALL.into_iter().filter(named).collect()
    }
}

/// Returns where a file or sheet of this name comes in the fixed order; one that names no kind, or several, comes last.
pub(in crate::intake) fn rank(name: &str) -> usize {
    match SheetKind::named_in(name).as_slice() {
        [kind] => *kind as usize,
        _ => SheetKind::ALL.len(),
    }
}

#[cfg(test)]
mod tests;
