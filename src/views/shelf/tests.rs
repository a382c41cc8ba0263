//! A shelf against the plain way: whatever is asked, the answers are the same.

use super::*;
use crate::desk::Desk;
use crate::domain::time::start_of;
use crate::log::memory::MemoryLog;
use crate::sim::{Plan, lived};
use crate::views::View;
use crate::views::board::{Filter, Order, UNDETERMINED};

const ORDERS: [Order; 7] =
    [Order::Worst, Order::Name, Order::AtRisk, Order::Shortfall, Order::Since, Order::Sector, Order::Place];

/// Calls `look` with the desk after every day of a district that is lived through.
fn live_through(seed: u64, merchants: u64, look: impl FnMut(&Desk, Day)) {
    let (from, until) = ("2025-03-01".parse().unwrap(), "2025-07-31".parse().unwrap());
    lived::live_through(&Arc::new(MemoryLog::new()), &Plan { seed, merchants, from, until }, look);
}

fn scope(role: Role) -> Scope {
    Scope { role, ..Scope::everything() }
}

/// Readers of every kind, some of whom see a part.
fn scopes(picture: &Picture) -> Vec<Scope> {
    let merchants = || picture.world.merchants().iter();
    let mall = merchants().flat_map(|it| &it.shops).map(|shop| shop.name.mall.clone()).find(|mall| !mall.is_empty());
    let bank = merchants().find_map(|it| it.bank()).map(str::to_owned);
    let sector = picture.policies.sectors.all().first().map(|sector| sector.id.clone()).into_iter().collect();
    vec![
        Scope::everything(),
        Scope { divisions: vec!["110105".to_owned()], ..scope(Role::Lead) },
        Scope { sectors: sector, ..scope(Role::Regulator) },
        // Typed in another way than in the register.
        Scope {
            malls: mall.map(|mall| format!(" {} ", mall.to_lowercase())).into_iter().collect(),
            ..scope(Role::Operator)
        },
        Scope { bank, ..scope(Role::Bank) },
        Scope { bank: Some("no such bank".to_owned()), ..scope(Role::Bank) },
    ]
}

fn filters(picture: &Picture) -> Vec<Filter> {
    let merchants = || picture.world.merchants().iter();
    let mall = merchants().flat_map(|it| &it.shops).map(|shop| shop.name.mall.clone()).find(|mall| !mall.is_empty());
    let street = merchants().find_map(|it| it.detail(Position::MAX, |row| row.street.as_deref())).map(str::to_owned);
    let name = merchants().find_map(|it| it.name(Position::MAX)).map(|name| name.chars().take(2).collect());
    let plain = Filter::default();
    vec![
        plain.clone(),
        Filter { light: Some(Light::Red), ..plain.clone() },
        Filter { light: Some(Light::Green), division: Some("1101".to_owned()), ..plain.clone() },
        Filter { sector: Some(UNDETERMINED.to_owned()), ..plain.clone() },
        Filter { sector: Some("no such sector".to_owned()), ..plain.clone() },
        Filter { street, ..plain.clone() },
        Filter { mall: mall.clone(), ..plain.clone() },
        Filter { mall: mall.map(|mall| mall.to_lowercase()), light: Some(Light::Yellow), ..plain.clone() },
        Filter { query: name, ..plain.clone() },
        Filter { query: Some("  ".to_owned()), ..plain },
    ]
}

#[track_caller]
fn assert_same(picture: &Picture, shelf: &Shelf, now: Instant, say: &str) {
    for scope in scopes(picture) {
        let plain = View::new(picture, &scope, now);
        let looked_up = plain.on(shelf);
        assert!(plain.merchants().eq(looked_up.merchants()), "{say}, {scope:?}: merchants");
        assert_eq!(plain.choices(), looked_up.choices(), "{say}, {scope:?}");
        for filter in filters(picture) {
            let of = format!("{say}, {scope:?}, {filter:?}");
            assert_eq!(plain.counts(&filter), looked_up.counts(&filter), "{of}");
            assert_eq!(plain.tallies(&filter), looked_up.tallies(&filter), "{of}");
            assert_eq!(plain.grid(&filter), looked_up.grid(&filter), "{of}");
            for order in ORDERS {
                for (reverse, skip, take) in [(false, 0, 7), (true, 0, 7), (false, 5, usize::MAX), (true, 1_000, 5)] {
                    let page = |view: &View<'_>| view.list_by(&filter, (order, reverse), skip, take);
                    assert_eq!(page(&plain), page(&looked_up), "{of}, {order:?} {reverse} {skip} {take}");
                }
            }
        }
    }
}

#[test]
fn a_shelf_that_is_kept_up_to_date_answers_as_if_all_merchants_were_gone_over() {
    // Asked on one day, so that it is brought up to date and never made anew.
    let now = start_of("2025-08-01".parse().unwrap());
    let (mut kept, mut days) = (None::<Shelf>, 0_u32);
    live_through(1, 30, |desk, day| {
        days += 1;
        // Now every day, now once a week: it misses nothing that it slept through.
        if days.is_multiple_of(7) || (day.month() == 5 && day.day() < 15) {
            let picture = desk.picture();
            let shelf = kept.get_or_insert_with(|| Shelf::of(&picture, now));
            shelf.catch_up(&picture, now);
            assert_same(&picture, shelf, now, &day.to_string());
        }
    });
    assert!(days > 50, "{days}");
}

#[test]
fn money_goes_by_the_day_and_the_policies_so_another_day_makes_a_shelf_anew() {
    let mut kept = None::<Shelf>;
    live_through(2, 30, |desk, day| {
        let (picture, now) = (desk.picture(), desk.now());
        let shelf = kept.get_or_insert_with(|| Shelf::of(&picture, now));
        shelf.catch_up(&picture, now);
        if day.day() == 15 {
            assert_same(&picture, shelf, now, &day.to_string());
        }
    });
}

#[test]
fn nobody_who_asks_meets_a_shelf_of_another_picture_and_one_that_nobody_asks_for_is_given_back() {
    let newest = Newest::default();
    live_through(4, 10, |desk, day| {
        let (picture, shelf) = newest.shelf(|| desk.picture(), desk.now());
        assert_eq!((shelf.position, shelf.today), (picture.position, day_of(desk.now())), "{day}");
        (0..600).for_each(|_| newest.tend(|| desk.picture(), desk.now()));
        assert!(newest.is_kept(), "somebody asked for it ten minutes ago");
        newest.tend(|| desk.picture(), desk.now());
        assert!(!newest.is_kept());
    });
}
