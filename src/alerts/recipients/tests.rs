use super::*;
use crate::policy::Policies;

fn addresses(list: &Recipients, sector: Option<&str>, division: Option<&str>, day: &str) -> Vec<String> {
    list.told(sector, &place(division), day.parse().unwrap())
        .recipients
        .into_iter()
        .map(|recipient| recipient.address)
        .collect()
}

fn place(division: Option<&str>) -> Place {
    Place { division: division.map(|code| code.parse().unwrap()), street: None }
}

fn entry(sector: &str, division: &str, address: &str, validity: &str) -> String {
    format!(
        "[[recipient]]\nsector = \"{sector}\"\ndivision = \"{division}\"\noffice = {{ zh = \"某办\", en = \"Office\" }}\n\
         address = \"{address}\"\nlanguage = \"zh-CN\"\n{validity}\n"
    )
}

const ALWAYS: &str = "from = \"2024-01-01\"";

#[test]
fn the_list_that_is_shipped_is_taken_and_reaches_somebody_everywhere() {
    let list = Recipients::parse(BUILT_IN).unwrap();
    let policies = Policies::built_in().unwrap();
    for sector in policies.sectors.all() {
        assert!(list.sectors().any(|named| named == sector.id), "nobody is named for `{}`", sector.id);
    }
    for sector in list.sectors() {
        assert!(policies.sectors.get(sector).is_some(), "`{sector}` is not a sector");
    }
    for sector in list.sectors().map(Some).chain([None, Some("nobody-knows-this-one")]) {
        for division in [Some("110108"), Some("110105"), Some("310101"), None] {
            assert!(!addresses(&list, sector, division, "2025-06-30").is_empty(), "{sector:?} in {division:?}");
        }
    }
    assert_eq!(
        addresses(&list, Some("commerce"), Some("110108"), "2025-06-30"),
        ["commerce.haidian@example.gov.invalid"]
    );
}

#[test]
fn the_closest_office_of_the_sector_is_told_and_nobody_else() {
    let list = Recipients::parse(
        &[
            entry("sport", "11", "city@example.invalid", ALWAYS),
            entry("sport", "110108", "district@example.invalid", ALWAYS),
            entry("lead", "110108", "lead@example.invalid", ALWAYS),
        ]
        .concat(),
    )
    .unwrap();
    assert_eq!(addresses(&list, Some("sport"), Some("110108"), "2025-01-01"), ["district@example.invalid"]);
    assert_eq!(addresses(&list, Some("sport"), Some("110105"), "2025-01-01"), ["city@example.invalid"]);
}

#[test]
fn an_undetermined_sector_and_a_sector_without_an_office_go_to_the_lead_office() {
    let list = Recipients::parse(
        &[
            entry("sport", "110108", "sport@example.invalid", ALWAYS),
            entry("lead", "110108", "lead@example.invalid", ALWAYS),
            entry("*", "31", "all@example.invalid", ALWAYS),
        ]
        .concat(),
    )
    .unwrap();
    assert_eq!(addresses(&list, None, Some("110108"), "2025-01-01"), ["lead@example.invalid"]);
    assert_eq!(addresses(&list, Some("health"), Some("110108"), "2025-01-01"), ["lead@example.invalid"]);
    assert_eq!(addresses(&list, Some("health"), Some("310101"), "2025-01-01"), ["all@example.invalid"]);
    assert_eq!(addresses(&list, None, Some("310101"), "2025-01-01"), ["all@example.invalid"]);
}

#[test]
fn where_no_head_is_named_the_lead_office_is_called_upon_and_without_one_the_office_in_charge() {
    let sport = entry("sport", "110108", "sport@example.invalid", ALWAYS);
    let lead = entry("lead", "11", "lead@example.invalid", ALWAYS);
    for (text, told) in [(sport.clone() + &lead, "lead@example.invalid"), (sport, "sport@example.invalid")] {
        let list = Recipients::parse(&text).unwrap();
        for to in [Upward::Head, Upward::Lead] {
            let found = list.called_upon(to, Some("sport"), &place(Some("110108")), "2025-06-30".parse().unwrap());
            assert_eq!(found.recipients.iter().map(|one| one.address.as_str()).collect::<Vec<_>>(), [told], "{to:?}");
        }
    }
}

#[test]
fn nobody_named_is_an_empty_list() {
    let list = Recipients::parse(&entry("sport", "110108", "sport@example.invalid", ALWAYS)).unwrap();
    assert!(addresses(&list, Some("sport"), Some("440100"), "2025-01-01").is_empty());
    assert!(addresses(&list, Some("sport"), None, "2025-01-01").is_empty(), "a place not known lies in no district");
}

#[test]
fn an_office_is_told_from_its_first_day_to_its_last() {
    let list = Recipients::parse(
        &[
            entry("sport", "11", "old@example.invalid", "from = \"2024-01-01\"\nuntil = \"2025-02-28\""),
            entry("sport", "11", "new@example.invalid", "from = \"2025-03-01\""),
        ]
        .concat(),
    )
    .unwrap();
    assert!(addresses(&list, Some("sport"), Some("110108"), "2023-12-31").is_empty());
    assert_eq!(addresses(&list, Some("sport"), Some("110108"), "2025-02-28"), ["old@example.invalid"]);
    assert_eq!(addresses(&list, Some("sport"), Some("110108"), "2025-03-01"), ["new@example.invalid"]);
}

#[test]
fn the_office_is_named_in_the_language_it_reads() {
    let english = entry("sport", "11", "a@example.invalid", ALWAYS).replace("zh-CN", "en");
    let list = Recipients::parse(&english).unwrap();
    let found = list.told(Some("sport"), &place(Some("110108")), "2025-01-01".parse().unwrap()).recipients;
    assert_eq!((found[0].office.as_str(), found[0].language.as_str()), ("Office", "en"));
}

#[test]
fn everything_wrong_is_told_at_once_with_the_entry_it_is_in() {
    let text = [
        entry("Sport!", "1101081", "not an address", "from = \"2025-13-01\""),
        entry("sport", "11", "a@example.invalid", "from = \"2025-03-01\"\nuntil = \"2025-02-01\""),
        entry("sport", "11", "b@example.invalid", ALWAYS),
        entry("sport", "11", "b@example.invalid", "from = \"2025-01-01\""),
        "[[recipient]]\nsector = \"sport\"\nphone = \"1\"\n".to_owned(),
    ]
    .concat();
    let problems = Recipients::parse(&text).unwrap_err().problems;
    for (entry, what) in [
        (1, "`Sport!`"),
        (1, "`1101081`"),
        (1, "`not an address`"),
        (1, "`2025-13-01`"),
        (2, "before it begins"),
        (4, "in entry 3 already"),
        (5, "phone"),
    ] {
        let start = format!("entry {entry}: ");
        assert!(problems.iter().any(|p| p.starts_with(&start) && p.contains(what)), "{entry} {what}: {problems:#?}");
    }
    assert_eq!(problems.len(), 7, "{problems:#?}");
}

#[test]
fn a_line_break_in_an_address_or_a_file_that_is_not_toml_is_refused() {
    assert!(Recipients::parse(&entry("sport", "11", "a@example.invalid\\r\\nBcc: x@example.invalid", ALWAYS)).is_err());
    assert!(Recipients::parse("recipient = 3").is_err());
    for empty in ["", "# nobody yet", "[[office]]\nid = \"a\"\nzh = \"甲\"\nen = \"A\""] {
        let problems = Recipients::parse(empty).unwrap_err().problems;
        assert!(problems.len() == 1 && problems[0].starts_with("nobody is named"), "{problems:?}");
    }
}

/// An office with two people and a head, whom a street's route leads to; the district has an address of the plain kind.
const OFFICES: &str = r#"
[[recipient]]
sector = "commerce"
division = "110108"
office = { zh = "区商务局", en = "District bureau" }
address = "district@example.invalid"
language = "zh-CN"
from = "2025-01-01"

[[office]]
id = "street"
zh = "万寿路街道办事处"
en = "Wanshoulu street office"
hours = { from = 8, until = 12 }

[[office.person]]
id = "wang"
address = "wang@example.invalid"
language = "zh-CN"
from = "2025-01-01"
away = [{ from = "2025-07-01", until = "2025-07-14", deputy = "li" }]

[[office.person]]
id = "li"
address = "li@example.invalid"
language = "en"
from = "2025-01-01"
away = [{ from = "2025-07-10", until = "2025-07-20", deputy = "zhao" }]

[[office.person]]
id = "zhao"
head = true
address = "zhao@example.invalid"
language = "zh-CN"
from = "2025-01-01"

[[route]]
sector = "commerce"
division = "110108"
street = "万寿路街道"
office = "street"
from = "2025-06-01"
until = "2025-12-31"

[[expect]]
at = "2025-06-30"
sector = "commerce"
division = "110108"
street = "万寿路街道"
told = ["wang@example.invalid", "li@example.invalid"]
"#;

fn in_street(list: &Recipients, to: Upward, day: &str) -> (Vec<String>, Told) {
    let place = Place { street: Some("万寿路 街道".to_owned()), ..place(Some("110108")) };
    let told = list.called_upon(to, Some("commerce"), &place, day.parse().unwrap());
    (told.recipients.iter().map(|recipient| recipient.address.replace("@example.invalid", "")).collect(), told)
}

#[test]
fn a_streets_own_office_is_told_while_its_route_lasts_and_deputies_stand_in() {
    let list = Recipients::parse(OFFICES).unwrap();
    for (day, told) in [
        ("2025-05-31", vec!["district"]),
        ("2025-06-30", vec!["wang", "li"]),
        ("2025-07-01", vec!["li"]),
        // Both are away, and the head stands in for both.
        ("2025-07-14", vec!["zhao"]),
        ("2025-07-15", vec!["wang", "zhao"]),
        ("2025-07-21", vec!["wang", "li"]),
        ("2026-01-01", vec!["district"]),
    ] {
        assert_eq!(in_street(&list, Upward::Officer, day).0, told, "{day}");
    }
    let (_, told) = in_street(&list, Upward::Officer, "2025-07-14");
    assert_eq!(told.because.iter().map(|(place, _)| place.as_str()).collect::<Vec<_>>(), ["route 1"]);
    assert_eq!(told.stood_in_for.len(), 2, "{told:?}");
    assert_eq!(told.hours, Some(Hours { from: 8, until: 12 }));
    assert_eq!(in_street(&list, Upward::Head, "2025-06-30").0, ["zhao"], "the head of the office");
    assert_eq!(addresses(&list, Some("commerce"), Some("110108"), "2025-06-30"), ["district@example.invalid"]);
}

#[test]
fn faulty_offices_routes_and_expectations_are_told_with_their_place() {
    for (old, new, place, what) in [
        ("office = \"street\"", "office = \"strete\"", "route 1: ", "no office `strete`"),
        (
            "deputy = \"zhao\"",
            "deputy = \"wang\"",
            "office 1 (`street`): person `li`: ",
            "nobody stands in on 2025-07-10",
        ),
        ("deputy = \"li\"", "deputy = \"wang\"", "office 1 (`street`): person `wang`: ", "nobody else of this office"),
        ("id = \"li\"", "id = \"wang\"", "office 1 (`street`): person `wang`: ", "another of this office"),
        ("from = 8, until = 12", "from = 12, until = 8", "office 1 (`street`): ", "are none"),
        ("division = \"110108\"\nstreet", "division = \"11\"\nstreet", "route 1: ", "six digits of its district"),
        ("until = \"2025-12-31\"", "until = \"2025-05-31\"", "route 1: ", "before it begins"),
        (
            "at = \"2025-06-30\"",
            "at = \"2025-07-02\"",
            "expectation 1: ",
            "told is li@example.invalid, expected was li@",
        ),
        ("at = \"2025-06-30\"", "when = \"2025-06-30\"", "expectation 1: ", "when"),
        ("head = true\n", "heads = true\n", "office 1: ", "heads"),
    ] {
        let text = OFFICES.replacen(old, new, 1);
        assert_ne!(text, OFFICES, "{old}");
        let problems = Recipients::parse(&text).unwrap_err().problems;
        let is_told = |problem: &String| problem.starts_with(place) && problem.contains(what);
        assert!(problems.iter().any(is_told), "{place}{what}: {problems:#?}");
    }
    // Nobody but the head from a day on.
    let ended = OFFICES.replace("language = \"en\"\n", "language = \"en\"\nuntil = \"2025-09-30\"\n");
    let ended = ended.replace(
        "from = \"2025-01-01\"\naway = [{ from = \"2025-07-01\"",
        "from = \"2025-01-01\"\nuntil = \"2025-08-31\"\naway = [{ from = \"2025-07-01\"",
    );
    let problems = Recipients::parse(&ended).unwrap_err().problems;
    assert!(
        problems[0].starts_with("route 1: nobody but a head serves in office `street` on 2025-10-01"),
        "{problems:#?}"
    );
}

#[test]
fn an_office_is_routed_to_once_for_the_same_merchants_at_the_same_time() {
    let again = "[[route]]\nsector = \"commerce\"\ndivision = \"110108\"\nstreet = \"万寿路街道 \"\noffice = \"street\"\nfrom = \"2025-12-31\"\n";
    let problems = Recipients::parse(&format!("{OFFICES}\n{again}")).unwrap_err().problems;
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert!(
        problems[0].starts_with("route 2: this office is named") && problems[0].contains("in route 1 already"),
        "{problems:#?}"
    );
    let later = again.replace("2025-12-31", "2026-01-01");
    assert!(Recipients::parse(&format!("{OFFICES}\n{later}")).is_ok());
}

/// A city's streets, each with its route and what is expected of it: four times as many take not sixteen times as long.
#[test]
fn a_long_list_is_read_in_time_that_grows_with_its_length() {
    let took = |streets: usize| {
        let mut text = OFFICES.split("[[route]]").next().unwrap().to_owned();
        for street in 0..streets {
            let place = format!("sector = \"sport\"\ndivision = \"110108\"\nstreet = \"街道{street}\"");
            text += &format!("[[route]]\n{place}\noffice = \"street\"\nfrom = \"2025-01-01\"\n");
            let told = r#"told = ["wang@example.invalid", "li@example.invalid"]"#;
            text += &format!("[[expect]]\nat = \"2025-06-30\"\n{place}\n{told}\n");
        }
        let began = std::time::Instant::now();
        Recipients::parse(&text).unwrap();
        began.elapsed()
    };
    let least = |streets| (0..3).map(|_| took(streets)).min().unwrap();
    let (quarter, whole) = (least(500), least(2_000));
    assert!(whole < quarter * 9, "{quarter:?}, then {whole:?}");
}

#[test]
fn times_of_digests_stand_in_the_list_and_faulty_ones_are_refused() {
    let person = |digest: &str| {
        format!(
            "[[recipient]]\nsector = \"*\"\noffice = {{ zh = \"甲\", en = \"A\" }}\naddress = \"a@example.org\"\nlanguage = \"en\"\n\
             from = \"2025-01-01\"\n{digest}\n"
        )
    };
    let table = |at: &str| format!("[digest]\nat = {at}\nshare_minutes = 10\ntogether = 3\n");
    let list = |text: String| Recipients::parse(&text);
    assert!(list(person("")).unwrap().digests().is_none(), "as it always was");
    let calendar = crate::policy::Policies::built_in().unwrap().calendar;
    let slot = |list: &Recipients, at: &str| {
        let now = format!("{at}+08:00").parse().unwrap();
        list.digests().unwrap().slot("a@example.org", now, &calendar).map(|slot| slot.is_first)
    };
    let usual = list(table("[\"15:00\", \"09:00\"]") + &person("")).unwrap();
    for (at, wanted) in [
        ("2025-07-01T08:59:59", None),
        ("2025-07-01T09:00:00", Some(true)),
        ("2025-07-01T09:29:59", Some(true)),
        ("2025-07-01T09:30:00", None),
        ("2025-07-01T15:10:00", Some(false)),
        ("2025-07-05T09:00:00", None),
    ] {
        assert_eq!(slot(&usual, at), wanted, "{at}");
    }
    let own = list(table("[\"09:00\"]") + &person("digest = [\"10:30\"]")).unwrap();
    assert_eq!((slot(&own, "2025-07-01T09:00:00"), slot(&own, "2025-07-01T10:30:00")), (None, Some(true)));
    let at_once = list(table("[\"09:00\"]") + &person("digest = []")).unwrap();
    assert!(!at_once.digests().unwrap().gather_for("a@example.org"));
    for (text, wanted) in [
        (table("[\"9 o'clock\"]") + &person(""), "9 o'clock"),
        (table("[]") + &person(""), "names no time"),
        (person("digest = [\"09:00\"]"), "needs the table"),
        (table("[\"09:00\"]").replace("10", "900") + &person(""), "share_minutes"),
        (table("[\"09:00\"]").replace("= 3", "= 1") + &person(""), "together"),
    ] {
        let problems = list(text).unwrap_err().problems.join("\n");
        assert!(problems.contains(wanted), "{wanted}: {problems}");
    }
}

/// Whoever stands in has to serve: a list in which a deputy has left, or has not begun, is refused with the day, and one whose own
/// deputy serves on passes it on.
#[test]
fn a_deputy_stands_in_only_while_serving() {
    let deputy = "id = \"li\"\naddress = \"li@example.invalid\"\nlanguage = \"en\"\nfrom = \"2025-01-01\"";
    for (serves, day) in
        [("from = \"2025-07-02\"", "2025-07-01"), ("from = \"2025-01-01\"\nuntil = \"2025-07-10\"", "2025-07-14")]
    {
        let text = OFFICES.replace(deputy, &deputy.replace("from = \"2025-01-01\"", serves));
        assert_ne!(text, OFFICES);
        let problems = Recipients::parse(&text).unwrap_err().problems;
        let said = format!("person `wang`: nobody stands in on {day}");
        assert!(problems.iter().any(|problem| problem.contains(&said)), "{said}: {problems:#?}");
    }
}
