//! One key, one answer (幂等): an idempotency key stands for one request as it was sent — by whom, method, path and body —
//! and for its whole answer.
//!
//! Each command of a keyed request is recorded under a key of its own, so that what was recorded before a crash is known
//! again. When all are decided, the answer is recorded, too (`request.answered`): whatever came of the commands, the same
//! request gets it again, and another under the same key is a conflict. The answer to a single command that was recorded
//! without a remark follows from its events alone, and is not written twice.

use super::api::commands::{CommandReceipt, Status};
use super::problem::{Code, Problem};
use super::site::Site;
use crate::desk::{Answer, DeskError, RequestKey};
use crate::domain::envelope::{NewEvent, Origin};
use crate::domain::event::{Event, RequestAnswered};
use crate::domain::hex::Hex;
use crate::log::contract::{Append, Expected, LogError};
use actix_web::{HttpMessage as _, HttpRequest};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use std::sync::Arc;
use uuid::Uuid;

/// Namespace of the ids of recorded answers.
const NAMESPACE: Uuid = Uuid::from_u128(0x8a3c_51e7_0d92_4b6f_b1c4_7e05_f39a_62d8);
/// Longest value of a refused field in a recorded answer, in characters: enough to know it again.
const LONGEST_VALUE: usize = 60;

/// Digest of a body as it was sent.
#[derive(Debug, Clone, Copy)]
struct Body([u8; 32]);

/// Notes the body of a request, and what else of it is content, for its key.
pub(super) fn note(request: &HttpRequest, parts: &[&[u8]]) {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    request.extensions_mut().insert(Body(digest.finalize().into()));
}

/// A request that has a key.
#[derive(Debug, Clone)]
pub(super) struct Once {
    caller: Uuid,
    key: String,
    content: [u8; 32],
}

impl Once {
    /// Returns what a key stands for in this request of this caller.
    pub(super) fn of(request: &HttpRequest, caller: Uuid, key: String) -> Self {
        let body = request.extensions().get::<Body>().map_or([0; 32], |body| body.0);
        let mut digest = Sha256::new();
        for part in [request.method().as_str().as_bytes(), request.path().as_bytes(), &body] {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        Self { caller, key, content: digest.finalize().into() }
    }

    /// Returns the keys that the commands are recorded under. `places` are their places in the request, if it is a list.
    /// Keys of different callers do not meet, nor does that of a list and that of one of its commands.
    pub(super) fn of_commands(&self, places: Option<&[usize]>) -> RequestKey {
        let caller = self.caller.simple();
        let names: Vec<Arc<str>> = match places {
            None => vec![format!("{caller}:{}", self.key).into()],
            Some(places) => places.iter().map(|place| format!("{caller}/{place}:{}", self.key).into()).collect(),
        };
        RequestKey { names, content: self.content }
    }

    fn of_answer(&self) -> Arc<str> {
        format!("{}/answer:{}", self.caller.simple(), self.key).into()
    }

    pub(super) fn reused(&self) -> Problem {
        DeskError::KeyReused(self.key.as_str().into()).into()
    }

    /// Returns what tells the key of this request from every other, and the digest of what was sent.
    pub(super) fn names(&self) -> (String, Hex<32>) {
        (self.of_answer().to_string(), Hex(self.content))
    }

    /// Returns the answer to this request as it was recorded, if it was.
    ///
    /// # Errors
    /// When the key stands for another request, or the log cannot be asked.
    pub(super) fn recorded<T: DeserializeOwned>(&self, site: &Site) -> Result<Option<T>, Problem> {
        let log = site.desk.log();
        let Some(appended) = log.find_key(&self.of_answer())? else { return Ok(None) };
        let recorded = log.event_at(appended.first)?.and_then(|recorded| recorded.event.decode().ok());
        let Some(Event::RequestAnswered(answered)) = recorded else { return Err(self.reused()) };
        if answered.content != Hex(self.content).to_string() {
            return Err(self.reused());
        }
        let answer = serde_json::from_str(&answered.answer);
        answer
            .map(Some)
            .map_err(|error| Problem::inside(Code::Internal, format_args!("the first answer cannot be read: {error}")))
    }

    /// Returns the first answer to this request, if it was given before.
    ///
    /// # Errors
    /// When the key stands for another request, or the log cannot be asked.
    pub(super) fn first_answer(&self, site: &Site) -> Result<Option<Vec<CommandReceipt>>, Problem> {
        if let Some(mut receipts) = self.recorded::<Vec<CommandReceipt>>(site)? {
            for receipt in &mut receipts {
                receipt.repeated = receipt.status == Status::Accepted;
            }
            return Ok(Some(receipts));
        }
        let log = site.desk.log();
        // The problem names the key as it was sent, without the caller before it.
        let answer = self.of_commands(None).first_answer(&**log).map_err(|error| match error {
            DeskError::KeyReused(_) => self.reused(),
            other => other.into(),
        })?;
        let Some(Answer::Accepted(receipt)) = answer else { return Ok(None) };
        let first = receipt.first;
        let trail = log.event_at(first)?.and_then(|recorded| recorded.event.correlation);
        Ok(Some(vec![CommandReceipt::of(Answer::Accepted(receipt), None, trail)]))
    }

    /// Records the answer to this request, unless it follows from what is recorded. Returns what is to be answered: another
    /// answer, if the same request was answered at the same time elsewhere.
    ///
    /// # Errors
    /// When the log does not take it. What the commands recorded stays; the same request again goes on from there.
    pub(super) fn record(
        &self,
        site: &Site,
        receipts: Vec<CommandReceipt>,
        is_list: bool,
        origin: &Origin,
    ) -> Result<Vec<CommandReceipt>, Problem> {
        let follows = |receipt: &CommandReceipt| receipt.status == Status::Accepted && receipt.warnings.is_empty();
        if !is_list && receipts.iter().all(follows) {
            return Ok(receipts);
        }
        // What the log did not take, or may not have, may be said again under the same key.
        if receipts.iter().any(CommandReceipt::is_open) {
            return Ok(receipts);
        }
        let mut kept = receipts.clone();
        for problem in kept.iter_mut().flat_map(|receipt| receipt.warnings.iter_mut().chain(&mut receipt.problems)) {
            problem.value = problem.value.chars().take(LONGEST_VALUE).collect();
        }
        match self.write(site, &kept, origin) {
            Err(LogError::Conflict { .. } | LogError::Duplicate { .. } | LogError::KeyReused { .. }) => {
                self.first_answer(site)?.ok_or_else(|| self.reused())
            }
            written => written.map(|()| receipts).map_err(Problem::from),
        }
    }

    /// Writes the answer to this request into the log.
    ///
    /// # Errors
    /// When the log does not take it: also because another answer is there.
    pub(super) fn write(&self, site: &Site, answer: &impl Serialize, origin: &Origin) -> Result<(), LogError> {
        let answer = serde_json::to_string(answer).map_err(|error| LogError::Invalid(error.to_string()))?;
        let answered = Event::RequestAnswered(RequestAnswered { content: Hex(self.content).to_string(), answer });
        let key = self.of_answer();
        let stream = Hex::<32>(Sha256::digest(key.as_bytes()).into()).to_string();
        let now = site.desk.now();
        let append = Append {
            stream: format!("request-{stream}").into(),
            expected: Expected::NoStream,
            recorded_at: now,
            idempotency_key: Some(key.clone()),
            events: vec![NewEvent::new(Uuid::new_v5(&NAMESPACE, key.as_bytes()), now, origin, &answered)],
        };
        site.desk.log().append(append).map(|_| ())
    }
}
