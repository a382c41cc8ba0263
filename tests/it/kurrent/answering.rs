//! How one server answers.

use super::faults::{AppendFault, Misplaced, ReadFault};
use super::framing::{Status, done, frame, frames, head, refuse, reply};
use super::messages::{AppendOptions, AppendReq, AppendResp, Proposed, ReadReq, SupportedMethod, SupportedMethods};
use super::store::Cluster;
use bytes::Bytes;
use h2::SendStream;
use h2::server::SendResponse;
use http::{HeaderMap, Request, Response};
use prost::Message;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;

/// What went wrong, how long a write is under way, and what was written: nothing yet of what was dropped.
pub(super) type Written = (Option<AppendFault>, Duration, Option<Option<AppendResp>>);

/// A server, as its connections see it.
#[derive(Clone)]
pub(super) struct Node {
    pub(super) cluster: Arc<Mutex<Cluster>>,
    pub(super) port: u16,
    pub(super) cut: watch::Sender<usize>,
    pub(super) stop: watch::Sender<bool>,
}

impl Node {
    pub(super) async fn answer(
        &self,
        request: Request<h2::RecvStream>,
        mut respond: SendResponse<Bytes>,
    ) -> Result<(), h2::Error> {
        if self.is_stranger(request.headers()) {
            return respond.send_response(Response::builder().status(401).body(()).unwrap(), true).map(|_| ());
        }
        if request.uri().path() == "/event_store.client.streams.Streams/BatchAppend" {
            return self.batch_append(request, respond).await;
        }
        // The client's sockets hold small segments back (no TCP_NODELAY) until the one before is acknowledged, which takes
        // 40 ms unless something is answered. So an answer begins before the request is read: the double is quicker than a server.
        let answer = respond.send_response(head(), false)?;
        let (parts, mut body) = request.into_parts();
        let mut received = Vec::new();
        while let Some(chunk) = body.data().await {
            let chunk = chunk?;
            body.flow_control().release_capacity(chunk.len())?;
            received.extend_from_slice(&chunk);
        }
        let mut frames = frames(received.into());
        match parts.uri.path() {
            "/event_store.client.server_features.ServerFeatures/GetSupportedMethods" => {
                // Source: server, `ServerFeatures.cs`: names in small letters.
                let (method, service) = ("batchappend".to_owned(), "event_store.client.streams.streams".to_owned());
                let methods = vec![SupportedMethod { method, service }];
                reply(answer, [SupportedMethods { methods, version: "24.10.0".to_owned() }])
            }
            "/event_store.client.gossip.Gossip/Read" => {
                let members = self.cluster.lock().unwrap().members();
                reply(answer, [members])
            }
            path if path.starts_with("/event_store.client.streams.Streams/") => {
                if self.is_nobody(&parts.headers) {
                    // Source: the server's `RpcExceptions.AccessDenied`.
                    let mut status = Status::new(7, "Access Denied");
                    status.extra = vec![("exception", "access-denied".to_owned())];
                    return refuse(answer, &status);
                }
                if let Some(status) = self.not_here(&parts.headers) {
                    return refuse(answer, &status);
                }
                match path.rsplit('/').next() {
                    Some("Append") => self.append(frames, answer).await,
                    Some("Read") => self.read(ReadReq::decode(frames.remove(0)).unwrap(), answer).await,
                    _ => refuse(answer, &Status::new(12, "unknown method")),
                }
            }
            _ => refuse(answer, &Status::new(12, "unknown service")),
        }
    }

    /// Says whether user or password are wrong; and counts when they are right.
    ///
    /// Source: `build_authorization_header` of the client; the server's `AuthenticationMiddleware`, which answers with the
    /// HTTP status 401 and no gRPC status.
    fn is_stranger(&self, headers: &HeaderMap) -> bool {
        let mut cluster = self.cluster.lock().unwrap();
        let (Some((user, password)), Some(given)) = (cluster.login, headers.get("authorization")) else { return false };
        let right = format!("Basic {}", base64(format!("{user}:{password}").as_bytes()));
        let is_right = given.as_bytes() == right.as_bytes();
        cluster.logins += usize::from(is_right);
        !is_right
    }

    /// Says whether a user is asked for and none was given: such a one may gossip, and no more.
    pub(super) fn is_nobody(&self, headers: &HeaderMap) -> bool {
        self.cluster.lock().unwrap().login.is_some() && !headers.contains_key("authorization")
    }

    /// Dies: every line goes, and another server leads.
    pub(super) fn die(&self) {
        self.cluster.lock().unwrap().die(self.port);
        self.stop.send_replace(true);
    }

    /// Source: `Error::from_grpc` of the client, for the trailers of a redirect; `build_request_metadata`, for the header
    /// that asks for the leader.
    pub(super) fn not_here(&self, headers: &HeaderMap) -> Option<Status> {
        let mut cluster = self.cluster.lock().unwrap();
        let wants_leader = headers.get("requires-leader").is_some_and(|value| value == "true");
        if !wants_leader || cluster.leader == self.port {
            return None;
        }
        cluster.redirects += 1;
        let mut status = Status::new(5, "Leader info available");
        status.extra = vec![
            ("exception", "not-leader".to_owned()),
            ("leader-endpoint-host", "127.0.0.1".to_owned()),
            ("leader-endpoint-port", cluster.leader.to_string()),
        ];
        Some(status)
    }

    /// Writes, or does what was planned instead.
    pub(super) fn write(&self, options: &AppendOptions, events: Vec<Proposed>) -> Written {
        let mut cluster = self.cluster.lock().unwrap();
        cluster.appends += 1;
        let refused = (cluster.refused == Some(cluster.appends)).then_some(AppendFault::TooLarge);
        let number = cluster.appends;
        let fault = refused.or_else(|| cluster.faults_at.remove(&number));
        let fault = fault.or_else(|| cluster.append_faults.pop_front());
        let written = fault.is_none_or(AppendFault::writes).then(|| cluster.append(options, events));
        (fault, cluster.lag, written)
    }

    async fn append(&self, frames: Vec<Bytes>, answer: SendStream<Bytes>) -> Result<(), h2::Error> {
        let mut messages = frames.into_iter().map(|frame| AppendReq::decode(frame).unwrap());
        let options = messages.next().unwrap().options.unwrap();
        let events = messages.map(|message| message.proposed.unwrap()).collect();
        let (fault, lag, written) = self.write(&options, events);
        match (fault, written) {
            (None, Some(Some(written))) => {
                if written.success.is_some() {
                    // Answered when a majority has it. A refusal does not wait for what it rests on.
                    tokio::time::sleep(lag).await;
                }
                reply(answer, [written])
            }
            (None, Some(None)) => {
                // Source: the server's `RequestManagement/RequestManagerBase.cs` with `CommitTimeoutMs` of 2,000, and
                // `RpcExceptions.Timeout`.
                tokio::time::sleep(Duration::from_secs(2)).await;
                refuse(answer, &Status::new(10, "Operation timed out: Commit Timeout"))
            }
            (Some(AppendFault::SilentAfter), _) => std::future::pending().await,
            (Some(AppendFault::CutBefore | AppendFault::CutAfter), _) => {
                self.cut.send_modify(|cuts| *cuts += 1);
                std::future::pending().await
            }
            (Some(AppendFault::DiesBefore | AppendFault::DiesAfter), _) => {
                self.die();
                std::future::pending().await
            }
            // Source: the server's `RpcExceptions.MaxAppendSizeExceeded`.
            (Some(AppendFault::TooLarge), _) => {
                let mut status = Status::new(3, "Maximum Append Size of 1048576 Exceeded.");
                status.extra = vec![("exception", "maximum-append-size-exceeded".to_owned())];
                refuse(answer, &status)
            }
            (Some(AppendFault::MessageTooLarge), _) => refuse(answer, &Status::message_too_large()),
            _ => refuse(answer, &Status::new(14, "Server Is Not Ready")),
        }
    }

    async fn read(&self, request: ReadReq, answer: SendStream<Bytes>) -> Result<(), h2::Error> {
        let options = request.options.unwrap();
        let (fault, events) = {
            let mut cluster = self.cluster.lock().unwrap();
            let whole = options.all.is_some() && options.direction == 0 && options.filter.is_some();
            cluster.looks += usize::from(whole);
            cluster.questions += usize::from(options.all.is_some() && !whole);
            if let Some(filter) = &options.filter {
                cluster.windows.insert(filter.max);
            }
            let fault = if whole { cluster.read_faults.pop_front() } else { None };
            (fault, cluster.read(&options))
        };
        let Ok(events) = events else {
            let misplaced = self.cluster.lock().unwrap().misplaced;
            let (code, message) = match misplaced {
                Misplaced::InvalidArgument => (3, "Trying to read from an invalid position."),
                Misplaced::InvalidPosition => (2, "Unexpected FilteredReadAllResult: InvalidPosition"),
                Misplaced::Error => (2, "Unexpected FilteredReadAllResult: Error"),
            };
            return refuse(answer, &Status::new(code, message));
        };
        let slow = self.cluster.lock().unwrap().reads_take;
        if !slow.is_zero() {
            tokio::time::sleep(slow).await;
        }
        match fault {
            None => reply(answer, events),
            Some(ReadFault::Silent) => std::future::pending().await,
            Some(ReadFault::Unavailable) => refuse(answer, &Status::new(14, "Server Is Not Ready")),
            Some(ReadFault::CutAfter(count)) => {
                let mut stream = answer;
                for event in events.iter().take(count) {
                    stream.send_data(frame(event), false)?;
                }
                // Everything above is on the wire before the line goes.
                tokio::time::sleep(Duration::from_millis(30)).await;
                self.cut.send_modify(|cuts| *cuts += 1);
                std::future::pending().await
            }
            Some(ReadFault::Slow(pause)) => {
                let mut stream = answer;
                for event in &events {
                    tokio::time::sleep(pause).await;
                    stream.send_data(frame(event), false)?;
                }
                stream.send_trailers(done())
            }
        }
    }
}

/// Source: RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    let letters: Vec<char> = ('A'..='Z').chain('a'..='z').chain('0'..='9').chain(['+', '/']).collect();
    let quartet = |bytes: &[u8]| {
        let bits = (0..3).fold(0, |bits, at| bits << 8 | bytes.get(at).map_or(0, |byte| usize::from(*byte)));
        let letter = |at: usize| if at > bytes.len() { '=' } else { letters[bits >> (18 - 6 * at) & 63] };
        [0, 1, 2, 3].map(letter)
    };
    bytes.chunks(3).flat_map(quartet).collect()
}
