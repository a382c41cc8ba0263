//! A person ended a case, more was recorded, and then the act it ended on is cancelled: what the property once found, as plain tests.

use super::Step::{Act, Cancel, Close, Days, Waive};
use super::*;

fn light(rules: &[usize]) -> Step {
    Step::Light(rules.iter().copied().collect(), true, false)
}

/// A light of which nobody may be told.
fn untold(rules: &[usize]) -> Step {
    Step::Light(rules.iter().copied().collect(), false, false)
}

/// Whether each case is open after these steps, and how its duties ended; the plain model says the same.
fn after(steps: Vec<Step>) -> Vec<(bool, Ends)> {
    outcome(&told_as_plain(steps).unwrap().cases)
}

#[test]
fn a_case_whose_rule_fell_away_after_its_end_stays_ended() {
    let fallen = [(false, vec![(2, Some("fallen away"))])];
    assert_eq!(after(vec![light(&[2]), Act(1), Close, Waive, untold(&[0]), Cancel(0)]), fallen);
    let with_its_light = [(false, vec![(1, Some("done"))])];
    assert_eq!(after(vec![light(&[1]), Act(1), untold(&[]), Cancel(0)]), with_its_light);
}

#[test]
fn a_case_whose_duty_another_act_fulfils_stays_ended_until_that_is_cancelled_too() {
    let ended = [(false, vec![(1, Some("done"))])];
    assert_eq!(after(vec![light(&[1]), Act(1), Close, Days(1), Act(1), Cancel(0)]), ended);
    assert_eq!(after(vec![light(&[1]), Act(1), Days(1), Close, Act(1), Cancel(0)]), ended);
    let both = vec![light(&[1]), Act(1), Close, Days(1), Act(1), Cancel(0), Cancel(0)];
    assert_eq!(after(both), [(true, vec![(1, None)])]);
}

#[test]
fn a_case_that_stays_ended_ended_when_it_did() {
    let steps = |days| {
        vec![light(&[1]), Act(1), Close, Days(20), untold(&[]), untold(&[3]), Cancel(0), Days(days), light(&[0])]
    };
    let cases = |days| after(steps(days)).len();
    assert_eq!((cases(10), cases(11)), (1, 2), "a light that rises within 30 days of that opens it again");
}
