//! Whose district a ticket without a credit code is: what it says of the shop leads to merchants, to a mall or to a street, and these
//! lie somewhere.

use super::{By, Clues, has_shop_in, names_place};
use crate::domain::code::DivisionCode;
use crate::domain::envelope::Position;
use crate::domain::evidence::STANDING;
use crate::domain::merchant::Merchant;
use crate::domain::name_key::same;
use crate::domain::world::World;
use std::collections::BTreeSet;

/// Returns the districts that a ticket plainly points at; none if what it says is nowhere on record. The closest counts: merchants of
/// that name, alias or brand in the mall or street that it names, then the mall, the street, what the address names, and at last
/// merchants of that name wherever they are.
#[must_use]
pub fn districts(clues: &Clues<'_>, world: &World) -> BTreeSet<DivisionCode> {
    let named = || {
        let names = clues.name.into_iter().flat_map(|name| [By::Name(name), By::Brand(name)]);
        names.chain(clues.brand.map(By::Brand)).flat_map(|by| world.called(by))
    };
    let of = |merchant: &Merchant| merchant.division(Position::MAX);
    let steps: [&dyn Fn() -> BTreeSet<DivisionCode>; 5] = [
        &|| named().filter(|merchant| is_there(clues, merchant)).filter_map(of).collect(),
        &|| clues.mall.into_iter().flat_map(|mall| world.gazetteer().districts(mall)).collect(),
        &|| clues.street.into_iter().flat_map(|street| world.gazetteer().districts(street)).collect(),
        &|| clues.address.into_iter().flat_map(|address| world.gazetteer().districts_in(address)).collect(),
        &|| named().filter_map(of).collect(),
    ];
    steps.into_iter().map(|step| step()).find(|found| !found.is_empty()).unwrap_or_default()
}

/// Says whether a merchant is in the mall or the street that a ticket names.
fn is_there(clues: &Clues<'_>, merchant: &Merchant) -> bool {
    let in_address = |place: &str| clues.address.is_some_and(|address| names_place(address, place));
    let street = merchant.detail(STANDING, |row| row.street.as_deref());
    has_shop_in(merchant, clues.mall)
        || merchant.shops.iter().any(|shop| in_address(&shop.name.mall))
        || street.is_some_and(|street| clues.street.is_some_and(|said| same(said, street)) || in_address(street))
}
