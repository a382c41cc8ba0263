//! The mail record.

use super::answer;
use super::filters::minute;
use crate::domain::envelope::Position;
use crate::http::access::{Allowed, ReadMails};
use crate::http::api::mails::{MailState, mails};
use crate::http::problem::Problem;
use crate::http::site::Site;
use crate::mail::outbox::{Delivery, State};
use actix_web::{HttpRequest, HttpResponse, web};
use minijinja::{Value, context};
use serde::Deserialize;

/// Mails on a page.
const PER_PAGE: usize = 50;

/// From where.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub struct From {
    before: Option<Position>,
}

/// Shows the mail record.
///
/// # Errors
/// When the log cannot be read.
pub async fn show(
    allowed: Allowed<ReadMails>,
    site: web::Data<Site>,
    request: HttpRequest,
    query: web::Query<From>,
) -> Result<HttpResponse, Problem> {
    let before = query.before;
    let (list, names) = site
        .block(&allowed.caller().key, move |site, scope| {
            let list = mails(site, scope, None, before, PER_PAGE)?;
            let names: Vec<Option<String>> = site.view(scope, |view| {
                let name = |mail: &MailState| view.row_of(mail.summary.credit_code).and_then(|row| row.name);
                list.items.iter().map(name).collect()
            });
            Ok((list, names))
        })
        .await?;
    let content = context! {
        mails => list.items.iter().zip(&names).map(|(mail, name)| shown(mail, name.as_deref())).collect::<Vec<_>>(),
        next => list.next.map(|next| format!("/mails?before={next}")),
    };
    answer(&request, Some(allowed.caller()), "mails.html", "/mails", content)
}

fn shown(mail: &MailState, name: Option<&str>) -> Value {
    let summary = &mail.summary;
    let recipients: Vec<Value> = if mail.recipients.is_empty() {
        vec![context! { address => (), office => (), fate => (), attempts => 0, reply => () }]
    } else {
        mail.recipients.iter().map(recipient).collect()
    };
    context! {
        at => minute(summary.requested_at), credit_code => summary.credit_code.as_str(), merchant => name,
        from => summary.from.name(), to => summary.to.name(), recipients,
    }
}

fn recipient(delivery: &Delivery) -> Value {
    let waits_again = delivery.state == State::Waiting && delivery.attempts > 0;
    context! {
        address => &*delivery.address, office => &*delivery.office,
        fate => if waits_again { "retrying" } else { delivery.state.name() },
        attempts => if delivery.attempts > 1 { delivery.attempts } else { 0 },
        reply => delivery.reply.as_deref().map(in_short),
    }
}

/// Returns a server's reply as it is, and of a spooled file the name: where the folder lies is nobody's business here.
fn in_short(reply: &str) -> &str {
    if reply.ends_with(".eml") { reply.rsplit('/').next().unwrap_or(reply) } else { reply }
}
