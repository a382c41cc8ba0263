//! Starting the desk: fold the log, record what policies and recipients are in force, take up the watch.

use super::Desk;
use super::engine::Engine;
use super::hold::{Holds, OwnHold};
use super::others::listen;
use super::replay::replay;
use super::snapshot::{self, Keeper};
use super::state::{Counters, State};
use super::watch::{Watch, Watermark};
use crate::alerts::recipients::Recipients;
use crate::alerts::requests::Requester;
use crate::clock::Clock;
use crate::domain::envelope::{NewEvent, Origin, Position, hex};
use crate::domain::event::{DecodeError, Event, RecipientsChanged};
use crate::log::contract::{Append, EventLog, Expected, LogError};
use crate::policy::Policies;
use sha2::{Digest as _, Sha256};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, RwLock};
use uuid::Uuid;

/// Namespace of the ids of governance events.
const NAMESPACE: Uuid = Uuid::from_u128(0x3be8_f5a0_17c6_4d2a_9f04_c8d1_62eb_7053);
/// Stream of what the service is run with.
const STREAM: &str = "policy";

/// What a desk is started with.
pub struct Start {
    /// The log.
    pub log: Arc<dyn EventLog>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Policies to come into force.
    pub policies: Policies,
    /// Who gets mail, with the text it was read from.
    pub recipients: Arc<Recipients>,
    /// That text, recorded when it changes.
    pub recipients_text: String,
}

/// Why a desk cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The log cannot be read or written.
    #[error(transparent)]
    Log(#[from] LogError),
    /// An event cannot be read.
    #[error("event at position {position}: {reason}")]
    Event {
        /// Where.
        position: u64,
        /// Why.
        reason: DecodeError,
    },
    /// No thread could be started.
    #[error("a thread of the desk cannot be started: {0}")]
    Thread(#[from] std::io::Error),
}

impl State {
    /// Folds the whole log under `policies`: the state that every index, list and light can be made from again (law 3).
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn replay(log: &dyn EventLog, policies: Arc<Policies>) -> Result<Self, StartError> {
        let mut state = Self::new(policies);
        replay(log, &mut state, &mut Requester::default(), 0)?;
        Ok(state)
    }
}

/// Returns the state of the log with the rises nobody was told of, and the position of the snapshot it was made from, 0
/// for none.
fn resume(log: &dyn EventLog, policies: Arc<Policies>) -> Result<(State, Requester, Position), StartError> {
    if let Some(path) = log.folder().map(|folder| folder.join(snapshot::FILE)).filter(|path| path.exists()) {
        match snapshot::load(&path, log, policies.clone()) {
            Ok((mut state, mut requester, known)) => {
                let position = state.position;
                replay(log, &mut state, &mut requester, known)?;
                return Ok((state, requester, position));
            }
            Err(reason) => {
                tracing::warn!(path = %path.display(), %reason, "Snapshot not used; folding the whole log instead");
            }
        }
    }
    let (mut state, mut requester) = (State::new(policies), Requester::default());
    replay(log, &mut state, &mut requester, 0)?;
    Ok((state, requester, 0))
}

impl Start {
    /// Starts the desk.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn start(self) -> Result<Desk, StartError> {
        let policies = Arc::new(self.policies);
        let sectors = policies.sectors.all().iter().map(|sector| sector.id.clone()).collect();
        let (mut state, mut requester, snapshot) = resume(&*self.log, policies.clone())?;
        let first_recorded = state.marks.first_recorded;
        let digest = hex(&Sha256::digest(self.recipients_text.as_bytes()));
        let list = Event::RecipientsChanged(RecipientsChanged { digest: digest.clone(), text: self.recipients_text });
        let activation = Event::PolicyActivated(policies.activation());
        let in_force = |state: &State| state.marks.policy.as_ref() == Some(&policies.digest);
        let told = |state: &State| state.marks.recipients.as_ref() == Some(&digest);
        let mut policies_changed = state.marks.policy_round;
        for (event, known) in [(&activation, &in_force as &dyn Fn(&State) -> bool), (&list, &told)] {
            record(&*self.log, &mut state, &mut requester, event, &*self.clock, known)?;
            policies_changed |= state.marks.policy_round;
        }
        let clock = self.clock.now();
        let now = state.marks.last_recorded.map_or(clock, |last| last.max(clock));
        // Evidence recorded before the midnight was looked at then; what came between it and the record of it was not.
        let watermark = match state.marks.midnight {
            Some(at) => Some(Watermark { at, position: self.log.position_at(at)? }),
            None => None,
        };
        let watch = Watch::resume(&state, &*self.log, watermark, first_recorded, now, policies_changed)?;
        let (jobs, inbox) = crossbeam_channel::bounded(4096);
        let (changed, changes) = tokio::sync::watch::channel(state.position);
        let alive = Arc::new(());
        let grown = listen(&self.log, &alive, state.position)?;
        let state = Arc::new(RwLock::new(state));
        let keeper = self.log.folder().map(|dir| Keeper::new(dir, state.clone(), self.log.clone(), snapshot));
        let counters = Arc::new(Counters::default());
        let ready = Arc::new(AtomicBool::new(false));
        let engine = Engine {
            jobs: inbox,
            grown,
            shared: self.log.is_shared(),
            state: state.clone(),
            counters: counters.clone(),
            log: self.log.clone(),
            clock: self.clock.clone(),
            recipients: self.recipients,
            sectors,
            changes: changed,
            ready: ready.clone(),
            requester,
            watch,
            keeper,
            holds: Holds::default(),
            own_hold: self.log.is_shared().then(OwnHold::new),
            recipients_digest: digest,
            _alive: alive,
        };
        let thread = std::thread::Builder::new()
            .name("desk".to_owned())
            .spawn(move || engine.run())
            .map_err(StartError::Thread)?;
        Ok(Desk {
            jobs,
            state,
            counters,
            log: self.log,
            clock: self.clock,
            changes,
            ready,
            thread: Arc::new(Mutex::new(Some(thread))),
        })
    }
}

/// Records what the service is run with, once, unless it is known by then.
///
/// Several nodes may start at once: each writes only what it does not find, because it writes at the revision that it has
/// read. Of nodes with different files the last one's are in force; the others stand by.
fn record(
    log: &dyn EventLog,
    state: &mut State,
    requester: &mut Requester,
    event: &Event,
    clock: &dyn Clock,
    known: &dyn Fn(&State) -> bool,
) -> Result<(), StartError> {
    while !known(state) {
        let written = log.read_stream(STREAM, 0, usize::MAX)?.len();
        replay(log, state, requester, 0)?;
        if known(state) {
            break;
        }
        let now = clock.now();
        let mut name = now.to_string().into_bytes();
        name.extend_from_slice(event.to_json().as_bytes());
        let id = Uuid::new_v5(&NAMESPACE, &name);
        let append = Append {
            stream: Arc::from(STREAM),
            expected: written.checked_sub(1).map_or(Expected::NoStream, |last| Expected::Revision(last as u64)),
            recorded_at: now,
            idempotency_key: None,
            events: vec![NewEvent::new(id, now, &Origin::service(), event)],
        };
        match log.append(append) {
            Ok(_) => return replay(log, state, requester, 0),
            Err(LogError::Conflict { .. } | LogError::Duplicate { .. }) if log.is_shared() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
