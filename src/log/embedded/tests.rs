use super::*;
use crate::log::conformance::conformance;

#[test]
fn the_embedded_engine_keeps_every_promise() {
    let mut directories = Vec::new();
    conformance(&mut || {
        let dir = tempfile::tempdir().unwrap();
        let log = EmbeddedLog::open(dir.path(), &Options::default())?;
        directories.push(dir);
        Ok(Arc::new(log))
    })
    .unwrap();
}
