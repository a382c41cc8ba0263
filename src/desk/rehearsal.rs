//! A rehearsal: commands are decided on a picture of one's own and nothing is written; for dry runs.

use super::doing::doing;
use super::{Answer, Receipt, recordable};
use crate::domain::command::Command;
use crate::domain::decide::{Known, decide};
use crate::domain::envelope::{NewEvent, Origin};
use crate::domain::event::Event;
use crate::domain::fold::Stamp;
use crate::domain::tidy::tidy;
use crate::domain::time::Instant;
use crate::log::contract::{Append, Expected};
use crate::log::memory::MemoryLog;
use crate::picture::Picture;
use uuid::Uuid;

/// A picture that commands are tried on.
#[derive(Debug)]
pub struct Rehearsal {
    picture: Picture,
    sectors: Vec<String>,
    /// No command withdraws an import, so nothing is ever read from it.
    log: MemoryLog,
}

impl Rehearsal {
    /// Returns a rehearsal that begins with `picture`.
    #[must_use]
    pub fn new(picture: Picture) -> Self {
        let sectors = picture.policies.sectors.all().iter().map(|sector| sector.id.clone()).collect();
        Self { picture, sectors, log: MemoryLog::new() }
    }

    /// Decides a command as the desk would at `now`; the receipt of an accepted one names events that do not exist.
    pub fn execute(&mut self, command: &Command, now: Instant) -> Answer {
        self.execute_by(command, &[], &Origin::service(), now)
    }

    /// Returns the picture so far.
    #[must_use]
    pub const fn picture(&self) -> &Picture {
        &self.picture
    }

    /// The same for a row of a file that says some details otherwise further down.
    pub fn execute_overruled(&mut self, command: &Command, overruled: &[&'static str], now: Instant) -> Answer {
        self.execute_by(command, overruled, &Origin::service(), now)
    }

    /// The same for a command that somebody else says.
    fn execute_by(&mut self, command: &Command, overruled: &[&'static str], origin: &Origin, now: Instant) -> Answer {
        let command = tidy(command.clone());
        let about = command.credit_code().and_then(|code| self.picture.world.get(code));
        let doing = doing(&command, &self.picture, &self.picture.cases, about, &origin.actor, now);
        let known =
            Known { overruled, doing, ..Known::of(&self.picture.world, &self.picture.queue, &command, &self.sectors) };
        let decision = match decide(&command, known, now) {
            Ok(decision) => decision,
            Err(problems) => return Answer::Refused(problems),
        };
        if decision.events.is_empty() {
            return Answer::Unchanged { warnings: decision.warnings };
        }
        let made = |(occurred_at, event): &(Instant, Event)| NewEvent::new(Uuid::now_v7(), *occurred_at, origin, event);
        let append = Append {
            stream: decision.stream.into(),
            expected: Expected::Any,
            recorded_at: now,
            idempotency_key: None,
            events: decision.events.iter().map(made).collect(),
        };
        if let Some(problem) = recordable::fault(&append) {
            return Answer::Refused(vec![problem]);
        }
        let first = self.picture.position + 1;
        let mut events = Vec::with_capacity(append.events.len());
        for envelope in append.events {
            let stamp = Stamp { position: self.picture.position + 1, recorded_at: now, history: true };
            // What was decided a moment ago can be folded; a rehearsal that could not would only know less.
            let _ = self.picture.fold_written(stamp, &envelope, &self.log);
            events.push(envelope.id);
        }
        let last = self.picture.position;
        let warnings = decision.warnings;
        Answer::Accepted(Receipt { events, first, last, recorded_at: now, repeated: false, warnings })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::recipients::{BUILT_IN, Recipients};
    use crate::clock::ManualClock;
    use crate::desk::{Request, Start};
    use crate::log::memory::MemoryLog;
    use crate::policy::Policies;
    use std::sync::Arc;

    /// What was answered, without what differs from run to run.
    fn tally(answers: &[Answer]) -> Vec<String> {
        let one = |answer: &Answer| match answer {
            Answer::Accepted(receipt) => format!("accepted {}", receipt.events.len()),
            Answer::Unchanged { .. } => "unchanged".to_owned(),
            Answer::Refused(found) => {
                format!("refused {:?}", found.iter().map(|it| (it.field, it.code)).collect::<Vec<_>>())
            }
        };
        answers.iter().map(one).collect()
    }

    /// Has the same rows decided by a rehearsal and by a desk.
    fn both(origin: &Origin, rows: &[&str]) -> [Vec<String>; 2] {
        let now: Instant = "2025-07-01T02:00:00Z".parse().unwrap();
        let commands: Vec<Command> = rows.iter().map(|row| serde_json::from_str(row).unwrap()).collect();
        let mut rehearsal = Rehearsal::new(Picture::new(Arc::new(Policies::built_in().unwrap())));
        let tried: Vec<Answer> =
            commands.iter().map(|command| rehearsal.execute_by(command, &[], origin, now)).collect();
        let start = Start {
            log: Arc::new(MemoryLog::new()),
            clock: Arc::new(ManualClock::new(now)),
            policies: Policies::built_in().unwrap(),
            recipients: Arc::new(Recipients::parse(BUILT_IN).unwrap()),
            recipients_text: BUILT_IN.to_owned(),
        };
        let desk = start.start().unwrap();
        let done = desk.execute(Request::new(commands, origin.clone())).unwrap();
        desk.stop();
        [tally(&tried), tally(&done)]
    }

    const ROWS: [&str; 5] = [
        r#"{"command":"register_merchant","credit_code":"91110000101623741K","name":" A ","brand":"","mall":"M","unit":"1"}"#,
        r#"{"command":"register_merchant","credit_code":"91110000101623741K","name":"A","mall":"M","unit":"1"}"#,
        r#"{"command":"record_listing","credit_code":"91110000101623741K","list":"serious","entered_on":"2025-03-01","removed_on":"9999-12-31"}"#,
        r#"{"command":"report_balance","credit_code":"91110000101623741K","date":"0205-03-01","outstanding":"1.00"}"#,
        r#"{"command":"report_balance","credit_code":"91110000101623741K","date":"2025-03-01","outstanding":"1.00"}"#,
    ];

    #[test]
    fn a_dry_run_and_a_run_decide_alike() {
        let [tried, done] = both(&Origin::of("import"), &ROWS);
        assert_eq!(tried, done);
        assert_eq!(tried[1], "unchanged", "{tried:?}");
    }

    #[test]
    fn what_the_log_refuses_a_dry_run_refuses_too_and_neighbours_are_kept() {
        // No row that passes the checks is beyond the log's bounds any more: a name of the teller that is too long is.
        let [tried, done] = both(&Origin::of(&"x".repeat(600)), &ROWS);
        assert_eq!(tried, done);
        assert!(tried[0].contains("not_recordable") && tried[4].contains("not_recordable"), "{tried:?}");
    }
}
