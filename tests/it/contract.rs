//! The contract in `events/` against the types that read and write it: files, schemas, examples, envelope, release.

mod draw;

use draw::{Fill, Pen, every_event};
use jsonschema::Validator;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use uuid::Uuid;
use warnlight::domain::code::CreditCode;
use warnlight::domain::envelope::{CloudEvent, NewEvent, Origin, Recorded, hex};
use warnlight::domain::event::Event;
use warnlight::domain::event::contract::{SCHEMAS, schema};
use warnlight::domain::time::Instant;
use warnlight::domain::words::{
    ActKind, Attribution, CaseOutcome, Channel, ComplaintKind, DocumentKind, GuaranteeKind, Light, ListKind, Outcome,
    SignalKind,
};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("events")
}

fn read(name: &str) -> String {
    fs::read_to_string(folder().join(name)).unwrap_or_else(|reason| panic!("events/{name}: {reason}"))
}

fn parsed(name: &str) -> Value {
    serde_json::from_str(&read(name)).unwrap_or_else(|reason| panic!("events/{name}: {reason}"))
}

fn judge(schema: &Value) -> Validator {
    jsonschema::options()
        .offline()
        .should_validate_formats(true)
        .should_ignore_unknown_formats(false)
        .build(schema)
        .unwrap_or_else(|reason| panic!("{}: {reason}", schema["$id"]))
}

/// One entry of the contract with its two files.
struct Entry {
    event_type: &'static str,
    version: u16,
    schema: Value,
    example: Value,
    judge: Validator,
}

impl Entry {
    fn name(&self) -> String {
        format!("{}.v{}", self.event_type, self.version)
    }

    fn decodes(&self, data: &Value) -> bool {
        Event::decode(self.event_type, self.version, &data.to_string()).is_ok()
    }
}

/// Every type with every version that was ever written: the newest is written, the others are read.
fn every_version() -> impl Iterator<Item = (&'static str, u16)> {
    Event::CONTRACT.iter().flat_map(|(event_type, newest)| (1..=*newest).map(|version| (*event_type, version)))
}

/// The schema that an event is written in.
fn entry_of(event: &Event) -> &'static Entry {
    let is_it = |entry: &&Entry| (entry.event_type, entry.version) == (event.event_type(), event.schema_version());
    ENTRIES.iter().find(is_it).unwrap()
}

static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    every_version()
        .map(|(event_type, version)| {
            let schema = parsed(&format!("{event_type}.v{version}.schema.json"));
            let example = parsed(&format!("{event_type}.v{version}.example.json"));
            let judge = judge(&schema);
            Entry { event_type, version, schema, example, judge }
        })
        .collect()
});

/// Says why `data` does not fit, for a message; empty if it fits.
fn complaints(judge: &Validator, data: &Value) -> String {
    judge.iter_errors(data).map(|error| format!("{}: {error}", error.instance_path())).collect::<Vec<_>>().join("; ")
}

#[test]
fn every_type_and_version_has_a_schema_and_an_example_and_no_file_is_stray() {
    let mut expected: BTreeSet<String> =
        ["README.md", "released.sha256", "envelope.schema.json", "envelope.example.json"].map(str::to_owned).into();
    for (event_type, version) in every_version() {
        expected.insert(format!("{event_type}.v{version}.schema.json"));
        expected.insert(format!("{event_type}.v{version}.example.json"));
    }
    let found: BTreeSet<String> =
        fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(found, expected);
}

#[test]
fn a_schema_names_itself_and_explains_itself_in_both_languages() {
    for entry in ENTRIES.iter() {
        let name = entry.name();
        assert_eq!(entry.schema["$schema"], "https://json-schema.org/draft/2020-12/schema", "{name}");
        assert_eq!(entry.schema["$id"], format!("/events/{name}.schema.json"));
        let title = entry.schema["title"].as_str().unwrap_or_default();
        assert!(!title.is_empty(), "{name}: no title");
        let mut objects: Vec<&Value> = vec![&entry.schema];
        objects.extend(entry.schema["$defs"].as_object().into_iter().flat_map(Map::values));
        for object in objects {
            assert_eq!(object["additionalProperties"], false, "{name}");
            let properties = object["properties"].as_object().unwrap();
            for (property, described) in properties.iter().chain([(&name, object)]) {
                for text in ["description", "x-zh"] {
                    let text = described[text].as_str().unwrap_or_default();
                    assert!(!text.is_empty(), "{name}: `{property}` has no description or no x-zh");
                }
                let words = described["enum"].as_array().map(Vec::len);
                assert_eq!(described["x-zh-enum"].as_array().map(Vec::len), words, "{name}: `{property}`");
            }
        }
    }
}

#[test]
fn an_example_fits_its_schema_and_comes_back_from_its_type_unchanged() {
    for entry in ENTRIES.iter() {
        let name = entry.name();
        assert_eq!(complaints(&entry.judge, &entry.example), "", "{name}");
        let event = Event::decode(entry.event_type, entry.version, &entry.example.to_string()).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&event.to_json()).unwrap(), entry.example, "{name}");
        assert_eq!(event.event_type(), entry.event_type);
        assert!(event.schema_version() >= entry.version, "{name} is read as the newest version");
    }
}

/// Draws every event once and holds what it writes against its schema.
fn fits_its_schema(mut pen: Pen) -> Result<(), String> {
    let events = every_event(&mut pen);
    let drawn: BTreeSet<(&str, u16)> =
        events.iter().map(|event| (event.event_type(), event.schema_version())).collect();
    assert_eq!(drawn, Event::CONTRACT.iter().copied().collect(), "the drawing in draw.rs leaves a type out");
    for event in events {
        let entry = entry_of(&event);
        let data: Value = serde_json::from_str(&event.to_json()).unwrap();
        let complaints = complaints(&entry.judge, &data);
        if !complaints.is_empty() {
            return Err(format!("{}: {complaints} in {data}", entry.name()));
        }
        assert_eq!(Event::decode(event.event_type(), event.schema_version(), &event.to_json()).unwrap(), event);
    }
    Ok(())
}

#[test]
fn what_is_written_with_everything_stated_or_only_what_is_needed_fits_the_schema() {
    fits_its_schema(Pen::new(1, Fill::Everything)).unwrap();
    fits_its_schema(Pen::new(2, Fill::Needed)).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_written_fits_the_schema(seed: u64) {
        prop_assert_eq!(fits_its_schema(Pen::new(seed, Fill::Some)), Ok(()));
    }
}

#[test]
fn with_everything_stated_no_property_of_a_schema_stays_unused() {
    for event in every_event(&mut Pen::new(3, Fill::Everything)) {
        let data: Value = serde_json::from_str(&event.to_json()).unwrap();
        let entry = entry_of(&event);
        for (pointer, object) in objects(&entry.schema, &entry.schema, &data, "") {
            let used: BTreeSet<&String> = data.pointer(&pointer).unwrap().as_object().unwrap().keys().collect();
            let possible = possible(object, data.pointer(&pointer).unwrap());
            assert_eq!(used, possible, "{} at `{pointer}`", entry.name());
        }
    }
}

#[test]
fn an_enum_of_a_schema_is_a_vocabulary_of_the_domain_in_both_languages() {
    fn words<T: Copy>(all: &[T], name: fn(T) -> &'static str, zh: fn(T) -> &'static str) -> (Value, Value) {
        (all.iter().map(|word| name(*word)).collect(), all.iter().map(|word| zh(*word)).collect())
    }
    let vocabularies = [
        words(Light::ALL, Light::name, Light::zh),
        words(GuaranteeKind::ALL, GuaranteeKind::name, GuaranteeKind::zh),
        words(Channel::ALL, Channel::name, Channel::zh),
        words(ComplaintKind::ALL, ComplaintKind::name, ComplaintKind::zh),
        words(SignalKind::ALL, SignalKind::name, SignalKind::zh),
        words(ListKind::ALL, ListKind::name, ListKind::zh),
        words(Outcome::ALL, Outcome::name, Outcome::zh),
        words(Attribution::ALL, Attribution::name, Attribution::zh),
        words(ActKind::ALL, ActKind::name, ActKind::zh),
        words(CaseOutcome::ALL, CaseOutcome::name, CaseOutcome::zh),
        words(DocumentKind::ALL, DocumentKind::name, DocumentKind::zh),
    ];
    let mut used = BTreeSet::new();
    for entry in ENTRIES.iter() {
        for (property, described) in entry.schema["properties"].as_object().unwrap() {
            if described["enum"].is_null() || property == "cause" {
                continue;
            }
            let found = (described["enum"].clone(), described["x-zh-enum"].clone());
            let place = vocabularies.iter().position(|vocabulary| *vocabulary == found);
            used.insert(place.unwrap_or_else(|| panic!("{}: `{property}`: {found:?}", entry.name())));
        }
    }
    assert_eq!(used.len(), vocabularies.len());
}

/// Returns the alternative of an event that data fits; `None` if it has none. One names what it requires, and as `false` what
/// belongs to another.
fn alternative<'s>(schema: &'s Value, data: &Value) -> Option<&'s Value> {
    let requires = |one: &&Value| {
        let mut required = one["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        required.all(|name| data.get(name).is_some())
    };
    schema["oneOf"].as_array()?.iter().find(requires)
}

/// Returns what data of a schema has to state.
fn required<'s>(schema: &'s Value, data: &Value) -> BTreeSet<&'s str> {
    let always = schema["required"].as_array().into_iter().flatten();
    let here = alternative(schema, data).and_then(|one| one["required"].as_array()).into_iter().flatten();
    always.chain(here).map(|name| name.as_str().unwrap()).collect()
}

/// Returns what data of a schema may state.
fn possible<'s>(schema: &'s Value, data: &Value) -> BTreeSet<&'s String> {
    let of_another = |name: &String| alternative(schema, data).is_some_and(|one| one["properties"][name] == false);
    schema["properties"].as_object().unwrap().keys().filter(|name| !of_another(name)).collect()
}

/// Returns the place of every object in `data`, each with the schema it answers to.
fn objects<'s>(root: &'s Value, schema: &'s Value, data: &Value, pointer: &str) -> Vec<(String, &'s Value)> {
    let schema = match schema["$ref"].as_str() {
        Some(target) => root.pointer(target.trim_start_matches('#')).unwrap(),
        None => schema,
    };
    // Of alternatives the one that the data names.
    let fits = |one: &&Value| data["what"].is_string() && one["properties"]["what"]["const"] == data["what"];
    let schema = schema["oneOf"].as_array().and_then(|all| all.iter().find(fits)).unwrap_or(schema);
    match data {
        Value::Object(members) => std::iter::once((pointer.to_owned(), schema))
            .chain(members.iter().flat_map(|(key, member)| {
                objects(root, &schema["properties"][key], member, &format!("{pointer}/{key}"))
            }))
            .collect(),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .flat_map(|(index, item)| objects(root, &schema["items"], item, &format!("{pointer}/{index}")))
            .collect(),
        _ => Vec::new(),
    }
}

fn changed(data: &Value, pointer: &str, change: impl FnOnce(&mut Map<String, Value>)) -> Value {
    let mut changed = data.clone();
    change(changed.pointer_mut(pointer).unwrap().as_object_mut().unwrap());
    changed
}

#[test]
fn schema_and_type_refuse_and_take_the_same_changes_of_an_example() {
    let mut tried: BTreeMap<&str, u32> = BTreeMap::new();
    for entry in ENTRIES.iter() {
        let mut hold = |what: &'static str, at: String, data: &Value, taken: bool| {
            *tried.entry(what).or_default() += 1;
            let verdict = (entry.judge.is_valid(data), entry.decodes(data));
            assert_eq!(verdict, (taken, taken), "{}: {what} `{at}` (schema, type): {data}", entry.name());
        };
        for (pointer, schema) in objects(&entry.schema, &entry.schema, &entry.example, "") {
            let required = required(schema, entry.example.pointer(&pointer).unwrap());
            for name in entry.example.pointer(&pointer).unwrap().as_object().unwrap().keys() {
                let place = format!("{pointer}/{name}");
                let without = changed(&entry.example, &pointer, |object| drop(object.remove(name)));
                match required.contains(name.as_str()) {
                    true => hold("dropping the required", place.clone(), &without, false),
                    false => hold("dropping the optional", place.clone(), &without, true),
                }
                let described = &schema["properties"][name];
                let mut swap = |what, wrong: Value| {
                    let swapped = changed(&entry.example, &pointer, |object| drop(object.insert(name.clone(), wrong)));
                    hold(what, place.clone(), &swapped, false);
                };
                swap("another kind of value for", json!([[]]));
                if described["enum"].is_array() {
                    swap("a wrong word for", json!("purple"));
                }
                if described["pattern"].is_string() && described["pattern"] != "^[0-9a-f]{64}$" {
                    swap("a malformed", json!("x y"));
                }
                match described["format"].as_str() {
                    Some("date") => swap("a day that does not exist for", json!("2025-02-30")),
                    Some("date-time") => swap("an hour that does not exist for", json!("2025-03-01T25:00:00Z")),
                    Some("uuid") => swap("half an id for", json!("01980f4f-91c4-7d02")),
                    _ => {}
                }
            }
            let strange = changed(&entry.example, &pointer, |object| drop(object.insert("strange".into(), json!(1))));
            hold("the unknown property", format!("{pointer}/strange"), &strange, false);
        }
    }
    for what in ["dropping the required", "dropping the optional", "the unknown property", "a wrong word for"] {
        assert!(tried[what] > 15, "`{what}` was tried {} times only", tried[what]);
    }
}

fn recorded(stream: &str, event: &Event, whole: bool) -> Recorded {
    let origin = Origin {
        causation: whole.then(Uuid::nil),
        correlation: whole.then(Uuid::nil),
        history: whole,
        ..Origin::of("华熙LIVE·五棵松 服务台")
    };
    let at: Instant = "2025-03-31T10:00:00Z".parse().unwrap();
    Recorded {
        position: 1,
        stream: Arc::from(stream),
        revision: 0,
        recorded_at: at,
        idempotency_key: whole.then(|| Arc::from("key 1")),
        digest: [0xab; 32],
        event: NewEvent::new(Uuid::from_u128(7), at, &origin, event),
    }
}

#[test]
fn the_envelope_of_every_recorded_event_fits_its_schema_and_knows_every_attribute() {
    let envelope = parsed("envelope.schema.json");
    let judge = judge(&envelope);
    let described: BTreeSet<&String> = envelope["properties"].as_object().unwrap().keys().collect();
    for whole in [true, false] {
        let fill = if whole { Fill::Everything } else { Fill::Needed };
        for event in every_event(&mut Pen::new(4, fill)) {
            let cloud = serde_json::to_value(recorded("merchant-91110108MA7MENQFD7", &event, whole).to_cloud_event());
            let cloud = cloud.unwrap();
            assert_eq!(complaints(&judge, &cloud), "", "{cloud}");
            let written: BTreeSet<&String> = cloud.as_object().unwrap().keys().collect();
            assert!(written.is_subset(&described), "{written:?}");
            let served = cloud["dataschema"].as_str().unwrap().trim_start_matches("/events/");
            assert!(schema(served).is_some(), "{served} is not carried by the program");
        }
    }
}

#[test]
fn the_example_of_the_envelope_fits_and_comes_back_unchanged() {
    let example = parsed("envelope.example.json");
    assert_eq!(complaints(&judge(&parsed("envelope.schema.json")), &example), "");
    let cloud: CloudEvent = serde_json::from_value(example.clone()).unwrap();
    assert_eq!(serde_json::to_value(cloud).unwrap(), example);
}

#[test]
fn a_ticket_with_letters_that_no_uri_may_hold_still_makes_a_valid_source() {
    let code: CreditCode = "91110108MA7MENQFD7".parse().unwrap();
    let event = every_event(&mut Pen::new(5, Fill::Needed)).swap_remove(0);
    let cloud = recorded("complaint-=cmd|'/c calc'!A1 工单", &event, false).to_cloud_event();
    assert_eq!(cloud.source, "/warnlight/complaint-%3Dcmd%7C%27%2Fc%20calc%27%21A1%20%E5%B7%A5%E5%8D%95");
    assert_eq!(complaints(&judge(&parsed("envelope.schema.json")), &serde_json::to_value(cloud).unwrap()), "");
    let plain = recorded(&format!("merchant-{code}"), &event, false).to_cloud_event();
    assert_eq!(plain.source, format!("/warnlight/merchant-{code}"));
}

#[test]
fn a_released_schema_is_never_edited() {
    let listed: BTreeMap<String, String> = read("released.sha256")
        .lines()
        .map(|line| line.split_once("  ").unwrap_or_else(|| panic!("not a line of sha256sum: `{line}`")))
        .map(|(digest, name)| (name.to_owned(), digest.to_owned()))
        .collect();
    for (name, digest) in &listed {
        assert_eq!(
            &hex(&Sha256::digest(read(name))),
            digest,
            "events/{name} was changed after its release. Logs are kept for years and must stay valid: take the change \
             back and write a new version beside it (events/README.md, rules 1 and 2). Only if this schema was never in \
             a release, put its new digest into events/released.sha256 (`sha256sum {name}`)."
        );
    }
    let unlisted: Vec<&str> =
        SCHEMAS.iter().map(|(name, _)| *name).filter(|name| !listed.contains_key(*name)).collect();
    assert!(
        unlisted.is_empty(),
        "{unlisted:?} not in events/released.sha256: add their lines with `sha256sum <file>`, run in events/"
    );
}

#[test]
fn the_program_carries_every_schema_as_it_is_on_disk() {
    let mut on_disk: Vec<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".schema.json"))
        .collect();
    on_disk.sort();
    let carried: Vec<&str> = SCHEMAS.iter().map(|(name, _)| *name).collect();
    assert_eq!(carried, on_disk, "list them in src/domain/event/contract.rs");
    for (name, text) in SCHEMAS {
        assert_eq!(*text, read(name), "{name}");
    }
    assert_eq!(schema("../Cargo.toml"), None);
}

#[test]
fn the_list_of_events_for_people_names_each_type_once() {
    let page = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/EVENTS.md");
    let page = fs::read_to_string(page).unwrap();
    let listed: Vec<(&str, &str)> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` | "))
        .map(|(event_type, rest)| (event_type, rest.split(' ').next().unwrap_or_default()))
        .collect();
    let expected: BTreeSet<(&str, String)> =
        Event::CONTRACT.iter().map(|(event_type, version)| (*event_type, version.to_string())).collect();
    assert_eq!(listed.len(), expected.len());
    // What nothing writes names the open issue that will, or why nothing will.
    for line in page.lines().filter(|line| line.starts_with("| `")) {
        let mut cells = line.split(" | ");
        let (written, who) = (cells.nth(2).unwrap(), line.trim_end_matches(" |").rsplit(" | ").next().unwrap());
        assert!(["yes", "no", "read"].contains(&written), "{line}");
        assert!(written != "no" || who.contains("issue "), "{line}");
        assert!(written == "yes" || who.len() > 5, "{line}");
    }
    assert_eq!(listed.iter().map(|(name, version)| (*name, (*version).to_owned())).collect::<BTreeSet<_>>(), expected);
}
