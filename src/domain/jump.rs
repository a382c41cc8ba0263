//! A figure some 10,000 times the last one, or a 10,000th of it: 万元 and 元 are easily taken for each other, and nobody sees it in
//! a column of figures. It is taken, for it may be true, and said.

use super::check::Problem;
use super::command::Command;
use super::merchant::{Amount, Merchant};
use super::money::Yuan;
use super::time::Day;
use rust_decimal::Decimal;

/// 万.
const TEN_THOUSAND: u32 = 10_000;

/// How far from 10,000 times it may be: a balance trebles or falls to a third between two reports, hardly more.
const AROUND: u32 = 3;

/// Returns the remark on a figure that jumps.
#[must_use]
pub fn of(command: &Command, merchant: &Merchant) -> Option<Problem> {
    let (field, date, amount, before) = match command {
        Command::ReportBalance(row) => ("outstanding", row.date, row.outstanding, &merchant.balances),
        Command::ReportCustody(row) => ("held", row.date, row.held, &merchant.custody),
        _ => return None,
    };
    let last = last_figure(before, date)?;
    let (on, was) = (last.date, last.amount);
    jumps(amount, was).then(|| Problem {
        field,
        code: "jump",
        value: amount.to_string(),
        zh: format!("约为上次（{on}，{was} 元）的一万倍或万分之一，已接收，请核对单位是元还是万元"),
        en: format!(
            "it is about 10,000 times the last figure ({on}, {was} yuan) or a 10,000th of it; it was taken, check whether yuan or 万元 \
             is meant"
        ),
    })
}

/// The figure of the newest day up to `date`, as it stands; else the first one after it.
fn last_figure(figures: &[Amount], date: Day) -> Option<Amount> {
    let until = figures.iter().filter(|figure| figure.date <= date);
    let after = || figures.iter().min_by_key(|figure| ({ figure.date }, std::cmp::Reverse(figure.position)));
    until.max_by_key(|figure| ({ figure.date }, { figure.position })).or_else(after).copied()
}

fn jumps(new: Yuan, last: Yuan) -> bool {
    let (less, more) = (new.min(last).decimal(), new.max(last).decimal());
    let factor = Decimal::from(TEN_THOUSAND);
    let around = Decimal::from(AROUND);
    !less.is_zero() && more * around >= less * factor && more <= less * factor * around
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn about_ten_thousand_times_is_a_jump_in_either_direction() {
        let yuan = |text: &str| text.parse::<Yuan>().unwrap();
        for (new, last) in
            [("1234500", "123.45"), ("123.45", "1234500"), ("1300000", "123"), ("400000", "100"), ("3000000", "100")]
        {
            assert!(jumps(yuan(new), yuan(last)), "{new} after {last}");
        }
        for (new, last) in
            [("0", "1234500"), ("1234500", "0"), ("200", "100"), ("100000", "100"), ("30000000", "100"), ("0", "0")]
        {
            assert!(!jumps(yuan(new), yuan(last)), "{new} after {last}");
        }
    }

    #[test]
    fn the_figure_before_is_that_of_the_newest_day_up_to_this_one_as_it_stands() {
        let figure = |date: &str, position, amount: &str| Amount {
            date: date.parse().unwrap(),
            position,
            amount: amount.parse().unwrap(),
        };
        let figures = [figure("2025-03-31", 1, "1"), figure("2025-03-31", 3, "2"), figure("2025-06-30", 2, "3")];
        let last =
            |date: &str| last_figure(&figures, date.parse().unwrap()).map(|figure| { figure.amount }.to_string());
        assert_eq!(last("2025-05-01").as_deref(), Some("2.00"));
        assert_eq!(last("2025-09-30").as_deref(), Some("3.00"));
        assert_eq!(last("2025-01-01").as_deref(), Some("2.00"));
        assert_eq!(last_figure(&[], "2025-01-01".parse().unwrap()), None);
    }
}
