//! Which migrations were done.

use std::collections::BTreeMap;

use scylla::{client::session::Session, deserialize::row::DeserializeRow};

use super::{
    Error,
    migrations::{MIGRATIONS, Migration},
};
use crate::error;

/// Fails unless all migrations of this build were done, and no others.
pub(crate) async fn check(session: &Session, keyspace: &str) -> Result<(), Error> {
    if pending(session, keyspace).await?.is_empty() {
        Ok(())
    } else {
        Err(Error::Outdated { keyspace: keyspace.into() })
    }
}

/// The migrations that were not done yet.
pub(crate) async fn pending(session: &Session, keyspace: &str) -> Result<Vec<Migration>, Error> {
    let mut recorded = recorded(session, keyspace).await?;
    let mut pending = Vec::new();
    for migration in MIGRATIONS {
        match recorded.remove(&migration.number) {
            None => pending.push(*migration),
            Some((_, checksum)) if checksum == migration.checksum() => {}
            Some((name, _)) => return Err(Error::Changed { name }),
        }
    }
    match recorded.pop_last() {
        None => Ok(pending),
        Some((found, _)) => Err(Error::Newer {
            keyspace: keyspace.to_owned(),
            found,
            known: MIGRATIONS.last().map_or(0, |migration| migration.number),
        }),
    }
}

/// Number → name and checksum.
async fn recorded(session: &Session, keyspace: &str) -> Result<BTreeMap<i32, (String, String)>, Error> {
    if !is_there(session, keyspace, "schema_migrations").await? {
        return Ok(BTreeMap::new());
    }
    let cql = format!("SELECT number, name, checksum FROM {keyspace}.schema_migrations");
    let rows: Vec<(i32, String, String)> = query(session, cql).await?;
    Ok(rows.into_iter().map(|(number, name, checksum)| (number, (name, checksum))).collect())
}

async fn is_there(session: &Session, keyspace: &str, table: &str) -> Result<bool, Error> {
    let cql = format!(
        "SELECT table_name FROM system_schema.tables WHERE keyspace_name = '{keyspace}' AND table_name = '{table}'"
    );
    let rows: Vec<(String,)> = query(session, cql).await?;
    Ok(!rows.is_empty())
}

/// All rows of a query that has few.
pub(crate) async fn query<R>(session: &Session, cql: String) -> Result<Vec<R>, Error>
where
    R: for<'r> DeserializeRow<'r, 'r>,
{
    let failed = |why: String| Error::Failed { why };
    let answer = session.query_unpaged(cql, ()).await.map_err(|error| failed(error::why(&error)))?;
    let rows = answer.into_rows_result().map_err(|error| failed(error::short(error)))?;
    let rows = rows.rows().map_err(|error| failed(error::short(error)))?;
    rows.collect::<Result<_, _>>().map_err(|error| failed(error::short(error)))
}
