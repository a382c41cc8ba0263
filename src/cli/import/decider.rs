//! Who decides the rows of an import: the desk, or in a dry run a rehearsal of it.

use super::super::Common;
use super::super::exit::{CliError, Exit};
use super::hearing::Heard;
use crate::clock::SystemClock;
use crate::desk::{Answer, Answers, Desk, DeskError, Rehearsal, Request, not_recorded, unrecordable};
use crate::domain::command::Command;
use crate::domain::envelope::{NewEvent, Origin, Position};
use crate::domain::event::{Event, ImportTaken, LightChanged};
use crate::domain::time::Instant;
use crate::domain::words::Light;
use crate::log::contract::{Append, Expected, LogError};
use crate::picture::Picture;
use crate::picture::imports::Imports;
use crate::service::{load_policies, open_log, open_log_read_only, start_desk};
use crate::settings::{Engine, Settings};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use uuid::Uuid;

/// Who decides.
pub(super) enum Decider {
    Desk { desk: Desk, origin: Origin, began: Position },
    Rehearsal(Box<Rehearsal>),
}

/// What followed from the rows.
#[derive(Debug, Default)]
pub(super) struct Followed {
    /// Lights that changed, by the colour they changed to.
    pub(super) lights: BTreeMap<Light, u64>,
    /// Mails that were asked for.
    pub(super) mails: u64,
}

impl Decider {
    pub(super) fn desk(settings: &Settings, common: &Common, notify: bool) -> Result<Self, CliError> {
        let log = open_log(settings, &common.data)?;
        let desk = start_desk(settings, log, Arc::new(SystemClock))?;
        let began = desk.published().position();
        Ok(Self::Desk { desk, origin: Origin { history: !notify, ..Origin::of("import") }, began })
    }

    pub(super) fn rehearsal(settings: &Settings, common: &Common) -> Result<Self, CliError> {
        let policies = Arc::new(load_policies(settings).map_err(|error| CliError::new(Exit::Usage, error))?);
        let state = if common.data.join("log.db").exists() || settings.log.engine != Engine::Embedded {
            Picture::replay(&*open_log_read_only(settings, &common.data)?, policies)?
        } else {
            Picture::new(policies)
        };
        Ok(Self::Rehearsal(Box::new(Rehearsal::new(state))))
    }

    /// Returns the files that were taken in.
    pub(super) fn imports(&self) -> Imports {
        match self {
            Self::Desk { desk, .. } => desk.picture().imports.clone(),
            Self::Rehearsal(rehearsal) => rehearsal.picture().imports.clone(),
        }
    }

    /// Returns where the log stands.
    pub(super) fn position(&self) -> Position {
        match self {
            Self::Desk { desk, .. } => desk.log().head(),
            Self::Rehearsal(rehearsal) => rehearsal.picture().position,
        }
    }

    /// Has the log remember that a file was taken in; a rehearsal writes nothing.
    pub(super) fn remember(&self, taken: ImportTaken) -> Result<(), CliError> {
        let Self::Desk { desk, origin, .. } = self else { return Ok(()) };
        let now = desk.now();
        let event = NewEvent::new(Uuid::now_v7(), now, origin, &Event::ImportTaken(taken));
        let append = Append {
            stream: "imports".into(),
            expected: Expected::Any,
            recorded_at: now,
            idempotency_key: None,
            events: vec![event],
        };
        Ok(desk.log().append(append).map(|_| ()).map_err(DeskError::from)?)
    }

    /// Hands over the rows there is something to decide about.
    pub(super) fn submit(&mut self, rows: &[Heard], now: Instant) -> Deciding {
        let open = rows.iter().filter(|heard| !heard.passed);
        let open = open.filter_map(|heard| Some((heard.row.outcome.as_ref().ok()?, &heard.overruled)));
        match self {
            Self::Desk { desk, origin, .. } => {
                let (commands, overruled): (Vec<Command>, Vec<_>) =
                    open.map(|(command, overruled)| (command.clone(), overruled.clone())).unzip();
                let request = Request {
                    hold_lights: true,
                    overruled: overruled.clone(),
                    ..Request::new(commands.clone(), origin.clone())
                };
                Deciding::Desk { answers: desk.submit(request), rows: commands.into_iter().zip(overruled).collect() }
            }
            Self::Rehearsal(rehearsal) => Deciding::Done(
                open.map(|(command, overruled)| rehearsal.execute_overruled(command, overruled, now)).collect(),
            ),
        }
    }

    /// Waits for answers. If the log refuses what the rows come to, they are decided one by one, so that the refused row
    /// costs no other.
    pub(super) fn wait(&mut self, deciding: Deciding) -> Result<Vec<Answer>, DeskError> {
        match (deciding, &*self) {
            (Deciding::Done(answers), _) => Ok(answers),
            (Deciding::Desk { answers, rows }, Self::Desk { desk, origin, .. }) => match answers.wait() {
                Ok(answers) => Ok(answers),
                Err(DeskError::Log(LogError::Invalid(_))) => {
                    Ok(rows.into_iter().map(|(command, overruled)| one(desk, origin, command, overruled)).collect())
                }
                Err(error) => Err(error),
            },
            (Deciding::Desk { answers, .. }, Self::Rehearsal(_)) => answers.wait(),
        }
    }

    /// Has the lights looked at, once for all rows, and says what came of it.
    pub(super) fn settle(self) -> Result<Followed, CliError> {
        let Self::Desk { desk, began, .. } = self else { return Ok(Followed::default()) };
        let settled = desk.settle().map_err(CliError::from).and_then(|()| followed(&desk, began));
        desk.stop();
        settled
    }
}

fn one(desk: &Desk, origin: &Origin, command: Command, overruled: Vec<&'static str>) -> Answer {
    let overruled = vec![overruled];
    let request = Request { hold_lights: true, overruled, ..Request::new(vec![command], origin.clone()) };
    match desk.execute(request) {
        Ok(mut answers) if !answers.is_empty() => answers.swap_remove(0),
        Ok(_) => Answer::Refused(vec![not_recorded(&DeskError::Stopped)]),
        Err(DeskError::Log(LogError::Invalid(why))) => Answer::Refused(vec![unrecordable(&why)]),
        // The others of the batch may be recorded, so this is its own answer.
        Err(error) => Answer::Refused(vec![not_recorded(&error)]),
    }
}

fn followed(desk: &Desk, began: Position) -> Result<Followed, CliError> {
    let mut followed = Followed::default();
    desk.log().scan(began, &mut |event| {
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

/// Answers to rows handed over.
pub(super) enum Deciding {
    Desk {
        answers: Answers,
        /// For deciding them one by one.
        rows: Vec<(Command, Vec<&'static str>)>,
    },
    Done(Vec<Answer>),
}
