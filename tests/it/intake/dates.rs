//! Whatever date stands in a sheet, its row is answered and names the column.

use super::{CODE, Harvest};
use crate::nonsense::{dates, names_a_year_in_bounds};

/// Every sheet: its header, a good row, its columns that hold dates.
const SHEETS: [(&str, &str, &str, &[&str]); 10] = [
    ("merchants", "credit_code,name,founded_on", "CODE,x,2020-01-01", &["founded_on"]),
    ("filings", "credit_code,status,date", "CODE,已备案,2025-06-01", &["date"]),
    ("balances", "credit_code,date,outstanding", "CODE,2025-06-01,1", &["date"]),
    ("custody", "credit_code,date,held", "CODE,2025-06-01,1", &["date"]),
    ("guarantees", "credit_code,kind,amount,from,until", "CODE,保函,1,2025-06-01,2025-07-01", &["from", "until"]),
    (
        "exits",
        "credit_code,mall,unit,action,date,planned_on",
        "CODE,M,1,公示,2025-06-01,2025-12-31",
        &["date", "planned_on"],
    ),
    (
        "complaints",
        "ticket,channel,received_at,credit_code,type,due_at,answered_at,closed_at,outcome",
        "T,12345,2025-06-01,CODE,退费难,2025-06-10,2025-06-02,2025-06-03,已解决",
        &["received_at", "due_at", "answered_at", "closed_at"],
    ),
    (
        "signals",
        "credit_code,mall,unit,kind,date,cleared_on",
        "CODE,M,1,欠租,2025-06-01,2025-06-02",
        &["date", "cleared_on"],
    ),
    (
        "lists",
        "credit_code,list,entered_on,removed_on",
        "CODE,严重违法失信,2025-06-01,2025-06-02",
        &["entered_on", "removed_on"],
    ),
    ("enforcement", "credit_code,kind,date,due_on", "CODE,责令改正,2025-06-01,2025-07-01", &["date", "due_on"]),
];

#[test]
fn every_date_column_of_every_sheet_is_answered_and_named_when_it_is_wrong() {
    let texts = dates(60);
    for (sheet, header, row, columns) in SHEETS {
        for column in columns {
            let place = header.split(',').position(|name| name == *column).unwrap();
            let line = |text: &String| {
                let row = row.replace("CODE", CODE);
                let mut cells: Vec<&str> = row.split(',').collect();
                cells[place] = text;
                cells.join(",")
            };
            let lines: Vec<String> = texts.iter().map(line).collect();
            let harvest = Harvest::of_text(&format!("{sheet}.csv"), format!("{header}\n{}\n", lines.join("\n")));
            assert_eq!(harvest.rows.len(), texts.len(), "{sheet}");
            for (text, row) in texts.iter().zip(&harvest.rows) {
                match &row.outcome {
                    Ok(_) => {
                        let endless =
                            ["until", "removed_on", "cleared_on"].contains(column) && text.starts_with("9999-12-31");
                        let founded = *column == "founded_on" && text.starts_with("19");
                        assert!(
                            names_a_year_in_bounds(text) || endless || founded,
                            "{sheet} {column} = {text} was taken"
                        );
                    }
                    Err(findings) => {
                        let told = findings.iter().any(|finding| finding.place.column.as_deref() == Some(column));
                        // A day may also be wrong only beside another one; then that is named.
                        let beside = findings.iter().any(|finding| finding.code.contains("before"));
                        assert!(told || beside, "{sheet} {column} = {text}: {findings:?}");
                    }
                }
            }
        }
    }
}
