//! Lights of all merchants in short, as other software wants them.

use super::instant;
use super::merchants::Query;
use crate::domain::envelope::Position;
use crate::domain::words::Light;
use crate::http::access::{Allowed, ReadLights};
use crate::http::problem::Problem;
use crate::http::site::{Site, rule};
use crate::lights::grade::grade;
use crate::lights::moment::Moment;
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Which instant.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct At {
    /// Instant the lights are asked for; without it the lights last recorded are listed.
    pub at: Option<String>,
}

/// A rule that fired.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Fired {
    /// Rule id.
    pub rule: String,
    /// Light it asks for; absent if the rule is no longer in the pack.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub light: Option<Light>,
}

/// A merchant's light.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct LightOf {
    /// Unified social credit code.
    pub credit_code: String,
    /// Its light.
    #[schema(value_type = String)]
    pub light: Light,
    /// Rules that fired, worst first.
    pub reasons: Vec<Fired>,
}

/// Lists the lights of all merchants in scope, by credit code.
///
/// # Errors
/// When a parameter is wrong.
pub async fn list(
    allowed: Allowed<ReadLights>,
    site: web::Data<Site>,
    query: web::Query<At>,
) -> Result<HttpResponse, Problem> {
    let at = instant("at", query.at.as_deref())?;
    site.ask_for_json(&allowed.caller().key, move |view| {
        let moment = Moment::new(view.policies, at.unwrap_or(view.now), Position::MAX);
        let mut lights: Vec<LightOf> = Vec::new();
        for merchant in view.merchants().filter(|merchant| merchant.exists(&moment.horizon)) {
            let credit_code = merchant.code.to_string();
            lights.push(if at.is_some() {
                let grade = grade(&moment.subject(view.world, merchant));
                let reasons = grade
                    .rules(&view.policies.pack)
                    .map(|rule| Fired { rule: rule.id.clone(), light: Some(rule.light) })
                    .collect();
                LightOf { credit_code, light: grade.light, reasons }
            } else {
                let lit = view.lights.get(merchant.code);
                let fired = |id: &std::sync::Arc<str>| Fired {
                    rule: id.to_string(),
                    light: rule(view.policies, id).map(|rule| rule.light),
                };
                LightOf {
                    credit_code,
                    light: view.lights.light(merchant.code),
                    reasons: lit.map(|lit| lit.rules.iter().map(fired).collect()).unwrap_or_default(),
                }
            });
        }
        lights.sort_by(|a, b| a.credit_code.cmp(&b.credit_code));
        Ok(lights)
    })
    .await
}

/// Counts merchants by light, under the same filters as the list of merchants.
///
/// # Errors
/// When a parameter is wrong.
pub async fn counts(
    allowed: Allowed<ReadLights>,
    site: web::Data<Site>,
    query: web::Query<Query>,
) -> Result<web::Json<BTreeMap<String, u64>>, Problem> {
    let filter = query.filter()?;
    let counts = site.ask(&allowed.caller().key, move |view| Ok(view.counts(&filter))).await?;
    Ok(web::Json(counts.into_iter().map(|(light, count)| (light.name().to_owned(), count)).collect()))
}
