//! A keyspace for each test, with tables and without rows.
//!
//! Making tables takes the servers a hundred times longer than emptying them, so keyspaces stay for the next test. A locked
//! file says that one is in use; the lock ends with the process, however that ends.

use std::{fs, fs::File};

use chasqui_store_cql::{CqlStore, Options, schema::Migrator};
use scylla::client::{session::Session, session_builder::SessionBuilder};

use crate::infra;

/// More tests at a time than any machine runs.
const KEYSPACES_MAX: usize = 1000;

/// A keyspace that is this test's until it is dropped.
pub struct Keyspace {
    name: String,
    session: Session,
    _lock: File,
}

impl Keyspace {
    /// One with all tables, all empty.
    ///
    /// # Panics
    /// When the servers don't do what they are asked.
    pub async fn empty() -> Self {
        let keyspace = Self::reserved().await;
        let migrator = Migrator::connect(keyspace.options()).await.expect("servers that answer");
        let is_complete = migrator.plan().await.is_ok_and(|plan| plan.steps.is_empty());
        if is_complete {
            keyspace.truncate().await;
        } else {
            keyspace.drop_all().await;
            let plan = migrator.plan().await.expect("a plan");
            migrator.apply(&plan, |_| ()).await.expect("tables");
        }
        keyspace
    }

    /// One that isn't there.
    ///
    /// # Panics
    /// When the servers don't do what they are asked.
    pub async fn missing() -> Self {
        let keyspace = Self::reserved().await;
        keyspace.drop_all().await;
        keyspace
    }

    async fn reserved() -> Self {
        let folder = infra::root().join("target/tmp");
        fs::create_dir_all(&folder).expect("a folder");
        let (name, lock) = (0..KEYSPACES_MAX)
            .find_map(|number| {
                let name = format!("chasqui_test_{number}");
                let lock = File::create(folder.join(format!("{name}.lock"))).expect("a file");
                lock.try_lock().is_ok().then_some((name, lock))
            })
            .expect("a keyspace that nobody uses");
        let session = SessionBuilder::new().known_nodes(infra::cql_contact_points()).build().await;
        Self { name, session: session.expect("servers that answer"), _lock: lock }
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Options for this keyspace, which has one replica of each row.
    #[must_use]
    pub fn options(&self) -> Options {
        Options {
            contact_points: infra::cql_contact_points(),
            keyspace: self.name.clone(),
            replication_factor: 1,
            ..Options::default()
        }
    }

    /// Opens a store in it.
    ///
    /// # Panics
    /// When it doesn't open.
    pub async fn open(&self) -> std::sync::Arc<CqlStore> {
        CqlStore::open(self.options()).await.expect("a store")
    }

    /// A session of the driver, past the store.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Runs a statement past the store; `{}` in it is the keyspace.
    ///
    /// # Panics
    /// When the servers refuse it.
    pub async fn run(&self, cql: &str) {
        let cql = cql.replacen("{}", &self.name, 1);
        self.session.query_unpaged(cql.as_str(), ()).await.unwrap_or_else(|error| panic!("{cql}: {error}"));
    }

    /// The names of its tables.
    ///
    /// # Panics
    /// When the servers don't tell.
    pub async fn tables(&self) -> Vec<String> {
        let cql = format!("SELECT table_name FROM system_schema.tables WHERE keyspace_name = '{}'", self.name);
        let answer = self.session.query_unpaged(cql, ()).await.expect("an answer");
        let rows = answer.into_rows_result().expect("rows");
        rows.rows::<(String,)>().expect("rows").map(|row| row.expect("a row").0).collect()
    }

    async fn truncate(&self) {
        for table in self.tables().await {
            if table != "schema_migrations" {
                self.run(&format!("TRUNCATE {{}}.{table}")).await;
            }
        }
    }

    async fn drop_all(&self) {
        self.run("DROP KEYSPACE IF EXISTS {}").await;
    }
}
