//! The command line: one file per command.

mod demo;
mod exit;
mod feedback;
mod help;
mod import;
mod key;
mod lights;
mod migrate;
mod out;
mod profile;
mod routes;
mod said;
mod serve;
mod settings;
mod simulate;
mod store;
mod texts;
mod values;

pub use exit::{CliError, Exit};
pub use out::{Format, Out};
pub use said::{Said, Text};

use crate::http::Language;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// Warning lights for prepaid-consumption funds (预付式消费资金存管监测).
#[derive(Debug, Parser)]
#[command(name = "warnlight", version, max_term_width = 110, disable_help_subcommand = true)]
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
    /// Language: zh-CN or en. Default: by WARNLIGHT_LANG, LC_ALL, LANG.
    #[arg(long, value_name = "LANG", global = true, value_parser = ["zh-CN", "en"])]
    pub lang: Option<String>,
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
    Migrate(migrate::MigrateArgs),
    Key(key::KeyArgs),
    Settings(settings::SettingsArgs),
    Profile(profile::ProfileArgs),
    Routes(routes::RoutesArgs),
    Feedback(feedback::FeedbackArgs),
    Simulate(simulate::SimulateArgs),
}

/// Runs the command that this process was started with.
#[must_use]
pub fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    let language = help::language(&arguments, |name| std::env::var(name).ok());
    let command = match language {
        Language::Zh => help::in_chinese(Cli::command()),
        Language::En => Cli::command().after_help(Exit::table(Language::En)),
    };
    let cli = match command.try_get_matches().and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = match language {
                Language::Zh if error.use_stderr() => writeln!(std::io::stderr(), "{}", help::fault(&error)),
                // Help and version come this way, too; they are no errors.
                _ => error.print(),
            };
            return if error.use_stderr() { Exit::Usage } else { Exit::Done }.into();
        }
    };
    let mut out = Out::standard(cli.common.format, language);
    let ended = run(&cli, &mut out).and_then(|exit| out.flush().map(|()| exit));
    match ended {
        Ok(exit) => exit,
        Err(CliError::OutputClosed) => Exit::Done,
        Err(CliError::Failed { exit, message }) => {
            let _ = out.flush();
            let message = message.heard_in(language).to_owned();
            out.remark(format_args!("{}{message}", language.pick("warnlight：", "warnlight: ")));
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
        Command::Migrate(args) => migrate::run(args, common, out),
        Command::Settings(_) => settings::run(common, out),
        Command::Routes(args) => routes::run(args, common, out),
        Command::Profile(args) => profile::run(args, common, out),
        Command::Feedback(args) => feedback::run(args, common, out),
        Command::Simulate(args) => simulate::run(args, out),
    }
}
