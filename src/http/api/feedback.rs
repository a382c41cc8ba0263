//! What goes back to a hotline, as a file in its columns.

use super::wrong_parameter;
use crate::domain::time::{Day, start_of};
use crate::http::access::{Allowed, ReadComplaints};
use crate::http::download;
use crate::http::problem::{Code, Problem};
use crate::http::site::Site;
use crate::intake::feedback::{FeedbackError, feedback};
use crate::intake::profile::Profile;
use actix_web::{HttpResponse, web};
use serde::Deserialize;

/// Whose, since when, in which form.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Query {
    /// Profile of the source.
    pub profile: Option<String>,
    /// First day of recording.
    pub since: Option<String>,
    /// `xlsx` or `csv`.
    pub form: Option<String>,
}

/// Returns what was done about the tickets of a hotline in scope, in its own columns.
///
/// # Errors
/// When a parameter is wrong or there is no such profile, or it says nothing of what goes back.
pub async fn get(
    allowed: Allowed<ReadComplaints>,
    site: web::Data<Site>,
    query: web::Query<Query>,
) -> Result<HttpResponse, Problem> {
    let Query { profile, since, form } = query.into_inner();
    let since = since.as_deref().map(day).transpose()?;
    let is_csv = match form.as_deref().unwrap_or("xlsx") {
        "xlsx" => false,
        "csv" => true,
        other => return Err(wrong_parameter("form", other, "应为 xlsx 或 csv", "xlsx or csv are possible")),
    };
    let wanted = profile.unwrap_or_default();
    let known = site.tray.profiles().iter().find(|profile| profile.id == wanted).cloned();
    let profile: Profile = known.ok_or_else(|| {
        let zh = "没有这个格式；`warnlight profile list` 列出所有格式";
        wrong_parameter("profile", &wanted, zh, "there is no such profile; `warnlight profile list` names them")
    })?;
    let id = profile.id.clone();
    let log = site.desk.log().clone();
    let written = site.ask(&allowed.caller().key, move |view| {
        let since = since.map_or(Ok(0), |day| log.position_at(start_of(day)))?;
        let found = feedback(view, &*log, &profile, since)?;
        let written = if is_csv { found.csv().map_err(internal)? } else { found.xlsx().map_err(internal)? };
        Ok(written)
    });
    let written = written.await?;
    let (media_type, ending) = if is_csv { (download::CSV, "csv") } else { (download::XLSX, "xlsx") };
    Ok(download::file(&format!("feedback-{id}.{ending}"), media_type, written))
}

fn day(text: &str) -> Result<Day, Problem> {
    let wrong = |_| wrong_parameter("since", text, "应为日期，例如 2025-06-01", "a day such as 2025-06-01 is needed");
    text.parse().map_err(wrong)
}

fn internal(error: impl std::fmt::Display) -> Problem {
    Problem::inside(Code::Internal, error)
}

impl From<FeedbackError> for Problem {
    fn from(error: FeedbackError) -> Self {
        match error {
            FeedbackError::NotSaid(ref profile) => Self::new(
                Code::BadRequest,
                format!(
                    "格式 `{profile}` 没有写明回传哪些内容：须有 `[[feedback]]` 各列和固定的来源（`docs/PROFILES.md`）"
                ),
                error,
            ),
            FeedbackError::Log(error) => error.into(),
        }
    }
}
