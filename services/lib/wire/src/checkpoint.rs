//! A router's own state, kept with its offsets.

use std::collections::BTreeMap;

use bytes::Bytes;
use chasqui_domain::{GatewayId, GroupCounts, Incarnation, Offset, Partition};
use serde::{Deserialize, Serialize};

use crate::{
    Error,
    codec::{self, Codec, Lazy},
    entry::EntryCounts,
    fields::{long, text},
};

const RECORD: &str = "RouterState";
static CODEC: Lazy = Lazy::new(|| Codec::load(RECORD));

/// What a router hands to its successor.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RouterState {
    /// Per partition of `commands`, the offset and index of the last effect whose entry was placed.
    pub placed: BTreeMap<Partition, (Offset, u32)>,
    /// The gateways that get no pushes, and the inbox offset from which on they got none.
    pub suspended: Vec<(GatewayId, Incarnation, Offset)>,
    /// What authors in groups are still to be told; each has one author.
    pub counts: Vec<GroupCounts>,
    /// No session that may still live was last heard of below this offset of `presence`.
    pub presence_from: Offset,
}

#[derive(Serialize, Deserialize)]
#[serde(rename = "RouterState")]
struct Record {
    placed: Vec<Placed>,
    suspended: Vec<Suspended>,
    counts: Vec<EntryCounts>,
    #[serde(with = "long")]
    presence_from: Offset,
}

#[derive(Serialize, Deserialize)]
struct Placed {
    #[serde(with = "long")]
    partition: Partition,
    #[serde(with = "long")]
    offset: Offset,
    index: u32,
}

#[derive(Serialize, Deserialize)]
struct Suspended {
    #[serde(with = "text")]
    gateway: GatewayId,
    #[serde(with = "long")]
    incarnation: Incarnation,
    #[serde(with = "long")]
    from: Offset,
}

impl RouterState {
    /// Writes the state.
    ///
    /// # Errors
    /// [`Error::Encode`] when a number is above 2^63 - 1.
    pub fn encode(&self) -> Result<Bytes, Error> {
        let placed =
            self.placed.iter().map(|(&partition, &(offset, index))| Placed { partition, offset, index }).collect();
        let suspended = self.suspended.iter().map(|(gateway, incarnation, from)| Suspended {
            gateway: gateway.clone(),
            incarnation: *incarnation,
            from: *from,
        });
        let counts = self.counts.iter().map(EntryCounts::of).collect();
        let record = Record { placed, suspended: suspended.collect(), counts, presence_from: self.presence_from };
        codec::encode(&CODEC, &record)
    }

    /// Reads a state.
    ///
    /// # Errors
    /// When the bytes are no state, or name a partition twice.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let record: Record = codec::decode(&CODEC, bytes)?;
        let mut placed = BTreeMap::new();
        for Placed { partition, offset, index } in record.placed {
            if placed.insert(partition, (offset, index)).is_some() {
                return Err(Error::Decode { record: RECORD, why: format!("partition {partition} is in it twice") });
            }
        }
        let suspended = record.suspended.into_iter().map(|it| (it.gateway, it.incarnation, it.from)).collect();
        let counts = record.counts.into_iter().map(EntryCounts::into_domain).collect();
        Ok(Self { placed, suspended, counts, presence_from: record.presence_from })
    }
}
