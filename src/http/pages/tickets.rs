//! Tickets whose clock runs, as rows of several pages.

use super::Pages;
use crate::domain::ticket;
use crate::domain::time::{Instant, deadline};
use crate::http::language::Language;
use crate::views::tickets::TicketRow;
use minijinja::{Value, context};

/// A ticket whose clock runs.
#[derive(Debug, Clone)]
pub(super) struct TicketGiven {
    ticket: String,
    credit_code: String,
    name: Option<String>,
    zh: String,
    en: String,
    who: String,
    due_at: Instant,
    late: bool,
    steps: u16,
}

impl TicketGiven {
    /// Returns a ticket as it stands at `now`.
    pub(super) fn new(row: &TicketRow<'_>, now: Instant) -> Self {
        Self {
            ticket: ticket::number(row.complaint).to_owned(),
            credit_code: row.credit_code.to_string(),
            name: row.name.map(str::to_owned),
            zh: row.rule.zh.clone(),
            en: row.rule.en.clone(),
            who: row.rule.who.clone(),
            due_at: row.due_at,
            late: row.is_late(now),
            steps: row.steps,
        }
    }

    /// Returns the first of these tickets, and how many there are.
    pub(super) fn first(rows: &[TicketRow<'_>], most: usize, now: Instant) -> (usize, Vec<Self>) {
        (rows.len(), rows.iter().take(most).map(|row| Self::new(row, now)).collect())
    }

    /// Returns what a template shows of it.
    pub(super) fn shown(&self, pages: &Pages, language: Language) -> Value {
        let state = match (self.late, self.steps) {
            (true, 0) => "late",
            (true, _) => "escalated",
            (false, _) => "open",
        };
        context! {
            ticket => &*self.ticket, credit_code => &*self.credit_code, name => self.name.as_deref(), what => language.pick(&self.zh, &self.en),
            who => pages.text(language, "duty", &format!("who_{}", self.who)), due => deadline(self.due_at), late => self.late,
            state => pages.text(language, "duty", state),
        }
    }
}

/// Returns what a template shows of the first of these tickets, and a line about the rest.
pub(super) fn shown(
    pages: &Pages,
    language: Language,
    (count, tickets): &(usize, Vec<TicketGiven>),
) -> (Vec<Value>, Option<String>) {
    let more = count.saturating_sub(tickets.len());
    let more = (more > 0).then(|| pages.filled(language, "today", "more", &[("count", &more.to_string())]));
    (tickets.iter().map(|ticket| ticket.shown(pages, language)).collect(), more)
}
