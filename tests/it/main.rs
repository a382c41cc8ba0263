//! Every integration test, one module per room: one binary links once.

mod intake;
