//! `warnlight routes test`: who is told about a merchant and why; and faulty routes start nothing.

use super::{text, warnlight};
use std::fs;
use std::path::Path;
use std::process::Output;

const CODE: &str = "91110108MA00000000";

const STREET: &str = r#"
[[office]]
id = "street"
zh = "万寿路街道办事处"
en = "Wanshoulu street office"

[[office.person]]
id = "wang"
address = "wang@example.invalid"
language = "en"
from = "2025-01-01"
away = [{ from = "2025-07-01", until = "2025-07-14", deputy = "li" }]

[[office.person]]
id = "li"
head = true
address = "li@example.invalid"
language = "en"
from = "2025-01-01"

[[route]]
sector = "commerce"
division = "110108"
street = "万寿路街道"
office = "street"
from = "2025-01-01"

[[expect]]
at = "2025-06-30"
sector = "commerce"
division = "110108"
street = "万寿路街道"
told = ["wang@example.invalid"]
"#;

/// The policies that are shipped, with the recipients and something behind them.
fn policies(folder: &Path, more: &str) {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    for entry in fs::read_dir(shipped).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_file()) {
        fs::copy(entry.path(), folder.join(entry.file_name())).unwrap();
    }
    let list = folder.join("recipients.toml");
    fs::write(&list, fs::read_to_string(&list).unwrap() + more).unwrap();
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    let data = folder.join("data");
    let arguments = [&["--data", data.to_str().unwrap()], arguments].concat();
    warnlight(&arguments, &[("WARNLIGHT__POLICIES__DIR", folder.join("policies").to_str().unwrap())])
}

fn room(more: &str) -> tempfile::TempDir {
    let room = tempfile::tempdir().unwrap();
    fs::create_dir(room.path().join("policies")).unwrap();
    policies(&room.path().join("policies"), more);
    room
}

#[test]
fn who_is_told_about_a_merchant_is_said_with_the_entry_that_decides() {
    let room = room(STREET);
    let sheet = room.path().join("商户.csv");
    let rows = format!(
        "统一社会信用代码,商户名称,行业代码,区划代码,街道\n{CODE},北京某某餐饮有限公司,6210,110108,万寿路街道\n91110108MA0000001D,某店,,110105,\n"
    );
    fs::write(&sheet, rows).unwrap();
    let out = room.path().join("out");
    let imported = run(room.path(), &["import", sheet.to_str().unwrap(), "--out", out.to_str().unwrap()]);
    assert_eq!(imported.status.code(), Some(0), "{}", text(&imported.stderr));

    let fits = run(room.path(), &["routes", "test"]);
    assert_eq!(fits.status.code(), Some(0), "{}", text(&fits.stderr));
    assert!(text(&fits.stdout).contains("1 expectations hold"), "{}", text(&fits.stdout));

    let told = |code: &str, at: &str| {
        let output = run(room.path(), &["routes", "test", code, "--at", at, "--format", "json"]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap()
    };
    let by_day = told(CODE, "2025-06-30T10:00:00+08:00");
    assert_eq!((&by_day["sector"], &by_day["sector_by"]), (&"commerce".into(), &"industry_code".into()), "{by_day}");
    let officer = &by_day["told"][0];
    assert_eq!(
        officer["recipients"],
        serde_json::json!(["Wanshoulu street office <wang@example.invalid>"]),
        "{officer}"
    );
    assert_eq!(officer["because"][0]["place"], "route 1");
    let away = told(CODE, "2025-07-02T10:00:00+08:00");
    assert_eq!(away["told"][0]["stood_in_for"], serde_json::json!([["wang@example.invalid", "li@example.invalid"]]));
    let other = told("91110108MA0000001D", "2025-06-30T10:00:00+08:00");
    assert!(other["sector"].is_null(), "{other}");
    assert!(
        other["told"][0]["recipients"][0].as_str().unwrap().contains("lead.beijing"),
        "the lead office decides: {other}"
    );

    let shown = run(room.path(), &["routes", "test", CODE, "--at", "2025-07-02", "--lang", "zh-CN"]);
    let shown = text(&shown.stdout);
    for part in ["按行业代码", "li@example.invalid 代 wang@example.invalid", "依据 route 1", "逾期：专班办公室"]
    {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let unknown = run(room.path(), &["routes", "test", "91110108MA0000009Y"]);
    assert_eq!(unknown.status.code(), Some(4), "{}", text(&unknown.stderr));
}

#[test]
fn faulty_routes_start_nothing_and_say_where_they_are_wrong() {
    for (old, new, said) in [
        ("told = [\"wang", "told = [\"zhang", "expectation 1: on 2025-06-30 told is wang@example.invalid"),
        (
            "sector = \"commerce\"\ndivision = \"110108\"\nstreet",
            "sector = \"comerce\"\ndivision = \"110108\"\nstreet",
            "route 1: there is no sector `comerce`",
        ),
    ] {
        let faulty = STREET.replacen(old, new, 1);
        let faulty =
            if new.contains("comerce") { faulty.split("[[expect]]").next().unwrap().to_owned() } else { faulty };
        let room = room(&faulty);
        for arguments in [&["routes", "test"][..], &["serve"]] {
            let output = run(room.path(), arguments);
            let stderr = text(&output.stderr);
            assert_eq!(output.status.code(), Some(3), "{arguments:?}: {stderr}");
            assert!(stderr.contains(said), "{arguments:?}: {stderr}");
        }
    }
}
