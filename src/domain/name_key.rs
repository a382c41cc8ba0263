//! Names by key (docs/FACTS.md): malls, units, brands and representatives are the same if their keys are equal, however they are
//! typed: `大悦城（朝阳）` and `大悦城(朝阳)`, `Ｂ－０２０` and `b-020`. The text as first typed is what is shown.

use icu_normalizer::ComposingNormalizerBorrowed;
use std::borrow::Cow;

/// Returns the key of a name: NFKC, upper case, without blanks and zero-width characters, every run of dashes one hyphen.
#[must_use]
pub fn key(name: &str) -> Cow<'_, str> {
    if is_key(name) {
        return Cow::Borrowed(name);
    }
    let seen: Vec<char> = narrow(name)
        .chars()
        .filter(|letter| !letter.is_whitespace() && !is_zero_width(*letter))
        .flat_map(char::to_uppercase)
        .collect();
    let mut key = String::with_capacity(name.len());
    let mut rest = seen.as_slice();
    while let Some((letter, behind)) = rest.split_first() {
        rest = behind;
        if !may_be_dash(*letter) {
            key.push(*letter);
            continue;
        }
        let run = 1 + behind.iter().take_while(|letter| may_be_dash(**letter)).count();
        let before = key.chars().next_back();
        let (inside, after) = behind.split_at_checked(run - 1).unwrap_or((behind, &[]));
        // The sign of a long vowel is typed for a dash among Latin letters and digits only; elsewhere it is a letter.
        if before.is_some_and(is_latin) && after.first().is_some_and(|letter| is_latin(*letter)) {
            key.push('-');
        } else {
            push_run(&mut key, std::iter::once(*letter).chain(inside.iter().copied()));
        }
        rest = after;
    }
    Cow::Owned(key)
}

/// Says whether two names are the same.
#[must_use]
pub fn same(one: &str, other: &str) -> bool {
    one == other || key(one) == key(other)
}

/// Returns a text in NFKC: full width narrowed, compatible forms made one.
pub(super) fn narrow(text: &str) -> Cow<'_, str> {
    const NFKC: ComposingNormalizerBorrowed<'static> = ComposingNormalizerBorrowed::new_nfkc();
    NFKC.normalize(text)
}

/// Says whether a character takes no room and says nothing. Such characters are dropped everywhere.
#[must_use]
pub const fn is_zero_width(letter: char) -> bool {
    matches!(letter, '\u{200B}'..='\u{200F}' | '\u{2060}' | '\u{FEFF}')
}

/// Says whether a character is a dash of some kind, wherever it stands.
#[must_use]
pub const fn is_dash(letter: char) -> bool {
    matches!(letter, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{2500}' | '\u{FF0D}')
}

/// The sign of a long vowel in Japanese.
const LONG_VOWEL: char = '\u{30FC}';

fn may_be_dash(letter: char) -> bool {
    is_dash(letter) || letter == LONG_VOWEL
}

fn is_latin(letter: char) -> bool {
    letter.is_ascii_digit() || letter.is_alphabetic() && letter < '\u{250}'
}

/// Adds a run that is not wholly dashes: signs of long vowels stay, dashes between them are one.
fn push_run(key: &mut String, run: impl Iterator<Item = char>) {
    for letter in run {
        if letter == LONG_VOWEL {
            key.push(letter);
        } else if !key.ends_with('-') {
            key.push('-');
        }
    }
}

/// Says whether a name is its own key, as most are: Chinese characters, capitals, digits, single hyphens.
fn is_key(name: &str) -> bool {
    let mut dash = false;
    name.chars().all(|letter| {
        let second = std::mem::replace(&mut dash, letter == '-') && dash;
        !second && matches!(letter, 'A'..='Z' | '0'..='9' | '-' | '\u{4E00}'..='\u{9FFF}')
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn spellings_of_one_name_have_one_key() {
        for (one, others) in [
            ("大悦城（朝阳）", &["大悦城(朝阳)", " 大悦城 （朝阳）", "大悦城\u{3000}(朝阳)\u{200B}"][..]),
            (
                "Ｂ－０２０",
                &["b-020", "B—020", "B——020", "B ‐ 020", "B─020", "Bー020", "B−020", "b\u{2011}020", "B-\u{FEFF}020"],
            ),
            ("Pure Yoga", &["PUREYOGA", "ｐｕｒｅ　ｙｏｇａ", "Pure\u{A0}Yoga"]),
            ("ﾊﾟｰﾏ", &["パーマ"]),
            ("①号店", &["1号店"]),
        ] {
            for other in others {
                assert!(same(one, other), "{one} and {other}: {} and {}", key(one), key(other));
            }
        }
        for (one, other) in
            [("B-020", "B020"), ("极光", "极光店"), ("パーマ", "パマ"), ("スーパー", "ス-パ-"), ("B1", "B2")]
        {
            assert!(!same(one, other), "{one} and {other}");
        }
    }

    #[test]
    fn a_plain_name_is_its_own_key() {
        for name in ["大悦城", "B-020", "A1", ""] {
            assert!(matches!(key(name), Cow::Borrowed(_)), "{name}");
        }
        assert_eq!(key("--A--"), "-A-");
        assert_eq!(key("straße"), "STRASSE");
    }

    proptest! {
        #[test]
        fn a_key_is_its_own_key(name in "[A-Za-z0-9 （）()大悦城Ａー－—\u{200B}\u{3000}ﬁé-]{0,12}") {
            let once = key(&name).into_owned();
            prop_assert_eq!(&key(&once), &once, "{}", name);
        }
    }
}
