//! The log on Apache Kafka.
//!
//! * **Durability** is what the topics promise: a confirmed record is on all replicas in sync, of which there are at least
//!   `min.insync.replicas`. Readers see what all of those have.
//! * **Order** holds among the batches of this process: one idempotent producer writes them all, in the order in which they
//!   were enqueued, and it never gives up on a record. Batches of other processes may come in between.
//! * **Places.** Topics are named `<prefix>.<topic>` and were made by `topics apply`, which also recorded the log id and the
//!   partition counts in `<prefix>.life`. A process whose topics are not as recorded doesn't start, and nothing is
//!   created here.
//! * **Schemas.** A record that is given in Avro's single-object encoding is written as Confluent's wire format wants it once its
//!   schema has an id, which `schemas register` records in `<prefix>.life` too; until then, and where there is no registry,
//!   it stays as it is. Both are read. A record of an id that isn't recorded is an error and not passed over. Values that are no
//!   records pass as they are, unless they begin as Confluent's do.
//! * **Empty values** are written as tombstones, so that compaction removes their keys, and read as empty values.

mod context;
mod error;
mod framing;
mod heartbeats;
mod life;
mod membership;
mod names;
mod producer;
mod reader;
mod readers;
mod recorded;
mod release;
pub mod schemas;
mod settings;
pub mod topics;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use async_trait::async_trait;
use chasqui_domain::{GatewayId, LogId, Offset};
use chasqui_log::{Append, Bounds, Error, Log, Partitions, Pending, Reader, Topic, TopicPartition};
use chasqui_runtime::Runtime;
use parking_lot::RwLock;
use rdkafka::{
    config::FromClientConfigAndContext,
    consumer::{BaseConsumer, Consumer},
    producer::Producer as _,
};

pub use error::OpenError;
pub use framing::Fingerprint;
pub use life::Life;
pub use membership::{Change, Membership, Released};
pub use schemas::Registered;
pub use settings::{GroupProtocol, Options, SettingsError};

use context::Context;
use heartbeats::Heartbeats;
use names::Names;
use producer::Producer;
use reader::KafkaReader;
use readers::Readers;
use release::Releases;
use schemas::Schemas;

/// How long the leader of a partition may take to answer before it is asked who that is now.
const LEADER_PATIENCE: Duration = Duration::from_secs(2);

/// How long a question to the brokers may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long it is listened for the reason when one fails.
const REASON_PATIENCE: Duration = Duration::from_millis(100);

/// The topics of one life.
pub struct KafkaLog {
    shared: Arc<Shared>,
    releases: Releases,
}

struct Shared {
    runtime: Runtime,
    life: Life,
    names: Names,
    /// Answers questions about topics; reads nothing.
    queries: Arc<BaseConsumer<Context>>,
    producer: Producer,
    readers: Readers,
    schemas: Schemas,
    heartbeats: Heartbeats,
    /// The gateways whose topics were found.
    gateways: RwLock<BTreeSet<GatewayId>>,
}

impl KafkaLog {
    /// Finds the topics, and checks that they are those that were recorded.
    ///
    /// # Errors
    /// [`OpenError`]: nobody made the topics, they are others than recorded, or no broker answers.
    pub async fn open(options: Options, runtime: Runtime) -> Result<Arc<Self>, OpenError> {
        let names = Names::new(&options.prefix)?;
        let recorded = recorded::read(&options).await?;
        let life = Life::of(&options, &recorded)?;
        topics::check(&options, &names, &life).await?;
        let shared = Arc::new(Shared {
            runtime,
            life,
            queries: Arc::new(
                BaseConsumer::from_config_and_context(&options.client()?, Context::default())
                    .map_err(SettingsError::from)?,
            ),
            producer: Producer::new(&options)?,
            readers: Readers::new(options.readers()?),
            schemas: Schemas::new(options.clone(), &recorded)?,
            names,
            heartbeats: Heartbeats::default(),
            gateways: RwLock::default(),
        });
        let releases = Releases::start(shared.clone(), options);
        Ok(Arc::new(Self { shared, releases }))
    }

    /// What was recorded when the topics were made.
    #[must_use]
    pub fn life(&self) -> &Life {
        &self.shared.life
    }

    /// Deletes what is released and older than the retention. Done from time to time in any case.
    ///
    /// # Errors
    /// [`Error::Unavailable`]; what is left goes the next time.
    pub async fn trim(&self) -> Result<(), Error> {
        self.releases.delete().await
    }

    /// Waits until everything that was enqueued is written, for so long at most; what isn't by then may be lost or not.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when something was left.
    pub async fn flush(&self, patience: Duration) -> Result<(), Error> {
        let producer = self.shared.producer.current();
        blocking(move || producer.flush(patience)).await
    }
}

impl Shared {
    /// Whether all of these places exist. Gateways' topics may have been made after this process began.
    async fn check(&self, batch: &[Append]) -> Result<(), Error> {
        self.life.partitions().check_batch(batch)?;
        for append in batch {
            self.check_gateway(&append.to).await?;
        }
        Ok(())
    }

    async fn check_place(&self, at: &TopicPartition) -> Result<(), Error> {
        self.life.partitions().check(at)?;
        self.check_gateway(at).await
    }

    async fn check_gateway(&self, at: &TopicPartition) -> Result<(), Error> {
        let Topic::Gateway(id) = &at.topic else { return Ok(()) };
        if self.gateways.read().contains(id) {
            return Ok(());
        }
        let (consumer, name) = (self.queries.clone(), self.names.of(&at.topic));
        let exists = blocking(move || {
            let metadata = consumer.fetch_metadata(Some(&name), PATIENCE)?;
            Ok(metadata.topics().iter().any(|topic| topic.name() == name && !topic.partitions().is_empty()))
        });
        if !exists.await? {
            return Err(Error::NoSuchPartition(at.clone()));
        }
        self.gateways.write().insert(id.clone());
        Ok(())
    }

    /// Takes what the client has to say that only asks questions: it would keep all of it.
    fn listen(&self) {
        while self.queries.poll(Duration::ZERO).is_some() {}
    }

    async fn bounds(&self, at: &TopicPartition) -> Result<Bounds, Error> {
        let (consumer, name, partition) = (self.queries.clone(), self.names.of(&at.topic), names::number(at.partition));
        let ask = move || {
            consumer.fetch_watermarks(&name, partition, LEADER_PATIENCE).or_else(|_| {
                // The library goes on asking the leader that it knows, for minutes, also when that is dead.
                consumer.fetch_metadata(Some(&name), PATIENCE)?;
                consumer.fetch_watermarks(&name, partition, PATIENCE)
            })
        };
        let (start, end) = blocking(ask).await?;
        Ok(Bounds { start: names::offset(start)?, end: names::offset(end)? })
    }
}

#[async_trait]
impl Log for KafkaLog {
    fn id(&self) -> LogId {
        self.shared.life.log
    }

    fn partitions(&self) -> Partitions {
        self.shared.life.partitions()
    }

    async fn enqueue(&self, batch: Vec<Append>) -> Result<Pending, Error> {
        self.shared.check(&batch).await?;
        self.shared.producer.enqueue(&self.shared.names, &self.shared.schemas.current(), batch).await
    }

    async fn reader(&self, at: &TopicPartition, from: Offset) -> Result<Box<dyn Reader>, Error> {
        self.shared.check_place(at).await?;
        if at.topic == Topic::Heartbeats {
            return Ok(Box::new(self.shared.heartbeats.reader(&self.shared, from).await?));
        }
        Ok(Box::new(KafkaReader::new(self.shared.clone(), at.clone(), from)))
    }

    async fn bounds(&self, at: &TopicPartition) -> Result<Bounds, Error> {
        self.shared.check_place(at).await?;
        self.shared.bounds(at).await
    }

    async fn release(&self, at: &TopicPartition, below: Offset) -> Result<(), Error> {
        self.shared.check_place(at).await?;
        self.releases.release(at, below);
        Ok(())
    }
}

/// Asks the client library something that blocks.
async fn blocking<T: Send + 'static>(
    ask: impl FnOnce() -> rdkafka::error::KafkaResult<T> + Send + 'static,
) -> Result<T, Error> {
    match tokio::task::spawn_blocking(ask).await {
        Ok(answer) => answer.map_err(|error| error::unavailable(&error)),
        Err(_) => Err(Error::Closed),
    }
}
