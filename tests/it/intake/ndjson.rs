//! Commands as NDJSON.

use super::*;

#[test]
fn commands_come_as_ndjson_too() {
    let balance =
        format!(r#"{{"command":"report_balance","credit_code":"{CODE}","date":"2025-03-31","outstanding":"5"}}"#);
    let filing = format!(
        r#"{{"command":"record_filing","credit_code":"{CODE}","status":"accepted","date":"2025-01-01","bank":" 农业银行　"}}"#
    );
    let text = format!(
        "\u{FEFF}{balance}\n\n{{\"command\":\"report_balance\"\n{}\n{}\n{filing}\n",
        balance.replace(r#""outstanding""#, r#""surprise":1,"outstanding""#),
        balance.replace("2025-03-31", "2031-03-31"),
    );
    let harvest = Harvest::of_text("commands.ndjson", text);
    assert_eq!(harvest.accepted(), [1, 6]);
    assert_eq!(harvest.refusals(), [(3, vec!["json"]), (4, vec!["json"]), (5, vec!["future"])]);
    let told = |index: usize| harvest.rows[index].outcome.as_ref().unwrap_err()[0].to_string();
    assert!(told(2).contains("row 4") && told(2).contains("surprise"), "{}", told(2));
    assert!(told(3).contains("row 5, column `date`"), "{}", told(3));
    let Ok(Command::RecordFiling(filing)) = &harvest.rows[4].outcome else { panic!() };
    assert_eq!(filing.bank.as_deref(), Some("农业银行"));
}

#[test]
fn the_same_facts_come_out_of_a_sheet_and_of_ndjson() {
    let sheets = Harvest::of(&samples().join("district-utf8"));
    let commands: Vec<_> = sheets.rows.iter().map(|row| row.outcome.clone().unwrap()).collect();
    let lines: String = commands.iter().map(|command| serde_json::to_string(command).unwrap() + "\n").collect();
    let ndjson = Harvest::of_text("district.jsonl", lines);
    assert_eq!(ndjson.rows.into_iter().map(|row| row.outcome.unwrap()).collect::<Vec<_>>(), commands);
}
