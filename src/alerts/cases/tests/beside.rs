//! What is done beside an open duty: after the end of a case, without one, without a duty that names it, and by several offices at once.

use super::*;
use crate::domain::case::End;
use crate::domain::event::Refund;
use crate::domain::fold::Stamp;

/// A case that a person ended because its one duty was fulfilled by a talk.
fn ended_after_a_talk(outcome: CaseOutcome) -> (Told, Event) {
    let (mut told, alert, _) = acknowledged();
    let (credit_code, date, at) = (about(), day_of(told.now), told.now);
    told.say(&Event::TalkHeld(EnforcementAct { credit_code, date, number: None, due_on: None }), None);
    told.say(
        &Event::AlertClosed(AlertClosed { alert, credit_code, at, note: None, outcome: Some(outcome), change: None }),
        None,
    );
    assert!(!told.cases.latest(credit_code).unwrap().is_open());
    let entry = Entry::Act { kind: EnforcementKind::Talk, date, number: None };
    (told, Event::EntryCancelled(EntryCancelled { credit_code, entry, reason: "x".to_owned() }))
}

#[test]
fn a_case_that_ended_on_an_act_that_is_cancelled_goes_on_unless_the_light_is_out() {
    let (mut told, cancelled) = ended_after_a_talk(CaseOutcome::Rectified);
    told.say(&cancelled, None);
    let case = told.cases.latest(about()).unwrap();
    assert_eq!((case.is_open(), case.reopened, standing(&told)), (true, 1, vec![true]));
    assert_eq!((told.cases.open().count(), told.cases.due_steps(Instant::MAX).count()), (1, 1), "its clock runs again");

    // Another talk, recorded after the end, does what the first had done.
    let (mut told, cancelled) = ended_after_a_talk(CaseOutcome::Rectified);
    let number = Some("2".to_owned());
    let (credit_code, date) = (about(), day_of(told.now));
    told.say(&Event::TalkHeld(EnforcementAct { credit_code, date, number, due_on: None }), None);
    told.say(&cancelled, None);
    assert!(!told.cases.latest(about()).unwrap().is_open() && standing(&told) == [false]);
    // What ended with the light does not come back with the act.
    let (mut told, cancelled) = ended_after_a_talk(CaseOutcome::LightOut);
    told.say(&cancelled, None);
    assert!(!told.cases.latest(about()).unwrap().is_open() && told.cases.open().count() == 0);
    let (mut told, cancelled) = ended_after_a_talk(CaseOutcome::Rectified);
    told.light(&BTreeSet::new(), true);
    told.settle();
    told.say(&cancelled, None);
    assert!(!told.cases.latest(about()).unwrap().is_open(), "its rule no longer asks for it");
}

#[test]
fn an_act_after_the_end_of_a_case_or_without_one_changes_no_case() {
    let (mut told, _) = ended_after_a_talk(CaseOutcome::Settled);
    let ends = |told: &Told| outcome(&told.cases);
    let before = ends(&told);
    let (credit_code, date) = (about(), day_of(told.now));
    let act = |number: &str| EnforcementAct { credit_code, date, number: Some(number.to_owned()), due_on: None };
    told.say(&Event::WarningLetterIssued(act("1")), None);
    told.say(&Event::TalkHeld(act("2")), None);
    assert_eq!(ends(&told), before);
    let mut told = Told::new();
    told.say(&Event::TalkHeld(act("3")), None);
    assert!(told.cases.all().next().is_none());
}

#[test]
fn what_has_no_duty_is_done_all_the_same_and_needs_no_reminder() {
    let (mut told, ..) = acknowledged();
    assert_eq!(told.cases.idle().count(), 1);
    let (credit_code, at) = (about(), told.now);
    let refund = Refund { ticket: "T".to_owned(), credit_code, at, amount: "5.00".parse().unwrap() };
    told.say(&Event::RefundPaid(refund), None);
    assert_eq!((told.cases.idle().count(), standing(&told)), (0, vec![true]), "its duty stands");
}

#[test]
fn a_joint_check_is_proposed_once_to_the_sectors_that_have_duties_about_one_merchant() {
    let mut told = Told::new();
    told.light(&BTreeSet::from([1]), true);
    told.settle();
    let mut case = told.cases.latest(about()).unwrap().clone();
    let mut merchant = Merchant::new(about());
    assert!(joint_check(&case, &merchant, merchant.revision, told.now).is_none(), "one office checks by itself");
    let mut other = case.duties[0].clone();
    other.sector = Some("transport".to_owned());
    other.arisen.duty = Uuid::from_u128(77);
    case.duties[0].arisen.due_at = Some("2025-07-03T16:00:00Z".parse().unwrap());
    other.arisen.due_at = Some("2025-07-06T16:00:00Z".parse().unwrap());
    case.duties[0].sector = Some("commerce".to_owned());
    case.duties.push(other);
    told.cases.put(case.clone());
    assert_eq!(told.cases.shared().count(), 1);
    let proposed = joint_check(&case, &merchant, merchant.revision, told.now).unwrap();
    let again = joint_check(&case, &merchant, merchant.revision, told.now).unwrap();
    assert_eq!((&again.stream, &again.events), (&proposed.stream, &proposed.events), "the same at every node");
    let Event::JointCheckProposed(check) = proposed.events[0].decode().unwrap() else { panic!() };
    assert_eq!(check.sectors, ["commerce", "transport"]);
    assert_eq!(check.date.to_string(), "2025-07-03", "by the day that the first of them has to be done with");
    let stamp = Stamp { position: 9, recorded_at: told.now, history: false };
    merchant.fold(stamp, &Event::JointCheckProposed(check.clone()));
    assert!(joint_check(&case, &merchant, merchant.revision, told.now).is_none(), "it was proposed");
    let entry = Entry::JointCheck { check: check.check, step: JointCheckStep::Proposed };
    let cancelled = EntryCancelled { credit_code: about(), entry, reason: "x".to_owned() };
    merchant.fold(Stamp { position: 10, ..stamp }, &Event::EntryCancelled(cancelled));
    assert!(
        joint_check(&case, &merchant, merchant.revision, told.now).is_none(),
        "whoever took it back is not asked again"
    );
    // One that a person proposed with all of them is to come.
    let own = JointCheck { check: "ZH1".to_owned(), ..check_of(&proposed) };
    let mut asked = Merchant::new(about());
    asked.fold(stamp, &Event::JointCheckProposed(own));
    assert!(joint_check(&case, &asked, asked.revision, told.now).is_none());
    case.duties[1].end = Some(End::Waived { reason: "x".to_owned(), at: told.now });
    told.cases.put(case);
    assert_eq!(told.cases.shared().count(), 0);
}

fn check_of(append: &Append) -> JointCheck {
    let Event::JointCheckProposed(check) = append.events[0].decode().unwrap() else { panic!() };
    check
}
