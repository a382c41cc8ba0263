//! The event log: the only truth. One contract, judged by one conformance function; engines behind it.

pub mod admission;
mod answer;
pub mod chain;
#[cfg(feature = "cluster")]
pub mod cluster;
pub mod conformance;
pub mod contract;
mod copied;
pub mod embedded;
pub mod memory;
pub mod migrate;
pub mod postgres;
mod recent;

#[cfg(test)]
mod model;
