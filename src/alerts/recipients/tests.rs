use super::*;
use crate::policy::Policies;

fn addresses(list: &Recipients, sector: Option<&str>, division: Option<&str>, day: &str) -> Vec<String> {
    list.recipients_for(sector, division.map(|code| code.parse().unwrap()), day.parse().unwrap())
        .into_iter()
        .map(|recipient| recipient.address)
        .collect()
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
    let found = list.recipients_for(Some("sport"), "110108".parse().ok(), "2025-01-01".parse().unwrap());
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
    assert_eq!(Recipients::parse("").unwrap(), Recipients::default());
}
