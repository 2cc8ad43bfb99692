//! What was recorded when the topics were made: their log id and their counts. It stands in a compacted topic of its own,
//! as JSON, so that an operator can read it.

use std::num::NonZeroU32;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chasqui_domain::LogId;
use chasqui_log::Partitions;
use rdkafka::{
    Offset, TopicPartitionList,
    config::FromClientConfigAndContext,
    consumer::{BaseConsumer, Consumer},
    error::KafkaResult,
    message::Message,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{OpenError, Options, PATIENCE, context::Context, names::Names};

/// The key of the record.
pub(crate) const KEY: &str = "life";

/// One life of the topics.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Life {
    /// Its id.
    #[serde(serialize_with = "write_log", deserialize_with = "read_log")]
    pub log: LogId,
    /// The partitions of topics by chat.
    pub partitions_chats: NonZeroU32,
    /// The partitions of topics by user.
    pub partitions_users: NonZeroU32,
}

impl Life {
    /// A new one.
    #[must_use]
    pub fn new(log: LogId, partitions: Partitions) -> Self {
        Self { log, partitions_chats: partitions.chats, partitions_users: partitions.users }
    }

    /// How many partitions the topics have.
    #[must_use]
    pub fn partitions(&self) -> Partitions {
        Partitions { chats: self.partitions_chats, users: self.partitions_users }
    }
}

fn write_log<S: Serializer>(log: &LogId, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(log)
}

fn read_log<'de, D: Deserializer<'de>>(from: D) -> Result<LogId, D::Error> {
    let text = String::deserialize(from)?;
    let bytes = URL_SAFE_NO_PAD.decode(&text).map_err(D::Error::custom)?;
    bytes.try_into().map(LogId).map_err(|_| D::Error::custom("a log id has 16 bytes"))
}

/// The life that was recorded last.
///
/// # Errors
/// [`OpenError::NoTopics`] when there is none.
pub(crate) async fn read(options: &Options, names: &Names) -> Result<Life, OpenError> {
    find(options, names).await?.ok_or_else(|| OpenError::NoTopics {
        prefix: options.prefix.clone(),
        bootstrap: options.bootstrap.clone(),
    })
}

/// The life that was recorded last; none when there is none, or no topic for it.
pub(crate) async fn find(options: &Options, names: &Names) -> Result<Option<Life>, OpenError> {
    let consumer = BaseConsumer::from_config_and_context(&options.readers()?, Context);
    let consumer: BaseConsumer<Context> = consumer.map_err(|error| OpenError::away(&options.bootstrap, &error))?;
    let topic = names.life();
    let read = {
        let topic = topic.clone();
        tokio::task::spawn_blocking(move || last(&consumer, &topic)).await
    };
    let broken = |why: String| OpenError::Life { topic: topic.clone(), why };
    let last = read.map_err(|error| broken(error.to_string()))?.map_err(|error| OpenError::away(&options.bootstrap, &error))?;
    last.map(|bytes| serde_json::from_slice(&bytes).map_err(|error| broken(error.to_string()))).transpose()
}

/// The value of the newest record with the key. There are few.
fn last(consumer: &BaseConsumer<Context>, topic: &str) -> KafkaResult<Option<Vec<u8>>> {
    let metadata = consumer.fetch_metadata(Some(topic), PATIENCE)?;
    if !metadata.topics().iter().any(|found| found.name() == topic && !found.partitions().is_empty()) {
        return Ok(None);
    }
    let (start, end) = consumer.fetch_watermarks(topic, 0, PATIENCE)?;
    if start >= end {
        return Ok(None);
    }
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, 0, Offset::Offset(start))?;
    consumer.assign(&list)?;
    let mut newest = None;
    loop {
        let Some(message) = consumer.poll(PATIENCE) else {
            return Err(rdkafka::error::KafkaError::MessageConsumption(
                rdkafka::error::RDKafkaErrorCode::OperationTimedOut,
            ));
        };
        let message = message?;
        if message.key() == Some(KEY.as_bytes()) {
            newest = message.payload().map(<[u8]>::to_vec);
        }
        if message.offset() + 1 >= end {
            return Ok(newest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_life_is_read_as_it_was_written() {
        let life = Life {
            log: LogId([7; 16]),
            partitions_chats: NonZeroU32::new(4).unwrap(),
            partitions_users: NonZeroU32::new(8).unwrap(),
        };
        let text = serde_json::to_string(&life).unwrap();
        assert_eq!(text, r#"{"log":"BwcHBwcHBwcHBwcHBwcHBw","partitions_chats":4,"partitions_users":8}"#);
        assert_eq!(serde_json::from_str::<Life>(&text).unwrap(), life);
        assert!(serde_json::from_str::<Life>(&text.replace("BwcH", "")).is_err());
    }
}
