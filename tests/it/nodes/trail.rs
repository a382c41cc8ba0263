//! The trail of a command is the same whichever node goes on with it.

use super::engines::{Engine, Pair, embedded, on_every_engine};
use super::faces::Dying;
use crate::watch::stage::{start, time};
use crate::watch::{HAIR, balance, register};
use std::sync::{Arc, Barrier};
use uuid::Uuid;
use warnlight::clock::ManualClock;
use warnlight::desk::{Answer, Desk, Receipt, Request, StartError};
use warnlight::domain::envelope::{Origin, Recorded};
use warnlight::log::contract::EventLog;
use warnlight::policy::Policies;

fn on(trace: Uuid) -> Origin {
    Origin { correlation: Some(trace), ..Origin::of("test") }
}

fn desk(log: &Arc<dyn EventLog>) -> Result<Desk, StartError> {
    let clock = Arc::new(ManualClock::new(time("2025-03-25T09:00:00")));
    start(log, &clock, Policies::built_in().unwrap())
}

fn accepted(mut answers: Vec<Answer>) -> Receipt {
    match answers.pop() {
        Some(Answer::Accepted(receipt)) => receipt,
        other => panic!("{other:?}"),
    }
}

on_every_engine!(when_both_nodes_get_one_key_on_two_traces_at_once_then_both_answer_with_what_the_first_trace_recorded);

fn when_both_nodes_get_one_key_on_two_traces_at_once_then_both_answer_with_what_the_first_trace_recorded(
    engine: &Engine,
) {
    let Pair { logs, .. } = &engine();
    let desks = [desk(&logs[0]).unwrap(), desk(&logs[1]).unwrap()];
    desks[0].execute(Request::new(vec![register(HAIR, "8040", "")], Origin::of("test"))).unwrap();
    for round in 1..=20_u32 {
        let barrier = Barrier::new(2);
        let receipts = std::thread::scope(|scope| {
            let both = [0, 1].map(|node| {
                let (desks, barrier) = (&desks, &barrier);
                scope.spawn(move || {
                    let key = Some(super::request_key(&format!("k{round}")));
                    let trace = Uuid::from_u128(u128::from(round) * 10 + node as u128 + 1);
                    barrier.wait();
                    let request = Request {
                        key,
                        ..Request::new(vec![balance(HAIR, "2025-03-24", &round.to_string())], on(trace))
                    };
                    accepted(desks[node].execute(request).unwrap())
                })
            });
            both.map(|thread| thread.join().unwrap())
        });
        assert_eq!(receipts[0].events, receipts[1].events);
        assert_eq!((receipts[0].first, receipts[0].last), (receipts[1].first, receipts[1].last));
        assert_eq!(receipts.iter().filter(|receipt| !receipt.repeated).count(), 1, "{receipts:?}");
        let first = receipts.iter().position(|receipt| !receipt.repeated).unwrap();
        // The other node hears of it a little later.
        while logs[1 - first].head() < receipts[first].first {
            logs[1 - first].wait_beyond(logs[1 - first].head(), std::time::Duration::from_secs(60)).unwrap();
        }
        let event = &logs[1 - first].read_all(receipts[first].first - 1, 1).unwrap()[0].event;
        assert_eq!(event.correlation, Some(Uuid::from_u128(u128::from(round) * 10 + first as u128 + 1)));
    }
    desks.iter().for_each(Desk::stop);
}

#[test]
fn whichever_step_a_node_dies_in_the_other_goes_on_with_the_trail_of_the_command() {
    let trace = Uuid::from_u128(77);
    let closed = r#"{"command":"record_exit","credit_code":"91110108MA0000000A","mall":"M","unit":"1","action":"close",
        "date":"2025-03-20"}"#;
    let commands = vec![register(HAIR, "8040", ""), serde_json::from_str(closed).unwrap()];
    let request = Request { key: Some(super::request_key("k")), ..Request::new(commands, on(trace)) };
    let mut survived = false;
    for (appends, lands) in (0..20).flat_map(|appends| [(appends, false), (appends, true)]) {
        let Pair { logs, .. } = &embedded()();
        let dying = Dying::after(logs[0].clone(), appends, lands);
        let first: Arc<dyn EventLog> = dying.clone();
        if let Ok(node) = desk(&first) {
            let _ = node.execute(request.clone()).and_then(|_| node.settle());
            node.stop();
        }
        survived |= !dying.is_dead();
        let second = desk(&logs[1]).unwrap();
        // The client that got no answer asks the other node, on another trace.
        let again = Request { origin: on(Uuid::from_u128(88)), ..request.clone() };
        let receipts = second.execute(again).unwrap();
        second.settle().unwrap();
        second.stop();
        let all = logs[1].read_all(0, usize::MAX).unwrap();
        let of = |kind: &str| -> &Recorded {
            let mut found = all.iter().filter(|event| &*event.event.event_type == kind);
            let event = found.next().unwrap_or_else(|| panic!("no {kind} after {appends} appends"));
            assert!(found.next().is_none(), "{kind} twice after {appends} appends");
            event
        };
        let evidence = of("mall.shop_closed");
        let Some(Answer::Accepted(receipt)) = receipts.last() else { panic!("{receipts:?}") };
        assert!(receipt.events.contains(&evidence.event.id));
        let (light, mail) = (of("light.changed"), of("mail.requested"));
        assert_eq!(light.event.causation, Some(evidence.event.id), "after {appends} appends: {all:#?}");
        for event in [light, mail] {
            assert_eq!(event.event.correlation, evidence.event.correlation, "after {appends} appends");
        }
        if receipt.repeated {
            assert_eq!(evidence.event.correlation, Some(trace), "the first answer's");
        }
    }
    assert!(survived, "20 appends are enough to live through");
}
