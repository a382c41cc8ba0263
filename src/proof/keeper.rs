//! The thread that signs: it looks at the log now and then and puts a checkpoint under every day that was closed.

use super::check::{CheckError, check};
use super::key::SigningKey;
use super::statement::Statement;
use super::{PublicKey, STREAM};
use crate::clock::Clock;
use crate::domain::envelope::{NewEvent, Origin, Position, Recorded, Revision};
use crate::domain::event::Event;
use crate::domain::hex::Hex;
use crate::log::contract::{Append, EventLog, Expected, LogError};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use uuid::Uuid;

/// Stream in which the watch says that a day is closed, and how it says so.
const WATCH: (&str, &str) = ("watch", "watch.day_closed");
/// Events of it that are read at once.
const PAGE: usize = 512;
/// After failures, pauses double this many times.
const DOUBLINGS: u32 = 6;
/// Namespace of the checkpoints' ids.
const NAMESPACE: Uuid = Uuid::from_u128(0x4c1e_9a70_53d8_4b26_9f0d_62ab_c7e3_180f);

/// A running keeper. It stops when it is dropped.
///
/// It begins after the last checkpoint of its key; a new key begins with the last day that was closed. Before it signs
/// anything, it checks the checkpoints that are there: on a log that was rewritten it signs nothing. Whatever fails is
/// told once and tried again; nothing else waits for it.
#[derive(Debug)]
pub struct CheckpointKeeper {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl CheckpointKeeper {
    /// How often the log is looked at.
    pub const LOOK: Duration = Duration::from_secs(1);

    /// Starts to sign, looking at the log every `look`.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(log: Arc<dyn EventLog>, key: SigningKey, clock: Arc<dyn Clock>, look: Duration) -> io::Result<Self> {
        let (stop, stopped) = crossbeam_channel::bounded(0);
        let round = Round { log, key, clock, stopped, place: None, seen: 0 };
        let thread = std::thread::Builder::new().name("checkpoints".to_owned()).spawn(move || round.run(look))?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }

    /// Stops: a checkpoint on its way is finished, no other is begun.
    pub fn stop(mut self) {
        self.halt();
    }

    fn halt(&mut self) {
        drop(self.stop.take());
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("The thread of the checkpoints had ended by a panic");
        }
    }
}

impl Drop for CheckpointKeeper {
    fn drop(&mut self) {
        self.halt();
    }
}

/// What the thread works with.
struct Round {
    log: Arc<dyn EventLog>,
    key: SigningKey,
    clock: Arc<dyn Clock>,
    stopped: Receiver<()>,
    place: Option<SignedTo>,
    /// The log's end at the last look.
    seen: Position,
}

/// How far the keeper has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SignedTo {
    /// Everything up to here is signed, or was closed before this key was.
    pub(super) signed: Position,
    /// Revision of the watch's stream to be looked at next.
    pub(super) next: Revision,
}

impl Round {
    fn run(mut self, look: Duration) {
        tracing::info!(key = %self.key.public(), "Checkpoints are signed after every closed day");
        let (mut failures, mut trouble) = (0_u32, None::<String>);
        loop {
            match self.look() {
                Ok(()) => {
                    failures = 0;
                    if trouble.take().is_some() {
                        tracing::info!("Checkpoints go on");
                    }
                }
                Err(error) => {
                    failures = failures.saturating_add(1);
                    let problem = error.to_string();
                    if trouble.as_ref() != Some(&problem) {
                        tracing::error!(problem, "No checkpoint can be signed: {problem}");
                        trouble = Some(problem);
                    }
                }
            }
            let pause = look.saturating_mul(1 << failures.min(DOUBLINGS));
            if self.stopped.recv_timeout(pause) != Err(RecvTimeoutError::Timeout) {
                return;
            }
        }
    }

    /// Signs what was closed since the last look.
    fn look(&mut self) -> Result<(), CheckError> {
        let mut place = match self.place {
            Some(place) => place,
            None => *self.place.insert(take_up(&*self.log, self.key.public())?),
        };
        let head = self.log.head();
        while head > self.seen {
            let page = self.log.read_stream(WATCH.0, place.next, PAGE)?;
            if page.is_empty() {
                self.seen = head;
            }
            for recorded in page {
                if self.stopped.try_recv() == Err(TryRecvError::Disconnected) {
                    return Ok(());
                }
                if is_end_of_day(&recorded) && recorded.position > place.signed {
                    self.sign(&recorded)?;
                    place.signed = recorded.position;
                }
                place.next = recorded.revision + 1;
                self.place = Some(place);
            }
        }
        Ok(())
    }

    fn sign(&self, closed: &Recorded) -> Result<(), LogError> {
        let at = self.clock.now();
        let signed = self.key.sign(&Statement { position: closed.position, digest: Hex(closed.digest), at });
        let id = Uuid::new_v5(&NAMESPACE, format!("{}/{}", signed.key, signed.position).as_bytes());
        let origin = Origin { causation: Some(closed.event.id), ..Origin::service() };
        let append = Append {
            stream: Arc::from(STREAM),
            expected: Expected::Any,
            recorded_at: at,
            idempotency_key: None,
            events: vec![NewEvent::new(id, at, &origin, &Event::CheckpointSigned(signed))],
        };
        match self.log.append(append) {
            // The same key signed this position before, at another time: by a node that has the same key, or by this one,
            // whose answer was lost.
            Ok(_) | Err(LogError::Duplicate { .. }) => {
                tracing::info!(position = closed.position, "Checkpoint signed");
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}

fn is_end_of_day(recorded: &Recorded) -> bool {
    &*recorded.event.event_type == WATCH.1
}

/// Returns where a key goes on: after its own last checkpoint, or, if it has none, at the last day that was closed.
pub(super) fn take_up(log: &dyn EventLog, key: PublicKey) -> Result<SignedTo, CheckError> {
    let found = check(log, log.head(), &[key])?;
    let mut place = SignedTo { signed: found.newest_trusted().map_or(0, |signed| signed.position), next: 0 };
    if place.signed > 0 {
        return Ok(place);
    }
    let mut next = 0;
    loop {
        let page = log.read_stream(WATCH.0, next, PAGE)?;
        let Some(last) = page.last() else { return Ok(place) };
        next = last.revision + 1;
        if let Some(closed) = page.iter().rfind(|recorded| is_end_of_day(recorded)) {
            place = SignedTo { signed: closed.position - 1, next: closed.revision };
        }
    }
}
