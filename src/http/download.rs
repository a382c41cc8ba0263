//! Answers that are files to be kept.

use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, LOCATION};

/// A workbook.
pub(super) const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
/// A text document.
pub(super) const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
/// Comma-separated values.
pub(super) const CSV: &str = "text/csv; charset=utf-8";

/// Answers with a file; its name is ASCII.
pub(super) fn file(name: &str, media_type: &str, body: Vec<u8>) -> HttpResponse {
    let name = format!("attachment; filename=\"{name}\"");
    HttpResponse::Ok().insert_header((CONTENT_TYPE, media_type)).insert_header((CONTENT_DISPOSITION, name)).body(body)
}

/// Leads to another page.
pub(super) fn to(place: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, place)).finish()
}
