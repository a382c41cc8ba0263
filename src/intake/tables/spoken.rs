//! What lines above a header say about the unit of the amounts below (单位：万元).

use crate::domain::text::half_width;
use crate::intake::cell::Unit;

/// The unit that the lines above a table name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Spoken {
    /// None of them names one.
    #[default]
    Nothing,
    /// They name this one.
    Unit(Unit),
    /// They name something that cannot be relied on: another unit, or two.
    Doubtful(String),
}

/// Words that stand before a unit.
const BEFORE: [&str; 3] = ["人民币", "rmb", "cny"];

impl Spoken {
    /// Takes in one cell of a line above the header.
    pub(super) fn hear(&mut self, text: &str) {
        let said = Self::of(text);
        *self = match (std::mem::take(self), said) {
            (known, Self::Nothing) => known,
            (Self::Nothing, said) => said,
            (known, said) if known == said => known,
            (_, _) => Self::Doubtful(text.to_owned()),
        };
    }

    fn of(text: &str) -> Self {
        let plain: String =
            half_width(text).chars().filter(|letter| !letter.is_whitespace()).collect::<String>().to_ascii_lowercase();
        if let Some((_, after)) = plain.split_once("单位:").or_else(|| plain.split_once("单位为")) {
            let mut spoken = Self::Nothing;
            for word in after.split(['、', ',', ';', '/', '(', ')', '。', '，', '；', '|']) {
                let word =
                    BEFORE.iter().fold(word, |word, before| word.trim_start_matches(before).trim_end_matches(before));
                let said = match word {
                    "万元" | "万" => Self::Unit(Unit::TenThousand),
                    "元" | "元整" | "yuan" => Self::Unit(Unit::Plain),
                    other if other_unit(other) => Self::Doubtful(text.to_owned()),
                    // `填报单位：某某商场` names an office.
                    _ => Self::Nothing,
                };
                spoken = match (spoken, said) {
                    (known, Self::Nothing) => known,
                    (Self::Nothing, said) => said,
                    (known, said) if known == said => known,
                    (_, _) => return Self::Doubtful(text.to_owned()),
                };
            }
            if spoken != Self::Nothing {
                return spoken;
            }
        }
        let noted = |note: &str| ["(", "[", "【"].iter().any(|open| plain.contains(&format!("{open}{note}")));
        if noted("万元)") || noted("人民币万元)") || noted("万元]") || noted("万元】") {
            Self::Unit(Unit::TenThousand)
        } else if noted("元)") || noted("人民币元)") {
            Self::Unit(Unit::Plain)
        } else if plain.contains("万元") || plain.contains("亿元") || plain.contains("千元") {
            // A line that speaks of 万元 in a way of its own.
            Self::Doubtful(text.to_owned())
        } else {
            Self::Nothing
        }
    }
}

/// Says whether a word is a unit of money that is not read.
fn other_unit(word: &str) -> bool {
    [
        "千元",
        "百元",
        "十万元",
        "百万元",
        "千万元",
        "亿元",
        "亿",
        "美元",
        "港元",
        "港币",
        "欧元",
        "日元",
        "角",
        "分",
        "usd",
        "hkd",
        "eur",
    ]
    .contains(&word)
        || (word.chars().count() <= 5 && word.contains("万") && word.contains("元"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(texts: &[&str]) -> Spoken {
        let mut spoken = Spoken::default();
        texts.iter().for_each(|text| spoken.hear(text));
        spoken
    }

    #[test]
    fn units_are_heard_where_they_are_said_and_nowhere_else() {
        let wan = Spoken::Unit(Unit::TenThousand);
        for text in [
            "单位：万元",
            "金额单位: 人民币万元",
            "（单位：万元）",
            "单 位：万 元",
            "预收资金季报（万元）",
            "单位：户、万元",
            "计量单位为万元",
            "单位：万元人民币",
        ] {
            assert_eq!(heard(&["海淀区", text, "2026年"]), wan, "{text}");
        }
        for text in ["单位：元", "金额单位：人民币元", "季报（元）"] {
            assert_eq!(heard(&[text]), Spoken::Unit(Unit::Plain), "{text}");
        }
        for text in ["填报单位：某某商场", "报送单位：元大都商场", "2026年三季度报表", ""] {
            assert_eq!(heard(&[text]), Spoken::Nothing, "{text}");
        }
        for texts in [
            &["单位：千元"] as &[&str],
            &["单位：元", "单位：万元"],
            &["单位：元/万元"],
            &["金额以万元计"],
            &["单位：百万元"],
        ] {
            assert!(matches!(heard(texts), Spoken::Doubtful(_)), "{texts:?}");
        }
    }
}
