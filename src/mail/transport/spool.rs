//! The spool folder (待发目录): mails as `.eml` files, for a service without a mail server.

use super::{Allowance, Reply, SendError, Transport};
use crate::mail::message::Outgoing;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A folder that mails are put into, one file per mail and recipient. The same mail again is the same file.
#[derive(Debug)]
pub struct Spool {
    folder: PathBuf,
}

impl Spool {
    /// Makes the folder, if it is not there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new(folder: PathBuf) -> io::Result<Self> {
        std::fs::create_dir_all(&folder)?;
        Ok(Self { folder })
    }

    /// Returns the folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A reader of the folder sees whole files only, and after a power cut the file is there if this returned.
    fn write(&self, outgoing: &Outgoing) -> io::Result<PathBuf> {
        let target = self.folder.join(outgoing.file_name());
        let mut file = tempfile::Builder::new().prefix(".").suffix(".part").tempfile_in(&self.folder)?;
        file.write_all(&outgoing.bytes)?;
        file.as_file().sync_all()?;
        file.persist(&target).map_err(|error| error.error)?;
        File::open(&self.folder)?.sync_all()?;
        Ok(target)
    }
}

impl Transport for Spool {
    fn send(&self, outgoing: &Outgoing, _: &Allowance) -> Result<Reply, SendError> {
        match self.write(outgoing) {
            Ok(target) => Ok(Reply::new(&target.display().to_string())),
            Err(error) => Err(SendError::HeldUp(Reply::new(&format!(
                "cannot write to the spool folder `{}`: {error}",
                self.folder.display()
            )))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use uuid::Uuid;

    fn outgoing(to: &str, bytes: &[u8]) -> Outgoing {
        Outgoing {
            mail: Uuid::from_u128(1),
            from: "a@example.org".parse().unwrap(),
            to: to.parse().unwrap(),
            bytes: bytes.to_vec(),
        }
    }

    fn allowance() -> Allowance {
        Allowance::of(Duration::from_secs(1))
    }

    #[test]
    fn the_same_mail_again_is_the_same_file_and_another_recipient_is_another() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::new(folder.path().join("spool")).unwrap();
        let first = spool.send(&outgoing("x@example.org", b"one"), &allowance()).unwrap();
        assert_eq!(spool.send(&outgoing("x@example.org", b"one"), &allowance()).unwrap(), first);
        assert_ne!(spool.send(&outgoing("y@example.org", b"two"), &allowance()).unwrap(), first);
        let names: Vec<_> = std::fs::read_dir(spool.folder()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names.len(), 2, "{names:?}");
        assert_eq!(std::fs::read(first.as_str()).unwrap(), b"one");
    }

    #[test]
    fn a_folder_that_is_gone_is_tried_again_later_not_refused() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::new(folder.path().join("spool")).unwrap();
        std::fs::remove_dir(spool.folder()).unwrap();
        assert!(matches!(spool.send(&outgoing("x@example.org", b"one"), &allowance()), Err(SendError::HeldUp(_))));
    }
}
