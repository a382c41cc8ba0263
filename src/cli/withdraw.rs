//! `warnlight withdraw`: an import is taken back as a whole.

use super::Common;
use super::exit::{CliError, Exit};
use super::out::{Format, Out};
use super::said::Said;
use super::texts;
use crate::clock::SystemClock;
use crate::domain::access::Scope;
use crate::domain::envelope::Origin;
use crate::domain::time::Instant;
use crate::log::contract::LogError;
use crate::picture::Picture;
use crate::service::{ServiceError, load_policies, open_log, open_log_read_only, start_desk};
use crate::settings::Settings;
use crate::taking::AtService;
use crate::taking::withdrawal::{Withdrawal, WithdrawalError, foresee, withdraw};
use clap::Args;
use std::sync::Arc;
use uuid::Uuid;

/// Withdraw an import as a whole: what it recorded counts no longer, and what it had replaced stands again.
///
/// Nothing is deleted, and what was known before stays as it was. `warnlight import` and the page of a file tell its id. It works beside
/// the running service, too.
#[derive(Debug, Args)]
pub(super) struct WithdrawArgs {
    /// Id of the import.
    #[arg(value_name = "IMPORT")]
    import: Uuid,
    /// Why; it stays on record.
    #[arg(long, value_name = "TEXT", required_unless_present = "dry_run")]
    reason: Option<String>,
    /// Tell what would change and write nothing.
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(args: &WithdrawArgs, common: &Common, out: &mut Out) -> Result<Exit, CliError> {
    let settings = Settings::load(common.config.as_deref())?;
    let import = args.import;
    let withdrawal = match args.reason.as_deref().filter(|_| !args.dry_run) {
        None => {
            let policies = load_policies(&settings).map_err(ServiceError::from)?;
            let log = open_log_read_only(&settings, &common.data)?;
            let picture = Picture::replay(&*log, Arc::new(policies))?;
            foresee(&picture, &*log, &Scope::everything(), Instant::now(), import)?
        }
        Some(reason) => match open_log(&settings, &common.data) {
            Ok(log) => {
                let desk = start_desk(&settings, log, Arc::new(SystemClock))?;
                let done = withdraw(&desk, &Scope::everything(), &Origin::of("import"), import, reason);
                // Lights follow before the desk goes.
                let done = done.and_then(|done| Ok(desk.settle().map(|()| done)?));
                desk.stop();
                done?
            }
            // Whoever has the log withdraws it for us: the service does.
            Err(locked @ ServiceError::Log(LogError::Locked { .. })) => {
                match AtService::withdraw(&common.data, import, reason)? {
                    Some(done) => done?,
                    None => return Err(locked.into()),
                }
            }
            Err(error) => return Err(error.into()),
        },
    };
    tell(args, &withdrawal, out)?;
    Ok(Exit::Done)
}

fn tell(args: &WithdrawArgs, withdrawal: &Withdrawal, out: &mut Out) -> Result<(), CliError> {
    if out.format() == Format::Json {
        return out.json(withdrawal);
    }
    let Withdrawal { events, merchants, tickets, lights, more_lights, leaning_rows, leaning, .. } = withdrawal;
    match &withdrawal.withdrawn {
        Some(told) => {
            out.say(texts::WITHDRAWN.with(&[events, merchants, tickets, &told.at, &told.by, &told.reason]))?
        }
        None => out.say(texts::WOULD_WITHDRAW.with(&[events, merchants, tickets]))?,
    }
    let language = out.language();
    for change in lights {
        let name = change.name.as_deref().unwrap_or_default();
        let [from, to] = [change.from, change.to].map(|light| language.pick(light.zh(), light.name()));
        out.say(texts::LIGHT_BECOMES.with(&[&change.credit_code, &name, &from, &to]))?;
    }
    if *more_lights > 0 {
        out.say(texts::MORE_LIGHTS.with(&[more_lights]))?;
    }
    if *leaning_rows > 0 {
        out.tell(texts::LEANING.with(&[leaning_rows]));
        for file in leaning {
            out.tell(texts::LEANING_FILE.with(&[&file.file, &file.rows]));
        }
    }
    if args.dry_run {
        out.tell(texts::DRY_RUN);
    }
    Ok(())
}

impl From<WithdrawalError> for CliError {
    fn from(error: WithdrawalError) -> Self {
        let said = Said { zh: error.zh(), en: error.to_string() };
        match error {
            WithdrawalError::Desk(error) => error.into(),
            WithdrawalError::NotFound(_) => Self::told(Exit::NotFound, said),
            WithdrawalError::OutOfScope | WithdrawalError::NoReason | WithdrawalError::Reason { .. } => {
                Self::told(Exit::Usage, said)
            }
        }
    }
}
