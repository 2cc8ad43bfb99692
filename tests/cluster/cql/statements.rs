//! What is sent, held against lists: which rows are fenced, and which are written on a condition. Reads no server.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use chasqui_cluster_tests::infra::root;
use chasqui_store_cql::STATEMENTS;

/// Rows that have one fenced writer. Elsewhere a timestamp of ours would be a mistake: it lies far below every clock, so it
/// would lose against all that doesn't carry one.
const FENCED: [&str; 13] = [
    "erase_body",
    "put_chat_of",
    "put_checkpoint",
    "put_device",
    "put_event",
    "put_member",
    "put_message",
    "put_offset",
    "put_snapshot",
    "put_summary",
    "remove_chat_of",
    "remove_device",
    "remove_member",
];

/// Tables whose rows are fenced: all that is written there is, but for what removes checkpoints of former terms.
const FENCED_TABLES: [&str; 8] =
    ["chats_of", "checkpoints", "devices", "events", "members", "messages", "offsets", "snapshots"];

fn named(is: impl Fn(&str) -> bool) -> BTreeSet<&'static str> {
    STATEMENTS.iter().filter(|(_, cql)| is(cql)).map(|&(name, _)| name).collect()
}

/// The table that a statement writes to; none when it only reads.
fn written(cql: &str) -> Option<&str> {
    let begins = ["INSERT INTO {}.", "DELETE FROM {}.", "DELETE body FROM {}."];
    let rest = begins.iter().find_map(|begins| cql.strip_prefix(begins))?;
    rest.split(|c: char| c != '_' && !c.is_ascii_alphanumeric()).next()
}

#[test]
fn exactly_the_rows_with_one_fenced_writer_carry_timestamps() {
    assert_eq!(named(|cql| cql.contains("USING TIMESTAMP")), BTreeSet::from(FENCED));
    for (name, cql) in STATEMENTS.iter().filter(|(name, _)| *name != "remove_checkpoints") {
        let is_fenced_table = written(cql).is_some_and(|table| FENCED_TABLES.contains(&table));
        assert_eq!(is_fenced_table, FENCED.contains(name), "{name}");
    }
}

#[test]
fn only_data_keys_are_written_on_a_condition_and_never_otherwise() {
    let is_conditional = |cql: &str| cql.split_whitespace().any(|word| word == "IF");
    assert_eq!(named(is_conditional), named(|cql| written(cql) == Some("data_keys")));
    assert_eq!(named(is_conditional), BTreeSet::from(["create_key"]));
}

#[test]
fn nothing_is_asked_that_reads_more_than_it_gives() {
    for (name, cql) in STATEMENTS {
        assert!(!cql.contains("ALLOW FILTERING") && !cql.contains("COUNT("), "{name}");
        assert!(
            cql.split_whitespace().any(|word| word == "WHERE") || cql.starts_with("INSERT") || *name == "any_key",
            "{name}"
        );
    }
}

#[test]
fn only_inbox_rows_and_the_list_of_their_buckets_go_by_themselves() {
    assert_eq!(named(|cql| cql.contains("USING TTL")), BTreeSet::from(["list_inbox_bucket", "put_entry"]));
}

/// Or the lists above would not be of all that is sent.
#[test]
fn statements_stand_in_one_file() {
    let (source, mut others) = (root().join("services/lib/store-cql/src"), Vec::new());
    for file in files(&source) {
        if file.ends_with("statements.rs") || file.starts_with(source.join("schema")) {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        let is_sent = |line: &str| {
            let code = line.split("//").next().unwrap_or_default();
            [
                "INSERT INTO",
                "UPDATE ",
                "DELETE FROM",
                "SELECT ",
                "USING TIMESTAMP",
                "BatchType::Logged",
                "set_timestamp",
            ]
            .iter()
            .any(|word| code.contains(word))
        };
        others.extend(text.lines().filter(|line| is_sent(line)).map(|line| format!("{}: {line}", file.display())));
    }
    assert!(others.is_empty(), "{others:#?}");
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
