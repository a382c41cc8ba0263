//! Other names of merchants (别名): former ones (曾用名), and those over the door (招牌名). A person says that a name always means a
//! merchant, wherever or in one mall or street; what persons decided alike again and again is offered as such a name.

use super::{By, Clues, Entry, Queue, State, has_shop_in, names_place};
use crate::domain::check::Problem;
use crate::domain::code::CreditCode;
use crate::domain::code_key::code;
use crate::domain::command::Command;
use crate::domain::decide::Known;
use crate::domain::empty_words::is_empty_word;
use crate::domain::envelope::Position;
use crate::domain::event::MerchantAlias;
use crate::domain::evidence::{Alias, STANDING};
use crate::domain::merchant::Merchant;
use crate::domain::name_key::{key, same};
use crate::domain::world::World;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How an address says that it names a street, a township or a town.
const STREETS: [&str; 4] = ["街道", "地区", "乡", "镇"];

impl Alias {
    /// Says whether it is meant in one place only.
    #[must_use]
    pub fn is_narrowed(&self) -> bool {
        self.mall.is_some() || self.street.is_some()
    }

    /// Says whether it is the one that is spoken of: the same name, meant in the same place.
    #[must_use]
    pub fn is(&self, said: &MerchantAlias) -> bool {
        let place = |own: &Option<Box<str>>, said: &Option<String>| own.as_deref().map(key) == said.as_deref().map(key);
        same(&self.name, &said.alias) && place(&self.mall, &said.mall) && place(&self.street, &said.street)
    }

    /// Says whether it is meant where a ticket says that the shop is.
    fn is_meant(&self, clues: &Clues<'_>) -> bool {
        let is_there = |place: &Option<Box<str>>, said: Option<&str>| {
            place.as_deref().is_none_or(|place| {
                said.map_or_else(
                    || clues.address.is_some_and(|address| names_place(address, place)),
                    |said| same(said, place),
                )
            })
        };
        is_there(&self.mall, clues.mall) && is_there(&self.street, clues.street)
    }
}

/// Returns the other name of a merchant by which a ticket means it; the narrowest, if it means it by several.
pub(super) fn meant<'a>(clues: &Clues<'_>, merchant: &'a Merchant) -> Option<&'a Alias> {
    let all = merchant.aliases_called(clues.name?).filter(|alias| alias.is_meant(clues));
    all.max_by_key(|alias| (alias.mall.is_some(), alias.street.is_some()))
}

/// Says whether an address names some street, township or town.
pub(super) fn names_a_street(address: &str) -> bool {
    STREETS.iter().any(|street| address.contains(street))
}

/// Says whether a name that is to be recorded means others, too: another merchant in the register has it as its name, brand or other
/// name, and a shop in that mall or street, if one is named; or, wherever it is said, a person decided a ticket with it otherwise.
pub fn is_shared<'a>(command: &Command, queue: &Queue, called: impl Fn(By<'_>) -> Vec<&'a Merchant>) -> bool {
    let Command::RecordAlias(row) = command else { return false };
    let is_other = |code: CreditCode| code != row.credit_code;
    let everywhere = row.mall.is_none() && row.street.is_none();
    let is_there = |one: &Merchant| {
        let street = one.detail(STANDING, |known| known.street.as_deref());
        everywhere
            || has_shop_in(one, row.mall.as_deref())
            || row.street.as_deref().is_some_and(|named| street.is_some_and(|street| same(named, street)))
    };
    let called = [By::Name(&row.alias), By::Brand(&row.alias)].into_iter().flat_map(called);
    called.into_iter().any(|one| is_other(one.code) && is_there(one))
        || everywhere && queue.decided_as(&row.alias).any(|entry| decided_for(entry).is_none_or(is_other))
}

/// Returns whose a decided ticket is; `None`: nobody's here.
fn decided_for(entry: &Entry) -> Option<CreditCode> {
    match entry.state {
        State::Attributed(code, _) => Some(code),
        State::SetAside | State::Waiting => None,
    }
}

/// Words that stand for every company and every shop.
const OF_EVERYBODY: [&str; 16] = [
    "公司",
    "有限公司",
    "有限责任公司",
    "股份有限公司",
    "分公司",
    "个体工商户",
    "店",
    "本店",
    "该店",
    "总店",
    "分店",
    "门店",
    "商店",
    "商家",
    "商户",
    "企业",
];
/// Fewest letters of a name that can mean one merchant.
const FEWEST_LETTERS: usize = 2;

/// Returns why a text by itself is no other name of anybody: a credit code, digits, one letter, a word for every shop or for nothing.
#[must_use]
pub fn names_nobody(alias: &str) -> Option<Problem> {
    let (code, zh, en) = if code(alias).parse::<CreditCode>().is_ok() {
        ("credit_code", "这是统一社会信用代码，不是名称", "this is a credit code and no name")
    } else if is_empty_word(alias) || OF_EVERYBODY.contains(&&*key(alias)) {
        (
            "of_everybody",
            "这个词不指任何一家商户；请填写店名或招牌名",
            "this word means no shop in particular; give the name over its door",
        )
    } else if !alias.chars().any(char::is_alphabetic) {
        (
            "no_letter",
            "只有数字或符号，不能作为别名；请填写店名或招牌名",
            "this is digits or signs only and no name; give the name over its door",
        )
    } else if alias.chars().filter(|letter| letter.is_alphanumeric()).count() < FEWEST_LETTERS {
        (
            "too_short",
            "只有一个字，不能作为别名；请填写完整的名称",
            "one letter means no shop in particular; give the whole name",
        )
    } else {
        return None;
    };
    Some(Problem { field: "alias", code, value: alias.to_owned(), zh: zh.to_owned(), en: en.to_owned() })
}

/// Returns another name of a merchant in the register, as it may be recorded.
pub(in crate::domain) fn new_alias(row: &MerchantAlias, known: &Known<'_>) -> Result<MerchantAlias, Vec<Problem>> {
    registered(row, known.merchant)?;
    if known.names_place {
        let zh = "这是商场或街道的名称，不能作为一家商户的别名";
        let en = "this is the name of a mall or a street, so it cannot mean one merchant";
        return Err(problem("alias", "place_name", row.alias.clone(), zh, en));
    }
    if known.shared && (row.mall.is_some() || row.street.is_some()) {
        let zh = "该商场或街道另有商户用这个名称，不能作为别名；工单请逐件认领";
        let en = "another merchant that is called so has a shop there, so the name cannot mean this one; decide the tickets one by one";
        return Err(problem("alias", "shared_name", row.alias.clone(), zh, en));
    }
    if known.shared {
        let zh = "别的商户也用这个名称，或有人把同名工单认领给别的商户；请写明商场或街道";
        let en = "others are called so, too, or a ticket with this name was decided otherwise; say in which mall or street it means this \
                  merchant";
        return Err(problem("alias", "shared_name", row.alias.clone(), zh, en));
    }
    Ok(row.clone())
}

/// Returns another name that is to be withdrawn: it was recorded before.
pub(in crate::domain) fn old_alias(
    row: &MerchantAlias,
    merchant: Option<&Merchant>,
) -> Result<MerchantAlias, Vec<Problem>> {
    let merchant = registered(row, merchant)?;
    if !merchant.aliases.iter().any(|alias| alias.is(row)) {
        let zh = "该商户没有登记过这个别名；商场和街道须与登记时一致";
        let en =
            "no such other name of this merchant was ever recorded; mall and street must be those it was recorded with";
        return Err(problem("alias", "no_such_alias", row.alias.clone(), zh, en));
    }
    Ok(row.clone())
}

fn registered<'a>(row: &MerchantAlias, merchant: Option<&'a Merchant>) -> Result<&'a Merchant, Vec<Problem>> {
    merchant.filter(|merchant| merchant.is_registered(Position::MAX)).ok_or_else(|| {
        let (zh, en) = ("登记中没有这家商户", "no such merchant is in the register");
        problem("credit_code", "unknown_merchant", row.credit_code.to_string(), zh, en)
    })
}

fn problem(field: &'static str, code: &'static str, value: String, zh: &str, en: &str) -> Vec<Problem> {
    vec![Problem { field, code, value, zh: zh.to_owned(), en: en.to_owned() }]
}

/// What may be recorded as another name, because persons decided so again and again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The name and whose it is, with the place where it is meant, if others are called so elsewhere.
    pub alias: MerchantAlias,
    /// How often it was decided.
    pub times: usize,
    /// Who decided it how often.
    pub by: BTreeMap<Arc<str>, usize>,
}

/// Returns the names that persons gave to one merchant `after` times or more, the most often decided first. A name that also others
/// have, or that was decided otherwise, is offered for a mall or street in which it was not. What stands, and what was withdrawn once,
/// is not offered again.
#[must_use]
pub fn offers(queue: &Queue, world: &World, after: usize) -> Vec<Offer> {
    let mut found = Vec::new();
    for decided in queue.decided() {
        let decided: Vec<&Entry> = decided.collect();
        if decided.len() >= after {
            found.extend(of_one_name(&decided, world, after));
        }
    }
    found.sort_by(|one, other| other.times.cmp(&one.times).then_with(|| order(one).cmp(&order(other))));
    found
}

fn order(offer: &Offer) -> (&str, CreditCode) {
    (&offer.alias.alias, offer.alias.credit_code)
}

/// Returns what is offered of one name.
fn of_one_name(decided: &[&Entry], world: &World, after: usize) -> Vec<Offer> {
    let Some(name) = decided.iter().find_map(|entry| entry.called()) else { return Vec::new() };
    // What would be refused is not offered.
    if names_nobody(name).is_some() || world.gazetteer().has(name) {
        return Vec::new();
    }
    let bare = gather(decided.iter().copied(), None);
    let offered = |offer: &Offer| {
        let known = world.get(offer.alias.credit_code).filter(|merchant| merchant.is_registered(Position::MAX));
        let told = |alias: &Alias| alias.is(&offer.alias) || !alias.is_narrowed() && same(&alias.name, name);
        offer.times >= after && known.is_some_and(|merchant| !merchant.aliases.iter().any(told))
    };
    let others = |code| {
        let called = [By::Name(name), By::Brand(name)].into_iter().flat_map(|by| world.called(by));
        called.into_iter().any(|one| one.code != code)
    };
    if let [Some(offer)] = &*bare
        && !others(offer.alias.credit_code)
    {
        return Some(offer.clone()).filter(offered).into_iter().collect();
    }
    let mut places: BTreeMap<String, Vec<&Entry>> = BTreeMap::new();
    for entry in decided {
        if let Some(place) = place_of(entry) {
            places.entry(key(place.text()).into_owned()).or_default().push(entry);
        }
    }
    let in_places =
        places.values().filter_map(|there| match &*gather(there.iter().copied(), place_of(there.first()?)) {
            [Some(offer)] => Some(offer.clone()),
            _ => None,
        });
    in_places.filter(offered).collect()
}

/// Where a ticket says that the shop is.
#[derive(Clone, Copy)]
enum Place<'a> {
    Mall(&'a str),
    Street(&'a str),
}

impl<'a> Place<'a> {
    const fn text(self) -> &'a str {
        match self {
            Self::Mall(text) | Self::Street(text) => text,
        }
    }
}

fn place_of(entry: &Entry) -> Option<Place<'_>> {
    let Clues { mall, street, .. } = Clues::from(&entry.said);
    mall.map(Place::Mall).or(street.map(Place::Street))
}

/// Gathers decisions by whom they name; `None` stands for those that name nobody.
fn gather<'a>(decided: impl Iterator<Item = &'a Entry>, place: Option<Place<'_>>) -> Vec<Option<Offer>> {
    let mut found: BTreeMap<Option<CreditCode>, Option<Offer>> = BTreeMap::new();
    for entry in decided {
        let code = decided_for(entry);
        let offer = found.entry(code).or_insert_with(|| {
            let alias = MerchantAlias {
                credit_code: code?,
                alias: entry.called()?.to_owned(),
                mall: place.and_then(|place| if let Place::Mall(mall) = place { Some(mall.to_owned()) } else { None }),
                street: place.and_then(|place| if let Place::Street(it) = place { Some(it.to_owned()) } else { None }),
                reason: None,
            };
            Some(Offer { alias, times: 0, by: BTreeMap::new() })
        });
        if let Some(offer) = offer {
            offer.times += 1;
            if let Some(by) = &entry.by {
                *offer.by.entry(by.clone()).or_default() += 1;
            }
        }
    }
    found.into_values().collect()
}
