//! `warnlight migrate`: moving the log from one machine to a cluster, and back.

use super::Common;
use super::exit::{CliError, Exit};
use super::out::Out;
use super::store::{print, progress};
use super::texts;
use crate::log::cluster::{ClusterLog, Options};
use crate::log::contract::EventLog;
use crate::log::embedded::{self, EmbeddedLog};
use crate::log::migrate::{from_cluster, to_cluster};
use crate::picture::Picture;
use crate::policy::Policies;
use clap::Args;
use std::path::Path;
use std::sync::Arc;

/// Copy the log to a cluster or back, with order, ids, times and keys; asked again, it goes on where it was.
///
/// Stop the service first. A replica of the cluster is kept below the data folder (`--data`).
#[derive(Debug, Args)]
pub(super) struct MigrateArgs {
    /// `sqlite://DIR` or `esdb://…`; connection strings with a password are better given in the environment.
    #[arg(long, env = "WARNLIGHT_MIGRATE_FROM", hide_env_values = true)]
    from: String,
    /// `esdb://…` or `sqlite://DIR`.
    #[arg(long, env = "WARNLIGHT_MIGRATE_TO", hide_env_values = true)]
    to: String,
}

pub(super) fn run(args: &MigrateArgs, common: &Common, out: &mut Out) -> Result<Exit, CliError> {
    let bar = progress();
    let mut report = |done, all| {
        bar.set_length(all);
        bar.set_position(done);
    };
    let cluster = |url: &str| ClusterLog::open(url, &common.data, &Options::default());
    let (from, to): (Box<dyn EventLog>, Box<dyn EventLog>);
    let moved = match (args.from.strip_prefix("sqlite://"), args.to.strip_prefix("sqlite://")) {
        (Some(dir), None) => {
            // Opened for writing, so that no service writes to it meanwhile.
            let file = EmbeddedLog::open(Path::new(dir), &embedded::Options::default())?;
            let there = cluster(&args.to)?;
            let moved = to_cluster(&file, &there, &mut report)?;
            (from, to) = (Box::new(file), Box::new(there));
            moved
        }
        (None, Some(dir)) => {
            let there = cluster(&args.from)?;
            let moved = from_cluster(&there, Path::new(dir), &mut report)?;
            (from, to) = (Box::new(there), Box::new(EmbeddedLog::open_read_only(Path::new(dir))?));
            moved
        }
        _ => {
            return Err(CliError::told(Exit::Usage, texts::ONE_FILE_ONE_CLUSTER));
        }
    };
    bar.set_message("comparing lights");
    let compared = compare_lights(&*from, &*to);
    bar.finish_and_clear();
    let lights = compared?;
    out.tell(texts::SAME_LIGHTS.with(&[&lights]));
    print(out, texts::MOVED, &moved)
}

/// Folds both logs and returns how many lights there are. Equal digests promise that they are equal; this is seen.
fn compare_lights(from: &dyn EventLog, to: &dyn EventLog) -> Result<usize, CliError> {
    let policies = Arc::new(Policies::built_in().map_err(CliError::failed)?);
    let fold = |log: &dyn EventLog| Picture::replay(log, policies.clone()).map_err(CliError::from);
    let (here, there) = (fold(from)?, fold(to)?);
    if here.lights.entries() == there.lights.entries() {
        Ok(here.lights.entries().len())
    } else {
        Err(CliError::told(Exit::Failed, texts::LIGHTS_DIFFER))
    }
}
