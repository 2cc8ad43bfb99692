//! What was recorded when the topics were made: their log id and their counts.

use std::num::NonZeroU32;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chasqui_domain::LogId;
use chasqui_log::Partitions;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{OpenError, Options, recorded::Recorded};

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

    /// The one that is recorded.
    ///
    /// # Errors
    /// [`OpenError::NoTopics`] when there is none; [`OpenError::Life`].
    pub(crate) fn of(options: &Options, recorded: &Recorded) -> Result<Self, OpenError> {
        Self::find(recorded)?
            .ok_or_else(|| OpenError::NoTopics { prefix: options.prefix.clone(), bootstrap: options.bootstrap.clone() })
    }

    /// The one that is recorded, if there is one.
    pub(crate) fn find(recorded: &Recorded) -> Result<Option<Self>, OpenError> {
        Ok(recorded.all(KEY)?.pop())
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
