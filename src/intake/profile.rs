//! Profiles of sources: which header of somebody's export means what, and which of their words mean which of ours
//! (docs/PROFILES.md). They are data, `policies/intake/*.toml`: an office adds its own beside those compiled in.

mod back;
mod cases;
mod load;
mod personal;
mod propose;

pub use back::{Back, Says};
pub use cases::{Difference, test};
pub use load::{ProfileError, load};
pub use personal::Personal;
pub use propose::{ProposeError, propose};

use super::cell::{Cell, Unit};
use super::commands::row::Cells;
use super::sheet::{Field, HeaderFault, Layout, SheetKind, header_name};
use crate::domain::empty_words::is_empty_word;
use crate::domain::text::{clean, half_width};
use crate::domain::time::Instant;
use crate::domain::words::Channel;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

/// How a file is read: as it stands at a time, by the profiles known.
#[derive(Debug, Clone)]
pub struct How {
    /// The present; nothing that happened lies after it.
    pub now: Instant,
    /// Profiles of sources.
    pub profiles: Arc<Profiles>,
}

impl From<Instant> for How {
    /// By the profiles compiled in.
    fn from(now: Instant) -> Self {
        Self { now, profiles: Profiles::built_in() }
    }
}

/// The profiles known, and what headers speak of persons.
#[derive(Debug, Clone, Default)]
pub struct Profiles {
    pub(super) all: Vec<Arc<Profile>>,
    /// Columns about persons, which are dropped.
    pub personal: Personal,
}

impl Profiles {
    /// Returns those compiled in.
    #[must_use]
    pub fn built_in() -> Arc<Self> {
        static BUILT_IN: LazyLock<Arc<Profiles>> = LazyLock::new(|| {
            // INVARIANT: a test loads them.
            Arc::new(load(None).unwrap_or_default())
        });
        Arc::clone(&BUILT_IN)
    }

    /// Returns every profile, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Profile> {
        self.all.iter().map(|profile| &**profile)
    }

    /// Returns the profile whose headers are all among these; of several the one that asks for most.
    #[must_use]
    pub fn recognise(&self, headers: &[String]) -> Option<Arc<Profile>> {
        let names: Vec<String> = headers.iter().map(|header| header_name(header)).collect();
        let fits = |profile: &&Arc<Profile>| profile.headers.iter().all(|wanted| names.contains(wanted));
        self.all.iter().filter(fits).max_by_key(|profile| profile.headers.len()).cloned()
    }

    /// Has every ticket whose table has no time of receipt (受理时间) received at `at`: whoever has the file says so, nothing is guessed.
    pub fn received_at(&mut self, at: Instant) {
        let fixed = (Field::ReceivedAt, at.to_string());
        for profile in self.all.iter_mut().filter(|profile| profile.kind == SheetKind::Complaints) {
            let profile = Arc::make_mut(profile);
            if !profile.fixed.iter().any(|(field, _)| *field == Field::ReceivedAt) {
                profile.fixed.push(fixed.clone());
            }
        }
    }

    /// Returns how many of the headers the best profile knows; none if none is recognised.
    #[must_use]
    pub fn known(&self, headers: &[String]) -> usize {
        self.recognise(headers).map_or(0, |profile| profile.known(headers))
    }
}

/// What is known about one source's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Its name in receipts and files.
    pub id: String,
    /// Grows with every change.
    pub version: u32,
    /// What people call the source, in Chinese.
    pub name: String,
    /// The same in English.
    pub name_en: String,
    /// Where the columns were seen.
    pub source: String,
    /// What its rows become.
    pub kind: SheetKind,
    /// It is recognised by these, in the form of [`header_name`].
    headers: Vec<String>,
    unread: Vec<String>,
    fixed: Vec<(Field, String)>,
    columns: Vec<Column>,
    /// What goes back to it, column by column; nothing if it does not say so.
    pub feedback: Vec<Back>,
}

/// Where a field comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Column {
    field: Field,
    headers: Vec<String>,
    with: Option<Field>,
    words: Option<Words>,
}

/// The source's words for ours.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Words {
    parts: Vec<String>,
    ours: BTreeMap<String, String>,
    otherwise: Option<String>,
}

impl Profile {
    /// Returns id and version as receipts name them.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{}@{}", self.id, self.version)
    }

    /// Returns the channel of its tickets, if all have one.
    #[must_use]
    pub fn channel(&self) -> Option<Channel> {
        let (_, channel) = self.fixed.iter().find(|(field, _)| *field == Field::Channel)?;
        channel.parse().ok()
    }

    fn known(&self, headers: &[String]) -> usize {
        let known = |header: &&String| {
            let name = header_name(header);
            self.unread.contains(&name) || self.columns.iter().any(|column| column.headers.contains(&name))
        };
        headers.iter().filter(known).count()
    }

    /// Returns where the columns are.
    ///
    /// # Errors
    /// A column that is needed is not there; the credit code is not: rows without one are told apart one by one.
    pub(super) fn layout(self: &Arc<Self>, headers: &[String]) -> Result<Layout, HeaderFault> {
        let names: Vec<String> = headers.iter().map(|header| header_name(header)).collect();
        let mut layout = Layout::empty(self.kind, headers.len());
        let mut places = Vec::with_capacity(self.columns.len());
        for column in &self.columns {
            let mut found = Vec::new();
            for wanted in &column.headers {
                for (index, _) in names.iter().enumerate().filter(|(_, name)| *name == wanted) {
                    found.push((index, layout.unit(column.field, headers.get(index).map_or("", String::as_str))?));
                }
            }
            if let Some(first) = found.first() {
                layout.put(column.field, *first);
            }
            places.push(found);
        }
        let read = |index: usize| places.iter().flatten().any(|(place, _)| *place == index);
        layout.extra = headers
            .iter()
            .enumerate()
            .filter(|(index, _)| !read(*index))
            .filter(|(index, _)| names.get(*index).is_some_and(|name| !name.is_empty() && !self.unread.contains(name)))
            .map(|(_, header)| clean(header).into_owned())
            .collect();
        let has = |field: Field| layout.place(field).is_some() || self.fixed.iter().any(|(fixed, _)| *fixed == field);
        let needed = self.kind.columns().iter().filter(|column| column.required && column.field != Field::CreditCode);
        let missing: Vec<_> = needed.filter(|column| !has(column.field)).collect();
        if !missing.is_empty() {
            return Err(HeaderFault::Missing(missing));
        }
        layout.profiled = Some(Profiled { profile: Arc::clone(self), places });
        Ok(layout)
    }
}

/// A profile, held against the headers of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Profiled {
    pub(super) profile: Arc<Profile>,
    /// For each of the profile's columns where it is, in the order of its headers.
    places: Vec<Vec<(usize, Unit)>>,
}

impl Profiled {
    /// Says whether the profile, and no column, says what a field is.
    pub(super) fn gives(&self, field: Field) -> bool {
        self.profile.fixed.iter().any(|(fixed, _)| *fixed == field)
    }

    /// Returns what a row says of a field, in our words.
    pub(super) fn read<'a>(&'a self, field: Field, cells: &'a dyn Cells) -> Cell<'a> {
        let columns = self.profile.columns.iter().zip(&self.places);
        let Some((column, places)) =
            columns.into_iter().find(|(column, places)| column.field == field && !places.is_empty())
        else {
            let fixed = self.profile.fixed.iter().find(|(fixed, _)| *fixed == field);
            return fixed.map_or(Cell::Blank, |(_, text)| Cell::Text(text));
        };
        if column.with.is_some_and(|with| says_nothing(&self.read(with, cells))) {
            return Cell::Blank;
        }
        let mut said = places.iter().map(|(index, _)| cells.cell(*index)).filter(|cell| !says_nothing(cell));
        match &column.words {
            None => said.next().unwrap_or(Cell::Blank),
            Some(words) => {
                let said: Vec<Cell<'a>> = said.collect();
                let ours = said.iter().rev().find_map(|cell| words.ours(&cell.shown()));
                // A word that nobody knows stays, to be refused by name.
                let theirs = said.last().copied();
                ours.map(Cell::Text)
                    .or_else(|| theirs.and(words.otherwise.as_deref()).map(Cell::Text))
                    .or(theirs)
                    .unwrap_or(Cell::Blank)
            }
        }
    }
}

impl Words {
    /// Returns our word for the last part of a text that is known.
    fn ours(&self, text: &str) -> Option<&str> {
        let mut parts = vec![text];
        for sign in &self.parts {
            parts = parts.into_iter().flat_map(|part| part.split(sign.as_str())).collect();
        }
        parts.into_iter().rev().find_map(|part| self.ours.get(&*word(part))).map(String::as_str)
    }
}

/// A word as it is compared.
fn word(text: &str) -> Cow<'_, str> {
    match half_width(&clean(text)).to_lowercase() {
        same if same == text => Cow::Borrowed(text),
        other => Cow::Owned(other),
    }
}

/// Blank, a word for nothing, or the asterisks by which an export hides a place.
fn says_nothing(cell: &Cell<'_>) -> bool {
    match cell {
        Cell::Text(text) => is_empty_word(text) || clean(text).chars().all(|letter| matches!(letter, '*' | '＊')),
        other => other.is_blank(),
    }
}
