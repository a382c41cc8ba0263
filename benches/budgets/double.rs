//! The test server of the cluster's protocol, for row 19: a server in memory, over real sockets.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    dead_code,
    reason = "the tests' double, as the tests use it: a fault of it ends the run"
)]

#[path = "../../tests/it/kurrent/answering.rs"]
mod answering;
#[path = "../../tests/it/kurrent/authority.rs"]
mod authority;
#[path = "../../tests/it/kurrent/batching.rs"]
mod batching;
#[path = "../../tests/it/kurrent/faults.rs"]
mod faults;
#[path = "../../tests/it/kurrent/framing.rs"]
mod framing;
#[path = "../../tests/it/kurrent/messages.rs"]
mod messages;
#[path = "../../tests/it/kurrent/server.rs"]
pub(super) mod server;
#[path = "../../tests/it/kurrent/store.rs"]
mod store;
