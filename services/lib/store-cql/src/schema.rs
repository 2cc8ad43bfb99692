//! The tables: what they have to be, and bringing them there.
//!
//! Migrations are files of statements, numbered and done in order, each of which does nothing the second time; one is recorded
//! when all of its statements are done. So one that was interrupted is simply done again. Nothing but a [`Migrator`] changes
//! tables, and one at a time: two that make the same table at once can leave the nodes of Cassandra with two of that name. A
//! store that opens only looks.

mod keyspace;
mod migrations;
mod migrator;
mod records;

pub use migrator::{Migrator, Plan, Step};
pub(crate) use records::check;

/// Why the tables are not as they have to be, or can't be brought there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There are none yet, or not all.
    #[error("the tables in the keyspace {keyspace} are not there or not up to date: run `chasqui schema migrate`")]
    Outdated {
        /// The keyspace.
        keyspace: String,
    },
    /// A later build was here.
    #[error(
        "the tables in the keyspace {keyspace} are those of migration {found}, and this build knows {known}: upgrade this \
         process"
    )]
    Newer {
        /// The keyspace.
        keyspace: String,
        /// The highest migration that is recorded.
        found: i32,
        /// The highest that this build has.
        known: i32,
    },
    /// A migration was another one when it was done.
    #[error(
        "migration {name} was done with other statements than those of this build: use the build that did it, or a later"
    )]
    Changed {
        /// The migration.
        name: String,
    },
    /// The keyspace promises something else.
    #[error(
        "the keyspace {keyspace} has {found}, and has to have {wanted}: change it with ALTER KEYSPACE and repair it, or set \
         the options to what it has"
    )]
    Keyspace {
        /// The keyspace.
        keyspace: String,
        /// What it is.
        found: String,
        /// What it has to be.
        wanted: String,
    },
    /// The servers didn't do it, or didn't answer.
    #[error("the schema can't be read or changed: {why}")]
    Failed {
        /// What happened.
        why: String,
    },
}

impl Error {
    /// Whether it can succeed later, with nothing changed here.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Outdated { .. } | Self::Failed { .. })
    }
}
