//! Law as data: rule packs, filing and custody schemes, sectors, working-day calendars (policies/), loaded, checked and
//! evaluated. Where a figure comes from is written beside it in the files.

pub mod aliases;
pub mod calendar;
#[cfg(test)]
mod cases;
pub mod clause;
pub mod complaints;
pub mod fact;
pub mod figure;
pub mod figures;
pub mod follow_up;
pub mod letters;
pub mod load;
pub mod parameters;
pub mod rhythm;
pub mod rule;
pub mod scheme;
pub mod sector;
pub mod transfer;

pub use load::{Policies, PolicyError};
