//! The service over HTTP, from outside.

mod app;
mod browser;
mod commands;
mod described;
mod line;
mod live;
mod nodes;
mod pages;
mod positions;
mod rights;
mod scopes;
mod sessions;
mod trail;
