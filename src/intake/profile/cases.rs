//! The tests of profiles: `NAME.cases.toml` beside `NAME.toml` says for rows as the source writes them what they become, or why
//! they are refused.

use super::load::{BUILT_IN, ProfileError};
use super::{How, Profiles};
use crate::domain::time::Instant;
use crate::intake::cell::Cell;
use crate::intake::commands::row::Cells;
use crate::intake::item::{Form, Item};
use crate::intake::tables::{About, Row, Run};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CasesFile {
    /// The profile that must be recognised.
    profile: String,
    /// The present of the cases.
    now: Instant,
    case: Vec<Case>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    /// Headers and cells of one row, in any order; headers the profile is recognised by may be left out.
    row: BTreeMap<String, String>,
    /// Fields of the command that the row becomes; others are not looked at.
    gives: Option<BTreeMap<String, Value>>,
    /// Codes of the reasons for which it is refused.
    #[serde(default)]
    refused: Vec<String>,
}

/// A case that came out otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// File of the cases.
    pub file: String,
    /// The case.
    pub case: String,
    /// What came out.
    pub found: String,
}

/// Tries the cases of the profiles compiled in and of `folder`; says how many there are and which come out otherwise.
///
/// # Errors
/// The profiles, or a file of cases, cannot be read.
pub fn test(folder: Option<&Path>) -> Result<(usize, Vec<Difference>), ProfileError> {
    let profiles = Arc::new(super::load(folder)?);
    let mut texts: BTreeMap<String, String> =
        BUILT_IN.iter().map(|(name, _, cases)| (name.replace(".toml", ".cases.toml"), (*cases).to_owned())).collect();
    if let Some(folder) = folder {
        let unreadable = |path: &Path, reason| ProfileError::Unreadable { name: path.display().to_string(), reason };
        for entry in std::fs::read_dir(folder).map_err(|reason| unreadable(folder, reason))? {
            let path = entry.map_err(|reason| unreadable(folder, reason))?.path();
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if name.ends_with(".cases.toml") {
                texts.insert(name, std::fs::read_to_string(&path).map_err(|reason| unreadable(&path, reason))?);
            } else if name.ends_with(".toml") {
                // A profile that takes the place of one of ours has cases of its own, or none.
                let cases = name.replace(".toml", ".cases.toml");
                if !folder.join(&cases).exists() {
                    texts.remove(&cases);
                }
            }
        }
    }
    let mut count = 0;
    let mut differences = Vec::new();
    let mut problems = Vec::new();
    for (file, text) in texts {
        match toml::from_str::<CasesFile>(&text) {
            Ok(cases) => {
                count += cases.case.len();
                for case in &cases.case {
                    if let Err(found) = case.holds(&cases, &profiles) {
                        differences.push(Difference { file: file.clone(), case: case.name.clone(), found });
                    }
                }
            }
            Err(error) => problems.push(format!("{file}: {}", error.to_string().trim_end().replace('\n', "\n    "))),
        }
    }
    if problems.is_empty() { Ok((count, differences)) } else { Err(ProfileError::Wrong(problems)) }
}

/// A row that is written down in a file of cases.
struct Line(Vec<String>);

impl Cells for Line {
    fn width(&self) -> usize {
        self.0.len()
    }

    fn cell(&self, index: usize) -> Cell<'_> {
        self.0.get(index).map_or(Cell::Blank, |text| Cell::Text(text))
    }
}

impl Case {
    fn holds(&self, file: &CasesFile, profiles: &Arc<Profiles>) -> Result<(), String> {
        let profile = profiles.iter().find(|profile| profile.id == file.profile);
        let profile = profile.ok_or_else(|| format!("there is no profile `{}`", file.profile))?;
        let mut headers: Vec<String> = self.row.keys().cloned().collect();
        let mut cells: Vec<String> = self.row.values().cloned().collect();
        for header in &profile.headers {
            if !headers.iter().any(|known| super::header_name(known) == *header) {
                headers.push(header.clone());
                cells.push(String::new());
            }
        }
        let mut items = Vec::new();
        let how = How { now: file.now, profiles: Arc::clone(profiles) };
        let mut sink = |item| {
            items.push(item);
            ControlFlow::Continue(())
        };
        let about = About {
            file: file.profile.as_str().into(),
            sheet: "".into(),
            named: Vec::new(),
            fallback: Vec::new(),
            strict_width: true,
            form: Form::Workbook,
            hidden_columns: Vec::new(),
        };
        let mut run = Run::new(about, &how, &mut sink);
        for (number, texts) in [(1, headers), (2, cells)] {
            let _ = run.row(&Row { number, cells: &Line(texts), hidden: false, notes: &[] });
        }
        let _ = run.finish();
        let mut recognised = None;
        let mut outcome = None;
        for item in items {
            match item {
                Item::Table(table) => recognised = table.profile.as_ref().map(|profile| profile.id.clone()),
                Item::Row(row) => outcome = Some(row.outcome),
                Item::Refused(refused) => return Err(refused.refusal.to_string()),
                Item::Remark(_) | Item::Warning(_) => {}
            }
        }
        if recognised.as_deref() != Some(file.profile.as_str()) {
            return Err(format!("recognised as {}", recognised.as_deref().unwrap_or("no profile")));
        }
        match outcome {
            None => Err("the row is empty".to_owned()),
            Some(Err(refusals)) => {
                let codes: Vec<&str> = refusals.iter().map(|refusal| refusal.code).collect();
                let told: Vec<String> = refusals.iter().map(ToString::to_string).collect();
                if self.gives.is_none() && codes == self.refused {
                    Ok(())
                } else {
                    Err(format!("refused: {}", told.join("; ")))
                }
            }
            Some(Ok(command)) => {
                let found = serde_json::to_value(&command).map_err(|error| error.to_string())?;
                let differs = |(field, wanted): &(&String, &Value)| found.get(field.as_str()) != Some(*wanted);
                match self.gives.as_ref().map(|gives| gives.iter().find(differs)) {
                    Some(None) => Ok(()),
                    Some(Some((field, _))) => {
                        Err(format!("`{field}` is {}", found.get(field.as_str()).unwrap_or(&Value::Null)))
                    }
                    None => Err(format!("taken: {found}")),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_of_the_profiles_compiled_in_comes_out_and_each_profile_has_some() {
        let (count, differences) = test(None).unwrap();
        assert_eq!(differences, []);
        assert!(count >= 2 * BUILT_IN.len(), "{count}");
    }

    #[test]
    fn a_profile_of_an_office_takes_the_place_of_ours_and_its_cases_are_tried() {
        let folder = tempfile::tempdir().unwrap();
        let (name, text, cases) = BUILT_IN[0];
        let changed =
            text.replace("words.closed = [\"闭店\",", "words.closed = [").replace("version = 1", "version = 2");
        std::fs::write(folder.path().join(name), changed).unwrap();
        std::fs::write(folder.path().join(name.replace(".toml", ".cases.toml")), cases).unwrap();
        let (_, differences) = test(Some(folder.path())).unwrap();
        assert!(differences.iter().any(|difference| difference.file.starts_with("hotline-12315")), "{differences:?}");
        let profiles = super::super::load(Some(folder.path())).unwrap();
        assert!(profiles.iter().any(|profile| profile.label() == "hotline-12315@2"));
    }

    #[test]
    fn every_mistake_in_a_profile_is_named() {
        let texts = |text: &str| {
            let personal = include_str!("../../../policies/intake/personal.toml").to_owned();
            BTreeMap::from([("personal.toml".to_owned(), personal), ("a.toml".to_owned(), text.to_owned())])
        };
        let begin = "id = \"a\"\nversion = 1\nname = \"a\"\nname_en = \"a\"\nsource = \"a\"\nsheet = \"complaints\"\nheaders = [\"甲\"]\n";
        for (text, part) in [
            ("[[column]]\nfield = \"tickets\"\nheaders = [\"甲\"]", "no field `tickets`"),
            ("[[column]]\nfield = \"name\"\nheaders = [\"投诉人姓名\"]", "about a person"),
            (
                "[[column]]\nfield = \"type\"\nheaders = [\"甲\"]\nwords.refund = [\"退\"]\nwords.closed = [\"退\"]",
                "cannot mean",
            ),
            ("[[column]]\nfield = \"type\"\nheaders = [\"甲\"]\notherwise = \"other\"", "but no words"),
            ("[[column]]\nfield = \"type\"\nheaders = []", "no headers"),
            ("[[column]]\nfield = \"type\"\nheader = [\"甲\"]", "unknown field `header`"),
            ("[fixed]\nchanel = \"12345\"\n[[column]]\nfield = \"type\"\nheaders = [\"甲\"]", "no field `chanel`"),
        ] {
            let error = super::super::load::from_texts(&texts(&format!("{begin}{text}"))).unwrap_err().to_string();
            assert!(error.contains(part), "{part} not in {error}");
        }
    }
}
