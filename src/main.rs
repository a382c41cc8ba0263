//! The `warnlight` command.

/// Half the memory of the system's for the many small lists and texts of a state, and threads that do not wait for one
/// another (docs/PERFORMANCE.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    warnlight::cli::main()
}
