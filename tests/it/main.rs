//! Every integration test, one module per room: one binary links once.

#[cfg(test)]
mod cli;
#[cfg(test)]
mod contract;
mod intake;
#[cfg(test)]
mod mail;
