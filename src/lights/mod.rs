//! Lights: from evidence to facts, from facts to a light with its reasons, now or as of any day.

pub mod change;
pub mod explain;
pub mod facts;
pub mod grade;
pub mod moment;
