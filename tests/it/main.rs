//! Every integration test, one module per room: one binary links once.

// `cfg(test)` tells clippy that the functions beside the tests are tests too.
#[cfg(test)]
mod log;
