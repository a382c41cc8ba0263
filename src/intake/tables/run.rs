//! Tables on their way in: title lines are passed over and their 单位 heard, a header of one or two rows is found and
//! understood, then row after row is read. A further header begins a further table; what stands around records is passed over
//! and told. A table that cannot be understood is refused once, as a whole, with the number of its rows.

mod header;

use super::around::{Around, PassedOver, has_code, rows_named};
use super::lines::LineFault;
use super::spoken::Spoken;
use super::{Note, Row, Shown};
use crate::domain::personal::masked;
use crate::domain::text::trim;
use crate::intake::cell::{Cell, Unit};
use crate::intake::commands::row::{self, Cells};
use crate::intake::item::{Form, Item, ReadRow, Refused, Sink, Table};
use crate::intake::place::{Finding, Place};
use crate::intake::profile::{How, Profile};
use crate::intake::sheet::{Layout, Measure, SheetKind, complete, layout, recognise};
use csv::StringRecord;
use header::{Header, header_refusal, is_header, no_header, same, unit_doubtful, with_lower, with_upper};
use std::ops::ControlFlow;
use std::sync::Arc;

pub(in crate::intake) use header::MOST_TITLE_ROWS;

/// What the caller of a table knows about it.
pub(in crate::intake) struct About {
    /// File name.
    pub(in crate::intake) file: Arc<str>,
    /// Sheet name; empty in a csv file, which then takes its kind's name.
    pub(in crate::intake) sheet: Arc<str>,
    /// Kinds its name speaks of.
    pub(in crate::intake) named: Vec<SheetKind>,
    /// Kinds to choose from if neither the name nor the header tells.
    pub(in crate::intake) fallback: Vec<SheetKind>,
    /// A cell beyond the header means that separators went wrong (csv), not that somebody took notes (xlsx).
    pub(in crate::intake) strict_width: bool,
    /// The form it comes in.
    pub(in crate::intake) form: Form,
    /// Columns that the file does not show: first and last, from 0.
    pub(in crate::intake) hidden_columns: Vec<(usize, usize)>,
}

enum Stage {
    /// Above the header.
    Seeking,
    /// A header was found; the next row may be its second.
    Headed(Header),
    Reading(Arc<Table>, Box<Layout>),
    Refused(Finding),
}

/// A sheet or file being read, table by table.
pub(in crate::intake) struct Run<'s> {
    about: About,
    how: How,
    sink: Sink<'s>,
    state: Stage,
    /// Rows seen with something in them, the header not counted once it is found.
    rows: u64,
    told_of_notes: bool,
    /// Tables begun before this one.
    tables: usize,
    /// What the lines since the last table say about the unit.
    spoken: Spoken,
    /// What was said about the unit of the table before.
    spoken_before: Spoken,
    /// The row above, while a header is sought: it may be the upper half of one.
    above: Vec<String>,
    passed: PassedOver,
    /// Rows that the file does not show.
    hidden: (u64, Vec<u64>),
}

impl<'s> Run<'s> {
    pub(in crate::intake) fn new(about: About, how: &How, sink: Sink<'s>) -> Self {
        Self {
            about: About { sheet: masked(&about.sheet).into(), ..about },
            how: how.clone(),
            sink,
            state: Stage::Seeking,
            rows: 0,
            told_of_notes: false,
            tables: 0,
            spoken: Spoken::Nothing,
            spoken_before: Spoken::Nothing,
            above: Vec::new(),
            passed: PassedOver::default(),
            hidden: (0, Vec::new()),
        }
    }

    /// Takes one row.
    pub(in crate::intake) fn row(&mut self, row: &Row<'_>) -> ControlFlow<()> {
        if (0..row.cells.width()).all(|index| row.cells.cell(index).is_blank()) {
            return ControlFlow::Continue(());
        }
        if let Stage::Headed(_) = self.state {
            let texts = texts(row.cells);
            let Stage::Headed(header) = std::mem::replace(&mut self.state, Stage::Seeking) else {
                return ControlFlow::Continue(());
            };
            return match with_lower(&header.texts, &texts) {
                Some(both) => self.begin(&Header { row: header.row, texts: both }),
                None => {
                    self.begin(&header)?;
                    self.row(row)
                }
            };
        }
        self.rows += 1;
        match &self.state {
            Stage::Reading(table, layout) => {
                if has_code(layout, row) {
                    let (table, layout) = (Arc::clone(table), layout.clone());
                    return self.record(&table, &layout, row);
                }
                let (table, layout) = (Arc::clone(table), layout.clone());
                self.other(&table, &layout, row)
            }
            Stage::Refused(_) if self.tables > 0 => {
                let texts = texts(row.cells);
                if is_header(&texts, &self.how.profiles) {
                    self.head(row.number, texts)
                } else {
                    ControlFlow::Continue(())
                }
            }
            Stage::Refused(_) | Stage::Headed(_) => ControlFlow::Continue(()),
            Stage::Seeking => {
                self.seek(row.number, texts(row.cells));
                ControlFlow::Continue(())
            }
        }
    }

    /// Takes a row whose code column holds no code: it may be a record with a fault, or none at all.
    fn other(&mut self, table: &Arc<Table>, layout: &Layout, row: &Row<'_>) -> ControlFlow<()> {
        let texts = texts(row.cells);
        // Going through all headers known takes longer than reading a row: most rows show at once that they are none.
        if could_head(row.cells) && is_header(&texts, &self.how.profiles) {
            if same(&table.header, &texts) {
                self.passed.add(Around::Repeated, row.number);
                return ControlFlow::Continue(());
            }
            return self.head(row.number, texts);
        }
        let Some(around) = Around::of(layout, row) else { return self.record(table, layout, row) };
        self.passed.add(around, row.number);
        for text in &texts {
            self.spoken.hear(text);
        }
        if around == Around::Footer
            && self.spoken != Spoken::Nothing
            && self.spoken != Spoken::Unit(Unit::Plain)
            && layout
                .without_unit()
                .any(|column| layout.place(column.field).is_some_and(|(_, unit)| unit == Unit::Plain))
        {
            let zh = "表下方写明了金额单位，而表头没有：上面的金额已按元读取，请核对；单位应写在表头，如「（万元）」";
            let en = "the unit stands below the table and not in its header: the amounts above were read as yuan, compare them; \
                      write the unit into the header, such as （万元）";
            self.spoken = Spoken::Nothing;
            (self.sink)(Item::Warning(Finding::new(table.place(row.number), "unit_below_table", "", zh, en)))?;
        }
        ControlFlow::Continue(())
    }

    /// Ends the table that is open and notes the header of the next.
    fn head(&mut self, number: u64, texts: Vec<String>) -> ControlFlow<()> {
        self.rows = self.rows.saturating_sub(1);
        self.end_table()?;
        self.tables += 1;
        self.rows = 0;
        self.state = Stage::Headed(Header { row: number, texts });
        ControlFlow::Continue(())
    }

    /// Reads a record.
    fn record(&mut self, table: &Arc<Table>, layout: &Layout, row: &Row<'_>) -> ControlFlow<()> {
        let (number, cells) = (row.number, row.cells);
        if row.hidden {
            self.hidden.0 += 1;
            if self.hidden.1.len() < 5 {
                self.hidden.1.push(number);
            }
        }
        let mut read = row::read(layout, table, number, cells, self.how.now);
        for (index, note) in row.notes {
            refuse_noted(&mut read, layout, *index, *note, cells);
        }
        if let Some(index) = beyond(layout, cells) {
            let value = cells.cell(index).shown();
            let value = masked(&value);
            if self.about.strict_width {
                let width = layout.width;
                read.refuse(Finding::new(
                    table.place(number),
                    "too_many_cells",
                    &value,
                    format!("本行单元格多于表头的 {width} 列，可能有未加引号的分隔符"),
                    format!("the row has more cells than the {width} of the header; a separator may lack quotes"),
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

    /// Takes a line that is no row.
    pub(in crate::intake) fn broken(&mut self, number: u64, line: &str, fault: LineFault) -> ControlFlow<()> {
        if let Stage::Headed(_) = self.state
            && let Stage::Headed(header) = std::mem::replace(&mut self.state, Stage::Seeking)
        {
            self.begin(&header)?;
        }
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
    pub(in crate::intake) fn damaged(mut self, reason: &str) -> ControlFlow<()> {
        if let Stage::Reading(table, _) = &self.state {
            let table = Arc::clone(table);
            self.tell_hidden(&table)?;
            self.passed.tell(&table, self.sink)?;
        }
        let refusal = Finding::new(
            self.place(None),
            "unreadable",
            "",
            format!("文件自此处起无法读取（{reason}）；此前的行已处理"),
            format!("from here on the file cannot be read ({reason}); the rows before were taken"),
        );
        (self.sink)(Item::Refused(Refused { refusal, rows: 0 }))
    }

    /// Ends the sheet or file.
    pub(in crate::intake) fn finish(mut self) -> ControlFlow<()> {
        if let Stage::Headed(_) = self.state
            && let Stage::Headed(header) = std::mem::replace(&mut self.state, Stage::Seeking)
        {
            self.begin(&header)?;
        }
        self.end_table()
    }

    fn tell_hidden(&mut self, table: &Table) -> ControlFlow<()> {
        let (count, rows) = std::mem::take(&mut self.hidden);
        let Some(first) = rows.first() else { return ControlFlow::Continue(()) };
        let named = rows_named(&rows, count);
        let zh = format!("隐藏（或被筛选掉）的 {count} 行也已读取：{named}");
        let en = format!("{count} rows that are hidden or filtered away were read too: {named}");
        (self.sink)(Item::Warning(Finding::new(table.place(*first), "hidden_rows", "", zh, en)))
    }

    fn end_table(&mut self) -> ControlFlow<()> {
        let place = self.place(None);
        match std::mem::replace(&mut self.state, Stage::Seeking) {
            Stage::Reading(table, _) => {
                self.tell_hidden(&table)?;
                self.passed.tell(&table, self.sink)?;
                if self.rows > 0 {
                    return ControlFlow::Continue(());
                }
                let place = Place { row: None, ..table.place(table.header_row) };
                let en = "the sheet has a header and no rows";
                (self.sink)(Item::Warning(Finding::new(place, "no_rows", "", "只有表头，没有数据行", en)))
            }
            Stage::Refused(refusal) => (self.sink)(Item::Refused(Refused { refusal, rows: self.rows })),
            Stage::Seeking | Stage::Headed(_) if self.rows > 0 => {
                let refusal = no_header(place);
                (self.sink)(Item::Refused(Refused { refusal, rows: self.rows }))
            }
            Stage::Seeking | Stage::Headed(_) if self.about.strict_width => {
                let refusal = Finding::new(place, "empty", "", "文件是空的", "the file is empty");
                (self.sink)(Item::Refused(Refused { refusal, rows: 0 }))
            }
            Stage::Seeking | Stage::Headed(_) => {
                let warning =
                    Finding::new(place, "empty", "", "工作表是空的，未读取", "the sheet is empty and was skipped");
                (self.sink)(Item::Warning(warning))
            }
        }
    }

    fn seek(&mut self, number: u64, texts: Vec<String>) {
        let both = with_upper(&self.above, &texts);
        if let Some(header) = both.or_else(|| is_header(&texts, &self.how.profiles).then(|| texts.clone())) {
            self.rows = 0;
            self.state = Stage::Headed(Header { row: number, texts: header });
            return;
        }
        texts.iter().for_each(|text| self.spoken.hear(text));
        self.above = texts;
        if self.rows >= MOST_TITLE_ROWS {
            self.state = Stage::Refused(no_header(self.place(None)));
        }
    }

    /// Begins a table under its header.
    fn begin(&mut self, header: &Header) -> ControlFlow<()> {
        self.above.clear();
        self.told_of_notes = false;
        // Where our own sheet has every column it needs, it is that, whatever else is beside them.
        let profile: Option<Arc<Profile>> = (self.how.profiles.recognise(&header.texts))
            .filter(|profile| layout(profile.kind, &header.texts).is_err() || !complete(profile.kind, &header.texts));
        let kind = match profile.as_ref().map_or_else(|| self.kind(&header.texts), |profile| Ok(profile.kind)) {
            Ok(kind) => kind,
            Err(refusal) => {
                self.state = Stage::Refused(*refusal);
                return ControlFlow::Continue(());
            }
        };
        if self.about.sheet.is_empty() {
            self.about.sheet = kind.zh().into();
        }
        let (headers, dropped) = header.without_hidden_doubles(kind, &self.about.hidden_columns);
        let found = profile.as_ref().map_or_else(|| layout(kind, &headers), |profile| profile.layout(&headers));
        let mut layout = match found {
            Ok(layout) => layout,
            Err(fault) => {
                self.state = Stage::Refused(header_refusal(self.place(Some(header.row)), kind, fault));
                return ControlFlow::Continue(());
            }
        };
        let spoken = std::mem::take(&mut self.spoken);
        let untold: Vec<&str> = layout.without_unit().map(|column| column.zh).collect();
        if !untold.is_empty() {
            match (&spoken, &self.spoken_before) {
                // A profile says itself where its units stand: a title that says something else is a doubt.
                (Spoken::Unit(Unit::TenThousand), _) if profile.is_some() => {
                    self.state = Stage::Refused(unit_doubtful(self.place(Some(header.row)), "单位：万元", &untold));
                    return ControlFlow::Continue(());
                }
                (Spoken::Unit(unit), _) => layout.speak(*unit),
                (Spoken::Doubtful(said), _) => {
                    self.state = Stage::Refused(unit_doubtful(self.place(Some(header.row)), &masked(said), &untold));
                    return ControlFlow::Continue(());
                }
                // Another table on the same sheet, of which nothing is said: whether it is meant too cannot be told.
                (Spoken::Nothing, Spoken::Unit(Unit::TenThousand)) if self.tables > 0 => {
                    self.state = Stage::Refused(unit_doubtful(self.place(Some(header.row)), "单位：万元", &untold));
                    return ControlFlow::Continue(());
                }
                (Spoken::Nothing, _) => {}
            }
        }
        if spoken != Spoken::Nothing {
            self.spoken_before = spoken;
        }
        let personal = layout.drop_personal(&headers, &self.how.profiles.personal);
        let table = Arc::new(Table {
            file: Arc::clone(&self.about.file),
            sheet: Arc::clone(&self.about.sheet),
            kind: Some(kind),
            profile,
            form: self.about.form,
            header_row: header.row,
            header: header.texts.iter().map(|header| trim(header).into()).collect(),
            layout: Some(layout.clone()),
        });
        let extra = layout.extra.join("、");
        let hidden: Vec<String> = (self.about.hidden_columns.iter())
            .flat_map(|(first, last)| (*first..=*last).take(layout.width))
            .filter(|index| layout.field_at(*index).is_some())
            .filter_map(|index| table.header.get(index).map(ToString::to_string))
            .collect();
        self.state = Stage::Reading(Arc::clone(&table), Box::new(layout));
        (self.sink)(Item::Table(Arc::clone(&table)))?;
        let place = || table.place(header.row);
        if !personal.is_empty() {
            let zh = "这些列含个人信息，读取时已舍弃，不保存、不回传";
            let en = "these columns are about persons; they were dropped, and are neither kept nor sent back";
            (self.sink)(Item::Warning(Finding::new(place(), "personal_column", &personal.join("、"), zh, en)))?;
        }
        if !extra.is_empty() {
            let zh = "这些列不属于本表，未读取";
            let en = "these columns do not belong to this sheet and are not read";
            (self.sink)(Item::Warning(Finding::new(place(), "extra_column", &extra, zh, en)))?;
        }
        if !dropped.is_empty() {
            let zh = "隐藏的列未读取，同名的可见列已读取";
            let en = "hidden columns were not read; the ones shown under the same header were";
            (self.sink)(Item::Warning(Finding::new(place(), "hidden_column", &dropped.join("、"), zh, en)))?;
        }
        if !hidden.is_empty() {
            let zh = "隐藏的列也已读取";
            let en = "hidden columns were read too";
            (self.sink)(Item::Warning(Finding::new(place(), "hidden_column_read", &hidden.join("、"), zh, en)))?;
        }
        ControlFlow::Continue(())
    }

    fn kind(&self, headers: &[String]) -> Result<SheetKind, Box<Finding>> {
        let mut fitting = match self.about.named.as_slice() {
            // A further table may be another than the name says, if it is whole.
            [named] if self.tables > 0 && !complete(*named, headers) => match recognise(&[], headers).as_slice() {
                [other] if complete(*other, headers) => vec![*other],
                _ => vec![*named],
            },
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

/// Returns the first cell with something in it to the right of the header.
fn beyond(layout: &Layout, cells: &dyn Cells) -> Option<usize> {
    (layout.width..cells.width()).find(|index| !cells.cell(*index).is_blank())
}

/// Says whether nothing in a row speaks against its being a header: a header holds short words and no values.
fn could_head(cells: &dyn Cells) -> bool {
    (0..cells.width()).all(|index| match cells.cell(index) {
        Cell::Blank => true,
        Cell::Text(text) => {
            let text = trim(text);
            text.len() <= LONGEST_HEADER && (text.is_empty() || text.chars().any(char::is_alphabetic))
        }
        Cell::Number(_) | Cell::Bool(_) | Cell::Error(_) => false,
    })
}

/// Bytes of the longest text that is still looked at as a header.
const LONGEST_HEADER: usize = 120;

/// Returns the texts of a header, or of a row that may be one. Numbers of people stand in no header that is known.
fn texts(cells: &dyn Cells) -> Vec<String> {
    (0..cells.width()).map(|index| masked(&cells.cell(index).shown()).into_owned()).collect()
}

/// Refuses a row for what its file says about one of the cells that are read.
fn refuse_noted(read: &mut ReadRow, layout: &Layout, index: usize, note: Note, cells: &dyn Cells) {
    let Some(column) = layout.column_at(index) else { return };
    let wan = layout.place(column.field).is_some_and(|(_, unit)| unit == Unit::TenThousand);
    let measured = column.measure != Measure::None;
    let (code, zh, en) = match note {
        Note::NotCalculated => (
            "not_calculated",
            "公式从未计算过，没有结果；请用表格软件打开并保存，或直接填写数值",
            "the formula was never calculated and has no result; open the file in a spreadsheet program and save it, or put the value there",
        ),
        Note::Contradictory => (
            "unreadable_cell",
            "单元格内容与其类型不符，无法读取，请重新填写",
            "the cell holds something that its own type does not allow; type it anew",
        ),
        Note::Merged if measured => (
            "merged_amount",
            "数字在跨行合并单元格中，无法确定属于哪一行；请取消合并后逐行填写",
            "the number stands in a cell merged over several rows, and to which it belongs cannot be told; unmerge it and fill in each row",
        ),
        Note::Shown(Shown::Scaled) if measured && wan => (
            "unit_by_format",
            "表头写的是万元，而单元格只是用数字格式显示成万：无法确定实际数值的单位，请改为常规格式并写明单位",
            "the header says 万元, and the cell only shows its number in 万 by its number format: which is meant cannot be told; use a plain format and name the unit",
        ),
        Note::Shown(Shown::Multiplied) if measured && !wan => (
            "unit_by_format",
            "单元格的数字格式带有万（或千、亿），而表头没有写明：无法确定单位，请改为常规格式并在表头写明单位",
            "the number format adds 万 (or 千, 亿) that the header does not name: the unit cannot be told; use a plain format and name the unit in the header",
        ),
        Note::Merged | Note::Shown(_) => return,
    };
    let header = read.table.column(column.field);
    let place = Place { column: header, ..read.table.place(read.row) };
    // What was said of the cell before rests on content that it does not have.
    if let Err(refusals) = &mut read.outcome {
        refusals.retain(|refusal| refusal.place.column != place.column);
    }
    read.refuse(Finding::new(place, code, &masked(&cells.cell(index).shown()), zh, en));
}
