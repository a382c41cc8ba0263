//! The course of a tenant's exit (撤店): which notice stands on a day, and whether the shop is closed.

use super::envelope::Position;
use super::evidence::{Evidence as _, ExitItem};
use super::time::{Day, plus_days};
use super::words::ExitAction;

/// How a shop's exit stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// No notice stands and the shop is open.
    None,
    /// A notice stands.
    Announced {
        /// Day the first notice of this exit was posted.
        first_posted: Day,
        /// Planned last day by the latest amendment.
        planned_on: Day,
    },
    /// The shop is closed for good: the first closing counts.
    Closed {
        /// Day of the closing.
        on: Day,
        /// Day the first notice of this exit was posted, if one stood on the day before.
        announced: Option<Day>,
    },
}

/// Returns how the exit stands at the end of `day`, from steps kept by date, as known at `known`.
#[must_use]
pub fn exit_on(steps: &[ExitItem], day: Day, known: Position) -> Exit {
    let mut state = Exit::None;
    for step in steps.iter().take_while(|step| step.date <= day).filter(|step| step.stands(known)) {
        state = match (step.action, state) {
            (ExitAction::Post | ExitAction::Amend, Exit::Announced { first_posted, planned_on }) => {
                // A second posting while one stands is an amendment (docs/FACTS.md).
                Exit::Announced { first_posted, planned_on: step.planned_on.unwrap_or(planned_on) }
            }
            (ExitAction::Post, Exit::None) => match step.planned_on {
                Some(planned_on) => Exit::Announced { first_posted: step.date, planned_on },
                None => Exit::None,
            },
            (ExitAction::Withdraw, _) => Exit::None,
            (ExitAction::Close, _) => {
                let before = exit_on(steps, plus_days(step.date, -1), known);
                let announced = match before {
                    Exit::Announced { first_posted, .. } => Some(first_posted),
                    Exit::None | Exit::Closed { .. } => None,
                };
                return Exit::Closed { on: step.date, announced };
            }
            (_, state) => state,
        };
    }
    state
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::mark::Mark;

    fn step(date: &str, action: ExitAction, planned_on: Option<&str>) -> ExitItem {
        ExitItem {
            date: date.parse().unwrap(),
            position: 1,
            until: crate::domain::evidence::STANDING,
            action,
            planned_on: planned_on.map(|d| d.parse().unwrap()),
            refund_plan: Mark::NONE,
            reason: Mark::NONE,
        }
    }

    fn day(text: &str) -> Day {
        text.parse().unwrap()
    }

    #[test]
    fn an_amendment_keeps_the_day_of_the_first_notice() {
        let steps = [
            step("2025-01-01", ExitAction::Post, Some("2025-05-01")),
            step("2025-02-01", ExitAction::Post, Some("2025-04-01")),
        ];
        assert_eq!(
            exit_on(&steps, day("2025-03-01"), 1),
            Exit::Announced { first_posted: day("2025-01-01"), planned_on: day("2025-04-01") }
        );
    }

    #[test]
    fn a_notice_posted_on_the_closing_day_is_no_announcement() {
        let steps = [
            step("2025-01-01", ExitAction::Post, Some("2025-05-01")),
            step("2025-01-05", ExitAction::Withdraw, None),
            step("2025-02-01", ExitAction::Post, Some("2025-05-01")),
            step("2025-02-01", ExitAction::Close, None),
        ];
        assert_eq!(exit_on(&steps, day("2025-02-01"), 1), Exit::Closed { on: day("2025-02-01"), announced: None });
    }

    #[test]
    fn closing_is_final() {
        let steps = [
            step("2025-01-01", ExitAction::Close, None),
            step("2025-01-02", ExitAction::Post, Some("2025-05-01")),
            step("2025-01-03", ExitAction::Close, None),
        ];
        assert_eq!(exit_on(&steps, day("2025-06-01"), 1), Exit::Closed { on: day("2025-01-01"), announced: None });
    }
}
