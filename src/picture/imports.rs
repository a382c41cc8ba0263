//! Files that were taken in: the same file again changes nothing, also when something newer was recorded meanwhile.

use super::part::{FoldError, Part, SeenEvent};
use super::snapshot::{Keep, Stored as _};
use crate::domain::event::{Event, ImportTaken, RefusedPlace};
use crate::domain::hex::Hex;
use imbl::OrdMap;
use std::sync::Arc;

/// A file: the digest of its bytes and its name.
type File = ([u8; 32], Arc<str>);
/// A row that was refused; without a row number, a whole sheet; without a sheet, the whole file.
type Place = (Arc<str>, Option<u64>);

/// Files that were taken in, each with the places of its rows that were refused. A name counts: under another name the office
/// says it again, and that is a new statement.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Imports(OrdMap<File, Arc<[Place]>>);

/// What was taken of a file that was taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken(Arc<[Place]>);

impl Imports {
    /// Returns what was taken of a file, if it was taken in.
    #[must_use]
    pub fn find(&self, digest: &Hex<32>, name: &str) -> Option<Taken> {
        self.0.get(&(digest.0, name.into())).map(|refused| Taken(Arc::clone(refused)))
    }

    /// Notes that a file was taken in.
    pub fn note(&mut self, taken: &ImportTaken) {
        let place = |place: &RefusedPlace| (place.sheet.as_str().into(), place.row);
        let refused = taken.refused_places.iter().map(place).collect();
        self.0.insert((taken.digest.0, taken.file.as_str().into()), refused);
    }
}

impl Taken {
    /// Returns what was taken of a file whose refused rows are these.
    #[must_use]
    pub fn of(refused: &[RefusedPlace]) -> Self {
        Self(refused.iter().map(|place| (place.sheet.as_str().into(), place.row)).collect())
    }

    /// Returns the rows that were refused.
    #[must_use]
    pub fn places(&self) -> Vec<RefusedPlace> {
        self.0.iter().map(|(sheet, row)| RefusedPlace { sheet: sheet.to_string(), row: *row }).collect()
    }

    /// Says whether a row of the file was taken.
    #[must_use]
    pub fn has(&self, sheet: &str, row: u64) -> bool {
        let refused = |(at, number): &Place| match number {
            Some(number) => **at == *sheet && *number == row,
            None => **at == *sheet || at.is_empty(),
        };
        !self.0.iter().any(refused)
    }

    /// Says whether these were the places refused.
    #[must_use]
    pub fn refused(&self, places: &[RefusedPlace]) -> bool {
        let same = |((sheet, row), place): (&Place, &RefusedPlace)| **sheet == *place.sheet && *row == place.row;
        self.0.len() == places.len() && self.0.iter().zip(places).all(same)
    }
}

impl Part for Imports {
    type Kept = (File, Vec<Place>);

    fn fold(&mut self, seen: &SeenEvent<'_>) -> Result<(), FoldError> {
        if let Event::ImportTaken(taken) = seen.event {
            self.note(taken);
        }
        Ok(())
    }

    fn keep(&self, keep: &mut Keep<'_>) {
        for (file, refused) in &self.0 {
            keep.one(|out| {
                file.put(out);
                refused.put(out);
            });
        }
    }

    fn restore(&mut self, (file, refused): Self::Kept) {
        self.0.insert(file, refused.into());
    }
}
