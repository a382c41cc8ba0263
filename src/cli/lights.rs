//! `warnlight lights`: every merchant's light as of an instant.

use super::Common;
use super::exit::{CliError, Exit};
use super::out::{Format, Out};
use crate::desk::State;
use crate::domain::access::Scope;
use crate::domain::code::CreditCode;
use crate::domain::envelope::Position;
use crate::domain::event::Reason;
use crate::domain::time::{Instant, instant_of};
use crate::domain::words::Light;
use crate::log::contract::EventLog;
use crate::service::{load_policies, open_log_read_only};
use crate::settings::Settings;
use crate::views::View;
use clap::Args;
use jiff::civil::DateTime;
use serde::Serialize;
use std::sync::Arc;

/// Show the light of every merchant as of an instant, derived from the evidence.
#[derive(Debug, Args)]
pub(super) struct LightsArgs {
    #[command(flatten)]
    as_of: AsOf,
}

/// Show one merchant's light as of an instant with every reason: facts, values, thresholds, clauses, events.
#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// Unified social credit code (统一社会信用代码).
    code: CreditCode,
    #[command(flatten)]
    as_of: AsOf,
}

/// The two clocks.
#[derive(Debug, Args)]
struct AsOf {
    /// Instant of truth, such as 2025-06-30T18:00:00+08:00; without an offset it is Beijing time. Default: now.
    #[arg(long, value_name = "T", value_parser = instant)]
    at: Option<Instant>,
    /// Use only what was recorded by this instant. Default: everything recorded.
    #[arg(long, value_name = "T", value_parser = instant)]
    known_at: Option<Instant>,
}

/// A light as printed.
#[derive(Debug, Serialize)]
struct Printed {
    credit_code: CreditCode,
    light: Light,
    reasons: Vec<Reason>,
}

fn instant(text: &str) -> Result<Instant, String> {
    let local = || text.parse::<DateTime>().map(instant_of);
    text.parse::<Instant>().or_else(|_| local()).map_err(|_| {
        format!("`{text}` is not an instant; write it like 2025-06-30T18:00:00+08:00, or 2025-06-30 for 00:00")
    })
}

/// The log folded, with the clocks set.
struct Picture {
    log: Arc<dyn EventLog>,
    state: State,
    at: Instant,
    known: Position,
}

impl AsOf {
    fn picture(&self, common: &Common) -> Result<Picture, CliError> {
        let settings = Settings::load(common.config.as_deref())?;
        let policies = load_policies(&settings).map_err(|error| CliError::new(Exit::Usage, error))?;
        let log = open_log_read_only(&settings, &common.data)?;
        let state = State::replay(&*log, Arc::new(policies))?;
        let known = match self.known_at {
            Some(known_at) => log.position_at(known_at)?,
            None => Position::MAX,
        };
        Ok(Picture { log, state, at: self.at.unwrap_or_else(Instant::now), known })
    }
}

impl Picture {
    fn light(&self, scope: &Scope, code: CreditCode) -> Result<Option<Printed>, CliError> {
        let view = View {
            world: &self.state.world,
            lights: &self.state.lights,
            policies: &self.state.policies,
            scope,
            now: self.at,
        };
        let horizon = crate::domain::merchant::Horizon::new(self.at, self.known);
        let Some(merchant) = view.merchant(code).filter(|merchant| merchant.exists(&horizon)) else { return Ok(None) };
        let explained = view.explain(&*self.log, merchant, self.at, self.known)?;
        Ok(Some(Printed { credit_code: code, light: explained.light, reasons: explained.reasons }))
    }
}

pub(super) fn run_lights(args: &LightsArgs, common: &Common, out: &mut Out) -> Result<Exit, CliError> {
    let picture = args.as_of.picture(common)?;
    let scope = Scope::everything();
    let mut codes: Vec<CreditCode> = picture.state.world.merchants().iter().map(|merchant| merchant.code).collect();
    codes.sort_unstable();
    let mut lights = Vec::with_capacity(codes.len());
    for code in codes {
        lights.extend(picture.light(&scope, code)?);
    }
    match out.format() {
        Format::Json => out.json(&lights)?,
        Format::Table => {
            let rows: Vec<[String; 3]> = lights
                .iter()
                .map(|light| {
                    let rules: Vec<&str> = light.reasons.iter().map(|reason| reason.rule.as_str()).collect();
                    [light.credit_code.to_string(), format!("{} {}", light.light.zh(), light.light), rules.join(", ")]
                })
                .collect();
            out.table(["CREDIT CODE", "LIGHT", "RULES"], &rows)?;
        }
    }
    Ok(Exit::Done)
}

pub(super) fn run_explain(args: &ExplainArgs, common: &Common, out: &mut Out) -> Result<Exit, CliError> {
    let picture = args.as_of.picture(common)?;
    let Some(light) = picture.light(&Scope::everything(), args.code)? else {
        return Err(CliError::new(
            Exit::NotFound,
            format!("nothing is known about `{}` at that time; check the code and `--at`", args.code),
        ));
    };
    match out.format() {
        Format::Json => out.json(&light)?,
        Format::Table => {
            out.line(format_args!("{}  {} {}", light.credit_code, light.light.zh(), light.light))?;
            for reason in &light.reasons {
                out.line("")?;
                out.line(format_args!("{} ({}, version {})", reason.rule, reason.light, reason.version))?;
                out.line(format_args!("  clause  {}", reason.clause))?;
                for seen in &reason.facts {
                    let value = seen.value.as_deref().unwrap_or("missing");
                    let threshold = seen.threshold.as_deref().unwrap_or_default();
                    let shop = seen.shop.as_ref().map(|shop| format!("  [{} {}]", shop.mall, shop.unit));
                    out.line(format_args!(
                        "  fact    {} = {value}  ({} {threshold}){}",
                        seen.fact,
                        seen.comparison,
                        shop.unwrap_or_default()
                    ))?;
                }
                for event in &reason.events {
                    out.line(format_args!("  event   {event}"))?;
                }
            }
        }
    }
    Ok(Exit::Done)
}
