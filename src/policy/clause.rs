//! Clauses (依据) as people read them, in either language. Packs name them in one spelling: the instrument by its Chinese name,
//! its articles as `Art 22, 32`, and a few English words where there is no instrument.

use super::rule::Text;

/// Instruments by their Chinese names, longer names first where one begins with another.
const INSTRUMENTS: &[(&str, &str)] = &[
    ("北京市单用途预付卡管理条例", "Beijing Ordinance on Single-Purpose Prepaid Cards"),
    ("上海市单用途预付消费卡管理规定", "Shanghai Provisions on Single-Purpose Prepaid Cards"),
    (
        "单用途商业预付卡管理办法（试行）(商务部令2012年第9号)",
        "Measures for Single-Purpose Commercial Prepaid Cards (trial), Ministry of Commerce Order 9 of 2012",
    ),
    ("侵害消费者权益行为处罚办法", "Measures for Penalties on Infringing Consumers' Rights"),
    ("养老机构预收费存管工作指引", "Guidelines on the Custody of Advance Fees of Elderly-Care Institutions"),
    ("海淀区预付费协同治理十条举措", "Haidian District's Ten Measures on Prepaid Consumption"),
    ("24小时客诉响应机制", "24-hour response to complaints at malls"),
    ("法释〔2025〕4号", "Supreme People's Court, Judicial Interpretation No. 4 of 2025"),
    ("京商秩字〔2023〕18号", "Beijing Municipal Commerce Bureau, Notice No. 18 of 2023"),
];

/// Words where there is no instrument, longer ones first where one holds another.
const WORDS: &[(&str, &str)] = &[
    ("本系统自定", "project choice"),
    ("职业闭店套路", "closers' pattern, 职业闭店"),
    ("北京市做法", "Beijing practice"),
    ("指标目录", "indicator catalogue"),
    ("欠薪", "wage arrears"),
    ("欠租", "rent arrears"),
    ("见于报道", "press"),
    ("集团和品牌发卡企业", "group and brand issuers"),
];

/// Returns a clause in both languages. What is not known stays as it is.
#[must_use]
pub fn read(clause: &str) -> Text {
    let mut zh = WORDS.iter().fold(clause.to_owned(), |text, (zh, en)| text.replace(en, zh));
    zh = articles(&zh);
    for (latin, wide) in [("; ", "；"), (": ", "："), (", ", "，"), (" (", "（")] {
        zh = zh.replace(latin, wide);
    }
    if zh.contains('（') && !zh.contains("(商") {
        zh = zh.replace(')', "）");
    }
    let mut en = INSTRUMENTS.iter().fold(clause.to_owned(), |text, (zh, en)| text.replace(zh, en));
    en = en.replace(", 职业闭店", "").replace(" Art ", ", Art ");
    Text { zh, en: numbered(&en) }
}

/// Turns `Art 22, 32` into `第22条、第32条`.
fn articles(text: &str) -> String {
    let mut parts = text.split(" Art ");
    let mut read = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|letter: char| !(letter.is_ascii_digit() || ", ".contains(letter))).unwrap_or(part.len());
        let (numbers, rest) = part.split_at(end);
        let numbers: Vec<String> = numbers
            .split(',')
            .map(str::trim)
            .filter(|number| !number.is_empty())
            .map(|number| format!("第{number}条"))
            .collect();
        read.push_str(&numbers.join("、"));
        read.push_str(rest);
    }
    read
}

/// Turns ` 第22条、第32条`, as older packs and other software may write, into `, Art 22, 32`.
fn numbered(text: &str) -> String {
    let Some((before, rest)) = text.split_once(" 第") else { return text.to_owned() };
    let numbers: Vec<String> = rest
        .split("、第")
        .filter_map(|article| article.split_once('条'))
        .map(|(number, rest)| format!("{}{rest}", counted(number)))
        .collect();
    format!("{before}, Art {}", numbers.join(", "))
}

/// Returns a number up to 99 written in Chinese (`二十三`) in digits; anything else stays as it is.
fn counted(number: &str) -> String {
    let digit = |text: &str| match text {
        "" => Some(0),
        text => "零一二三四五六七八九".chars().position(|digit| text.chars().eq([digit])),
    };
    let read = match number.split_once('十') {
        Some(("", ones)) => digit(ones).map(|ones| 10 + ones),
        Some((tens, ones)) => digit(tens).zip(digit(ones)).map(|(tens, ones)| 10 * tens + ones),
        None => digit(number).filter(|_| !number.is_empty()),
    };
    read.map_or_else(|| number.to_owned(), |number| number.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policies;

    #[test]
    fn articles_are_counted_in_either_language() {
        let text = read("北京市单用途预付卡管理条例 Art 22, 32");
        assert_eq!(text.zh, "北京市单用途预付卡管理条例第22条、第32条");
        assert_eq!(text.en, "Beijing Ordinance on Single-Purpose Prepaid Cards, Art 22, 32");
        assert_eq!(read("北京市单用途预付卡管理条例 第22条、第32条").en, text.en);
        assert_eq!(
            read("上海市单用途预付消费卡管理规定 Art 25; Beijing practice").zh,
            "上海市单用途预付消费卡管理规定第25条；北京市做法"
        );
        assert_eq!(
            read("indicator catalogue: wage arrears (press), rent arrears (project choice)").zh,
            "指标目录：欠薪（见于报道），欠租（本系统自定）"
        );
        for (number, read) in
            [("二十三", "23"), ("十", "10"), ("十二", "12"), ("九", "9"), ("九十", "90"), ("一百", "一百")]
        {
            assert_eq!(counted(number), read);
        }
        assert_eq!(read("法释〔2025〕4号 第二十三条").zh, "法释〔2025〕4号 第二十三条");
        assert_eq!(read("某地办法 Art 7").zh, "某地办法第7条", "an instrument that is not known keeps its name");
    }

    #[test]
    fn every_clause_of_the_pack_is_in_both_languages() {
        for rule in Policies::built_in().unwrap().pack.rules {
            let text = read(&rule.source);
            assert!(!text.zh.chars().any(|letter| letter.is_ascii_alphabetic()), "{}: {}", rule.id, text.zh);
            assert!(text.en.is_ascii(), "{}: {}", rule.id, text.en);
        }
    }
}
