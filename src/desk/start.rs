//! Starting the desk: fold the log, record what policies and recipients are in force, take up the watch.

use super::Desk;
use super::engine::Engine;
use super::state::{Counters, State};
use super::watch::{Watch, Watermark};
use crate::alerts::recipients::Recipients;
use crate::alerts::requests::Requester;
use crate::clock::Clock;
use crate::domain::envelope::{NewEvent, Origin, hex};
use crate::domain::event::{DecodeError, Event, RecipientsChanged};
use crate::domain::fold::Stamp;
use crate::domain::time::Instant;
use crate::log::contract::{Append, EventLog, Expected, LogError};
use crate::policy::Policies;
use sha2::{Digest as _, Sha256};
use std::ops::ControlFlow;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, RwLock};
use uuid::Uuid;

/// Namespace of the ids of governance events.
const NAMESPACE: Uuid = Uuid::from_u128(0x3be8_f5a0_17c6_4d2a_9f04_c8d1_62eb_7053);

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
    #[error("the desk's thread cannot be started: {0}")]
    Thread(std::io::Error),
}

/// What a replay of the log gives besides the state.
#[derive(Default)]
struct Replayed {
    watermark: Option<Instant>,
    policy: Option<String>,
    recipients: Option<String>,
    first_recorded: Option<Instant>,
    /// A change of policies after the last closed day: its round may not have come to its end.
    policy_round: bool,
}

impl State {
    /// Folds the whole log under `policies`: the state that every index, list and light can be made from again (law 3).
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn replay(log: &dyn EventLog, policies: Arc<Policies>) -> Result<Self, StartError> {
        replay(log, policies, &mut Requester::default()).map(|(state, _)| state)
    }
}

fn replay(
    log: &dyn EventLog,
    policies: Arc<Policies>,
    requester: &mut Requester,
) -> Result<(State, Replayed), StartError> {
    let mut state = State::new(policies);
    let mut found = Replayed::default();
    let mut failure = None;
    log.scan(0, &mut |seen| {
        let event = match Event::decode(seen.event_type, seen.schema_version, seen.data) {
            Ok(event) => event,
            Err(reason) => {
                failure = Some(StartError::Event { position: seen.position, reason });
                return ControlFlow::Break(());
            }
        };
        let stamp = Stamp { position: seen.position, recorded_at: seen.recorded_at, history: seen.history };
        state.apply(stamp, seen.id, &event, seen.data);
        requester.apply(&event, seen.id, seen.position);
        found.first_recorded = found.first_recorded.or(Some(seen.recorded_at));
        match event {
            Event::DayClosed(closed) => {
                found.watermark = Some(closed.at);
                found.policy_round = false;
            }
            Event::PolicyActivated(activated) => {
                found.policy_round |= found.policy.is_some();
                found.policy = Some(activated.digest);
            }
            Event::RecipientsChanged(changed) => found.recipients = Some(changed.digest),
            _ => {}
        }
        ControlFlow::Continue(())
    })?;
    failure.map_or(Ok((state, found)), Err)
}

impl Start {
    /// Starts the desk.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn start(self) -> Result<Desk, StartError> {
        let now = self.clock.now();
        let policies = Arc::new(self.policies);
        let sectors = policies.sectors.all().iter().map(|sector| sector.id.clone()).collect();
        let mut requester = Requester::default();
        let (mut state, found) = replay(&*self.log, policies.clone(), &mut requester)?;
        let policies_changed =
            found.policy_round || found.policy.as_ref().is_some_and(|digest| *digest != policies.digest);
        if found.policy.as_ref() != Some(&policies.digest) {
            let event = Event::PolicyActivated(policies.activation());
            state.position = record(&*self.log, "policy", &event, now)?;
        }
        let digest = hex(&Sha256::digest(self.recipients_text.as_bytes()));
        if found.recipients.as_ref() != Some(&digest) {
            let event = Event::RecipientsChanged(RecipientsChanged { digest, text: self.recipients_text });
            state.position = record(&*self.log, "policy", &event, now)?;
        }
        // Evidence recorded before the midnight was looked at then; what came between it and the record of it was not.
        let watermark = match found.watermark {
            Some(at) => Some(Watermark { at, position: self.log.position_at(at)? }),
            None => None,
        };
        let watch = Watch::resume(&state, watermark, found.first_recorded, now, policies_changed);
        let (jobs, inbox) = crossbeam_channel::bounded(4096);
        let (changed, changes) = tokio::sync::watch::channel(state.position);
        let state = Arc::new(RwLock::new(state));
        let counters = Arc::new(Counters::default());
        let ready = Arc::new(AtomicBool::new(false));
        let engine = Engine {
            jobs: inbox,
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

fn record(log: &dyn EventLog, stream: &str, event: &Event, now: Instant) -> Result<u64, LogError> {
    let data = event.to_json();
    let mut name = now.to_string().into_bytes();
    name.extend_from_slice(data.as_bytes());
    let id = Uuid::new_v5(&NAMESPACE, &name);
    let append = Append {
        stream: Arc::from(stream),
        expected: Expected::Any,
        recorded_at: now,
        idempotency_key: None,
        events: vec![NewEvent::new(id, now, &Origin::service(), event)],
    };
    log.append(append).map(|appended| appended.last)
}
