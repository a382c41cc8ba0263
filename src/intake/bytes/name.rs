//! Names of files as people can read them, whatever bytes they are in.

use encoding_rs::GB18030;
use std::borrow::Cow;
use std::path::Path;

/// Returns a name from its bytes: UTF-8, or GB18030 as old archives and Chinese Windows leave them.
pub(crate) fn of_bytes(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(name) => name.to_owned(),
        Err(_) => match GB18030.decode_without_bom_handling_and_without_replacement(bytes) {
            Some(name) => name.into_owned(),
            None => String::from_utf8_lossy(bytes).into_owned(),
        },
    }
}

/// Returns the last part of a path.
pub(super) fn of_path(path: &Path) -> String {
    of_bytes(&bytes_of(path))
}

#[cfg(unix)]
fn bytes_of(path: &Path) -> Cow<'_, [u8]> {
    use std::os::unix::ffi::OsStrExt;
    Cow::Borrowed(path.file_name().unwrap_or(path.as_os_str()).as_bytes())
}

#[cfg(not(unix))]
fn bytes_of(path: &Path) -> Cow<'_, [u8]> {
    Cow::Owned(path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned().into_bytes())
}

/// Returns a name without its ending.
pub(super) fn stem(name: &str) -> String {
    Path::new(name).file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Returns the ending of a name in small letters, empty if it has none.
pub(super) fn ending(name: &str) -> String {
    Path::new(name).extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase()).unwrap_or_default()
}

/// Says whether a name is not meant for people: a dot before it, what spreadsheet programs leave behind while they run (`~$`), or
/// what a Macintosh puts into archives.
pub(super) fn is_aside(name: &str) -> bool {
    let last = name.rsplit('/').next().unwrap_or_default();
    last.starts_with('.') || last.starts_with("~$") || name.starts_with("__MACOSX/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_utf8_and_in_gb18030() {
        assert_eq!(of_bytes("商户-海淀.csv".as_bytes()), "商户-海淀.csv");
        assert_eq!(of_bytes(&GB18030.encode("商户-海淀.csv").0), "商户-海淀.csv");
        assert!(of_bytes(&[b'a', 0xFF, 0xFF]).starts_with('a'));
    }
}
