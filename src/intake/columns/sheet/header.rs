//! Reading a header row: which column is where, in which unit, and which kind of sheet it heads.

use super::{Column, Field, Measure, SheetKind};
use crate::domain::text::{half_width, trim};
use crate::intake::cell::{Cell, Unit};
use crate::intake::commands::row::Cells;
use crate::intake::profile::{Personal, Profiled};

/// Where the columns of a sheet are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// Kind of sheet.
    pub kind: SheetKind,
    /// Headers that are no column of this kind, as the file writes them.
    pub extra: Vec<String>,
    /// How many cells the header row has.
    pub width: usize,
    /// The source's profile, if it has one.
    pub(in crate::intake) profiled: Option<Profiled>,
    places: [Option<Placed>; Field::COUNT],
    /// Columns about persons.
    personal: Vec<usize>,
}

/// Where one column is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Placed {
    index: usize,
    unit: Unit,
    /// The header itself names the unit.
    told: bool,
}

impl Layout {
    /// Returns a layout without columns.
    pub(in crate::intake) const fn empty(kind: SheetKind, width: usize) -> Self {
        let places = [None; Field::COUNT];
        Self { kind, extra: Vec::new(), width, profiled: None, places, personal: Vec::new() }
    }

    /// Says where a field's column is.
    pub(in crate::intake) fn put(&mut self, field: Field, (index, unit): (usize, Unit)) {
        if let Some(kept) = self.places.get_mut(field as usize) {
            *kept = Some(Placed { index, unit, told: unit != Unit::Plain });
        }
    }

    /// Returns the unit that the header of a field's column names.
    ///
    /// # Errors
    /// It names one that is not known.
    pub(in crate::intake) fn unit(&self, field: Field, header: &str) -> Result<Unit, HeaderFault> {
        let measure = self.kind.columns().iter().find(|column| column.field == field).map(|column| column.measure);
        let unit = Header::of(header).unit(measure.unwrap_or(Measure::None));
        unit.map(Option::unwrap_or_default)
            .map_err(|unit| HeaderFault::UnknownUnit { header: trim(header).to_owned(), unit })
    }

    /// Finds the columns about persons among those that nothing reads, and returns their headers, which are extra no more.
    pub(in crate::intake) fn drop_personal(&mut self, headers: &[String], personal: &Personal) -> Vec<String> {
        let is_personal =
            |header: &&String| self.extra.iter().any(|extra| extra == trim(header)) && personal.is(self.kind, header);
        let dropped: Vec<String> = headers.iter().filter(is_personal).map(|header| trim(header).to_owned()).collect();
        let among = |header: &String| dropped.iter().any(|dropped| dropped == trim(header));
        self.personal =
            headers.iter().enumerate().filter(|(_, header)| among(header)).map(|(index, _)| index).collect();
        self.extra.retain(|extra| !among(extra));
        dropped
    }

    /// Says whether a column is about a person, so that its cells are dropped.
    pub(in crate::intake) fn drops(&self, index: usize) -> bool {
        self.personal.contains(&index)
    }

    /// Says whether some column is about a person.
    pub(in crate::intake) fn has_personal(&self) -> bool {
        !self.personal.is_empty()
    }

    /// Returns the field that a column is read for.
    pub(in crate::intake) fn field_at(&self, index: usize) -> Option<Field> {
        self.column_at(index).map(|column| column.field)
    }

    /// Says whether a field is the same in every row because the profile, or the person who imports the file, says so.
    pub(in crate::intake) fn is_given(&self, field: Field) -> bool {
        self.place(field).is_none() && self.profiled.as_ref().is_some_and(|profiled| profiled.gives(field))
    }

    /// Returns what a row says of a field.
    pub(in crate::intake) fn read<'a>(&'a self, field: Field, cells: &'a dyn Cells) -> Cell<'a> {
        match &self.profiled {
            Some(profiled) => profiled.read(field, cells),
            None => self.place(field).map_or(Cell::Blank, |(index, _)| cells.cell(index)),
        }
    }

    /// Returns the index of a field's column and its unit.
    #[must_use]
    pub fn place(&self, field: Field) -> Option<(usize, Unit)> {
        self.places.get(field as usize).copied().flatten().map(|placed| (placed.index, placed.unit))
    }

    /// Returns the unit of the column at `index`, if it was said elsewhere than in its header.
    #[must_use]
    pub(in crate::intake) fn unit_said_elsewhere(&self, index: usize) -> Option<Unit> {
        let here = self.places.iter().flatten().find(|placed| placed.index == index && !placed.told);
        here.map(|placed| placed.unit)
    }

    /// Returns the column that stands at `index`.
    #[must_use]
    pub fn column_at(&self, index: usize) -> Option<&'static Column> {
        let at = |column: &&Column| self.place(column.field).is_some_and(|(place, _)| place == index);
        self.kind.read().find(at)
    }

    /// Returns the columns of money whose header names no unit.
    pub fn without_unit(&self) -> impl Iterator<Item = &'static Column> {
        let untold = |column: &&Column| {
            column.measure == Measure::Money
                && self.places.get(column.field as usize).copied().flatten().is_some_and(|placed| !placed.told)
        };
        self.kind.columns().iter().filter(untold)
    }

    /// Gives `unit`, which is said above the header, to the columns of money whose header names none.
    pub fn speak(&mut self, unit: Unit) {
        for column in self.without_unit().collect::<Vec<_>>() {
            if let Some(Some(placed)) = self.places.get_mut(column.field as usize) {
                placed.unit = unit;
            }
        }
    }
}

/// Why a table with a recognised header cannot be read.
#[derive(Debug, Clone)]
pub enum HeaderFault {
    /// Columns that are needed are not there.
    Missing(Vec<&'static Column>),
    /// Two headers are the same column.
    Duplicate {
        /// The column.
        column: &'static Column,
        /// The second header.
        header: String,
    },
    /// An amount or ratio in a unit that is not known.
    UnknownUnit {
        /// The header.
        header: String,
        /// The unit it names.
        unit: String,
    },
}

/// Returns how many different columns of `kind` are among the headers.
#[must_use]
pub fn recognised(kind: SheetKind, headers: &[String]) -> usize {
    let names: Vec<String> = headers.iter().map(|header| Header::of(header).name).collect();
    kind.columns().iter().filter(|column| names.iter().any(|name| column.is(name))).count()
}

/// Returns the kinds among `candidates` (all, if there are none) that fit the headers best: those with every needed
/// column before the others, then those with the most columns. More than one: it cannot be told.
#[must_use]
pub fn recognise(candidates: &[SheetKind], headers: &[String]) -> Vec<SheetKind> {
    let all = SheetKind::ALL;
    let candidates = if candidates.is_empty() { &all } else { candidates };
    let names: Vec<String> = headers.iter().map(|header| Header::of(header).name).collect();
    let fit = |kind: &SheetKind| {
        let has = |column: &&Column| names.iter().any(|name| column.is(name));
        let complete = kind.columns().iter().filter(|column| column.required).all(|column| has(&column));
        // A register may have a column of other names; it is a list of these only where it has no more of a register.
        let is_plain = *kind != SheetKind::Aliases;
        (complete, kind.columns().iter().filter(has).count(), is_plain)
    };
    let best = candidates.iter().map(fit).max();
    candidates.iter().filter(|kind| best == Some(fit(kind))).copied().collect()
}

/// Returns where the columns of `kind` are.
///
/// # Errors
/// See [`HeaderFault`]; all missing columns are named at once.
pub fn layout(kind: SheetKind, headers: &[String]) -> Result<Layout, HeaderFault> {
    let mut layout = Layout::empty(kind, headers.len());
    for (index, text) in headers.iter().enumerate() {
        let header = Header::of(text);
        let is_taken = |column: &Column, layout: &Layout| layout.place(column.field).is_some();
        let clue = || kind.clues().iter().find(|column| column.is(&header.name) && !is_taken(column, &layout));
        let Some(column) = kind.columns().iter().find(|column| column.is(&header.name)).or_else(clue) else {
            if !header.name.is_empty() {
                layout.extra.push(trim(text).to_owned());
            }
            continue;
        };
        let unit = header
            .unit(column.measure)
            .map_err(|unit| HeaderFault::UnknownUnit { header: trim(text).to_owned(), unit })?;
        if let Some(place) = layout.places.get_mut(column.field as usize) {
            if place.is_some() {
                return Err(HeaderFault::Duplicate { column, header: trim(text).to_owned() });
            }
            *place = Some(Placed { index, unit: unit.unwrap_or_default(), told: unit.is_some() });
        }
    }
    // A sheet without codes that says where the shops are finds their merchants by that.
    let says_where = kind.clues().iter().any(|clue| layout.place(clue.field).is_some());
    let absent = |column: &&Column| {
        column.required && layout.place(column.field).is_none() && !(column.field == Field::CreditCode && says_where)
    };
    let missing: Vec<&Column> = kind.columns().iter().filter(absent).collect();
    if missing.is_empty() { Ok(layout) } else { Err(HeaderFault::Missing(missing)) }
}

/// Says whether every column that `kind` needs is among the headers.
#[must_use]
pub fn complete(kind: SheetKind, headers: &[String]) -> bool {
    let names: Vec<String> = headers.iter().map(|header| Header::of(header).name).collect();
    kind.columns().iter().filter(|column| column.required).all(|column| names.iter().any(|name| column.is(name)))
}

/// Returns the column of `kind` that a header names.
#[must_use]
pub fn named(kind: SheetKind, header: &str) -> Option<&'static Column> {
    let name = Header::of(header).name;
    kind.read().find(|column| column.is(&name))
}

/// Returns the unit note of a header such as `资金情况（万元）`, with its brackets.
#[must_use]
pub fn money_note(header: &str) -> Option<String> {
    let note = Header::of(header).note?;
    (names_a_unit(&note)).then(|| format!("（{note}）"))
}

/// Returns a header as it is compared: without blanks, stars and the note behind it, in half width and small letters.
#[must_use]
pub fn header_name(text: &str) -> String {
    Header::of(text).name
}

/// A header, taken apart: `＊预收资金余额 （万元）` is the name `预收资金余额` and the note `万元`.
struct Header {
    name: String,
    note: Option<String>,
}

impl Header {
    fn of(text: &str) -> Self {
        let mut plain: String =
            half_width(text).chars().filter(|letter| !trim(&letter.to_string()).is_empty()).collect();
        plain.make_ascii_lowercase();
        let plain = plain.trim_matches('*');
        let parted = plain.strip_suffix([')', ']', '】']).and_then(|rest| {
            let at = rest.rfind(['(', '[', '【'])?;
            let (name, note) = rest.split_at_checked(at)?;
            Some((name, note.trim_start_matches(['(', '[', '【'])))
        });
        match parted {
            Some((name, note)) => Self { name: name.trim_matches('*').to_owned(), note: Some(note.to_owned()) },
            None => Self { name: plain.to_owned(), note: None },
        }
    }

    /// Returns the unit the note names, if it names one, or the note if its unit is not known.
    fn unit(&self, measure: Measure) -> Result<Option<Unit>, String> {
        let Some(note) = self.note.as_deref() else { return Ok(None) };
        let bare = note.trim_start_matches("单位").trim_start_matches([':', '为']).trim_start_matches("人民币");
        match (measure, bare) {
            (Measure::Money, "万元" | "万") => Ok(Some(Unit::TenThousand)),
            (Measure::Money, "元" | "yuan" | "rmb" | "cny") => Ok(Some(Unit::Plain)),
            (Measure::Money, other) if names_a_unit(other) => Err(note.to_owned()),
            (Measure::Ratio, "%" | "百分比") => Ok(Some(Unit::PerCent)),
            (Measure::Ratio, "‰" | "千分比") => Err(note.to_owned()),
            _ => Ok(None),
        }
    }
}

/// Says whether a note below which amounts stand could change what they mean: any currency or power of ten.
fn names_a_unit(note: &str) -> bool {
    note.contains(['元', '万', '亿', '千', '百', '币', '角', '分', '$', '€'])
        || ["usd", "eur", "hkd", "k", "wan", "10k", "million"].contains(&note)
}
