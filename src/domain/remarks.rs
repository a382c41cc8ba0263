//! What a receipt says besides *recorded*: that a statement about a shop changes nothing, or speaks of a shop or merchant that
//! nobody registered. Most of this is odd but true; a unit that is not known must be confirmed, because a misspelt one makes a
//! shop that does not exist, and leaves the real one without its notice.

use super::check::Problem;
use super::command::{Command, RecordExit};
use super::envelope::Position;
use super::exit::{Exit, exit_on};
use super::jump;
use super::merchant::Merchant;
use super::name_key;
use super::time::Day;
use super::words::ExitAction;

/// Returns what is worth saying about a command that changes something.
#[must_use]
pub fn of(command: &Command, merchant: Option<&Merchant>) -> Vec<Problem> {
    let mut remarks = Vec::new();
    let about_shop = matches!(
        command,
        Command::RecordExit(_)
            | Command::RecordSignal(_)
            | Command::ReportComplaintRate(_)
            | Command::ReportPrepaidShare(_)
            | Command::RecordTenancy(_)
    );
    if about_shop && merchant.is_none_or(|merchant| !merchant.is_registered(Position::MAX)) {
        remarks.push(unregistered(command));
    }
    remarks.extend(merchant.and_then(|merchant| jump::of(command, merchant)));
    if let (Command::RecordExit(row), Some(merchant)) = (command, merchant) {
        remarks.extend(closed_since(row, merchant).map(|since| closed(row, since)));
        remarks.extend(unknown_unit(row, merchant).map(|units| taken_as_new(row, &units)));
    }
    remarks
}

/// Returns the units that the merchant is known to have in this mall, if it has some and this is none of them.
#[must_use]
pub fn unknown_unit(row: &RecordExit, merchant: &Merchant) -> Option<Vec<String>> {
    let (mall, unit) = (row.mall.as_deref().unwrap_or_default(), row.unit.as_deref().unwrap_or_default());
    let here = merchant.shops.iter().filter(|shop| shop.is_in(mall)).map(|shop| shop.name.unit.clone());
    let units: Vec<String> = here.collect();
    (!units.is_empty() && !units.iter().any(|known| name_key::same(known, unit))).then_some(units)
}

/// Returns the refusal of a step about a unit that is not known.
#[must_use]
pub fn unconfirmed(row: &RecordExit, units: &[String]) -> Problem {
    let (zh, en) = (listed(units, "（无铺位号）"), listed(units, "(no unit)"));
    Problem {
        field: "unit",
        code: "unknown_unit",
        value: row.unit.clone().unwrap_or_default(),
        zh: format!("该商户在此商场登记的铺位是：{zh}；请改正铺位号，确为另一铺位时请确认（new_unit）"),
        en: format!(
            "the units known of this merchant in this mall are: {en}; correct the unit, or confirm a new one with `new_unit`"
        ),
    }
}

fn taken_as_new(row: &RecordExit, units: &[String]) -> Problem {
    let (zh, en) = (listed(units, "（无铺位号）"), listed(units, "(no unit)"));
    Problem {
        field: "unit",
        code: "new_unit",
        value: row.unit.clone().unwrap_or_default(),
        zh: format!("该商户在此商场登记的铺位是：{zh}；已按另一铺位记录，请核对铺位号"),
        en: format!(
            "the units known of this merchant in this mall are: {en}; recorded as another shop, please check the unit"
        ),
    }
}

fn listed(units: &[String], none: &str) -> String {
    let names: Vec<&str> = units.iter().map(|unit| if unit.is_empty() { none } else { unit.as_str() }).collect();
    names.join(", ")
}

/// Returns the day the shop closed, if it is closed already.
fn closed_since(row: &RecordExit, merchant: &Merchant) -> Option<Day> {
    let shop = merchant.shop(row.mall.as_deref(), row.unit.as_deref())?;
    match exit_on(&shop.exits, Day::MAX, Position::MAX) {
        // Closing is final: what is dated before it still counts.
        Exit::Closed { on, .. } if row.date >= on => Some(on),
        _ => None,
    }
}

fn closed(row: &RecordExit, since: Day) -> Problem {
    let (zh, en) = match row.action {
        ExitAction::Close => ("闭店", "closing"),
        ExitAction::Reopen => ("恢复营业", "reopening"),
        ExitAction::Post | ExitAction::Amend | ExitAction::Withdraw => ("公示", "notice"),
    };
    Problem {
        field: "action",
        code: "shop_closed",
        value: row.action.zh().to_owned(),
        zh: format!("该店已于 {since} 闭店；本次{zh}已留存，不改变灯情"),
        en: format!("the shop closed on {since}; this {en} is kept and changes no light"),
    }
}

fn unregistered(command: &Command) -> Problem {
    let code = command.credit_code().map(|code| code.to_string()).unwrap_or_default();
    Problem {
        field: "credit_code",
        code: "unregistered",
        value: code.clone(),
        zh: format!("商户 `{code}` 未登记；已按未登记商户记录，亮灯时通知专班办公室；请核对统一社会信用代码"),
        en: format!(
            "merchant `{code}` is not in the register; recorded as an unregistered one, whose lights go to the lead office; \
             please check the code"
        ),
    }
}
