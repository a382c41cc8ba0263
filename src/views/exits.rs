//! Exit notices (撤店公示) that stand, and shops that are closed.

use super::View;
use crate::domain::code::CreditCode;
use crate::domain::envelope::Position;
use crate::domain::event::ShopName;
use crate::domain::exit::{Exit, exit_on};
use crate::domain::merchant::Merchant;
use crate::domain::time::{Day, day_of, days_between};

/// A shop that leaves or has closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExitRow {
    /// Tenant.
    pub credit_code: CreditCode,
    /// Its name; absent if it is not in the register.
    pub name: Option<String>,
    /// Shop.
    pub shop: ShopName,
    /// How the exit stands.
    pub exit: Exit,
}

/// Days of a standing notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Countdown {
    /// Day the first notice was posted.
    pub first_posted: Day,
    /// Planned last day.
    pub planned_on: Day,
    /// Days until then; negative once it has passed.
    pub days_left: i64,
    /// Days from the first notice to the planned day.
    pub notice_days: i64,
}

impl ExitRow {
    /// Returns the countdown of a standing notice; `None` if the shop is closed.
    #[must_use]
    pub fn countdown(&self, today: Day) -> Option<Countdown> {
        Countdown::of(&self.exit, today)
    }
}

impl Countdown {
    /// Returns the days of an exit on a day; `None` if no notice stands.
    #[must_use]
    pub fn of(exit: &Exit, today: Day) -> Option<Self> {
        match *exit {
            Exit::Announced { first_posted, planned_on } => Some(Self {
                first_posted,
                planned_on,
                days_left: days_between(today, planned_on),
                notice_days: days_between(first_posted, planned_on),
            }),
            Exit::None | Exit::Closed { .. } => None,
        }
    }
}

impl View<'_> {
    /// Lists the shops that leave or have closed, in one mall or in all of the scope: standing notices by planned day,
    /// then closed shops, latest first.
    #[must_use]
    pub fn exits(&self, mall: Option<&str>) -> Vec<ExitRow> {
        self.exits_among(self.merchants(), mall)
    }

    /// Lists the same of one merchant.
    #[must_use]
    pub fn exits_of(&self, code: CreditCode) -> Vec<ExitRow> {
        self.exits_among(self.merchant(code), None)
    }

    fn exits_among<'m>(&self, merchants: impl IntoIterator<Item = &'m Merchant>, mall: Option<&str>) -> Vec<ExitRow> {
        let today = day_of(self.now);
        let mut rows = Vec::new();
        for merchant in merchants {
            let reader = self.reader(merchant);
            for shop in merchant.shops.iter().filter(|shop| !shop.exits.is_empty()) {
                let exit = exit_on(&shop.exits, today, Position::MAX);
                let wanted = mall.is_none_or(|mall| shop.is_in(mall)) && reader.sees_shops_in(&shop.name.mall);
                if wanted && exit != Exit::None {
                    rows.push(ExitRow {
                        credit_code: merchant.code,
                        name: merchant.name(Position::MAX).map(str::to_owned),
                        shop: shop.name.clone(),
                        exit,
                    });
                }
            }
        }
        rows.sort_by_key(|row| match row.exit {
            Exit::Announced { planned_on, .. } => (0, days_between(today, planned_on), row.credit_code),
            Exit::Closed { on, .. } => (1, days_between(on, today), row.credit_code),
            Exit::None => (2, 0, row.credit_code),
        });
        rows
    }
}
