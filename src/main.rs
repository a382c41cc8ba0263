//! The `warnlight` command.

fn main() -> std::process::ExitCode {
    warnlight::cli::main()
}
