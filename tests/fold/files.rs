//! The log and the store of a data folder, opened as the server opens them.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    num::NonZeroU32,
    path::Path,
    sync::Arc,
};

use anyhow::{Context, ensure};
use chasqui_config::{DEV_SEAL_MASTER_KEY, Options};
use chasqui_disk::RealDisk;
use chasqui_domain::{ChatId, Epoch, Event, EventKind, Offset, Partition};
use chasqui_log::{Log, Partitions, Record, Topic, TopicPartition};
use chasqui_log_embedded::EmbeddedLog;
use chasqui_runtime::Runtime;
use chasqui_seal::{Context as Place, DataKey, MasterKey};
use chasqui_store::KeyTable;
use chasqui_store_embedded::EmbeddedStore;
use chasqui_wire::body::Body;

/// How much is read at once.
const READ_BYTES: usize = 1024 * 1024;

pub(crate) struct Files {
    pub(crate) log: Arc<EmbeddedLog>,
    pub(crate) store: Arc<EmbeddedStore>,
    master: MasterKey,
}

impl Files {
    pub(crate) fn open(data: &Path) -> anyhow::Result<Self> {
        let options = Options::default();
        let count = |count| NonZeroU32::new(count).context("no partitions");
        let (chats, users) = (count(options.log.partitions_chats)?, count(options.log.partitions_users)?);
        let log_options = chasqui_log_embedded::Options::new(Partitions { chats, users });
        let (disk, runtime) = (Arc::new(RealDisk), Runtime::real());
        let log = EmbeddedLog::open(disk.clone(), data.join("log"), log_options, runtime)?;
        let store = EmbeddedStore::open(disk, data.join("store"), chasqui_store_embedded::Options::default())?;
        Ok(Self { log, store, master: MasterKey::from_base64(DEV_SEAL_MASTER_KEY)? })
    }

    pub(crate) async fn close(self) -> anyhow::Result<()> {
        self.store.close().await?;
        self.log.close().await;
        Ok(())
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
        let wrapped = self.store.key(chat, epoch).await?.with_context(|| format!("{chat} has no key of {epoch}"))?;
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
