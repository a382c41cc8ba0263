//! Where the offices' spreadsheets come in: xlsx, csv in UTF-8, GB18030 or UTF-16, and NDJSON become
//! [`crate::domain::command::Command`]s (docs/SHEETS.md).
//!
//! [`read::read`] goes through a file or a folder and hands over one [`item::Item`] after the other, in order. A row that
//! cannot be a command comes with every reason, each knowing its place; it stops nothing else. Deciding and storing is
//! the caller's.

pub mod cell;
mod delimited;
mod encoding;
pub mod export;
pub mod item;
mod lines;
mod ndjson;
pub mod place;
pub mod profile;
pub mod read;
pub mod refusals;
mod row;
pub mod sheet;
mod table;
mod workbook;
