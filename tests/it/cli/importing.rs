//! What an import tells, and what one bad file or row costs the others.

use super::{text, warnlight};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const CODE: &str = "91110000101623741K";

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples")
}

fn run(data: &Path, arguments: &[&str]) -> Output {
    warnlight(&[&["--data", data.to_str().unwrap()], arguments].concat(), &[])
}

#[test]
fn an_import_lists_its_warnings_and_says_which_lights_changed_and_who_was_mailed() {
    let room = tempfile::tempdir().unwrap();
    let data = room.path().join("data");
    let history = run(&data, &["import", samples().join("district-utf8").to_str().unwrap()]);
    assert_eq!(history.status.code(), Some(0));
    let said = text(&history.stderr);
    assert!(said.contains("lights changed: ") && said.contains(" to red"), "{said}");
    assert!(said.contains("nobody was mailed"), "{said}");

    let sheet = room.path().join("custody.csv");
    fs::write(&sheet, format!("credit_code,date,held,memo\n{CODE},2025-01-01,5,x\n")).unwrap();
    let warned = run(&data, &["import", "--notify", sheet.to_str().unwrap()]);
    let said = text(&warned.stderr);
    assert!(said.contains("warning") && said.contains("these columns do not belong to this sheet"), "{said}");
    assert!(said.contains(" mails were asked for"), "{said}");

    let lights = text(&run(&data, &["lights", "--at", "2025-12-31"]).stdout);
    let colours: Vec<&str> = lights.lines().skip(1).map(|line| line.split_whitespace().nth(1).unwrap()).collect();
    let rank = |colour: &&str| ["red", "orange", "yellow", "unknown", "green"].iter().position(|known| known == colour);
    assert!(colours.len() > 100 && colours.is_sorted_by_key(|colour| rank(colour).unwrap()), "{lights}");
    let only = text(&run(&data, &["lights", "--at", "2025-12-31", "--light", "red"]).stdout);
    assert_eq!(only.lines().count() - 1, colours.iter().filter(|colour| **colour == "red").count());

    let key = |arguments: &[&str]| run(&data, &[&["key", "create", "--name", "x", "--role"], arguments].concat());
    for (arguments, told) in [
        (["lead", "--division", "999999"].as_slice(), "no merchant is in division `999999`"),
        (&["operator", "--mall", "nowhere"], "no merchant has a shop in the mall `nowhere`"),
        (&["lead", "--expires-at", "2020-01-01"], "is in the past"),
    ] {
        let refused = key(arguments);
        assert_eq!(refused.status.code(), Some(3), "{arguments:?}");
        assert!(text(&refused.stderr).contains(told), "{}", text(&refused.stderr));
    }
    assert_eq!(key(&["operator", "--mall", "nowhere", "--new"]).status.code(), Some(0));
}

#[test]
fn a_row_the_log_cannot_record_is_refused_alone_and_every_row_has_its_receipt() {
    let room = tempfile::tempdir().unwrap();
    let (data, out, sheet) = (room.path().join("data"), room.path().join("out"), room.path().join("投诉.csv"));
    let row = |ticket: &str| format!("{ticket},12345,2025-01-01 10:00,{CODE},退费难\n");
    let rows = [row("A1"), row(&"长".repeat(200)), row("A2")].concat();
    fs::write(&sheet, format!("工单编号,来源,受理时间,统一社会信用代码,诉求类型\n{rows}")).unwrap();
    let output = run(&data, &["import", "--format", "json", "--out", out.to_str().unwrap(), sheet.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    let tally: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&tally["rows"], &tally["refused"]), (&3.into(), &1.into()), "{tally} {}", text(&output.stderr));
    let receipts = fs::read_to_string(out.join("receipts.csv")).unwrap();
    assert_eq!(receipts.lines().count(), 4, "{receipts}");
}

#[test]
fn a_pipe_and_a_device_in_a_folder_cost_no_other_file() {
    let room = tempfile::tempdir().unwrap();
    let (data, folder) = (room.path().join("data"), room.path().join("in"));
    fs::create_dir(&folder).unwrap();
    assert!(Command::new("mkfifo").arg(folder.join("备案.csv")).status().unwrap().success());
    std::os::unix::fs::symlink("/dev/zero", folder.join("投诉.csv")).unwrap();
    fs::write(folder.join("custody.csv"), format!("credit_code,date,held\n{CODE},2025-01-01,5\n")).unwrap();
    let output = run(&data, &["import", "--format", "json", folder.to_str().unwrap()]);
    let tally: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&tally["accepted"], &tally["refused"]), (&1.into(), &2.into()), "{tally}");
    assert!(text(&output.stderr).contains("not a regular file"));
}

#[test]
fn a_fault_of_a_whole_column_is_said_once_with_its_count_and_an_input_without_rows_has_a_code_of_its_own() {
    let room = tempfile::tempdir().unwrap();
    let (data, sheet) = (room.path().join("data"), room.path().join("custody.csv"));
    let rows = format!("{CODE},2025-01-01,five\n").repeat(500);
    fs::write(&sheet, format!("credit_code,date,held\n{rows}{CODE},x,5\n")).unwrap();
    let output = run(&data, &["import", sheet.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(said.contains("and 497 more rows alike") && said.contains("row 502, column `date`"), "{said}");
    let empty = room.path().join("letters");
    fs::create_dir(&empty).unwrap();
    fs::write(empty.join("letter.docx"), "x").unwrap();
    let output = run(&data, &["import", empty.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(7), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("no row in it could be read"));
}
