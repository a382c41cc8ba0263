//! Sources that fall silent are mailed about: once for each silence, to whom the policies name, whatever stops between.

use crate::watch::stage::{start, time};
use serde_json::json;
use std::sync::Arc;
use warnlight::clock::ManualClock;
use warnlight::desk::{Answer, Desk, Request};
use warnlight::domain::envelope::Origin;
use warnlight::domain::event::{Event, MailNews, SourceSilence};
use warnlight::domain::words::SourceKind;
use warnlight::log::contract::EventLog;
use warnlight::log::memory::MemoryLog;
use warnlight::policy::Policies;

const CODE: &str = "91110108MA0000000B";

struct Stage {
    log: Arc<dyn EventLog>,
    clock: Arc<ManualClock>,
    desk: Desk,
}

/// Policies that name somebody for banks, and nobody for others.
fn policies() -> Policies {
    let tell = "[[tell]]\nkind = \"bank\"\naddress = \"banks@example.org\"\noffice = \"专班\"\nlanguage = \"zh-CN\"\n";
    let text = format!("{}\n{tell}", include_str!("../../../policies/sources.toml"));
    Policies::built_in().unwrap().with_rhythms(&text).unwrap()
}

impl Stage {
    fn set() -> Self {
        let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
        let clock = Arc::new(ManualClock::new(time("2025-03-03T10:00:00")));
        let desk = start(&log, &clock, policies()).unwrap();
        Self { log, clock, desk }
    }

    fn restart(&mut self, policies: Policies) {
        self.desk.stop();
        self.desk = start(&self.log, &self.clock, policies).unwrap();
        self.desk.settle().unwrap();
    }

    fn at(&self, day: &str) {
        self.clock.set(time(&format!("{day}T10:00:00")));
        self.desk.settle().unwrap();
    }

    /// A bank and a mall deliver on a day.
    fn deliver(&self, day: &str, held: &str) {
        self.at(day);
        let said = [
            json!({ "command": "record_filing", "credit_code": CODE, "status": "accepted", "date": "2025-01-10", "bank": "甲银行" }),
            json!({ "command": "report_custody", "credit_code": CODE, "date": day, "held": held }),
            json!({ "command": "record_signal", "credit_code": CODE, "mall": "东方广场", "unit": held, "kind": "rent_arrears",
                "date": day }),
        ];
        let commands = said.into_iter().map(|command| serde_json::from_value(command).unwrap()).collect();
        for answer in self.desk.execute(Request::new(commands, Origin::of("test"))).unwrap() {
            assert!(!matches!(answer, Answer::Refused(_)), "{answer:?}");
        }
    }

    /// What was mailed of sources, and to whom.
    fn told(&self) -> Vec<(SourceSilence, Vec<String>)> {
        let events = self.log.read_all(0, usize::MAX).unwrap();
        let silence = |event: Event| match event {
            Event::MailRequested(mail) => {
                let to = mail.recipients.into_iter().map(|recipient| recipient.address).collect();
                match mail.news {
                    MailNews::Silence(silence) => Some((silence, to)),
                    MailNews::Light(_) | MailNews::Digest(_) => None,
                }
            }
            _ => None,
        };
        events.iter().filter_map(|recorded| silence(recorded.event.decode().unwrap())).collect()
    }
}

fn bank(last: &str, from: &str) -> (SourceSilence, Vec<String>) {
    let (last, from) = (last.parse().unwrap(), from.parse().unwrap());
    let silence = SourceSilence { kind: SourceKind::Bank, name: "甲银行".to_owned(), last, from };
    (silence, vec!["banks@example.org".to_owned()])
}

#[test]
fn each_silence_is_mailed_once_also_after_restarts_and_the_next_one_again() {
    let mut stage = Stage::set();
    for (week, day) in ["2025-03-03", "2025-03-10", "2025-03-17", "2025-03-24"].iter().enumerate() {
        stage.deliver(day, &format!("{week}.00"));
    }
    stage.at("2025-04-07");
    assert_eq!(stage.told(), [], "twice its rhythm is allowed");
    stage.at("2025-04-08");
    let first = bank("2025-03-24", "2025-04-08");
    assert_eq!(stage.told(), std::slice::from_ref(&first), "the bank, and not the mall, of which nobody is to be told");
    for day in ["2025-04-09", "2025-05-10"] {
        stage.at(day);
        stage.restart(policies());
        assert_eq!(stage.told(), std::slice::from_ref(&first));
    }
    // Another delivery, and silence again.
    stage.deliver("2025-05-12", "9.00");
    stage.desk.settle().unwrap();
    assert_eq!(stage.told(), std::slice::from_ref(&first));
    stage.at("2025-08-01");
    let rhythm = stage.told().pop().unwrap().0;
    assert_eq!((stage.told().len(), rhythm.last.to_string()), (2, "2025-05-12".to_owned()));
    stage.desk.stop();
}

#[test]
fn a_silence_that_began_while_the_service_was_down_is_mailed_after_it_and_by_two_nodes_once() {
    let mut stage = Stage::set();
    for (week, day) in ["2025-03-03", "2025-03-10", "2025-03-17", "2025-03-24"].iter().enumerate() {
        stage.deliver(day, &format!("{week}.00"));
    }
    // So far nobody is named.
    stage.restart(Policies::built_in().unwrap());
    stage.at("2025-04-20");
    assert_eq!(stage.told(), []);
    stage.restart(policies());
    let first = bank("2025-03-24", "2025-04-08");
    assert_eq!(stage.told(), std::slice::from_ref(&first));
    let other = start(&stage.log, &stage.clock, policies()).unwrap();
    other.settle().unwrap();
    assert_eq!(stage.told(), [first]);
    other.stop();
    stage.desk.stop();
}
