//! The service over HTTP, from outside.

mod app;
mod browser;
mod commands;
mod dates;
mod described;
mod line;
mod live;
mod nodes;
mod partly;
mod positions;
mod rights;
mod scopes;
mod sessions;
mod shops;
mod trail;
