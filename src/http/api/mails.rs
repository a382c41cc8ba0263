//! The outbox (发件箱): who was told what, and what became of it.

use super::{Paging, optional};
use crate::alerts::request::stream_of;
use crate::domain::access::{Scope, spooled};
use crate::domain::code::CreditCode;
use crate::domain::envelope::{Origin, Position};
use crate::domain::words::Role;
use crate::http::access::{Allowed, ReadMails, SendMails};
use crate::http::fresh;
use crate::http::problem::{Code, Problem};
use crate::http::site::Site;
use crate::picture::outbox::{Delivery, MailFilter, Summary, deliveries_of};
use actix_web::{HttpRequest, web};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Events of one mail at most: every attempt for every recipient.
const EVENTS: usize = 100_000;

/// Which mails.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Query {
    /// About one merchant only.
    pub credit_code: Option<String>,
    /// With a recipient in this state, or addressed to `nobody`.
    pub state: Option<String>,
    /// Asked for before this position: the `next` of the page before.
    pub before: Option<Position>,
    /// Mails at most, 1 to 500; 50 if not given.
    pub limit: Option<usize>,
}

/// A mail with its recipients.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct MailState {
    /// What was asked for.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub summary: Summary,
    /// Each recipient with its own fate.
    #[schema(value_type = Vec<Object>)]
    pub recipients: Vec<Delivery>,
}

/// Mails, newest first.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct MailList {
    /// The mails.
    pub items: Vec<MailState>,
    /// Give this as `before` for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<Position>,
}

/// Lists mails about merchants in the caller's scope, and those about sources for whoever sees everything.
///
/// # Errors
/// When a parameter is wrong, or the log cannot be read.
pub async fn list(
    allowed: Allowed<ReadMails>,
    site: web::Data<Site>,
    query: web::Query<Query>,
) -> Result<web::Json<MailList>, Problem> {
    let (_, limit) = Paging { page: None, per_page: query.limit }.window()?;
    let wanted = Wanted {
        about: optional("credit_code", query.credit_code.as_deref())?,
        kind: optional("state", query.state.as_deref())?,
        before: query.before,
        limit,
    };
    let list = site.block(&allowed.caller().key, move |site, scope| mails(site, scope, wanted)).await?;
    Ok(web::Json(list))
}

/// Where the spool folder lies is the business of who runs the service.
fn without_folder(delivery: Delivery) -> Delivery {
    Delivery { reply: delivery.reply.map(|reply| spooled(&reply).into()), ..delivery }
}

/// Which mails are listed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    /// About this merchant.
    pub(crate) about: Option<CreditCode>,
    /// Of this fate.
    pub(crate) kind: Option<MailFilter>,
    /// Asked for before this position.
    pub(crate) before: Option<Position>,
    /// So many at most.
    pub(crate) limit: usize,
}

impl Wanted {
    /// The newest of all.
    pub(crate) const fn newest(limit: usize) -> Self {
        Self { about: None, kind: None, before: None, limit }
    }
}

/// Lists mails that a reader may see.
pub(crate) fn mails(site: &Site, scope: &Scope, wanted: Wanted) -> Result<MailList, Problem> {
    let Wanted { about, kind, before, limit } = wanted;
    // Copied out under the lock: reading streams below takes longer than the mail worker should wait.
    let found: Vec<(Summary, Vec<Delivery>)> = site.view(scope, |view| {
        let outbox = &site.picture().outbox;
        let wanted = |summary: &&Summary| kind.is_none_or(|kind| summary.is(kind)) && view.sees_mail(summary);
        let whole = |summary: &Summary| (summary.clone(), outbox.deliveries(summary.mail).to_vec());
        match about {
            Some(code) => outbox.about(code, before).filter(wanted).take(limit).map(whole).collect(),
            None => outbox.list(before, limit, wanted).map(whole).collect(),
        }
    });
    let next = (found.len() == limit).then(|| found.last().map(|(summary, _)| summary.position)).flatten();
    let mut items = Vec::with_capacity(found.len());
    for (summary, open) in found {
        let recipients = if open.is_empty() && summary.tally.nobody == 0 {
            let stream = site.desk.log().read_stream(&stream_of(summary.mail), 0, EVENTS)?;
            deliveries_of(&stream).map_err(|error| Problem::inside(Code::Internal, error))?
        } else {
            open
        };
        let recipients =
            if scope.role == Role::Admin { recipients } else { recipients.into_iter().map(without_folder).collect() };
        items.push(MailState { summary, recipients });
    }
    Ok(MailList { items, next })
}

/// Which recipient of a mail.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SendAgain {
    /// The recipient's address, as the list of mails shows it.
    pub to: String,
}

/// An order is on record.
#[derive(Debug, Clone, Copy, Serialize, utoipa::ToSchema)]
pub struct Ordered {
    /// Where in the log.
    #[schema(value_type = u64)]
    pub position: Position,
}

/// Orders to send a mail again to a recipient for whom it was refused or given up.
///
/// # Errors
/// When there is no such mail in the caller's scope, it is not refused or given up, or the log did not take the order.
pub async fn send_again(
    allowed: Allowed<SendMails>,
    site: web::Data<Site>,
    request: HttpRequest,
    mail: web::Path<Uuid>,
    body: web::Json<SendAgain>,
) -> Result<web::Json<Ordered>, Problem> {
    let (mail, to, origin) = (*mail, body.into_inner().to, allowed.origin());
    let position = site.block(&allowed.caller().key, move |site, scope| order(site, scope, mail, &to, &origin)).await?;
    fresh::note(&request, position);
    Ok(web::Json(Ordered { position }))
}

/// Orders to send a mail again, if it is in scope. Returns where the order stands in the log.
pub(crate) fn order(site: &Site, scope: &Scope, mail: Uuid, to: &str, origin: &Origin) -> Result<Position, Problem> {
    let unknown = || Problem::new(Code::NotFound, "没有这封通知", "there is no such mail");
    let summary = site.picture().outbox.mail(mail).cloned().ok_or_else(unknown)?;
    if !site.view(scope, |view| view.sees_mail(&summary)) {
        return Err(unknown());
    }
    Ok(site.mail.send_again(mail, to, origin)?)
}
