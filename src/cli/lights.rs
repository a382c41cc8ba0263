//! `warnlight lights`: every merchant's light as of an instant.

use super::Common;
use super::exit::{CliError, Exit};
use super::out::{Format, Out};
use super::{texts, values};
use crate::domain::access::Scope;
use crate::domain::code::CreditCode;
use crate::domain::envelope::Position;
use crate::domain::event::{FactSeen, Reason};
use crate::domain::merchant::{Horizon, Merchant};
use crate::domain::time::Instant;
use crate::domain::words::Light;
use crate::http::{Language, fact_names};
use crate::lights::moment::sector_of;
use crate::log::contract::EventLog;
use crate::picture::Picture as Folded;
use crate::policy::rule::Text;
use crate::policy::{clause, figure};
use crate::service::{ServiceError, load_policies, open_log_read_only};
use crate::settings::Settings;
use crate::views::View;
use clap::Args;
use serde::Serialize;
use std::cmp::Reverse;
use std::sync::Arc;

/// Show the light of every merchant as of an instant, derived from the evidence.
///
/// The table has the worst first; JSON is one array by credit code.
#[derive(Debug, Args)]
pub(super) struct LightsArgs {
    #[command(flatten)]
    as_of: AsOf,
    /// Only this light: red, orange, yellow, unknown or green; may be given several times.
    #[arg(long, value_name = "LIGHT", value_parser = values::light)]
    light: Vec<Light>,
    /// Only merchants of this sector; `-` are those whose sector is not determined.
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    sector: Option<String>,
    /// Only merchants in this division; its first digits will do.
    #[arg(long, value_name = "DIGITS")]
    division: Option<String>,
    /// Only merchants with a shop in this mall.
    #[arg(long, value_name = "MALL")]
    mall: Option<String>,
    /// Only merchants with this text in name, brand or credit code.
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
}

/// Show one merchant's light as of an instant with every reason: facts, values, thresholds, clauses, events.
#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// Unified social credit code (统一社会信用代码).
    #[arg(value_parser = values::credit_code)]
    code: CreditCode,
    #[command(flatten)]
    as_of: AsOf,
}

/// The two clocks.
#[derive(Debug, Args)]
struct AsOf {
    /// Instant of truth, such as 2025-06-30T18:00:00+08:00; without an offset it is Beijing time. Default: now.
    #[arg(long, value_name = "T", value_parser = values::instant)]
    at: Option<Instant>,
    /// Use only what was recorded by this instant. Default: everything recorded.
    #[arg(long, value_name = "T", value_parser = values::instant)]
    known_at: Option<Instant>,
}

/// A light as printed.
#[derive(Debug, Serialize)]
struct Printed {
    credit_code: CreditCode,
    light: Light,
    reasons: Vec<Reason>,
}

/// The log folded, with the clocks set.
struct Picture {
    log: Arc<dyn EventLog>,
    state: Folded,
    at: Instant,
    known: Position,
}

impl AsOf {
    fn picture(&self, common: &Common) -> Result<Picture, CliError> {
        let settings = Settings::load(common.config.as_deref())?;
        let policies = load_policies(&settings).map_err(ServiceError::from)?;
        let log = open_log_read_only(&settings, &common.data)?;
        let state = Folded::replay(&*log, Arc::new(policies))?;
        let known = match self.known_at {
            Some(known_at) => log.position_at(known_at)?,
            None => Position::MAX,
        };
        Ok(Picture { log, state, at: self.at.unwrap_or_else(Instant::now), known })
    }
}

impl Picture {
    fn view<'a>(&'a self, scope: &'a Scope) -> View<'a> {
        View::new(&self.state, scope, self.at)
    }

    fn light(&self, scope: &Scope, code: CreditCode) -> Result<Option<Printed>, CliError> {
        let view = self.view(scope);
        let horizon = Horizon::new(self.at, self.known);
        let Some(merchant) = view.merchant(code).filter(|merchant| merchant.exists(&horizon)) else { return Ok(None) };
        let explained = view.explain(&*self.log, merchant, self.at, self.known)?;
        Ok(Some(Printed { credit_code: code, light: explained.light, reasons: explained.reasons }))
    }

    /// Says whether a merchant, as it was known, is asked for.
    fn fits(&self, scope: &Scope, merchant: &Merchant, wanted: &LightsArgs) -> bool {
        let sector = wanted.sector.as_deref().is_none_or(|sector| {
            let horizon = Horizon::new(self.at, self.known);
            sector_of(merchant, &horizon, self.view(scope).policies).unwrap_or(UNDETERMINED) == sector
        });
        let division = wanted
            .division
            .as_deref()
            .is_none_or(|prefix| merchant.division(self.known).is_some_and(|division| division.lies_in(prefix)));
        let mall = wanted.mall.as_deref().is_none_or(|mall| merchant.shops.iter().any(|shop| shop.is_in(mall)));
        let searched = wanted.search.as_deref().is_none_or(|text| {
            let text = text.trim().to_lowercase();
            let has = |word: &str| word.to_lowercase().contains(&text);
            has(merchant.code.as_str())
                || merchant.name(self.known).is_some_and(has)
                || merchant.brand(self.known).is_some_and(has)
        });
        sector && division && mall && searched
    }

    fn name(&self, code: CreditCode) -> String {
        let merchant = self.state.world.get(code);
        merchant.and_then(|merchant| merchant.name(self.known)).unwrap_or_default().to_owned()
    }

    /// Returns a rule's title, or its id if the policies of today do not have it.
    fn title<'a>(&'a self, rule: &'a str, language: Language) -> &'a str {
        self.state.policies.pack.rule(rule).map_or(rule, |rule| language.pick(&rule.title.zh, &rule.title.en))
    }
}

/// How a sector that nobody has determined is asked for.
const UNDETERMINED: &str = "-";

pub(super) fn run_lights(args: &LightsArgs, common: &Common, out: &mut Out) -> Result<Exit, CliError> {
    let picture = args.as_of.picture(common)?;
    let scope = Scope::everything();
    let merchants = picture.state.world.merchants().iter();
    let mut codes: Vec<CreditCode> =
        merchants.filter(|merchant| picture.fits(&scope, merchant, args)).map(|merchant| merchant.code).collect();
    codes.sort_unstable();
    let mut lights = Vec::with_capacity(codes.len());
    for code in codes {
        let light = picture.light(&scope, code)?;
        lights.extend(light.filter(|light| args.light.is_empty() || args.light.contains(&light.light)));
    }
    match out.format() {
        Format::Json => out.json(&lights)?,
        Format::Table => {
            // Those of one light stay in the order of their codes.
            lights.sort_by_key(|light| Reverse(light.light));
            let language = out.language();
            let rows: Vec<[String; 4]> = lights
                .iter()
                .map(|light| {
                    let titles: Vec<&str> =
                        light.reasons.iter().map(|reason| picture.title(&reason.rule, language)).collect();
                    let name = picture.name(light.credit_code);
                    let colour = language.pick(light.light.zh(), light.light.name());
                    [light.credit_code.to_string(), colour.to_owned(), name, titles.join(language.pick("；", "; "))]
                })
                .collect();
            let heading = [texts::CREDIT_CODE, texts::LIGHT, texts::NAME, texts::REASONS].map(|text| out.text(text));
            out.table(heading, &rows)?;
        }
    }
    Ok(Exit::Done)
}

pub(super) fn run_explain(args: &ExplainArgs, common: &Common, out: &mut Out) -> Result<Exit, CliError> {
    let picture = args.as_of.picture(common)?;
    let Some(light) = picture.light(&Scope::everything(), args.code)? else {
        return Err(CliError::told(Exit::NotFound, texts::NOTHING_KNOWN.with(&[&args.code])));
    };
    match out.format() {
        Format::Json => out.json(&light)?,
        Format::Table => {
            let language = out.language();
            let colour = language.pick(light.light.zh(), light.light.name());
            out.line(format_args!("{}  {colour}  {}", light.credit_code, picture.name(light.credit_code)))?;
            let names = fact_names(language);
            let [clause, fact, event] = [texts::CLAUSE, texts::FACT, texts::EVENT].map(|text| out.text(text));
            for reason in &light.reasons {
                out.line("")?;
                let title = picture.title(&reason.rule, language);
                let colour = language.pick(reason.light.zh(), reason.light.name());
                out.say(texts::RULE_HEAD.with(&[&title, &colour, &reason.rule, &reason.version]))?;
                out.line(format_args!("  {clause}  {}", pick(clause::read(&reason.clause), language)))?;
                for seen in &reason.facts {
                    let name = names.get(&seen.fact).unwrap_or(&seen.fact);
                    let shop = seen.shop.as_ref().map(|shop| format!("  [{} {}]", shop.mall, shop.unit));
                    let told = figure_told(seen, out.text(texts::MISSING_VALUE), language);
                    out.line(format_args!("  {fact}  {name} {told}{}", shop.unwrap_or_default()))?;
                }
                for id in &reason.events {
                    out.line(format_args!("  {event}  {id}"))?;
                }
            }
        }
    }
    Ok(Exit::Done)
}

/// Returns the value of a fact and what it was compared with, as people read them.
fn figure_told(seen: &FactSeen, missing: &str, language: Language) -> String {
    let threshold = seen.threshold.as_deref();
    let told = |value: &str| pick(figure::value(&seen.fact, value, threshold), language);
    let value = seen.value.as_deref().map_or_else(|| missing.to_owned(), told);
    let sign = pick(figure::comparison(&seen.fact, &seen.comparison), language);
    // "Yes, compared with: yes" is said by the value alone.
    match threshold.filter(|_| !sign.is_empty()) {
        Some(threshold) => {
            let against = told(threshold);
            match language {
                Language::Zh => format!("{value}（{sign} {against}）"),
                Language::En => format!("{value} ({sign} {against})"),
            }
        }
        None => value,
    }
}

fn pick(Text { zh, en }: Text, language: Language) -> String {
    match language {
        Language::Zh => zh,
        Language::En => en,
    }
}
