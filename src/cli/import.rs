//! `warnlight import`: sheets and NDJSON of commands, decided row by row.

use super::Common;
use super::exit::{CliError, Exit};
use super::out::{Format, Out};
use super::said::Text;
use super::store::progress;
use super::{texts, values};
use crate::clock::SystemClock;
use crate::domain::envelope::Origin;
use crate::domain::time::Instant;
use crate::domain::words::Light;
use crate::http::Language;
use crate::intake::profile::How;
use crate::log::contract::LogError;
use crate::picture::Picture;
use crate::service::{ServiceError, load_policies, load_profiles, open_log, open_log_read_only, start_desk};
use crate::settings::{Engine, Settings};
use crate::taking::{Decider, Ended, Followed, Import, Shown, Speaker, Step, TakingError, Tally};
use clap::Args;
use indicatif::ProgressBar;
use serde::Serialize;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use uuid::Uuid;

/// Import sheets (xlsx, csv), folders of them, or NDJSON of commands.
///
/// Every row gets a receipt; refused rows are written, as they came and with the reason, to a csv and an xlsx that can be
/// mended and sent in again. The same input twice changes nothing.
#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// Files and folders.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Decide every row and write nothing.
    #[arg(long)]
    dry_run: bool,
    /// Ask for mail about lights that rise. Without this the input counts as history and mails nobody.
    #[arg(long)]
    notify: bool,
    /// Folder for receipts and refusal sheets. Default: `imports/TIME` in the data folder; none in a dry run.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// When the tickets were received, for exports of hotlines that have no column that says so. A ticket known already keeps its time.
    #[arg(long, value_name = "DATE", value_parser = values::instant)]
    received_at: Option<Instant>,
}

pub(super) fn run(args: &ImportArgs, common: &Common, out: &mut Out) -> Result<Exit, CliError> {
    let settings = Settings::load(common.config.as_deref())?;
    if let Some(path) = args.paths.iter().find(|path| !path.exists()) {
        return Err(CliError::told(Exit::NotFound, texts::NO_SUCH_PATH.with(&[&path.display()])));
    }
    let mut profiles = load_profiles(&settings).map_err(|error| CliError::new(Exit::Usage, error))?;
    if let Some(at) = args.received_at {
        profiles.received_at(at);
    }
    let profiles = Arc::new(profiles);
    let now = Instant::now();
    let papers = match (&args.out, args.dry_run) {
        (Some(folder), _) => Some(folder.clone()),
        (None, true) => None,
        (None, false) => Some(common.data.join("imports").join(now.strftime("%Y%m%dT%H%M%S%.6fZ").to_string())),
    };
    let id = Uuid::now_v7();
    let speaker = Speaker::owner(Origin { causation: Some(id), history: !args.notify, ..Origin::of("import") });
    let how = How { now, profiles };
    let (ended, barren) = if args.dry_run {
        take(args, Decider::rehearsal(present(&settings, common)?, speaker), papers.as_deref(), how)?
    } else {
        match open_log(&settings, &common.data) {
            Ok(log) => {
                let desk = start_desk(&settings, log, Arc::new(SystemClock))?;
                let taken = take(args, Decider::desk(desk.clone(), speaker), papers.as_deref(), how);
                desk.stop();
                taken?
            }
            // Whoever has the log may take rows for us: the service does.
            Err(locked @ ServiceError::Log(LogError::Locked { .. })) => {
                let Some(decider) = Decider::service(&common.data, id, !args.notify)? else {
                    return Err(locked.into());
                };
                take(args, decider, papers.as_deref(), how)?
            }
            Err(error) => return Err(error.into()),
        }
    };
    tell(args, ended, &barren, papers.as_deref(), out)
}

/// Returns the picture as it stands, for trying on; a service may run beside.
fn present(settings: &Settings, common: &Common) -> Result<Picture, CliError> {
    let policies = Arc::new(load_policies(settings).map_err(|error| CliError::new(Exit::Usage, error))?);
    if common.data.join("log.db").exists() || settings.log.engine != Engine::Embedded {
        Ok(Picture::replay(&*open_log_read_only(settings, &common.data)?, policies)?)
    } else {
        Ok(Picture::new(policies))
    }
}

/// Takes the paths; returns what came of it, and the paths without a row that could be read.
fn take<'a>(
    args: &'a ImportArgs,
    decider: Decider,
    papers: Option<&Path>,
    how: How,
) -> Result<(Ended, Vec<&'a PathBuf>), CliError> {
    let bar = progress();
    let mut import = Import::new(decider, papers.map(|folder| (folder, None)), how, Box::new(|step| show(&bar, step)))?;
    let barren = args.paths.iter().filter(|path| !import.take_path(path)).collect();
    let ended = import.end();
    bar.finish_and_clear();
    Ok((ended, barren))
}

fn show(bar: &ProgressBar, step: &Step<'_>) -> ControlFlow<()> {
    bar.set_message(step.file.to_owned());
    bar.set_position(step.tally.rows);
    bar.set_length(step.tally.rows);
    ControlFlow::Continue(())
}

fn tell(
    args: &ImportArgs,
    ended: Ended,
    barren: &[&PathBuf],
    papers: Option<&Path>,
    out: &mut Out,
) -> Result<Exit, CliError> {
    let Ended { tally, known, refusals, warnings, outcome, .. } = ended;
    if known > 0 {
        out.tell(texts::TAKEN_BEFORE.with(&[&known]));
    }
    print(&refusals, texts::REFUSED, texts::AND_MORE_REFUSED, out);
    print(&warnings, texts::WARNING, texts::AND_MORE_WARNINGS, out);
    if let Some(folder) = papers {
        out.tell(texts::PAPERS.with(&[&folder.display()]));
    }
    let followed = outcome?;
    match out.format() {
        Format::Json => {
            let lights = followed.lights.iter().map(|(light, count)| (light.name(), *count)).collect();
            out.json(&Printed { tally, lights_changed: lights, mails_requested: followed.mails })?;
        }
        Format::Table => {
            let heading = [
                texts::TALLY_ROWS,
                texts::TALLY_ACCEPTED,
                texts::TALLY_QUEUED,
                texts::TALLY_UNCHANGED,
                texts::TALLY_REFUSED,
                texts::TALLY_WARNINGS,
            ]
            .map(|text| out.text(text));
            let counts = [tally.rows, tally.accepted, tally.queued, tally.unchanged, tally.refused, tally.warnings];
            out.table(heading, &[counts.map(|n| n.to_string())])?;
        }
    }
    if tally.queued > 0 {
        out.tell(texts::LEFT_WAITING.with(&[&tally.queued]));
    }
    tell_what_followed(args, &followed, out);
    for path in barren {
        out.tell(texts::NOTHING_READ.with(&[&path.display()]));
    }
    Ok(match (barren.is_empty(), tally.refused) {
        (false, _) => Exit::NothingRead,
        (true, 0) => Exit::Done,
        (true, _) => Exit::SomeRefused,
    })
}

/// What came of the rows and what followed, for programs.
#[derive(Serialize)]
struct Printed<'a> {
    #[serde(flatten)]
    tally: Tally,
    /// By the colour they changed to.
    lights_changed: BTreeMap<&'a str, u64>,
    mails_requested: u64,
}

fn tell_what_followed(args: &ImportArgs, followed: &Followed, out: &mut Out) {
    if args.dry_run {
        return out.tell(texts::DRY_RUN);
    }
    let all: u64 = followed.lights.values().sum();
    if all == 0 {
        out.tell(texts::NO_LIGHT_CHANGED);
    } else {
        let name = |light: &Light| out.language().pick(light.zh(), light.name());
        let worst_first = followed.lights.iter().rev();
        let each: Vec<String> = worst_first
            .map(|(light, count)| texts::CHANGED_TO.with(&[&name(light), count]).heard_in(out.language()).to_owned())
            .collect();
        let each = each.join(out.language().pick("，", ", "));
        out.tell(texts::LIGHTS_CHANGED.with(&[&all, &each]));
    }
    if args.notify {
        out.tell(texts::MAILS_REQUESTED.with(&[&followed.mails]));
    } else {
        out.tell(texts::HISTORY_MAILS_NOBODY);
    }
}

/// Prints findings: what they are, and the words for how many more there are.
fn print(shown: &Shown, what: Text, more: Text, out: &mut Out) {
    let what = out.text(what);
    for kind in &shown.kinds {
        for finding in &kind.first {
            match out.language() {
                Language::Zh => out.remark(format_args!("{what}  {}", finding.line_zh())),
                Language::En => out.remark(format_args!("{what}  {finding}")),
            }
        }
        if kind.further > 0 {
            out.tell(texts::AND_ALIKE.with(&[&kind.further]));
        }
    }
    if shown.more > 0 {
        out.tell(more.with(&[&shown.more]));
    }
}

impl From<TakingError> for CliError {
    fn from(error: TakingError) -> Self {
        match error {
            TakingError::Desk(error) => error.into(),
            TakingError::Receipts { path, reason } => {
                Self::told(Exit::Failed, texts::RECEIPT_UNWRITABLE.with(&[&path.display(), &reason]))
            }
            error => Self::failed(error),
        }
    }
}
