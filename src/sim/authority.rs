//! What authorities do: lists (名单) and enforcement (执法).

use super::chance::Chance;
use super::merchant::Merchant;
use super::story::Story;
use crate::domain::command::{Command, RecordEnforcement, RecordListing};
use crate::domain::time::{Day, plus_days};
use crate::domain::words::{EnforcementKind, ListKind};

/// Tells the entries in lists.
pub(super) fn list(merchant: &Merchant, chance: &mut Chance, story: &mut Story) {
    for (per_mille, list) in [
        (28, ListKind::CourtDefaulter),
        (15, ListKind::Abnormal),
        (6, ListKind::Serious),
        (28, ListKind::Deregistering),
    ] {
        if !chance.per_mille(per_mille) {
            continue;
        }
        let entered_on = story.day(chance).max(merchant.since);
        let mut row = RecordListing { credit_code: merchant.code, list, entered_on, removed_on: None };
        let known_on = story.tell(plus_days(entered_on, chance.between(0, 10)), Command::RecordListing(row.clone()));
        if chance.percent(45) {
            let removed_on = plus_days(entered_on, chance.between(7, 200));
            row.removed_on = Some(removed_on);
            story.tell(removed_on.max(known_on), Command::RecordListing(row));
        }
    }
}

/// Tells the acts of enforcement.
pub(super) fn enforce(merchant: &Merchant, chance: &mut Chance, story: &mut Story) {
    if chance.percent(12) {
        for _ in 0..chance.weighted(&[(55, 1), (30, 2), (15, 3)]) {
            let kind = chance.weighted(&[
                (25, EnforcementKind::WarningLetter),
                (25, EnforcementKind::YellowCard),
                (20, EnforcementKind::Talk),
                (30, EnforcementKind::Penalty),
            ]);
            let date = story.day(chance).max(merchant.since);
            let number = number(date, chance);
            act(merchant, kind, date, None, Some(number), story, chance.between(0, 5));
        }
    }
    let mut date = merchant.since;
    for _ in 0..chance.weighted(&[(955, 0), (35, 1), (10, 2)]) {
        // One after the other: an order is met before the next is given, or is the last.
        date = story.day(chance).max(plus_days(date, 1));
        let due_on = plus_days(date, 15);
        let number = number(date, chance);
        act(merchant, EnforcementKind::RectificationOrdered, date, Some(due_on), Some(number), story, 0);
        let met_on = match chance.below(10) {
            0..3 => plus_days(due_on, -chance.between(1, 12)),
            3 => due_on,
            4 => plus_days(due_on, 1),
            5 => plus_days(due_on, chance.between(2, 40)),
            _ => return,
        };
        act(merchant, EnforcementKind::RectificationMet, met_on, None, None, story, 0);
        date = met_on;
    }
}

fn act(
    merchant: &Merchant,
    kind: EnforcementKind,
    date: Day,
    due_on: Option<Day>,
    number: Option<String>,
    story: &mut Story,
    late: i64,
) {
    let row = RecordEnforcement { credit_code: merchant.code, kind, date, due_on, number, result: None };
    story.tell(plus_days(date, late), Command::RecordEnforcement(row));
}

fn number(date: Day, chance: &mut Chance) -> String {
    format!("京海市监〔{}〕{}号", date.year(), chance.between(1, 999))
}
