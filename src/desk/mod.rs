//! The desk: the one place where commands become events. A single thread takes what waits, decides it, has it made
//! durable in one go, answers, then looks at the lights that may have changed and asks for mail.

mod batch;
mod counters;
mod doing;
mod engine;
mod follow;
mod follow_up;
mod light_trail;
mod nodes;
mod pulse;
mod recordable;
mod rehearsal;
mod retries;
mod routing;
mod silence;
mod start;
mod tickets;
mod together;
mod whose;

pub use counters::Counters;
pub(crate) use engine::{NOT_KNOWN, NOT_RECORDED, not_recorded};
pub use recordable::unrecordable;
pub use rehearsal::Rehearsal;
pub use start::{Start, StartError};

use crate::clock::Clock;
use crate::domain::check::Problem;
use crate::domain::command::Command;
use crate::domain::envelope::{Origin, Position};
use crate::domain::tidy::tidy;
use crate::domain::time::Instant;
use crate::log::contract::{EventLog, LogError};
use crate::picture::{Picture, Published};
use crossbeam_channel::{Receiver, Sender};
use pulse::Pulse;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use uuid::Uuid;

/// The answer to one command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Its events are on disk.
    Accepted(Receipt),
    /// All of it was known already; nothing was written.
    Unchanged {
        /// What is odd but no ground for refusal.
        warnings: Vec<Problem>,
    },
    /// Nothing was written; this is wrong with it.
    Refused(Vec<Problem>),
}

/// What was written for an accepted command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The events, in order.
    pub events: Vec<Uuid>,
    /// Position of the first.
    pub first: Position,
    /// Position of the last.
    pub last: Position,
    /// Time recorded.
    pub recorded_at: Instant,
    /// This is the first answer again: the idempotency key was used before with the same content.
    pub repeated: bool,
    /// What is odd but no ground for refusal.
    pub warnings: Vec<Problem>,
}

/// Why commands were not taken at all.
#[derive(Debug, Clone, thiserror::Error)]
pub enum DeskError {
    /// The idempotency key was used for other content.
    #[error("idempotency key `{0}` was used before for other content; use a new key for a new request")]
    KeyReused(Arc<str>),
    /// The log did not take the events.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The service is stopping.
    #[error("the service is stopping; try again in a moment")]
    Stopped,
    /// The service that was asked went away before it answered.
    #[error(
        "the service went away before it answered: what was on its way may be recorded or not; send it again, which changes nothing \
         about what is recorded"
    )]
    Lost,
}

/// Commands handed to the desk together; each is decided by itself.
#[derive(Debug, Clone)]
pub struct Request {
    /// The commands.
    pub commands: Vec<Command>,
    /// Who says so.
    pub origin: Origin,
    /// Trace ids of commands that belong to other trails than the origin's, by the command's place. Shorter or empty: the
    /// others belong to the origin's.
    pub trails: Vec<Option<Uuid>>,
    /// Details of merchants that later rows of the same file say otherwise, by the command's place. Shorter or empty: none.
    pub overruled: Vec<Vec<&'static str>>,
    /// The client's key: the same key for the same request gets the first answer.
    pub key: Option<RequestKey>,
    /// Look at lights only when [`Desk::settle`] asks: an import changes each light once, not once per sheet.
    pub hold_lights: bool,
}

/// An idempotency key, for one request as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestKey {
    /// A key for each command, derived from the client's. None of them is another request's.
    pub names: Vec<Arc<str>>,
    /// Digest of the request as it was sent: under one key there is one request.
    pub content: [u8; 32],
}

impl RequestKey {
    /// Returns the answer that was given to the first command of this request, if it was recorded.
    ///
    /// # Errors
    /// When the key stands for another request, or the log cannot be asked.
    pub fn first_answer(&self, log: &dyn EventLog) -> Result<Option<Answer>, DeskError> {
        batch::first_answer(self, log)
    }
}

impl Request {
    /// Returns a request that is looked at at once, without a key.
    #[must_use]
    pub const fn new(commands: Vec<Command>, origin: Origin) -> Self {
        Self { commands, origin, trails: Vec::new(), overruled: Vec::new(), key: None, hold_lights: false }
    }

    /// Returns the origin of the command at this place.
    fn origin_of(&self, index: usize) -> Origin {
        let own = self.trails.get(index).copied().flatten();
        Origin { correlation: own.or(self.origin.correlation), ..self.origin.clone() }
    }
}

/// Answers on their way.
#[derive(Debug)]
pub struct Answers(Receiver<Result<Vec<Answer>, DeskError>>);

impl Answers {
    /// Waits until what follows from the commands is durable.
    ///
    /// # Errors
    /// See [`DeskError`].
    pub fn wait(self) -> Result<Vec<Answer>, DeskError> {
        self.0.recv().map_err(|_| DeskError::Stopped)?
    }
}

pub(crate) enum Job {
    Execute(Request, Sender<Result<Vec<Answer>, DeskError>>),
    Settle(Sender<Result<(), DeskError>>),
    Stop,
}

/// A handle to the desk; clones speak to the same one.
#[derive(Clone)]
pub struct Desk {
    jobs: Sender<Job>,
    published: Arc<Published>,
    counters: Arc<Counters>,
    log: Arc<dyn EventLog>,
    clock: Arc<dyn Clock>,
    ready: Arc<AtomicBool>,
    pulse: Arc<Pulse>,
    thread: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl Desk {
    /// Decides commands and waits until what follows from them is durable. Blocks; asynchronous callers use a blocking
    /// thread.
    ///
    /// # Errors
    /// See [`DeskError`]; a refusal of a single command is an [`Answer`].
    pub fn execute(&self, request: Request) -> Result<Vec<Answer>, DeskError> {
        self.submit(request).wait()
    }

    /// Hands commands over and returns at once. What is handed over first is decided first.
    #[must_use]
    pub fn submit(&self, mut request: Request) -> Answers {
        request.commands = request.commands.into_iter().map(tidy).collect();
        Answers(self.hand_over(|answer| Job::Execute(request, answer)))
    }

    /// Waits until every light that held-back commands or passed deadlines may have changed was looked at and recorded.
    ///
    /// # Errors
    /// See [`DeskError`].
    pub fn settle(&self) -> Result<(), DeskError> {
        self.hand_over(Job::Settle).recv().map_err(|_| DeskError::Stopped)?
    }

    fn hand_over<T>(&self, job: impl FnOnce(Sender<T>) -> Job) -> Receiver<T> {
        let (sender, receiver) = crossbeam_channel::bounded(1);
        // A desk that has stopped drops the sender, which is the answer.
        let _ = self.jobs.send(job(sender));
        receiver
    }

    /// Returns the picture as of the last durable batch. It stays as it is for as long as it is held, and holding it keeps
    /// nobody waiting.
    #[must_use]
    pub fn picture(&self) -> Arc<Picture> {
        self.published.picture()
    }

    /// Returns where the newest picture is found.
    #[must_use]
    pub const fn published(&self) -> &Arc<Published> {
        &self.published
    }

    /// Returns the log.
    #[must_use]
    pub fn log(&self) -> &Arc<dyn EventLog> {
        &self.log
    }

    /// Returns the present instant by the service's clock.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Returns the service's clock.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Returns counters of what the desk did since it started.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Returns a feed that tells the position of each new picture.
    #[must_use]
    pub fn changes(&self) -> tokio::sync::watch::Receiver<Position> {
        self.published.changes()
    }

    /// Returns by how much the machine's clock is behind the newest time on record, if by more than nodes may differ: then
    /// somebody's clock was ahead for a while. Lights and mail go by the clock meanwhile; what is recorded gets the newest
    /// time on record.
    #[must_use]
    pub fn clock_behind(&self) -> Option<jiff::SignedDuration> {
        self.picture().marks.ahead_of(self.clock.now())
    }

    /// Says whether the lights are up to date: after a start, whether deadlines passed meanwhile were looked at.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire) && self.is_alive() && !self.stands_by()
    }

    /// Returns what keeps commands from being taken or lights from being up to date, if anything does.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        if !self.is_alive() {
            return Some("the desk has stopped".to_owned());
        }
        // While it is behind its log, for how long it may be is judged elsewhere: a line that is bad for a moment is no trouble.
        let caught_up = self.published.position() >= self.log.head();
        self.pulse.hangs().or_else(|| self.pulse.trouble().filter(|_| caught_up))
    }

    /// Says whether another node put other policies or recipients in force than this one was started with: then lights and
    /// mail are left to it until this one is restarted with the same files.
    #[must_use]
    pub fn stands_by(&self) -> bool {
        self.counters.stands_by.load(Ordering::Relaxed)
    }

    /// Says whether the desk's thread works: a desk that stopped, or died of a fault, takes nothing any more.
    fn is_alive(&self) -> bool {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }

    /// Finishes what is under way and stops the desk; later requests are answered with [`DeskError::Stopped`].
    pub fn stop(&self) {
        let _ = self.jobs.send(Job::Stop);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }
}
