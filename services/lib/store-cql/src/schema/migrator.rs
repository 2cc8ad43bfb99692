//! Doing migrations.

use std::fmt;

use scylla::client::session::Session;

use super::{
    Error, keyspace,
    migrations::{Migration, RECORDS, qualified},
    records,
};
use crate::{OpenError, Options, connect, error, limits::CHANGE_TIMEOUT};

/// One statement of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The migration that it is of, or what else it is for.
    pub of: &'static str,
    /// The statement.
    pub cql: String,
}

/// Its beginning, which names the table.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.cql.lines().next().unwrap_or_default();
        write!(f, "{}: {}", self.of, first.trim_end_matches(['(', ' ']))
    }
}

/// What has to be done, statement by statement; nothing when all is done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// The statements, in order.
    pub steps: Vec<Step>,
}

/// Makes the keyspace and its tables, and brings them up to date.
pub struct Migrator {
    session: Session,
    datacenter: String,
    options: Options,
}

impl Migrator {
    /// Connects. Changes nothing.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn connect(options: Options) -> Result<Self, OpenError> {
        let connected = connect::connect(&options, CHANGE_TIMEOUT).await?;
        Ok(Self { session: connected.session, datacenter: connected.datacenter, options })
    }

    /// What is left to be done. Changes nothing.
    ///
    /// # Errors
    /// [`Error`], when what is there can't be gone on from.
    pub async fn plan(&self) -> Result<Plan, Error> {
        let Self { session, datacenter, options } = self;
        let mut steps = Vec::new();
        let missing = keyspace::missing(session, options, datacenter).await?;
        steps.extend(missing.map(|cql| Step { of: "keyspace", cql }));
        let pending = records::pending(session, &options.keyspace).await?;
        if !pending.is_empty() {
            steps.push(Step { of: "records", cql: qualified(RECORDS, &options.keyspace) });
        }
        steps.extend(pending.iter().flat_map(|migration| self.steps(migration)));
        Ok(Plan { steps })
    }

    fn steps(&self, migration: &Migration) -> Vec<Step> {
        let Migration { number, name, .. } = migration;
        let keyspace = &self.options.keyspace;
        let checksum = migration.checksum();
        let record = format!(
            "INSERT INTO {keyspace}.schema_migrations (number, name, checksum, applied_at)
    VALUES ({number}, '{name}', '{checksum}', toTimestamp(now()))"
        );
        let statements = migration.statements().into_iter().map(|statement| qualified(&statement, keyspace));
        statements.chain([record]).map(|cql| Step { of: name, cql }).collect()
    }

    /// Does what is planned, and tells of each step when all nodes agree on it. After an error, or when the future is dropped,
    /// a new plan has what is left.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub async fn apply(&self, plan: &Plan, mut done: impl FnMut(&Step)) -> Result<(), Error> {
        for step in &plan.steps {
            let answer = self.session.query_unpaged(step.cql.as_str(), ()).await;
            answer.map_err(|error| Error::Failed { why: format!("{step}: {}", error::why(&error)) })?;
            done(step);
        }
        Ok(())
    }
}

impl fmt::Debug for Migrator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Migrator").field("keyspace", &self.options.keyspace).finish_non_exhaustive()
    }
}
