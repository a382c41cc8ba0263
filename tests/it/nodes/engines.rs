//! The engines that two nodes are tried on, and the same tests on each of them.

use crate::shared::Shared;
use std::any::Any;
use std::sync::Arc;
use warnlight::log::contract::EventLog;
use warnlight::log::embedded::{EmbeddedLog, Options};

/// Two faces of one log, one for each node.
pub(crate) struct Pair {
    pub(crate) logs: [Arc<dyn EventLog>; 2],
    /// What must live as long.
    _held: Box<dyn Any>,
}

/// Makes new, empty logs.
pub(crate) type Engine = Box<dyn Fn() -> Pair + Send + Sync>;

/// Makes a module of tests for each engine out of functions that take one: so all have the same tests under the same names.
macro_rules! on_every_engine {
    ($($test:ident),+ $(,)?) => {
        $crate::nodes::engines::on_every_engine!(embedded: $($test),+);
        $crate::nodes::engines::on_every_engine!(postgresql: $($test),+);
        #[cfg(feature = "cluster-double")]
        $crate::nodes::engines::on_every_engine!(kurrentdb: $($test),+);
    };
    ($engine:ident: $($test:ident),+) => {
        mod $engine {
            $(
                #[test]
                fn $test() {
                    super::$test(&$crate::nodes::engines::$engine());
                }
            )+
        }
    };
}

pub(crate) use on_every_engine;

/// The engine of one machine. Only one process may have it, so the nodes are two desks of one process.
pub(crate) fn embedded() -> Engine {
    Box::new(|| {
        let dir = tempfile::tempdir().unwrap();
        let file = EmbeddedLog::open(dir.path(), &Options::default()).unwrap();
        let log: Arc<dyn EventLog> = Arc::new(Shared(Arc::new(file)));
        Pair { logs: [log.clone(), log], _held: Box::new(dir) }
    })
}

/// Logs on a real server of their own.
pub(crate) fn postgresql() -> Engine {
    use crate::postgres::{open, options, server::Server};
    let server = Server::alone();
    Box::new(move || {
        let dirs = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let options = options();
        let logs = [0, 1].map(|node| Arc::new(open(&server, dirs[node].path(), &options)) as Arc<dyn EventLog>);
        Pair { logs, _held: Box::new(dirs) }
    })
}

/// Logs on doubles of KurrentDB.
#[cfg(feature = "cluster-double")]
pub(crate) fn kurrentdb() -> Engine {
    kurrentdb_with(std::time::Duration::ZERO)
}

/// The same, whose writes are compared with for a while before anybody can read them.
#[cfg(feature = "cluster-double")]
pub(crate) fn kurrentdb_with(lag: std::time::Duration) -> Engine {
    use crate::kurrent::{open, server::Server};
    Box::new(move || {
        let server = Server::lagging(lag);
        let dirs = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let logs = [0, 1].map(|node| Arc::new(open(&server, dirs[node].path())) as Arc<dyn EventLog>);
        Pair { logs, _held: Box::new((server, dirs)) }
    })
}

/// Logs on a real cluster, if the environment names one; says so if it does not.
#[cfg(feature = "cluster-double")]
pub(crate) fn real_kurrentdb() -> Option<Engine> {
    use warnlight::log::cluster::{ClusterLog, Options};
    let Ok(url) = std::env::var("WARNLIGHT_TEST_ESDB") else {
        eprintln!("WARNLIGHT_TEST_ESDB is not set: no real server was tried");
        return None;
    };
    Some(Box::new(move || {
        let dirs = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let prefix = format!("trial-{}:", uuid::Uuid::now_v7().simple()).into();
        let options = Options { prefix, ..Options::default() };
        let open = |node: usize| ClusterLog::open(&url, dirs[node].path(), &options).unwrap();
        Pair { logs: [0, 1].map(|node| Arc::new(open(node)) as Arc<dyn EventLog>), _held: Box::new(dirs) }
    }))
}
