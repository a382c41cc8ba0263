//! Which file it is: the digest of its bytes.

use crate::domain::hex::Hex;
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::{self, Read, Seek as _};
use std::path::{Path, PathBuf};

/// Where files come from.
#[derive(Debug, Clone)]
pub(super) enum Root {
    /// A file, or the folder they lie in.
    Path(PathBuf),
    /// One that was handed in, with its digest.
    Handed(Hex<32>),
}

impl Root {
    /// Returns the digest of the file that is called `name` here, or of the archive it stands in; `None` if it cannot be read
    /// again.
    pub(super) fn digest(&self, name: &str) -> Option<Hex<32>> {
        match self {
            Self::Path(root) => below(root, name),
            Self::Handed(digest) => Some(*digest),
        }
    }
}

fn below(root: &Path, name: &str) -> Option<Hex<32>> {
    let whole = if root.is_dir() { root.join(name) } else { root.to_path_buf() };
    let path = whole.ancestors().find(|path| path.is_file())?;
    of(&mut File::open(path).ok()?).ok()
}

/// Returns the digest of a file, and leaves it at its beginning.
pub(crate) fn of_whole(file: &mut File) -> io::Result<Hex<32>> {
    file.rewind()?;
    let digest = of(file)?;
    file.rewind()?;
    Ok(digest)
}

/// Returns the digest of what is left to read of a file.
pub(super) fn of(file: &mut impl Read) -> io::Result<Hex<32>> {
    let mut hash = Sha256::new();
    let mut bytes = vec![0; 64 << 10];
    loop {
        match file.read(&mut bytes)? {
            0 => return Ok(Hex(hash.finalize().into())),
            read => hash.update(bytes.get(..read).unwrap_or_default()),
        }
    }
}
