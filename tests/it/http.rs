//! The service over HTTP, from outside.

mod app;
mod commands;
mod described;
mod live;
mod rights;
mod scopes;
mod sessions;
