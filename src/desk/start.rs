//! Starting the desk: fold the log, record what policies and recipients are in force, take up the watch.

use super::engine::Engine;
use super::follow::listen;
use super::pulse::Pulse;
use super::retries::Retries;
use super::routing::Moved;
use super::{Counters, Desk};
use crate::alerts::recipients::Recipients;
use crate::clock::Clock;
use crate::domain::envelope::{NewEvent, Origin, hex};
use crate::domain::event::{Event, RecipientsChanged};
use crate::log::contract::{Append, EventLog, Expected, LogError};
use crate::picture::snapshot::SnapshotKeeper;
use crate::picture::{Picture, Published, ReplayError};
use crate::policy::Policies;
use crate::policy::load::STREAM;
use crate::watch::hold::{Holds, OwnHold};
use crate::watch::{Watch, Watermark};
use sha2::{Digest as _, Sha256};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
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
    /// The log cannot be folded.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// No thread could be started.
    #[error("a thread of the desk cannot be started: {0}")]
    Thread(#[from] std::io::Error),
}

impl Start {
    /// Starts the desk.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn start(self) -> Result<Desk, StartError> {
        let policies = Arc::new(self.policies);
        let sectors = policies.sectors.all().iter().map(|sector| sector.id.clone()).collect();
        let (mut picture, snapshot) = Picture::resume(&*self.log, policies.clone())?;
        let first_recorded = picture.marks.first_recorded;
        let digest = hex(&Sha256::digest(self.recipients_text.as_bytes()));
        let list = Event::RecipientsChanged(RecipientsChanged { digest: digest.clone(), text: self.recipients_text });
        let activation = Event::PolicyActivated(policies.activation());
        let in_force = |picture: &Picture| picture.marks.policy.as_ref() == Some(&policies.digest);
        let told = |picture: &Picture| picture.marks.recipients.as_ref() == Some(&digest);
        let mut policies_changed = picture.marks.policy_round;
        for (event, known) in [(&activation, &in_force as &dyn Fn(&Picture) -> bool), (&list, &told)] {
            record(&*self.log, &mut picture, event, &*self.clock, known)?;
            policies_changed |= picture.marks.policy_round;
        }
        let now = picture.marks.now(self.clock.now());
        // Evidence recorded before the midnight was looked at then; what came between it and the record of it was not.
        let watermark = match picture.marks.midnight {
            Some(at) => Some(Watermark { at, position: self.log.position_at(at)? }),
            None => None,
        };
        let watch = Watch::resume(&picture, &*self.log, watermark, first_recorded, now, policies_changed)?;
        let (jobs, inbox) = crossbeam_channel::bounded(4096);
        let published = Published::new(picture.clone());
        let listener = listen(&self.log, &published)?;
        let keeper = self.log.folder().map(|dir| SnapshotKeeper::new(dir, self.log.clone(), snapshot));
        let counters = Arc::new(Counters::default());
        let ready = Arc::new(AtomicBool::new(false));
        let pulse = Arc::new(Pulse::new());
        let engine = Engine {
            jobs: inbox,
            listener,
            shared: self.log.is_shared(),
            picture,
            published: published.clone(),
            counters: counters.clone(),
            log: self.log.clone(),
            clock: self.clock.clone(),
            recipients: self.recipients,
            sectors,
            ready: ready.clone(),
            pulse: pulse.clone(),
            watch,
            retries: Retries::default(),
            moved: Moved::default(),
            sources_looked_at: None,
            keeper,
            holds: Holds::default(),
            own_hold: self.log.is_shared().then(OwnHold::new),
            recipients_digest: digest,
        };
        let thread = std::thread::Builder::new()
            .name("desk".to_owned())
            .spawn(move || engine.run())
            .map_err(StartError::Thread)?;
        Ok(Desk {
            jobs,
            published,
            counters,
            log: self.log,
            clock: self.clock,
            ready,
            pulse,
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
    picture: &mut Picture,
    event: &Event,
    clock: &dyn Clock,
    known: &dyn Fn(&Picture) -> bool,
) -> Result<(), StartError> {
    while !known(picture) {
        let written = log.read_stream(STREAM, 0, usize::MAX)?.len();
        picture.catch_up(log)?;
        if known(picture) {
            break;
        }
        let now = clock.now();
        let mut name = now.to_string().into_bytes();
        name.extend_from_slice(event.to_json().as_bytes());
        let id = Uuid::new_v5(&NAMESPACE, &name);
        let append = Append {
            stream: Arc::from(STREAM),
            expected: Expected::after(written as u64),
            recorded_at: now,
            idempotency_key: None,
            events: vec![NewEvent::new(id, now, &Origin::service(), event)],
        };
        match log.append(append) {
            Ok(_) => return Ok(picture.catch_up(log)?),
            Err(LogError::Conflict { .. } | LogError::Duplicate { .. }) if log.is_shared() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
