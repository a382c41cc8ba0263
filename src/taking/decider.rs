//! Who decides the rows of an import: the desk, or in a preview a rehearsal of it.

use super::TakingError;
use super::hatch::{AtService, OnTheWay};
use super::hearing::Heard;
use super::speaker::{Speaker, refused};
use super::tally::Followed;
use crate::desk::{Answer, Answers, Desk, DeskError, Rehearsal, Request, not_recorded, unrecordable};
use crate::domain::access::OutOfScope;
use crate::domain::code::CreditCode;
use crate::domain::command::Command;
use crate::domain::envelope::{NewEvent, Position};
use crate::domain::event::{Event, ImportTaken, LightChanged};
use crate::domain::hex::Hex;
use crate::domain::time::Instant;
use crate::lights::grade::grade;
use crate::lights::moment::Moment;
use crate::log::contract::{Append, Expected, LogError};
use crate::picture::Picture;
use crate::picture::imports::Taken;
use crate::views::standing::Standing;
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::Path;
use uuid::Uuid;

/// Who decides.
pub enum Decider {
    /// The desk: what is accepted is recorded.
    Desk(Box<AtDesk>),
    /// The desk of a running service that has the log.
    Service(AtService),
    /// A rehearsal on a picture of its own: nothing is written.
    Rehearsal(Box<Tried>),
}

/// Rows are decided by the desk.
pub struct AtDesk {
    desk: Desk,
    speaker: Speaker,
    /// Where the log stood.
    began: Position,
}

/// Rows are tried on a picture.
pub struct Tried {
    rehearsal: Rehearsal,
    speaker: Speaker,
    /// Merchants that something new was said about.
    touched: BTreeSet<CreditCode>,
    /// When it is.
    now: Instant,
}

impl Decider {
    /// Has rows decided by a desk, in the name of a speaker.
    #[must_use]
    pub fn desk(desk: Desk, speaker: Speaker) -> Self {
        let began = desk.published().position();
        Self::Desk(Box::new(AtDesk { desk, speaker, began }))
    }

    /// Has rows tried on a picture, in the name of a speaker.
    #[must_use]
    pub fn rehearsal(picture: Picture, speaker: Speaker) -> Self {
        let rehearsal = Rehearsal::new(picture);
        Self::Rehearsal(Box::new(Tried { rehearsal, speaker, touched: BTreeSet::new(), now: Instant::UNIX_EPOCH }))
    }

    /// Has rows decided by the service that has the log in this data folder; `None` if none listens there.
    ///
    /// # Errors
    /// The service does not take them.
    pub fn service(data: &Path, import: Uuid, history: bool) -> Result<Option<Self>, TakingError> {
        Ok(AtService::begin(data, import, history)?.map(Self::Service))
    }

    /// Returns what was taken of a file, if it was taken in.
    pub(super) fn known(&self, digest: &Hex<32>, name: &str) -> Result<Option<Taken>, TakingError> {
        Ok(match self {
            Self::Desk(at) => at.desk.picture().imports.find(digest, name, at.speaker.known_by()),
            Self::Service(at) => at.known(digest, name)?,
            Self::Rehearsal(tried) => tried.rehearsal.picture().imports.find(digest, name, tried.speaker.known_by()),
        })
    }

    /// Returns where the log stands.
    pub(super) fn position(&self) -> Result<Position, TakingError> {
        Ok(match self {
            Self::Desk(at) => at.desk.log().head(),
            Self::Service(at) => at.position()?,
            Self::Rehearsal(tried) => tried.rehearsal.picture().position,
        })
    }

    /// Has the log remember that a file was taken in; a rehearsal writes nothing.
    pub(super) fn remember(&self, taken: ImportTaken) -> Result<(), TakingError> {
        let at = match self {
            Self::Desk(at) => at,
            Self::Service(at) => return Ok(at.remember(taken)?),
            Self::Rehearsal(_) => return Ok(()),
        };
        let now = at.desk.now();
        let event = NewEvent::new(Uuid::now_v7(), now, &at.speaker.origin, &Event::ImportTaken(taken));
        let append = Append {
            stream: "imports".into(),
            expected: Expected::Any,
            recorded_at: now,
            idempotency_key: None,
            events: vec![event],
        };
        Ok(at.desk.log().append(append).map(|_| ())?)
    }

    /// Says whether the speaker may say something there is nothing to decide about: that it stands is no answer to who may not say it.
    ///
    /// # Errors
    /// They may not: this is the answer.
    pub(super) fn allows(&self, command: &Command, now: Instant) -> Result<(), Answer> {
        match self {
            Self::Desk(at) => at.speaker.judge(&at.desk.picture(), command.clone(), at.desk.now()).map(|_| ()),
            // Whoever has the data folder may say everything.
            Self::Service(_) => Ok(()),
            Self::Rehearsal(tried) => tried.speaker.judge(tried.rehearsal.picture(), command.clone(), now).map(|_| ()),
        }
    }

    /// Hands over the rows there is something to decide about.
    pub(super) fn submit(&mut self, rows: &[Heard], now: Instant) -> Deciding {
        let open = rows.iter().filter(|heard| !heard.passed);
        let open = open.filter_map(|heard| Some((heard.row.outcome.as_ref().ok()?.clone(), heard.overruled.clone())));
        self.ask(open.collect(), now)
    }

    /// Hands over what rows say, each with the details that later rows say otherwise.
    pub(super) fn ask(&mut self, rows: Vec<(Command, Vec<&'static str>)>, now: Instant) -> Deciding {
        match self {
            Self::Desk(at) => at.submit(rows),
            Self::Service(at) => Deciding::OnTheWay(at.decide(rows)),
            Self::Rehearsal(tried) => {
                Deciding::Done(rows.iter().map(|(row, overruled)| tried.one(row, overruled, now)).collect())
            }
        }
    }

    /// Waits for answers. If the log refuses what the rows come to, they are decided one by one, so that the refused row
    /// costs no other.
    pub(super) fn wait(&mut self, deciding: Deciding) -> Result<Vec<Answer>, DeskError> {
        let (asked, rows) = match deciding {
            Deciding::Done(answers) => return Ok(answers),
            Deciding::OnTheWay(answers) => return answers.wait(),
            Deciding::Asked { answers, rows } => (answers.wait(), rows),
        };
        let answers = match (asked, &*self) {
            (Err(DeskError::Log(LogError::Invalid(_))), Self::Desk(at)) => {
                let ask = |(command, overruled, _): &Asked| at.one(command.clone(), overruled.clone());
                rows.iter().filter_map(|row| row.as_ref().ok()).map(ask).collect()
            }
            (answers, _) => answers?,
        };
        let mut answers = answers.into_iter();
        let each = rows.into_iter().map(|row| match row {
            Err(answer) => answer,
            Ok((_, _, standing)) => match (answers.next(), standing) {
                // By what is on record about somebody whom the speaker does not see: that would tell.
                (Some(Answer::Refused(_)), Standing::Blind) => refused(OutOfScope::Place),
                (Some(answer), _) => answer,
                (None, _) => Answer::Refused(vec![not_recorded(&DeskError::Stopped)]),
            },
        });
        Ok(each.collect())
    }

    /// Has the lights looked at, once for all rows, and says what came of it.
    pub(super) fn settle(self) -> Result<Followed, TakingError> {
        match self {
            Self::Desk(at) => {
                at.desk.settle()?;
                at.followed()
            }
            Self::Service(at) => Ok(at.settle()?),
            Self::Rehearsal(tried) => Ok(tried.would_follow()),
        }
    }
}

impl AtDesk {
    fn submit(&self, rows: Vec<(Command, Vec<&'static str>)>) -> Deciding {
        let (picture, now) = (self.desk.picture(), self.desk.now());
        let judge = |(command, overruled): (Command, Vec<&'static str>)| {
            let (command, standing) = self.speaker.judge(&picture, command, now)?;
            Ok((command, overruled, standing))
        };
        let rows: Vec<Result<Asked, Answer>> = rows.into_iter().map(judge).collect();
        let asked = rows.iter().filter_map(|row| row.as_ref().ok());
        let (commands, overruled) = asked.map(|(command, overruled, _)| (command.clone(), overruled.clone())).unzip();
        Deciding::Asked { answers: self.desk.submit(self.request(commands, overruled)), rows }
    }

    fn request(&self, commands: Vec<Command>, overruled: Vec<Vec<&'static str>>) -> Request {
        Request { hold_lights: true, overruled, ..Request::new(commands, self.speaker.origin.clone()) }
    }

    fn one(&self, command: Command, overruled: Vec<&'static str>) -> Answer {
        match self.desk.execute(self.request(vec![command], vec![overruled])) {
            Ok(mut answers) if !answers.is_empty() => answers.swap_remove(0),
            Ok(_) => Answer::Refused(vec![not_recorded(&DeskError::Stopped)]),
            Err(DeskError::Log(LogError::Invalid(why))) => Answer::Refused(vec![unrecordable(&why)]),
            // The others of the batch may be recorded, so this is its own answer.
            Err(error) => Answer::Refused(vec![not_recorded(&error)]),
        }
    }

    /// What was recorded since the import began; where others work at the desk, too, only what is on the import's trail.
    fn followed(&self) -> Result<Followed, TakingError> {
        let mut followed = Followed::default();
        let trail = self.speaker.origin.correlation;
        self.desk.log().scan(self.began, &mut |event| {
            if trail.is_some() && event.correlation != trail {
                return ControlFlow::Continue(());
            }
            match event.event_type {
                "light.changed" => {
                    if let Ok(change) = serde_json::from_str::<LightChanged>(event.data)
                        && change.from != change.to
                    {
                        *followed.lights.entry(change.to).or_default() += 1;
                    }
                }
                "mail.requested" => followed.mails += 1,
                _ => {}
            }
            ControlFlow::Continue(())
        })?;
        Ok(followed)
    }
}

impl Tried {
    fn one(&mut self, command: &Command, overruled: &[&'static str], now: Instant) -> Answer {
        self.now = now;
        let (command, standing) = match self.speaker.judge(self.rehearsal.picture(), command.clone(), now) {
            Ok(judged) => judged,
            Err(answer) => return answer,
        };
        match (self.rehearsal.execute_overruled(&command, overruled, now), standing) {
            (Answer::Refused(_), Standing::Blind) => refused(OutOfScope::Place),
            (answer, _) => {
                self.touched.extend(command.credit_code().filter(|_| matches!(answer, Answer::Accepted(_))));
                answer
            }
        }
    }

    /// The lights of the merchants named that would change; those of merchants linked to them are not looked at.
    fn would_follow(&self) -> Followed {
        let mut followed = Followed::default();
        let picture = self.rehearsal.picture();
        let moment = Moment::new(&picture.policies, self.now, Position::MAX);
        for merchant in self.touched.iter().filter_map(|code| picture.world.get(*code)) {
            let light = grade(&moment.subject(&picture.world, merchant)).light;
            if light != picture.lights.light(merchant.code) {
                *followed.lights.entry(light).or_default() += 1;
            }
        }
        followed
    }
}

/// A row that the desk is asked about: what it says, what later rows say otherwise, how it stands to the speaker.
type Asked = (Command, Vec<&'static str>, Standing);

/// Answers to rows handed over.
pub(super) enum Deciding {
    /// They are on their way.
    Asked {
        answers: Answers,
        /// Every row, or the answer it has already.
        rows: Vec<Result<Asked, Answer>>,
    },
    /// They are on their way from a service.
    OnTheWay(OnTheWay),
    /// They are there.
    Done(Vec<Answer>),
}
