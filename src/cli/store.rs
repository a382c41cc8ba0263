//! `warnlight verify`, `backup`, `restore`: keeping the log safe.

use super::Common;
use super::exit::{CliError, Exit};
use super::out::{Format, Out};
use crate::domain::envelope::hex;
use crate::log::contract::Verified;
use crate::log::embedded::restore;
use crate::service::open_log_read_only;
use crate::settings::Settings;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::path::PathBuf;

/// Read every byte of the log, recompute its digest chain, and name the first damaged record.
#[derive(Debug, Args)]
pub(super) struct VerifyArgs {}

/// Write a consistent, verified copy of the log; works while the service runs.
#[derive(Debug, Args)]
pub(super) struct BackupArgs {
    /// File to write; it must not exist.
    target: PathBuf,
}

/// Put a backup into an empty data folder, after verifying it.
#[derive(Debug, Args)]
pub(super) struct RestoreArgs {
    /// Backup to read.
    backup: PathBuf,
}

#[derive(Debug, Serialize)]
struct Printed {
    events: u64,
    bytes: u64,
    digest: String,
}

pub(super) fn print(out: &mut Out, done: &str, verified: &Verified) -> Result<Exit, CliError> {
    let printed = Printed { events: verified.events, bytes: verified.bytes, digest: hex(&verified.digest) };
    match out.format() {
        Format::Json => out.json(&printed)?,
        Format::Table => {
            out.line(format_args!(
                "{done}: {} events, {} bytes, digest {}",
                printed.events, printed.bytes, printed.digest
            ))?;
        }
    }
    Ok(Exit::Done)
}

pub(super) fn run_verify(_: &VerifyArgs, common: &Common, out: &mut Out) -> Result<Exit, CliError> {
    let settings = Settings::load(common.config.as_deref())?;
    let log = open_log_read_only(&settings, &common.data)?;
    let bar = progress();
    let verified = log.verify(&mut |done, all| {
        bar.set_length(all);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    print(out, "sound", &verified?)
}

pub(super) fn run_backup(args: &BackupArgs, common: &Common, out: &mut Out) -> Result<Exit, CliError> {
    let settings = Settings::load(common.config.as_deref())?;
    let log = open_log_read_only(&settings, &common.data)?;
    let verified = log.backup(&args.target)?;
    print(out, "backed up", &verified)
}

pub(super) fn run_restore(args: &RestoreArgs, common: &Common, out: &mut Out) -> Result<Exit, CliError> {
    Settings::load(common.config.as_deref())?;
    let verified = restore(&args.backup, &common.data)?;
    print(out, "restored", &verified)
}

/// Returns a progress bar on stderr; it stays silent where nobody watches.
pub(super) fn progress() -> ProgressBar {
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} ({per_sec}, {eta} left) {msg}") {
        bar.set_style(style);
    }
    bar
}
