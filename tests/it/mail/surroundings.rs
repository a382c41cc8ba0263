//! A node's surroundings that fail it: ways out that hold mails, logs that are cut off, slow or late.

use super::LONG;
use crate::shared::{Shared, forward};
use crossbeam_channel::{Receiver, Sender, unbounded};
use jiff::SignedDuration;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use uuid::Uuid;
use warnlight::clock::ManualClock;
use warnlight::domain::envelope::{Position, Recorded};
use warnlight::log::contract::{Append, EventLog, LogError, Pending, Subscription};
use warnlight::mail::message::Outgoing;
use warnlight::mail::transport::{Allowance, Reply, SendError, Transport};

/// A mail server that all nodes hand their mails to. The first attempt for a `slow` mailbox is put off.
#[derive(Clone, Default)]
pub(super) struct Postbox(pub(super) Arc<Mutex<Vec<(Outgoing, Duration)>>>);

impl Postbox {
    /// Every handing over of a mail to a recipient, as its bytes.
    pub(super) fn copies(&self, mail: Uuid) -> Vec<Vec<u8>> {
        let handed = self.0.lock().unwrap();
        handed
            .iter()
            .filter(|(outgoing, _)| outgoing.mail == mail)
            .map(|(outgoing, _)| outgoing.bytes.clone())
            .collect()
    }
}

impl Transport for Postbox {
    fn send(&self, outgoing: &Outgoing, allowance: &Allowance) -> Result<Reply, SendError> {
        let mut handed = self.0.lock().unwrap();
        let first = handed.iter().all(|(before, _)| (before.mail, &before.to) != (outgoing.mail, &outgoing.to));
        handed.push((outgoing.clone(), allowance.within));
        if first && outgoing.to.to_string().starts_with("slow") {
            return Err(SendError::PutOff(Reply::new("450 come again")));
        }
        Ok(Reply::new("250 taken"))
    }
}

/// A way out that says when a mail came to it and holds it until it is told what to do: hand it on, or drop it.
pub(super) struct Held {
    postbox: Postbox,
    entered: Sender<Uuid>,
    orders: Receiver<bool>,
}

impl Held {
    pub(super) fn before(postbox: &Postbox) -> (Self, Receiver<Uuid>, Sender<bool>) {
        let ((entered, told), (order, orders)) = (unbounded(), unbounded());
        (Self { postbox: postbox.clone(), entered, orders }, told, order)
    }
}

impl Transport for Held {
    fn send(&self, outgoing: &Outgoing, allowance: &Allowance) -> Result<Reply, SendError> {
        let _ = self.entered.send(outgoing.mail);
        match self.orders.recv_timeout(LONG) {
            Ok(true) => self.postbox.send(outgoing, allowance),
            _ => Err(SendError::BrokenOff(Reply::new("the process was killed"))),
        }
    }
}

/// A log that a node is cut off from, for good, when it first wants to append an event of a type.
pub(super) struct CutOff {
    pub(super) inner: Shared,
    at: &'static str,
    cut: AtomicBool,
    pub(super) told: Sender<()>,
}

impl CutOff {
    pub(super) fn at(inner: &Shared, at: &'static str) -> (Arc<Self>, Receiver<()>) {
        let (told, heard) = unbounded();
        (Arc::new(Self { inner: inner.clone(), at, cut: AtomicBool::new(false), told }), heard)
    }
}

impl EventLog for CutOff {
    fn submit(&self, append: Append) -> Pending {
        if append.events.iter().any(|event| &*event.event_type == self.at) {
            self.cut.store(true, Ordering::SeqCst);
            let _ = self.told.send(());
        }
        if self.cut.load(Ordering::SeqCst) {
            return Pending::known(Err(LogError::Unavailable("cut off".to_owned())));
        }
        self.inner.submit(append)
    }

    forward!(inner);
}

/// A log whose claims wait at a gate; it says when one has come there.
pub(super) struct Gated {
    pub(super) inner: Shared,
    pub(super) arrived: Sender<()>,
    pub(super) open: Receiver<()>,
}

impl EventLog for Gated {
    fn submit(&self, append: Append) -> Pending {
        if append.events.iter().any(|event| &*event.event_type == "mail.claimed") {
            let _ = self.arrived.send(());
            // Open for good once the other end is gone.
            let _ = self.open.recv_timeout(LONG);
        }
        self.inner.submit(append)
    }

    forward!(inner);
}

/// A log that takes so long over the first claim that the clock goes on meanwhile; it says when that is so.
pub(super) struct Slow {
    pub(super) inner: Shared,
    pub(super) clock: Arc<ManualClock>,
    pub(super) left: Mutex<Option<SignedDuration>>,
    pub(super) told: Sender<()>,
}

impl EventLog for Slow {
    fn submit(&self, append: Append) -> Pending {
        let claims = append.events.iter().any(|event| &*event.event_type == "mail.claimed");
        let answer = self.inner.append(append);
        if let Some(takes) = self.left.lock().unwrap().take_if(|_| claims) {
            self.clock.advance(takes);
            let _ = self.told.send(());
        }
        Pending::known(answer)
    }

    forward!(inner);
}

/// A log whose news do not arrive while they are held back.
pub(super) struct Late {
    pub(super) inner: Shared,
    pub(super) held: Arc<AtomicBool>,
}

struct LateFeed(Box<dyn Subscription>, Arc<AtomicBool>);

impl Subscription for LateFeed {
    fn next(&mut self, patience: Duration) -> Result<Vec<Recorded>, LogError> {
        if self.1.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(5));
            return Ok(Vec::new());
        }
        self.0.next(patience)
    }
}

impl EventLog for Late {
    fn submit(&self, append: Append) -> Pending {
        self.inner.submit(append)
    }

    fn subscribe(&self, after: Position) -> Result<Box<dyn Subscription>, LogError> {
        Ok(Box::new(LateFeed(self.inner.subscribe(after)?, self.held.clone())))
    }

    forward!(inner, but subscribe);
}
