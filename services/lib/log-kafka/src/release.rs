//! Lets go of what owners have done: records of `commands` and `inbox` that are released and older than the retention are
//! deleted. Those topics have no retention of their own, so nothing that was not released ever goes.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use chasqui_domain::Offset;
use chasqui_log::{Error, Topic, TopicPartition};
use chasqui_runtime::Task;
use parking_lot::Mutex;
use rdkafka::{
    Offset as RawOffset, TopicPartitionList,
    admin::{AdminClient, AdminOptions},
    config::FromClientConfigAndContext,
    consumer::Consumer,
};

use crate::{Options, PATIENCE, Shared, blocking, context::Context, error::unavailable, names};

/// How often it is looked whether something may go.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// What was released, and the task that deletes it.
pub(crate) struct Releases {
    released: Arc<Released>,
    /// Ended by being dropped.
    _task: Task<()>,
}

struct Released {
    shared: Arc<Shared>,
    options: Options,
    retention: Duration,
    below: Mutex<BTreeMap<TopicPartition, Offset>>,
    /// Held while something is deleted.
    deleted: tokio::sync::Mutex<BTreeMap<TopicPartition, Offset>>,
}

impl Releases {
    pub(crate) fn start(shared: Arc<Shared>, options: Options) -> Self {
        let (retention, below, deleted) = (options.retention, Mutex::default(), tokio::sync::Mutex::default());
        let runtime = shared.runtime.clone();
        let released = Arc::new(Released { shared, options, retention, below, deleted });
        let deleting = released.clone();
        let work = async move {
            loop {
                deleting.shared.runtime.sleep(LOOK_EVERY).await;
                deleting.shared.listen();
                if let Err(error) = deleting.delete().await {
                    tracing::debug!(target: "kafka", %error, "released records were not deleted");
                }
            }
        };
        Self { released, _task: runtime.spawn("releases", work) }
    }

    pub(crate) fn release(&self, at: &TopicPartition, below: Offset) {
        if matches!(at.topic, Topic::Commands | Topic::Inbox) {
            let mut all = self.released.below.lock();
            let released = all.entry(at.clone()).or_default();
            *released = below.max(*released);
        }
    }

    /// Deletes what is released and old enough.
    pub(crate) async fn delete(&self) -> Result<(), Error> {
        self.released.delete().await
    }
}

impl Released {
    async fn delete(&self) -> Result<(), Error> {
        let mut deleted = self.deleted.lock().await;
        let all = self.below.lock().clone();
        let (mut list, mut going) = (TopicPartitionList::new(), BTreeMap::new());
        for (at, released) in all {
            let done = deleted.get(&at).copied().unwrap_or_default();
            if released <= done {
                continue;
            }
            // Those of a partition that nobody can be asked about now go the next time.
            let Ok(old) = old_below(&self.shared, &at, self.retention).await else { continue };
            let below = released.min(old);
            if below <= done {
                continue;
            }
            let (name, offset) = (self.shared.names.of(&at.topic), RawOffset::Offset(names::raw(below)));
            list.add_partition_offset(&name, names::number(at.partition), offset)
                .map_err(|error| unavailable(&error))?;
            going.insert(at, below);
        }
        if going.is_empty() {
            return Ok(());
        }
        let options = AdminOptions::new().request_timeout(Some(PATIENCE));
        // Made when it is needed: it seldom is.
        let admin = self.options.client().map_err(|error| Error::Unavailable { why: error.to_string() })?;
        let admin =
            AdminClient::from_config_and_context(&admin, Context::default()).map_err(|error| unavailable(&error))?;
        let answer = admin.delete_records(&list, &options).await.map_err(|error| unavailable(&error))?;
        for element in answer.elements() {
            element.error().map_err(|error| unavailable(&error))?;
        }
        deleted.extend(going);
        Ok(())
    }
}

/// The first offset that the retention keeps.
async fn old_below(shared: &Shared, at: &TopicPartition, retention: Duration) -> Result<Offset, Error> {
    let end = shared.bounds(at).await?.end;
    let kept = u64::try_from(retention.as_millis()).unwrap_or(u64::MAX);
    let before = i64::try_from(shared.runtime.now().0.saturating_sub(kept)).unwrap_or(i64::MAX);
    let (consumer, topic, partition) =
        (shared.queries.clone(), shared.names.of(&at.topic), names::number(at.partition));
    let found = blocking(move || {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&topic, partition, RawOffset::Offset(before))?;
        let found = consumer.offsets_for_times(list, PATIENCE)?;
        Ok(found.find_partition(&topic, partition).map(|found| found.offset()))
    });
    Ok(match found.await? {
        Some(RawOffset::Offset(offset)) => names::offset(offset)?,
        // All are older.
        _ => end,
    })
}
