//! A figure some 10,000 times the last one, or a 10,000th of it: 万元 and 元 are easily taken for each other, and nobody sees it in
//! a column of figures. It is taken, for it may be true, and said.

use super::check::Problem;
use super::command::Command;
use super::envelope::Position;
use super::evidence::Evidence;
use super::merchant::Merchant;
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
    let (field, amount, last) = match command {
        Command::ReportBalance(row) => {
            let figures = standing(&merchant.balances).map(|figure| (figure.date, figure.amount));
            ("outstanding", row.outstanding, last_figure(figures, row.date))
        }
        Command::ReportCustody(row) => {
            let figures = standing(&merchant.custody).map(|report| (report.date, report.amount));
            ("held", row.held, last_figure(figures, row.date))
        }
        _ => return None,
    };
    let (on, was) = last?;
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

fn standing<T: Evidence>(items: &[T]) -> impl Iterator<Item = &T> {
    items.iter().filter(|item| item.stands(Position::MAX))
}

/// The figure of the newest day up to `date`; else the first one after it.
fn last_figure(figures: impl Iterator<Item = (Day, Yuan)>, date: Day) -> Option<(Day, Yuan)> {
    figures.reduce(|kept, other| match (kept.0 <= date, other.0 <= date) {
        (true, true) if other.0 >= kept.0 => other,
        (false, true) => other,
        (false, false) if other.0 < kept.0 => other,
        _ => kept,
    })
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
    fn the_figure_before_is_that_of_the_newest_day_up_to_this_one() {
        let figure = |date: &str, amount: &str| (date.parse().unwrap(), amount.parse().unwrap());
        let figures = [figure("2025-03-31", "2"), figure("2025-06-30", "3")];
        let last = |date: &str| last_figure(figures.into_iter(), date.parse().unwrap()).map(|last| last.1.to_string());
        assert_eq!(last("2025-05-01").as_deref(), Some("2.00"));
        assert_eq!(last("2025-06-30").as_deref(), Some("3.00"));
        assert_eq!(last("2025-09-30").as_deref(), Some("3.00"));
        assert_eq!(last("2025-01-01").as_deref(), Some("2.00"));
        assert_eq!(last_figure(std::iter::empty(), "2025-01-01".parse().unwrap()), None);
    }
}
