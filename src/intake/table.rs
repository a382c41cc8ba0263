//! One table on its way in: title lines are passed over, the header is found and understood, then row after row is
//! read. A table that cannot be understood is refused once, as a whole, with the number of its rows.

use super::item::{Item, ReadRow, Refused, Sink, Table};
use super::lines::LineFault;
use super::place::{Finding, Place};
use super::profile::{How, Profiles};
use super::row::{self, Cells};
use super::sheet::{HeaderFault, Layout, SheetKind, layout, recognise, recognised};
use crate::domain::personal::masked;
use crate::domain::text::trim;
use csv::StringRecord;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Rows with something in them that may stand above the header.
const MOST_TITLE_ROWS: u64 = 10;

/// What the caller of a table knows about it.
pub(super) struct About {
    /// File name.
    pub(super) file: Arc<str>,
    /// Sheet name; empty in a csv file, which then takes its kind's name.
    pub(super) sheet: Arc<str>,
    /// Kinds its name speaks of.
    pub(super) named: Vec<SheetKind>,
    /// Kinds to choose from if neither the name nor the header tells.
    pub(super) fallback: Vec<SheetKind>,
    /// A cell beyond the header means that separators went wrong (csv), not that somebody took notes (xlsx).
    pub(super) strict_width: bool,
}

enum Stage {
    /// Above the header.
    Seeking,
    Reading(Arc<Table>, Box<Layout>),
    Refused(Finding),
}

/// A table being read.
pub(super) struct Run<'s> {
    about: About,
    how: How,
    sink: Sink<'s>,
    state: Stage,
    /// Rows seen with something in them, the header not counted once it is found.
    rows: u64,
    told_of_notes: bool,
}

impl<'s> Run<'s> {
    pub(super) fn new(about: About, how: &How, sink: Sink<'s>) -> Self {
        Self { about, how: how.clone(), sink, state: Stage::Seeking, rows: 0, told_of_notes: false }
    }

    /// Takes one row; `number` is its number in the spreadsheet.
    pub(super) fn row(&mut self, number: u64, cells: &dyn Cells) -> ControlFlow<()> {
        if (0..cells.width()).all(|index| cells.cell(index).is_blank()) {
            return ControlFlow::Continue(());
        }
        self.rows += 1;
        match &self.state {
            Stage::Refused(_) => ControlFlow::Continue(()),
            Stage::Seeking => self.seek(number, cells),
            Stage::Reading(table, layout) => {
                let (table, beyond) = (Arc::clone(table), beyond(layout, cells));
                let mut read = row::read(layout, &table, number, cells, self.how.now);
                if let Some(index) = beyond {
                    let value = cells.cell(index).shown();
                    let value = masked(&value);
                    if self.about.strict_width {
                        let width = layout.width;
                        read.refuse(Finding::new(
                            table.place(number),
                            "too_many_cells",
                            &value,
                            format!("本行单元格多于表头的 {width} 列，可能有未加引号的分隔符"),
                            format!(
                                "the row has more cells than the {width} of the header; a separator may lack quotes"
                            ),
                        ));
                    } else if !std::mem::replace(&mut self.told_of_notes, true) {
                        let warning = Finding::new(
                            table.place(number),
                            "beyond_header",
                            &value,
                            "表头之外的单元格未读取（本表只提示一次）",
                            "cells beyond the header are not read (said once per sheet)",
                        );
                        (self.sink)(Item::Warning(warning))?;
                    }
                }
                (self.sink)(Item::Row(read))
            }
        }
    }

    /// Takes a line that is no row.
    pub(super) fn broken(&mut self, number: u64, line: &str, fault: LineFault) -> ControlFlow<()> {
        self.rows += 1;
        // Above the header anything may stand, and a refused table is refused with every line.
        let Stage::Reading(table, layout) = &self.state else { return ControlFlow::Continue(()) };
        // Which part of it is about a person cannot be told any more.
        let line = if layout.has_personal() { "".into() } else { masked(line) };
        let line = &*line;
        let refusal = Finding::new(table.place(number), fault.code(), line, fault.zh(), fault.to_string());
        (self.sink)(Item::Row(ReadRow {
            table: Arc::clone(table),
            row: number,
            cells: StringRecord::from(vec![line]),
            outcome: Err(vec![refusal]),
            warnings: Vec::new(),
        }))
    }

    /// Ends the table early because the rest of the file cannot be read.
    pub(super) fn damaged(self, reason: &str) -> ControlFlow<()> {
        let refusal = Finding::new(
            self.place(None),
            "unreadable",
            "",
            format!("文件自此处起无法读取（{reason}）；此前的行已处理"),
            format!("from here on the file cannot be read ({reason}); the rows before were taken"),
        );
        (self.sink)(Item::Refused(Refused { refusal, rows: 0 }))
    }

    /// Ends the table.
    pub(super) fn finish(self) -> ControlFlow<()> {
        let place = self.place(None);
        match self.state {
            Stage::Reading(table, _) if self.rows == 0 => {
                let place = Place { row: None, ..table.place(table.header_row) };
                let en = "the sheet has a header and no rows";
                (self.sink)(Item::Warning(Finding::new(place, "no_rows", "", "只有表头，没有数据行", en)))
            }
            Stage::Reading(..) => ControlFlow::Continue(()),
            Stage::Refused(refusal) => (self.sink)(Item::Refused(Refused { refusal, rows: self.rows })),
            Stage::Seeking if self.rows > 0 => {
                let refusal = no_header(place);
                (self.sink)(Item::Refused(Refused { refusal, rows: self.rows }))
            }
            Stage::Seeking if self.about.strict_width => {
                let refusal = Finding::new(place, "empty", "", "文件是空的", "the file is empty");
                (self.sink)(Item::Refused(Refused { refusal, rows: 0 }))
            }
            Stage::Seeking => {
                let warning =
                    Finding::new(place, "empty", "", "工作表是空的，未读取", "the sheet is empty and was skipped");
                (self.sink)(Item::Warning(warning))
            }
        }
    }

    fn seek(&mut self, number: u64, cells: &dyn Cells) -> ControlFlow<()> {
        let headers: Vec<String> = (0..cells.width()).map(|index| cells.cell(index).shown().into_owned()).collect();
        if !is_header(&headers, &self.how.profiles) {
            if self.rows >= MOST_TITLE_ROWS {
                self.state = Stage::Refused(no_header(self.place(None)));
            }
            return ControlFlow::Continue(());
        }
        self.rows = 0;
        // Where our own sheet has every column it needs, it is that, whatever else is beside them.
        let profile = self.how.profiles.recognise(&headers).filter(|profile| layout(profile.kind, &headers).is_err());
        let kind = match profile.as_ref().map_or_else(|| self.kind(&headers), |profile| Ok(profile.kind)) {
            Ok(kind) => kind,
            Err(refusal) => {
                self.state = Stage::Refused(*refusal);
                return ControlFlow::Continue(());
            }
        };
        if self.about.sheet.is_empty() {
            self.about.sheet = kind.zh().into();
        }
        let layout = profile.as_ref().map_or_else(|| layout(kind, &headers), |profile| profile.layout(&headers));
        match layout {
            Err(fault) => {
                self.state = Stage::Refused(header_refusal(self.place(Some(number)), kind, fault));
                ControlFlow::Continue(())
            }
            Ok(mut layout) => {
                let dropped = layout.drop_personal(&headers, &self.how.profiles.personal);
                let table = Arc::new(Table {
                    file: Arc::clone(&self.about.file),
                    sheet: Arc::clone(&self.about.sheet),
                    kind: Some(kind),
                    profile,
                    header_row: number,
                    header: headers.iter().map(|header| trim(header).into()).collect(),
                    layout: Some(layout.clone()),
                });
                let extra = layout.extra.join("、");
                self.state = Stage::Reading(Arc::clone(&table), Box::new(layout));
                (self.sink)(Item::Table(Arc::clone(&table)))?;
                if !dropped.is_empty() {
                    let zh = "这些列含个人信息，读取时已舍弃，不保存、不回传";
                    let en = "these columns are about persons; they were dropped, and are neither kept nor sent back";
                    let place = table.place(number);
                    (self.sink)(Item::Warning(Finding::new(place, "personal_column", &dropped.join("、"), zh, en)))?;
                }
                if extra.is_empty() {
                    return ControlFlow::Continue(());
                }
                let place = table.place(number);
                let zh = "这些列不属于本表，未读取";
                let en = "these columns do not belong to this sheet and are not read";
                (self.sink)(Item::Warning(Finding::new(place, "extra_column", &extra, zh, en)))
            }
        }
    }

    fn kind(&self, headers: &[String]) -> Result<SheetKind, Box<Finding>> {
        let mut fitting = match self.about.named.as_slice() {
            [named] => vec![*named],
            several => recognise(several, headers),
        };
        if fitting.len() > 1 && self.about.named.is_empty() {
            let told: Vec<SheetKind> =
                fitting.iter().filter(|kind| self.about.fallback.contains(kind)).copied().collect();
            fitting = if told.is_empty() { fitting } else { told };
        }
        match fitting.as_slice() {
            [kind] => Ok(*kind),
            several => {
                let zh: Vec<&str> = several.iter().map(|kind| kind.zh()).collect();
                let en: Vec<&str> = several.iter().map(|kind| kind.name()).collect();
                Err(Box::new(Finding::new(
                    self.place(None),
                    "ambiguous_sheet",
                    "",
                    format!("无法判断这是哪张表（{}）；请在文件名或工作表名中写明", zh.join("、")),
                    format!(
                        "it cannot be told which sheet this is ({}); put the word in the file or sheet name",
                        en.join(", ")
                    ),
                )))
            }
        }
    }

    fn place(&self, row: Option<u64>) -> Place {
        Place { file: Arc::clone(&self.about.file), sheet: Arc::clone(&self.about.sheet), row, column: None }
    }
}

/// Says whether a row is a header: two cells of it are columns of one sheet.
pub(super) fn is_header(headers: &[String], profiles: &Profiles) -> bool {
    SheetKind::ALL.into_iter().any(|kind| recognised(kind, headers) >= 2) || profiles.recognise(headers).is_some()
}

/// Returns the first cell with something in it to the right of the header.
fn beyond(layout: &Layout, cells: &dyn Cells) -> Option<usize> {
    (layout.width..cells.width()).find(|index| !cells.cell(*index).is_blank())
}

fn no_header(place: Place) -> Finding {
    let kinds = SheetKind::ALL.map(SheetKind::zh).join("、");
    let names = SheetKind::ALL.map(SheetKind::name).join(", ");
    Finding::new(
        place,
        "no_header",
        "",
        format!("前 {MOST_TITLE_ROWS} 行中没有找到表头；可读取的表：{kinds}"),
        format!("no header row was found in the first {MOST_TITLE_ROWS} rows; the sheets read are: {names}"),
    )
}

fn header_refusal(place: Place, kind: SheetKind, fault: HeaderFault) -> Finding {
    match fault {
        HeaderFault::Missing(columns) => {
            let zh: Vec<&str> = columns.iter().map(|column| column.zh).collect();
            let en: Vec<String> = columns.iter().map(|column| format!("{} ({})", column.en, column.zh)).collect();
            Finding::new(
                place,
                "missing_column",
                "",
                format!("「{}」表缺少必需的列：{}；整张表未读取", kind.zh(), zh.join("、")),
                format!("a `{}` sheet needs the column {}; nothing of it was read", kind.name(), en.join(" and ")),
            )
        }
        HeaderFault::Duplicate { column, header } => Finding::new(
            place,
            "duplicate_column",
            &header,
            format!("「{}」列出现了不止一次；整张表未读取", column.zh),
            format!("the column {} ({}) appears more than once; nothing of it was read", column.en, column.zh),
        ),
        HeaderFault::UnknownUnit { header, unit } => Finding::new(
            place,
            "unknown_unit",
            &header,
            format!("表头中的单位「{unit}」无法识别，应为「元」或「万元」；整张表未读取"),
            format!("the unit `{unit}` in the header is not known, write 元 or 万元; nothing of it was read"),
        ),
    }
}
