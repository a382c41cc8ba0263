//! Why a cell is refused, in both languages.

use crate::domain::code::{CreditCode, CreditCodeError};
use crate::domain::text::TextFault;
use crate::domain::words::UnknownWord;

/// Why a cell is refused. The value itself is told next to it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CellFault {
    /// Blank where something is needed.
    #[error("the cell is blank; it must be filled in")]
    Missing,
    /// A word for nothing where something is needed.
    #[error("the cell says that there is nothing, but something is needed here; if an amount is nought, write 0")]
    NothingSaid,
    /// No date.
    #[error("it is not a date; write it like 2025-03-01, 2025/3/1 or 2025年3月1日")]
    NotADay,
    /// Six digits, or a year and a month.
    #[error("it is a year and a month, or a day without its century; write the whole day, like 2026-12-31")]
    ShortDay,
    /// A date that no calendar has.
    #[error("there is no such day")]
    NoSuchDay,
    /// A day of the week that is not that of the date.
    #[error("the day of the week does not belong to this date; one of the two is wrong")]
    Weekday,
    /// No date with a time.
    #[error("it is not a date and time; write it like 2025-06-01 09:00")]
    NotATime,
    /// No amount.
    #[error("it is not an amount; write digits, such as 1234567.89 or 1,234,567.89")]
    NotAnAmount,
    /// Separators where none belong.
    #[error("the thousands separators stand in odd places; write it like 1,234,567.89")]
    Grouping,
    /// Below zero.
    #[error("an amount cannot be negative")]
    Negative,
    /// Finer than a fen.
    #[error("an amount in yuan has at most two decimals")]
    TooFine,
    /// Beyond what any merchant can owe.
    #[error("it is more than 10 trillion yuan; check the unit")]
    TooLarge,
    /// 万 in the cell, not in the header.
    #[error("the cell says 万; write yuan, or put `(万元)` in the header for the whole column")]
    UnitInCell,
    /// 元 in the cell, 万元 in the header.
    #[error("the cell says 元 but the header says 万元; one of the two is wrong")]
    UnitContradiction,
    /// No ratio.
    #[error("it is not a ratio; write it like 0.06 or 6%")]
    NotARatio,
    /// Outside 0 to 1.
    #[error("a ratio lies between 0 and 1 (0% and 100%); write it like 0.06 or 6%")]
    RatioOutOfRange,
    /// Neither yes nor no.
    #[error("write 是 or 否 (yes or no)")]
    NotYesNo,
    /// No industry code.
    #[error("an industry code is 2 to 4 digits of GB/T 4754, with or without its letter, such as O8040 or 8040")]
    Industry,
    /// No division code.
    #[error("a division code is six digits, such as 110108")]
    Division,
    /// No credit code, but one with 0 for O and 1 for I.
    #[error("{0}; with 0 for O and 1 for I the check character fits: if {1} is meant, write it so")]
    Mistyped(CreditCodeError, CreditCode),
    /// A person's number where a code belongs.
    #[error("this looks like a person's identity number; it was not kept, write the unified social credit code here")]
    Identity,
    /// No credit code.
    #[error("{0}")]
    CreditCode(CreditCodeError),
    /// Question marks where a text was.
    #[error("the text is question marks only: the file was saved in an encoding without Chinese; save it as UTF-8")]
    Spoilt,
    /// None of the words allowed.
    #[error("it is not one of {0}")]
    Word(String),
    /// Text that cannot be taken.
    #[error("{0}")]
    Text(TextFault),
    /// A long number kept as a number.
    #[error("the spreadsheet kept only 15 digits of this number; format the column as text and type it anew")]
    DigitsLost,
    /// A text that holds a number in powers of ten.
    #[error(
        "the spreadsheet wrote this number in powers of ten and its last digits are gone; format the column as text and export it anew"
    )]
    Scientific,
    /// A text that the spreadsheet took for a date.
    #[error("the spreadsheet turned this into a date; format the column as text and type it anew")]
    TurnedIntoDate,
    /// A formula that failed.
    #[error("the formula in this cell gives an error; put the value there")]
    SheetError,
}

impl CellFault {
    /// Returns the stable code of the fault.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Missing | Self::NothingSaid => "missing",
            Self::NotADay => "not_a_day",
            Self::ShortDay => "short_day",
            Self::NoSuchDay => "no_such_day",
            Self::Weekday => "weekday",
            Self::NotATime => "not_a_time",
            Self::NotAnAmount => "not_an_amount",
            Self::Grouping => "grouping",
            Self::Negative => "negative",
            Self::TooFine => "too_fine",
            Self::TooLarge => "too_large",
            Self::UnitInCell => "unit_in_cell",
            Self::UnitContradiction => "unit_contradiction",
            Self::NotARatio => "not_a_ratio",
            Self::RatioOutOfRange => "ratio_out_of_range",
            Self::NotYesNo => "not_yes_no",
            Self::Industry => "industry_code",
            Self::Division => "division_code",
            Self::Identity => "identity_number",
            Self::CreditCode(_) | Self::Mistyped(..) => "credit_code",
            Self::Spoilt => "question_marks",
            Self::Word(_) => "unknown_word",
            Self::Text(fault) => fault.code(),
            Self::DigitsLost | Self::Scientific => "digits_lost",
            Self::TurnedIntoDate => "turned_into_date",
            Self::SheetError => "sheet_error",
        }
    }

    /// Returns the fault in Chinese.
    #[must_use]
    pub fn zh(&self) -> String {
        let text = match self {
            Self::Missing => "不能为空",
            Self::NothingSaid => "填写的是「无」一类的字样，而此处必须填写；金额为零请写 0",
            Self::NotADay => "不是日期，应写作 2025-03-01、2025/3/1 或 2025年3月1日",
            Self::ShortDay => "只有年月，或年份只有两位，请写出完整日期，如 2026-12-31",
            Self::NoSuchDay => "没有这一天",
            Self::Weekday => "星期与日期不符，请核对",
            Self::NotATime => "不是日期时间，应写作 2025-06-01 09:00",
            Self::NotAnAmount => "不是金额，应写数字，如 1234567.89 或 1,234,567.89",
            Self::Grouping => "千分位逗号的位置不对，应写作 1,234,567.89",
            Self::Negative => "金额不能为负数",
            Self::TooFine => "以元计的金额最多两位小数",
            Self::TooLarge => "超过十万亿元，请核对单位",
            Self::UnitInCell => "单元格写了「万」：请填写以元计的数字，或在表头注明「（万元）」",
            Self::UnitContradiction => "单元格写的是「元」，表头写的是「万元」，两者矛盾",
            Self::NotARatio => "不是比率，应写作 0.06 或 6%",
            Self::RatioOutOfRange => "比率应在 0 与 1（0% 与 100%）之间，如 0.06 或 6%",
            Self::NotYesNo => "应填「是」或「否」",
            Self::Industry => "行业代码应为 2 至 4 位数字（GB/T 4754），可带门类字母，如 O8040 或 8040",
            Self::Division => "区划代码应为六位数字，如 110108",
            Self::Identity => "疑似公民身份号码，未保存；此处应填写统一社会信用代码",
            Self::Mistyped(error, meant) => {
                let fault = Self::CreditCode(error.clone()).zh();
                return format!("{fault}；将 O、I 改为数字 0、1 后校验位相符，若即 {meant}，请照此填写");
            }
            Self::CreditCode(CreditCodeError::Empty) => "须填写统一社会信用代码",
            Self::CreditCode(CreditCodeError::Length(length)) => {
                return format!("统一社会信用代码应为 18 位，此处为 {length} 位");
            }
            Self::CreditCode(CreditCodeError::Letter(letter, at)) => {
                return format!(
                    "第 {at} 位「{letter}」不能用于统一社会信用代码（只用数字和大写字母，不含 I、O、S、V、Z）"
                );
            }
            Self::Spoilt => "只有问号：文件保存时所用编码不含中文，请另存为 UTF-8 格式",
            Self::Word(allowed) => return format!("不在可填的范围内，应为其中之一：{allowed}"),
            Self::Text(fault) => return fault.zh(),
            Self::Scientific => "电子表格将长数字写成了科学计数法，末尾数字已丢失，请将该列设为文本格式后重新导出",
            Self::DigitsLost => "电子表格只保留了 15 位数字，请将该列设为文本格式后重新填写",
            Self::TurnedIntoDate => "电子表格将内容变成了日期，请将该列设为文本格式后重新填写",
            Self::SheetError => "单元格中的公式出错，请填写数值",
        };
        text.to_owned()
    }
}

impl From<UnknownWord> for CellFault {
    fn from(unknown: UnknownWord) -> Self {
        Self::Word(unknown.allowed)
    }
}

impl From<TextFault> for CellFault {
    fn from(fault: TextFault) -> Self {
        match fault {
            TextFault::Spoilt => Self::Spoilt,
            other => Self::Text(other),
        }
    }
}
