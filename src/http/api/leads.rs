//! Leads to other authorities (线索移送) as a merchant's file tells them, with the clocks that run for them.

use crate::domain::access::{Matter, Sight};
use crate::domain::dealings::{Dealings, LeadItem};
use crate::domain::evidence::{Evidence as _, STANDING};
use crate::domain::merchant::Merchant;
use crate::domain::time::Instant;
use crate::domain::words::LeadStep;
use crate::policy::transfer::{LeadClock, Running};
use crate::views::View;
use serde::Serialize;

/// A lead as it stands.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct LeadState {
    /// Number.
    pub lead: String,
    /// Authority it went to.
    pub authority: String,
    /// Day of the transfer.
    pub transferred_on: String,
    /// `accepted` or `returned`; absent while there is no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub answer: Option<LeadStep>,
    /// Day of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answered_on: Option<String>,
    /// Clocks that run for it, if it goes to criminal justice.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub clocks: Vec<LeadClockState>,
}

/// A clock of a lead.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct LeadClockState {
    /// `decide`, `hand_over` or `answer`.
    #[schema(value_type = String)]
    pub clock: LeadClock,
    /// When it runs out.
    #[schema(value_type = String, format = DateTime)]
    pub due_at: Instant,
    /// What it waits for was done.
    pub done: bool,
    /// It ran out before that.
    pub late: bool,
    /// Clause.
    pub source: String,
}

impl From<Running> for LeadClockState {
    fn from(running: Running) -> Self {
        let Running { clock, due_at, late, done, source } = running;
        Self { clock, due_at, done, late, source }
    }
}

/// Returns the leads about a merchant, newest first, if the reader may see them.
pub(super) fn of(view: &View<'_>, merchant: &Merchant) -> Vec<LeadState> {
    if view.scope.sight(Some(Matter::Office)) != Sight::All {
        return Vec::new();
    }
    let dealings = merchant.dealings();
    let is_transfer = |item: &&LeadItem| item.step == LeadStep::Transferred && item.until() == STANDING;
    dealings.leads.iter().rev().filter(is_transfer).map(|lead| state(view, dealings, lead)).collect()
}

fn state(view: &View<'_>, dealings: &Dealings, lead: &LeadItem) -> LeadState {
    let answer = [LeadStep::Accepted, LeadStep::Returned].into_iter().find_map(|step| dealings.lead(&lead.lead, step));
    let answered_on = answer.map(|answer| answer.date);
    let clocks = view.policies.pack.transfer.as_ref().map(|transfer| transfer.clocks(lead, answered_on, view.now));
    LeadState {
        lead: lead.lead.to_string(),
        authority: lead.authority.to_string(),
        transferred_on: lead.date.to_string(),
        answer: answer.map(|answer| answer.step),
        answered_on: answered_on.map(|day| day.to_string()),
        clocks: clocks.unwrap_or_default().into_iter().map(LeadClockState::from).collect(),
    }
}
