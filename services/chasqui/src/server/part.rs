//! Which roles a process has.

use chasqui_config::Purpose;

/// Which roles a process has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// All of them, on the embedded log and store.
    All,
    /// A gateway, on Kafka and CQL.
    Gateway,
    /// Sequencers of some of the partitions, which it shares with others, on Kafka and CQL.
    Sequencer,
    /// Routers of some of the partitions, likewise.
    Router,
}

impl Part {
    /// What its options must be enough for.
    #[must_use]
    pub fn purpose(self) -> Purpose {
        match self {
            Self::All => Purpose::Serve,
            Self::Gateway => Purpose::Gateway,
            Self::Sequencer | Self::Router => Purpose::Worker,
        }
    }

    /// Whether it takes sessions.
    #[must_use]
    pub fn has_gateway(self) -> bool {
        matches!(self, Self::All | Self::Gateway)
    }

    /// What it is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::All => "server",
            Self::Gateway => "gateway",
            Self::Sequencer => "sequencer",
            Self::Router => "router",
        }
    }
}
