//! The list of problem codes, which the types of problems point to.

use crate::http::language::Language;
use crate::http::pages;
use crate::http::problem::{Code, Problem};
use actix_web::http::header::ACCEPT;
use actix_web::{HttpRequest, HttpResponse, web};
use minijinja::context;
use minijinja::value::Serde;
use serde::Serialize;

/// A kind of problem.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct ProblemKind {
    /// `/problems/<code>`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Code.
    pub code: &'static str,
    /// HTTP status.
    pub status: u16,
    /// What happened, in the language asked for.
    pub title: &'static str,
    /// What to do, in the language asked for.
    pub advice: &'static str,
}

impl ProblemKind {
    fn new(code: Code, language: Language) -> Self {
        Self {
            kind: format!("/problems/{}", code.name()),
            code: code.name(),
            status: code.status().as_u16(),
            title: code.title(language),
            advice: code.advice(language),
        }
    }
}

/// Lists every kind of problem.
///
/// # Errors
/// When the page cannot be drawn.
pub async fn list(request: HttpRequest, language: Language) -> Result<HttpResponse, Problem> {
    let kinds: Vec<ProblemKind> = Code::ALL.iter().map(|code| ProblemKind::new(*code, language)).collect();
    show(&request, &kinds)
}

/// Explains one kind of problem.
///
/// # Errors
/// When there is no such code, or the page cannot be drawn.
pub async fn get(request: HttpRequest, language: Language, name: web::Path<String>) -> Result<HttpResponse, Problem> {
    let code = Code::ALL.iter().find(|code| code.name() == *name).ok_or(Code::NotFound)?;
    show(&request, &[ProblemKind::new(*code, language)])
}

fn show(request: &HttpRequest, kinds: &[ProblemKind]) -> Result<HttpResponse, Problem> {
    let html = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok());
    if html.is_some_and(|accepted| accepted.contains("text/html")) {
        let codes = minijinja::Value::from(Serde(kinds));
        return pages::answer(request, None, "problems.html", "", context! { codes });
    }
    Ok(HttpResponse::Ok().json(kinds))
}
