//! The service over HTTP: JSON API and pages, sessions and rights.

pub mod access;
pub mod api;
mod assets;
mod bodies;
mod body;
pub mod demo;
mod download;
mod feeds;
mod following;
mod fresh;
mod front;
mod inner;
mod kept;
mod language;
mod metrics;
mod once;
pub mod pages;
mod path;
pub mod problem;
mod publishing;
mod questions;
pub mod routes;
mod serve;
mod site;
mod slices;
mod table;
mod texts;
mod traced;
mod unread;
mod upload;

pub use language::Language;
pub use serve::{Open, ServeError, Serving};
pub use site::Site;
pub(crate) use texts::fact_names;
