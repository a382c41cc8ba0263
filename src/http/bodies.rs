//! Bodies on their way in: how long one may take, and how many bytes of them are held at once, of one sender and of all. Every body
//! passes here, whoever reads it; what is put down on the disk as it comes counts for its buffers only.

use super::access::{address, caller};
use super::problem::{Code, Problem};
use crate::settings::Http;
use actix_web::HttpMessage as _;
use actix_web::HttpRequest;
use actix_web::dev::{Payload, ServiceRequest};
use actix_web::error::PayloadError;
use actix_web::http::header::CONTENT_ENCODING;
use actix_web::web::Bytes;
use futures_util::Stream;
use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until};
use uuid::Uuid;

/// Bytes that an open body counts for at least: its connection has buffers.
const LEAST: usize = 64 * 1024;
/// Bytes that a body counts for which goes to the disk: a piece on its way, and the next.
const ON_DISK: usize = 1024 * 1024;
/// A body that comes faster than so many bytes a second is not broken off: it ends by the limit on its size.
const FAST_ENOUGH: u64 = 32 * 1024;

/// Who sends bodies: a key, or an address where nobody valid asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Sender {
    Key(Uuid),
    Address(IpAddr),
}

/// The bodies that are held, by sender.
#[derive(Debug)]
pub(super) struct Bodies {
    patience: Duration,
    longest: usize,
    most_per_sender: usize,
    most: usize,
    held: Mutex<HashMap<Sender, usize>>,
}

impl Bodies {
    /// Returns room for bodies by the settings. One body of the longest kind always fits.
    pub(super) fn new(settings: &Http) -> Self {
        Self {
            patience: settings.body_patience,
            longest: settings.body_limit,
            most_per_sender: settings.bodies_per_sender.max(settings.body_limit),
            most: settings.bodies.max(settings.body_limit),
            held: Mutex::default(),
        }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<Sender, usize>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes room for so many bytes more.
    fn take(&self, sender: Sender, more: usize) -> Result<(), Problem> {
        let mut held = self.all();
        let own = held.get(&sender).copied().unwrap_or(0).saturating_add(more);
        if own > self.most_per_sender {
            let most = self.most_per_sender;
            return Err(Problem::new(
                Code::TooManyRequests,
                format_args!(
                    "同时发送的请求内容共超过 {most} 字节；请待前面的请求答复后再发，或调高 `http.bodies_per_sender_bytes`"
                ),
                format_args!(
                    "more than {most} bytes of requests are on their way at once from here; wait for their answers, or raise \
                     `http.bodies_per_sender_bytes`"
                ),
            ));
        }
        if held.values().sum::<usize>().saturating_add(more) > self.most {
            return Err(Problem::new(
                Code::Crowded,
                format_args!("本节点同时接收的请求内容已达 {} 字节", self.most),
                format_args!("this node holds {} bytes of requests at once, and no more", self.most),
            ));
        }
        held.insert(sender, own);
        Ok(())
    }

    fn give_back(&self, sender: Sender, bytes: usize) {
        let mut held = self.all();
        if let Some(own) = held.get_mut(&sender) {
            *own = own.saturating_sub(bytes);
            if *own == 0 {
                held.remove(&sender);
            }
        }
    }
}

/// One body, for as long as its request is worked on; what it holds is given back when it is dropped.
#[derive(Debug)]
pub(super) struct Held {
    bodies: Arc<Bodies>,
    sender: Sender,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Room that was taken.
    room: usize,
    /// Bytes that came.
    came: usize,
    on_disk: bool,
    /// Why it was broken off.
    problem: Option<Problem>,
}

impl Held {
    /// Puts a request's body under the limits; `None` if it has no body.
    ///
    /// # Errors
    /// There is no room for another.
    pub(super) fn take(bodies: &Arc<Bodies>, request: &mut ServiceRequest) -> Result<Option<Arc<Self>>, Problem> {
        let payload = request.take_payload();
        if matches!(payload, Payload::None) {
            return Ok(None);
        }
        // Little on the line can be much in memory: what is packed counts as the most that it may become.
        let is_packed = request.headers().get(CONTENT_ENCODING).is_some_and(|coding| coding != "identity");
        let room = if is_packed { bodies.longest.max(LEAST) } else { LEAST };
        let sender = sender(request.request());
        bodies.take(sender, room)?;
        let state = Mutex::new(State { room, ..State::default() });
        let held = Arc::new(Self { bodies: bodies.clone(), sender, state });
        let begun = Instant::now();
        let until = Box::pin(sleep_until(begun + bodies.patience));
        let metered = Metered { body: Box::pin(payload), held: held.clone(), begun, until };
        request.set_payload(Payload::Stream { payload: Box::pin(metered) });
        request.extensions_mut().insert(held.clone());
        Ok(Some(held))
    }

    /// Returns why the body was broken off, if it was.
    pub(super) fn problem(&self) -> Option<Problem> {
        self.state().problem.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes bytes that came; says why they are not taken.
    fn came(&self, bytes: usize) -> Result<(), Problem> {
        let mut state = self.state();
        state.came = state.came.saturating_add(bytes);
        let more = if state.on_disk { 0 } else { state.came.saturating_sub(state.room) };
        if more > 0 {
            self.bodies.take(self.sender, more)?;
            state.room += more;
        }
        Ok(())
    }

    /// Returns until when the body may take, begun when it was.
    fn until(&self, begun: Instant) -> Instant {
        let came = u64::try_from(self.state().came).unwrap_or(u64::MAX);
        begun + self.bodies.patience + Duration::from_secs(came / FAST_ENOUGH)
    }

    fn break_off(&self, problem: Problem) -> PayloadError {
        let why = problem.to_string();
        self.state().problem.get_or_insert(problem);
        PayloadError::Io(io::Error::new(ErrorKind::TimedOut, why))
    }

    fn too_slow(&self) -> PayloadError {
        let seconds = self.bodies.patience.as_secs();
        self.break_off(Problem::new(
            Code::TooSlow,
            format_args!("请求内容应在 {seconds} 秒内、或以每秒 {FAST_ENOUGH} 字节以上的速度发完"),
            format_args!("a body comes within {seconds} seconds, or faster than {FAST_ENOUGH} bytes a second"),
        ))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let room = self.state().room;
        self.bodies.give_back(self.sender, room);
    }
}

/// Says that a body goes to the disk as it comes: it counts for its buffers only.
///
/// # Errors
/// There is no room for these.
pub(super) fn goes_to_disk(request: &HttpRequest) -> Result<(), Problem> {
    let Some(held) = request.extensions().get::<Arc<Held>>().cloned() else { return Ok(()) };
    let mut state = held.state();
    if !state.on_disk {
        held.bodies.take(held.sender, ON_DISK)?;
        held.bodies.give_back(held.sender, state.room);
        (state.room, state.on_disk) = (ON_DISK, true);
    }
    Ok(())
}

fn sender(request: &HttpRequest) -> Sender {
    caller(request).map_or_else(|_| Sender::Address(address(request)), |caller| Sender::Key(caller.key.id))
}

/// A body that is counted and timed as it comes.
struct Metered {
    body: Pin<Box<Payload>>,
    held: Arc<Held>,
    begun: Instant,
    until: Pin<Box<Sleep>>,
}

impl Stream for Metered {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match self.body.as_mut().poll_next(context) {
            Poll::Ready(Some(Ok(bytes))) => {
                let held = self.held.clone();
                Poll::Ready(Some(match held.came(bytes.len()) {
                    Ok(()) => Ok(bytes),
                    Err(problem) => Err(held.break_off(problem)),
                }))
            }
            Poll::Pending => {
                while self.until.as_mut().poll(context).is_ready() {
                    let until = self.held.until(self.begun);
                    if until <= Instant::now() {
                        return Poll::Ready(Some(Err(self.held.too_slow())));
                    }
                    self.until.as_mut().reset(until);
                }
                Poll::Pending
            }
            ended => ended,
        }
    }
}
