//! Files that were taken in: the same file again changes nothing, also when something newer was recorded meanwhile, unless the import it
//! came with was withdrawn.

use super::part::{FoldError, Part, SeenEvent};
use super::snapshot::{Keep, Stored as _};
use crate::domain::envelope::Position;
use crate::domain::event::{Event, ImportTaken, ImportWithdrawn, RefusedPlace};
use crate::domain::hex::Hex;
use crate::domain::time::Instant;
use imbl::OrdMap;
use std::sync::Arc;
use uuid::Uuid;

/// A file: the digest of its bytes, its name, and who handed it in.
type File = ([u8; 32], Arc<str>, Arc<str>);
/// A row that was refused; without a row number, a whole sheet; without a sheet, the whole file.
type Place = (Arc<str>, Option<u64>);

/// Files that were taken in, each with the places of its rows that were refused; and the imports that were withdrawn. A name counts:
/// under another name the office says it again, and that is a new statement. So does who hands it in: what others did is nobody's to
/// find out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Imports {
    files: OrdMap<File, Filed>,
    withdrawn: OrdMap<Uuid, Withdrawn>,
}

/// A file that was taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filed {
    /// Where its rows were refused.
    pub(super) refused: Arc<[Place]>,
    /// The import it came with.
    pub(super) import: Option<Uuid>,
    /// Its evidence stands after this position.
    pub(super) after: Position,
    /// Rows of it that said what stood already.
    pub(super) unchanged: u64,
}

/// An import that was withdrawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withdrawn {
    /// Where that was recorded.
    pub position: Position,
    /// When.
    pub at: Instant,
    /// By whom.
    pub by: Arc<str>,
    /// Why.
    pub reason: Arc<str>,
    /// How many events count no longer.
    pub events: u64,
    /// How many merchants they are about.
    pub merchants: u64,
    /// How many tickets they are about.
    pub tickets: u64,
}

/// What was taken of a file that was taken in: each time, all but these places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken(Vec<Arc<[Place]>>);

impl Imports {
    /// Returns what was taken of a file, if it was taken in; `by` whom is asked about, or by anybody.
    #[must_use]
    pub fn find(&self, digest: &Hex<32>, name: &str, by: Option<&str>) -> Option<Taken> {
        let first = (digest.0, Arc::from(name), Arc::from(by.unwrap_or_default()));
        let same =
            self.files.range(first..).take_while(|((known, named, _), _)| *known == digest.0 && **named == *name);
        let theirs = same.filter(|((_, _, who), _)| by.is_none_or(|by| **who == *by));
        let taken: Vec<_> = theirs.map(|(_, filed)| Arc::clone(&filed.refused)).collect();
        (!taken.is_empty()).then_some(Taken(taken))
    }

    /// Notes that a file was taken in, in whose name and with which import.
    pub fn note(&mut self, taken: &ImportTaken, by: &Arc<str>, import: Option<Uuid>) {
        let place = |place: &RefusedPlace| (place.sheet.as_str().into(), place.row);
        let refused = taken.refused_places.iter().map(place).collect();
        let filed = Filed { refused, import, after: taken.after, unchanged: taken.unchanged };
        self.files.insert((taken.digest.0, taken.file.as_str().into(), Arc::clone(by)), filed);
    }

    /// Returns the names of the files that were taken in with an import, and the position that its evidence stands after: of the
    /// first of them.
    #[must_use]
    pub fn files_of(&self, import: Uuid) -> (Vec<String>, Option<Position>) {
        let of_it = || self.files.iter().filter(|(_, filed)| filed.import == Some(import));
        (of_it().map(|((_, name, _), _)| name.to_string()).collect(), of_it().map(|(_, filed)| filed.after).min())
    }

    /// Returns the files taken in with other imports after a position that had rows which said what stood already: what they said so
    /// may have rested on what came before, and was recorded nowhere. Each with the number of such rows, by name.
    #[must_use]
    pub fn leaning(&self, import: Uuid, after: Position) -> Vec<(String, u64)> {
        let leans = |filed: &Filed| filed.after > after && filed.unchanged > 0 && filed.import != Some(import);
        let found = self.files.iter().filter(|(_, filed)| leans(filed));
        let mut found: Vec<_> = found.map(|((_, name, _), filed)| (name.to_string(), filed.unchanged)).collect();
        found.sort();
        found
    }

    /// Returns how an import was withdrawn, if it was.
    #[must_use]
    pub fn withdrawn(&self, import: Uuid) -> Option<&Withdrawn> {
        self.withdrawn.get(&import)
    }

    /// Says whether what an import recorded at a position was withdrawn.
    #[must_use]
    pub fn is_withdrawn(&self, import: Uuid, position: Position) -> bool {
        self.withdrawn(import).is_some_and(|withdrawn| position < withdrawn.position)
    }

    /// Notes that an import was withdrawn. Its files are forgotten: sent again, they are heard again.
    fn withdraw(&mut self, said: &ImportWithdrawn, seen: &SeenEvent<'_>) {
        let files = self.files.iter().filter(|(_, filed)| filed.import == Some(said.import));
        let files: Vec<File> = files.map(|(file, _)| file.clone()).collect();
        for file in files {
            self.files.remove(&file);
        }
        let before = self.withdrawn.get(&said.import);
        let withdrawn = Withdrawn {
            position: seen.stamp.position,
            at: seen.stamp.recorded_at,
            by: Arc::clone(seen.actor),
            reason: said.reason.as_str().into(),
            events: said.events,
            merchants: said.merchants,
            tickets: said.tickets,
        };
        // What it recorded since it was withdrawn first was withdrawn, too: the first word about it stays.
        let withdrawn = match before {
            Some(first) => Withdrawn { position: withdrawn.position, events: withdrawn.events, ..first.clone() },
            None => withdrawn,
        };
        self.withdrawn.insert(said.import, withdrawn);
    }
}

/// A thing as a snapshot keeps it.
pub enum Kept {
    /// A file that was taken in.
    File(File, Filed),
    /// An import that was withdrawn.
    Withdrawn(Uuid, Withdrawn),
}

impl Taken {
    /// Returns what was taken of a file whose refused rows are these.
    #[must_use]
    pub fn of(refused: &[RefusedPlace]) -> Self {
        Self(vec![refused.iter().map(|place| (place.sheet.as_str().into(), place.row)).collect()])
    }

    /// Returns the places that were refused each time: nothing else was left.
    #[must_use]
    pub fn places(&self) -> Vec<RefusedPlace> {
        let place = |(sheet, row): &Place| RefusedPlace { sheet: sheet.to_string(), row: *row };
        let Some((first, others)) = self.0.split_first() else { return Vec::new() };
        let left = first.iter().filter(|(sheet, row)| others.iter().all(|places| is_refused(places, sheet, *row)));
        left.map(place).collect()
    }

    /// Says whether a row of the file was taken.
    #[must_use]
    pub fn has(&self, sheet: &str, row: u64) -> bool {
        self.0.iter().any(|places| !is_refused(places, sheet, Some(row)))
    }

    /// Says whether these were the places refused at some time.
    #[must_use]
    pub fn refused(&self, places: &[RefusedPlace]) -> bool {
        let same = |((sheet, row), place): (&Place, &RefusedPlace)| **sheet == *place.sheet && *row == place.row;
        self.0.iter().any(|known| known.len() == places.len() && known.iter().zip(places).all(same))
    }
}

/// Says whether a row, or a whole sheet, is among places refused.
fn is_refused(places: &[Place], sheet: &str, row: Option<u64>) -> bool {
    places.iter().any(|(at, number)| match number {
        Some(number) => **at == *sheet && Some(*number) == row,
        None => **at == *sheet || at.is_empty(),
    })
}

impl Part for Imports {
    type Kept = Kept;

    fn fold(&mut self, seen: &SeenEvent<'_>) -> Result<(), FoldError> {
        match seen.event {
            Event::ImportTaken(taken) => self.note(taken, seen.actor, seen.causation),
            Event::ImportWithdrawn(said) => self.withdraw(said, seen),
            _ => {}
        }
        Ok(())
    }

    fn keep(&self, keep: &mut Keep<'_>) {
        for (file, filed) in &self.files {
            keep.one(|out| Kept::File(file.clone(), filed.clone()).put(out));
        }
        for (import, withdrawn) in &self.withdrawn {
            keep.one(|out| Kept::Withdrawn(*import, withdrawn.clone()).put(out));
        }
    }

    fn restore(&mut self, kept: Kept) {
        match kept {
            Kept::File(file, filed) => drop(self.files.insert(file, filed)),
            Kept::Withdrawn(import, withdrawn) => drop(self.withdrawn.insert(import, withdrawn)),
        }
    }
}
