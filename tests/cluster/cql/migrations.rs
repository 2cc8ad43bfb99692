//! Making the tables and bringing them up to date.

use std::{cell::RefCell, collections::BTreeSet};

use chasqui_cluster_tests::keyspace::Keyspace;
use chasqui_store_cql::{
    CqlStore, OpenError, Options,
    schema::{Error, Migrator, Plan, Step},
};

const CHANGE_RECORD: &str = "UPDATE {}.schema_migrations SET checksum = 'other' WHERE number = 1";
const RECORD_LATER: &str = "INSERT INTO {}.schema_migrations (number, name, checksum) VALUES (9000, '9000_later', 'x')";

async fn migrator(keyspace: &Keyspace) -> Migrator {
    Migrator::connect(keyspace.options()).await.unwrap()
}

fn schema_error(error: OpenError) -> Error {
    match error {
        OpenError::Schema(error) => error,
        other => panic!("{other}"),
    }
}

/// Opening makes nothing and says what to do; the plan says what would be done; doing it tells of every step; then there is
/// nothing left.
#[tokio::test]
async fn tables_are_made_once_and_only_when_asked_for() {
    let keyspace = Keyspace::missing().await;
    let error = schema_error(CqlStore::open(keyspace.options()).await.unwrap_err());
    assert_eq!(error, Error::Outdated { keyspace: keyspace.name().to_owned() });
    assert!(error.to_string().contains("run `chasqui schema migrate`"));
    let migrator = migrator(&keyspace).await;
    let plan = migrator.plan().await.unwrap();
    assert_eq!(migrator.plan().await.unwrap(), plan, "planning changes nothing");
    assert!(keyspace.tables().await.is_empty());
    assert!(plan.steps[0].to_string().starts_with("keyspace: CREATE KEYSPACE IF NOT EXISTS "));

    let told = RefCell::new(Vec::new());
    migrator.apply(&plan, |step: &Step| told.borrow_mut().push(step.clone())).await.unwrap();
    assert_eq!(*told.borrow(), plan.steps);
    assert_eq!(migrator.plan().await.unwrap(), Plan::default());
    let made = plan.steps.iter().filter(|step| step.cql.starts_with("CREATE TABLE")).count();
    assert_eq!(keyspace.tables().await.len(), made);
    keyspace.open().await;
}

/// Wherever it was interrupted, a new plan has what is left, and what is left can be done.
#[tokio::test]
async fn an_interrupted_migration_is_gone_on_with() {
    let keyspace = Keyspace::missing().await;
    let migrator = migrator(&keyspace).await;
    let Plan { steps } = migrator.plan().await.unwrap();
    let (keyspace_alone, tables) = (Plan { steps: steps[..1].to_vec() }, &steps[1..]);
    migrator.apply(&keyspace_alone, |_| ()).await.unwrap();
    for done in [0, 1, 6, tables.len() - 1] {
        migrator.apply(&Plan { steps: tables[..done].to_vec() }, |_| ()).await.unwrap();
        assert_eq!(migrator.plan().await.unwrap().steps, tables, "all of it does nothing the second time");
        assert!(matches!(CqlStore::open(keyspace.options()).await, Err(OpenError::Schema(Error::Outdated { .. }))));
    }
    migrator.apply(&migrator.plan().await.unwrap(), |_| ()).await.unwrap();
    keyspace.open().await;
}

#[tokio::test]
async fn a_migration_that_was_another_one_is_refused() {
    let keyspace = Keyspace::empty().await;
    keyspace.run(CHANGE_RECORD).await;
    let changed = Error::Changed { name: "0001_rows".to_owned() };
    assert_eq!(migrator(&keyspace).await.plan().await.unwrap_err(), changed);
    let error = schema_error(CqlStore::open(keyspace.options()).await.unwrap_err());
    assert_eq!(error, changed);
    assert!(!error.is_retryable());
}

#[tokio::test]
async fn tables_of_a_later_build_are_refused() {
    let keyspace = Keyspace::empty().await;
    keyspace.run(RECORD_LATER).await;
    let error = schema_error(CqlStore::open(keyspace.options()).await.unwrap_err());
    assert!(matches!(error, Error::Newer { found: 9000, .. }));
    assert!(error.to_string().ends_with("upgrade this process"), "{error}");
    assert_eq!(migrator(&keyspace).await.plan().await.unwrap_err(), error);
}

/// What was promised of the replicas holds, or nothing is done.
#[tokio::test]
async fn a_keyspace_that_promises_something_else_is_refused() {
    let keyspace = Keyspace::missing().await;
    let plan = async |options: Options| Migrator::connect(options).await.unwrap().plan().await;
    for (replication, found) in [
        ("{'class': 'SimpleStrategy', 'replication_factor': 1}", "SimpleStrategy"),
        ("{'class': 'NetworkTopologyStrategy', 'datacenter1': 1} AND durable_writes = false", "durable_writes = false"),
    ] {
        keyspace.run(&format!("CREATE KEYSPACE {{}} WITH replication = {replication}")).await;
        let error = plan(keyspace.options()).await.unwrap_err();
        assert!(matches!(&error, Error::Keyspace { found: is, .. } if is.contains(found)), "{error}");
        keyspace.run("DROP KEYSPACE {}").await;
    }
    keyspace.run("CREATE KEYSPACE {} WITH replication = {'class': 'NetworkTopologyStrategy', 'datacenter1': 1}").await;
    let three = Options { replication_factor: 3, ..keyspace.options() };
    let error = plan(three).await.unwrap_err();
    assert!(error.to_string().contains("1 replicas in datacenter1, and has to have 3"), "{error}");
    let steps: BTreeSet<_> = plan(keyspace.options()).await.unwrap().steps.iter().map(|step| step.of).collect();
    assert_eq!(steps, BTreeSet::from(["0001_rows", "records"]), "what is right is taken as it is");
}
