//! Events: written in the order of their versions, chat by chat, and read by range.

use std::{collections::BTreeMap, ops::Range, time::Instant};

use bytes::Bytes;
use chasqui_domain::{ChatId, LogId, Offset, Version};
use chasqui_store::{ChatLog, ChatUpdate, Error, EventQuery, EventRow, LogPartition, READ_ROWS_MAX, Stream};
use futures::future::try_join_all;
use scylla::value::MaybeUnset;

use crate::{
    CqlStore,
    buckets::{self, Bucketed, Order, Span},
    cluster::Sized,
    codec,
    limits::{BUCKETS_LISTED_MAX, EVENTS_OF_BUCKET},
    numbers::{bigint, ends, limit, number},
};

/// The bucket of a stream of a chat. What was done to one message lies in one of its own.
pub(crate) type EventBucket = (ChatId, Stream, i64);

/// What one call writes of one chat.
#[derive(Default)]
struct Writes {
    rows: Vec<EventRow>,
    updates: Vec<ChatUpdate>,
}

impl CqlStore {
    /// Rows of a chat go before what is shown of it, and each before the next version; chats go beside each other.
    pub(crate) async fn put_events(
        &self,
        of: LogPartition,
        rows: Vec<EventRow>,
        updates: Vec<ChatUpdate>,
    ) -> Result<(), Error> {
        if !rows.is_empty() {
            self.mark(of).await?;
        }
        let mut chats: BTreeMap<ChatId, Writes> = BTreeMap::new();
        for row in rows {
            chats.entry(row.chat).or_default().rows.push(row);
        }
        for update in updates {
            chats.entry(update.chat).or_default().updates.push(update);
        }
        self.cluster.all(chats.into_values().map(|writes| self.put_chat(writes))).await?;
        Ok(())
    }

    async fn put_chat(&self, Writes { mut rows, mut updates }: Writes) -> Result<(), Error> {
        rows.sort_by_key(|row| row.version);
        self.list_buckets(&rows).await?;
        for together in rows.chunk_by(|one, next| bucket_of(one) == bucket_of(next)) {
            let rows = together.iter().map(sized).collect::<Result<Vec<_>, _>>()?;
            self.cluster.write_in_order(&self.statements.put_event, rows).await?;
        }
        updates.sort_by_key(|update| update.version);
        for update in updates {
            self.put_update(update).await?;
        }
        Ok(())
    }

    /// Before the first row of each, or nobody who reads a wide range would find it. What was done to one message is
    /// read where it lies, whatever the range.
    async fn list_buckets(&self, rows: &[EventRow]) -> Result<(), Error> {
        let listed = rows.iter().filter(|row| !matches!(row.stream, Stream::About(_)));
        let mut missing: Vec<_> = listed.map(bucket_of).filter(|at| !self.event_buckets.has(at)).collect();
        missing.sort_unstable();
        missing.dedup();
        let since = Instant::now();
        let list = async |at: EventBucket| {
            let values = (at.0.as_bytes(), column(at.1), at.2);
            self.cluster.write(&self.statements.list_event_bucket, values).await?;
            self.event_buckets.put(at, since);
            Ok(())
        };
        self.cluster.all(missing.into_iter().map(list)).await?;
        Ok(())
    }

    pub(crate) async fn read_events(&self, query: &EventQuery) -> Result<Vec<EventRow>, Error> {
        let order = if query.descending { Order::Down } else { Order::Up };
        self.events_of(query.chat, query.stream, query.versions.clone(), order, query.rows_max.min(READ_ROWS_MAX)).await
    }

    /// The newest snapshot of a chat and all rows above it. Those of a stream are an ascending run.
    pub(crate) async fn load_chat(&self, chat: ChatId, log: LogId, before: Offset) -> Result<ChatLog, Error> {
        let snapshot = self.snapshot(chat).await?;
        let above = snapshot.as_ref().map_or(0, |snapshot| snapshot.version.0.saturating_add(1));
        let versions = Version(above)..Version(u64::MAX);
        let stream = |stream| self.events_of(chat, stream, versions.clone(), Order::Up, usize::MAX);
        let runs = try_join_all(Stream::ALL.map(stream)).await?;
        let mut rows: Vec<_> = runs.into_iter().flatten().collect();
        rows.retain(|row| row.source.is_before(log, before));
        rows.sort_by_key(|row| row.version);
        Ok(ChatLog { snapshot, rows })
    }

    async fn events_of(
        &self,
        chat: ChatId,
        stream: Stream,
        versions: Range<Version>,
        order: Order,
        rows_max: usize,
    ) -> Result<Vec<EventRow>, Error> {
        let Some((first, last)) = ends(&(versions.start.0..versions.end.0)) else { return Ok(Vec::new()) };
        let (events, span) = (Events { store: self, chat, stream, first, last, order }, (first, last));
        if let Stream::About(_) = stream {
            let (_, _, bucket) = bucket_at(chat, stream, versions.start);
            return if rows_max == 0 { Ok(Vec::new()) } else { events.read(bucket, rows_max).await };
        }
        buckets::read(&events, Span::of(span, EVENTS_OF_BUCKET), order, rows_max).await
    }
}

/// Those of a range of a stream.
struct Events<'a> {
    store: &'a CqlStore,
    chat: ChatId,
    stream: Stream,
    first: i64,
    last: i64,
    order: Order,
}

impl Bucketed for Events<'_> {
    type Row = EventRow;

    async fn list(&self, span: Span) -> Result<Vec<i64>, Error> {
        let statement = match self.order {
            Order::Up => &self.store.statements.event_buckets_up,
            Order::Down => &self.store.statements.event_buckets_down,
        };
        let values = (self.chat.as_bytes(), column(self.stream), span.first, span.last, limit(BUCKETS_LISTED_MAX));
        let rows: Vec<(i64,)> = self.store.cluster.rows("event_buckets", statement, values).await?;
        Ok(rows.into_iter().map(|(bucket,)| bucket).collect())
    }

    async fn read(&self, bucket: i64, rows_max: usize) -> Result<Vec<EventRow>, Error> {
        let statement = match self.order {
            Order::Up => &self.store.statements.events_up,
            Order::Down => &self.store.statements.events_down,
        };
        let values = (self.chat.as_bytes(), column(self.stream), bucket, self.first, self.last, limit(rows_max));
        let rows: Vec<Columns> = self.store.cluster.rows("events", statement, values).await?;
        let row = |(version, source, envelope, body): Columns| {
            Ok(EventRow {
                chat: self.chat,
                stream: self.stream,
                version: Version(number(version)?),
                source: codec::read_source(&source)?,
                envelope: envelope.into(),
                body: body.map(Bytes::from),
            })
        };
        rows.into_iter().map(row).collect()
    }
}

/// What is read of an event: version, source, envelope, body.
type Columns = (i64, Vec<u8>, Vec<u8>, Option<Vec<u8>>);

fn bucket_of(row: &EventRow) -> EventBucket {
    bucket_at(row.chat, row.stream, row.version)
}

/// Where a row lies. The number of a message is only a name there, so its bits will do.
pub(crate) fn bucket_at(chat: ChatId, stream: Stream, version: Version) -> EventBucket {
    let bucket = match stream {
        Stream::About(seq) => seq.0.cast_signed(),
        _ => buckets::bucket(version.0, EVENTS_OF_BUCKET),
    };
    (chat, stream, bucket)
}

/// What is written of an event, and its timestamp. A body that is none is left out: writing none would leave a tombstone.
type Values<'a> = (&'a [u8], i8, i64, i64, [u8; 32], &'a [u8], MaybeUnset<&'a [u8]>, i64);

fn sized(row: &EventRow) -> Result<Sized<Values<'_>>, Error> {
    let (version, (_, stream, bucket)) = (bigint(row.version.0)?, bucket_of(row));
    let body = row.body.as_deref();
    Ok(Sized {
        bytes: row.envelope.len() + body.map_or(0, <[u8]>::len),
        values: (
            row.chat.as_bytes(),
            column(stream),
            bucket,
            version,
            codec::source(&row.source),
            &row.envelope,
            body.map_or(MaybeUnset::Unset, MaybeUnset::Set),
            version,
        ),
    })
}

/// The stream as a column.
pub(crate) fn column(stream: Stream) -> i8 {
    match stream {
        Stream::Content => 0,
        Stream::Receipts => 1,
        Stream::Changes => 2,
        Stream::Actions => 3,
        Stream::About(_) => 4,
    }
}
