//! The log and the store that servers have left, opened as they open them.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::Arc,
};

use anyhow::{Context, ensure};
use chasqui_config::{DEV_SEAL_MASTER_KEY, Options};
use chasqui_disk::RealDisk;
use chasqui_domain::{ChatId, Epoch, Event, EventKind, Offset, Partition};
use chasqui_log::{Log, Record, Topic, TopicPartition};
use chasqui_log_embedded::EmbeddedLog;
use chasqui_log_kafka::KafkaLog;
use chasqui_runtime::Runtime;
use chasqui_seal::{Context as Place, DataKey, MasterKey};
use chasqui_store::{KeyTable, Store};
use chasqui_store_cql::CqlStore;
use chasqui_store_embedded::EmbeddedStore;
use chasqui_wire::body::Body;
use futures::{FutureExt, future::BoxFuture};

/// How much is read at once.
const READ_BYTES: usize = 1024 * 1024;

pub(crate) struct Recorded {
    pub(crate) log: Arc<dyn Log>,
    pub(crate) store: Arc<dyn Store>,
    keys: Arc<dyn KeyTable>,
    master: MasterKey,
    close: BoxFuture<'static, anyhow::Result<()>>,
}

impl Recorded {
    /// Opens what servers with these options work on: topics and tables when they name brokers, else a data folder.
    pub(crate) async fn open(options: &Options) -> anyhow::Result<Self> {
        match &options.kafka.bootstrap {
            Some(bootstrap) => Self::on_cluster(options, bootstrap).await,
            None => Self::in_folder(options),
        }
    }

    fn in_folder(options: &Options) -> anyhow::Result<Self> {
        let (disk, data) = (Arc::new(RealDisk), &options.data);
        let there = EmbeddedLog::partitions_in(disk.as_ref(), &data.join("log"))?;
        let log_options = chasqui_log_embedded::Options::new(there.context("there is no log")?);
        let log = EmbeddedLog::open(disk.clone(), data.join("log"), log_options, Runtime::real())?;
        let store = EmbeddedStore::open(disk, data.join("store"), chasqui_store_embedded::Options::default())?;
        let close = {
            let (log, store) = (log.clone(), store.clone());
            async move {
                store.close().await?;
                log.close().await;
                Ok(())
            }
        };
        Self::of(log, store.clone(), store, close.boxed())
    }

    async fn on_cluster(options: &Options, bootstrap: &str) -> anyhow::Result<Self> {
        let mut log_options = chasqui_log_kafka::Options::new(bootstrap);
        log_options.prefix.clone_from(&options.kafka.prefix);
        let log = KafkaLog::open(log_options, Runtime::real()).await?;
        let points = options.cql.contact_points.as_deref().context("set cql.contact_points")?;
        let store = CqlStore::open(chasqui_store_cql::Options {
            contact_points: points.split(',').map(str::to_owned).collect(),
            keyspace: options.cql.keyspace.clone(),
            ..chasqui_store_cql::Options::default()
        });
        let store = store.await?;
        Self::of(log, store.clone(), store, async { Ok(()) }.boxed())
    }

    fn of(
        log: Arc<dyn Log>,
        store: Arc<dyn Store>,
        keys: Arc<dyn KeyTable>,
        close: BoxFuture<'static, anyhow::Result<()>>,
    ) -> anyhow::Result<Self> {
        Ok(Self { log, store, keys, master: MasterKey::from_base64(DEV_SEAL_MASTER_KEY)?, close })
    }

    pub(crate) async fn close(self) -> anyhow::Result<()> {
        self.close.await
    }

    /// The partitions of `commands` and `events`.
    pub(crate) fn partitions_of_chats(&self) -> impl Iterator<Item = Partition> + use<> {
        (0..self.log.partitions().chats.get()).map(Partition)
    }

    /// All records of a partition, from the first that there ever was.
    pub(crate) async fn records(&self, topic: &Topic, partition: Partition) -> anyhow::Result<Vec<Record>> {
        let at: TopicPartition = topic.clone().partition(partition);
        let bounds = self.log.bounds(&at).await?;
        ensure!(bounds.start == Offset(0), "{at} begins at {}: it was trimmed", bounds.start);
        let mut reader = self.log.reader(&at, Offset(0)).await?;
        let mut records: Vec<Record> = Vec::new();
        while records.last().map_or(Offset(0), |last| last.offset.next()) < bounds.end {
            records.extend(reader.next(READ_BYTES).await?);
        }
        Ok(records)
    }

    async fn key(&self, chat: ChatId, epoch: Epoch) -> anyhow::Result<DataKey> {
        let wrapped = self.keys.key(chat, epoch).await?.with_context(|| format!("{chat} has no key of {epoch}"))?;
        Ok(self.master.unwrap(&wrapped, &chat, epoch)?)
    }

    /// The texts of the messages among a chat's events.
    pub(crate) async fn texts(&self, events: &[Event]) -> anyhow::Result<Vec<String>> {
        let mut keys: BTreeMap<Epoch, DataKey> = BTreeMap::new();
        let mut texts = Vec::new();
        for event in events {
            let EventKind::Message { sender, body, .. } = &event.kind else { continue };
            let key = match keys.entry(body.epoch) {
                Entry::Occupied(kept) => kept.into_mut(),
                Entry::Vacant(absent) => absent.insert(self.key(event.chat, body.epoch).await?),
            };
            let place = Place { chat: &event.chat, sender, epoch: body.epoch };
            texts.push(Body::decode(&key.open(&body.bytes, &place)?)?.text.unwrap_or_default());
        }
        Ok(texts)
    }
}
