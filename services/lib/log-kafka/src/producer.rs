//! The one producer of a process: idempotent, bounded in bytes, and made anew when the library says that it is done for.

use std::sync::Arc;

use chasqui_domain::TimeMs;
use chasqui_log::{Append, Appended, Error, Pending};
use futures::FutureExt;
use parking_lot::{Mutex, RwLock};
use rdkafka::{
    ClientConfig, ClientContext,
    config::{FromClientConfigAndContext, RDKafkaLogLevel},
    error::{KafkaError, RDKafkaErrorCode},
    message::{Header, Message, OwnedHeaders, Timestamp},
    producer::{BaseRecord, DeliveryResult, Producer as _, ProducerContext, ThreadedProducer},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::{Options, SettingsError, context::Context, error::unavailable, framing::Ids, names, names::Names};

/// What is counted in the queue: parts of so many bytes.
const PART_BYTES: usize = 1024;

/// What a record costs in the queue beside its bytes.
const RECORD_OVERHEAD_BYTES: usize = 256;

type Inner = ThreadedProducer<Deliveries>;

pub(crate) struct Producer {
    config: ClientConfig,
    current: RwLock<Arc<Inner>>,
    /// Whoever holds it puts a batch in the library's queue, so that batches don't mix.
    turn: Mutex<()>,
    room: Arc<Semaphore>,
    parts: u32,
}

impl Producer {
    pub(crate) fn new(options: &Options) -> Result<Self, SettingsError> {
        let config = options.producer()?;
        let parts = u32::try_from(options.queue_bytes_max / PART_BYTES).unwrap_or(u32::MAX >> 3).max(1);
        let current = RwLock::new(Arc::new(make(&config)?));
        Ok(Self { config, current, turn: Mutex::new(()), room: Arc::new(Semaphore::new(parts as usize)), parts })
    }

    pub(crate) fn current(&self) -> Arc<Inner> {
        self.current.read().clone()
    }

    /// Puts a batch in the queue. Dropped before it resolves, it has put nothing there.
    pub(crate) async fn enqueue(&self, names: &Names, ids: &Ids, batch: Vec<Append>) -> Result<Pending, Error> {
        if batch.is_empty() {
            return Ok(std::future::ready(Ok(Vec::new())).boxed());
        }
        let bytes: usize = batch.iter().map(|append| append.bytes() + RECORD_OVERHEAD_BYTES).sum();
        // One that is larger than the whole queue waits until it has it for itself.
        let parts = u32::try_from(bytes.div_ceil(PART_BYTES)).unwrap_or(u32::MAX).min(self.parts);
        let room = self.room.clone().acquire_many_owned(parts).await.map_err(|_| Error::Closed)?;
        let (tell, told) = oneshot::channel();
        let expected = Arc::new(Expected::new(batch.len(), tell, room));
        let mut scratch = Vec::new();
        let turn = self.turn.lock();
        let producer = self.healthy()?;
        let mut refused = None;
        for (index, append) in batch.iter().enumerate() {
            let place = Box::new(Place { expected: expected.clone(), index });
            // Behind a record that isn't taken none is: whoever repeats the batch would find its end before its beginning.
            match &refused {
                Some(error) => place.answer(Err(failed(error))),
                None => {
                    let value = ids.outgoing(&append.value, &mut scratch);
                    refused = send(&producer, names, append, value, place).err();
                }
            }
        }
        drop(turn);
        Ok(async move { told.await.unwrap_or(Err(Error::Closed)) }.boxed())
    }

    /// The producer, or a new one when it can't write any more: what it had is answered as failed, in order.
    fn healthy(&self) -> Result<Arc<Inner>, Error> {
        let producer = self.current();
        let Some((code, why)) = producer.client().fatal_error() else { return Ok(producer) };
        tracing::warn!(%code, why, "the producer is done for, and made anew");
        let anew = Arc::new(make(&self.config).map_err(|error| Error::Unavailable { why: error.to_string() })?);
        let former = std::mem::replace(&mut *self.current.write(), anew.clone());
        // Its end waits for its last answers.
        drop(producer);
        drop(tokio::task::spawn_blocking(move || drop(former)));
        Ok(anew)
    }
}

fn make(config: &ClientConfig) -> Result<Inner, SettingsError> {
    Ok(ThreadedProducer::from_config_and_context(config, Deliveries(Context::default()))?)
}

/// Puts a record in the queue, with its value as it stands on Kafka. The library copies it. When it isn't taken, its place
/// is answered all the same.
fn send(producer: &Inner, names: &Names, append: &Append, value: &[u8], place: Box<Place>) -> Result<(), KafkaError> {
    let topic = names.of(&append.to.topic);
    let mut record = BaseRecord::with_opaque_to(&topic, place)
        .partition(names::number(append.to.partition))
        .key(append.key.as_ref());
    // Without a value the record is a tombstone.
    if !value.is_empty() {
        record = record.payload(value);
    }
    if !append.headers.is_empty() {
        let headers =
            append.headers.iter().fold(OwnedHeaders::new_with_capacity(append.headers.len()), |all, header| {
                all.insert(Header { key: &header.name, value: Some(header.value.as_ref()) })
            });
        record = record.headers(headers);
    }
    producer.send(record).map_err(|(error, record)| {
        record.delivery_opaque.answer(Err(failed(&error)));
        error
    })
}

/// What is left of a batch until all of its records are written.
struct Expected {
    state: Mutex<State>,
    /// Given back behind the last record, whoever waits.
    _room: OwnedSemaphorePermit,
}

struct State {
    answers: Vec<Option<Appended>>,
    left: usize,
    failure: Option<Error>,
    tell: Option<oneshot::Sender<Result<Vec<Appended>, Error>>>,
}

impl Expected {
    fn new(records: usize, tell: oneshot::Sender<Result<Vec<Appended>, Error>>, room: OwnedSemaphorePermit) -> Self {
        let state = State { answers: vec![None; records], left: records, failure: None, tell: Some(tell) };
        Self { state: Mutex::new(state), _room: room }
    }
}

/// Whose answer is awaited.
pub(crate) struct Place {
    expected: Arc<Expected>,
    index: usize,
}

impl Place {
    fn answer(&self, answer: Result<Appended, Error>) {
        let mut state = self.expected.state.lock();
        match answer {
            Ok(appended) => state.answers[self.index] = Some(appended),
            Err(error) => drop(state.failure.get_or_insert(error)),
        }
        state.left = state.left.saturating_sub(1);
        if state.left > 0 {
            return;
        }
        let answers: Option<Vec<Appended>> = std::mem::take(&mut state.answers).into_iter().collect();
        let answer = match (state.failure.take(), answers) {
            (None, Some(answers)) => Ok(answers),
            (failure, _) => Err(failure.unwrap_or(Error::Closed)),
        };
        if let Some(tell) = state.tell.take() {
            // Who dropped the answer doesn't want it.
            let _ = tell.send(answer);
        }
    }
}

/// Hears of every record, on the producer's own thread.
pub(crate) struct Deliveries(Context);

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.0.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.0.error(error, reason);
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = Box<Place>;

    fn delivery(&self, delivered: &DeliveryResult<'_>, place: Box<Place>) {
        place.answer(match delivered {
            Ok(message) => appended(message.offset(), message.timestamp()),
            Err((error, _)) => Err(failed(error)),
        });
    }
}

fn appended(offset: i64, time: Timestamp) -> Result<Appended, Error> {
    Ok(Appended { offset: names::offset(offset)?, time: time_of(time) })
}

/// The broker's time; the topics are made so that it stamps.
pub(crate) fn time_of(time: Timestamp) -> TimeMs {
    TimeMs(time.to_millis().and_then(|ms| u64::try_from(ms).ok()).unwrap_or_default())
}

fn failed(error: &KafkaError) -> Error {
    match error.rdkafka_error_code() {
        // Only when the topics allow less than they were made for: the log itself has checked the size.
        Some(RDKafkaErrorCode::MessageSizeTooLarge) => Error::Unavailable {
            why: "the broker takes no record as large as this: raise max.message.bytes".to_owned(),
        },
        _ => unavailable(error),
    }
}
