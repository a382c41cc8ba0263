//! The event log itself, as CloudEvents, and the schemas of its types.

use super::Paging;
use crate::domain::code::CreditCode;
use crate::domain::envelope::{CloudEvent, Position};
use crate::domain::event::contract;
use crate::http::access::{Allowed, ReadLog};
use crate::http::problem::{Code, Problem};
use crate::http::site::Site;
use actix_web::http::header::{CACHE_CONTROL, LINK};
use actix_web::{HttpResponse, web};
use serde::Deserialize;

/// From where.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub struct Query {
    /// Events after this position; 0 if not given.
    pub after: Option<Position>,
    /// Events at most, 1 to 500; 50 if not given.
    pub limit: Option<usize>,
}

/// Reads the log in order. A page may be shorter than asked for where events outside the scope were left out; the `Link`
/// header leads on, and is absent at the end.
///
/// # Errors
/// When a parameter is wrong, or the log cannot be read.
pub async fn list(
    allowed: Allowed<ReadLog>,
    site: web::Data<Site>,
    query: web::Query<Query>,
) -> Result<HttpResponse, Problem> {
    let (_, limit) = Paging { page: None, per_page: query.limit }.window()?;
    let after = query.after.unwrap_or(0);
    let (events, next) = site
        .block(&allowed.caller().key, move |site, scope| {
            let log = site.desk.log();
            let folded = *site.desk.changes().borrow();
            let recorded = log.read_all(after, limit)?;
            let mut next = (recorded.len() == limit).then(|| recorded.last().map(|last| last.position)).flatten();
            let mut events: Vec<CloudEvent> = recorded.iter().map(|event| event.to_cloud_event()).collect();
            site.view(scope, |view| {
                // What this node has yet to take in ends the page: judged by what it knows of the merchant now, it might be
                // left out, and a reader who has gone past it never sees it.
                let is_early = |event: &CloudEvent| {
                    let about = event.subject.as_deref().and_then(|code| code.parse().ok());
                    let is_stranger = about.is_some_and(|code: CreditCode| view.world.get(code).is_none());
                    event.position.is_some_and(|at| at > folded) && (log.is_shared() || is_stranger)
                };
                if let Some(end) = events.iter().position(is_early) {
                    events.truncate(end);
                    next = None;
                }
                events = std::mem::take(&mut events).into_iter().filter_map(|event| view.shown(event)).collect();
            });
            Ok((events, next))
        })
        .await?;
    let mut answer = HttpResponse::Ok();
    answer.content_type("application/cloudevents-batch+json");
    if let Some(next) = next {
        answer.insert_header((LINK, format!("</api/v1/events?after={next}&limit={limit}>; rel=\"next\"")));
    }
    Ok(answer.json(events))
}

/// Serves the schema of an event type.
///
/// # Errors
/// When there is none of that name.
pub async fn schema(name: web::Path<String>) -> Result<HttpResponse, Problem> {
    let text = contract::schema(&name).ok_or(Code::NotFound)?;
    Ok(HttpResponse::Ok()
        .content_type("application/schema+json")
        .insert_header((CACHE_CONTROL, "public, max-age=86400"))
        .body(text))
}
