//! The cluster as a few blocking calls, each with a deadline.
//!
//! Habits of the client (kurrentdb 1.2.0) that are lived with here:
//! * a client that once found no node stays closed, and one whose node died keeps to that node (`NodeConnection::next`
//!   gives the old handle back), so after a failure it is thrown away and made anew;
//! * `maxDiscoverAttempts=1` means none;
//! * answers that miss a field make it panic, so it runs in tasks of its own runtime;
//! * its subscription spins without end when a server ends it in good order, so the log is followed by reads.

use super::batch::Batch;
use super::place::Mark;
use super::spent::{Meter, Spending};
use super::{settings, tls};
use crate::domain::envelope::Revision;
use crate::log::contract::LogError;
use crossbeam_channel::Receiver;
use eventstore::{
    AppendToStreamOptions, Client, ClientSettings, Error, EventData, GrpcConnectionError, Position, ReadAllOptions,
    ReadStream, ReadStreamOptions, RecordedEvent, StreamPosition, StreamState, SubscriptionFilter,
};
use std::future::Future;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::Runtime;

/// Events read in one call.
pub(super) const PAGE: usize = 500;

/// Events that the server considers at a time for a read with a filter; it goes forward 32 at a time by itself.
const WINDOW: u32 = 500;

/// Number of the gRPC status `INVALID_ARGUMENT`.
const INVALID_ARGUMENT: i32 = 3;
/// What a batch append says of one append, in the numbers of gRPC's status (server, `Google.Rpc` of the protocol's `Status.cs`):
/// `WrongExpectedVersion`, `StreamDeleted`, `AccessDenied`. Whole calls that end with these have errors of their own in the client.
const ALREADY_EXISTS: i32 = 6;
const NOT_FOUND: i32 = 5;
const PERMISSION_DENIED: i32 = 7;
/// Number of the gRPC status `RESOURCE_EXHAUSTED`, which the server gives to a message larger than it reads: 16 MiB less 10,000
/// bytes (`ClusterVNodeStartup.cs`).
const RESOURCE_EXHAUSTED: i32 = 8;
/// Number of the gRPC status `OUT_OF_RANGE`, which the client gives when a message is larger than it reads.
const OUT_OF_RANGE: i32 = 11;

/// What the cluster answered instead of doing it.
#[derive(Debug, Clone)]
pub(super) enum Fault {
    /// The stream is not where the proposal took it to be. What the leader names instead may be under way, not to be read yet,
    /// and come to nothing, so nobody goes by it.
    Wrong,
    /// It will not do it however often it is asked.
    Refused(LogError),
    /// Nobody knows whether it was done.
    Unknown(String),
    /// It cannot read from there: no event begins at that position.
    NoSuchPlace,
    /// The message is larger than it reads.
    TooLarge(String),
}

impl From<Fault> for LogError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Wrong => Self::Unavailable("the cluster compared a revision that nobody gave".to_owned()),
            Fault::Refused(error) => error,
            Fault::Unknown(why) => Self::Unavailable(why),
            Fault::TooLarge(why) => Self::Invalid(format!(
                "the append is too large for the cluster, whose servers read messages up to 16 MiB less 10,000 bytes: {why}; make \
                 it smaller"
            )),
            Fault::NoSuchPlace => {
                Self::Unavailable("the cluster cannot read from where this node has read to".to_owned())
            }
        }
    }
}

/// Events read in one go, and why there are not more.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) events: Vec<RecordedEvent>,
    pub(super) broken: Option<Fault>,
}

/// A page as the client gives it; true if the line broke or the server is unwell.
pub(super) type PageSoonAnswer = Result<(Page, bool), Error>;

/// Where a page comes that was asked for.
pub(super) type PageSoon = Receiver<PageSoonAnswer>;

/// A connection to the cluster.
pub(super) struct Remote {
    settings: ClientSettings,
    prefix: Arc<str>,
    patience: Duration,
    client: Mutex<Option<Client>>,
    /// Calls in a row that a broken line or an unwell server ended.
    failures: AtomicU32,
    runtime: Option<Runtime>,
    meter: Meter,
}

impl std::fmt::Debug for Remote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Not the settings: they hold the password.
        f.debug_struct("Remote").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl Remote {
    /// Returns a connection that is made when it is first needed. `patience` is how long one answer is waited for.
    pub(super) fn new(url: &str, prefix: Arc<str>, patience: Duration, meter: Meter) -> Result<Self, LogError> {
        let settings = settings::parse(url)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("log-cluster-io")
            .enable_all()
            .build()
            .map_err(|error| LogError::Unavailable(format!("cannot start a thread: {error}")))?;
        Ok(Self {
            settings,
            prefix,
            patience,
            client: Mutex::new(None),
            failures: AtomicU32::new(0),
            runtime: Some(runtime),
            meter,
        })
    }

    fn client(&self) -> Result<Client, Fault> {
        let mut held = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = &*held {
            return Ok(client.clone());
        }
        let stopped = || Fault::Unknown("the connection to the cluster is closed".to_owned());
        let handle = self.runtime.as_ref().ok_or_else(stopped)?.handle().clone();
        let client = Client::with_runtime_handle(handle, self.settings.clone()).map_err(|error| {
            Fault::Refused(LogError::Unavailable(format!("the client of the cluster cannot be set up: {error}")))
        })?;
        *held = Some(client.clone());
        Ok(client)
    }

    /// Returns what times the thread that writes and follows.
    pub(super) const fn meter(&self) -> &Meter {
        &self.meter
    }

    /// Runs one call in the private runtime, so that it may be made from any thread.
    fn call<T, F>(&self, work: impl FnOnce(Client) -> F) -> Result<T, Fault>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let answered = self.begin(work)?;
        self.conclude(self.meter.time(Spending::Server, || answered.recv()).ok())
    }

    /// Begins a call, and returns where its answer comes.
    fn begin<T, F>(&self, work: impl FnOnce(Client) -> F) -> Result<Receiver<Result<T, Error>>, Fault>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let client = self.client()?;
        let stopped = || Fault::Unknown("the connection to the cluster is closed".to_owned());
        let runtime = self.runtime.as_ref().ok_or_else(stopped)?;
        let (answer, answered) = crossbeam_channel::bounded(1);
        let work = work(client);
        runtime.spawn(async move {
            // The caller waits below; nobody else hears a failed send.
            let _ = answer.send(work.await);
        });
        Ok(answered)
    }

    /// Takes note of how a call ended; `None` if it ended in the middle of the client.
    fn conclude<T>(&self, answer: Option<Result<T, Error>>) -> Result<T, Fault> {
        match answer {
            Some(Ok(value)) => Ok(value),
            Some(Err(error)) => {
                match error {
                    Error::ConnectionClosed | Error::GrpcConnectionError(_) | Error::DeadlineExceeded => self.forget(),
                    Error::ServerError(_) => self.note(true),
                    _ => {}
                }
                Err(fault(error, &self.settings, self.patience))
            }
            None => {
                self.forget();
                Err(Fault::Unknown("the cluster's answer made no sense".to_owned()))
            }
        }
    }

    /// Takes note of how a call went. Over a line that was cut once the client soon has another to the same server; twice in
    /// a row, and the server is gone.
    fn note(&self, failed: bool) {
        if !failed {
            self.failures.store(0, Ordering::Relaxed);
        } else if self.failures.fetch_add(1, Ordering::Relaxed) > 0 {
            self.forget();
        }
    }

    /// Throws the client away; the next call makes a new one, which finds out anew who leads.
    pub(super) fn forget(&self) {
        self.failures.store(0, Ordering::Relaxed);
        *self.client.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn name(&self, stream: &str) -> String {
        format!("{}{stream}", self.prefix)
    }

    /// Returns the filter that leaves out the server's own streams and those of other logs.
    fn filter(&self) -> SubscriptionFilter {
        let filter = SubscriptionFilter::on_stream_name().max(WINDOW);
        if self.prefix.is_empty() { filter.exclude_system_events() } else { filter.add_prefix(&*self.prefix) }
    }

    /// Says whether the filter lets a stream with this name on the server through.
    pub(super) fn lets_through(&self, name: &str) -> bool {
        if self.prefix.is_empty() { !name.starts_with('$') } else { name.starts_with(&*self.prefix) }
    }

    /// Returns what appends are sent through, of which this node's thread has one.
    pub(super) fn batch(&self) -> Batch {
        Batch::new(self.settings.clone(), self.prefix.clone(), self.patience)
    }

    /// Appends one event by itself, whatever the stream holds.
    pub(super) fn append_anywhere(&self, stream: &str, event: EventData) -> Result<(), Fault> {
        let (name, patience) = (self.name(stream), self.patience);
        let options =
            AppendToStreamOptions::default().stream_state(StreamState::Any).requires_leader(true).deadline(patience);
        self.call(|client| async move {
            timely(patience, client.append_to_stream(name, &options, vec![event])).await.map(|_| ())
        })
        .inspect(|()| self.note(false))
    }

    /// Reads up to `count` events of this log from `from` on, the one there included, in the order of the cluster.
    pub(super) fn read_all(&self, from: Option<Position>, count: usize) -> Result<Page, Fault> {
        let asked = self.begin_all(from, count)?;
        self.conclude_page(self.meter.time(Spending::Server, || asked.recv()).ok())
    }

    /// Asks for what [`Remote::read_all`] reads; [`Remote::conclude_page`] takes the answer.
    pub(super) fn begin_all(&self, from: Option<Position>, count: usize) -> Result<PageSoon, Fault> {
        let options = ReadAllOptions::default().position(from.map_or(StreamPosition::Start, StreamPosition::Position));
        self.begin_pages(options.filter(self.filter()), count)
    }

    /// Reads up to `count` events from `from` on of the streams that hold the settings of this log's streams.
    pub(super) fn read_settings(&self, from: Option<Position>, count: usize) -> Result<Page, Fault> {
        let options = ReadAllOptions::default().position(from.map_or(StreamPosition::Start, StreamPosition::Position));
        let filter = SubscriptionFilter::on_stream_name().max(WINDOW).add_prefix(format!("$${}", self.prefix));
        self.pages(options.filter(filter), count)
    }

    /// Returns the event at `place`, or the first after it, whoever wrote it.
    pub(super) fn event_at(&self, place: Position) -> Result<Option<Mark>, Fault> {
        let options = ReadAllOptions::default().position(StreamPosition::Position(place));
        self.one(options)
    }

    /// Reads up to `count` events from `from` on, the one there included, whoever wrote them.
    pub(super) fn read_everybodys(&self, from: Option<Position>, count: usize) -> Result<Page, Fault> {
        let options = ReadAllOptions::default().position(from.map_or(StreamPosition::Start, StreamPosition::Position));
        self.pages(options, count)
    }

    fn pages(&self, options: ReadAllOptions, count: usize) -> Result<Page, Fault> {
        let asked = self.begin_pages(options, count)?;
        self.conclude_page(self.meter.time(Spending::Server, || asked.recv()).ok())
    }

    fn begin_pages(&self, options: ReadAllOptions, count: usize) -> Result<PageSoon, Fault> {
        let (patience, options) = (self.patience, options.max_count(count).requires_leader(true));
        self.begin(|client| async move {
            let mut stream = timely(patience, client.read_all(&options)).await?;
            Ok(page(&mut stream, patience).await)
        })
    }

    /// Takes note of how a read of the whole log ended; `None` if it ended in the middle of the client.
    pub(super) fn conclude_page(&self, page: Option<PageSoonAnswer>) -> Result<Page, Fault> {
        let (Page { events, broken }, is_broken) = self.conclude(page).map_err(misplaced)?;
        self.note(is_broken);
        Ok(Page { events, broken: broken.map(misplaced) })
    }

    fn one(&self, options: ReadAllOptions) -> Result<Option<Mark>, Fault> {
        let Page { events, broken } = self.pages(options, 1)?;
        match (events.first(), broken) {
            (Some(event), _) => Ok(Some(Mark { position: event.position, id: event.id })),
            (None, Some(fault)) => Err(fault),
            (None, None) => Ok(None),
        }
    }

    /// Reads up to `count` events of one stream from the server's revision `from` on.
    pub(super) fn read_stream(&self, stream: &str, from: Revision, count: usize) -> Result<Page, Fault> {
        let (name, patience) = (self.name(stream), self.patience);
        let options = ReadStreamOptions::default()
            .position(StreamPosition::Position(from))
            .max_count(count)
            .requires_leader(true);
        let (mut found, is_broken) = self.call(|client| async move {
            let mut stream = timely(patience, client.read_stream(name, &options)).await?;
            Ok(page(&mut stream, patience).await)
        })?;
        self.note(is_broken);
        if found.events.is_empty() && matches!(found.broken, Some(Fault::Refused(LogError::Invalid(_)))) {
            // There is no such stream.
            found.broken = None;
        }
        Ok(found)
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        self.forget();
        if let Some(runtime) = self.runtime.take() {
            // Not waited for: whoever drops this may itself run in a runtime, where waiting is forbidden.
            runtime.shutdown_background();
        }
    }
}

/// Says whether the line broke, or the server is unwell.
fn is_broken(error: &Error) -> bool {
    matches!(error, Error::ServerError(_) | Error::DeadlineExceeded)
}

/// Reads a page; says too whether the line broke or the server is unwell.
async fn page(stream: &mut ReadStream, patience: Duration) -> (Page, bool) {
    let mut events = Vec::new();
    loop {
        // Each event has its own deadline: a large page over a slow line takes its time, a line that is cut does not.
        match timely(patience, stream.next()).await {
            Ok(Some(resolved)) => events.extend(resolved.event),
            Ok(None) => return (Page { events, broken: None }, false),
            Err(error) => {
                let is_broken = is_broken(&error);
                return (Page { events, broken: Some(classify(error)) }, is_broken);
            }
        }
    }
}

/// A read of the whole log is refused as senseless only for its place.
fn misplaced(fault: Fault) -> Fault {
    match fault {
        Fault::Refused(LogError::Invalid(_)) => Fault::NoSuchPlace,
        fault => fault,
    }
}

pub(super) async fn timely<T>(patience: Duration, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    tokio::time::timeout(patience, work).await.unwrap_or(Err(Error::DeadlineExceeded))
}

/// Returns what an error of the client means.
pub(super) fn fault(error: Error, settings: &ClientSettings, patience: Duration) -> Fault {
    if matches!(error, Error::GrpcConnectionError(_))
        && let Some(complaint) = tls::complaint(settings, patience)
    {
        return Fault::Refused(LogError::Unavailable(complaint));
    }
    classify(error)
}

fn classify(error: Error) -> Fault {
    let refused = |what: &str| Fault::Refused(LogError::Unavailable(what.to_owned()));
    match error {
        Error::WrongExpectedVersion { .. } => Fault::Wrong,
        Error::Grpc { code, .. } if i32::from(code) == ALREADY_EXISTS => Fault::Wrong,
        Error::Grpc { code, .. } if i32::from(code) == NOT_FOUND => classify(Error::ResourceDeleted),
        Error::Grpc { code, .. } if i32::from(code) == PERMISSION_DENIED => classify(Error::AccessDenied),
        Error::AccessDenied => refused("the cluster denies access; check user and password in `log.url`"),
        // What became of each server is not told: one that is down and one that denies access look alike.
        Error::GrpcConnectionError(GrpcConnectionError::MaxDiscoveryAttemptReached(_)) => Fault::Unknown(
            "no server named in `log.url` tells who leads; see that they run, and check hosts, ports, user and password"
                .to_owned(),
        ),
        Error::ResourceDeleted => refused("a stream of the log was deleted on the cluster; restore it from a backup"),
        Error::UnsupportedFeature => refused("the cluster's software is too old; update it to 23.10 or later"),
        Error::ResourceNotFound => Fault::Refused(LogError::Invalid("there is no such stream".to_owned())),
        Error::Grpc { code, message } if i32::from(code) == INVALID_ARGUMENT => {
            Fault::Refused(LogError::Invalid(format!(
                "the cluster refuses it: {message} If it is too large, raise the servers' `MaxAppendSize` and `MaxAppendEventSize`"
            )))
        }
        Error::Grpc { code, message } if i32::from(code) == OUT_OF_RANGE => {
            Fault::Refused(LogError::Unavailable(format!("an event is larger than the client reads: {message}")))
        }
        Error::Grpc { code, message } if i32::from(code) == RESOURCE_EXHAUSTED => Fault::TooLarge(message),
        // What servers say to a place where no event begins, with status UNKNOWN (`RpcExceptions.UnknownError`): 23.10 the first, 24.10
        // to 26 the second. With `INVALID_ARGUMENT` only their subscriptions say it.
        Error::ServerError(message)
            if message.contains("ReadAllResult: Error") || message.contains("InvalidPosition") =>
        {
            Fault::Refused(LogError::Invalid(message))
        }
        other => Fault::Unknown(other.to_string()),
    }
}
