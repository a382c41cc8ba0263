//! The sample district in its three forms against the lights that a second reading gave for it (tests/samples/README.md).

use crate::office::{self, Sheet};
use serde_json::Value;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use warnlight::desk::{Answer, Rehearsal};
use warnlight::domain::decide::{Known, decide};
use warnlight::domain::envelope::Position;
use warnlight::domain::fold::Stamp;
use warnlight::domain::merchant::Horizon;
use warnlight::domain::statement::Statement;
use warnlight::domain::time::Instant;
use warnlight::domain::whose::Queue;
use warnlight::domain::world::World;
use warnlight::intake::export::calculates;
use warnlight::intake::item::Item;
use warnlight::intake::read::read;
use warnlight::lights::grade::grade;
use warnlight::lights::moment::Moment;
use warnlight::picture::Picture;
use warnlight::policy::Policies;

const FORMS: [&str; 3] = ["district-utf8", "district-gb18030", "district.xlsx"];
const INSTANTS: [(&str, &str); 3] = [
    ("2025-03-31T18:00:00+08:00", "lights-2025-03-31.json"),
    ("2025-06-30T18:00:00+08:00", "lights-2025-06-30.json"),
    ("2025-10-15T09:00:00+08:00", "lights-2025-10-15.json"),
];

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples")
}

/// After everything in the samples but the report of 2031.
fn recording() -> Instant {
    "2026-06-01T12:00:00+08:00".parse().unwrap()
}

/// Merchant, light, and each reason's rule and light, in the order of the file.
type Lights = Vec<(String, String, Vec<(String, String)>)>;

fn expected(file: &str) -> Lights {
    expected_in("expected", file)
}

fn expected_in(folder: &str, file: &str) -> Lights {
    let text = std::fs::read_to_string(samples().join(folder).join(file)).unwrap();
    lights_of(&serde_json::from_str(&text).unwrap())
}

fn lights_of(json: &Value) -> Lights {
    let text = |value: &Value, key: &str| value[key].as_str().unwrap().to_owned();
    let reasons = |light: &Value| {
        light["reasons"]
            .as_array()
            .unwrap()
            .iter()
            .map(|reason| (text(reason, "rule"), text(reason, "light")))
            .collect()
    };
    let lights = json.as_array().unwrap().iter();
    lights.map(|light| (text(light, "credit_code"), text(light, "light"), reasons(light))).collect()
}

fn commands(path: &Path) -> Vec<Result<warnlight::domain::command::Command, (u64, Vec<&'static str>)>> {
    let mut rows = Vec::new();
    let flow = read(path, recording(), &mut |item| {
        if let Item::Row(row) = item {
            let number = row.row;
            rows.push(row.outcome.map_err(|findings| (number, findings.iter().map(|finding| finding.code).collect())));
        }
        ControlFlow::Continue(())
    });
    assert!(flow.is_continue());
    rows
}

/// The rows of a district as its files mean them: what later rows say otherwise is overruled.
fn stated(path: &Path) -> Vec<(warnlight::domain::command::Command, Vec<&'static str>)> {
    let commands: Vec<_> = commands(path).into_iter().map(Result::unwrap).collect();
    let mut statement = Statement::default();
    for (number, command) in (0..).zip(&commands) {
        statement.note(number, command);
    }
    let fields: Vec<_> =
        (0..).zip(&commands).map(|(number, command)| statement.overruled(number, command).fields).collect();
    commands.into_iter().zip(fields).collect()
}

/// Decides and folds a district without a desk.
fn world(path: &Path, policies: &Policies) -> World {
    let sectors: Vec<String> = policies.sectors.all().iter().map(|sector| sector.id.clone()).collect();
    let mut world = World::default();
    let mut position = 0;
    for command in commands(path) {
        let command = command.unwrap();
        let queue = Queue::default();
        let known = Known::of(&world, &queue, &command, &sectors);
        for (_, event) in decide(&command, known, recording()).unwrap().events {
            position += 1;
            world.fold(Stamp { position, recorded_at: recording(), history: true }, &event);
        }
    }
    world
}

#[test]
fn three_forms_at_three_instants_give_the_expected_lights_and_reasons() {
    let policies = Policies::built_in().unwrap();
    for form in FORMS {
        let world = world(&samples().join(form), &policies);
        for (now, file) in INSTANTS {
            let now: Instant = now.parse().unwrap();
            let moment = Moment::new(&policies, now, Position::MAX);
            let horizon = Horizon::new(now, Position::MAX);
            let mut found = BTreeMap::new();
            for merchant in world.merchants().iter().filter(|merchant| merchant.exists(&horizon)) {
                let grade = grade(&moment.subject(&world, merchant));
                let reasons: Vec<_> =
                    grade.rules(&policies.pack).map(|rule| (rule.id.clone(), rule.light.to_string())).collect();
                found.insert(merchant.code.to_string(), (grade.light.to_string(), reasons));
            }
            let found: Lights = found.into_iter().map(|(code, (light, reasons))| (code, light, reasons)).collect();
            assert_eq!(found, expected(file), "{form} at {now}");
        }
    }
}

#[test]
fn any_form_after_any_other_changes_nothing() {
    let policies = Arc::new(Policies::built_in().unwrap());
    let mut rehearsal = Rehearsal::new(Picture::new(policies));
    for (turn, form) in FORMS.into_iter().chain([FORMS[0]]).enumerate() {
        for (command, overruled) in stated(&samples().join(form)) {
            // Such a row is not decided; of the register each column counts by itself.
            if !overruled.is_empty() && !matches!(command, warnlight::domain::command::Command::RegisterMerchant(_)) {
                continue;
            }
            match rehearsal.execute_overruled(&command, &overruled, recording()) {
                Answer::Accepted(_) if turn == 0 => {}
                Answer::Unchanged { .. } if turn > 0 || !overruled.is_empty() => {}
                other => panic!("{form}, turn {turn}: {command:?} gave {other:?}"),
            }
        }
    }
}

#[test]
fn bad_rows_are_refused_where_and_why_the_readme_says() {
    let policies = Arc::new(Policies::built_in().unwrap());
    let mut rehearsal = Rehearsal::new(Picture::new(policies));
    let rows = commands(&samples().join("bad/投诉.csv"));
    let fates: Vec<String> = rows
        .into_iter()
        .map(|row| match row {
            Err((_, codes)) => codes.join(" "),
            Ok(command) => match rehearsal.execute(&command, recording()) {
                Answer::Accepted(_) => "accepted".to_owned(),
                Answer::Unchanged { .. } => "unchanged".to_owned(),
                Answer::Refused(problems) => {
                    problems.iter().map(|problem| format!("{} {}", problem.code, problem.field)).collect()
                }
            },
        })
        .collect();
    assert_eq!(
        fates,
        [
            "accepted",
            "unchanged",
            "contradicts received_at",
            "before_received",
            "unknown_word",
            "closed_without_outcome",
            "accepted",
            "accepted"
        ]
    );
    let refused: Vec<_> = commands(&samples().join("bad/预收资金.csv")).into_iter().filter_map(Result::err).collect();
    let codes: Vec<_> = refused.iter().map(|(row, codes)| (*row, codes.join(" "))).collect();
    let told = [
        (5, "credit_code"),
        (6, "no_such_day"),
        (7, "negative"),
        (8, "not_an_amount"),
        (9, "missing"),
        (10, "missing"),
        (11, "future"),
        (12, "too_fine"),
    ];
    assert_eq!(codes, told.map(|(row, code)| (row, code.to_owned())));
}

fn warnlight(data: &Path, arguments: &[&str]) -> Output {
    let data = data.to_str().unwrap();
    Command::new(env!("CARGO_BIN_EXE_warnlight"))
        .args(arguments)
        .args(["--data", data, "--format", "json"])
        .env_clear()
        .output()
        .unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
}

#[test]
fn the_command_imports_the_district_once_and_shows_the_expected_lights() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let import = |form: &str| {
        let output = warnlight(&data, &["import", samples().join(form).to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        json(&output)
    };
    let first = import("district.xlsx");
    // Seven filings were submitted and accepted on one day: of one day the last step counts.
    let counts = ["rows", "accepted", "unchanged", "refused"].map(|key| first[key].as_u64().unwrap());
    assert_eq!(counts, [2649, 2642, 7, 0]);
    let again = import("district-gb18030");
    assert_eq!((&again["rows"], &again["unchanged"]), (&2649.into(), &2649.into()));
    for (now, file) in INSTANTS {
        let lights = json(&warnlight(&data, &["lights", "--at", now]));
        assert_eq!(lights_of(&lights), expected(file), "{now}");
        for reason in lights.as_array().unwrap().iter().flat_map(|light| light["reasons"].as_array().unwrap()) {
            for key in ["facts", "clause", "version", "events"] {
                assert!(!reason[key].is_null(), "{key} is missing in {reason}");
            }
        }
    }
    // Known on a day before anything was recorded: nothing.
    let unknown =
        json(&warnlight(&data, &["lights", "--at", INSTANTS[1].0, "--known-at", "2025-06-30T18:00:00+08:00"]));
    assert_eq!(unknown, Value::Array(Vec::new()));
}

/// The sheets of the district as offices really send it: names and lines of cells.
fn messy() -> Vec<(String, Vec<Vec<String>>)> {
    let mut sheets: Vec<_> = std::fs::read_dir(samples().join("district-messy"))
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_path(&path).unwrap();
            let lines = reader.records().map(|line| line.unwrap().iter().map(str::to_owned).collect()).collect();
            (path.file_stem().unwrap().to_str().unwrap().to_owned(), lines)
        })
        .collect();
    sheets.sort();
    sheets
}

/// The district in every kind of file: the name of each file and what is in it.
fn messy_in(kind: &str) -> Vec<(String, Vec<u8>)> {
    let sheets = messy();
    let pages: Vec<Sheet<'_>> = sheets.iter().map(|(name, lines)| Sheet { name, lines }).collect();
    let each = |ending: &str, write: &dyn Fn(&Sheet<'_>) -> Vec<u8>| -> Vec<(String, Vec<u8>)> {
        pages.iter().map(|page| (format!("{}.{ending}", page.name), write(page))).collect()
    };
    let csv = |page: &Sheet<'_>| office::csv(page.lines, ',', "\r\n");
    let parts = each("csv", &|page| office::gb(&csv(page)));
    let parts: Vec<(&str, &[u8])> = parts.iter().map(|(name, held)| (name.as_str(), held.as_slice())).collect();
    match kind {
        "xlsx" => vec![("海淀.xlsx".to_owned(), office::xlsx(&pages))],
        "xlsx of dates and numbers" => vec![("海淀.xlsx".to_owned(), office::typed_xlsx(&pages))],
        "xlsb" => vec![("海淀.xlsb".to_owned(), office::xlsb(&pages))],
        "xls" => vec![("海淀.et".to_owned(), office::xls(&pages))],
        "ods" => vec![("海淀.ods".to_owned(), office::ods(&pages))],
        "csv in GB18030" => each("csv", &|page| office::gb(&csv(page))),
        "csv in UTF-16" => each("csv", &|page| office::wide(&csv(page))),
        "tsv" => each("tsv", &|page| office::csv(page.lines, '\t', "\n").into_bytes()),
        "html called xls" => each("xls", &|page| office::gb(&office::html(page))),
        "zip, names in UTF-8" => vec![("海淀.zip".to_owned(), office::zipped(&parts))],
        "zip, names in GB18030" => vec![("海淀.zip".to_owned(), office::zipped_with_gb_names(&parts))],
        other => panic!("{other}"),
    }
}

const KINDS: [&str; 11] = [
    "xlsx",
    "xlsx of dates and numbers",
    "xlsb",
    "xls",
    "ods",
    "csv in GB18030",
    "csv in UTF-16",
    "tsv",
    "html called xls",
    "zip, names in UTF-8",
    "zip, names in GB18030",
];

/// Spellings, empty words, wrong figures corrected further down, tickets exported again: whatever kind of file they stand in.
#[test]
fn the_messy_district_is_taken_without_a_refusal_and_gives_the_expected_lights() {
    let folder = tempfile::tempdir().unwrap();
    let import = |data: &Path, from: &Path| json(&warnlight(data, &["import", from.to_str().unwrap()]));
    let right = |data: &Path, kind: &str| {
        for (now, file) in INSTANTS {
            let lights = json(&warnlight(data, &["lights", "--at", now]));
            assert_eq!(lights_of(&lights), expected_in("expected-messy", file), "{kind}, {now}");
        }
    };
    let (data, given) = (folder.path().join("data"), samples().join("district-messy"));
    let first = import(&data, &given);
    assert_eq!(first["refused"], 0, "{first}");
    right(&data, "as given");
    let again = import(&data, &given);
    assert_eq!((&again["accepted"], &again["rows"]), (&0.into(), &first["rows"]), "the same folder again");
    for (at, kind) in KINDS.into_iter().enumerate() {
        let (data, from) = (folder.path().join(format!("data-{at}")), folder.path().join(format!("from-{at}")));
        std::fs::create_dir(&from).unwrap();
        for (name, bytes) in messy_in(kind) {
            std::fs::write(from.join(name), bytes).unwrap();
        }
        let tally = import(&data, &from);
        assert_eq!(
            ["refused", "rows", "accepted"].map(|key| &tally[key]),
            ["refused", "rows", "accepted"].map(|key| &first[key]),
            "{kind}: {tally}"
        );
        right(&data, kind);
    }
}

#[test]
fn of_rows_of_one_file_the_last_counts_and_the_earlier_get_a_remark() {
    let room = tempfile::tempdir().unwrap();
    let (data, sheet, out) = (room.path().join("data"), room.path().join("预收资金.csv"), room.path().join("out"));
    let row = |yuan: &str, revenue: &str| format!("91110000101623741K,2025-03-31,{yuan},{revenue}\n");
    let head = "统一社会信用代码,报告日期,预收资金余额,上年主营收入\n";
    let told = |rows: &[String]| {
        std::fs::write(&sheet, [head, &rows.concat()].concat()).unwrap();
        let paths = ["import", "--out", out.to_str().unwrap(), sheet.to_str().unwrap()];
        let tally = json(&warnlight(&data, &paths));
        let receipts = std::fs::read_to_string(out.join("receipts.csv")).unwrap();
        (["accepted", "unchanged", "refused"].map(|key| tally[key].as_u64().unwrap()), receipts)
    };
    let (counts, receipts) = told(&[row("1", "7"), row("2", "")]);
    assert_eq!(counts, [1, 1, 0]);
    assert!(receipts.contains("row 3 of this file says otherwise; the later row counts"), "{receipts}");
    // What stands is the last figure, with what only the first row said.
    assert_eq!(told(&[row("2", "7")]).0, [0, 1, 0]);
    assert_eq!(told(&[row("1", ""), row("2", ""), row("", "")]).0, [0, 2, 1], "a blank figure is refused");
    // Another file with an older value is a new statement: A, then B, then A ends with A.
    assert_eq!(told(&[row("1", "")]).0, [1, 0, 0]);
    assert_eq!(told(&[row("1", "")]).0, [0, 1, 0]);
    assert_eq!(told(&[row("2", "7"), row("2", "")]).0, [1, 1, 0]);
    assert_eq!(
        told(&[row("1", "")]).0,
        [0, 1, 0],
        "the same file again, though something newer was recorded meanwhile"
    );
    assert_eq!(told(&[row("1", ""), row("1", "")]).0, [1, 1, 0], "another file is a new statement");
}

#[test]
fn a_file_that_was_taken_in_changes_nothing_also_after_something_newer() {
    let room = tempfile::tempdir().unwrap();
    let (data, out, folder) = (room.path().join("data"), room.path().join("out"), room.path().join("folder"));
    std::fs::create_dir(&folder).unwrap();
    let codes = ["91110000101623741K", "911100001016237000"];
    let write = |name: &str, rows: &[(&str, &str)]| {
        let rows = rows.iter().map(|(code, yuan)| format!("{code},2025-03-31,{yuan}\n")).collect::<String>();
        std::fs::write(folder.join(name), format!("统一社会信用代码,报告日期,预收资金余额\n{rows}")).unwrap();
    };
    let told = |options: &[&str], name: &str| {
        let path = folder.join(name);
        let arguments = [&["import", "--out", out.to_str().unwrap()], options, &[path.to_str().unwrap()]].concat();
        let tally = json(&warnlight(&data, &arguments));
        ["accepted", "unchanged", "refused"].map(|key| tally[key].as_u64().unwrap())
    };
    let events = || json(&warnlight(&data, &["verify"]))["events"].clone();
    // One row is refused: the file is remembered all the same, for its other row.
    write("a.csv", &[(codes[0], "1"), (codes[0], "x")]);
    write("b.csv", &[(codes[0], "2")]);
    assert_eq!(told(&[], "a.csv"), [1, 0, 1]);
    assert_eq!(told(&[], "b.csv"), [1, 0, 0]);
    let before = events();
    assert!(before.is_u64(), "{before}");
    assert_eq!(told(&["--dry-run"], "a.csv"), [0, 1, 1]);
    assert_eq!(told(&[], "a.csv"), [0, 1, 1], "its row was taken before; something newer stands");
    assert_eq!(told(&[], "b.csv"), [0, 1, 0]);
    assert_eq!(told(&[], ""), [0, 2, 1], "the same files in their folder");
    assert_eq!(events(), before, "nothing was appended");
    // Under another name it is another file, and a new statement: A, then B, then A ends with A.
    std::fs::copy(folder.join("a.csv"), folder.join("c.csv")).unwrap();
    assert_eq!(told(&[], "c.csv"), [1, 0, 1]);
    assert_eq!(told(&[], "a.csv"), [0, 1, 1]);
}

#[test]
fn an_entry_made_by_mistake_is_cancelled_by_a_row_of_a_sheet() {
    const CODE: &str = "91110000101623741K";
    let room = tempfile::tempdir().unwrap();
    let data = room.path().join("data");
    let at = "2025-06-30T18:00:00+08:00";
    let told = |name: &str, head: &str, row: &str| {
        let path = room.path().join(name);
        std::fs::write(&path, format!("统一社会信用代码,{head}\n{CODE},{row}\n")).unwrap();
        let tally = json(&warnlight(&data, &["import", path.to_str().unwrap()]));
        ["accepted", "unchanged", "refused"].map(|key| tally[key].as_u64().unwrap())
    };
    let lit = || {
        let lights = json(&warnlight(&data, &["lights", "--at", at]));
        let reasons = lights[0]["reasons"].as_array().unwrap().clone();
        reasons.iter().map(|reason| reason["rule"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(told("商户.csv", "商户名称", "甲健身"), [1, 0, 0]);
    let cases = [
        ("closed-unannounced", "商场,铺位号,事项,日期", "甲,1,", "闭店", ",2025-05-01"),
        ("serious-list", "名单,列入日期", "", "严重违法失信", ",2025-05-01"),
        ("order-not-met", "类型,日期,期限,文号", "", "责令改正", ",2025-05-01,2025-05-10,文1"),
        ("utilities", "商场,铺位号,类型,日期", "甲,1,", "水电异常", ",2025-05-01"),
    ];
    for (number, (rule, head, before, word, after)) in cases.iter().enumerate() {
        assert_eq!(told(&format!("{number}a.csv"), head, &format!("{before}{word}{after}")), [1, 0, 0], "{rule}");
        assert!(lit().contains(&(*rule).to_owned()), "{rule}: {:?}", lit());
        let cancelling = format!("{before}作废{word}{after}");
        assert_eq!(told(&format!("{number}b.csv"), head, &cancelling), [1, 0, 0], "{cancelling}");
        assert!(!lit().contains(&(*rule).to_owned()), "{rule}: {:?}", lit());
    }
    let nothing = told("nothing.csv", "名单,列入日期", "作废失信被执行人,2025-05-01");
    assert_eq!(nothing, [0, 0, 1], "there is no such entry");
}

#[test]
fn rows_that_were_refused_are_decided_again_when_their_file_comes_again() {
    let room = tempfile::tempdir().unwrap();
    let (data, out) = (room.path().join("data"), room.path().join("out"));
    let told = |name: &str, rows: &[&str]| {
        let path = room.path().join(name);
        let head = "统一社会信用代码,商场,铺位号,事项,日期,计划撤店日期,退费安排\n";
        let rows = rows.iter().map(|row| format!("91110000101623741K,{row}\n")).collect::<String>();
        std::fs::write(&path, [head, &rows].concat()).unwrap();
        let tally = json(&warnlight(&data, &["import", "--out", out.to_str().unwrap(), path.to_str().unwrap()]));
        ["accepted", "unchanged", "refused"].map(|key| tally[key].as_u64().unwrap())
    };
    let notice = "甲,1,公示,2025-03-01,2025-06-30,退";
    let later = ["甲,1,变更,2025-03-20,2025-08-31,", "乙,1,公示,2025-03-01,2025-06-30,退"];
    assert_eq!(told("later.csv", &later), [1, 0, 1], "no notice stands for the first");
    assert_eq!(told("notice.csv", &[notice]), [1, 0, 0]);
    assert_eq!(told("newer.csv", &["乙,1,公示,2025-03-01,2025-07-31,退"]), [1, 0, 0]);
    assert_eq!(told("later.csv", &later), [1, 1, 0], "now it does; the other was taken before");
    assert_eq!(told("newest.csv", &["甲,1,变更,2025-03-20,2025-09-30,"]), [1, 0, 0]);
    assert_eq!(told("later.csv", &later), [0, 2, 0]);
}

#[test]
fn nothing_written_about_bad_rows_is_a_formula() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let data = folder.path().join("data");
    let arguments = ["import", "--out", out.to_str().unwrap()];
    let bad = samples().join("bad");
    let output = warnlight(&data, &[&arguments[..], &[bad.to_str().unwrap()]].concat());
    assert_eq!(output.status.code(), Some(2));
    let tally = json(&output);
    let counts = ["rows", "accepted", "unchanged", "refused"].map(|key| tally[key].as_u64().unwrap());
    assert_eq!(counts, [19, 6, 1, 12]);
    let mut cells = 0;
    for entry in std::fs::read_dir(&out).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "csv") {
            let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_path(&path).unwrap();
            for record in reader.records() {
                for cell in &record.unwrap() {
                    let cell = cell.trim_start_matches('\u{FEFF}');
                    assert!(!calculates(cell), "{cell} in {}", path.display());
                    cells += 1;
                }
            }
        }
    }
    assert!(cells > 100);
}

#[test]
fn an_amendment_above_its_notice_is_taken_and_the_sheet_sent_again_changes_nothing() {
    let room = tempfile::tempdir().unwrap();
    let (data, sheet) = (room.path().join("data"), room.path().join("撤店.csv"));
    let rows = "统一社会信用代码,商场,铺位号,事项,日期,计划撤店日期\n\
                91110000101623741K,大悦城,1-001,撤回,2025-04-01,\n\
                91110000101623741K,大悦城,1-001,变更,2025-03-01,2025-08-01\n\
                91110000101623741K,大悦城,1-001,公示,2025-02-01,2025-07-01\n\
                91110000101623741K,翠微百货,2-002,撤回,2025-04-01,\n";
    std::fs::write(&sheet, rows).unwrap();
    for (accepted, unchanged) in [(3, 0), (0, 3)] {
        let output = warnlight(&data, &["import", sheet.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(2));
        let tally = json(&output);
        let counts = ["rows", "accepted", "unchanged", "refused"].map(|key| tally[key].as_u64().unwrap());
        assert_eq!(counts, [4, accepted, unchanged, 1], "{tally}");
    }
}
