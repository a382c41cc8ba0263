//! The service over HTTP: JSON API and pages, sessions and rights.

pub mod access;
mod assets;
mod front;
mod language;
mod metrics;
pub mod pages;
pub mod problem;
mod site;
mod texts;

pub use language::Language;
