//! Reads one partition.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use chasqui_domain::Offset;
use chasqui_log::{Bounds, Error, Header, Reader, Record, Topic, TopicPartition};
use chasqui_runtime::Task;
use futures::FutureExt;
use rdkafka::{
    error::{KafkaError, RDKafkaErrorCode},
    message::{BorrowedMessage, Headers, Message},
};

use crate::{
    Shared,
    error::unavailable,
    framing::{Ids, UnknownId},
    names,
    producer::time_of,
    readers::{Feed, Queue},
};

/// The most records that one read gives, so that records without a byte are bounded too.
const READ_RECORDS_MAX: usize = 4096;

/// How often the end of a partition is looked at by a reader that waits beyond it.
const LOOK_EVERY: Duration = Duration::from_millis(50);

pub(crate) struct KafkaReader {
    shared: Arc<Shared>,
    at: TopicPartition,
    next: Offset,
    state: State,
    /// A record whose schema was not known, and the id of that.
    unknown: Option<Unknown>,
    /// The record that came in place of which other one.
    misled: Option<(Offset, Offset)>,
    /// What was fetched and didn't fit the read before.
    left: VecDeque<Record>,
}

#[derive(Clone, Copy)]
struct Unknown {
    id: u32,
    offset: Offset,
}

enum State {
    /// Before the first read, and when the next offset may be gone.
    Closed,
    /// Kept over reads that are dropped, or who reads for a moment at a time would never come to the end of it.
    Opening(Task<Result<Feed, Error>>),
    Open(Feed),
}

impl KafkaReader {
    pub(crate) fn new(shared: Arc<Shared>, at: TopicPartition, from: Offset) -> Self {
        Self { shared, at, next: from, state: State::Closed, unknown: None, misled: None, left: VecDeque::new() }
    }

    /// Begins to fetch at the next offset, once it is there. Cancel safe.
    async fn open(&mut self) -> Result<(), Error> {
        if matches!(self.state, State::Closed) {
            let opening = open(self.shared.clone(), self.at.clone(), self.next, self.unknown);
            self.state = State::Opening(self.shared.runtime.spawn("opening a reader", opening));
        }
        let State::Opening(opening) = &mut self.state else { return Ok(()) };
        match opening.join().await.unwrap_or(Err(Error::Closed)) {
            Ok(feed) => {
                (self.state, self.unknown) = (State::Open(feed), None);
                Ok(())
            }
            Err(error) => {
                self.state = State::Closed;
                if let Error::Trimmed { start } = error {
                    self.next = start;
                }
                Err(error)
            }
        }
    }

    /// Waits for records and takes what is there; none when it has to begin anew. Cancel safe.
    async fn fetch(&mut self, bytes_max: usize) -> Result<(), Error> {
        let State::Open(feed) = &self.state else { return Ok(()) };
        // Only compaction makes holes. Anything else would be a record that is lost on the way.
        let may_have_holes = self.at.topic == Topic::Presence;
        let ids = self.shared.schemas.current();
        let ended = fetch(feed.queue(), self.next, &ids, may_have_holes, bytes_max, &mut self.left).await;
        let Err(ended) = ended else { return Ok(()) };
        self.state = State::Closed;
        match ended {
            Ended::Misled { expected, got } if self.misled == Some((expected, got)) => {
                Err(Error::Corrupt { why: format!("{} has no record {expected}: {got} comes next", self.at) })
            }
            Ended::Misled { expected, got } => {
                tracing::warn!(at = %self.at, %expected, %got, "a record came out of turn: read again");
                self.misled = Some((expected, got));
                Ok(())
            }
            // Found out when it begins anew.
            Ended::OutOfRange => Ok(()),
            // Learned before it begins anew, behind what was taken.
            Ended::Unknown(unknown) => {
                self.unknown = Some(unknown);
                Ok(())
            }
            // What was taken comes first; an error that stays will be there again.
            Ended::Failed(_) if !self.left.is_empty() => Ok(()),
            Ended::Failed(error) => Err(error),
        }
    }

    fn take(&mut self, bytes_max: usize) -> Vec<Record> {
        let mut bytes = 0;
        let fit = self.left.iter().take_while(|record| {
            bytes += record.bytes();
            bytes <= bytes_max
        });
        let count = fit.count().max(1).min(self.left.len());
        let records: Vec<Record> = self.left.drain(..count).collect();
        if let Some(last) = records.last() {
            self.next = last.offset.next();
        }
        records
    }
}

/// Begins to fetch at an offset, once it is there.
async fn open(shared: Arc<Shared>, at: TopicPartition, from: Offset, unknown: Option<Unknown>) -> Result<Feed, Error> {
    loop {
        let Bounds { start, end } = shared.bounds(&at).await?;
        if from < start {
            return Err(Error::Trimmed { start });
        }
        if from <= end {
            break;
        }
        shared.runtime.sleep(LOOK_EVERY).await;
    }
    // Behind the bounds: a record that is gone needn't be understood.
    if let Some(Unknown { id, offset }) = unknown {
        shared.schemas.learn(id, &at, offset).await?;
    }
    shared.readers.open(shared.names.of(&at.topic), names::number(at.partition), from).await
}

/// Why a feed is of no use any more.
enum Ended {
    OutOfRange,
    Misled { expected: Offset, got: Offset },
    Unknown(Unknown),
    Failed(Error),
}

impl From<KafkaError> for Ended {
    fn from(error: KafkaError) -> Self {
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange) => Self::OutOfRange,
            _ => Self::Failed(unavailable(&error)),
        }
    }
}

/// Waits for a record, and takes those that are there behind it: nothing is awaited once something was taken.
async fn fetch(
    queue: &Queue,
    mut next: Offset,
    ids: &Ids,
    may_have_holes: bool,
    bytes_max: usize,
    to: &mut VecDeque<Record>,
) -> Result<(), Ended> {
    let (mut received, mut bytes) = (Some(queue.recv().await), 0);
    while let Some(message) = received {
        let record = read(&message?, ids)?;
        if record.offset < next || (record.offset > next && !may_have_holes) {
            return Err(Ended::Misled { expected: next, got: record.offset });
        }
        next = record.offset.next();
        bytes += record.bytes();
        to.push_back(record);
        if to.len() >= READ_RECORDS_MAX || bytes >= bytes_max {
            break;
        }
        received = queue.recv().now_or_never();
    }
    Ok(())
}

fn read(message: &BorrowedMessage<'_>, ids: &Ids) -> Result<Record, Ended> {
    let bytes = |part: Option<&[u8]>| part.map(Bytes::copy_from_slice).unwrap_or_default();
    let headers = message.headers().map(|headers| {
        let header = |header: rdkafka::message::Header<'_, &[u8]>| Header {
            name: header.key.to_owned().into(),
            value: bytes(header.value),
        };
        headers.iter().map(header).collect()
    });
    let offset = names::offset(message.offset()).map_err(Ended::Failed)?;
    let unknown = |UnknownId(id)| Ended::Unknown(Unknown { id, offset });
    Ok(Record {
        offset,
        time: time_of(message.timestamp()),
        key: bytes(message.key()),
        value: ids.incoming(message.payload().unwrap_or_default()).map_err(unknown)?,
        headers: headers.unwrap_or_default(),
    })
}

#[async_trait]
impl Reader for KafkaReader {
    async fn next(&mut self, bytes_max: usize) -> Result<Vec<Record>, Error> {
        while self.left.is_empty() {
            self.open().await?;
            self.fetch(bytes_max).await?;
        }
        Ok(self.take(bytes_max))
    }
}
