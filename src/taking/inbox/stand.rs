//! What tells one state of a file from another: a name is no more than where a file lies at the moment.

use std::fmt;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// What tells one state of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stand {
    size: u64,
    modified: (i64, i64),
    inode: (u64, u64),
}

impl Stand {
    /// Returns how what was looked at stands.
    pub(super) fn of(about: &Metadata) -> Self {
        let modified = (about.mtime(), about.mtime_nsec());
        Self { size: about.size(), modified, inode: (about.dev(), about.ino()) }
    }

    /// Reads what [`Display`](fmt::Display) wrote.
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut numbers = text.split_whitespace();
        let mut next = || numbers.next();
        let stand = Self {
            size: next()?.parse().ok()?,
            modified: (next()?.parse().ok()?, next()?.parse().ok()?),
            inode: (next()?.parse().ok()?, next()?.parse().ok()?),
        };
        next().is_none().then_some(stand)
    }

    /// Returns how what lies under a name stands; of a link, the link itself.
    pub(super) fn at(path: &Path) -> io::Result<Self> {
        Ok(Self::of(&fs::symlink_metadata(path)?))
    }
}

impl fmt::Display for Stand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { size, modified: (second, nano), inode: (device, inode) } = self;
        write!(f, "{size} {second} {nano} {device} {inode}")
    }
}
