//! Who delivers, and who has fallen silent.

use crate::domain::time::Instant;
use crate::domain::words::SourceKind;
use crate::http::access::{Allowed, ReadSources};
use crate::http::problem::Problem;
use crate::http::site::Site;
use crate::picture::sources::Filed;
use crate::views::sources::{Silent, SourceRow};
use actix_web::{HttpResponse, web};
use rust_decimal::Decimal;
use serde::Serialize;

/// What became of the file that a source last came in.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct FileState {
    /// Its rows.
    pub rows: u64,
    /// Of them, those refused.
    pub refused: u64,
    /// Their share, 0 to 1, four digits.
    pub refused_share: String,
}

impl From<Filed> for FileState {
    fn from(file: Filed) -> Self {
        let share = Decimal::from(file.refused).checked_div(Decimal::from(file.rows)).unwrap_or_default();
        Self { rows: file.rows, refused: file.refused, refused_share: format!("{share:.4}") }
    }
}

/// How often a source delivers.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct RhythmState {
    /// Days between two deliveries.
    pub every_days: i64,
    /// It was agreed on; otherwise it is the median of its last gaps.
    pub agreed: bool,
    /// Days after the last delivery that pass without a word.
    pub allowed_days: i64,
}

/// A source.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct SourceState {
    /// `bank`, `mall`, `hotline` or `sheet`.
    #[schema(value_type = String)]
    pub kind: SourceKind,
    /// Its name; of a hotline its channel.
    pub name: String,
    /// When something new of it was last recorded.
    #[schema(value_type = String, format = DateTime)]
    pub last_at: Instant,
    /// Rows that said something new on that day; absent for readers who see a part of its merchants only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_rows: Option<u64>,
    /// The same, ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// The file that it last came in, where that is the reader's to see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<FileState>,
    /// How often it delivers; absent if that cannot be told yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rhythm: Option<RhythmState>,
    /// First day of its silence; absent if it is not silent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silent_from: Option<String>,
}

impl From<SourceRow<'_>> for SourceState {
    fn from(row: SourceRow<'_>) -> Self {
        let source = row.source;
        Self {
            kind: source.kind,
            name: source.name.to_string(),
            last_at: source.last_at,
            last_rows: row.rows.map(|(last, _)| last),
            rows: row.rows.map(|(_, ever)| ever),
            file: row.file.map(FileState::from),
            rhythm: row.rhythm.map(|rhythm| RhythmState {
                every_days: rhythm.every_days,
                agreed: rhythm.agreed,
                allowed_days: rhythm.allowed_days,
            }),
            silent_from: row.silent_from.map(|day| day.to_string()),
        }
    }
}

/// Sources in scope.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct SourceList {
    /// How many of them are silent.
    pub silent: usize,
    /// All of them: the silent ones first, then by kind and name.
    pub items: Vec<SourceState>,
}

impl From<Vec<SourceRow<'_>>> for SourceList {
    fn from(rows: Vec<SourceRow<'_>>) -> Self {
        let silent = rows.iter().filter(|row| row.silent_from.is_some()).count();
        Self { silent, items: rows.into_iter().map(SourceState::from).collect() }
    }
}

/// A silent source that a light rests on.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct SilentSource {
    /// `bank`, `mall` or `hotline`.
    #[schema(value_type = String)]
    pub kind: SourceKind,
    /// Its name.
    pub name: String,
    /// Day of its last delivery.
    pub last_delivery: String,
    /// First day of its silence.
    pub silent_from: String,
}

impl From<&Silent> for SilentSource {
    fn from(silent: &Silent) -> Self {
        let Silent { kind, name, last, from } = silent;
        Self { kind: *kind, name: name.to_string(), last_delivery: last.to_string(), silent_from: from.to_string() }
    }
}

/// Lists the sources in scope.
///
/// # Errors
/// When too much is asked at once.
pub async fn list(allowed: Allowed<ReadSources>, site: web::Data<Site>) -> Result<HttpResponse, Problem> {
    site.ask_for_json(&allowed.caller().key, |view| Ok(SourceList::from(view.sources()))).await
}
