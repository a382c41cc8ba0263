//! Two laws held against the source itself, because no run can show that they hold everywhere.
//!
//! Law 4: `domain`, `policy` and `lights` use no clock, no randomness, no files, no network, and nothing of the rooms above.
//! Law 10: where decisions are taken and lights computed, no number stands that is not listed here with what it is; a number of the
//! law belongs into `policies/`, with its source.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

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
    // Of the log, what an append is made of; not the log.
    ("lights", &["domain", "policy", "lights", "log::contract::{Append, Expected}"]),
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
const NUMBERS: [(&str, &str, usize, &str); 20] = [
    ("src/watch/mod.rs", "2000", 1, "merchants looked at in one go"),
    ("src/lights/facts/complaints.rs", "30", 1, "the window that gives complaints.closed_30d its name"),
    ("src/lights/facts/complaints.rs", "365", 1, "the window of the fact, docs/FACTS.md"),
    ("src/lights/facts/custody.rs", "30", 1, "the window that gives custody.abnormal_flow_30d its name"),
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
    ("src/policy/rule.rs", "2", 2, "the format of a pack"),
    ("src/views/exits.rs", "2", 1, "a place in an order"),
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
    let is_test = |path: &Path| ["tests.rs", "cases.rs"].iter().any(|name| path.ends_with(name));
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
    let source = source.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
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
    for (place, count) in &found {
        assert_eq!(
            listed.get(place),
            Some(count),
            "{place:?} stands there {count} times. If it is a number of the law, it belongs into policies/ with its source (law \
             10); if not, list it here and say what it is"
        );
    }
    assert_eq!(found, listed, "what is listed and not there any more goes from the list");
}

#[test]
fn what_breaks_the_laws_is_found() {
    let planted = "let at = Instant::now(); // a comment\nlet id = Uuid::now_v7();";
    assert_eq!(impurities(&code(planted)), ["::now(", "now_v"]);
    assert_eq!(impurities(&code("// Instant::now()\nlet text = \"std::fs \\\" Mutex\";")), [""; 0]);
    assert_eq!(reaches("use crate::domain::time::Day;\nuse crate::desk::Desk;\n", &["domain"]), ["desk::Desk"]);
    let law =
        "if days > 15 && rate > Decimal::new(5, 2) && hours == 24_i64 || (7..=30).contains(&x) && pair.1 == 0x40 {}";
    assert_eq!(numbers(&code(law)), ["15", "5", "2", "24", "7", "30"]);
}
