//! `warnlight profile`: what is known of the files of sources, drafts for new ones, and their tests.

use super::Common;
use super::exit::{CliError, Exit};
use super::out::{Format, Out};
use super::texts;
use crate::intake::profile::{Profile, ProfileError, ProposeError, propose, test};
use crate::service::load_profiles;
use crate::settings::Settings;
use clap::{Args, Subcommand};
use serde_json::json;
use std::path::PathBuf;

/// Profiles of sources: which header of their files means what (docs/PROFILES.md).
#[derive(Debug, Args)]
pub(super) struct ProfileArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the profiles: those compiled in and those of the folder `intake` in `policies.dir`.
    List,
    /// Draft a profile for a file that is not recognised, and print it.
    Propose {
        /// A workbook or a text file with a header and some rows.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Try the cases of all profiles, or of those in a folder as well.
    Test {
        /// Folder with profiles and `NAME.cases.toml` beside them. Default: `intake` in `policies.dir`.
        #[arg(value_name = "DIR")]
        folder: Option<PathBuf>,
    },
}

pub(super) fn run(args: &ProfileArgs, common: &Common, out: &mut Out) -> Result<Exit, CliError> {
    let settings = Settings::load(common.config.as_deref())?;
    let wrong = |error: ProfileError| CliError::new(Exit::Usage, error);
    match &args.action {
        Action::List => {
            let profiles = load_profiles(&settings).map_err(wrong)?;
            list(&profiles.iter().collect::<Vec<_>>(), out)?;
            Ok(Exit::Done)
        }
        Action::Propose { file } => {
            if !file.exists() {
                return Err(CliError::told(Exit::NotFound, texts::NO_SUCH_PATH.with(&[&file.display()])));
            }
            let profiles = load_profiles(&settings).map_err(wrong)?;
            let draft = propose(file, &profiles).map_err(|error| CliError::told(Exit::Failed, why_not(&error)))?;
            out.line(draft.trim_end())?;
            Ok(Exit::Done)
        }
        Action::Test { folder } => {
            let own = settings.policies.dir.as_deref().map(|dir| dir.join("intake")).filter(|dir| dir.is_dir());
            if let Some(folder) = folder.as_ref().filter(|folder| !folder.is_dir()) {
                return Err(CliError::told(Exit::NotFound, texts::NO_SUCH_PATH.with(&[&folder.display()])));
            }
            let (count, differences) = test(folder.as_deref().or(own.as_deref())).map_err(wrong)?;
            match out.format() {
                Format::Json => {
                    let found: Vec<_> = differences
                        .iter()
                        .map(|it| json!({ "file": it.file, "case": it.case, "found": it.found }))
                        .collect();
                    out.json(&json!({ "cases": count, "differences": found }))?;
                }
                Format::Table => {
                    for it in &differences {
                        out.say(texts::CASE_DIFFERS.with(&[&it.file, &it.case, &it.found]))?;
                    }
                    out.say(texts::CASES_TRIED.with(&[&count, &differences.len()]))?;
                }
            }
            Ok(if differences.is_empty() { Exit::Done } else { Exit::Failed })
        }
    }
}

fn why_not(error: &ProposeError) -> super::Said {
    match error {
        ProposeError::Unreadable(reason) => texts::FILE_UNREADABLE.with(&[reason]),
        ProposeError::NoHeader => texts::NO_HEADER_TO_PROPOSE.with(&[]),
        ProposeError::Known(id) => texts::PROFILE_KNOWN.with(&[id]),
    }
}

fn list(profiles: &[&Profile], out: &mut Out) -> Result<(), CliError> {
    let language = out.language();
    match out.format() {
        Format::Json => {
            let all: Vec<_> = profiles
                .iter()
                .map(|it| {
                    json!({ "id": it.id, "version": it.version, "name": it.name, "name_en": it.name_en,
                    "sheet": it.kind.name(), "source": it.source })
                })
                .collect();
            out.json(&all)
        }
        Format::Table => {
            let heading = [texts::PROFILE_ID, texts::PROFILE_NAME, texts::PROFILE_SHEET].map(|text| out.text(text));
            let rows: Vec<_> = profiles
                .iter()
                .map(|it| {
                    let name = language.pick(it.name.as_str(), it.name_en.as_str()).to_owned();
                    [it.label(), name, language.pick(it.kind.zh(), it.kind.name()).to_owned()]
                })
                .collect();
            out.table(heading, &rows)
        }
    }
}
