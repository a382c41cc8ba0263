//! Where the offices' files come in, and become [`crate::domain::command::Command`]s (docs/SHEETS.md). Reading is a row of stages,
//! each in a folder of its own, and each knows only the one before:
//!
//! 1. `bytes`: folders, archives and names in any encoding → one file after the other;
//! 2. `kind`: what a file is, by its content and not by its name;
//! 3. `tables`: the readers of each kind, and what stands around records: titles with their 单位, headers, merged cells,
//!    totals, signatures, further headers;
//! 4. `cell`: one cell, with what the file says about it;
//! 5. `columns`: which header means what;
//! 6. `commands`: a row of a known sheet, or an object of JSON, becomes a command.
//!
//! [`read::read`] goes through a file or a folder and hands over one [`item::Item`] after the other, in order. A row that
//! cannot be a command comes with every reason, each knowing its place; it stops nothing else. Deciding and storing is
//! the caller's.

mod bytes;
pub mod cell;
mod columns;
mod commands;
pub mod export;
pub mod feedback;
pub mod item;
mod kind;
pub mod place;
pub mod profile;
pub mod refusals;
pub mod returned;
mod tables;

pub(crate) use bytes::name_of_bytes;
pub use bytes::read;
pub use columns::sheet;
