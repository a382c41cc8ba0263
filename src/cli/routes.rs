//! `warnlight routes`: who is told about a merchant, and why these.

use super::Common;
use super::exit::{CliError, Exit};
use super::out::{Format, Out};
use super::{texts, values};
use crate::alerts::recipients::{Ground, Place, Recipients, Told};
use crate::alerts::request::About;
use crate::domain::code::CreditCode;
use crate::domain::envelope::Position;
use crate::domain::merchant::Horizon;
use crate::domain::time::{Day, Instant, day_of};
use crate::picture::Picture;
use crate::policy::follow_up::Upward;
use crate::service::{ServiceError, load_policies, load_recipients, open_log_read_only};
use crate::settings::Settings;
use clap::{Args, Subcommand};
use serde::Serialize;
use std::sync::Arc;

/// Look at who is told about whom.
#[derive(Debug, Args)]
pub(super) struct RoutesArgs {
    #[command(subcommand)]
    command: RoutesCommand,
}

#[derive(Debug, Subcommand)]
enum RoutesCommand {
    Test(TestArgs),
}

/// Check the list of recipients and routes with its expectations; with a credit code, say who is told about that merchant and why.
#[derive(Debug, Args)]
struct TestArgs {
    /// Unified social credit code (统一社会信用代码).
    #[arg(value_parser = values::credit_code)]
    code: Option<CreditCode>,
    /// Instant for which it is asked, such as 2025-06-30T18:00:00+08:00; without an offset it is Beijing time. Default: now.
    #[arg(long, value_name = "T", value_parser = values::instant)]
    at: Option<Instant>,
}

#[derive(Debug, Serialize)]
struct Printed {
    credit_code: CreditCode,
    at: Instant,
    sector: Option<String>,
    /// `assigned`, `industry_code`, or absent if the sector is undetermined.
    sector_by: Option<&'static str>,
    division: Option<String>,
    street: Option<String>,
    told: Vec<PrintedStep>,
}

#[derive(Debug, Serialize)]
struct PrintedStep {
    to: &'static str,
    recipients: Vec<String>,
    because: Vec<PrintedGround>,
    stood_in_for: Vec<(String, String)>,
}

#[derive(Debug, Serialize)]
struct PrintedGround {
    place: String,
    sector: String,
    division: String,
    street: Option<String>,
}

pub(super) fn run(args: &RoutesArgs, common: &Common, out: &mut Out) -> Result<Exit, CliError> {
    let RoutesCommand::Test(args) = &args.command;
    let settings = Settings::load(common.config.as_deref())?;
    let policies = load_policies(&settings).map_err(ServiceError::from)?;
    let (list, _) = load_recipients(&settings, &policies)?;
    let Some(code) = args.code else {
        let (entries, expectations) = list.size();
        out.say(texts::ROUTES_FIT.with(&[&entries, &expectations]))?;
        return Ok(Exit::Done);
    };
    let log = open_log_read_only(&settings, &common.data)?;
    let picture = Picture::replay(&*log, Arc::new(policies))?;
    let at = args.at.unwrap_or_else(Instant::now);
    let horizon = Horizon::new(at, Position::MAX);
    let Some(merchant) = picture.world.get(code).filter(|merchant| merchant.exists(&horizon)) else {
        return Err(CliError::told(Exit::NotFound, texts::NOTHING_KNOWN.with(&[&code])));
    };
    let about = About::of(merchant, &horizon, &picture.policies);
    let by = match merchant.assigned_sector(&horizon) {
        Some(_) => Some("assigned"),
        None => about.sector.as_ref().map(|_| "industry_code"),
    };
    let printed = Printed {
        credit_code: code,
        at,
        sector_by: by,
        division: about.place.division.map(|division| division.to_string()),
        street: about.place.street.clone(),
        told: steps(&list, about.sector.as_deref(), &about.place, day_of(at)),
        sector: about.sector,
    };
    print(&printed, out)
}

/// Returns who is told of a light, then of what is late.
fn steps(list: &Recipients, sector: Option<&str>, place: &Place, day: Day) -> Vec<PrintedStep> {
    let step = |to: Upward| {
        let Told { recipients, because, stood_in_for, .. } = list.called_upon(to, sector, place, day);
        let ground = |(place, Ground { remit, division, street }): (String, Ground)| PrintedGround {
            place,
            sector: remit.name().to_owned(),
            division,
            street,
        };
        PrintedStep {
            to: to.name(),
            recipients: recipients
                .into_iter()
                .map(|recipient| format!("{} <{}>", recipient.office, recipient.address))
                .collect(),
            because: because.into_iter().map(ground).collect(),
            stood_in_for,
        }
    };
    [Upward::Officer, Upward::Head, Upward::Lead].map(step).into()
}

fn print(printed: &Printed, out: &mut Out) -> Result<Exit, CliError> {
    if out.format() == Format::Json {
        out.json(printed)?;
        return Ok(Exit::Done);
    }
    let nothing = || "-".to_owned();
    let sector = printed.sector.clone().unwrap_or_else(nothing);
    let by = out.text(match printed.sector_by {
        Some("assigned") => texts::SECTOR_ASSIGNED,
        Some(_) => texts::SECTOR_BY_CODE,
        None => texts::SECTOR_UNDETERMINED,
    });
    let place = [printed.division.clone(), printed.street.clone()].into_iter().flatten().collect::<Vec<_>>().join(" ");
    out.say(texts::ROUTED_BY.with(&[
        &printed.credit_code,
        &sector,
        &by,
        &if place.is_empty() { nothing() } else { place },
    ]))?;
    for step in &printed.told {
        let to = out.text(match step.to {
            "officer" => texts::TOLD_OFFICER,
            "head" => texts::TOLD_HEAD,
            _ => texts::TOLD_LEAD,
        });
        out.line("")?;
        out.line(to)?;
        for recipient in &step.recipients {
            out.line(format_args!("  {recipient}"))?;
        }
        if step.recipients.is_empty() {
            out.line(format_args!("  {}", out.text(texts::TOLD_NOBODY)))?;
        }
        for PrintedGround { place, sector, division, street } in &step.because {
            let ground = [division.as_str(), street.as_deref().unwrap_or_default()].join(" ");
            out.say(texts::TOLD_BECAUSE.with(&[place, sector, &ground.trim()]))?;
        }
        for (away, deputy) in &step.stood_in_for {
            out.say(texts::STANDS_IN.with(&[deputy, away]))?;
        }
    }
    Ok(Exit::Done)
}
