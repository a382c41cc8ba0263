//! Dates as nobody means them, for every edge where a date comes in.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRng, TestRunner};

/// Known to have hurt somewhere.
const KNOWN: [&str; 22] = [
    "-009999-01-03T12:00:00Z",
    "-009999-01-03",
    "9999-12-31",
    "9999-12-31T23:59:59Z",
    "+009999-12-30",
    "205-06-01",
    "0205-06-01",
    "1677-09-21",
    "1678-01-01T00:00:00Z",
    "1989-12-31",
    "1989-12-31T15:59:59Z",
    "2101-01-01",
    "2262-04-12T00:00:00Z",
    "2025-06-01T24:00:00Z",
    "2025-06-01T25:00:00+08:00",
    "2016-12-31T23:59:60Z",
    "2025-06-01T12:00:00+99:59",
    "2025-02-29",
    "2025-13-45",
    "20250601T1200",
    "now",
    "一九九九年",
];

/// Returns known nonsense, and as many more texts drawn in the shape of dates; the same ones every time.
pub(crate) fn dates(more: usize) -> Vec<String> {
    let mut runner =
        TestRunner::new_with_rng(Config::default(), TestRng::deterministic_rng(Config::default().rng_algorithm));
    let drawn = (-9999_i32..=19_999, 0_u8..=14, 0_u8..=33, 0_u8..=26, 0_usize..6).prop_map(
        |(year, month, day, hour, shape)| {
            let year = if year < 0 { format!("-{:06}", -year) } else { format!("{year:04}") };
            match shape {
                0 => format!("{year}-{month:02}-{day:02}"),
                1 => format!("{year}/{month}/{day}"),
                2 => format!("{year}年{month}月{day}日"),
                3 => format!("{year}-{month:02}-{day:02}T{hour:02}:00:00Z"),
                4 => format!("{year}-{month:02}-{day:02} {hour:02}:00"),
                _ => format!("{year}-{month:02}-{day:02}T{hour:02}:00:00+08:00"),
            }
        },
    );
    let known = KNOWN.iter().map(|text| (*text).to_owned());
    known.chain((0..more).map(|_| drawn.new_tree(&mut runner).unwrap().current())).collect()
}

/// Says whether a text names a year that may be stated, as far as its own digits say: what is taken must.
pub(crate) fn names_a_year_in_bounds(text: &str) -> bool {
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    digits.get(..4).is_some_and(|year| year.parse::<i32>().is_ok_and(|year| (1990..=2101).contains(&year)))
}
