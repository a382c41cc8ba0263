//! `warnlight migrate`: moving the log from one machine to a cluster, and back.

use super::Common;
use super::exit::{CliError, Exit};
use super::out::Out;
use super::store::{print, progress};
use crate::log::cluster::{ClusterLog, Options};
use crate::log::contract::LogError;
use crate::log::embedded::{self, EmbeddedLog};
use crate::log::migrate::{from_cluster, to_cluster};
use clap::Args;
use std::path::Path;

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
    let moved = match (args.from.strip_prefix("sqlite://"), args.to.strip_prefix("sqlite://")) {
        (Some(dir), None) => {
            // Opened for writing, so that no service writes to it meanwhile.
            let from = EmbeddedLog::open(Path::new(dir), &embedded::Options::default())?;
            to_cluster(&from, &cluster(&args.to)?, &mut report)
        }
        (None, Some(dir)) => from_cluster(&cluster(&args.from)?, Path::new(dir), &mut report),
        _ => Err(LogError::Invalid(
            "one of `--from` and `--to` must be `sqlite://DIR`, the other the connection string of a cluster"
                .to_owned(),
        )),
    };
    bar.finish_and_clear();
    print(out, "moved", &moved?)
}
