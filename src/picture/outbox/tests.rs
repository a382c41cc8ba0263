mod claims;

use super::*;
use crate::alerts::request::tests::change;
use crate::domain::envelope::{NewEvent, Origin};
use crate::domain::event::{
    HoldCause, LightNews, MailAttempted, MailFate, MailHeldUp, MailNews, MailSendAgainOrdered, Recipient,
};
use crate::domain::words::Light;
use jiff::SignedDuration;
use proptest::prelude::*;

const START: Instant = Instant::UNIX_EPOCH;

fn after(seconds: i64) -> Instant {
    START + SignedDuration::from_secs(seconds)
}

fn place(position: Position, seconds: i64) -> EventPlace {
    EventPlace { id: Uuid::from_u128(position.into()), position, recorded_at: after(seconds), history: false }
}

fn requested(mail: u128, addresses: &[&str]) -> Event {
    let change = change(Light::Green, Light::Red, true);
    let recipient = |address: &&str| Recipient {
        address: (*address).to_owned(),
        office: "Office".to_owned(),
        language: "en".to_owned(),
    };
    Event::MailRequested(MailRequested {
        mail: Uuid::from_u128(mail),
        at: change.at,
        recipients: addresses.iter().map(recipient).collect(),
        gathered: Vec::new(),
        news: MailNews::Light(LightNews {
            change: Uuid::from_u128(1),
            credit_code: change.credit_code,
            merchant: None,
            from: change.from,
            to: change.to,
            sector: Some("sport".to_owned()),
            call: None,
        }),
    })
}

fn attempted(mail: u128, address: &str, attempt: u32, retry: Option<i64>) -> Event {
    Event::MailAttempted(MailAttempted {
        mail: Uuid::from_u128(mail),
        address: address.to_owned(),
        attempt,
        at: START,
        reply: "450 later".to_owned(),
        retry_at: retry.map(after),
    })
}

fn fate(mail: u128, address: &str) -> MailFate {
    MailFate { mail: Uuid::from_u128(mail), address: address.to_owned(), at: START, reply: "250 taken".to_owned() }
}

fn due(outbox: &Outbox, seconds: i64) -> Vec<(String, u32)> {
    outbox.due(after(seconds)).map(|due| (due.address.to_string(), due.attempt)).collect()
}

#[test]
fn a_request_is_due_at_once_for_each_recipient_and_knows_its_light_change() {
    let mut outbox = Outbox::default();
    outbox.apply(&Event::LightChanged(change(Light::Green, Light::Red, true)), place(1, 0));
    outbox.apply(&requested(9, &["a@x", "b@x", "a@x"]), place(2, 10));
    // Also when the clock is behind the log's time.
    assert_eq!(due(&outbox, 9), [("a@x".to_owned(), 1), ("b@x".to_owned(), 1)]);
    let first = outbox.due(after(10)).next().unwrap();
    assert_eq!((first.requested, first.change), (2, Some(1)));
    assert!(outbox.rises.is_empty());
    assert_eq!(outbox.next_due(), Some(Instant::MIN));
}

#[test]
fn a_retry_waits_and_its_neighbours_do_not() {
    let mut outbox = Outbox::default();
    outbox.apply(&requested(9, &["a@x", "b@x"]), place(2, 0));
    outbox.apply(&attempted(9, "a@x", 1, Some(60)), place(3, 1));
    assert_eq!(due(&outbox, 59), [("b@x".to_owned(), 1)]);
    outbox.apply(&attempted(9, "b@x", 1, None), place(4, 1));
    assert_eq!(due(&outbox, 59), [], "an attempt without another waits for the fate in the same append");
    outbox.apply(&Event::MailAccepted(fate(9, "b@x")), place(5, 1));
    assert_eq!(outbox.next_due(), Some(after(60)));
    assert_eq!(due(&outbox, 60), [("a@x".to_owned(), 2)]);
}

#[test]
fn what_is_held_up_by_the_server_does_not_count_and_what_was_said_by_a_clock_ahead_is_due() {
    let mut outbox = Outbox::default();
    outbox.apply(&requested(9, &["a@x"]), place(2, 0));
    let held_up = |attempt, cause| {
        let (mail, address) = (Uuid::from_u128(9), "a@x".to_owned());
        Event::MailHeldUp(MailHeldUp { mail, address, attempt, cause, at: START })
    };
    outbox.apply(&attempted(9, "a@x", 1, Some(60)), place(3, 1));
    outbox.apply(&held_up(1, HoldCause::Server), place(4, 1));
    outbox.apply(&attempted(9, "a@x", 2, Some(60)), place(5, 1));
    outbox.apply(&held_up(2, HoldCause::Unclear), place(6, 1));
    let next = outbox.due(after(60)).next().unwrap();
    assert_eq!((next.attempt, next.counted), (3, 2));
    assert_eq!(due(&outbox, 59), []);
    // Said at 0, so for a clock at -1 it was said by one that was ahead.
    assert_eq!(due(&outbox, -1), [("a@x".to_owned(), 3)]);
}

#[test]
fn an_order_to_send_again_makes_a_refused_or_given_up_recipient_due_and_no_other() {
    let mut outbox = Outbox::default();
    outbox.apply(&requested(9, &["a@x", "b@x"]), place(2, 0));
    let order = |address: &str| {
        let address = address.to_owned();
        Event::MailSendAgainOrdered(MailSendAgainOrdered { mail: Uuid::from_u128(9), address, at: after(50) })
    };
    outbox.apply(&attempted(9, "a@x", 1, None), place(3, 0));
    outbox.apply(&Event::MailGivenUp(fate(9, "a@x")), place(4, 0));
    outbox.apply(&Event::MailAccepted(fate(9, "b@x")), place(5, 0));
    outbox.apply(&order("b@x"), place(6, 50));
    assert_eq!(due(&outbox, 100), []);
    outbox.apply(&order("a@x"), place(7, 50));
    let next = outbox.due(after(50)).next().unwrap();
    assert_eq!((&*next.address, next.attempt, next.counted), ("a@x", 2, 1));
    assert_eq!(outbox.tally(), Tally { waiting: 1, accepted: 1, ..Tally::default() });
    outbox.apply(&order("a@x"), place(8, 50));
    outbox.apply(&Event::MailAccepted(fate(9, "a@x")), place(9, 50));
    assert!(outbox.open.is_empty() && outbox.agenda.is_empty() && outbox.said.is_empty());
}

#[test]
fn a_mail_that_is_done_keeps_its_summary_only() {
    let mut outbox = Outbox::default();
    outbox.apply(&requested(9, &["a@x", "b@x", "c@x"]), place(2, 0));
    outbox.apply(&Event::MailAccepted(fate(9, "a@x")), place(3, 0));
    outbox.apply(&Event::MailRefused(fate(9, "b@x")), place(4, 0));
    assert_eq!(outbox.deliveries(Uuid::from_u128(9)).len(), 3);
    outbox.apply(&Event::MailGivenUp(fate(9, "c@x")), place(5, 0));
    assert!(outbox.agenda.is_empty() && outbox.said.is_empty());
    let summary = outbox.mail(Uuid::from_u128(9)).unwrap();
    assert_eq!(summary.tally, Tally { accepted: 1, refused: 1, given_up: 1, ..Tally::default() });
    assert!(summary.tally.needs_a_person());
    assert_eq!(outbox.tally(), summary.tally);
}

#[test]
fn a_bounce_or_an_acknowledgement_after_the_end_still_counts() {
    let mut outbox = Outbox::default();
    outbox.apply(&requested(9, &["a@x", "b@x"]), place(2, 0));
    for address in ["a@x", "b@x"] {
        outbox.apply(&Event::MailAccepted(fate(9, address)), place(3, 0));
    }
    outbox.apply(&Event::MailBounced(fate(9, "a@x")), place(4, 0));
    outbox.apply(&Event::MailAcknowledged(fate(9, "b@x")), place(5, 0));
    assert_eq!(outbox.tally(), Tally { bounced: 1, acknowledged: 1, ..Tally::default() });
}

#[test]
fn nobody_named_is_shown_and_nothing_is_due() {
    let mut outbox = Outbox::default();
    outbox.apply(&requested(9, &[]), place(2, 0));
    assert_eq!(due(&outbox, 100), []);
    assert_eq!(outbox.tally().nobody, 1);
    let summary = outbox.mail(Uuid::from_u128(9)).unwrap();
    assert!(summary.tally.needs_a_person() && summary.is("nobody".parse().unwrap()));
    assert!(!summary.is("waiting".parse().unwrap()));
}

#[test]
fn a_request_imported_as_history_is_never_due() {
    let mut outbox = Outbox::default();
    outbox.apply(&requested(9, &["a@x"]), EventPlace { history: true, ..place(2, 0) });
    assert_eq!(outbox.next_due(), None);
}

#[test]
fn lists_are_newest_first_filtered_and_paged() {
    let mut outbox = Outbox::default();
    for mail in 1..=5_u8 {
        outbox.apply(&requested(mail.into(), &["a@x"]), place(mail.into(), 0));
    }
    outbox.apply(&Event::MailRefused(fate(4, "a@x")), place(6, 0));
    let positions = |before, limit, state: Option<DeliveryState>| -> Vec<Position> {
        outbox.list(before, limit, |mail| state.is_none_or(|state| mail.has(state))).map(|mail| mail.position).collect()
    };
    assert_eq!(positions(None, 2, None), [5, 4]);
    assert_eq!(positions(Some(4), 2, None), [3, 2]);
    assert_eq!(positions(None, 9, Some(DeliveryState::Waiting)), [5, 3, 2, 1]);
    assert_eq!(positions(None, 9, "refused".parse().ok()), [4]);
    assert!("sent".parse::<DeliveryState>().is_err());
}

#[test]
fn events_about_mails_or_recipients_that_were_never_asked_for_change_nothing() {
    let mut outbox = Outbox::default();
    outbox.apply(&requested(9, &["a@x"]), place(2, 0));
    let before = outbox.clone();
    outbox.apply(&Event::MailAccepted(fate(8, "a@x")), place(3, 0));
    outbox.apply(&Event::MailAccepted(fate(9, "z@x")), place(4, 0));
    outbox.apply(&requested(9, &["a@x", "b@x"]), place(5, 0));
    assert_eq!(outbox, before);
}

fn recorded(position: Position, event: &Event) -> Recorded {
    let place = place(position, 0);
    Recorded {
        position,
        stream: "mail".into(),
        revision: 0,
        recorded_at: place.recorded_at,
        idempotency_key: None,
        digest: [0; 32],
        event: NewEvent::new(place.id, START, &Origin::service(), event),
    }
}

#[test]
fn mails_about_a_merchant_are_found_without_going_through_those_of_others() {
    let merchants: Vec<CreditCode> =
        ["91110108MA00000000", "91110108MA99999990", "911101051000000001"].map(|code| code.parse().unwrap()).to_vec();
    let mut outbox = Outbox::default();
    for position in 1..=30 {
        let mut event = requested(position.into(), &["a@x"]);
        if let Event::MailRequested(MailRequested { news: MailNews::Light(news), .. }) = &mut event {
            news.credit_code = merchants[usize::try_from(position % 7).unwrap() % 2];
        }
        outbox.apply(&event, place(position, 0));
    }
    for merchant in &merchants {
        for before in [None, Some(1), Some(8), Some(15), Some(31)] {
            let found: Vec<Position> = outbox.about(*merchant, before).map(|mail| mail.position).collect();
            let all = outbox.list(before, 100, |mail| mail.credit_code() == Some(*merchant)).map(|mail| mail.position);
            assert_eq!(found, all.collect::<Vec<_>>(), "{merchant} before {before:?}");
        }
    }
    assert_eq!(outbox.about(merchants[2], None).count(), 0);
    assert_eq!(outbox.about(merchants[0], None).count(), 17);
}

proptest! {
    /// Whatever happens in whatever order: each recipient is in one state, only those that wait are on the agenda, and the
    /// mail's own stream tells the same as the outbox.
    #[test]
    fn every_recipient_has_exactly_one_fate(steps in prop::collection::vec((0_u128..3, 0_usize..3, 0_u8..6), 0..60)) {
        let addresses = ["a@x", "b@x", "c@x"];
        let mut outbox = Outbox::default();
        let mut log = Vec::new();
        let mut position = 0;
        let mut happen = |event: Event, outbox: &mut Outbox| {
            position += 1;
            let recorded = recorded(position, &event);
            outbox.apply(&recorded.event.decode().unwrap(), EventPlace::from(&recorded));
            log.push(recorded);
        };
        for mail in 0..3 {
            happen(requested(mail, &addresses), &mut outbox);
        }
        for (mail, address, what) in steps {
            let address = addresses[address];
            let open = outbox.deliveries(Uuid::from_u128(mail)).iter().find(|d| &*d.address == address).cloned();
            let Some(delivery) = open.filter(|delivery| delivery.state == DeliveryState::Waiting) else { continue };
            let attempt = delivery.attempts + 1;
            match what {
                0 | 1 => happen(attempted(mail, address, attempt, Some(i64::from(attempt) * 7)), &mut outbox),
                2 => happen(Event::MailRefused(fate(mail, address)), &mut outbox),
                3 => happen(Event::MailGivenUp(fate(mail, address)), &mut outbox),
                _ => happen(Event::MailAccepted(fate(mail, address)), &mut outbox),
            }
        }
        let tally = outbox.tally();
        let mut summed = Tally::default();
        outbox.list(None, 9, |_| true).for_each(|mail| summed += mail.tally);
        prop_assert_eq!(tally, summed);
        prop_assert_eq!(DeliveryState::ALL.iter().map(|state| tally.of(*state)).sum::<u32>(), 9);
        prop_assert_eq!(outbox.due(Instant::MAX).count(), usize::try_from(tally.waiting).unwrap());
        for due in outbox.due(Instant::MAX) {
            prop_assert!(outbox.awaits(&due));
            let later = Due { attempt: due.attempt + 1, ..due };
            prop_assert!(!outbox.awaits(&later));
        }
        for mail in (0..3).map(Uuid::from_u128) {
            let of_mail: Vec<Recorded> =
                log.iter().filter(|recorded| recorded.event.data.contains(&mail.to_string())).cloned().collect();
            let mut told = Tally::default();
            let deliveries = deliveries_of(&of_mail).unwrap();
            for delivery in &deliveries {
                told += Tally { waiting: u32::from(delivery.state == DeliveryState::Waiting), ..Tally::default() };
            }
            prop_assert_eq!(told.waiting, outbox.mail(mail).unwrap().tally.waiting);
            if told.waiting > 0 {
                prop_assert_eq!(deliveries.as_slice(), outbox.deliveries(mail));
            }
        }
        let mut again = Outbox::default();
        for recorded in &log {
            again.apply(&recorded.event.decode().unwrap(), EventPlace::from(recorded));
        }
        prop_assert_eq!(again, outbox);
    }
}
