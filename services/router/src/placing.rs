//! Placing a batch of inbox records: rows and pushes, without waiting for anything.

use std::collections::BTreeMap;

use bytes::Bytes;
use chasqui_domain::{
    ChatId, Entry, GatewayId, GroupCounts, Incarnation, LogId, Offset, Partition, Position, Term, UserId,
};
use chasqui_log::{Append, Header, Partitions, Record, Topic};
use chasqui_store::{InboxRow, LogPartition};
use chasqui_wire::{entry, gateway_record::GatewayRecord, inbox::InboxRecord};

use crate::{Error, gateways::Gateways, sessions::Sessions};

/// An inbox record and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Arrived {
    pub(crate) record: Record,
    pub(crate) inbox: InboxRecord,
}

impl Arrived {
    /// Reads a record of `inbox`.
    ///
    /// # Errors
    /// When it is none, or one of another life of the topics.
    pub(crate) fn read(record: Record, log: LogId) -> Result<Self, Error> {
        let inbox = InboxRecord::decode(&record.value)?;
        if inbox.source.log == log {
            Ok(Self { record, inbox })
        } else {
            Err(Error::OtherLog { offset: record.offset, found: inbox.source.log })
        }
    }
}

/// Per partition of `commands`, the last source whose entry was placed. A sequencer that begins again publishes again
/// what it had published; that lies at or below.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Placed(pub(crate) BTreeMap<Partition, (Offset, u32)>);

impl Placed {
    /// Whether the record is new; it then counts as placed.
    fn take(&mut self, inbox: &InboxRecord) -> bool {
        let at = (inbox.source.offset, inbox.source.index);
        match self.0.get_mut(&inbox.source.partition) {
            Some(last) if at <= *last => return false,
            Some(last) => *last = at,
            None => drop(self.0.insert(inbox.source.partition, at)),
        }
        true
    }
}

/// What a batch of records gives.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Batch {
    pub(crate) rows: Vec<InboxRow>,
    pub(crate) pushes: Vec<Append>,
    /// What authors in groups are to be told, when others are.
    pub(crate) counts: Vec<GroupCounts>,
}

/// Who gets pushes, and from where.
pub(crate) struct Routes<'a> {
    pub(crate) of: LogPartition,
    pub(crate) term: Term,
    pub(crate) partitions: Partitions,
    pub(crate) sessions: &'a Sessions,
    pub(crate) gateways: &'a Gateways,
}

impl Routes<'_> {
    /// Places records, in order, and leaves out those that were placed before.
    pub(crate) fn place(&self, arrived: &[Arrived], placed: &mut Placed) -> Result<Batch, Error> {
        let mut batch = Batch::default();
        for Arrived { record, inbox } in arrived {
            if !placed.take(inbox) {
                continue;
            }
            if let Entry::Counts(counts) = &inbox.entry {
                batch.counts.push(counts.clone());
                continue;
            }
            let entry = entry::encode(&inbox.entry)?;
            if inbox.entry.is_kept() {
                batch.rows.extend(inbox.recipients.iter().map(|user| InboxRow {
                    user: user.clone(),
                    position: Position { log: self.of.log, offset: record.offset },
                    time: record.time,
                    entry: entry.clone(),
                }));
            }
            for ((gateway, incarnation), recipients) in self.by_gateway(&inbox.recipients) {
                batch.pushes.push(self.push(record, gateway, incarnation, recipients, entry.clone())?);
            }
        }
        Ok(batch)
    }

    /// Tells authors who have sessions what was gathered, one record for each gateway and chat.
    pub(crate) fn tell(&self, gathered: Vec<GroupCounts>) -> Result<Vec<Append>, Error> {
        let mut told: BTreeMap<_, GroupCounts> = BTreeMap::new();
        for GroupCounts { chat, version, authors } in gathered {
            for counts in authors {
                for (gateway, _) in self.by_gateway(std::slice::from_ref(&counts.author)) {
                    let told =
                        told.entry((gateway, chat)).or_insert(GroupCounts { chat, version, authors: Vec::new() });
                    told.version = version.max(told.version);
                    told.authors.push(counts.clone());
                }
            }
        }
        let (term, partition) = (self.term, self.of.partition);
        let record = |(((gateway, incarnation), _), counts): (((GatewayId, Incarnation), ChatId), GroupCounts)| {
            to_gateway(gateway, partition, &GatewayRecord::Counts { term, incarnation, partition, counts }, Vec::new())
        };
        told.into_iter().map(record).collect()
    }

    fn by_gateway(&self, users: &[UserId]) -> BTreeMap<(GatewayId, Incarnation), Vec<UserId>> {
        let mut by_gateway: BTreeMap<_, Vec<UserId>> = BTreeMap::new();
        for user in users {
            let places = self.sessions.of(user);
            for place in places.filter(|place| self.gateways.gets_pushes(&place.gateway, place.incarnation)) {
                let recipients = by_gateway.entry((place.gateway.clone(), place.incarnation)).or_default();
                if recipients.last() != Some(user) {
                    recipients.push(user.clone());
                }
            }
        }
        by_gateway
    }

    fn push(
        &self,
        record: &Record,
        gateway: GatewayId,
        incarnation: Incarnation,
        recipients: Vec<UserId>,
        entry: Bytes,
    ) -> Result<Append, Error> {
        let (term, partition, offset) = (self.term, self.of.partition, record.offset);
        let push = GatewayRecord::Push { term, incarnation, partition, offset, recipients, entry };
        let append = to_gateway(gateway.clone(), partition, &push, record.headers.clone())?;
        if self.partitions.check_batch(std::slice::from_ref(&append)).is_ok() {
            return Ok(append);
        }
        // A push can come out a few bytes larger than its inbox record. Its row is stored by the time this is read.
        let repair = GatewayRecord::Repair { term, incarnation, partition, up_to: offset.next() };
        to_gateway(gateway, partition, &repair, Vec::new())
    }
}

/// A record for a gateway's topic, about a partition of `inbox`.
pub(crate) fn to_gateway(
    gateway: GatewayId,
    about: Partition,
    record: &GatewayRecord,
    headers: Vec<Header>,
) -> Result<Append, Error> {
    let key = Bytes::copy_from_slice(&about.0.to_be_bytes());
    Ok(Append { to: Topic::Gateway(gateway).partition(Partition(0)), key, value: record.encode()?, headers })
}
