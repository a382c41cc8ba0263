//! The service over HTTP, from outside.

mod app;
mod browser;
mod commands;
mod dates;
mod described;
mod doors;
mod imports;
mod line;
mod live;
mod mails;
mod nodes;
mod once;
mod pages;
mod partly;
mod positions;
mod questions;
mod ready;
mod revoking;
mod rights;
mod scopes;
mod sessions;
mod shops;
mod sight;
mod sources;
mod trail;
mod whose;
