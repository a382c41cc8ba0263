//! Light changes as they happen, as server-sent events.
//!
//! Each event's id is its position in the log, so a browser that lost the line goes on where it was
//! (`Last-Event-ID`), at another node too, and misses nothing.

use crate::domain::envelope::{CloudEvent, Position};
use crate::http::access::{Allowed, Caller, Gate, ReadLights};
use crate::http::feeds::{FeedPlace, Feeds};
use crate::http::fresh::Freshness;
use crate::http::problem::Problem;
use crate::http::site::Site;
use actix_web::http::header::{CONTENT_ENCODING, ContentEncoding};
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::stream;
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::time::Duration;
use tokio::sync::watch;

/// A comment is sent after this much silence, so that proxies keep the line and a dead one is noticed.
const SILENCE: Duration = Duration::from_secs(15);
/// How often a feed looks whether it may go on: a session ends by a clock, which tells nobody.
const LOOK: Duration = Duration::from_secs(1);
/// Events read from the log at a time: what a slow reader has not taken waits in memory.
const BATCH: usize = 50;

struct Feed {
    site: web::Data<Site>,
    gate: web::Data<Gate>,
    caller: Caller,
    changes: watch::Receiver<Position>,
    keys: watch::Receiver<Position>,
    at: Position,
    ready: VecDeque<web::Bytes>,
    /// Looks since something was sent.
    quiet: u32,
    _place: FeedPlace,
}

/// Follows light changes in the caller's scope. Ends when the key is revoked or expires, when the session is over or logged
/// out, and when the service stops.
///
/// # Errors
/// When there are too many feeds already; none once it has begun.
pub async fn follow(
    allowed: Allowed<ReadLights>,
    site: web::Data<Site>,
    gate: web::Data<Gate>,
    fresh: web::Data<Freshness>,
    feeds: web::Data<Feeds>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let place = feeds.into_inner().take(allowed.caller().key.id)?;
    let last_seen = request.headers().get("last-event-id").and_then(|value| value.to_str().ok());
    let last_seen: Option<Position> = last_seen.and_then(|id| id.parse().ok());
    if let Some(seen) = last_seen {
        // Another node was ahead of this one. If it stays ahead, or the id is of another log, the feed begins at what is
        // here: better told twice than not at all.
        let _ = fresh.reach(allowed.caller().key.id, seen).await;
    }
    let changes = site.desk.changes();
    let head = *changes.borrow();
    let at = last_seen.map_or(head, |seen| seen.min(head));
    let opening = web::Bytes::from_static(b"retry: 2000\n\n");
    let (caller, keys, ready) = (allowed.caller().clone(), gate.keyring.seen(), VecDeque::from([opening]));
    let feed = Feed { site, gate, caller, changes, keys, at, ready, quiet: 0, _place: place };
    let body = stream::unfold(feed, |mut feed| async move {
        let chunk = feed.next().await?;
        Some((Ok::<_, actix_web::Error>(chunk), feed))
    });
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        // Compression would hold small events back.
        .insert_header((CONTENT_ENCODING, ContentEncoding::Identity))
        .insert_header(("x-accel-buffering", "no"))
        .streaming(body))
}

impl Feed {
    /// Returns the next bytes; `None` ends the feed.
    async fn next(&mut self) -> Option<web::Bytes> {
        loop {
            // Marked as seen before looking: what comes meanwhile wakes us again.
            self.keys.borrow_and_update();
            if !self.gate.lets_on(&self.caller) {
                return None;
            }
            if let Some(chunk) = self.ready.pop_front() {
                self.quiet = 0;
                return Some(chunk);
            }
            let head = *self.changes.borrow_and_update();
            if self.at < head {
                self.read(head).await?;
                continue;
            }
            tokio::select! {
                // An error means that the desk is gone.
                changed = self.changes.changed() => changed.ok()?,
                // The key may have been revoked.
                looked = self.keys.changed() => looked.ok()?,
                () = tokio::time::sleep(LOOK) => {
                    self.quiet += 1;
                    if LOOK * self.quiet >= SILENCE {
                        self.ready.push_back(web::Bytes::from_static(b": still here\n\n"));
                    }
                }
            }
        }
    }

    async fn read(&mut self, head: Position) -> Option<()> {
        let after = self.at;
        let (events, at) = self
            .site
            .block(&self.caller.key, move |site, scope| {
                let mut recorded = site.desk.log().read_all(after, BATCH)?;
                // What the desk has not taken in yet may be about a merchant that nobody here knows; its turn comes.
                recorded.retain(|event| event.position <= head);
                let at = recorded.last().map_or(head, |last| last.position);
                let changes = recorded.iter().filter(|event| &*event.event.event_type == "light.changed");
                let events = site.view(scope, |view| {
                    changes.filter_map(|event| view.shown(event.to_cloud_event())).collect::<Vec<_>>()
                });
                Ok((events, at))
            })
            .await
            .inspect_err(|problem| tracing::warn!(%problem, "A live feed ends"))
            .ok()?;
        self.at = at;
        self.ready.extend(events.iter().map(chunk));
        Some(())
    }
}

#[expect(
    clippy::expect_used,
    reason = "texts, numbers and a value that is JSON already; an empty event would be a lie"
)]
fn chunk(event: &CloudEvent) -> web::Bytes {
    let mut text = String::new();
    let data = serde_json::to_string(event).expect("a CloudEvent is JSON");
    let _ = write!(text, "id: {}\nevent: light\ndata: {data}\n\n", event.position.unwrap_or_default());
    text.into()
}
