//! Files that were taken in: the same file again changes nothing, also when something newer was recorded meanwhile.

use super::part::{FoldError, Part, SeenEvent};
use super::snapshot::{Keep, Stored as _};
use crate::domain::event::{Event, ImportTaken, RefusedPlace};
use crate::domain::hex::Hex;
use imbl::OrdMap;
use std::sync::Arc;

/// A file: the digest of its bytes, its name, and who handed it in.
type File = ([u8; 32], Arc<str>, Arc<str>);
/// A row that was refused; without a row number, a whole sheet; without a sheet, the whole file.
type Place = (Arc<str>, Option<u64>);

/// Files that were taken in, each with the places of its rows that were refused. A name counts: under another name the office
/// says it again, and that is a new statement. So does who hands it in: what others did is nobody's to find out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Imports(OrdMap<File, Arc<[Place]>>);

/// What was taken of a file that was taken in: each time, all but these places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken(Vec<Arc<[Place]>>);

impl Imports {
    /// Returns what was taken of a file, if it was taken in; `by` whom is asked about, or by anybody.
    #[must_use]
    pub fn find(&self, digest: &Hex<32>, name: &str, by: Option<&str>) -> Option<Taken> {
        let first = (digest.0, Arc::from(name), Arc::from(by.unwrap_or_default()));
        let same = self.0.range(first..).take_while(|((known, named, _), _)| *known == digest.0 && **named == *name);
        let theirs = same.filter(|((_, _, who), _)| by.is_none_or(|by| **who == *by));
        let taken: Vec<_> = theirs.map(|(_, refused)| Arc::clone(refused)).collect();
        (!taken.is_empty()).then_some(Taken(taken))
    }

    /// Notes that a file was taken in, in whose name.
    pub fn note(&mut self, taken: &ImportTaken, by: &Arc<str>) {
        let place = |place: &RefusedPlace| (place.sheet.as_str().into(), place.row);
        let refused = taken.refused_places.iter().map(place).collect();
        self.0.insert((taken.digest.0, taken.file.as_str().into(), Arc::clone(by)), refused);
    }
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
    type Kept = (File, Vec<Place>);

    fn fold(&mut self, seen: &SeenEvent<'_>) -> Result<(), FoldError> {
        if let Event::ImportTaken(taken) = seen.event {
            self.note(taken, seen.actor);
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
