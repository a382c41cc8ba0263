//! `warnlight key`: makes, lists and revokes keys while the service is down; while it runs, its API does (`/api/v1/keys`).

use super::Common;
use super::exit::{CliError, Exit};
use super::out::{Format, Out};
use super::said::Said;
use super::{texts, values};
use crate::clock::SystemClock;
use crate::domain::access::Scope;
use crate::domain::code::CreditCode;
use crate::domain::envelope::{Origin, Position};
use crate::domain::name_key;
use crate::domain::time::{Instant, local};
use crate::domain::words::Role;
use crate::domain::world::World;
use crate::http::access::{Keyring, KeyringError, NewKey};
use crate::http::api::keys::{KeyInfo, KeyMade};
use crate::log::contract::EventLog;
use crate::picture::Picture;
use crate::service::{ServiceError, open_log, open_log_read_only};
use crate::settings::Settings;
use clap::{Args, Subcommand};
use std::collections::BTreeSet;
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
        #[arg(value_parser = values::key_id)]
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
    /// operator, regulator, bank, lead, admin or merchant.
    #[arg(long, value_parser = values::role)]
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
    /// Credit code of the merchant whose log-in it is (merchants).
    #[arg(long, value_name = "CODE", value_parser = values::credit_code)]
    merchant: Option<CreditCode>,
    /// Not valid after this instant, such as 2026-12-31T18:00:00+08:00.
    #[arg(long, value_name = "INSTANT", value_parser = values::instant)]
    expires_at: Option<Instant>,
    /// The mall or division has no merchant yet, and is meant as written.
    #[arg(long)]
    new: bool,
}

pub(super) fn run(args: &KeyArgs, common: &Common, out: &mut Out) -> Result<Exit, CliError> {
    let settings = Settings::load(common.config.as_deref())?;
    let log = match &args.action {
        Action::List => open_log_read_only(&settings, &common.data)?,
        Action::Create(_) | Action::Revoke { .. } => open_log(&settings, &common.data)?,
    };
    let keyring = Keyring::open(log.clone(), Arc::new(SystemClock))?;
    let origin = Origin::of("command line");
    match &args.action {
        Action::Create(wanted) => create(&keyring, &log, &settings, wanted, &origin, out),
        Action::List => list(&keyring, out),
        Action::Revoke { id, reason } => {
            keyring.revoke(*id, reason, &origin)?;
            out.tell(texts::REVOKED_KEY.with(&[id]));
            Ok(Exit::Done)
        }
    }
}

fn create(
    keyring: &Keyring,
    log: &Arc<dyn EventLog>,
    settings: &Settings,
    wanted: &CreateArgs,
    origin: &Origin,
    out: &mut Out,
) -> Result<Exit, CliError> {
    if let Some(past) = wanted.expires_at.filter(|at| *at <= Instant::now()) {
        return Err(CliError::told(Exit::Usage, texts::EXPIRY_PAST.with(&[&past])));
    }
    let policies = crate::service::load_policies(settings).map_err(ServiceError::from)?;
    if let Some(sector) = wanted.sectors.iter().find(|sector| policies.sectors.get(sector).is_none()) {
        let known: Vec<&str> = policies.sectors.all().iter().map(|sector| sector.id.as_str()).collect();
        return Err(CliError::told(Exit::Usage, texts::UNKNOWN_SECTOR.with(&[sector, &known.join(", ")])));
    }
    let names_places = !wanted.malls.is_empty() || !wanted.divisions.is_empty();
    if names_places && !wanted.new {
        let state = Picture::replay(&**log, Arc::new(policies))?;
        is_known(&state.world, wanted)?;
    }
    let scope = Scope {
        role: wanted.role,
        malls: wanted.malls.clone(),
        sectors: wanted.sectors.clone(),
        divisions: wanted.divisions.clone(),
        bank: wanted.bank.clone(),
        merchant: wanted.merchant,
    };
    let new = NewKey { name: wanted.name.clone(), scope, expires_at: wanted.expires_at };
    let (text, key) = keyring.create(new, origin)?;
    match out.format() {
        Format::Json => out.json(&KeyMade::new(&text, &key))?,
        // Alone on stdout, so that a script can take it.
        Format::Table => out.line(text.expose())?,
    }
    out.tell(texts::KEY_MADE.with(&[&key.id, &key.name, &key.scope.role]));
    let (zh, en) = key.scope.told();
    out.tell(Said { zh, en });
    Ok(Exit::Done)
}

/// Refuses malls and divisions that no merchant is in: a misspelt one would open nothing, or too much. Before the first
/// merchant anything may be right.
fn is_known(world: &World, wanted: &CreateArgs) -> Result<(), CliError> {
    let merchants = world.merchants();
    if merchants.is_empty() {
        return Ok(());
    }
    let malls: BTreeSet<&str> =
        merchants.iter().flat_map(|merchant| &merchant.shops).map(|shop| &*shop.name.mall).collect();
    if let Some(mall) = wanted.malls.iter().find(|mall| !malls.iter().any(|known| name_key::same(known, mall))) {
        let known: Vec<&str> = malls.into_iter().filter(|mall| !mall.is_empty()).take(MALLS_NAMED).collect();
        let known = if known.is_empty() { texts::NONE_KNOWN.into() } else { Said::same(known.join(", ")) };
        let said = texts::UNKNOWN_MALL;
        let [zh, en] = [&known.zh, &known.en].map(|known| said.with(&[mall, known]));
        return Err(CliError::told(Exit::Usage, Said { zh: zh.zh, en: en.en }));
    }
    let has_merchant = |prefix: &&String| {
        merchants
            .iter()
            .filter_map(|merchant| merchant.division(Position::MAX))
            .any(|division| division.lies_in(prefix))
    };
    match wanted.divisions.iter().find(|prefix| !has_merchant(prefix)) {
        Some(prefix) => Err(CliError::told(Exit::Usage, texts::UNKNOWN_DIVISION.with(&[prefix]))),
        None => Ok(()),
    }
}

/// Malls named when one is not known.
const MALLS_NAMED: usize = 20;

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
            let Scope { role, malls, sectors, divisions, bank, merchant } = &key.scope;
            let scope: Vec<&str> = malls
                .iter()
                .chain(sectors)
                .chain(divisions)
                .chain(bank)
                .map(String::as_str)
                .chain(merchant.as_ref().map(CreditCode::as_str))
                .collect();
            let state = match (key.revoked_at, key.is_valid(now)) {
                (Some(_), _) => texts::STATE_REVOKED,
                (None, false) => texts::STATE_EXPIRED,
                (None, true) => texts::STATE_VALID,
            };
            let day = local(key.created_at).date().to_string();
            [
                key.id.to_string(),
                key.name.to_string(),
                role.to_string(),
                scope.join(" "),
                day,
                out.text(state).to_owned(),
            ]
        })
        .collect();
    let heading =
        [texts::KEY_ID, texts::KEY_NAME, texts::KEY_ROLE, texts::KEY_SCOPE, texts::KEY_CREATED, texts::KEY_STATE];
    out.table(heading.map(|text| out.text(text)), &rows)?;
    Ok(Exit::Done)
}

impl From<KeyringError> for CliError {
    fn from(error: KeyringError) -> Self {
        match error {
            KeyringError::Log(error) => error.into(),
            KeyringError::Invalid { zh, en } => {
                Self::told(Exit::Usage, Said { zh: format!("密钥不能这样建立：{zh}"), en: en.to_owned() })
            }
            // The command line is right; what it asks for is not done.
            KeyringError::LastAdmin => Self::told(Exit::Failed, texts::KEY_LAST_ADMIN.with(&[&error])),
            KeyringError::NotFound(id) => Self::told(Exit::NotFound, texts::KEY_NOT_FOUND.with(&[&id, &error])),
            // An event that the chain vouches for and nobody can read is damage like any other.
            KeyringError::Unreadable { .. } => Self::new(Exit::Damaged, error),
            KeyringError::NoRandomness(_) | KeyringError::NotYetSeen => Self::failed(error),
        }
    }
}
