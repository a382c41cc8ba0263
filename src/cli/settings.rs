//! `warnlight settings`: checks the settings and shows all there are.

use super::Common;
use super::exit::{CliError, Exit};
use super::out::{Format, Out};
use crate::settings::{DEFAULTS, Settings};
use clap::Args;

/// Check the settings and print every one there is, with its default and meaning.
///
/// The output is a complete settings file to begin with; with `--format json` it is the defaults as one JSON object.
#[derive(Debug, Args)]
pub(super) struct SettingsArgs {}

pub(super) fn run(common: &Common, out: &mut Out) -> Result<Exit, CliError> {
    Settings::load(common.config.as_deref())?;
    match out.format() {
        Format::Table => out.line(DEFAULTS.trim_end())?,
        Format::Json => out.json(&toml::from_str::<toml::Table>(DEFAULTS).map_err(CliError::failed)?)?,
    }
    Ok(Exit::Done)
}
