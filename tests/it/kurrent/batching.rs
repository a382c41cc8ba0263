//! How one server answers a batch append: a call that stays open, with appends one way and answers the other.
//!
//! Source: server, `src/KurrentDB.Core/Services/Transport/Grpc/Streams.BatchAppend.cs` (the call), `Google.Rpc/Status.cs` beside it
//! (what is said of one append), `StorageWriterService.cs` and `IndexWriter.CheckCommit` (what is compared). Each append is judged
//! when it comes, against what is written and under way; its answer goes out when it is ready, whatever became of others; refusals
//! do not end the call. A server that does not lead ends the call at the first append, before it has said anything.
//!
//! What it does not prove: that a server keeps the order in which appends came (nothing says so; nodes do not rely on it), how
//! long anything takes, how many calls and bytes it takes at a time, and its own limit for an append's parts (`is_final`).

use super::answering::Node;
use super::faults::AppendFault;
use super::framing::{Status, done, frame, head, refuse, take_frame};
use super::messages::{AppendOptions, BatchAppendReq, BatchAppendResp, Id, RpcStatus, StreamIdentifier};
use bytes::{Bytes, BytesMut};
use h2::server::SendResponse;
use http::{HeaderMap, Request};
use prost::Message;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

/// Answers that are to be given, by the time when and their number.
type Due = BTreeMap<(Instant, usize), BatchAppendResp>;

/// What becomes of the call after an append.
enum Then {
    Goes,
    /// It ends with this status, whatever waits.
    Ends(Status),
    /// It ends in good order, and what waits is not answered.
    EndsWell,
}

/// The answer, which begins with its first message.
struct Answer {
    respond: SendResponse<Bytes>,
    stream: Option<h2::SendStream<Bytes>>,
}

impl Answer {
    fn stream(&mut self) -> Result<&mut h2::SendStream<Bytes>, h2::Error> {
        if self.stream.is_none() {
            self.stream = Some(self.respond.send_response(head(), false)?);
        }
        Ok(self.stream.as_mut().unwrap())
    }

    fn end(mut self, status: Option<&Status>) -> Result<(), h2::Error> {
        self.stream()?;
        let mut stream = self.stream.unwrap();
        match status {
            Some(status) => refuse(stream, status),
            None => stream.send_trailers(done()),
        }
    }
}

impl Node {
    pub(super) async fn batch_append(
        &self,
        request: Request<h2::RecvStream>,
        respond: SendResponse<Bytes>,
    ) -> Result<(), h2::Error> {
        let (parts, mut body) = request.into_parts();
        let mut answer = Answer { respond, stream: None };
        let mut received = BytesMut::new();
        let mut due = Due::new();
        let (mut is_open, mut came) = (true, 0);
        while is_open || !due.is_empty() {
            let next = due.keys().next().map(|(when, _)| *when);
            tokio::select! {
                chunk = body.data(), if is_open => {
                    let Some(chunk) = chunk else {
                        is_open = false;
                        continue;
                    };
                    let chunk = chunk?;
                    body.flow_control().release_capacity(chunk.len())?;
                    received.extend_from_slice(&chunk);
                    while let Some(frame) = take_frame(&mut received) {
                        came += 1;
                        match self.proposed(&parts.headers, BatchAppendReq::decode(frame).unwrap(), came, &mut due).await {
                            Then::Goes => {}
                            Then::Ends(status) => return answer.end(Some(&status)),
                            Then::EndsWell => return answer.end(None),
                        }
                    }
                }
                () = tokio::time::sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {
                    let now = Instant::now();
                    while let Some(first) = due.first_entry().filter(|first| first.key().0 <= now) {
                        answer.stream()?.send_data(frame(&first.remove()), false)?;
                    }
                }
            }
        }
        answer.end(None)
    }

    async fn proposed(&self, headers: &HeaderMap, request: BatchAppendReq, number: usize, due: &mut Due) -> Then {
        let BatchAppendReq { correlation, options, proposed, is_final } = request;
        assert!(is_final, "the client sends each append in one piece");
        let options = options.unwrap();
        let stream = options.stream.clone();
        let now = Instant::now();
        let mut say = |after: Duration, said: Result<super::messages::Success, (i32, &str)>| {
            due.insert((now + after, number), answered(correlation.clone(), stream.clone(), said));
            Then::Goes
        };
        // The client sends a time since 1970 where a span is meant; the shorter of it and the server's own counts.
        if options.deadline.is_none_or(|deadline| deadline.seconds <= 0) {
            return say(Duration::ZERO, Err((4, "Timeout")));
        }
        if self.is_nobody(headers) {
            return say(Duration::ZERO, Err((7, "AccessDenied")));
        }
        if let Some(status) = self.not_here(headers) {
            return Then::Ends(status);
        }
        let target = AppendOptions {
            stream: options.stream,
            revision: options.position,
            no_stream: options.no_stream,
            any: options.any,
        };
        let (fault, lag, written) = self.write(&target, proposed);
        match (fault, written) {
            (None, Some(Some(written))) => match written.success {
                // Answered when a majority has it. A refusal does not wait for what it rests on.
                Some(success) => say(lag, Ok(success)),
                None => say(Duration::ZERO, Err((6, "WrongExpectedVersion"))),
            },
            // Dropped, and timed out after `CommitTimeoutMs`.
            (None, Some(None)) => say(Duration::from_secs(2), Err((4, "Timeout"))),
            (Some(AppendFault::TimesOut), _) => say(lag, Err((4, "Timeout"))),
            (Some(AppendFault::SilentAfter), _) => Then::Goes,
            (Some(AppendFault::EndsWellAfter), _) => Then::EndsWell,
            (Some(AppendFault::CutBefore | AppendFault::CutAfter), _) => {
                self.cut.send_modify(|cuts| *cuts += 1);
                std::future::pending().await
            }
            (Some(AppendFault::DiesBefore | AppendFault::DiesAfter), _) => {
                self.die();
                std::future::pending().await
            }
            (Some(AppendFault::TooLarge), _) => say(Duration::ZERO, Err((3, "MaximumAppendSizeExceeded"))),
            (Some(AppendFault::MessageTooLarge), _) => Then::Ends(Status::message_too_large()),
            // `NotHandled` has a message and no code.
            _ => say(Duration::ZERO, Err((0, "Server Is Not Ready"))),
        }
    }
}

fn answered(
    correlation: Option<Id>,
    stream: Option<StreamIdentifier>,
    said: Result<super::messages::Success, (i32, &str)>,
) -> BatchAppendResp {
    let (success, error) = match said {
        Ok(success) => (Some(success), None),
        Err((code, message)) => (None, Some(RpcStatus { code, message: message.to_owned() })),
    };
    BatchAppendResp { correlation, error, success, stream }
}
