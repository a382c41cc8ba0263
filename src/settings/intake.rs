//! `[intake]`: files that are handed to the running service.

use super::reader::Section;

/// How files are handed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intake {
    /// Largest file that is taken over HTTP, bytes.
    pub upload_limit: u64,
}

impl Intake {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        let upload_limit = section.number("upload_limit_bytes", 1024..=4_294_967_296).unwrap_or(268_435_456);
        section.finish();
        Self { upload_limit }
    }
}
