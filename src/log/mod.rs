//! The event log: the only truth. One contract, judged by one conformance function; engines behind it.

pub mod contract;
