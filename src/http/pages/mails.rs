//! The mail record.

use super::answer;
use super::filters::minute;
use super::sources::name_of;
use crate::domain::access::spooled;
use crate::domain::envelope::Position;
use crate::http::access::{Allowed, Permission as _, ReadMails, SendMails, TrustedForm};
use crate::http::api::mails::{MailState, SendAgain, Wanted, mails, order};
use crate::http::fresh;
use crate::http::language::Language;
use crate::http::problem::{Code, Problem};
use crate::http::site::Site;
use crate::picture::outbox::{Delivery, DeliveryState, Subject};
use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse, web};
use minijinja::{Value, context};
use serde::Deserialize;
use uuid::Uuid;

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
            let list = mails(site, scope, Wanted { before, ..Wanted::newest(PER_PAGE) })?;
            let names: Vec<Option<String>> = site.view(scope, |view| {
                let name = |mail: &MailState| view.row_of(mail.summary.credit_code()?).and_then(|row| row.name);
                list.items.iter().map(name).collect()
            });
            Ok((list, names))
        })
        .await?;
    let language = Language::of(&request);
    let content = context! {
        mails => list.items.iter().zip(&names).map(|(mail, name)| shown(mail, name.as_deref(), language)).collect::<Vec<_>>(),
        may_send => SendMails::is_of(allowed.scope().role),
        next => list.next.map(|next| format!("/mails?before={next}")),
    };
    answer(&request, Some(allowed.caller()), "mails.html", "/mails", content)
}

/// Whose letter.
#[derive(Debug, Deserialize)]
pub struct To {
    to: String,
}

/// Shows the letter of a mail as one recipient gets it.
///
/// # Errors
/// When there is no such mail, or it is about a merchant that the reader may not see, or addressed to somebody else.
pub async fn letter(
    allowed: Allowed<ReadMails>,
    site: web::Data<Site>,
    request: HttpRequest,
    mail: web::Path<Uuid>,
    query: web::Query<To>,
) -> Result<HttpResponse, Problem> {
    let (mail, address) = (*mail, query.into_inner().to);
    let letter = site
        .block(&allowed.caller().key, move |site, scope| {
            let unknown = || Problem::new(Code::NotFound, "没有这封通知", "there is no such mail");
            let summary = site.picture().outbox.mail(mail).cloned().ok_or_else(unknown)?;
            if !site.view(scope, |view| view.sees_mail(&summary)) {
                return Err(unknown());
            }
            let written =
                site.mail.letter(&summary, &address).map_err(|error| Problem::inside(Code::Internal, error))?;
            written.map(|letter| (address, letter)).ok_or_else(unknown)
        })
        .await?;
    let (to, letter) = letter;
    let content = context! { to, subject => letter.subject, text => letter.text };
    answer(&request, Some(allowed.caller()), "letter.html", "/mails", content)
}

/// Takes the order to send a mail again.
///
/// # Errors
/// When the form is not ours, there is no such mail in scope, it is not refused or given up, or the log did not take it.
pub async fn send_again(
    allowed: Allowed<SendMails>,
    site: web::Data<Site>,
    request: HttpRequest,
    mail: web::Path<Uuid>,
    form: TrustedForm<SendAgain>,
) -> Result<HttpResponse, Problem> {
    let (mail, TrustedForm(SendAgain { to }), origin) = (*mail, form, allowed.origin());
    let position = site.block(&allowed.caller().key, move |site, scope| order(site, scope, mail, &to, &origin)).await?;
    fresh::note(&request, position);
    Ok(HttpResponse::SeeOther().insert_header((LOCATION, "/mails")).finish())
}

fn shown(mail: &MailState, name: Option<&str>, language: Language) -> Value {
    let summary = &mail.summary;
    let recipients: Vec<Value> = if mail.recipients.is_empty() {
        vec![
            context! { address => (), office => (), fate => (), may_again => false, attempts => 0, opened => (), reply => () },
        ]
    } else {
        mail.recipients.iter().map(recipient).collect()
    };
    let about = match &summary.subject {
        Subject::Light { credit_code, from, to, .. } => context! {
            source => (),
            credit_code => credit_code.as_str(), merchant => name, from => from.name(), to => to.name(), calls => summary.is_call(),
        },
        Subject::Digest { worst, merchants, .. } => {
            context! { source => (), merchants => merchants.len(), to => worst.name() }
        }
        Subject::Silence { source, name, silent_from } => context! {
            kind => source.name(), source => name_of(language, *source, name), silent_from => silent_from.to_string(),
        },
    };
    context! { mail => summary.mail.to_string(), at => minute(summary.requested_at), about, recipients }
}

fn recipient(delivery: &Delivery) -> Value {
    let waits_again = delivery.state == DeliveryState::Waiting && delivery.attempts > 0;
    context! {
        address => &*delivery.address, office => &*delivery.office,
        fate => if waits_again { "retrying" } else { delivery.state.name() },
        may_again => delivery.can_be_sent_again(),
        attempts => if delivery.attempts > 1 { delivery.attempts } else { 0 },
        opened => delivery.opened_at.map(minute),
        reply => delivery.reply.as_deref().map(spooled),
    }
}
