//! What goes back to a hotline (反馈): of the tickets of its channel those that were answered or closed here, under the headers it uses
//! itself. Which column says what is data of its profile (`[[feedback]]`, docs/PROFILES.md).

use super::export::{BYTE_ORDER_MARK, Medium, safe_cell, write_whole};
use super::profile::{Profile, Says};
use super::refusals::{RefusalSheetError, Sheet};
use crate::domain::code::CreditCode;
use crate::domain::envelope::Position;
use crate::domain::evidence::Complaint;
use crate::domain::ticket;
use crate::domain::time::{Instant, local};
use crate::domain::words::{Channel, Outcome};
use crate::log::contract::{EventLog, LogError};
use crate::views::View;
use crate::views::complaints::ComplaintFilter;
use rust_xlsxwriter::Workbook;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

/// A feedback file, as its cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feedback {
    /// Headers.
    pub header: Vec<String>,
    /// A row for each ticket, newest answered or closed first.
    pub rows: Vec<Vec<String>>,
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub enum FeedbackError {
    /// The profile does not say what goes back.
    #[error(
        "the profile `{0}` does not say what goes back: it needs `[[feedback]]` columns and a fixed channel (docs/PROFILES.md)"
    )]
    NotSaid(String),
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// How a ticket stands.
struct Standing {
    /// Key of the words for it.
    state: &'static str,
    answered: Option<Instant>,
    closed: Option<Instant>,
    /// Where that was recorded.
    position: Position,
}

/// Collects what goes back to the source of a profile: its tickets in the view whose answer or closing was recorded after `since`, and did
/// not come with the ticket itself.
///
/// # Errors
/// See [`FeedbackError`].
pub fn feedback(
    view: &View<'_>,
    log: &dyn EventLog,
    profile: &Profile,
    since: Position,
) -> Result<Feedback, FeedbackError> {
    let not_said = || FeedbackError::NotSaid(profile.id.clone());
    let channel: Channel = profile.channel().ok_or_else(not_said)?;
    if profile.feedback.is_empty() {
        return Err(not_said());
    }
    let (_, complaints) = view.complaints(&ComplaintFilter::default(), 0, usize::MAX);
    let mut found = Vec::new();
    for (code, complaint) in complaints.into_iter().filter(|(_, complaint)| complaint.channel == channel) {
        if let Some(standing) = standing(complaint, since).filter(|standing| standing.position > since)
            && !came_with_it(log, complaint, standing.position)?
        {
            found.push((standing, code, complaint));
        }
    }
    found.sort_by_key(|(standing, _, complaint)| (std::cmp::Reverse(standing.position), complaint.position));
    let name = |code: CreditCode| {
        view.world.get(code).and_then(|merchant| merchant.name(Position::MAX)).unwrap_or_default().to_owned()
    };
    let row = |(standing, code, complaint): (Standing, CreditCode, &Complaint)| {
        let says = |says: &Says| match says {
            Says::Number => ticket::number(complaint).to_owned(),
            Says::CreditCode => code.to_string(),
            Says::Name => name(code),
            Says::ReceivedAt => minute(complaint.received_at),
            Says::AnsweredAt => standing.answered.map(minute).unwrap_or_default(),
            Says::ClosedAt => standing.closed.map(minute).unwrap_or_default(),
            Says::State(words) => {
                let replied = complaint.reply.as_ref().and_then(|_| words.get(REPLIED));
                let text = replied.or_else(|| words.get(standing.state)).cloned().unwrap_or_default();
                let time = |at: Option<Instant>| at.map(minute).unwrap_or_default();
                let reply = complaint.reply.as_ref().map_or("", |reply| &*reply.text);
                let text =
                    text.replace("{answered}", &time(standing.answered)).replace("{closed}", &time(standing.closed));
                // Last: what somebody wrote is no place to fill in.
                text.replace("{reply}", reply)
            }
        };
        profile.feedback.iter().map(|column| says(&column.says)).collect()
    };
    Ok(Feedback {
        header: profile.feedback.iter().map(|column| column.header.clone()).collect(),
        rows: found.into_iter().map(row).collect(),
    })
}

/// Returns how a ticket stands; `None` if it was neither answered nor closed.
fn standing(complaint: &Complaint, since: Position) -> Option<Standing> {
    let known = Position::MAX;
    let closed = complaint.closed(known);
    let answered = complaint.answered(known);
    let state = match closed {
        Some((_, outcome)) => Outcome::name(outcome),
        None if answered.is_some() => ANSWERED,
        None => return None,
    };
    let first = [complaint.answered.map(|(_, at)| at), complaint.closed.map(|(_, at, _)| at)];
    let corrected = complaint.corrections.iter().filter(|it| it.answered_at.is_some() || it.closed.is_some());
    let replied = complaint.reply.iter().map(|reply| reply.position);
    let steps = first.into_iter().flatten().chain(replied).chain(corrected.map(|correction| correction.position));
    let position = steps.filter(|position| *position > since).max()?;
    Some(Standing { state, answered, closed: closed.map(|(at, _)| at), position })
}

/// Key of the words for a ticket that was answered and not closed.
pub(super) const ANSWERED: &str = "answered";

/// Key of the words for one with a reply, whatever its state.
pub(super) const REPLIED: &str = "reply";

/// Events that a row of a ticket becomes at most: it is received, answered, closed, with a reply.
const STEPS: u64 = 4;

/// Says whether a step was recorded with the ticket itself: whoever sent it knows that.
fn came_with_it(log: &dyn EventLog, complaint: &Complaint, position: Position) -> Result<bool, LogError> {
    if position - complaint.position.min(position) >= STEPS {
        return Ok(false);
    }
    let (ticket, step) = (log.event_at(complaint.position)?, log.event_at(position)?);
    Ok(ticket.zip(step).is_some_and(|(ticket, step)| {
        ticket.recorded_at == step.recorded_at && ticket.event.correlation == step.event.correlation
    }))
}

fn minute(at: Instant) -> String {
    local(at).strftime("%Y-%m-%d %H:%M").to_string()
}

impl Feedback {
    /// Returns it as csv in UTF-8; what looks like a formula is marked.
    ///
    /// # Errors
    /// None in memory.
    pub fn csv(&self) -> Result<Vec<u8>, csv::Error> {
        let mut writer = csv::Writer::from_writer(BYTE_ORDER_MARK.as_bytes().to_vec());
        for row in std::iter::once(&self.header).chain(&self.rows) {
            writer.write_record(row.iter().map(|cell| safe_cell(cell, Medium::Csv).into_owned()))?;
        }
        writer.into_inner().map_err(|error| io::Error::other(error.to_string()).into())
    }

    /// Returns it as a workbook; every cell is a text.
    ///
    /// # Errors
    /// There are more rows than a sheet holds.
    pub fn xlsx(&self) -> Result<Vec<u8>, RefusalSheetError> {
        let mut workbook = Workbook::new();
        let mut sheet = Sheet::begin(&mut workbook, "反馈".to_owned())?;
        for row in std::iter::once(&self.header).chain(&self.rows) {
            sheet.write(row)?;
        }
        sheet.push_to(&mut workbook);
        Ok(workbook.save_to_buffer()?)
    }

    /// Writes it to a file whose ending says what it is: `.csv`, else xlsx.
    ///
    /// # Errors
    /// The disk said no.
    pub fn write(&self, path: &Path) -> Result<(), RefusalSheetError> {
        let is_csv = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv"));
        let bytes = if is_csv { self.csv()? } else { self.xlsx()? };
        write_whole(path, |file: &mut File| Ok::<_, RefusalSheetError>(file.write_all(&bytes)?))
    }
}
