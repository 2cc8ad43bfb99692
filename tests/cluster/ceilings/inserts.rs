//! Prepared inserts into the table of events.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use chasqui_store_cql::STATEMENTS;
use futures::{TryStreamExt, future::try_join_all};
use scylla::{
    client::{execution_profile::ExecutionProfile, session::Session, session_builder::SessionBuilder},
    statement::{Consistency, prepared::PreparedStatement},
};
use serde_json::{Value, json};

use crate::times::Times;

/// What doesn't count yet: connections are made, and Java compiles.
const WARM_UP: Duration = Duration::from_secs(2);

/// How many rows tell how large rows are.
const LOOKED_AT: usize = 1_000;

/// As in the store: how many versions have a partition.
const OF_BUCKET: i64 = 1_024;

/// The bytes of a row's parts.
#[derive(Debug, Clone, Copy)]
struct Size {
    source: usize,
    envelope: usize,
    body: usize,
}

/// Does it for a while, with so many at a time.
pub(crate) async fn run(
    contact_points: &str,
    keyspace: &str,
    concurrency: usize,
    time: Duration,
) -> anyhow::Result<Value> {
    ensure!(concurrency > 0, "at least one statement is under way");
    let profile = ExecutionProfile::builder().consistency(Consistency::LocalQuorum).build();
    let connecting = SessionBuilder::new()
        .known_nodes(contact_points.split(','))
        .keyspaces_to_fetch([keyspace])
        .default_execution_profile_handle(profile.into_handle());
    let session = Arc::new(connecting.build().await.context("the servers of CQL don't answer")?);
    let size = size(&session, keyspace).await?;
    let (_, cql) = STATEMENTS.iter().find(|(name, _)| *name == "put_event").context("no statement put_event")?;
    let mut statement = session.prepare(cql.replacen("{}", keyspace, 1)).await?;
    statement.set_is_idempotent(true);

    let begin = Instant::now() + WARM_UP;
    let writers = (0..concurrency).map(|writer| {
        let (session, statement) = (session.clone(), statement.clone());
        let chat = format!("ceiling {:08}{writer:08}", std::process::id()).into_bytes();
        tokio::spawn(write(session, statement, chat, size, begin, begin + time))
    });
    let mut took = Times::default();
    for times in try_join_all(writers).await? {
        took.join(times?);
    }
    let Size { source, envelope, body } = size;
    Ok(json!({
        "concurrency": concurrency,
        "row_bytes": source + envelope + body,
        "per_second": took.count() as f64 / time.as_secs_f64(),
        "took": took.summary(),
    }))
}

/// How large the rows of messages are on average that are there.
async fn size(session: &Session, keyspace: &str) -> anyhow::Result<Size> {
    type Row = (Vec<u8>, Vec<u8>, Option<Vec<u8>>);
    let cql = format!("SELECT source, envelope, body FROM {keyspace}.events LIMIT {}", LOOKED_AT * 4);
    let rows = session.query_iter(cql, &[]).await?.rows_stream::<Row>()?;
    let rows: Vec<Row> = rows.try_collect().await?;
    let rows: Vec<Row> = rows.into_iter().filter(|(_, _, body)| body.is_some()).take(LOOKED_AT).collect();
    ensure!(!rows.is_empty(), "there is no event in {keyspace}: let somebody write first");
    let average = |bytes: fn(&Row) -> usize| rows.iter().map(bytes).sum::<usize>() / rows.len();
    Ok(Size {
        source: average(|(source, ..)| source.len()),
        envelope: average(|(_, envelope, _)| envelope.len()),
        body: average(|(.., body)| body.as_ref().map_or(0, Vec::len)),
    })
}

/// One after the other.
async fn write(
    session: Arc<Session>,
    statement: PreparedStatement,
    chat: Vec<u8>,
    size: Size,
    begin: Instant,
    end: Instant,
) -> anyhow::Result<Times> {
    let [source, envelope, body] = [size.source, size.envelope, size.body].map(|bytes| vec![b'x'; bytes]);
    let mut times = Times::default();
    for version in 1_i64.. {
        let since = Instant::now();
        if since >= end {
            break;
        }
        let row = (&chat, 0_i8, version / OF_BUCKET, version, &source, &envelope, &body, version);
        session.execute_unpaged(&statement, row).await?;
        if since >= begin && Instant::now() < end {
            times.note(since.elapsed());
        }
    }
    Ok(times)
}
