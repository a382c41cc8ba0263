//! What readers of JSON and of the values in it say, in both languages: their own words are English.

use super::language::BothLanguages;
use crate::domain::time::TimeFault;
use serde_json::error::Category;

/// Returns what is wrong with a text that was read as JSON, and where in it.
pub(super) fn text(error: &serde_json::Error) -> BothLanguages {
    let (line, column) = (error.line(), error.column());
    let zh = match error.classify() {
        Category::Syntax => "不是合法的 JSON".to_owned(),
        Category::Eof => "JSON 不完整".to_owned(),
        Category::Data | Category::Io => in_chinese(&without_place(error)),
    };
    let en = without_place(error);
    BothLanguages::new(
        format_args!("第 {line} 行第 {column} 列：{zh}"),
        format_args!("JSON: {en} at line {line} column {column}"),
    )
}

/// Returns what is wrong with a part of such a text, without the place in it: that would be a place in a text that nobody sees.
pub(super) fn value(error: &serde_json::Error) -> BothLanguages {
    let en = without_place(error);
    BothLanguages::new(in_chinese(&en), en)
}

fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    shortened(text.rsplit_once(" at line ").map_or(&*text, |(text, _)| text))
}

/// Longest name or value that a message repeats, characters.
const LONGEST: usize = 60;
/// Longest message, characters: the names that could be meant stand in it, too.
const WHOLE: usize = 1_500;

/// Cuts what a message repeats of what was sent: a name may be as long as a body. It stands between backticks, or between quotation
/// marks where the reader of JSON repeats it by itself.
fn shortened(text: &str) -> String {
    if text.chars().nth(LONGEST).is_none() {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut inside = None;
    for part in text.split_inclusive(['`', '"']) {
        let end = part.chars().next_back().filter(|end| matches!(end, '`' | '"'));
        if inside.is_some() && part.chars().nth(LONGEST + 1).is_some() {
            kept.extend(part.chars().take(LONGEST));
            kept.push('…');
            kept.extend(end);
        } else {
            kept.push_str(part);
        }
        inside = if inside == end { None } else { inside.or(end) };
    }
    match kept.char_indices().nth(WHOLE) {
        Some((cut, _)) => format!("{}…", kept.get(..cut).unwrap_or_default()),
        None => kept,
    }
}

/// What the readers of single values say, and how it is said in Chinese; `{}` stands for what was found.
const VALUES: [(&str, &str); 12] = [
    ("credit code", "不是有效的统一社会信用代码"),
    ("a division code", "`{}` 不是区划代码；请写六位数字，如 110108"),
    ("an amount is needed", "缺少金额"),
    ("an amount of yuan", "`{}` 不是金额；请写作 1234567.89"),
    ("an amount cannot be negative", "金额不能为负"),
    ("at most two decimals", "金额最多两位小数"),
    ("10 trillion yuan", "金额超过十万亿元，请核对单位"),
    ("is not a ratio", "`{}` 不是比率；请写作 0.06 或 6%"),
    ("a ratio lies between", "`{}` 不在 0 与 1 之间；请写作 0.06 或 6%"),
    ("invalid length", "长度不符"),
    ("invalid value", "值不符合要求"),
    ("UUID", "不是编号（UUID）"),
];

/// Kinds of JSON values, as its reader calls them.
const KINDS: [(&str, &str); 7] = [
    ("null", "空值"),
    ("boolean", "布尔值"),
    ("integer", "数字"),
    ("floating point", "数字"),
    ("string", "文字"),
    ("sequence", "列表"),
    ("map", "对象"),
];

/// Says a reader's message in Chinese. One that is not known keeps the names in it.
fn in_chinese(message: &str) -> String {
    let mut names = message.split('`').skip(1).step_by(2);
    let first = names.next().unwrap_or_default();
    // Dates begin with the name of their field.
    if let Some(rest) = message.strip_prefix(&format!("`{first}`: ")) {
        return format!("`{first}`：{}", in_chinese(rest));
    }
    let others: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    let usable = if others.is_empty() { String::new() } else { format!("；可用：{}", others.join("、")) };
    if message.starts_with("missing field") {
        return format!("缺少字段 `{first}`");
    }
    if message.starts_with("duplicate field") {
        return format!("字段 `{first}` 重复");
    }
    if message.starts_with("unknown field") {
        return format!("没有字段 `{first}`{usable}");
    }
    if message.starts_with("unknown variant") {
        return format!("没有 `{first}`{usable}");
    }
    if let Some((_, allowed)) = message.split_once("` is not one of ") {
        return format!("没有 `{first}`；可用：{allowed}");
    }
    if message.contains("is not a day") {
        return TimeFault::NotADay(first.to_owned()).zh();
    }
    if message.contains("is not an instant") {
        return TimeFault::NotAnInstant(first.to_owned()).zh();
    }
    if message.contains("lies outside the years") {
        return TimeFault::Outside(first.to_owned()).zh();
    }
    if let Some(found) = message.strip_prefix("invalid type: ") {
        let kind = KINDS.iter().find(|(en, _)| found.starts_with(en)).map_or("别的值", |(_, zh)| zh);
        return format!("此处不能是{kind}");
    }
    let known = VALUES.iter().find(|(en, _)| message.contains(en));
    match known {
        Some((_, zh)) => zh.replace("{}", first),
        None if first.is_empty() => "值无法识别".to_owned(),
        None => format!("`{first}` 无法识别"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_keeps_its_names() {
        for (en, zh) in [
            ("missing field `date`", "缺少字段 `date`"),
            ("unknown field `a`, expected one of `b`, `c`", "没有字段 `a`；可用：`b`、`c`"),
            ("`date`: `x` is not a day; write it like 2025-03-01", "`date`：`x` 不是日期；请写作 2025-03-01"),
            ("`date`: invalid type: integer `5`, expected a string", "`date`：此处不能是数字"),
            ("`粉` is not one of 绿 (green), 红 (red)", "没有 `粉`；可用：绿 (green), 红 (red)"),
            ("something about `this`", "`this` 无法识别"),
            ("nothing in particular", "值无法识别"),
        ] {
            assert_eq!(in_chinese(en), zh);
        }
    }

    #[test]
    fn what_was_sent_is_repeated_in_part_only() {
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        #[expect(dead_code, reason = "read for what is wrong with it")]
        struct Row {
            number: u8,
        }
        let long = "字".repeat(5_000);
        let odd = "a`b\"".repeat(5_000);
        let of = |value: serde_json::Value| value.to_string();
        for sent in [
            of(serde_json::json!({ long.clone(): 1 })),
            of(serde_json::json!({ "number": long })),
            of(serde_json::json!({ odd.clone(): 1 })),
            of(serde_json::json!({ "number": odd })),
        ] {
            let error = serde_json::from_str::<Row>(&sent).unwrap_err();
            for told in [text(&error), value(&error)] {
                for told in [told.zh, told.en] {
                    assert!(told.chars().count() < 2_000, "{} characters are repeated", told.chars().count());
                }
            }
        }
        let short = serde_json::from_str::<Row>(r#"{"nummer":1}"#).unwrap_err();
        assert_eq!(value(&short).en, "unknown field `nummer`, expected `number`");
    }
}
