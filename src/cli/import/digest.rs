//! Which file it is: the digest of its bytes, whatever it is called.

use crate::domain::hex::Hex;
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// Returns the digest of the file that is called `name` below `root`, or that `root` is; `None` if it cannot be read again. Of
/// what stands inside an archive, the name there counts, too.
pub(super) fn digest(root: &Path, name: &str) -> Option<Hex<32>> {
    let whole = if root.is_dir() { root.join(name) } else { root.to_path_buf() };
    let path = whole.ancestors().find(|path| path.is_file())?;
    let mut hash = Sha256::new();
    let mut file = File::open(path).ok()?;
    let mut bytes = vec![0; 64 << 10];
    loop {
        match file.read(&mut bytes).ok()? {
            0 => break,
            read => hash.update(bytes.get(..read)?),
        }
    }
    if path.file_name().is_none_or(|own| own.to_string_lossy() != name) {
        hash.update([0]);
        hash.update(name.as_bytes());
    }
    Some(Hex(hash.finalize().into()))
}
