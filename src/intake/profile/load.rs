//! Reading profiles: those compiled in, and those of an office's folder, of which one with the same id takes the place of ours.
//! Every problem is said at once, and nothing of a faulty set is used.

use super::back::{self, BackFile};
use super::personal::{Personal, PersonalFile};
use super::{Column, Profile, Profiles, Words, word};
use crate::intake::sheet::{Field, SheetKind, header_name};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// Names of the profiles, with the texts compiled in and their cases.
pub(super) const BUILT_IN: [(&str, &str, &str); 4] = [
    (
        "hotline-12315.toml",
        include_str!("../../../policies/intake/hotline-12315.toml"),
        include_str!("../../../policies/intake/hotline-12315.cases.toml"),
    ),
    (
        "hotline-12345.toml",
        include_str!("../../../policies/intake/hotline-12345.toml"),
        include_str!("../../../policies/intake/hotline-12345.cases.toml"),
    ),
    (
        "hotline-district.toml",
        include_str!("../../../policies/intake/hotline-district.toml"),
        include_str!("../../../policies/intake/hotline-district.cases.toml"),
    ),
    (
        "merged-list.toml",
        include_str!("../../../policies/intake/merged-list.toml"),
        include_str!("../../../policies/intake/merged-list.cases.toml"),
    ),
];

const PERSONAL: (&str, &str) = ("personal.toml", include_str!("../../../policies/intake/personal.toml"));

/// Fields by which a complaint's merchant is found where no code is given.
const PLACE: [(&str, Field); 6] = [
    ("name", Field::Name),
    ("street", Field::Street),
    ("mall", Field::Mall),
    ("unit", Field::Unit),
    ("brand", Field::Brand),
    ("address", Field::Address),
];

/// Why profiles cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// A file, or the folder, cannot be read.
    #[error("`{name}` cannot be read: {reason}")]
    Unreadable {
        /// Which.
        name: String,
        /// Why.
        reason: io::Error,
    },
    /// Something in the files is wrong.
    #[error("the profiles cannot be used:\n{}", .0.iter().map(|line| format!("  - {line}")).collect::<Vec<_>>().join("\n"))]
    Wrong(Vec<String>),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProfileFile {
    id: String,
    version: u32,
    name: String,
    name_en: String,
    source: String,
    sheet: String,
    headers: Vec<String>,
    #[serde(default)]
    unread: Vec<String>,
    #[serde(default)]
    fixed: BTreeMap<String, String>,
    column: Vec<ColumnFile>,
    #[serde(default)]
    feedback: Vec<BackFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ColumnFile {
    field: String,
    headers: Vec<String>,
    with: Option<String>,
    #[serde(default)]
    parts: Vec<String>,
    #[serde(default)]
    words: BTreeMap<String, Vec<String>>,
    otherwise: Option<String>,
}

/// Loads the profiles compiled in and those in `folder`.
///
/// # Errors
/// See [`ProfileError`].
pub fn load(folder: Option<&Path>) -> Result<Profiles, ProfileError> {
    let mut texts: BTreeMap<String, String> =
        BUILT_IN.iter().map(|(name, text, _)| ((*name).to_owned(), (*text).to_owned())).collect();
    texts.insert(PERSONAL.0.to_owned(), PERSONAL.1.to_owned());
    if let Some(folder) = folder.filter(|folder| folder.exists()) {
        let unreadable = |path: &Path, reason| ProfileError::Unreadable { name: path.display().to_string(), reason };
        for entry in std::fs::read_dir(folder).map_err(|reason| unreadable(folder, reason))? {
            let path = entry.map_err(|reason| unreadable(folder, reason))?.path();
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if name.ends_with(".toml") && !name.ends_with(".cases.toml") {
                texts.insert(name, std::fs::read_to_string(&path).map_err(|reason| unreadable(&path, reason))?);
            }
        }
    }
    from_texts(&texts)
}

/// Makes profiles of the texts of files.
pub(super) fn from_texts(texts: &BTreeMap<String, String>) -> Result<Profiles, ProfileError> {
    let mut problems = Vec::new();
    let mut profiles = Profiles::default();
    if let Some(text) = texts.get(PERSONAL.0) {
        match toml::from_str::<PersonalFile>(text) {
            Ok(file) => profiles.personal = file.into(),
            Err(error) => problems.push(format!("{}: {error}", PERSONAL.0)),
        }
    }
    let mut by_id: BTreeMap<String, (String, Profile)> = BTreeMap::new();
    for (name, text) in texts.iter().filter(|(name, _)| *name != PERSONAL.0) {
        let profile = match toml::from_str::<ProfileFile>(text) {
            Ok(file) => file.check(&profiles.personal, name, &mut problems),
            Err(error) => {
                problems.push(format!("{name}: {}", error.to_string().trim_end().replace('\n', "\n    ")));
                continue;
            }
        };
        let Some(profile) = profile else { continue };
        if let Some((other, _)) = by_id.insert(profile.id.clone(), (name.clone(), profile)) {
            problems.push(format!(
                "{name}: its id is also that of {other}; to replace a profile, give the file the same name"
            ));
        }
    }
    profiles.all = by_id.into_values().map(|(_, profile)| Arc::new(profile)).collect();
    if problems.is_empty() { Ok(profiles) } else { Err(ProfileError::Wrong(problems)) }
}

impl ProfileFile {
    fn check(self, personal: &Personal, file: &str, problems: &mut Vec<String>) -> Option<Profile> {
        let before = problems.len();
        let mut problem = |text: String| problems.push(format!("{file}: {text}"));
        let Some(kind) = SheetKind::ALL.into_iter().find(|kind| kind.name() == self.sheet || kind.zh() == self.sheet)
        else {
            problem(format!("there is no sheet `{}`", self.sheet));
            return None;
        };
        if self.headers.is_empty() || self.source.trim().is_empty() || self.id.trim().is_empty() {
            problem("it needs an id, a source, and headers to be recognised by".to_owned());
        }
        let field = |name: &str| {
            let place = PLACE.iter().find(|(known, _)| kind == SheetKind::Complaints && *known == name);
            kind.field(name).or(place.map(|(_, field)| *field))
        };
        let names = |headers: &[String]| headers.iter().map(|header| header_name(header)).collect::<Vec<_>>();
        let mut columns: Vec<Column> = Vec::new();
        for column in self.column {
            let Some(of) = field(&column.field) else {
                problem(format!("a sheet `{}` has no field `{}`", kind.name(), column.field));
                continue;
            };
            if columns.iter().any(|other| other.field == of) {
                problem(format!("the field `{}` is there twice; put its headers together", column.field));
            }
            if column.headers.is_empty() {
                problem(format!("the field `{}` has no headers", column.field));
            }
            for header in column.headers.iter().filter(|header| personal.is(kind, header)) {
                problem(format!("`{header}` is a column about a person; it is dropped and cannot be read"));
            }
            let with = column.with.as_deref().map(|name| (name, field(name)));
            if let Some((name, None)) = with {
                problem(format!("`with`: a sheet `{}` has no field `{name}`", kind.name()));
            }
            let mut ours = BTreeMap::new();
            for (our, theirs) in &column.words {
                for their in theirs {
                    if let Some(other) = ours.insert(word(their).into_owned(), our.clone()).filter(|other| other != our)
                    {
                        problem(format!("`{their}` cannot mean `{our}` and `{other}`"));
                    }
                }
            }
            if ours.is_empty() && (column.otherwise.is_some() || !column.parts.is_empty()) {
                problem(format!("the field `{}` has `otherwise` or `parts`, but no words", column.field));
            }
            if column.parts.iter().any(String::is_empty) {
                problem(format!("the field `{}` is parted by nothing", column.field));
            }
            let words = (!ours.is_empty()).then_some(Words { parts: column.parts, ours, otherwise: column.otherwise });
            columns.push(Column {
                field: of,
                headers: names(&column.headers),
                with: with.and_then(|(_, field)| field),
                words,
            });
        }
        let mut fixed = Vec::new();
        for (name, text) in self.fixed {
            match field(&name) {
                Some(field) => fixed.push((field, text)),
                None => problem(format!("[fixed]: a sheet `{}` has no field `{name}`", kind.name())),
            }
        }
        let feedback = back::check(self.feedback, personal, &mut problem);
        let profile = Profile {
            id: self.id,
            version: self.version,
            name: self.name,
            name_en: self.name_en,
            source: self.source,
            kind,
            headers: names(&self.headers),
            unread: names(&self.unread),
            fixed,
            columns,
            feedback,
        };
        (problems.len() == before).then_some(profile)
    }
}
