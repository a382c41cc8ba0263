//! `[policies]`: where the rules come from.

use super::reader::Section;
use std::path::PathBuf;

/// Where the policy files come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policies {
    /// Folder; `None` means the files compiled in.
    pub dir: Option<PathBuf>,
}

impl Policies {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        let dir = section.text("dir").map(PathBuf::from);
        if let Some(dir) = dir.as_ref().filter(|dir| !dir.is_dir()) {
            section.problem(
                "dir",
                format_args!(
                    "there is no folder `{}`; create it, or remove the key to use the built-in policies",
                    dir.display()
                ),
            );
        }
        section.finish();
        Self { dir }
    }
}
