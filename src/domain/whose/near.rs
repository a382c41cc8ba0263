//! Merchants with a name near to what a ticket says, for a person to choose from. Near is never enough to be taken.
//!
//! Names are found by the pairs of letters in their core: what is left without the kind of company, what stands in brackets, and the
//! city. Pairs that too many names have lead nowhere, so a question costs the same among a million merchants.

use super::{Clues, names, reasons};
use crate::domain::code::CreditCode;
use crate::domain::merchant::Merchant;
use crate::domain::name_key::key;
use crate::domain::words::Agreement;
use crate::domain::world::World;
use std::collections::{HashMap, HashSet};

/// Candidates shown at most: one digit key each.
const SHOWN: usize = 9;
/// Names with a pair of letters at most; a pair that more have says nothing.
const COMMON: usize = 2_000;
/// Names compared in full at most.
const COMPARED: usize = 300;
/// From this likeness on (0 to 1) a name is near.
const NEAR: f64 = 0.6;
/// What says which kind of company it is, and no more; longest first.
const KINDS: [&str; 14] = [
    "股份有限公司",
    "有限责任公司",
    "个体工商户",
    "有限公司",
    "分公司",
    "总公司",
    "责任公司",
    "合伙企业",
    "旗舰店",
    "公司",
    "门店",
    "总店",
    "分店",
    "店",
];
/// Places before the name proper.
const PLACES: [&str; 4] = ["北京市", "北京", "中国", "上海"];

/// A merchant that a ticket may mean, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Who.
    pub code: CreditCode,
    /// What agrees.
    pub agreed: Vec<Agreement>,
    /// How like the names are, 0 to 1.
    pub likeness: f64,
}

/// The names of all merchants by their pairs of letters. Made of a world when it is first asked for, and kept up with it.
#[derive(Debug, Default)]
pub struct Near {
    /// Merchants in order of their places.
    pairs: HashMap<(char, char), Vec<u32>>,
    /// Changes of names taken in.
    seen: usize,
}

/// Returns what of a name tells it from others.
fn core(name: &str) -> String {
    let key = key(name);
    let mut depth = 0_u32;
    let outside: String = key
        .chars()
        .filter(|letter| {
            let is_bracket = matches!(letter, '(' | ')' | '[' | ']' | '【' | '】');
            depth = match letter {
                '(' | '[' | '【' => depth + 1,
                ')' | ']' | '】' => depth.saturating_sub(1),
                _ => depth,
            };
            depth == 0 && !is_bracket
        })
        .collect();
    let mut core = outside.as_str();
    for place in PLACES {
        core = core.strip_prefix(place).unwrap_or(core);
    }
    if let Some((before, _)) = core.split_once("有限公司").filter(|(_, after)| after.ends_with("分公司")) {
        core = before;
    }
    while let Some(shorter) = KINDS.iter().find_map(|kind| core.strip_suffix(kind)).filter(|rest| !rest.is_empty()) {
        core = shorter;
    }
    if core.is_empty() { key.into_owned() } else { core.to_owned() }
}

fn pairs(core: &str) -> impl Iterator<Item = (char, char)> {
    core.chars().zip(core.chars().skip(1))
}

impl Near {
    /// Takes in what the register says that was not taken in before.
    pub fn keep_up(&mut self, world: &World) {
        for index in world.named_since(self.seen) {
            self.seen += 1;
            let Some(merchant) = world.at(index) else { continue };
            for text in names(merchant) {
                for pair in pairs(&core(text)) {
                    let there = self.pairs.entry(pair).or_default();
                    if there.len() <= COMMON
                        && let Err(place) = there.binary_search(&index)
                    {
                        there.insert(place, index);
                    }
                }
            }
        }
    }

    /// Returns the merchants that a ticket may mean, best first, of those that `sees` lets through.
    pub fn candidates(&self, world: &World, clues: &Clues<'_>, sees: impl Fn(&Merchant) -> bool) -> Vec<Candidate> {
        let said: Vec<String> = [clues.name, clues.brand].into_iter().flatten().map(core).collect();
        let mut shared: HashMap<u32, u32> = HashMap::new();
        for pair in said.iter().flat_map(|core| pairs(core)).collect::<HashSet<_>>() {
            for index in self.pairs.get(&pair).filter(|there| there.len() <= COMMON).into_iter().flatten() {
                *shared.entry(*index).or_default() += 1;
            }
        }
        let mut likely: Vec<(u32, u32)> = shared.into_iter().map(|(index, count)| (count, index)).collect();
        likely.sort_unstable_by(|(one, a), (other, b)| other.cmp(one).then(a.cmp(b)));
        likely.truncate(COMPARED);
        let mut all: Vec<&Merchant> = likely.iter().filter_map(|(_, index)| world.at(*index)).collect();
        for text in [clues.name, clues.brand].into_iter().flatten() {
            all.extend(world.called(super::By::Name(text)).into_iter().take(COMPARED));
            all.extend(world.called(super::By::Brand(text)).into_iter().take(COMPARED));
        }
        let mut seen = HashSet::new();
        let mut found: Vec<(usize, Candidate)> = all
            .into_iter()
            .filter(|merchant| seen.insert(merchant.code) && sees(merchant))
            .filter_map(|merchant| weigh(clues, &said, merchant))
            .collect();
        found.sort_by(|(a, one), (b, other)| {
            b.cmp(a).then(other.likeness.total_cmp(&one.likeness)).then(one.code.cmp(&other.code))
        });
        found.into_iter().map(|(_, candidate)| candidate).take(SHOWN).collect()
    }
}

fn weigh(clues: &Clues<'_>, said: &[String], merchant: &Merchant) -> Option<(usize, Candidate)> {
    let own: Vec<String> = names(merchant).map(core).collect();
    let likeness = said
        .iter()
        .flat_map(|said| own.iter().map(move |own| strsim::normalized_damerau_levenshtein(said, own)))
        .fold(0.0, f64::max);
    let mut agreed = reasons(clues, merchant);
    let exactly = agreed
        .iter()
        .any(|one| matches!(one, Agreement::Name | Agreement::FormerName | Agreement::Alias | Agreement::Brand));
    if !exactly && likeness < NEAR {
        return None;
    }
    if !exactly {
        agreed.push(Agreement::NearName);
    }
    let weight = agreed.len() + usize::from(agreed.contains(&Agreement::Name) || agreed.contains(&Agreement::Alias));
    Some((weight, Candidate { code: merchant.code, agreed, likeness }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::Event;
    use crate::domain::fold::Stamp;
    use serde_json::json;

    #[test]
    fn only_what_changed_is_taken_in_and_all_of_it() {
        let mut world = World::default();
        let mut position = 0;
        let mut tell = |world: &mut World, event_type: &str, data: serde_json::Value| {
            position += 1;
            let recorded_at = "2025-06-01T00:00:00Z".parse().unwrap();
            let event = Event::decode(event_type, 1, &data.to_string()).unwrap();
            world.fold(Stamp { position, recorded_at, history: false }, &event);
        };
        const CODE: &str = "91110108MA0000001D";
        tell(&mut world, "merchant.registered", json!({ "credit_code": CODE, "name": "北京锐动健身有限公司" }));
        tell(
            &mut world,
            "merchant.registered",
            json!({ "credit_code": "91110108MA0000002D", "name": "北京极光教育有限公司" }),
        );
        let mut near = Near::default();
        near.keep_up(&world);
        assert_eq!(near.seen, 2);
        let signal = json!({ "credit_code": CODE, "mall": "东方广场", "kind": "rent_arrears", "date": "2025-05-01" });
        tell(&mut world, "mall.signal_raised", signal);
        assert_eq!(world.named_since(near.seen).count(), 0, "what is no name is not gone over");
        tell(&mut world, "merchant.details_changed", json!({ "credit_code": CODE, "name": "北京晨曦舞蹈有限公司" }));
        tell(&mut world, "merchant.alias_recorded", json!({ "credit_code": CODE, "alias": "青松俱乐部" }));
        assert_eq!(world.named_since(near.seen).collect::<Vec<_>>(), [0, 0]);
        near.keep_up(&world);
        for said in ["锐动健身馆", "晨曦舞蹈馆", "青松俱乐部馆"] {
            let clues = Clues { name: Some(said), ..Clues::default() };
            let found = near.candidates(&world, &clues, |_| true);
            assert_eq!(found.first().map(|one| one.code.to_string()).as_deref(), Some(CODE), "{said}");
        }
    }
}
