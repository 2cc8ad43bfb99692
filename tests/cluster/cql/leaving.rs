//! A store that is dropped leaves nothing behind in its process.

use std::time::{Duration, Instant};

use chasqui_cluster_tests::keyspace::Keyspace;
use chasqui_domain::Offset;
use chasqui_store::Store;
use tokio::runtime::Runtime;

use crate::rows::of;

const PATIENCE: Duration = Duration::from_secs(10);

#[test]
fn no_task_is_left() {
    let elsewhere = Runtime::new().unwrap();
    let keyspace = elsewhere.block_on(Keyspace::empty());
    let runtime = Runtime::new().unwrap();
    let tasks = || runtime.metrics().num_alive_tasks();
    runtime.block_on(async {
        let store = keyspace.open().await;
        store.commit(of(0), Offset(1), vec![]).await.unwrap();
        assert!(tasks() > 0, "connections have tasks");
        drop(store);
        let since = Instant::now();
        while tasks() > 0 {
            assert!(since.elapsed() < PATIENCE, "{} tasks are left", tasks());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
}
