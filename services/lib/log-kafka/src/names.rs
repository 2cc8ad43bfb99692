//! What things are called in Kafka.

use chasqui_domain::{Offset, Partition};
use chasqui_log::{Error, Topic};

use crate::SettingsError;

/// The longest prefix. The longest gateway id and what stands between fit behind it into a topic's name.
const PREFIX_BYTES_MAX: usize = 128;

/// The names of the topics of one installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Names {
    prefix: String,
}

impl Names {
    pub(crate) fn new(prefix: &str) -> Result<Self, SettingsError> {
        let is_fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if prefix.is_empty() || prefix.len() > PREFIX_BYTES_MAX || !prefix.chars().all(is_fine) {
            return Err(SettingsError::Prefix { prefix: prefix.to_owned() });
        }
        Ok(Self { prefix: prefix.to_owned() })
    }

    /// The name of a topic.
    pub(crate) fn of(&self, topic: &Topic) -> String {
        format!("{}.{topic}", self.prefix)
    }

    /// The name of the topic in which log id and counts are recorded.
    pub(crate) fn life(&self) -> String {
        format!("{}.life", self.prefix)
    }

    /// The name of the group that shares a topic's partitions; also of those who only read.
    pub(crate) fn group(&self, role: &str) -> String {
        format!("{}.{role}", self.prefix)
    }
}

/// A partition as Kafka counts it. No topic has as many as don't fit.
pub(crate) fn number(partition: Partition) -> i32 {
    i32::try_from(partition.0).unwrap_or(i32::MAX)
}

/// An offset as Kafka counts it.
pub(crate) fn raw(offset: Offset) -> i64 {
    i64::try_from(offset.0).unwrap_or(i64::MAX)
}

/// An offset from Kafka.
pub(crate) fn offset(raw: i64) -> Result<Offset, Error> {
    u64::try_from(raw)
        .map(Offset)
        .map_err(|_| Error::Unavailable { why: format!("the broker gives {raw} as an offset") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_named_behind_the_prefix() {
        let names = Names::new("chat").unwrap();
        assert_eq!(names.of(&Topic::Commands), "chat.commands");
        assert_eq!(names.life(), "chat.life");
    }

    #[test]
    fn a_prefix_is_part_of_a_topics_name() {
        for wrong in ["", "a b", "ü", &"x".repeat(129)] {
            assert!(Names::new(wrong).is_err(), "{wrong}");
        }
    }
}
