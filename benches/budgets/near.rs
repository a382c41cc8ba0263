//! Row 23: whom a ticket without a credit code may mean (待认领): candidates with a near name, among very many merchants.

use super::args::Args;
use super::machine;
use super::report::{Line, Report};
use super::run::{Outcome, megabytes, number, quantile};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use std::time::Instant as Clock;
use warnlight::domain::code::CreditCode;
use warnlight::domain::event::{Event, MerchantDetails};
use warnlight::domain::fold::Stamp;
use warnlight::domain::whose::{Clues, Near};
use warnlight::domain::world::World;

/// Questions asked: a page of the queue asks twenty.
const QUESTIONS: usize = 2_000;
const TRADES: [&str; 8] =
    ["健身", "教育咨询", "美容美发", "餐饮管理", "体育文化", "儿童游乐", "舞蹈培训", "口腔门诊部"];
const MALLS: [&str; 4] = ["大悦城（朝阳）", "华熙LIVE", "东方广场", "合生汇"];
const STREETS: [&str; 4] = ["万寿路街道", "中关村街道", "望京街道", "学院路街道"];

fn pick(chance: &mut ChaCha8Rng, from: &[&'static str]) -> &'static str {
    from.get(chance.random_range(0..from.len())).copied().unwrap_or_default()
}

/// A name of two to four common characters and a trade; of a million, some are the same.
fn own_name(chance: &mut ChaCha8Rng) -> String {
    let length = chance.random_range(2..5);
    // The first 1,600 ideographs of the block stand in for the characters that companies are named with.
    let letter = |chance: &mut ChaCha8Rng| char::from_u32(0x4e00 + chance.random_range(0..1_600)).unwrap_or('一');
    let own: String = (0..length).map(|_| letter(chance)).collect();
    format!("{own}{}", pick(chance, &TRADES))
}

fn register(merchants: u64, chance: &mut ChaCha8Rng) -> Outcome<(World, Vec<String>)> {
    let mut world = World::default();
    let mut names = Vec::new();
    let recorded_at = "2025-06-01T00:00:00Z".parse()?;
    for number in 0..merchants {
        let name = own_name(chance);
        let row = serde_json::json!({
            "credit_code": CreditCode::with_check_character(&format!("91110108MA{number:07}"))?,
            "name": format!("北京{name}有限公司"), "brand": name,
            "street": pick(chance, &STREETS), "division_code": "110108" });
        let row: MerchantDetails = serde_json::from_value(row)?;
        world.fold(Stamp { position: number + 1, recorded_at, history: true }, &Event::MerchantRegistered(row));
        if names.len() < QUESTIONS && chance.random_range(0..merchants) < QUESTIONS as u64 * 2 {
            names.push(name);
        }
    }
    Ok((world, names))
}

/// Row 23, with its curve.
pub(super) fn candidates(args: &Args, report: &mut Report) -> Outcome<()> {
    let sizes: &[u64] = args.of_size(&[10_000, 100_000], &[10_000, 100_000, 1_000_000]);
    for (part, merchants) in (0..).zip(sizes) {
        let mut chance = ChaCha8Rng::seed_from_u64(25);
        let (world, names) = register(*merchants, &mut chance)?;
        let before = machine::resident();
        let begun = Clock::now();
        let mut near = Near::default();
        near.keep_up(&world);
        let made = begun.elapsed().as_secs_f64();
        let memory = machine::resident().saturating_sub(before) as f64;
        let mut times = Vec::with_capacity(names.len());
        let mut found = 0_usize;
        for name in &names {
            // One letter is wrong, and the place is said.
            let said: String = name.chars().enumerate().map(|(at, it)| if at == 1 { '某' } else { it }).collect();
            let mall = pick(&mut chance, &MALLS);
            let clues = Clues { name: Some(&said), mall: Some(mall), ..Clues::default() };
            let begun = Clock::now();
            near.keep_up(&world);
            let seen = near.candidates(&world, &clues, |_| true);
            times.push(begun.elapsed().as_secs_f64() * 1e3);
            found += usize::from(!seen.is_empty());
        }
        let [p50, p99] = [0.5, 0.99].map(|share| quantile(&mut times, share));
        let whole = *merchants == 1_000_000;
        report.add(Line {
            row: 23,
            part,
            what: format!("whom a ticket may mean: near names among {} merchants", number(*merchants as f64)),
            goal: if whole { "tens of ms" } else { "" }.to_owned(),
            figure: format!("p50 {p50:.2} ms, p99 {p99:.2} ms; index {}", megabytes(memory)),
            raw: format!("{} questions, one letter wrong", number(times.len() as f64)),
            met: whole.then_some(p99 <= 50.0),
            why: format!(
                "index made in {made:.2} s when first asked; some candidate for {} of {} questions",
                number(found as f64),
                number(names.len() as f64)
            ),
        })?;
    }
    Ok(())
}
