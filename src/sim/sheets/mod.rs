//! The district as the offices' ten sheets (docs/SHEETS.md), in csv or as one workbook.

mod csv;
mod xlsx;

pub use csv::{CsvFolder, Encoding};
pub use xlsx::Workbook;

use super::Dated;
use crate::domain::command::Command;
use crate::domain::event::MerchantDetails;
use crate::domain::money::{Ratio, Yuan};
use crate::domain::time::{Day, Instant};
use crate::domain::words::SignalKind;
use std::path::PathBuf;

/// Why a sheet cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum SheetError {
    /// The disk said no.
    #[error("`{}` cannot be written: {reason}", path.display())]
    Write {
        /// File.
        path: PathBuf,
        /// What it said.
        reason: std::io::Error,
    },
    /// More rows than a workbook can hold.
    #[error(
        "sheet `{sheet}` would have more than {limit} rows, the most an xlsx file can hold; write csv, or fewer merchants"
    )]
    TooManyRows {
        /// Sheet.
        sheet: &'static str,
        /// Most rows, the heading included.
        limit: u32,
    },
    /// The workbook could not be made.
    #[error("the workbook cannot be written: {0}")]
    Workbook(#[from] rust_xlsxwriter::XlsxError),
}

/// A sheet of the offices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sheet {
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
}

impl Sheet {
    /// Every sheet, in the order of a workbook.
    pub const ALL: [Self; 10] = [
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
    ];

    /// Returns the sheet's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
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
        }
    }

    /// Returns the headings of the columns.
    #[must_use]
    pub const fn headings(self) -> &'static [&'static str] {
        const CODE: &str = "统一社会信用代码";
        match self {
            Self::Merchants => &[
                CODE,
                "商户名称",
                "行业代码",
                "区划代码",
                "街道",
                "商场",
                "铺位号",
                "法定代表人",
                "法定代表人证件摘要",
                "品牌",
                "成立日期",
            ],
            Self::Filings => &[CODE, "备案状态", "日期", "存管银行", "账户尾号"],
            Self::Balances => &[CODE, "报告日期", "预收资金余额", "上年主营收入"],
            Self::Custody => &[CODE, "报送日期", "存管余额", "异常流水"],
            Self::Guarantees => &[CODE, "类型", "金额", "起始日期", "截止日期"],
            Self::Exits => &[CODE, "商场", "铺位号", "事项", "日期", "计划撤店日期", "退费安排"],
            Self::Complaints => &[
                "工单编号",
                "来源",
                "受理时间",
                CODE,
                "诉求类型",
                "涉及金额",
                "办理期限",
                "首次响应时间",
                "办结时间",
                "结果",
            ],
            Self::Signals => &[CODE, "商场", "铺位号", "类型", "日期", "数值", "解除日期"],
            Self::Lists => &[CODE, "名单", "列入日期", "移出日期"],
            Self::Enforcement => &[CODE, "类型", "日期", "期限", "文号"],
        }
    }
}

/// A cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// Nothing.
    Empty,
    /// Text as it is.
    Text(String),
    /// A day.
    Day(Day),
    /// A local time, to the minute.
    Minute(Instant),
    /// Yuan.
    Amount(Yuan),
    /// A share.
    Share(Ratio),
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Day> for Cell {
    fn from(day: Day) -> Self {
        Self::Day(day)
    }
}

impl From<Instant> for Cell {
    fn from(at: Instant) -> Self {
        Self::Minute(at)
    }
}

impl From<Yuan> for Cell {
    fn from(amount: Yuan) -> Self {
        Self::Amount(amount)
    }
}

impl<T: Into<Self>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Empty, Into::into)
    }
}

/// Something that takes the rows of a district.
pub trait SheetWriter {
    /// Writes a row under the ones before it.
    ///
    /// # Errors
    /// See [`SheetError`].
    fn row(&mut self, sheet: Sheet, cells: &[Cell]) -> Result<(), SheetError>;

    /// Writes what is still held back.
    ///
    /// # Errors
    /// See [`SheetError`].
    fn finish(self) -> Result<(), SheetError>;
}

/// Returns the rows that a sheet holds about one merchant in the end: a ticket, a signal, an entry in a list is one row,
/// with everything that was added to it since. `told` must be in the order it was known.
#[must_use]
pub fn as_it_stands(told: Vec<Dated>) -> Vec<Command> {
    let mut rows: Vec<Command> = Vec::with_capacity(told.len());
    for Dated { command, .. } in told {
        match rows.iter_mut().find(|row| same_record(row, &command)) {
            Some(row) => *row = command,
            None => rows.push(command),
        }
    }
    rows
}

fn same_record(one: &Command, other: &Command) -> bool {
    match (one, other) {
        (Command::RecordComplaint(one), Command::RecordComplaint(other)) => one.ticket == other.ticket,
        (Command::RecordSignal(one), Command::RecordSignal(other)) => {
            (one.credit_code, &one.mall, &one.unit, one.kind, one.date)
                == (other.credit_code, &other.mall, &other.unit, other.kind, other.date)
        }
        (Command::RecordListing(one), Command::RecordListing(other)) => {
            (one.credit_code, one.list, one.entered_on) == (other.credit_code, other.list, other.entered_on)
        }
        _ => false,
    }
}

/// Returns the row of a command and its sheet; `None` for an assignment by hand, a cancellation and what the district does not do.
#[must_use]
pub fn row_of(command: Command) -> Option<(Sheet, Vec<Cell>)> {
    let code = Cell::Text(command.credit_code()?.to_string());
    Some(match command {
        Command::RegisterMerchant(row) => (Sheet::Merchants, register_row(code, row)),
        Command::AssignSector(_)
        | Command::RecordLead(_)
        | Command::RecordJointCheck(_)
        | Command::RecordCase(_)
        | Command::RecordAlias(_)
        | Command::WithdrawAlias(_)
        | Command::IssueDocument(_)
        | Command::RecordAccount(_)
        | Command::RecordTenancy(_)
        | Command::HandleComplaint(_)
        | Command::RecordGreyListing(_)
        | Command::RecordLock(_)
        | Command::MakeStatement(_)
        | Command::CancelEntry(_)
        | Command::HandleCase(_)
        | Command::RecordUnattributed(_)
        | Command::DecideUnattributed(_) => return None,
        Command::RecordFiling(row) => (
            Sheet::Filings,
            vec![code, row.status.zh().into(), row.date.into(), row.bank.into(), row.account_tail.into()],
        ),
        Command::ReportBalance(row) => {
            (Sheet::Balances, vec![code, row.date.into(), row.outstanding.into(), row.revenue_last_year.into()])
        }
        Command::ReportCustody(row) => {
            let abnormal = if row.abnormal == Some(true) { "是" } else { "否" };
            (Sheet::Custody, vec![code, row.date.into(), row.held.into(), abnormal.into()])
        }
        Command::PostGuarantee(row) => {
            (Sheet::Guarantees, vec![code, row.kind.zh().into(), row.amount.into(), row.from.into(), row.until.into()])
        }
        Command::RecordExit(row) => (
            Sheet::Exits,
            vec![
                code,
                row.mall.into(),
                row.unit.into(),
                row.action.zh().into(),
                row.date.into(),
                row.planned_on.into(),
                row.refund_plan.into(),
            ],
        ),
        Command::RecordComplaint(row) => {
            // The two platforms go by their numbers in the sheet; only the mall has a word.
            let channel = match row.channel {
                crate::domain::words::Channel::Mall => row.channel.zh(),
                numbered => numbered.name(),
            };
            (
                Sheet::Complaints,
                vec![
                    row.ticket.into(),
                    channel.into(),
                    row.received_at.into(),
                    code,
                    row.kind.zh().into(),
                    row.amount.into(),
                    row.due_at.into(),
                    row.answered_at.into(),
                    row.closed_at.into(),
                    row.outcome.map(|outcome| outcome.zh()).into(),
                ],
            )
        }
        Command::RecordSignal(row) => {
            let (place, kind) = ((row.mall, row.unit), SignalKind::zh(row.kind));
            (Sheet::Signals, signal_row(code, place, kind, row.date, row.value.into(), row.cleared_on))
        }
        Command::ReportComplaintRate(row) => {
            (Sheet::Signals, signal_row(code, (row.mall, row.unit), "客诉率", row.date, Cell::Share(row.ratio), None))
        }
        Command::ReportPrepaidShare(row) => {
            (Sheet::Signals, signal_row(code, (row.mall, row.unit), "预付占比", row.date, Cell::Share(row.ratio), None))
        }
        Command::RecordListing(row) => {
            (Sheet::Lists, vec![code, row.list.zh().into(), row.entered_on.into(), row.removed_on.into()])
        }
        Command::RecordEnforcement(row) => (
            Sheet::Enforcement,
            vec![code, row.kind.zh().into(), row.date.into(), row.due_on.into(), row.number.into()],
        ),
    })
}

fn register_row(code: Cell, row: MerchantDetails) -> Vec<Cell> {
    vec![
        code,
        row.name.into(),
        row.industry_code.into(),
        row.division_code.map(|code| code.to_string()).into(),
        row.street.into(),
        row.mall.into(),
        row.unit.into(),
        row.legal_representative.into(),
        row.legal_representative_digest.into(),
        row.brand.into(),
        row.founded_on.into(),
    ]
}

fn signal_row(
    code: Cell,
    (mall, unit): (Option<String>, Option<String>),
    kind: &str,
    date: Day,
    value: Cell,
    cleared_on: Option<Day>,
) -> Vec<Cell> {
    vec![code, mall.into(), unit.into(), kind.into(), date.into(), value, cleared_on.into()]
}
