//! The records of a gateway's own topic.

use bytes::Bytes;
use chasqui_domain::{GroupCounts, Incarnation, Offset, Partition, SessionId, Term, UserId};
use serde::{Deserialize, Serialize};

use crate::{
    Error,
    codec::{self, Codec, Lazy},
    entry::EntryCounts,
    fields::{long, text, texts},
};

const RECORD: &str = "GatewayRecord";
static CODEC: Lazy = Lazy::new(|| Codec::load(RECORD));

/// What is said to a gateway. The first is said by itself, the others by routers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GatewayRecord {
    /// A life of the gateway begins; the offset of this record is its incarnation.
    Start,
    /// A session is attached.
    Answer {
        /// The router's ownership of the partition.
        term: Term,
        /// The life that the session belongs to.
        incarnation: Incarnation,
        /// The session.
        session: SessionId,
        /// Whose it is.
        user: UserId,
        /// The attach that is answered.
        attempt: u32,
        /// The user's rows at offsets below this are stored; pushes that follow are not below it.
        up_to: Offset,
    },
    /// Pushes may be missing: the sessions of a partition's users read their inboxes.
    Repair {
        /// The router's ownership of the partition.
        term: Term,
        /// The life that the sessions belong to.
        incarnation: Incarnation,
        /// The partition of `inbox`.
        partition: Partition,
        /// Rows at offsets below this are stored; pushes that follow are not below it.
        up_to: Offset,
    },
    /// A session was not heard of for too long and gets no pushes any more: if it is there, it attaches again. Its user's
    /// other sessions may be pushed to, of which it would else take what comes for all that there is.
    Forgotten {
        /// The router's ownership of the partition.
        term: Term,
        /// The life that the session belongs to.
        incarnation: Incarnation,
        /// The session.
        session: SessionId,
        /// Whose it is.
        user: UserId,
    },
    /// An earlier life was heard of. Earlier lives are over, and learn it here even if the record with which the later
    /// one began was removed before they read it.
    Superseded {
        /// The newest life that the router knows.
        incarnation: Incarnation,
    },
    /// How many of a group have messages of authors who have sessions here. Told live: whoever may have missed it asks.
    Counts {
        /// The router's ownership of the partition.
        term: Term,
        /// The life that the sessions belong to.
        incarnation: Incarnation,
        /// The partition of `inbox` that the authors' inboxes are in.
        partition: Partition,
        /// What each author is told.
        counts: GroupCounts,
    },
    /// An entry for users who have sessions here.
    Push {
        /// The router's ownership of the partition.
        term: Term,
        /// The life that the sessions belong to.
        incarnation: Incarnation,
        /// The partition of `inbox`.
        partition: Partition,
        /// The entry's offset in it.
        offset: Offset,
        /// For whom; all of their sessions get it.
        recipients: Vec<UserId>,
        /// The entry, written by [`crate::entry::encode`].
        entry: Bytes,
    },
}

#[derive(Default, Serialize, Deserialize)]
#[serde(rename = "GatewayRecord")]
struct Record {
    start: Option<GatewayStart>,
    answer: Option<GatewayAnswer>,
    repair: Option<GatewayRepair>,
    forgotten: Option<GatewayForgotten>,
    superseded: Option<GatewaySuperseded>,
    counts: Option<GatewayCounts>,
    push: Option<GatewayPush>,
}

#[derive(Serialize, Deserialize)]
struct GatewayStart {}

#[derive(Serialize, Deserialize)]
struct GatewayAnswer {
    #[serde(with = "long")]
    incarnation: Incarnation,
    #[serde(with = "long")]
    session: SessionId,
    #[serde(with = "text")]
    user: UserId,
    attempt: u32,
    #[serde(with = "long")]
    up_to: Offset,
    #[serde(with = "long")]
    term: Term,
}

#[derive(Serialize, Deserialize)]
struct GatewayRepair {
    #[serde(with = "long")]
    incarnation: Incarnation,
    #[serde(with = "long")]
    partition: Partition,
    #[serde(with = "long")]
    up_to: Offset,
    #[serde(with = "long")]
    term: Term,
}

#[derive(Serialize, Deserialize)]
struct GatewayForgotten {
    #[serde(with = "long")]
    term: Term,
    #[serde(with = "long")]
    incarnation: Incarnation,
    #[serde(with = "long")]
    session: SessionId,
    #[serde(with = "text")]
    user: UserId,
}

#[derive(Serialize, Deserialize)]
struct GatewaySuperseded {
    #[serde(with = "long")]
    incarnation: Incarnation,
}

#[derive(Serialize, Deserialize)]
struct GatewayCounts {
    #[serde(with = "long")]
    term: Term,
    #[serde(with = "long")]
    incarnation: Incarnation,
    #[serde(with = "long")]
    partition: Partition,
    counts: EntryCounts,
}

#[derive(Serialize, Deserialize)]
struct GatewayPush {
    #[serde(with = "long")]
    incarnation: Incarnation,
    #[serde(with = "long")]
    partition: Partition,
    #[serde(with = "long")]
    offset: Offset,
    #[serde(with = "texts")]
    recipients: Vec<UserId>,
    entry: Bytes,
    #[serde(with = "long")]
    term: Term,
}

impl GatewayRecord {
    /// Writes the record.
    ///
    /// # Errors
    /// [`Error::Encode`] when a number is above 2^63 - 1.
    pub fn encode(&self) -> Result<Bytes, Error> {
        let mut record = Record::default();
        match self.clone() {
            Self::Start => record.start = Some(GatewayStart {}),
            Self::Answer { term, incarnation, session, user, attempt, up_to } => {
                record.answer = Some(GatewayAnswer { term, incarnation, session, user, attempt, up_to });
            }
            Self::Repair { term, incarnation, partition, up_to } => {
                record.repair = Some(GatewayRepair { term, incarnation, partition, up_to });
            }
            Self::Forgotten { term, incarnation, session, user } => {
                record.forgotten = Some(GatewayForgotten { term, incarnation, session, user });
            }
            Self::Superseded { incarnation } => record.superseded = Some(GatewaySuperseded { incarnation }),
            Self::Counts { term, incarnation, partition, counts } => {
                let counts = EntryCounts::of(&counts);
                record.counts = Some(GatewayCounts { term, incarnation, partition, counts });
            }
            Self::Push { term, incarnation, partition, offset, recipients, entry } => {
                record.push = Some(GatewayPush { term, incarnation, partition, offset, recipients, entry });
            }
        }
        codec::encode(&CODEC, &record)
    }

    /// Reads a record.
    ///
    /// # Errors
    /// When the bytes are no such record.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let record: Record = codec::decode(&CODEC, bytes)?;
        let answer = |it: GatewayAnswer| Self::Answer {
            term: it.term,
            incarnation: it.incarnation,
            session: it.session,
            user: it.user,
            attempt: it.attempt,
            up_to: it.up_to,
        };
        let repair = |it: GatewayRepair| Self::Repair {
            term: it.term,
            incarnation: it.incarnation,
            partition: it.partition,
            up_to: it.up_to,
        };
        let forgotten = |it: GatewayForgotten| Self::Forgotten {
            term: it.term,
            incarnation: it.incarnation,
            session: it.session,
            user: it.user,
        };
        let counts = |it: GatewayCounts| Self::Counts {
            term: it.term,
            incarnation: it.incarnation,
            partition: it.partition,
            counts: it.counts.into_domain(),
        };
        let push = |it: GatewayPush| Self::Push {
            term: it.term,
            incarnation: it.incarnation,
            partition: it.partition,
            offset: it.offset,
            recipients: it.recipients,
            entry: it.entry,
        };
        codec::only(
            RECORD,
            [
                record.start.map(|GatewayStart {}| Self::Start),
                record.answer.map(answer),
                record.repair.map(repair),
                record.forgotten.map(forgotten),
                record.superseded.map(|it| Self::Superseded { incarnation: it.incarnation }),
                record.counts.map(counts),
                record.push.map(push),
            ],
        )
    }
}
