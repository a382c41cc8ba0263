//! What was typed into a page while its session ended. It goes through the log-in in the browser itself, and is sent by one click
//! afterwards; the service keeps none of it.

use super::access;
use super::front::encode;
use super::pages::link;
use actix_web::dev::ServiceRequest;
use actix_web::http::StatusCode;
use actix_web::{HttpMessage as _, web};

/// Field of every form that only its session can fill.
const TOKEN: &str = "form_token";

/// A form that was sent without a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kept {
    /// Where it was sent.
    pub(super) path: String,
    /// Its fields, as a form writes them.
    pub(super) fields: String,
}

impl Kept {
    /// Notes the form of a request that nobody valid sent, for the log-in page that answers it.
    pub(super) async fn note(request: &mut ServiceRequest) {
        let nobody = matches!(access::caller(request.request()), Err(problem) if problem.code.status() == StatusCode::UNAUTHORIZED);
        // These need no session, and read the form themselves.
        let is_open = matches!(request.path(), "/login" | "/logout") || request.path().starts_with(link::PLACE);
        if !nobody || is_open {
            return;
        }
        let path = request.path().to_owned();
        // What is no form, or too large for one, is not kept.
        let Ok(web::Form(pairs)) = request.extract::<web::Form<Vec<(String, String)>>>().await else { return };
        let fields = pairs.iter().filter(|(name, _)| name != TOKEN);
        let fields: Vec<String> = fields.map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        // A button without fields is pressed again.
        if fields.is_empty() {
            return;
        }
        request.extensions_mut().insert(Self { path, fields: fields.join("&") });
    }
}

/// Reads kept fields again; none where somebody else wrote them.
pub(super) fn fields(kept: &str) -> Vec<(String, String)> {
    let pairs = web::Query::<Vec<(String, String)>>::from_query(kept).map(web::Query::into_inner).unwrap_or_default();
    pairs.into_iter().filter(|(name, _)| name != TOKEN).collect()
}
