//! `warnlight demo`: the whole service on a made-up district, its days passing.

use super::Common;
use super::exit::{CliError, Exit};
use super::out::Out;
use super::serve::{trace_to_file, until_told};
use super::{texts, values};
use crate::clock::{Clock, ManualClock, SystemClock};
use crate::demo::{Programme, Stage};
use crate::desk::{Desk, DeskError};
use crate::domain::access::{PublicPart, Scope};
use crate::domain::envelope::{Origin, Position};
use crate::domain::merchant::{Horizon, Merchant};
use crate::domain::words::{Light, Role};
use crate::http::access::{Keyring, NewKey};
use crate::http::demo::{Demonstration, Guest, Wish};
use crate::lights::moment::sector_of;
use crate::service::{open_log, start_desk, start_mail, start_tray};
use crate::settings::Settings;
#[cfg(feature = "telemetry")]
use crate::trail::otlp;
use clap::Args;
use crossbeam_channel::{Receiver, bounded, select};
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

/// Show the service on a made-up district whose days pass.
///
/// Everything lives in a temporary folder that is removed at the end. Mails become files in its spool folder, unless the
/// settings name a mail server. Stop it with Ctrl-C.
#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// How many registered merchants.
    #[arg(long, value_name = "N", default_value_t = 300, value_parser = values::number::<1, 20_000>)]
    merchants: u64,
    /// Other seeds give other districts.
    #[arg(long, value_name = "S", default_value_t = 1, value_parser = values::number::<0, { u64::MAX }>)]
    seed: u64,
    /// How long a day lasts.
    #[arg(long, value_name = "SECONDS", default_value_t = 12, value_parser = values::number::<1, 86_400>)]
    day: u64,
}

/// Days that pass before the doors open, so that there are mails to look at.
const FIRST_DAYS: usize = 7;

/// Somebody to come in as.
struct Person {
    name: String,
    scope: Scope,
}

/// Where the keys are written for whoever wants to ask the API.
const KEYS: &str = "keys.txt";

pub(super) fn run(args: &DemoArgs, common: &Common, out: &mut Out) -> Result<Exit, CliError> {
    let mut settings = Settings::load(common.config.as_deref())?;
    if settings.public.shows.is_empty() {
        // There is nothing real to keep to oneself; the colour stays with the offices here, too.
        settings.public.shows = vec![PublicPart::Filing, PublicPart::Custody, PublicPart::Exits];
    }
    #[cfg(feature = "telemetry")]
    let _sending = settings.trace.otlp.as_deref().map(otlp::start).transpose().map_err(CliError::failed)?;
    let folder = tempfile::Builder::new()
        .prefix("warnlight-demo-")
        .tempdir()
        .map_err(|error| CliError::told(Exit::Failed, texts::NO_TEMPORARY_FOLDER.with(&[&error])))?;
    // Beside the log of events: on the screen it would bury the keys.
    let says = folder.path().join("demo.log");
    let file = File::create(&says)
        .map_err(|error| CliError::told(Exit::Failed, texts::NO_DEMO_LOG.with(&[&says.display(), &error])))?;
    trace_to_file(&settings.trace, file);
    let programme = Programme::new(args.merchants, args.seed);
    let clock = Arc::new(ManualClock::new(Stage::opening(&programme)));
    let log = open_log(&settings, folder.path())?;
    let keyring = Arc::new(Keyring::open(log.clone(), clock.clone())?);
    let desk = start_desk(&settings, log, clock.clone())?;
    out.tell(texts::ENTERING_HISTORY.with(&[&args.merchants]));
    let mut stage = Stage::set(&programme, desk.clone(), clock).map_err(CliError::from)?;
    for _ in 0..FIRST_DAYS {
        stage.next_day().map_err(CliError::from)?;
    }
    let mut guests = Vec::new();
    for Person { name, scope } in people(&desk) {
        let role = scope.role;
        let (key, _) = keyring.create(NewKey { name: name.clone(), scope, expires_at: None }, &Origin::of("demo"))?;
        guests.push(Guest { role, name, key: key.expose().to_owned() });
    }
    let keys = folder.path().join(KEYS);
    write_keys(&keys, &guests)
        .map_err(|error| CliError::told(Exit::Failed, texts::NO_DEMO_KEYS.with(&[&keys.display(), &error])))?;
    let mail = Arc::new(start_mail(&settings, folder.path(), &desk)?);
    let tray = Arc::new(start_tray(&settings, folder.path(), &desk)?);
    let (stop, stopped) = bounded(0);
    let (wishes, wished) = bounded(0);
    let days = pass(stage, Duration::from_secs(args.day), stopped, wished)?;
    let demonstration = Some(Demonstration { guests, wishes });
    let spool = folder.path().join(&settings.mail.spool);
    // Sessions last by the wall clock: the district's days are too short to stay logged in for.
    let sessions: Arc<dyn Clock> = Arc::new(SystemClock);
    let ended = until_told(&settings, &desk, (&mail, &tray, None), keyring, sessions, demonstration, |address| {
        out.say(texts::OPEN_THE_DEMO.with(&[&address]))?;
        out.say(texts::DEMO_KEYS.with(&[&keys.display()]))?;
        if settings.mail.smtp.is_none() {
            out.say(texts::DEMO_MAILS.with(&[&spool.display()]))?;
        }
        out.say(texts::DEMO_LOG.with(&[&says.display()]))?;
        out.say(texts::A_DAY_LASTS.with(&[&args.day]))?;
        out.flush()
    });
    drop(stop);
    let passed = days.join();
    tray.stop();
    drop(mail);
    desk.stop();
    ended?;
    match passed {
        Ok(Ok(())) => Ok(Exit::Done),
        Ok(Err(error)) => Err(CliError::from(error)),
        Err(_) => Err(CliError::told(Exit::Failed, texts::DEMO_BROKE_OFF)),
    }
}

/// Writes the keys where only this user reads them.
fn write_keys(path: &Path, guests: &[Guest]) -> io::Result<()> {
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(path)?;
    guests.iter().try_for_each(|guest| writeln!(file, "{}\t{}\t{}", guest.role.name(), guest.name, guest.key))
}

/// Lets the days pass, each when its time is over or when somebody wishes it, until the programme is over or `stopped` is closed.
fn pass(
    mut stage: Stage,
    day: Duration,
    stopped: Receiver<()>,
    wished: Receiver<Wish>,
) -> Result<JoinHandle<Result<(), DeskError>>, CliError> {
    let days = move || {
        let mut is_over = false;
        loop {
            let wish = select! {
                recv(stopped) -> _ => return Ok(()),
                recv(wished) -> wish => wish.ok(),
                default(day) => None,
            };
            if !is_over {
                is_over = !stage.next_day()?;
                match is_over {
                    false => tracing::info!(day = %stage.today(), "A day has passed"),
                    true => {
                        tracing::info!(day = %stage.today(), "The last day of the demonstration has come; time stands still now");
                    }
                }
            }
            if let Some(wish) = wish {
                // Whoever went away meanwhile needs no word.
                let _ = wish.send(());
            }
        }
    };
    let thread = std::thread::Builder::new().name("demo".to_owned()).spawn(days);
    thread.map_err(|error| CliError::told(Exit::Failed, texts::NO_THREAD.with(&[&error])))
}

/// Returns people whose scope has something to show: the lead office, the regulators of the two sectors, the operator of the mall and
/// the bank with the most merchants that are not green, and one of these merchants.
fn people(desk: &Desk) -> Vec<Person> {
    let state = desk.picture();
    let horizon = Horizon::new(desk.now(), Position::MAX);
    let mut sectors: HashMap<&str, usize> = HashMap::new();
    let mut malls: HashMap<&str, usize> = HashMap::new();
    let mut banks: HashMap<&str, usize> = HashMap::new();
    let mut troubled: Option<&Merchant> = None;
    for merchant in state.world.merchants().iter().filter(|it| state.lights.light(it.code) > Light::Green) {
        if let Some(sector) = sector_of(merchant, &horizon, &state.policies) {
            *sectors.entry(sector).or_default() += 1;
        }
        if let Some(bank) = merchant.bank() {
            *banks.entry(bank).or_default() += 1;
        }
        // One that is open, on file, and has something to mend: the first such, so that a seed always shows the same.
        let mends = merchant.bank().is_some() && state.lights.light(merchant.code) == Light::Orange;
        if mends && !merchant.has_closed_shop() {
            troubled.get_or_insert(merchant);
        }
        for shop in merchant.shops.iter().filter(|shop| !shop.name.mall.is_empty()) {
            *malls.entry(&shop.name.mall).or_default() += 1;
        }
    }
    let bare = |role| Scope { role, ..Scope::everything() };
    let mut people = vec![Person { name: "海淀区 Haidian".to_owned(), scope: bare(Role::Lead) }];
    for sector in most(sectors).into_iter().take(2) {
        let known = state.policies.sectors.get(sector);
        let name = known.map_or_else(|| sector.to_owned(), |known| format!("{} {}", known.zh, known.en));
        let scope = Scope { sectors: vec![sector.to_owned()], ..bare(Role::Regulator) };
        people.push(Person { name, scope });
    }
    for mall in most(malls).into_iter().take(1) {
        let scope = Scope { malls: vec![mall.to_owned()], ..bare(Role::Operator) };
        people.push(Person { name: mall.to_owned(), scope });
    }
    for bank in most(banks).into_iter().take(1) {
        let scope = Scope { bank: Some(bank.to_owned()), ..bare(Role::Bank) };
        people.push(Person { name: bank.to_owned(), scope });
    }
    if let Some(merchant) = troubled {
        let name = merchant.name(Position::MAX).unwrap_or(merchant.code.as_str()).to_owned();
        people.push(Person { name, scope: Scope { merchant: Some(merchant.code), ..bare(Role::Merchant) } });
    }
    people
}

/// Returns names by falling count; of equals in order of name, so that a seed always shows the same.
fn most(counts: HashMap<&str, usize>) -> Vec<&str> {
    let mut counts: Vec<(&str, usize)> = counts.into_iter().collect();
    counts.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    counts.into_iter().map(|(name, _)| name).collect()
}
