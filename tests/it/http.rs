//! The service over HTTP, from outside.

mod app;
mod browser;
mod commands;
mod described;
mod live;
mod rights;
mod scopes;
mod sessions;
mod trail;
