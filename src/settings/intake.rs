//! `[intake]`: files that are handed to the running service.

use super::reader::Section;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// How files are handed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intake {
    /// Largest file that is taken over HTTP, bytes.
    pub upload_limit: u64,
    /// Bytes of papers of one file that is handed to the running service, about.
    pub papers_limit: u64,
    /// For how many days papers are kept; `None`: for ever.
    pub papers_days: Option<u32>,
    /// Folder in which others drop files; `None`: there is none.
    pub inbox: Option<PathBuf>,
    /// For how long a file there has to stand still before it is taken.
    pub inbox_settle: Duration,
    /// How often the folder is looked at.
    pub inbox_every: Duration,
    /// What comes there counts as history: nobody is mailed.
    pub inbox_history: bool,
    /// For how many days the files there are kept that were done with; `None`: until somebody takes them away.
    pub inbox_days: Option<u32>,
}

/// As what files count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CountsAs {
    Present,
    History,
}

impl FromStr for CountsAs {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "present" => Ok(Self::Present),
            "history" => Ok(Self::History),
            _ => Err(()),
        }
    }
}

impl Intake {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        let upload_limit = section.number("upload_limit_bytes", 1024..=4_294_967_296).unwrap_or(268_435_456);
        let papers_limit = section.number("papers_limit_bytes", 65_536..=4_294_967_296).unwrap_or(67_108_864);
        let mut days = |key, otherwise| match section.number(key, 0..=36_500).unwrap_or(otherwise) {
            0 => None,
            days => u32::try_from(days).ok(),
        };
        let (papers_days, inbox_days) = (days("papers_keep_days", 180), days("inbox_keep_days", 0));
        let inbox = section.text("inbox").map(PathBuf::from);
        let mut seconds =
            |key, least, otherwise| Duration::from_secs(section.number(key, least..=3600).unwrap_or(otherwise));
        let inbox_settle = seconds("inbox_settle_seconds", 0, 10);
        let inbox_every = seconds("inbox_every_seconds", 1, 2);
        let counts = section.parsed("inbox_counts_as", "\"present\" or \"history\"").unwrap_or(CountsAs::Present);
        section.finish();
        let inbox_history = counts == CountsAs::History;
        Self { upload_limit, papers_limit, papers_days, inbox, inbox_settle, inbox_every, inbox_history, inbox_days }
    }
}
