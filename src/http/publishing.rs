//! What everybody may look up without a log-in: which parts, how often from one address, and answers that are kept for a while.

use super::access::{Gate, Throttle, address};
use super::problem::{Code, Problem};
use super::site::Site;
use crate::domain::access::{PublicPart, Scope};
use crate::domain::envelope::hex;
use crate::settings::Settings;
use crate::views::View;
use crate::views::public::Published;
use actix_web::http::header::{
    CACHE_CONTROL, ContentType, ETAG, EntityTag, HeaderValue, IF_NONE_MATCH, IfNoneMatch, VARY,
};
use actix_web::{HttpRequest, HttpResponse, web};
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// For how many seconds a page may be shown again without asking.
const FRESH: &str = "public, max-age=60";

/// What is published, and how often one address may look.
pub(super) struct Publishing {
    parts: Arc<[PublicPart]>,
    /// Looks within a minute.
    looks: Throttle,
    /// Address that QR codes lead to, without a slash at its end.
    base_url: String,
}

impl fmt::Debug for Publishing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publishing").field("parts", &self.parts).finish_non_exhaustive()
    }
}

impl Publishing {
    pub(super) fn new(settings: &Settings) -> Self {
        let public = &settings.public;
        Self {
            parts: Arc::from(public.shows.as_slice()),
            looks: Throttle::new(public.per_minute, u32::MAX, Duration::from_mins(1)),
            base_url: settings.http.base_url(),
        }
    }

    /// Returns it where anything is published at all.
    pub(super) fn of(request: &HttpRequest) -> Option<&Self> {
        request.app_data::<web::Data<Self>>().map(|data| &***data).filter(|it| !it.parts.is_empty())
    }

    /// Says whether a part is published.
    pub(super) fn shows(&self, part: PublicPart) -> bool {
        self.parts.contains(&part)
    }

    /// Returns the whole address of a path.
    pub(super) fn address(&self, path: &str) -> String {
        format!("{}{path}", self.base_url)
    }

    /// Lets somebody look, unless nothing is published, or that address looked too often.
    ///
    /// # Errors
    /// [`Code::NotFound`], [`Code::TooManyRequests`].
    pub(super) fn open(request: &HttpRequest) -> Result<&Self, Problem> {
        let publishing = Self::of(request).ok_or(Code::NotFound)?;
        Self::count(request)?;
        Ok(publishing)
    }

    /// Counts a look of somebody who is not logged in, whatever is published, unless that address looked too often.
    ///
    /// # Errors
    /// [`Code::TooManyRequests`].
    pub(super) fn count(request: &HttpRequest) -> Result<(), Problem> {
        let publishing = request.app_data::<web::Data<Self>>().ok_or(Code::Internal)?;
        let gate = request.app_data::<web::Data<Gate>>().ok_or(Code::Internal)?;
        let (from, now) = (address(request), gate.clock.now());
        if !publishing.looks.lets_try(from, "", now) {
            return Err(Code::TooManyRequests.into());
        }
        publishing.looks.note(from, "", now);
        Ok(())
    }

    /// Looks at what is published of one shop in the newest picture.
    pub(super) fn look<T>(&self, site: &Site, ask: impl FnOnce(&Published<'_>) -> T) -> T {
        site.view(&Scope::everything(), |view| ask(&Published::new(*view, &self.parts)))
    }

    /// Asks what is published of all shops in the newest picture. All who are not logged in wait in one line, which takes at most half of the places.
    ///
    /// # Errors
    /// When too much is asked at once, or it takes too long.
    pub(super) async fn ask<T, F>(&self, site: &Site, ask: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce(&Published<'_>) -> T + Send + 'static,
    {
        let (desk, parts) = (site.desk.clone(), self.parts.clone());
        let work = move |limit: &crate::views::Limit| {
            let (now, picture, scope) = (desk.now(), desk.picture(), Scope::everything());
            Ok(ask(&Published::new(View::new(&picture, &scope, now).within(limit), &parts)))
        };
        site.questions.ask(Uuid::nil(), work).await
    }
}

/// Answers with a page that may be kept: one that is still the same is not sent again.
pub(super) fn kept(request: &HttpRequest, page: String) -> HttpResponse {
    let digest: String = hex(&Sha256::digest(page.as_bytes())).chars().take(32).collect();
    // Weak: the same page may travel packed or not.
    let tag = EntityTag::new_weak(digest);
    let is_known = <IfNoneMatch as actix_web::http::header::Header>::parse(request).is_ok_and(|asked| match asked {
        IfNoneMatch::Any => true,
        IfNoneMatch::Items(tags) => tags.iter().any(|known| known.weak_eq(&tag)),
    });
    let is_known = is_known && request.headers().contains_key(IF_NONE_MATCH);
    let mut answer = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    answer.insert_header((CACHE_CONTROL, HeaderValue::from_static(FRESH)));
    answer.insert_header((VARY, HeaderValue::from_static("accept-language, cookie")));
    answer.insert_header((ETAG, tag.to_string()));
    if is_known { answer.finish() } else { answer.content_type(ContentType::html()).body(page) }
}
