//! The first stage: from a path to one readable file after the other, with a name that people can read.

mod archive;
mod name;
pub mod read;

pub(crate) use name::of_bytes as name_of_bytes;
