//! What is recorded in the topic `<prefix>.life`: JSON under keys, so that an operator can read it. The newest of a key
//! counts.

use std::collections::BTreeMap;

use rdkafka::{
    Offset, TopicPartitionList,
    config::FromClientConfigAndContext,
    consumer::{BaseConsumer, Consumer},
    error::{KafkaError, KafkaResult, RDKafkaErrorCode},
    message::Message,
    producer::{FutureProducer, FutureRecord},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{OpenError, Options, PATIENCE, REASON_PATIENCE, SettingsError, context::Context, names::Names};

/// What stands under each key, by the offset at which it was written.
pub(crate) struct Recorded {
    topic: String,
    by_offset: BTreeMap<i64, (String, Vec<u8>)>,
}

impl Recorded {
    /// What stands under the keys that begin so, in the order in which it was written.
    pub(crate) fn all<T: DeserializeOwned>(&self, prefix: &str) -> Result<Vec<T>, OpenError> {
        let values = self.by_offset.values().filter(|(key, _)| key.starts_with(prefix));
        values.map(|(_, value)| serde_json::from_slice(value).map_err(|error| broken(&self.topic, &error))).collect()
    }

    fn add(&mut self, offset: i64, key: String, value: Option<Vec<u8>>) {
        self.by_offset.retain(|_, (older, _)| *older != key);
        if let Some(value) = value {
            self.by_offset.insert(offset, (key, value));
        }
    }
}

fn broken(topic: &str, error: &impl ToString) -> OpenError {
    OpenError::Life { topic: topic.to_owned(), why: error.to_string() }
}

/// Reads what is recorded; nothing when there is no topic for it.
pub(crate) async fn read(options: &Options) -> Result<Recorded, OpenError> {
    let context = Context::default();
    let consumer = BaseConsumer::from_config_and_context(&options.readers()?, context.clone());
    let consumer: BaseConsumer<Context> = consumer.map_err(SettingsError::from)?;
    let topic = Names::new(&options.prefix)?.life();
    let mut recorded = Recorded { topic: topic.clone(), by_offset: BTreeMap::new() };
    let read = tokio::task::spawn_blocking(move || {
        // Why it failed is told to whoever listens.
        read_all(&consumer, &mut recorded).inspect_err(|_| drop(consumer.poll(REASON_PATIENCE)))?;
        Ok(recorded)
    });
    let read = read.await.map_err(|error| broken(&topic, &error))?;
    read.map_err(|error| OpenError::away(&options.bootstrap, &error, context.failure()))
}

/// Reads the topic from its start to its end. There is little in it.
fn read_all(consumer: &BaseConsumer<Context>, to: &mut Recorded) -> KafkaResult<()> {
    let metadata = consumer.fetch_metadata(Some(&to.topic), PATIENCE)?;
    if !metadata.topics().iter().any(|found| found.name() == to.topic && !found.partitions().is_empty()) {
        return Ok(());
    }
    let (start, end) = consumer.fetch_watermarks(&to.topic, 0, PATIENCE)?;
    if start >= end {
        return Ok(());
    }
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(&to.topic, 0, Offset::Offset(start))?;
    consumer.assign(&list)?;
    loop {
        let Some(message) = consumer.poll(PATIENCE) else {
            return Err(KafkaError::MessageConsumption(RDKafkaErrorCode::OperationTimedOut));
        };
        let message = message?;
        let key = String::from_utf8_lossy(message.key().unwrap_or_default()).into_owned();
        to.add(message.offset(), key, message.payload().map(<[u8]>::to_vec));
        if message.offset() + 1 >= end {
            return Ok(());
        }
    }
}

/// Records values under keys, one after another, and waits until each is durable.
pub(crate) async fn write<T: Serialize>(options: &Options, values: &[(String, T)]) -> Result<(), OpenError> {
    let topic = Names::new(&options.prefix)?.life();
    let producer = FutureProducer::<Context>::from_config_and_context(&options.producer()?, Context::default());
    let producer = producer.map_err(SettingsError::from)?;
    for (key, value) in values {
        let value = serde_json::to_string(value).map_err(|error| broken(&topic, &error))?;
        let sent = producer.send(FutureRecord::to(&topic).partition(0).key(key).payload(&value), PATIENCE);
        let why = match tokio::time::timeout(PATIENCE, sent).await {
            Ok(Ok(_)) => continue,
            Ok(Err((error, _))) => error.to_string(),
            Err(_) => "no broker confirms the record".to_owned(),
        };
        return Err(OpenError::Away { bootstrap: options.bootstrap.clone(), why });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_of_a_key_counts_in_the_order_of_writing() {
        let mut recorded = Recorded { topic: "x.life".to_owned(), by_offset: BTreeMap::new() };
        for (offset, (key, value)) in (0..).zip([
            ("life", Some("0")),
            ("schema-1", Some("1")),
            ("schema-2", Some("2")),
            ("schema-3", Some("3")),
            ("schema-1", Some("4")),
            ("schema-2", None),
        ]) {
            recorded.add(offset, key.to_owned(), value.map(|value: &str| value.as_bytes().to_vec()));
        }
        assert_eq!(recorded.all::<u32>("schema-").unwrap(), [3, 4]);
        assert_eq!(recorded.all::<u32>("life").unwrap(), [0]);
        assert!(matches!(recorded.all::<String>("life"), Err(OpenError::Life { .. })));
    }
}
