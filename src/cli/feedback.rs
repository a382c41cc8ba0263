//! `warnlight feedback`: what goes back to a hotline.

use super::Common;
use super::exit::{CliError, Exit};
use super::out::{Format, Out};
use super::{texts, values};
use crate::domain::access::Scope;
use crate::domain::time::{Day, Instant, start_of};
use crate::intake::feedback::feedback;
use crate::picture::Picture;
use crate::service::{ServiceError, load_policies, load_profiles, open_log_read_only};
use crate::settings::Settings;
use crate::views::View;
use clap::Args;
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;

/// Write what was done about a hotline's tickets, under its own headers, to be sent back to it.
///
/// Tickets of its channel whose first answer or closing was recorded here since a day, newest first. What the row that brought a ticket
/// said itself is not told back.
#[derive(Debug, Args)]
pub(super) struct FeedbackArgs {
    /// Profile of the source; `warnlight profile list` names them.
    #[arg(long, value_name = "NAME")]
    profile: String,
    /// First day of recording, such as 2025-06-01.
    #[arg(long, value_name = "DATE", value_parser = values::day)]
    since: Day,
    /// File to write: `.csv`, or anything else for xlsx.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

pub(super) fn run(args: &FeedbackArgs, common: &Common, out: &mut Out) -> Result<Exit, CliError> {
    let settings = Settings::load(common.config.as_deref())?;
    let profiles = load_profiles(&settings).map_err(|error| CliError::new(Exit::Usage, error))?;
    let Some(profile) = profiles.iter().find(|profile| profile.id == args.profile) else {
        return Err(CliError::told(Exit::NotFound, texts::NO_SUCH_PROFILE.with(&[&args.profile])));
    };
    let policies = load_policies(&settings).map_err(ServiceError::from)?;
    let log = open_log_read_only(&settings, &common.data)?;
    let picture = Picture::replay(&*log, Arc::new(policies))?;
    let scope = Scope::everything();
    let view = View::new(&picture, &scope, Instant::now());
    let since = log.position_at(start_of(args.since))?;
    let found = feedback(&view, &*log, profile, since).map_err(|error| CliError::new(Exit::Usage, error))?;
    found.write(&args.out).map_err(CliError::failed)?;
    let count = found.rows.len();
    match out.format() {
        Format::Json => out.json(&json!({ "profile": profile.label(), "tickets": count, "file": args.out }))?,
        Format::Table => out.say(texts::FEEDBACK_WRITTEN.with(&[&count, &args.out.display()]))?,
    }
    Ok(Exit::Done)
}
