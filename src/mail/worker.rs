//! The mail worker (发送): looks at the outbox of each new picture, sends what is due, and puts on record what came of it.
//!
//! The order that keeps law 8: the request is in the log before anything is sent, and the outcome is in the log before the
//! mail counts as done. A crash between sending and recording makes the mail go out again under the same Message-ID, so
//! that the reader sees one mail; the record has one outcome either way, because its event ids are derived from mail,
//! recipient and attempt. Where several nodes share a log, each claims a mail before it sends it (see [`claim`]).

mod answers;
mod claim;
mod pace;
mod rules;
mod sender;

pub use answers::Linked;

use super::message::MessageError;
use super::render::{Letter, RenderError, Renderer};
use super::transport::Transport;
use crate::alerts::request::stream_of;
use crate::clock::Clock;
use crate::domain::envelope::{NewEvent, Origin, Position};
use crate::domain::event::{DecodeError, Event, MailSendAgainOrdered};
use crate::domain::time::Instant;
use crate::log::contract::{Append, EventLog, Expected, LogError};
use crate::picture::outbox::{DeliveryState, Due, Summary};
use crate::picture::{Picture, Published};
use crate::settings::Mail;
use crossbeam_channel::{Receiver, Sender};
use pace::Pace;
use rules::Rules;
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use uuid::Uuid;

/// Longest wait for the log before the agenda and the order to stop are looked at again. New requests wake the worker at
/// once; only retries and stopping can be late by this much.
const PATIENCE: Duration = Duration::from_millis(200);

/// Wait before something that failed on our side (log, disk) is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// Everything the worker works with.
#[derive(Clone)]
pub struct Parts {
    /// The log: the texts of requests are read from it, outcomes go to it.
    pub log: Arc<dyn EventLog>,
    /// Where the outbox is found.
    pub published: Arc<Published>,
    /// How mails leave.
    pub transport: Arc<dyn Transport>,
    /// Writes the texts.
    pub renderer: Arc<Renderer>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Sender, schedule, number of threads. There is no jitter in the schedule: at most `senders` mails are on their way at a
    /// time, so a server that comes back is not stormed, and a day can be re-enacted to the second.
    pub settings: Mail,
}

/// Why the worker did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The sender in the settings is no address.
    #[error(transparent)]
    Sender(#[from] MessageError),
    /// No thread could be started.
    #[error("cannot start a thread for mail: {0}")]
    Thread(#[from] io::Error),
}

/// Why a letter cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum LetterError {
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// What became of the mail cannot be read.
    #[error(transparent)]
    Record(#[from] DecodeError),
    /// The text cannot be made.
    #[error(transparent)]
    Render(#[from] RenderError),
}

/// Why a mail is not sent again.
#[derive(Debug, thiserror::Error)]
pub enum SendAgainError {
    /// There is no such mail to that address among those that were not delivered.
    #[error("no mail of this id to this address was refused or given up")]
    Unknown,
    /// It is on its way, or has arrived.
    #[error("only what was refused or given up is sent again, and this is {}", .0.name())]
    NotDone(DeliveryState),
    /// The log did not take the order.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// What the threads share.
struct Shared {
    parts: Parts,
    /// Stands in this worker's claims; new with each start, so that nobody takes over what another life had claimed.
    me: Uuid,
    stopping: Arc<AtomicBool>,
    pace: Mutex<Pace>,
    rules: Mutex<Rules>,
    /// Attempts that told nothing about the recipient.
    held_up: AtomicU64,
    trouble: Mutex<BTreeMap<Task, String>>,
    /// Attempts that a sender handed back without a record.
    returned: Sender<(Due, Back)>,
    /// Closed when the worker stops: what pauses, wakes.
    stopped: Receiver<()>,
}

impl Shared {
    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rules(&self) -> MutexGuard<'_, Rules> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits a moment before something is tried again; ends at once when the worker stops.
    fn pause(&self) {
        let _ = self.stopped.recv_timeout(PAUSE);
    }

    fn in_trouble(&self, task: Task, what: &str) {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        if trouble.get(&task).is_none_or(|known| known != what) {
            tracing::error!(problem = what, "Mail stands still: {what}");
            trouble.insert(task, what.to_owned());
        }
    }

    fn out_of_trouble(&self, task: Task) {
        if self.trouble.lock().unwrap_or_else(PoisonError::into_inner).remove(&task).is_some() {
            tracing::info!("Mail goes on");
        }
    }
}

/// What can go wrong for all mails at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Task {
    Reading,
    Recording,
    Sending,
}

/// How a sender hands back an attempt that it did not make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Back {
    /// It is due as before.
    Again,
    /// It is claimed, or done, elsewhere; the outbox will say so when it has come that far.
    Taken,
}

/// A running worker. It stops when it is dropped.
pub struct Worker {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    stop: Option<Sender<()>>,
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker").field("threads", &self.threads.len()).finish_non_exhaustive()
    }
}

impl Worker {
    /// Starts to follow the outbox and to send.
    ///
    /// # Errors
    /// See [`StartError`]. Nothing is sent then.
    pub fn start(parts: Parts) -> Result<Self, StartError> {
        sender::check(&parts.settings)?;
        let (senders, per_minute) = (parts.settings.senders.max(1), parts.settings.per_minute);
        // One in hand for each sender, so that none waits for the follower.
        let (hand_out, jobs) = crossbeam_channel::bounded(senders);
        let (returned, came_back) = crossbeam_channel::unbounded();
        let (stop, stopped) = crossbeam_channel::bounded(0);
        let shared = Arc::new(Shared {
            parts,
            me: Uuid::now_v7(),
            stopping: Arc::default(),
            pace: Mutex::new(Pace::new(per_minute)),
            rules: Mutex::default(),
            held_up: AtomicU64::new(0),
            trouble: Mutex::new(BTreeMap::new()),
            returned,
            stopped,
        });
        let mut worker = Self { shared: shared.clone(), threads: Vec::with_capacity(senders + 1), stop: Some(stop) };
        for number in 1..=senders {
            let (shared, jobs) = (shared.clone(), jobs.clone());
            let thread = std::thread::Builder::new().name(format!("mail-sender-{number}"));
            worker.threads.push(thread.spawn(move || {
                for due in &jobs {
                    sender::deliver(&shared, &due);
                }
            })?);
        }
        let follower = Follower { shared, hand_out, came_back, on_the_way: HashMap::new(), honoured: HashMap::new() };
        worker.threads.push(std::thread::Builder::new().name("mail".to_owned()).spawn(move || follower.run())?);
        Ok(worker)
    }

    /// Returns where the newest picture is found, whose outbox this worker goes by.
    #[must_use]
    pub fn published(&self) -> &Arc<Published> {
        &self.shared.parts.published
    }

    /// Returns the newest picture, which holds the outbox.
    #[must_use]
    pub fn picture(&self) -> Arc<Picture> {
        self.shared.parts.published.picture()
    }

    /// Writes the letter of a mail once more, as its recipient got or will get it, but for the link that is for them alone; `None` if
    /// it is not addressed to them.
    ///
    /// # Errors
    /// See [`LetterError`].
    pub fn letter(&self, mail: &Summary, address: &str) -> Result<Option<Letter>, LetterError> {
        sender::letter(&self.shared.parts, mail, address)
    }

    /// Orders to send a mail again that was refused or given up for a recipient, and returns where the order stands in the
    /// log. The same order again, before it was carried out, is that order.
    ///
    /// # Errors
    /// See [`SendAgainError`].
    pub fn send_again(&self, mail: Uuid, address: &str, origin: &Origin) -> Result<Position, SendAgainError> {
        let picture = self.picture();
        let (attempts, state) = picture
            .outbox
            .deliveries(mail)
            .iter()
            .find(|delivery| *delivery.address == *address)
            .map(|delivery| (delivery.attempts, delivery.state))
            .ok_or(SendAgainError::Unknown)?;
        if !matches!(state, DeliveryState::Refused | DeliveryState::GivenUp) {
            return Err(SendAgainError::NotDone(state));
        }
        let at = self.shared.parts.clock.now();
        let ordered = Event::MailSendAgainOrdered(MailSendAgainOrdered { mail, address: address.to_owned(), at });
        let id = Uuid::new_v5(&mail, format!("{} {attempts} {address}", ordered.event_type()).as_bytes());
        let append = Append {
            stream: stream_of(mail),
            expected: Expected::Any,
            recorded_at: at,
            idempotency_key: None,
            events: vec![NewEvent::new(id, at, origin, &ordered)],
        };
        match self.shared.parts.log.append(append) {
            Ok(appended) => Ok(appended.first),
            // Somebody else ordered the same a moment ago.
            Err(LogError::Duplicate { .. }) => Ok(self.shared.parts.log.head()),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns what keeps all mail from being sent or recorded, if anything does.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.shared.trouble.lock().unwrap_or_else(PoisonError::into_inner).values().next().cloned()
    }

    /// Returns the time between two mails at present: more than the settings say where the server said that we are too fast.
    #[must_use]
    pub fn gap(&self) -> Duration {
        self.shared.pace().gap()
    }

    /// Returns how many attempts since the start told nothing about the recipient.
    #[must_use]
    pub fn held_up(&self) -> u64 {
        self.shared.held_up.load(Ordering::Relaxed)
    }

    /// Orders to stop without waiting: from now on nothing new is begun.
    pub fn order_stop(&self) {
        self.shared.stopping.store(true, Ordering::Release);
    }

    /// Stops: mails on their way are finished and recorded if the server answers within a moment, nothing new is begun. What
    /// waits is sent after the next start.
    pub fn stop(mut self) {
        self.halt();
    }

    fn halt(&mut self) {
        self.order_stop();
        drop(self.stop.take());
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("A mail thread had ended by a panic");
            }
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.halt();
    }
}

/// The thread that follows the log and hands out what is due. When it ends, the senders end: it holds their channel.
struct Follower {
    shared: Arc<Shared>,
    hand_out: Sender<Due>,
    came_back: Receiver<(Due, Back)>,
    /// Handed out and not yet on record; with how it came back, if it did.
    on_the_way: HashMap<Recipient, (Due, Option<Back>)>,
    /// Claims of other nodes, each by its number on an attempt; from when and until when by its own clock this one leaves
    /// the attempt alone.
    honoured: HashMap<(Recipient, u32, u32), (Instant, Instant)>,
}

/// A mail and an address.
type Recipient = (Uuid, Arc<str>);

fn recipient(due: &Due) -> Recipient {
    (due.mail, due.address.clone())
}

impl Follower {
    fn run(mut self) {
        let mut picture = self.shared.parts.published.picture();
        let mut begins = true;
        while !self.shared.is_stopping() {
            if self.shared.parts.log.is_shared() {
                self.honour(&picture, begins);
                begins = false;
            }
            self.hand_out_due(&picture);
            // The record of an attempt comes back with a picture, so a sender that is done wakes this thread.
            picture = self.shared.parts.published.wait_for(picture.position + 1, PATIENCE);
        }
    }

    /// Leaves an attempt to the node that claims it for as long as the claim is, from when it was seen. So a node whose
    /// clock is ahead does not take for run out what is being sent.
    fn honour(&mut self, picture: &Picture, begins: bool) {
        let now = self.shared.parts.clock.now();
        for (mail, delivery, claim) in picture.outbox.claims().filter(|(.., claim)| claim.by != self.shared.me) {
            // Of what was claimed before this worker began, only what a clock ahead of this one claimed gets its whole length:
            // whether it has run out cannot be told.
            let end = if begins && !claim.is_ahead_of(now) {
                Ok(claim.until)
            } else {
                now.checked_add(claim.until.duration_since(claim.at))
            };
            if let Ok(end) = end {
                let name = ((mail, delivery.address.clone()), delivery.next_attempt(), claim.number);
                self.honoured.entry(name).or_insert((now, end));
            }
        }
        let claimed = |(mail, address): &Recipient, attempt: u32, number: u32| {
            let deliveries = picture.outbox.deliveries(*mail).iter();
            deliveries
                .filter(|one| one.awaits(address, attempt))
                .any(|one| one.claim.is_some_and(|it| it.number == number))
        };
        self.honoured.retain(|(recipient, attempt, number), _| claimed(recipient, *attempt, *number));
    }

    fn hand_out_due(&mut self, picture: &Picture) {
        for (due, back) in self.came_back.try_iter() {
            if let Some((_, how)) = self.on_the_way.get_mut(&recipient(&due)) {
                *how = Some(back);
            }
        }
        let now = self.shared.parts.clock.now();
        let outbox = &picture.outbox;
        self.on_the_way.retain(|_, (due, back)| match back {
            // A sender is at it; its own claim is no reason to hand it out once more.
            None => outbox.awaits(due),
            Some(Back::Taken) => outbox.unclaimed(due),
            Some(Back::Again) => false,
        });
        for due in outbox.due(now) {
            let recipient = recipient(&due);
            if self.on_the_way.contains_key(&recipient) {
                continue;
            }
            let claimed = (recipient.clone(), due.attempt, due.claim.saturating_sub(1));
            // What lies before its own beginning was seen by a clock that was ahead and is mended.
            if self.honoured.get(&claimed).is_some_and(|(seen, end)| (*seen..*end).contains(&now)) {
                continue;
            }
            let mut pace = self.shared.pace();
            // The server rests, or the senders have enough for now.
            if !pace.allows(now) || self.hand_out.try_send(due.clone()).is_err() {
                break;
            }
            pace.begun(now);
            drop(pace);
            self.on_the_way.insert(recipient, (due, None));
        }
    }
}
