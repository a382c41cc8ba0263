//! In whose name a file is handed in: what its rows may say, and about whom, is what a single command of theirs may (law 9).

use crate::desk::Answer;
use crate::domain::access::{KeyRefused, OutOfScope, Scope};
use crate::domain::check::Problem;
use crate::domain::command::Command;
use crate::domain::dating;
use crate::domain::decide::{Known, decide};
use crate::domain::envelope::Origin;
use crate::domain::time::{Instant, day_of};
use crate::domain::words::Role;
use crate::picture::Picture;
use crate::views::View;
use crate::views::standing::{NotSaid, Standing};
use std::borrow::Cow;
use uuid::Uuid;

/// Who hands a file in.
#[derive(Debug, Clone)]
pub struct Speaker {
    /// The key that they hand it in with; none for whoever runs the service.
    pub key: Option<Uuid>,
    /// What they might say when they handed it in.
    pub scope: Scope,
    /// Their name, and whether it is history that they tell.
    pub origin: Origin,
}

impl Speaker {
    /// Returns whoever runs the service, for whom nothing is out of scope.
    #[must_use]
    pub fn owner(origin: Origin) -> Self {
        Self { key: None, scope: Scope::everything(), origin }
    }

    /// Returns what they may say by what is known now: a key may have been revoked since a file came.
    ///
    /// # Errors
    /// The key opens nothing any more.
    pub(super) fn rights(&self, picture: &Picture, now: Instant) -> Result<Cow<'_, Scope>, KeyRefused> {
        match self.key {
            None => Ok(Cow::Borrowed(&self.scope)),
            Some(key) => picture.keys.by_id(key, now).map(|key| Cow::Owned(key.scope.clone())),
        }
    }

    /// Returns whose files count as known to them: only their own, unless they see everything. What somebody else handed in, or
    /// whether anybody did, is nothing that the same bytes may find out.
    pub(super) fn known_by(&self) -> Option<&str> {
        (!self.scope.is_everything()).then_some(&*self.origin.actor)
    }

    /// Says how a command stands to this speaker, and what it says with what goes without saying.
    ///
    /// # Errors
    /// It is not theirs to say, or no longer: this is wrong with it.
    pub(super) fn judge(
        &self,
        picture: &Picture,
        command: Command,
        now: Instant,
    ) -> Result<(Command, Standing), Answer> {
        let scope = self.rights(picture, now).map_err(|gone| Answer::Refused(vec![shut_out(gone)]))?;
        if scope.role == Role::Admin {
            return Ok((command, Standing::Known));
        }
        let view = View::new(picture, &scope, now);
        let judged = view.completed(command).and_then(|command| Ok((view.standing(&command)?, command)));
        let (standing, command) = match judged {
            Ok(judged) => judged,
            Err(NotSaid::OutOfScope(reason)) => return Err(refused(reason)),
            Err(NotSaid::Wrong(problems)) => return Err(Answer::Refused(problems)),
        };
        match dated_back(scope.role, picture, &command, now) {
            Some(problem) => Err(Answer::Refused(vec![problem])),
            None => Ok((command, standing)),
        }
    }
}

/// A mall tells as of today, by sheet as by form; but a sheet may repeat what it told before. An office's sheet is evidence
/// from elsewhere, and may be of any day.
fn dated_back(role: Role, picture: &Picture, command: &Command, now: Instant) -> Option<Problem> {
    if role != Role::Operator {
        return None;
    }
    let problem = dating::fault(command, role, day_of(now))?;
    let decided = decide(command, Known::of(&picture.world, &picture.queue, command, &[]), now);
    let is_known = decided.is_ok_and(|decision| decision.events.is_empty());
    (!is_known).then_some(problem)
}

/// Returns what is said of a row whose speaker's key opens nothing any more.
fn shut_out(gone: KeyRefused) -> Problem {
    let (code, zh) = why_shut_out(gone);
    Problem { field: "command", code, value: String::new(), zh: zh.to_owned(), en: format!("it was not taken: {gone}") }
}

/// Returns the code and the Chinese words for a key that opens nothing any more.
pub(super) const fn why_shut_out(gone: KeyRefused) -> (&'static str, &'static str) {
    match gone {
        KeyRefused::Revoked => ("key_revoked", "提交此文件的密钥已被吊销，未予接收；请换用有效的密钥重新提交同一文件"),
        KeyRefused::Expired => ("key_expired", "提交此文件的密钥已过期，未予接收；请换用有效的密钥重新提交同一文件"),
        KeyRefused::Unknown => ("key_unknown", "提交此文件的密钥无效，未予接收；请换用有效的密钥重新提交同一文件"),
    }
}

/// Returns the answer to what is not the speaker's to say.
pub(super) fn refused(reason: OutOfScope) -> Answer {
    Answer::Refused(vec![reason.problem()])
}
