//! Commands as NDJSON: one JSON object per line, as other systems send them.

use super::item::{Item, ReadRow, Refused, Sink, Table};
use super::lines::{Line, LineFault, read_line};
use super::place::{Finding, Place, check_character};
use super::profile::How;
use crate::domain::check::check;
use crate::domain::command::Command;
use crate::domain::personal::masked;
use crate::domain::tidy::tidy;
use crate::domain::time::Instant;
use csv::StringRecord;
use std::fs::File;
use std::io::BufReader;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Reads a file of commands.
pub(super) fn read(file: File, name: &Arc<str>, how: &How, sink: Sink<'_>) -> ControlFlow<()> {
    let mut input = BufReader::with_capacity(256 * 1024, file);
    let header = vec!["command".into()];
    let table = Arc::new(Table {
        file: Arc::clone(name),
        sheet: "".into(),
        kind: None,
        profile: None,
        header_row: 0,
        header,
        layout: None,
    });
    sink(Item::Table(Arc::clone(&table)))?;
    let mut line = Vec::new();
    let mut number = 0;
    loop {
        number += 1;
        let refused = |code, zh: String, en: String| Err(vec![Finding::new(table.place(number), code, "", zh, en)]);
        let outcome = match read_line(&mut input, &mut line) {
            Ok(Line::End) => return ControlFlow::Continue(()),
            Ok(Line::TooLong) => {
                let fault = LineFault::TooLong;
                refused(fault.code(), fault.zh(), fault.to_string())
            }
            Ok(Line::Whole) => {
                match std::str::from_utf8(&line).map(|text| text.trim_start_matches('\u{FEFF}').trim()) {
                    Ok("") => continue,
                    Ok(text) => match serde_json::from_str::<Command>(text) {
                        Ok(command) => checked(tidy(command), &table, number, how.now),
                        Err(error) => {
                            let reason = masked(&reason(&error)).into_owned();
                            let zh = format!("不是一条命令（{reason}）");
                            refused("json", zh, format!("the line is not a command: {reason}"))
                        }
                    },
                    Err(_) => refused("undecodable", "不是 UTF-8 文本".to_owned(), "the line is not UTF-8".to_owned()),
                }
            }
            Err(error) => {
                let en = format!("from this line on the file cannot be read: {error}");
                let refusal =
                    Finding::new(table.place(number), "unreadable", "", format!("自本行起无法读取：{error}"), en);
                return sink(Item::Refused(Refused { refusal, rows: 0 }));
            }
        };
        let kept = how.profiles.personal.without(&String::from_utf8_lossy(&line));
        let cells = StringRecord::from(vec![&*kept]);
        let warnings = match &outcome {
            Ok(command) if !command.credit_code().check_character_holds() => {
                vec![check_character(
                    Place { column: Some("credit_code".into()), ..table.place(number) },
                    command.credit_code(),
                )]
            }
            _ => Vec::new(),
        };
        sink(Item::Row(ReadRow { table: Arc::clone(&table), row: number, cells, outcome, warnings }))?;
    }
}

fn checked(command: Command, table: &Table, number: u64, now: Instant) -> Result<Command, Vec<Finding>> {
    let problems = check(&command, now);
    if problems.is_empty() {
        return Ok(command);
    }
    Err(problems.into_iter().map(|problem| table.finding(number, problem)).collect())
}

/// What is wrong with a JSON text, with the character instead of "line 1": the line is told by the place.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some((reason, _)) if error.column() > 0 => format!("{reason}, at character {}", error.column()),
        Some((reason, _)) => reason.to_owned(),
        None => text,
    }
}
