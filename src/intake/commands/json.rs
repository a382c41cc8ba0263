//! Commands as JSON: one object on each line (NDJSON), one array, or objects over several lines, in UTF-8 or UTF-16.

use super::objects::{Objects, Piece};
use crate::domain::check::check;
use crate::domain::command::Command;
use crate::domain::personal::masked;
use crate::domain::tidy::tidy;
use crate::domain::time::Instant;
use crate::intake::item::{Form, Item, ReadRow, Refused, Sink, Table};
use crate::intake::place::{Finding, Place, check_character};
use crate::intake::profile::How;
use crate::intake::tables::encoding::{Decoded, sniff};
use crate::intake::tables::lines::LineFault;
use csv::StringRecord;
use encoding_rs::{UTF_16BE, UTF_16LE};
use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::ops::ControlFlow;
use std::sync::Arc;

/// Reads a file of commands.
///
/// # Errors
/// Only before anything was handed over.
pub(in crate::intake) fn read(
    mut file: File,
    name: &Arc<str>,
    how: &How,
    sink: Sink<'_>,
) -> io::Result<ControlFlow<()>> {
    let encoding = sniff(&file)?;
    file.rewind()?;
    // JSON is UTF-8; in UTF-16 it is written by a shell that was told to write a file.
    let wide = encoding == UTF_16LE || encoding == UTF_16BE;
    let input: Box<dyn Read> = if wide { Box::new(Decoded::new(file, encoding)) } else { Box::new(file) };
    Ok(objects(Objects::new(BufReader::with_capacity(256 * 1024, input)), name, how, sink))
}

fn objects(
    mut input: Objects<BufReader<Box<dyn Read>>>,
    name: &Arc<str>,
    how: &How,
    sink: Sink<'_>,
) -> ControlFlow<()> {
    let header = vec!["command".into()];
    let table = Arc::new(Table {
        file: Arc::clone(name),
        sheet: "".into(),
        kind: None,
        profile: None,
        form: Form::Workbook,
        header_row: 0,
        header,
        layout: None,
    });
    sink(Item::Table(Arc::clone(&table)))?;
    let mut last = 0;
    loop {
        let refused =
            |number, code, zh: String, en: String| Err(vec![Finding::new(table.place(number), code, "", zh, en)]);
        let (number, outcome, bytes) = match input.next() {
            Ok(Piece::End) if last == 0 => {
                let place = Place { row: None, ..table.place(0) };
                let refusal = Finding::new(place, "empty", "", "文件是空的", "the file is empty");
                return sink(Item::Refused(Refused { refusal, rows: 0 }));
            }
            Ok(Piece::End) => return ControlFlow::Continue(()),
            Ok(Piece::TooLong(number)) => {
                let fault = LineFault::TooLong;
                (number, refused(number, fault.code(), fault.zh(), fault.to_string()), Vec::new())
            }
            Ok(Piece::Object(number, bytes)) => {
                let outcome = match std::str::from_utf8(&bytes).map(str::trim) {
                    Ok(text) => match serde_json::from_str::<Command>(text) {
                        Ok(command) => checked(tidy(command), &table, number, how.now),
                        Err(error) => {
                            let reason = masked(&reason(&error)).into_owned();
                            let zh = format!("不是一条命令（{reason}）");
                            refused(number, "json", zh, format!("it is not a command: {reason}"))
                        }
                    },
                    Err(_) => {
                        let en = "the object is not UTF-8".to_owned();
                        refused(number, "undecodable", "不是 UTF-8 文本".to_owned(), en)
                    }
                };
                (number, outcome, bytes)
            }
            Err(error) => {
                let en = format!("behind this line the file cannot be read: {error}");
                let zh = format!("本行之后无法读取：{error}");
                let refusal = Finding::new(table.place(last), "unreadable", "", zh, en);
                return sink(Item::Refused(Refused { refusal, rows: 0 }));
            }
        };
        last = number;
        let kept = how.profiles.personal.without(&String::from_utf8_lossy(&bytes));
        let cells = StringRecord::from(vec![&*kept]);
        let code = outcome.as_ref().ok().and_then(Command::credit_code).filter(|code| !code.check_character_holds());
        let place = || Place { column: Some("credit_code".into()), ..table.place(number) };
        let warnings = code.map(|code| check_character(place(), code)).into_iter().collect();
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
