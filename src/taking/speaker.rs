//! In whose name a file is handed in: what its rows may say, and about whom, is what a single command of theirs may (law 9).

use crate::desk::Answer;
use crate::domain::access::{OutOfScope, Scope};
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

/// Who hands a file in.
#[derive(Debug, Clone)]
pub struct Speaker {
    /// What they may say.
    pub scope: Scope,
    /// Their name, and whether it is history that they tell.
    pub origin: Origin,
}

impl Speaker {
    /// Returns whoever runs the service, for whom nothing is out of scope.
    #[must_use]
    pub fn owner(origin: Origin) -> Self {
        Self { scope: Scope::everything(), origin }
    }

    /// Says how a command stands to this speaker, and what it says with what goes without saying.
    ///
    /// # Errors
    /// It is not theirs to say: this is wrong with it.
    pub(super) fn judge(
        &self,
        picture: &Picture,
        command: Command,
        now: Instant,
    ) -> Result<(Command, Standing), Answer> {
        if self.scope.role == Role::Admin {
            return Ok((command, Standing::Known));
        }
        let view = View::new(picture, &self.scope, now);
        let judged = view.completed(command).and_then(|command| Ok((view.standing(&command)?, command)));
        let (standing, command) = match judged {
            Ok(judged) => judged,
            Err(NotSaid::OutOfScope(reason)) => return Err(refused(reason)),
            Err(NotSaid::Wrong(problems)) => return Err(Answer::Refused(problems)),
        };
        match self.dated_back(picture, &command, now) {
            Some(problem) => Err(Answer::Refused(vec![problem])),
            None => Ok((command, standing)),
        }
    }

    /// A mall tells as of today, by sheet as by form; but a sheet may repeat what it told before. An office's sheet is evidence
    /// from elsewhere, and may be of any day.
    fn dated_back(&self, picture: &Picture, command: &Command, now: Instant) -> Option<Problem> {
        if self.scope.role != Role::Operator {
            return None;
        }
        let problem = dating::fault(command, self.scope.role, day_of(now))?;
        let decided = decide(command, Known::of(&picture.world, &picture.queue, command, &[]), now);
        let is_known = decided.is_ok_and(|decision| decision.events.is_empty());
        (!is_known).then_some(problem)
    }
}

/// Returns the answer to what is not the speaker's to say.
pub(super) fn refused(reason: OutOfScope) -> Answer {
    Answer::Refused(vec![reason.problem()])
}
