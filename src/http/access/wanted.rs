//! What a key may be asked to be: something, and not more than meant.

use super::keyring::{KeyringError, NewKey};
use crate::domain::access::Scope;
use crate::domain::text;
use crate::domain::time::Instant;
use crate::domain::words::Role;

/// Longest name of a key, mall, sector or bank, characters. A key's name becomes the actor of events, whose length in bytes
/// the log bounds.
const LONGEST: usize = 100;
/// Malls, sectors or divisions of one key at most.
const MOST: usize = 200;
/// The first two digits of division codes (GB/T 2260).
const PROVINCES: [&str; 34] = [
    "11", "12", "13", "14", "15", "21", "22", "23", "31", "32", "33", "34", "35", "36", "37", "41", "42", "43", "44",
    "45", "46", "50", "51", "52", "53", "54", "61", "62", "63", "64", "65", "71", "81", "82",
];

/// Returns a key as it is made: its texts without blanks at their ends, each of them something that can be read.
///
/// # Errors
/// [`KeyringError::Invalid`] with what is wrong.
pub(super) fn tidy(new: NewKey, now: Instant) -> Result<NewKey, KeyringError> {
    let NewKey { name, scope, expires_at } = new;
    let all = |texts: Vec<String>| -> Vec<String> { texts.iter().map(|text| text::trim(text).to_owned()).collect() };
    let scope = Scope {
        role: scope.role,
        malls: all(scope.malls),
        sectors: all(scope.sectors),
        divisions: all(scope.divisions),
        bank: scope.bank.map(|bank| text::trim(&bank).to_owned()),
        merchant: scope.merchant,
    };
    let new = NewKey { name: text::trim(&name).to_owned(), scope, expires_at };
    check(&new, now)?;
    Ok(new)
}

fn check(new: &NewKey, now: Instant) -> Result<(), KeyringError> {
    let Scope { role, malls, sectors, divisions, bank, merchant } = &new.scope;
    if new.name.is_empty() {
        return wrong("密钥须有名称，例如领用单位", "a key needs a name, such as the office that gets it");
    }
    if [malls, sectors, divisions].iter().any(|list| list.len() > MOST) {
        return wrong(
            "一个密钥最多对应 200 个商场、行业或区划；请分建多个密钥",
            "a key is for at most 200 malls, sectors or divisions; make several keys",
        );
    }
    for text in std::iter::once(&new.name).chain(malls).chain(sectors).chain(divisions).chain(bank) {
        if text.is_empty() {
            return wrong(
                "商场、行业、区划或银行为空；请写明，或不填",
                "a mall, sector, division or bank is blank; name it, or leave it out",
            );
        }
        if text.chars().count() > LONGEST {
            return wrong(
                "名称、商场、行业、区划或银行超过 100 个字，请缩短",
                "a name, mall, sector, division or bank has more than 100 characters; shorten it",
            );
        }
        if text::fault(text).is_some() {
            return wrong(
                "名称、商场、行业、区划或银行含有不可见的控制字符，请删除",
                "a name, mall, sector, division or bank holds an invisible control character; remove it",
            );
        }
    }
    if (*role == Role::Operator) == malls.is_empty() {
        return wrong(
            "商场运营方的密钥须写明商场，其他密钥不写商场",
            "an operator's key names the malls it is for, and only an operator's key does",
        );
    }
    if (*role == Role::Bank) != bank.is_some() {
        return wrong(
            "存管银行的密钥须写明银行，其他密钥不写银行",
            "a bank's key names the bank, and only a bank's key does",
        );
    }
    if (*role == Role::Merchant) != merchant.is_some() {
        return wrong(
            "商户的密钥须写明其统一社会信用代码，其他密钥不写商户",
            "a merchant's key names its credit code, and only a merchant's key does",
        );
    }
    if !sectors.is_empty() && *role != Role::Regulator {
        return wrong("只有主管部门的密钥可以限定行业", "only a regulator's key is limited to sectors");
    }
    if !divisions.is_empty() && !matches!(role, Role::Regulator | Role::Lead) {
        return wrong(
            "只有主管部门和牵头单位的密钥可以限定区划",
            "only the keys of regulators and the lead office are limited to divisions",
        );
    }
    let digits = |code: &String| matches!(code.len(), 2 | 4 | 6) && code.bytes().all(|byte| byte.is_ascii_digit());
    if !divisions.iter().all(digits) {
        return wrong(
            "区划为 2、4 或 6 位数字，如 11 或 110108",
            "a division is 2, 4 or 6 digits such as 11 or 110108",
        );
    }
    if !divisions.iter().all(|code| PROVINCES.iter().any(|province| code.starts_with(province))) {
        return wrong(
            "区划以省级代码开头（GB/T 2260），如北京为 11",
            "a division begins with the digits of a province (GB/T 2260), such as 11 for Beijing",
        );
    }
    if new.expires_at.is_some_and(|end| end <= now) {
        return wrong(
            "密钥已过期；请选择更晚的 `expires_at`，或不填",
            "the key would have expired already; choose a later `expires_at`, or none",
        );
    }
    Ok(())
}

fn wrong<T>(zh: &'static str, en: &'static str) -> Result<T, KeyringError> {
    Err(KeyringError::Invalid { zh, en })
}

/// Returns why a key is revoked, as it is recorded.
///
/// # Errors
/// [`KeyringError::Invalid`] when it cannot be read or is too long.
pub(super) fn reason(text: &str) -> Result<String, KeyringError> {
    match (text::fault(text), text::trim(text)) {
        (Some(_), _) => wrong(
            "理由超过 500 个字，或含有不可见的控制字符；请缩短、删除",
            "the reason has more than 500 characters, or invisible control characters; shorten it, remove them",
        ),
        (None, "") => wrong("理由为空；请写明", "the reason is blank; write it"),
        (None, reason) => Ok(reason.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(name: &str, scope: Scope, expires_at: Option<i64>) -> Result<NewKey, KeyringError> {
        let expires_at = expires_at.map(|second| Instant::from_second(second).unwrap());
        tidy(NewKey { name: name.to_owned(), scope, expires_at }, Instant::from_second(100).unwrap())
    }

    fn of(role: Role) -> Scope {
        Scope { role, ..Scope::everything() }
    }

    #[test]
    fn texts_lose_their_blanks_and_nothing_else() {
        let scope = Scope { malls: vec![" 东方广场\u{3000}".to_owned()], ..of(Role::Operator) };
        let key = wanted(" 商场 东区 ", scope, Some(101)).unwrap();
        assert_eq!((key.name.as_str(), key.scope.malls.as_slice()), ("商场 东区", &["东方广场".to_owned()][..]));
    }

    #[test]
    fn what_would_be_no_limit_or_no_text_is_refused() {
        let list = |text: &str| vec![text.to_owned()];
        let long = "字".repeat(101);
        for text in ["", " ", "\u{3000}", "a\nb", "a\u{1b}[2Jb", "a\u{202E}b", &long] {
            for (name, scope) in [
                (text, of(Role::Lead)),
                ("x", Scope { malls: list(text), ..of(Role::Operator) }),
                ("x", Scope { sectors: list(text), ..of(Role::Regulator) }),
                ("x", Scope { divisions: list(text), ..of(Role::Lead) }),
                ("x", Scope { bank: Some(text.to_owned()), ..of(Role::Bank) }),
            ] {
                assert!(wanted(name, scope.clone(), None).is_err(), "{name:?} {scope:?}");
            }
        }
        for code in ["999999", "00", "1", "110", "11010a"] {
            assert!(wanted("x", Scope { divisions: list(code), ..of(Role::Lead) }, None).is_err(), "{code}");
        }
        assert!(wanted("x", Scope { malls: vec!["m".to_owned(); 201], ..of(Role::Operator) }, None).is_err());
        assert!(wanted("x", of(Role::Lead), Some(100)).is_err(), "expired when it is made");
    }

    /// Every role with and without each limit: what is left out is refused, or it is said what the key then sees.
    #[test]
    fn no_key_is_made_without_a_word_about_what_it_sees() {
        let or_none = |is_given: bool, text: &str| if is_given { vec![text.to_owned()] } else { Vec::new() };
        let mut made = Vec::new();
        for role in Role::ALL.iter().copied() {
            for given in 0..32 {
                let has = |bit: u32| given & (1 << bit) != 0;
                let scope = Scope {
                    role,
                    malls: or_none(has(0), "东方广场"),
                    sectors: or_none(has(1), "sport"),
                    divisions: or_none(has(2), "110108"),
                    bank: has(3).then(|| "甲银行".to_owned()),
                    merchant: has(4).then(|| "91110000101623741K".parse().unwrap()),
                };
                let Ok(key) = wanted("x", scope.clone(), None) else { continue };
                let (zh, en) = key.scope.told();
                made.push((role, given));
                assert_eq!(key.scope.is_everything(), en.contains("every merchant"), "{scope:?}: {en}");
                for (is_given, text) in [
                    (has(0), "东方广场"),
                    (has(1), "sport"),
                    (has(2), "110108"),
                    (has(3), "甲银行"),
                    (has(4), "91110000101623741K"),
                ] {
                    assert_eq!((zh.contains(text), en.contains(text)), (is_given, is_given), "{scope:?}: {zh} {en}");
                }
                let says = |word: &str| en.contains(word);
                if role == Role::Regulator {
                    assert!(has(1) || says("all sectors") || says("no sector"), "{scope:?}: {en}");
                    assert!(has(2) || says("all divisions") || says("no division"), "{scope:?}: {en}");
                }
                assert!(role != Role::Lead || has(2) || says("no division"), "{scope:?}: {en}");
            }
        }
        let regulators = [0, 2, 4, 6].map(|given| (Role::Regulator, given));
        let others = [(Role::Bank, 8), (Role::Lead, 0), (Role::Lead, 4), (Role::Admin, 0), (Role::Merchant, 16)];
        assert_eq!(made, [&[(Role::Operator, 1)], &regulators[..], &others].concat());
    }

    #[test]
    fn a_reason_is_a_line_of_text() {
        assert_eq!(reason(" lost ").unwrap(), "lost");
        for text in ["", " ", "a\r\nb", &"x".repeat(501)] {
            assert!(reason(text).is_err(), "{text:?}");
        }
    }
}
