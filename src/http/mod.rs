//! The service over HTTP: JSON API and pages, sessions and rights.

pub mod access;
mod language;
pub mod problem;

pub use language::Language;
