//! Tables in workbooks (xlsx), read cell by cell, so that a sheet of a million rows is never held as a whole.

mod gate;

use super::cell::{Cell, Number};
use super::item::{Item, Refused, Sink};
use super::lines::{LONGEST_LINE, LineFault, MOST_COLUMNS};
use super::place::{Finding, Place};
use super::profile::How;
use super::row::Cells;
use super::sheet::SheetKind;
use super::table::{About, Run};
use calamine::{CellErrorType, DataRef, Reader, SheetType, SheetVisible, Xlsx, XlsxError};
use std::fs::File;
use std::io::BufReader;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Reads every sheet of a workbook, the register first.
pub(super) fn read(mut file: File, name: &Arc<str>, stem: &str, how: &How, sink: Sink<'_>) -> ControlFlow<()> {
    if let Err(fault) = gate::check(&mut file, gate::Limits::USUAL) {
        let place = place(name, "");
        let refusal = Finding::new(place, fault.code(), "", fault.zh(), fault.to_string());
        return sink(Item::Refused(Refused { refusal, rows: 0 }));
    }
    let mut workbook = match guarded(|| Xlsx::new(BufReader::new(file))) {
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
        read_sheet(&mut workbook, &sheet, about, how, sink)?;
    }
    ControlFlow::Continue(())
}

fn read_sheet(
    workbook: &mut Xlsx<BufReader<File>>,
    sheet: &str,
    about: About,
    how: &How,
    sink: Sink<'_>,
) -> ControlFlow<()> {
    let from_1904 = workbook.has_1904_epoch();
    let mut cells = match guarded(|| workbook.worksheet_cells_reader(sheet)) {
        Ok(cells) => cells,
        Err(error) => {
            let refusal = unreadable(place(&about.file, sheet), &error);
            return sink(Item::Refused(Refused { refusal, rows: 0 }));
        }
    };
    let mut run = Run::new(about, how, sink);
    let mut row = WorkbookRow { cells: Vec::new(), text: 0, from_1904 };
    let mut number = 0;
    loop {
        match guarded(|| cells.next_cell()) {
            Ok(Some(cell)) => {
                let (at, column) = cell.get_position();
                if at != number {
                    row.end(u64::from(number) + 1, &mut run)?;
                    number = at;
                }
                row.put(usize::try_from(column).unwrap_or(MOST_COLUMNS), cell.get_value());
            }
            Ok(None) => {
                row.end(u64::from(number) + 1, &mut run)?;
                return run.finish();
            }
            Err(error) => {
                // The row begun is as it was when the file broke: it may lack cells, so it is not read.
                return run.damaged(&error.to_string());
            }
        }
    }
}

/// Reads on in a workbook. The reader's own arithmetic overflows at places that no sheet has (row 99999999999999999999): that
/// is a fault of the file like any other, and costs no other file.
fn guarded<T>(read: impl FnOnce() -> Result<T, XlsxError>) -> Result<T, XlsxError> {
    catch_unwind(AssertUnwindSafe(read))
        .unwrap_or(Err(XlsxError::Unexpected("a place or number in it is beyond what a sheet can have")))
}

struct WorkbookRow<'a> {
    cells: Vec<DataRef<'a>>,
    /// Bytes of text in the cells.
    text: usize,
    from_1904: bool,
}

impl<'a> WorkbookRow<'a> {
    fn put(&mut self, column: usize, value: &DataRef<'a>) {
        let text = match value {
            DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.len(),
            DataRef::SharedString(text) => text.len(),
            _ => 0,
        };
        self.text += text;
        // A row that is too long keeps its beginning, for people to know it by.
        if column >= MOST_COLUMNS || self.text > LONGEST_LINE {
            return;
        }
        if self.cells.len() <= column {
            self.cells.resize(column + 1, DataRef::Empty);
        }
        if let Some(place) = self.cells.get_mut(column) {
            *place = value.clone();
        }
    }

    /// Hands the row over and begins the next.
    fn end(&mut self, number: u64, run: &mut Run<'_>) -> ControlFlow<()> {
        let flow = if self.text > LONGEST_LINE {
            let beginning: Vec<_> = (0..self.cells.len()).map(|index| self.cell(index).shown()).collect();
            let beginning: String = beginning.join(",").chars().take(SHOWN_OF_LONG).collect();
            run.broken(number, &beginning, LineFault::TooLong)
        } else {
            run.row(number, self)
        };
        self.cells.clear();
        self.text = 0;
        flow
    }
}

/// Characters shown of a row that is too long to be one.
const SHOWN_OF_LONG: usize = 200;

impl Cells for WorkbookRow<'_> {
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
