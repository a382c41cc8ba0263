//! How far back a notice may be dated by somebody who tells it now: a notice counts from its day, so whoever chooses the day
//! chooses the light.
//!
//! A mall tells as of today. An office may date a notice back, with a reason that is kept and shown. Sheets of an import are
//! evidence from elsewhere and are not judged by this.

use super::check::Problem;
use super::command::Command;
use super::time::{Day, FIRST_DAY};
use super::words::{ExitAction, Role};

/// Returns what is wrong with the day of a command that a role tells on `today`, if anything.
#[must_use]
pub fn fault(command: &Command, role: Role, today: Day) -> Option<Problem> {
    let Command::RecordExit(row) = command else { return None };
    // A day that nobody can mean is refused as such, elsewhere.
    if matches!(row.action, ExitAction::Close | ExitAction::Reopen) || row.date >= today || row.date < FIRST_DAY {
        return None;
    }
    if role == Role::Operator {
        return Some(Problem {
            field: "date",
            code: "today_only",
            value: row.date.to_string(),
            zh: format!("商场只能按当日（{today}）公示、变更或撤回；补录请由主管单位说明理由后办理"),
            en: format!(
                "a mall posts, amends and withdraws as of today, {today}; an earlier day is recorded by the office in charge, \
                 with its reason"
            ),
        });
    }
    row.reason.is_none().then(|| Problem {
        field: "reason",
        code: "missing",
        value: String::new(),
        zh: format!("日期 {} 早于今日 {today}，须填写补录理由", row.date),
        en: format!("{} lies before today, {today}; say why in `reason`", row.date),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault_of(action: &str, date: &str, reason: &str, role: Role) -> Option<(&'static str, &'static str)> {
        let json = format!(
            r#"{{"command":"record_exit","credit_code":"91110000101623741K","mall":"M","action":"{action}","date":"{date}",
                "planned_on":"2025-12-31"{reason}}}"#
        );
        let command = serde_json::from_str(&json).unwrap();
        fault(&command, role, "2025-07-01".parse().unwrap()).map(|problem| (problem.field, problem.code))
    }

    #[test]
    fn a_mall_tells_as_of_today_and_an_office_says_why_it_dates_back() {
        for action in ["post", "amend", "withdraw"] {
            assert_eq!(fault_of(action, "2025-07-01", "", Role::Operator), None);
            assert_eq!(fault_of(action, "2025-06-30", "", Role::Operator), Some(("date", "today_only")));
            let why = r#","reason":"found on the mall's door""#;
            assert_eq!(fault_of(action, "2025-06-30", why, Role::Operator), Some(("date", "today_only")));
            for role in [Role::Regulator, Role::Lead, Role::Admin] {
                assert_eq!(fault_of(action, "2025-06-30", "", role), Some(("reason", "missing")));
                assert_eq!(fault_of(action, "2025-06-30", why, role), None);
                assert_eq!(fault_of(action, "2025-07-01", "", role), None);
            }
        }
        assert_eq!(fault_of("close", "2025-06-30", "", Role::Operator), None, "that it closed is often learnt later");
    }
}
