//! `warnlight migrate`: moving the log between the file of one machine and servers that several share.

use super::Common;
use super::exit::{CliError, Exit};
use super::out::Out;
use super::store::{print, progress};
use super::texts;
use crate::log::contract::EventLog;
use crate::log::embedded::{self, EmbeddedLog};
use crate::log::migrate::{Steps, into_file, out_of_file};
use crate::log::postgres::{self, PostgresLog};
use crate::picture::Picture;
use crate::policy::Policies;
use clap::Args;
use std::path::Path;
use std::sync::Arc;

/// Copy the log into another place, with order, ids, times and keys; asked again, it goes on where it was.
///
/// Stop the service first. What is needed besides (a replica of a cluster) is kept below the data folder (`--data`).
#[derive(Debug, Args)]
pub(super) struct MigrateArgs {
    /// `sqlite://DIR`, `postgres://…` or `esdb://…`; connection strings with a password are better given in the environment.
    #[arg(long, env = "WARNLIGHT_MIGRATE_FROM", hide_env_values = true)]
    from: String,
    /// `postgres://…`, `esdb://…` or `sqlite://DIR`.
    #[arg(long, env = "WARNLIGHT_MIGRATE_TO", hide_env_values = true)]
    to: String,
}

pub(super) fn run(args: &MigrateArgs, common: &Common, out: &mut Out) -> Result<Exit, CliError> {
    let bar = progress();
    let mut report = |done, all| {
        bar.set_length(all);
        bar.set_position(done);
    };
    let (from, to): (Box<dyn EventLog>, Box<dyn EventLog>);
    let moved = match (args.from.strip_prefix("sqlite://"), args.to.strip_prefix("sqlite://")) {
        (Some(dir), None) => {
            // Opened for writing, so that no service writes to it meanwhile.
            let file = EmbeddedLog::open(Path::new(dir), &embedded::Options::default())?;
            let there = servers(&args.to, common)?;
            let moved = out_of_file(&file, &*there, steps(&args.to), &mut report)?;
            (from, to) = (Box::new(file), there);
            moved
        }
        (None, Some(dir)) => {
            let there = servers(&args.from, common)?;
            let moved = into_file(&*there, Path::new(dir), &mut report)?;
            (from, to) = (there, Box::new(EmbeddedLog::open_read_only(Path::new(dir))?));
            moved
        }
        (None, None) if args.from != args.to => {
            // By way of the file that every engine can be copied to and from.
            let (here, there) = (servers(&args.from, common)?, servers(&args.to, common)?);
            let between = tempfile::tempdir_in(&common.data).map_err(CliError::failed)?;
            into_file(&*here, between.path(), &mut |_, _| {})?;
            let file = EmbeddedLog::open(between.path(), &embedded::Options::default())?;
            let moved = out_of_file(&file, &*there, steps(&args.to), &mut report)?;
            (from, to) = (here, there);
            moved
        }
        _ => return Err(CliError::told(Exit::Usage, texts::TWO_PLACES)),
    };
    bar.set_message("comparing lights");
    let compared = compare_lights(&*from, &*to);
    bar.finish_and_clear();
    let lights = compared?;
    out.tell(texts::SAME_LIGHTS.with(&[&lights]));
    print(out, texts::MOVED, &moved)
}

/// Opens a log on servers.
fn servers(url: &str, common: &Common) -> Result<Box<dyn EventLog>, CliError> {
    if postgres::is_ours(url) {
        return Ok(Box::new(PostgresLog::open(url, &common.data, &postgres::Options::default())?));
    }
    #[cfg(feature = "cluster")]
    {
        use crate::log::cluster::{ClusterLog, Options};
        Ok(Box::new(ClusterLog::open(url, &common.data, &Options::default())?))
    }
    #[cfg(not(feature = "cluster"))]
    Err(CliError::told(Exit::Usage, texts::NO_SUCH_PLACE))
}

/// Returns how appends are sent to a log on servers.
fn steps(url: &str) -> Steps {
    if postgres::is_ours(url) { Steps::Together } else { Steps::OneByOne }
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
