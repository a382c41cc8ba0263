//! The hatch (传递窗): the way from a command line beside the running service to its desk. The service has the log; the command
//! line reads the files, writes the papers and says what came of them as it does alone, and only its rows are decided by the
//! service's desk.
//!
//! It is a socket in the data folder that nobody but the folder's owner may open, who may do everything with the log anyway.
//! Whether a service is there at all is told by the lock of the log: a socket that a dead service left behind leads nowhere.

mod client;
mod server;
mod wire;

pub use client::AtService;
pub(super) use client::OnTheWay;
pub use server::Hatch;

use std::path::{Path, PathBuf};

/// Name of the socket in the data folder.
const SOCKET: &str = "import.sock";

fn socket(data: &Path) -> PathBuf {
    data.join(SOCKET)
}
