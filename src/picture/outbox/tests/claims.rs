//! The outbox with claims, against a plain reading of the history.

use super::*;
use crate::domain::event::MailClaimed;
use std::collections::BTreeSet;

const ADDRESSES: [&str; 2] = ["a@x", "b@x"];

fn claimed(mail: u128, address: &str, attempt: u32, claim: u32, until: i64) -> Event {
    Event::MailClaimed(MailClaimed {
        mail: Uuid::from_u128(mail),
        address: address.to_owned(),
        attempt,
        claim,
        by: Uuid::from_u128(100 + u128::from(claim)),
        at: START,
        until: after(until),
    })
}

fn of(event: &Event, mail: u128, address: &str) -> bool {
    summary::step(event).is_some_and(|step| step.mail == Uuid::from_u128(mail) && step.address == address)
}

/// When a recipient is due, for which attempt and under which claim, by reading the whole history every time.
fn plainly(history: &[Event], mail: u128, address: &str) -> Option<(Instant, u32, u32)> {
    let own: Vec<&Event> = history.iter().filter(|event| of(event, mail, address)).collect();
    if own.iter().any(|event| !matches!(event, Event::MailAttempted(_) | Event::MailClaimed(_))) {
        return None;
    }
    let last = own.iter().rposition(|event| matches!(event, Event::MailAttempted(_)));
    let (attempts, retry_at) = match last.map(|last| own[last]) {
        Some(Event::MailAttempted(attempted)) => (attempted.attempt, attempted.retry_at?),
        _ => (0, START),
    };
    let claims = own[last.map_or(0, |last| last + 1)..].iter().filter_map(|event| match event {
        Event::MailClaimed(claimed) if claimed.attempt == attempts + 1 => Some(claimed),
        _ => None,
    });
    // The highest number, and the first that had it: of equals, the maximum is the last.
    let standing = claims.rev().max_by_key(|claimed| claimed.claim);
    let (at, number) = standing.map_or((retry_at, 0), |claimed| (claimed.until, claimed.claim));
    Some((at, attempts + 1, number + 1))
}

#[test]
fn a_claim_puts_off_until_its_end_then_the_next_is_due_and_a_record_ends_both() {
    let mut outbox = Outbox::default();
    outbox.apply(&requested(9, &["a@x"]), place(2, 0));
    let first = outbox.due(after(0)).next().unwrap();
    let before = (outbox.mail(first.mail).cloned(), outbox.tally());
    outbox.apply(&claimed(9, "a@x", 1, 1, 60), place(3, 0));
    assert_eq!((outbox.mail(first.mail).cloned(), outbox.tally()), before, "a claim is no news about the mail");
    assert_eq!((due(&outbox, 59), outbox.next_due()), (vec![], Some(after(60))));
    assert!(outbox.awaits(&first) && !outbox.unclaimed(&first));
    let second = outbox.due(after(60)).next().unwrap();
    assert_eq!(second, Due { claim: 2, ..first.clone() });
    assert!(outbox.unclaimed(&second));

    outbox.apply(&attempted(9, "a@x", 1, Some(100)), place(4, 70));
    assert!(!outbox.awaits(&first) && !outbox.unclaimed(&second));
    assert_eq!(outbox.next_due(), Some(after(100)));
    outbox.apply(&claimed(9, "a@x", 1, 2, 500), place(5, 70));
    assert_eq!(outbox.next_due(), Some(after(100)), "the attempt was on record already");
    let third = outbox.due(after(100)).next().unwrap();
    assert_eq!((third.attempt, third.claim), (2, 1));
}

proptest! {
    /// Claims of any attempt, number and length among attempts and fates.
    #[test]
    fn with_claims_the_outbox_is_what_a_plain_reading_of_the_history_says(
        steps in prop::collection::vec((0_u128..2, 0_usize..2, 0_u8..12, 0_u32..3, 1_u32..4, 0_i64..200), 0..60),
        times in prop::collection::vec(0_i64..220, 3),
    ) {
        let mut outbox = Outbox::default();
        let mut without = Outbox::default();
        let mut log = Vec::new();
        let mut history = Vec::new();
        let mut happen = |event: Event, history: &mut Vec<Event>, outbox: &mut Outbox| {
            let recorded = recorded(Position::try_from(log.len()).unwrap() + 1, &event);
            outbox.apply(&recorded.event.decode().unwrap(), EventPlace::from(&recorded));
            if !matches!(event, Event::MailClaimed(_)) {
                without.apply(&recorded.event.decode().unwrap(), EventPlace::from(&recorded));
            }
            log.push(recorded);
            history.push(event);
        };
        for mail in 0..2 {
            happen(requested(mail, &ADDRESSES), &mut history, &mut outbox);
        }
        for (mail, address, what, near, claim, time) in steps {
            let address = ADDRESSES[address];
            let next = plainly(&history, mail, address).map(|(_, attempt, _)| attempt);
            match (what, next) {
                (0..=7, _) => {
                    let attempt = (next.unwrap_or(2) + near).saturating_sub(1);
                    happen(claimed(mail, address, attempt, claim, time), &mut history, &mut outbox);
                }
                (8..=10, Some(next)) => {
                    happen(attempted(mail, address, next, Some(time)), &mut history, &mut outbox);
                }
                (_, Some(_)) => happen(Event::MailAccepted(fate(mail, address)), &mut history, &mut outbox),
                (_, None) => {}
            }
            for seconds in &times {
                let found: BTreeSet<_> = outbox
                    .due(after(*seconds))
                    .map(|due| (due.mail, due.address.to_string(), due.attempt, due.claim))
                    .collect();
                let mut expected = BTreeSet::new();
                for (mail, address) in (0..2).flat_map(|mail| ADDRESSES.map(|address| (mail, address))) {
                    let due = plainly(&history, mail, address).filter(|(at, ..)| *at <= after(*seconds));
                    expected.extend(due.map(|(_, attempt, claim)| {
                        (Uuid::from_u128(mail), address.to_owned(), attempt, claim)
                    }));
                }
                prop_assert_eq!(found, expected);
            }
            for due in outbox.due(Instant::MAX) {
                for number in 1..=4 {
                    let held = Due { claim: number, ..due.clone() };
                    prop_assert!(outbox.awaits(&held), "whoever holds a claim may go on");
                    prop_assert_eq!(outbox.unclaimed(&held), number >= due.claim);
                }
            }
        }
        prop_assert_eq!(outbox.tally(), without.tally());
        prop_assert!(outbox.list(None, 9, |_| true).eq(without.list(None, 9, |_| true)));
        for mail in (0..2).map(Uuid::from_u128) {
            let as_shown = |outbox: &Outbox| serde_json::to_value(outbox.deliveries(mail)).unwrap();
            prop_assert_eq!(as_shown(&outbox), as_shown(&without));
            let stream: Vec<Recorded> =
                log.iter().filter(|recorded| recorded.event.data.contains(&mail.to_string())).cloned().collect();
            if !outbox.deliveries(mail).is_empty() {
                let told = deliveries_of(&stream).unwrap();
                prop_assert_eq!(told.as_slice(), outbox.deliveries(mail));
            }
        }
        let mut again = Outbox::default();
        for recorded in &log {
            again.apply(&recorded.event.decode().unwrap(), EventPlace::from(recorded));
        }
        prop_assert_eq!(again, outbox);
    }
}
