//! Tickets without a credit code: what waits, and whom it may mean. Decisions are commands (`decide_unattributed`).

use super::{Paging, optional, yuan};
use crate::domain::event::MerchantAlias;
use crate::domain::time::Instant;
use crate::domain::whose::{Offer, State};
use crate::domain::words::{Agreement, Channel, ComplaintKind};
use crate::http::access::{Allowed, ReadUnattributed};
use crate::http::problem::Problem;
use crate::http::site::Site;
use crate::views::unattributed::{QueueFilter, QueueRow};
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::PoisonError;

/// Which tickets.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Query {
    /// `true`: also those that were attributed or set aside.
    pub decided: Option<String>,
    /// Part of what they say.
    pub q: Option<String>,
    /// Page.
    pub page: Option<usize>,
    /// Items on a page.
    pub per_page: Option<usize>,
}

/// A merchant that a ticket may mean.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct CandidateState {
    /// Who.
    pub credit_code: String,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What agrees.
    #[schema(value_type = Vec<String>)]
    pub agreed: Vec<Agreement>,
    /// How like the names are, percent.
    pub likeness: u8,
}

/// A ticket without a credit code.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct UnattributedState {
    /// Ticket: its number with the channel behind it.
    pub ticket: String,
    /// Where it came in.
    #[schema(value_type = String)]
    pub channel: Channel,
    /// What it asks for.
    #[schema(value_type = String)]
    pub kind: ComplaintKind,
    /// When it was received.
    #[schema(value_type = String, format = DateTime)]
    pub received_at: Instant,
    /// `waiting`, `attributed` or `set_aside`.
    pub state: String,
    /// Whom it was found to be about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credit_code: Option<String>,
    /// Money at stake, yuan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<String>,
    /// Name of the shop or company, as the ticket has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Mall.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mall: Option<String>,
    /// Brand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub brand: Option<String>,
    /// Street or town.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub street: Option<String>,
    /// Who sent it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Whom it may mean, best first.
    pub candidates: Vec<CandidateState>,
}

impl From<QueueRow<'_>> for UnattributedState {
    fn from(row: QueueRow<'_>) -> Self {
        let said = row.entry.said.clone();
        let (state, credit_code) = match row.entry.state {
            State::Waiting => ("waiting", None),
            State::SetAside => ("set_aside", None),
            State::Attributed(code, _) => ("attributed", Some(code.to_string())),
        };
        let candidates = row.candidates.into_iter().map(|(candidate, name)| CandidateState {
            credit_code: candidate.code.to_string(),
            name: name.map(str::to_owned),
            agreed: candidate.agreed,
            likeness: percent(candidate.likeness),
        });
        Self {
            ticket: said.ticket,
            channel: said.channel,
            kind: said.kind,
            received_at: said.received_at,
            state: state.to_owned(),
            credit_code,
            amount: said.amount.map(|amount| yuan(amount.decimal())),
            name: said.name,
            address: said.address,
            mall: said.mall,
            brand: said.brand,
            street: said.street,
            source: said.source,
            candidates: candidates.collect(),
        }
    }
}

/// Returns a share of 0 to 1 in percent.
fn percent(share: f64) -> u8 {
    (0..=100).rev().find(|percent| f64::from(*percent) <= share * 100.0).unwrap_or_default()
}

/// A name that may be recorded as another name of a merchant.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct AliasOffered {
    /// Whose it would be.
    pub credit_code: String,
    /// The name.
    pub alias: String,
    /// The mall in which it would mean the merchant; absent: wherever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mall: Option<String>,
    /// The street or town in which it would.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub street: Option<String>,
    /// How often persons decided so.
    pub times: usize,
    /// Who decided so, and how often.
    pub by: BTreeMap<String, usize>,
}

impl From<Offer> for AliasOffered {
    fn from(offer: Offer) -> Self {
        let Offer { alias, times, by } = offer;
        let by = by.into_iter().map(|(who, times)| (who.to_string(), times)).collect();
        let MerchantAlias { credit_code, alias, mall, street, reason: _ } = alias;
        Self { credit_code: credit_code.to_string(), alias, mall, street, times, by }
    }
}

/// A page of tickets without a credit code.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct UnattributedPage {
    /// Tickets that wait, whatever was asked for.
    pub waiting: usize,
    /// Names that persons gave to one merchant again and again: `record_alias` has them read so from then on.
    pub aliases: Vec<AliasOffered>,
    /// Tickets found in all.
    pub total: usize,
    /// Those on this page, newest first.
    pub items: Vec<UnattributedState>,
}

/// Lists tickets without a credit code.
///
/// # Errors
/// When a parameter is wrong.
pub async fn list(
    allowed: Allowed<ReadUnattributed>,
    site: web::Data<Site>,
    query: web::Query<Query>,
) -> Result<HttpResponse, Problem> {
    let Query { decided, q, page, per_page } = query.into_inner();
    let decided = optional("decided", decided.as_deref())?.unwrap_or(false);
    let filter = QueueFilter { decided, text: q.map(|text| text.trim().to_owned()).unwrap_or_default() };
    let (skip, take) = Paging { page, per_page }.window()?;
    let near = site.near.clone();
    site.ask_for_json(&allowed.caller().key, move |view| {
        let mut near = near.lock().unwrap_or_else(PoisonError::into_inner);
        let (total, found) = view.unattributed(&mut near, &filter, skip, take);
        let items = found.into_iter().map(UnattributedState::from).collect();
        let aliases = view.alias_offers().into_iter().map(AliasOffered::from).collect();
        Ok(UnattributedPage { waiting: view.queue.waiting(), aliases, total, items })
    })
    .await
}
