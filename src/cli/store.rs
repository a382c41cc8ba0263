//! `warnlight verify`, `backup`, `restore`: keeping the log safe.

use super::Common;
use super::exit::{CliError, Exit};
use super::out::{Format, Out};
use super::said::Text;
use super::{texts, values};
use crate::domain::envelope::{Position, hex};
use crate::domain::event::CheckpointSigned;
use crate::domain::time::Instant;
use crate::http::access::accounts::{AccountsError, FILE, beside, copy};
use crate::log::contract::Verified;
use crate::log::embedded::restore;
use crate::picture::snapshot;
use crate::proof::{Found, OfKey, PublicKey, check};
use crate::service::open_log_read_only;
use crate::settings::Settings;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Read every byte of the log, recompute its digest chain, check its signed checkpoints, and name the first damaged record
/// or false checkpoint.
#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    /// Public key whose checkpoints count, beside those of `log.trusted_keys`: Ed25519, 64 letters of hex. May be repeated.
    #[arg(long, value_name = "KEY", value_parser = values::public_key)]
    trust: Vec<PublicKey>,
}

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

/// The checkpoints of one key, for programs.
#[derive(Debug, Serialize)]
struct Signer<'a> {
    key: PublicKey,
    trusted: bool,
    checkpoints: u64,
    /// The one that reaches least far.
    first: Option<&'a CheckpointSigned>,
    /// The one that reaches furthest, with all that is needed to check it by other means.
    newest: Option<&'a CheckpointSigned>,
}

/// What a verification found, for programs.
#[derive(Debug, Serialize)]
struct PrintedWhole<'a> {
    #[serde(flatten)]
    log: Printed,
    signers: Vec<Signer<'a>>,
    /// Position, time and key of the trusted checkpoint that reaches furthest.
    trusted_until: Option<Reach>,
}

#[derive(Debug, Serialize)]
struct Reach {
    position: Position,
    at: Instant,
    key: PublicKey,
}

fn printed(verified: &Verified) -> Printed {
    Printed { events: verified.events, bytes: verified.bytes, digest: hex(&verified.digest) }
}

fn print_whole(out: &mut Out, verified: &Verified, found: &Found) -> Result<Exit, CliError> {
    if out.format() == Format::Json {
        let signers = found.keys.iter().map(|of| Signer {
            key: of.key,
            trusted: of.trusted,
            checkpoints: of.count,
            first: of.span.as_deref().map(|(first, _)| first),
            newest: of.span.as_deref().map(|(_, newest)| newest),
        });
        let trusted_until =
            found.newest_trusted().map(|signed| Reach { position: signed.position, at: signed.at, key: signed.key });
        out.json(&PrintedWhole { log: printed(verified), signers: signers.collect(), trusted_until })?;
        return Ok(Exit::Done);
    }
    print(out, texts::SOUND, verified)?;
    if found.keys.is_empty() {
        out.say(texts::NO_CHECKPOINTS)?;
        return Ok(Exit::Done);
    }
    for OfKey { key, trusted, count, span } in &found.keys {
        let trust = out.text(if *trusted { texts::TRUSTED } else { texts::NOT_TRUSTED });
        match span.as_deref() {
            None => out.say(texts::NO_CHECKPOINTS_BY.with(&[key, &trust]))?,
            Some((first, newest)) => out.say(texts::CHECKPOINTS_BY.with(&[
                count,
                key,
                &trust,
                &first.position,
                &first.at,
                &newest.position,
                &newest.at,
            ]))?,
        }
    }
    match found.newest_trusted() {
        Some(signed) => out.say(texts::TRUSTED_UP_TO.with(&[&signed.position, &signed.at]))?,
        None => out.say(texts::TRUSTED_UP_TO_NONE)?,
    }
    Ok(Exit::Done)
}

pub(super) fn print(out: &mut Out, done: Text, verified: &Verified) -> Result<Exit, CliError> {
    let printed = printed(verified);
    match out.format() {
        Format::Json => out.json(&printed)?,
        Format::Table => {
            out.say(done.with(&[&printed.events, &printed.bytes, &printed.digest]))?;
        }
    }
    Ok(Exit::Done)
}

pub(super) fn run_verify(args: &VerifyArgs, common: &Common, out: &mut Out) -> Result<Exit, CliError> {
    let settings = Settings::load(common.config.as_deref())?;
    let log = open_log_read_only(&settings, &common.data)?;
    let bar = progress();
    let verified = log.verify(&mut |done, all| {
        bar.set_length(all);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    let verified = verified?;
    let trusted: Vec<PublicKey> = settings.log.checkpoints.trusted_keys.iter().chain(&args.trust).copied().collect();
    // Only after the chain: what is signed are digests, and these are now known to be those of the events.
    let found = check(&*log, verified.events, &trusted)?;
    print_whole(out, &verified, &found)
}

pub(super) fn run_backup(args: &BackupArgs, common: &Common, out: &mut Out) -> Result<Exit, CliError> {
    let settings = Settings::load(common.config.as_deref())?;
    let log = open_log_read_only(&settings, &common.data)?;
    let verified = log.backup(&args.target)?;
    accounts(&common.data.join(FILE), &beside(&args.target))?;
    print(out, texts::BACKED_UP, &verified)
}

pub(super) fn run_restore(args: &RestoreArgs, common: &Common, out: &mut Out) -> Result<Exit, CliError> {
    Settings::load(common.config.as_deref())?;
    let verified = restore(&args.backup, &common.data)?;
    snapshot::remove(&common.data)?;
    accounts(&beside(&args.backup), &common.data.join(FILE))?;
    print(out, texts::RESTORED, &verified)
}

/// Takes the accounts of persons along. Where there are some already they stay: they are newer than any copy.
fn accounts(from: &Path, to: &Path) -> Result<(), CliError> {
    match copy(from, to) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            Err(CliError::failed(AccountsError::File { path: to.to_owned(), reason: error.to_string() }))
        }
        _ => Ok(()),
    }
}

/// Returns a progress bar on stderr; it stays silent where nobody watches.
pub(super) fn progress() -> ProgressBar {
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} ({per_sec}, {eta} left) {msg}") {
        bar.set_style(style);
    }
    bar
}
