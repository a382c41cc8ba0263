//! Writing tables that people open in a spreadsheet program: no text of ours becomes a formula there, and no file of
//! ours is ever half written.

pub use crate::domain::cell::{Medium, calculates, plain_cell, safe_cell};
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

/// Writes a file so that it is there whole or not at all: into a temporary file next to it, then renamed.
///
/// # Errors
/// What `fill` or the disk says; then `path` is as it was.
pub fn write_whole<E: From<io::Error>>(path: &Path, fill: impl FnOnce(&mut File) -> Result<(), E>) -> Result<(), E> {
    let mut file = temporary_beside(path)?;
    fill(file.as_file_mut())?;
    keep(file, path)?;
    Ok(())
}

/// Opens a temporary file in the folder of `path`.
pub(super) fn temporary_beside(path: &Path) -> io::Result<tempfile::NamedTempFile> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    tempfile::NamedTempFile::new_in(folder)
}

/// Gives a temporary file its name, once its content is on disk.
pub(super) fn keep(mut file: tempfile::NamedTempFile, path: &Path) -> io::Result<()> {
    file.flush()?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// What a csv file begins with, so that spreadsheet programs read it as UTF-8.
pub const BYTE_ORDER_MARK: &str = "\u{FEFF}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_fails_half_way_leaves_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        write_whole(&path, |file| file.write_all(b"old")).unwrap();
        let failed = write_whole(&path, |file| {
            file.write_all(b"new")?;
            Err(io::Error::other("full"))
        });
        assert!(failed.is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
