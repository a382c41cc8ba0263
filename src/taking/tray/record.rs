//! What is remembered of a file that was handed to the running service; nothing of what it says but what its papers say.

use crate::domain::hex::Hex;
use crate::domain::time::Instant;
use crate::domain::words::Light;
use crate::intake::place::Finding;
use crate::taking::shown::Shown;
use crate::taking::tally::{Followed, KindTallies, Tally};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

/// A file that was handed in, and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Its id; what it led to has it as `causation`.
    pub id: Uuid,
    /// Its name.
    pub file: String,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its bytes.
    pub digest: Hex<32>,
    /// Name of the key that handed it in.
    pub by: String,
    /// Id of that key; none for the owner of the data folder.
    pub key: Option<Uuid>,
    /// It counts as history: nobody is mailed.
    pub history: bool,
    /// When it was handed in.
    pub handed_in_at: Instant,
    /// When it was done with.
    pub ended_at: Option<Instant>,
    /// How far it has come.
    pub state: State,
    /// Rows that were read so far.
    pub read: u64,
    /// Rows in all, once that is known.
    pub total: Option<u64>,
    /// What came of those decided so far; of a preview, what would.
    pub tally: Tally,
    /// The same by kind of sheet.
    #[serde(default)]
    pub kinds: KindTallies,
    /// Files of it that were taken in before: they change nothing.
    pub known: u64,
    /// Lights that changed, by the colour they changed to; of a preview, those of merchants it names that would.
    pub lights: BTreeMap<Light, u64>,
    /// Mails that were asked for.
    pub mails: u64,
    /// What was refused.
    pub refusals: Findings,
    /// What should be looked at.
    pub warnings: Findings,
    /// Why it ended before its time.
    pub failure: Option<Failure>,
    /// The request that handed it in, if that has a key of its own.
    pub request: Option<AsRequest>,
}

impl Record {
    /// Begins the record of a file of so many bytes with that digest, handed in by the owner of the data folder, that waits for its
    /// turn.
    pub(crate) fn handed_in(
        id: Uuid,
        file: String,
        (bytes, digest): (u64, Hex<32>),
        by: String,
        handed_in_at: Instant,
    ) -> Self {
        Self {
            id,
            file,
            bytes,
            digest,
            by,
            key: None,
            history: false,
            handed_in_at,
            ended_at: None,
            state: State::Waiting,
            read: 0,
            total: None,
            tally: Tally::default(),
            kinds: KindTallies::new(),
            known: 0,
            lights: BTreeMap::new(),
            mails: 0,
            refusals: Findings::default(),
            warnings: Findings::default(),
            failure: None,
            request: None,
        }
    }
}

/// How far a file has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It waits for its turn.
    Waiting,
    /// It is tried on; nothing is written.
    Previewing,
    /// It was tried on, and is taken when somebody confirms that.
    Previewed,
    /// It is taken.
    Taking,
    /// It was taken: what was accepted is recorded.
    Taken,
    /// It ended before its time. What was accepted until then is recorded; the same file again does the rest.
    Failed,
    /// The service stopped meanwhile. As for [`Failed`](Self::Failed).
    BrokenOff,
}

impl State {
    /// Says whether nothing more happens by itself.
    #[must_use]
    pub const fn is_at_rest(self) -> bool {
        !matches!(self, Self::Waiting | Self::Previewing | Self::Taking)
    }
}

/// Findings to be shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Findings {
    /// The first of each kind, in order.
    pub shown: Vec<Told>,
    /// How many there are of kinds beyond those.
    pub more: u64,
}

/// A finding, as it is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// File.
    pub file: String,
    /// Sheet; empty if there is none.
    pub sheet: String,
    /// Row; absent for a whole sheet or file.
    pub row: Option<u64>,
    /// Header of the column.
    pub column: Option<String>,
    /// What kind of finding.
    pub code: String,
    /// The value found, cut where it is long.
    pub value: String,
    /// What is wrong and what to do, in Chinese.
    pub zh: String,
    /// The same in English.
    pub en: String,
    /// How many more there are like it and shown nowhere.
    pub further: u64,
}

/// Why a file was not taken to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// In Chinese.
    pub zh: String,
    /// In English.
    pub en: String,
}

/// A request with a key of its own (law 2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AsRequest {
    /// The key, told apart from those of other callers.
    pub key: String,
    /// Digest of what was sent.
    pub content: Hex<32>,
}

impl Record {
    /// Forgets what a preview found: it is taken now.
    pub(super) fn begin(&mut self, state: State) {
        self.state = state;
        self.read = 0;
        self.tally = Tally::default();
        self.kinds.clear();
        (self.known, self.mails) = (0, 0);
        self.lights.clear();
        (self.refusals, self.warnings) = Default::default();
    }

    /// Returns what is known of it but what was found in it.
    pub(super) fn without_findings(&self) -> Self {
        Self { refusals: Findings::default(), warnings: Findings::default(), ..self.clone() }
    }

    /// Notes what followed.
    pub(super) fn follow(&mut self, followed: Followed) {
        self.lights = followed.lights;
        self.mails = followed.mails;
    }
}

impl From<&Shown> for Findings {
    fn from(shown: &Shown) -> Self {
        let mut told = Vec::new();
        for kind in &shown.kinds {
            told.extend(kind.first.iter().map(|finding| Told::of(finding, 0)));
            if let Some(last) = told.last_mut() {
                last.further = kind.further;
            }
        }
        Self { shown: told, more: shown.more }
    }
}

impl Told {
    fn of(finding: &Finding, further: u64) -> Self {
        let Finding { place, value, code, zh, en } = finding;
        Self {
            file: place.file.to_string(),
            sheet: place.sheet.to_string(),
            row: place.row,
            column: place.column.as_ref().map(ToString::to_string),
            code: (*code).to_owned(),
            value: value.clone(),
            zh: zh.clone(),
            en: en.clone(),
            further,
        }
    }
}
