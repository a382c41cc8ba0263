//! The command line's side of the hatch.

use super::socket;
use super::wire::{Ask, Row, Told};
use crate::desk::{Answer, DeskError};
use crate::domain::command::Command;
use crate::domain::envelope::Position;
use crate::domain::event::ImportTaken;
use crate::domain::hex::Hex;
use crate::log::contract::LogError;
use crate::picture::imports::Taken;
use crate::taking::tally::Followed;
use crate::taking::withdrawal::{Withdrawal, WithdrawalError};
use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread::Builder;
use uuid::Uuid;

/// Rows are decided by the desk of a running service.
pub struct AtService {
    questions: Sender<(Ask, Sender<Result<Told, DeskError>>)>,
}

/// Answers to rows on their way.
pub(crate) struct OnTheWay(Receiver<Result<Told, DeskError>>);

impl AtService {
    /// Begins an import at the service that has the log in this data folder; `None` if none listens there.
    ///
    /// # Errors
    /// The service does not take it.
    pub(crate) fn begin(data: &Path, import: Uuid, history: bool) -> Result<Option<Self>, DeskError> {
        let Some(service) = Self::connect(data)? else { return Ok(None) };
        let version = env!("CARGO_PKG_VERSION").to_owned();
        match service.ask(Ask::Begin { version, import, history })? {
            Told::Done => Ok(Some(service)),
            other => Err(odd(&other)),
        }
    }

    /// Has an import withdrawn by the service that has the log in this data folder; `None` if none listens there.
    ///
    /// # Errors
    /// The service does not answer; within, why it does not withdraw it.
    pub(crate) fn withdraw(
        data: &Path,
        import: Uuid,
        reason: &str,
    ) -> Result<Option<Result<Withdrawal, WithdrawalError>>, DeskError> {
        let Some(service) = Self::connect(data)? else { return Ok(None) };
        let version = env!("CARGO_PKG_VERSION").to_owned();
        match service.ask(Ask::Withdraw { version, import, reason: reason.to_owned() })? {
            Told::Withdrawn(withdrawal) => Ok(Some(Ok(*withdrawal))),
            Told::NotWithdrawn { is_missing: true, .. } => Ok(Some(Err(WithdrawalError::NotFound(import)))),
            Told::NotWithdrawn { zh, en, .. } => Ok(Some(Err(WithdrawalError::Reason { zh, en }))),
            other => Err(odd(&other)),
        }
    }

    fn connect(data: &Path) -> Result<Option<Self>, DeskError> {
        let Ok(line) = UnixStream::connect(socket(data)) else { return Ok(None) };
        let (questions, asked) = unbounded();
        let spawned = Builder::new().name("hatch".to_owned()).spawn(move || speak(&line, &asked));
        spawned.map_err(|error| unavailable(&error))?;
        Ok(Some(Self { questions }))
    }

    pub(crate) fn known(&self, digest: &Hex<32>, name: &str) -> Result<Option<Taken>, DeskError> {
        match self.ask(Ask::Known { digest: *digest, name: name.to_owned() })? {
            Told::Known(places) => Ok(places.map(|places| Taken::of(&places))),
            other => Err(odd(&other)),
        }
    }

    pub(crate) fn position(&self) -> Result<Position, DeskError> {
        match self.ask(Ask::Position)? {
            Told::Position(position) => Ok(position),
            other => Err(odd(&other)),
        }
    }

    pub(crate) fn remember(&self, taken: ImportTaken) -> Result<(), DeskError> {
        match self.ask(Ask::Remember { taken })? {
            Told::Done => Ok(()),
            other => Err(odd(&other)),
        }
    }

    pub(crate) fn settle(&self) -> Result<Followed, DeskError> {
        match self.ask(Ask::Settle)? {
            Told::Followed { lights, mails } => Ok(Followed { lights, mails }),
            Told::Done => Ok(Followed::default()),
            other => Err(odd(&other)),
        }
    }

    pub(crate) fn decide(&self, rows: Vec<(Command, Vec<&'static str>)>) -> OnTheWay {
        let row = |(command, overruled): (Command, Vec<&'static str>)| {
            let overruled = overruled.into_iter().map(str::to_owned).collect();
            Row { command, overruled }
        };
        OnTheWay(self.send(Ask::Decide { rows: rows.into_iter().map(row).collect() }))
    }

    fn ask(&self, ask: Ask) -> Result<Told, DeskError> {
        self.send(ask).recv().map_err(|_| DeskError::Lost)?
    }

    fn send(&self, ask: Ask) -> Receiver<Result<Told, DeskError>> {
        let (answer, told) = bounded(1);
        // A line that is gone drops the sender, which is the answer.
        let _ = self.questions.send((ask, answer));
        told
    }
}

impl OnTheWay {
    pub(crate) fn wait(self) -> Result<Vec<Answer>, DeskError> {
        match self.0.recv().map_err(|_| DeskError::Lost)?? {
            Told::Answers(answers) => Ok(answers.into_iter().map(Into::into).collect()),
            other => Err(odd(&other)),
        }
    }
}

/// Asks one question after the other, so that neither side ever waits for the other to read; ends with the line.
fn speak(line: &UnixStream, asked: &Receiver<(Ask, Sender<Result<Told, DeskError>>)>) {
    let mut reader = BufReader::new(line);
    for (ask, answer) in asked {
        match exchange(line, &mut reader, &ask) {
            Ok(Told::Failed(fault)) => drop(answer.send(Err(fault.into()))),
            Ok(told) => drop(answer.send(Ok(told))),
            // The service is gone. What waits is answered by the sender that is dropped.
            Err(_) => return,
        }
    }
}

fn exchange(mut line: &UnixStream, reader: &mut BufReader<&UnixStream>, ask: &Ask) -> io::Result<Told> {
    let mut text = serde_json::to_vec(ask)?;
    text.push(b'\n');
    line.write_all(&text)?;
    text.clear();
    if reader.read_until(b'\n', &mut text)? == 0 || !text.ends_with(b"\n") {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(serde_json::from_slice(&text)?)
}

fn unavailable(error: &io::Error) -> DeskError {
    DeskError::Log(LogError::Unavailable(error.to_string()))
}

fn odd(told: &Told) -> DeskError {
    DeskError::Log(LogError::Unavailable(format!("the service answers what was not asked: {told:?}")))
}
