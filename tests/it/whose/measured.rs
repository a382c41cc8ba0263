//! How much is taken by itself, and how right it is, on a made-up district whose truth is known.

use super::{Office, ticket};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use warnlight::desk::Answer;
use warnlight::domain::code::CreditCode;
use warnlight::domain::whose::{Clues, Near, State};

const LETTERS: &str = "锐动极光晨曦悦跃鼎盛博雅启明恒信嘉禾瑞丰卓越星辰远航金麦蓝海优彩云帆乐童禾木雨林静水华章天行健同方百合紫荆青松玉兰海棠梧桐";
const TRADES: [&str; 6] = ["健身", "教育咨询", "美容美发", "餐饮管理", "体育文化", "儿童游乐"];
const MALLS: [&str; 8] =
    ["大悦城（朝阳）", "华熙LIVE", "东方广场", "合生汇", "龙湖天街", "荟聚中心", "万达广场（石景山）", "新中关"];
const STREETS: [&str; 6] = ["万寿路街道", "中关村街道", "望京街道", "朝外街道", "学院路街道", "八里庄街道"];

struct Shop {
    code: CreditCode,
    name: String,
    brand: String,
    mall: Option<&'static str>,
    street: &'static str,
    registered: bool,
}

fn pick<'a, T>(chance: &mut ChaCha8Rng, from: &'a [T]) -> &'a T {
    &from[chance.random_range(0..from.len())]
}

fn district(chance: &mut ChaCha8Rng, size: usize) -> Vec<Shop> {
    let letters: Vec<char> = LETTERS.chars().collect();
    let mut shops: Vec<Shop> = Vec::new();
    for number in 0..size {
        let code = CreditCode::with_check_character(&format!("91110108MA{number:07}")).unwrap();
        // One in ten belongs to a chain: a brand that other legal entities have, too. One in a hundred is a namesake.
        let chain = number > 20 && chance.random_range(0..10) == 0;
        let namesake = number > 20 && chance.random_range(0..100) == 0;
        let length = chance.random_range(2..4);
        let own: String = (0..length).map(|_| *pick(chance, &letters)).collect();
        let trade = *pick(chance, &TRADES);
        let other = chance.random_range(0..number.max(1));
        let brand = if chain { shops[other].brand.clone() } else { format!("{own}{trade}") };
        let name = if namesake { shops[other].name.clone() } else { format!("北京{own}{trade}有限公司") };
        let mall = (chance.random_range(0..10) < 7).then(|| *pick(chance, &MALLS));
        let street = *pick(chance, &STREETS);
        let registered = chance.random_range(0..20) > 0;
        shops.push(Shop { code, name, brand, mall, street, registered });
    }
    shops
}

/// What somebody at the counter or on the telephone makes of a name.
fn spelt(chance: &mut ChaCha8Rng, shop: &Shop) -> Option<String> {
    let core = shop.name.trim_start_matches("北京").trim_end_matches("有限公司").to_owned();
    Some(match chance.random_range(0..20) {
        0..8 => shop.name.clone(),
        8..10 => shop.name.replace("有限", " 有限\u{3000}"),
        10..13 => shop.brand.clone(),
        13..15 => core,
        15 => format!("{core}（{}店）", shop.mall.unwrap_or("总")),
        16 => format!("北京{core}有限责任公司"),
        17 => format!("{}分公司", shop.name),
        18 => {
            // One letter is wrong.
            let mut letters: Vec<char> = shop.name.chars().collect();
            letters[3] = *pick(chance, &LETTERS.chars().collect::<Vec<_>>());
            letters.into_iter().collect()
        }
        _ => return None,
    })
}

fn row(chance: &mut ChaCha8Rng, number: usize, shop: &Shop) -> Value {
    let stars = || "*****".to_owned();
    let name = spelt(chance, shop).unwrap_or_else(stars);
    let address = format!("北京市{}{}", shop.street, shop.mall.unwrap_or("12号"));
    let mut clues = json!({ "name": name, "address": if chance.random_range(0..10) == 0 { stars() } else { address },
        "source": "市场监管局", "profile": "12315" });
    let fields = clues.as_object_mut().unwrap();
    if let Some(mall) = shop.mall.filter(|_| chance.random_range(0..2) == 0) {
        fields.insert("mall".to_owned(), json!(mall));
    }
    if chance.random_range(0..3) == 0 {
        fields.insert("street".to_owned(), json!(shop.street));
    }
    if chance.random_range(0..5) == 0 {
        fields.insert("brand".to_owned(), json!(shop.brand));
    }
    ticket(&format!("1{number:012}"), clues)
}

#[test]
fn an_export_of_five_thousand_rows_adds_up_and_none_is_guessed_wrong() {
    let (mut taken, mut right, mut queued, mut among, mut findable) = (0, 0, 0, 0, 0);
    for seed in 101..103 {
        let mut chance = ChaCha8Rng::seed_from_u64(seed);
        let shops = district(&mut chance, 2_000);
        let office = Office::new();
        let register: Vec<Value> = shops
            .iter()
            .filter(|shop| shop.registered)
            .map(|shop| {
                let code = shop.code.to_string();
                json!({ "command": "register_merchant", "credit_code": code, "name": shop.name, "brand": shop.brand,
                    "mall": shop.mall, "unit": shop.mall.map(|_| "1"), "street": shop.street, "division_code": "110108" })
            })
            .collect();
        office.say_all(&register);
        let meant: Vec<&Shop> = (0..5_000).map(|_| pick(&mut chance, &shops)).collect();
        let rows: Vec<Value> = meant.iter().enumerate().map(|(number, shop)| row(&mut chance, number, shop)).collect();
        let answers = office.say_all(&rows);
        let accepted = answers.iter().filter(|answer| matches!(answer, Answer::Accepted(_))).count();
        assert_eq!((answers.len(), accepted), (5_000, 5_000), "every row has its receipt");

        let picture = office.desk.picture();
        let mut near = Near::default();
        near.keep_up(&picture.world);
        for (number, shop) in meant.iter().enumerate() {
            let entry = picture.queue.get(&format!("1{number:012}@12315")).unwrap();
            match entry.state {
                State::Attributed(code, _) => {
                    taken += 1;
                    right += usize::from(code == shop.code);
                }
                State::Waiting => {
                    queued += 1;
                    // To ask about each would take a minute in a build for tests.
                    if number % 8 == 0 && shop.registered && entry.said.name.is_some() {
                        findable += 1;
                        let found = near.candidates(&picture.world, &Clues::from(&entry.said), |_| true);
                        among += usize::from(found.iter().any(|candidate| candidate.code == shop.code));
                    }
                }
                State::SetAside => panic!("nobody set anything aside"),
            }
        }
        assert_eq!(taken, right, "of the exports up to seed {seed} none is guessed wrong");
        let waiting = picture.queue.waiting();
        let complaints: usize = picture.world.merchants().iter().map(|merchant| merchant.complaints.len()).sum();
        assert_eq!(waiting + complaints, 5_000, "each is waiting or somebody's");
        // The same file again changes nothing.
        assert!(office.say_all(&rows).iter().all(|answer| matches!(answer, Answer::Unchanged { .. })));
    }
    println!(
        "of {} rows {taken} were taken ({right} right), {queued} wait; of {findable} asked about that wait, say a name and are in the \
         register, the truth is among the candidates of {among}",
        taken + queued
    );
    assert!(right * 1_000 >= taken * 999, "{right} of {taken}");
    assert!(taken * 2 > queued, "{taken} taken, {queued} queued");
    assert!(among * 10 >= findable * 9, "{among} of {findable}");
}
