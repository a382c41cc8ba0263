//! A merchant (商户) and its shops: who it is, and its rows in the register.

use super::chance::{BLOCK, Chance};
use super::code::credit_code;
use super::names::{self, Person};
use super::story::Story;
use crate::domain::code::CreditCode;
use crate::domain::command::Command;
use crate::domain::event::MerchantDetails;
use crate::domain::time::{Day, plus_days};

/// Merchants that may share a brand or a representative. Links stay within a block, so they do not grow with the
/// district.
const BLOCK_SIZE: u64 = 50;

/// The duties a merchant's sector brings (docs/FACTS.md), as far as its story depends on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    /// Files from 500,000 yuan on; 40 % in custody.
    Commerce,
    /// Files above 100,000 yuan; no custody.
    Transport,
    /// Files from the first balance on; all in custody.
    Training,
    /// Files from the first balance on; custody is not asked for.
    Other,
    /// Sector undetermined: nothing is due.
    None,
}

/// Industry codes with their weight in the district, the sector's scheme and the word for the trade.
const TRADES: [(u64, (&str, Scheme, &str)); 17] = [
    (36, ("8040", Scheme::Commerce, "美发美容")),
    (22, ("8392", Scheme::Training, "体育培训")),
    (19, ("8930", Scheme::Other, "健身")),
    (14, ("6210", Scheme::Commerce, "餐饮")),
    (12, ("8399", Scheme::Other, "教育培训")),
    (9, ("8394", Scheme::Other, "科技培训")),
    (7, ("7212", Scheme::None, "商务服务")),
    (7, ("8051", Scheme::Commerce, "洗浴养生")),
    (5, ("8030", Scheme::Commerce, "洗染")),
    (4, ("8111", Scheme::Transport, "汽修")),
    (4, ("8393", Scheme::Other, "艺术培训")),
    (3, ("5212", Scheme::Commerce, "超市")),
    (2, ("8391", Scheme::Other, "职业培训")),
    (2, ("8425", Scheme::Other, "口腔诊所")),
    (2, ("9020", Scheme::Other, "儿童乐园")),
    (1, ("8514", Scheme::Other, "养老服务")),
    (1, ("8020", Scheme::Other, "托育")),
];

/// A shop by its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shop {
    pub(super) mall: Option<String>,
    pub(super) unit: Option<String>,
    street: &'static str,
}

/// Who a story is about.
pub(super) struct Merchant {
    /// Twice its index: odd numbers are for the unregistered.
    pub(super) serial: u64,
    pub(super) code: CreditCode,
    pub(super) scheme: Scheme,
    /// Never empty.
    pub(super) shops: Vec<Shop>,
    /// Its representative stands behind other shops that close (职业闭店人).
    pub(super) closer: bool,
    /// First day it is on the register.
    pub(super) since: Day,
}

/// What merchants of one block may share.
struct Block {
    large_brand: String,
    small_brand: String,
    closer: Person,
}

impl Block {
    fn of(seed: u64, index: u64) -> Self {
        let mut chance = Chance::new(seed, BLOCK, index / BLOCK_SIZE);
        Self {
            large_brand: names::brand(&mut chance),
            small_brand: names::brand(&mut chance),
            closer: names::person(&mut chance),
        }
    }
}

impl Merchant {
    /// Draws merchant `index` and tells its rows of the register.
    pub(super) fn draw(seed: u64, index: u64, chance: &mut Chance, story: &mut Story) -> Option<Self> {
        let block = Block::of(seed, index);
        let (industry, mut scheme, trade) = chance.weighted(&TRADES);
        let household = chance.percent(8);
        let serial = index * 2;
        let code = credit_code(seed, serial, household)?;
        let closer = chance.per_mille(30);
        let representative = if closer { block.closer } else { names::person(chance) };
        let brand = match chance.below(100) {
            0..6 => Some(block.large_brand),
            6..10 => Some(block.small_brand),
            10..16 => Some(names::brand(chance)),
            _ => None,
        };
        let industry = if chance.per_mille(15) { None } else { Some(industry) };
        let division = chance.weighted(&[(985, Some("110108")), (5, Some("110105")), (5, Some("120101")), (5, None)]);
        if industry.is_none() || division.is_none_or(|code| !code.starts_with("11")) {
            scheme = Scheme::None;
        }
        let since = if chance.percent(90) { story.from } else { story.day(chance) };
        let shops = shops(chance);
        let mut row = MerchantDetails {
            industry_code: industry.map(str::to_owned),
            division_code: division.and_then(|code| code.parse().ok()),
            legal_representative: Some(representative.name),
            legal_representative_digest: (closer || chance.percent(93)).then_some(representative.digest),
            brand,
            founded_on: chance.percent(97).then(|| plus_days(since, -chance.between(30, 6_000))),
            ..empty_row(code)
        };
        for shop in &shops {
            row.name = Some(registered_name(trade, household, chance));
            row.street = Some(shop.street.to_owned());
            row.mall.clone_from(&shop.mall);
            row.unit.clone_from(&shop.unit);
            story.tell(since, Command::RegisterMerchant(row.clone()));
        }
        if chance.per_mille(25) {
            // A new representative some time before the end is how closings often begin.
            let person = names::person(chance);
            row.legal_representative = Some(person.name);
            row.legal_representative_digest = Some(person.digest);
            let changed = story.day(chance).max(plus_days(since, 1));
            story.tell(changed, Command::RegisterMerchant(row));
        }
        Some(Self { serial, code, scheme, shops, closer, since })
    }

    /// Returns one of the shops.
    pub(super) fn shop(&self, chance: &mut Chance) -> Shop {
        let place = usize::try_from(chance.below(self.shops.len() as u64)).unwrap_or_default();
        self.shops.get(place).or_else(|| self.shops.first()).cloned().unwrap_or(Shop {
            mall: None,
            unit: None,
            street: "",
        })
    }
}

/// Returns the row of a code that was unregistered until now.
pub(super) fn late_registration(code: CreditCode, chance: &mut Chance) -> MerchantDetails {
    let (industry, _, trade) = chance.weighted(&TRADES);
    let person = names::person(chance);
    MerchantDetails {
        name: Some(registered_name(trade, false, chance)),
        industry_code: Some(industry.to_owned()),
        division_code: "110108".parse().ok(),
        street: Some(names::street(chance).to_owned()),
        legal_representative: Some(person.name),
        legal_representative_digest: Some(person.digest),
        ..empty_row(code)
    }
}

fn empty_row(code: CreditCode) -> MerchantDetails {
    MerchantDetails {
        credit_code: code,
        name: None,
        industry_code: None,
        division_code: None,
        street: None,
        mall: None,
        unit: None,
        legal_representative: None,
        legal_representative_digest: None,
        brand: None,
        founded_on: None,
    }
}

fn registered_name(trade: &str, household: bool, chance: &mut Chance) -> String {
    let name = names::trade_name(chance);
    if chance.percent(6) {
        // Quotation marks and commas occur in registers and must survive a spreadsheet.
        format!("北京\"{name}\", {trade}中心")
    } else if household {
        format!("北京海淀{name}{trade}店")
    } else {
        format!("北京{name}{trade}有限公司")
    }
}

fn shops(chance: &mut Chance) -> Vec<Shop> {
    let count = chance.weighted(&[(81, 1), (16, 2), (3, 3)]);
    let mut shops: Vec<Shop> = Vec::with_capacity(count);
    while shops.len() < count {
        let street = names::street(chance);
        let shop = if chance.percent(70) {
            let floor = chance.pick(&["B", "1", "2", "3", "4", "5", "6"]);
            let unit = format!("{floor}-{:03}", chance.between(1, 60));
            Shop { mall: Some(names::mall(chance).to_owned()), unit: Some(unit), street }
        } else {
            Shop { mall: None, unit: None, street }
        };
        // A second street shop would have the same place as the first.
        if !shops.iter().any(|other| (&other.mall, &other.unit) == (&shop.mall, &shop.unit)) {
            shops.push(shop);
        }
    }
    shops
}
