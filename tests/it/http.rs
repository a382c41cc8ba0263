//! The service over HTTP, from outside.

mod app;
mod browser;
mod commands;
mod described;
mod doors;
mod line;
mod live;
mod mails;
mod nodes;
mod positions;
mod rights;
mod scopes;
mod sessions;
mod sight;
mod trail;
