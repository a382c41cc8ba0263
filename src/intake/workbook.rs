//! Tables in workbooks (xlsx), read cell by cell, so that a sheet of a million rows is never held as a whole.

use super::cell::{Cell, Number};
use super::item::{Item, Refused, Sink};
use super::place::{Finding, Place};
use super::sheet::SheetKind;
use super::table::{About, Cells, Run};
use crate::domain::time::Instant;
use calamine::{CellErrorType, DataRef, Reader, SheetType, SheetVisible, Xlsx, XlsxError};
use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::ops::ControlFlow;
use std::sync::Arc;
use zip::ZipArchive;

/// Bytes a workbook may have unpacked; a million rows have about one GiB.
const MOST_UNPACKED: u64 = 4 << 30;

/// Columns a sheet can have.
const MOST_COLUMNS: usize = 16_384;

/// Reads every sheet of a workbook, the register first.
pub(super) fn read(mut file: File, name: &Arc<str>, stem: &str, now: Instant, sink: Sink<'_>) -> ControlFlow<()> {
    if let Err(damage) = sound(&mut file) {
        let place = place(name, "");
        let refusal = Finding::new(place, damage.code(), "", damage.zh(), damage.to_string());
        return sink(Item::Refused(Refused { refusal, rows: 0 }));
    }
    let mut workbook = match Xlsx::new(BufReader::new(file)) {
        Ok(workbook) => workbook,
        Err(error) => return sink(Item::Refused(Refused { refusal: unreadable(place(name, ""), &error), rows: 0 })),
    };
    let mut sheets: Vec<(String, bool)> = workbook
        .sheets_metadata()
        .iter()
        .filter(|sheet| sheet.typ == SheetType::WorkSheet)
        .map(|sheet| (sheet.name.clone(), sheet.visible == SheetVisible::Visible))
        .collect();
    sheets.sort_by_key(|(sheet, _)| super::sheet::rank(sheet));
    let fallback = SheetKind::named_in(stem);
    for (sheet, visible) in sheets {
        if !visible {
            let zh = "隐藏的工作表未读取";
            let en = "a hidden sheet is not read";
            sink(Item::Warning(Finding::new(place(name, &sheet), "hidden_sheet", "", zh, en)))?;
            continue;
        }
        let about = About {
            file: Arc::clone(name),
            sheet: sheet.as_str().into(),
            named: SheetKind::named_in(&sheet),
            fallback: fallback.clone(),
            strict_width: false,
        };
        read_sheet(&mut workbook, &sheet, about, now, sink)?;
    }
    ControlFlow::Continue(())
}

/// Why a workbook is not opened at all.
#[derive(Debug, thiserror::Error)]
enum Damage {
    #[error("it is not a sound xlsx file (`{0}` is damaged); export it anew")]
    Part(String),
    #[error("unpacked it has more than {} GiB; send it in parts", MOST_UNPACKED >> 30)]
    TooLarge,
    #[error("the file cannot be read: {0}")]
    Io(#[from] io::Error),
}

impl Damage {
    const fn code(&self) -> &'static str {
        match self {
            Self::Part(_) | Self::Io(_) => "unreadable",
            Self::TooLarge => "file_too_large",
        }
    }

    fn zh(&self) -> String {
        match self {
            Self::Part(part) => format!("不是完好的 xlsx 文件（`{part}` 已损坏），请重新导出后再发送"),
            Self::TooLarge => format!("解压后超过 {} GiB，请分成几个文件发送", MOST_UNPACKED >> 30),
            Self::Io(error) => format!("文件无法读取：{error}"),
        }
    }
}

/// Unpacks every part to nowhere: its checksum is known to hold only when all of it was unpacked, and a damaged number
/// may look like a number. Also the gate against files that unpack without end.
fn sound(file: &mut File) -> Result<(), Damage> {
    let Ok(mut archive) = ZipArchive::new(BufReader::new(&mut *file)) else {
        // No archive at all, perhaps a workbook under a password: whoever opens it next says what it is.
        return Ok(file.rewind()?);
    };
    let mut unpacked = 0;
    for index in 0..archive.len() {
        let mut part = archive.by_index(index).map_err(|error| Damage::Part(error.to_string()))?;
        let name = part.name().map_err(|error| Damage::Part(error.to_string()))?.into_owned();
        // Pictures and other attachments are not read, so they may be as they are.
        if !(name.ends_with(".xml") || name.ends_with(".rels")) {
            continue;
        }
        let room = MOST_UNPACKED - unpacked + 1;
        unpacked +=
            io::copy(&mut Read::by_ref(&mut part).take(room), &mut io::sink()).map_err(|_| Damage::Part(name))?;
        if unpacked > MOST_UNPACKED {
            return Err(Damage::TooLarge);
        }
    }
    drop(archive);
    Ok(file.rewind()?)
}

fn read_sheet(
    workbook: &mut Xlsx<BufReader<File>>,
    sheet: &str,
    about: About,
    now: Instant,
    sink: Sink<'_>,
) -> ControlFlow<()> {
    let from_1904 = workbook.has_1904_epoch();
    let mut cells = match workbook.worksheet_cells_reader(sheet) {
        Ok(cells) => cells,
        Err(error) => {
            let refusal = unreadable(place(&about.file, sheet), &error);
            return sink(Item::Refused(Refused { refusal, rows: 0 }));
        }
    };
    let mut run = Run::new(about, now, sink);
    let mut row = Row { cells: Vec::new(), from_1904 };
    let mut number = 0;
    loop {
        match cells.next_cell() {
            Ok(Some(cell)) => {
                let (at, column) = cell.get_position();
                if at != number {
                    run.row(u64::from(number) + 1, &row)?;
                    row.cells.clear();
                    number = at;
                }
                let column = usize::try_from(column).unwrap_or(MOST_COLUMNS);
                if column < MOST_COLUMNS {
                    if row.cells.len() <= column {
                        row.cells.resize(column + 1, DataRef::Empty);
                    }
                    if let Some(place) = row.cells.get_mut(column) {
                        *place = cell.get_value().clone();
                    }
                }
            }
            Ok(None) => {
                run.row(u64::from(number) + 1, &row)?;
                return run.finish();
            }
            Err(error) => {
                // The row begun is as it was when the file broke: it may lack cells, so it is not read.
                return run.damaged(&error.to_string());
            }
        }
    }
}

struct Row<'a> {
    cells: Vec<DataRef<'a>>,
    from_1904: bool,
}

impl Cells for Row<'_> {
    fn width(&self) -> usize {
        self.cells.len()
    }

    fn cell(&self, index: usize) -> Cell<'_> {
        let number = |value: f64, dated: bool| Cell::Number(Number { value, dated, from_1904: self.from_1904 });
        match self.cells.get(index) {
            None | Some(DataRef::Empty) => Cell::Blank,
            Some(DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text)) => Cell::Text(text),
            Some(DataRef::SharedString(text)) => Cell::Text(text),
            Some(DataRef::Float(value)) => number(*value, false),
            // Beyond 2^53 the digits are lost anyway, and refused as such.
            Some(DataRef::Int(value)) => number(*value as f64, false),
            Some(DataRef::DateTime(value)) => number(value.as_f64(), true),
            Some(DataRef::Bool(value)) => Cell::Bool(*value),
            Some(DataRef::Error(error)) => Cell::Error(match error {
                CellErrorType::Div0 => "#DIV/0!",
                CellErrorType::NA => "#N/A",
                CellErrorType::Name => "#NAME?",
                CellErrorType::Null => "#NULL!",
                CellErrorType::Num => "#NUM!",
                CellErrorType::Ref => "#REF!",
                CellErrorType::Value => "#VALUE!",
                CellErrorType::GettingData => "#DATA!",
            }),
        }
    }
}

fn place(file: &Arc<str>, sheet: &str) -> Place {
    Place { file: Arc::clone(file), sheet: sheet.into(), row: None, column: None }
}

fn unreadable(place: Place, error: &XlsxError) -> Finding {
    if matches!(error, XlsxError::Password) {
        let zh = "工作簿有密码保护，请取消密码后重新发送";
        return Finding::new(place, "password", "", zh, "the workbook is locked by a password; save it without one");
    }
    Finding::new(
        place,
        "unreadable",
        "",
        format!("不是完好的 xlsx 文件（{error}），请重新导出后再发送"),
        format!("it is not a sound xlsx file ({error}); export it anew"),
    )
}
