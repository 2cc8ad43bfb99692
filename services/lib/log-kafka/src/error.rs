//! What can go wrong, and how it reads to those who use the log.

use chasqui_log::Error;
use rdkafka::error::KafkaError;

use crate::SettingsError;

/// Why the topics can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The options are no settings of a client.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// No broker answers, or one that doesn't let this process in.
    #[error("the brokers at {bootstrap} can't be asked: {why}")]
    Away {
        /// Who was asked.
        bootstrap: String,
        /// What the client says.
        why: String,
    },
    /// Nobody made the topics.
    #[error("there are no topics of {prefix:?} at {bootstrap}: make them with `chasqui topics apply`")]
    NoTopics {
        /// What their names begin with.
        prefix: String,
        /// Who was asked.
        bootstrap: String,
    },
    /// What was recorded when they were made can't be read.
    #[error("the record in the topic {topic} can't be read: {why}; was it written by a later version?")]
    Life {
        /// Where it stands.
        topic: String,
        /// What is wrong.
        why: String,
    },
    /// An id of a schema means another one in these topics.
    #[error(
        "the schema registry gives {subject} the id {id}, with which there are records of another schema ({recorded}) in \
         these topics: use the registry that they began with, or restore its ids"
    )]
    OtherRegistry {
        /// The id.
        id: u32,
        /// What has it in the registry.
        subject: String,
        /// What has it in the topics.
        recorded: String,
    },
    /// They are not as they were recorded, or as they must be.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Mismatch(Vec<crate::topics::Mismatch>),
}

impl OpenError {
    /// Whether the same can succeed later without anybody looking after it.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Away { .. })
    }

    pub(crate) fn away(bootstrap: &str, error: &KafkaError, reason: Option<String>) -> Self {
        let why = match reason {
            Some(reason) => format!("{error} ({reason}); does kafka.properties_file say what they want to know?"),
            None => error.to_string(),
        };
        Self::Away { bootstrap: bootstrap.to_owned(), why }
    }
}

/// What the client library says, as the log says it.
pub(crate) fn unavailable(error: &KafkaError) -> Error {
    Error::Unavailable { why: error.to_string() }
}
