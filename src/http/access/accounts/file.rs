//! The file of accounts beside the log, `accounts.json`: hashes and secrets, which no event may hold, because events stay for ever. It is
//! for its owner alone, and written whole under another name first.

use super::{Account, AccountsError};
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// Name of the file.
pub const FILE: &str = "accounts.json";

/// For its owner alone.
const MODE: u32 = 0o600;

/// Reads the file; none is there before the first account.
pub(super) fn read(path: &Path) -> Result<Vec<Account>, AccountsError> {
    let failed = |reason: String| AccountsError::File { path: path.to_owned(), reason };
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error.to_string())),
    };
    // Whoever brought it back from a copy may have opened it to others.
    fs::set_permissions(path, Permissions::from_mode(MODE)).map_err(|error| failed(error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| failed(error.to_string()))
}

/// Writes the file.
pub(super) fn write(path: &Path, accounts: &[Account]) -> Result<(), AccountsError> {
    put(path, accounts).map_err(|error| AccountsError::File { path: path.to_owned(), reason: error.to_string() })
}

fn put(path: &Path, accounts: &[Account]) -> io::Result<()> {
    let new = path.with_extension("json.new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(MODE).open(&new)?;
    file.set_permissions(Permissions::from_mode(MODE))?;
    file.write_all(&serde_json::to_vec_pretty(accounts)?)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

/// Copies the accounts of a data folder beside a backup of its log, or back; says whether there were any. What is there already stays.
///
/// # Errors
/// When a file cannot be read or written, or is there.
pub fn copy(from: &Path, to: &Path) -> io::Result<bool> {
    let text = match fs::read(from) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(MODE).open(to)?;
    file.write_all(&text)?;
    file.sync_all()?;
    Ok(true)
}

/// Returns where the accounts lie that belong to a backup.
#[must_use]
pub fn beside(backup: &Path) -> PathBuf {
    let mut name = backup.as_os_str().to_owned();
    name.push(".");
    name.push(FILE);
    PathBuf::from(name)
}
