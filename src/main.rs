//! The `warnlight` command.

fn main() {}
