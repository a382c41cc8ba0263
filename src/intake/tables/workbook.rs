//! Tables in workbooks. Those of today (xlsx, xlsb) are read cell by cell, so that a sheet of a million rows is never held as a
//! whole; old ones (xls, 65,536 rows at most) and OpenDocument sheet by sheet, within limits.

mod gate;
mod row;
mod survey;

use super::{About, Row, Run, Shown};
use crate::intake::item::{Form, Item, Refused, Sink};
use crate::intake::kind::Book;
use crate::intake::place::{Finding, Place};
use crate::intake::profile::How;
use crate::intake::sheet::{SheetKind, rank};
use calamine::{Data, DataRef, Dimensions, Ods, OdsError, Range, Reader, Sheet, SheetType, SheetVisible};
use calamine::{Xls, XlsError, Xlsb, XlsbError, Xlsx, XlsxError};
use row::WorkbookRow;
use std::fmt::Display;
use std::fs::File;
use std::io::{BufReader, Seek as _};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use survey::Survey;

/// An old workbook is held in memory as a whole while its sheets are read.
const LARGEST_XLS: u64 = 64 << 20;

/// Reads every sheet of a workbook, the register first.
pub(in crate::intake) fn read(
    mut file: File,
    book: Book,
    name: &Arc<str>,
    stem: &str,
    how: &How,
    sink: Sink<'_>,
) -> ControlFlow<()> {
    let mut refuse = |finding| sink(Item::Refused(Refused { refusal: finding, rows: 0 }));
    let surveys = match book {
        Book::Xls if file.metadata().is_ok_and(|found| found.len() > LARGEST_XLS) => {
            let zh = "旧版 xls 文件超过 64 MiB，请另存为 xlsx，或分成几个文件发送";
            let en = "an old xls file of more than 64 MiB; save it as xlsx, or send it in parts";
            return refuse(Finding::new(place(name, ""), "file_too_large", "", zh, en));
        }
        Book::Xlsx | Book::Xlsb | Book::Ods | Book::Xls => {
            let checked = catch_unwind(AssertUnwindSafe(|| match book {
                Book::Xls => gate::survey(&mut file, name),
                _ => gate::check(&mut file, book, gate::Limits::USUAL),
            }));
            match checked.unwrap_or_else(|_| Err(gate::Fault::Part(name.to_string()))) {
                Ok(surveys) => surveys,
                Err(fault) => {
                    return refuse(Finding::new(place(name, ""), fault.code(), "", fault.zh(), fault.to_string()));
                }
            }
        }
    };
    if let Err(error) = file.rewind() {
        let fault = gate::Fault::Io(error);
        return refuse(Finding::new(place(name, ""), fault.code(), "", fault.zh(), fault.to_string()));
    }
    let mut opened = match Opened::new(book, file) {
        Ok(opened) => opened,
        Err(stop) => return refuse(unreadable(place(name, ""), &stop)),
    };
    let mut surveys = surveys;
    let mut sheets: Vec<(String, bool)> = opened
        .sheets()
        .iter()
        .filter(|sheet| sheet.typ == SheetType::WorkSheet)
        .map(|sheet| (sheet.name.clone(), sheet.visible == SheetVisible::Visible))
        .collect();
    sheets.sort_by_key(|(sheet, _)| rank(sheet));
    let fallback = SheetKind::named_in(stem);
    for (sheet, visible) in sheets {
        if !visible {
            let zh = "隐藏的工作表未读取";
            let en = "a hidden sheet is not read";
            sink(Item::Warning(Finding::new(place(name, &sheet), "hidden_sheet", "", zh, en)))?;
            continue;
        }
        let survey = surveys.take(&sheet);
        let about = About {
            file: Arc::clone(name),
            sheet: sheet.as_str().into(),
            named: SheetKind::named_in(&sheet),
            fallback: fallback.clone(),
            strict_width: false,
            form: Form::Workbook,
            hidden_columns: survey.hidden_columns.clone(),
        };
        opened.read(&sheet, survey, about, how, sink)?;
    }
    ControlFlow::Continue(())
}

type Input = BufReader<File>;

/// A workbook of any kind.
enum Opened {
    Xlsx(Box<Xlsx<Input>>),
    Xlsb(Box<Xlsb<Input>>),
    Xls(Box<Xls<Input>>),
    Ods(Box<Ods<Input>>),
}

impl Opened {
    fn new(book: Book, file: File) -> Result<Self, Stop> {
        let input = BufReader::new(file);
        Ok(match book {
            Book::Xlsx => Self::Xlsx(Box::new(guarded(|| Xlsx::new(input))?)),
            Book::Xlsb => Self::Xlsb(Box::new(guarded(|| Xlsb::new(input))?)),
            Book::Xls => Self::Xls(Box::new(guarded(|| Xls::new(input))?)),
            Book::Ods => Self::Ods(Box::new(guarded(|| Ods::new(input))?)),
        })
    }

    fn sheets(&self) -> &[Sheet] {
        match self {
            Self::Xlsx(book) => book.sheets_metadata(),
            Self::Xlsb(book) => book.sheets_metadata(),
            Self::Xls(book) => book.sheets_metadata(),
            Self::Ods(book) => book.sheets_metadata(),
        }
    }

    fn read(&mut self, sheet: &str, mut survey: Survey, about: About, how: &How, sink: Sink<'_>) -> ControlFlow<()> {
        let place = place(&about.file, sheet);
        let refuse = |sink: Sink<'_>, stop: &Stop| {
            sink(Item::Refused(Refused { refusal: unreadable(place.clone(), stop), rows: 0 }))
        };
        match self {
            Self::Xlsx(book) => {
                let from_1904 = book.has_1904_epoch();
                match guarded(|| book.worksheet_cells_reader(sheet)) {
                    Ok(mut cells) => {
                        let shown = cells.styles().iter().map(|style| {
                            style.number_format.as_ref().and_then(|format| Shown::of_format(&format.format_code))
                        });
                        let shown: Vec<Option<Shown>> = shown.collect();
                        let next = || {
                            let cell = guarded(|| cells.next_cell_with_style_id())?;
                            Ok(cell.map(|(cell, style)| {
                                let shown = shown.get(style).copied().flatten();
                                (cell.get_position(), cell.get_value().clone(), shown)
                            }))
                        };
                        rows(next, &survey, from_1904, Run::new(about, how, sink))
                    }
                    Err(stop) => refuse(sink, &stop),
                }
            }
            Self::Xlsb(book) => {
                let from_1904 = book.has_1904_epoch();
                match guarded(|| book.worksheet_cells_reader(sheet)) {
                    Ok(mut cells) => {
                        let next = || {
                            let cell = guarded(|| cells.next_cell())?;
                            Ok(cell.map(|cell| {
                                let at = cell.get_position();
                                (at, cell.get_value().clone(), survey.shown.get(&at).copied())
                            }))
                        };
                        rows(next, &survey, from_1904, Run::new(about, how, sink))
                    }
                    Err(stop) => refuse(sink, &stop),
                }
            }
            Self::Xls(book) => {
                let from_1904 = book.has_1904_epoch();
                let merged = guarded(|| book.merge_cells_by_sheet_name(sheet)).unwrap_or_default();
                merged.iter().map(area).for_each(|area| survey.merge(area));
                match guarded(|| book.worksheet_range(sheet)) {
                    Ok(range) => range_rows(&range, &survey, from_1904, Run::new(about, how, sink)),
                    Err(stop) => refuse(sink, &stop),
                }
            }
            Self::Ods(book) => match guarded(|| book.worksheet_range(sheet)) {
                Ok(range) => range_rows(&range, &survey, false, Run::new(about, how, sink)),
                Err(stop) => refuse(sink, &stop),
            },
        }
    }
}

fn area(found: &Dimensions) -> survey::Area {
    (found.start.0, found.start.1, found.end.0, found.end.1)
}

/// A cell: place, content, and how it is shown.
type Placed<'a> = ((u32, u32), DataRef<'a>, Option<Shown>);

/// Reads cells in their order, row by row.
fn rows<'a>(
    mut next: impl FnMut() -> Result<Option<Placed<'a>>, Stop>,
    survey: &Survey,
    from_1904: bool,
    mut run: Run<'_>,
) -> ControlFlow<()> {
    let mut row = WorkbookRow::new(survey, from_1904);
    let mut number = 0;
    let mut forgiven = survey.odd.len();
    loop {
        match next() {
            Ok(Some(((at, column), value, shown))) => {
                if at != number {
                    row.end(number, &mut run)?;
                    number = at;
                }
                row.put(column, value, shown);
            }
            Ok(None) => {
                row.end(number, &mut run)?;
                return run.finish();
            }
            // A cell that contradicts itself was noted at the gate; it costs its own row and nothing else.
            Err(_) if forgiven > 0 && !survey.unplaced => forgiven -= 1,
            // The row begun is as it was when the file broke: it may lack cells, so it is not read.
            Err(stop) => return run.damaged(&stop.reason),
        }
    }
}

fn range_rows(range: &Range<Data>, survey: &Survey, from_1904: bool, run: Run<'_>) -> ControlFlow<()> {
    let (first_row, first_column) = range.start().unwrap_or_default();
    let mut cells = range.used_cells();
    let next = || {
        Ok(cells.next().map(|(row, column, value)| {
            let at = |first: u32, index: usize| first.saturating_add(u32::try_from(index).unwrap_or(u32::MAX));
            let place = (at(first_row, row), at(first_column, column));
            (place, borrowed(value), survey.shown.get(&place).copied())
        }))
    };
    rows(next, survey, from_1904, run)
}

fn borrowed(value: &Data) -> DataRef<'_> {
    match value {
        Data::Int(value) => DataRef::Int(*value),
        Data::Float(value) => DataRef::Float(*value),
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => DataRef::SharedString(text),
        Data::Bool(value) => DataRef::Bool(*value),
        Data::DateTime(value) => DataRef::DateTime(*value),
        Data::Error(error) => DataRef::Error(error.clone()),
        _ => DataRef::Empty,
    }
}

/// Reads on in a workbook. The reader's own arithmetic overflows at places that no sheet has (row 99999999999999999999): that
/// is a fault of the file like any other, and costs no other file.
fn guarded<T, E: Display + Locked>(read: impl FnOnce() -> Result<T, E>) -> Result<T, Stop> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(Stop { locked: error.is_locked(), reason: error.to_string() }),
        Err(_) => {
            let reason = "a place or number in it is beyond what a sheet can have".to_owned();
            Err(Stop { locked: false, reason })
        }
    }
}

/// Why a reader stopped.
struct Stop {
    locked: bool,
    reason: String,
}

/// Errors that say whether a password is in the way.
trait Locked {
    fn is_locked(&self) -> bool;
}

impl Locked for XlsxError {
    fn is_locked(&self) -> bool {
        matches!(self, Self::Password)
    }
}

impl Locked for XlsbError {
    fn is_locked(&self) -> bool {
        matches!(self, Self::Password)
    }
}

impl Locked for XlsError {
    fn is_locked(&self) -> bool {
        matches!(self, Self::Password)
    }
}

impl Locked for OdsError {
    fn is_locked(&self) -> bool {
        matches!(self, Self::Password)
    }
}

fn place(file: &Arc<str>, sheet: &str) -> Place {
    Place { file: Arc::clone(file), sheet: sheet.into(), row: None, column: None }
}

fn unreadable(place: Place, stop: &Stop) -> Finding {
    if stop.locked {
        let zh = "工作簿有密码保护，请取消密码后重新发送";
        return Finding::new(place, "password", "", zh, "the workbook is locked by a password; save it without one");
    }
    Finding::new(
        place,
        "unreadable",
        "",
        format!("不是完好的表格文件（{}），请重新导出后再发送", stop.reason),
        format!("it is not a sound workbook ({}); export it anew", stop.reason),
    )
}
