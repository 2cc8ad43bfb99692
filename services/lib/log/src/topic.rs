//! The topics and their names.

use std::fmt;

use chasqui_domain::{GatewayId, Partition};

/// A topic. Each is partitioned by the recipient of what is in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// What users ask; by chat.
    Commands,
    /// What happened; by chat.
    Events,
    /// What is to be placed in inboxes; by user.
    Inbox,
    /// Which sessions live on which gateway; by user.
    Presence,
    /// That gateways are alive; one partition.
    Heartbeats,
    /// Who was banned, for the sessions that are open; one partition.
    Revocations,
    /// What is for the sessions of one gateway; one partition.
    Gateway(GatewayId),
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Commands => f.write_str("commands"),
            Self::Events => f.write_str("events"),
            Self::Inbox => f.write_str("inbox"),
            Self::Presence => f.write_str("presence"),
            Self::Heartbeats => f.write_str("heartbeats"),
            Self::Revocations => f.write_str("revocations"),
            Self::Gateway(id) => write!(f, "gateway.{id}"),
        }
    }
}

impl Topic {
    /// A partition of this topic.
    #[must_use]
    pub fn partition(self, partition: Partition) -> TopicPartition {
        TopicPartition { topic: self, partition }
    }
}

/// A partition of a topic.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicPartition {
    /// The topic.
    pub topic: Topic,
    /// Its partition.
    pub partition: Partition,
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.topic, self.partition)
    }
}
