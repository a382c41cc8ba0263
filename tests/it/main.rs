//! Every integration test, one module per room: one binary links once.
//!
//! `cfg(test)` tells clippy that the functions beside the tests are tests too.

#[cfg(test)]
mod checkpoints;
#[cfg(test)]
mod cli;
#[cfg(test)]
mod compose;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod desk;
#[cfg(test)]
mod disk;
#[cfg(test)]
mod followed;
#[cfg(test)]
mod grading;
#[cfg(test)]
mod http;
#[cfg(test)]
mod intake;
#[cfg(test)]
mod kill;
#[cfg(test)]
#[cfg(feature = "cluster-double")]
mod kurrent;
#[cfg(test)]
mod log;
#[cfg(test)]
mod mail;
#[cfg(test)]
mod nodes;
#[cfg(test)]
mod noise;
#[cfg(test)]
mod nonsense;
#[cfg(test)]
mod office;
#[cfg(test)]
mod postgres;
#[cfg(test)]
mod rooms;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod shared;
#[cfg(test)]
mod tickets;
#[cfg(test)]
mod watch;
#[cfg(test)]
mod whose;
