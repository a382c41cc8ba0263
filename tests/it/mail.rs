//! Mail, from the rise of a light to the mailbox: over a real socket to a real server, and what the record says of it.

mod claims;
mod faulty;
mod misbehaving;
pub(crate) mod scripted;
pub(crate) mod server;
mod surroundings;
mod tls;

use crate::shared::picture_of;
use faulty::FaultyLog;
use jiff::SignedDuration;
use scripted::{At, Does, Scripted};
use serde_json::json;
use server::{LONG, Seen, Server};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use uuid::Uuid;
use warnlight::alerts::recipients::{BUILT_IN, Place, Recipients};
use warnlight::alerts::request::{self, About};
use warnlight::alerts::requests;
use warnlight::clock::{Clock, ManualClock};
use warnlight::domain::envelope::{NewEvent, Origin, Recorded};
use warnlight::domain::event::{Event, FactSeen, LightCause, LightChanged, MailAttempted, Reason, Recipient};
use warnlight::domain::time::Instant;
use warnlight::domain::words::Light;
use warnlight::log::contract::{Append, EventLog, Expected};
use warnlight::log::memory::MemoryLog;
use warnlight::mail::render::Renderer;
use warnlight::mail::transport::{Smtp, Spool, Transport};
use warnlight::mail::worker::{Parts, SendAgainError, Worker};
use warnlight::picture::outbox::{DeliveryState, Outbox, Tally, deliveries_of};
use warnlight::picture::rises::Rises;
use warnlight::settings::{Mail, Secret, Smtp as SmtpSettings, Tls};

const NAME: &str = "北京“某某”健身有限公司 <script>";

fn start_time() -> Instant {
    "2025-06-30T10:00:00Z".parse().unwrap()
}

/// A log, a clock and what else a worker needs.
struct Bench {
    log: Arc<dyn EventLog>,
    clock: Arc<ManualClock>,
    settings: Mail,
}

impl Bench {
    fn new() -> Self {
        Self {
            log: Arc::new(MemoryLog::new()),
            clock: Arc::new(ManualClock::new(start_time())),
            settings: Mail {
                from: "预警灯 <warnlight@example.org>".to_owned(),
                message_id_domain: "example.org".to_owned(),
                spool: "spool".into(),
                schedule: vec![Duration::from_secs(5), Duration::from_secs(300)],
                senders: 4,
                per_minute: None,
                timeout: PATIENCE,
                claim: CLAIM,
                link_days: 30,
                base_url: None,
                smtp: None,
            },
        }
    }

    fn append(&self, stream: &str, id: Uuid, event: &Event) -> u64 {
        let append = Append {
            stream: stream.into(),
            expected: Expected::Any,
            recorded_at: self.clock.now(),
            idempotency_key: None,
            events: vec![NewEvent::new(id, self.clock.now(), &Origin::service(), event)],
        };
        self.log.append(append).unwrap().first
    }

    /// A light turns red, and `addresses` are to be told. Returns the mail.
    fn ask(&self, number: u128, addresses: &[&str]) -> Uuid {
        let (id, change) = (Uuid::from_u128(number), red(true));
        self.append("light", id, &Event::LightChanged(change.clone()));
        let about = About { name: Some(NAME.to_owned()), sector: Some("sport".to_owned()), ..About::default() };
        let recipients = addresses.iter().map(|address| Recipient {
            address: (*address).to_owned(),
            office: "海淀区体育局".to_owned(),
            language: "zh-CN".to_owned(),
        });
        let append =
            request::request(id, None, &change, &about, recipients.collect(), Vec::new(), self.clock.now()).unwrap();
        self.log.append(append).unwrap();
        request::mail_id(id)
    }

    fn work(&self, transport: impl Transport + 'static) -> Worker {
        self.work_over(self.log.clone(), transport)
    }

    fn work_over(&self, log: Arc<dyn EventLog>, transport: impl Transport + 'static) -> Worker {
        Worker::start(Parts {
            published: picture_of(&log),
            log,
            transport: Arc::new(transport),
            renderer: Arc::new(Renderer::new("https://warn.example.org", Box::new(())).unwrap()),
            clock: self.clock.clone(),
            settings: self.settings.clone(),
        })
        .unwrap()
    }

    /// Waits until the log holds `count` events of a type and returns all its events.
    fn until(&self, event_type: &str, count: usize) -> Vec<Recorded> {
        let mut events = Vec::new();
        let mut feed = self.log.subscribe(0).unwrap();
        let deadline = std::time::Instant::now() + LONG;
        while events.iter().filter(|recorded: &&Recorded| &*recorded.event.event_type == event_type).count() < count {
            assert!(std::time::Instant::now() < deadline, "no {count} of `{event_type}` in {:?}", types(&events));
            events.extend(feed.next(Duration::from_millis(500)).unwrap());
        }
        events
    }

    fn all(&self) -> Vec<Recorded> {
        self.log.read_all(0, usize::MAX).unwrap()
    }
}

fn red(notify: bool) -> LightChanged {
    LightChanged {
        credit_code: "91110108MA01ABCDX3".parse().unwrap(),
        from: Light::Yellow,
        to: Light::Red,
        at: start_time(),
        known: 1,
        pack: "cn-beijing".to_owned(),
        policy: "00".repeat(32),
        cause: LightCause::Evidence,
        notify,
        reasons: vec![Reason {
            rule: "custody-short".to_owned(),
            version: 1,
            light: Light::Orange,
            clause: "《北京市单用途预付卡管理条例》第二十二条".to_owned(),
            facts: vec![FactSeen {
                fact: "custody.coverage".to_owned(),
                value: Some("0.62".to_owned()),
                comparison: "<".to_owned(),
                threshold: Some("1".to_owned()),
                shop: None,
            }],
            events: Vec::new(),
        }],
    }
}

/// Patience of the tests with their server; none of them waits that long.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long a claim lasts here: the shortest that the settings allow.
const CLAIM: Duration = Duration::from_secs(130);

fn server_at(port: u16) -> SmtpSettings {
    SmtpSettings { host: "127.0.0.1".to_owned(), port, tls: Tls::None, account: None, ca_file: None }
}

fn smtp(port: u16) -> Smtp {
    Smtp::new(server_at(port), PATIENCE)
}

fn types(events: &[Recorded]) -> Vec<String> {
    events.iter().map(|recorded| recorded.event.event_type.to_string()).collect()
}

fn count(events: &[Recorded], event_type: &str) -> usize {
    events.iter().filter(|recorded| &*recorded.event.event_type == event_type).count()
}

fn attempts(events: &[Recorded]) -> Vec<MailAttempted> {
    let attempted = |recorded: &Recorded| match recorded.event.decode().unwrap() {
        Event::MailAttempted(attempted) => Some(attempted),
        _ => None,
    };
    events.iter().filter_map(attempted).collect()
}

#[test]
fn a_real_server_receives_both_parts_with_the_chinese_text_intact() {
    let bench = Bench::new();
    let server = Server::start(&json!({}));
    let mail = bench.ask(1, &["sport.haidian@example.org"]);
    let worker = bench.work(smtp(server.port));
    let message = server.next_message();
    let events = bench.until("mail.accepted", 1);
    worker.stop();

    assert_eq!(
        (message.sender.as_str(), &*message.recipients),
        ("warnlight@example.org", &["sport.haidian@example.org".to_owned()][..])
    );
    assert_eq!(message.defects, [""; 0]);
    let header = |name: &str| message.headers.get(name).map_or("", String::as_str);
    assert_eq!(header("subject"), format!("[红灯] {NAME} (91110108MA01ABCDX3)"));
    assert_eq!(header("from"), "预警灯 <warnlight@example.org>");
    assert_eq!(header("to"), "海淀区体育局 <sport.haidian@example.org>");
    assert_eq!(header("auto-submitted"), "auto-generated");
    assert_eq!(header("x-warnlight-mail"), mail.to_string());
    assert_eq!(header("date"), "Mon, 30 Jun 2025 10:00:00 +0000");
    assert!(header("message-id").starts_with(&format!("<{mail}.")) && header("message-id").ends_with("@example.org>"));
    assert_eq!(header("references"), header("in-reply-to"));
    let Event::MailRequested(requested) = events[1].event.decode().unwrap() else { panic!("{events:?}") };
    assert!(header("references").contains(&request::affair_id(&requested.news, "").to_string()));

    assert_eq!(message.content_type, "multipart/alternative");
    let [text, html] = &message.parts[..] else { panic!("{:?}", message.parts) };
    assert_eq!((text.content_type.as_str(), html.content_type.as_str()), ("text/plain", "text/html"));
    assert_eq!((text.charset.as_str(), html.charset.as_str()), ("utf-8", "utf-8"));
    for part in [text, html] {
        for words in ["■ 红灯", "海淀区体育局", "《北京市单用途预付卡管理条例》第二十二条", "custody.coverage：62 %"]
        {
            assert!(part.text.contains(words), "{words} is not in {}", part.text);
        }
    }
    assert!(text.text.contains(NAME) && !html.text.contains("<script>"));

    assert_eq!(types(&events), ["light.changed", "mail.requested", "mail.attempted", "mail.accepted"]);
    assert_eq!(attempts(&events)[0].reply, "250 2.0.0 taken as number 7");
}

#[test]
fn one_refusing_mailbox_of_ten_is_on_record_and_the_other_nine_get_their_mail_once() {
    let bench = Bench::new();
    let addresses: Vec<String> = (0..10).map(|number| format!("office{number}@example.org")).collect();
    let server = Server::start(&json!({ "refuse": ["office3@example.org"] }));
    let mail = bench.ask(1, &addresses.iter().map(String::as_str).collect::<Vec<_>>());
    let worker = bench.work(smtp(server.port));
    bench.until("mail.accepted", 9);
    let events = bench.until("mail.refused", 1);
    worker.stop();

    let mut told = BTreeMap::<String, u32>::new();
    for seen in server.end() {
        match seen {
            Seen::Message(message) => *told.entry(message.recipients.concat()).or_default() += 1,
            Seen::Refused { address } => assert_eq!(address, "office3@example.org"),
            other => panic!("{other:?}"),
        }
    }
    let expected = addresses.iter().filter(|address| *address != "office3@example.org");
    assert_eq!(told, expected.map(|address| (address.clone(), 1)).collect());
    assert_eq!((count(&events, "mail.attempted"), count(&bench.all(), "mail.accepted")), (10, 9));

    let stream = bench.log.read_stream(&request::stream_of(mail), 0, usize::MAX).unwrap();
    let deliveries = deliveries_of(&stream).unwrap();
    let tenth = deliveries.iter().find(|delivery| delivery.state != DeliveryState::Accepted).unwrap();
    assert_eq!((&*tenth.address, tenth.state, tenth.attempts), ("office3@example.org", DeliveryState::Refused, 1));
    assert_eq!(tenth.reply.as_deref(), Some("550 5.1.1 no such mailbox"));
}

#[test]
fn a_mailbox_that_says_later_twice_gets_its_mail_at_the_third_attempt_by_the_schedule() {
    let bench = Bench::new();
    let server = Server::start(&json!({ "defer": { "slow@example.org": 2 } }));
    bench.ask(1, &["slow@example.org"]);
    let worker = bench.work(smtp(server.port));
    let first = attempts(&bench.until("mail.attempted", 1));
    assert_eq!(first[0].retry_at, Some(start_time() + SignedDuration::from_secs(5)));
    assert_eq!(first[0].reply, "450 4.2.0 greylisted, come again");

    bench.clock.advance(SignedDuration::from_secs(5));
    let second = attempts(&bench.until("mail.attempted", 2));
    assert_eq!(second[1].retry_at, Some(start_time() + SignedDuration::from_secs(305)));

    bench.clock.advance(SignedDuration::from_secs(300));
    let events = bench.until("mail.accepted", 1);
    worker.stop();
    assert_eq!(attempts(&events).iter().map(|attempt| attempt.attempt).collect::<Vec<_>>(), [1, 2, 3]);
    let seen = server.end();
    let [Seen::Deferred { address: first }, Seen::Deferred { address: second }, Seen::Message(_)] = &seen[..] else {
        panic!("{seen:?}")
    };
    assert_eq!((first.as_str(), second.as_str()), ("slow@example.org", "slow@example.org"));
}

#[test]
fn a_server_that_is_not_there_is_asked_more_and_more_rarely_and_nothing_is_given_up() {
    let bench = Bench::new();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    bench.ask(1, &["a@example.org"]);
    let worker = bench.work(smtp(port));
    for (attempt, wait) in [(1, 5), (2, 10), (3, 20), (4, 40), (5, 80), (6, 160), (7, 300), (8, 300)] {
        let made = attempts(&bench.until("mail.held_up", attempt)).pop().unwrap();
        assert_eq!(made.retry_at, Some(bench.clock.now() + SignedDuration::from_secs(wait)));
        assert!(made.reply.to_lowercase().contains("connection"), "{}", made.reply);
        assert!(worker.trouble().unwrap().contains("takes no mail"));
        bench.clock.advance(SignedDuration::from_secs(wait));
    }
    worker.stop();
    let server = Scripted::start();
    let worker = bench.work(smtp(server.port));
    bench.until("mail.accepted", 1);
    worker.stop();
    assert_eq!(count(&bench.all(), "mail.given_up"), 0);
}

#[test]
fn a_mailbox_that_is_put_off_by_the_whole_schedule_is_given_up_and_sent_again_by_order() {
    let bench = Bench::new();
    let server = Scripted::that(At::Recipient, Does::say("450 4.2.2 mailbox full"));
    let mail = bench.ask(1, &["a@example.org"]);
    let worker = bench.work(smtp(server.port));
    for (attempt, wait) in [(1, Some(5)), (2, Some(300)), (3, None)] {
        let made = attempts(&bench.until("mail.attempted", attempt)).pop().unwrap();
        assert_eq!(made.retry_at, wait.map(|seconds| bench.clock.now() + SignedDuration::from_secs(seconds)));
        bench.clock.advance(SignedDuration::from_secs(wait.unwrap_or_default()));
    }
    bench.until("mail.given_up", 1);
    worker.stop();

    // An order counts once until it was carried out, also after a restart, and the schedule begins anew.
    let worker = bench.work(smtp(server.port));
    let order = |address: &str| worker.send_again(mail, address, &Origin::of("lead"));
    let ordered = order("a@example.org").unwrap();
    let made = attempts(&bench.until("mail.attempted", 4)).pop().unwrap();
    assert_eq!((made.attempt, made.retry_at), (4, Some(bench.clock.now() + SignedDuration::from_secs(5))));
    server.mend();
    bench.clock.advance(SignedDuration::from_secs(5));
    let events = bench.until("mail.accepted", 1);
    assert_eq!(&*events.iter().find(|event| event.position == ordered).unwrap().event.actor, "lead");
    assert!(matches!(order("nobody@example.org"), Err(SendAgainError::Unknown)));
    let mut changes = worker.published().changes();
    while *changes.borrow_and_update() < events.last().unwrap().position {
        std::thread::yield_now();
    }
    assert!(matches!(
        order("a@example.org"),
        Err(SendAgainError::NotDone(DeliveryState::Accepted) | SendAgainError::Unknown)
    ));
    worker.stop();
    assert_eq!(server.handed().len(), 1);
}

#[test]
fn a_log_whose_time_lies_ahead_holds_no_mail_back() {
    for ahead in [SignedDuration::from_secs(90), SignedDuration::from_hours(40 * 24)] {
        let bench = Bench::new();
        let server = Scripted::that(At::Recipient, Does::say("450 4.2.0 later"));
        bench.clock.advance(ahead);
        bench.ask(1, &["a@example.org"]);
        let worker = bench.work(smtp(server.port));
        bench.until("mail.attempted", 1);
        server.at(At::Recipient, Does::say("530 log in first"));
        bench.ask(2, &["b@example.org"]);
        bench.until("mail.held_up", 1);
        // The clock is mended. What the log holds is of a time that has yet to come, and so is all that is added to it.
        bench.clock.set(start_time());
        server.mend();
        bench.ask(3, &["c@example.org"]);
        bench.until("mail.accepted", 3);
        worker.stop();

        bench.ask(4, &["d@example.org"]);
        let worker = bench.work(smtp(server.port));
        bench.until("mail.accepted", 4);
        worker.stop();
        assert_eq!(server.handed().len(), 4);
    }
}

#[test]
fn a_mailbox_that_does_not_answer_does_not_keep_the_others_waiting() {
    let mut bench = Bench::new();
    bench.settings.senders = 2;
    let mut server = Server::start(&json!({ "hang": ["stuck@example.org"] }));
    bench.ask(1, &["stuck@example.org", "a@example.org", "b@example.org", "c@example.org"]);
    let worker = bench.work(smtp(server.port));
    let events = bench.until("mail.accepted", 3);
    assert!(!attempts(&events).iter().any(|attempt| attempt.address == "stuck@example.org"));
    let tally = worker.picture().outbox.tally();
    assert!(tally.waiting >= 1, "{tally:?}");
    server.release();
    bench.until("mail.accepted", 4);
    worker.stop();
}

#[test]
fn a_stop_lets_the_mail_on_its_way_arrive_and_be_recorded_and_begins_no_other() {
    let mut bench = Bench::new();
    bench.settings.senders = 1;
    let mut server = Server::start(&json!({ "hang": ["stuck@example.org"] }));
    bench.ask(1, &["stuck@example.org"]);
    let worker = bench.work(smtp(server.port));
    assert!(matches!(server.next(), Seen::Hanging { address } if address == "stuck@example.org"));
    bench.ask(2, &["later@example.org"]);
    worker.order_stop();
    server.release();
    worker.stop();
    let events = bench.all();
    assert_eq!((count(&events, "mail.attempted"), count(&events, "mail.accepted")), (1, 1));
    assert_eq!(server.end().len(), 1, "only the mail that was on its way");
}

#[test]
fn a_crash_between_sending_and_recording_repeats_the_message_id_and_records_once() {
    let bench = Bench::new();
    let server = Server::start(&json!({}));
    bench.ask(1, &["a@example.org"]);
    let faulty = FaultyLog::over(bench.log.clone());
    faulty.full.store(true, Ordering::SeqCst);
    let worker = bench.work_over(faulty.clone(), smtp(server.port));
    let first = server.next_message();
    worker.stop();
    assert_eq!(count(&bench.all(), "mail.attempted"), 0, "the disk was full");

    bench.clock.advance(SignedDuration::from_hours(1));
    let worker = bench.work(smtp(server.port));
    let second = server.next_message();
    bench.until("mail.accepted", 1);
    worker.stop();
    let worker = bench.work(smtp(server.port));
    bench.ask(2, &["b@example.org"]);
    bench.until("mail.accepted", 2);
    worker.stop();

    assert_eq!(first.headers, second.headers, "the reader's mail program sees one mail");
    assert_eq!((count(&bench.all(), "mail.attempted"), count(&bench.all(), "mail.accepted")), (2, 2));
    assert_eq!(server.end().len(), 1, "after the restart only the new mail was sent");
}

#[test]
fn a_record_whose_answer_was_lost_is_not_written_twice() {
    let bench = Bench::new();
    let server = Server::start(&json!({}));
    bench.ask(1, &["a@example.org"]);
    let faulty = FaultyLog::over(bench.log.clone());
    faulty.mute_once.store(true, Ordering::SeqCst);
    let worker = bench.work_over(faulty, smtp(server.port));
    bench.until("mail.accepted", 1);
    worker.stop();
    assert_eq!(types(&bench.all()), ["light.changed", "mail.requested", "mail.attempted", "mail.accepted"]);
    assert_eq!(server.end().len(), 1);
}

#[test]
fn a_password_that_is_wrong_is_our_trouble_and_no_recipients_fate() {
    let bench = Bench::new();
    let server = Server::start(&json!({ "login": ["warn", "right"] }));
    bench.ask(1, &["a@example.org"]);
    let with = |password: &str| {
        let account = Some(("warn".to_owned(), Secret::new(password)));
        Smtp::new(SmtpSettings { account, ..server_at(server.port) }, PATIENCE)
    };
    let worker = bench.work(with("wrong"));
    let made = attempts(&bench.until("mail.attempted", 1)).pop().unwrap();
    worker.stop();
    assert!(made.retry_at.is_some() && made.reply.starts_with("535"), "{made:?}");

    bench.clock.advance(SignedDuration::from_secs(5));
    let worker = bench.work(with("right"));
    bench.until("mail.accepted", 1);
    worker.stop();
    server.next_message();
}

#[test]
fn a_server_that_says_nothing_is_left_after_the_time_set_and_tried_again() {
    let bench = Bench::new();
    // Connections are queued here and never answered.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    bench.ask(1, &["a@example.org"]);
    let port = silent.local_addr().unwrap().port();
    let worker = bench.work(Smtp::new(server_at(port), Duration::from_secs(1)));
    let made = attempts(&bench.until("mail.attempted", 1)).pop().unwrap();
    worker.stop();
    assert!(made.retry_at.is_some(), "{made:?}");
    assert_eq!(made.reply, "no answer within 1 s");
}

#[test]
fn nothing_is_sent_in_clear_when_the_server_offers_no_encryption() {
    let bench = Bench::new();
    let server = Server::start(&json!({}));
    bench.ask(1, &["a@example.org"]);
    let worker = bench.work(Smtp::new(SmtpSettings { tls: Tls::StartTls, ..server_at(server.port) }, PATIENCE));
    let made = attempts(&bench.until("mail.attempted", 1)).pop().unwrap();
    worker.stop();
    assert!(made.retry_at.is_some() && made.reply.contains("STARTTLS"), "{made:?}");
    assert_eq!(server.end().len(), 0);
}

#[test]
fn without_a_server_each_mail_is_one_file_and_a_rebuild_writes_none() {
    let bench = Bench::new();
    let folder = tempfile::tempdir().unwrap();
    let spool = || Spool::new(folder.path().to_owned()).unwrap();
    let files = || -> BTreeSet<_> {
        std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect()
    };
    bench.ask(1, &["a@example.org", "b@example.org"]);
    let worker = bench.work(spool());
    let events = bench.until("mail.accepted", 2);
    worker.stop();
    assert_eq!(files().len(), 2);
    let written = std::fs::read_to_string(&attempts(&events)[0].reply).unwrap();
    assert!(written.contains("multipart/alternative"), "{written}");

    for file in files() {
        std::fs::remove_file(folder.path().join(file)).unwrap();
    }
    let worker = bench.work(spool());
    assert_eq!(worker.picture().outbox.tally(), Tally { accepted: 2, ..Tally::default() });
    // The new mail shows that the worker has looked at everything before it.
    let mail = bench.ask(2, &["c@example.org"]);
    bench.until("mail.accepted", 3);
    worker.stop();
    assert_eq!(files().len(), 1);
    assert!(files().first().unwrap().to_string_lossy().starts_with(&mail.to_string()));
}

#[test]
fn a_rise_is_asked_for_once_also_after_a_crash_and_imported_history_never() {
    let bench = Bench::new();
    let recipients = Recipients::parse(BUILT_IN).unwrap();
    let fold = || {
        let mut rises = Rises::default();
        for recorded in bench.all() {
            rises.apply(&recorded.event.decode().unwrap(), recorded.event.id, recorded.position);
        }
        rises
    };
    let ask = |rises: &Rises| {
        let about = |_: &_| About {
            name: Some(NAME.to_owned()),
            sector: Some("commerce".to_owned()),
            place: Place { division: "110108".parse().ok(), street: None },
        };
        let (asked, outcome) =
            requests::ask(rises, &Outbox::default(), &*bench.log, &recipients, &about, bench.clock.now());
        outcome.unwrap();
        asked.iter().filter(|(appended, _)| !appended.repeated).count()
    };
    for number in 1..=3 {
        bench.append("light", Uuid::from_u128(number), &Event::LightChanged(red(true)));
    }
    bench.append("light", Uuid::from_u128(4), &Event::LightChanged(red(false)));
    // A stop after the first request leaves two open; the next start finds them.
    let stale = fold();
    assert_eq!(ask(&fold()), 3);
    assert_eq!(ask(&fold()), 0);
    assert_eq!(ask(&stale), 0, "somebody who did not see the requests asks for the same");
    assert_eq!(fold().open().count(), 0);

    let events = bench.all();
    assert_eq!(count(&events, "mail.requested"), 3);
    let Event::MailRequested(requested) = events.last().unwrap().event.decode().unwrap() else { panic!() };
    assert_eq!(requested.recipients[0].address, "commerce.haidian@example.gov.invalid");
}
