//! Policies from a folder. Reading files is no business of the pure room `policy`, which makes policies of texts.
//!
//! A folder holds all the files of `policies/`, as many calendars besides as years need (`calendar-2027.toml`), or those
//! calendars alone, or profiles of sources (`intake/`, read by [`crate::intake::profile`]), or when sources count as silent
//! (`sources.toml`), wording of letters (`letters.toml`) when names are offered (`aliases.toml`) or how figures are made (`figures.toml`), beside the policies compiled in: a new
//! year's schedule needs no release. Some of the files and not others is
//! a mistake and said.

use crate::domain::event::PolicyFile;
use crate::policy::load::is_more_calendar;
use crate::policy::{Policies, PolicyError};
use crate::policy::{aliases, figures, letters, rhythm};
use std::path::Path;

/// Loads the policies of a folder.
///
/// # Errors
/// See [`PolicyError`].
pub fn load(dir: &Path) -> Result<Policies, PolicyError> {
    let unreadable = |path: &Path, reason: std::io::Error| PolicyError::Unreadable {
        name: path.display().to_string(),
        reason: reason.to_string(),
    };
    let read = |name: &str| {
        let path = dir.join(name);
        let text = std::fs::read_to_string(&path).map_err(|reason| unreadable(&path, reason))?;
        Ok(PolicyFile { name: name.to_owned(), text })
    };
    let mut years: Vec<String> = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(|reason| unreadable(dir, reason))? {
        let name = entry.map_err(|reason| unreadable(dir, reason))?.file_name();
        years.extend(name.into_string().ok().filter(|name| is_more_calendar(name)));
    }
    // In one order on every machine: the digest of the policies rests on it.
    years.sort_unstable();
    let built_in = Policies::built_in_files();
    let [has_rhythms, has_letters, has_aliases, has_figures] =
        [rhythm::FILE, letters::FILE, aliases::FILE, figures::FILE].map(|name| dir.join(name).exists());
    let beside =
        !years.is_empty() || has_rhythms || has_letters || has_aliases || has_figures || dir.join("intake").is_dir();
    let built_in_go_with_it = beside && built_in.iter().all(|file| !dir.join(&file.name).exists());
    let mut files = if built_in_go_with_it {
        built_in
    } else {
        built_in.iter().map(|file| read(&file.name)).collect::<Result<_, _>>()?
    };
    for name in &years {
        files.push(read(name)?);
    }
    let mut policies = Policies::from_files(files)?;
    if has_rhythms {
        policies = policies.with_rhythms(&read(rhythm::FILE)?.text)?;
    }
    if has_letters {
        policies = policies.with_letters(&read(letters::FILE)?.text)?;
    }
    if has_aliases {
        policies = policies.with_aliases(&read(aliases::FILE)?.text)?;
    }
    if has_figures {
        policies = policies.with_figures(&read(figures::FILE)?.text)?;
    }
    Ok(policies)
}

#[cfg(test)]
mod tests {
    use super::*;

    const YEAR: &str = "[[year]]\nyear = 2099\nsource = \"a test\"\noff = [\"2099-01-02\"]\nwork = []\n";

    #[test]
    fn a_years_calendar_is_added_without_a_release() {
        let folder = tempfile::tempdir().unwrap();
        let first: crate::domain::time::Day = "2099-01-02".parse().unwrap();
        assert!(Policies::built_in().unwrap().calendar.is_working_day(first), "counted by its weekday");
        std::fs::write(folder.path().join("calendar-2099.toml"), YEAR).unwrap();
        let alone = load(folder.path()).unwrap();
        assert!(alone.calendar.covers(2099) && !alone.calendar.is_working_day(first));
        assert_ne!(alone.digest, Policies::built_in().unwrap().digest, "it is recorded as another set of policies");
        assert!(Policies::from_files(alone.activation().files).unwrap().calendar.covers(2099), "also from its event");
        for file in Policies::built_in_files() {
            std::fs::write(folder.path().join(file.name), file.text).unwrap();
        }
        assert_eq!(load(folder.path()).unwrap().digest, alone.digest);
        std::fs::remove_file(folder.path().join("sectors.toml")).unwrap();
        assert!(load(folder.path()).unwrap_err().to_string().contains("sectors.toml"), "half a set is a mistake");
    }

    #[test]
    fn when_a_source_is_silent_may_stand_alone_and_changes_no_set_of_rules() {
        let folder = tempfile::tempdir().unwrap();
        let built_in = Policies::built_in().unwrap();
        let text = include_str!("../policies/sources.toml");
        std::fs::write(folder.path().join("sources.toml"), text.replace("least_days = 3", "least_days = 9")).unwrap();
        let other = load(folder.path()).unwrap();
        assert_eq!(other.digest, built_in.digest);
        assert_ne!(other.rhythms, built_in.rhythms);
        std::fs::write(
            folder.path().join("aliases.toml"),
            include_str!("../policies/aliases.toml").replace("after = 3", "after = 5"),
        )
        .unwrap();
        let other = load(folder.path()).unwrap();
        assert_eq!((other.aliases.after, &*other.digest), (5, &*built_in.digest));
        std::fs::write(folder.path().join("aliases.toml"), "version = 1\nsource = \"x\"\n[offer]\nafter = 0\n")
            .unwrap();
        assert!(load(folder.path()).unwrap_err().to_string().contains("offer.after"));
        std::fs::remove_file(folder.path().join("aliases.toml")).unwrap();
        std::fs::write(folder.path().join("sources.toml"), "nonsense").unwrap();
        assert!(load(folder.path()).unwrap_err().to_string().contains("sources.toml"));
    }

    #[test]
    fn wording_of_letters_may_stand_alone_and_changes_no_set_of_rules() {
        let folder = tempfile::tempdir().unwrap();
        let built_in = Policies::built_in().unwrap();
        let text = include_str!("../policies/letters.toml");
        std::fs::write(folder.path().join("letters.toml"), text.replace("警示信", "提醒函")).unwrap();
        let other = load(folder.path()).unwrap();
        assert_eq!(other.digest, built_in.digest);
        assert_ne!(other.letters, built_in.letters);
        std::fs::write(folder.path().join("letters.toml"), text.replace("{date}", "{day}")).unwrap();
        assert!(load(folder.path()).unwrap_err().to_string().contains("letters.toml: `warning_letter`"));
    }
}
