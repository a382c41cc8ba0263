//! The house and two laws held against the source itself, because no run can show that they hold everywhere.
//!
//! The house: no room imports one above it.
//! Law 4: `domain`, `policy` and `lights` use no clock, no randomness, no files, no network, and nothing of the rooms above.
//! Law 10: where decisions are taken and lights computed, no number stands that is not listed here with what it is; a number of the
//! law belongs into `policies/`, with its source.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms from the ground up: folders and files of `src/`. A room uses itself and those before it, and nothing else. So the
/// log knows nothing of `proof`, which signs it; the picture nothing of who reads it; nobody but `cli` knows that there is a
/// command line. docs/ARCHITECTURE.md says what each holds.
const HOUSE: [&str; 23] = [
    "domain",
    "clock",
    "trail",
    "policy",
    "policy_folder",
    "log",
    "proof",
    "settings",
    "picture",
    "lights",
    "alerts",
    "watch",
    "desk",
    "mail",
    "views",
    "documents",
    "intake",
    "taking",
    "sim",
    "service",
    "demo",
    "http",
    "cli",
];

/// What reaches outside: a part of a path or a macro, and what it would bring in.
const IMPURE: [(&str, &str); 33] = [
    ("::now(", "a clock"),
    ("now_v", "a clock (UUID)"),
    ("new_v4", "randomness (UUID)"),
    ("SystemTime", "a clock"),
    ("Zoned", "a clock, and the machine's time zone"),
    ("TimeZone", "the machine's time zone"),
    ("crate::clock", "a clock"),
    ("getrandom", "randomness"),
    ("rand::", "randomness"),
    ("rand_chacha", "randomness"),
    ("RandomState", "randomness"),
    ("std::fs", "files"),
    ("std::io", "input and output"),
    ("std::net", "the network"),
    ("std::env", "the environment"),
    ("std::process", "the process"),
    ("std::thread", "threads"),
    ("std::sync::atomic", "state shared behind the arguments"),
    ("Mutex", "state shared behind the arguments"),
    ("RwLock", "state shared behind the arguments"),
    ("OnceLock", "state shared behind the arguments"),
    ("LazyLock", "state shared behind the arguments"),
    ("thread_local", "state shared behind the arguments"),
    ("File::open", "files"),
    ("read_to_string", "files"),
    ("read_dir", "files"),
    ("print!", "output"),
    ("println!", "output"),
    ("dbg!", "output"),
    ("tracing", "output"),
    ("tokio", "input and output"),
    ("rusqlite", "files"),
    ("ureq", "the network"),
];

/// The pure rooms with the parts of this crate that each may use.
const ROOMS: [(&str, &[&str]); 3] = [
    ("domain", &["domain"]),
    ("policy", &["domain", "policy"]),
    // Of the log, what an append is made of; not the log. Of the picture, the light last recorded.
    ("lights", &["domain", "policy", "lights", "log::contract::{Append, Expected}", "picture::lights::"]),
];

/// Where decisions are taken and lights computed.
const DECIDING: [&str; 8] = [
    "src/lights",
    "src/policy",
    "src/watch",
    "src/domain/decide.rs",
    "src/domain/exit.rs",
    "src/domain/dating.rs",
    "src/domain/remarks.rs",
    "src/views/exits.rs",
];

/// Every number there but 0 and 1: file, number, how often, and why it is no number of the law.
const NUMBERS: &[(&str, &str, usize, &str)] = &[
    ("src/lights/facts/complaints.rs", "30", 1, "the window that gives complaints.closed_30d its name"),
    ("src/lights/facts/complaints.rs", "365", 1, "the window of the fact, docs/FACTS.md"),
    ("src/lights/facts/custody.rs", "2", 1, "digits of a fen"),
    ("src/lights/facts/custody.rs", "30", 2, "the window that gives custody.abnormal_flow_30d its name"),
    ("src/lights/facts/links.rs", "730", 1, "the window that gives linked.closed_unannounced_24m its name"),
    ("src/lights/facts/mod.rs", "7", 1, "the window that gives complaints.7d its name"),
    ("src/lights/facts/mod.rs", "30", 1, "the window that gives complaints.30d its name"),
    ("src/lights/facts/mod.rs", "90", 1, "the window that gives complaints.90d its name"),
    ("src/lights/facts/registry.rs", "365", 1, "the window that gives penalties.365d its name"),
    ("src/lights/facts/signals.rs", "12", 1, "months of a year"),
    ("src/lights/moment.rs", "3", 2, "months of a quarter"),
    ("src/policy/calendar.rs", "30", 1, "days ahead that a missing calendar is told of"),
    ("src/policy/load.rs", "4", 1, "files of a set of policies"),
    ("src/policy/parameters.rs", "5", 1, "what a pack of format 1 means: old logs hold such"),
    ("src/policy/parameters.rs", "2", 1, "what a pack of format 1 means: digits of its 5 %"),
    ("src/policy/parameters.rs", "15", 1, "what a pack of format 1 means"),
    ("src/policy/parameters.rs", "24", 1, "what a pack of format 1 means"),
    ("src/policy/parameters.rs", "20", 1, "what a pack of format 1 means"),
    ("src/policy/rhythm.rs", "2", 2, "a gap lies between two days; the middle is a half"),
    ("src/policy/rhythm.rs", "16", 1, "gaps that a file may ask for"),
    ("src/policy/rhythm.rs", "366", 1, "days that a file may ask for"),
    ("src/policy/calendar.rs", "2025", 1, "a year with every day of every year"),
    ("src/policy/rule.rs", "2", 2, "the format of a pack"),
    ("src/policy/rule.rs", "3", 3, "the format of a pack"),
    ("src/policy/clause.rs", "10", 2, "tens of a numeral in Chinese"),
    ("src/policy/figure.rs", "2", 1, "digits after the point of an amount"),
    ("src/policy/figure.rs", "3", 2, "digits between commas"),
    ("src/policy/figure.rs", "8", 1, "digits after the point at most"),
    ("src/policy/figure.rs", "ONE_HUNDRED", 1, "a ratio in per cent"),
    ("src/views/exits.rs", "2", 1, "a place in an order"),
    ("src/watch/hold.rs", "5", 1, "minutes before its end that a hold is told of again"),
    ("src/watch/hold.rs", "10", 1, "minutes that a hold lasts without word"),
    ("src/watch/mod.rs", "2000", 1, "merchants looked at in one go"),
    ("src/watch/mod.rs", "7", 1, "days behind from which on time leaps"),
    ("src/watch/mod.rs", "24", 1, "hours of a day"),
    ("src/policy/follow_up.rs", "24", 1, "hours of a day"),
];

/// Returns the source files below a path that are no tests, with their code: without comments, texts and test modules.
fn sources(below: &str) -> Vec<(String, String)> {
    fn collect(path: &Path, found: &mut Vec<PathBuf>) {
        if path.is_dir() {
            fs::read_dir(path).unwrap().for_each(|entry| collect(&entry.unwrap().path(), found));
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path.to_owned());
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    collect(&root.join(below), &mut files);
    files.sort();
    let is_test = |path: &Path| {
        ["tests.rs", "cases.rs"].iter().any(|name| path.ends_with(name)) || path.iter().any(|part| part == "tests")
    };
    let files = files.into_iter().filter(|path| !is_test(path));
    files
        .map(|path| {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            (name, code(&fs::read_to_string(&path).unwrap()))
        })
        .collect()
}

/// Returns source without comments, without what stands in texts, and without a test module at its end.
fn code(source: &str) -> String {
    let tests = ["#[cfg(test)]\nmod tests {", "#[cfg(test)]\npub(crate) mod tests {"];
    let source = tests.iter().fold(source, |source, begin| source.split(begin).next().unwrap_or_default());
    let mut code = String::with_capacity(source.len());
    let mut letters = source.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '/' if letters.peek() == Some(&'/') => {
                letters.by_ref().find(|letter| *letter == '\n');
                code.push('\n');
            }
            '"' => {
                code.push_str("\"\"");
                while let Some(letter) = letters.next() {
                    match letter {
                        '\\' => drop(letters.next()),
                        '"' => break,
                        _ => {}
                    }
                }
            }
            _ => code.push(letter),
        }
    }
    code
}

fn impurities(code: &str) -> Vec<&'static str> {
    let found = IMPURE.iter().filter(|(part, _)| code.contains(part));
    found.map(|(part, _)| *part).collect()
}

/// Returns what code uses of this crate beside what its room may.
fn reaches<'c>(code: &'c str, may: &[&str]) -> Vec<&'c str> {
    let used = code.split("crate::").skip(1);
    used.filter(|path| !may.iter().any(|room| path.starts_with(room)))
        .map(|path| path.split([';', '\n']).next().unwrap_or_default())
        .collect()
}

/// Returns the names at the beginning of what stands after a path's `::`: one, or those of a list in braces.
fn names(tail: &str) -> Vec<String> {
    let word = |text: &str| -> String {
        text.trim_start().chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect()
    };
    let Some(list) = tail.strip_prefix('{') else { return vec![word(tail)] };
    let mut open = 1_usize;
    let mut closes = |letter: char| {
        open = if letter == '{' { open + 1 } else { open - usize::from(letter == '}') };
        open == 0
    };
    let list: String = list.chars().take_while(|letter| !closes(*letter)).collect();
    let mut depth = 0_usize;
    let parts = list.split(|letter| {
        depth = if letter == '{' { depth + 1 } else { depth - usize::from(letter == '}') };
        letter == ',' && depth == 0
    });
    parts.map(word).filter(|name| !name.is_empty()).collect()
}

/// Returns the rooms that code `deep` modules below the crate's root uses, named from the root or by going up to it.
fn rooms_of(code: &str, deep: usize) -> BTreeSet<String> {
    let from_root = code.split("crate::").skip(1).flat_map(names);
    let up = "super::".repeat(deep);
    let pieces: Vec<&str> = code.split(&up).collect();
    let is_root = |before: &str, tail: &str| !(before.is_empty() || tail.is_empty() || tail.starts_with("super::"));
    let going_up = pieces.windows(2).filter(|pair| is_root(pair[0], pair[1])).flat_map(|pair| names(pair[1]));
    from_root.chain(going_up).collect()
}

/// Returns how many modules below the crate's root the code of a file stands: `src/log/mod.rs` one, `src/log/chain.rs` two.
fn depth(file: &str) -> usize {
    file.matches('/').count() - usize::from(file.ends_with("/mod.rs"))
}

/// Returns the numbers written in code, 0 and 1 aside, and those spelt as words.
fn numbers(code: &str) -> Vec<String> {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let mut found: Vec<String> = Vec::new();
    for word in code.split(|letter: char| !is_part(letter) && letter != '.').flat_map(|word| word.split("..")) {
        // A place in a tuple (`pair.1`) is no number.
        let word = word.trim_start_matches('.');
        if !word.starts_with(|letter: char| letter.is_ascii_digit()) || word.starts_with("0x") {
            continue;
        }
        let digits: String =
            word.chars().take_while(|letter| letter.is_ascii_digit() || ['_', '.'].contains(letter)).collect();
        let digits = digits.replace('_', "").trim_end_matches('.').to_owned();
        if !["0", "1"].contains(&digits.as_str()) {
            found.push(digits);
        }
    }
    let spelt = ["ONE_HUNDRED", "ONE_THOUSAND", "Decimal::TWO", "Decimal::TEN"];
    found.extend(spelt.iter().filter(|word| code.contains(**word)).map(|word| (*word).to_owned()));
    found
}

/// Returns each room's folder or file, and where in the house it lies.
fn rooms() -> Vec<(String, Option<usize>)> {
    let entries = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let rooms = names.filter(|name| !["lib.rs", "main.rs"].contains(&name.as_str()));
    rooms.map(|name| (name.clone(), HOUSE.iter().position(|room| *room == name.trim_end_matches(".rs")))).collect()
}

#[test]
fn no_room_uses_one_above_it() {
    let rooms = rooms();
    assert_eq!(rooms.len(), HOUSE.len(), "each room of the list is there once");
    for (folder, place) in rooms {
        let place = place.unwrap_or_else(|| panic!("src/{folder} has no place in the house: list it"));
        for (name, code) in sources(&format!("src/{folder}")) {
            for used in rooms_of(&code, depth(&name)) {
                let other = HOUSE.iter().position(|room| *room == used);
                let other = other.unwrap_or_else(|| panic!("{name} uses `{used}`, which is no room"));
                assert!(other <= place, "{name} uses `{used}`, a room above its own; move what both need down");
            }
        }
    }
}

#[test]
fn the_pure_rooms_use_no_clock_no_randomness_and_no_input_or_output() {
    for (room, may) in ROOMS {
        let files = sources(&format!("src/{room}"));
        assert!(files.len() > 5, "{room}");
        for (name, code) in files {
            let found = impurities(&code);
            assert!(found.is_empty(), "{name} uses {found:?}; time and ids come in as arguments (law 4)");
            let found = reaches(&code, may);
            assert!(found.is_empty(), "{name} uses {found:?} of a room above it");
        }
    }
}

#[test]
fn no_number_of_the_law_stands_where_lights_are_computed() {
    let mut found: BTreeMap<(String, String), usize> = BTreeMap::new();
    for (name, code) in DECIDING.iter().flat_map(|below| sources(below)) {
        for number in numbers(&code) {
            *found.entry((name.clone(), number)).or_default() += 1;
        }
    }
    let listed: BTreeMap<(String, String), usize> =
        NUMBERS.iter().map(|(name, number, count, _)| (((*name).to_owned(), (*number).to_owned()), *count)).collect();
    let unlisted: Vec<_> = found.iter().filter(|(place, count)| listed.get(place) != Some(count)).collect();
    assert!(
        unlisted.is_empty(),
        "{unlisted:?} stand there so many times. A number of the law belongs into policies/ with its source (law 10); another \
         is listed here with what it is"
    );
    assert_eq!(found, listed, "what is listed and not there any more goes from the list");
}

#[test]
fn what_breaks_the_laws_is_found() {
    let planted = "let at = Instant::now(); // a comment\nlet id = Uuid::now_v7();";
    assert_eq!(impurities(&code(planted)), ["::now(", "now_v"]);
    assert_eq!(impurities(&code("// Instant::now()\nlet text = \"std::fs \\\" Mutex\";")), [""; 0]);
    let used = |code: &str, deep| rooms_of(code, deep).into_iter().collect::<Vec<_>>().join(" ");
    assert_eq!(
        used("use crate::{clock::Clock, domain::{a, b}, log};\nlet x = crate::proof::y();", 2),
        "clock domain log proof"
    );
    assert_eq!(used("use super::super::proof::Key;\nuse super::chain;\nsuper::super::super::wrong", 2), "proof");
    assert_eq!((depth("src/clock.rs"), depth("src/log/mod.rs"), depth("src/log/embedded/bell.rs")), (1, 1, 3));
    assert_eq!(reaches("use crate::domain::time::Day;\nuse crate::desk::Desk;\n", &["domain"]), ["desk::Desk"]);
    let law =
        "if days > 15 && rate > Decimal::new(5, 2) && hours == 24_i64 || (7..=30).contains(&x) && pair.1 == 0x40 {}";
    assert_eq!(numbers(&code(law)), ["15", "5", "2", "24", "7", "30"]);
}
