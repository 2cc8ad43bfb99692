//! The store's contract, on real servers of CQL.
#![allow(clippy::unwrap_used, reason = "a test program: helpers fail the test by panicking")]

use async_trait::async_trait;
use chasqui_cluster_tests::keyspace::Keyspace;
use chasqui_store::suite::{Factory, Subject};
use tokio::sync::OnceCell;

/// The store in a keyspace of its own.
#[derive(Default)]
struct Cql {
    keyspace: OnceCell<Keyspace>,
}

#[async_trait]
impl Factory for Cql {
    async fn open(&self) -> Subject {
        let store = self.keyspace.get_or_init(Keyspace::empty).await.open().await;
        Subject { store: store.clone(), keys: store }
    }

    fn expires_when_told(&self) -> bool {
        false
    }

    async fn reopen(&self, old: Subject) -> Option<Subject> {
        drop(old);
        Some(self.open().await)
    }
}

chasqui_store::conformance!(Cql::default());
