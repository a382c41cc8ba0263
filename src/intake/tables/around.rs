//! What stands among records and is none: totals, signatures, notes, further headers, rows that were only numbered.

use super::Row;
use crate::domain::text::{half_width, trim};
use crate::intake::cell::Cell;
use crate::intake::item::{Item, Remark, Sink, Table};
use crate::intake::place::Finding;
use crate::intake::sheet::{Field, Layout};
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// What a row is, if it is no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Around {
    /// 合计, 小计.
    Total,
    /// 填表人：…, 注：…, 第 2 页.
    Footer,
    /// Nothing but a number and notes of the office's own.
    Unfilled,
    /// The header once more.
    Repeated,
    /// One line of text between tables.
    Title,
}

impl Around {
    const fn code(self) -> &'static str {
        match self {
            Self::Total => "total_row",
            Self::Footer => "footer_line",
            Self::Unfilled => "unfilled_row",
            Self::Repeated => "repeated_header",
            Self::Title => "title_line",
        }
    }

    const fn zh(self) -> &'static str {
        match self {
            Self::Total => "合计或小计行，不是数据，已略过",
            Self::Footer => "签名、说明或页码行，不是数据，已略过",
            Self::Unfilled => "只有序号或备注的空行，已略过",
            Self::Repeated => "重复的表头，已略过",
            Self::Title => "标题行，不是数据，已略过",
        }
    }

    const fn en(self) -> &'static str {
        match self {
            Self::Total => "a total, which is no record; passed over",
            Self::Footer => "a signature, a note or a page number, which is no record; passed over",
            Self::Unfilled => "a row with nothing filled in but its number or a note; passed over",
            Self::Repeated => "the header once more; passed over",
            Self::Title => "a title, which is no record; passed over",
        }
    }

    /// Says what a row is; `None` if it is to be read as a record. Headers are told by the caller.
    pub(super) fn of(layout: &Layout, row: &Row<'_>) -> Option<Self> {
        let width = row.cells.width();
        let filled: Vec<(usize, Cell<'_>)> =
            (0..width).map(|index| (index, row.cells.cell(index))).filter(|(_, cell)| !cell.is_blank()).collect();
        let first_text = filled.iter().find_map(|(_, cell)| match cell {
            Cell::Text(text) => Some(plain(text)),
            _ => None,
        });
        if first_text.as_deref().is_some_and(is_total) {
            return Some(Self::Total);
        }
        if first_text.as_deref().is_some_and(is_footer) {
            return Some(Self::Footer);
        }
        if filled.iter().all(|(index, _)| *index < layout.width && layout.field_at(*index).is_none()) {
            return Some(Self::Unfilled);
        }
        match filled.as_slice() {
            // What could be a code, or part of one, is a record that somebody began.
            [(_, Cell::Text(text))] if !text.bytes().any(|byte| byte.is_ascii_digit()) || text.chars().count() > 24 => {
                Some(Self::Title)
            }
            _ => None,
        }
    }
}

/// Says whether the cell where the code belongs could hold one: then the row is a record, whatever else it says.
pub(super) fn has_code(layout: &Layout, row: &Row<'_>) -> bool {
    let Some((index, _)) = layout.place(Field::CreditCode) else { return false };
    match row.cells.cell(index) {
        Cell::Text(text) => {
            let text = trim(text);
            // Fifteen and more letters and digits: a code, perhaps one with a slip of the finger.
            text.len() >= 15
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
                && text.bytes().any(|byte| byte.is_ascii_digit())
        }
        Cell::Number(_) => true,
        _ => false,
    }
}

fn plain(text: &str) -> String {
    half_width(text).chars().filter(|letter| !letter.is_whitespace()).collect()
}

const TOTALS: [&str; 8] = ["合计", "小计", "总计", "共计", "累计", "总和", "total", "subtotal"];

fn is_total(text: &str) -> bool {
    let text = text.trim_end_matches([':', '：']).to_ascii_lowercase();
    TOTALS.iter().any(|word| {
        // `本页合计`, `海淀区小计`, `合计(12 户)`; not `合计科技有限公司`.
        text.strip_suffix(word).is_some_and(|before| before.chars().count() <= 6)
            || text.strip_prefix(word).is_some_and(|after| {
                after.starts_with(['(', ':']) || after.starts_with(|letter: char| letter.is_ascii_digit())
            })
    })
}

/// Words that a footer begins with when a colon follows.
const SIGNED: [&str; 30] = [
    "填表人",
    "填表",
    "制表人",
    "制表",
    "填报人",
    "填报",
    "审核人",
    "审核",
    "复核人",
    "复核",
    "审批人",
    "负责人",
    "单位负责人",
    "主管",
    "经办人",
    "经手人",
    "联系人",
    "联系电话",
    "电话",
    "填表日期",
    "填报日期",
    "制表日期",
    "打印日期",
    "打印时间",
    "导出时间",
    "填报单位",
    "注",
    "备注",
    "说明",
    "附注",
];

fn is_footer(text: &str) -> bool {
    let text = text.trim_start_matches(['(', '*', '※']);
    let before_colon = text.split_once(':').map(|(before, _)| before);
    if before_colon.is_some_and(|before| {
        SIGNED.contains(&before.trim_end_matches(|letter: char| letter.is_ascii_digit() || letter == '.'))
    }) {
        return true;
    }
    let page = text.strip_prefix('第').or_else(|| text.strip_prefix('共')).and_then(|rest| rest.split_once('页'));
    page.is_some_and(|(number, _)| !number.is_empty() && number.chars().all(|letter| letter.is_ascii_digit()))
        || text.starts_with("以下空白")
        || text.starts_with("以下无正文")
}

/// Rows passed over in one table, told together at its end.
#[derive(Debug, Default)]
pub(super) struct PassedOver(BTreeMap<Around, (u64, Vec<u64>)>);

/// Row numbers that are named of those passed over.
const NAMED: usize = 5;

impl PassedOver {
    pub(super) fn add(&mut self, around: Around, row: u64) {
        let (count, rows) = self.0.entry(around).or_default();
        *count += 1;
        if rows.len() < NAMED {
            rows.push(row);
        }
    }

    /// Tells what was passed over.
    pub(super) fn tell(&mut self, table: &Table, sink: Sink<'_>) -> ControlFlow<()> {
        for (around, (count, rows)) in std::mem::take(&mut self.0) {
            let named = rows_named(&rows, count);
            let place = table.place(rows.first().copied().unwrap_or_default());
            let zh = format!("{}（共 {count} 行：{named}）", around.zh());
            let en = format!("{} ({count} in all: rows {named})", around.en());
            // The rows themselves may hold names and telephone numbers of people; they are not repeated.
            let finding = Finding::new(place, around.code(), "", zh, en);
            sink(Item::Remark(Remark { finding, rows: count }))?;
        }
        ControlFlow::Continue(())
    }
}

/// Returns row numbers as one list, with dots if there are more.
pub(super) fn rows_named(rows: &[u64], count: u64) -> String {
    let named: Vec<String> = rows.iter().map(u64::to_string).collect();
    let more = if count > rows.len() as u64 { ", …" } else { "" };
    format!("{}{more}", named.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_and_footers_are_told_from_names() {
        for text in ["合计", "小计：", "本页合计", "海淀区小计", "合计(12户)", "Total", "总计:3"] {
            assert!(is_total(&plain(text)), "{text}");
        }
        for text in ["合计科技有限公司", "北京合计合计合计合计餐饮", "91110108MA0000001D", "共计划"]
        {
            assert!(!is_total(&plain(text)), "{text}");
        }
        for text in
            ["填表人：王某", "审核: 李", "注：以上金额均为元", "注1：x", "第 2 页", "第1页，共3页", "（以下空白）"]
        {
            assert!(is_footer(&plain(text)), "{text}");
        }
        for text in ["注册商标公司", "第一食品", "审核通过", "T1:2"] {
            assert!(!is_footer(&plain(text)), "{text}");
        }
    }
}
