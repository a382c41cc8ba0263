//! What the handlers share.

use super::pages::board::Trends;
use super::problem::{Code, Problem};
use super::questions::Questions;
use super::slices::Slices;
use crate::desk::Desk;
use crate::domain::access::{Key, Scope};
use crate::domain::whose::Near;
use crate::mail::worker::Worker;
use crate::picture::Picture;
use crate::policy::Policies;
use crate::policy::rule::Rule;
use crate::taking::inbox::Inbox;
use crate::taking::tray::Tray;
use crate::views::shelf::Newest;
use crate::views::{Limit, View};
use actix_web::http::header::ContentType;
use actix_web::{HttpResponse, web};
use serde::Serialize;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How often the shelf is looked after.
const TEND: Duration = Duration::from_secs(1);

/// How cookies are marked.
#[derive(Debug, Clone, Copy)]
pub struct Cookies {
    /// The service is reached over TLS: cookies never travel without it.
    pub secure: bool,
}

/// What the handlers read and write.
#[derive(Clone)]
pub struct Site {
    /// Where commands go.
    pub desk: Desk,
    /// Sends mail and knows what became of it.
    pub mail: Arc<Worker>,
    /// Takes files that are handed in.
    pub tray: Arc<Tray>,
    /// The folder in which others drop files, if there is one.
    pub inbox: Option<Arc<Inbox>>,
    /// Works on questions that go over all merchants.
    pub questions: Arc<Questions>,
    /// How counts of the board stood before.
    pub(super) trends: Arc<Trends>,
    /// Merchants of the newest picture in the order of the board.
    pub(super) shelf: Arc<Newest>,
    /// Names of all merchants, to find those near to what a ticket says; made when it is first asked for.
    pub near: Arc<Mutex<Near>>,
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Site").finish_non_exhaustive()
    }
}

impl Site {
    /// Asks the views of the newest picture, seen through a scope.
    pub fn view<T>(&self, scope: &Scope, ask: impl FnOnce(&View<'_>) -> T) -> T {
        let now = self.desk.now();
        let picture = self.desk.picture();
        ask(&View::new(&picture, scope, now))
    }

    /// Asks the views of the newest picture something that goes over all merchants, when it is its turn.
    ///
    /// # Errors
    /// What is asked returns; when too much is asked at once, or it takes too long.
    pub async fn ask<T, F>(&self, key: &Arc<Key>, ask: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce(&View<'_>) -> Result<T, Problem> + Send + 'static,
    {
        let (desk, shelf, id, key) = (self.desk.clone(), self.shelf.clone(), key.id, key.clone());
        let work = move |limit: &Limit| {
            let now = desk.now();
            let (picture, shelf) = shelf.shelf(|| desk.picture(), now);
            ask(&View::new(&picture, &key.scope, now).on(&shelf).within(limit))
        };
        self.questions.ask(id, work).await
    }

    /// The same, answered as JSON. It is written on the same thread: the lights of a district are megabytes.
    ///
    /// # Errors
    /// As for [`ask`](Self::ask).
    pub async fn ask_for_json<T, F>(&self, key: &Arc<Key>, ask: F) -> Result<HttpResponse, Problem>
    where
        T: Serialize,
        F: FnOnce(&View<'_>) -> Result<T, Problem> + Send + 'static,
    {
        let written = move |view: &View<'_>| {
            serde_json::to_vec(&ask(view)?).map_err(|error| Problem::inside(Code::Internal, error))
        };
        let written = Slices::of(self.ask(key, written).await?);
        Ok(HttpResponse::Ok().content_type(ContentType::json()).body(written))
    }

    /// Keeps the shelf fresh while somebody asks for it, as long as somebody else holds it.
    pub(super) fn tend_shelf(&self) {
        let (held, desk) = (Arc::downgrade(&self.shelf), self.desk.clone());
        actix_web::rt::spawn(async move {
            loop {
                tokio::time::sleep(TEND).await;
                let Some(shelf) = held.upgrade() else { break };
                let desk = desk.clone();
                // At midnight all of it is made anew: not on a thread that others wait for.
                let _ = web::block(move || shelf.tend(|| desk.picture(), desk.now())).await;
            }
        });
    }

    /// Works on a thread that may block, on something about one merchant or one page of the log.
    ///
    /// # Errors
    /// What the work returns, or that no thread could be had.
    pub async fn block<T, F>(&self, key: &Arc<Key>, work: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce(&Self, &Scope) -> Result<T, Problem> + Send + 'static,
    {
        let (site, key) = (self.clone(), key.clone());
        web::block(move || work(&site, &key.scope)).await.map_err(|error| Problem::inside(Code::Unavailable, error))?
    }

    /// Returns the policies in force.
    #[must_use]
    pub fn policies(&self) -> Arc<Policies> {
        self.desk.picture().policies.clone()
    }

    /// Returns the newest picture.
    #[must_use]
    pub fn picture(&self) -> Arc<Picture> {
        self.desk.picture()
    }
}

/// Returns a rule of the pack in force; `None` if the pack has changed since.
#[must_use]
pub(super) fn rule<'p>(policies: &'p Policies, id: &str) -> Option<&'p Rule> {
    policies.pack.rules.iter().find(|rule| rule.id == id)
}
