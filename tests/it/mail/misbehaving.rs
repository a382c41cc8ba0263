//! Mail servers that misbehave: what each recipient's record says then, and that everything goes out once they are mended.

use super::scripted::{At, Does, Scripted};
use super::{Bench, attempts, count, server_at, smtp};
use jiff::SignedDuration;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use warnlight::clock::Clock as _;
use warnlight::mail::transport::Smtp;
use warnlight::mail::worker::Worker;
use warnlight::picture::outbox::DeliveryState;

/// Long enough for every wait of the tests' schedule and of the pace.
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// The server is mended; time goes on until `accepted` mails are taken.
fn mended(bench: &Bench, server: &Scripted, worker: &Worker, accepted: usize) {
    server.mend();
    let deadline = Instant::now() + super::LONG;
    while count(&bench.all(), "mail.accepted") < accepted {
        assert!(Instant::now() < deadline, "{:#?} {:?}", attempts(&bench.all()), worker.trouble());
        bench.clock.advance(HOUR);
        std::thread::yield_now();
        let mut changes = worker.published().changes();
        let _ = changes.borrow_and_update();
        std::thread::park_timeout(Duration::from_millis(20));
    }
    assert_eq!(worker.trouble(), None);
}

fn copies(server: &Scripted) -> BTreeMap<(String, String), usize> {
    let mut copies = BTreeMap::new();
    for handed in server.handed() {
        *copies.entry(handed).or_default() += 1;
    }
    copies
}

#[test]
fn replies_in_gbk_are_read_and_the_code_decides() {
    for at in [At::Greeting, At::Hello, At::Sender, At::Recipient, At::Announcement, At::Dot] {
        let bench = Bench::new();
        let code = match at {
            At::Greeting => 220,
            At::Announcement => continue,
            _ => 250,
        };
        let server = Scripted::that(at, Does::in_gbk(&format!("{code} 邮件系统受理，编号七")));
        bench.ask(1, &["a@example.org"]);
        let worker = bench.work(smtp(server.port));
        let events = bench.until("mail.accepted", 1);
        worker.stop();
        assert_eq!((attempts(&events).len(), server.handed().len()), (1, 1), "{at:?}");
        if at == At::Dot {
            assert_eq!(attempts(&events)[0].reply, "250 邮件系统受理，编号七");
        }
    }
    let bench = Bench::new();
    let server = Scripted::that(At::Recipient, Does::in_gbk("550 用户不存在"));
    bench.ask(1, &["a@example.org"]);
    let worker = bench.work(smtp(server.port));
    let events = bench.until("mail.refused", 1);
    worker.stop();
    assert_eq!(attempts(&events)[0].reply, "550 用户不存在");
}

#[test]
fn what_is_said_before_the_recipient_is_named_is_final_for_nobody() {
    let codes = ["421 busy", "450 no", "451 no", "452 no", "501 no", "503 no", "530 authenticate", "550 no", "552 no"];
    let more = ["553 sender not allowed", "554 no", "221 bye"];
    for at in [At::Greeting, At::Hello, At::Sender, At::Announcement] {
        for said in codes.iter().chain(&more).filter(|said| !(at == At::Sender && said.starts_with("221"))) {
            let bench = Bench::new();
            let server = Scripted::that(at, Does::say(said));
            bench.ask(1, &["a@example.org", "b@example.org", "c@example.org"]);
            let worker = bench.work(smtp(server.port));
            let made = attempts(&bench.until("mail.attempted", 1));
            assert!(made.iter().all(|made| made.retry_at.is_some()), "{at:?} {said}: {made:?}");
            mended(&bench, &server, &worker, 3);
            worker.stop();
            let events = bench.all();
            assert_eq!((count(&events, "mail.refused"), count(&events, "mail.given_up")), (0, 0), "{at:?} {said}");
            assert_eq!(copies(&server).into_values().collect::<Vec<_>>(), [1, 1, 1], "{at:?} {said}");
        }
    }
}

#[test]
fn what_is_said_to_the_recipient_or_at_the_dot_is_that_recipients_fate() {
    for (at, said, fate) in [
        (At::Recipient, "550 5.1.1 no such user", "mail.refused"),
        (At::Recipient, "551 not here", "mail.refused"),
        (At::Recipient, "552 mailbox full", "mail.refused"),
        (At::Recipient, "553 no such mailbox", "mail.refused"),
        (At::Recipient, "554 no", "mail.refused"),
        (At::Recipient, "251 forwarded", "mail.accepted"),
        (At::Recipient, "252 will try", "mail.accepted"),
        (At::Dot, "550 no", "mail.refused"),
        (At::Dot, "552 too large", "mail.refused"),
        (At::Dot, "553 no", "mail.refused"),
        (At::Dot, "554 no", "mail.refused"),
    ] {
        let bench = Bench::new();
        let server = Scripted::that(at, Does::say(said));
        bench.ask(1, &["a@example.org"]);
        let worker = bench.work(smtp(server.port));
        let events = bench.until(fate, 1);
        worker.stop();
        assert_eq!(attempts(&events).len(), 1, "{at:?} {said}");
    }
}

#[test]
fn what_is_no_verdict_waits_and_is_sent_again_under_its_message_id_and_counted() {
    for (at, said, copies_before) in [
        (At::Recipient, "421 busy", 0),
        (At::Recipient, "450 later", 0),
        (At::Recipient, "451 local error", 0),
        (At::Recipient, "452 no storage", 0),
        (At::Recipient, "530 authenticate first", 0),
        (At::Recipient, "554 5.7.1 relay access denied", 0),
        (At::Dot, "421 busy", 1),
        (At::Dot, "450 later", 1),
        (At::Dot, "451 local error", 1),
        (At::Dot, "452 no storage", 1),
        (At::Dot, "221 bye", 1),
        (At::Dot, "354 go on", 1),
    ] {
        let bench = Bench::new();
        let server = Scripted::that(at, Does::say(said));
        bench.ask(1, &["a@example.org"]);
        let worker = bench.work(smtp(server.port));
        let made = attempts(&bench.until("mail.attempted", 1));
        assert!(made[0].retry_at.is_some(), "{at:?} {said}: {made:?}");
        assert_eq!(server.handed().len(), copies_before, "{at:?} {said}");
        mended(&bench, &server, &worker, 1);
        worker.stop();
        let events = bench.all();
        assert_eq!((count(&events, "mail.refused"), count(&events, "mail.given_up")), (0, 0), "{at:?} {said}");
        let handed = copies(&server);
        assert_eq!(handed.len(), 1, "one Message-ID");
        if at == At::Dot {
            assert_eq!(handed.into_values().sum::<usize>(), attempts(&events).len(), "each copy is on record");
        }
    }
}

#[test]
fn a_server_with_a_limit_gets_mails_more_slowly_and_all_of_them() {
    let bench = Bench::new();
    let server = Scripted::start();
    server.allow(5);
    for number in 0..30 {
        bench.ask(number, &["a@example.org"]);
    }
    let worker = bench.work(smtp(server.port));
    server.until(At::Sender, 6);
    let deadline = Instant::now() + super::LONG;
    while count(&bench.all(), "mail.accepted") < 30 {
        assert!(Instant::now() < deadline, "{:?} {:?}", worker.picture().outbox.tally(), worker.trouble());
        // A minute passes, and five more may come.
        bench.clock.advance(SignedDuration::from_mins(1));
        server.allow(5);
        std::thread::park_timeout(Duration::from_millis(20));
    }
    worker.stop();
    let events = bench.all();
    assert_eq!((count(&events, "mail.refused"), count(&events, "mail.given_up")), (0, 0));
    assert_eq!(copies(&server).into_values().collect::<Vec<_>>(), [1; 30]);
}

#[test]
fn a_conversation_that_is_drawn_out_ends_and_is_on_record() {
    for at in [At::Greeting, At::Hello, At::Sender, At::Recipient, At::Announcement, At::Dot] {
        for does in [Does::Drip, Does::Nothing, Does::Endless] {
            let mut bench = Bench::new();
            bench.settings.timeout = Duration::from_secs(1);
            let server = Scripted::that(at, does.clone());
            bench.ask(1, &["a@example.org"]);
            let began = Instant::now();
            let worker = bench.work(Smtp::new(server_at(server.port), Duration::from_secs(1)));
            let made = attempts(&bench.until("mail.attempted", 1));
            assert!(began.elapsed() < Duration::from_secs(10), "{at:?} {does:?}");
            assert!(made[0].retry_at.is_some(), "{at:?} {does:?}: {made:?}");
            mended(&bench, &server, &worker, 1);
            worker.stop();
            assert_eq!(copies(&server).len(), 1, "{at:?} {does:?}");
        }
    }
}

#[test]
fn a_stop_does_not_wait_for_a_server_that_keeps_silent_or_drips() {
    for at in [At::Greeting, At::Hello, At::Sender, At::Recipient, At::Announcement, At::Dot] {
        for does in [Does::Drip, Does::Nothing] {
            let bench = Bench::new();
            let server = Scripted::that(at, does.clone());
            bench.ask(1, &["a@example.org", "b@example.org", "c@example.org", "d@example.org"]);
            let worker = bench.work(smtp(server.port));
            server.until(at, 1);
            let ordered = Instant::now();
            worker.stop();
            assert!(ordered.elapsed() < Duration::from_secs(10), "{at:?} {does:?} took {:?}", ordered.elapsed());
            server.mend();
            bench.clock.advance(HOUR);
            let worker = bench.work(smtp(server.port));
            mended(&bench, &server, &worker, 4);
            worker.stop();
            assert_eq!(copies(&server).len(), 4, "{at:?} {does:?}");
        }
    }
}

#[test]
fn a_server_that_does_not_answer_quit_holds_nothing_up() {
    let bench = Bench::new();
    let server = Scripted::that(At::Farewell, Does::Nothing);
    bench.ask(1, &["a@example.org"]);
    let began = Instant::now();
    let worker = bench.work(smtp(server.port));
    bench.until("mail.accepted", 1);
    assert!(began.elapsed() < super::PATIENCE / 2);
    worker.stop();
    assert!(began.elapsed() < super::PATIENCE / 2);
}

#[test]
fn a_server_in_trouble_is_told_of_and_asked_by_one_mail_at_a_time() {
    let bench = Bench::new();
    let server = Scripted::that(At::Sender, Does::say("530 5.7.0 authentication required"));
    for number in 0..20 {
        bench.ask(number, &["a@example.org"]);
    }
    let worker = bench.work(smtp(server.port));
    bench.until("mail.attempted", 1);
    let deadline = Instant::now() + super::LONG;
    while worker.trouble().is_none() {
        assert!(Instant::now() < deadline);
        std::thread::yield_now();
    }
    let trouble = worker.trouble().unwrap();
    assert!(trouble.contains("530"), "{trouble}");
    let before = attempts(&bench.all()).len();
    assert!(before <= 8, "those under way, and no more: {before}");
    mended(&bench, &server, &worker, 20);
    // The record is there; the picture follows.
    while worker.picture().outbox.tally().of(DeliveryState::Accepted) < 20 {
        assert!(Instant::now() < deadline + super::LONG);
        std::thread::yield_now();
    }
    assert_eq!(worker.picture().outbox.tally().of(DeliveryState::Accepted), 20);
    worker.stop();
}

#[test]
fn a_mailbox_that_a_rule_keeps_shut_is_that_mailboxs_matter() {
    let bench = Bench::new();
    let server = Scripted::that(At::Recipient, Does::say("550 5.7.1 this mailbox takes mail of known senders only"));
    bench.ask(1, &["shut@example.org"]);
    let worker = bench.work(smtp(server.port));
    for (attempt, wait) in [(1, Some(5)), (2, Some(300)), (3, None)] {
        let made = attempts(&bench.until("mail.attempted", attempt)).pop().unwrap();
        assert_eq!(made.retry_at, wait.map(|seconds| bench.clock.now() + SignedDuration::from_secs(seconds)));
        assert_eq!(worker.trouble(), None);
        bench.clock.advance(SignedDuration::from_secs(wait.unwrap_or_default()));
    }
    let events = bench.until("mail.given_up", 1);
    assert_eq!((count(&events, "mail.held_up"), worker.held_up()), (0, 0));
    worker.stop();
}

#[test]
fn a_rule_that_many_recipients_hear_of_is_the_servers_and_is_told_of_until_it_takes_mail() {
    let mut bench = Bench::new();
    bench.settings.senders = 1;
    let server = Scripted::that(At::Recipient, Does::say("554 5.7.1 relay access denied"));
    let addresses = ["a@example.org", "b@example.org", "c@example.org", "d@example.org"];
    bench.ask(1, &addresses);
    let worker = bench.work(smtp(server.port));
    bench.until("mail.held_up", 1);
    let trouble = worker.trouble().unwrap();
    assert!(trouble.contains("it answered 554 to RCPT TO"), "{trouble}");
    // However long it lasts, nobody is given up: three attempts are all that the schedule has.
    let deadline = Instant::now() + super::LONG;
    while attempts(&bench.all()).len() < 4 * addresses.len() {
        assert!(Instant::now() < deadline, "{:?}", worker.trouble());
        bench.clock.advance(HOUR);
        std::thread::park_timeout(Duration::from_millis(20));
    }
    mended(&bench, &server, &worker, addresses.len());
    worker.stop();
    assert_eq!(["mail.refused", "mail.given_up"].map(|fate| count(&bench.all(), fate)), [0; 2]);
}

#[test]
fn a_bare_450_counts_by_the_schedule_and_slows_the_pace() {
    let bench = Bench::new();
    let server = Scripted::that(At::Recipient, Does::say("450 requested action not taken"));
    bench.ask(1, &["a@example.org"]);
    let worker = bench.work(smtp(server.port));
    let made = attempts(&bench.until("mail.attempted", 1)).remove(0);
    assert_eq!(made.retry_at, Some(bench.clock.now() + SignedDuration::from_secs(5)));
    assert_eq!(worker.gap(), Duration::from_secs(1));
    for attempt in 2..=3 {
        bench.clock.advance(HOUR);
        bench.until("mail.attempted", attempt);
    }
    assert_eq!(count(&bench.until("mail.given_up", 1), "mail.held_up"), 0);
    assert_eq!(worker.trouble(), None);
    worker.stop();
}

#[test]
fn a_server_that_finds_us_too_fast_for_long_is_told_of() {
    let bench = Bench::new();
    let server = Scripted::that(At::Sender, Does::say("450 4.7.28 too many mails from you"));
    bench.ask(1, &["a@example.org"]);
    let worker = bench.work(smtp(server.port));
    bench.until("mail.held_up", 1);
    assert_eq!(worker.trouble(), None, "that is how limits are");
    bench.clock.advance(SignedDuration::from_mins(10));
    bench.until("mail.held_up", 2);
    assert_eq!(worker.trouble(), None);
    bench.clock.advance(SignedDuration::from_mins(10));
    bench.until("mail.held_up", 3);
    let trouble = worker.trouble().unwrap();
    assert!(trouble.contains("15 minutes") && trouble.contains("450 to MAIL FROM"), "{trouble}");
    mended(&bench, &server, &worker, 1);
    worker.stop();
}
