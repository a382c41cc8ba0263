//! The double: a server that speaks the protocol over real sockets, keeps its streams in memory and fails when told.
//!
//! What it does is taken from the protocol files, from the client's source (kurrentdb 1.2.0), from the server's, and from the
//! published documents; each expectation names its source where it is encoded.

use super::answering::Node;
use super::authority::Authority;
use super::store::Cluster;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

const ANY_PORT: ([u8; 4], u16) = ([127, 0, 0, 1], 0);

/// One server of a cluster, running until it is dropped.
pub(crate) struct Server {
    cluster: Arc<Mutex<Cluster>>,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    cut: watch::Sender<usize>,
    tls: Option<TlsAcceptor>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts the one server of a new cluster.
    pub(crate) fn alone() -> Self {
        Self::first(None)
    }

    /// Starts the one server of a new cluster whose writes are under way for so long before they can be read.
    pub(crate) fn lagging(lag: Duration) -> Self {
        let server = Self::alone();
        server.cluster().lag = lag;
        server
    }

    /// Starts the one server of a new cluster that answers appends after `lag`, and reads after `reads_take`.
    pub(crate) fn far_away(lag: Duration, reads_take: Duration) -> Self {
        let server = Self::lagging(lag);
        server.cluster().reads_take = reads_take;
        server
    }

    /// Starts the one server of a new cluster that speaks TLS only, with a certificate of this authority for `127.0.0.1`.
    pub(super) fn with_tls(authority: &Authority) -> Self {
        Self::first(Some(authority.acceptor()))
    }

    fn first(tls: Option<TlsAcceptor>) -> Self {
        let server = Self::start(Arc::default(), ANY_PORT.into(), tls);
        server.cluster().leader = server.address.port();
        server
    }

    /// Starts a leader and a follower.
    pub(super) fn pair() -> (Self, Self) {
        let leader = Self::alone();
        let follower = Self::join(&leader.cluster);
        (leader, follower)
    }

    /// Starts three servers, the first of which leads.
    pub(super) fn three() -> [Self; 3] {
        let leader = Self::alone();
        let followers = [(); 2].map(|()| Self::join(&leader.cluster));
        let [one, other] = followers;
        [leader, one, other]
    }

    fn join(cluster: &Arc<Mutex<Cluster>>) -> Self {
        Self::start(cluster.clone(), ANY_PORT.into(), None)
    }

    fn start(cluster: Arc<Mutex<Cluster>>, address: SocketAddr, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        {
            let mut cluster = cluster.lock().unwrap();
            cluster.down.remove(&address.port());
            if !cluster.ports.contains(&address.port()) {
                cluster.ports.push(address.port());
            }
        }
        let (stop, stopped) = watch::channel(false);
        let (cut, _) = watch::channel(0);
        let node = Node { cluster: cluster.clone(), port: address.port(), cut: cut.clone(), stop: stop.clone() };
        let acceptor = tls.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            // Dropping the runtime closes every connection: this is how the server dies.
            runtime.block_on(serve(listener, node, acceptor, stopped));
        });
        Self { cluster, address, stop, cut, tls, thread: Some(thread) }
    }

    /// Returns the state, to look at and to plan faults.
    pub(super) fn cluster(&self) -> MutexGuard<'_, Cluster> {
        self.cluster.lock().unwrap()
    }

    pub(super) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(crate) fn url(&self) -> String {
        format!("esdb://127.0.0.1:{}?tls=false&maxDiscoverAttempts=3&discoveryInterval=10", self.address.port())
    }

    /// Returns the address with TLS; `authority` is the file to trust, if it is named.
    pub(super) fn secure_url(&self, login: &str, authority: Option<&Path>) -> String {
        let trusted = authority.map(|file| format!("&tlsCaFile={}", file.display())).unwrap_or_default();
        let port = self.address.port();
        format!("esdb://{login}@127.0.0.1:{port}?tls=true&maxDiscoverAttempts=3&discoveryInterval=10{trusted}")
    }

    /// Cuts every line.
    pub(super) fn cut(&self) {
        self.cut.send_modify(|cuts| *cuts += 1);
    }

    fn stop(&mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }

    /// Stops, runs `while_down`, and starts again at the same address with everything that was written.
    pub(super) fn restart(&mut self, while_down: impl FnOnce()) {
        self.stop();
        while_down();
        *self = Self::start(self.cluster.clone(), self.address, self.tls.clone());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn serve(listener: TcpListener, node: Node, tls: Option<TlsAcceptor>, mut stopped: watch::Receiver<bool>) {
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    loop {
        tokio::select! {
            _ = stopped.wait_for(|stopped| *stopped) => return,
            accepted = listener.accept() => {
                let (socket, _) = accepted.unwrap();
                socket.set_nodelay(true).unwrap();
                let (node, tls, mut cut) = (node.clone(), tls.clone(), node.cut.subscribe());
                tokio::spawn(async move {
                    tokio::select! {
                        _ = cut.changed() => {}
                        () = greet(socket, tls, node) => {}
                    }
                });
            }
        }
    }
}

async fn greet(socket: tokio::net::TcpStream, tls: Option<TlsAcceptor>, node: Node) {
    match tls {
        None => connection(socket, node).await,
        Some(tls) => {
            // A client that does not trust the certificate hangs up.
            let Ok(socket) = tls.accept(socket).await else { return };
            connection(socket, node).await;
        }
    }
}

async fn connection(socket: impl AsyncRead + AsyncWrite + Unpin, node: Node) {
    let most = node.cluster.lock().unwrap().most_calls;
    let mut settings = h2::server::Builder::new();
    settings.max_concurrent_streams(most.unwrap_or(100));
    let Ok(mut connection) = settings.handshake(socket).await else { return };
    while let Some(Ok((request, respond))) = connection.accept().await {
        let node = node.clone();
        // A client that went away is no fault of the double.
        tokio::spawn(async move { node.answer(request, respond).await.ok() });
    }
}
