//! What malls report of their tenants: exits (撤店) and signals (信号).

use super::chance::Chance;
use super::merchant::{Merchant, Shop};
use super::story::Story;
use crate::domain::command::{Command, RecordExit, RecordSignal, ReportRatio};
use crate::domain::time::{Day, plus_days};
use crate::domain::words::{ExitAction, SignalKind};

/// Days between notice and planned exit: the law's 30 and 90, one day to either side, and some far from them.
const NOTICES: [(u64, i64); 10] =
    [(1, 0), (10, 20), (8, 29), (10, 30), (8, 31), (10, 60), (12, 89), (20, 90), (12, 91), (10, 120)];

/// The steps of one shop's exit.
struct Exit<'a> {
    merchant: &'a Merchant,
    shop: &'a Shop,
    known_on: Day,
}

impl Exit<'_> {
    fn step(&mut self, story: &mut Story, action: ExitAction, date: Day, late: i64, plan: Option<(Day, Option<&str>)>) {
        let row = RecordExit {
            credit_code: self.merchant.code,
            mall: self.shop.mall.clone(),
            unit: self.shop.unit.clone(),
            action,
            date,
            planned_on: plan.map(|(day, _)| day),
            reason: None,
            new_unit: false,
            refund_plan: plan.and_then(|(_, refund)| refund).map(str::to_owned),
        };
        let known_on = plus_days(date, late).max(self.known_on);
        self.known_on = story.tell(known_on, Command::RecordExit(row));
    }
}

/// Tells which shops leave and how, and returns the days on which one closed without a standing notice.
pub(super) fn leave(merchant: &Merchant, chance: &mut Chance, story: &mut Story) -> Vec<Day> {
    let mut unannounced = Vec::new();
    for shop in &merchant.shops {
        if !chance.percent(if merchant.closer { 45 } else { 14 }) {
            continue;
        }
        let begin = story.day(chance).max(merchant.since);
        let mut exit = Exit { merchant, shop, known_on: begin };
        if chance.percent(if merchant.closer { 60 } else { 18 }) {
            let found = chance.between(0, 10);
            exit.step(story, ExitAction::Close, begin, found, None);
            unannounced.push(begin);
            continue;
        }
        unannounced.extend(announced(&mut exit, begin, chance, story));
    }
    unannounced
}

/// Tells an exit that begins with a notice; returns the closing day if no notice stood the day before.
fn announced(exit: &mut Exit<'_>, posted: Day, chance: &mut Chance, story: &mut Story) -> Option<Day> {
    let refund = chance.percent(45).then(|| chance.pick(&["原路退回", "转至分店", "现场办理退款"]));
    let mut planned = plus_days(posted, chance.weighted(&NOTICES));
    let late = chance.between(0, 2);
    exit.step(story, ExitAction::Post, posted, late, Some((planned, refund)));
    let mut latest = posted;
    if planned > plus_days(posted, 6) && chance.percent(25) {
        latest = plus_days(posted, 5);
        planned = plus_days(planned, chance.pick(&[-20, -10, 10, 20])).max(latest);
        exit.step(story, ExitAction::Amend, latest, 0, Some((planned, refund.filter(|_| chance.percent(30)))));
    }
    match chance.below(100) {
        // Still open at the end of the story.
        0..30 => None,
        30..42 => {
            let withdrawn = plus_days(latest, chance.between(1, 15));
            exit.step(story, ExitAction::Withdraw, withdrawn, 0, None);
            match chance.below(10) {
                // Withdrawn, and closed all the same: the notice no longer stood.
                0..3 => {
                    let closed = plus_days(withdrawn, chance.pick(&[2, 5, 20, 80]));
                    exit.step(story, ExitAction::Close, closed, 0, None);
                    Some(closed)
                }
                // A second notice begins a new exit.
                3..6 => {
                    let again = plus_days(withdrawn, chance.between(10, 60));
                    exit.step(story, ExitAction::Post, again, 0, Some((plus_days(again, 90), refund)));
                    None
                }
                _ => None,
            }
        }
        // On the very day of the notice: nobody was told the day before.
        42..45 if latest == posted => {
            exit.step(story, ExitAction::Close, posted, 0, None);
            Some(posted)
        }
        45..72 => {
            let late = chance.between(0, 2);
            exit.step(story, ExitAction::Close, planned.max(plus_days(latest, 1)), late, None);
            None
        }
        72..86 => {
            let early = plus_days(planned, -chance.between(1, 20)).max(plus_days(latest, 1));
            exit.step(story, ExitAction::Close, early, 0, None);
            None
        }
        _ => {
            let closed = plus_days(planned.max(latest), chance.between(1, 15));
            exit.step(story, ExitAction::Close, closed, 0, None);
            None
        }
    }
}

/// Tells the signals, the complaint rates and the prepaid shares.
pub(super) fn signal(merchant: &Merchant, chance: &mut Chance, story: &mut Story) {
    for kind in SignalKind::ALL {
        if chance.percent(8) {
            raise(merchant, *kind, chance, story);
        }
    }
    if chance.percent(7) {
        rates(merchant, chance, story);
    }
    for _ in 0..chance.weighted(&[(78, 0), (18, 1), (4, 2)]) {
        let shop = merchant.shop(chance);
        let date = story.day(chance).max(merchant.since);
        let share = chance.pick(&["0.3", "0.5", "0.5001", "0.51", "0.8", "1"]);
        if let Some(row) = ratio(merchant, shop, date, share) {
            let late = chance.between(0, 12);
            story.tell(plus_days(date, late), Command::ReportPrepaidShare(row));
        }
    }
}

fn raise(merchant: &Merchant, kind: SignalKind, chance: &mut Chance, story: &mut Story) {
    let Shop { mall, unit, .. } = merchant.shop(chance);
    let date = story.day(chance).max(merchant.since);
    let mut row = RecordSignal { credit_code: merchant.code, mall, unit, kind, date, value: None, cleared_on: None };
    let known_on = story.tell(plus_days(date, chance.between(0, 5)), Command::RecordSignal(row.clone()));
    if chance.percent(55) {
        let cleared_on = plus_days(date, chance.pick(&[0, 1, 3, 5, 14, 30, 81]));
        row.cleared_on = Some(cleared_on);
        let told = plus_days(cleared_on, chance.between(0, 5)).max(known_on);
        story.tell(told, Command::RecordSignal(row));
    }
}

/// Tells a run of monthly complaint rates around the 5 % that count, with gaps and corrections.
fn rates(merchant: &Merchant, chance: &mut Chance, story: &mut Story) {
    let shop = merchant.shop(chance);
    let mut month = story.day(chance).max(merchant.since).first_of_month();
    for _ in 0..chance.between(2, 9) {
        let date = match chance.below(10) {
            0..6 => plus_days(month, 27),
            6..9 => month.last_of_month(),
            _ => month,
        };
        let rate = chance.pick(&["0.04", "0.05", "0.0501", "0.06", "0.08"]);
        let mut known_on = plus_days(month.last_of_month(), chance.between(1, 9));
        if !chance.percent(12) {
            if let Some(row) = ratio(merchant, shop.clone(), date, rate) {
                known_on = story.tell(known_on, Command::ReportComplaintRate(row));
            }
            if let Some(row) = ratio(merchant, shop.clone(), date, "0.05").filter(|_| chance.percent(6)) {
                let corrected = plus_days(known_on, chance.between(1, 10));
                story.tell(corrected, Command::ReportComplaintRate(row));
            }
        }
        month = plus_days(month.last_of_month(), 1);
    }
}

fn ratio(merchant: &Merchant, shop: Shop, date: Day, text: &str) -> Option<ReportRatio> {
    let Shop { mall, unit, .. } = shop;
    Some(ReportRatio { credit_code: merchant.code, mall, unit, date, ratio: text.parse().ok()? })
}
