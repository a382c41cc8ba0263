//! Opening the service to the network.

use super::access::{Gate, Keyring, KeyringError, Sessions, Throttle};
use super::bodies::Bodies;
use super::demo::Demonstration;
use super::feeds::Feeds;
use super::following::Following;
use super::fresh::Freshness;
use super::metrics::Metrics;
use super::pages::{Pages, PagesError};
use super::problem::{Code, Problem};
use super::publishing::Publishing;
use super::questions::Questions;
use super::site::{Cookies, Site};
use super::{api, front, routes};
use crate::clock::Clock;
use crate::desk::Desk;
use crate::mail::worker::Worker;
use crate::settings::{Settings, SettingsError};
use crate::taking::inbox::Inbox;
use crate::taking::tray::Tray;
use actix_web::dev::{Server, ServerHandle};
use actix_web::error::{PathError, QueryPayloadError, UrlencodedError};
use actix_web::middleware::{Compress, from_fn};
use actix_web::{App, Error, HttpRequest, HttpServer, web};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use uuid::Uuid;

/// Seconds that requests under way are given when the service stops; live feeds are cut off then.
const PARTING: u64 = 3;

/// Why the service cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// It would be open to other machines without protection.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The keys cannot be read.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// The pages cannot be read.
    #[error(transparent)]
    Pages(#[from] PagesError),
    /// The system has no randomness for a session secret.
    #[error("the system has no randomness to make a session secret of: {0}")]
    NoRandomness(String),
    /// The system has no threads to answer questions with.
    #[error(
        "no threads can be started for questions over all merchants: {0}; raise the limit on threads, or lower `http.questions_at_once`"
    )]
    NoThreads(io::Error),
    /// The address is taken or not ours.
    #[error("cannot listen on `{address}`: {reason}; change `http.listen` or stop what listens there")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        reason: io::Error,
    },
}

/// What the network is opened to.
pub struct Open<'a> {
    /// Settings.
    pub settings: &'a Settings,
    /// Where commands go.
    pub desk: Desk,
    /// Sends mail.
    pub mail: Arc<Worker>,
    /// Takes files that are handed in.
    pub tray: Arc<Tray>,
    /// The folder in which others drop files, if there is one.
    pub inbox: Option<Arc<Inbox>>,
    /// The keys in force.
    pub keyring: Arc<Keyring>,
    /// The clock that browser sessions end by; keys and records go by the desk's.
    pub session_clock: Arc<dyn Clock>,
}

/// The service, listening. It answers as long as `server` is polled.
pub struct Serving {
    /// Address and port it listens on; the port is the real one if 0 was asked for.
    pub address: SocketAddr,
    /// To be awaited.
    pub server: Server,
    /// Stops it.
    pub handle: ServerHandle,
}

impl std::fmt::Debug for Serving {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Serving").field("address", &self.address).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Open<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Open").field("listen", &self.settings.http.listen).finish_non_exhaustive()
    }
}

impl Open<'_> {
    /// Listens. Runs inside an actix or tokio runtime.
    ///
    /// # Errors
    /// See [`ServeError`].
    pub fn serve(self) -> Result<Serving, ServeError> {
        self.demonstrate(None)
    }

    /// Listens as a demonstration, if there is one to show.
    ///
    /// # Errors
    /// See [`ServeError`].
    pub fn demonstrate(self, demonstration: Option<Demonstration>) -> Result<Serving, ServeError> {
        let demonstration = demonstration.map(web::Data::new);
        let settings = self.settings;
        settings.check_exposure(self.keyring.has_valid())?;
        let is_shared = self.desk.log().is_shared();
        settings.check_shared(is_shared)?;
        let failed = |reason| ServeError::Listen { address: settings.http.listen, reason };
        let listener = TcpListener::bind(settings.http.listen).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let secret = match &settings.session.secret {
            Some(secret) => secret.expose().as_bytes().to_vec(),
            None => random_secret()?,
        };
        self.keyring.follow(self.desk.published().clone());
        let following = Following::new(self.desk.clone(), settings.log.max_behind);
        following.look_again();
        let patience = settings.http.position_patience;
        let fresh = Freshness::new(self.desk.published().clone(), patience);
        let (following, fresh) = (web::Data::from(following), web::Data::new(fresh));
        let gate = web::Data::new(Gate {
            keyring: self.keyring,
            sessions: Arc::new(Sessions::new(&secret, settings.session.lifetime)),
            clock: self.session_clock,
            throttle: {
                let session = &settings.session;
                Arc::new(Throttle::new(session.failures_per_address, session.failures_per_key, session.failure_memory))
            },
        });
        let feeds = web::Data::new(Feeds::new(settings.http.live_feeds_per_key, settings.http.live_feeds));
        let metrics_for = web::Data::new(settings.http.metrics);
        let secure = settings.http.public_url.as_deref().is_some_and(|url| url.starts_with("https://"));
        let cookies = web::Data::new(Cookies { secure });
        let pages = web::Data::new(Pages::new()?);
        let metrics = web::Data::new(Metrics::default());
        let http = &settings.http;
        let questions = Questions::start(http.questions_at_once, http.questions_waiting, http.question_limit);
        let questions = questions.map_err(ServeError::NoThreads)?;
        let site = web::Data::new(Site {
            desk: self.desk,
            mail: self.mail,
            tray: self.tray,
            inbox: self.inbox,
            questions,
            trends: Arc::default(),
            shelf: Arc::default(),
            near: Arc::default(),
        });
        site.tend_shelf();
        let limit = settings.http.body_limit;
        let bodies = web::Data::new(Bodies::new(&settings.http));
        let intake = web::Data::new(settings.intake.clone());
        let publishing = web::Data::new(Publishing::new(settings));
        let server = HttpServer::new(move || {
            let app = match &demonstration {
                Some(demonstration) => App::new().app_data(demonstration.clone()),
                None => App::new(),
            };
            app.app_data(gate.clone())
                .app_data(cookies.clone())
                .app_data(pages.clone())
                .app_data(metrics.clone())
                .app_data(site.clone())
                .app_data(feeds.clone())
                .app_data(metrics_for.clone())
                .app_data(following.clone())
                .app_data(fresh.clone())
                .app_data(intake.clone())
                .app_data(publishing.clone())
                .app_data(bodies.clone())
                .app_data(web::PayloadConfig::new(limit))
                .app_data(web::FormConfig::default().limit(64 * 1024).error_handler(wrong_form))
                .app_data(web::QueryConfig::default().error_handler(wrong_query))
                .app_data(web::PathConfig::default().error_handler(wrong_path))
                .wrap(Compress::default())
                .wrap(from_fn(front::stand))
                .configure(routes::configure)
        });
        let server = match settings.http.workers {
            Some(workers) => server.workers(workers),
            None => server,
        };
        // A client that closes its side has gone away: what it asked for is not worked on any longer. What it told is decided all the same.
        let server = server
            .h1_allow_half_closed(false)
            .shutdown_timeout(PARTING)
            .disable_signals()
            .listen(listener)
            .map_err(failed)?
            .run();
        Ok(Serving { address, handle: server.handle(), server })
    }
}

fn random_secret() -> Result<Vec<u8>, ServeError> {
    let mut secret = vec![0; 32];
    getrandom::fill(&mut secret).map_err(|error| ServeError::NoRandomness(error.to_string()))?;
    Ok(secret)
}

fn wrong_form(error: UrlencodedError, _: &HttpRequest) -> Error {
    let code = match &error {
        UrlencodedError::Overflow { .. } => Code::TooLarge,
        UrlencodedError::ContentType => Code::UnsupportedMediaType,
        _ => Code::BadRequest,
    };
    Problem::new(code, "表单无法读取", error).into()
}

/// Parameters that are whole numbers; those of other kinds are read from texts, and name themselves.
const NUMBERS: [&str; 6] = ["row", "page", "per_page", "limit", "before", "after"];

/// What reads a query says what is wrong with a value, and not with whose.
fn wrong_query(error: QueryPayloadError, request: &HttpRequest) -> Error {
    let pairs = web::Query::<Vec<(String, String)>>::from_query(request.query_string());
    let pairs = pairs.map(web::Query::into_inner).unwrap_or_default();
    let is_wrong = |(name, value): &(String, String)| NUMBERS.contains(&&**name) && value.parse::<u64>().is_err();
    match pairs.into_iter().find(is_wrong) {
        Some((name, value)) => {
            let en = format!("`{name}`: this is not a whole number, written in digits alone");
            api::wrong_parameter(&name, &value, "应为整数，只写数字", &en).into()
        }
        None => Problem::new(Code::InvalidParameter, "查询参数无法读取", error).into(),
    }
}

/// The same for paths, whose variables are texts or ids.
fn wrong_path(error: PathError, request: &HttpRequest) -> Error {
    match request.match_info().iter().find(|(_, value)| value.parse::<Uuid>().is_err()) {
        Some((name, value)) => {
            let en = format!("`{name}`: this is not an id, which is a UUID as lists show it");
            api::wrong_parameter(name, value, "应为列表所示的编号（UUID）", &en).into()
        }
        None => Problem::new(Code::InvalidParameter, "路径中的值无法读取", error).into(),
    }
}
