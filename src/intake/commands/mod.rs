//! The last stage: rows of known sheets, and objects of JSON, become commands.

pub(in crate::intake) mod json;
mod objects;
pub(in crate::intake) mod row;
