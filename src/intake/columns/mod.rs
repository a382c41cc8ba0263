//! The fifth stage: which header means which column of which sheet, and in which unit.

pub mod sheet;
