//! The command line: one file per command.

mod demo;
mod exit;
mod import;
mod key;
mod lights;
#[cfg(feature = "cluster")]
mod migrate;
mod out;
mod serve;
mod settings;
mod simulate;
mod store;

pub use exit::{CliError, Exit};
pub use out::{Format, Out};

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

/// Warning lights for prepaid-consumption funds (预付式消费资金存管监测).
#[derive(Debug, Parser)]
#[command(name = "warnlight", version, after_help = Exit::TABLE, max_term_width = 110)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
pub struct Common {
    /// Folder that holds the event log and everything made from it.
    #[arg(long, value_name = "DIR", default_value = "data", global = true, env = "WARNLIGHT_DATA")]
    pub data: PathBuf,
    /// Settings file (TOML); `warnlight settings` lists what can be set.
    #[arg(long, value_name = "FILE", global = true, env = "WARNLIGHT_CONFIG")]
    pub config: Option<PathBuf>,
    /// Shape of the results.
    #[arg(long, value_enum, default_value_t, global = true)]
    pub format: Format,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::ServeArgs),
    Demo(demo::DemoArgs),
    Import(import::ImportArgs),
    Lights(lights::LightsArgs),
    Explain(lights::ExplainArgs),
    Verify(store::VerifyArgs),
    Backup(store::BackupArgs),
    Restore(store::RestoreArgs),
    #[cfg(feature = "cluster")]
    Migrate(migrate::MigrateArgs),
    Key(key::KeyArgs),
    Settings(settings::SettingsArgs),
    Simulate(simulate::SimulateArgs),
}

/// Runs the command that this process was started with.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version come this way, too; they are no errors.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage } else { Exit::Done }.into();
        }
    };
    let mut out = Out::standard(cli.common.format);
    let ended = run(&cli, &mut out).and_then(|exit| out.flush().map(|()| exit));
    match ended {
        Ok(exit) => exit,
        Err(CliError::OutputClosed) => Exit::Done,
        Err(CliError::Failed { exit, message }) => {
            let _ = out.flush();
            out.remark(format_args!("warnlight: {message}"));
            exit
        }
    }
    .into()
}

fn run(cli: &Cli, out: &mut Out) -> Result<Exit, CliError> {
    let common = &cli.common;
    match &cli.command {
        Command::Serve(args) => serve::run(args, common, out),
        Command::Demo(args) => demo::run(args, common, out),
        Command::Key(args) => key::run(args, common, out),
        Command::Import(args) => import::run(args, common, out),
        Command::Lights(args) => lights::run_lights(args, common, out),
        Command::Explain(args) => lights::run_explain(args, common, out),
        Command::Verify(args) => store::run_verify(args, common, out),
        Command::Backup(args) => store::run_backup(args, common, out),
        Command::Restore(args) => store::run_restore(args, common, out),
        #[cfg(feature = "cluster")]
        Command::Migrate(args) => migrate::run(args, common, out),
        Command::Settings(_) => settings::run(common, out),
        Command::Simulate(args) => simulate::run(args, out),
    }
}
