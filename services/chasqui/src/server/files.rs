//! The log and the store of a data folder.

use std::{num::NonZeroU32, sync::Arc};

use chasqui_config::Options;
use chasqui_domain::{Offset, Partition};
use chasqui_log::{Bounds, Log, Partitions, Topic, TopicPartition};
use chasqui_log_embedded::EmbeddedLog;
use chasqui_seal::MasterKey;
use chasqui_store::{LogPartition, Store};
use chasqui_store_embedded::{BeforeDurable, EmbeddedStore};
use tokio::task;

use super::{Error, Foundation};

/// The folders inside the data folder.
const LOG_FOLDER: &str = "log";
const STORE_FOLDER: &str = "store";

/// The log and the store, open.
pub(super) struct Files {
    pub(super) log: Arc<EmbeddedLog>,
    pub(super) store: Arc<EmbeddedStore>,
}

impl Files {
    pub(super) async fn open(foundation: &Foundation) -> Result<Self, Error> {
        let Foundation { disk, options, runtime, .. } = foundation;
        let (disk, runtime) = (disk.clone(), runtime.clone());
        let (options, data) = (options.clone(), options.data.clone());
        let open = move || {
            let folder = |source| Error::Folder { folder: data.display().to_string(), source };
            for name in [LOG_FOLDER, STORE_FOLDER] {
                disk.create_folder(&data.join(name)).map_err(folder)?;
            }
            let there = EmbeddedLog::partitions_in(disk.as_ref(), &data.join(LOG_FOLDER))?;
            let log_options = log_options(&options, there);
            let log = EmbeddedLog::open(disk.clone(), data.join(LOG_FOLDER), log_options, runtime)?;
            // What the store keeps for good must not speak of records that a crash can take back.
            let ahead = log.clone();
            let settle = move || ahead.settle_now().map_err(|error| error.to_string());
            let before_durable = Some(BeforeDurable::new(settle));
            let store_options = chasqui_store_embedded::Options { before_durable, ..store_options(&options) };
            let store = EmbeddedStore::open(disk, data.join(STORE_FOLDER), store_options)?;
            Ok(Self { log, store })
        };
        let files = task::spawn_blocking(open).await.unwrap_or(Err(Error::Panicked { what: "opening the files" }))?;
        let judges = foundation.judges.as_ref().ok_or(Error::NoJudges)?;
        match files.check(&foundation.options, &judges.master).await {
            Ok(()) => Ok(files),
            Err(error) => {
                // What can't be closed has failed before, or is not what is wrong here.
                let _ = files.close().await;
                Err(error)
            }
        }
    }

    /// Whether log, store and master key belong together: whatever is missing would be noticed late, or by nobody.
    async fn check(&self, options: &Options, master: &MasterKey) -> Result<(), Error> {
        if let Some((chat, epoch, wrapped)) = self.store.any_key().await? {
            master.unwrap(&wrapped, &chat, epoch).map_err(|_| Error::OtherMasterKey)?;
        }
        match self.store.any_log().await? {
            Some(log) if log == self.log.id() => self.check_places(options).await,
            Some(log) => {
                Err(Error::OtherLog { data: options.data.display().to_string(), expected: log, found: self.log.id() })
            }
            None => self.begin(options).await,
        }
    }

    /// Makes the store know the log, for good, before anything is written to it: whoever finds a log with records beside
    /// a store that doesn't know it has lost the store.
    async fn begin(&self, options: &Options) -> Result<(), Error> {
        let partitions = || (0..self.log.partitions().chats.get()).map(Partition);
        for partition in partitions() {
            if self.log.bounds(&Topic::Commands.partition(partition)).await?.end > Offset(0) {
                return Err(Error::StoreLost { folder: options.data.join(STORE_FOLDER).display().to_string() });
            }
        }
        for partition in partitions() {
            let of = LogPartition { log: self.log.id(), partition };
            self.store.commit(of, Offset(0), Vec::new()).await?;
        }
        Ok(self.store.flush().await?)
    }

    /// Whether the log has all that the roles need, and nothing is done that it doesn't have. They find out, too, and
    /// can't say where the files are.
    async fn check_places(&self, options: &Options) -> Result<(), Error> {
        let of = |partition| LogPartition { log: self.log.id(), partition };
        for partition in (0..self.log.partitions().chats.get()).map(Partition) {
            let Some(committed) = self.store.committed(of(partition)).await? else { continue };
            self.check_place(options, Topic::Commands.partition(partition), committed).await?;
        }
        for partition in (0..self.log.partitions().users.get()).map(Partition) {
            // A router that has not begun begins at 0.
            let next = self.store.checkpoint(of(partition)).await?.map(|checkpoint| checkpoint.inbox);
            self.check_place(options, Topic::Inbox.partition(partition), next.unwrap_or_default()).await?;
        }
        Ok(())
    }

    async fn check_place(&self, options: &Options, at: TopicPartition, next: Offset) -> Result<(), Error> {
        let Bounds { start, end } = self.log.bounds(&at).await?;
        if (start..=end).contains(&next) {
            return Ok(());
        }
        Err(Error::LogLost { folder: options.data.join(LOG_FOLDER).display().to_string(), at, start, end, next })
    }

    /// Waits until one of the two fails, and says why. Cancel safe.
    pub(super) async fn failed(&self) -> Error {
        tokio::select! {
            error = self.store.failed() => error.into(),
            error = self.log.ended() => error.into(),
        }
    }

    /// Flushes and gives the files free; nothing writes to them afterwards, whoever still holds them.
    pub(super) async fn close(self) -> Result<(), Error> {
        // The store first: what it has must never be ahead of the log.
        let flushed = self.store.close().await;
        self.log.close().await;
        Ok(flushed?)
    }
}

/// `there`: how many partitions the topics have, if there are any.
fn log_options(options: &Options, there: Option<Partitions>) -> chasqui_log_embedded::Options {
    let count = |asked: Option<u32>, there: Option<NonZeroU32>| {
        asked.and_then(NonZeroU32::new).or(there).unwrap_or(NonZeroU32::MIN)
    };
    let partitions = Partitions {
        chats: count(options.log.partitions_chats, there.map(|there| there.chats)),
        users: count(options.log.partitions_users, there.map(|there| there.users)),
    };
    let mut log = chasqui_log_embedded::Options::new(partitions);
    log.segment_bytes = options.log.segment_bytes;
    log.retention_ms = options.log.retention_ms;
    log.bytes_max = options.log.bytes_max;
    log
}

fn store_options(options: &Options) -> chasqui_store_embedded::Options {
    chasqui_store_embedded::Options { cache_bytes: options.store.cache_bytes, ..Default::default() }
}
