//! `warnlight key`: makes, lists and revokes keys while the service is down; while it runs, its API does (`/api/v1/keys`).

use super::Common;
use super::exit::{CliError, Exit};
use super::out::{Format, Out};
use crate::clock::SystemClock;
use crate::domain::access::Scope;
use crate::domain::envelope::Origin;
use crate::domain::time::{self, Instant, local};
use crate::domain::words::Role;
use crate::http::access::{Keyring, KeyringError, NewKey};
use crate::http::api::keys::{KeyInfo, KeyMade};
use crate::service::{ServiceError, open_log, open_log_read_only};
use crate::settings::Settings;
use clap::{Args, Subcommand};
use std::sync::Arc;
use uuid::Uuid;

/// Make, list and revoke keys.
#[derive(Debug, Args)]
pub(super) struct KeyArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a key. It is printed once and stored nowhere.
    Create(CreateArgs),
    /// List all keys, revoked ones too; works while the service runs.
    List,
    /// Revoke a key.
    Revoke {
        /// Its id, as listed.
        id: Uuid,
        /// Why; shown in the record.
        #[arg(long, default_value = "revoked on the command line")]
        reason: String,
    },
}

#[derive(Debug, Args)]
struct CreateArgs {
    /// Name shown in records, such as the office that gets it.
    #[arg(long)]
    name: String,
    /// operator, regulator, bank, lead or admin.
    #[arg(long)]
    role: Role,
    /// Mall it is for (operators); may be given several times.
    #[arg(long = "mall", value_name = "MALL")]
    malls: Vec<String>,
    /// Sector it is for (regulators); may be given several times; none means all.
    #[arg(long = "sector", value_name = "ID")]
    sectors: Vec<String>,
    /// Division or first digits of one (regulators, lead office); may be given several times; none means all.
    #[arg(long = "division", value_name = "DIGITS")]
    divisions: Vec<String>,
    /// Bank it is for (banks).
    #[arg(long)]
    bank: Option<String>,
    /// Not valid after this instant, such as 2026-12-31T18:00:00+08:00.
    #[arg(long, value_name = "INSTANT", value_parser = time::instant)]
    expires_at: Option<Instant>,
}

pub(super) fn run(args: &KeyArgs, common: &Common, out: &mut Out) -> Result<Exit, CliError> {
    let settings = Settings::load(common.config.as_deref())?;
    let log = match &args.action {
        Action::List => open_log_read_only(&settings, &common.data)?,
        Action::Create(_) | Action::Revoke { .. } => open_log(&settings, &common.data)?,
    };
    let keyring = Keyring::open(log, Arc::new(SystemClock))?;
    let origin = Origin::of("command line");
    match &args.action {
        Action::Create(wanted) => create(&keyring, &settings, wanted, &origin, out),
        Action::List => list(&keyring, out),
        Action::Revoke { id, reason } => {
            keyring.revoke(*id, reason, &origin)?;
            out.remark(format_args!("revoked `{id}`; sessions begun with it are over"));
            Ok(Exit::Done)
        }
    }
}

fn create(
    keyring: &Keyring,
    settings: &Settings,
    wanted: &CreateArgs,
    origin: &Origin,
    out: &mut Out,
) -> Result<Exit, CliError> {
    let policies = crate::service::load_policies(settings).map_err(ServiceError::from)?;
    if let Some(sector) = wanted.sectors.iter().find(|sector| policies.sectors.get(sector).is_none()) {
        let known: Vec<&str> = policies.sectors.all().iter().map(|sector| sector.id.as_str()).collect();
        let message = format!("there is no sector `{sector}`; use one of {}", known.join(", "));
        return Err(CliError::new(Exit::Usage, message));
    }
    let scope = Scope {
        role: wanted.role,
        malls: wanted.malls.clone(),
        sectors: wanted.sectors.clone(),
        divisions: wanted.divisions.clone(),
        bank: wanted.bank.clone(),
    };
    let new = NewKey { name: wanted.name.clone(), scope, expires_at: wanted.expires_at };
    let (text, key) = keyring.create(new, origin)?;
    match out.format() {
        Format::Json => out.json(&KeyMade { secret: text.expose().to_owned(), key: KeyInfo::from(&*key) })?,
        // Alone on stdout, so that a script can take it.
        Format::Table => out.line(text.expose())?,
    }
    out.remark(format_args!("key `{}` for {} ({}); it is shown this once", key.id, key.name, key.scope.role));
    Ok(Exit::Done)
}

fn list(keyring: &Keyring, out: &mut Out) -> Result<Exit, CliError> {
    let keys = keyring.all();
    if out.format() == Format::Json {
        keys.iter().try_for_each(|key| out.json(&KeyInfo::from(&**key)))?;
        return Ok(Exit::Done);
    }
    let now = Instant::now();
    let rows: Vec<[String; 6]> = keys
        .iter()
        .map(|key| {
            let Scope { role, malls, sectors, divisions, bank } = &key.scope;
            let scope: Vec<&str> =
                malls.iter().chain(sectors).chain(divisions).chain(bank).map(String::as_str).collect();
            let state = match (key.revoked_at, key.is_valid(now)) {
                (Some(_), _) => "revoked",
                (None, false) => "expired",
                (None, true) => "valid",
            };
            let day = local(key.created_at).date().to_string();
            [key.id.to_string(), key.name.to_string(), role.to_string(), scope.join(" "), day, state.to_owned()]
        })
        .collect();
    out.table(["id", "name", "role", "scope", "created", "state"], &rows)?;
    Ok(Exit::Done)
}

impl From<KeyringError> for CliError {
    fn from(error: KeyringError) -> Self {
        match error {
            KeyringError::Log(error) => error.into(),
            KeyringError::Invalid(_) => Self::new(Exit::Usage, error),
            KeyringError::NotFound(_) => Self::new(Exit::NotFound, error),
            KeyringError::Unreadable { .. } | KeyringError::NoRandomness(_) | KeyringError::NotYetSeen => {
                Self::failed(error)
            }
        }
    }
}
