//! Several nodes on one log: each mail is claimed before it is sent, and claimed again after its node died.

use super::surroundings::{CutOff, Gated, Held, Late, Postbox, Slow};
use super::{Bench, CLAIM, FaultyLog, LONG, Server, count, server_at, start_time};
use crate::nodes::engines::{Engine, on_every_engine};
use crate::shared::{Shared, picture_of};
use crossbeam_channel::{Receiver, Sender, unbounded};
use jiff::SignedDuration;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use uuid::Uuid;
use warnlight::clock::{Clock, ManualClock};
use warnlight::domain::envelope::Recorded;
use warnlight::domain::event::{Event, MailClaimed};
use warnlight::log::contract::EventLog;
use warnlight::mail::message::Outgoing;
use warnlight::mail::render::Renderer;
use warnlight::mail::transport::{Allowance, SendError, Smtp, Transport};
use warnlight::mail::worker::{Parts, Worker};

impl Bench {
    fn shared(&self) -> Shared {
        Shared(self.log.clone())
    }

    fn node(&self, transport: impl Transport + 'static) -> Worker {
        self.work_over(Arc::new(self.shared()), transport)
    }

    fn pass(&self, time: Duration) {
        self.clock.advance(SignedDuration::try_from(time).unwrap());
    }

    /// Asks for a mail and waits until it is on record as the `accepted`th that was taken: whoever took it has looked
    /// at everything that was due before.
    fn mark(&self, number: u128, accepted: usize) {
        self.ask(number, &["marker@example.org"]);
        self.until("mail.accepted", accepted);
    }

    fn claims(&self, mail: Uuid) -> Vec<MailClaimed> {
        let claimed = |recorded: Recorded| match recorded.event.decode().unwrap() {
            Event::MailClaimed(claimed) if claimed.mail == mail => Some(claimed),
            _ => None,
        };
        self.all().into_iter().filter_map(claimed).collect()
    }

    /// Each recipient has one fate and each of its attempts one record, and no sender is in trouble.
    fn one_outcome_each(&self) {
        let mut fates = BTreeMap::<(Uuid, String), usize>::new();
        let mut attempts = BTreeSet::new();
        for recorded in self.all() {
            match recorded.event.decode().unwrap() {
                Event::MailRequested(requested) => {
                    let mail = requested.mail;
                    fates.extend(requested.recipients.into_iter().map(|recipient| ((mail, recipient.address), 0)));
                }
                Event::MailAttempted(attempted) => {
                    let attempt = (attempted.mail, attempted.address, attempted.attempt);
                    assert!(attempts.insert(attempt.clone()), "{attempt:?} is on record twice");
                }
                Event::MailAccepted(fate) | Event::MailRefused(fate) | Event::MailGivenUp(fate) => {
                    *fates.get_mut(&(fate.mail, fate.address)).unwrap() += 1;
                }
                _ => {}
            }
        }
        assert!(fates.values().all(|fates| *fates == 1), "{fates:?}");
    }
}

fn hear<T>(from: &Receiver<T>) -> T {
    from.recv_timeout(LONG).expect("nothing happened")
}

/// Lets two nodes, each with its face of the log, send `mails` mails, and looks at what came of it.
fn both_send(bench: &Bench, faces: [Arc<dyn EventLog>; 2], mails: u128) {
    let postbox = Postbox::default();
    let nodes = faces.map(|log| bench.work_over(log, postbox.clone()));
    let mut asked = 0;
    for number in 0..mails {
        let addresses: &[&str] = match number % 10 {
            0 => &["a@example.org", "slow@example.org", "b@example.org"],
            _ => &["a@example.org"],
        };
        bench.ask(number, addresses);
        asked += addresses.len();
    }
    bench.until("mail.attempted", asked);
    bench.pass(Duration::from_secs(5));
    bench.until("mail.accepted", asked);
    for node in nodes {
        assert_eq!(node.trouble(), None);
        node.stop();
    }
    bench.one_outcome_each();
    let mut handed = BTreeMap::new();
    for (outgoing, within) in postbox.0.lock().unwrap().iter() {
        assert_eq!(*within, bench.settings.conversation());
        *handed.entry((outgoing.mail, outgoing.to.to_string())).or_insert(0) += 1;
    }
    assert_eq!(handed.len(), asked);
    for ((mail, address), times) in &handed {
        assert_eq!(*times, if address.starts_with("slow") { 2 } else { 1 }, "{mail} {address}");
    }
    let events = bench.all();
    assert_eq!(count(&events, "mail.claimed"), count(&events, "mail.attempted"), "no claim was in vain");
}

on_every_engine!(two_nodes_send_each_of_many_mails_once);

fn two_nodes_send_each_of_many_mails_once(engine: &Engine) {
    let pair = engine();
    let bench = Bench { log: pair.logs[0].clone(), ..Bench::new() };
    both_send(&bench, pair.logs.clone(), 30);
}

#[test]
fn two_nodes_that_hear_of_each_other_at_once_send_each_of_hundreds_of_mails_once() {
    let bench = Bench::new();
    let faces = [(); 2].map(|()| Arc::new(bench.shared()) as Arc<dyn EventLog>);
    both_send(&bench, faces, 300);
}

/// What a node dies before.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Dies {
    Claiming,
    Sending,
    Recording,
}

#[test]
fn whatever_a_node_was_at_when_it_died_another_sends_the_mail_when_the_claim_has_run_out() {
    for dies in [Dies::Claiming, Dies::Sending, Dies::Recording] {
        let bench = Bench::new();
        let postbox = Postbox::default();
        let mail = bench.ask(1, &["a@example.org"]);
        let at = if dies == Dies::Claiming { "mail.claimed" } else { "mail.attempted" };
        let (log, cut) = CutOff::at(&bench.shared(), at);
        if dies == Dies::Sending {
            let (held, entered, order) = Held::before(&postbox);
            let node = bench.work_over(log, held);
            assert_eq!(hear(&entered), mail);
            node.order_stop();
            order.send(false).unwrap();
            node.stop();
        } else {
            let node = bench.work_over(log, postbox.clone());
            hear(&cut);
            node.stop();
        }
        let copies = usize::from(dies == Dies::Recording);
        assert_eq!((postbox.copies(mail).len(), count(&bench.all(), "mail.attempted")), (copies, 0), "{dies:?}");

        let node = bench.node(postbox.clone());
        let mut accepted = 0;
        if dies != Dies::Claiming {
            bench.mark(2, 1);
            bench.pass(CLAIM - Duration::from_nanos(1));
            bench.mark(3, 2);
            assert_eq!(postbox.copies(mail).len(), copies, "{dies:?}: the claim is still good");
            bench.pass(Duration::from_nanos(1));
            accepted = 2;
        }
        bench.until("mail.accepted", accepted + 1);
        assert_eq!(node.trouble(), None);
        node.stop();

        bench.one_outcome_each();
        let claims = bench.claims(mail);
        let numbers: Vec<u32> = claims.iter().map(|claimed| claimed.claim).collect();
        let sent = postbox.copies(mail);
        match dies {
            Dies::Claiming => assert_eq!((&*numbers, sent.len()), (&[1][..], 1)),
            Dies::Sending => assert_eq!((&*numbers, sent.len()), (&[1, 2][..], 1)),
            Dies::Recording => {
                assert_eq!((&*numbers, sent.len()), (&[1, 2][..], 2));
                assert_eq!(sent[0], sent[1], "to the reader it is one mail, under one Message-ID");
            }
        }
        let by: BTreeSet<Uuid> = claims.iter().map(|claimed| claimed.by).collect();
        assert_eq!(by.len(), claims.len(), "each life of a worker claims for itself");
    }
}

#[test]
fn a_claim_by_a_clock_that_was_ahead_and_is_mended_is_left_its_length_and_no_more() {
    let bench = Bench::new();
    let postbox = Postbox::default();
    bench.clock.advance(SignedDuration::from_hours(40 * 24));
    let mail = bench.ask(1, &["a@example.org"]);
    let (log, _cut) = CutOff::at(&bench.shared(), "mail.attempted");
    let (held, entered, order) = Held::before(&postbox);
    let node = bench.work_over(log, held);
    assert_eq!(hear(&entered), mail);
    node.order_stop();
    order.send(false).unwrap();
    node.stop();

    bench.clock.set(start_time());
    let node = bench.node(postbox.clone());
    bench.mark(2, 1);
    bench.pass(CLAIM - Duration::from_nanos(1));
    bench.mark(3, 2);
    assert_eq!(postbox.copies(mail).len(), 0);
    bench.pass(Duration::from_nanos(1));
    bench.until("mail.accepted", 3);
    node.stop();
    bench.one_outcome_each();
    assert_eq!((bench.claims(mail).len(), postbox.copies(mail).len()), (2, 1));
}

#[test]
fn a_node_that_begins_while_a_claim_runs_waits_for_its_end_and_not_once_more_for_its_length() {
    let bench = Bench::new();
    let postbox = Postbox::default();
    let mail = bench.ask(1, &["a@example.org"]);
    let (held, entered, order) = Held::before(&postbox);
    let (log, _cut) = CutOff::at(&bench.shared(), "mail.attempted");
    let node = bench.work_over(log, held);
    assert_eq!(hear(&entered), mail);
    node.order_stop();
    order.send(false).unwrap();
    node.stop();

    bench.pass(CLAIM - Duration::from_secs(1));
    let node = bench.node(postbox.clone());
    bench.mark(2, 1);
    assert_eq!(postbox.copies(mail).len(), 0, "the claim is still good");
    bench.pass(Duration::from_secs(1));
    bench.until("mail.accepted", 2);
    node.stop();
    bench.one_outcome_each();
}

#[test]
fn a_claim_seen_by_a_clock_that_was_ahead_and_is_mended_keeps_nobody_waiting_until_then() {
    let mut bench = Bench::new();
    bench.settings.senders = 1;
    let postbox = Postbox::default();
    let ahead = Arc::new(ManualClock::new(start_time() + SignedDuration::from_hours(40 * 24)));
    let (mail, first, second, order) = first_come(&bench, &postbox, ahead.clone());
    bench.mark(2, 1);
    assert_eq!(postbox.copies(mail).len(), 0, "it is left to the node that claimed it");
    bench.pass(CLAIM);
    ahead.set(bench.clock.now());
    bench.until("mail.accepted", 2);
    order.send(false).unwrap();
    first.stop();
    second.stop();
    bench.one_outcome_each();
}

/// Starts two nodes, of which the first gets the claim and holds the mail, and the second is refused it. Returns the mail,
/// the nodes, and what tells the first to go on.
fn first_come(bench: &Bench, postbox: &Postbox, clock: Arc<dyn Clock>) -> (Uuid, Worker, Worker, Sender<bool>) {
    let (arrived, at_gate) = unbounded();
    let (gate, open) = unbounded::<()>();
    let log: Arc<dyn EventLog> = Arc::new(Gated { inner: bench.shared(), arrived, open });
    let second = Worker::start(Parts {
        published: picture_of(&log),
        log,
        transport: Arc::new(postbox.clone()),
        renderer: Arc::new(Renderer::new("https://warn.example.org", Box::new(())).unwrap()),
        clock,
        settings: bench.settings.clone(),
    })
    .unwrap();
    let mail = bench.ask(1, &["a@example.org"]);
    hear(&at_gate);
    let (held, entered, order) = Held::before(postbox);
    let first = bench.node(held);
    assert_eq!(hear(&entered), mail);
    drop(gate);
    (mail, first, second, order)
}

#[test]
fn a_node_that_is_refused_a_claim_is_not_troubled_and_takes_over_when_the_other_dies() {
    let mut bench = Bench::new();
    bench.settings.senders = 1;
    let postbox = Postbox::default();
    let (mail, first, second, order) = first_come(&bench, &postbox, bench.clock.clone());
    bench.mark(2, 1);
    assert_eq!((second.trouble(), postbox.copies(mail).len()), (None, 0), "only the marker was sent");

    bench.pass(CLAIM);
    let events = bench.until("mail.accepted", 2);
    assert_eq!(count(&events, "mail.claimed"), 3);
    // The first wakes up, thinks that nothing was sent, and is not believed.
    order.send(false).unwrap();
    first.stop();
    second.stop();
    bench.one_outcome_each();
    assert_eq!((bench.claims(mail).len(), postbox.copies(mail).len()), (2, 1));
}

#[test]
fn a_node_whose_clock_is_ahead_leaves_a_mail_to_the_node_that_claimed_it_for_as_long_as_the_claim_is() {
    let mut bench = Bench::new();
    bench.settings.senders = 1;
    let postbox = Postbox::default();
    let ahead = Arc::new(ManualClock::new(start_time() + SignedDuration::from_hours(1)));
    let (mail, first, second, order) = first_come(&bench, &postbox, ahead.clone());
    bench.mark(2, 1);
    ahead.advance(SignedDuration::try_from(CLAIM).unwrap() - SignedDuration::from_nanos(1));
    bench.mark(3, 2);
    assert_eq!(postbox.copies(mail).len(), 0, "only the markers were sent");
    ahead.advance(SignedDuration::from_nanos(1));
    bench.until("mail.accepted", 3);
    order.send(false).unwrap();
    first.stop();
    second.stop();
    bench.one_outcome_each();
    assert_eq!((bench.claims(mail).len(), postbox.copies(mail).len()), (2, 1));
}

#[test]
fn a_worker_that_is_still_busy_with_a_mail_does_not_claim_it_again() {
    let bench = Bench::new();
    let postbox = Postbox::default();
    let mail = bench.ask(1, &["a@example.org"]);
    let (held, entered, order) = Held::before(&postbox);
    let node = bench.node(held);
    assert_eq!(hear(&entered), mail);
    bench.pass(CLAIM * 2);
    let marker = bench.ask(2, &["marker@example.org"]);
    // Another sender of the same worker has the marker; what was due before it would have come first.
    assert_eq!(hear(&entered), marker);
    assert_eq!(bench.claims(mail).len(), 1);
    order.send(true).unwrap();
    order.send(true).unwrap();
    bench.until("mail.accepted", 2);
    node.stop();
    bench.one_outcome_each();
    assert_eq!((bench.claims(mail).len(), postbox.copies(mail).len()), (1, 1));
}

#[test]
fn a_claim_that_was_answered_too_late_for_a_whole_conversation_is_not_used() {
    let bench = Bench::new();
    let postbox = Postbox::default();
    let spare = CLAIM - bench.settings.conversation();
    for (number, takes, claims) in [(1, spare, 1), (2, spare + Duration::from_nanos(1), 2)] {
        let left = Mutex::new(Some(SignedDuration::try_from(takes).unwrap()));
        let (told, heard) = unbounded();
        let log = Slow { inner: bench.shared(), clock: bench.clock.clone(), left, told };
        let mail = bench.ask(number, &["a@example.org"]);
        let before = count(&bench.all(), "mail.accepted");
        let node = bench.work_over(Arc::new(log), postbox.clone());
        hear(&heard);
        if claims == 2 {
            bench.mark(9, before + 1);
            assert_eq!((bench.claims(mail).len(), postbox.copies(mail).len()), (1, 0));
            bench.pass(CLAIM - takes);
            bench.until("mail.accepted", before + 2);
        } else {
            bench.until("mail.accepted", before + 1);
        }
        node.stop();
        assert_eq!((bench.claims(mail).len(), postbox.copies(mail).len()), (claims, 1));
    }
    bench.one_outcome_each();
}

#[test]
fn a_claim_whose_answer_was_lost_is_repeated_and_is_the_same_claim() {
    let bench = Bench::new();
    let postbox = Postbox::default();
    let mail = bench.ask(1, &["a@example.org"]);
    let faulty = FaultyLog::over(Arc::new(bench.shared()));
    faulty.mute_once.store(true, Ordering::SeqCst);
    let node = bench.work_over(faulty, postbox.clone());
    bench.until("mail.accepted", 1);
    node.stop();
    bench.one_outcome_each();
    assert_eq!((bench.claims(mail).len(), postbox.copies(mail).len()), (1, 1));
}

#[test]
fn a_node_that_has_not_heard_of_the_record_yet_claims_in_vain_and_does_not_send() {
    let bench = Bench::new();
    let postbox = Postbox::default();
    let mail = bench.ask(1, &["a@example.org"]);
    let (holding, entered, order) = Held::before(&postbox);
    let first = bench.node(holding);
    assert_eq!(hear(&entered), mail);
    let held = Arc::new(AtomicBool::new(true));
    let late = bench.work_over(Arc::new(Late { inner: bench.shared(), held: held.clone() }), postbox.clone());
    order.send(true).unwrap();
    bench.until("mail.accepted", 1);
    first.stop();
    bench.pass(CLAIM);
    bench.until("mail.claimed", 2);
    held.store(false, Ordering::SeqCst);
    bench.mark(2, 2);
    assert_eq!(late.trouble(), None);
    late.stop();
    bench.one_outcome_each();
    assert_eq!((bench.claims(mail).len(), postbox.copies(mail).len()), (2, 1));
}

#[test]
fn a_conversation_ends_when_its_time_is_over_whatever_each_answer_may_take() {
    let server = Server::start(&json!({ "hang": ["stuck@example.org"] }));
    let smtp = Smtp::new(server_at(server.port), Duration::from_secs(20));
    let outgoing = |to: &str| Outgoing {
        mail: Uuid::from_u128(1),
        from: "warnlight@example.org".parse().unwrap(),
        to: to.parse().unwrap(),
        bytes: b"Subject: x\r\n\r\nx\r\n".to_vec(),
    };
    let send = |to: &str, within| smtp.send(&outgoing(to), &Allowance::of(Duration::from_secs(within)));
    let Err(SendError::HeldUp(reply)) = send("stuck@example.org", 1) else { panic!() };
    assert_eq!(reply.as_str(), "the conversation took longer than 1 s");
    assert!(send("a@example.org", 3600).is_ok());
}
