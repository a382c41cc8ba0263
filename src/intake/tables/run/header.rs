//! Headers of one row and of two, and why a table under one is refused.

use crate::domain::text::trim;
use crate::intake::place::{Finding, Place};
use crate::intake::profile::Profiles;
use crate::intake::sheet::{Column, Field, HeaderFault, SheetKind, money_note, named, recognised};
use std::sync::Arc;

/// Rows with something in them that may stand above the header.
pub(in crate::intake) const MOST_TITLE_ROWS: u64 = 10;

/// A header, as its texts.
pub(super) struct Header {
    /// Its row, of two the upper one.
    pub(super) row: u64,
    pub(super) texts: Vec<String>,
}

impl Header {
    /// Returns the texts without those of hidden columns that stand a second time where people see them, and the latter.
    pub(super) fn without_hidden_doubles(
        &self,
        kind: SheetKind,
        hidden: &[(usize, usize)],
    ) -> (Vec<String>, Vec<String>) {
        let is_hidden = |index: usize| hidden.iter().any(|(first, last)| (*first..=*last).contains(&index));
        let columns: Vec<Option<&'static Column>> = self.texts.iter().map(|text| named(kind, text)).collect();
        let mut dropped = Vec::new();
        let texts = self.texts.iter().enumerate().map(|(index, text)| {
            let own = columns.get(index).copied().flatten().map(|column| column.field);
            let shown = |(other, column): (usize, &Option<&'static Column>)| {
                !is_hidden(other) && own.is_some() && column.map(|column| column.field) == own
            };
            if is_hidden(index) && columns.iter().enumerate().any(shown) {
                dropped.push(trim(text).to_owned());
                return String::new();
            }
            text.clone()
        });
        (texts.collect(), dropped)
    }
}

/// Joins a header with the row below it: where the lower one is empty, the upper one counts. `None` if they are no header of two
/// rows: together they must show more columns than the upper one, the lower one holds no values, and both name a column
/// differently only where the upper one names a group.
pub(super) fn with_lower(upper: &[String], lower: &[String]) -> Option<Vec<String>> {
    let both = joined(upper, lower)?;
    let known = |text: &String| recognised_anywhere(text);
    let contradicts = |(above, below): (&String, &String)| {
        let (plain, under) = (trim(above), trim(below));
        !plain.is_empty() && !under.is_empty() && plain != under && known(above)
    };
    let fits = most(&both) > most(upper) && most(&both) >= most(lower);
    (fits && !upper.iter().zip(lower).any(contradicts)).then_some(both)
}

/// Joins a row that is a header, or nearly one, with the row above it, if that shows more columns than it has by itself.
pub(super) fn with_upper(upper: &[String], lower: &[String]) -> Option<Vec<String>> {
    joined(upper, lower).filter(|both| most(both) > most(upper) && most(both) > most(lower))
}

fn recognised_anywhere(text: &str) -> bool {
    SheetKind::ALL.into_iter().any(|kind| named(kind, text).is_some())
}

/// Columns of the sheet that the headers show most of.
fn most(texts: &[String]) -> usize {
    SheetKind::ALL.into_iter().map(|kind| recognised(kind, texts)).max().unwrap_or_default()
}

fn joined(upper: &[String], lower: &[String]) -> Option<Vec<String>> {
    if upper.is_empty() || !lower.iter().all(|text| trim(text).is_empty() || is_word(text)) {
        return None;
    }
    let mut group = "";
    let both: Vec<String> = (0..upper.len().max(lower.len()))
        .map(|index| {
            let (above, below) =
                (upper.get(index).map_or("", |text| trim(text)), lower.get(index).map_or("", |text| trim(text)));
            if !above.is_empty() {
                group = above;
            }
            match (above.is_empty(), below.is_empty()) {
                (_, true) => above.to_owned(),
                // A unit that the group names holds for each of its columns.
                (_, false) => match (money_note(group), money_note(below)) {
                    (Some(note), None) => format!("{below}{note}"),
                    _ => below.to_owned(),
                },
            }
        })
        .collect();
    (most(&both) >= 2).then_some(both)
}

/// Says whether a text could head a column: it is no number and no date.
fn is_word(text: &str) -> bool {
    let text = trim(text);
    let digits = text.chars().filter(char::is_ascii_digit).count();
    digits * 2 < text.chars().count() && !text.starts_with(|letter: char| letter.is_ascii_digit())
}

/// Says whether two headers are one, whatever is blank at their ends.
pub(super) fn same(known: &[Arc<str>], texts: &[String]) -> bool {
    let plain = |text: &str| trim(text.trim_start_matches('\u{FEFF}')).to_owned();
    let texts: Vec<String> = texts.iter().map(|text| plain(text)).collect();
    let filled = |texts: &[String]| texts.iter().filter(|text| !text.is_empty()).count();
    // The lower half of a header of two rows is repeated with it.
    let known: Vec<String> = known.iter().map(|text| plain(text)).collect();
    let width = known.len().max(texts.len());
    let at = |list: &[String], index: usize| list.get(index).cloned().unwrap_or_default();
    (0..width).all(|index| at(&known, index) == at(&texts, index)) && filled(&known) == filled(&texts)
}

pub(super) fn unit_doubtful(place: Place, said: &str, columns: &[&str]) -> Finding {
    let columns = columns.join("、");
    let zh = format!("无法确定金额列（{columns}）的单位，整张表未读取；请在表头注明单位，如「（元）」或「（万元）」");
    let en = format!(
        "the unit of the amounts ({columns}) cannot be told, nothing of the table was read; name it in the header, such as （元） or （万元）"
    );
    Finding::new(place, "unit_doubtful", said, zh, en)
}

/// Says whether a row is a header: two cells of it are columns of one sheet.
pub(super) fn is_header(headers: &[String], profiles: &Profiles) -> bool {
    let filled = headers.iter().filter(|text| !trim(text).is_empty()).count();
    filled >= 2 && SheetKind::ALL.into_iter().any(|kind| recognised(kind, headers) >= 2)
        || profiles.recognise(headers).is_some()
}

pub(super) fn no_header(place: Place) -> Finding {
    let kinds = SheetKind::ALL.map(SheetKind::zh).join("、");
    let names = SheetKind::ALL.map(SheetKind::name).join(", ");
    Finding::new(
        place,
        "no_header",
        "",
        format!("前 {MOST_TITLE_ROWS} 行中没有找到表头；可读取的表：{kinds}"),
        format!("no header row was found in the first {MOST_TITLE_ROWS} rows; the sheets read are: {names}"),
    )
}

pub(super) fn header_refusal(place: Place, kind: SheetKind, fault: HeaderFault) -> Finding {
    match fault {
        HeaderFault::Missing(columns) => {
            let zh: Vec<&str> = columns.iter().map(|column| column.zh).collect();
            let en: Vec<String> = columns.iter().map(|column| format!("{} ({})", column.en, column.zh)).collect();
            // An export without times is not dated by guess; the person who has it knows when its tickets came in.
            let (mut more_zh, mut more_en) = ("", "");
            if columns.iter().any(|column| column.field == Field::ReceivedAt) {
                more_zh = "；文件中没有受理时间时，可在导入时用 `--received-at 日期` 写明";
                more_en = "; where the file has no time of receipt, say it with `--received-at DATE`";
            }
            Finding::new(
                place,
                "missing_column",
                "",
                format!("「{}」表缺少必需的列：{}；整张表未读取{more_zh}", kind.zh(), zh.join("、")),
                format!(
                    "a `{}` sheet needs the column {}; nothing of it was read{more_en}",
                    kind.name(),
                    en.join(" and ")
                ),
            )
        }
        HeaderFault::Duplicate { column, header } => Finding::new(
            place,
            "duplicate_column",
            &header,
            format!("「{}」列出现了不止一次；整张表未读取", column.zh),
            format!("the column {} ({}) appears more than once; nothing of it was read", column.en, column.zh),
        ),
        HeaderFault::UnknownUnit { header, unit } => Finding::new(
            place,
            "unknown_unit",
            &header,
            format!("表头中的单位「{unit}」无法识别，应为「元」或「万元」；整张表未读取"),
            format!("the unit `{unit}` in the header is not known, write 元 or 万元; nothing of it was read"),
        ),
    }
}
