//! Making policies of texts: those compiled in, those of a folder (read by [`crate::policy_folder`]), or those of an event;
//! every problem reported at once.

use super::aliases::AliasOffers;
use super::calendar::{Calendar, CalendarFile};
use super::figures::FigureRules;
use super::letters::Letters;
use super::rhythm::Rhythms;
use super::rule::{Pack, PackFile};
use super::scheme::{Schemes, SchemesFile};
use super::sector::{Sectors, SectorsFile};
use crate::domain::envelope::hex;
use crate::domain::event::{PolicyActivated, PolicyFile};
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

/// The stream in which it is recorded what the service is run with.
pub const STREAM: &str = "policy";

/// Names of the policy files, with the texts compiled in.
const BUILT_IN: [(&str, &str); 4] = [
    ("calendar.toml", include_str!("../../policies/calendar.toml")),
    ("cn-beijing.toml", include_str!("../../policies/cn-beijing.toml")),
    ("schemes.toml", include_str!("../../policies/schemes.toml")),
    ("sectors.toml", include_str!("../../policies/sectors.toml")),
];

/// Everything lights are computed by.
#[derive(Debug, Clone)]
pub struct Policies {
    /// Rules.
    pub pack: Pack,
    /// Filing and custody duties.
    pub schemes: Schemes,
    /// Sectors.
    pub sectors: Sectors,
    /// Working days.
    pub calendar: Calendar,
    /// When a source counts as silent. No light rests on it, so it is no part of the digest.
    pub rhythms: Rhythms,
    /// When a name is offered as another name of a merchant.
    pub aliases: AliasOffers,
    /// Wording of the letters that offices issue; no part of the digest either.
    pub letters: Letters,
    /// How figures are made where no rule fixes it; no part of the digest either.
    pub figures: FigureRules,
    /// SHA-256 over names and texts of the files, lower-case hex.
    pub digest: String,
    files: Vec<PolicyFile>,
}

/// Why policies cannot be used. Nothing of a faulty set comes into force.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// A file, or the folder, cannot be read.
    #[error("policy file `{name}` cannot be read: {reason}")]
    Unreadable {
        /// Which.
        name: String,
        /// Why.
        reason: String,
    },
    /// Something in the files is wrong.
    #[error("the policies cannot be used:\n{}", .0.iter().map(|line| format!("  - {line}")).collect::<Vec<_>>().join("\n"))]
    Wrong(Vec<String>),
}

impl Policies {
    /// Returns the policies compiled in.
    ///
    /// # Errors
    /// None in a released build: the tests load them.
    pub fn built_in() -> Result<Self, PolicyError> {
        Self::from_files(Self::built_in_files())
    }

    /// Returns the texts compiled in.
    #[must_use]
    pub fn built_in_files() -> Vec<PolicyFile> {
        BUILT_IN.iter().map(|(name, text)| PolicyFile { name: (*name).to_owned(), text: (*text).to_owned() }).collect()
    }

    /// Loads policies from texts, for example those of a `policy.activated` event.
    ///
    /// # Errors
    /// See [`PolicyError`].
    pub fn from_files(files: Vec<PolicyFile>) -> Result<Self, PolicyError> {
        let mut problems = Vec::new();
        let calendar = calendar(&files, &mut problems);
        let pack = part(&files, "cn-beijing.toml", &mut problems, PackFile::check);
        let sectors = part(&files, "sectors.toml", &mut problems, SectorsFile::check);
        let schemes = part(&files, "schemes.toml", &mut problems, |file: SchemesFile, problems| {
            file.check(sectors.as_ref().unwrap_or(&Sectors::default()), problems)
        });
        let rhythms = Rhythms::built_in().map_err(|wrong| problems.extend(wrong)).ok();
        let letters = Letters::built_in().map_err(|wrong| problems.extend(wrong)).ok();
        let aliases = AliasOffers::built_in().map_err(|wrong| problems.extend(wrong)).ok();
        let figures = FigureRules::built_in().map_err(|wrong| problems.extend(wrong)).ok();
        let beside = rhythms.zip(letters).zip(aliases.zip(figures));
        match (calendar, pack, sectors, schemes, beside) {
            (
                Some(calendar),
                Some(pack),
                Some(sectors),
                Some(schemes),
                Some(((rhythms, letters), (aliases, figures))),
            ) if problems.is_empty() => {
                let digest = digest(&files);
                Ok(Self { digest, pack, schemes, sectors, calendar, rhythms, letters, aliases, figures, files })
            }
            _ => Err(PolicyError::Wrong(problems)),
        }
    }

    /// Returns by how many days a duty may be put off at most.
    #[must_use]
    pub fn pause_days(&self) -> u32 {
        self.pack.follow_up.as_ref().map_or(0, |follow_up| follow_up.pause_days)
    }

    /// Takes other numbers by which a source counts as silent.
    ///
    /// # Errors
    /// See [`PolicyError`].
    pub fn with_rhythms(self, text: &str) -> Result<Self, PolicyError> {
        let rhythms = Rhythms::parse(text).map_err(PolicyError::Wrong)?;
        Ok(Self { rhythms, ..self })
    }

    /// Takes another number of decisions after which a name is offered.
    ///
    /// # Errors
    /// See [`PolicyError`].
    pub fn with_aliases(self, text: &str) -> Result<Self, PolicyError> {
        let aliases = AliasOffers::parse(text).map_err(PolicyError::Wrong)?;
        Ok(Self { aliases, ..self })
    }

    /// Takes other rules by which figures are made.
    ///
    /// # Errors
    /// See [`PolicyError`].
    pub fn with_figures(self, text: &str) -> Result<Self, PolicyError> {
        let figures = FigureRules::parse(text).map_err(PolicyError::Wrong)?;
        Ok(Self { figures, ..self })
    }

    /// Takes other wording of the letters that offices issue.
    ///
    /// # Errors
    /// See [`PolicyError`].
    pub fn with_letters(self, text: &str) -> Result<Self, PolicyError> {
        let letters = Letters::parse(text).map_err(PolicyError::Wrong)?;
        Ok(Self { letters, ..self })
    }

    /// Returns the event that records these policies coming into force.
    #[must_use]
    pub fn activation(&self) -> PolicyActivated {
        let follow_up = self.pack.follow_up.is_some();
        PolicyActivated {
            pack: self.pack.id.clone(),
            digest: self.digest.clone(),
            files: self.files.clone(),
            follow_up,
        }
    }
}

/// Says whether a file holds years of the calendar besides `calendar.toml`, such as `calendar-2027.toml`.
#[must_use]
pub fn is_more_calendar(name: &str) -> bool {
    name.starts_with("calendar-") && name.ends_with(".toml")
}

/// Returns the calendar of `calendar.toml` with the years of the files beside it.
fn calendar(files: &[PolicyFile], problems: &mut Vec<String>) -> Option<Calendar> {
    let mut calendar = part(files, "calendar.toml", problems, |file: CalendarFile, problems| {
        let mut calendar = Calendar::default();
        file.add_to(&mut calendar, problems);
        calendar
    })?;
    for file in files.iter().filter(|file| is_more_calendar(&file.name)) {
        part(files, &file.name, problems, |years: CalendarFile, problems| years.add_to(&mut calendar, problems))?;
    }
    Some(calendar)
}

fn part<F: DeserializeOwned, T>(
    files: &[PolicyFile],
    name: &str,
    problems: &mut Vec<String>,
    check: impl FnOnce(F, &mut Vec<String>) -> T,
) -> Option<T> {
    let Some(file) = files.iter().find(|file| file.name == name) else {
        problems.push(format!("{name} is not there"));
        return None;
    };
    match toml::from_str(&file.text) {
        Ok(parsed) => {
            let mut own = Vec::new();
            let part = check(parsed, &mut own);
            problems.extend(own.into_iter().map(|problem| format!("{name}: {problem}")));
            Some(part)
        }
        Err(error) => {
            problems.push(format!("{name}: {}", error.to_string().trim_end().replace('\n', "\n    ")));
            None
        }
    }
}

fn digest(files: &[PolicyFile]) -> String {
    let mut hash = Sha256::new();
    for file in files {
        for text in [&file.name, &file.text] {
            hash.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(text.as_bytes());
        }
    }
    hex(&hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> Vec<PolicyFile> {
        Policies::built_in().unwrap().activation().files
    }

    #[test]
    fn the_built_in_policies_load_and_can_be_loaded_again_from_their_event() {
        let policies = Policies::built_in().unwrap();
        assert_eq!(policies.pack.rules.len(), 23);
        assert_eq!(Policies::from_files(files()).unwrap().digest, policies.digest);
    }

    #[test]
    fn every_problem_is_named_at_once() {
        let mut files = files();
        for file in &mut files {
            file.text = file
                .text
                .replace("京商秩字〔2023〕18号: retail, catering, resident services", " ")
                .replace("complaints.closed_30d", "complaints.open_30d")
                .replace("\"2024-05-11\"", "\"2024-05-13\"");
        }
        let Err(PolicyError::Wrong(problems)) = Policies::from_files(files) else { panic!("must be refused") };
        let all = problems.join("\n");
        for part in ["sectors.toml", "has no source", "complaints.open_30d", "2024-05-13 is no exception"] {
            assert!(all.contains(part), "{part} not in {all}");
        }
    }

    #[test]
    fn a_threshold_of_the_wrong_kind_is_refused() {
        let mut files = files();
        for file in &mut files {
            file.text = file
                .text
                .replace("{ fact = \"listed.serious\", is = true }", "{ fact = \"listed.serious\", gt = \"1\" }");
        }
        assert!(Policies::from_files(files).unwrap_err().to_string().contains("wrong kind of value"));
    }
}
