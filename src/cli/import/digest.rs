//! Which file it is: the digest of its bytes.

use crate::domain::hex::Hex;
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// Returns the digest of the file that is called `name` below `root`, or that `root` is, or of the archive it stands in; `None` if
/// it cannot be read again.
pub(super) fn digest(root: &Path, name: &str) -> Option<Hex<32>> {
    let whole = if root.is_dir() { root.join(name) } else { root.to_path_buf() };
    let path = whole.ancestors().find(|path| path.is_file())?;
    let mut hash = Sha256::new();
    let mut file = File::open(path).ok()?;
    let mut bytes = vec![0; 64 << 10];
    loop {
        match file.read(&mut bytes).ok()? {
            0 => return Some(Hex(hash.finalize().into())),
            read => hash.update(bytes.get(..read)?),
        }
    }
}
