//! The migrations of this build.

use sha2::{Digest, Sha256};

/// A file of `schemas/cql`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Migration {
    pub(crate) number: i32,
    pub(crate) name: &'static str,
    text: &'static str,
}

macro_rules! migrations {
    ($($number:literal $name:literal,)*) => {
        /// All of them, in order.
        pub(crate) const MIGRATIONS: &[Migration] = &[$(Migration {
            number: $number,
            name: $name,
            text: include_str!(concat!("../../../../../schemas/cql/", $name, ".cql")),
        },)*];
    };
}

migrations! {
    1 "0001_rows",
}

/// The table in which they are recorded, which is made before the first of them.
pub(crate) const RECORDS: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (
    number int PRIMARY KEY,
    name text,
    checksum text,
    applied_at timestamp
)";

/// What every statement that makes a table begins with.
const CREATE_TABLE: &str = "CREATE TABLE IF NOT EXISTS ";

impl Migration {
    /// Its statements, without comments.
    pub(crate) fn statements(&self) -> Vec<String> {
        let lines = self.text.lines().filter(|line| !line.trim_start().starts_with("--"));
        let text = lines.collect::<Vec<_>>().join("\n");
        text.split(';').map(|statement| statement.trim().to_owned()).filter(|it| !it.is_empty()).collect()
    }

    /// Of its statements alone, so that a comment may be mended.
    pub(crate) fn checksum(&self) -> String {
        let digest = Sha256::digest(self.statements().join(";\n"));
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The statement with its table in a keyspace.
pub(crate) fn qualified(statement: &str, keyspace: &str) -> String {
    statement.replacen(CREATE_TABLE, &format!("{CREATE_TABLE}{keyspace}."), 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_up_by_one_and_names_begin_with_them() {
        for (migration, number) in MIGRATIONS.iter().zip(1..) {
            assert_eq!(migration.number, number);
            assert!(migration.name.starts_with(&format!("{number:04}_")));
        }
    }

    /// Or an interrupted migration could not be done again, or would be done in no keyspace.
    #[test]
    fn every_statement_does_nothing_the_second_time() {
        for migration in MIGRATIONS {
            for statement in migration.statements() {
                assert!(statement.starts_with(CREATE_TABLE), "{statement}");
                assert!(qualified(&statement, "ks").starts_with(&format!("{CREATE_TABLE}ks.")));
            }
        }
        assert!(qualified(RECORDS, "ks").contains(" ks.schema_migrations "));
    }

    /// What ScyllaDB or Cassandra doesn't know, or shouldn't be used on either.
    #[test]
    fn only_what_both_servers_speak_is_used() {
        for migration in MIGRATIONS {
            let text = migration.statements().join(";").to_ascii_lowercase();
            for absent in
                ["counter", "materialized", "index", "unifiedcompaction", "incremental", "tablets", "default_time"]
            {
                assert!(!text.contains(absent), "{} uses {absent}", migration.name);
            }
        }
    }

    /// A migration that was released never changes. A new one gets a line of its own here.
    #[test]
    fn what_was_released_never_changes() {
        let checksums: Vec<_> = MIGRATIONS.iter().map(|migration| (migration.name, migration.checksum())).collect();
        assert_eq!(
            checksums,
            [("0001_rows", "8ed4fe3ced1ccd4e72d633f5440604b68bfc9df1fc43e9a9ff06989aa3e45a3d".to_owned())]
        );
    }

    #[test]
    fn comments_are_no_part_of_a_statement() {
        let migration = Migration { number: 1, name: "x", text: "-- a; b\none\n  two;\n\n  -- c\nthree;\n" };
        assert_eq!(migration.statements(), ["one\n  two", "three"]);
        assert_eq!(migration.checksum(), Migration { text: "one\n  two;three", ..migration }.checksum());
    }
}
