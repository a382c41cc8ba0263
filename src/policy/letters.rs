//! Wording of the letters that offices issue (文书模板), by the texts of `policies/letters.toml`.
//!
//! A text has places in braces. A paragraph with a place about which there is nothing to say is left out; one that is the place of a
//! list alone becomes as many paragraphs as the list has items.

use crate::domain::words::DocumentKind;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The file that is compiled in.
const BUILT_IN: &str = include_str!("../../policies/letters.toml");

/// Name of the file in a folder of policies, where it may be left out.
pub const FILE: &str = "letters.toml";

/// Places that a text may have.
pub const PLACES: &[&str] = &[
    "merchant",
    "credit_code",
    "sector",
    "shops",
    "office",
    "number",
    "date",
    "due_on",
    "light",
    "reasons",
    "lead",
    "authority",
];

/// The place of a list.
const LIST: &str = "reasons";

/// What stands in the places. An empty text is nothing to say.
pub type Places = BTreeMap<&'static str, Vec<String>>;

/// Wording of every kind of letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letters {
    letters: Vec<Wording>,
}

/// Wording of one kind of letter.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wording {
    /// Kind.
    pub kind: DocumentKind,
    /// Title.
    pub title: String,
    /// Who it is written to.
    pub to: String,
    /// The text.
    pub paragraphs: Vec<String>,
}

/// A letter with its places filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filled {
    /// Title.
    pub title: String,
    /// Who it is written to; empty where that is not known.
    pub to: String,
    /// The text.
    pub paragraphs: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LettersFile {
    #[expect(dead_code, reason = "for people who read the file")]
    version: u32,
    #[expect(dead_code, reason = "for people who read the file")]
    source: String,
    letter: Vec<Wording>,
}

impl Letters {
    /// Returns the wording compiled in.
    ///
    /// # Errors
    /// None in a released build: the tests read it.
    pub fn built_in() -> Result<Self, Vec<String>> {
        let letters = read(BUILT_IN)?;
        match DocumentKind::ALL.iter().find(|kind| !letters.iter().any(|letter| letter.kind == **kind)) {
            Some(kind) => Err(vec![format!("{FILE}: there is no letter `{kind}`")]),
            None => Ok(Self { letters }),
        }
    }

    /// Reads and checks a file. Kinds that it leaves out keep the wording compiled in.
    ///
    /// # Errors
    /// Everything that is wrong with it, each naming the letter.
    pub fn parse(text: &str) -> Result<Self, Vec<String>> {
        let Self { mut letters } = Self::built_in()?;
        for own in read(text)? {
            letters.retain(|letter| letter.kind != own.kind);
            letters.push(own);
        }
        Ok(Self { letters })
    }

    /// Returns the wording of a kind.
    #[must_use]
    pub fn of(&self, kind: DocumentKind) -> Option<&Wording> {
        self.letters.iter().find(|letter| letter.kind == kind)
    }
}

impl Wording {
    /// Fills the places in.
    #[must_use]
    pub fn filled(&self, places: &Places) -> Filled {
        let line = |text: &str| fill(text, places).unwrap_or_default();
        let mut paragraphs = Vec::new();
        for paragraph in &self.paragraphs {
            if paragraph.trim() == format!("{{{LIST}}}") {
                paragraphs.extend(places.get(LIST).into_iter().flatten().cloned());
            } else {
                paragraphs.extend(fill(paragraph, places));
            }
        }
        Filled { title: line(&self.title), to: line(&self.to), paragraphs }
    }
}

fn read(text: &str) -> Result<Vec<Wording>, Vec<String>> {
    let file: LettersFile = toml::from_str(text).map_err(|error| vec![format!("{FILE}: {error}")])?;
    let mut problems = Vec::new();
    for (index, letter) in file.letter.iter().enumerate() {
        let kind = letter.kind;
        if file.letter.iter().take(index).any(|other| other.kind == kind) {
            problems.push(format!("{FILE}: `{kind}` stands twice; one wording of a kind is possible"));
        }
        if letter.title.trim().is_empty() || letter.to.trim().is_empty() || letter.paragraphs.is_empty() {
            problems.push(format!("{FILE}: `{kind}` needs `title`, `to` and `paragraphs`"));
        }
        for text in [&letter.title, &letter.to].into_iter().chain(&letter.paragraphs) {
            match parts(text) {
                None => problems.push(format!("{FILE}: `{kind}`: a brace is not closed in `{text}`")),
                Some(parts) => {
                    let wrong = parts.iter().filter_map(|part| match part {
                        Part::Place(place) if !PLACES.contains(place) => Some(format!(
                            "{FILE}: `{kind}`: there is no place `{{{place}}}`; there are {}",
                            PLACES.join(", ")
                        )),
                        Part::Place(place) if *place == LIST && parts.len() > 1 => {
                            Some(format!("{FILE}: `{kind}`: `{{{LIST}}}` stands alone in its paragraph"))
                        }
                        _ => None,
                    });
                    problems.extend(wrong);
                }
            }
        }
    }
    if problems.is_empty() { Ok(file.letter) } else { Err(problems) }
}

enum Part<'t> {
    Text(&'t str),
    Place(&'t str),
}

/// Takes a text apart; `None` if a brace is not closed.
fn parts(text: &str) -> Option<Vec<Part<'_>>> {
    let (mut parts, mut rest) = (Vec::new(), text);
    while let Some((before, after)) = rest.split_once('{') {
        let (place, behind) = after.split_once('}')?;
        if !before.is_empty() {
            parts.push(Part::Text(before));
        }
        parts.push(Part::Place(place));
        rest = behind;
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest));
    }
    Some(parts)
}

/// Returns a text with its places filled in; `None` if there is nothing to say about one.
fn fill(text: &str, places: &Places) -> Option<String> {
    let mut filled = String::new();
    for part in parts(text)? {
        match part {
            Part::Text(text) => filled.push_str(text),
            Part::Place(place) => {
                let said = places.get(place).map(|items| items.join("、")).filter(|said| !said.is_empty())?;
                filled.push_str(&said);
            }
        }
    }
    Some(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(said: &[(&'static str, &[&str])]) -> Places {
        said.iter().map(|(place, items)| (*place, items.iter().map(|item| (*item).to_owned()).collect())).collect()
    }

    const OWN: &str = r#"
        version = 1
        source = "a test"
        [[letter]]
        kind = "warning_letter"
        title = "关于{merchant}的警示"
        to = "{merchant}"
        paragraphs = ["一、{light}。", "{reasons}", "限{due_on}前。", "门店：{shops}。"]
    "#;

    #[test]
    fn places_are_filled_and_a_paragraph_without_its_word_is_left_out() {
        let letters = Letters::parse(OWN).unwrap();
        let said =
            places(&[("merchant", &["甲"]), ("light", &["红灯"]), ("reasons", &["一", "二"]), ("shops", &["A", "B"])]);
        let filled = letters.of(DocumentKind::WarningLetter).unwrap().filled(&said);
        assert_eq!((filled.title.as_str(), filled.to.as_str()), ("关于甲的警示", "甲"));
        assert_eq!(filled.paragraphs, ["一、红灯。", "一", "二", "门店：A、B。"]);
        // What is filled in is not read for places again.
        let odd = places(&[("merchant", &["{light}"])]);
        assert_eq!(letters.of(DocumentKind::WarningLetter).unwrap().filled(&odd).to, "{light}");
    }

    #[test]
    fn an_office_changes_one_kind_and_keeps_the_others() {
        let (own, built_in) = (Letters::parse(OWN).unwrap(), Letters::built_in().unwrap());
        for kind in DocumentKind::ALL {
            let same = own.of(*kind) == built_in.of(*kind);
            assert_eq!(same, *kind != DocumentKind::WarningLetter, "{kind}");
        }
    }

    #[test]
    fn faulty_wording_is_refused_with_its_place() {
        let wrong = |from: &str, to: &str| Letters::parse(&OWN.replace(from, to)).unwrap_err().join("\n");
        assert!(wrong("{light}", "{colour}").contains("`{colour}`"));
        assert!(wrong("{light}", "{light").contains("not closed"));
        assert!(wrong("\"{reasons}\"", "\"原因：{reasons}\"").contains("alone"));
        assert!(wrong("warning_letter", "love_letter").contains("love_letter"));
        assert!(wrong("title = \"关于{merchant}的警示\"", "title = \"\"").contains("`title`"));
        let twice =
            format!("{OWN}{}", OWN.split_once("[[letter]]").map(|(_, letter)| format!("[[letter]]{letter}")).unwrap());
        assert!(Letters::parse(&twice).unwrap_err().join("\n").contains("twice"));
    }
}
