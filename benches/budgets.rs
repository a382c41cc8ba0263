//! The budgets: how fast and how big Warnlight is, each figure beside the machine's own limit measured in the same run.
//!
//! `cargo bench --bench budgets -- --rows 1,2 --size full --write`; see `docs/PERFORMANCE.md`. A budget that is missed is
//! written down as missed; nothing here ever fails because of a figure.

mod budgets {
    mod append;
    mod args;
    mod board;
    mod build;
    #[cfg(feature = "cluster-double")]
    mod cluster;
    mod crowd;
    mod desk;
    #[cfg(feature = "cluster-double")]
    mod double;
    mod grading;
    mod http;
    mod import;
    mod machine;
    mod memory;
    mod near;
    mod pg;
    mod postgres;
    mod raw;
    mod readers;
    mod rebuild;
    mod report;
    pub(crate) mod run;
    mod service;
}

/// As in the command.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    budgets::run::main();
}
