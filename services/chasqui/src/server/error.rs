//! Why a server doesn't start, or ends.

use std::{error::Error as _, io};

use chasqui_domain::{LogId, Offset, Partition};
use chasqui_log::TopicPartition;

/// Why a server doesn't start, or a life of it ends.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The options don't make a server.
    #[error(transparent)]
    Options(#[from] chasqui_config::Invalid),
    /// The master key is none.
    #[error("seal.master_key: {0}")]
    MasterKey(#[from] chasqui_seal::MasterKeyError),
    /// The certificates to trust can't be read.
    #[error("outbound.ca_file: {file} can't be read")]
    CaFile {
        /// The file.
        file: String,
        /// What the operating system says.
        source: io::Error,
    },
    /// An address may not be asked.
    #[error("{key}: {source}")]
    Address {
        /// The option.
        key: &'static str,
        /// Why.
        source: chasqui_auth::AddressError,
    },
    /// Nobody can be asked.
    #[error(transparent)]
    Outbound(#[from] chasqui_auth::OutboundError),
    /// The address can't be listened on.
    #[error("can't listen on {address}; choose another with --set listen=ADDRESS:PORT")]
    Listen {
        /// The address.
        address: String,
        /// What the operating system says.
        source: io::Error,
    },
    /// The data folder can't be made.
    #[error("the data folder {folder} can't be made")]
    Folder {
        /// The folder.
        folder: String,
        /// What the operating system says.
        source: io::Error,
    },
    /// The log can't be opened.
    #[error(transparent)]
    OpenLog(#[from] chasqui_log_embedded::OpenError),
    /// The store can't be opened.
    #[error(transparent)]
    OpenStore(#[from] chasqui_store_embedded::OpenError),
    /// The log and the store don't fit together. On one machine no waiting brings back what is missing.
    #[error(
        "the log in {folder} has lost records: it has {at} from offset {start} to {end}, and the store goes on at {next}; \
         restore the data folder from a backup"
    )]
    LogLost {
        /// The log's folder.
        folder: String,
        /// The partition.
        at: TopicPartition,
        /// Its first record.
        start: Offset,
        /// Behind its last record.
        end: Offset,
        /// The next record that a role needs.
        next: Offset,
    },
    /// There are commands in the log, and the store knows nothing of it.
    #[error("the store in {folder} is new, but there are messages in the log: restore the data folder from a backup")]
    StoreLost {
        /// The store's folder.
        folder: String,
    },
    /// The store was made from another log.
    #[error(
        "the log in {data} is {found}, and the store beside it belongs to {expected}: restore both from the same backup"
    )]
    OtherLog {
        /// The data folder.
        data: String,
        /// The log that the store knows.
        expected: LogId,
        /// The log that is there.
        found: LogId,
    },
    /// The data keys were wrapped by another master key.
    #[error("seal.master_key is not the key that this data folder was sealed with: set that one")]
    OtherMasterKey,
    /// This build has no clients of Kafka and CQL.
    #[error(
        "this build has the embedded log and store alone: build it with `--features cluster` for roles of their own"
    )]
    NoCluster,
    /// A process without a gateway was to take sessions.
    #[error("there is nothing here to judge tokens with")]
    NoJudges,
    /// The topics can't be used.
    #[cfg(feature = "cluster")]
    #[error(transparent)]
    Topics(#[from] chasqui_log_kafka::OpenError),
    /// The tables can't be used.
    #[cfg(feature = "cluster")]
    #[error(transparent)]
    Tables(#[from] chasqui_store_cql::OpenError),
    /// The settings for Kafka or CQL can't be taken.
    #[cfg(feature = "cluster")]
    #[error("{key}: {why}")]
    Settings {
        /// The option.
        key: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// The group that shares the partitions can't be worked with.
    #[cfg(feature = "cluster")]
    #[error("the group of the {role}s can't be worked with: {why}")]
    Group {
        /// The role.
        role: &'static str,
        /// What the client says.
        why: String,
    },
    /// There are commands in the topics, and the keyspace knows nothing of them.
    #[cfg(feature = "cluster")]
    #[error("the keyspace {keyspace} knows of no messages, but there are commands in the topics: restore the keyspace")]
    KeyspaceLost {
        /// The keyspace.
        keyspace: String,
    },
    /// The keyspace belongs to another life of the topics.
    #[cfg(feature = "cluster")]
    #[error(
        "the topics are the log {found}, and the keyspace {keyspace} belongs to {expected}: restore both from the same \
         time, or set kafka.prefix and cql.keyspace to those that belong together"
    )]
    OtherTopics {
        /// The keyspace.
        keyspace: String,
        /// The log that the keyspace knows.
        expected: LogId,
        /// The log that is there.
        found: LogId,
    },
    /// The log failed.
    #[error(transparent)]
    Log(#[from] chasqui_log::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] chasqui_store::Error),
    /// A sequencer stopped.
    #[error("the sequencer of partition {partition} stopped")]
    Sequencer {
        /// Its partition.
        partition: Partition,
        /// Why.
        source: chasqui_sequencer::Error,
    },
    /// A router stopped.
    #[error("the router of partition {partition} stopped")]
    Router {
        /// Its partition.
        partition: Partition,
        /// Why.
        source: chasqui_router::Error,
    },
    /// The gateway didn't start, or stopped.
    #[error("the gateway stopped")]
    Gateway(#[from] chasqui_gateway::Error),
    /// Something died of a bug.
    #[error("{what} panicked")]
    Panicked {
        /// What did.
        what: &'static str,
    },
}

impl Error {
    /// Whether another process does what this one did.
    pub(super) fn is_superseded(&self) -> bool {
        matches!(self, Self::Gateway(chasqui_gateway::Error::Superseded { .. }))
    }

    /// Whether the same can succeed later without anybody looking after it.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Folder { source, .. } => is_full(source),
            Self::OpenLog(chasqui_log_embedded::OpenError::Io { source, .. }) => is_full(source),
            Self::OpenStore(error) => matches!(error, chasqui_store_embedded::OpenError::Full { .. }),
            Self::Log(error) => error.is_retryable(),
            Self::Store(error) => error.is_retryable(),
            Self::Sequencer { source, .. } => source.is_retryable(),
            Self::Router { source, .. } => source.is_retryable(),
            Self::Gateway(error) => error.is_retryable(),
            #[cfg(feature = "cluster")]
            Self::Topics(error) => error.is_retryable(),
            #[cfg(feature = "cluster")]
            Self::Tables(error) => error.is_retryable(),
            #[cfg(feature = "cluster")]
            Self::Group { .. } => true,
            #[cfg(feature = "cluster")]
            Self::Settings { .. } | Self::KeyspaceLost { .. } | Self::OtherTopics { .. } => false,
            Self::Options(_)
            | Self::NoCluster
            | Self::NoJudges
            | Self::MasterKey(_)
            | Self::CaFile { .. }
            | Self::Address { .. }
            | Self::Outbound(_)
            | Self::Listen { .. }
            | Self::OpenLog(_)
            | Self::LogLost { .. }
            | Self::StoreLost { .. }
            | Self::OtherLog { .. }
            | Self::OtherMasterKey
            | Self::Panicked { .. } => false,
        }
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge)
}

/// An error with all that caused it, in one line.
pub(super) fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text += ": ";
        text += &error.to_string();
        cause = error.source();
    }
    text
}
